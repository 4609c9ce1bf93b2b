//! What a row must be to stand in a list: the filters of v1's lists and search, of v2's lists, and of dynamic groups.

use std::borrow::Cow;
use std::cmp::Ordering;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{Refusal, bad_request};
use crate::wire::Call;

type Object = Map<String, Value>;

/// Conditions on the fields of a row.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// One condition.
#[derive(Debug)]
pub(super) enum Condition {
    /// A comparison with the text of a field.
    Compare {
        field: String,
        operator: Operator,
        operands: Vec<String>,
    },
    Matches {
        field: String,
        pattern: Regex,
    },
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    In,
    NotIn,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    StartsWith,
}

impl Filter {
    /// `filter=…`, `filter[0]=…` for all of several, `filter[or][0]=…` for any of them.
    pub(super) fn from_query(call: &Call) -> Result<Self, Refusal> {
        let (mut all, mut any) = (Vec::new(), Vec::new());
        for (name, value) in &call.query {
            if name.starts_with("filter[or][") {
                any.push(Condition::from_text(value)?);
            } else if name == "filter" || name.starts_with("filter[") {
                all.push(Condition::from_text(value)?);
            }
        }
        match (all.is_empty(), any.is_empty()) {
            (_, true) => Ok(Self::All(all)),
            (true, false) => Ok(Self::Any(any)),
            (false, false) => Err(bad_request("filter mixes `and` with `or`")),
        }
    }

    /// `filter=field:operator:value` of v2; several stand between commas, and all of them must hold.
    pub(super) fn from_v2(call: &Call, fields: &[&str]) -> Result<Self, Refusal> {
        let asked = call.query.iter().filter(|(name, _)| name == "filter");
        let conditions = asked.flat_map(|(_, text)| text.split(','));
        let conditions = conditions.map(|text| Condition::from_v2_text(text, fields));
        Ok(Self::All(conditions.collect::<Result<_, _>>()?))
    }

    /// The query of a dynamic group: `{"queryType": "FilterQuery", "filters": [{"field", "operator", "value"}]}`.
    pub(super) fn from_member_query(query: &Value) -> Result<Self, Refusal> {
        let malformed = || bad_request("memberQuery must be a FilterQuery with filters");
        let filters = query.get("filters").and_then(Value::as_array);
        let (Some("FilterQuery"), Some(filters)) =
            (query.get("queryType").and_then(Value::as_str), filters)
        else {
            return Err(malformed());
        };
        let conditions = filters.iter().map(|filter| {
            let text = |name: &str| filter.get(name).and_then(Value::as_str);
            let (field, operator) = text("field").zip(text("operator")).ok_or_else(malformed)?;
            let value = text_of(filter.get("value"));
            Condition::of_v2(field, operator, &value).ok_or_else(malformed)
        });
        Ok(Self::All(conditions.collect::<Result<_, _>>()?))
    }

    /// An object with `and` or `or`, or a list, which means `and`.
    pub(super) fn from_body(filter: Option<&Value>) -> Result<Self, Refusal> {
        match filter {
            None | Some(Value::Null) => Ok(Self::All(Vec::new())),
            Some(Value::Array(all)) => Ok(Self::All(conditions(all)?)),
            Some(Value::Object(object)) => match (object.get("and"), object.get("or")) {
                (Some(Value::Array(all)), None) => Ok(Self::All(conditions(all)?)),
                (None, Some(Value::Array(any))) => Ok(Self::Any(conditions(any)?)),
                _ => Err(bad_request(
                    "filter must have one of `and` and `or`, a list",
                )),
            },
            Some(_) => Err(bad_request("filter must be an object or a list")),
        }
    }

    pub(super) fn holds(&self, user: &Object) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(user)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(user)),
        }
    }
}

fn conditions(rows: &[Value]) -> Result<Vec<Condition>, Refusal> {
    let mut conditions = Vec::new();
    for row in rows {
        match row {
            Value::String(text) => conditions.push(Condition::from_text(text)?),
            Value::Object(fields) => {
                for (field, expected) in fields {
                    conditions.push(Condition::from_value(field, expected)?);
                }
            }
            _ => return Err(bad_request("filter must hold objects or strings")),
        }
    }
    Ok(conditions)
}

impl Condition {
    /// `field:$operator:value`.
    fn from_text(text: &str) -> Result<Self, Refusal> {
        let malformed = || bad_request(&format!("invalid filter: {text}"));
        let mut parts = text.splitn(3, ':');
        let (Some(field), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let field = field.to_owned();
        let one = vec![value.to_owned()];
        let (operator, operands) = match operator {
            "$eq" => (Operator::In, one),
            "$ne" => (Operator::NotIn, one),
            "$in" => (Operator::In, alternatives(value)),
            "$nin" => (Operator::NotIn, alternatives(value)),
            "$lt" => (Operator::Less, one),
            "$lte" => (Operator::LessOrEqual, one),
            "$gt" => (Operator::Greater, one),
            "$gte" => (Operator::GreaterOrEqual, one),
            "$sw" => (Operator::StartsWith, one),
            "$regex" => {
                let pattern = compile(&without_slashes(value))?;
                return Ok(Self::Matches { field, pattern });
            }
            _ => return Err(malformed()),
        };
        Ok(Self::Compare {
            field,
            operator,
            operands,
        })
    }

    fn from_v2_text(text: &str, fields: &[&str]) -> Result<Self, Refusal> {
        let malformed = || bad_request(&format!("invalid filter: {text}"));
        let (field, rest) = text.split_once(':').ok_or_else(malformed)?;
        let (operator, value) = rest.split_once(':').ok_or_else(malformed)?;
        if !fields.contains(&field) {
            return Err(bad_request(&format!("{field} cannot be filtered by")));
        }
        Self::of_v2(field, operator, value).ok_or_else(malformed)
    }

    /// The operators of v2, without `between`, which nobody needs here; `*` stands for any text.
    fn of_v2(field: &str, operator: &str, value: &str) -> Option<Self> {
        let field = field.to_owned();
        let escaped = regex_lite::escape(value);
        let pattern = match operator {
            "eq" if value.contains('*') => Some(format!("^{}$", escaped.replace("\\*", ".*"))),
            "search" => Some(format!("(?i){escaped}")),
            _ => None,
        };
        if let Some(pattern) = pattern {
            let pattern = Regex::new(&pattern).ok()?;
            return Some(Self::Matches { field, pattern });
        }
        let operator = match operator {
            "eq" | "in" => Operator::In,
            "ne" => Operator::NotIn,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            _ => return None,
        };
        let operands = match operator {
            Operator::In => alternatives(value),
            _ => vec![value.to_owned()],
        };
        Some(Self::Compare {
            field,
            operator,
            operands,
        })
    }

    /// A plain value, or `{"$regex": "…"}`.
    fn from_value(field: &str, expected: &Value) -> Result<Self, Refusal> {
        let field = field.to_owned();
        match expected {
            Value::Object(operator) => {
                let Some(Value::String(pattern)) = operator.get("$regex") else {
                    return Err(bad_request(
                        "the only operator of a search filter is `$regex`",
                    ));
                };
                let pattern = compile(pattern)?;
                Ok(Self::Matches { field, pattern })
            }
            plain => Ok(Self::Compare {
                field,
                operator: Operator::In,
                operands: vec![text_of(Some(plain)).into_owned()],
            }),
        }
    }

    pub(super) fn holds(&self, user: &Object) -> bool {
        match self {
            Self::Compare {
                field,
                operator,
                operands,
            } => {
                let value = text_of(user.get(field));
                match operator {
                    Operator::In => operands.iter().any(|operand| value == operand.as_str()),
                    Operator::NotIn => operands.iter().all(|operand| value != operand.as_str()),
                    Operator::Less => compare_any(&value, operands, Ordering::is_lt),
                    Operator::LessOrEqual => compare_any(&value, operands, Ordering::is_le),
                    Operator::Greater => compare_any(&value, operands, Ordering::is_gt),
                    Operator::GreaterOrEqual => compare_any(&value, operands, Ordering::is_ge),
                    Operator::StartsWith => operands
                        .iter()
                        .any(|operand| value.starts_with(operand.as_str())),
                }
            }
            Self::Matches { field, pattern } => pattern.is_match(&text_of(user.get(field))),
        }
    }
}

fn compare_any(value: &str, operands: &[String], wanted: impl Fn(Ordering) -> bool) -> bool {
    operands
        .iter()
        .any(|operand| wanted(compare(value, operand)))
}

/// Numbers by size, everything else as text; RFC 3339 times order as text.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// A field as text: unset ones are empty.
pub(super) fn text_of(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// Terms separated by `|`; `\|` is that character itself.
fn alternatives(value: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut chars = value.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, terms.last_mut()) {
            ('\\', Some(term)) if chars.next_if_eq(&'|').is_some() => term.push('|'),
            ('|', _) => terms.push(String::new()),
            (char, Some(term)) => term.push(char),
            (_, None) => {}
        }
    }
    terms
}

/// `/pattern/i` as `(?i)pattern`.
fn without_slashes(text: &str) -> Cow<'_, str> {
    match text
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
    {
        Some((pattern, "i")) => Cow::Owned(format!("(?i){pattern}")),
        Some((pattern, "")) => Cow::Borrowed(pattern),
        _ => Cow::Borrowed(text),
    }
}

fn compile(pattern: &str) -> Result<Regex, Refusal> {
    Regex::new(pattern).map_err(|error| bad_request(&format!("invalid $regex: {error}")))
}

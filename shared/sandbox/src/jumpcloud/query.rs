//! What a list of users holds: filter, search, order, page and fields, from a query or from a search body.

use std::borrow::Cow;
use std::cmp::Ordering;

use fastrand::Rng;
use regex_lite::Regex;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{JumpCloudRules, Refusal, bad_request, json_object};
use crate::wire::Call;

type Object = Map<String, Value>;

/// The documented maximum of lists; the search route is known to take ten times as many.
pub(super) const MAXIMUM_LIMIT: usize = 100;
const MAXIMUM_SEARCH_LIMIT: usize = 1000;
pub(super) const DEFAULT_LIMIT: usize = 10;

/// Which users, in which order, and which of their fields.
#[derive(Debug)]
pub(super) struct Listing {
    filter: Filter,
    search: Option<TextSearch>,
    sort: Vec<SortKey>,
    fields: Vec<String>,
    skip: usize,
    limit: usize,
    /// Search results show memberships, lists do not.
    with_memberships: bool,
}

/// One page, as it is sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    total_count: usize,
    results: Vec<Cow<'a, Object>>,
}

#[derive(Debug)]
enum Filter {
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Debug)]
enum Condition {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    StartsWith,
}

/// Any term in any field.
#[derive(Debug)]
struct TextSearch {
    terms: Vec<String>,
    fields: Vec<String>,
}

#[derive(Debug)]
struct SortKey {
    field: String,
    descending: bool,
}

impl Listing {
    /// From the query of `GET /systemusers`.
    pub(super) fn from_query(call: &Call, rules: &JumpCloudRules) -> Result<Self, Refusal> {
        let limit = number(call.parameter("limit"), DEFAULT_LIMIT, "limit")?;
        if limit > MAXIMUM_LIMIT && rules.enforces_maximum_limit {
            return Err(too_many(MAXIMUM_LIMIT));
        }
        Ok(Self {
            filter: Filter::from_query(call)?,
            search: None,
            sort: sort_keys(call.parameter("sort").unwrap_or_default()),
            fields: field_list(call.parameter("fields")),
            skip: number(call.parameter("skip"), 0, "skip")?,
            limit,
            with_memberships: false,
        })
    }

    /// From the body of `POST /search/systemusers`; clients send paging there, in the query, or in both.
    pub(super) fn from_body(call: &Call) -> Result<Self, Refusal> {
        let body = json_object(call)?;
        let paging = |name: &str, default| match body.get(name) {
            Some(value) => value
                .as_u64()
                .and_then(|value| usize::try_from(value).ok())
                .ok_or_else(|| bad_request(&format!("{name} must be a whole number"))),
            None => number(call.parameter(name), default, name),
        };
        let limit = paging("limit", DEFAULT_LIMIT)?;
        if limit > MAXIMUM_SEARCH_LIMIT {
            return Err(too_many(MAXIMUM_SEARCH_LIMIT));
        }
        Ok(Self {
            filter: Filter::from_body(body.get("filter"))?,
            search: body.get("searchFilter").map(TextSearch::from_body),
            sort: sort_keys(body.get("sort").and_then(Value::as_str).unwrap_or_default()),
            fields: words(body.get("fields")),
            skip: paging("skip", 0)?,
            limit,
            with_memberships: true,
        })
    }

    /// The page of these users, who come by id; without a sort key, in any order.
    pub(super) fn page<'a>(
        &self,
        users: impl Iterator<Item = &'a Object>,
        shuffle: Option<&mut Rng>,
    ) -> Page<'a> {
        let mut rows: Vec<&Object> = users.filter(|user| self.holds(user)).collect();
        match (self.sort.as_slice(), shuffle) {
            ([], Some(rng)) => rng.shuffle(&mut rows),
            ([], None) => {}
            ([key], _) if key.is_id() && !key.descending => {}
            (keys, _) => rows.sort_by(|left, right| order(keys, left, right)),
        }
        Page {
            total_count: rows.len(),
            results: rows
                .into_iter()
                .skip(self.skip)
                .take(self.limit)
                .map(|user| self.show(user))
                .collect(),
        }
    }

    fn holds(&self, user: &Object) -> bool {
        self.filter.holds(user) && self.search.as_ref().is_none_or(|search| search.finds(user))
    }

    fn show<'a>(&self, user: &'a Object) -> Cow<'a, Object> {
        let mut row = project(user, &self.fields);
        if self.with_memberships && self.fields.is_empty() {
            row.to_mut()
                .insert("memberof".to_owned(), Value::Array(Vec::new()));
        }
        row
    }
}

/// The fields asked for, and the ids; everything when none is asked for.
pub(super) fn project<'a>(user: &'a Object, fields: &[String]) -> Cow<'a, Object> {
    if fields.is_empty() {
        return Cow::Borrowed(user);
    }
    let asked =
        |name: &str| matches!(name, "_id" | "id") || fields.iter().any(|field| field == name);
    let kept = user.iter().filter(|(name, _)| asked(name));
    Cow::Owned(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// Field names, separated by spaces.
pub(super) fn field_list(text: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

impl Filter {
    /// `filter=…`, `filter[0]=…` for all of several, `filter[or][0]=…` for any of them.
    fn from_query(call: &Call) -> Result<Self, Refusal> {
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

    /// An object with `and` or `or`, or a list, which means `and`.
    fn from_body(filter: Option<&Value>) -> Result<Self, Refusal> {
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

    fn holds(&self, user: &Object) -> bool {
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

    fn holds(&self, user: &Object) -> bool {
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

impl TextSearch {
    fn from_body(search: &Value) -> Self {
        let terms = match search.get("searchTerm") {
            Some(Value::Array(terms)) => terms.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(term)) => vec![term.as_str()],
            _ => Vec::new(),
        };
        Self {
            terms: terms.into_iter().map(str::to_lowercase).collect(),
            fields: words(search.get("fields")),
        }
    }

    fn finds(&self, user: &Object) -> bool {
        self.fields.iter().any(|field| {
            let value = text_of(user.get(field)).to_lowercase();
            self.terms.iter().any(|term| value.contains(term))
        })
    }
}

impl SortKey {
    fn is_id(&self) -> bool {
        matches!(self.field.as_str(), "_id" | "id")
    }
}

/// Sort keys, separated by spaces; `-` before a key means descending.
fn sort_keys(text: &str) -> Vec<SortKey> {
    let key = |word: &str| {
        let descending = word.starts_with('-');
        SortKey {
            field: word.trim_start_matches('-').to_owned(),
            descending,
        }
    };
    text.split_whitespace().map(key).collect()
}

fn order(keys: &[SortKey], left: &Object, right: &Object) -> Ordering {
    keys.iter()
        .map(|key| {
            let ordering = compare(
                &text_of(left.get(&key.field)),
                &text_of(right.get(&key.field)),
            );
            if key.descending {
                ordering.reverse()
            } else {
                ordering
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_any(value: &str, operands: &[String], wanted: impl Fn(Ordering) -> bool) -> bool {
    operands
        .iter()
        .any(|operand| wanted(compare(value, operand)))
}

/// Numbers by size, everything else as text; RFC 3339 times order as text.
fn compare(left: &str, right: &str) -> Ordering {
    match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// A field as text: unset ones are empty.
fn text_of(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// Words of a string, or the strings of a list.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        other => field_list(other.and_then(Value::as_str)),
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

pub(super) fn number(text: Option<&str>, default: usize, name: &str) -> Result<usize, Refusal> {
    match text {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            bad_request(&format!(
                "Bad Request: request parameter \"{name}\" must be a whole number"
            ))
        }),
    }
}

pub(super) fn too_many(maximum: usize) -> Refusal {
    bad_request(&format!(
        "Bad Request: request parameter \"limit\" exceeds maximum value of {maximum}"
    ))
}

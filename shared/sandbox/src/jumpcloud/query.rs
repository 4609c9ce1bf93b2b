//! What a list of users holds: filter, search, order, page and fields, from a query or from a search body; how a filter is
//! understood stands in `filter`.

use std::borrow::Cow;
use std::cmp::Ordering;

use fastrand::Rng;
use serde::Serialize;
use serde_json::{Map, Value};

use super::filter::{Filter, compare, text_of};
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

/// Any term in any field.
#[derive(Debug)]
struct TextSearch {
    terms: Vec<String>,
    fields: Vec<String>,
}

#[derive(Debug)]
pub(super) struct SortKey {
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
            sort: sort_keys(call.parameter("sort"), " "),
            fields: field_list(call.parameter("fields"), " "),
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
            sort: sort_keys(body.get("sort").and_then(Value::as_str), " "),
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
        memberof: impl Fn(&str) -> Value,
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
                .map(|user| self.show(user, &memberof))
                .collect(),
        }
    }

    fn holds(&self, user: &Object) -> bool {
        self.filter.holds(user) && self.search.as_ref().is_none_or(|search| search.finds(user))
    }

    fn show<'a>(&self, user: &'a Object, memberof: impl Fn(&str) -> Value) -> Cow<'a, Object> {
        let mut row = project(user, &self.fields);
        if self.with_memberships && self.fields.is_empty() {
            let id = text_of(user.get("_id"));
            row.to_mut().insert("memberof".to_owned(), memberof(&id));
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

/// Field names: separated by spaces in v1, by commas in v2.
pub(super) fn field_list(text: Option<&str>, separator: &str) -> Vec<String> {
    let names = text.unwrap_or_default().split(separator).map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
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

/// Sort keys, separated as field names are; `-` before a key means descending.
pub(super) fn sort_keys(text: Option<&str>, separator: &str) -> Vec<SortKey> {
    let key = |word: String| SortKey {
        descending: word.starts_with('-'),
        field: word.trim_start_matches('-').to_owned(),
    };
    field_list(text, separator).into_iter().map(key).collect()
}

pub(super) fn order(keys: &[SortKey], left: &Object, right: &Object) -> Ordering {
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

/// Words of a string, or the strings of a list.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        other => field_list(other.and_then(Value::as_str), " "),
    }
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

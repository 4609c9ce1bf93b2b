//! Queries: what a query string or a `SearchRequest` asks for, the order of the answer, and the `ListResponse` (RFC 7644
//! §3.4.2, §3.4.3; cursors by RFC 9865). The filter stays text here.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    error::{ScimError, ScimType},
    patch::{member, require_schema},
    projection::Projection,
    resource::Resource,
    schema::{Attribute, AttributePath, Kind, ResourceType, Returned},
};

#[cfg(test)]
mod tests;

/// The most resources in one answer, and how many there are when a client does not say; JumpCloud's own limit.
pub const MAX_PAGE: u64 = 100;
/// How long a cursor holds, in seconds.
pub const CURSOR_TIMEOUT_SECONDS: i64 = 3600;

const SEARCH_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const LIST_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A query, checked.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// The filter as sent.
    pub filter: Option<String>,
    /// The order, where the client wants one.
    pub sort: Option<Sort>,
    /// The part of the answer that is wanted.
    pub page: Page,
    /// Which attributes.
    pub projection: Projection,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
    /// Digest of what a cursor is bound to: it goes on with its own query and no other.
    query: String,
}

/// An order of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What the resources are compared by: never complex, never a part of what is never returned.
    pub by: AttributePath,
    /// The other way round.
    pub descending: bool,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// By index (RFC 7644 §3.4.2.4).
    Index {
        /// The first resource, counted from 1.
        start_index: u64,
        /// Resources at most; 0 asks for the total alone.
        count: u64,
    },
    /// By cursor (RFC 9865).
    Cursor {
        /// Where to go on, as it was given to [`ListRequest::cursor`]; none is the beginning.
        position: Option<String>,
        /// Resources at most, at least 1.
        count: u64,
    },
}

/// Where an answer stands in the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// The index of its first resource, counted from 1.
    Index(u64),
    /// The cursor of what follows, if anything does.
    Cursor(Option<String>),
}

/// The parameters as sent; arrays of a `SearchRequest` are joined by commas, as a query string has them.
#[derive(Default)]
struct Parameters {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

/// The projection that the query string of a request for a single resource asks for.
pub fn projection(
    query: &str,
    resource_type: &'static ResourceType,
) -> Result<Projection, ScimError> {
    Parameters::from_query(query)?.projection(resource_type)
}

impl ListRequest {
    /// Reads a query string. Unknown parameters are ignored, repeated ones refused but for lists of names.
    pub fn from_query(
        query: &str,
        resource_type: &'static ResourceType,
        now: Timestamp,
    ) -> Result<Self, ScimError> {
        Self::new(Parameters::from_query(query)?, resource_type, now)
    }

    /// Reads the body of a `POST …/.search`.
    pub fn from_search(
        body: &Value,
        resource_type: &'static ResourceType,
        now: Timestamp,
    ) -> Result<Self, ScimError> {
        Self::new(Parameters::from_search(body)?, resource_type, now)
    }

    fn new(
        parameters: Parameters,
        resource_type: &'static ResourceType,
        now: Timestamp,
    ) -> Result<Self, ScimError> {
        let query = parameters.digest(resource_type);
        Ok(Self {
            sort: parameters.sort(resource_type)?,
            page: parameters.page(&query, now)?,
            projection: parameters.projection(resource_type)?,
            filter: parameters.filter,
            attributes: parameters.attributes,
            excluded_attributes: parameters.excluded_attributes,
            query,
        })
    }

    /// The attributes of another type that the same request asks for.
    pub fn projection_of(
        &self,
        resource_type: &'static ResourceType,
    ) -> Result<Projection, ScimError> {
        let (attributes, excluded) = (&self.attributes, &self.excluded_attributes);
        Projection::parse(attributes.as_deref(), excluded.as_deref(), resource_type)
    }

    /// The cursor that lets this query go on at `position`, whatever that is to the caller.
    ///
    /// Nothing is stored and nothing in it is secret: the digest tells a cursor that was cut, changed or moved to another
    /// query, and whoever forges one reaches only what a list shows anyway. So `position` may come back as any text.
    pub fn cursor(&self, position: &str, now: Timestamp) -> String {
        cursor(&self.query, position, now.as_second())
    }
}

impl Parameters {
    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        let slots = [
            ("filter", &mut self.filter),
            ("sortBy", &mut self.sort_by),
            ("sortOrder", &mut self.sort_order),
            ("startIndex", &mut self.start_index),
            ("count", &mut self.count),
            ("cursor", &mut self.cursor),
            ("attributes", &mut self.attributes),
            ("excludedAttributes", &mut self.excluded_attributes),
        ];
        slots
            .into_iter()
            .find_map(|(known, slot)| known.eq_ignore_ascii_case(name).then_some(slot))
    }

    fn from_query(query: &str) -> Result<Self, ScimError> {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match parameters.slot(&name) {
                None => {}
                Some(slot @ None) => *slot = Some(value.into_owned()),
                // Names may come in one parameter or in one each.
                Some(Some(names)) if name.to_ascii_lowercase().ends_with("attributes") => {
                    names.push(',');
                    names.push_str(&value);
                }
                Some(Some(_)) => {
                    return Err(ScimError::value(format!("`{name}` is given twice")));
                }
            }
        }
        Ok(parameters)
    }

    fn from_search(body: &Value) -> Result<Self, ScimError> {
        let body = body
            .as_object()
            .ok_or_else(|| ScimError::syntax("the body must be a JSON object"))?;
        let schemas = member(body, "schemas").unwrap_or(&Value::Null);
        require_schema(schemas, SEARCH_REQUEST_URN)?;
        let mut parameters = Self::default();
        for (name, value) in body {
            if let Some(slot) = parameters.slot(name) {
                *slot = search_value(name, value)?;
            }
        }
        Ok(parameters)
    }

    /// A cursor is bound to what decides which resources come in which order, not to the page size or the attributes.
    fn digest(&self, resource_type: &ResourceType) -> String {
        let bound = json!([
            resource_type.name,
            self.filter,
            self.sort_by,
            self.sort_order
        ]);
        hex::encode(Sha256::digest(bound.to_string()))
    }

    fn sort(&self, resource_type: &'static ResourceType) -> Result<Option<Sort>, ScimError> {
        let descending = match self.sort_order.as_deref() {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                return Err(ScimError::value(
                    "`sortOrder` must be `ascending` or `descending`",
                ));
            }
        };
        let sort_by = match self.sort_by.as_deref() {
            None | Some("") => return Ok(None),
            Some(sort_by) => sort_by,
        };
        let path = resource_type
            .find(sort_by)
            .ok_or_else(|| ScimError::value("`sortBy` names no attribute of this resource type"))?;
        Ok(Some(Sort {
            by: sortable(path)?,
            descending,
        }))
    }

    fn page(&self, query: &str, now: Timestamp) -> Result<Page, ScimError> {
        let start_index = number("startIndex", self.start_index.as_deref())?;
        let count = number("count", self.count.as_deref())?
            .unwrap_or(MAX_PAGE)
            .min(MAX_PAGE);
        match (self.cursor.as_deref(), start_index) {
            (None, start_index) => Ok(Page::Index {
                start_index: start_index.unwrap_or(1).max(1),
                count,
            }),
            (Some(_), Some(_)) => Err(ScimError::value(
                "only one of `cursor` and `startIndex` may be given",
            )),
            (Some(_), None) if count == 0 => Err(ScimError::invalid(
                ScimType::InvalidCount,
                "`count` must be at least 1 with a cursor",
            )),
            (Some(cursor), None) => Ok(Page::Cursor {
                position: position(cursor, query, now)?,
                count,
            }),
        }
    }

    fn projection(&self, resource_type: &'static ResourceType) -> Result<Projection, ScimError> {
        Projection::parse(
            self.attributes.as_deref(),
            self.excluded_attributes.as_deref(),
            resource_type,
        )
    }
}

fn search_value(name: &str, value: &Value) -> Result<Option<String>, ScimError> {
    let misfit = || {
        ScimError::value(format!(
            "`{name}` must be a string, a number or an array of names"
        ))
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        // Not in the notation of an exponent, as JSON's larger numbers would be.
        Value::Number(number) => Ok(Some(match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        })),
        Value::Array(names) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Ok(Some(names.ok_or_else(misfit)?.join(",")))
        }
        Value::Bool(_) | Value::Object(_) => Err(misfit()),
    }
}

/// A whole number; below zero counts as zero (RFC 7644 §3.4.2.4), and what is too large as the largest.
fn number(name: &str, text: Option<&str>) -> Result<Option<u64>, ScimError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let below_zero = text.strip_prefix('-');
    let digits = below_zero.unwrap_or(text.strip_prefix('+').unwrap_or(text));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::value(format!("`{name}` must be a whole number")));
    }
    Ok(Some(match below_zero {
        Some(_) => 0,
        None => digits.parse().unwrap_or(u64::MAX),
    }))
}

/// What can be compared: for a complex attribute its `value` (RFC 7643 §2.4), else the client must name a part.
fn sortable(mut path: AttributePath) -> Result<AttributePath, ScimError> {
    if path.target().kind == Kind::Complex {
        path.sub = path.attribute.sub_attribute("value");
        if path.sub.is_none() {
            return Err(ScimError::value(format!(
                "`sortBy` must name a sub-attribute of `{path}`"
            )));
        }
    }
    // What is shown on request costs a call for each user, and `schemas` follows from the rest.
    let is_apart = |it: &Attribute| matches!(it.returned, Returned::Never | Returned::Request);
    if is_apart(path.attribute) || is_apart(path.target()) || path.attribute.name == "schemas" {
        return Err(ScimError::value(format!("nothing is sorted by `{path}`")));
    }
    Ok(path)
}

fn cursor(query: &str, position: &str, issued: i64) -> String {
    let position = hex::encode(position);
    let digest = Sha256::digest(format!("{query} {issued} {position}"));
    format!("{issued}.{position}.{}", hex::encode(digest))
}

/// Where a cursor goes on; the empty one asks for the first page (RFC 9865 §2).
fn position(text: &str, query: &str, now: Timestamp) -> Result<Option<String>, ScimError> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = || {
        let (issued, rest) = text.split_once('.')?;
        let (position, _) = rest.split_once('.')?;
        let issued: i64 = issued.parse().ok()?;
        let position = String::from_utf8(hex::decode(position).ok()?).ok()?;
        (cursor(query, &position, issued) == text).then_some((issued, position))
    };
    let (issued, position) = read().ok_or_else(|| {
        ScimError::invalid(
            ScimType::InvalidCursor,
            "`cursor` must be the `nextCursor` of an answer to the same query, or empty for the first page",
        )
    })?;
    if now.as_second().saturating_sub(issued) > CURSOR_TIMEOUT_SECONDS {
        return Err(ScimError::invalid(
            ScimType::ExpiredCursor,
            "`cursor` is too old: begin again with an empty one",
        ));
    }
    Ok(Some(position))
}

/// What a resource is sorted by. Without a value it comes last ascending and first descending (RFC 7644 §3.4.2.3).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Boolean(bool),
    Moment(Timestamp),
    Text(String),
    Absent,
}

/// Puts resources in order; those that are equal keep theirs.
pub fn sort(resources: &mut [Resource], sort: Sort) {
    sort_rows(resources, sort, |resource| resource);
}

/// Puts rows in the order of the resources in them; those that are equal keep theirs.
pub(crate) fn sort_rows<T>(rows: &mut [T], sort: Sort, resource: impl Fn(&T) -> &Resource) {
    if sort.descending {
        rows.sort_by_cached_key(|row| Reverse(sort_key(resource(row), sort.by)));
    } else {
        rows.sort_by_cached_key(|row| sort_key(resource(row), sort.by));
    }
}

fn sort_key(resource: &Resource, path: AttributePath) -> SortKey {
    let attributes = match path.extension {
        Some(urn) => resource.get(urn).and_then(Value::as_object),
        None => Some(resource),
    };
    let value = attributes
        .and_then(|attributes| attributes.get(path.attribute.name))
        .and_then(primary_or_first)
        .and_then(|value| match path.sub {
            Some(sub) => value.get(sub.name),
            None => Some(value),
        });
    match value {
        Some(Value::Bool(value)) => SortKey::Boolean(*value),
        Some(Value::String(text)) => text_key(text, path),
        _ => SortKey::Absent,
    }
}

fn primary_or_first(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(values) => values
            .iter()
            .find(|value| value.get("primary") == Some(&Value::Bool(true)))
            .or_else(|| values.first()),
        value => Some(value),
    }
}

fn text_key(text: &str, path: AttributePath) -> SortKey {
    let target = path.target();
    match text.parse() {
        Ok(moment) if target.kind == Kind::DateTime => SortKey::Moment(moment),
        _ if target.case_exact => SortKey::Text(text.to_owned()),
        _ => SortKey::Text(text.to_lowercase()),
    }
}

/// A `ListResponse`. `total` counts the whole answer, of which `resources` are this page.
pub fn list_response(resources: Vec<Resource>, total: u64, paging: Paging) -> Value {
    let mut response = Map::from_iter([
        ("schemas".to_owned(), json!([LIST_RESPONSE_URN])),
        ("totalResults".to_owned(), total.into()),
        ("itemsPerPage".to_owned(), resources.len().into()),
    ]);
    match paging {
        Paging::Index(start_index) => {
            response.insert("startIndex".to_owned(), start_index.into());
        }
        Paging::Cursor(Some(next)) => {
            response.insert("nextCursor".to_owned(), next.into());
        }
        Paging::Cursor(None) => {}
    }
    response.insert("Resources".to_owned(), resources.into());
    Value::Object(response)
}

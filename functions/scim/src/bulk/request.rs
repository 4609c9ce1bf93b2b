//! Reading a bulk request (RFC 7644 §3.7): what cannot be an operation refuses the whole, before anything is performed.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Map, Value};

use super::references::references;
use crate::discovery::MAX_BULK_OPERATIONS;
use crate::error::ScimError;
use crate::patch::{check_schemas, member};

const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The methods of bulk operations.
const METHODS: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// A bulk request.
#[derive(Debug)]
pub struct BulkRequest {
    /// The operations.
    pub(super) jobs: Vec<Job>,
    /// So many errors end it.
    pub(super) most_errors: usize,
}

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Where it stands in the request.
    pub(super) place: usize,
    pub(super) method: Method,
    /// The client's name for it.
    pub(super) bulk_id: Option<String>,
    /// The version that the resource must have.
    pub(super) version: Option<String>,
    /// Behind the base URL.
    pub(super) path: String,
    pub(super) data: Value,
    /// The operations whose resources it refers to.
    pub(super) refers_to: BTreeSet<String>,
    /// Whether it is all that the client asks for, or a part of that.
    pub(super) is_whole: bool,
}

impl BulkRequest {
    /// Reads the body.
    pub fn read(body: &Value) -> Result<Self, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::syntax("the body must be a JSON object"));
        };
        check_schemas(member(body, "schemas"), BULK_REQUEST_URN)?;
        let operations = match member(body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                let detail = "`Operations` must be an array of at least one operation";
                return Err(ScimError::syntax(detail));
            }
        };
        if operations.len() > MAX_BULK_OPERATIONS {
            return Err(ScimError::TooLarge(format!(
                "the request has {} operations, and may have at most {MAX_BULK_OPERATIONS} (`maxOperations`)",
                operations.len()
            )));
        }
        let jobs = operations
            .iter()
            .enumerate()
            .map(|(place, operation)| Job::read(place, operation))
            .collect::<Result<Vec<_>, _>>()?;
        check_unique(&jobs)?;
        Ok(Self {
            jobs,
            most_errors: most_errors(member(body, "failOnErrors"))?,
        })
    }
}

impl Job {
    fn read(place: usize, operation: &Value) -> Result<Self, ScimError> {
        let Value::Object(operation) = operation else {
            return Err(ScimError::syntax("an operation must be an object"));
        };
        let method = text(operation, "method")?.unwrap_or_default();
        let method = METHODS
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(&method))
            .ok_or_else(|| {
                ScimError::syntax("`method` must be `POST`, `PUT`, `PATCH` or `DELETE`")
            })?;
        let path = text(operation, "path")?
            .ok_or_else(|| ScimError::syntax("an operation needs a `path`"))?;
        let path = format!("/{}", path.trim_start_matches('/'));
        let data = member(operation, "data").cloned().unwrap_or_default();
        Ok(Self {
            place,
            method,
            bulk_id: text(operation, "bulkId")?,
            version: text(operation, "version")?,
            refers_to: references(&path, &data),
            path,
            data,
            is_whole: true,
        })
    }

    /// A part of the operation: what is done at this path, with this.
    pub(super) fn part(&self, method: Method, path: String, data: Value) -> Self {
        Self {
            method,
            refers_to: references(&path, &data),
            path,
            data,
            is_whole: false,
            ..self.clone()
        }
    }
}

fn text(operation: &Map<String, Value>, name: &str) -> Result<Option<String>, ScimError> {
    match member(operation, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(ScimError::syntax(format!("`{name}` must be a string"))),
    }
}

fn check_unique(jobs: &[Job]) -> Result<(), ScimError> {
    let mut seen = BTreeSet::new();
    let mut bulk_ids = jobs.iter().filter_map(|job| job.bulk_id.as_deref());
    match bulk_ids.find(|bulk_id| !seen.insert(*bulk_id)) {
        Some(bulk_id) => Err(ScimError::value(format!(
            "two operations have the `bulkId` `{bulk_id}`"
        ))),
        None => Ok(()),
    }
}

fn most_errors(given: Option<&Value>) -> Result<usize, ScimError> {
    match given {
        None | Some(Value::Null) => Ok(usize::MAX),
        Some(given) => given
            .as_u64()
            .filter(|most| *most > 0)
            .map(|most| usize::try_from(most).unwrap_or(usize::MAX))
            .ok_or_else(|| ScimError::value("`failOnErrors` must be a whole number from 1")),
    }
}

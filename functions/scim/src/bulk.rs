//! `POST /Bulk` (RFC 7644 §3.7): operations in their order, one at a time.
//!
//! One that refers to a resource that a later one makes waits for that one. Those that refer to one another are first made
//! without these references, which are then added (§3.7.1). Nothing is known here of users and groups.

mod references;
mod request;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::references::{resolve, without};
pub use self::request::BulkRequest;
use self::request::Job;
use crate::error::ScimError;
use crate::operation::{Operation, Reply, Target};
use crate::patch::PATCH_OP_URN;
use crate::resource;
use crate::service::Call;
use crate::version::Precondition;

#[cfg(test)]
mod tests;

const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// No operation is begun with less time than this left: it may take several requests.
const LEAST_TIME: Duration = Duration::from_secs(6);

/// When to come back with what was not performed.
const LATER_SECONDS: u64 = 1;

/// Answers tell where a resource is and its version, not the resource: nothing more is read for them.
const QUERY: &str = "attributes=id";

/// `POST /Bulk`.
pub(crate) async fn perform(
    call: &Call<'_>,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let BulkRequest { jobs, most_errors } =
        BulkRequest::read(&resource::parse_json(operation.body)?)?;
    let mut bulk = Bulk::of(&jobs);
    let mut pending = VecDeque::from(jobs);
    while bulk.failed.len() < most_errors
        && let Some(job) = bulk.next(&mut pending)
    {
        let outcome = if Instant::now() + LEAST_TIME < call.deadline {
            bulk.perform(call, &job).await
        } else {
            Err(not_performed())
        };
        bulk.note(call, &job, outcome);
        // Nothing is added to what was not made.
        pending.retain(|later| !bulk.failed.contains(&later.place));
    }
    let results: Vec<Value> = bulk.results.into_values().map(Value::Object).collect();
    Ok(Reply::ok(
        json!({"schemas": [BULK_RESPONSE_URN], "Operations": results}),
    ))
}

/// How far a bulk request is.
#[derive(Default)]
struct Bulk {
    /// The `bulkId`s of the request.
    declared: BTreeSet<String>,
    /// Those whose operations are done, with the ids of their resources; without one where the operation failed.
    done: BTreeMap<String, Option<String>>,
    /// What became of the operations, by their places.
    results: BTreeMap<usize, Map<String, Value>>,
    /// The places of those that failed.
    failed: BTreeSet<usize>,
}

impl Bulk {
    fn of(jobs: &[Job]) -> Self {
        Self {
            declared: jobs.iter().filter_map(|job| job.bulk_id.clone()).collect(),
            ..Self::default()
        }
    }

    /// Takes the first operation that need not wait for another one. Where all wait, one of them is begun.
    fn next(&self, pending: &mut VecDeque<Job>) -> Option<Job> {
        let is_ready = |job: &Job| self.awaited(job).is_empty();
        if let Some(position) = pending.iter().position(is_ready) {
            return pending.remove(position);
        }
        let job = pending.pop_front()?;
        let Some((first, rest)) = self.split(&job) else {
            return Some(job);
        };
        pending.push_front(rest);
        Some(first)
    }

    /// The references that will be known.
    fn awaited<'a>(&self, job: &'a Job) -> BTreeSet<&'a str> {
        let ids = job.refers_to.iter();
        ids.filter(|id| self.declared.contains(*id) && !self.done.contains_key(*id))
            .map(String::as_str)
            .collect()
    }

    /// A create without what it waits for, and the PATCH that adds this later.
    fn split(&self, job: &Job) -> Option<(Job, Job)> {
        let own = job
            .bulk_id
            .as_deref()
            .filter(|_| job.method == Method::POST)?;
        let (data, later) = without(&job.data, &self.awaited(job))?;
        let first = job.part(Method::POST, job.path.clone(), data);
        let path = format!("{}/bulkId:{own}", job.path.trim_end_matches('/'));
        let later =
            json!({"schemas": [PATCH_OP_URN], "Operations": [{"op": "add", "value": later}]});
        let rest = Job {
            version: None,
            ..job.part(Method::PATCH, path, later)
        };
        Some((first, rest))
    }

    async fn perform(&self, call: &Call<'_>, job: &Job) -> Result<Reply, ScimError> {
        let (mut path, mut data) = (job.path.clone(), job.data.clone());
        let mut id = |bulk_id: &str| self.id(bulk_id).map(str::to_owned);
        resolve(&mut path, &mut data, &mut id)?;
        let target = Target::parse(&path).filter(|target| {
            matches!(
                target,
                Target::Users | Target::User(_) | Target::Groups | Target::Group(_)
            )
        });
        let target = target.ok_or_else(|| {
            let detail = "a bulk operation has a `path` such as `/Users` or `/Groups/{id}`";
            ScimError::NotFound(detail.to_owned())
        })?;
        let body = data.to_string();
        let operation = Operation {
            method: job.method.clone(),
            target,
            query: if job.is_whole { QUERY } else { "" },
            body: body.as_bytes(),
            precondition: Precondition::parse(job.version.as_deref(), None),
        };
        let reply = Box::pin(call.perform_on_resources(&operation)).await?;
        let location = reply
            .location
            .or_else(|| Some(format!("{}{path}", call.base_url)));
        Ok(Reply { location, ..reply })
    }

    /// The id of the resource that an operation of this request made.
    fn id(&self, bulk_id: &str) -> Result<&str, ScimError> {
        match self.done.get(bulk_id) {
            Some(Some(id)) => Ok(id),
            Some(None) => Err(ScimError::Conflict(format!(
                "the operation that `bulkId:{bulk_id}` refers to failed"
            ))),
            None if self.declared.contains(bulk_id) => Err(ScimError::Conflict(format!(
                "`bulkId:{bulk_id}` refers to an operation that itself waits for this one"
            ))),
            None => Err(ScimError::value(format!(
                "no operation has the `bulkId` that `bulkId:{bulk_id}` refers to"
            ))),
        }
    }

    /// Notes what became of an operation. Of one that is done in parts, the first makes the resource: until the second is
    /// done too, the answer shows what it lacks.
    fn note(&mut self, call: &Call<'_>, job: &Job, outcome: Result<Reply, ScimError>) {
        let result = self.results.entry(job.place).or_insert_with(|| {
            let mut result = Map::from_iter([("method".to_owned(), json!(job.method.as_str()))]);
            if let Some(bulk_id) = &job.bulk_id {
                result.insert("bulkId".to_owned(), json!(bulk_id));
            }
            result
        });
        let is_made = result.contains_key("status");
        let made = match outcome {
            Ok(reply) => {
                let id = reply.location.as_deref().and_then(last_segment);
                let id = id.map(str::to_owned);
                if let Some(version) = reply.version {
                    result.insert("version".to_owned(), version.into());
                }
                if is_made {
                    result.remove("response");
                } else {
                    result.insert("location".to_owned(), json!(reply.location));
                    result.insert("status".to_owned(), reply.status.to_string().into());
                    let made = reply.body.filter(|_| !job.is_whole);
                    result.extend(made.map(|made| ("response".to_owned(), made)));
                }
                id
            }
            // A client that took the resource for not made would make another.
            Err(_) if is_made => {
                self.failed.insert(job.place);
                None
            }
            Err(error) => {
                if job.method != Method::POST {
                    let location = format!("{}{}", call.base_url, job.path);
                    result.entry("location").or_insert(location.into());
                }
                result.insert("status".to_owned(), error.status().to_string().into());
                result.insert("response".to_owned(), error.body());
                self.failed.insert(job.place);
                None
            }
        };
        if let Some(bulk_id) = &job.bulk_id {
            self.done.entry(bulk_id.clone()).or_insert(made);
        }
    }
}

fn last_segment(location: &str) -> Option<&str> {
    location.trim_end_matches('/').rsplit('/').next()
}

fn not_performed() -> ScimError {
    ScimError::Unavailable {
        detail: "this operation was not performed, because time ran out: send it again".to_owned(),
        retry_after: LATER_SECONDS,
    }
}

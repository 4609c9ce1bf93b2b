//! What the routes of v2 have in common: lists are bare arrays, and the total stands in a header.

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::Value;

use super::query::{DEFAULT_LIMIT, MAXIMUM_LIMIT, number, too_many};
use super::{JumpCloudRules, Refusal};
use crate::wire::{Answer, Call};

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    skip: usize,
    limit: usize,
}

impl Part {
    pub(super) fn of(call: &Call, rules: &JumpCloudRules) -> Result<Self, Refusal> {
        let limit = number(call.parameter("limit"), DEFAULT_LIMIT, "limit")?;
        if limit > MAXIMUM_LIMIT && rules.enforces_maximum_limit {
            return Err(too_many(MAXIMUM_LIMIT));
        }
        let skip = number(call.parameter("skip"), 0, "skip")?;
        Ok(Self { skip, limit })
    }

    pub(super) fn take<T>(self, rows: Vec<T>) -> Vec<T> {
        rows.into_iter().skip(self.skip).take(self.limit).collect()
    }

    /// This part of the rows as an answer.
    pub(super) fn answer(self, rows: Vec<Value>) -> Answer {
        let total = rows.len();
        Answer::ok(&self.take(rows)).with_header(TOTAL, total)
    }
}

/// Done, and nothing to show.
pub(super) fn no_content() -> Answer {
    Answer::text(StatusCode::NO_CONTENT, "application/json", "")
}

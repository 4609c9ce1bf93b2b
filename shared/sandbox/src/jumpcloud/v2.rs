//! What the routes of v2 have in common: lists are bare arrays, and their total stands in a header.

use hyper::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::filter::Filter;
use super::query::{
    DEFAULT_LIMIT, MAXIMUM_LIMIT, SortKey, field_list, number, order, project, sort_keys, too_many,
};
use super::{JumpCloudRules, Refusal};
use crate::wire::{Answer, Call, TOTAL_COUNT};

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    skip: usize,
    limit: usize,
    counts: bool,
}

impl Part {
    pub(super) fn of(call: &Call, rules: &JumpCloudRules) -> Result<Self, Refusal> {
        let limit = number(call.parameter("limit"), DEFAULT_LIMIT, "limit")?;
        if limit > MAXIMUM_LIMIT && rules.enforces_maximum_limit {
            return Err(too_many(MAXIMUM_LIMIT));
        }
        let skip = number(call.parameter("skip"), 0, "skip")?;
        let counts = rules.counts_v2_lists;
        Ok(Self {
            skip,
            limit,
            counts,
        })
    }

    pub(super) fn take<T>(self, rows: Vec<T>) -> Vec<T> {
        rows.into_iter().skip(self.skip).take(self.limit).collect()
    }

    /// This part of the rows as an answer.
    pub(super) fn answer<T: Serialize>(self, rows: Vec<T>) -> Answer {
        let total = rows.len();
        let answer = Answer::ok(&self.take(rows));
        if self.counts {
            answer.with_header(TOTAL_COUNT, total)
        } else {
            answer
        }
    }
}

/// A list that can be filtered, sorted and trimmed.
#[derive(Debug)]
pub(super) struct List {
    filter: Filter,
    sort: Vec<SortKey>,
    fields: Vec<String>,
    part: Part,
}

impl List {
    /// `filterable` are the fields that a filter may name.
    pub(super) fn of(
        call: &Call,
        rules: &JumpCloudRules,
        filterable: &[&str],
    ) -> Result<Self, Refusal> {
        Ok(Self {
            filter: Filter::from_v2(call, filterable)?,
            sort: sort_keys(call.parameter("sort"), ","),
            fields: field_list(call.parameter("fields"), ","),
            part: Part::of(call, rules)?,
        })
    }

    /// What is asked for of these rows, who come by id.
    pub(super) fn answer(&self, rows: impl Iterator<Item = Map<String, Value>>) -> Answer {
        let mut rows: Vec<_> = rows.filter(|row| self.filter.holds(row)).collect();
        rows.sort_by(|left, right| order(&self.sort, left, right));
        let shown = rows.iter().map(|row| project(row, &self.fields));
        self.part.answer(shown.collect())
    }
}

/// Done, and nothing to show.
pub(super) fn no_content() -> Answer {
    Answer::text(StatusCode::NO_CONTENT, "application/json", "")
}

//! The part of an answer that is shown, taken from rows that come one by one. Pure.

use std::fmt;

use jiff::Timestamp;
use mapping::SystemUserId;

use crate::error::{ScimError, ScimType};
use crate::list::{ListRequest, Page, Paging, Sort, sort_rows};
use crate::resource::Resource;
use crate::users::Known;

/// A part of an answer.
pub(super) struct Part<T> {
    pub(super) rows: Vec<T>,
    /// Of the whole answer.
    pub(super) total: u64,
    /// Where the answer goes on, if it does.
    pub(super) next: Option<Position>,
}

/// Which part is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: Position,
    pub(super) count: usize,
    /// Whether the reader follows cursors and counts nothing.
    pub(super) by_cursor: bool,
}

/// Where a part begins. A user that comes or goes moves all that follow, so that a cursor names the last one shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// How many rows stand before it.
    pub(super) offset: usize,
    /// The user before it, in a list that is in the order of ids.
    pub(super) after: Option<SystemUserId>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offset)?;
        match &self.after {
            Some(id) => write!(f, " {id}"),
            None => Ok(()),
        }
    }
}

impl Position {
    fn parse(text: &str) -> Option<Self> {
        let (offset, after) = match text.split_once(' ') {
            Some((offset, id)) => (offset, Some(id.into())),
            None => (text, None),
        };
        Some(Self {
            offset: offset.parse().ok()?,
            after,
        })
    }
}

impl Slice {
    /// The part that a request asks for.
    pub(super) fn of(page: &Page) -> Result<Self, ScimError> {
        let to_size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(match page {
            Page::Index { start_index, count } => Self {
                start: Position {
                    offset: to_size(start_index.saturating_sub(1)),
                    after: None,
                },
                count: to_size(*count),
                by_cursor: false,
            },
            Page::Cursor { position, count } => Self {
                start: match position {
                    Some(text) => Position::parse(text).ok_or_else(|| {
                        let detail = "`cursor` is none of this service's";
                        ScimError::invalid(ScimType::InvalidCursor, detail)
                    })?,
                    None => Position::default(),
                },
                count: to_size(*count),
                by_cursor: true,
            },
        })
    }

    /// How many rows stand before the end of the part.
    pub(super) fn end(&self) -> usize {
        self.start.offset.saturating_add(self.count)
    }
}

/// How the answer to a request says where it stands.
pub(super) fn paging(request: &ListRequest, next: Option<Position>, now: Timestamp) -> Paging {
    match request.page {
        Page::Index { start_index, .. } => Paging::Index(start_index),
        Page::Cursor { .. } => {
            Paging::Cursor(next.map(|next| request.cursor(&next.to_string(), now)))
        }
    }
}

/// Keeps of the users that fit what the part needs, and counts them all.
pub(super) struct Window<'a> {
    slice: &'a Slice,
    sort: Option<Sort>,
    rows: Vec<(Known, Resource)>,
    total: usize,
    /// Whether rows follow that had no place.
    goes_on: bool,
}

impl<'a> Window<'a> {
    pub(super) fn new(slice: &'a Slice, sort: Option<Sort>) -> Self {
        Self {
            slice,
            sort,
            rows: Vec::new(),
            total: 0,
            goes_on: false,
        }
    }

    /// Takes the next user, in the order of ids.
    pub(super) fn take(&mut self, known: Known, resource: Resource) {
        let before = self.total;
        self.total += 1;
        let Slice { start, count, .. } = self.slice;
        if let Some(sort) = self.sort {
            self.rows.push((known, resource));
            let end = self.slice.end();
            // Sorting now and then keeps the time short, and what can no longer come into the part out of memory.
            if self.rows.len() > end.saturating_mul(2).max(1000) {
                sort_rows(&mut self.rows, sort, |(_, resource)| resource);
                self.rows.truncate(end);
            }
            return;
        }
        let is_before = match &start.after {
            Some(last) => known.user.id <= *last,
            None => before < start.offset,
        };
        if !is_before && self.rows.len() < *count {
            self.rows.push((known, resource));
        } else if !is_before {
            self.goes_on = true;
        }
    }

    /// The part.
    pub(super) fn finish(mut self) -> Part<Known> {
        let Slice { start, count, .. } = self.slice;
        let mut next = None;
        if let Some(sort) = self.sort {
            sort_rows(&mut self.rows, sort, |(_, resource)| resource);
            self.rows.drain(..start.offset.min(self.rows.len()));
            self.rows.truncate(*count);
            // Who asks for none gets no further by a cursor.
            if *count > 0 && self.total > self.slice.end() {
                next = Some(Position {
                    offset: self.slice.end(),
                    after: None,
                });
            }
        } else if self.goes_on {
            next = self.rows.last().map(|(known, _)| Position {
                offset: start.offset.saturating_add(self.rows.len()),
                after: Some(known.user.id.clone()),
            });
        }
        Part {
            rows: self.rows.into_iter().map(|(known, _)| known).collect(),
            total: self.total as u64,
            next,
        }
    }
}

#[cfg(test)]
mod tests;

//! Lists of many pages: whole or an error.
//!
//! It knows no route and no field but the ids by which the rows are told apart.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::Text;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{JumpCloud, NAME};
use crate::decode::{Misfit, Unreadable, decode_row};
use crate::error::ClientError;

/// The most rows that JumpCloud gives at once.
pub(super) const PAGE: usize = 100;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    /// How many rows the whole list has, where the vendor says so; JumpCloud always does for users.
    pub total: Option<usize>,
    /// The rows of this page.
    pub rows: Vec<T>,
}

/// A page whose rows have their ids beside them.
pub(super) struct Page<T> {
    pub(super) total: Option<usize>,
    pub(super) rows: Vec<(Text, T)>,
}

impl<T> From<Page<T>> for Rows<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            total: page.total,
            rows: page.rows.into_iter().map(|(_, row)| row).collect(),
        }
    }
}

/// What tells that the pages of one list do not overlap: pages that do may have lost a row.
pub(super) enum Seen {
    /// The list is sorted by id; this was the last one.
    Ascending(Option<Text>),
    /// The list has an order of its own; these were all of them.
    AnyOrder(BTreeSet<Text>),
}

impl Seen {
    fn admits(&mut self, id: Text) -> bool {
        match self {
            Self::Ascending(last) => {
                let rises = last.as_ref() < Some(&id);
                *last = Some(id);
                rises
            }
            Self::AnyOrder(ids) => ids.insert(id),
        }
    }
}

/// One pass over a list.
struct Walk {
    seen: Seen,
    total: Option<usize>,
    read: usize,
}

impl Walk {
    /// The rows of the next page, if it agrees with those before it.
    fn admit<T>(&mut self, page: Page<T>) -> Result<Vec<T>, ClientError> {
        if page.total != self.total {
            return Err(incomplete(format!(
                "its total went from {} to {}",
                shown(self.total),
                shown(page.total)
            )));
        }
        self.read += page.rows.len();
        page.rows
            .into_iter()
            .map(|(id, row)| {
                let admitted = self.seen.admits(id).then_some(row);
                admitted.ok_or_else(|| incomplete("ids repeat or are out of order".to_owned()))
            })
            .collect()
    }

    fn finish(self) -> Result<(), ClientError> {
        match self.total {
            Some(total) if total != self.read => Err(incomplete(format!(
                "its total is {total} and the pages hold {} rows",
                self.read
            ))),
            _ => Ok(()),
        }
    }
}

/// Hands over every page in its order, with the number of rows read so far and of all rows. On an error what was
/// handed over is not the list.
///
/// Pages are read `at_once` where the total is known, else one by one; a short page is the last one.
pub(super) async fn read_all<T, F>(
    seen: Seen,
    at_once: usize,
    page: impl Fn(usize) -> F,
    mut take: impl FnMut(Vec<T>, usize, usize),
) -> Result<(), ClientError>
where
    F: Future<Output = Result<Page<T>, ClientError>>,
{
    let mut current = page(0).await?;
    let total = current.total;
    let offsets = (PAGE..total.unwrap_or(usize::MAX)).step_by(PAGE);
    let mut later = stream::iter(offsets)
        .map(page)
        .buffered(if total.is_some() { at_once } else { 1 });
    let mut walk = Walk {
        seen,
        total,
        read: 0,
    };
    loop {
        let is_short = current.rows.len() < PAGE;
        let rows = walk.admit(current)?;
        take(rows, walk.read, total.unwrap_or(walk.read));
        if is_short {
            break;
        }
        match later.try_next().await? {
            Some(next) => current = next,
            None => break,
        }
    }
    walk.finish()
}

impl JumpCloud {
    /// Every row of a list that is not sorted by id.
    pub(super) async fn whole<T, F>(&self, page: impl Fn(usize) -> F) -> Result<Vec<T>, ClientError>
    where
        F: Future<Output = Result<Page<T>, ClientError>>,
    {
        twice(async || {
            let mut all = Vec::new();
            let seen = Seen::AnyOrder(BTreeSet::new());
            read_all(seen, self.http.concurrency(), &page, |rows, _, _| {
                all.extend(rows);
            })
            .await?;
            Ok(all)
        })
        .await
    }
}

/// Reads a list that contradicts itself once more: rows may come and go between two pages.
pub(super) async fn twice<T, F>(read: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    match read().await {
        Err(ClientError::Incomplete { .. }) => read().await,
        outcome => outcome,
    }
}

/// The rows of a page, every one of them readable. `kind` is what one of them is called, `id_field` where its id
/// stands.
pub(super) fn read_rows<T: DeserializeOwned>(
    rows: &[&RawValue],
    kind: &str,
    id_field: &str,
) -> Result<Vec<T>, Misfit> {
    rows.iter()
        .map(|row| decode_row(row, id_field).map_err(|row| misfit(kind, row)))
        .collect()
}

fn misfit(kind: &str, row: Unreadable) -> Misfit {
    let id = row.id.map_or_else(
        || format!("a {kind} without an id"),
        |id| format!("{kind} `{id}`"),
    );
    Misfit {
        reason: format!("{id}: {}", row.reason),
        garbled: false,
    }
}

pub(super) fn incomplete(reason: String) -> ClientError {
    ClientError::Incomplete {
        vendor: NAME,
        reason,
    }
}

fn shown(total: Option<usize>) -> String {
    total.map_or_else(|| "unknown".to_owned(), |total| total.to_string())
}

//! Parts of the list of all users, in the order of their ids: a page of JumpCloud's list each, without the users that are
//! hidden.
//!
//! Ids ascend in that list, so that a page tells how many hidden users stand before it, and which of them are gone.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

use clients::{Rows, UserQuery};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::SystemUserId;
use mapping::scim::DirectoryUser;

use super::add_records;
use super::scan::PAGE;
use super::window::{Part, Position, Slice};
use crate::error::ScimError;
use crate::service::{Call, while_changed};
use crate::users::Known;

/// No directory has more: further than this nobody need look.
const MOST_USERS: usize = 1 << 30;

/// The part that is wanted, with records if so.
pub(super) async fn read(
    call: &Call<'_>,
    slice: &Slice,
    with_records: bool,
) -> Result<Part<Known>, ScimError> {
    let mut part = while_changed(|| collect(call, slice)).await?;
    if with_records {
        add_records(call, &mut part.rows).await?;
    }
    Ok(part)
}

async fn collect(call: &Call<'_>, slice: &Slice) -> Result<Part<Known>, ScimError> {
    let Slice {
        start,
        count,
        by_cursor,
    } = slice;
    let from = start.offset.min(MOST_USERS);
    let mut users = AllUsers {
        call,
        limit: count.saturating_add(1).min(PAGE),
        hidden: call.state.hidden_users().await?,
        skip: 0,
        total: None,
    };
    let mut page = match &start.after {
        Some(last) => users.back_to(last, from).await?,
        None => users.forward_to(from).await?,
    };
    let mut rows: Vec<Known> = Vec::new();
    let mut end = from;
    loop {
        for (index, user) in page {
            let is_before = match &start.after {
                Some(last) => user.id <= *last,
                None => index < from,
            };
            if !is_before && rows.len() < *count {
                rows.push(Known::new(user, None));
                end = index + 1;
            }
        }
        let is_enough = rows.len() == *count || (*by_cursor && !rows.is_empty());
        if is_enough || users.is_end() {
            break;
        }
        page = users.next_page().await?;
    }
    let total = users.visible_total();
    let next = rows.last().filter(|_| end < total).map(|last| Position {
        offset: end,
        after: Some(last.user.id.clone()),
    });
    Ok(Part {
        rows,
        total: total as u64,
        next,
    })
}

/// Users who are not hidden, each with the number of those before it.
type Page = Vec<(usize, DirectoryUser)>;

/// JumpCloud's list while it is read.
struct AllUsers<'a> {
    call: &'a Call<'a>,
    limit: usize,
    hidden: BTreeSet<SystemUserId>,
    /// How many rows stand before the next page.
    skip: usize,
    /// Of the list, once a page was read.
    total: Option<usize>,
}

impl AllUsers<'_> {
    /// The page in which the users begin before whom so many stand.
    async fn forward_to(&mut self, from: usize) -> Result<Page, ScimError> {
        self.skip = from;
        loop {
            let begin = self.skip;
            let page = self.next_page().await?;
            if self.is_end() || page.last().is_some_and(|(index, _)| *index >= from) {
                return Ok(page);
            }
            // As many rows further as users are lacking, at least.
            let lacking = page.first().map_or(0, |(index, _)| from - index);
            self.skip = self.skip.max(begin + lacking);
        }
    }

    /// The page in which the users begin after this one, who was shown as the last of so many. It is read again, to see
    /// whether it still stands there.
    async fn back_to(&mut self, last: &SystemUserId, shown: usize) -> Result<Page, ScimError> {
        let mut begin = (shown + self.hidden_before(last)).saturating_sub(1);
        loop {
            self.skip = begin;
            let page = self.next_page().await?;
            if begin == 0 || page.first().is_some_and(|(_, user)| user.id <= *last) {
                return Ok(page);
            }
            // Users before it went away, and it moved up.
            begin = begin
                .saturating_sub(self.limit)
                .min(self.total.unwrap_or(begin));
        }
    }

    async fn next_page(&mut self) -> Result<Page, ScimError> {
        let query = UserQuery {
            skip: self.skip,
            limit: self.limit,
            ..UserQuery::default()
        };
        let Rows { total, rows } = self.call.jumpcloud.users_page(&query).await?;
        let total = total.unwrap_or(rows.len());
        if self
            .total
            .replace(total)
            .is_some_and(|before| before != total)
        {
            return Err(ScimError::Changed);
        }
        self.forget_gone(&rows, total).await?;
        let first = rows.first().map(|user: &DirectoryUser| &user.id);
        let before = first.map_or(0, |first| self.hidden_before(first));
        let index = self.skip.saturating_sub(before);
        // An empty page is the end, wherever it is.
        self.skip = if rows.is_empty() {
            total
        } else {
            self.skip + rows.len()
        };
        let visible = rows
            .into_iter()
            .filter(|user| !self.hidden.contains(&user.id));
        Ok((index..).zip(visible).collect())
    }

    fn is_end(&self) -> bool {
        self.total.is_some_and(|total| self.skip >= total)
    }

    fn visible_total(&self) -> usize {
        self.total.unwrap_or(0).saturating_sub(self.hidden.len())
    }

    /// How many hidden users stand before this one.
    fn hidden_before(&self, id: &SystemUserId) -> usize {
        self.hidden.range((Unbounded, Excluded(id))).count()
    }

    /// Forgets the hidden users that a page shows to be gone, each read once more by itself: forgetting is for good.
    async fn forget_gone(&mut self, rows: &[DirectoryUser], total: usize) -> Result<(), ScimError> {
        let (first, last) = (rows.first(), rows.last());
        let skip = self.skip;
        let is_last_page = skip + rows.len() == total;
        let is_covered = |id: &SystemUserId| {
            (skip == 0 || first.is_some_and(|first| *id > first.id))
                && (is_last_page || last.is_some_and(|last| *id < last.id))
        };
        let shown: BTreeSet<&SystemUserId> = rows.iter().map(|user| &user.id).collect();
        let jumpcloud = &self.call.jumpcloud;
        let missing = self.hidden.iter().cloned();
        let reads: Vec<_> = missing
            .filter(|id| is_covered(id) && !shown.contains(id))
            .take(PAGE)
            .map(async |id| Ok::<_, ScimError>((jumpcloud.user(&id).await?.is_none(), id)))
            .collect();
        let gone: BTreeSet<SystemUserId> = stream::iter(reads)
            .buffered(self.call.config.jumpcloud.concurrency)
            .try_filter_map(async |(is_gone, id)| Ok(is_gone.then_some(id)))
            .try_collect()
            .await?;
        if !gone.is_empty() {
            self.call.state.forget_hidden(&gone).await?;
            self.hidden.retain(|id| !gone.contains(id));
        }
        Ok(())
    }
}

//! Users that fit a filter, or in an order of their own: each that can fit is read once and looked at here, and no more of
//! them kept than are shown.
//!
//! A list that JumpCloud does not give whole is an error, never a shorter list.

use std::collections::{BTreeMap, BTreeSet};

use clients::{Rows, UserQuery};
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::SystemUserId;
use mapping::scim::DirectoryUser;
use state::{UserPointer, UserRecord};

use super::memberships::Memberships;
use super::source::Source;
use super::window::{Part, Slice, Window};
use super::{OF_RECORDS, add_records};
use crate::error::{ScimError, ScimType};
use crate::filter::Filter;
use crate::list::Sort;
use crate::service::{Call, while_changed};
use crate::users::{Known, rule};

/// The most rows that JumpCloud gives at once.
pub(super) const PAGE: usize = 100;

/// The part of those who fit that is wanted, with records if so.
pub(super) async fn read(
    call: &Call<'_>,
    filter: &Filter,
    sort: Option<Sort>,
    slice: &Slice,
    with_records: bool,
) -> Result<Part<Known>, ScimError> {
    let memberships = Memberships::read(call, filter).await?;
    let source = Source::of(filter, &memberships);
    let needs_records = OF_RECORDS.iter().any(|attribute| {
        filter.needs(attribute) || sort.is_some_and(|sort| sort.by.attribute.name == *attribute)
    });
    let mut part = while_changed(|| async {
        let mut window = Window::new(slice, sort);
        let take = |known: Known| {
            let mut resource = known.shown(call, rule(call));
            memberships.put(call, &known.user.id, &mut resource);
            if filter.matches(&resource) {
                window.take(known, resource);
            }
        };
        each(call, &source, needs_records, take).await?;
        Ok(window.finish())
    })
    .await?;
    if with_records && !(needs_records || source.gives_records()) {
        add_records(call, &mut part.rows).await?;
    }
    Ok(part)
}

/// Hands over all users of a source that are not hidden, in the order of their ids.
async fn each(
    call: &Call<'_>,
    source: &Source<'_>,
    needs_records: bool,
    mut take: impl FnMut(Known),
) -> Result<(), ScimError> {
    let client = &call.access.client;
    let pointer = match source {
        Source::ExternalId(id) => call.state.find_by_external_id(client, id).await?,
        Source::UserName(name) => call.state.find_by_user_name(client, name).await?,
        Source::These(ids) => {
            return by_ids(call, ids)
                .await
                .map(|rows| rows.into_iter().for_each(take));
        }
        Source::Search(query) => {
            let with_records = needs_records || source.gives_records();
            let hidden = if with_records {
                BTreeSet::new()
            } else {
                call.state.hidden_users().await?
            };
            let take = |known: Known| {
                if !hidden.contains(&known.user.id) && !is_hidden(&known) {
                    take(known);
                }
            };
            return walk(call, query, with_records, take).await;
        }
    };
    let Some(pointer) = pointer else {
        return Ok(());
    };
    let user: Option<DirectoryUser> = call.jumpcloud.user_as(&pointer.user_id).await?;
    if let Some(user) = user {
        // The pointer does not tell whether a client switched the user off.
        let record = if user.is_staged() {
            call.state.user_record(&user.id).await?
        } else {
            Some(record_of(call, pointer))
        };
        take(Known::new(user, record));
    }
    Ok(())
}

/// What a pointer tells of its user: as much as this client is shown.
fn record_of(call: &Call<'_>, pointer: UserPointer) -> UserRecord {
    let UserPointer {
        user_id,
        view,
        modified_at,
    } = pointer;
    UserRecord {
        views: BTreeMap::from([(call.access.client.clone(), view)]),
        modified_at,
        ..UserRecord::new(user_id)
    }
}

/// Users by their ids, several at a time.
async fn by_ids(call: &Call<'_>, ids: &BTreeSet<SystemUserId>) -> Result<Vec<Known>, ScimError> {
    let reads = ids
        .iter()
        .map(|id| call.jumpcloud.user_as::<DirectoryUser>(id));
    let users = stream::iter(reads.collect::<Vec<_>>())
        .buffered(call.config.jumpcloud.concurrency)
        .try_filter_map(async |user| Ok(user))
        .try_collect::<Vec<_>>();
    let users = async { Ok(users.await?) };
    let records = async { Ok::<_, ScimError>(call.state.user_records(ids).await?) };
    let (users, mut records) = try_join(users, records).await?;
    let known = users.into_iter().map(|user: DirectoryUser| {
        let record = records.remove(&user.id);
        Known::new(user, record)
    });
    Ok(known.filter(|known| !is_hidden(known)).collect())
}

fn is_hidden(known: &Known) -> bool {
    let record = known.record.as_ref();
    record.is_some_and(|record| record.hidden_by.is_some())
}

/// Hands over all users that a query finds, reading several pages at a time. [`ScimError::Changed`] when they do not make up
/// one list: what was handed over is then not everybody.
async fn walk(
    call: &Call<'_>,
    query: &UserQuery,
    with_records: bool,
    mut take: impl FnMut(Known),
) -> Result<(), ScimError> {
    let page = |skip| page(call, query, skip, with_records);
    let (total, mut rows) = page(0).await?;
    let most = call.config.scim.max_scan;
    if total > most {
        let detail = format!(
            "{total} users would have to be read for this, and `max_scan` in the configuration allows {most}: filter by `userName`, `emails`, `externalId` or another attribute with `eq`, or do without `sortBy`"
        );
        return Err(ScimError::invalid(ScimType::TooMany, detail));
    }
    let mut later = stream::iter((PAGE..total).step_by(PAGE))
        .map(page)
        .buffered(call.config.jumpcloud.concurrency);
    let mut last: Option<SystemUserId> = None;
    let mut read = 0;
    loop {
        for known in rows {
            if last.as_ref() >= Some(&known.user.id) {
                return Err(ScimError::Changed);
            }
            last = Some(known.user.id.clone());
            read += 1;
            take(known);
        }
        match later.try_next().await? {
            Some((now, next)) if now == total => rows = next,
            None if read == total => return Ok(()),
            Some(_) | None => return Err(ScimError::Changed),
        }
    }
}

/// One page of a query, and how many users it finds in all.
async fn page(
    call: &Call<'_>,
    query: &UserQuery,
    skip: usize,
    with_records: bool,
) -> Result<(usize, Vec<Known>), ScimError> {
    let query = UserQuery {
        skip,
        ..query.clone()
    };
    let Rows { total, rows } = call.jumpcloud.users_page::<DirectoryUser>(&query).await?;
    let total = total.unwrap_or(rows.len());
    let known = |user| Known::new(user, None);
    let mut rows: Vec<Known> = rows.into_iter().map(known).collect();
    if with_records {
        add_records(call, &mut rows).await?;
    }
    Ok((total, rows))
}

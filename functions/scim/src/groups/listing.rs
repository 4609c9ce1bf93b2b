//! Lists of groups (RFC 7644 §3.4.2, §3.4.3).
//!
//! JumpCloud compares names with their case and knows nothing of what we remember: but for a group that is asked for by its
//! id, a filter is evaluated here, over all groups. Members are read where the answer or the filter depends on them; who is
//! asked for by `members.value eq` is looked up from the user's side instead.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::scim::is_user_id;
use mapping::{SystemUserId, Text, UserGroup, UserGroupId};

use super::members::{self, hidden_among};
use super::{bare, remember, text};
use crate::error::{ScimError, ScimType};
use crate::filter::Filter;
use crate::list::{self, ListRequest, Page, Paging, Sort, list_response};
use crate::operation::{Operation, Reply};
use crate::patch::named_members;
use crate::projection::Projection;
use crate::resource::{self, Resource};
use crate::schema::GROUP;
use crate::service::Call;

#[cfg(test)]
mod tests;

/// The most groups whose members are read to evaluate a filter: each costs a call.
const MAX_LOOKED_INTO: usize = 200;

/// `GET /Groups`.
pub(crate) async fn list(call: &Call<'_>, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    let request = ListRequest::from_query(operation.query, &GROUP, call.now)?;
    answer(call, &request).await
}

/// `POST /Groups/.search`.
pub(crate) async fn search(call: &Call<'_>, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    let body = resource::parse_json(operation.body)?;
    let request = ListRequest::from_search(&body, &GROUP, call.now)?;
    answer(call, &request).await
}

async fn answer(call: &Call<'_>, request: &ListRequest) -> Result<Reply, ScimError> {
    let filter = match &request.filter {
        Some(text) => Filter::parse(text, &GROUP)?.settled(&GROUP),
        None => Filter::EVERYTHING,
    };
    let groups = matching(call, &filter, request.sort).await?;
    let total = groups.len() as u64;
    let (page, paging) = cut(groups, request, call.now);
    let page = complete(call, page, &request.projection).await?;
    Ok(Reply::ok(list_response(page, total, paging)))
}

/// Groups as they are answered: with what we remember of them, and their members where they are wanted.
pub(crate) async fn complete(
    call: &Call<'_>,
    mut groups: Vec<Resource>,
    projection: &Projection,
) -> Result<Vec<Resource>, ScimError> {
    remember_all(call, &mut groups).await?;
    if projection.wants("members") {
        members::read_into(call, &mut groups).await?;
    }
    let groups = groups.into_iter().map(|group| projection.project(group));
    Ok(groups.collect())
}

/// All groups that fit, in their order, to be [completed](complete): without members and perhaps without what we remember.
pub(crate) async fn matching(
    call: &Call<'_>,
    filter: &Filter,
    sort: Option<Sort>,
) -> Result<Vec<Resource>, ScimError> {
    let sorted_by = sort.map(|sort| sort.by.attribute.name);
    let depends_on = |attribute: &str| sorted_by == Some(attribute) || filter.needs(attribute);
    let mut resources: Vec<Resource> = candidates(call, filter)
        .await?
        .iter()
        .map(|group| bare(call, group))
        .collect();
    if depends_on("externalId") || depends_on("meta") {
        remember_all(call, &mut resources).await?;
    }
    // What can be told without members leaves fewer groups to look into.
    let conjuncts = filter.conjuncts().iter();
    for conjunct in conjuncts.filter(|it| !it.needs("members")) {
        resources.retain(|resource| conjunct.matches(resource));
    }
    if depends_on("members") {
        let asked = named_members(filter).filter(|_| sorted_by != Some("members"));
        look_into(call, &mut resources, asked).await?;
        resources.retain(|resource| filter.matches(resource));
    }
    if let Some(sort) = sort {
        list::sort(&mut resources, sort);
    }
    for resource in &mut resources {
        resource.remove("members");
    }
    Ok(resources)
}

/// The groups that can fit, by id.
async fn candidates(call: &Call<'_>, filter: &Filter) -> Result<Vec<UserGroup>, ScimError> {
    for equality in filter.conjuncts().iter().filter_map(Filter::equality) {
        let id = match equality.path.attribute.name {
            "id" => Some(equality.value)
                .filter(|id| is_user_id(id))
                .map(UserGroupId::from),
            "externalId" => external_id(call, equality.value).await?,
            _ => continue,
        };
        let group = match id {
            Some(id) => call.jumpcloud.group(&id).await?,
            None => None,
        };
        return Ok(group.into_iter().collect());
    }
    if *filter == Filter::NOTHING {
        return Ok(Vec::new());
    }
    let mut groups = call.jumpcloud.every_group().await?;
    let most = call.config.scim.max_scan;
    if *filter != Filter::EVERYTHING && groups.len() > most {
        let detail = format!(
            "this `filter` would read {} groups, and at most {most} may be read: compare `id` or `externalId` by `eq`",
            groups.len()
        );
        return Err(ScimError::invalid(ScimType::TooMany, detail));
    }
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(groups)
}

/// The group that the client calls so.
async fn external_id(call: &Call<'_>, external_id: &str) -> Result<Option<UserGroupId>, ScimError> {
    let client = &call.access.client;
    let pointer = call.state.find_group_by_external_id(client, external_id);
    Ok(pointer
        .await?
        .map(|pointer| UserGroupId::from(&*pointer.group_id)))
}

/// Adds what we remember of groups of which we have not looked it up yet: a hundred are one request.
async fn remember_all(call: &Call<'_>, resources: &mut [Resource]) -> Result<(), ScimError> {
    let is_known = |resource: &Resource| {
        let version = resource.get("meta").and_then(|meta| meta.get("version"));
        version.is_some()
    };
    let ids: BTreeSet<Text> = resources
        .iter()
        .filter(|resource| !is_known(resource))
        .filter_map(|resource| text(resource, "id").map(Text::from))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let records = call.state.group_records(&ids).await?;
    for resource in resources.iter_mut().filter(|resource| !is_known(resource)) {
        let record = text(resource, "id").and_then(|id| records.get(id));
        remember(call, resource, record);
    }
    Ok(())
}

/// Gives groups as many of their members as a filter asks about: these users, or all.
async fn look_into(
    call: &Call<'_>,
    resources: &mut [Resource],
    asked: Option<BTreeSet<&str>>,
) -> Result<(), ScimError> {
    let Some(asked) = asked else {
        if resources.len() > MAX_LOOKED_INTO {
            let detail = format!(
                "the members of {} groups would be read, and at most {MAX_LOOKED_INTO} may be: compare `members.value` by `eq`, or narrow the `filter`",
                resources.len()
            );
            return Err(ScimError::invalid(ScimType::TooMany, detail));
        }
        return members::read_into(call, resources).await;
    };
    let ids = asked.into_iter().filter(|id| is_user_id(id));
    let mut users: BTreeSet<SystemUserId> = ids.map(SystemUserId::from).collect();
    let hidden = hidden_among(call, &users).await?;
    users.retain(|user| !hidden.contains(user));
    let memberships: Vec<(SystemUserId, Vec<UserGroupId>)> = stream::iter(users)
        .map(|user| async move {
            let groups = match call.jumpcloud.groups_of(&user).await {
                Err(error) if error.is_not_found() => Vec::new(),
                groups => groups?,
            };
            Ok::<_, ScimError>((user, groups))
        })
        .buffered(call.config.jumpcloud.concurrency)
        .try_collect()
        .await?;
    let mut by_group = BTreeMap::<&str, Vec<&SystemUserId>>::new();
    for (user, groups) in &memberships {
        for group in groups {
            by_group.entry(group.as_str()).or_default().push(user);
        }
    }
    for resource in resources {
        let users = text(resource, "id").and_then(|id| by_group.remove(id));
        members::put_into(call, users.into_iter().flatten(), resource);
    }
    Ok(())
}

/// The part of the groups that is asked for, and where it stands.
///
/// A cursor names the last group of its page, and how many there were up to it in case that group is gone.
fn cut(
    groups: Vec<Resource>,
    request: &ListRequest,
    now: jiff::Timestamp,
) -> (Vec<Resource>, Paging) {
    let (start, count) = match &request.page {
        Page::Index { start_index, count } => (start_index - 1, *count),
        Page::Cursor { position, count } => {
            let start = position
                .as_deref()
                .map_or(0, |position| resume(&groups, position));
            (start as u64, *count)
        }
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let end = start.saturating_add(count);
    let total = groups.len();
    let page: Vec<Resource> = groups.into_iter().skip(start).take(count).collect();
    let paging = match &request.page {
        Page::Index { start_index, .. } => Paging::Index(*start_index),
        Page::Cursor { .. } => {
            let last = page.last().and_then(|group| text(group, "id"));
            let next = last
                .filter(|_| end < total)
                .map(|last| request.cursor(&format!("{end} {last}"), now));
            Paging::Cursor(next)
        }
    };
    (page, paging)
}

/// How many groups stand before the page that a cursor asks for.
fn resume(groups: &[Resource], position: &str) -> usize {
    let (end, last) = position.split_once(' ').unwrap_or((position, ""));
    let there = groups
        .iter()
        .position(|group| text(group, "id") == Some(last));
    match there {
        Some(there) => there + 1,
        None => end.parse().unwrap_or(0),
    }
}

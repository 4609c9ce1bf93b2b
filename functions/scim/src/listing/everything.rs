//! Queries at the root, over users and groups (RFC 7644 §3.4.2.1): users come first, then groups, unless the client wants
//! another order.

use super::window::{Position, Slice, paging};
use super::{Wanted, find, shown};
use crate::error::ScimError;
use crate::filter::Filter;
use crate::groups;
use crate::list::{ListRequest, list_response, sort_rows};
use crate::operation::{Operation, Reply};
use crate::resource::{self, Resource};
use crate::schema::{GROUP, ResourceType, USER};
use crate::service::Call;
use crate::users::{Known, rule};

/// `GET /`
pub(crate) async fn everything(
    call: &Call<'_>,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let request = ListRequest::from_query(operation.query, &USER, call.now)?;
    answer(call, &request).await
}

/// `POST /.search`
pub(crate) async fn search_everything(
    call: &Call<'_>,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let body = resource::parse_json(operation.body)?;
    let request = ListRequest::from_search(&body, &USER, call.now)?;
    answer(call, &request).await
}

/// A user or a group, and what it is sorted by.
struct Row {
    user: Option<Known>,
    resource: Resource,
}

async fn answer(call: &Call<'_>, request: &ListRequest) -> Result<Reply, ScimError> {
    let slice = Slice::of(&request.page)?;
    let (rows, total) = rows(call, request, &slice).await?;
    let offset = slice.start.offset.saturating_add(rows.len());
    let goes_on = !rows.is_empty() && offset < total;
    let next = goes_on.then_some(Position {
        offset,
        after: None,
    });
    let resources = complete(call, request, rows).await?;
    let paging = paging(request, next, call.now);
    Ok(Reply::ok(list_response(resources, total as u64, paging)))
}

/// The rows of the part, and how many there are in all.
async fn rows(
    call: &Call<'_>,
    request: &ListRequest,
    slice: &Slice,
) -> Result<(Vec<Row>, usize), ScimError> {
    let for_type = |resource_type: &ResourceType| match &request.filter {
        Some(text) => Ok(Filter::parse_for_all(text, resource_type)?.settled(resource_type)),
        None => Ok::<_, ScimError>(Filter::EVERYTHING),
    };
    let (of_users, of_groups) = (for_type(&USER)?, for_type(&GROUP)?);
    let (offset, count) = (slice.start.offset, slice.count);
    let of_all = Slice {
        start: Position::default(),
        count: slice.end(),
        by_cursor: false,
    };
    // Groups begin where users end, so that users are read until the part is full.
    let full = Slice {
        by_cursor: false,
        ..slice.clone()
    };
    let wanted = Wanted {
        filter: &of_users,
        sort: request.sort,
        projection: &request.projection,
        // In an order of their own, users and groups mix.
        slice: if request.sort.is_some() {
            &of_all
        } else {
            &full
        },
    };
    let users = find(call, &wanted).await?;
    let groups = groups::matching(call, &of_groups, request.sort).await?;
    let users_total = usize::try_from(users.total).unwrap_or(usize::MAX);
    let total = users_total + groups.len();
    let users = users.rows.into_iter().map(|known| {
        let resource = known.shown(call, rule(call));
        let user = Some(known);
        Row { user, resource }
    });
    let mut rows: Vec<Row> = users.collect();
    let group = |resource| Row {
        user: None,
        resource,
    };
    let groups = groups.into_iter().map(group);
    if let Some(sort) = request.sort {
        rows.extend(groups);
        sort_rows(&mut rows, sort, |row| &row.resource);
        rows.drain(..offset.min(rows.len()));
        rows.truncate(count);
    } else {
        let place = count - rows.len();
        rows.extend(groups.skip(offset.saturating_sub(users_total)).take(place));
    }
    Ok((rows, total))
}

/// Rows as they are answered, in their order.
async fn complete(
    call: &Call<'_>,
    request: &ListRequest,
    rows: Vec<Row>,
) -> Result<Vec<Resource>, ScimError> {
    let are_users: Vec<bool> = rows.iter().map(|row| row.user.is_some()).collect();
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for Row { user, resource } in rows {
        match user {
            Some(known) => users.push(known),
            None => groups.push(resource),
        }
    }
    let users = shown(call, &users, &request.projection).await?;
    let groups = groups::complete(call, groups, &request.projection_of(&GROUP)?).await?;
    let (mut users, mut groups) = (users.into_iter(), groups.into_iter());
    let next = |is_user| if is_user { users.next() } else { groups.next() };
    Ok(are_users.into_iter().filter_map(next).collect())
}

//! Lists: `GET /Users`, `POST /Users/.search`, and the queries at the root (RFC 7644 §3.4.2, §3.4.3).
//!
//! What is asked for stands here, with the answer; where its users come from in `source`, how they are read in `scan` (a
//! filter or an order) and `pages` (neither), which of them are shown in `window`.

mod everything;
mod memberships;
mod pages;
mod scan;
mod source;
mod window;

pub(crate) use everything::{everything, search_everything};

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::SystemUserId;

use crate::error::ScimError;
use crate::filter::Filter;
use crate::list::{ListRequest, Sort, list_response};
use crate::operation::{Operation, Reply};
use crate::projection::Projection;
use crate::resource::{self, Resource};
use crate::schema::USER;
use crate::service::Call;
use crate::users::{Known, rule, with_groups};
use window::{Part, Slice};

/// What of a user our record of it decides.
const OF_RECORDS: [&str; 4] = ["externalId", "userName", "active", "meta"];

/// `GET /Users`.
pub(crate) async fn users(call: &Call<'_>, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    answer(
        call,
        &ListRequest::from_query(operation.query, &USER, call.now)?,
    )
    .await
}

/// `POST /Users/.search`.
pub(crate) async fn search_users(
    call: &Call<'_>,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let body = resource::parse_json(operation.body)?;
    answer(call, &ListRequest::from_search(&body, &USER, call.now)?).await
}

async fn answer(call: &Call<'_>, request: &ListRequest) -> Result<Reply, ScimError> {
    let filter = match &request.filter {
        Some(text) => Filter::parse(text, &USER)?.settled(&USER),
        None => Filter::EVERYTHING,
    };
    let wanted = Wanted {
        filter: &filter,
        sort: request.sort,
        projection: &request.projection,
        slice: &Slice::of(&request.page)?,
    };
    let Part { rows, total, next } = find(call, &wanted).await?;
    let rows = shown(call, &rows, &request.projection).await?;
    let paging = window::paging(request, next, call.now);
    Ok(Reply::ok(list_response(rows, total, paging)))
}

/// Which users are asked for, and what of them.
struct Wanted<'a> {
    filter: &'a Filter,
    sort: Option<Sort>,
    projection: &'a Projection,
    slice: &'a Slice,
}

/// The users that are asked for.
async fn find(call: &Call<'_>, wanted: &Wanted<'_>) -> Result<Part<Known>, ScimError> {
    let Wanted {
        filter,
        sort,
        projection,
        slice,
    } = *wanted;
    let shows_records = OF_RECORDS.iter().any(|name| projection.wants(name));
    // The order of JumpCloud's own lists.
    let sort = sort.filter(|sort| sort.descending || sort.by.attribute.name != "id");
    if sort.is_none() && *filter == Filter::EVERYTHING {
        pages::read(call, slice, shows_records).await
    } else {
        scan::read(call, filter, sort, slice, shows_records).await
    }
}

/// Reads what we remember of users that JumpCloud gave.
async fn add_records(call: &Call<'_>, rows: &mut [Known]) -> Result<(), ScimError> {
    let ids: BTreeSet<SystemUserId> = rows.iter().map(|known| known.user.id.clone()).collect();
    let mut records = call.state.user_records(&ids).await?;
    for known in rows {
        known.remember(records.remove(&known.user.id));
    }
    Ok(())
}

/// Users as they are answered; their groups cost a call each, several at a time.
async fn shown(
    call: &Call<'_>,
    rows: &[Known],
    projection: &Projection,
) -> Result<Vec<Resource>, ScimError> {
    let show = async |known: &Known| {
        let mut resource = known.shown(call, rule(call));
        if projection.wants("groups") {
            with_groups(call, &known.user.id, &mut resource).await?;
        }
        Ok::<_, ScimError>(projection.project(resource))
    };
    let shown: Vec<_> = rows.iter().map(show).collect();
    stream::iter(shown)
        .buffered(call.config.jumpcloud.concurrency)
        .try_collect()
        .await
}

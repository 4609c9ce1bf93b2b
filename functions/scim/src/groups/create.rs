//! `POST /Groups` (RFC 7644 §3.3): a group with all of its members, or none at all.

use clients::GroupQuery;
use mapping::{Text, UserGroup, UserGroupId};
use serde_json::{Map, Value, json};
use state::GroupRecord;

use super::members::{Membership, Steps};
use super::write::{forget, name_taken, refuse_taken_name, shown};
use super::{Known, text};
use crate::audit::{self, Did};
use crate::error::{ScimError, ScimType};
use crate::list;
use crate::operation::{Operation, Reply};
use crate::resource;
use crate::schema::GROUP;
use crate::service::Call;

/// The most members that a group is made with: each is a call, all are made before the gateway gives up, and a create cannot
/// go on where another one stopped.
const MAX_MEMBERS: usize = 250;

/// When to come back to a group that was left half-made.
const LATER_SECONDS: u64 = 10;

/// `POST /Groups`.
pub(crate) async fn create(call: &Call<'_>, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &GROUP)?;
    let asked = resource::read(&resource::parse_json(operation.body)?, &GROUP)?;
    let membership = Membership::exactly(&asked);
    let external_id = text(&asked, "externalId");
    if let Some(external_id) = external_id {
        refuse_known_id(call, external_id).await?;
    }
    let steps = membership.first_steps(call, MAX_MEMBERS).await?;
    let name = text(&asked, "displayName").unwrap_or_default();
    refuse_taken_name(call, name, None).await?;
    let after = json!({"name": name, "externalId": external_id, "members": steps.ids()});
    let beginning = audit::beginning(call, GROUP.name, None, Did::Create, [Value::Null, after]);
    audit::begin(call, beginning).await?;
    let (group, for_sure) = match make(call, name).await {
        Ok(made) => made,
        Err(error) => {
            let did = match error {
                ScimError::Invalid { .. } => Did::Nothing,
                _ => Did::PerhapsChange,
            };
            note(call, None, did, Value::Null).await;
            return Err(error);
        }
    };
    let id = group.id.clone();
    let mut record = GroupRecord::new(id.as_str().into());
    record.modified_at = Some(call.now);
    if let Some(external_id) = external_id {
        let client = call.access.client.clone();
        record.external_ids.insert(client, Text::from(external_id));
    }
    let finished = finish(call, group, for_sure, record, &steps).await;
    let (did, after) = match &finished {
        Ok(known) => {
            let after = json!({"group": shown(call, known), "members": steps.ids()});
            (Did::Create, after)
        }
        Err(_) => (Did::PerhapsChange, Value::Null),
    };
    note(call, Some(id.as_str()), did, after).await;
    let known = finished?;
    let mut resource = known.shown(call);
    membership.put_into(call, &mut resource);
    Ok(call.reply(201, resource, &projection))
}

/// Refuses an `externalId` that this client gave to another group. One of a group that is no longer there is free again.
async fn refuse_known_id(call: &Call<'_>, external_id: &str) -> Result<(), ScimError> {
    let client = &call.access.client;
    let pointer = call.state.find_group_by_external_id(client, external_id);
    let Some(pointer) = pointer.await? else {
        return Ok(());
    };
    let id = pointer.group_id;
    let group = UserGroupId::from(&*id);
    if call.jumpcloud.group(&group).await?.is_some() {
        let detail = format!("`externalId` is taken: the group `{id}` has it");
        return Err(ScimError::invalid(ScimType::Uniqueness, detail));
    }
    if let Some(record) = call.state.group_record(&id).await? {
        forget(call, &record, None).await;
    }
    Ok(())
}

/// Writes down what became of a create.
async fn note(call: &Call<'_>, id: Option<&str>, did: Did, after: Value) {
    let deed = audit::deed(call, GROUP.name, id, did, [Value::Null, after]);
    audit::note(call, &deed).await;
}

/// Makes the group; the flag tells whether JumpCloud said so, for what may have been there before is not taken back.
async fn make(call: &Call<'_>, name: &str) -> Result<(UserGroup, bool), ScimError> {
    let fields = [("name", name), ("membershipMethod", "STATIC")];
    let fields: Map<String, Value> = fields
        .map(|(field, value)| (field.to_owned(), value.into()))
        .into_iter()
        .collect();
    match call.jumpcloud.create_group(&fields).await {
        Err(error) if error.is_in_doubt() => match untouched(call, name).await? {
            Some(group) => Ok((group, false)),
            None => Err(error.into()),
        },
        Err(error) if error.is_taken() => Err(name_taken()),
        outcome => Ok((outcome?, true)),
    }
}

/// The group that a create made whose answer was lost: it has this name, no members, and no client knows it.
async fn untouched(call: &Call<'_>, name: &str) -> Result<Option<UserGroup>, ScimError> {
    let query = GroupQuery {
        name: Some(name.to_owned()),
        ..GroupQuery::default()
    };
    let mut groups = call.jumpcloud.groups_page(&query).await?.rows;
    let Some(group) = groups.pop().filter(UserGroup::is_static) else {
        return Ok(None);
    };
    let members = call.jumpcloud.members_page(&group.id, 0, 1).await?;
    let record = call.state.group_record(group.id.as_str()).await?;
    Ok((members.rows.is_empty() && record.is_none()).then_some(group))
}

/// Gives a group that was just made its record and its members, or takes it back.
async fn finish(
    call: &Call<'_>,
    group: UserGroup,
    for_sure: bool,
    record: GroupRecord,
    steps: &Steps,
) -> Result<Known, ScimError> {
    let record = match call.state.put_group_record(None, record, None).await {
        Ok(record) => record,
        Err(error) if !for_sure => return Err(error.into()),
        Err(error) => return Err(take_back(call, &group, None, error.into()).await),
    };
    match steps.take(call, &group.id).await {
        Ok(()) => Ok(Known {
            group,
            record: Some(record),
        }),
        Err(error) if !for_sure => Err(error),
        Err(error) => Err(take_back(call, &group, Some(&record), error).await),
    }
}

/// Deletes a group that was made this moment, so that the client's next attempt finds nothing in its way; tells when that
/// cannot be done.
async fn take_back(
    call: &Call<'_>,
    group: &UserGroup,
    record: Option<&GroupRecord>,
    error: ScimError,
) -> ScimError {
    if call.jumpcloud.delete_group(&group.id).await.is_err() {
        return ScimError::Unavailable {
            detail: format!(
                "the group `{}` was made, but perhaps not with all of its members: add them by PATCH ({error})",
                group.id
            ),
            retry_after: LATER_SECONDS,
        };
    }
    if let Some(record) = record {
        forget(call, record, None).await;
    }
    error
}

//! Writes to a group that is there: the record, the name, the members, in this order.
//!
//! What may be refused is looked at before anything is written.

use mapping::{Text, UserGroup, UserGroupId};
use serde_json::{Map, Value, json};
use state::{Deed, GroupRecord, StateError};

use super::members::{Membership, Steps};
use super::{Known, text};
use crate::audit::{self, Did};
use crate::error::{ScimError, ScimType};
use crate::resource::Resource;
use crate::schema::GROUP;
use crate::service::Call;

/// Makes a group what is asked for, and gives it as it then is. Without a change nothing is written.
pub(super) async fn write(
    call: &Call<'_>,
    known: Known,
    asked: &Resource,
    membership: &Membership,
) -> Result<Known, ScimError> {
    let name = text(asked, "displayName").filter(|name| **name != *known.group.name);
    let external_id = text(asked, "externalId").map(Text::from);
    let is_known_so = known.external_id(&call.access.client) == external_id.as_ref();
    let is_alone = name.is_none() && is_known_so;
    let (steps, left) = membership.steps(call, &known.group.id, is_alone).await?;
    if is_alone && steps.is_empty() {
        return Ok(known);
    }
    if let Some(name) = name {
        refuse_taken_name(call, name, Some(&known.group.id)).await?;
    }
    // What the ETag covers comes last, so that the same request may come again.
    let (name, external_id) = if left > 0 {
        (None, known.external_id(&call.access.client).cloned())
    } else {
        (name, external_id)
    };
    let after = record_after(call, &known, external_id);
    let id = Some(known.group.id.as_str());
    let before = shown(call, &known);
    let values = |after| [before.clone(), after];
    if name.is_none() && steps.is_empty() {
        let changed = known.with(after.clone());
        let values = values(json!({"group": shown(call, &changed)}));
        let deed = audit::deed(call, GROUP.name, id, Did::Change, values);
        return Ok(known.with(put(call, &known, after, &deed).await?));
    }
    let asked = json!({"name": name, "externalId": after.external_ids.get(&call.access.client), "members": steps.ids()});
    let beginning = audit::beginning(call, GROUP.name, id, Did::Change, values(asked));
    let written = begin(call, &known, after, beginning, is_known_so).await?;
    let noted = async |did, group| {
        let after = json!({"group": group, "members": steps.ids()});
        audit::note(call, &audit::deed(call, GROUP.name, id, did, values(after))).await;
    };
    match perform(call, &known.group, name, &steps).await {
        Ok(group) => {
            let changed = Known {
                group,
                record: written,
            };
            noted(Did::Change, shown(call, &changed)).await;
            if left > 0 {
                return Err(unfinished(left));
            }
            Ok(changed)
        }
        Err(error) => {
            noted(Did::PerhapsChange, Value::Null).await;
            if let (ScimError::Invalid { .. }, Some(written)) = (&error, &written) {
                put_back(call, known.record.clone(), written).await;
            }
            Err(error)
        }
    }
}

/// Writes down that the change begins, with the record; the record as it then is.
async fn begin(
    call: &Call<'_>,
    known: &Known,
    after: GroupRecord,
    beginning: Deed,
    is_known_so: bool,
) -> Result<Option<GroupRecord>, StateError> {
    match put(call, known, after, &beginning).await {
        // Somebody else noted a write of this very moment: only the time would differ.
        Err(StateError::Changed { .. }) if is_known_so => {
            audit::begin(call, beginning).await?;
            Ok(known.record.clone())
        }
        outcome => outcome.map(Some),
    }
}

/// So many members are still to be added and removed: the same request goes on where this one ended.
fn unfinished(left: usize) -> ScimError {
    ScimError::Unavailable {
        detail: format!(
            "{left} `members` are still to be added or removed, more than one request has time for: send it again until all are done"
        ),
        retry_after: 1,
    }
}

/// A group without its members, as it is written down.
pub(super) fn shown(call: &Call<'_>, known: &Known) -> Value {
    known.shown(call).into()
}

/// What the client calls the group from now on, and when it was written.
fn record_after(call: &Call<'_>, known: &Known, external_id: Option<Text>) -> GroupRecord {
    let mut record = known
        .record
        .clone()
        .unwrap_or_else(|| GroupRecord::new(known.group.id.as_str().into()));
    let client = &call.access.client;
    match external_id {
        Some(external_id) => record.external_ids.insert(client.clone(), external_id),
        None => record.external_ids.remove(client),
    };
    record.modified_at = Some(call.now);
    record
}

/// Writes the record, and down what it is written for.
async fn put(
    call: &Call<'_>,
    known: &Known,
    after: GroupRecord,
    deed: &Deed,
) -> Result<GroupRecord, StateError> {
    let noted = Some((call.scribe, deed));
    let before = known.record.as_ref();
    call.state.put_group_record(before, after, noted).await
}

async fn perform(
    call: &Call<'_>,
    group: &UserGroup,
    name: Option<&str>,
    steps: &Steps,
) -> Result<UserGroup, ScimError> {
    let group = match name {
        Some(name) => rename(call, group, name).await?,
        None => group.clone(),
    };
    steps.take(call, &group.id).await?;
    Ok(group)
}

async fn rename(call: &Call<'_>, group: &UserGroup, name: &str) -> Result<UserGroup, ScimError> {
    let fields = Map::from_iter([("name".to_owned(), Value::from(name))]);
    match call.jumpcloud.update_group(&group.id, &fields).await {
        Err(error) if error.is_taken() => Err(name_taken()),
        outcome => Ok(outcome?),
    }
}

/// Refuses a name that another group has. JumpCloud itself takes names that differ in nothing but case, which to a client are
/// one; it has no search that would tell, so that all groups are read.
pub(super) async fn refuse_taken_name(
    call: &Call<'_>,
    name: &str,
    own: Option<&UserGroupId>,
) -> Result<(), ScimError> {
    let name = name.to_lowercase();
    let groups = call.jumpcloud.every_group().await?;
    let mut others = groups.iter().filter(|group| Some(&group.id) != own);
    match others.find(|group| group.name.to_lowercase() == name) {
        Some(_) => Err(name_taken()),
        None => Ok(()),
    }
}

pub(super) fn name_taken() -> ScimError {
    let detail = "`displayName` is taken by another group";
    ScimError::invalid(ScimType::Uniqueness, detail)
}

/// Undoes what was remembered of a write that JumpCloud refused. What fails here is only told: the refusal counts.
async fn put_back(call: &Call<'_>, before: Option<GroupRecord>, written: &GroupRecord) {
    let former = before.unwrap_or_else(|| GroupRecord::new(written.group_id.clone()));
    if let Err(error) = call
        .state
        .put_group_record(Some(written), former, None)
        .await
    {
        tracing::warn!(group.id = %written.group_id, error = %error, "a refused write could not be forgotten");
    }
}

/// Forgets a group that is gone. A record that stays does no harm: whoever gives another group the same `externalId`
/// finds that this one is gone.
pub(super) async fn forget(call: &Call<'_>, record: &GroupRecord, deed: Option<&Deed>) {
    let noted = deed.map(|deed| (call.scribe, deed));
    if let Err(error) = call.state.delete_group_record(record, noted).await {
        tracing::warn!(group.id = %record.group_id, error = %error, "the record of a deleted group stays");
        if let Some(deed) = deed {
            audit::note(call, deed).await;
        }
    }
}

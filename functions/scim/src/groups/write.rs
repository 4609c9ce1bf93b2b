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
    let steps = membership.steps(call, &known.group.id, is_alone).await?;
    if is_alone && steps.is_empty() {
        return Ok(known);
    }
    if let Some(name) = name {
        refuse_taken_name(call, name, Some(&known.group.id)).await?;
    }
    let written = match note(call, &known, external_id).await {
        // Somebody else noted a write of this very moment: only the time would differ.
        Err(StateError::Changed { .. }) if is_known_so => known.record.clone(),
        outcome => Some(outcome?),
    };
    let before = shown(call, &known);
    let noted = async |did, after| {
        let id = known.group.id.as_str();
        let values = [before, json!({"group": after, "members": steps.ids()})];
        audit::note(call, &audit::deed(call, GROUP.name, id, did, values)).await;
    };
    match perform(call, &known.group, name, &steps).await {
        Ok(group) => {
            let changed = Known {
                group,
                record: written,
            };
            noted(Did::Change, shown(call, &changed)).await;
            Ok(changed)
        }
        Err(error) => {
            noted(Did::PerhapsChange, Value::Null).await;
            if let (ScimError::Invalid { .. }, Some(written)) = (&error, &written) {
                put_back(call, known.record, written).await;
            }
            Err(error)
        }
    }
}

/// A group without its members, as it is written down.
pub(super) fn shown(call: &Call<'_>, known: &Known) -> Value {
    known.shown(call).into()
}

/// Writes what the client calls the group, and when.
async fn note(
    call: &Call<'_>,
    known: &Known,
    external_id: Option<Text>,
) -> Result<GroupRecord, StateError> {
    let before = known.record.as_ref();
    let mut record = before
        .cloned()
        .unwrap_or_else(|| GroupRecord::new(known.group.id.as_str().into()));
    let client = &call.access.client;
    match external_id {
        Some(external_id) => record.external_ids.insert(client.clone(), external_id),
        None => record.external_ids.remove(client),
    };
    record.modified_at = Some(call.now);
    call.state.put_group_record(before, record).await
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
    if let Err(error) = call.state.put_group_record(Some(written), former).await {
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

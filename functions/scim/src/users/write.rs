//! Writes to a user that is there: what changes, whether the client may, the record, JumpCloud.

use clients::ClientError;
use jiff::SignedDuration;
use mapping::scim::{Desired, DirectoryUser, Omitted, StateChange, changes, name_of, state_change};
use mapping::{SystemUserId, Text};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use state::{Also, ByClient, Deed, LinkHold, Owner, StateError, UserRecord, View};

use super::{Known, desired, rule};
use crate::audit::{self, Did};
use crate::error::{ScimError, ScimType};
use crate::ownership::{self, Wish};
use crate::resource::Resource;
use crate::schema::USER;
use crate::service::Call;

/// JumpCloud's attributes that must be unique.
const UNIQUE: [&str; 3] = ["username", "email", "employeeIdentifier"];

/// Makes a user what is asked for, and gives it as it then is. Without a change nothing is written.
pub(super) async fn write(
    call: &Call<'_>,
    known: Known,
    asked: &Resource,
) -> Result<Known, ScimError> {
    let desired = desired(call, &known, asked)?;
    let state = state_change(&known.user, desired.active);
    let attributes = changes(&known.user, &desired, Omitted::Clear);
    let view = view_of(&desired);
    let is_known_so = known.view(&call.access.client).cloned().unwrap_or_default() == view;
    let changes_user =
        !attributes.is_empty() || state != StateChange::None || desired.password.is_some();
    if !changes_user && is_known_so && !is_over(&known) {
        return Ok(known);
    }
    let mut record = known.record_to_write();
    if changes_user {
        if attributes.contains_key("username") {
            ownership::refuse_protected_name(desired.text("username"), call.config)?;
        }
        let mut names: Vec<&str> = attributes.keys().map(String::as_str).collect();
        names.extend(desired.password.as_ref().map(|_| "password"));
        let wish = Wish {
            attributes: &names,
            state,
            hides: false,
            deletes: false,
        };
        record.owner = allow(call, &known, wish)?;
    } else {
        ownership::protect(&known.user, call.config)?;
    }
    record.views.insert(call.access.client.clone(), view);
    perform(call, known, record, state, body(attributes, &desired)).await
}

/// What `DELETE` does by default: the user loses access and is shown to no SCIM client any more.
pub(super) async fn hide(call: &Call<'_>, known: Known) -> Result<Known, ScimError> {
    let state = state_change(&known.user, Some(false));
    let wish = Wish {
        attributes: &[],
        state,
        hides: true,
        deletes: false,
    };
    let mut record = known.record_to_write();
    record.owner = allow(call, &known, wish)?;
    record.hidden_by = Some(by(call));
    perform(call, known, record, state, Map::new()).await
}

/// What `DELETE` does where the configuration says so: the user is gone.
pub(super) async fn delete(call: &Call<'_>, known: Known) -> Result<(), ScimError> {
    let wish = Wish {
        attributes: &[],
        state: StateChange::None,
        hides: false,
        deletes: true,
    };
    allow(call, &known, wish)?;
    let id = &known.user.id;
    count_suspension(call, id).await?;
    let values = [shown(call, Some(&known)), Value::Null];
    let beginning = audit::beginning(call, USER.name, Some(id.as_str()), Did::Delete, values);
    if let Err(error) = audit::begin(call, beginning).await {
        uncount_suspension(call, id, StateChange::Suspend).await;
        return Err(error.into());
    }
    if let Err(error) = call.jumpcloud.delete_user(id).await {
        let deed = deed_of(call, Did::PerhapsChange, Some(&known), None);
        audit::note(call, &deed).await;
        return Err(error.into());
    }
    let deed = deed_of(call, Did::Delete, Some(&known), None);
    match &known.record {
        Some(record) => forget(call, record, &deed).await,
        None => audit::note(call, &deed).await,
    }
    Ok(())
}

/// Forgets a user who is gone, also where somebody wrote the record at the same moment.
async fn forget(call: &Call<'_>, record: &UserRecord, deed: &Deed) {
    let id = &record.user_id;
    let noted = Some((call.scribe, deed));
    let mut forgotten = call.state.delete_user_record(record, noted).await;
    if let Err(StateError::Changed { .. }) = &forgotten
        && let Ok(Some(record)) = call.state.user_record(id).await
    {
        forgotten = call.state.delete_user_record(&record, noted).await;
    }
    if let Err(error) = forgotten {
        tracing::warn!(user.id = %id, error = %error, "the record of a deleted user stays");
        audit::note(call, deed).await;
    }
}

/// Whose the user is after this client's write, or why it may not write.
pub(super) fn allow(
    call: &Call<'_>,
    known: &Known,
    wish: Wish<'_>,
) -> Result<Option<Owner>, ScimError> {
    let client = &call.access.client;
    ownership::allow(
        wish,
        client,
        &known.user,
        known.record.as_ref(),
        call.config,
    )
}

/// Writes the record, then JumpCloud, and then that the write is over. A definite refusal by JumpCloud puts the record back.
/// Where even the end of a write was not written, the user is free again when this request's time is over.
///
/// What lets a client switch a user on again, or bring one back, is forgotten last, and a user is hidden last: whatever is
/// cut off between may be sent once more.
pub(super) async fn perform(
    call: &Call<'_>,
    known: Known,
    mut record: UserRecord,
    state: StateChange,
    mut body: Map<String, Value>,
) -> Result<Known, ScimError> {
    let id = &known.user.id;
    let by = by(call);
    let former = known.record.as_ref();
    let was_hidden = former.is_some_and(|former| former.hidden_by.is_some());
    let shows = was_hidden && record.hidden_by.is_none();
    let hides = !was_hidden && record.hidden_by.is_some();
    match state {
        StateChange::Suspend => {
            count_suspension(call, id).await?;
            record.suspended_by = Some(by.clone());
            if !is_left_staged(&known.user, &record) {
                set_state(&mut body, "SUSPENDED");
            }
        }
        StateChange::Reactivate => {
            record.suspended_by = None;
            if !known.user.is_staged() {
                set_state(&mut body, "ACTIVATED");
            }
        }
        StateChange::None if is_over(&known) => record.suspended_by = None,
        StateChange::None => {}
    }
    record.modified_at = Some(call.now);
    record.busy_until = None;
    let mut first = record.clone();
    // Whoever reads the user before JumpCloud has answered must not write on that ground.
    first.busy_until = (!body.is_empty()).then_some(call.until);
    let opens = state == StateChange::Reactivate || shows;
    if let Some(former) = former.filter(|_| opens) {
        first.suspended_by.clone_from(&former.suspended_by);
        first.hidden_by.clone_from(&former.hidden_by);
    }
    if hides && !body.is_empty() {
        first.hidden_by = None;
    }
    let hold = if state == StateChange::Suspend || hides {
        Hold::Set(&by)
    } else {
        Hold::Leave
    };
    let did = match (shows, hides) {
        (true, _) => Did::Create,
        (_, true) => Did::Delete,
        (false, false) => Did::Change,
    };
    let writes_twice = opens || !body.is_empty();
    let begun = {
        let noted = if writes_twice {
            let values = [shown(call, Some(&known)), audit::sent(&body)];
            audit::beginning(call, USER.name, Some(id.as_str()), did, values)
        } else {
            let after = Known::new(known.user.clone(), Some(first.clone()));
            deed_of(call, did, Some(&known), Some(&after))
        };
        put_record(call, former, first, hold, &noted).await
    };
    let mut written = match begun {
        Ok(written) => written,
        Err(error) => {
            uncount_suspension(call, id, state).await;
            return Err(error);
        }
    };
    let mut user = known.user.clone();
    if !body.is_empty() {
        user = match call.jumpcloud.update::<DirectoryUser>(id, &body).await {
            Ok(user) => user,
            Err(error) => return Err(failed(call, &known, &written, state, &body, error).await),
        };
    }
    if writes_twice {
        let after = Known::new(user.clone(), Some(record.clone()));
        let deed = deed_of(call, did, Some(&known), Some(&after));
        let hold = if state == StateChange::Reactivate {
            Hold::Clear
        } else {
            Hold::Leave
        };
        match put_record(call, Some(&written), record, hold, &deed).await {
            Ok(record) => written = record,
            // The sync noted something meanwhile, and nothing but the mark is left to take away.
            Err(ScimError::Changed) if !opens && !hides => audit::note(call, &deed).await,
            Err(error) => {
                let after = Known::new(user, Some(written));
                let deed = deed_of(call, Did::PerhapsChange, Some(&known), Some(&after));
                audit::note(call, &deed).await;
                return Err(error);
            }
        }
    }
    Ok(Known::new(user, Some(written)))
}

/// What the client is told where JumpCloud did not write the user, or perhaps did not; what was remembered for it is put right.
async fn failed(
    call: &Call<'_>,
    known: &Known,
    written: &UserRecord,
    state: StateChange,
    body: &Map<String, Value>,
    error: ClientError,
) -> ScimError {
    let id = &known.user.id;
    let is_sure = error.is_refusal_for_sure();
    if is_sure {
        uncount_suspension(call, id, state).await;
        let deed = deed_of(call, Did::Nothing, Some(known), Some(known));
        put_back(call, known.record.as_ref(), written, state, &deed).await;
    } else {
        let deed = deed_of(call, Did::PerhapsChange, Some(known), None);
        free(call, written, &deed).await;
    }
    if !is_sure || error.is_not_found() {
        return error.into();
    }
    match holders(call, body, Some(id)).await {
        Ok(holders) => match holders.first() {
            Some(holder) => taken(body, holder),
            None => error.into(),
        },
        Err(unknown) => unknown,
    }
}

/// Whether a user who is switched off stays STAGED. Such a user has no access, and gets it from HR's runs alone, which the
/// hold keeps from it; SUSPENDED could only end in access before HR's start date, and without the invitation.
fn is_left_staged(user: &DirectoryUser, record: &UserRecord) -> bool {
    user.is_staged() && matches!(record.owner, Some(Owner::Worker(_)))
}

/// Whether a suspension through SCIM is remembered that somebody undid in JumpCloud: the next one is not a client's.
fn is_over(known: &Known) -> bool {
    let record = known.record.as_ref();
    !known.user.is_suspended() && record.is_some_and(|record| record.suspended_by.is_some())
}

/// What becomes of the hold in the link of the person of HR who has a user.
enum Hold<'a> {
    Leave,
    Set(&'a ByClient),
    Clear,
}

/// Writes the record and the deed and, where a person of HR has the user, sets or clears the hold in that person's link.
async fn put_record(
    call: &Call<'_>,
    before: Option<&UserRecord>,
    record: UserRecord,
    hold: Hold<'_>,
    deed: &Deed,
) -> Result<UserRecord, ScimError> {
    let worker = match &record.owner {
        Some(Owner::Worker(key)) => Some(key.clone()),
        Some(Owner::Client(_)) | None => None,
    };
    let hold = match hold {
        Hold::Leave => None,
        Hold::Set(by) => Some(Some(by)),
        Hold::Clear => Some(None),
    };
    let also = Also {
        hold: worker
            .as_ref()
            .zip(hold)
            .map(|(key, hold)| LinkHold { key, hold }),
        closes: None,
        noted: Some((call.scribe, deed)),
    };
    Ok(call.state.put_user_record(before, record, also).await?)
}

/// Undoes what was remembered of a write that JumpCloud refused. What fails here is only told: the refusal counts.
async fn put_back(
    call: &Call<'_>,
    before: Option<&UserRecord>,
    written: &UserRecord,
    state: StateChange,
    deed: &Deed,
) {
    let former = before
        .cloned()
        .unwrap_or_else(|| UserRecord::new(written.user_id.clone()));
    let suspended_by = former.suspended_by.clone();
    let hold = match (state, &suspended_by) {
        (StateChange::Suspend, Some(by)) => Hold::Set(by),
        (StateChange::Suspend, None) => Hold::Clear,
        (StateChange::Reactivate | StateChange::None, _) => Hold::Leave,
    };
    if let Err(error) = put_record(call, Some(written), former, hold, deed).await {
        tracing::error!(user.id = %written.user_id, error = %error, "a refused write could not be forgotten");
        audit::note(call, deed).await;
    }
}

/// Takes the mark away that the user is being written: JumpCloud has not answered, and the request may be sent again.
async fn free(call: &Call<'_>, written: &UserRecord, deed: &Deed) {
    let record = UserRecord {
        busy_until: None,
        ..written.clone()
    };
    if let Err(error) = put_record(call, Some(written), record, Hold::Leave, deed).await {
        tracing::warn!(user.id = %written.user_id, error = %error, "the user is busy until this request's time is over");
        audit::note(call, deed).await;
    }
}

/// What is written down of a write to a user, as the client was and is shown it.
pub(super) fn deed_of(
    call: &Call<'_>,
    did: Did,
    before: Option<&Known>,
    after: Option<&Known>,
) -> Deed {
    let id = before.or(after).map(|known| known.user.id.as_str());
    let values = [shown(call, before), shown(call, after)];
    audit::deed(call, USER.name, id, did, values)
}

fn shown(call: &Call<'_>, known: Option<&Known>) -> Value {
    known.map_or(Value::Null, |known| known.shown(call, rule(call)).into())
}

/// The refusal that these values, or some of them, are somebody else's.
pub(super) fn taken(fields: &Map<String, Value>, holder: &DirectoryUser) -> ScimError {
    let names: Vec<String> = UNIQUE
        .iter()
        .filter(|name| {
            let theirs = match **name {
                "username" => &holder.username,
                "email" => &holder.email,
                _ => &holder.employee_identifier,
            };
            let ours = fields.get(**name).and_then(Value::as_str);
            ours.is_some_and(|ours| ours.to_lowercase() == theirs.to_lowercase())
        })
        .map(|name| format!("`{}`", name_of(name)))
        .collect();
    let detail = format!("{} is taken by another user", names.join(" and "));
    ScimError::invalid(ScimType::Uniqueness, detail)
}

/// Everyone else who has one of the unique values among these attributes: one search.
pub(super) async fn holders(
    call: &Call<'_>,
    fields: &Map<String, Value>,
    own: Option<&SystemUserId>,
) -> Result<Vec<DirectoryUser>, ScimError> {
    let any_of: Vec<(&str, &str)> = UNIQUE
        .iter()
        .filter_map(|name| Some((*name, fields.get(*name)?.as_str()?)))
        .collect();
    let mut users: Vec<DirectoryUser> = call.jumpcloud.find(&any_of).await?;
    users.retain(|user| own != Some(&user.id));
    Ok(users)
}

/// Counts one more suspension of this client, or refuses it where the limit of a day is reached.
async fn count_suspension(call: &Call<'_>, user: &SystemUserId) -> Result<(), ScimError> {
    let Some(most) = call.config.limits.scim_suspend.and_then(|limit| limit.max) else {
        return Ok(());
    };
    let client: &Text = &call.access.client;
    // Noted first, so that those at the same time count one another.
    call.state.note_suspension(client, user, call.now).await?;
    let since = call
        .now
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or(call.now);
    let count = call.state.suspensions_since(client, since).await?;
    if count > most as usize {
        call.state.unnote_suspension(client, user, call.now).await?;
        return Err(ScimError::TooManySuspended { most });
    }
    Ok(())
}

async fn uncount_suspension(call: &Call<'_>, user: &SystemUserId, state: StateChange) {
    if state != StateChange::Suspend || call.config.limits.scim_suspend.is_none() {
        return;
    }
    let client = &call.access.client;
    if let Err(error) = call.state.unnote_suspension(client, user, call.now).await {
        tracing::warn!(user.id = %user, error = %error, "a suspension that was not made still counts");
    }
}

/// JumpCloud wants a state and its older mirror to agree.
pub(super) fn set_state(body: &mut Map<String, Value>, state: &str) {
    body.insert("state".to_owned(), state.into());
    body.insert("suspended".to_owned(), json!(state == "SUSPENDED"));
}

/// What JumpCloud is sent for these attributes, a new password among them.
pub(super) fn body(mut attributes: Map<String, Value>, desired: &Desired) -> Map<String, Value> {
    if let Some(password) = &desired.password {
        attributes.insert("password".to_owned(), password.expose_secret().into());
    }
    attributes
}

/// What a client calls a user.
pub(super) fn view_of(desired: &Desired) -> View {
    View {
        external_id: desired.external_id.as_deref().map(Text::from),
        user_name: desired.user_name.as_deref().map(Text::from),
    }
}

pub(super) fn by(call: &Call<'_>) -> ByClient {
    ByClient {
        client: call.access.client.clone(),
        at: call.now,
    }
}

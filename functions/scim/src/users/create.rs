//! `POST /Users` (RFC 7644 §3.3): one user, whatever dies half-way.
//!
//! The intent comes before the create. In doubt we look before we write; a create that was cut off is completed by the
//! client's next attempt, and a plain duplicate is refused.

use clients::{ClientError, Invitation};
use config::CreateAs;
use jiff::{SignedDuration, Timestamp};
use mapping::scim::{Desired, DirectoryUser, Omitted, StateChange, changes, state_change};
use mapping::{SystemUserId, UserState};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use state::{Also, Begun, Deed, Intent, Owner, StateError, UserRecord};

use super::write::{allow, body, by, deed_of, holders, perform, set_state, taken, view_of};
use super::{Known, rule};
use crate::audit::{self, Did};
use crate::error::{ScimError, ScimType};
use crate::list;
use crate::operation::{Operation, Reply};
use crate::ownership;
use crate::resource::{self, Resource};
use crate::schema::USER;
use crate::service::Call;

/// How far JumpCloud's clock may be behind ours.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// `POST /Users`.
pub(crate) async fn create(call: &Call<'_>, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &USER)?;
    let asked = resource::read(&resource::parse_json(operation.body)?, &USER)?;
    let desired = mapping::scim::desired(&asked, call.config.scim.username_from_email, None)?;
    ownership::refuse_protected_name(desired.text("username"), call.config)?;
    refuse_known_id(call, &desired).await?;
    let intent = Intent {
        client: call.access.client.clone(),
        username: desired.text("username").into(),
        digest: digest(&asked),
        at: call.now,
        holder: call.id.clone(),
        until: call.until,
    };
    let known = match begin(call, &intent).await? {
        Begun::Resumed(earlier) => match half_made(call, &desired, earlier.at).await? {
            Some(half_made) => {
                let id = Some(half_made.user.id.as_str());
                let beginning = beginning(call, id, &desired.attributes);
                audit::begin(call, beginning).await?;
                finish(call, half_made, &desired, &intent).await?
            }
            None => make(call, &desired, &intent).await?,
        },
        _ => make(call, &desired, &intent).await?,
    };
    let resource = known.shown(call, rule(call));
    Ok(call.reply(201, resource, &projection))
}

/// Begins the create. One of the same name that was left half-way with other values is given up: what it made, if
/// anything, is found as a duplicate.
async fn begin(call: &Call<'_>, intent: &Intent) -> Result<Begun, ScimError> {
    let mut begun = call.state.begin_create(intent, call.now).await?;
    if let Begun::Other(other) = &begun {
        call.state.end_create(other).await?;
        begun = call.state.begin_create(intent, call.now).await?;
    }
    match begun {
        Begun::Busy | Begun::Other(_) => Err(ScimError::Unavailable {
            detail: "a user of this name is being created at this moment: send the request again"
                .to_owned(),
            retry_after: 2,
        }),
        begun => Ok(begun),
    }
}

/// Sends the create, and goes on with what came of it.
async fn make(call: &Call<'_>, desired: &Desired, intent: &Intent) -> Result<Known, ScimError> {
    let mut fields = body(desired.attributes.clone(), desired);
    match desired.active {
        Some(false) => set_state(&mut fields, UserState::Suspended.as_str()),
        // Only an activation chooses that there is no mail.
        Some(true) | None => set_state(&mut fields, UserState::Staged.as_str()),
    }
    audit::begin(call, beginning(call, None, &fields)).await?;
    match call.jumpcloud.create::<DirectoryUser>(&fields).await {
        Ok(user) => {
            let made = HalfMade {
                user,
                record: None,
                for_sure: true,
            };
            finish(call, made, desired, intent).await
        }
        Err(error) if error.is_in_doubt() => {
            let unknown = match half_made(call, desired, intent.at).await {
                Ok(Some(half_made)) => return finish(call, half_made, desired, intent).await,
                // The intent stays: the client's next attempt looks again.
                Ok(None) => error.into(),
                Err(unknown) => unknown,
            };
            note(call, Did::PerhapsChange, None).await;
            Err(unknown)
        }
        Err(error) => {
            note(call, Did::Nothing, None).await;
            if error.is_conflict_or_refused() {
                return refused(call, desired, intent, error).await;
            }
            Err(error.into())
        }
    }
}

/// What follows from a definite refusal: a user who was deleted through SCIM comes back, or a unique value is taken, or
/// JumpCloud does not like a value.
async fn refused(
    call: &Call<'_>,
    desired: &Desired,
    intent: &Intent,
    error: ClientError,
) -> Result<Known, ScimError> {
    call.state.end_create(intent).await?;
    let holders = holders(call, &desired.attributes, None).await?;
    for user in &holders {
        let record = call.state.user_record(&user.id).await?;
        if record.as_ref().is_none_or(|r| r.hidden_by.is_none()) {
            continue;
        }
        let user = user.clone();
        let known = Known::new(user, record);
        return if is_same_person(call, &known, desired) {
            bring_back(call, known, desired).await
        } else {
            let detail = "a user who was deleted through SCIM has this `userName`, `emails` or `employeeNumber`: to bring that user back, send its `externalId` or `employeeNumber`; for somebody else, send other values";
            Err(ScimError::invalid(ScimType::Uniqueness, detail))
        };
    }
    Err(match holders.first() {
        Some(holder) => taken(&desired.attributes, holder),
        None if error.is_taken() => {
            let detail = "`userName`, `emails` or `employeeNumber` is taken by a user that this service cannot see, perhaps of another organisation";
            ScimError::invalid(ScimType::Uniqueness, detail)
        }
        None => error.into(),
    })
}

/// An address that passed from a leaver to a joiner must not hand over the leaver's account.
fn is_same_person(call: &Call<'_>, known: &Known, desired: &Desired) -> bool {
    let client = &call.access.client;
    let hidden_by = known.record.as_ref().and_then(|r| r.hidden_by.as_ref());
    let external_id = known.view(client).and_then(|v| v.external_id.as_deref());
    let employee_number = Some(known.user.employee_identifier.as_str()).filter(|n| !n.is_empty());
    let asked_number = Some(desired.text("employeeIdentifier")).filter(|n| !n.is_empty());
    hidden_by.is_some_and(|by| by.client == *client)
        && (external_id.is_some() && external_id == desired.external_id.as_deref()
            || employee_number.is_some() && employee_number == asked_number)
}

/// Shows a deleted user again, with what the client now says of it, and with access where a SCIM client took that.
async fn bring_back(call: &Call<'_>, known: Known, desired: &Desired) -> Result<Known, ScimError> {
    let mut record = known.record_to_write();
    let attributes = changes(&known.user, desired, Omitted::Keep);
    let state = match desired.active {
        Some(false) => state_change(&known.user, desired.active),
        Some(true) | None if record.suspended_by.is_some() && known.user.is_suspended() => {
            StateChange::Reactivate
        }
        Some(true) | None => StateChange::None,
    };
    let names: Vec<&str> = attributes.keys().map(String::as_str).collect();
    let wish = ownership::Wish {
        attributes: &names,
        state,
        hides: false,
        deletes: false,
    };
    record.owner = allow(call, &known, wish)?;
    record.hidden_by = None;
    let client = call.access.client.clone();
    record.views.insert(client, view_of(desired));
    let fields = body(attributes, desired);
    perform(call, known, record, state, fields).await
}

/// A user that a create made and that is not the client's yet.
struct HalfMade {
    user: DirectoryUser,
    record: Option<UserRecord>,
    /// Whether this very request made it, and had JumpCloud's answer.
    for_sure: bool,
}

/// The user that this create made although its answer was lost: it has this name and address, is nobody's, and was made
/// since the create was begun. Somebody who was there before is nobody's to take.
async fn half_made(
    call: &Call<'_>,
    desired: &Desired,
    begun_at: Timestamp,
) -> Result<Option<HalfMade>, ScimError> {
    let username = desired.text("username");
    let since = begun_at.saturating_sub(CLOCK_SKEW).unwrap_or(begun_at);
    let mut users: Vec<DirectoryUser> = call.jumpcloud.find(&[("username", username)]).await?;
    users.retain(|user| {
        user.email.eq_ignore_ascii_case(desired.text("email"))
            && user.created.is_some_and(|created| created >= since)
            && ownership::protect(user, call.config).is_ok()
    });
    let Some(user) = users.pop() else {
        return Ok(None);
    };
    let record = call.state.user_record(&user.id).await?;
    let is_nobodys = record
        .as_ref()
        .is_none_or(|r| r.owner.is_none() && r.hidden_by.is_none());
    Ok(is_nobodys.then_some(HalfMade {
        user,
        record,
        for_sure: false,
    }))
}

/// Gives a user that was just made its access and its record; what came of that is written down.
async fn finish(
    call: &Call<'_>,
    half_made: HalfMade,
    desired: &Desired,
    intent: &Intent,
) -> Result<Known, ScimError> {
    let made = Known::new(half_made.user.clone(), None);
    match complete(call, half_made, desired, intent).await {
        Ok(known) => Ok(known),
        Err((error, did)) => {
            note(call, did, Some(&made)).await;
            Err(error)
        }
    }
}

/// Gives the user its access and its record, and with that closes the create; or takes back one that nobody may have. Where
/// that fails, what became of the user.
async fn complete(
    call: &Call<'_>,
    half_made: HalfMade,
    desired: &Desired,
    intent: &Intent,
) -> Result<Known, (ScimError, Did)> {
    let HalfMade {
        mut user,
        record: before,
        for_sure,
    } = half_made;
    let gives_access = call.config.scim.create_as == CreateAs::Active && user.is_staged();
    if desired.active != Some(false) && gives_access {
        let activated = call.jumpcloud.activate(&user.id, &Invitation::None).await;
        activated.map_err(|error| (error.into(), Did::PerhapsChange))?;
        user.recorded_state = Some(UserState::Activated);
    }
    let mut record = UserRecord::new(user.id.clone());
    record.owner = Some(Owner::Client(call.access.client.clone()));
    record
        .views
        .insert(call.access.client.clone(), view_of(desired));
    record.modified_at = Some(call.now);
    record.suspended_by = (desired.active == Some(false)).then(|| by(call));
    let made = Known::new(user.clone(), Some(record.clone()));
    let deed = deed_of(call, Did::Create, None, Some(&made));
    let also = Also {
        closes: Some(intent),
        noted: Some((call.scribe, &deed)),
        ..Also::default()
    };
    match call
        .state
        .put_user_record(before.as_ref(), record, also)
        .await
    {
        Ok(record) => Ok(Known::new(user, Some(record))),
        Err(error @ StateError::Taken { .. }) if for_sure => {
            // Two at once with one `externalId`: the user of the second was made this moment and is nobody's.
            let deleted = call.jumpcloud.delete_user(&user.id).await;
            deleted.map_err(|error| (error.into(), Did::PerhapsChange))?;
            let ended = call.state.end_create(intent).await;
            ended.map_err(|error| (error.into(), Did::Delete))?;
            Err((error.into(), Did::Delete))
        }
        Err(error) => Err((error.into(), Did::PerhapsChange)),
    }
}

/// That this user, if there is one yet, is about to be sent these fields.
fn beginning(call: &Call<'_>, id: Option<&str>, fields: &Map<String, Value>) -> Deed {
    let values = [Value::Null, audit::sent(fields)];
    audit::beginning(call, USER.name, id, Did::Create, values)
}

/// Writes down what became of a create that made no user for the client.
async fn note(call: &Call<'_>, did: Did, made: Option<&Known>) {
    audit::note(call, &deed_of(call, did, made, None)).await;
}

/// Refuses a create whose `externalId` this client gave to somebody else. One of a user that is no longer there is
/// free again.
async fn refuse_known_id(call: &Call<'_>, desired: &Desired) -> Result<(), ScimError> {
    let Some(external_id) = &desired.external_id else {
        return Ok(());
    };
    let client = &call.access.client;
    let Some(pointer) = call.state.find_by_external_id(client, external_id).await? else {
        return Ok(());
    };
    let id: &SystemUserId = &pointer.user_id;
    if call.jumpcloud.user(id).await?.is_some() {
        let detail = format!("`externalId` is taken: the user `{id}` has it");
        return Err(ScimError::invalid(ScimType::Uniqueness, detail));
    }
    if let Some(record) = call.state.user_record(id).await? {
        call.state.delete_user_record(&record, None).await?;
    }
    Ok(())
}

/// Tells one create from another. A password has no part in it: what is kept must not help to guess one.
fn digest(asked: &Resource) -> [u8; 32] {
    let mut asked = asked.clone();
    asked.remove("password");
    Sha256::digest(Value::Object(asked).to_string()).into()
}

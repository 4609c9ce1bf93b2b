//! Users: made, read, changed and deleted, each against JumpCloud and our record of whose the user is.
//!
//! A write goes record first, JumpCloud second: what is remembered of a suspension or a claim must not be lost with an
//! answer. A definite refusal by JumpCloud puts the record back.

mod create;
mod write;

pub(crate) use create::create;

use config::OnDelete;
use futures_util::future::try_join;
use mapping::SystemUserId;
use mapping::scim::{ActiveRule, DirectoryUser, Held, View, is_user_id, to_resource};
use serde_json::{Value, json};
use state::UserRecord;

use crate::error::ScimError;
use crate::list;
use crate::operation::{Operation, Reply};
use crate::patch::PatchRequest;
use crate::resource::{self, Resource};
use crate::schema::{ENTERPRISE_URN, GROUP, USER};
use crate::service::{Call, while_changed};
use crate::version::version;

/// A user, and what we remember of it.
pub(crate) struct Known {
    pub(crate) user: DirectoryUser,
    pub(crate) record: Option<UserRecord>,
}

impl Known {
    /// A user with our record of it.
    pub(crate) fn new(user: DirectoryUser, record: Option<UserRecord>) -> Self {
        let mut known = Self { user, record: None };
        known.remember(record);
        known
    }

    /// Adds our record of the user. Whom a client switched off before HR gave access is left STAGED in JumpCloud, which has
    /// no way back to that, and is suspended for every client.
    pub(crate) fn remember(&mut self, record: Option<UserRecord>) {
        if self.user.is_staged() {
            let is_off = |record: &UserRecord| record.suspended_by.is_some();
            self.user.suspended = record.as_ref().is_some_and(is_off);
        }
        self.record = record;
    }

    /// What this client calls the user.
    pub(crate) fn view(&self, client: &str) -> Option<&state::View> {
        self.record.as_ref()?.views.get(client)
    }

    /// The user as this client sees it, with absolute URIs and the entity tag.
    pub(crate) fn shown(&self, call: &Call<'_>, rule: ActiveRule) -> Resource {
        let view = self.view(&call.access.client);
        let view = View {
            user_name: view.and_then(|view| view.user_name.as_deref()),
            external_id: view.and_then(|view| view.external_id.as_deref()),
            modified_at: self.record.as_ref().and_then(|record| record.modified_at),
            active: rule,
        };
        let mut resource = to_resource(&self.user, &view);
        let manager = resource
            .get_mut(ENTERPRISE_URN)
            .and_then(|extension| extension.get_mut("manager"))
            .and_then(Value::as_object_mut);
        if let Some(manager) = manager {
            let location = call.location(USER.endpoint, &self.user.manager);
            manager.insert("$ref".to_owned(), location.into());
        }
        let version = version(&resource);
        if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
            let location = call.location(USER.endpoint, self.user.id.as_str());
            meta.insert("location".to_owned(), location.into());
            meta.insert("version".to_owned(), version.into());
        }
        resource
    }

    /// What we remember, to write it anew: of a user that nothing is known of, a record to begin with.
    fn record_to_write(&self) -> UserRecord {
        let new = || UserRecord::new(self.user.id.clone());
        self.record.clone().unwrap_or_else(new)
    }
}

/// Reads one user: one call of JumpCloud and one of DynamoDB.
async fn load(call: &Call<'_>, id: &str) -> Result<Known, ScimError> {
    let no_such_user = || ScimError::NotFound("there is no user of this id".to_owned());
    if !is_user_id(id) {
        return Err(no_such_user());
    }
    let id = SystemUserId::from(id);
    let user = async { Ok(call.jumpcloud.user_as::<DirectoryUser>(&id).await?) };
    let record = async { Ok::<_, ScimError>(call.state.user_record(&id).await?) };
    let (user, record) = try_join(user, record).await?;
    let is_hidden = record
        .as_ref()
        .is_some_and(|record| record.hidden_by.is_some());
    let user = user.filter(|_| !is_hidden).ok_or_else(no_such_user)?;
    Ok(Known::new(user, record))
}

/// [`load`] for a write: not of a user that is not as the client saw it, nor of one that another write is about to change,
/// for JumpCloud has no conditions of its own.
async fn load_to_write(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Known, ScimError> {
    let known = load(call, id).await?;
    let busy_until = known.record.as_ref().and_then(|record| record.busy_until);
    if busy_until.is_some_and(|until| until > call.now) {
        return Err(ScimError::Busy);
    }
    let version = version(&known.shown(call, rule(call)));
    operation.precondition.check_write(Some(&version))?;
    Ok(known)
}

/// Puts the groups into a resource whose reader asks for them: it costs a call.
pub(crate) async fn with_groups(
    call: &Call<'_>,
    user: &SystemUserId,
    resource: &mut Resource,
) -> Result<(), ScimError> {
    let groups = call.jumpcloud.groups_of(user).await?;
    if !groups.is_empty() {
        let groups: Value = groups
            .iter()
            .map(|group| membership(call, group.as_str()))
            .collect();
        resource.insert("groups".to_owned(), groups);
    }
    Ok(())
}

/// An element of `groups`.
pub(crate) fn membership(call: &Call<'_>, group: &str) -> Value {
    let location = call.location(GROUP.endpoint, group);
    json!({"value": group, "$ref": location, "type": "direct"})
}

/// `GET /Users/{id}` (RFC 7644 §3.4.1).
pub(crate) async fn read(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &USER)?;
    let known = load(call, id).await?;
    let mut resource = known.shown(call, rule(call));
    let version = version(&resource);
    // An answer with groups says more than its tag covers.
    if operation.precondition.check_read(&version)? && !projection.wants("groups") {
        return Ok(Reply::not_modified(version));
    }
    if projection.wants("groups") {
        with_groups(call, &known.user.id, &mut resource).await?;
    }
    Ok(call.reply(200, resource, &projection))
}

/// `PUT /Users/{id}` (RFC 7644 §3.5.1): what is left out is cleared, but for the password and `active`.
pub(crate) async fn replace(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let asked = resource::read(&resource::parse_json(operation.body)?, &USER)?;
    change(call, id, operation, |_| Ok(asked.clone())).await
}

/// `PATCH /Users/{id}` (RFC 7644 §3.5.2).
pub(crate) async fn patch(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let patch = PatchRequest::read(&resource::parse_json(operation.body)?, &USER)?;
    change(call, id, operation, |resource| patch.apply(resource, &USER)).await
}

/// Changes a user to what `next` makes of what the client was shown.
async fn change(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
    next: impl Fn(&Resource) -> Result<Resource, ScimError>,
) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &USER)?;
    let known = while_changed(|| async {
        let known = load_to_write(call, id, operation).await?;
        // An expired password reads as not active, and a new title must not suspend anybody for it.
        let asked = next(&known.shown(call, ActiveRule::NotSuspended))?;
        write::write(call, known, &asked).await
    })
    .await?;
    let mut resource = known.shown(call, rule(call));
    if projection.wants("groups") {
        with_groups(call, &known.user.id, &mut resource).await?;
    }
    Ok(call.reply(200, resource, &projection))
}

/// `DELETE /Users/{id}` (RFC 7644 §3.6): the user is suspended and hidden, or deleted, as the configuration says.
pub(crate) async fn delete(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    while_changed(|| async {
        let known = load_to_write(call, id, operation).await?;
        match call.config.scim.on_delete {
            OnDelete::Suspend => write::hide(call, known).await.map(drop),
            OnDelete::Delete => write::delete(call, known).await,
        }
    })
    .await?;
    Ok(Reply::empty(204))
}

/// When a user reads as active, for this service.
pub(crate) fn rule(call: &Call<'_>) -> ActiveRule {
    call.config.scim.active
}

/// What a resource asks of a user that is there.
fn desired(
    call: &Call<'_>,
    known: &Known,
    asked: &Resource,
) -> Result<mapping::scim::Desired, ScimError> {
    let held = Held {
        user: &known.user,
        user_name: known
            .view(&call.access.client)
            .and_then(|view| view.user_name.as_deref()),
    };
    let from_email = call.config.scim.username_from_email;
    Ok(mapping::scim::desired(asked, from_email, Some(&held))?)
}

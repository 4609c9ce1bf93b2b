//! Groups: JumpCloud's user groups, made, read, changed and deleted, each against JumpCloud and our record of what the
//! clients call it.
//!
//! A group is nobody's own: whoever may write may write any, apart from the dynamic ones, whose members follow a rule. A
//! membership is never written as a list, only by single adds and removes.

mod create;
mod listing;
mod members;
mod write;

pub(crate) use create::create;
pub(crate) use listing::{complete, list, matching, search};

use futures_util::future::try_join;
use jiff::Timestamp;
use mapping::scim::is_user_id;
use mapping::{Text, UserGroup, UserGroupId};
use serde_json::{Map, Value, json};
use state::GroupRecord;

use self::members::Membership;
use crate::audit::{self, Did};
use crate::error::{ScimError, ScimType};
use crate::list;
use crate::operation::{Operation, Reply};
use crate::patch::GroupPatch;
use crate::resource::{self, Resource};
use crate::schema::GROUP;
use crate::service::{Call, while_changed};
use crate::version::version;

/// A group, and what we remember of it.
struct Known {
    group: UserGroup,
    record: Option<GroupRecord>,
}

impl Known {
    /// What this client calls the group.
    fn external_id(&self, client: &str) -> Option<&Text> {
        self.record.as_ref()?.external_ids.get(client)
    }

    /// The group with this record.
    fn with(&self, record: GroupRecord) -> Self {
        Self {
            group: self.group.clone(),
            record: Some(record),
        }
    }

    /// The group as this client sees it, without its members.
    fn shown(&self, call: &Call<'_>) -> Resource {
        let mut resource = bare(call, &self.group);
        remember(call, &mut resource, self.record.as_ref());
        resource
    }
}

/// What JumpCloud alone tells of a group.
fn bare(call: &Call<'_>, group: &UserGroup) -> Resource {
    let location = call.location(GROUP.endpoint, group.id.as_str());
    let mut meta = Map::from_iter([
        ("resourceType".to_owned(), json!(GROUP.name)),
        ("location".to_owned(), json!(location)),
    ]);
    if let Some(created) = created(group.id.as_str()) {
        meta.insert("created".to_owned(), json!(created));
        meta.insert("lastModified".to_owned(), json!(created));
    }
    Resource::from_iter([
        ("id".to_owned(), json!(group.id)),
        ("displayName".to_owned(), json!(group.name)),
        ("meta".to_owned(), meta.into()),
    ])
}

/// When a group was made. JumpCloud tells it in the id alone: an `ObjectId` begins with the second it was made in.
fn created(id: &str) -> Option<Timestamp> {
    let second = u32::from_str_radix(id.get(..8)?, 16).ok()?;
    Timestamp::from_second(second.into()).ok()
}

/// Adds what we remember, and the version that follows from all of it.
fn remember(call: &Call<'_>, resource: &mut Resource, record: Option<&GroupRecord>) {
    let external_id = record.and_then(|record| record.external_ids.get(&call.access.client));
    if let Some(external_id) = external_id {
        resource.insert("externalId".to_owned(), json!(external_id));
    }
    let version = version(resource);
    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
        if let Some(modified_at) = record.and_then(|record| record.modified_at) {
            meta.insert("lastModified".to_owned(), json!(modified_at));
        }
        meta.insert("version".to_owned(), version.into());
    }
}

/// Reads one group: one call of JumpCloud and one of DynamoDB.
async fn load(call: &Call<'_>, id: &str) -> Result<Known, ScimError> {
    let no_such_group = || ScimError::NotFound("there is no group of this id".to_owned());
    if !is_user_id(id) {
        return Err(no_such_group());
    }
    let id = UserGroupId::from(id);
    let group = async { Ok(call.jumpcloud.group(&id).await?) };
    let record = async { Ok::<_, ScimError>(call.state.group_record(id.as_str()).await?) };
    let (group, record) = try_join(group, record).await?;
    let group = group.ok_or_else(no_such_group)?;
    Ok(Known { group, record })
}

/// [`load`] for a write: not of a dynamic group, nor of one that is not as the client saw it.
async fn load_to_write(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Known, ScimError> {
    let known = load(call, id).await?;
    if !known.group.is_static() {
        let detail = "this group is dynamic: its members follow a rule in JumpCloud, where an administrator changes it";
        return Err(ScimError::Forbidden(detail.to_owned()));
    }
    let version = version(&known.shown(call));
    operation.precondition.check_write(Some(&version))?;
    Ok(known)
}

/// `GET /Groups/{id}` (RFC 7644 §3.4.1).
pub(crate) async fn read(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &GROUP)?;
    let known = load(call, id).await?;
    let mut resource = known.shown(call);
    let version = version(&resource);
    // An answer with members says more than its tag covers.
    if operation.precondition.check_read(&version)? && !projection.wants("members") {
        return Ok(Reply::not_modified(version));
    }
    if projection.wants("members") {
        members::read_into(call, std::slice::from_mut(&mut resource)).await?;
    }
    Ok(call.reply(200, resource, &projection))
}

/// `PUT /Groups/{id}` (RFC 7644 §3.5.1): what is left out is cleared, the members among it.
pub(crate) async fn replace(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &GROUP)?;
    let asked = resource::read(&resource::parse_json(operation.body)?, &GROUP)?;
    let membership = Membership::exactly(&asked);
    let known = change(call, id, operation, |_| Ok(asked.clone()), &membership).await?;
    let mut resource = known.shown(call);
    membership.put_into(call, &mut resource);
    Ok(call.reply(200, resource, &projection))
}

/// `PATCH /Groups/{id}` (RFC 7644 §3.5.2). Who only adds and removes members gets no body back unless asking for one: it
/// would cost reading all of them.
pub(crate) async fn patch(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let projection = list::projection(operation.query, &GROUP)?;
    let GroupPatch { rest, members } = GroupPatch::read(&resource::parse_json(operation.body)?)?;
    let membership = Membership::after(&members);
    let next = |resource: &Resource| rest.apply(resource, &GROUP);
    let known = change(call, id, operation, next, &membership).await?;
    let mut resource = known.shown(call);
    let done = Reply {
        version: Some(version(&resource)),
        ..Reply::empty(204)
    };
    if rest.is_empty() && projection.is_default() {
        return Ok(done);
    }
    if projection.wants("members") {
        match members::read_into(call, std::slice::from_mut(&mut resource)).await {
            Err(ScimError::Invalid {
                scim_type: ScimType::TooMany,
                ..
            }) => return Ok(done),
            outcome => outcome?,
        }
    }
    Ok(call.reply(200, resource, &projection))
}

/// Changes a group to what `next` makes of what the client was shown, and its membership.
async fn change(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
    next: impl Fn(&Resource) -> Result<Resource, ScimError>,
    membership: &Membership,
) -> Result<Known, ScimError> {
    while_changed(|| async {
        let known = load_to_write(call, id, operation).await?;
        let asked = next(&known.shown(call))?;
        write::write(call, known, &asked, membership).await
    })
    .await
}

/// `DELETE /Groups/{id}` (RFC 7644 §3.6): the group is gone, and its members lose what it gave them.
pub(crate) async fn delete(
    call: &Call<'_>,
    id: &str,
    operation: &Operation<'_>,
) -> Result<Reply, ScimError> {
    let known = load_to_write(call, id, operation).await?;
    let values = [write::shown(call, &known), Value::Null];
    let beginning = audit::beginning(call, GROUP.name, Some(id), Did::Delete, values.clone());
    audit::begin(call, beginning).await?;
    let deed = |did| audit::deed(call, GROUP.name, Some(id), did, values.clone());
    if let Err(error) = call.jumpcloud.delete_group(&known.group.id).await {
        audit::note(call, &deed(Did::PerhapsChange)).await;
        return Err(error.into());
    }
    let deed = deed(Did::Delete);
    match &known.record {
        Some(record) => write::forget(call, record, Some(&deed)).await,
        None => audit::note(call, &deed).await,
    }
    Ok(Reply::empty(204))
}

fn text<'a>(resource: &'a Resource, attribute: &str) -> Option<&'a str> {
    resource.get(attribute)?.as_str()
}

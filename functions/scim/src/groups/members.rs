//! Who is in a group: read as a client may see it, and changed by single adds and removes.

use std::collections::BTreeSet;
use std::time::Duration;

use clients::ClientError;
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::scim::{DirectoryUser, is_user_id};
use mapping::{SystemUserId, UserGroupId};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::text;
use crate::error::{ScimError, ScimType};
use crate::patch::{MemberChange, cannot_be_altered};
use crate::resource::Resource;
use crate::schema::{GROUP, USER};
use crate::service::Call;

#[cfg(test)]
mod tests;

/// The most members that are read for one answer: with their URIs they are a few megabytes, and the gateway takes six.
const MAX_READ: usize = 20_000;

/// The most that JumpCloud and DynamoDB are asked for at once.
const PAGE: usize = 100;

/// The most members that one request adds and removes, however fast JumpCloud may be asked.
const MOST_AT_ONCE: usize = 1_000;

/// For how long a request adds and removes members at most.
const LONGEST: Duration = Duration::from_secs(15);

/// What of a request's time is left for what comes after.
const RESERVE: Duration = Duration::from_secs(5);

/// What becomes of a group's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Membership {
    /// Whether the members are these and nobody else.
    only: bool,
    /// These are members.
    members: BTreeSet<SystemUserId>,
    /// These are not.
    others: BTreeSet<SystemUserId>,
    /// These would become others if they are members now, which is refused.
    altered: BTreeSet<SystemUserId>,
}

/// Single adds and removes, which are the same in any order: nobody is in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Steps {
    add: BTreeSet<SystemUserId>,
    remove: BTreeSet<SystemUserId>,
}

impl Membership {
    /// The members of a resource, and nobody else.
    pub(super) fn exactly(resource: &Resource) -> Self {
        let members = resource.get("members").and_then(Value::as_array);
        let ids = members
            .into_iter()
            .flatten()
            .filter_map(|member| member.get("value")?.as_str());
        Self::only(ids)
    }

    /// What is left of changes that are made one after the other.
    pub(super) fn after(changes: &[MemberChange]) -> Self {
        let mut membership = Self::default();
        for change in changes {
            match change {
                MemberChange::Add(ids) => membership.add(ids),
                MemberChange::Remove(ids) => membership.remove(ids),
                MemberChange::RemoveAll => membership = Self::only([]),
                MemberChange::ReplaceAll(ids) => {
                    membership = Self::only(ids.iter().map(String::as_str));
                }
                MemberChange::Alter(_) => {}
            }
        }
        let altered = changes.iter().filter_map(|change| match change {
            MemberChange::Alter(ids) => Some(ids),
            _ => None,
        });
        membership.altered = altered.flatten().map(|id| id.as_str().into()).collect();
        membership
    }

    fn only<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            only: true,
            members: ids.into_iter().map(SystemUserId::from).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, ids: &[String]) {
        for id in ids.iter().map(|id| SystemUserId::from(id.as_str())) {
            self.others.remove(&id);
            self.members.insert(id);
        }
    }

    fn remove(&mut self, ids: &[String]) {
        for id in ids.iter().map(|id| SystemUserId::from(id.as_str())) {
            self.members.remove(&id);
            self.others.insert(id);
        }
    }

    /// How a group gets there. `is_alone`: nothing else is to be written, so that JumpCloud's own refusal of a single member
    /// comes in time.
    ///
    /// The present members are read where only that tells what to do, or where it is cheaper than trying, and lets a large
    /// change go on where the last attempt ended: one takes no more steps than there is time for. How many are left then.
    pub(super) async fn steps(
        &self,
        call: &Call<'_>,
        group: &UserGroupId,
        is_alone: bool,
    ) -> Result<(Steps, usize), ScimError> {
        if !self.altered.is_empty() {
            return Err(self.alteration(&read(call, group).await?));
        }
        let most = most_at_once(call);
        let steps = if self.only || self.members.len() + self.others.len() > PAGE.min(most) {
            self.steps_from(&read(call, group).await?.into_iter().collect())
        } else {
            let could_be = |id: &&SystemUserId| is_user_id(id.as_str());
            Steps {
                add: self.members.clone(),
                remove: self.others.iter().filter(could_be).cloned().collect(),
            }
        };
        self.refuse_nobodies(call).await?;
        if !(is_alone && steps.add.len() == 1) {
            check_exist(call, &steps.add).await?;
        }
        // What was read took its time.
        Ok(steps.first(most.min(most_at_once(call))))
    }

    /// Why nobody is altered: no member can be, and who is none cannot be found (RFC 7644 §3.5.2.3).
    fn alteration(&self, present: &[SystemUserId]) -> ScimError {
        if present.iter().any(|id| self.altered.contains(id)) {
            return cannot_be_altered();
        }
        let detail = "the filter on `members` selects nobody";
        ScimError::invalid(ScimType::NoTarget, detail)
    }

    /// How a group that does not exist yet gets there, with at most so many members.
    pub(super) async fn first_steps(
        &self,
        call: &Call<'_>,
        most: usize,
    ) -> Result<Steps, ScimError> {
        let most = most.min(most_at_once(call));
        if self.members.len() > most {
            let detail = format!(
                "a group can be made with at most {most} `members`: add the others by PATCH"
            );
            return Err(ScimError::invalid(ScimType::TooMany, detail));
        }
        self.refuse_nobodies(call).await?;
        check_exist(call, &self.members).await?;
        Ok(self.steps_from(&BTreeSet::new()))
    }

    fn steps_from(&self, present: &BTreeSet<SystemUserId>) -> Steps {
        let leave = |id: &&SystemUserId| {
            if self.only {
                !self.members.contains(*id)
            } else {
                self.others.contains(*id)
            }
        };
        Steps {
            add: self.members.difference(present).cloned().collect(),
            remove: present.iter().filter(leave).cloned().collect(),
        }
    }

    /// Refuses what cannot be anybody's id, and those who were deleted through SCIM.
    async fn refuse_nobodies(&self, call: &Call<'_>) -> Result<(), ScimError> {
        if let Some(id) = self.members.iter().find(|id| !is_user_id(id.as_str())) {
            return Err(no_such_user(id));
        }
        match hidden_among(call, &self.members).await?.first() {
            Some(id) => Err(no_such_user(id)),
            None => Ok(()),
        }
    }

    /// Shows the members.
    pub(super) fn put_into(&self, call: &Call<'_>, resource: &mut Resource) {
        put_into(call, &self.members, resource);
    }
}

impl Steps {
    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// The first so many of them, removals before additions, and how many are left.
    fn first(self, most: usize) -> (Self, usize) {
        let count = self.add.len() + self.remove.len();
        if count <= most {
            return (self, 0);
        }
        let remove: BTreeSet<_> = self.remove.into_iter().take(most).collect();
        let add = self.add.into_iter().take(most - remove.len()).collect();
        (Self { add, remove }, count - most)
    }

    /// Whom they add and remove.
    pub(super) fn ids(&self) -> Value {
        json!({"added": self.add, "removed": self.remove})
    }

    /// Takes them, several at once: who is a member already and who is none are done.
    pub(super) async fn take(&self, call: &Call<'_>, group: &UserGroupId) -> Result<(), ScimError> {
        // Made before they are awaited: a closure over borrowed ids that lives in a stream would keep the future from
        // being `Send`.
        let removals = self.remove.iter();
        let removals = removals.map(|id| call.jumpcloud.remove_member(group, id));
        stream::iter(removals.collect::<Vec<_>>())
            .buffer_unordered(call.config.jumpcloud.concurrency)
            .try_collect::<()>()
            .await?;
        let additions = self.add.iter().map(|id| async move {
            let outcome = call.jumpcloud.add_member(group, id).await;
            outcome.map_err(|error| refused(error, id))
        });
        stream::iter(additions.collect::<Vec<_>>())
            .buffer_unordered(call.config.jumpcloud.concurrency)
            .try_collect()
            .await
    }
}

/// The most members that this request may still add and remove: each is a call, all are made before the gateway gives up, and
/// what is written down of them is one item.
fn most_at_once(call: &Call<'_>) -> usize {
    let left = call.deadline.saturating_duration_since(Instant::now());
    let seconds = left.saturating_sub(RESERVE).min(LONGEST).as_secs();
    let in_time = u64::from(call.config.jumpcloud.requests_per_second) * seconds;
    usize::try_from(in_time).map_or(MOST_AT_ONCE, |in_time| in_time.clamp(1, MOST_AT_ONCE))
}

fn refused(error: ClientError, id: &SystemUserId) -> ScimError {
    if error.is_refusal_for_sure() {
        no_such_user(id)
    } else {
        error.into()
    }
}

fn no_such_user(id: &SystemUserId) -> ScimError {
    ScimError::value(format!("`members`: there is no user `{id}`"))
}

/// Refuses ids that are no user's. A search tells for a hundred at once; only who is not found so is asked for alone.
async fn check_exist(call: &Call<'_>, ids: &BTreeSet<SystemUserId>) -> Result<(), ScimError> {
    let ids: Vec<&SystemUserId> = ids.iter().collect();
    let checks = ids.chunks(PAGE).map(|ids| check_page(call, ids));
    stream::iter(checks.collect::<Vec<_>>())
        .buffer_unordered(call.config.jumpcloud.concurrency)
        .try_collect()
        .await
}

async fn check_page(call: &Call<'_>, ids: &[&SystemUserId]) -> Result<(), ScimError> {
    let any_of: Vec<(&str, &str)> = ids.iter().map(|id| ("_id", id.as_str())).collect();
    let found: Vec<DirectoryUser> = call.jumpcloud.find(&any_of).await?;
    let found: BTreeSet<&SystemUserId> = found.iter().map(|user| &user.id).collect();
    for id in ids.iter().filter(|id| !found.contains(*id)) {
        if call.jumpcloud.user(id).await?.is_none() {
            return Err(no_such_user(id));
        }
    }
    Ok(())
}

/// Those of these users whom no client sees.
pub(super) async fn hidden_among(
    call: &Call<'_>,
    ids: &BTreeSet<SystemUserId>,
) -> Result<BTreeSet<SystemUserId>, ScimError> {
    if ids.len() > PAGE {
        let mut hidden = call.state.hidden_users().await?;
        hidden.retain(|id| ids.contains(id));
        return Ok(hidden);
    }
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let records = call.state.user_records(ids).await?;
    let hidden = records
        .into_values()
        .filter(|record| record.hidden_by.is_some());
    Ok(hidden.map(|record| record.user_id).collect())
}

/// All members of a group, if they are not too many; a group of less than a hundred costs one call.
async fn read(call: &Call<'_>, group: &UserGroupId) -> Result<Vec<SystemUserId>, ScimError> {
    let first = call.jumpcloud.members_page(group, 0, PAGE).await?;
    let total = first.total.unwrap_or(first.rows.len());
    if total > MAX_READ {
        return Err(too_many());
    }
    if first.rows.len() < PAGE && total == first.rows.len() {
        return Ok(first.rows);
    }
    Ok(call.jumpcloud.members(group).await?)
}

/// Gives groups their members: at least one call for each.
pub(super) async fn read_into(
    call: &Call<'_>,
    resources: &mut [Resource],
) -> Result<(), ScimError> {
    if resources.is_empty() {
        return Ok(());
    }
    let groups: Vec<UserGroupId> = resources
        .iter()
        .filter_map(|resource| text(resource, "id").map(UserGroupId::from))
        .collect();
    let members = async {
        let mut left = MAX_READ;
        let reads: Vec<_> = groups.iter().map(|group| read(call, group)).collect();
        stream::iter(reads)
            .buffered(call.config.jumpcloud.concurrency)
            .and_then(|members| {
                let rest = left.checked_sub(members.len());
                left = rest.unwrap_or(0);
                std::future::ready(rest.map(|_| members).ok_or_else(too_many))
            })
            .try_collect::<Vec<_>>()
            .await
    };
    let hidden = async { Ok(call.state.hidden_users().await?) };
    let (members, hidden) = try_join(members, hidden).await?;
    for (resource, members) in resources.iter_mut().zip(&members) {
        let seen = members.iter().filter(|id| !hidden.contains(id));
        put_into(call, seen, resource);
    }
    Ok(())
}

/// Shows these members.
pub(super) fn put_into<'a>(
    call: &Call<'_>,
    members: impl IntoIterator<Item = &'a SystemUserId>,
    resource: &mut Resource,
) {
    let members: Vec<Value> = members
        .into_iter()
        .map(|id| {
            let location = call.location(USER.endpoint, id.as_str());
            json!({"value": id, "$ref": location, "type": USER.name})
        })
        .collect();
    if !members.is_empty() {
        resource.insert("members".to_owned(), members.into());
    }
}

fn too_many() -> ScimError {
    let detail = format!(
        "at most {MAX_READ} `members` of a {} are read at once: ask with `excludedAttributes=members` or for fewer groups, and change members by PATCH with `add` and `remove`, {PAGE} at a time",
        GROUP.name
    );
    ScimError::invalid(ScimType::TooMany, detail)
}

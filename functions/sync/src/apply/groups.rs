//! Writes memberships of groups, and makes the groups that rules want. Single adds and removals: whoever else writes the
//! same group loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use clients::{ClientError, GroupQuery};
use mapping::{SystemUserId, Text, UserGroupId};
use serde_json::{Map, json};
use state::Link;

use super::{Run, Stop, stop};
use crate::judge::ApprovedPlan;
use crate::plan::{Change, Membership, PersonPlan, Reason};

impl Run<'_> {
    /// The groups of the plan. One that is still to be made is made now, if anybody may be put into it.
    pub(super) async fn groups_of(
        &self,
        plan: &ApprovedPlan,
    ) -> BTreeMap<Text, Result<UserGroupId, Reason>> {
        let changes = plan.people().iter().flat_map(|person| &person.plan.changes);
        let wanted: BTreeSet<&str> = changes
            .filter_map(|change| match change.membership()? {
                Membership::Joins(name) => Some(name),
                Membership::Leaves(_) => None,
            })
            .collect();
        let mut groups = BTreeMap::new();
        for (name, facts) in plan.groups() {
            let group = match &facts.id {
                Some(id) => Ok(id.clone()),
                None if wanted.contains(name.as_str()) => self.make_group(name).await,
                None => continue,
            };
            groups.insert(name.clone(), group);
        }
        groups
    }

    /// Makes a static group. When that is refused or in doubt, a group of this name may be there all the same.
    async fn make_group(&self, name: &Text) -> Result<UserGroupId, Reason> {
        if let Some(reason) = self.must_stop() {
            return Err(reason);
        }
        let fields = [("name", name.as_str()), ("membershipMethod", "STATIC")];
        let fields = fields.map(|(key, value)| (key.to_owned(), json!(value)));
        let fields = Map::from_iter(fields);
        let error = match self.writer.jumpcloud.create_group(&fields).await {
            Ok(group) => {
                tracing::info!(group.id = %group.id, "made a group for its rule");
                return Ok(group.id);
            }
            Err(error) => error,
        };
        let query = GroupQuery {
            name: Some(name.to_string()),
            ..GroupQuery::default()
        };
        if (error.is_conflict_or_refused() || error.is_in_doubt())
            && let Ok(found) = self.writer.jumpcloud.groups_page(&query).await
            && let [group] = found.rows.as_slice()
            && group.is_static()
        {
            return Ok(group.id.clone());
        }
        match refused(error, &format!("JumpCloud did not make the group `{name}`")) {
            Stop::Failed(reason) => Err(reason),
            Stop::Halt(reason) => Err(self.halted.get_or_init(|| reason).clone()),
        }
    }

    /// What is left after the user's own changes, which came out so: groups, and the link. Of a membership that is about
    /// to be given the link knows before, so that no crash makes it look like somebody else's; of one that was ended,
    /// after. One in a group that is no more is forgotten last: its rule's new group may turn out to be the old one.
    pub(super) async fn finish(
        &self,
        plan: &PersonPlan,
        user: &SystemUserId,
        mut link: Link,
        outcome: Result<(), Stop>,
    ) -> Result<(), Stop> {
        if outcome.is_err() {
            self.close(link).await?;
            return outcome;
        }
        let mut outcome = outcome;
        let memberships = || plan.changes.iter().filter_map(Change::membership);
        let joined = memberships().filter_map(|membership| match membership {
            Membership::Joins(name) => Some((self.group(name).ok()?.clone(), name.into())),
            Membership::Leaves(_) => None,
        });
        let joined: BTreeMap<UserGroupId, Text> = joined.collect();
        let is_noted = !joined.is_empty();
        if is_noted {
            link.groups.extend(joined.clone());
            self.put(&link).await?;
        }
        let noted = link.groups.clone();
        for membership in memberships() {
            let done = self.change_membership(membership, user, &mut link).await;
            let is_halted = matches!(done, Err(Stop::Halt(_)));
            outcome = outcome.and(done);
            if is_halted {
                break;
            }
        }
        if outcome.is_ok() {
            let is_over = |id: &UserGroupId| plan.forgets.contains(id) && !joined.contains_key(id);
            link.groups.retain(|id, _| !is_over(id));
        }
        if !is_noted || link.groups != noted {
            self.close(link).await?;
        }
        outcome
    }

    async fn change_membership(
        &self,
        membership: Membership<'_>,
        user: &SystemUserId,
        link: &mut Link,
    ) -> Result<(), Stop> {
        let (Membership::Joins(name) | Membership::Leaves(name)) = membership;
        let id = self.group(name).map_err(Stop::Failed)?;
        let jumpcloud = &self.writer.jumpcloud;
        match membership {
            Membership::Joins(_) => jumpcloud.add_member(id, user).await.map_err(|error| {
                if error.is_refusal_for_sure() {
                    link.groups.remove(id);
                }
                refused(
                    error,
                    &format!("JumpCloud did not put the user into the group `{name}`"),
                )
            })?,
            Membership::Leaves(_) => {
                jumpcloud.remove_member(id, user).await.map_err(|error| {
                    refused(
                        error,
                        &format!("JumpCloud did not take the user out of the group `{name}`"),
                    )
                })?;
                link.groups.remove(id);
            }
        }
        tracing::info!(worker.id = %link.key.worker_id, user.id = %user, group.id = %id, "changed a membership");
        Ok(())
    }

    /// The group of this name, or why there is none.
    fn group(&self, name: &str) -> Result<&UserGroupId, Reason> {
        match self.groups.get(name) {
            Some(Ok(id)) => Ok(id),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(Reason::new(
                "group_refused",
                format!("the plan knows no group `{name}`"),
            )),
        }
    }
}

fn refused(error: ClientError, what: &str) -> Stop {
    match stop(error, what) {
        Stop::Failed(reason) => Stop::Failed(Reason {
            code: Text::const_new("group_refused"),
            ..reason
        }),
        Stop::Halt(reason) => Stop::Halt(reason),
    }
}

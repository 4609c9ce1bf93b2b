//! Reads the groups that rules are about, and who is in them. What that means is not decided here.
//!
//! A group that cannot be read whole is nobody else's problem: it is marked as such, and the run goes on.

use std::collections::{BTreeMap, BTreeSet};

use clients::{ClientError, JumpCloud};
use futures_util::future::{join_all, try_join_all};
use mapping::{GroupRule, SystemUser, SystemUserId, UserGroup, UserGroupId};

use super::{Scope, Snapshot};
use crate::chain;

/// Groups as they were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    /// Every group of the organisation; none where no rule is, or ever was, about any.
    pub listed: Vec<UserGroup>,
    /// The direct members of the static ones that a rule names or once put somebody into, or why these are not known.
    /// Where only a few users were read, only these are among them.
    pub members: BTreeMap<UserGroupId, Result<BTreeSet<SystemUserId>, String>>,
    /// Why the groups are not known.
    pub unreadable: Option<String>,
}

impl Groups {
    /// One list finds every group by name, and those that are remembered by id: an organisation has few groups.
    pub(super) async fn read(
        rules: &[GroupRule],
        snapshot: &Snapshot,
        jumpcloud: &JumpCloud,
    ) -> Self {
        let remembered: BTreeSet<&UserGroupId> = snapshot
            .links
            .iter()
            .flat_map(|link| link.groups.keys())
            .collect();
        if rules.is_empty() && remembered.is_empty() {
            return Self::default();
        }
        let listed = match list(&remembered, jumpcloud).await {
            Ok(listed) => listed,
            Err(why) => {
                return Self {
                    unreadable: Some(why),
                    ..Self::default()
                };
            }
        };
        let is_asked_for = |group: &&UserGroup| {
            let is_named = rules.iter().any(|rule| rule.name == group.name);
            group.is_static() && (is_named || remembered.contains(&group.id))
        };
        let groups: Vec<&UserGroupId> = listed
            .iter()
            .filter(is_asked_for)
            .map(|group| &group.id)
            .collect();
        let members = if is_about_few(snapshot) {
            members_among(&snapshot.users, &groups, jumpcloud).await
        } else {
            all_members(&groups, jumpcloud).await
        };
        Self {
            listed,
            members,
            unreadable: None,
        }
    }
}

/// Every group. A list that leaves out one that is remembered, though it is there, is not whole, whatever it says.
async fn list(
    remembered: &BTreeSet<&UserGroupId>,
    jumpcloud: &JumpCloud,
) -> Result<Vec<UserGroup>, String> {
    let read = async {
        let listed = jumpcloud.every_group().await?;
        let is_listed = |id: &UserGroupId| listed.iter().any(|group| group.id == *id);
        let unlisted = remembered.iter().filter(|id| !is_listed(id));
        let unlisted = try_join_all(unlisted.map(|id| jumpcloud.group(id))).await?;
        Ok((unlisted.into_iter().flatten().next(), listed))
    };
    match read.await.map_err(|error: ClientError| chain(&error))? {
        (None, listed) => Ok(listed),
        (Some(group), _) => Err(format!(
            "the list of groups leaves out `{}`, which is there",
            group.name
        )),
    }
}

/// Whether no more was read than the users of a few people: then each of them is asked for their groups.
fn is_about_few(snapshot: &Snapshot) -> bool {
    let people = snapshot.sources.iter().map(|read| read.workers.len());
    snapshot.scope != Scope::Everyone && snapshot.users.len() <= people.sum()
}

/// The members of each group, or why these are not known.
pub(crate) type Members = BTreeMap<UserGroupId, Result<BTreeSet<SystemUserId>, String>>;

/// Every direct member of these groups.
pub(crate) async fn all_members(groups: &[&UserGroupId], jumpcloud: &JumpCloud) -> Members {
    let read = groups.iter().map(async |id| {
        let members = jumpcloud.members(id).await;
        let members = members.map(|members| members.into_iter().collect());
        ((*id).clone(), members.map_err(|error| chain(&error)))
    });
    join_all(read).await.into_iter().collect()
}

/// Those of a few users who are in these groups: one call for each of them, however large the groups are.
async fn members_among(
    users: &[SystemUser],
    groups: &[&UserGroupId],
    jumpcloud: &JumpCloud,
) -> Members {
    let memberships = users.iter().map(async |user| {
        let groups = jumpcloud.groups_of(&user.id).await?;
        Ok::<_, ClientError>((&user.id, groups))
    });
    let memberships = try_join_all(memberships).await;
    let members = |group: &UserGroupId| match &memberships {
        Ok(memberships) => Ok(memberships
            .iter()
            .filter(|(_, groups)| groups.contains(group))
            .map(|(user, _)| (*user).clone())
            .collect()),
        Err(error) => Err(chain(error)),
    };
    groups
        .iter()
        .map(|id| ((*id).clone(), members(id)))
        .collect()
}

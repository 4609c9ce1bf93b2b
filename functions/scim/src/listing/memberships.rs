//! Filters on a user's groups: JumpCloud tells the members of a group at once, and the groups of a user one user at a time.

use std::collections::{BTreeMap, BTreeSet};

use mapping::scim::is_user_id;
use mapping::{SystemUserId, UserGroupId};
use serde_json::Value;

use crate::error::{ScimError, ScimType};
use crate::filter::{Comparison, Filter};
use crate::resource::Resource;
use crate::service::Call;
use crate::users::membership;

/// The most groups that one filter may name.
const MOST_GROUPS: usize = 10;

/// The members of the groups that a filter names.
#[derive(Debug, Default)]
pub(super) struct Memberships(BTreeMap<String, BTreeSet<SystemUserId>>);

impl Memberships {
    /// Reads the members of every group that the filter names, and nothing for a filter without groups.
    pub(super) async fn read(call: &Call<'_>, filter: &Filter) -> Result<Self, ScimError> {
        let mut ids = BTreeSet::new();
        collect(filter, &mut ids)?;
        if ids.len() > MOST_GROUPS {
            let detail = format!("a filter may name at most {MOST_GROUPS} groups");
            return Err(ScimError::invalid(ScimType::TooMany, detail));
        }
        let mut groups = BTreeMap::new();
        for id in ids {
            let members = members(call, id).await?;
            groups.insert(id.to_owned(), members);
        }
        Ok(Self(groups))
    }

    #[cfg(test)]
    pub(super) fn of_group(group: &str, members: BTreeSet<SystemUserId>) -> Self {
        Self(BTreeMap::from([(group.to_owned(), members)]))
    }

    /// The members of a group that the filter names.
    pub(super) fn of(&self, group: &str) -> Option<&BTreeSet<SystemUserId>> {
        self.0.get(group)
    }

    /// Puts into a user's resource those of these groups that it is a member of: all that the filter asks about.
    pub(super) fn put(&self, call: &Call<'_>, user: &SystemUserId, resource: &mut Resource) {
        let own = self.0.iter().filter(|(_, members)| members.contains(user));
        let own: Vec<Value> = own.map(|(group, _)| membership(call, group)).collect();
        if !own.is_empty() {
            resource.insert("groups".to_owned(), own.into());
        }
    }
}

async fn members(call: &Call<'_>, group: &str) -> Result<BTreeSet<SystemUserId>, ScimError> {
    if !is_user_id(group) {
        return Ok(BTreeSet::new());
    }
    match call.jumpcloud.members(&UserGroupId::from(group)).await {
        Ok(members) => Ok(members.into_iter().collect()),
        Err(error) if error.is_not_found() => Ok(BTreeSet::new()),
        Err(error) => Err(error.into()),
    }
}

/// The ids that the filter compares groups with. Any other question about groups would take a call for each user.
fn collect<'a>(filter: &'a Filter, ids: &mut BTreeSet<&'a str>) -> Result<(), ScimError> {
    let path = match filter {
        Filter::And(items) | Filter::Or(items) => {
            return items.iter().try_for_each(|item| collect(item, ids));
        }
        Filter::Not(inner) => return collect(inner, ids),
        Filter::Present(path)
        | Filter::ValuePath(path, _)
        | Filter::Compare(Comparison { path, .. }) => path,
    };
    if path.attribute.name != "groups" {
        return Ok(());
    }
    let equality = filter.equality();
    let id = equality.filter(|it| it.path.sub.is_some_and(|sub| sub.name == "value"));
    let detail = "`groups` is only compared as in `groups.value eq \"<the group's id>\"`";
    let id = id.ok_or_else(|| ScimError::invalid(ScimType::InvalidFilter, detail))?;
    ids.insert(id.value);
    Ok(())
}

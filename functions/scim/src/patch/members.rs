//! The part of a group's PATCH that concerns its members, as ids to add and to remove: a group of any size is changed without
//! reading who is in it.

use std::collections::BTreeSet;

use scim_v2::filter::CompareOp;
use serde_json::{Value, json};

use super::{Change, Edit, PatchRequest, Selection};
use crate::{
    ScimError, ScimType,
    filter::{Comparison, Filter, Operand},
    schema::{AttributePath, GROUP},
};

/// A PATCH of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPatch {
    /// What it changes of the group itself.
    pub rest: PatchRequest,
    /// What it changes of the membership, in order.
    pub members: Vec<MemberChange>,
}

/// A change of a group's membership, by the ids of users, each once.
///
/// Adding who is a member and removing who is none changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// These are members too.
    Add(Vec<String>),
    /// These are not members.
    Remove(Vec<String>),
    /// Nobody is a member.
    RemoveAll,
    /// These are the members, and nobody else.
    ReplaceAll(Vec<String>),
    /// Some of these would become others, which no member can: it is added and removed.
    Alter(Vec<String>),
}

impl GroupPatch {
    /// Reads the body of a PATCH of a group.
    pub fn read(body: &Value) -> Result<Self, ScimError> {
        let (members, changes): (Vec<_>, Vec<_>) = PatchRequest::read(body, &GROUP)?
            .changes
            .into_iter()
            .partition(|change| change.attribute().name == "members");
        Ok(Self {
            rest: PatchRequest { changes },
            members: members
                .iter()
                .map(to_member_change)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn to_member_change(change: &Change) -> Result<MemberChange, ScimError> {
    Ok(match change {
        Change::Set(_, None) => MemberChange::RemoveAll,
        Change::Set(_, Some(members)) => {
            MemberChange::ReplaceAll(ids(members.as_array().into_iter().flatten()))
        }
        Change::Add(_, members) => MemberChange::Add(ids(members)),
        Change::Discard(_, members) => MemberChange::Remove(ids(members)),
        Change::Edit(selection, Edit::Remove) => MemberChange::Remove(selected_ids(selection)?),
        Change::Edit(selection, Edit::Merge(_) | Edit::Replace(_)) => {
            if selection.filter.is_none() {
                return Err(cannot_be_altered());
            }
            MemberChange::Alter(selected_ids(selection)?)
        }
    })
}

/// The refusal to make another member of one that there is.
pub(crate) fn cannot_be_altered() -> ScimError {
    let detail = "`members` are added and removed, and cannot be changed";
    ScimError::invalid(ScimType::Mutability, detail)
}

fn ids<'a>(members: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let values = members
        .into_iter()
        .filter_map(|member| member.get("value")?.as_str());
    once_each(values)
}

fn once_each<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter()
        .filter(|id| seen.insert(*id))
        .map(str::to_owned)
        .collect()
}

/// The ids that a filter can select, whoever is a member.
fn selected_ids(selection: &Selection) -> Result<Vec<String>, ScimError> {
    let named = selection.filter.as_ref().and_then(named_ids);
    let Some(named) = named else {
        return Err(ScimError::invalid(
            ScimType::InvalidFilter,
            format!("`{}` must select members by `value eq`", selection.written),
        ));
    };
    let is_selected = |id: &&str| selection.selects(&json!({ "value": id, "type": "User" }));
    let selected = once_each(named.into_iter().filter(is_selected));
    if selected.is_empty() {
        return Err(selection.selects_nothing());
    }
    Ok(selected)
}

/// Ids among which are all that the filter can select, if it limits them.
fn named_ids(filter: &Filter) -> Option<Vec<&str>> {
    match filter {
        Filter::Compare(Comparison {
            path,
            operator: CompareOp::Eq,
            operand: Operand::Text(id),
        }) if path.target().name == "value" => Some(vec![id]),
        Filter::And(items) => items.iter().find_map(named_ids),
        Filter::Or(items) => {
            let ids: Option<Vec<_>> = items.iter().map(named_ids).collect();
            Some(ids?.concat())
        }
        _ => None,
    }
}

/// The ids of the users whose memberships decide whether a group fits a filter over groups, if there are such: whoever else
/// is a member makes no difference.
pub(crate) fn named_members(filter: &Filter) -> Option<BTreeSet<&str>> {
    let is_of_members = |path: &AttributePath| path.attribute.name == "members";
    let ids = match filter {
        Filter::And(items) | Filter::Or(items) => {
            let ids: Option<Vec<_>> = items.iter().map(named_members).collect();
            return Some(ids?.into_iter().flatten().collect());
        }
        Filter::Not(inner) => return named_members(inner),
        Filter::ValuePath(path, inner) if is_of_members(path) => named_ids(inner)?,
        Filter::Compare(comparison) if is_of_members(&comparison.path) => named_ids(filter)?,
        Filter::Present(path) if is_of_members(path) => return None,
        Filter::Present(_) | Filter::Compare(_) | Filter::ValuePath(..) => Vec::new(),
    };
    Some(ids.into_iter().collect())
}

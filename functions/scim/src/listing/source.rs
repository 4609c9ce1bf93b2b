//! Where the users come from that can fit a filter: JumpCloud and our table are asked for no more of them than they can
//! answer exactly or with too many. Pure; the filter decides on each of them.

use std::collections::BTreeSet;

use clients::{Condition, UserQuery};
use mapping::SystemUserId;
use mapping::scim::{is_user_id, jumpcloud_attribute};

use super::memberships::Memberships;
use crate::filter::{Equality, Filter};
use crate::schema::AttributePath;

/// The most members of a group that are read one by one; of more, everybody is read.
const MOST_MEMBERS: usize = 50;

/// Users among whom all are that fit a filter.
#[derive(Debug, PartialEq)]
pub(super) enum Source<'a> {
    /// These.
    These(BTreeSet<SystemUserId>),
    /// Whom the client calls so.
    ExternalId(&'a str),
    /// Whom the client gave this name, which is not JumpCloud's.
    UserName(&'a str),
    /// Whom JumpCloud's search finds; everybody where nothing is searched for.
    Search(UserQuery),
}

impl<'a> Source<'a> {
    pub(super) fn of(filter: &'a Filter, memberships: &Memberships) -> Self {
        if *filter == Filter::NOTHING {
            return Self::These(BTreeSet::new());
        }
        let equalities: Vec<Equality<'a>> = filter
            .conjuncts()
            .iter()
            .filter_map(Filter::equality)
            .collect();
        let one = equalities.iter().find_map(|equality| {
            let value = equality.value;
            match way(equality.path)[..] {
                ["id"] => Some(Self::These(user_id(value).into_iter().collect())),
                ["externalId"] => Some(Self::ExternalId(value)),
                // JumpCloud's usernames have no `@`, and every name that a client alone uses has one.
                ["userName"] if value.contains('@') => Some(Self::UserName(value)),
                _ => None,
            }
        });
        if let Some(one) = one {
            return one;
        }
        let conditions: Vec<_> = equalities.iter().filter_map(condition).collect();
        if conditions.is_empty() {
            if let Some(query) = equalities.iter().find_map(either_address) {
                return Self::Search(query);
            }
            if let Some(members) = few_members(&equalities, memberships) {
                return Self::These(members);
            }
        }
        Self::Search(UserQuery {
            conditions,
            ..UserQuery::default()
        })
    }

    /// Whether its users come with their records: one request, unless they are a whole directory.
    pub(super) fn gives_records(&self) -> bool {
        match self {
            Self::These(_) | Self::ExternalId(_) | Self::UserName(_) => true,
            Self::Search(query) => !query.conditions.is_empty(),
        }
    }
}

/// The names that lead to an attribute.
fn way(path: AttributePath) -> Vec<&'static str> {
    path.extension
        .into_iter()
        .chain([path.attribute.name])
        .chain(path.sub.map(|sub| sub.name))
        .collect()
}

fn user_id(text: &str) -> Option<SystemUserId> {
    is_user_id(text).then(|| text.into())
}

/// What JumpCloud's search can be asked for: its answer then has everybody who fits.
fn condition(equality: &Equality<'_>) -> Option<(String, Condition)> {
    let way = way(equality.path);
    let field = match (way.as_slice(), equality.element_type) {
        (["emails", "value"], Some(kind)) => {
            let element = format!("emails[type eq \"{}\"]", kind.to_ascii_lowercase());
            jumpcloud_attribute(&[&element])?
        }
        // How JumpCloud keeps and compares the manager's id is not documented.
        ([_, "manager", _], _) | (_, Some(_)) => return None,
        (way, None) => jumpcloud_attribute(way)?,
    };
    Some((field.to_owned(), comparison(equality)?))
}

/// An address that may be either of a user's two.
fn either_address(equality: &Equality<'_>) -> Option<UserQuery> {
    let ["emails", "value"] = way(equality.path)[..] else {
        return None;
    };
    let condition = comparison(equality)?;
    let fields = ["email", "alternateEmail"];
    Some(UserQuery {
        conditions: fields
            .map(|field| (field.to_owned(), condition.clone()))
            .into(),
        any: true,
        ..UserQuery::default()
    })
}

/// How JumpCloud treats the case of other than ASCII letters is not documented, so that there it is not asked.
fn comparison(equality: &Equality<'_>) -> Option<Condition> {
    let value = equality.value;
    if equality.path.target().case_exact {
        Some(Condition::Equals(value.into()))
    } else {
        value
            .is_ascii()
            .then(|| Condition::EqualsIgnoringCase(value.to_owned()))
    }
}

fn few_members(
    equalities: &[Equality<'_>],
    memberships: &Memberships,
) -> Option<BTreeSet<SystemUserId>> {
    equalities
        .iter()
        .filter(|equality| equality.path.attribute.name == "groups")
        .filter_map(|equality| memberships.of(equality.value))
        .find(|members| members.len() <= MOST_MEMBERS)
        .cloned()
}

#[cfg(test)]
mod tests;

//! Whose user is whose manager, those who get a user in this very run included.

use std::collections::{BTreeMap, BTreeSet};

use mapping::{Attribute, AttributeRule, Class, SystemUser, SystemUserId, Text, Update, WorkerId};
use serde_json::json;

use super::known::Known;
use super::{Candidate, Found};
use crate::plan::{Change, PersonPlan};

/// A person of a source: the source's rank and the worker id.
type Person<'a> = (usize, &'a str);

/// Who has a user, gets one, or is in a circle.
pub(super) struct Managers<'a> {
    accounts: BTreeMap<Person<'a>, Account<'a>>,
    /// People whose chain of managers comes back to them.
    circular: BTreeSet<Person<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Account<'a> {
    /// A user that is known before the run.
    User(&'a SystemUserId),
    /// One that the run brings, if nothing holds it.
    Coming,
}

/// The manager of somebody, as far as a user goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum ManagerUser<'a> {
    /// Nobody, or nobody with a user: the attribute is left as it is.
    Unknown,
    /// The managers form a circle in HR: the attribute is left as it is.
    Circular,
    /// A user.
    Known(&'a WorkerId, &'a SystemUserId),
    /// Somebody who gets a user in this run.
    Coming(&'a WorkerId),
}

impl<'a> Managers<'a> {
    pub(super) fn of(candidates: &[Candidate<'a>], known: &Known<'a>) -> Self {
        if !known.sources().any(|(_, source)| {
            let attributes = &source.policy.attributes;
            attributes
                .iter()
                .any(|rule| rule.attribute == Attribute::Manager)
        }) {
            return Self {
                accounts: BTreeMap::new(),
                circular: BTreeSet::new(),
            };
        }
        let account = |candidate: &Candidate<'a>| {
            let account = match candidate.found {
                Found::Linked(_, user) => Account::User(&user.id),
                _ if candidate.refusal.is_some() => return None,
                Found::ByIdentifier(user) if candidate.is_closed_by_adoption() => {
                    Account::User(&user.id)
                }
                _ if !candidate.is_present() => return None,
                Found::ByIdentifier(user) => Account::User(&user.id),
                Found::ByEmail(_) | Found::Begun(_) | Found::Nobody => Account::Coming,
                Found::Deleted(_) => return None,
            };
            Some(((candidate.rank, candidate.worker.id.as_str()), account))
        };
        Self {
            accounts: candidates.iter().filter_map(account).collect(),
            circular: circular(candidates),
        }
    }

    /// The user of this person's manager. A run for a few people knows no others: their manager is left as it is.
    pub(super) fn manager(&self, candidate: &Candidate<'a>) -> ManagerUser<'a> {
        let Some(manager) = &candidate.worker.manager else {
            return ManagerUser::Unknown;
        };
        let rules = &candidate.source.policy.attributes;
        if !rules
            .iter()
            .any(|rule| rule.attribute == Attribute::Manager)
        {
            return ManagerUser::Unknown;
        }
        let person = (candidate.rank, candidate.worker.id.as_str());
        if self.circular.contains(&person) {
            return ManagerUser::Circular;
        }
        match self.accounts.get(&(candidate.rank, manager.as_str())) {
            Some(Account::User(user)) => ManagerUser::Known(manager, user),
            Some(Account::Coming) => ManagerUser::Coming(manager),
            None => ManagerUser::Unknown,
        }
    }
}

impl<'a> ManagerUser<'a> {
    /// The user, where it is known.
    pub(super) fn user(self) -> Option<&'a SystemUserId> {
        match self {
            Self::Known(_, user) => Some(user),
            Self::Unknown | Self::Circular | Self::Coming(_) => None,
        }
    }

    /// Puts the manager into the changes as a person, not as a user: the user may only come out in the run, and a
    /// digest must not depend on that. `user` is whose manager it is, `None` while there is none.
    pub(super) fn put_into(
        self,
        person: &mut PersonPlan,
        user: Option<&SystemUser>,
        rules: &[AttributeRule],
        class: Class,
    ) {
        match self {
            Self::Unknown | Self::Circular => {}
            Self::Known(manager, id) => {
                for change in &mut person.changes {
                    if change.attribute == Attribute::Manager.wire_name() {
                        change.to = json!({ "worker_id": manager });
                        person.manager_user = Some(id.clone());
                    }
                }
            }
            Self::Coming(manager) => {
                let rule = rules
                    .iter()
                    .find(|rule| rule.attribute == Attribute::Manager);
                let due = rule.is_some_and(|rule| match (rule.update, user) {
                    (Update::Never, _) | (Update::Once, Some(_)) => false,
                    (Update::IfEmpty, Some(user)) => user.manager.is_empty(),
                    _ => true,
                });
                if due {
                    let to = json!({ "worker_id": manager });
                    person.changes.push(Change {
                        class,
                        attribute: Text::const_new("manager"),
                        from: user
                            .map(|user| mapping::value_of(&Attribute::Manager, user))
                            .unwrap_or_default(),
                        hr: to.clone(),
                        to,
                    });
                }
            }
        }
    }
}

/// Everyone whose chain of managers comes back to them: nobody knows whose user should be made first.
fn circular<'a>(candidates: &[Candidate<'a>]) -> BTreeSet<Person<'a>> {
    let manager_of: BTreeMap<Person<'_>, &str> = candidates
        .iter()
        .filter_map(|candidate| {
            let manager = candidate.worker.manager.as_ref()?;
            Some((
                (candidate.rank, candidate.worker.id.as_str()),
                manager.as_str(),
            ))
        })
        .collect();
    let mut done = BTreeSet::new();
    let mut circular = BTreeSet::new();
    for &(rank, id) in manager_of.keys() {
        let mut path = vec![id];
        while let Some(next) = path.last().and_then(|last| manager_of.get(&(rank, *last))) {
            if let Some(start) = path.iter().position(|seen| seen == next) {
                circular.extend(path.iter().skip(start).map(|member| (rank, *member)));
                break;
            }
            if done.contains(&(rank, *next)) {
                break;
            }
            path.push(*next);
        }
        done.extend(path.into_iter().map(|member| (rank, member)));
    }
    circular
}

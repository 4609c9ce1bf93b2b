//! Whose user is whose manager, those who get a user in this very run included.

use std::collections::BTreeSet;

use mapping::{Attribute, AttributeRule, Class, SystemUser, SystemUserId, Text, Update, WorkerId};
use serde_json::json;

use super::{Candidate, Found};
use crate::plan::{Change, PersonPlan};

/// Who has a user, gets one, or is in a circle: each by the person's place among the candidates.
#[derive(Default)]
pub(super) struct Managers<'a> {
    /// The place of everyone's manager.
    manager_at: Vec<Option<usize>>,
    accounts: Vec<Option<Account<'a>>>,
    /// People whose chain of managers comes back to them.
    circular: BTreeSet<usize>,
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
    /// `candidates` are in the order of sources and worker ids.
    pub(super) fn of(candidates: &[Candidate<'a>]) -> Self {
        if !candidates.iter().any(has_manager_rule) {
            return Self::default();
        }
        let place = |rank: usize, id: &str| {
            let order = |other: &Candidate<'a>| {
                let by_rank = other.rank.cmp(&rank);
                by_rank.then_with(|| other.worker.id.as_str().cmp(id))
            };
            candidates.binary_search_by(order).ok()
        };
        let manager = |candidate: &Candidate<'a>| {
            let manager = candidate.worker.manager.as_ref()?;
            place(candidate.rank, manager.as_str())
        };
        let manager_at: Vec<Option<usize>> = candidates.iter().map(manager).collect();
        let account = |candidate: &Candidate<'a>| match candidate.found {
            Found::Linked(_, user) => Some(Account::User(&user.id)),
            _ if candidate.refusal.is_some() => None,
            Found::ByIdentifier(user) if candidate.is_closed_by_adoption() => {
                Some(Account::User(&user.id))
            }
            _ if !candidate.is_present() => None,
            Found::ByIdentifier(user) => Some(Account::User(&user.id)),
            Found::ByEmail(_) | Found::Begun(_) | Found::Nobody => Some(Account::Coming),
            Found::Deleted(_) => None,
        };
        Self {
            accounts: candidates.iter().map(account).collect(),
            circular: circular(&manager_at),
            manager_at,
        }
    }

    /// The user of this person's manager. A run for a few people knows no others: their manager is left as it is.
    pub(super) fn manager(&self, candidate: &Candidate<'a>, index: usize) -> ManagerUser<'a> {
        if !has_manager_rule(candidate) {
            return ManagerUser::Unknown;
        }
        if self.circular.contains(&index) {
            return ManagerUser::Circular;
        }
        let manager_at = self.manager_at.get(index).copied().flatten();
        let account = manager_at.and_then(|at| self.accounts.get(at).copied().flatten());
        match (&candidate.worker.manager, account) {
            (Some(manager), Some(Account::User(user))) => ManagerUser::Known(manager, user),
            (Some(manager), Some(Account::Coming)) => ManagerUser::Coming(manager),
            _ => ManagerUser::Unknown,
        }
    }
}

fn has_manager_rule(candidate: &Candidate<'_>) -> bool {
    let rules = &candidate.source.policy.attributes;
    rules
        .iter()
        .any(|rule| rule.attribute == Attribute::Manager)
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
fn circular(manager_at: &[Option<usize>]) -> BTreeSet<usize> {
    let manager = |index: usize| manager_at.get(index).copied().flatten();
    // From where each person was first walked over.
    let mut walked: Vec<Option<usize>> = vec![None; manager_at.len()];
    let mut circular = BTreeSet::new();
    for start in 0..manager_at.len() {
        let mut at = Some(start);
        while let Some(index) = at {
            match walked.get_mut(index) {
                Some(first @ None) => {
                    *first = Some(start);
                    at = manager(index);
                }
                // Back on this very walk: the circle goes through here.
                Some(Some(first)) if *first == start => {
                    let mut member = Some(index);
                    while let Some(next) = member.filter(|next| circular.insert(*next)) {
                        member = manager(next);
                    }
                    break;
                }
                _ => break,
            }
        }
    }
    circular
}

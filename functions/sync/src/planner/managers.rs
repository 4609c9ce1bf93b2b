//! Whose user is whose manager, those who get a user in this very run included.

use std::collections::BTreeSet;

use mapping::{Attribute, AttributeRule, Class, SystemUser, SystemUserId, Text, Update, WorkerId};
use serde_json::json;

use super::index::Index;
use super::{Candidate, Found};
use crate::plan::{Change, PersonPlan};

/// Everyone's manager, and who is in a circle: each by the person's place among the candidates.
#[derive(Default)]
pub(super) struct Managers<'c> {
    candidates: &'c [Candidate<'c>],
    /// The place of everyone's manager.
    manager_at: Vec<Option<usize>>,
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

impl<'c> Managers<'c> {
    /// Each of the candidates stands at their place.
    pub(super) fn of(candidates: &'c [Candidate<'c>]) -> Self {
        if !candidates.iter().any(has_manager_rule) {
            return Self::default();
        }
        let key = |candidate: &'c Candidate<'c>| (candidate.rank, candidate.worker.id.as_str());
        let people = Index::new(
            candidates
                .iter()
                .map(|candidate| (key(candidate), candidate)),
        );
        let manager = |candidate: &'c Candidate<'c>| {
            let key_of_manager = (candidate.rank, candidate.worker.manager.as_ref()?.as_str());
            let found = people.get(key_of_manager, |other| key(other) == key_of_manager);
            Some(found?.place)
        };
        let manager_at: Vec<Option<usize>> = candidates.iter().map(manager).collect();
        Self {
            candidates,
            circular: circular(&manager_at),
            manager_at,
        }
    }

    /// The user of this person's manager. A run for a few people knows no others: their manager is left as it is.
    pub(super) fn manager(&self, candidate: &Candidate<'_>) -> ManagerUser<'c> {
        if !has_manager_rule(candidate) {
            return ManagerUser::Unknown;
        }
        if self.circular.contains(&candidate.place) {
            return ManagerUser::Circular;
        }
        let manager_at = self.manager_at.get(candidate.place).copied().flatten();
        let Some(manager) = manager_at.and_then(|place| self.candidates.get(place)) else {
            return ManagerUser::Unknown;
        };
        match account(manager) {
            Some(Account::User(user)) => ManagerUser::Known(&manager.worker.id, user),
            Some(Account::Coming) => ManagerUser::Coming(&manager.worker.id),
            None => ManagerUser::Unknown,
        }
    }
}

/// Who has a user, or gets one.
fn account<'a>(candidate: &Candidate<'a>) -> Option<Account<'a>> {
    match candidate.found {
        Found::Linked(_, user) => Some(Account::User(&user.id)),
        _ if candidate.refusal.is_some() => None,
        Found::ByIdentifier(user) if candidate.is_closed_by_adoption() => {
            Some(Account::User(&user.id))
        }
        _ if !candidate.is_present() => None,
        Found::ByIdentifier(user) => Some(Account::User(&user.id)),
        Found::ByEmail(_) | Found::Begun(_) | Found::Nobody => Some(Account::Coming),
        Found::Deleted(_) => None,
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
    let manager = |place: usize| manager_at.get(place).copied().flatten();
    // From where each person was first walked over.
    let mut walked: Vec<Option<usize>> = vec![None; manager_at.len()];
    let mut circular = BTreeSet::new();
    for start in 0..manager_at.len() {
        let mut at = Some(start);
        while let Some(place) = at {
            match walked.get_mut(place) {
                Some(first @ None) => {
                    *first = Some(start);
                    at = manager(place);
                }
                // Back on this very walk: the circle goes through here.
                Some(Some(first)) if *first == start => {
                    let mut member = Some(place);
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

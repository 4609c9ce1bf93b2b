//! Whose user is whose manager, those who get a user in this very run included.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use mapping::{Attribute, AttributeRule, Class, SystemUser, SystemUserId, Text, Update, WorkerKey};
use serde_json::{Value, json};

use super::index::Index;
use super::known::Known;
use super::{Candidate, Found};
use crate::plan::{Change, PersonPlan};

/// Everyone's manager, and who is in a circle: each by the person's place among the candidates.
pub(super) struct Managers<'c, 'a> {
    known: &'c Known<'a>,
    candidates: &'c [Candidate<'a>],
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
#[derive(Clone, Copy)]
pub(super) enum ManagerUser<'c, 'a> {
    /// Nobody, or nobody with a user: the attribute is left as it is.
    Unknown,
    /// The managers form a circle in HR: the attribute is left as it is.
    Circular,
    /// Somebody whom a source lists, and their user.
    Known(&'c Candidate<'a>, &'c SystemUserId),
    /// Somebody who gets a user in this run.
    Coming(&'c Candidate<'a>),
    /// The user of somebody whom no source lists, found by e-mail.
    Outside(&'c SystemUserId),
}

impl<'c, 'a> Managers<'c, 'a> {
    /// Each of the candidates stands at their place.
    pub(super) fn of(known: &'c Known<'a>, candidates: &'c [Candidate<'a>]) -> Self {
        let manager_at = if candidates.iter().any(has_manager_rule) {
            manager_at(candidates)
        } else {
            Vec::new()
        };
        Self {
            known,
            candidates,
            circular: circular(&manager_at),
            manager_at,
        }
    }

    /// The user of this person's manager. A run for a few people knows no others: their manager is left as it is.
    pub(super) fn manager(&self, candidate: &Candidate<'_>) -> ManagerUser<'c, 'a> {
        if !has_manager_rule(candidate) {
            return ManagerUser::Unknown;
        }
        if self.circular.contains(&candidate.place) {
            return ManagerUser::Circular;
        }
        let manager_at = self.manager_at.get(candidate.place).copied().flatten();
        let Some(manager) = manager_at.and_then(|place| self.candidates.get(place)) else {
            return self.outside(candidate, candidate.worker.manager_email.as_deref());
        };
        match account(manager) {
            Some(Account::User(user)) => ManagerUser::Known(manager, user),
            Some(Account::Coming) => ManagerUser::Coming(manager),
            None if manager.is_left_out() => {
                self.outside(candidate, manager.worker.work_email.as_deref())
            }
            None => ManagerUser::Unknown,
        }
    }

    /// A manager whom no source lists, or lists only to leave them out: the one user with exactly this e-mail. Whom we
    /// remember from an earlier read is only not listed in this one, and waits for the next.
    fn outside(&self, candidate: &Candidate<'_>, email: Option<&str>) -> ManagerUser<'c, 'a> {
        let Some(email) = email else {
            return ManagerUser::Unknown;
        };
        let is_remembered = candidate.worker.manager.as_ref().is_some_and(|manager| {
            self.known.remembers(&WorkerKey {
                source: candidate.source.name.clone(),
                worker_id: manager.clone(),
            })
        });
        let own = candidate.found.user().map(|user| &user.id);
        let user = self.known.only_with_email(email).map(|user| &user.id);
        match user.filter(|user| !is_remembered && Some(*user) != own) {
            Some(user) => ManagerUser::Outside(user),
            None => ManagerUser::Unknown,
        }
    }
}

/// The place of everyone's manager: the person of the same source with the manager's id; where that source does not list
/// or leaves out that person, the only one of any source with the manager's work e-mail who has an account or gets one.
fn manager_at(candidates: &[Candidate<'_>]) -> Vec<Option<usize>> {
    let by_id = Index::new(
        candidates
            .iter()
            .map(|candidate| (key(candidate), candidate)),
    );
    let by_email = OnceCell::new();
    let with_email = |email: &str| {
        let people: &Index<'_, Candidate<'_>> = by_email.get_or_init(|| {
            let people = candidates.iter().filter(|other| account(other).is_some());
            Index::new(
                people.filter_map(|other| Some((other.worker.work_email.as_deref()?, other))),
            )
        });
        people.only(email, |other| {
            other.worker.work_email.as_deref() == Some(email)
        })
    };
    let manager = |candidate: &Candidate<'_>| {
        let worker = candidate.worker;
        let listed = worker.manager.as_ref().and_then(|id| {
            let wanted = (candidate.rank, id.as_str());
            by_id.get(wanted, |other| key(other) == wanted)
        });
        let email = match listed {
            Some(manager) if manager.is_left_out() => manager.worker.work_email.as_deref(),
            Some(_) => None,
            None => worker.manager_email.as_deref(),
        };
        let found = email.and_then(with_email).or(listed);
        found.map(|manager| manager.place)
    };
    candidates.iter().map(manager).collect()
}

/// What the sources call somebody.
fn key<'c>(candidate: &'c Candidate<'_>) -> (usize, &'c str) {
    (candidate.rank, candidate.worker.id.as_str())
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
        Found::ByIdentifier(user) if candidate.is_certain() => Some(Account::User(&user.id)),
        Found::ByIdentifier(_) | Found::ByEmail(_) | Found::Begun(_) | Found::Nobody => {
            Some(Account::Coming)
        }
        Found::Deleted(_) => None,
    }
}

fn has_manager_rule(candidate: &Candidate<'_>) -> bool {
    let rules = &candidate.source.policy.attributes;
    rules
        .iter()
        .any(|rule| rule.attribute == Attribute::Manager)
}

impl<'c> ManagerUser<'c, '_> {
    /// The user, where it is known.
    pub(super) fn user(self) -> Option<&'c SystemUserId> {
        match self {
            Self::Known(_, user) | Self::Outside(user) => Some(user),
            Self::Unknown | Self::Circular | Self::Coming(_) => None,
        }
    }

    /// Puts a manager whom a source lists into the changes as a person, not as a user: the user may only come out in
    /// the run, and a digest must not depend on that. `user` is whose manager it is, `None` while there is none.
    pub(super) fn put_into(
        self,
        person: &mut PersonPlan,
        user: Option<&SystemUser>,
        rules: &[AttributeRule],
        class: Class,
    ) {
        match self {
            Self::Unknown | Self::Circular | Self::Outside(_) => {}
            Self::Known(manager, id) => {
                let to = as_person(manager, &person.key);
                for change in &mut person.changes {
                    if change.attribute == Attribute::Manager.wire_name() {
                        change.to = to.clone();
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
                    let to = as_person(manager, &person.key);
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

/// A manager as a change names them: of somebody's own source by the id alone.
fn as_person(manager: &Candidate<'_>, of: &WorkerKey) -> Value {
    let (source, worker_id) = (&manager.source.name, &manager.worker.id);
    if *source == of.source {
        json!({ "worker_id": worker_id })
    } else {
        json!({ "source": source, "worker_id": worker_id })
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

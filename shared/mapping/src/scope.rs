//! Whom a source is for: `include` and `exclude` of a `[[source]]`, and what they make of somebody's standing.
//!
//! Whether somebody has a user of ours is the caller's to say.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::clean::quoted;
use crate::field::Field;
use crate::jumpcloud::UserState;
use crate::lifecycle::{Standing, between, standing};
use crate::policy::{Leavers, Lifecycle, Policy};
use crate::worker::Worker;

#[cfg(test)]
mod tests;

/// What people are chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeKey {
    /// The worker type, in the source's own words.
    WorkerTypes,
    /// The department.
    Departments,
    /// The work location.
    Locations,
    /// The legal entity that employs.
    Entities,
    /// The country, in whatever form the source gives it.
    Countries,
    /// What stands behind the `@` of the work e-mail.
    EmailDomains,
}

impl ScopeKey {
    /// Every key, in the order of the documents.
    pub const ALL: [Self; 6] = [
        Self::WorkerTypes,
        Self::Departments,
        Self::Locations,
        Self::Entities,
        Self::Countries,
        Self::EmailDomains,
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkerTypes => "worker_types",
            Self::Departments => "departments",
            Self::Locations => "locations",
            Self::Entities => "entities",
            Self::Countries => "countries",
            Self::EmailDomains => "email_domains",
        }
    }

    /// The field of a person that it is about.
    fn field(self) -> Field {
        match self {
            Self::WorkerTypes => Field::WorkerType,
            Self::Departments => Field::Department,
            Self::Locations => Field::Location,
            Self::Entities => Field::Entity,
            Self::Countries => Field::Country,
            Self::EmailDomains => Field::WorkEmail,
        }
    }

    /// What one of its values is called.
    fn noun(self) -> &'static str {
        match self {
            Self::WorkerTypes => "worker type",
            Self::Departments => "department",
            Self::Locations => "work location",
            Self::Entities => "legal entity",
            Self::Countries => "country",
            Self::EmailDomains => "e-mail domain",
        }
    }

    /// What HR says of this person; nothing where that was not read, whatever else would stand in for it.
    fn value_of(self, worker: &Worker) -> Option<Cow<'_, str>> {
        let field = self.field();
        if worker.is_unread(&field) {
            return None;
        }
        match self {
            Self::EmailDomains => {
                let (_, domain) = worker.work_email.as_deref()?.split_once('@')?;
                Some(domain.into())
            }
            _ => field.text(worker),
        }
    }
}

/// Values by key. Case and blanks around a value do not count, nor does the `@` of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(BTreeMap<ScopeKey, BTreeSet<String>>);

impl FromIterator<(ScopeKey, String)> for Selection {
    fn from_iter<I: IntoIterator<Item = (ScopeKey, String)>>(named: I) -> Self {
        let mut values: BTreeMap<ScopeKey, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in named {
            let values = values.entry(key).or_default();
            values.insert(comparable(value.trim().trim_start_matches('@')));
        }
        Self(values)
    }
}

fn comparable(value: &str) -> String {
    value.trim().to_lowercase()
}

/// Whom a source is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceScope {
    /// Those who match every key that is given; everyone where none is.
    pub include: Selection,
    /// Those who match any key are left out, whatever `include` says.
    pub exclude: Selection,
}

/// Whether a source is for somebody, and what decided where it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// It is.
    Inside,
    /// It is not.
    Outside(String),
    /// The value that would decide is not known.
    Unclear(String),
}

impl SourceScope {
    /// Whether the source is for this person. A value that HR leaves empty matches nothing, so that `include` cannot be
    /// decided; one that was not read decides nothing at all.
    pub fn membership(&self, worker: &Worker) -> Membership {
        let mut unclear = None;
        for verdict in self.excluded(worker).chain(self.left_out(worker)) {
            match verdict {
                Membership::Outside(_) => return verdict,
                Membership::Inside | Membership::Unclear(_) => unclear = unclear.or(Some(verdict)),
            }
        }
        unclear.unwrap_or(Membership::Inside)
    }

    /// What `exclude` has against this person.
    fn excluded(&self, worker: &Worker) -> impl Iterator<Item = Membership> {
        let Selection(keys) = &self.exclude;
        keys.iter().filter_map(|(key, values)| {
            let (name, noun) = (key.name(), key.noun());
            match key.value_of(worker) {
                Some(value) => values.contains(&comparable(&value)).then(|| {
                    Membership::Outside(format!(
                        "`exclude.{name}` names the {noun} `{}`",
                        quoted(&value)
                    ))
                }),
                None => worker.is_unread(&key.field()).then(|| {
                    Membership::Unclear(format!(
                        "`exclude.{name}` is set, and the {noun} was not read"
                    ))
                }),
            }
        })
    }

    /// What `include` misses in this person.
    fn left_out(&self, worker: &Worker) -> impl Iterator<Item = Membership> {
        let Selection(keys) = &self.include;
        keys.iter().filter_map(|(key, values)| {
            let (name, noun) = (key.name(), key.noun());
            match key.value_of(worker) {
                Some(value) => (!values.contains(&comparable(&value))).then(|| {
                    Membership::Outside(format!(
                        "`include.{name}` does not name the {noun} `{}`",
                        quoted(&value)
                    ))
                }),
                None => Some(Membership::Unclear(format!(
                    "`include.{name}` is set, and HR shows no {noun}"
                ))),
            }
        })
    }
}

impl Policy {
    /// Where this person stands at `now`, with all that the source's settings make of it. `ours` is the state of the
    /// user of ours, if there is one.
    pub fn standing(&self, worker: &Worker, now: Timestamp, ours: Option<UserState>) -> Standing {
        let mut standing = standing(worker, &self.lifecycle, now);
        let is_to_begin = matches!(standing, Standing::Absent(_) | Standing::Staged(_));
        if is_to_begin
            && ours == Some(UserState::Activated)
            && let Some(why) = between(worker, &self.lifecycle, now)
        {
            standing = Standing::Gone(why);
        }
        let membership = self.scope.membership(worker);
        membership.decide(standing, &self.lifecycle, ours.is_some())
    }
}

impl Membership {
    /// What becomes of somebody's standing. Unknown means unchanged for those who have a user of `ours`, and no account
    /// for the others; and whoever has left loses access as a leaver, in scope or not.
    pub(crate) fn decide(self, standing: Standing, lifecycle: &Lifecycle, ours: bool) -> Standing {
        let closes = lifecycle.leavers == Leavers::Suspend;
        match (self, standing) {
            (Self::Inside, standing) => standing,
            (_, unclear @ Standing::Unclear(_)) if ours => unclear,
            (_, gone @ Standing::Gone(_)) if ours && closes => gone,
            (Self::Unclear(why), _) if ours => Standing::Unclear(why),
            (Self::Outside(why) | Self::Unclear(why), _) => Standing::OutOfScope(why),
        }
    }
}

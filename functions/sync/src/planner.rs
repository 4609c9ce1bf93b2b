//! Snapshot → plan: what should change, for whom, and why. Pure: the same snapshot gives the same plan.
//!
//! First everyone is looked at as a [`Candidate`]: where they stand, whose user they are, and why nothing may be done
//! for them (`known`, `conflicts`). Then each is decided on alone (`decide`, and `groups` for the groups by rule), and
//! last come those whom HR no longer lists (`absence`). Nothing is decided later: `judge` holds classes back, `apply` performs what is left.

mod absence;
mod conflicts;
mod decide;
mod groups;
mod index;
mod known;
mod managers;

use std::collections::BTreeMap;

use config::{Config, Source};
use jiff::Timestamp;
use mapping::{
    AdoptBy, Attribute, Leavers, MappingError, SourceName, Standing, SystemUser, Text, UserState,
    Usernames, Worker, WorkerKey,
};
use state::Link;

use crate::gather::{Scope, Snapshot};
use crate::hr::SourceRead;
use crate::plan::{PersonPlan, Plan, Reason, RunWarning, SourceFacts};
pub(crate) use decide::state_change;

use decide::Decisions;
use groups::Groups;
use known::Known;
use managers::Managers;

/// Plans a run: pure, and the same for the same snapshot whatever order the vendors answered in.
pub fn plan(snapshot: &Snapshot, config: &Config, now: Timestamp) -> Plan {
    let mut known = Known::new(snapshot, config, now);
    let mut candidates = known.candidates();
    conflicts::refuse_rivals(&mut candidates);
    for candidate in &mut candidates {
        // Of those whose user is ours nobody else needs to know: `decide` asks, with their user at hand anyway.
        if candidate.refusal.is_none() && !matches!(candidate.found, Found::Linked(..)) {
            candidate.refusal = known.refusal(candidate).map(Box::new);
        }
    }
    name_new_users(&known, &mut candidates);

    let managers = Managers::of(&known, &candidates);
    let groups = Groups::of(&known);
    let mut decisions = Decisions::new(&known, managers, &groups);
    let mut plan = Plan {
        sources: facts(snapshot, &snapshot.links, now),
        groups: groups.facts(),
        ..Plan::default()
    };
    plan.count_given(&snapshot.links);
    for candidate in &candidates {
        // They may be thousands: only somebody who was asked for is told about.
        if snapshot.scope == Scope::Everyone && candidate.is_left_out() {
            plan.out_of_scope += 1;
            continue;
        }
        if decisions.is_outdated(candidate) {
            plan.outdated.push(candidate.key());
        }
        match decisions.person(candidate) {
            Some(person) => plan.people.push(person),
            None => plan.unchanged += 1,
        }
    }
    plan.warnings = decisions.warnings;
    absence::unreadable(&known, &mut plan);
    absence::missing(&known, &groups, &candidates, &mut plan);
    plan.warnings.extend(groups.warnings);
    plan.warnings.extend(recognised(&plan.people));
    let rank = |key: &WorkerKey| {
        let place = |source: &Source| source.name == key.source;
        config.sources.iter().position(place)
    };
    plan.people.sort_by(|a, b| {
        let order = rank(&a.key).cmp(&rank(&b.key));
        order.then_with(|| a.key.cmp(&b.key))
    });
    plan
}

/// How many users each source takes over by their employee identifiers: as it should be in a first run, and later the sign
/// that links were lost.
fn recognised(people: &[PersonPlan]) -> Vec<RunWarning> {
    let mut counts: BTreeMap<&SourceName, usize> = BTreeMap::new();
    for person in people {
        if person.adopts == Some(AdoptBy::EmployeeIdentifier) && person.skipped.is_none() {
            *counts.entry(&person.key.source).or_default() += 1;
        }
    }
    let told = counts.into_iter().map(|(source, count)| {
        let message = format!(
            "JumpCloud users that were recognised by their employee identifiers and had no link: {count}; unless they are new here, links were lost, and nobody whom rollcall suspended under them is reactivated by itself"
        );
        RunWarning::of_source(source, "adopted_by_identifier", message)
    });
    told.collect()
}

/// One person whom a source lists, with what was found out before any decision.
struct Candidate<'a> {
    /// The place among all candidates.
    place: usize,
    /// The source's place among those that were read.
    rank: usize,
    read: &'a SourceRead,
    source: &'a Source,
    worker: &'a Worker,
    /// What we remember under this person's key.
    link: Option<&'a Link>,
    standing: Standing,
    found: Found<'a>,
    /// Why nothing may be done for this person; where their user is ours, only what rivals have to do with it.
    refusal: Option<Box<Reason>>,
    /// The username of somebody who gets an account.
    username: Option<Text>,
}

impl<'a> Candidate<'a> {
    /// The employee identifier of this person's user, as far as the source writes it.
    fn identifier(&self) -> Option<&'a str> {
        let mut rules = self.source.policy.attributes.iter();
        let is_written = rules.any(|rule| rule.attribute == Attribute::EmployeeIdentifier);
        self.worker.identifiers().next().filter(|_| is_written)
    }

    /// Whether HR wants an account for this person.
    fn is_present(&self) -> bool {
        matches!(self.standing, Standing::Staged(_) | Standing::Active(_))
    }

    /// Whether the source is not for this person, who has no user of ours either.
    fn is_left_out(&self) -> bool {
        matches!(self.standing, Standing::OutOfScope(_)) && !matches!(self.found, Found::Linked(..))
    }

    /// Whether this person gets an account of their own.
    fn is_new(&self) -> bool {
        self.is_present()
            && self.refusal.is_none()
            && matches!(self.found, Found::Nobody | Found::Begun(_))
    }

    /// Whether the user that was recognised by its identifier is this person's beyond doubt: it is the profile's own id, or
    /// the work e-mail is the same, too. A number that a company gives may be somebody else's elsewhere.
    fn is_certain(&self) -> bool {
        let Found::ByIdentifier(user) = self.found else {
            return false;
        };
        let email = self.worker.work_email.as_deref();
        user.employee_identifier == self.worker.id.as_str()
            || email.is_some_and(|email| user.email.to_lowercase() == email)
    }

    /// Whether the user of this leaver is not ours yet, known for sure, and taken over to close it.
    fn is_closed_by_adoption(&self) -> bool {
        let Found::ByIdentifier(user) = self.found else {
            return false;
        };
        self.is_certain()
            && matches!(self.standing, Standing::Gone(_))
            && self.read.incomplete.is_none()
            && self.source.policy.lifecycle.leavers == Leavers::Suspend
            && can_be_suspended(user.state())
    }

    fn key(&self) -> WorkerKey {
        WorkerKey {
            source: self.source.name.clone(),
            worker_id: self.worker.id.clone(),
        }
    }
}

/// How a person of HR stands to JumpCloud.
#[derive(Debug, Clone, Copy)]
enum Found<'a> {
    /// Their user is ours.
    Linked(&'a Link, &'a SystemUser),
    /// Their user was deleted in JumpCloud.
    Deleted(&'a Link),
    /// A create was begun, and no user is there.
    Begun(&'a Link),
    /// A user carries their id as employee identifier.
    ByIdentifier(&'a SystemUser),
    /// A user has their work e-mail.
    ByEmail(&'a SystemUser),
    /// Nobody.
    Nobody,
}

impl<'a> Found<'a> {
    /// The user who would be adopted.
    fn claimed(self) -> Option<&'a SystemUser> {
        match self {
            Self::ByIdentifier(user) | Self::ByEmail(user) => Some(user),
            Self::Linked(..) | Self::Deleted(_) | Self::Begun(_) | Self::Nobody => None,
        }
    }

    /// The user, ours or not.
    fn user(self) -> Option<&'a SystemUser> {
        match self {
            Self::Linked(_, user) => Some(user),
            other => other.claimed(),
        }
    }

    /// What we remember of the person.
    fn link(self) -> Option<&'a Link> {
        match self {
            Self::Linked(link, _) | Self::Deleted(link) | Self::Begun(link) => Some(link),
            Self::ByIdentifier(_) | Self::ByEmail(_) | Self::Nobody => None,
        }
    }
}

/// Gives a username to everyone who gets an account, in the order of sources and worker ids.
fn name_new_users(known: &Known<'_>, candidates: &mut [Candidate<'_>]) {
    if !candidates.iter().any(Candidate::is_new) {
        return;
    }
    let mut usernames = Usernames::default();
    let taken = known.snapshot.users.iter().map(|user| &user.username);
    taken
        .chain(known.reserved_names())
        .for_each(|name| usernames.take(name));
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_new()) {
        // Under the name of the intent, unless that now belongs to somebody else: then our create never was.
        let begun = match candidate.found {
            Found::Begun(link) if !known.has_username(&link.username) => Some(&link.username),
            _ => None,
        };
        let template = &candidate.source.policy.username;
        let username = match begun {
            Some(username) => Ok(username.clone()),
            None => usernames.give(template, candidate.worker),
        };
        match username {
            Ok(username) => candidate.username = Some(username),
            Err(error) => candidate.refusal = Some(Box::new(unmappable(&error))),
        }
    }
}

/// What limits are judged by. `links` are all links: limits are shares of them.
pub(crate) fn facts(snapshot: &Snapshot, links: &[Link], now: Timestamp) -> Vec<SourceFacts> {
    let of_source = |read: &SourceRead| SourceFacts {
        listed: read.workers.len(),
        listed_before: snapshot.last_reads.get(&read.name).map(|last| last.count),
        complete: snapshot.scope == Scope::Everyone && read.incomplete.is_none(),
        ..SourceFacts::of_links(&read.name, links, now)
    };
    snapshot.sources.iter().map(of_source).collect()
}

fn unmappable(error: &MappingError) -> Reason {
    Reason::new(error.code(), error.to_string())
}

/// Whether the suspension of this user is ours, was not undone, and came after whatever a SCIM client switched off.
pub(crate) fn suspended_by_us(link: &Link) -> bool {
    link.suspension.is_some_and(|suspension| {
        let hold = link.scim_hold.as_ref();
        suspension.holds && hold.is_none_or(|hold| hold.at < suspension.at)
    })
}

/// Whether a SCIM client alone keeps this user off, so that it could also switch the user on again.
pub(crate) fn is_held_by_client_alone(link: &Link) -> bool {
    link.scim_hold.as_ref().is_some_and(|hold| {
        let ours = link.suspension.filter(|suspension| suspension.holds);
        ours.is_none_or(|suspension| suspension.at < hold.at)
    })
}

/// Whether the user has access, or would get it by activation alone.
fn can_be_suspended(state: UserState) -> bool {
    matches!(state, UserState::Staged | UserState::Activated)
}

fn warning(key: &WorkerKey, code: &'static str, message: impl Into<String>) -> RunWarning {
    RunWarning::of(key, Text::const_new(code), message.into())
}

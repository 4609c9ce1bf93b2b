//! Those whom HR does not show: records that could not be read, and people whom a complete read no longer lists.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use mapping::{Class, Missing, Standing, SystemUser, UserState, WorkerId, WorkerKey};
use state::Link;

use super::decide::state_change;
use super::groups::Groups;
use super::known::Known;
use super::{Candidate, Found, can_be_suspended, suspended_by_us, warning};
use crate::gather::Scope;
use crate::plan::{Note, PersonPlan, Plan, Reason, RunWarning};

/// A person is read alone at most once in this time.
const CHECKED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Records that could not be read: the people are present, and nothing is done for them.
pub(super) fn unreadable(known: &Known<'_>, plan: &mut Plan) {
    for read in &known.snapshot.sources {
        let key = |id: &str| WorkerKey {
            source: read.name.clone(),
            worker_id: WorkerId::from(id),
        };
        for record in &read.unreadable {
            let reason = &record.reason;
            match &record.id {
                Some(id) => {
                    let person = PersonPlan::new(key(id));
                    plan.people.push(person.skip("record_unreadable", reason));
                }
                None => plan.warnings.push(RunWarning::of_source(
                    &read.name,
                    "record_unreadable",
                    reason.clone(),
                )),
            }
        }
        for id in &read.not_found {
            let person = PersonPlan::new(key(id.as_str()));
            plan.people
                .push(person.skip("not_in_hr", "HR does not know this person"));
        }
        let about_source = read.warnings.iter().map(|warning| RunWarning {
            code: warning.code.clone(),
            message: warning.message.clone(),
            source: Some(read.name.clone()),
            worker_id: None,
        });
        plan.warnings.extend(about_source);
        if let Some(reason) = &read.incomplete {
            let message = format!(
                "the source was not read whole, so nobody leaves on it and no later source adds anyone: {reason}"
            );
            let warning = RunWarning::of_source(&read.name, "source_incomplete", message);
            plan.warnings.push(warning);
        }
    }
}

/// People with a user of ours whom a complete read no longer lists. They keep their groups until they are suspended.
pub(super) fn missing<'a>(
    known: &Known<'a>,
    groups: &Groups<'a>,
    candidates: &[Candidate<'_>],
    plan: &mut Plan,
) {
    if known.snapshot.scope != Scope::Everyone {
        return;
    }
    for (read, source) in known.sources() {
        let lifecycle = &source.policy.lifecycle;
        let mut unlisted = known.unlisted(&read.name).peekable();
        if unlisted.peek().is_none() {
            continue;
        }
        // Whoever else has or claims the same user may be the same person under another profile.
        let heirs: BTreeMap<&str, &Candidate<'_>> = candidates
            .iter()
            .filter(|heir| heir.is_present() || matches!(heir.standing, Standing::OutOfScope(_)))
            .filter_map(|candidate| Some((candidate.found.user()?.id.as_str(), candidate)))
            .collect();
        for link in unlisted {
            let user = match &link.user_id {
                Some(id) => known.user(id.as_str()),
                None => known.begun(link, known.with_identifier(link.key.worker_id.as_str())),
            };
            let Some(user) = user else { continue };
            if let Some(heir) = heirs.get(user.id.as_str()) {
                replaced(link, heir, plan);
            } else if user.state() == UserState::Suspended {
                suspended(known, groups, link, user, plan);
            } else if lifecycle.missing != Missing::Ignore {
                person(known, groups, lifecycle.missing_runs, link, user, plan);
            }
        }
    }
}

/// A profile that another one of the same person took the place of: nobody is suspended.
fn replaced(link: &Link, heir: &Candidate<'_>, plan: &mut Plan) {
    if matches!(heir.found, Found::Linked(..)) {
        let mut person = PersonPlan::new(link.key.clone());
        person.link = Some(link.clone());
        person.note = Note::Replaced;
        plan.people.push(person);
        return;
    }
    let next = match &heir.refusal {
        Some(reason) => format!("who does not get it: {}", reason.text),
        None => "who gets it once that is approved".to_owned(),
    };
    let message = format!(
        "HR no longer lists this profile; nobody is suspended, since it lists {} with the same account, {next}",
        heir.worker.id
    );
    plan.warnings
        .push(warning(&link.key, "profile_replaced", message));
}

/// Somebody whom we suspended already, by which they have left the groups that rules gave.
fn suspended<'a>(
    known: &Known<'a>,
    groups: &Groups<'a>,
    link: &'a Link,
    user: &SystemUser,
    plan: &mut Plan,
) {
    if !suspended_by_us(link) || known.protection(user).is_some() {
        return;
    }
    let mut person = begin(link, user);
    groups.of_unlisted(link).put_into(&mut person);
    if !person.is_silent() {
        plan.people.push(person);
    }
}

/// The plan of somebody unlisted, with nothing in it.
fn begin(link: &Link, user: &SystemUser) -> PersonPlan {
    let mut person = PersonPlan::new(link.key.clone());
    person.user_id = Some(user.id.clone());
    person.username.clone_from(&user.username);
    person.email.clone_from(&link.email);
    person.link = Some(link.clone());
    person
}

fn person<'a>(
    known: &Known<'a>,
    groups: &Groups<'a>,
    missing_runs: u32,
    link: &'a Link,
    user: &SystemUser,
    plan: &mut Plan,
) {
    let recently = |checked: Timestamp| known.now.duration_since(checked) < CHECKED_EVERY;
    let checked_at = link.missing.as_ref().and_then(|missing| missing.checked_at);
    if checked_at.is_some_and(recently) {
        return;
    }
    let mut person = begin(link, user);
    let runs = link
        .missing
        .as_ref()
        .map_or(0, |missing| missing.runs)
        .saturating_add(1);
    let state = user.state();
    if let Some(reason) = known.protection(user) {
        person.skipped = Some(reason);
    } else if runs < missing_runs {
        let message = format!(
            "HR no longer lists this person: complete read {runs} of {missing_runs} before anything is done"
        );
        plan.warnings.push(warning(&link.key, "missing", message));
        person.note = Note::Missing;
    } else if can_be_suspended(state) {
        let change = state_change(Class::Missing, state, UserState::Suspended);
        person.changes.push(change);
        groups.of_unlisted(link).put_into(&mut person);
        let text = format!("HR no longer lists this person: complete read {runs}");
        person.evidence = Some(Reason::new("missing", text));
    } else {
        let message = "HR no longer lists this person, and the user is in a state that this version does not know: look at it in JumpCloud";
        plan.warnings
            .push(warning(&link.key, "state_unknown", message));
        return;
    }
    plan.people.push(person);
}

//! Reads about single people what a plan should not rest on lists alone for: whether somebody missing has left, and
//! whether an admin has scheduled an activation. What is not confirmed is taken out of the plan.

use std::collections::BTreeMap;

use clients::JumpCloud;
use config::Config;
use futures_util::future::join_all;
use jiff::Timestamp;
use mapping::{Class, SystemUserId, Text, UserState};

use crate::chain;
use crate::hr::HrSources;
use crate::judge::{Approvals, Counted};
use crate::plan::{Note, PersonPlan, Plan, RunWarning};

/// The plan without what single reads speak against.
pub(crate) async fn confirm(
    mut plan: Plan,
    config: &Config,
    approvals: &Approvals,
    hr: &HrSources<'_>,
    jumpcloud: &JumpCloud,
    now: Timestamp,
) -> Plan {
    confirm_missing(&mut plan, config, approvals, hr, now).await;
    confirm_activations(&mut plan, jumpcloud, now).await;
    plan
}

/// Keeps a missing person's suspension only when a read of that one person says so too: being missing is not having
/// left. Whoever is held by a limit anyway, and not approved, is not read.
async fn confirm_missing(
    plan: &mut Plan,
    config: &Config,
    approvals: &Approvals,
    hr: &HrSources<'_>,
    now: Timestamp,
) {
    let held = plan.held_by(config);
    let is_doubtful = |person: &PersonPlan| {
        let mut missing = person.changes.iter().filter(|c| c.class == Class::Missing);
        missing.any(|change| {
            !held.contains_key(&Counted::of(&person.key.source, change))
                || approvals.0.contains(&person.digest(change))
        })
    };
    let people = plan.people.iter().enumerate();
    let doubtful: Vec<usize> = people
        .filter(|(_, person)| is_doubtful(person))
        .map(|(index, _)| index)
        .collect();
    let reads = doubtful
        .iter()
        .filter_map(|index| plan.people.get(*index))
        .map(|person| still_there(person, hr));
    let answers = join_all(reads).await;
    for (index, answer) in doubtful.into_iter().zip(answers) {
        let Some(person) = plan.people.get_mut(index) else {
            continue;
        };
        let (code, message) = match answer {
            Ok(false) => continue,
            Ok(true) => {
                person.note = Note::StillThere(now);
                (
                    "missing_but_there",
                    "HR's list leaves this person out, and HR still knows them: nothing is changed"
                        .to_owned(),
                )
            }
            Err(why) => (
                "missing_unconfirmed",
                format!(
                    "HR's list leaves this person out, and a read of them failed, so nothing is changed: {why}"
                ),
            ),
        };
        person.changes.clear();
        let warning = RunWarning::of(&person.key, Text::const_new(code), message);
        plan.warnings.push(warning);
    }
}

/// Leaves an activation to the schedule that an admin made for it in JumpCloud: that one wins. A user made in this run
/// can have none.
async fn confirm_activations(plan: &mut Plan, jumpcloud: &JumpCloud, now: Timestamp) {
    let staged: Vec<SystemUserId> = plan
        .people
        .iter()
        .filter(|person| person.has(Class::Activate))
        .filter_map(|person| person.user_id.clone())
        .collect();
    if staged.is_empty() {
        return;
    }
    let answer = jumpcloud.next_state_changes(&staged).await;
    let scheduled: Result<BTreeMap<SystemUserId, Timestamp>, String> = match answer {
        Ok(changes) => Ok(changes
            .into_iter()
            .filter(|change| change.state == UserState::Activated && change.at > now)
            .map(|change| (change.user_id, change.at))
            .collect()),
        Err(error) => Err(chain(&error)),
    };
    for person in &mut plan.people {
        let Some(user_id) = person
            .user_id
            .as_ref()
            .filter(|_| person.has(Class::Activate))
        else {
            continue;
        };
        let (code, message) = match &scheduled {
            Ok(scheduled) => match scheduled.get(user_id) {
                Some(at) => (
                    "activation_scheduled",
                    format!(
                        "an admin scheduled the activation in JumpCloud for {at}: it is left to that"
                    ),
                ),
                None => continue,
            },
            Err(why) => (
                "schedule_unreadable",
                format!(
                    "JumpCloud did not say whether an admin scheduled the activation, so the user stays staged until the next run: {why}"
                ),
            ),
        };
        person
            .changes
            .retain(|change| change.class != Class::Activate);
        person.invitations.clear();
        let warning = RunWarning::of(&person.key, Text::const_new(code), message);
        plan.warnings.push(warning);
    }
    let before = plan.people.len();
    plan.people.retain(|person| !person.is_silent());
    plan.unchanged += before - plan.people.len();
}

/// Whether HR still knows this person; the error is why that is not known.
async fn still_there(person: &PersonPlan, hr: &HrSources<'_>) -> Result<bool, String> {
    let Some((_, client)) = hr
        .iter()
        .find(|(source, _)| source.name == person.key.source)
    else {
        return Err("its source is not part of this run".to_owned());
    };
    let known = client.knows(&person.key.worker_id).await;
    known.map_err(|error| error.to_string())
}

//! Re-reads the single people whose suspension would rest on absence: being missing is not having left.

use config::Config;
use futures_util::future::join_all;
use jiff::Timestamp;
use mapping::{Class, Text};

use crate::gather::HrSources;
use crate::judge::{Approvals, Counted};
use crate::plan::{Note, PersonPlan, Plan, RunWarning};

/// Keeps a missing person's suspension only when a read of that one person says so too. Whoever is held by a limit
/// anyway, and not approved, is not read.
pub(crate) async fn confirm(
    mut plan: Plan,
    config: &Config,
    approvals: &Approvals,
    hr: &HrSources<'_>,
    now: Timestamp,
) -> Plan {
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
        .map(|person| still_there(person, hr, now));
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
    plan
}

/// Whether HR still knows this person; the error is why that is not known.
async fn still_there(
    person: &PersonPlan,
    hr: &HrSources<'_>,
    now: Timestamp,
) -> Result<bool, String> {
    let Some((source, client)) = hr
        .iter()
        .find(|(source, _)| source.name == person.key.source)
    else {
        return Err("its source is not part of this run".to_owned());
    };
    match client
        .person(&person.key.worker_id, &source.zones, now)
        .await
    {
        Ok(found) => Ok(found.is_some()),
        Err(error) => Err(error.to_string()),
    }
}

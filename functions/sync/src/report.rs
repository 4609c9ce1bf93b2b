//! What happened, as data: the answer of the function, the output of the program, the record of the run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::{AdoptBy, Class, SourceName, SystemUser, SystemUserId, Text, WorkerId, WorkerKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::Approval;
use crate::judge::{ApprovedPerson, HeldClass};
use crate::plan::{Change, PersonPlan, Reason, RunWarning};
use crate::request::Mode;
use crate::undo::Undoes;

/// The most rows of `people` in an answer; the run record has them all.
const MOST_ROWS: usize = 500;
/// The most bytes of `people` in an answer.
const MOST_BYTES: usize = 1_000_000;

/// What a run did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run; ids sort by time.
    pub run_id: Text,
    /// Whether anything could be written.
    pub mode: Mode,
    /// How it ended.
    pub status: RunStatus,
    /// The digest over every change of the plan; empty when there was no plan.
    pub plan_digest: String,
    /// What limits hold back.
    pub held: Vec<HeldClass>,
    /// The run that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Undoes>,
    /// What was approved, by whom and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// When it started.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// How many people came out how: each person is in exactly one.
    pub counts: BTreeMap<Outcome, usize>,
    /// Everyone who is not unchanged, by source and worker id.
    pub people: Vec<PersonRow>,
    /// How many of the skipped are out of their source's scope (`out_of_scope`) and have no user of ours: they have no
    /// row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_scope: usize,
    /// How many rows `people` leaves out; the run record has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub people_omitted: usize,
    /// Requests sent, retries included.
    pub calls: Calls,
    /// What a person should look at.
    pub warnings: Vec<RunWarning>,
    /// Why the run failed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Reason>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Another runner is at it.
    Busy,
    /// The run, or any person, failed.
    Failed,
    /// Somebody was not reached in time: the next run goes on.
    Unfinished,
    /// Something is held by a limit.
    Held,
    /// Everything was applied.
    Applied,
    /// Everything was planned.
    Planned,
}

/// How one person came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something went wrong.
    Failed,
    /// The run ended before.
    NotReached,
    /// Something of theirs is held.
    Held,
    /// Nothing can be done, for the reason given.
    Skipped,
    /// A user was made.
    Created,
    /// Access given back.
    Reactivated,
    /// Access taken.
    Suspended,
    /// Access given.
    Activated,
    /// The work e-mail changed.
    Renamed,
    /// An existing user became ours.
    Adopted,
    /// An attribute changed.
    Updated,
    /// Nothing to do.
    Unchanged,
}

impl Outcome {
    /// Every outcome, in the order in which the first that applies is taken.
    pub const ALL: [Self; 12] = [
        Self::Failed,
        Self::NotReached,
        Self::Held,
        Self::Skipped,
        Self::Created,
        Self::Reactivated,
        Self::Suspended,
        Self::Activated,
        Self::Renamed,
        Self::Adopted,
        Self::Updated,
        Self::Unchanged,
    ];

    /// What a person's changes make of them once they are applied.
    pub fn of(plan: &PersonPlan) -> Self {
        let of_change = |change: &Change| match change.class {
            Class::Create => Self::Created,
            Class::Reactivate => Self::Reactivated,
            Class::Suspend | Class::Missing | Class::OutOfScope | Class::Delete => Self::Suspended,
            Class::Activate => Self::Activated,
            Class::Rename => Self::Renamed,
            Class::Adopt => Self::Adopted,
            Class::Update | Class::Blank | Class::GroupRemove => Self::Updated,
        };
        let adopted = plan.adopts.map(|_: AdoptBy| Self::Adopted);
        plan.changes
            .iter()
            .map(of_change)
            .chain(adopted)
            .min()
            .unwrap_or(Self::Unchanged)
    }
}

/// One person in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonRow {
    /// The source.
    pub source: SourceName,
    /// The person's id there.
    pub worker_id: WorkerId,
    /// The JumpCloud user, where there is one.
    pub user_id: Option<SystemUserId>,
    /// The username, given or to be given.
    pub username: Option<Text>,
    /// How they came out.
    pub outcome: Outcome,
    /// Why, as a stable code.
    pub reason_code: Option<Text>,
    /// Why, and what to do.
    pub reason: Option<String>,
    /// What changed, or would.
    pub changes: Vec<ChangeRow>,
}

/// One change in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// JumpCloud's attribute.
    pub attribute: Text,
    /// What JumpCloud held.
    pub from: Value,
    /// What it holds now, or should.
    pub to: Value,
    /// The class that limits count it in.
    pub class: Class,
    /// Whether a limit holds it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// Requests sent, retries included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    /// To Deel.
    pub deel: u64,
    /// To Humaans.
    pub humaans: u64,
    /// To JumpCloud.
    pub jumpcloud: u64,
    /// To DynamoDB.
    pub dynamodb: u64,
}

impl PersonRow {
    /// The row of a person who came out so.
    pub fn new(person: &ApprovedPerson, outcome: Outcome, reason: Option<Reason>) -> Self {
        let ApprovedPerson { plan, held } = person;
        let row = |change: &Change, held: bool| ChangeRow {
            attribute: change.attribute.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
            class: change.class,
            held,
        };
        let (reason_code, reason) = reason.map(|reason| (reason.code, reason.text)).unzip();
        Self {
            source: plan.key.source.clone(),
            worker_id: plan.key.worker_id.clone(),
            user_id: plan.user_id.clone(),
            username: Some(plan.username.clone()).filter(|username| !username.is_empty()),
            outcome,
            reason_code,
            reason,
            changes: plan
                .changes
                .iter()
                .map(|change| row(change, false))
                .chain(held.iter().map(|change| row(change, true)))
                .collect(),
        }
    }

    /// Whether this change was begun. A manager's user may only have come out in the run.
    pub(crate) fn has(&self, change: &Change) -> bool {
        self.changes.iter().any(|row| {
            let same = row.to == change.to || row.attribute == "manager";
            let same = same && row.from == change.from && row.class == change.class;
            same && row.attribute == change.attribute && !row.held
        })
    }

    /// The row of a person in step.
    pub fn unchanged(key: WorkerKey, user: Option<&SystemUser>) -> Self {
        Self {
            source: key.source,
            worker_id: key.worker_id,
            user_id: user.map(|user| user.id.clone()),
            username: user.map(|user| user.username.clone()),
            outcome: Outcome::Unchanged,
            reason_code: None,
            reason: None,
            changes: Vec::new(),
        }
    }

    /// The row of a person as planned: what comes out when everything that may be applied is.
    pub fn planned(person: &ApprovedPerson) -> Self {
        if let Some(reason) = &person.plan.skipped {
            return Self::new(person, Outcome::Skipped, Some(reason.clone()));
        }
        if person.held.is_empty() {
            let evidence = person.plan.evidence.clone();
            return Self::new(person, Outcome::of(&person.plan), evidence);
        }
        let mut classes: Vec<&str> = person
            .held
            .iter()
            .map(|change| change.class.name())
            .collect();
        classes.dedup();
        let mut text = format!("held until approved: {}", classes.join(", "));
        if let Some(evidence) = &person.plan.evidence {
            text = format!("{text}; {}", evidence.text);
        }
        let reason = Reason::new("held", text);
        Self::new(person, Outcome::Held, Some(reason))
    }
}

impl Report {
    /// Counts the rows; people who are `unchanged` or `out_of_scope` have none.
    pub fn tally(
        rows: &[PersonRow],
        unchanged: usize,
        out_of_scope: usize,
    ) -> BTreeMap<Outcome, usize> {
        let mut counts: BTreeMap<Outcome, usize> = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, 0))
            .collect();
        *counts.entry(Outcome::Unchanged).or_default() += unchanged;
        *counts.entry(Outcome::Skipped).or_default() += out_of_scope;
        for row in rows {
            *counts.entry(row.outcome).or_default() += 1;
        }
        counts
    }

    /// The first status that applies.
    pub fn status_of(
        counts: &BTreeMap<Outcome, usize>,
        held: &[HeldClass],
        mode: Mode,
    ) -> RunStatus {
        let any = |outcome| counts.get(&outcome).is_some_and(|count| *count > 0);
        if any(Outcome::Failed) {
            RunStatus::Failed
        } else if any(Outcome::NotReached) {
            RunStatus::Unfinished
        } else if !held.is_empty() {
            RunStatus::Held
        } else {
            match mode {
                Mode::Plan => RunStatus::Planned,
                Mode::Apply => RunStatus::Applied,
            }
        }
    }

    /// How many people came out so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.counts.get(&outcome).copied().unwrap_or_default()
    }

    /// The report as an answer: `people` without the unchanged, and no more of anything than an answer can carry.
    #[must_use]
    pub fn into_answer(mut self, with_people: bool) -> Self {
        if self.warnings.len() > MOST_ROWS {
            let more = self.warnings.len() - MOST_ROWS;
            self.warnings.truncate(MOST_ROWS);
            let message = format!("{more} more warnings are in the run record");
            self.warnings
                .push(RunWarning::of_run("warnings_omitted", message));
        }
        // A digest over a whole import covers hundreds of thousands of changes; `approval_vanished` counts them.
        for approval in &mut self.approvals {
            approval.vanished.truncate(MOST_ROWS);
        }
        if !with_people {
            self.people_omitted = self.people.len();
            self.people.clear();
            return self;
        }
        let mut bytes = 0;
        let fitting = self.people.iter().take(MOST_ROWS).take_while(|row| {
            bytes += serde_json::to_string(row).map_or(0, |text| text.len());
            bytes <= MOST_BYTES
        });
        let kept = fitting.count();
        self.people_omitted = self.people.len() - kept;
        self.people.truncate(kept);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_has_room_for_an_approval_of_which_everything_vanished() {
        let vanished = vec![format!("sha256:{}", "0".repeat(64)); 500_000];
        let report: Report = serde_json::from_value(serde_json::json!({
            "run_id": "r1", "mode": "apply", "status": "applied", "plan_digest": "", "held": [], "people": [],
            "started_at": "2026-11-22T08:00:00Z", "duration_ms": 900, "counts": {}, "warnings": [],
            "calls": {"deel": 1, "humaans": 0, "jumpcloud": 2, "dynamodb": 5},
            "approvals": [{"digest": "", "at": "2026-11-22T08:00:00Z", "changes": 0, "vanished": vanished}],
        }))
        .unwrap();
        let answer = serde_json::to_vec(&report.into_answer(true)).unwrap();
        assert!(answer.len() < 6_000_000, "{}", answer.len());
    }
}

//! What earlier runs left: the last one, what it held, and whether the schedule is at work.

use clients::chain;
use jiff::SignedDuration;
use state::{RunHeader, State, StateError};
use sync::Report;
use tokio::time::timeout;

use super::PATIENCE;
use super::clock::ago;
use super::finding::Finding;
use crate::now;

/// How many runs are looked at.
const LATEST: u16 = 100;
/// A schedule that is on has run within this time, whatever its rate.
const SCHEDULED_WITHIN: SignedDuration = SignedDuration::from_hours(25);

/// Reads the latest runs, and of the last one the report.
pub(super) async fn check(state: &State) -> Vec<Finding> {
    let checks = timeout(PATIENCE, of_runs(state)).await;
    checks.unwrap_or_else(|_| {
        let advice = "mend what the check of the table says";
        vec![Finding::unknown(
            "last_run",
            "the table does not answer",
            advice,
        )]
    })
}

async fn of_runs(state: &State) -> Vec<Finding> {
    let runs = match state.runs(LATEST, None).await {
        Ok(runs) => runs,
        // The check of the table tells.
        Err(StateError::NoTable { .. }) => return Vec::new(),
        Err(error) => {
            let advice = "the credentials must allow `dynamodb:Query` on the table";
            return vec![Finding::unknown("last_run", chain(&error), advice)];
        }
    };
    let scheduled = runs.iter().find(|run| run.trigger == "schedule");
    let Some(last) = runs.iter().find(|run| run.mode == "apply") else {
        return vec![Finding::ok("last_run", "none yet"), schedule(scheduled)];
    };
    vec![
        last_run(last, &runs),
        held(state, last).await,
        schedule(scheduled),
    ]
}

fn last_run(last: &RunHeader, runs: &[RunHeader]) -> Finding {
    let check = "last_run";
    let found = format!("{}, {}", last.status, ago(last.started_at));
    if last.status != "failed" {
        return Finding::ok(check, found);
    }
    let is_good = |run: &&RunHeader| run.mode == "apply" && run.status != "failed";
    let good = runs.iter().find(is_good);
    let good = good.map_or("none is known".to_owned(), |run| ago(run.started_at));
    let advice = format!("`rollcall runs {}` says why (docs/operate.md)", last.run_id);
    Finding::warning(check, format!("{found}; the last good one: {good}"), advice)
}

async fn held(state: &State, last: &RunHeader) -> Finding {
    let check = "held";
    let report = state.run(&last.run_id).await.ok().flatten();
    let report = report.and_then(|run| serde_json::from_str::<Report>(run.report.get()).ok());
    let Some(report) = report else {
        let advice = format!("`rollcall runs {}`", last.run_id);
        return Finding::unknown(check, "the report of the last run cannot be read", advice);
    };
    if report.held.is_empty() {
        return Finding::ok(check, "nothing");
    }
    let held = report.held.iter();
    let held: Vec<String> = held
        .map(|held| format!("{} {} of {}", held.count, held.class, held.source))
        .collect();
    let advice = format!(
        "look at them with `rollcall runs {}`, and approve or mend HR (docs/operate.md, held changes)",
        last.run_id
    );
    Finding::warning(check, held.join(", "), advice)
}

/// Told by what the schedule did: whether it is on stands in AWS alone.
fn schedule(last: Option<&RunHeader>) -> Finding {
    let check = "schedule";
    let advice = "switch it on when a plan looks right (docs/deploy.md)";
    match last {
        Some(run) if now().duration_since(run.started_at) <= SCHEDULED_WITHIN => Finding::ok(
            check,
            format!("is on: it last began a run {}", ago(run.started_at)),
        ),
        Some(run) => Finding::warning(
            check,
            format!(
                "began its last run {}: it is off by now, or its runs die",
                ago(run.started_at)
            ),
            "the stack's `ScheduleState`, and the dead letters (docs/operate.md)",
        ),
        None => Finding::unknown(
            check,
            "has not begun a run of late: it is off, or new",
            advice,
        ),
    }
}

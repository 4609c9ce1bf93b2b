//! What earlier runs left: the last one, what it held, which configuration it had, and whether the schedule is at work.

use clients::chain;
use state::{RunHeader, State, StateError};
use sync::Report;
use tokio::time::timeout;

use super::PATIENCE;
use super::clock::ago;
use super::finding::Finding;
use super::stack::Schedule;

/// How many runs are looked at.
const LATEST: u16 = 100;

/// Reads the latest runs, and of the last one the report. `deployed` is the digest of the configuration where the
/// deployed function should have that one.
pub(super) async fn check(
    state: &State,
    schedule: &Schedule,
    deployed: Option<&str>,
) -> Vec<Finding> {
    let checks = timeout(PATIENCE, of_runs(state, schedule, deployed)).await;
    checks.unwrap_or_else(|_| {
        let advice = "mend what the check of the table says";
        vec![Finding::unknown(
            "last_run",
            "the table does not answer",
            advice,
        )]
    })
}

async fn of_runs(state: &State, schedule: &Schedule, deployed: Option<&str>) -> Vec<Finding> {
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
    let mut findings = vec![schedule.check(scheduled)];
    if let (Some(digest), Some(latest)) = (deployed, runs.first()) {
        findings.push(deployed_configuration(digest, latest));
    }
    let Some(last) = runs.iter().find(|run| run.mode == "apply") else {
        findings.push(Finding::ok("last_run", "none yet"));
        return findings;
    };
    findings.extend([last_run(last, &runs), held(state, last).await]);
    findings
}

/// Whether the function worked with the configuration that was just read.
fn deployed_configuration(digest: &str, latest: &RunHeader) -> Finding {
    let check = "deployed_configuration";
    let run = format!("the latest run, {}", ago(latest.started_at));
    if latest.config_digest == digest {
        return Finding::ok(check, format!("{run}, was made with this one"));
    }
    Finding::warning(
        check,
        format!("{run}, was made with another one"),
        "name the deployed file with --config, or deploy this one (`sam deploy`); if that was done since, the next run shows it",
    )
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

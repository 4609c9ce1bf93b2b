//! What earlier runs left: the last one, what it held, which configuration it had, and whether the schedule is at work.

use std::ffi::OsStr;

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

/// The configuration at hand beside the one that the deployed function reads.
pub(super) struct Comparison<'a> {
    /// The digest of the one that was just read.
    pub(super) digest: &'a str,
    /// The names of the file that was read and of the one that the function reads.
    pub(super) files: [Option<&'a OsStr>; 2],
}

/// Reads the latest runs, and of the last one the report; beside them stands the `schedule`.
pub(super) async fn check(
    state: &State,
    schedule: &Schedule,
    comparison: Option<Comparison<'_>>,
) -> Vec<Finding> {
    let unread = |found: String, advice: &str| {
        vec![
            schedule.check(None),
            Finding::unknown("last_run", found, advice),
        ]
    };
    let runs = match timeout(PATIENCE, state.runs(LATEST, None)).await {
        Ok(Ok(runs)) => runs,
        // The check of the table tells.
        Ok(Err(StateError::NoTable { .. })) => return vec![schedule.check(None)],
        Ok(Err(error)) => {
            let advice = "the credentials must allow `dynamodb:Query` on the table";
            return unread(chain(&error), advice);
        }
        Err(_) => {
            let advice = "mend what the check of the table says";
            return unread("the table does not answer".to_owned(), advice);
        }
    };
    let mut findings = vec![schedule.check(Some(&runs))];
    findings.extend(comparison.map(|it| deployed_configuration(&it, runs.first())));
    let Some(last) = runs.iter().find(|run| run.mode == "apply") else {
        findings.push(Finding::ok("last_run", "none yet"));
        return findings;
    };
    findings.extend([last_run(last, &runs), held(state, last).await]);
    findings
}

/// Whether the function works with the configuration that was just read, as far as the `latest` run shows it.
fn deployed_configuration(comparison: &Comparison<'_>, latest: Option<&RunHeader>) -> Finding {
    let check = "deployed_configuration";
    let [read, of_function] = comparison.files;
    if let (Some(read), Some(of_function)) = (read, of_function)
        && read != of_function
    {
        let found = format!(
            "the function reads `{}`, and this is `{}`",
            of_function.display(),
            read.display()
        );
        return Finding::warning(check, found, "name the deployed file with --config");
    }
    let Some(latest) = latest else {
        let advice = "`rollcall plan --deployed`, and look again";
        return Finding::unknown(check, "no run has shown yet which one it is", advice);
    };
    let run = format!("the latest run, {}", ago(latest.started_at));
    if latest.config_digest == comparison.digest {
        return Finding::ok(check, format!("{run}, was made with this one"));
    }
    Finding::warning(
        check,
        format!("{run}, was made with another one"),
        "name the deployed file with --config, or deploy this one (`sam deploy`); if that was done since, or the run was made \
         from a machine, the next one shows it",
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
    let report = timeout(PATIENCE, state.run(&last.run_id)).await;
    let report = report.ok().and_then(Result::ok).flatten();
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

//! The admin's commands.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use mapping::SourceName;
use sandbox::{Company, Options, Sandbox};
use serde::Serialize;
use serde_json::{Map, Value};
use state::RunId;
use sync::{Mode, PersonRow, Report, Request, RunStatus};
use tokio::time::Instant;

use crate::args::{Common, Run, Said};
use crate::deployed;
use crate::now;
use crate::show::{self, Rows};
use crate::watch::Watch;
use crate::workplace::{Workplace, embedded_state};

/// A run from here has no function's deadline; this only keeps one that hangs from hanging for ever.
const LONGEST_RUN: Duration = Duration::from_hours(24);
/// Where the configuration of a sandbox looks for the tokens of SCIM clients.
const SCIM_TOKENS: &str = "rollcall/scim";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Planned, applied or busy.
    Done,
    /// The run failed, or the call was wrong.
    Failed,
    /// Something is held.
    Held,
    /// Somebody was not reached.
    Unfinished,
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Held => 2,
            Self::Unfinished => 3,
        })
    }

    pub(crate) fn of(report: &Report) -> Self {
        match report.status {
            RunStatus::Busy | RunStatus::Applied | RunStatus::Planned => Self::Done,
            RunStatus::Failed => Self::Failed,
            RunStatus::Held => Self::Held,
            RunStatus::Unfinished => Self::Unfinished,
        }
    }
}

/// `plan` and `sync`.
pub(crate) async fn run(common: &Common, run: &Run, mode: Mode) -> Result<Exit> {
    let Run {
        sources,
        people,
        approve,
        said,
        now,
        deployed,
        stack,
    } = run;
    let mut event = event(mode, approve, said, !approve.is_empty())?;
    for (key, values) in [("sources", sources), ("people", people)] {
        if !values.is_empty() {
            event.insert(key.to_owned(), serde_json::to_value(values)?);
        }
    }
    if *now {
        event.insert("now".to_owned(), true.into());
    }
    let report = if *deployed {
        let report = deployed::run(common, stack, &Value::Object(event), mode).await?;
        show_report(common, &report)?;
        report
    } else {
        perform(common, event, mode).await?
    };
    let unknown = |row: &PersonRow| row.reason_code.as_deref() == Some("not_in_hr");
    if !people.is_empty() && report.people.iter().any(unknown) {
        return Ok(Exit::Failed);
    }
    Ok(Exit::of(&report))
}

/// The beginning of an event: what is approved, and where somebody `answers` for it, who and why.
pub(crate) fn event(
    mode: Mode,
    approve: &[String],
    said: &Said,
    answers: bool,
) -> Result<Map<String, Value>> {
    let mut event = Map::new();
    event.insert("mode".to_owned(), serde_json::to_value(mode)?);
    if !approve.is_empty() {
        event.insert("approve".to_owned(), serde_json::to_value(approve)?);
    }
    let Said { by, reason } = said;
    // A name stands in the environment of everything; a reason is given on purpose, and refused where it is for nothing.
    let by = by.as_ref().filter(|by| answers && !by.trim().is_empty());
    for (key, text) in [("by", by), ("reason", reason.as_ref())] {
        event.extend(text.map(|text| (key.to_owned(), text.as_str().into())));
    }
    Ok(event)
}

/// Runs on this machine what an event asks for, with the function's own set of refusals, and shows the report.
pub(crate) async fn perform(
    common: &Common,
    event: Map<String, Value>,
    mode: Mode,
) -> Result<Report> {
    let workplace = Workplace::open(common, mode == Mode::Apply).await?;
    let runner = &workplace.runner;
    let sources = runner.config.sources.iter();
    let sources: Vec<&SourceName> = sources.map(|source| &source.name).collect();
    let request = Request::from_event(&event.into(), &sources)?;
    let watch = Watch::start();
    let deadline = Instant::now() + LONGEST_RUN;
    let report = runner.run(&request, deadline, &watch.on_progress()).await;
    watch.finish();
    workplace.close().await;
    show_report(common, &report)?;
    Ok(report)
}

fn show_report(common: &Common, report: &Report) -> Result<()> {
    if common.json {
        print_json(report)?;
    } else {
        show::out(&show::report(report, Rows::All));
    }
    Ok(())
}

/// `explain`.
pub(crate) async fn explain(common: &Common, who: Vec<String>) -> Result<Exit> {
    let workplace = Workplace::open(common, false).await?;
    let watch = Watch::start();
    let deadline = Instant::now() + LONGEST_RUN;
    let runner = &workplace.runner;
    let explained = runner
        .explain(who.clone(), deadline, &watch.on_progress())
        .await;
    watch.finish();
    let explanations = explained.map_err(|error| anyhow::anyhow!(error.advice()))?;
    if explanations.is_empty() {
        let links = runner.state.links().await?;
        let known = links.iter().find(|link| {
            who.iter().any(|who| {
                link.key.worker_id.as_str() == who || link.email.eq_ignore_ascii_case(who)
            })
        });
        match known {
            Some(link) => bail!(
                "HR no longer knows {}, who is linked to the JumpCloud user `{}`: after {} whole reads in a row without them, and \
                 one read of them alone, `missing` decides",
                link.key,
                link.username,
                runner
                    .config
                    .sources
                    .iter()
                    .find(|source| source.name == link.key.source)
                    .map_or(0, |source| source.policy.lifecycle.missing_runs)
            ),
            None => {
                bail!("no source knows this person: give a worker id or a work e-mail as HR has it")
            }
        }
    }
    workplace.close().await;
    if common.json {
        print_json(&explanations)?;
    } else {
        for explanation in &explanations {
            show::out(&show::explanation(explanation));
        }
    }
    Ok(Exit::Done)
}

/// `runs`.
pub(crate) async fn runs(common: &Common, run: Option<String>, limit: u16) -> Result<Exit> {
    let workplace = Workplace::open(common, false).await?;
    let state = &workplace.runner.state;
    match run {
        None => {
            let runs = state.runs(limit, None).await?;
            if common.json {
                let headers: Vec<_> = runs.iter().map(show::header_json).collect();
                print_json(&headers)?;
            } else {
                show::out(&show::runs(&runs));
            }
        }
        Some(id) => {
            let Some(run) = state.run(&RunId::from(id.as_str())).await? else {
                bail!(
                    "there is no report of a run `{id}`: it has not ended, or died, or is older than 90 days; `rollcall runs` lists them"
                );
            };
            if common.json {
                print_json(&run.report)?;
            } else {
                let report: Report = serde_json::from_str(run.report.get())?;
                show::out(&show::report(&report, Rows::All));
            }
        }
    }
    workplace.close().await;
    Ok(Exit::Done)
}

/// `sandbox`.
pub(crate) async fn sandbox(common: &Common, port: u16, empty: bool) -> Result<Exit> {
    let company = if empty {
        Company::default()
    } else {
        Company::demo(now().to_zoned(jiff::tz::TimeZone::UTC).date())
    };
    let sandbox = Sandbox::start(Options {
        port,
        company,
        ..Options::default()
    })
    .await?;
    // The state lives and ends with the users that it is about.
    embedded_state(&sandbox.aws_url()).await?;
    // As the deployed stack has it: a secret without a value, for `rollcall token` to fill.
    sandbox.secrets().set_empty(SCIM_TOKENS);
    if common.json {
        print_json(&serde_json::json!({
            "url": sandbox.url(), "jumpcloud": sandbox.jumpcloud_url(), "deel": sandbox.deel_url(),
            "humaans": sandbox.humaans_url(), "aws": sandbox.aws_url(),
        }))?;
    }
    show::err(&show::sandbox(&sandbox));
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(Exit::Done)
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    show::out(&format!("{}\n", serde_json::to_string_pretty(value)?));
    Ok(())
}

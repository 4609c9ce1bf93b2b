//! The admin's commands.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use mapping::SourceName;
use sandbox::{Company, Options, Sandbox};
use serde::Serialize;
use state::RunId;
use sync::{Mode, PersonRow, Report, Request, RunStatus};
use tokio::time::Instant;

use crate::args::{Common, Run};
use crate::now;
use crate::show::{self, Rows};
use crate::watch::Watch;
use crate::workplace::{Workplace, embedded_state};

/// A run from here has no function's deadline; this only keeps one that hangs from hanging for ever.
const LONGEST_RUN: Duration = Duration::from_hours(24);
/// A command's own lease, unless it ends before.
const LEASE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

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
    let workplace = Workplace::open(common, mode == Mode::Apply).await?;
    let request = request(&workplace, run, mode)?;
    let watch = Watch::start();
    let report = workplace
        .runner
        .run(&request, Instant::now() + LONGEST_RUN, &watch.on_progress())
        .await;
    watch.finish();
    workplace.close().await;
    if common.json {
        print_json(&report)?;
    } else {
        show::out(&show::report(&report, Rows::All));
    }
    let unknown = |row: &PersonRow| row.reason_code.as_deref() == Some("not_in_hr");
    if !run.people.is_empty() && report.people.iter().any(unknown) {
        return Ok(Exit::Failed);
    }
    Ok(Exit::of(&report))
}

/// The command line as the function's own event would say it: one reading, one set of refusals.
fn request(workplace: &Workplace, run: &Run, mode: Mode) -> Result<Request> {
    let mut event = serde_json::Map::new();
    event.insert("mode".to_owned(), serde_json::to_value(mode)?);
    let lists = [
        ("sources", &run.sources),
        ("people", &run.people),
        ("approve", &run.approve),
    ];
    for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        event.insert(key.to_owned(), serde_json::to_value(values)?);
    }
    if run.now {
        event.insert("now".to_owned(), true.into());
    }
    let sources: Vec<&SourceName> = workplace
        .runner
        .config
        .sources
        .iter()
        .map(|source| &source.name)
        .collect();
    Ok(Request::from_event(&event.into(), &sources)?)
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
                    "there is no run `{id}`, or it is older than 90 days: `rollcall runs` lists them"
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

/// `release`.
pub(crate) async fn release(common: &Common, who: &str) -> Result<Exit> {
    let workplace = Workplace::open(common, true).await?;
    let state = &workplace.runner.state;
    let links = if who.contains('@') {
        state.links_of(&state.find_by_email(who).await?).await?
    } else {
        let all = state.links().await?;
        all.into_iter()
            .filter(|link| link.key.worker_id.as_str() == who || link.key.to_string() == who)
            .collect()
    };
    let link = match links.as_slice() {
        [link] => link,
        [] => bail!(
            "nobody is linked under `{who}`: `rollcall explain` says what is known of a person"
        ),
        several => bail!(
            "{} people are linked under `{who}`: give `SOURCE/WORKER_ID`",
            several.len()
        ),
    };
    let lease = state
        .acquire(&format!("release-{}", std::process::id()), now(), LEASE)
        .await?;
    let deleted = state
        .delete_link(&lease, &link.key, link.user_id.as_ref())
        .await;
    state.release(&lease).await?;
    deleted?;
    show::err(&format!(
        "{} is forgotten; its JumpCloud user `{}` stays as it is, and the next run recognises or creates one anew\n",
        link.key, link.username
    ));
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

//! One run from beginning to end.

use std::sync::Arc;

use clients::JumpCloud;
use config::{Config, Source};
use jiff::Timestamp;
use mapping::{SystemUser, Text};
use serde::Serialize;
use state::{LastRead, Lease, Link, RunHeader, RunId, State, StateError};
use tokio::time::Instant;

use crate::apply::{Applied, Writer, apply};
use crate::chain;
use crate::confirm::confirm;
use crate::details;
use crate::explain::{Explanation, explain};
use crate::gather::{GatherError, Scope, Snapshot, gather};
use crate::hr::HrSource;
use crate::judge::{Approvals, ApprovedPlan, Held, HeldClass, shrunk_by};
use crate::lease::LeaseKeeper;
use crate::plan::{ChangeDigest, Plan, Reason, RunWarning, SourceFacts};
use crate::planner::{facts, plan};
use crate::progress::OnProgress;
use crate::report::{Calls, Outcome, PersonRow, Report, RunStatus};
use crate::request::{Mode, Request};

/// Tells the time: the real one, or a test's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that runs share: made once, used for each run.
#[derive(Clone)]
pub struct Runner {
    /// The configuration.
    pub config: Arc<Config>,
    /// JumpCloud.
    pub jumpcloud: JumpCloud,
    /// The HR systems, in the order of the configuration.
    pub hr: Vec<HrSource>,
    /// What we remember.
    pub state: State,
    /// The time.
    pub clock: Clock,
}

/// What came of a run whose reads were whole.
struct Finished {
    plan_digest: ChangeDigest,
    held: Vec<HeldClass>,
    unchanged: usize,
    out_of_scope: usize,
    warnings: Vec<RunWarning>,
    applied: Applied,
}

impl Runner {
    /// Runs once: reads, plans and, unless it is asked for the plan alone, applies what limits and approvals allow.
    /// Nobody new is begun shortly before `deadline`. Every way in which it can end is a report.
    pub async fn run(&self, request: &Request, deadline: Instant, progress: &OnProgress) -> Report {
        let run = ThisRun::begin(self, request, deadline);
        if request.mode == Mode::Plan {
            let finished = run.flow(None, progress).await;
            return run.close(finished, None).await;
        }
        match LeaseKeeper::take(&run.state, run.id.as_str(), &run.clock).await {
            Ok(keeper) => {
                let finished = run.flow(Some(&keeper), progress).await;
                let lease = keeper.stop();
                run.close(finished, Some(&lease)).await
            }
            Err(StateError::Busy { holder, until }) => {
                tracing::info!(run.id = %run.id, holder = %holder, until = %until, "another runner is at it");
                let text =
                    format!("the run {holder} holds the lease until {until}, unless it renews it");
                Report {
                    error: Some(Reason::new("busy", text)),
                    ..run.report(RunStatus::Busy)
                }
            }
            Err(error) => run.close(Err(error.into()), None).await,
        }
    }

    /// Reads a few people and says, for each, why they would or would not change. Writes nothing.
    pub async fn explain(
        &self,
        people: Vec<String>,
        deadline: Instant,
        progress: &OnProgress,
    ) -> Result<Vec<Explanation>, GatherError> {
        let request = Request {
            people,
            mode: Mode::Plan,
            ..Request::default()
        };
        let run = ThisRun::begin(self, &request, deadline);
        let snapshot = gather(
            &request,
            &run.hr,
            &run.config.groups,
            &run.jumpcloud,
            &run.state,
            run.started_at,
            progress,
        )
        .await?;
        let (snapshot, plan) = run.planned(snapshot).await?;
        let plan = confirm(
            plan,
            run.config,
            &Approvals::default(),
            &run.hr,
            &run.jumpcloud,
            run.started_at,
        )
        .await;
        Ok(explain(&snapshot, plan, run.config, run.started_at))
    }
}

/// One run: the shared clients with this run's deadline, and its own count of calls.
struct ThisRun<'a> {
    id: RunId,
    request: &'a Request,
    started_at: Timestamp,
    begun: Instant,
    deadline: Instant,
    config: &'a Config,
    jumpcloud: JumpCloud,
    hr: Vec<(&'a Source, HrSource)>,
    state: State,
    clock: Clock,
}

impl<'a> ThisRun<'a> {
    fn begin(runner: &'a Runner, request: &'a Request, deadline: Instant) -> Self {
        let started_at = (runner.clock)();
        let hr = runner.config.sources.iter().zip(&runner.hr);
        Self {
            id: run_id(started_at),
            request,
            started_at,
            begun: Instant::now(),
            deadline,
            config: &runner.config,
            jumpcloud: runner.jumpcloud.begin(deadline),
            hr: hr
                .filter(|(source, _)| {
                    request.sources.is_empty() || request.sources.contains(&source.name)
                })
                .map(|(source, client)| (source, client.begin(deadline)))
                .collect(),
            state: runner.state.for_run(),
            clock: Arc::clone(&runner.clock),
        }
    }

    /// gather → plan → confirm → judge → apply. Without a lease it stops before the last step.
    async fn flow(
        &self,
        lease: Option<&LeaseKeeper>,
        progress: &OnProgress,
    ) -> Result<Finished, GatherError> {
        let (approvals, mut warnings) = self.approvals().await?;
        let snapshot = gather(
            self.request,
            &self.hr,
            &self.config.groups,
            &self.jumpcloud,
            &self.state,
            self.started_at,
            progress,
        )
        .await?;
        let (snapshot, mut plan) = self.planned(snapshot).await?;
        if snapshot.scope != Scope::Everyone && plan.needs_all_links(self.config) {
            // Limits are shares of all links, whoever the run is about.
            let links = self.state.links().await?;
            plan.sources = facts(&snapshot, &links, self.started_at);
            plan.count_given(&links);
        }
        if lease.is_some() && snapshot.scope == Scope::Everyone {
            warnings.extend(self.forget_hidden(&snapshot.users).await);
        }
        drop(snapshot);
        let plan = confirm(
            plan,
            self.config,
            &approvals,
            &self.hr,
            &self.jumpcloud,
            self.started_at,
        )
        .await;

        let facts = plan.sources.clone();
        let (unchanged, out_of_scope) = (plan.unchanged, plan.out_of_scope);
        warnings.extend(plan.warnings.iter().cloned());
        let (approved, held, vanished) = plan.judge(self.config, &approvals);
        warnings.extend(vanished);
        let shown = approved.shown();
        let plan_digest = ChangeDigest::of_all(shown.iter().copied());
        if !held.classes.is_empty() || (lease.is_none() && !shown.is_empty()) {
            self.offer(plan_digest, shown, &held).await?;
        }
        let applied = match lease {
            None => Applied {
                rows: approved.people().iter().map(PersonRow::planned).collect(),
                last_link: None,
                halted: None,
            },
            Some(lease) => {
                let permit = lease.permit(&self.clock);
                let writer = Writer {
                    config: self.config,
                    jumpcloud: self.jumpcloud.with_permit(Arc::clone(&permit)),
                    permit,
                    state: &self.state,
                    lease,
                    run_id: &self.id,
                    clock: &self.clock,
                    deadline: self.deadline,
                    progress,
                };
                let applied = apply(&approved, &writer).await;
                warnings.extend(
                    self.remember_reads(&facts, &approved, &lease.current())
                        .await,
                );
                applied
            }
        };
        Ok(Finished {
            plan_digest,
            held: held.classes,
            unchanged,
            out_of_scope,
            warnings,
            applied,
        })
    }

    /// The plan, made again with what HR tells apart of those whom it is about.
    async fn planned(&self, mut snapshot: Snapshot) -> Result<(Snapshot, Plan), GatherError> {
        details::recall(&mut snapshot, &self.hr);
        let mut planned = plan(&snapshot, self.config, self.started_at);
        if details::read(&mut snapshot, &planned, &self.hr).await? {
            planned = plan(&snapshot, self.config, self.started_at);
        }
        Ok((snapshot, planned))
    }

    /// Forgets whom SCIM clients deleted and an admin then deleted in JumpCloud too: until then they count as hidden, and
    /// totals are too small.
    async fn forget_hidden(&self, users: &[SystemUser]) -> Option<RunWarning> {
        let forget = async {
            let mut gone = self.state.hidden_users().await?;
            for user in users {
                gone.remove(&user.id);
            }
            for id in std::mem::take(&mut gone) {
                // Read once more: forgetting is for good, and a user may be younger than the list.
                let user = self.jumpcloud.user(&id).await;
                if user.map_err(GatherError::JumpCloud)?.is_none() {
                    gone.insert(id);
                }
            }
            if !gone.is_empty() {
                self.state.forget_hidden(&gone).await?;
            }
            Ok::<_, GatherError>(())
        };
        let error = forget.await.err()?;
        Some(RunWarning::of_run("hidden_not_forgotten", chain(&error)))
    }

    /// What the digests of the request cover.
    async fn approvals(&self) -> Result<(Approvals, Vec<RunWarning>), StateError> {
        let mut approvals = Approvals::default();
        let mut warnings = Vec::new();
        for digest in &self.request.approve {
            match self.state.offer(digest, self.started_at).await? {
                Some(changes) => approvals.0.extend(changes.into_iter().map(ChangeDigest)),
                None => warnings.push(RunWarning::of_run(
                    "approval_unknown",
                    format!("`{digest}` was not shown within the last 24 hours, so it approves nothing: plan again and approve what that shows"),
                )),
            }
        }
        Ok((approvals, warnings))
    }

    /// Stores what the digests that are about to be shown cover.
    async fn offer(
        &self,
        plan: ChangeDigest,
        shown: &[ChangeDigest],
        held: &Held,
    ) -> Result<(), StateError> {
        let store = async |digest: ChangeDigest, changes: &[ChangeDigest]| {
            let changes: Vec<[u8; 32]> = changes.iter().map(|change| change.0).collect();
            self.state
                .put_offer(&digest.to_string(), &changes, self.started_at)
                .await
        };
        store(plan, shown).await?;
        for (digest, changes) in &held.covers {
            store(*digest, changes).await?;
        }
        Ok(())
    }

    /// Remembers the size of each complete read. One that shrank beyond the limit is not the new measure as long as
    /// somebody with access is missing.
    async fn remember_reads(
        &self,
        facts: &[SourceFacts],
        approved: &ApprovedPlan,
        lease: &Lease,
    ) -> Vec<RunWarning> {
        let mut warnings = Vec::new();
        for facts in facts {
            let count = facts.listed as u64;
            let is_news = facts.complete && facts.listed_before != Some(count);
            let shrunk = shrunk_by(self.config, facts).is_some();
            if !is_news || shrunk && approved.has_missing(&facts.name) {
                continue;
            }
            let read = LastRead {
                count,
                at: self.started_at,
                run_id: self.id.clone(),
            };
            if let Err(error) = self.state.put_last_read(lease, &facts.name, &read).await {
                warnings.push(RunWarning::of_source(
                    &facts.name,
                    "read_not_recorded",
                    chain(&error),
                ));
            }
        }
        warnings
    }

    /// An empty report of this run, with what it has cost so far.
    fn report(&self, status: RunStatus) -> Report {
        let mut calls = Calls {
            jumpcloud: self.jumpcloud.calls(),
            dynamodb: self.state.calls(),
            ..Calls::default()
        };
        for (_, client) in &self.hr {
            client.count(&mut calls);
        }
        Report {
            run_id: self.id.as_str().into(),
            mode: self.request.mode,
            status,
            plan_digest: String::new(),
            held: Vec::new(),
            started_at: self.started_at,
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            counts: Report::count(&[], 0, 0),
            people: Vec::new(),
            people_omitted: 0,
            out_of_scope: 0,
            calls,
            warnings: Vec::new(),
            error: None,
        }
    }

    /// Reports, records the run and gives the lease back.
    async fn close(
        &self,
        finished: Result<Finished, GatherError>,
        lease: Option<&Lease>,
    ) -> Report {
        let mut last_link = None;
        let mut report = match finished {
            Err(error) => Report {
                error: Some(Reason::new(error.code(), error.advice())),
                ..self.report(RunStatus::Failed)
            },
            Ok(finished) => {
                let Finished {
                    plan_digest,
                    held,
                    unchanged,
                    out_of_scope,
                    warnings,
                    applied,
                } = finished;
                last_link = applied.last_link;
                let counts = Report::count(&applied.rows, unchanged, out_of_scope);
                let key_refused = applied
                    .halted
                    .as_ref()
                    .is_some_and(|halt| halt.code == "jumpcloud_key_refused");
                let status = if key_refused {
                    RunStatus::Failed
                } else {
                    Report::status_of(&counts, &held, self.request.mode)
                };
                Report {
                    plan_digest: plan_digest.to_string(),
                    held,
                    counts,
                    out_of_scope,
                    people: applied
                        .rows
                        .into_iter()
                        .filter(|row| row.outcome != Outcome::Unchanged)
                        .collect(),
                    warnings,
                    error: applied.halted,
                    ..self.report(status)
                }
            }
        };
        if let Err(error) = self.record(&report, lease, last_link.as_ref()).await {
            let (code, what) = match error {
                // The record stands; only the last person's link was refused with it.
                StateError::Owned { .. } => {
                    ("not_remembered", "the last link could not be written")
                }
                _ => ("run_not_recorded", "the run could not be recorded"),
            };
            tracing::error!(run.id = %self.id, error = %chain(&error), "{what}");
            if report.error.is_none() {
                let warning = RunWarning::of_run(code, chain(&error));
                report.warnings.push(warning);
            }
        }
        report.calls.dynamodb = self.state.calls();
        let Report {
            status,
            duration_ms,
            ..
        } = &report;
        tracing::info!(run.id = %self.id, status = ?status, duration_ms, "the run ended");
        report
    }

    async fn record(
        &self,
        report: &Report,
        lease: Option<&Lease>,
        link: Option<&Link>,
    ) -> Result<(), StateError> {
        let header = RunHeader {
            run_id: self.id.clone(),
            mode: word(&report.mode),
            status: word(&report.status),
            trigger: word(&self.request.trigger),
            started_at: self.started_at,
            duration_ms: report.duration_ms,
            config_digest: self.config.digest.as_str().into(),
            plan_digest: Some(report.plan_digest.as_str().into())
                .filter(|digest: &Text| !digest.is_empty()),
            counts: report
                .counts
                .iter()
                .map(|(outcome, count)| (word(outcome), *count as u64))
                .collect(),
        };
        let report = serde_json::value::to_raw_value(report).unwrap_or_default();
        self.state.finish_run(lease, &header, &report, link).await
    }
}

/// The word that serde writes for a plain enum.
fn word(value: &impl Serialize) -> Text {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.into(),
        _ => Text::default(),
    }
}

/// An id that sorts by time.
fn run_id(now: Timestamp) -> RunId {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
    RunId::from(uuid::Uuid::new_v7(time).to_string().as_str())
}

//! One run from beginning to end.

mod close;

use std::sync::Arc;

use clients::JumpCloud;
use config::{Config, Source};
use futures_util::future::join;
use jiff::Timestamp;
use mapping::SystemUser;
use secrets::Secrets;
use state::{LastRead, Lease, RunHeader, RunId, State, StateError};
use tokio::time::{Instant, timeout_at};

use crate::apply::{Applied, Writer, apply};
use crate::approval::{Approval, Asked, offer};
use crate::chain;
use crate::confirm::confirm;
use crate::details;
use crate::explain::{Explanation, explain};
use crate::gather::{GatherError, Scope, Snapshot, gather};
use crate::hr::HrSource;
use crate::journal::Journal;
use crate::judge::{Approvals, ApprovedPlan, HeldClass, shrunk_by};
use crate::keys;
use crate::lease::LeaseKeeper;
use crate::notify::Topic;
use crate::plan::{ChangeDigest, Plan, Reason, RunWarning, SourceFacts};
use crate::planner::{facts, plan};
use crate::progress::OnProgress;
use crate::report::{PersonRow, Report, RunStatus};
use crate::request::{Mode, Request};
use crate::undo::{Past, undo};

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
    /// Where the keys are.
    pub secrets: Secrets,
    /// The time.
    pub clock: Clock,
    /// Who is told of what goes wrong or waits; `None`: nobody.
    pub topic: Option<Topic>,
}

/// What came of a run, and its warnings of keys that end.
type Ended = (Result<Finished, GatherError>, Vec<RunWarning>);

/// What came of a run whose reads were whole.
struct Finished {
    plan_digest: ChangeDigest,
    held: Vec<HeldClass>,
    approvals: Vec<Approval>,
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
            let ended = run.through(None, progress).await;
            return run.close(ended, None).await;
        }
        match LeaseKeeper::take(&run.state, run.id.as_str(), &run.clock).await {
            Ok(mut keeper) => {
                let ended = run.through(Some(&mut keeper), progress).await;
                run.close(ended, Some(keeper.stop())).await
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
            Err(error) => run.close((Err(error.into()), Vec::new()), None).await,
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
    secrets: &'a Secrets,
    clock: Clock,
    topic: Option<&'a Topic>,
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
            secrets: &runner.secrets,
            clock: Arc::clone(&runner.clock),
            topic: runner.topic.as_ref(),
        }
    }

    /// The flow, and beside it the keys that end soon: what tells of them is in the secrets that the flow needs, so that
    /// nothing is read or waited for twice.
    async fn through(&self, lease: Option<&mut LeaseKeeper>, progress: &OnProgress) -> Ended {
        // On the heap: it is the large part of a run.
        let flow = Box::pin(self.flow(lease, progress));
        let sources = self.hr.iter().map(|(source, _)| *source);
        let keys = keys::expiring(self.config, sources, self.secrets, self.started_at);
        let (finished, expiring) = join(flow, timeout_at(self.deadline, keys)).await;
        (finished, expiring.unwrap_or_default())
    }

    /// gather → plan → confirm → judge → journal → apply. Without a lease it stops before the last two steps.
    async fn flow(
        &self,
        lease: Option<&mut LeaseKeeper>,
        progress: &OnProgress,
    ) -> Result<Finished, GatherError> {
        let (asked, mut warnings) = Asked::read(self.request, &self.state, self.started_at).await?;
        let approvals = asked.approvals();
        // On the heap: of two ways one is taken, and both are large.
        let plan = if let Some(run) = &self.request.undo {
            let past = Past::read(run, &self.jumpcloud, &self.state, progress);
            undo(&Box::pin(past).await?, self.config, self.started_at)
        } else {
            let writes = lease.is_some();
            let wanted = self.wanted(&approvals, writes, &mut warnings, progress);
            Box::pin(wanted).await?
        };

        let facts = plan.sources.clone();
        let (unchanged, out_of_scope) = (plan.unchanged, plan.out_of_scope);
        warnings.extend(plan.warnings.iter().cloned());
        let (approved, held, vanished) = plan.judge(self.config, &approvals);
        warnings.extend(vanished);
        let shown = approved.shown();
        let plan_digest = ChangeDigest::of_all(shown.iter().copied());
        if !held.classes.is_empty() || (lease.is_none() && !shown.is_empty()) {
            offer(&self.state, plan_digest, shown, &held, self.started_at).await?;
        }
        let approvals = asked.into_report(&self.request.said, self.started_at, shown, &held);
        let applied = match lease {
            None => Applied {
                rows: approved.people().iter().map(PersonRow::planned).collect(),
                last_link: None,
                halted: None,
            },
            Some(lease) => {
                self.note(&approved, plan_digest, lease).await?;
                let lease = &*lease;
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
            approvals,
            unchanged,
            out_of_scope,
            warnings,
            applied,
        })
    }

    /// gather → plan → confirm: what HR wants.
    async fn wanted(
        &self,
        approvals: &Approvals,
        writes: bool,
        warnings: &mut Vec<RunWarning>,
        progress: &OnProgress,
    ) -> Result<Plan, GatherError> {
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
        if writes && snapshot.scope == Scope::Everyone {
            warnings.extend(self.forget_hidden(&snapshot.users).await);
        }
        drop(snapshot);
        Ok(confirm(
            plan,
            self.config,
            approvals,
            &self.hr,
            &self.jumpcloud,
            self.started_at,
        )
        .await)
    }

    /// Stores what is about to be written, if anything is.
    async fn note(
        &self,
        plan: &ApprovedPlan,
        plan_digest: ChangeDigest,
        keeper: &mut LeaseKeeper,
    ) -> Result<(), GatherError> {
        let Some(journal) = Journal::of(plan, self.started_at) else {
            return Ok(());
        };
        let header = RunHeader {
            plan_digest: Some(plan_digest.to_string().into()),
            ..self.header()
        };
        let lease = keeper.current();
        let noted = self
            .state
            .put_journal(&lease, &mut keeper.chain, &header, &journal)
            .await;
        noted.map_err(GatherError::Journal)?;
        tracing::info!(run.id = %self.id, people = journal.people.len(), "the run begins to write");
        Ok(())
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
}

/// An id that sorts by time.
fn run_id(now: Timestamp) -> RunId {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
    RunId::from(uuid::Uuid::new_v7(time).to_string().as_str())
}

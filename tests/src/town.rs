//! A world in the test's own process: every outside system, and the sync as a library. Cheap enough for thousands of runs.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use config::Config;
use jiff::SignedDuration;
use sandbox::{Fault, Options, Sandbox, Vendor};
use state::State;
use sync::{Report, Request, RunStatus, Runner, unwatched};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::subscriber::DefaultGuard;

use crate::time::as_time_passes;
use crate::world::{LOG, TABLE, aws, secrets, telling};
use crate::{Picture, Setup};

/// What an invocation may take: the function's own time-out.
pub const TIME: Duration = Duration::from_mins(5);
/// A frozen process wakes up so much later, when nobody's lease of before lasts any more.
const FROZEN: SignedDuration = SignedDuration::from_mins(4);
/// What of that its own timers and connections notice: no longer than a request may take.
const STILL: Duration = Duration::from_secs(20);

/// Every outside system, and the sync; on a runtime of one thread whose clock is paused.
pub struct Town {
    sandbox: Sandbox,
    /// The function's process, and another one.
    runner: Runner,
    other: Runner,
    killed: Arc<Notify>,
    log: Log,
    folder: TempDir,
    _logging: DefaultGuard,
}

impl Town {
    /// Starts everything; the time is the machine's and stands still.
    pub async fn start(setup: &Setup) -> Self {
        let sandbox = Sandbox::start(Options::default())
            .await
            .expect("the sandbox starts");
        sandbox.deel().rules(|rules| rules.rate_limit = None);
        sandbox.humaans().rules(|rules| rules.rate_limit = None);
        sandbox.clock().set(sandbox.clock().now());
        let log = Log::default();
        let written = log.clone();
        let subscriber = startup::log_lines(Some(LOG), move || written.clone());
        let logging = tracing::subscriber::set_default(subscriber);
        let state = State::connect(&aws(&sandbox), TABLE);
        let table = as_time_passes(&sandbox, state.create_table()).await;
        table.expect("the table is made");
        Self {
            runner: runner(setup, &sandbox, state.clone()),
            other: runner(setup, &sandbox, state),
            sandbox,
            killed: Arc::default(),
            log,
            folder: tempfile::tempdir().expect("there is room for a folder"),
            _logging: logging,
        }
    }

    /// Everything outside.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What came of everything so far.
    pub async fn picture(&self) -> Picture {
        let picture = Picture::of(&self.sandbox, &self.runner.state);
        Box::pin(as_time_passes(&self.sandbox, picture)).await
    }

    /// Where files of this town may be.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The next invocations are another process's.
    pub fn change_process(&mut self) {
        std::mem::swap(&mut self.runner, &mut self.other);
        self.runner.state = State::connect(&aws(&self.sandbox), TABLE);
    }

    /// Kills the run that is under way when called.
    pub fn killer(&self) -> impl Fn() + Send + Sync + 'static {
        let killed = Arc::clone(&self.killed);
        move || killed.notify_waiters()
    }

    /// Runs once for everybody within so much time; none when it was killed.
    pub async fn run(&self, within: Duration) -> Option<Report> {
        Box::pin(as_time_passes(&self.sandbox, self.run_alone(within))).await
    }

    /// Runs twice at once.
    pub async fn run_twice(&self, within: Duration) {
        let both = async { tokio::join!(self.run_alone(within), self.run_alone(within)) };
        Box::pin(as_time_passes(&self.sandbox, both)).await;
    }

    /// Runs once, and stands still at the request that `which` narrows down to: time goes on, and another process does
    /// all of the work. Then the request is answered, unless the answer is lost. What the first one asks JumpCloud to write
    /// after that, as in `PUT /path`.
    pub async fn run_frozen(
        &self,
        vendor: Vendor,
        is_lost: bool,
        which: impl Fn(Fault) -> Fault,
    ) -> Vec<String> {
        let reached = Arc::new(Notify::new());
        let (clock, reach) = (self.sandbox.clock(), Arc::clone(&reached));
        let freeze = move || {
            clock.advance(FROZEN);
            reach.notify_one();
        };
        let faults = self.sandbox.faults();
        faults.add(which(Fault::run(vendor, freeze)));
        faults.add(which(Fault::delay(vendor, STILL)));
        if is_lost {
            faults.add(which(Fault::drop(vendor)));
        }
        let meanwhile = async {
            reached.notified().await;
            let begun = Instant::now();
            let report = self.run_with(&self.other, TIME).await;
            let status = report.map(|report| report.status);
            assert_eq!(status, Some(RunStatus::Applied));
            assert!(begun.elapsed() < STILL, "the first one was awake before");
            self.sandbox.requests().clear();
        };
        let both = async { tokio::join!(self.run_alone(TIME), meanwhile) };
        Box::pin(as_time_passes(&self.sandbox, both)).await;
        let requests = self.sandbox.requests().all().into_iter();
        let writes = requests.filter(|request| {
            let is_read = request.method == "GET" || request.path.contains("/search/");
            request.vendor == Vendor::JumpCloud && !is_read
        });
        writes
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    async fn run_alone(&self, within: Duration) -> Option<Report> {
        self.run_with(&self.runner, within).await
    }

    async fn run_with(&self, runner: &Runner, within: Duration) -> Option<Report> {
        let (request, progress) = (Request::default(), unwatched());
        let run = runner.run(&request, Instant::now() + within, &progress);
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            report = run => Some(report),
        }
    }

    /// Nothing happens for so long.
    pub async fn wait(&self, time: Duration) {
        let by = SignedDuration::try_from(time).expect("no eternity");
        self.sandbox.clock().advance(by);
        tokio::time::advance(time).await;
    }

    /// What was logged since the last time that somebody asked, in which there must be nothing secret or personal.
    pub fn take_log(&self) -> Result<String, String> {
        let log = self.log.take();
        for secret in telling(&self.sandbox) {
            if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
                return Err(format!("`{secret}` was logged: {line}"));
            }
        }
        Ok(log)
    }
}

fn runner(setup: &Setup, sandbox: &Sandbox, state: State) -> Runner {
    let config = Config::parse(&setup.to_toml(sandbox)).expect("the configuration is right");
    let secrets = secrets(&aws(sandbox));
    let clock = sandbox.clock();
    let clock = Arc::new(move || clock.now());
    sync::runner(config, state, &secrets, &[], clock).expect("the runner is made")
}

/// What is logged, in memory.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::mem::take(&mut *log);
        String::from_utf8(bytes).expect("a log is text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

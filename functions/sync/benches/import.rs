//! How many invocations the first import of a large company takes, without waiting for them.
//!
//! `cargo bench -p sync --bench import`, with `-- N` for another number of people than 50,000. It fails unless everybody has
//! one account in the end and no write was sent twice. What is real: the sync, its
//! pacing at the default rates, its deadline, the HTTP between it and the sandbox. What is simulated is time: the clock
//! stands, and each request to Deel or JumpCloud moves it by what lies between two requests at that vendor's rate. So
//! answers, DynamoDB and planning take no time, and the lists of both vendors are read as if one after the other.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's table goes to standard output"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use clients::Deel;
use config::Config;
use jiff::Timestamp;
use jiff::civil::Date;
use sandbox::{Company, Fault, Options, Sandbox, Vendor};
use secrets::Secrets;
use serde_json::{Value, json};
use state::State;
use sync::{Calls, Outcome, Report, Request, RunStatus, Runner, unwatched};
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::{Instant, advance};

const PEOPLE: usize = 50_000;
/// A function's time-out, less what is kept for the report.
const INVOCATION: Duration = Duration::from_secs(900 - 5);
/// People and time of a trial: enough for a few invocations.
const TRIAL: (usize, Duration) = (200, Duration::from_secs(25));

const TABLE: &str = "rollcall";
/// Everybody was hired a year before this.
const TODAY: Date = Date::constant(2026, 1, 5);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo passes this when it measures, and not when it only tries whether a benchmark works.
    let is_trial = !arguments.iter().any(|argument| argument == "--bench");
    let (people, time) = if is_trial {
        TRIAL
    } else {
        (PEOPLE, INVOCATION)
    };
    let named = arguments.iter().find_map(|argument| argument.parse().ok());
    let (people, time) = named.map_or((people, time), |people| (people, INVOCATION));

    // Everything outside lives in real time, on threads of its own.
    let outside = Builder::new_multi_thread().enable_all().build()?;
    let company = company(people);
    let sandbox = outside.block_on(Sandbox::start(Options {
        company,
        ..Options::default()
    }))?;
    let inside = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    inside.block_on(import(&sandbox, people, time))?;
    drop(inside);
    outside.block_on(sandbox.stop());
    Ok(())
}

/// Invokes the sync until everybody has an account, and prints what that took.
async fn import(sandbox: &Sandbox, people: usize, time: Duration) -> Result<()> {
    // The clock moves by itself whenever the runtime is idle, unless a thread is at work.
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let blocker = tokio::task::spawn_blocking(move || wait.recv().is_err());

    let traffic = Traffic::watch(sandbox);
    let runner = runner(sandbox).await?;
    println!("{people} people, {} s for each invocation", time.as_secs());
    println!("invocation  created   Deel  JumpCloud: reads  writes  DynamoDB  minutes");
    let mut total = Total::default();
    let (request, progress) = (Request::default(), unwatched());
    loop {
        let begun = Instant::now();
        traffic.reads.store(0, Ordering::SeqCst);
        let report = tokio::select! {
            report = runner.run(&request, begun + time, &progress) => report,
            never = traffic.moves_the_clock() => match never {},
        };
        let reads = traffic.reads.load(Ordering::SeqCst);
        total.add(&report, reads, begun.elapsed());
        sandbox.requests().clear();
        match report.status {
            RunStatus::Applied => break,
            RunStatus::Unfinished => {}
            other => anyhow::bail!("the run ended {other:?}: {:?}", report.error),
        }
    }
    total.print();
    ensure!(
        total.created == people && sandbox.jumpcloud().users().len() == people,
        "{people} people should have an account each"
    );
    // A create and an activation for each; nothing is done twice.
    ensure!(
        total.writes == 2 * people as u64,
        "{} writes for {people} people",
        total.writes
    );
    drop(done);
    blocker.await?;
    Ok(())
}

/// What the vendors are asked, as it happens.
struct Traffic {
    /// By how much the clock is behind, in milliseconds.
    behind: Arc<AtomicU64>,
    asked: Arc<Notify>,
    /// Requests that read JumpCloud.
    reads: Arc<AtomicU64>,
}

impl Traffic {
    fn watch(sandbox: &Sandbox) -> Self {
        let traffic = Self {
            behind: Arc::default(),
            asked: Arc::default(),
            reads: Arc::default(),
        };
        let deel = u64::from(Deel::options().requests_per_second);
        for (vendor, per_second) in [(Vendor::Deel, deel), (Vendor::JumpCloud, 20)] {
            let (behind, asked) = (Arc::clone(&traffic.behind), Arc::clone(&traffic.asked));
            // As evenly as the client paces: a 25th more than the rate says.
            let interval = 1000 * 26 / 25 / per_second;
            let count = Fault::run(vendor, move || {
                behind.fetch_add(interval, Ordering::SeqCst);
                asked.notify_one();
            });
            sandbox.faults().add(count.always());
        }
        let reads = Arc::clone(&traffic.reads);
        let count = Fault::run(Vendor::JumpCloud, move || {
            reads.fetch_add(1, Ordering::SeqCst);
        });
        sandbox.faults().add(count.method("GET").always());
        sandbox.deel().rules(|rules| rules.rate_limit = None);
        traffic
    }

    /// Moves the clock by what the requests take; never ends.
    async fn moves_the_clock(&self) -> Infallible {
        loop {
            self.asked.notified().await;
            let behind = self.behind.swap(0, Ordering::SeqCst);
            advance(Duration::from_millis(behind)).await;
        }
    }
}

/// What all invocations took.
#[derive(Default)]
struct Total {
    invocations: u32,
    created: usize,
    deel: u64,
    jumpcloud: u64,
    dynamodb: u64,
    writes: u64,
    /// Pages of lists that an earlier invocation had read.
    read_again: u64,
    took: Duration,
}

impl Total {
    fn add(&mut self, report: &Report, reads: u64, took: Duration) {
        let Calls {
            deel,
            humaans: _,
            jumpcloud,
            dynamodb,
        } = report.calls;
        let created = report.counts.get(&Outcome::Created);
        let created = created.copied().unwrap_or_default();
        let writes = jumpcloud - reads;
        if self.invocations > 0 {
            self.read_again += deel + reads;
        }
        self.invocations += 1;
        self.created += created;
        self.deel += deel;
        self.jumpcloud += jumpcloud;
        self.dynamodb += dynamodb;
        self.writes += writes;
        self.took += took;
        println!(
            "{:>10}  {created:>7}  {deel:>5}  {reads:>16}  {writes:>6}  {dynamodb:>8}  {:>7.1}",
            self.invocations,
            took.as_secs_f64() / 60.0
        );
    }

    fn print(&self) {
        let vendors = self.deel + self.jumpcloud;
        println!("invocations: {}", self.invocations);
        println!(
            "calls: {vendors} to vendors (Deel {}, JumpCloud {}), {} to DynamoDB",
            self.deel, self.jumpcloud, self.dynamodb
        );
        println!(
            "calls that read again what an earlier invocation had read: {}",
            self.read_again
        );
        println!("hours: {:.1}", self.took.as_secs_f64() / 3600.0);
    }
}

/// People of whom ten report to each manager.
fn company(people: usize) -> Company {
    let mut company = Company::sized(people, TODAY);
    let ids: Vec<Value> = (company.people.iter())
        .filter_map(|person| person.get("id").cloned())
        .collect();
    for (number, person) in company.people.iter_mut().enumerate().skip(1) {
        let manager = ids.get(number / 10);
        person.insert("direct_manager".to_owned(), json!({ "id": manager }));
    }
    company
}

/// The sync of the sandbox's company with the configuration's defaults.
async fn runner(sandbox: &Sandbox) -> Result<Runner> {
    let Options {
        jumpcloud_key,
        deel_token,
        ..
    } = Options::default();
    let secrets = Secrets::new(None, move |name| match name {
        "JUMPCLOUD" => Some(jumpcloud_key.clone()),
        "DEEL" => Some(deel_token.clone()),
        _ => None,
    });
    let account = startup::stand_in(&sandbox.aws_url())?;
    let state = State::connect(&account, TABLE);
    state.create_table().await?;
    let config = format!(
        "[jumpcloud]\napi_key = \"env:JUMPCLOUD\"\nbase_url = \"{}\"\n\
         [[source]]\nname = \"deel\"\nkind = \"deel\"\napi_key = \"env:DEEL\"\nbase_url = \"{}\"\n",
        sandbox.jumpcloud_url(),
        sandbox.deel_url()
    );
    let (begun, noon) = (Instant::now(), sandbox.clock().now());
    let clock = move || -> Timestamp { noon + begun.elapsed() };
    Ok(sync::runner(
        Config::parse(&config)?,
        state,
        &secrets,
        &[],
        Arc::new(clock),
    )?)
}

//! What an hour costs: calls and seconds of the real sync over real HTTP against the sandbox.
//!
//! `cargo bench -p sync --bench hour`, with `-- N` for another number of people than 10,000. Times are printed and do
//! not fail the program; a count above its target does.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's table goes to standard output"
)]

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use clients::DeelOptions;
use config::Config;
use jiff::civil::Date;
use sandbox::{Company, Fault, Options, Profile, RateLimit, Sandbox, Vendor};
use secrets::Secrets;
use serde_json::{Map, Value, json};
use state::State;
use sync::{Outcome, Request, RunStatus, Runner, unwatched};
use tokio::time::Instant;

const PEOPLE: usize = 10_000;
/// Enough for two pages.
const PEOPLE_OF_A_TRIAL: usize = 101;

/// What every answer of every system takes.
const LATENCY: Duration = Duration::from_millis(50);
/// How much longer than the rates allow an unchanged hour may take.
const MOST_TIMES: f64 = 1.1;
const HOURS: usize = 3;
const CHANGED: usize = 10;

const ROWS_A_PAGE: usize = 100;
/// DynamoDB ends a page before the item with which it would be larger than 1 MB.
const BYTES_A_PAGE: u64 = 1_000_000;
/// Beside the pages of links: the lease, the last reads, the record of the run.
const OTHER_DYNAMODB: u64 = 3;

const TABLE: &str = "rollcall";
const LONGEST_RUN: Duration = Duration::from_hours(1);
/// Everybody was hired a year before this.
const TODAY: Date = Date::constant(2026, 1, 5);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo passes this when it measures, and not when it only tries whether a benchmark works.
    let is_trial = !arguments.iter().any(|argument| argument == "--bench");
    let otherwise = if is_trial { PEOPLE_OF_A_TRIAL } else { PEOPLE };
    let people = arguments.iter().find_map(|argument| argument.parse().ok());
    let people = people.unwrap_or(otherwise);

    let world = World::start(people).await?;
    let mut figures = Figures::default();
    let unchanged = world.unchanged(people, &mut figures).await?;
    world.changed(people, unchanged, &mut figures).await?;
    world.hired(people, unchanged, &mut figures).await?;
    world.on_demand(&mut figures).await?;
    world.sandbox.stop().await;
    figures.verdict()
}

/// A company whose people all have their users, and the sync at the rates that it has by default.
struct World {
    sandbox: Sandbox,
    runner: Runner,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl World {
    /// Imports the company as fast as the machine goes; only then the vendors become slow and strict.
    async fn start(people: usize) -> Result<Self> {
        let options = Options {
            company: company(people),
            ..Options::default()
        };
        let (jumpcloud_key, deel_token) =
            (options.jumpcloud_key.clone(), options.deel_token.clone());
        let sandbox = Sandbox::start(options).await?;
        let secrets = Secrets::new(None, move |name| match name {
            "JUMPCLOUD" => Some(jumpcloud_key.clone()),
            "DEEL" => Some(deel_token.clone()),
            _ => None,
        });
        let dynamodb = aws_sdk_dynamodb::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "sandbox"))
            .endpoint_url(sandbox.aws_url());
        let state = State::connect(dynamodb.clone(), TABLE);
        state.create_table().await?;

        let fast = "requests_per_second = 1000\nconcurrency = 64";
        let mut world = Self {
            runner: runner(&sandbox, &state, &secrets, fast)?,
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            sandbox,
        };
        world.sandbox.deel().rules(|rules| rules.rate_limit = None);
        let import = world
            .run(Request::default(), Outcome::Created, people)
            .await?;
        println!("{people} people imported in {:.0?}", import.took);

        for vendor in Vendor::ALL {
            world.sandbox.set_latency(vendor, LATENCY);
        }
        world.sandbox.deel().rules(|rules| {
            rules.rate_limit = Some(RateLimit {
                per_second: DeelOptions::default().requests_per_second as usize,
                retry_after: None,
            });
        });
        world.runner = runner(&world.sandbox, &state, &secrets, "")?;
        Ok(world)
    }

    /// Runs once; fails unless so many people come out so and nobody else otherwise than unchanged.
    async fn run(&self, request: Request, outcome: Outcome, people: usize) -> Result<Cost> {
        self.sandbox.requests().clear();
        let begun = Instant::now();
        let report = self
            .runner
            .run(&request, begun + LONGEST_RUN, &unwatched())
            .await;
        let took = begun.elapsed();
        let is_expected = |(is, count): (&Outcome, &usize)| match *is {
            is if is == outcome => *count == people,
            Outcome::Unchanged => true,
            _ => *count == 0,
        };
        ensure!(
            report.status == RunStatus::Applied && report.counts.iter().all(is_expected),
            "{people} people should come out as {outcome:?}, and the run ended {:?} with {:?}: {:?} {:?}",
            report.status,
            report.counts,
            report.error,
            report.warnings,
        );
        let cost = Cost::of(&self.sandbox, took);
        let sync::Calls {
            deel,
            humaans,
            jumpcloud,
            dynamodb,
        } = report.calls;
        let reported = deel + humaans + jumpcloud + dynamodb;
        ensure!(
            reported == cost.calls(),
            "the report counts {reported} calls, and the sandbox {}",
            cost.calls()
        );
        Ok(cost)
    }

    /// Hours in which nothing happens.
    async fn unchanged(&self, people: usize, figures: &mut Figures) -> Result<Cost> {
        let pages = pages(people);
        let bytes = self.bytes_of_links().await?;
        let at_least = self.at_least(pages);
        let mut slowest = Duration::ZERO;
        let mut cost = Cost::default();
        for _ in 0..HOURS {
            cost = self
                .run(Request::default(), Outcome::Unchanged, people)
                .await?;
            slowest = slowest.max(cost.took);
        }
        figures.heading(&format!("an unchanged hour of {people} people and users"));
        figures.count("Deel: pages of 100", cost.deel_pages, pages);
        figures.count("Deel: anything else", cost.deel_others, 0);
        figures.count("JumpCloud: pages of 100", cost.jumpcloud_pages, pages);
        figures.count("JumpCloud: anything else", cost.jumpcloud_others, 0);
        let links = format!("DynamoDB, {:.1} MB of links", bytes as f64 / 1e6);
        let most = bytes.div_ceil(BYTES_A_PAGE) + OTHER_DYNAMODB;
        figures.count(&links, cost.dynamodb, most);
        let peak = self.sandbox.requests().peak_per_second(Vendor::Deel);
        let allowed = DeelOptions::default().requests_per_second;
        figures.count("Deel: most in a second", peak as u64, allowed.into());
        figures.time(
            &format!("seconds, slowest of {HOURS}; the rates allow {:.2}", at_least.as_secs_f64()),
            slowest,
            Some(at_least.mul_f64(MOST_TIMES)),
        );
        Ok(cost)
    }

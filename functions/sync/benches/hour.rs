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
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use clients::Deel;
use config::Config;
use jiff::civil::Date;
use sandbox::{Company, Fault, Options, Profile, RateLimit, Sandbox, Vendor};
use secrets::Secrets;
use serde_json::{Value, json};
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
/// Beside the pages of links: the lease, the last reads, the users of SCIM clients, those whom they hid, the ends of their
/// chains, the record of the run.
const OTHER_DYNAMODB: u64 = 6;

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

    let world = Box::pin(World::start(people)).await?;
    let mut figures = Figures::default();
    let unchanged = world.unchanged(people, &mut figures).await?;
    world.changed(people, unchanged, &mut figures).await?;
    Box::pin(world.hired(people, unchanged, &mut figures)).await?;
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
        let account = startup::stand_in(&sandbox.aws_url())?;
        let state = State::connect(&account, TABLE);
        state.create_table().await?;

        let fast = "requests_per_second = 1000\nconcurrency = 64";
        let mut world = Self {
            runner: runner(&sandbox, &state, &secrets, fast)?,
            dynamodb: aws_sdk_dynamodb::Client::new(&account),
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
                per_second: Deel::options().requests_per_second as usize,
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
        let (links_pages, megabytes) = self.links().await?;
        let at_least = self.at_least(pages);
        let mut slowest = Duration::ZERO;
        let mut cost = Cost::default();
        for _ in 0..HOURS {
            cost = self
                .run(Request::default(), Outcome::Unchanged, people)
                .await?;
            slowest = slowest.max(cost.took);
        }
        heading(&format!("an unchanged hour of {people} people and users"));
        figures.count("Deel: pages of 100", cost.deel_pages, pages);
        figures.count("Deel: anything else", cost.deel_others, 0);
        figures.count("JumpCloud: pages of 100", cost.jumpcloud_pages, pages);
        figures.count("JumpCloud: anything else", cost.jumpcloud_others, 0);
        let links = format!("DynamoDB, {megabytes:.1} MB of links");
        figures.count(&links, cost.dynamodb, links_pages + OTHER_DYNAMODB);
        let peak = self.sandbox.requests().peak_per_second(Vendor::Deel);
        let allowed = Deel::options().requests_per_second;
        figures.count("Deel: most in a second", peak as u64, allowed.into());
        time(
            &format!(
                "seconds, slowest of {HOURS}; the rates allow {:.2}",
                at_least.as_secs_f64()
            ),
            slowest,
            Some(at_least.mul_f64(MOST_TIMES)),
        );
        Ok(cost)
    }

    /// Hours in which titles changed.
    async fn changed(&self, people: usize, unchanged: Cost, figures: &mut Figures) -> Result<()> {
        for person in self.sandbox.deel().people().iter().take(CHANGED) {
            self.set_title(id_of(person)?, "Principal Engineer");
        }
        let cost = self
            .run(Request::default(), Outcome::Updated, CHANGED)
            .await?;
        heading(&format!(
            "an hour with {CHANGED} of {people} people changed"
        ));
        let changed = CHANGED as u64;
        figures.count(
            "JumpCloud: beside the pages",
            cost.jumpcloud_others,
            changed,
        );
        let more = cost.dynamodb.saturating_sub(unchanged.dynamodb);
        figures.count("DynamoDB: more than unchanged", more, 2 * changed);
        time("seconds", cost.took, None);
        Ok(())
    }

    /// Hours in which somebody is new, without and with a create whose answer is lost.
    async fn hired(&self, people: usize, unchanged: Cost, figures: &mut Figures) -> Result<()> {
        let lost = Fault::drop(Vendor::JumpCloud).method("POST").after_effect();
        let hires = [
            (Profile::new("Ada", "Novak"), None),
            (Profile::new("Ben", "Okoro"), Some(lost)),
        ];
        for (profile, fault) in hires {
            self.sandbox.deel().hire(profile);
            heading(&format!(
                "an hour of {people} people with somebody new{}",
                if fault.is_some() {
                    ", and the answer to the create is lost"
                } else {
                    ""
                }
            ));
            if let Some(fault) = fault {
                self.sandbox.faults().add(fault);
            }
            let cost = self.run(Request::default(), Outcome::Created, 1).await?;
            figures.count("JumpCloud: beside the pages", cost.jumpcloud_others, 3);
            let more = cost.dynamodb.saturating_sub(unchanged.dynamodb);
            // The journal, the intent, and the number of people; the link itself goes with the run's record.
            figures.count("DynamoDB: more than unchanged", more, 3);
            time("seconds", cost.took, None);
        }
        Ok(())
    }

    /// Runs for one person alone.
    async fn on_demand(&self, figures: &mut Figures) -> Result<()> {
        let people = self.sandbox.deel().people();
        let person = people.last().context("nobody is left")?;
        let id = id_of(person)?;
        let email = person.pointer("/emails/1/value").and_then(Value::as_str);
        let email = email.context("the person has no work e-mail")?;
        for (who, by) in [(id, "id"), (email, "work e-mail")] {
            for (outcome, how) in [
                (Outcome::Unchanged, "unchanged"),
                (Outcome::Updated, "with another title"),
            ] {
                if outcome == Outcome::Updated {
                    self.set_title(id, &format!("Engineer known by {by}"));
                }
                let request = Request {
                    people: vec![who.to_owned()],
                    ..Request::default()
                };
                let cost = self.run(request, outcome, 1).await?;
                heading(&format!("one linked person on demand by {by}, {how}"));
                figures.count("calls in all", cost.calls(), 7);
                figures.count("JumpCloud: pages", cost.jumpcloud_pages, 0);
                time("seconds", cost.took, None);
            }
        }
        Ok(())
    }

    /// Gives somebody another title.
    fn set_title(&self, id: &str, title: &str) {
        self.sandbox.deel().update(id, |person| {
            let contracts = person.get_mut("employments").and_then(Value::as_array_mut);
            for contract in contracts.into_iter().flatten() {
                if let Some(contract) = contract.as_object_mut() {
                    contract.insert("job_title".to_owned(), json!(title));
                }
            }
            person.insert("job_title".to_owned(), json!(title));
        });
    }

    /// The least time that the slower vendor's pages take at the rate and the concurrency that are configured.
    fn at_least(&self, pages: u64) -> Duration {
        let deel = Deel::options();
        let jumpcloud = &self.runner.config.jumpcloud;
        let rates = [
            (deel.requests_per_second, deel.concurrency),
            (jumpcloud.requests_per_second, jumpcloud.concurrency),
        ];
        let of_vendor = |(per_second, at_once): (u32, usize)| {
            // The first page tells how many others follow.
            let others = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
            let at_once = u32::try_from(at_once).unwrap_or(u32::MAX);
            let paced = Duration::from_secs(1) / per_second * others + LATENCY;
            paced.max(LATENCY * (1 + others.div_ceil(at_once)))
        };
        rates.into_iter().map(of_vendor).max().unwrap_or_default()
    }

    /// The links in DynamoDB: how many pages of 1 MB it makes of them, and their size. A consistent read costs a
    /// unit for each 4 KB.
    async fn links(&self) -> Result<(u64, f64)> {
        let mut answers = self
            .dynamodb
            .query()
            .table_name(TABLE)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S("LINK".to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let (mut pages, mut units) = (0, 0.0);
        while let Some(answer) = answers.try_next().await? {
            let consumed = answer.consumed_capacity;
            let consumed = consumed.and_then(|capacity| capacity.capacity_units);
            units += consumed.context("DynamoDB does not say what it read")?;
            pages += 1;
        }
        Ok((pages, units * 4096.0 / 1e6))
    }
}

/// What one run cost: calls by what they were for, and time.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    deel_pages: u64,
    deel_others: u64,
    jumpcloud_pages: u64,
    jumpcloud_others: u64,
    dynamodb: u64,
    took: Duration,
}

impl Cost {
    fn calls(&self) -> u64 {
        let Self {
            deel_pages,
            deel_others,
            jumpcloud_pages,
            jumpcloud_others,
            dynamodb,
            took: _,
        } = self;
        deel_pages + deel_others + jumpcloud_pages + jumpcloud_others + dynamodb
    }

    /// Counts what the sandbox saw.
    fn of(sandbox: &Sandbox, took: Duration) -> Self {
        let mut cost = Self {
            took,
            ..Self::default()
        };
        for request in sandbox.requests().all() {
            let is_page = request.method == "GET" && request.path.contains("limit=");
            let count = match (request.vendor, is_page) {
                (Vendor::Deel, true) => &mut cost.deel_pages,
                (Vendor::Deel, false) => &mut cost.deel_others,
                (Vendor::JumpCloud, true) => &mut cost.jumpcloud_pages,
                (Vendor::JumpCloud, false) => &mut cost.jumpcloud_others,
                (Vendor::DynamoDb, _) => &mut cost.dynamodb,
                (Vendor::Humaans | Vendor::SecretsManager | Vendor::Sns, _) => continue,
            };
            *count += 1;
        }
        cost
    }
}

/// The counts as they come, each beside its target.
#[derive(Debug, Default)]
struct Figures {
    above: usize,
}

impl Figures {
    /// A count that must not be above its target.
    fn count(&mut self, what: &str, measured: u64, most: u64) {
        let verdict = if measured <= most { "PASS" } else { "over" };
        self.above += usize::from(measured > most);
        println!("  {what:45} {measured:>8}  ≤ {most:<6} {verdict}");
    }

    fn verdict(self) -> Result<()> {
        ensure!(
            self.above == 0,
            "counts above their targets: {}",
            self.above
        );
        Ok(())
    }
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// A time, which depends on the machine.
fn time(what: &str, measured: Duration, most: Option<Duration>) {
    let target = most.map_or(String::new(), |most| {
        let verdict = if measured <= most { "PASS" } else { "over" };
        format!("≤ {:<6.2} {verdict}", most.as_secs_f64())
    });
    println!("  {what:45} {:>8.2}  {target}", measured.as_secs_f64());
}

/// People of whom ten report to each manager.
fn company(people: usize) -> Company {
    let mut company = Company::sized(people, TODAY);
    let ids: Vec<Value> = (company.people.iter())
        .filter_map(|person| person.get("id").cloned())
        .collect();
    for (number, person) in company.people.iter_mut().enumerate().skip(1) {
        person.insert(
            "direct_manager".to_owned(),
            json!({ "id": ids.get(number / 10) }),
        );
    }
    company
}

/// The sync of the sandbox's company; `rates` are lines of `[jumpcloud]`.
fn runner(sandbox: &Sandbox, state: &State, secrets: &Secrets, rates: &str) -> Result<Runner> {
    let config = format!(
        "[jumpcloud]\napi_key = \"env:JUMPCLOUD\"\nbase_url = \"{}\"\n{rates}\n\
         [[source]]\nname = \"deel\"\nkind = \"deel\"\napi_key = \"env:DEEL\"\nbase_url = \"{}\"\n",
        sandbox.jumpcloud_url(),
        sandbox.deel_url()
    );
    let clock = sandbox.clock();
    let clock = Arc::new(move || clock.now());
    Ok(sync::runner(
        Config::parse(&config)?,
        state.clone(),
        secrets,
        &[],
        clock,
    )?)
}

fn pages(rows: usize) -> u64 {
    rows.div_ceil(ROWS_A_PAGE) as u64
}

fn id_of(person: &Value) -> Result<&str> {
    let id = person.get("id").and_then(Value::as_str);
    id.context("somebody has no id")
}

//! What a list costs that JumpCloud cannot filter: calls, and the memory of the process that answers it.
//!
//! `cargo bench -p scim --bench list`. The service is a process of its own, as in Lambda, and the sandbox is beside it with
//! 50 ms of latency. A count above its target fails the program; memory and times are printed.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's table goes to standard output"
)]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::body::Bytes;
use axum::http::{Request, header};
use config::Config;
use jiff::Timestamp;
use sandbox::{Company, Options, Sandbox, Vendor};
use scim::Service;
use secrets::Secrets;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use state::State;
use tokio::time::Instant;

const LATENCY: Duration = Duration::from_millis(50);
const ROWS_A_PAGE: usize = 100;
/// One user in so many fits the filter.
const ONE_FITS_OF: usize = 20;
const FILTER: &str = "/Users?count=100&filter=title%20co%20%22princip%22";
const SORTED: &str = "/Users?count=100&sortBy=name.familyName&filter=title%20co%20%22princip%22";
const TABLE: &str = "rollcall";
const TOKEN: &str = "benchmark";

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [jumpcloud, dynamodb, path] = arguments.as_slice() {
        println!("{}", answer(jumpcloud, dynamodb, path).await?);
        return Ok(());
    }
    // Cargo passes this when it measures, and not when it only tries whether a benchmark works.
    let sizes: &[usize] = if arguments.iter().any(|argument| argument == "--bench") {
        &[1_000, 10_000, 20_000]
    } else {
        &[101]
    };
    println!("| list | users | JumpCloud pages | at once | DynamoDB | memory | time |");
    println!("|---|---|---|---|---|---|---|");
    for users in sizes {
        let sandbox = Box::pin(world(*users)).await?;
        for (list, path) in [("filter", FILTER), ("filter and sort", SORTED)] {
            measure(&sandbox, list, path, *users).await?;
        }
        sandbox.stop().await;
    }
    Ok(())
}

/// A directory of so many users, none of them anybody's.
async fn world(users: usize) -> Result<Sandbox> {
    let user = |number: usize| -> Map<String, Value> {
        let fits = number.is_multiple_of(ONE_FITS_OF);
        let title = if fits {
            "Principal Engineer"
        } else {
            "Engineer"
        };
        let fields = json!({
            "username": format!("user.{number}"), "email": format!("user.{number}@corp.example"),
            "firstname": "Ana", "lastname": format!("Souza {number}"), "displayname": format!("Ana Souza {number}"),
            "jobTitle": title, "department": "Engineering", "location": "Lisbon", "state": "ACTIVATED",
            "phoneNumbers": [{"type": "work", "number": "+351 21 000 0000"}],
        });
        fields.as_object().cloned().unwrap_or_default()
    };
    let sandbox = Sandbox::start(Options {
        company: Company {
            users: (0..users).map(user).collect(),
            ..Company::default()
        },
        ..Options::default()
    })
    .await?;
    state(&sandbox.aws_url())?.create_table().await?;
    sandbox.set_latency(Vendor::JumpCloud, LATENCY);
    Ok(sandbox)
}

async fn measure(sandbox: &Sandbox, list: &str, path: &str, users: usize) -> Result<()> {
    sandbox.requests().clear();
    let mut child = Command::new(std::env::current_exe()?);
    child.args([&sandbox.jumpcloud_url(), &sandbox.aws_url(), path]);
    let output = tokio::task::spawn_blocking(move || child.output()).await??;
    let text = String::from_utf8(output.stdout)?;
    let measured: Value = serde_json::from_str(&text)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    ensure!(
        measured.get("total") == Some(&json!(users.div_ceil(ONE_FITS_OF))),
        "the list has another total: {measured}"
    );

    let mut pages: BTreeMap<String, usize> = BTreeMap::new();
    for request in sandbox.requests().all() {
        if request.vendor == Vendor::JumpCloud {
            *pages.entry(request.path).or_default() += 1;
        }
    }
    println!(
        "| {list} | {users} | {} | {} | {} | {} MB | {} s |",
        pages.len(),
        sandbox.requests().peak_concurrency(Vendor::JumpCloud),
        sandbox.requests().count(Vendor::DynamoDb),
        measured.get("megabytes").unwrap_or(&Value::Null),
        measured.get("seconds").unwrap_or(&Value::Null),
    );
    ensure!(
        pages.len() == users.div_ceil(ROWS_A_PAGE) && pages.values().all(|times| *times == 1),
        "{users} users are {} pages, each to be read once: {pages:?}",
        users.div_ceil(ROWS_A_PAGE)
    );
    Ok(())
}

/// In a process of its own: answers one list, and tells its total, its time, and what memory it took at most.
async fn answer(jumpcloud: &str, dynamodb: &str, path: &str) -> Result<Value> {
    let config = format!(
        "[jumpcloud]\napi_key = \"env:JUMPCLOUD\"\nbase_url = \"{jumpcloud}\"\n[scim]\ntokens = \"env:TOKENS\"\n"
    );
    let key = Options::default().jumpcloud_key;
    let sha256 = hex::encode(Sha256::digest(TOKEN));
    let tokens = json!({"tokens": [{"name": "bench", "sha256": sha256, "scope": "read"}]});
    let secrets = Secrets::new(None, move |name| match name {
        "JUMPCLOUD" => Some(key.clone()),
        "TOKENS" => Some(tokens.to_string()),
        _ => None,
    });
    #[expect(clippy::disallowed_methods, reason = "a benchmark is its own `main`")]
    let clock = Arc::new(Timestamp::now);
    let config = Config::parse(&config)?;
    let service = Service::new(config, state(dynamodb)?, &secrets, &[], clock, "https")?;

    let before = memory("VmRSS:")?;
    let begun = Instant::now();
    let request = Request::get(format!("https://scim.bench/scim/v2{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(Bytes::new())?;
    let response = Box::pin(service.answer("bench", request)).await;
    let took = begun.elapsed();
    let body: Value = serde_json::from_slice(response.body())?;
    Ok(json!({
        "total": body.get("totalResults").unwrap_or(&body),
        "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
        "megabytes": (memory("VmHWM:")?.saturating_sub(before)) / 1024,
    }))
}

fn state(dynamodb: &str) -> Result<State> {
    let account = startup::stand_in(dynamodb)?;
    Ok(State::connect(&account, TABLE))
}

/// A line of this process's status, in KB; only Linux has it.
fn memory(line: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let kilobytes = found.and_then(|text| text.trim().strip_suffix("kB"));
    Ok(kilobytes
        .context("the system does not tell")?
        .trim()
        .parse()?)
}

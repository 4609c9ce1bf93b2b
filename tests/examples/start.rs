//! What the release programs cost: size, cold start, peak memory, as multiples of a function that does nothing.
//!
//! ```sh
//! cargo build --release -p sync -p scim -p empty
//! cargo run --profile bench -p e2e --example start
//! ```
//!
//! Every program is started, invoked twice and ended, one after the other and round after round, so that what else the
//! machine does falls on all of them alike. JumpCloud, DynamoDB and Secrets Manager are stand-ins over TLS, under
//! an authority of their own beside the system's. Arguments: rounds (21), people whom `sync` reads (0: left out), and the
//! folder of the programs (`target/release`).

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement fails as an assertion does, and prints what it measured"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::{Answer, Function, Programs, Setup, TlsFront, World};
use jiff::SignedDuration;
use sandbox::Profile;
use serde_json::{Value, json};

/// The most that the programs may weigh, in bytes.
const LARGEST: u64 = 8_000_000;

/// What one start of one program took.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// Until it asks for work.
    init: Duration,
    /// Its first work, from asking to the answer.
    first: Duration,
    /// The same once more.
    warm: Duration,
    /// The most memory that it had, in KiB.
    peak: u64,
}

/// What is started: a program, and what it is asked.
struct Case {
    name: &'static str,
    program: PathBuf,
    event: Value,
    starts: Vec<Start>,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| {
        arguments
            .next()
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (rounds, people) = (number(21), number(0));
    let folder = PathBuf::from(
        arguments
            .next()
            .unwrap_or_else(|| "target/release".to_owned()),
    );
    let (sync, scim) = (folder.join("sync"), folder.join("scim"));
    let empty = folder.join("empty");

    let programs = Programs {
        sync: name(&sync),
        scim: name(&scim),
        rollcall: "",
    };
    let world = World::start(programs, &Setup::new()).await;
    let id = world.hire(Profile::new("Ana", "Souza"));
    for number in 1..people {
        world.hire(Profile::new("Other", &format!("Person{number}")));
    }
    if people > 0 {
        println!("{people} people get their accounts first ...");
    }
    world.run_sync().await;
    let user = world.user_of(&id).await;
    let user = user["_id"].as_str().expect("an id");
    let client = world.scim();

    let plain = world.sandbox().url();
    let front = TlsFront::start(plain.trim_start_matches("http://"), &world.folder()).await;
    let environment = over_tls(&world, &front);
    let mut cases = vec![
        Case::new("empty", &empty, json!({})),
        Case::new(
            "scim, discovery",
            &scim,
            client.event("GET", "/ServiceProviderConfig", b""),
        ),
        Case::new(
            "scim, one user",
            &scim,
            client.event("GET", &format!("/Users/{user}"), b""),
        ),
    ];
    if people > 0 {
        cases.push(Case::new("sync, in step", &sync, json!({"mode": "plan"})));
    }
    for _ in 0..rounds {
        for case in &mut cases {
            let function = world.start_another(&case.program, &environment);
            let started = start(function, &case.event, &world).await;
            case.starts.push(started);
        }
    }
    print(&cases);
    for program in [&empty, &sync, &scim] {
        let bytes = std::fs::metadata(program).expect("a program").len();
        let over = if bytes > LARGEST { "over" } else { "" };
        println!("{:>4} kB  {} {over}", bytes / 1000, program.display());
    }
}

/// A path as the harness takes it: for as long as this runs.
fn name(program: &Path) -> &'static str {
    program.display().to_string().leak()
}

impl Case {
    fn new(name: &'static str, program: &Path, event: Value) -> Self {
        Self {
            name,
            program: program.to_owned(),
            event,
            starts: Vec::new(),
        }
    }

    /// The middle one of all starts: from the start of the process to its first answer, and so on.
    fn median<T: Ord + Copy>(&self, of: impl Fn(&Start) -> T) -> T {
        let mut all: Vec<T> = self.starts.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }
}

/// The world's environment, but for every address: those are behind `front`.
fn over_tls(world: &World, front: &TlsFront) -> BTreeMap<&'static str, String> {
    let config =
        std::fs::read_to_string(world.folder().join("rollcall.toml")).expect("a configuration");
    let file = world.folder().join("tls.toml");
    let behind = config.replace(&world.sandbox().url(), front.url());
    std::fs::write(&file, behind).expect("room for a configuration");
    BTreeMap::from([
        ("ROLLCALL_CONFIG", file.display().to_string()),
        ("ROLLCALL_ALLOW_HOSTS", "localhost".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", front.url().to_owned()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", front.url().to_owned()),
        ("AWS_ENDPOINT_URL_SNS", front.url().to_owned()),
        ("SSL_CERT_FILE", front.authorities().display().to_string()),
        // As in a deployed function: each line that is logged costs.
        ("ROLLCALL_LOG", "info".to_owned()),
    ])
}

/// Starts a program, waits until it asks for work, and gives it the same twice.
async fn start(function: impl Future<Output = Function>, event: &Value, world: &World) -> Start {
    let begun = Instant::now();
    let function = function.await;
    function.ready().await;
    let init = begun.elapsed();
    let invoke = async || {
        let begun = Instant::now();
        let deadline = world.sandbox().clock().now() + SignedDuration::from_mins(5);
        match function.invoke(event.clone(), deadline).await {
            Answer::Returned(answer) => assert_ok(&answer),
            other => panic!("no answer: {other:?}"),
        }
        begun.elapsed()
    };
    Start {
        init,
        first: invoke().await,
        warm: invoke().await,
        peak: function.peak_memory(),
    }
}

/// A report of sync, an answer of the gateway, or the echo of nothing.
fn assert_ok(answer: &Value) {
    let status = &answer["statusCode"];
    assert!(status.is_null() || status == 200, "{answer}");
    assert!(answer["error"].is_null(), "{answer}");
}

/// A line for each program; times and memory beside what they are of the first one's.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn print(cases: &[Case]) {
    let floor = &cases[0];
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "medians of {} starts; x: times the empty function's",
        floor.starts.len()
    );
    println!(
        "{:>18} {:>9} {:>9} {:>9} {:>16} {:>16}",
        "", "init ms", "first ms", "warm ms", "to 1st answer", "peak MB"
    );
    for case in cases {
        let whole = |case: &Case| milliseconds(case.median(|start| start.init + start.first));
        let peak = |case: &Case| case.median(|start| start.peak) as f64 / 1024.0;
        println!(
            "{:>18} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>5.1}x {:>9.1} {:>5.1}x",
            case.name,
            milliseconds(case.median(|start| start.init)),
            milliseconds(case.median(|start| start.first)),
            milliseconds(case.median(|start| start.warm)),
            whole(case),
            whole(case) / whole(floor),
            peak(case),
            peak(case) / peak(floor),
        );
    }
}

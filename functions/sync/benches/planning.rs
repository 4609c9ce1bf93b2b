//! What it takes to plan a whole company: CPU time and peak memory, each size in a process of its own.
//!
//! `cargo bench -p sync --bench planning`. Everything is in memory; nothing is read or written. Times and memory are
//! printed and do not fail the program; a plan other than the expected one does.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's table goes to standard output"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use config::{Config, Source};
use cpu_time::ProcessTime;
use jiff::Timestamp;
use mapping::{
    Attribute, Class, SystemUser, SystemUserId, Worker, WorkerKey, Written, deel, desired_user,
    value_of,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use state::Link;
use sync::{Approvals, ChangeDigest, Plan, Scope, Snapshot, SourceRead, plan};

/// Every attribute of the mapping, the addresses too.
const CONFIG: &str = r#"
[jumpcloud]
api_key = "rollcall/jumpcloud"

[[source]]
name = "deel"
kind = "deel"
api_key = "rollcall/deel"

[source.attributes]
addresses = {}
"#;
/// Six custom attributes more, three of them composed: twenty in all.
const COMPOSED: &str = r#"
"attributes.team" = { from = "team" }
"attributes.country" = { from = "country" }
"attributes.entity" = { from = "entity", update = "on_change" }
"attributes.place" = { template = "{city}, {country}" }
"attributes.seat" = { template = "{department} / {team}", default = "none" }
"attributes.badge" = { template = "{last_name}, {first_name} ({employee_id})", blank = "clear" }
"#;
const NOW: &str = "2026-03-02T09:00:00Z";

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
/// The size that the targets are about.
const LARGEST: u32 = 100_000;
const MOST_CPU: Duration = Duration::from_millis(500);
const MOST_CPU_COMPOSED: Duration = Duration::from_secs(1);
const MOST_MEMORY_MB: f64 = 300.0;

/// The best of so many is printed: whatever else runs on the machine only adds.
const REPEATS: usize = 5;

/// What is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// Everybody is in step.
    Unchanged,
    /// Every hundredth has another job title in HR.
    Changed,
    /// Everybody is in step, with twenty attributes.
    Composed,
    /// Nobody has a user yet.
    New,
}

impl Case {
    const ALL: [Self; 4] = [Self::Unchanged, Self::Changed, Self::Composed, Self::New];

    fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "1 % changed",
            Self::Composed => "20 values",
            Self::New => "all new",
        }
    }

    /// The configuration.
    fn config(self) -> String {
        let more = if self == Self::Composed { COMPOSED } else { "" };
        format!("{CONFIG}{more}")
    }

    /// The most CPU time and memory, in MB, that the largest company may take. Nothing is said of one without users.
    fn most(self) -> Option<(Duration, f64)> {
        match self {
            Self::Unchanged | Self::Changed => Some((MOST_CPU, MOST_MEMORY_MB)),
            Self::Composed => Some((MOST_CPU_COMPOSED, f64::INFINITY)),
            Self::New => None,
        }
    }

    /// Fails unless the plan is the one that this company must get.
    fn check(self, plan: &Plan, people: u32) -> Result<()> {
        let (class, expected) = match self {
            Self::Unchanged | Self::Composed => (Class::Update, 0),
            Self::Changed => (Class::Update, people.div_ceil(100) as usize),
            Self::New => (Class::Create, people as usize),
        };
        let with_class = plan.people.iter().filter(|person| person.has(class));
        let found = (with_class.count(), plan.people.len(), plan.unchanged);
        ensure!(
            found == (expected, expected, people as usize - expected),
            "{}: {expected} of {people} people are expected in the plan, each with `{}`, and it has {found:?}",
            self.name(),
            class.name(),
        );
        Ok(())
    }
}

/// What one process found.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    /// CPU time of `plan`.
    plan: Duration,
    /// CPU time of `judge` and of the plan's digest.
    judge: Duration,
    /// The most memory that the process ever had, where the system tells.
    peak_mb: Option<f64>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [case, people] = arguments.as_slice() {
        let case = Case::ALL.into_iter().find(|known| known.name() == case);
        let measured = measure(case.context("there is no such case")?, people.parse()?)?;
        println!("{}", serde_json::to_string(&measured)?);
        return Ok(());
    }
    // Cargo passes this when it measures, and not when it only tries whether a benchmark works.
    let sizes = if arguments.iter().any(|argument| argument == "--bench") {
        SIZES.as_slice()
    } else {
        &[100]
    };
    println!(
        "{:12} {:>8} {:>9} {:>9} {:>12} {:>9} {:>9} {:>9}",
        "company",
        "people",
        "plan ms",
        "× before",
        "µs a person",
        "judge ms",
        "peak MB",
        "× before"
    );
    for case in Case::ALL {
        let mut before = None;
        for &people in sizes {
            let measured = in_a_process(case, people)?;
            print(case, people, &measured, before.as_ref());
            before = Some(measured);
        }
    }
    println!(
        "\nms are of CPU time. The target, for {LARGEST} people against as many users: \
         `plan` under {} ms, the process under {MOST_MEMORY_MB} MB; with 20 values under {} ms.",
        MOST_CPU.as_millis(),
        MOST_CPU_COMPOSED.as_millis()
    );
    Ok(())
}

/// One row of the table.
fn print(case: Case, people: u32, measured: &Measured, before: Option<&Measured>) {
    let Measured {
        plan,
        judge,
        peak_mb,
    } = measured;
    let ms = |time: &Duration| time.as_secs_f64() * 1e3;
    let or_dash =
        |number: Option<f64>| number.map_or("–".to_owned(), |number| format!("{number:.1}"));
    let slower = before.map(|before| plan.as_secs_f64() / before.plan.as_secs_f64());
    let larger = before.and_then(|before| Some((*peak_mb)? / before.peak_mb?));
    let is_within = |(cpu, mb)| *plan < cpu && peak_mb.is_none_or(|peak| peak < mb);
    let verdict = match case.most().filter(|_| people == LARGEST) {
        None => "",
        Some(most) if is_within(most) => "PASS",
        Some(_) => "over",
    };
    println!(
        "{:12} {people:>8} {:>9.1} {:>9} {:>12.2} {:>9.1} {:>9} {:>9} {verdict}",
        case.name(),
        ms(plan),
        or_dash(slower),
        plan.as_secs_f64() * 1e6 / f64::from(people),
        ms(judge),
        or_dash(*peak_mb),
        or_dash(larger),
    );
}

/// Measures in a process of its own, whose peak is nobody else's.
fn in_a_process(case: Case, people: u32) -> Result<Measured> {
    let child = Command::new(std::env::current_exe()?)
        .args([case.name(), &people.to_string()])
        .output()?;
    ensure!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stderr)
    );
    Ok(serde_json::from_slice(&child.stdout)?)
}

fn measure(case: Case, people: u32) -> Result<Measured> {
    let config = Config::parse(&case.config())?;
    let now: Timestamp = NOW.parse()?;
    let snapshot = snapshot(case, people, &config, now)?;
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..REPEATS {
        let begun = ProcessTime::try_now()?;
        let plan = plan(&snapshot, &config, now);
        best.0 = best.0.min(begun.try_elapsed()?);
        case.check(&plan, people)?;

        let begun = ProcessTime::try_now()?;
        let judged = plan.judge(&config, &Approvals::default());
        let digest = ChangeDigest::of_all(judged.0.shown().iter().copied());
        best.1 = best.1.min(begun.try_elapsed()?);
        drop((digest, judged));
    }
    Ok(Measured {
        plan: best.0,
        judge: best.1,
        peak_mb: peak_mb(),
    })
}

/// `VmHWM`, the high-water mark of this process's memory; only Linux tells.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// A company as `gather` reads it: people and links in the order of HR's ids, users in that of JumpCloud's.
fn snapshot(case: Case, people: u32, config: &Config, now: Timestamp) -> Result<Snapshot> {
    let source = config.sources.first().context("there is no source")?;
    let mut in_hr: Vec<u32> = (0..people).collect();
    in_hr.sort_by_key(|number| worker_id(*number));
    let with_user = if case == Case::New { 0 } else { people };
    let linked = in_hr.iter().filter(|number| **number < with_user);
    let mut snapshot = Snapshot {
        scope: Scope::Everyone,
        users: (0..with_user)
            .map(|number| user(number, source, now))
            .collect::<Result<_>>()?,
        links: linked
            .map(|number| link(*number, source, now))
            .collect::<Result<_>>()?,
        sources: vec![SourceRead {
            name: source.name.clone(),
            workers: in_hr
                .iter()
                .map(|number| worker(*number, source, now))
                .collect::<Result<_>>()?,
            unreadable: Vec::new(),
            not_found: Vec::new(),
            incomplete: None,
            warnings: Vec::new(),
            details: sync::Details::default(),
        }],
        client_owned: BTreeSet::new(),
        groups: sync::Groups::default(),
        last_reads: BTreeMap::new(),
    };
    if case == Case::Changed {
        let workers = snapshot
            .sources
            .iter_mut()
            .flat_map(|read| &mut read.workers);
        for worker in workers.step_by(100) {
            worker.job_title = Some("Principal Engineer".into());
        }
    }
    Ok(snapshot)
}

/// As long as Deel's, and in another order than JumpCloud's.
fn worker_id(number: u32) -> String {
    let scattered = number.wrapping_mul(2_654_435_761);
    format!("{scattered:08x}-5d1c-4e9b-8a57-{number:012x}")
}

fn user_id(number: u32) -> SystemUserId {
    SystemUserId::from(format!("5f1b6f2e9c4a7d{number:010x}").as_str())
}

/// Ten people report to each manager, up to the one at the top.
fn manager_of(number: u32) -> Option<u32> {
    (number > 0).then_some(number / 10)
}

/// Names like people's; 80,000 of them, so that a company larger than that has namesakes.
fn name(number: u32) -> (String, String) {
    const FIRST: [&str; 20] = [
        "Alma", "Bruno", "Carla", "Dmitri", "Elena", "Farid", "Greta", "Hassan", "Ingrid", "Jorge",
        "Katrin", "Lorenzo", "Marta", "Nikolai", "Olivia", "Pedro", "Quentin", "Renata", "Stefan",
        "Teresa",
    ];
    const SYLLABLES: [&str; 20] = [
        "an", "bel", "cor", "dan", "er", "fin", "gar", "hol", "ist", "jen", "kov", "lin", "mar",
        "nor", "ost", "per", "ran", "sol", "tor", "win",
    ];
    let pick = |list: &[&'static str; 20], number: u32| {
        list.get(number as usize % 20).copied().unwrap_or_default()
    };
    let family = number / 20;
    let last = format!(
        "{}{}{}son",
        [
            "Bar", "Hel", "Kor", "Lun", "Mor", "Ral", "Sal", "Tan", "Ver", "Wal"
        ]
        .get((family / 400 % 10) as usize)
        .copied()
        .unwrap_or_default(),
        pick(&SYLLABLES, family / 20),
        pick(&SYLLABLES, family),
    );
    (pick(&FIRST, number).to_owned(), last)
}

/// Somebody as Deel shows them, read and mapped as a run does.
fn worker(number: u32, source: &Source, now: Timestamp) -> Result<Worker> {
    let (first, last) = name(number);
    let mailbox = format!("{first}.{last}.{number}").to_lowercase();
    let person: deel::Person = serde_json::from_value(json!({
        "id": worker_id(number),
        "first_name": first,
        "last_name": last,
        "full_name": format!("{first} {last}"),
        "emails": [
            { "type": "work", "value": format!("{mailbox}@northlight.example") },
            { "type": "personal", "value": format!("{mailbox}@mail.example") },
        ],
        "start_date": "2024-03-04T00:00:00.000Z",
        "country": "PT",
        "timezone": "Europe/Lisbon",
        "job_title": "Software Engineer",
        "work_location": "Lisbon",
        "department": { "name": "Product Engineering" },
        "client_legal_entity": { "name": "Northlight Portugal Lda" },
        "direct_manager": manager_of(number).map(|manager| json!({ "id": worker_id(manager) })),
        "addresses": [{
            "streetAddress": format!("Rua do Alecrim {number}"),
            "locality": "Lisbon",
            "region": "Lisboa",
            "postalCode": "1200-018",
            "country": "PT",
        }],
        "hiring_type": "direct_employee",
        "hiring_status": "active",
        "new_hiring_status": "active",
        "person_status": "ACTIVE",
        "employments": [{
            "team": { "name": "Payments Platform" },
            "job_title": "Software Engineer",
            "start_date": "2024-03-04",
            "hiring_type": "direct_employee",
            "hiring_status": "active",
            "contract_status": "in_progress",
            "is_ended": false,
        }],
    }))?;
    Ok(deel::to_worker(&person, &source.zones, now))
}

/// The user of somebody who is in step, as JumpCloud shows it.
fn user(number: u32, source: &Source, now: Timestamp) -> Result<SystemUser> {
    let (first, last) = name(number);
    let worker = worker(number, source, now)?;
    let manager = manager_of(number).map(user_id);
    let desired = desired_user(&worker, &source.policy.attributes, manager.as_ref())?;
    let mut fields = Map::new();
    let mut custom = Vec::new();
    for (rule, value) in &desired.attributes {
        if let Attribute::Custom(name) = &rule.attribute {
            custom.push(json!({"name": name, "value": value.to_json()}));
        } else {
            fields.insert(rule.attribute.wire_name().to_owned(), value.to_json());
        }
    }
    fields.insert("attributes".to_owned(), json!(custom));
    for (field, value) in [
        ("_id", json!(user_id(number))),
        (
            "username",
            json!(format!("{first}.{last}{number}").to_lowercase()),
        ),
        ("state", json!("ACTIVATED")),
        ("suspended", json!(false)),
    ] {
        fields.insert(field.to_owned(), value);
    }
    Ok(serde_json::from_value(Value::Object(fields))?)
}

/// What we remember of a user whose every attribute we wrote.
fn link(number: u32, source: &Source, now: Timestamp) -> Result<Link> {
    let worker = worker(number, source, now)?;
    let user = user(number, source, now)?;
    let manager = manager_of(number).map(user_id);
    let desired = desired_user(&worker, &source.policy.attributes, manager.as_ref())?;
    let mut written = Written::default();
    for (rule, value) in &desired.attributes {
        let stored = value_of(&rule.attribute, &user);
        written.record(&rule.attribute, value.to_json(), stored);
    }
    let key = WorkerKey {
        source: source.name.clone(),
        worker_id: worker.id.clone(),
    };
    let mut link = Link::new(key, user.username.clone(), user.email.clone(), now);
    link.user_id = Some(user.id.clone());
    link.invited_at = Some(now);
    link.set_written(&written)?;
    Ok(link)
}

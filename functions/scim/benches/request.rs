//! What a request costs the processor, without JumpCloud and DynamoDB: reading, filtering, patching, mapping, rendering.
//!
//! `cargo bench -p scim --bench request`. The first filter also builds the grammar's tables and is shown apart.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark's table goes to standard output"
)]

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cpu_time::ProcessTime;
use mapping::scim::{
    ActiveRule, DirectoryUser, Held, Omitted, UsernameFromEmail, View, changes, desired,
    to_resource,
};
use scim::filter::Filter;
use scim::list::{self, Paging};
use scim::patch::PatchRequest;
use scim::resource::{self, Resource};
use scim::schema::USER;
use scim::version::version;
use serde_json::{Value, json};

/// The target for a read or a PATCH of one user.
const MOST: Duration = Duration::from_micros(100);
const REPEATS: u32 = 2_000;
/// The best of so many is printed: whatever else runs on the machine only adds.
const ROUNDS: u32 = 9;

const PATCH: &str = r#"{
  "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
  "Operations": [
    {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ana.lima@corp.example"},
    {"op": "Replace", "value": {"name.familyName": "Lima", "active": "True"}},
    {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Design"}
  ]
}"#;
const FILTER: &str = r#"userName eq "ana.souza" or emails[type eq "work" and value sw "ana"]"#;

fn main() -> Result<()> {
    let user = user()?;
    let first = ProcessTime::now();
    Filter::parse(FILTER, &USER)?;
    println!(
        "the first filter of a container: {} µs\n",
        first.elapsed().as_micros()
    );
    println!("| work | CPU | target |\n|---|---|---|");

    let read = best(|| read(&user))?;
    row("a read of one user", read, Some(MOST));
    let patch = best(|| patch(&user))?;
    row("a PATCH of one user, three operations", patch, Some(MOST));
    let filter = best(|| filter(&user))?;
    row("a filter, parsed and matched", filter, None);
    let page = best(|| page(&user))?;
    row("a page of 100 users", page, None);
    anyhow::ensure!(
        read < MOST && patch < MOST,
        "a read or a PATCH takes more than {} µs",
        MOST.as_micros()
    );
    Ok(())
}

fn row(work: &str, took: Duration, target: Option<Duration>) {
    let target = target.map_or_else(String::new, |most| format!("{} µs", most.as_micros()));
    println!("| {work} | {:.1} µs | {target} |", took.as_secs_f64() * 1e6);
}

/// The CPU time of one run, as the best of several rounds has it.
fn best(work: impl Fn() -> Result<usize>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = ProcessTime::now();
        for _ in 0..REPEATS {
            black_box(work()?);
        }
        best = best.min(start.elapsed() / REPEATS);
    }
    Ok(best)
}

/// From JumpCloud's row to the bytes of the answer.
fn read(user: &DirectoryUser) -> Result<usize> {
    let projection = list::projection("", &USER)?;
    let resource = shown(user);
    black_box(version(&resource));
    let answer = Value::Object(projection.project(resource));
    Ok(answer.to_string().len())
}

/// From the bytes of the request to the body for JumpCloud, and the answer.
fn patch(user: &DirectoryUser) -> Result<usize> {
    let body = resource::parse_json(PATCH.as_bytes())?;
    let asked = PatchRequest::read(&body, &USER)?.apply(&shown(user), &USER)?;
    let held = Held {
        user,
        user_name: None,
    };
    let desired = desired(&asked, UsernameFromEmail::LocalPart, Some(&held))?;
    let changes = changes(user, &desired, Omitted::Clear);
    anyhow::ensure!(changes.len() == 3, "the PATCH changes {changes:?}");
    Ok(read(user)? + Value::Object(changes).to_string().len())
}

fn filter(user: &DirectoryUser) -> Result<usize> {
    let matches = Filter::parse(FILTER, &USER)?.matches(&shown(user));
    anyhow::ensure!(matches, "the filter does not match");
    Ok(1)
}

fn page(user: &DirectoryUser) -> Result<usize> {
    let projection = list::projection("", &USER)?;
    let resources: Vec<Resource> = (0..100).map(|_| projection.project(shown(user))).collect();
    let answer = list::list_response(resources, 10_000, Paging::Index(1));
    Ok(answer.to_string().len())
}

fn shown(user: &DirectoryUser) -> Resource {
    let view = View {
        user_name: None,
        external_id: Some("00u1ana"),
        modified_at: None,
        active: ActiveRule::NotSuspended,
    };
    to_resource(user, &view)
}

/// A user with every attribute that SCIM shows.
fn user() -> Result<DirectoryUser> {
    let row = json!({
        "_id": "66a1b2c30000000000000001", "username": "ana.souza", "email": "ana.souza@corp.example",
        "firstname": "Ana", "middlename": "Maria", "lastname": "Souza", "displayname": "Ana Souza",
        "alternateEmail": "ana@home.example", "employeeIdentifier": "17156075", "employeeType": "employee",
        "jobTitle": "Engineer", "department": "Engineering", "costCenter": "R&D", "company": "Northlight Ltd",
        "location": "Lisbon", "manager": "66a1b2c30000000000000002", "state": "ACTIVATED", "suspended": false,
        "phoneNumbers": [{"id": "1", "type": "work", "number": "+351 21 000 0000"}, {"id": "2", "type": "mobile", "number": "+351 91 000 0000"}],
        "addresses": [{"id": "1", "type": "work", "streetAddress": "Rua 1", "locality": "Lisbon", "region": "", "postalCode": "1000", "country": "PT"}],
        "created": "2024-02-12T17:45:42.369Z"
    });
    serde_json::from_value(row).context("the row is no user")
}

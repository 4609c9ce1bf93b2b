//! The control API under `/sandbox`: what tests do in process, for tools outside it. The crate's page lists its routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::deel::Deel;
use crate::faults::Fault;
use crate::humaans::{Collection, Humaans};
use crate::jumpcloud::{JumpCloud, Target};
use crate::requests::{LoadSummary, Requests};
use crate::state::Shared;
use crate::wire::{Answer, Call, Vendor};

/// A change of the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum ClockChange {
    Set(Timestamp),
    AdvanceSeconds(i64),
    Real(bool),
}

/// A change of a JumpCloud user's state to come.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateChange {
    user_id: String,
    state: Target,
    at: Timestamp,
}

/// Answers a request that is for no vendor.
pub(crate) fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    route(shared, call).unwrap_or_else(|problem| {
        Answer::json(StatusCode::BAD_REQUEST, &json!({ "message": problem }))
    })
}

fn route(shared: &Arc<Shared>, call: &Call) -> Result<Answer, String> {
    let deel = Deel::new(Arc::clone(shared));
    let jumpcloud = JumpCloud::new(Arc::clone(shared));
    let segments = call.segments("/sandbox");
    if let ["humaans", collection, id @ ..] = segments.as_slice() {
        let collection = Collection::named(collection);
        return collection.map_or_else(
            || Ok(not_found()),
            |collection| humaans(&Humaans::new(Arc::clone(shared)), collection, id, call),
        );
    }
    Ok(match (call.method.as_str(), segments.as_slice()) {
        ("GET", []) if call.path.starts_with("/sandbox") => Answer::ok(&summary(shared)),
        ("GET", ["mails"]) => Answer::ok(&jumpcloud.mails()),
        ("GET", ["states"]) => Answer::ok(&jumpcloud.scheduled_states()),
        ("POST", ["states"]) => {
            let StateChange { user_id, state, at } = body(call)?;
            if jumpcloud.schedule(&user_id, state, at) {
                no_content()
            } else {
                not_found()
            }
        }
        ("GET", ["users"]) => Answer::ok(&jumpcloud.users()),
        ("PATCH", ["users", id]) => {
            let fields: Map<String, Value> = body(call)?;
            if jumpcloud.edit(id, |user| user.extend(fields)) {
                Answer::ok(&jumpcloud.user(id))
            } else {
                not_found()
            }
        }
        ("GET", ["groups"]) => Answer::ok(&groups(&jumpcloud)),
        ("GET", ["requests"]) => Answer::ok(&Requests::new(Arc::clone(shared)).all()),
        ("DELETE", ["requests"]) => {
            shared.lock().requests.clear();
            no_content()
        }
        ("POST", ["clock"]) => {
            change_clock(shared, &body(call)?);
            Answer::ok(&json!({ "now": shared.clock.now() }))
        }
        ("POST", ["faults"]) => {
            shared.lock().faults.push(body::<Fault>(call)?);
            no_content()
        }
        ("DELETE", ["faults"]) => {
            shared.lock().faults.clear();
            no_content()
        }
        ("GET", ["people"]) => Answer::ok(&deel.people()),
        ("POST", ["people"]) => {
            let id = deel.hire(body::<Map<String, Value>>(call)?);
            Answer::json(StatusCode::CREATED, &deel.person(&id))
        }
        ("PATCH", ["people", id]) => {
            let fields = body::<Map<String, Value>>(call)?;
            if !deel.update(id, |person| person.extend(fields)) {
                return Ok(not_found());
            }
            Answer::ok(&deel.person(id))
        }
        ("DELETE", ["people", id]) if deel.remove(id) => no_content(),
        _ => not_found(),
    })
}

/// The records of Humaans.
fn humaans(
    humaans: &Humaans,
    collection: Collection,
    id: &[&str],
    call: &Call,
) -> Result<Answer, String> {
    Ok(match (call.method.as_str(), id) {
        ("GET", []) => Answer::ok(&humaans.all(collection)),
        ("POST", []) => {
            let id = humaans.add(collection, body(call)?);
            Answer::json(StatusCode::CREATED, &humaans.get(collection, &id))
        }
        ("PATCH", [id]) => {
            let fields = body::<Map<String, Value>>(call)?;
            if !humaans.update(collection, id, |record| record.extend(fields)) {
                return Ok(not_found());
            }
            Answer::ok(&humaans.get(collection, id))
        }
        ("DELETE", [id]) if humaans.remove(collection, id) => no_content(),
        _ => not_found(),
    })
}

/// Every group with its members, which JumpCloud itself shows apart.
fn groups(jumpcloud: &JumpCloud) -> Vec<Value> {
    let mut groups = jumpcloud.groups();
    for group in &mut groups {
        let id = group.get("id").and_then(Value::as_str).unwrap_or_default();
        let members = jumpcloud.members(id);
        if let Value::Object(group) = group {
            group.insert("members".to_owned(), members.into());
        }
    }
    groups
}

fn change_clock(shared: &Shared, change: &ClockChange) {
    match change {
        ClockChange::Set(time) => shared.clock.set(*time),
        ClockChange::AdvanceSeconds(seconds) => {
            shared.clock.advance(SignedDuration::from_secs(*seconds));
        }
        ClockChange::Real(true) => shared.clock.set_real(),
        ClockChange::Real(false) => shared.clock.set(shared.clock.now()),
    }
}

fn summary(shared: &Shared) -> Value {
    let now = shared.clock.now();
    let mut state = shared.lock();
    state.jumpcloud.catch_up(now);
    let mut users = BTreeMap::<&str, usize>::new();
    for user in state.jumpcloud.users.iter() {
        *users.entry(user.state()).or_default() += 1;
    }
    let load = |vendor| (vendor, state.requests.load(vendor));
    let requests: BTreeMap<Vendor, LoadSummary> = Vendor::ALL.into_iter().map(load).collect();
    json!({
        "now": now,
        "people": state.deel.people.len(),
        "humaans": state.humaans.headcount(),
        "users": users,
        "mails": state.jumpcloud.mails.len(),
        "faults": state.faults.len(),
        "requests": requests,
    })
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body).map_err(|error| format!("invalid body: {error}"))
}

fn no_content() -> Answer {
    Answer::text(StatusCode::NO_CONTENT, "application/json", "")
}

fn not_found() -> Answer {
    let body = json!({"message": "no such route, or nobody with this id"});
    Answer::json(StatusCode::NOT_FOUND, &body)
}

//! The SCIM service's process is killed at one request after another, before its effect and after it; the client sends
//! the same again until it is answered. Everything must be as if it had been answered at once, and of each write that
//! JumpCloud got the audit chain must say that it began.

use std::collections::BTreeSet;

use e2e::{Deed, Picture, Response, Scim, Setup, World};
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::replay::{Replay, asked, tell};

const VARIABLE: &str = "ROLLCALL_SCIM_CRASH";
const SYSTEMS: [Vendor; 2] = [Vendor::JumpCloud, Vendor::DynamoDb];
/// So often a client sends the same.
const MOST_ATTEMPTS: usize = 4;

/// One request of a client, and the statuses that tell it that all is done.
struct Request {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    /// Answered at once, or with a key.
    done: u16,
    /// Without a key, what is done already may be told so.
    done_before: u16,
}

/// A user of Ada's and one of Bob's, a group with Ada in it.
struct People {
    ada: String,
    bob: String,
    team: String,
}

fn user(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "externalId": format!("external-{name}"),
        "name": {"givenName": "Ada", "familyName": "Novak"},
        "emails": [{"value": format!("{name}@example.com"), "type": "work", "primary": true}],
        "active": true,
    })
}

fn patch(operations: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

fn group(name: &str, members: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "externalId": format!("external-{name}"),
        "members": members,
    })
}

fn requests(people: &People) -> Vec<Request> {
    let People { ada, bob, team } = people;
    let request = |name, method, path: &str, body, done, done_before| Request {
        name,
        method,
        path: path.to_owned(),
        body,
        done,
        done_before,
    };
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "eve", "data": user("eve.novak")},
            {"method": "PATCH", "path": format!("/Users/{ada}"),
                "data": patch(json!([{"op": "replace", "path": "title", "value": "Chief"}]))},
            {"method": "PATCH", "path": format!("/Groups/{team}"),
                "data": patch(json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]))},
        ],
    });
    let lead = json!([
        {"op": "replace", "path": "title", "value": "Lead"},
        {"op": "replace", "path": "externalId", "value": "another"},
        {"op": "replace", "path": "active", "value": false},
    ]);
    let swap = json!([
        {"op": "add", "path": "members", "value": [{"value": bob}]},
        {"op": "remove", "path": format!("members[value eq \"{ada}\"]")},
    ]);
    vec![
        request("create", "POST", "/Users", user("dan.novak"), 201, 409),
        request(
            "patch",
            "PATCH",
            &format!("/Users/{ada}"),
            patch(lead),
            200,
            200,
        ),
        request(
            "group",
            "POST",
            "/Groups",
            group("Crew", json!([{"value": ada}, {"value": bob}])),
            201,
            409,
        ),
        request(
            "members",
            "PATCH",
            &format!("/Groups/{team}"),
            patch(swap),
            204,
            204,
        ),
        request("bulk", "POST", "/Bulk", bulk, 200, 200),
        request(
            "delete",
            "DELETE",
            &format!("/Users/{ada}"),
            Value::Null,
            204,
            404,
        ),
    ]
}

/// Sends it; no answer when the process died.
async fn send(scim: &Scim, request: &Request) -> Option<Response> {
    let body = match &request.body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    scim.try_send(request.method, &request.path, body).await
}

/// A group that is there already may lack members: the client finds it by its name, and says all of it again.
async fn complete(scim: &Scim, request: &Request) -> Response {
    let name = request.body["displayName"].as_str().unwrap_or_default();
    let scim = scim.without("idempotency-key");
    let found = scim
        .get(&format!("/Groups?filter=displayName eq \"{name}\""))
        .await;
    let id = found.body["Resources"][0]["id"].as_str();
    let path = format!("/Groups/{}", id.expect("the group is there"));
    scim.put(&path, request.body.clone()).await
}

/// What the client and everybody else see, without ids and times.
async fn picture(world: &World, scim: &Scim) -> (Picture, BTreeSet<String>) {
    let picture = Picture::of(world.sandbox(), world.state()).await;
    let mut seen = BTreeSet::new();
    for path in ["/Users", "/Groups"] {
        let list = scim.without("idempotency-key").get(path).await;
        for resource in list.body["Resources"].as_array().into_iter().flatten() {
            let names = ["userName", "displayName", "externalId", "active", "title"];
            let told = names.map(|name| format!("{name}={}", resource[name]));
            seen.insert(told.join(" "));
        }
    }
    (picture, seen)
}

/// Whether the client takes this for the end.
fn is_done(request: &Request, response: &Response, first_was_lost: bool) -> bool {
    let is_whole = || {
        let results = response.body["Operations"].as_array();
        let mut results = results.into_iter().flatten();
        results.all(|result| {
            matches!(
                result["status"].as_str(),
                Some("200" | "201" | "204" | "409")
            )
        })
    };
    match response.status {
        status if status == request.done => is_whole(),
        status => first_was_lost && status == request.done_before && !is_busy(response),
    }
}

/// Whether the first attempt may still be at work.
fn is_busy(response: &Response) -> bool {
    let detail = response.body["detail"].as_str().unwrap_or_default();
    response.status == 409 && detail.contains("still at work")
}

/// A write to JumpCloud of which the audit chain does not say that it began.
async fn untold(world: &World, before: &[Deed]) -> Option<String> {
    let deeds = world.table().deeds().await;
    let begun: Vec<&Deed> = deeds
        .iter()
        .filter(|deed| deed.did().starts_with("begin_") && !before.contains(deed))
        .collect();
    let is_told = |write: &str| {
        begun.iter().any(|deed| match deed.what["id"].as_str() {
            Some(id) => write.contains(id),
            // What is being made has no id yet.
            None => deed.did() == "begin_create",
        })
    };
    let mut writes = world.jumpcloud_writes_with_ids().into_iter();
    writes.find(|write| !is_told(write))
}

async fn kill_at_every_request(name: &str, key: Option<&str>) {
    let world = World::start(PROGRAMS, &Setup::new()).await;
    let mut scim = world.deployed_scim().await;
    let people = People {
        ada: scim.post("/Users", user("ada.novak")).await.id(),
        bob: scim.post("/Users", user("bob.novak")).await.id(),
        team: String::new(),
    };
    let team = group("Team", json!([{"value": people.ada}]));
    let team = scim.post("/Groups", team).await.id();
    let people = People { team, ..people };
    let eve = world.sandbox().snapshot(&world.folder().join("eve.db"));
    let eve = eve.expect("the eve is kept");
    let all = requests(&people);
    let request = all.iter().find(|request| request.name == name);
    let request = request.expect("there is such a request");

    let keyed = |scim: &Scim| match key {
        Some(key) => scim.with("idempotency-key", key),
        None => scim.clone(),
    };
    world.forget_requests();
    let answer = send(&keyed(&scim), request).await.expect("nobody kills it");
    assert!(is_done(request, &answer, false), "{answer:?}");
    let counts = SYSTEMS.map(|system| world.requests(system));
    let (expected, expected_seen) = picture(&world, &scim).await;

    let asked = asked(VARIABLE);
    let mut failures = Vec::new();
    for (vendor, count) in SYSTEMS.into_iter().zip(counts) {
        for (number, after) in (0..count).flat_map(|number| [(number, false), (number, true)]) {
            let moment = if after { "after" } else { "before" };
            let keyed_or_not = key.map_or("plain", |_| "keyed");
            let point = format!("{name}/{keyed_or_not}/{vendor:?}/{number}/{moment}");
            if asked.as_ref().is_some_and(|asked| *asked != point) {
                continue;
            }
            let _replay = Replay::of(VARIABLE, &point);
            world.sandbox().restore(&eve).expect("it is the eve again");
            world.forget_requests();
            let before = world.table().deeds().await;
            let skip = u32::try_from(number).expect("fewer requests than that");
            world.kill_at(scim.killer().expect("it has a process"), vendor, |fault| {
                let fault = fault.skip(skip);
                if after { fault.after_effect() } else { fault }
            });
            let answer = send(&keyed(&scim), request).await;
            assert_eq!(answer, None, "the crash was not reached");
            world.sandbox().faults().clear();
            let untold = untold(&world, &before).await;
            scim = world.deployed_scim().await;
            let mut last = None;
            for _ in 0..MOST_ATTEMPTS {
                let answer = send(&keyed(&scim), request).await.expect("nobody kills it");
                let is_done = is_done(request, &answer, true);
                last = Some(answer);
                if is_done {
                    break;
                }
                world.let_claims_expire().await;
            }
            if name == "group" && last.as_ref().is_some_and(|last| last.status == 409) {
                let completed = complete(&scim, request).await;
                assert_eq!(completed.status, 200, "{completed:?}");
            }
            let (now, seen) = picture(&world, &scim).await;
            let mut difference = now.difference(&expected);
            for (mark, lines) in [
                ("-", expected_seen.difference(&seen)),
                ("+", seen.difference(&expected_seen)),
            ] {
                difference.extend(lines.map(|line| format!("{mark} SCIM {line}\n")));
            }
            if !last
                .as_ref()
                .is_some_and(|last| is_done(request, last, true))
            {
                difference = format!("{difference}the last answer: {last:?}");
            }
            difference.extend(untold.map(|write| format!("not on the audit chain: {write}")));
            if !difference.is_empty() {
                failures.push(format!("{VARIABLE}={point}\n{difference}"));
            }
        }
    }
    tell(format!(
        "{name}: killed at {} points",
        2 * counts.iter().sum::<usize>()
    ));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

macro_rules! killed {
    ($($test:ident: $name:literal, $key:expr;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                kill_at_every_request($name, $key).await;
            }
        )*
    };
}

killed! {
    create_without_a_key: "create", None;
    create_with_a_key: "create", Some("k1");
    patch_without_a_key: "patch", None;
    patch_with_a_key: "patch", Some("k2");
    group_made_without_a_key: "group", None;
    group_made_with_a_key: "group", Some("k3");
    members_changed_without_a_key: "members", None;
    members_changed_with_a_key: "members", Some("k4");
    bulk_without_a_key: "bulk", None;
    bulk_with_a_key: "bulk", Some("k5");
    delete: "delete", None;
}

//! What was done is written down, and that nothing of it was altered can be shown.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Setup, World};
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::{ana, hire_others, world, world_with_ana};

/// The bytes that the table holds, by the kind of item.
async fn bytes(world: &World) -> BTreeMap<String, usize> {
    let mut bytes = BTreeMap::new();
    for item in world.table().rows().await {
        let Some(AttributeValue::S(partition)) = item.get("pk") else {
            continue;
        };
        // What is one run's or one container's counts together.
        let kind = match partition.split_once('#') {
            Some(("CHAIN", writer)) => {
                let kind = writer.split_once('-').map_or(writer, |(kind, _)| kind);
                format!("CHAIN#{kind}")
            }
            Some((kind, _)) => format!("{kind}#"),
            None => partition.clone(),
        };
        let size: usize = item
            .iter()
            .map(|(name, value)| name.len() + size_of(value))
            .sum();
        *bytes.entry(kind).or_default() += size;
    }
    bytes
}

/// The bytes of a value, as DynamoDB counts them.
fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::M(entries) => {
            let entries = entries.iter();
            3 + entries
                .map(|(name, value)| 1 + name.len() + size_of(value))
                .sum::<usize>()
        }
        _ => 1,
    }
}

/// What a step added to the table, kind by kind.
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn cost(world: &World, before: &mut BTreeMap<String, usize>, step: &str) -> Cost {
    let after = bytes(world).await;
    let kinds = [
        "CHAIN#sync",
        "CHAIN#scim",
        "CHAINS",
        "AUDIT#",
        "RUN",
        "RUN#",
        "JOURNAL#",
    ];
    let more = |kind: &str| {
        let bytes = |of: &BTreeMap<String, usize>| of.get(kind).copied().unwrap_or_default();
        bytes(&after).saturating_sub(bytes(before))
    };
    let cost: Cost = kinds
        .into_iter()
        .map(|kind| (kind, more(kind)))
        .filter(|(_, more)| *more > 0)
        .collect();
    println!("{step}: {cost:?}");
    *before = after;
    cost
}

type Cost = BTreeMap<&'static str, usize>;

/// What `rollcall runs --verify` finds.
async fn verify(world: &World, code: i32) -> Value {
    let ran = world.rollcall(&["runs", "--verify", "--json"]).await;
    assert_eq!(ran.code, Some(code), "{ran:?}");
    ran.json()
}

#[tokio::test]
async fn runs_and_scim_writes_are_on_chains_that_verify_and_the_log_has_the_end() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let scim = world.scim();
    let created = scim
        .post(
            "/Users",
            json!({"userName": "carla.vega", "emails": [{"value": "carla@northlight.example", "primary": true}]}),
        )
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    let user = created.body["id"].as_str().unwrap().to_owned();
    let off = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    let patched = scim.patch(&format!("/Users/{user}"), off).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let group = json!({"displayName": "Research", "members": [{"value": user}]});
    let group = scim.post("/Groups", group).await;
    assert_eq!(group.status, 201, "{group:?}");
    let group = format!("/Groups/{}", group.body["id"].as_str().unwrap());
    assert_eq!(scim.delete(&group).await.status, 204);
    assert_eq!(scim.delete(&format!("/Users/{user}")).await.status, 204);
    world.change(&id, &ana().job_title("Principal"));
    world.run_sync().await;

    let found = verify(&world, 0).await;
    assert_eq!(found["problems"], json!([]));
    assert_eq!(
        (&found["chains"], &found["records"]),
        (&json!(2), &json!(2 + 9))
    );
    let deeds = world.table().deeds().await;
    let scim_deeds: Vec<_> = deeds
        .iter()
        .filter(|deed| !deed.did().is_empty())
        .map(|deed| (deed.did(), deed.what["resource"].as_str().unwrap()))
        .collect();
    let expected = [
        ("begin_create", "User"),
        ("create", "User"),
        ("begin_change", "User"),
        ("change", "User"),
        ("begin_create", "Group"),
        ("create", "Group"),
        ("begin_delete", "Group"),
        ("delete", "Group"),
        ("delete", "User"),
    ];
    assert_eq!(scim_deeds, expected);
    let head = found["head"].as_str().unwrap();
    assert!(world.log().contains(head), "the log has not {head}");

    let key = [("pk", "CHAIN#sync"), ("sk", "000000000001")];
    let mut delete = world.dynamodb().delete_item().table_name("rollcall");
    for (name, value) in key {
        delete = delete.key(name, AttributeValue::S(value.to_owned()));
    }
    delete.send().await.unwrap();
    let found = verify(&world, 1).await;
    let problem = json!({"writer": "sync", "seq": 1, "problem": "is missing"});
    assert_eq!(found["problems"], json!([problem]));
}

#[tokio::test]
async fn crash_at_any_write_of_the_table_leaves_a_history_that_verifies() {
    for (write, after) in (0..6).flat_map(|write| [(write, false), (write, true)]) {
        let mut world = world().await;
        hire_others(&world, 2);
        world.crash_at(Vendor::DynamoDb, |fault| {
            let fault = fault.operation("TransactWriteItems").skip(write);
            if after { fault.after_effect() } else { fault }
        });
        world.crash().await;
        let found = world.state().verify(world.sandbox().clock().now()).await;
        assert_eq!(found.unwrap().problems, [], "write {write}, {after}");
        world.run_sync().await;
        let found = world.state().verify(world.sandbox().clock().now()).await;
        let found = found.unwrap();
        assert_eq!(
            (found.problems, found.open),
            (Vec::new(), None),
            "write {write}, {after}"
        );
        world.settled().await;
    }
}

/// Prints what docs/operate.md tells; the bounds are a little above.
#[tokio::test]
async fn bytes_of_a_run_and_of_a_scim_write() {
    let world = world().await;
    let people = hire_others(&world, 50);
    let mut bytes = bytes(&world).await;
    world.run_sync().await;
    cost(&world, &mut bytes, "a run that makes 50 users").await;
    world.run_sync().await;
    let unchanged = cost(&world, &mut bytes, "a run that changes nothing").await;
    for (id, profile) in &people {
        world.change(id, &profile.clone().job_title("Principal Engineer"));
    }
    world.run_sync().await;
    let changed = cost(
        &world,
        &mut bytes,
        "a run that gives 50 people another title",
    )
    .await;
    let scim = world.scim();
    let user = json!({"userName": "carla.vega", "name": {"givenName": "Carla", "familyName": "Vega"}, "emails": [{"value": "carla@northlight.example", "primary": true}]});
    let user = scim.post("/Users", user).await.expect(201).id();
    cost(&world, &mut bytes, "a SCIM create").await;
    let title = json!([{"op": "replace", "path": "title", "value": "Principal Engineer"}]);
    scim.operate(&format!("/Users/{user}"), title)
        .await
        .expect(200);
    let write = cost(&world, &mut bytes, "a SCIM change").await;

    assert!(unchanged["CHAIN#sync"] < 900, "{unchanged:?}");
    assert!(
        unchanged["RUN"] + unchanged["RUN#"] < 2_000,
        "{unchanged:?}"
    );
    assert!(changed["JOURNAL#"] < 50 * 400, "{changed:?}");
    assert!(write["CHAIN#scim"] < 800, "{write:?}");
    assert!(write["AUDIT#"] < 2_500, "{write:?}");
}

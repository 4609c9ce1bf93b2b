//! What was done is written down, and that nothing of it was altered can be shown.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Setup, World};
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::{ana, hire_others, world, world_with_ana};

/// What `rollcall runs --verify` finds.
async fn verify(world: &World, code: i32) -> Value {
    let ran = world.rollcall(&["runs", "--verify", "--json"]).await;
    assert_eq!(ran.code, Some(code), "{ran:?}");
    ran.json()
}

/// The table, for somebody who may write it.
fn table(world: &World) -> Client {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("e2e", "e2e", None, None, "e2e"))
        .endpoint_url(world.sandbox().aws_url());
    Client::from_conf(config.build())
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
        (&json!(2), &json!(2 + 5))
    );
    let head = found["head"].as_str().unwrap();
    assert!(world.log().contains(head), "the log has not {head}");

    let key = [("pk", "CHAIN#sync"), ("sk", "000000000001")];
    let mut delete = table(&world).delete_item().table_name("rollcall");
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

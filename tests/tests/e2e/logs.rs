//! What is logged. That nothing secret or personal is, each world checks at its end.

use sandbox::Profile;
use serde_json::Value;

use crate::{ana, world};

#[tokio::test]
async fn run_logs_what_it_did_with_ids_and_each_line_is_json() {
    let world = world().await;
    let id = world.hire(ana());
    let report = world.run_sync().await;
    let log = world.log();
    assert!(
        log.lines()
            .any(|line| line.contains("created a user") && line.contains(&id))
    );
    assert!(log.contains(report.run_id.as_str()));
    for line in log.lines() {
        let parsed = serde_json::from_str::<Value>(line);
        assert!(
            parsed.is_ok_and(|line| line["timestamp"].is_string()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn run_writes_its_metrics_on_a_line_of_their_own_and_a_plan_none() {
    let world = world().await;
    world.hire(ana());
    world.plan().await;
    assert!(!world.log().contains("RunSucceeded"));
    let report = world.run_sync().await;
    let log = world.log();
    let mut lines = log.lines().filter(|line| line.contains("RunSucceeded"));
    let line: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert!(lines.next().is_none());
    assert_eq!(line["run_id"], report.run_id.as_str());
    assert_eq!(line["PeopleCreated"], 1);
    let defined = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(defined["Namespace"], "rollcall/e2e");
    for metric in defined["Metrics"].as_array().unwrap() {
        let name = metric["Name"].as_str().unwrap();
        assert!(line[name].is_u64(), "{name} has no figure");
    }
}

#[tokio::test]
async fn scim_writes_the_metrics_of_each_request() {
    let world = world().await;
    let scim = world.deployed_scim().await;
    scim.get("/Users").await.expect(200);
    scim.without("authorization")
        .get("/Users")
        .await
        .expect(401);
    let log = world.log();
    let lines = log.lines().filter(|line| line.contains("ScimRequests"));
    let told: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["target"], "/Users");
    assert_eq!(told[0]["ScimCallsJumpCloud"], 1);
    assert_eq!(told[0]["JumpCloudKeyRefused"], 0);
    assert_eq!(told[1]["status"], 401);
    assert_eq!(told[1]["ScimClientErrors"], 1);
}

#[tokio::test]
#[should_panic(expected = "was logged")]
async fn world_finds_a_name_in_the_log() {
    let world = world().await;
    world.hire(Profile::new("Ana", "Souza").with("full_name", "created a user"));
    world.run_sync().await;
}

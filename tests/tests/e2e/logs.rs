//! What is logged. That nothing secret or personal is, each world checks at its end.

use sandbox::Profile;

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
        let parsed = serde_json::from_str::<serde_json::Value>(line);
        assert!(
            parsed.is_ok_and(|line| line["timestamp"].is_string()),
            "{line}"
        );
    }
}

#[tokio::test]
#[should_panic(expected = "was logged")]
async fn world_finds_a_name_in_the_log() {
    let world = world().await;
    world.hire(Profile::new("Ana", "Souza").with("full_name", "created a user"));
    world.run_sync().await;
}

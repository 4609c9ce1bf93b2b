//! Statuses that nobody knows, or that contradict each other: no change, and a warning.

use e2e::{Reading, Setup};
use sandbox::{Profile, Stage};
use serde_json::Value;
use sync::Outcome;

use crate::{ana, world, world_with_ana};

#[tokio::test]
async fn unclear_status_changes_nothing_and_is_told() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let ended = ana().stage(Stage::Inactive(world.days_ago(3)));
    let moved = ana().job_title("Principal");
    let table = [
        moved.clone().with("hiring_status", "on_sabbatical"),
        moved.with("new_hiring_status", "inactive"),
        ended.clone().with("hiring_status", "active"),
        ended.clone().with("person_status", "ACTIVE"),
        ended.with("new_hiring_status", "who_knows"),
    ];
    for (number, unclear) in table.iter().enumerate() {
        world.change(&id, unclear);
        let report = world.run_sync().await;
        assert_eq!(report.outcome_of(&id), Outcome::Unchanged, "{number}");
        assert_eq!(report.warned_about(&id), ["status_unclear"], "{number}");
        let user = world.user_of(&id).await;
        assert_eq!(user["state"], "ACTIVATED", "{number}");
        assert_eq!(user["jobTitle"], "Engineer", "{number}");
    }
    world.settled().await;
}

#[tokio::test]
async fn unclear_status_makes_no_account() {
    let world = world().await;
    world.hire(ana().with("hiring_status", "who_knows"));
    world.run_sync().await;
    world.settled().await;
    assert!(world.jumpcloud().users().is_empty());
}

#[tokio::test]
async fn status_fields_that_are_absent_do_not_contradict() {
    let world = world().await;
    let withheld = world.hire(ana().with("person_status", Value::Null));
    let older = world.hire(Profile::new("Olga", "Older").without("new_hiring_status"));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&withheld), Outcome::Created);
    assert_eq!(report.outcome_of(&older), Outcome::Created);
    world.settled().await;
}

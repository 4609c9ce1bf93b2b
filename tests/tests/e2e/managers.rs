//! Managers whom no source lists, or who have no user yet.

use e2e::{Reading, Setup};
use sandbox::Profile;
use serde_json::json;
use sync::Outcome;

use crate::{ana, world, world_with};

const LEE: &str = "lee.park@northlight.example";

/// A manager as Deel names somebody whom it does not list.
fn lee() -> serde_json::Map<String, serde_json::Value> {
    let lee = Profile::new("Lee", "Park").with("id", "nobody-here");
    lee.to_person()
}

#[tokio::test]
async fn manager_outside_the_sources_is_found_by_work_email() {
    let world = world().await;
    let user = json!({"username": "lpark", "email": "Lee.Park@Northlight.example"});
    let manager = world.jumpcloud().add(user);
    let id = world.hire(ana().manager(&lee()));

    world.run_sync().await;

    assert_eq!(world.user_of(&id).await["manager"], json!(manager));
    world.settled().await;
}

#[tokio::test]
async fn manager_outside_the_sources_who_comes_later_is_written_then() {
    let world = world().await;
    let id = world.hire(ana().manager(&lee()));
    world.run_sync().await;
    assert!(
        world.user_of(&id).await["manager"]
            .as_str()
            .is_none_or(str::is_empty)
    );
    world.settled().await;

    let user = json!({"username": "lpark", "email": LEE});
    let manager = world.jumpcloud().add(user);
    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    assert_eq!(report.changed(&id), ["manager"]);
    assert_eq!(world.user_of(&id).await["manager"], json!(manager));
    world.settled().await;
}

#[tokio::test]
async fn manager_is_written_in_the_run_that_brings_the_managers_user() {
    let world = world().await;
    let lead = Profile::new("Lea", "Lead");
    let manager = world.hire(lead.clone().work_email(None));
    let id = world.hire(ana().manager(&world.record_of(&manager)));
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&manager), "no_work_email");
    world.settled().await;

    world.change(&manager, &lead);
    let report = world.run_sync().await;

    assert_eq!(report.changed(&id), ["manager"]);
    let manager = world.user_of(&manager).await;
    assert_eq!(world.user_of(&id).await["manager"], manager["_id"]);
    world.settled().await;
}

#[tokio::test]
async fn manager_whom_another_source_has_is_written_in_the_same_run() {
    let setup = Setup::new()
        .source("exclude = { worker_types = [\"contractor\"] }")
        .second_source("contractors")
        .of_second_source("include = { worker_types = [\"contractor\"] }");
    let world = world_with(setup).await;
    let lead = Profile::new("Lea", "Lead").hiring_type("contractor");
    let lead = world.hire(lead);
    let id = world.hire(ana().manager(&world.record_of(&lead)));

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Created), 2);
    let lead = world.jumpcloud().user_by_username("lea.lead").unwrap();
    assert_eq!(world.user_of(&id).await["manager"], lead["_id"]);
    world.settled().await;
}

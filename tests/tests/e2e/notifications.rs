//! Who looks after rollcall is told of what went wrong or waits, once, and once more when it is over.

use e2e::{Reading, TOPIC, World};
use sandbox::{Fault, Stage, Vendor};
use serde_json::json;
use sync::RunStatus;

use crate::{ana, hire_others, world};

/// The subjects of everything that was told, in its order.
fn subjects(world: &World) -> Vec<String> {
    let told = world.sandbox().notifications().into_iter();
    told.map(|told| told.subject).collect()
}

/// A world in which four of six leave at once.
async fn world_with_leavers() -> World {
    let world = world().await;
    let people = hire_others(&world, 6);
    world.run_sync().await;
    for (id, profile) in people.iter().take(4) {
        let left = Stage::Inactive(world.days_ago(2));
        world.change(id, &profile.clone().stage(left));
    }
    world
}

#[tokio::test]
async fn held_changes_are_told_once_and_their_approval_when_nothing_is_held_any_more() {
    let world = world_with_leavers().await;
    let mut held = world.run_sync().await;
    for _ in 0..2 {
        held = world.run_sync().await;
        assert_eq!(held.status, RunStatus::Held);
    }
    let told = world.sandbox().notifications();
    assert_eq!(subjects(&world), ["rollcall: changes are held"]);
    assert_eq!(told[0].topic, TOPIC);
    let text = &told[0].message;
    assert!(
        text.contains("held in deel: suspend, 4 people (limit `percent`, 5)"),
        "{text}"
    );
    assert!(text.contains("rollcall runs "), "{text}");
    for personal in ["Person", "Other", "@", "other."] {
        assert!(!text.contains(personal), "{text}");
    }

    let digest = &held.held_class("suspend").unwrap().digest;
    world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(
        subjects(&world),
        ["rollcall: changes are held", "rollcall: recovered"]
    );
    world.settled().await;
    assert_eq!(subjects(&world).len(), 2);
}

#[tokio::test]
async fn refused_key_is_told_once_until_it_is_mended() {
    let world = world().await;
    world.hire(ana());
    world.jumpcloud().set_key("another-key-altogether");
    world.run_sync().await;
    world.run_sync().await;
    assert_eq!(subjects(&world), ["rollcall: failed"]);
    let text = &world.sandbox().notifications()[0].message;
    assert!(text.contains("jumpcloud_key_refused"), "{text}");
    assert!(!text.contains("another-key"), "{text}");

    world
        .sandbox()
        .secrets()
        .set("rollcall/jumpcloud", "another-key-altogether");
    let reading = world.run_sync().await;
    assert_eq!(reading.status, RunStatus::Applied);
    assert_eq!(
        subjects(&world),
        ["rollcall: failed", "rollcall: recovered"]
    );
}

#[tokio::test]
async fn what_nobody_could_be_told_of_is_told_by_the_next_run() {
    let world = world_with_leavers().await;
    world
        .sandbox()
        .faults()
        .add(Fault::status(Vendor::Sns, 403).always());
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("not_told"), 1, "{:?}", report.warnings);
    assert_eq!(report.status, RunStatus::Held);
    assert!(subjects(&world).is_empty());

    world.sandbox().faults().clear();
    world.run_sync().await;
    assert_eq!(subjects(&world), ["rollcall: changes are held"]);
}

#[tokio::test]
async fn plan_or_a_run_for_one_person_tells_nobody() {
    let world = world_with_leavers().await;
    assert_eq!(world.plan().await.status, RunStatus::Held);
    let one = world.invoke(json!({"sources": ["deel"]})).await;
    assert_eq!(one.status, RunStatus::Held);
    assert!(subjects(&world).is_empty());
    assert_eq!(world.run_sync().await.status, RunStatus::Held);
    assert_eq!(subjects(&world).len(), 1);
}

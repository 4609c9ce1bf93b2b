//! People whom HR no longer lists: absence is not termination until several reads and one of that person say so.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, FaultKind, Stage, Vendor};
use serde_json::{Value, json};
use sync::Outcome;

use crate::{ana, hire_others, world, world_with};

/// A world in which Ana has an account and HR lists her no more; and her record.
async fn world_without_ana(setup: Setup) -> (World, String, Value) {
    let world = world_with(setup).await;
    hire_others(&world, 3);
    let id = world.hire(ana());
    world.run_sync().await;
    let record = world.record_of(&id).into();
    world.deel().remove(&id);
    (world, id, record)
}

#[tokio::test]
async fn missing_person_is_suspended_after_two_complete_reads_and_one_of_that_person() {
    let (world, id, _) = world_without_ana(Setup::new()).await;

    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["missing"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");

    world.forget_requests();
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    let asked = world.sandbox().requests().all().into_iter();
    let of_that_person = asked.filter(|request| request.path.contains(&id));
    assert_eq!(
        of_that_person
            .filter(|request| request.status == Some(404))
            .count(),
        1
    );
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn missing_person_whom_hr_still_knows_stays() {
    let (world, id, record) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    let deel = world.deel();
    let back = move || {
        deel.hire(record.clone());
    };
    world.fault(Fault::run(Vendor::Deel, back).path(&id));

    let report = world.run_sync().await;

    assert_eq!(report.warned_about(&id), ["missing_but_there"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn missing_person_is_read_alone_at_most_once_a_day() {
    let (world, id, record) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    let (deel, again) = (world.deel(), world.deel());
    let person = id.clone();
    let back = move || {
        deel.hire(record.clone());
    };
    world.fault(Fault::run(Vendor::Deel, back).path(&id));
    let gone = move || {
        again.remove(&person);
    };
    world.fault(Fault::run(Vendor::Deel, gone).path(&id).after_effect());
    world.run_sync().await;

    world.forget_requests();
    let report = world.run_sync().await;

    let asked = world.sandbox().requests().all().into_iter();
    assert_eq!(
        asked.filter(|request| request.path.contains(&id)).count(),
        0
    );
    assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn missing_person_whose_own_read_fails_stays() {
    let (world, id, _) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    world.fault(Fault::status(Vendor::Deel, 501).path(&id));
    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["missing_unconfirmed"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;
}

#[tokio::test]
async fn person_listed_again_starts_anew() {
    let (world, id, record) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    world.deel().hire(record);
    world.run_sync().await;
    world.settled().await;
    world.deel().remove(&id);
    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["missing"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
}

#[tokio::test]
async fn person_suspended_for_being_missing_comes_back_with_the_record() {
    let (world, id, record) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.deel().hire(record);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 4);
    world.settled().await;
}

#[tokio::test]
async fn incomplete_read_does_not_count_as_one_without_the_person() {
    let (world, id, _) = world_without_ana(Setup::new()).await;
    world.run_sync().await;
    world.fault(Fault::new(Vendor::Deel, FaultKind::WrongTotal { by: 1 }).always());
    for _ in 0..2 {
        let report = world.run_sync().await;
        assert_eq!(report.warnings_of("source_incomplete"), 1);
        assert_eq!(world.state_of(&id).await, "ACTIVATED");
    }
    world.settled().await;
}

#[tokio::test]
async fn missing_people_are_held_or_ignored_where_that_is_wanted() {
    for (setting, held) in [("hold", true), ("ignore", false)] {
        let setup = Setup::new().source(&format!("missing = \"{setting}\""));
        let (world, id, _) = world_without_ana(setup).await;
        world.run_sync().await;
        let report = world.run_sync().await;
        assert_eq!(report.held_class("missing").is_some(), held, "{setting}");
        assert_eq!(world.state_of(&id).await, "ACTIVATED", "{setting}");
        world.settled().await;
    }
}

/// A world in which HR merged Ana's profile into another with the same work e-mail; and that one's id.
async fn world_with_merged_profiles() -> (World, String) {
    let world = world().await;
    hire_others(&world, 3);
    let old = world.hire(ana());
    world.run_sync().await;
    world.deel().remove(&old);
    let surviving = world.hire(ana());
    (world, surviving)
}

fn user_of_ana(world: &World) -> Value {
    world
        .jumpcloud()
        .user_by_username("ana.souza")
        .unwrap_or_default()
}

#[tokio::test]
async fn profile_merged_into_another_with_the_same_email_suspends_nobody() {
    let (world, _) = world_with_merged_profiles().await;
    for _ in 0..3 {
        world.run_sync().await;
    }
    assert_eq!(user_of_ana(&world)["state"], "ACTIVATED");
    assert_eq!(world.jumpcloud().users().len(), 4);
    assert_eq!(world.invitations().len(), 4);
    world.settled().await;
}

#[tokio::test]
async fn profile_that_survived_a_merge_gets_the_same_account_once_that_is_approved() {
    let (world, surviving) = world_with_merged_profiles().await;
    let user = user_of_ana(&world);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&surviving), Outcome::Held);
    let digest = &report.held_class("adopt").unwrap().digest;

    let report = world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(report.outcome_of(&surviving), Outcome::Adopted);
    assert_eq!(world.user_of(&surviving).await["_id"], user["_id"]);
    world.run_sync().await;
    assert_eq!(world.links().await.len(), 4);
    world.settled().await;

    let left = ana().stage(Stage::Inactive(world.days_ago(2)));
    world.change(&surviving, &left);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&surviving), Outcome::Suspended);
    assert_eq!(world.jumpcloud().users().len(), 4);
    assert_eq!(world.invitations().len(), 4);
    world.settled().await;
}

//! Leavers: access ends with the last day, and comes back only where we took it.

use e2e::{Reading, Setup, World};
use sandbox::Stage;
use serde_json::json;
use sync::{Outcome, RunStatus};

use crate::{ana, world, world_with_ana};

#[tokio::test]
async fn person_whose_last_day_is_over_is_suspended() {
    for stage in [Stage::Offboarding, Stage::Inactive] {
        let (world, id) = world_with_ana(Setup::new()).await;
        world.change(&id, &ana().stage(stage(world.days_ago(2))));

        let report = world.run_sync().await;

        assert_eq!(report.outcome_of(&id), Outcome::Suspended);
        let user = world.user_of(&id).await;
        assert_eq!(user["state"], "SUSPENDED");
        assert_eq!(user["suspended"], true);
        assert_eq!(world.jumpcloud().users().len(), 1);
        world.settled().await;
    }
}

#[tokio::test]
async fn person_whose_last_day_is_to_come_stays_whatever_the_status() {
    for stage in [Stage::Offboarding, Stage::Inactive] {
        let (world, id) = world_with_ana(Setup::new()).await;
        world.change(&id, &ana().stage(stage(world.in_days(2))));
        world.settled().await;
        assert_eq!(world.state_of(&id).await, "ACTIVATED");
    }
}

#[tokio::test]
async fn now_suspends_the_one_person_whose_last_day_is_to_come() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let other = world.hire(sandbox::Profile::new("Otto", "Other"));
    world.change(&id, &ana().stage(Stage::Offboarding(world.in_days(20))));
    world.run_sync().await;

    let report = world.invoke(json!({"people": [id], "now": true})).await;

    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    assert_eq!(world.state_of(&other).await, "ACTIVATED");
}

#[tokio::test]
async fn person_suspended_now_stays_so_in_the_next_hour() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Offboarding(world.in_days(20))));
    world.invoke(json!({"people": [id], "now": true})).await;
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
}

#[tokio::test]
async fn person_suspended_now_comes_back_when_hr_says_they_stay() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Offboarding(world.in_days(20))));
    world.invoke(json!({"people": [id], "now": true})).await;
    world.settled().await;
    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn now_does_nothing_to_somebody_who_is_not_leaving() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let report = world.invoke(json!({"people": [id], "now": true})).await;
    assert_eq!(report.code_of(&id), "not_leaving");
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn grace_days_and_ignored_leavers_keep_access() {
    for setting in ["grace_days = 10", "leavers = \"ignore\""] {
        let (world, id) = world_with_ana(Setup::new().source(setting)).await;
        world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(3))));
        world.settled().await;
        assert_eq!(world.state_of(&id).await, "ACTIVATED", "{setting}");
    }
}

#[tokio::test]
async fn leaver_who_never_had_an_account_gets_none() {
    let world = world().await;
    world.hire(ana().stage(Stage::Inactive(world.days_ago(30))));
    world.run_sync().await;
    world.settled().await;
    assert!(world.jumpcloud().users().is_empty());
}

#[tokio::test]
async fn rehired_person_gets_the_same_account_back_without_another_mail() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    leave_and_sync(&world, &id).await;

    world.change(&id, &ana().starting(world.days_ago(2)));
    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.user_of(&id).await["_id"], user["_id"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn rehired_person_is_invited_again_where_that_is_wanted() {
    let (world, id) = world_with_ana(Setup::new().source("reinvite = true")).await;
    leave_and_sync(&world, &id).await;
    world.change(&id, &ana());
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 2);
    world.settled().await;
}

#[tokio::test]
async fn rehire_waits_for_approval_where_that_is_wanted() {
    let (world, id) = world_with_ana(Setup::new().source("rehires = \"hold\"")).await;
    leave_and_sync(&world, &id).await;
    world.change(&id, &ana());

    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Held);
    let held = report.held_class("reactivate").unwrap();
    assert_eq!(held.limit.rule, "policy");
    world.settled().await;

    let report = world.invoke(json!({"approve": [held.digest]})).await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    world.settled().await;
}

#[tokio::test]
async fn person_suspended_by_hand_stays_suspended() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.suspend_by_hand(&id).await;
    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["suspended_elsewhere"]);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn suspension_that_an_admin_repeated_is_no_longer_ours_to_undo() {
    let (world, id) = world_with_ana(Setup::new()).await;
    leave_and_sync(&world, &id).await;
    let active = json!({"state": "ACTIVATED", "suspended": false});
    world.edit_user_of(&id, active).await;
    world.change(&id, &ana());
    world.run_sync().await;
    world.settled().await;

    world.suspend_by_hand(&id).await;
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
}

#[tokio::test]
async fn withdrawn_offer_is_suspended_and_stays_so_until_the_start() {
    let world = world().await;
    let offer = ana().starting(world.in_days(10));
    let id = world.hire(offer.clone().stage(Stage::Onboarding));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "STAGED");

    world.change(
        &id,
        &offer.clone().stage(Stage::Inactive(world.days_ago(2))),
    );
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;

    world.change(&id, &offer.stage(Stage::Onboarding));
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");

    world.change(&id, &ana().starting(world.days_ago(2)));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.invitations(), ["ana.souza@mail.example"]);
    world.settled().await;
}

#[tokio::test]
async fn user_deleted_in_jumpcloud_is_not_made_again_by_itself() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    world.jumpcloud().delete(user["_id"].as_str().unwrap());
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "user_deleted");
    assert!(world.jumpcloud().users().is_empty());
    world.settled().await;
}

async fn leave_and_sync(world: &World, id: &str) {
    world.change(id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.run_sync().await;
    assert_eq!(world.state_of(id).await, "SUSPENDED");
}

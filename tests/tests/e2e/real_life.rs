//! What happens to people: second contracts, second profiles, offers that come to nothing, leave.

use e2e::{Reading, Setup, World};
use sandbox::{Profile, Stage};
use serde_json::json;
use sync::Outcome;

use crate::{ana, hire_others, world, world_with, world_with_ana};

const WORK: &str = "ana.souza@northlight.example";

/// Ana between two contracts, each some days from today.
fn between(world: &World) -> Profile {
    let next = ana().stage(Stage::Onboarding).starting(world.in_days(4));
    next.contractor_until(world.days_ago(4))
}

#[tokio::test]
async fn days_between_two_contracts_are_days_without_access() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &between(&world));

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;

    let begun = ana().starting(world.days_ago(2));
    world.change(&id, &begun.contractor_until(world.days_ago(8)));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn grace_days_carry_somebody_over_to_the_next_contract() {
    let (world, id) = world_with_ana(Setup::new().source("grace_days = 14")).await;
    world.change(&id, &between(&world));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn newcomer_who_was_here_before_waits_staged_for_the_new_contract() {
    let world = world().await;
    let id = world.hire(between(&world));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert!(world.invitations().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn rehire_under_a_new_id_gets_the_old_account_back_by_an_admins_hand_alone() {
    let (world, old) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&old).await;
    world.change(&old, &ana().stage(Stage::Inactive(world.days_ago(30))));
    world.run_sync().await;
    let new = world.hire(ana().starting(world.days_ago(2)));

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&new), Outcome::Skipped);
    assert_eq!(report.code_of(&new), "email_held");
    assert_eq!(world.state_of(&old).await, "SUSPENDED");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;

    let identifier = json!({ "employeeIdentifier": new });
    world.edit_user_of(&old, identifier).await;
    world.rollcall(&["release", &old]).await;
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&new), Outcome::Adopted);
    assert_eq!(report.warned_about(&new), ["suspended_elsewhere"]);
    assert_eq!(world.user_of(&new).await["_id"], user["_id"]);
    assert_eq!(world.state_of(&new).await, "SUSPENDED");
    world.settled().await;

    let active = json!({"state": "ACTIVATED", "suspended": false});
    world.edit_user_of(&new, active).await;
    world.settled().await;
}

#[tokio::test]
async fn second_profile_that_hr_merges_into_the_first_changes_nothing_but_the_contract() {
    let (world, first) = world_with_ana(Setup::new()).await;
    let second = world.hire(ana().hiring_type("eor"));
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&second), "duplicate_email");
    world.settled().await;

    world.deel().remove(&second);
    world.change(
        &first,
        &ana().hiring_type("eor").contractor_until(world.days_ago(3)),
    );
    let report = world.run_sync().await;
    assert_eq!(report.changed(&first), ["employeeType"]);
    assert_eq!(world.state_of(&first).await, "ACTIVATED");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn offer_that_vanishes_from_hr_leaves_a_suspended_user_and_is_told() {
    let world = world().await;
    hire_others(&world, 3);
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "STAGED");
    world.deel().remove(&id);

    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["missing"]);
    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(report.code_of(&id), "missing");
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    assert_eq!(world.jumpcloud().users().len(), 4);
    world.settled().await;
}

#[tokio::test]
async fn offer_that_is_negotiated_anew_keeps_its_account_without_access() {
    let world = world().await;
    let offer = ana().starting(world.days_ago(2));
    let id = world.hire(
        offer
            .clone()
            .stage(Stage::Onboarding)
            .starting(world.in_days(3)),
    );
    world.run_sync().await;
    world.change(&id, &offer.stage(Stage::Draft));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "STAGED");
    world.settled().await;
}

#[tokio::test]
async fn leave_of_absence_is_not_leaving() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let expected_back = format!("{}T00:00:00.000Z", world.in_days(200));
    let leave = json!({"type": "parental", "start_date": "2026-01-01", "end_date": expected_back});
    world.change(&id, &ana().with("time_off", leave));
    world.settled().await;

    // A word that nobody knows changes nothing, and is told.
    let unknown = "on_parental_leave";
    let away = ana()
        .with("hiring_status", unknown)
        .with("new_hiring_status", unknown);
    world.change(&id, &away);
    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["status_unclear"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn work_email_of_a_leaver_is_a_joiners_once_an_admin_has_freed_it() {
    let (world, leaver) = world_with_ana(Setup::new()).await;
    world.change(&leaver, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.run_sync().await;
    let joiner = world.hire(Profile::new("Ana", "Souza").work_email(Some(WORK)));
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&joiner), "email_held");

    let freed = json!({"email": "ana.souza.left@northlight.example"});
    world.edit_user_of(&leaver, freed).await;
    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&joiner), Outcome::Created);
    assert_eq!(world.username_of(&joiner).await, "ana.souza1");
    assert_eq!(world.state_of(&leaver).await, "SUSPENDED");
    assert_eq!(world.jumpcloud().users().len(), 2);
    world.settled().await;
}

#[tokio::test]
async fn name_of_a_leaver_whose_user_was_deleted_is_given_again_only_where_that_is_wanted() {
    for (setting, expected) in [("\"never\"", "ana.souza1"), ("0", "ana.souza")] {
        let section = format!("[username]\nreuse_after_days = {setting}");
        let world = world_with(Setup::new().section(&section)).await;
        let leaver = world.hire(ana());
        world.run_sync().await;
        world.change(&leaver, &ana().stage(Stage::Inactive(world.days_ago(2))));
        world.run_sync().await;
        let user = world.user_of(&leaver).await;
        world.jumpcloud().delete(user["_id"].as_str().unwrap());
        let other = Profile::new("Ana", "Souza").work_email(Some("ana.two@northlight.example"));
        let namesake = world.hire(other);
        world.run_sync().await;
        assert_eq!(world.username_of(&namesake).await, expected, "{setting}");
        world.settled().await;
    }
}

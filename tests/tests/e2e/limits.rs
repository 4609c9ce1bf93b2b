//! Limits: too many changes of a class are held until somebody approves them, and nothing else is.

use e2e::{Reading, Setup, World};
use sandbox::{Profile, Stage};
use serde_json::json;
use sync::{Outcome, PersonRow, RunStatus};

use crate::{hire_others, world, world_with};

/// A world with so many employed people, all with accounts.
async fn world_of(count: usize) -> (World, Vec<(String, Profile)>) {
    let world = world().await;
    let hired = hire_others(&world, count);
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), count);
    (world, hired)
}

fn leave(world: &World, people: &[(String, Profile)]) {
    for (id, profile) in people {
        let stage = Stage::Inactive(world.days_ago(2));
        world.change(id, &profile.clone().stage(stage));
    }
}

fn suspended(world: &World) -> usize {
    let users = world.jumpcloud().users().into_iter();
    users.filter(|user| user["state"] == "SUSPENDED").count()
}

#[tokio::test]
async fn more_leavers_than_the_limit_are_all_held_while_joiners_go_through() {
    let (world, people) = world_of(6).await;
    leave(&world, &people[..4]);
    let joiner = world.hire(Profile::new("Jo", "Joiner"));

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(report.count(Outcome::Held), 4);
    assert_eq!(report.outcome_of(&joiner), Outcome::Created);
    assert_eq!(suspended(&world), 0);
    // Whoever approves it sees why.
    let why = format!(
        "held until approved: suspend; the last day was {}",
        world.days_ago(2)
    );
    let told = |row: &&PersonRow| row.reason.as_deref() == Some(why.as_str());
    assert_eq!(report.people.iter().filter(told).count(), 4);
    let held = report.held_class("suspend").unwrap();
    assert_eq!(
        (held.count, held.limit.rule.as_str(), held.limit.value),
        (4, "percent", 5)
    );
    world.settled().await;

    let report = world.invoke(json!({"approve": [held.digest]})).await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.count(Outcome::Suspended), 4);
    assert_eq!(suspended(&world), 4);
    world.settled().await;
}

#[tokio::test]
async fn leavers_are_counted_over_a_day_however_many_runs_they_are_spread_over() {
    let (world, people) = world_of(6).await;
    leave(&world, &people[..3]);
    world.run_sync().await;
    assert_eq!(suspended(&world), 3);
    leave(&world, &people[3..4]);

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(suspended(&world), 3);
    world.settled().await;
}

#[tokio::test]
async fn held_rename_does_not_hold_the_new_title_of_the_same_person() {
    let setup = Setup::new().section("[limits]\nrename = { max = 0 }");
    let world = world_with(setup).await;
    let profile = Profile::new("Mo", "Mover");
    let id = world.hire(profile.clone());
    world.run_sync().await;
    let moved = profile.work_email(Some("mo.moved@northlight.example"));
    world.change(&id, &moved.job_title("Principal"));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Held);
    let user = world.user_of(&id).await;
    assert_eq!(user["jobTitle"], "Principal");
    assert_eq!(user["email"], "mo.mover@northlight.example");
    world.settled().await;

    let digest = &report.held_class("rename").unwrap().digest;
    world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(
        world.user_of(&id).await["email"],
        "mo.moved@northlight.example"
    );
    world.settled().await;
}

#[tokio::test]
async fn creations_are_held_where_a_limit_says_so() {
    let setup = Setup::new().section("[limits]\ncreate = { max = 2 }");
    let world = world_with(setup).await;
    hire_others(&world, 3);
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Held), 3);
    assert!(world.jumpcloud().users().is_empty());
    assert!(world.links().await.is_empty());
    world.settled().await;

    let digest = &report.held_class("create").unwrap().digest;
    let plan_digest = &report.plan_digest;
    assert_ne!(digest, plan_digest);
    let report = world.invoke(json!({"approve": [plan_digest]})).await;
    assert_eq!(report.count(Outcome::Created), 3);
    world.settled().await;
}

#[tokio::test]
async fn approved_class_digest_of_creations_creates_whole_accounts() {
    let setup = Setup::new().section("[limits]\ncreate = { max = 0 }");
    let world = world_with(setup).await;
    let id = world.hire(Profile::new("Jo", "Joiner"));
    let report = world.run_sync().await;
    let digest = &report.held_class("create").unwrap().digest;
    let report = world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn source_that_lists_half_of_its_people_holds_every_suspension() {
    let (world, people) = world_of(24).await;
    leave(&world, &people[..1]);
    for (id, _) in &people[12..] {
        world.deel().remove(id);
    }

    for _ in 0..3 {
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Held);
        let held = report.held_class("suspend").unwrap();
        assert_eq!(held.limit.rule, "shrink");
        assert_eq!(suspended(&world), 0);
    }
    world.settled().await;
}

#[tokio::test]
async fn one_attribute_emptied_for_many_at_once_is_held() {
    let setup = Setup::new().source("[source.attributes]\njobTitle = { blank = \"clear\" }");
    let world = world_with(setup).await;
    let people = hire_others(&world, 6);
    world.run_sync().await;
    for (id, profile) in people {
        world.change(&id, &profile.job_title(""));
    }
    let report = world.run_sync().await;
    assert_eq!(report.held_class("blank").unwrap().count, 6);
    assert!(
        world
            .jumpcloud()
            .users()
            .iter()
            .all(|user| user["jobTitle"] == "Engineer")
    );
    world.settled().await;
}

//! Values that only one person can have: who claims what twice is told so, and nobody else is held up.

use e2e::{Reading, Setup};
use sandbox::{Fault, Profile, Stage, Vendor};
use serde_json::json;
use sync::{Outcome, RunStatus};

use crate::{ana, world, world_with, world_with_ana};

const WORK: &str = "ana.souza@northlight.example";

#[tokio::test]
async fn two_people_with_one_work_email_get_no_account_and_others_do() {
    let world = world().await;
    let first =
        world.hire(Profile::new("Desk", "Mornings").work_email(Some("desk@northlight.example")));
    let second =
        world.hire(Profile::new("Desk", "Evenings").work_email(Some("DESK@northlight.example")));
    let other = world.hire(ana());

    let report = world.run_sync().await;

    assert_eq!(report.code_of(&first), "duplicate_email");
    assert_eq!(report.code_of(&second), "duplicate_email");
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn two_people_with_one_employee_id_get_no_account_and_no_later_one_does() {
    let world = world_with(Setup::new().humaans()).await;
    let named = |first: &str| Profile::new(first, "Twice").with("employeeId", "E-1");
    let first = world.hire_in_humaans(&named("Ida"));
    let second = world.hire_in_humaans(&named("Ivo"));

    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Applied);
    for id in [&first, &second] {
        assert_eq!(report.code_of(id), "duplicate_employee_id");
    }
    world.settled().await;

    world.change(&second, &named("Ivo").with("employeeId", "E-2"));
    world.run_sync().await;
    let third = world.hire_in_humaans(&named("Ina"));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&third), Outcome::Skipped);
    assert_eq!(world.jumpcloud().users().len(), 2);
    world.settled().await;
}

#[tokio::test]
async fn employee_id_of_somebody_elses_user_is_held_where_it_recognises_nobody() {
    let world = world_with(Setup::new().source("adopt = [\"email\"]")).await;
    let id = world.hire(ana());
    world.jumpcloud().add(
        json!({"username": "someone", "email": "someone@corp.example", "employeeIdentifier": id}),
    );
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "employee_id_held");
    assert!(world.jumpcloud_writes().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn person_with_an_account_keeps_the_email_that_a_newcomer_also_has() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let newcomer = world.hire(Profile::new("Nora", "Newcomer").work_email(Some(WORK)));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
    assert_eq!(report.code_of(&newcomer), "duplicate_email");
    world.settled().await;
}

#[tokio::test]
async fn email_of_somebody_elses_user_is_not_given_to_a_newcomer() {
    let world = world().await;
    let owner = world.hire(Profile::new("Olga", "Owner"));
    world
        .jumpcloud()
        .add(json!({"username": "olga", "email": WORK, "employeeIdentifier": owner}));
    world.run_sync().await;
    let newcomer = world.hire(ana());

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&newcomer), Outcome::Skipped);
    assert_eq!(report.code_of(&newcomer), "email_held");
    world.settled().await;
}

#[tokio::test]
async fn email_of_a_user_whom_nobody_may_adopt_is_held() {
    let world = world_with(Setup::new().source("adopt = [\"employeeIdentifier\"]")).await;
    world
        .jumpcloud()
        .add(json!({"username": "someone", "email": WORK}));
    let id = world.hire(ana());
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "email_held");
    assert!(world.jumpcloud_writes().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn user_whom_two_people_claim_goes_to_neither() {
    let world = world().await;
    let by_id = world.hire(Profile::new("Ida", "Identifier"));
    let by_email = world.hire(ana());
    world
        .jumpcloud()
        .add(json!({"username": "someone", "email": WORK, "employeeIdentifier": by_id}));

    let report = world.run_sync().await;

    assert_eq!(report.code_of(&by_id), "claimed_twice");
    assert_eq!(report.code_of(&by_email), "claimed_twice");
    assert!(world.jumpcloud_writes().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn new_email_that_another_user_has_is_left_as_it_is() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world
        .jumpcloud()
        .add(json!({"username": "someone", "email": "wanted@northlight.example"}));
    let moved = ana().work_email(Some("wanted@northlight.example"));
    world.change(&id, &moved.job_title("Principal"));

    let report = world.run_sync().await;

    assert_eq!(report.changed(&id), ["jobTitle"]);
    assert_eq!(report.warned_about(&id), ["email_held"]);
    assert_eq!(world.user_of(&id).await["email"], WORK);
    world.settled().await;
}

#[tokio::test]
async fn email_that_another_organisation_has_is_told_as_refused() {
    let world = world().await;
    world.jumpcloud().taken_elsewhere(WORK);
    let id = world.hire(ana());
    let other = world.hire(Profile::new("Otto", "Other"));

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.code_of(&id), "refused");
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn user_made_by_somebody_else_meanwhile_is_told_and_not_taken() {
    for conflicts in [false, true] {
        let world = world().await;
        world
            .jumpcloud()
            .rules(|rules| rules.duplicates_conflict = conflicts);
        let id = world.hire(ana());
        let jumpcloud = world.jumpcloud();
        let made = move || {
            jumpcloud.add(json!({"username": "someone", "email": WORK}));
        };
        world.fault(
            Fault::run(Vendor::JumpCloud, made)
                .method("POST")
                .path("/systemusers"),
        );

        let report = world.run_sync().await;

        assert_eq!(report.outcome_of(&id), Outcome::Failed);
        assert_eq!(report.code_of(&id), "email_held");
        assert!(world.find_user_of(&id).await.is_none());
        assert_eq!(world.jumpcloud().users().len(), 1);
        assert!(world.invitations().is_empty());

        world.run_sync().await;
        world.settled().await;
        assert_eq!(world.jumpcloud().users().len(), 1);
    }
}

#[tokio::test]
async fn username_taken_by_somebody_else_meanwhile_becomes_the_next_free_one() {
    let world = world().await;
    let id = world.hire(ana());
    let jumpcloud = world.jumpcloud();
    let made = move || {
        jumpcloud.add(json!({"username": "ana.souza", "email": "other@northlight.example"}));
    };
    world.fault(
        Fault::run(Vendor::JumpCloud, made)
            .method("POST")
            .path("/systemusers"),
    );

    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "username_held");

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.username_of(&id).await, "ana.souza1");
    world.settled().await;
}

#[tokio::test]
async fn people_who_cannot_be_mapped_are_skipped_with_the_reason_and_others_go_on() {
    let world = world().await;
    let long = format!("{}@northlight.example", "x".repeat(1024));
    let table = [
        (
            Profile::new("Noel", "Mailless").work_email(None),
            "no_work_email",
        ),
        (
            Profile::new("Nina", "Nomail").work_email(Some("not an address")),
            "work_email_invalid",
        ),
        (
            Profile::new("Lola", "Longmail").work_email(Some(&long)),
            "work_email_too_long",
        ),
        (
            Profile::new("Ida", "Unreadable").with("first_name", json!({"not": "text"})),
            "record_unreadable",
        ),
    ];
    let other = world.hire(ana());
    let hired = table.map(|(profile, code)| (world.hire(profile), code));

    let report = world.run_sync().await;

    for (id, code) in hired {
        assert_eq!(report.outcome_of(&id), Outcome::Skipped, "{code}");
        assert_eq!(report.code_of(&id), code);
    }
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    assert_eq!(report.total(), 5);
    world.settled().await;
}

#[tokio::test]
async fn email_that_passes_from_a_leaver_to_a_joiner_does_not_hand_over_the_account() {
    let (world, leaver) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&leaver).await;
    world.change(&leaver, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.run_sync().await;
    let joiner = world.hire(Profile::new("Ana", "Successor").work_email(Some(WORK)));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&joiner), Outcome::Skipped);
    assert_eq!(report.code_of(&joiner), "email_held");
    assert_eq!(world.user_of(&leaver).await["_id"], user["_id"]);
    assert_eq!(world.state_of(&leaver).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn user_deleted_while_the_run_is_at_it_is_told() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let other = world.hire(Profile::new("Otto", "Other"));
    world.change(&id, &ana().job_title("Principal"));
    let user = world.user_of(&id).await;
    let jumpcloud = world.jumpcloud();
    let gone = move || {
        jumpcloud.delete(user["_id"].as_str().unwrap());
    };
    world.fault(Fault::run(Vendor::JumpCloud, gone).method("PUT"));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Failed);
    assert_eq!(report.code_of(&id), "user_deleted");
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    world.settled().await;
}

#[tokio::test]
async fn person_of_two_sources_belongs_to_the_first_of_the_configuration() {
    let world = world_with(Setup::new().second_source("mirror")).await;
    let id = world.hire(ana());
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), 1);
    assert_eq!(report.count(Outcome::Skipped), 1);
    assert_eq!(world.username_of(&id).await, "ana.souza");
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

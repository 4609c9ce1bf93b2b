//! Joiners: an account for everyone who should have one, and one mail to say so.

use e2e::{Reading, Setup};
use jiff::SignedDuration;
use sandbox::{Fault, Profile, Stage, Vendor};
use serde_json::Value;
use sync::{Outcome, RunStatus};

use crate::{ana, world, world_with};

const WORK: &str = "ana.souza@northlight.example";
const PERSONAL: &str = "ana.souza@mail.example";

#[tokio::test]
async fn employed_person_is_created_staged_and_then_activated() {
    let world = world().await;
    let id = world.hire(ana());

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(
        world.jumpcloud_writes(),
        ["POST systemusers", "POST systemusers/{id}/state/activate"]
    );
    let user = world.user_of(&id).await;
    assert_eq!(user["username"], "ana.souza");
    assert_eq!(user["email"], WORK);
    assert_eq!(user["alternateEmail"], PERSONAL);
    assert_eq!(user["state"], "ACTIVATED");
    assert_eq!(user["suspended"], false);
    assert_eq!(user["employeeIdentifier"], Value::from(id));
    assert_eq!(world.invitations(), [PERSONAL]);
    world.settled().await;
}

#[tokio::test]
async fn invitation_goes_to_the_work_address_of_somebody_without_a_personal_one() {
    let world = world().await;
    world.hire(ana().personal_email(None));
    world.run_sync().await;
    assert_eq!(world.invitations(), [WORK]);
    world.settled().await;
}

#[tokio::test]
async fn invitation_goes_to_the_work_address_when_the_personal_one_is_refused() {
    let world = world().await;
    world.jumpcloud().refuse_mail_to(PERSONAL);
    let id = world.hire(ana());

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.invitations(), [WORK]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn personal_address_that_is_none_holds_nobody_up() {
    let world = world().await;
    let id = world.hire(ana().personal_email(Some("see the contract")));

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert!(report.warnings.iter().any(|w| w.code == "value_invalid"));
    assert_eq!(world.user_of(&id).await["alternateEmail"], "");
    assert_eq!(world.invitations(), [WORK]);
    world.settled().await;
}

#[tokio::test]
async fn person_whom_no_mail_reaches_stays_staged_and_is_told() {
    let world = world().await;
    world.jumpcloud().refuse_mail_to(PERSONAL);
    world.jumpcloud().refuse_mail_to(WORK);
    let id = world.hire(ana());

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.code_of(&id), "not_activated");
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn invitation_goes_where_the_configuration_says() {
    for (setting, expected) in [("work", vec![WORK]), ("never", vec![])] {
        let world = world_with(Setup::new().source(&format!("invite = \"{setting}\""))).await;
        let id = world.hire(ana());
        world.run_sync().await;
        assert_eq!(world.invitations(), expected, "{setting}");
        assert_eq!(world.state_of(&id).await, "ACTIVATED", "{setting}");
        world.settled().await;
    }
}

#[tokio::test]
async fn account_of_a_pre_hire_waits_staged_until_the_employment_begins() {
    let world = world().await;
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert!(world.invitations().is_empty());
    world.settled().await;

    world.change(&id, &ana().starting(world.days_ago(2)));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Activated);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations(), [PERSONAL]);
    world.settled().await;
}

#[tokio::test]
async fn activation_that_an_admin_scheduled_is_left_to_that_schedule() {
    let world = world().await;
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));
    world.run_sync().await;
    let later = world.sandbox().clock().now() + SignedDuration::from_hours(5 * 24);
    let user_id = world.user_of(&id).await["_id"].clone();
    assert!(
        world
            .jumpcloud()
            .schedule_activation(user_id.as_str().unwrap(), later)
    );
    world.change(&id, &ana().starting(world.days_ago(2)));

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
    assert_eq!(report.warnings_of("activation_scheduled"), 1);
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert!(world.invitations().is_empty());
    world.settled().await;

    world
        .sandbox()
        .clock()
        .advance(SignedDuration::from_hours(6 * 24));
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn nobody_is_activated_while_jumpcloud_does_not_tell_its_schedules() {
    let world = world().await;
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));
    world.run_sync().await;
    world.change(
        &id,
        &ana().starting(world.days_ago(2)).job_title("Principal"),
    );
    world.fault(Fault::status(Vendor::JumpCloud, 403).path("/bulk/userstates"));

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    assert_eq!(report.warnings_of("schedule_unreadable"), 1);
    assert_eq!(world.state_of(&id).await, "STAGED");

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Activated);
    assert_eq!(world.invitations(), [PERSONAL]);
    world.settled().await;
}

#[tokio::test]
async fn pre_hire_whose_first_day_has_begun_is_activated_on_that_day() {
    let world = world().await;
    let id = world.hire(
        ana()
            .stage(Stage::OnboardingOverdue)
            .starting(world.days_ago(2)),
    );
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn activation_at_once_still_waits_for_the_employment() {
    let world = world_with(Setup::new().source("activate = \"immediately\"")).await;
    let early = Profile::new("Early", "Starter").starting(world.in_days(10));
    let employed = world.hire(early);
    let pre_hire = world.hire(ana().stage(Stage::Onboarding).starting(world.days_ago(2)));

    world.run_sync().await;

    assert_eq!(world.state_of(&employed).await, "ACTIVATED");
    assert_eq!(world.state_of(&pre_hire).await, "STAGED");
    world.settled().await;
}

#[tokio::test]
async fn activation_can_be_left_to_an_admin() {
    let world = world_with(Setup::new().source("activate = \"never\"")).await;
    let id = world.hire(ana());
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert!(world.invitations().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn account_is_made_no_earlier_than_the_configured_days_before_the_start() {
    let world = world_with(Setup::new().source("provision_days_before = 5")).await;
    let soon = Profile::new("Sunny", "Soon").starting(world.in_days(3));
    let late = Profile::new("Lara", "Later").starting(world.in_days(9));
    let soon = world.hire(soon.stage(Stage::Onboarding));
    let late = world.hire(late.stage(Stage::Onboarding));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&soon), Outcome::Created);
    assert_eq!(report.outcome_of(&late), Outcome::Unchanged);
    assert_eq!(world.state_of(&soon).await, "STAGED");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn nobody_gets_an_account_before_hr_is_firm() {
    let world = world().await;
    let soon = world.in_days(10);
    world.hire(
        Profile::new("Dora", "Draft")
            .stage(Stage::Draft)
            .starting(soon),
    );
    world.hire(
        Profile::new("Percy", "Pending")
            .stage(Stage::PendingInvite)
            .starting(soon),
    );
    world.hire(Profile::new("Conrad", "Tractless").hiring_type("person_without_contract"));
    let dateless = Profile::new("Desi", "Dateless").stage(Stage::Onboarding);
    let dateless = world.hire(
        dateless
            .with("start_date", Value::Null)
            .with("employments", Value::Array(Vec::new())),
    );

    let report = world.run_sync().await;

    assert_eq!(report.code_of(&dateless), "no_start_date");
    assert_eq!(report.count(Outcome::Unchanged), 3);
    assert!(world.jumpcloud().users().is_empty());
    world.settled().await;
}

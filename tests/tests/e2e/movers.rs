//! Movers: what changes in HR changes in JumpCloud, that and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::{Reading, Setup};
use sandbox::{Fault, Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::Outcome;

use crate::{ana, hire_others, world, world_with, world_with_ana};

#[tokio::test]
async fn new_title_is_one_write_of_that_attribute_alone() {
    let (world, id) = world_with_ana(Setup::new()).await;
    hire_others(&world, 2);
    world.run_sync().await;
    let unchanged = world.run_sync().await;
    world.change(&id, &ana().job_title("Principal"));
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    world.fault(
        Fault::run(Vendor::JumpCloud, move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .method("PUT")
        .body(r#"{"jobTitle":"Principal"}"#),
    );
    world.forget_requests();

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    assert_eq!(report.changed(&id), ["jobTitle"]);
    assert_eq!(world.jumpcloud_writes(), ["PUT systemusers/{id}"]);
    assert_eq!(
        seen.load(Ordering::Relaxed),
        1,
        "the body is more than that"
    );
    assert!(report.calls.dynamodb <= unchanged.calls.dynamodb + 2);
    assert_eq!(report.calls.jumpcloud, unchanged.calls.jumpcloud + 1);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Principal");
    world.settled().await;
}

#[tokio::test]
async fn new_work_email_renames_the_same_user() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let before = world.user_of(&id).await;
    world.change(&id, &ana().work_email(Some("ana.lima@northlight.example")));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Renamed);
    let user = world.user_of(&id).await;
    assert_eq!(user["_id"], before["_id"]);
    assert_eq!(user["email"], "ana.lima@northlight.example");
    assert_eq!(user["username"], "ana.souza");
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
    let by_email = world.invoke(json!({"people": ["ANA.LIMA@northlight.example"]}));
    assert_eq!(by_email.await.total(), 1);
}

#[tokio::test]
async fn new_name_keeps_the_username() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let married = Profile::new("Ana", "Lima")
        .work_email(Some("ana.souza@northlight.example"))
        .personal_email(Some("ana.souza@mail.example"));
    world.change(&id, &married);

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    let user = world.user_of(&id).await;
    assert_eq!(user["lastname"], "Lima");
    assert_eq!(user["displayname"], "Ana Lima");
    assert_eq!(user["username"], "ana.souza");
    world.settled().await;
}

#[tokio::test]
async fn hr_wins_over_an_edit_in_jumpcloud() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world
        .edit_user_of(&id, json!({"department": "Elsewhere"}))
        .await;
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["department"]);
    assert_eq!(world.user_of(&id).await["department"], "Engineering");
    world.settled().await;
}

#[tokio::test]
async fn edit_in_jumpcloud_stays_where_hr_writes_only_its_own_changes() {
    let setup = Setup::new().source("[source.attributes]\njobTitle = { update = \"on_change\" }");
    let (world, id) = world_with_ana(setup).await;
    world.edit_user_of(&id, json!({"jobTitle": "Wizard"})).await;
    world.settled().await;
    assert_eq!(world.user_of(&id).await["jobTitle"], "Wizard");

    world.change(&id, &ana().job_title("Principal"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["jobTitle"]);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Principal");
    world.settled().await;
}

#[tokio::test]
async fn empty_value_in_hr_is_kept_unless_it_shall_be_cleared() {
    for (blank, expected) in [("keep", "Engineer"), ("clear", "")] {
        let rule = format!("[source.attributes]\njobTitle = {{ blank = \"{blank}\" }}");
        let (world, id) = world_with_ana(Setup::new().source(&rule)).await;
        world.change(&id, &ana().job_title(""));
        world.run_sync().await;
        assert_eq!(world.user_of(&id).await["jobTitle"], expected, "{blank}");
        world.settled().await;
    }
}

#[tokio::test]
async fn manager_who_joins_in_the_same_run_comes_first() {
    let world = world().await;
    let lead = world.hire(Profile::new("Lea", "Lead"));
    let id = world.hire(ana().manager(&world.record_of(&lead)));

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Created), 2);
    let manager = world.user_of(&lead).await;
    assert_eq!(world.user_of(&id).await["manager"], manager["_id"]);
    world.settled().await;
}

#[tokio::test]
async fn what_jumpcloud_stores_differently_counts_as_in_step() {
    let world = world_with(Setup::new()).await;
    world
        .jumpcloud()
        .rules(|rules| rules.normalises_spaces = true);
    let spaced = ana().job_title("Senior   Engineer");
    let id = world.hire(spaced.clone());
    world.run_sync().await;
    assert_eq!(world.user_of(&id).await["jobTitle"], "Senior Engineer");
    world.settled().await;

    world.change(&id, &spaced.job_title("Staff    Engineer"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["jobTitle"]);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Staff Engineer");
    world.settled().await;
}

#[tokio::test]
async fn contractor_who_is_employed_has_not_left() {
    let world = world().await;
    let contractor = ana().hiring_type("contractor");
    let id = world.hire(contractor);
    world.run_sync().await;
    let user = world.user_of(&id).await;
    assert_eq!(user["employeeType"], "contractor");

    let employed = ana().contractor_until(world.days_ago(2)).job_title("Lead");
    world.change(&id, &employed.starting(world.days_ago(1)));
    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    let user = world.user_of(&id).await;
    assert_eq!(user["state"], "ACTIVATED");
    assert_eq!(user["employeeType"], "direct_employee");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn two_contracts_are_one_person_until_both_have_ended() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let contracts = |first: Stage, second: Stage| {
        let of = |profile: Profile| profile.to_person()["employments"][0].clone();
        let evening = ana().job_title("Lecturer").starting(world.days_ago(60));
        json!([of(ana().stage(first)), of(evening.stage(second))])
    };
    let over = Stage::Inactive(world.days_ago(2));

    let both = contracts(Stage::Active, Stage::Active);
    world.change(&id, &ana().with("employments", both));
    world.run_sync().await;
    assert_eq!(world.user_of(&id).await["jobTitle"], "Lecturer");

    let one = contracts(Stage::Active, over);
    world.change(&id, &ana().with("employments", one));
    world.run_sync().await;
    let user = world.user_of(&id).await;
    assert_eq!(
        (&user["state"], &user["jobTitle"]),
        (&json!("ACTIVATED"), &json!("Engineer"))
    );
    world.settled().await;

    let none = contracts(over, over);
    world.change(&id, &ana().stage(over).with("employments", none));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn value_that_jumpcloud_cannot_hold_is_left_as_it_is_and_told() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let long = ana().job_title(&"x".repeat(1025));
    world.change(&id, &long.team("Payments"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["costCenter"]);
    assert_eq!(report.warned_about(&id).len(), 1);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Engineer");
    world.settled().await;
}

#[tokio::test]
async fn custom_attribute_and_template_come_from_the_configuration() {
    let attributes = "[source.attributes]\nlocation = { template = \"{city}, {country}\" }\n\
                      \"attributes.hrTeam\" = { from = \"team\" }";
    let (world, id) = world_with_ana(Setup::new().source(attributes)).await;
    let user = world.user_of(&id).await;
    assert_eq!(user["location"], "London, GB");
    assert_eq!(
        user["attributes"],
        json!([{"name": "hrTeam", "value": "Platform"}])
    );
    world.settled().await;

    let other = json!([{"name": "badge", "value": "7"}, {"name": "hrTeam", "value": "Platform"}]);
    world.edit_user_of(&id, json!({"attributes": other})).await;
    world.change(&id, &ana().team("Payments"));
    world.run_sync().await;
    let user = world.user_of(&id).await;
    let attributes = user["attributes"].as_array().unwrap();
    let value = |name: &str| {
        let of_name = |row: &&Value| row["name"] == name;
        attributes
            .iter()
            .find(of_name)
            .map(|row| row["value"].clone())
    };
    assert_eq!(value("badge"), Some(json!("7")));
    assert_eq!(value("hrTeam"), Some(json!("Payments")));
    world.settled().await;
}

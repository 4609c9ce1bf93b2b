//! Scope: whom a source is for, and what becomes of those who no longer belong to it.

use e2e::{Reading, Setup, World};
use sandbox::{Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::{Outcome, RunStatus};

use crate::{ana, world_with, world_with_ana};

const NO_SALES: &str = "exclude = { departments = [\"SALES\"] }";

fn seller() -> Profile {
    ana().department("Sales", None).job_title("Seller")
}

/// A world in which Ana has an account and then goes to Sales, which is out of scope.
async fn world_with_a_seller(more: &str) -> (World, String) {
    let (world, id) = world_with_ana(Setup::new().source(NO_SALES).source(more)).await;
    world.change(&id, &seller());
    (world, id)
}

#[tokio::test]
async fn people_out_of_scope_get_no_account_and_are_counted_without_a_row() {
    let world = world_with(Setup::new().source("include = { countries = [\"gb\"] }")).await;
    let id = world.hire(ana());
    let abroad = Profile::new("Otto", "Abroad").with("country", "DE");
    let abroad = world.hire(abroad);

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(report.count(Outcome::Skipped), 1);
    assert_eq!((report.out_of_scope, report.people.len()), (1, 1));
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;

    let report = world.invoke(json!({"people": [abroad]})).await;
    assert_eq!(report.code_of(&abroad), "out_of_scope");
    let explained = world.rollcall(&["explain", &abroad]).await;
    let why = "`include.countries` does not name the country `DE`";
    assert!(explained.stdout.contains(why), "{}", explained.stdout);
}

#[tokio::test]
async fn account_out_of_scope_is_held_until_approved_and_comes_back_with_the_scope() {
    let (world, id) = world_with_a_seller("").await;

    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(report.outcome_of(&id), Outcome::Held);
    let held = report.held_class("out_of_scope").unwrap();
    assert_eq!((held.count, held.limit.rule.as_str()), (1, "policy"));
    let user = world.user_of(&id).await;
    assert_eq!(
        (&user["state"], &user["jobTitle"]),
        (&json!("ACTIVATED"), &json!("Engineer"))
    );
    world.settled().await;

    let report = world.invoke(json!({"approve": [held.digest]})).await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(report.code_of(&id), "out_of_scope");
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;

    world.change(&id, &ana().job_title("Lead"));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Lead");
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn account_that_was_only_held_goes_on_once_it_is_in_scope_again() {
    let (world, id) = world_with_a_seller("").await;
    world.run_sync().await;
    world.change(&id, &ana().job_title("Lead"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["jobTitle"]);
    world.settled().await;
}

#[tokio::test]
async fn account_out_of_scope_is_suspended_or_left_alone_where_that_is_wanted() {
    for (setting, outcome, state) in [
        ("suspend", Outcome::Suspended, "SUSPENDED"),
        ("ignore", Outcome::Unchanged, "ACTIVATED"),
    ] {
        let setting = format!("out_of_scope = \"{setting}\"");
        let (world, id) = world_with_a_seller(&setting).await;
        let report = world.run_sync().await;
        assert_eq!(report.outcome_of(&id), outcome, "{setting}");
        let user = world.user_of(&id).await;
        assert_eq!(
            (&user["state"], &user["jobTitle"]),
            (&json!(state), &json!("Engineer"))
        );
        world.settled().await;
    }
}

#[tokio::test]
async fn account_out_of_scope_is_treated_alike_on_demand() {
    let (world, id) = world_with_a_seller("").await;
    let report = world.invoke(json!({"people": [id]})).await;
    assert_eq!(report.outcome_of(&id), Outcome::Held);
    let digest = &report.held_class("out_of_scope").unwrap().digest;
    let approved = json!({"people": [id], "approve": [digest]});
    let report = world.invoke(approved).await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;
}

#[tokio::test]
async fn leaver_out_of_scope_is_suspended_as_a_leaver() {
    let (world, id) = world_with_a_seller("out_of_scope = \"ignore\"").await;
    world.change(&id, &seller().stage(Stage::Inactive(world.days_ago(2))));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(report.code_of(&id), "left");
    world.settled().await;
}

#[tokio::test]
async fn person_whose_deciding_value_is_gone_stays_as_they_are() {
    let only_engineers =
        "include = { departments = [\"Engineering\"] }\nout_of_scope = \"suspend\"";
    let (world, id) = world_with_ana(Setup::new().source(only_engineers)).await;
    world.change(
        &id,
        &ana().job_title("Lead").with("department", Value::Null),
    );
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
    assert_eq!(report.warned_about(&id), ["status_unclear"]);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn nobody_falls_out_of_scope_on_a_list_that_was_not_read_whole() {
    let (world, id) = world_with_a_seller("out_of_scope = \"suspend\"").await;
    world.hire(Profile::new("Odd", "Record").with("first_name", 7));
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "source_incomplete");
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn crash_in_the_middle_of_a_scope_suspension_leaves_it_ours_to_undo() {
    let (mut world, id) = world_with_a_seller("out_of_scope = \"suspend\"").await;
    world.crash_at(Vendor::JumpCloud, |fault| {
        fault.method("PUT").after_effect()
    });
    world.crash().await;
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    world.settled().await;
}

#[tokio::test]
async fn later_source_has_those_whom_the_first_one_is_not_for() {
    let setup = Setup::new()
        .source("exclude = { worker_types = [\"contractor\"] }")
        .second_source("contractors")
        .of_second_source("include = { worker_types = [\"contractor\"] }");
    let world = world_with(setup).await;
    let employee = world.hire(ana());
    world.hire(Profile::new("Connie", "Tractor").hiring_type("contractor"));

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Created), 2);
    assert_eq!(report.count(Outcome::Skipped), 2);
    assert_eq!(report.out_of_scope, 2);
    let owners: Vec<String> = world
        .links()
        .await
        .into_iter()
        .map(|link| format!("{} {}", link.key.source, link.username))
        .collect();
    assert_eq!(owners, ["contractors connie.tractor", "deel ana.souza"]);
    world.settled().await;

    // Whoever passes from one to the other keeps the account until an admin decides.
    world.change(&employee, &ana().hiring_type("contractor"));
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Held), 1);
    assert_eq!(world.state_of(&employee).await, "ACTIVATED");
    assert_eq!(world.jumpcloud().users().len(), 2);
    world.settled().await;
}

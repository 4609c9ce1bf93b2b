//! Users of HR under the hands of SCIM clients: HR's values stay, switching off wins, and nobody reopens a leaver.

use e2e::{Reading, World};
use jiff::SignedDuration;
use sandbox::{Fault, Stage, Vendor};
use serde_json::{Value, json};
use sync::Outcome;

use super::{ENTERPRISE_URN, ada, create, stored};
use crate::{ana, world};

/// A world in which HR has Ana: her worker id, and her path as a SCIM user.
async fn ana_of_hr() -> (World, String, String) {
    let world = world().await;
    let id = world.hire(ana());
    world.run_sync().await;
    let user = world.user_of(&id).await;
    let path = format!("/Users/{}", user["_id"].as_str().unwrap_or_default());
    (world, id, path)
}

/// A PATCH that switches a user on or off.
fn switch(on: bool) -> Value {
    json!([{"op": "replace", "path": "active", "value": on}])
}

#[tokio::test]
async fn client_changes_what_hr_does_not_write_and_nothing_else() {
    let (world, id, path) = ana_of_hr().await;
    let scim = world.scim();

    let title = json!([{"op": "replace", "path": "title", "value": "Boss"}]);
    let refused = scim.operate(&path, title).await.expect(403);
    assert!(refused.text("/detail").contains("deel"), "{}", refused.body);
    let phone =
        json!([{"op": "add", "path": "phoneNumbers", "value": [{"type": "work", "value": "+1"}]}]);
    scim.operate(&path, phone).await.expect(200);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Engineer");
    world.settled().await;
}

#[tokio::test]
async fn switching_off_holds_against_hr_and_ends_with_the_client() {
    let (world, id, path) = ana_of_hr().await;
    let scim = world.scim();

    scim.operate(&path, switch(false)).await.expect(200);
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("suspended_elsewhere"), 1);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    scim.operate(&path, switch(true)).await.expect(200);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn leaver_whom_a_client_switched_off_is_not_switched_on_by_it() {
    let (world, id, path) = ana_of_hr().await;
    let scim = world.scim();
    scim.operate(&path, switch(false)).await.expect(200);

    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.run_sync().await;

    scim.operate(&path, switch(true)).await.expect(403);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;

    // A rehire still waits for the client that switched the user off.
    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
}

/// JumpCloud has no way back to STAGED, and who is ACTIVATED without an invitation never gets one.
#[tokio::test]
async fn pre_hire_who_was_switched_off_and_on_starts_as_if_nothing_had_been() {
    let world = world().await;
    let scim = world.scim();
    let pre_hire = ana().stage(Stage::Onboarding).starting(world.in_days(10));
    let id = world.hire(pre_hire);
    world.run_sync().await;
    let user_id = world.user_of(&id).await["_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("/Users/{user_id}");
    let named = json!([{"op": "add", "path": "externalId", "value": "ana"}]);
    scim.operate(&path, named).await.expect(200);
    let reads = async |active: bool| {
        let one = scim.get(&path).await.expect(200);
        assert_eq!(one.body["active"], active);
        for filter in [
            format!("active eq {active}"),
            "externalId eq \"ana\"".to_owned(),
        ] {
            let filter = filter.replace('"', "%22");
            let listed = scim
                .get(&format!("/Users?filter={filter}"))
                .await
                .expect(200);
            assert_eq!(listed.body["Resources"], json!([one.body]), "{filter}");
        }
    };

    let off = scim.operate(&path, switch(false)).await.expect(200);
    assert_eq!(off.body["active"], false);
    reads(false).await;
    let title = json!([{"op": "add", "path": "name.middleName", "value": "M."}]);
    scim.operate(&path, title).await.expect(200);
    reads(false).await;
    world.change(&id, &ana().starting(world.days_ago(2)));
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("suspended_elsewhere"), 1);
    assert_eq!(world.state_of(&id).await, "STAGED");
    world.settled().await;

    let on = scim.operate(&path, switch(true)).await.expect(200);
    assert_eq!(on.body["active"], true);
    reads(true).await;
    assert_eq!(world.state_of(&id).await, "STAGED");
    assert!(world.invitations().is_empty());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Activated);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn pre_hire_who_was_switched_off_and_left_comes_back_to_no_access() {
    let world = world().await;
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));
    world.run_sync().await;
    let user = world.user_of(&id).await;
    let path = format!("/Users/{}", user["_id"].as_str().unwrap_or_default());
    world.scim().operate(&path, switch(false)).await.expect(200);

    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.scim().operate(&path, switch(true)).await.expect(403);
    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("suspended_elsewhere"), 1);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn pre_hire_who_was_deleted_comes_back_as_if_nothing_had_been() {
    let world = world().await;
    let scim = world.scim();
    let id = world.hire(ana().stage(Stage::Onboarding).starting(world.in_days(10)));
    world.run_sync().await;
    let held = world.user_of(&id).await;
    let path = format!("/Users/{}", held["_id"].as_str().unwrap_or_default());
    scim.delete(&path).await.expect(204);
    scim.get(&path).await.expect(404);
    world.change(&id, &ana().starting(world.days_ago(2)));
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "STAGED");

    let again = json!({
        "userName": held["username"],
        "emails": [{"value": held["email"], "type": "work"}],
        ENTERPRISE_URN: {"employeeNumber": id},
    });
    let back = scim.post("/Users", again).await.expect(201);
    assert_eq!(
        (back.id(), &back.body["active"]),
        (
            held["_id"].as_str().unwrap_or_default().to_owned(),
            &json!(true)
        )
    );
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn user_whom_a_client_and_an_admin_deleted_is_counted_nowhere_after_a_run() {
    let world = world().await;
    let scim = world.scim();
    for name in ["one", "two", "three"] {
        create(&scim, super::user(name)).await;
    }
    let hidden: Vec<String> = scim.get("/Users").await.ids();
    for id in &hidden[..2] {
        scim.delete(&format!("/Users/{id}")).await.expect(204);
    }
    assert!(world.jumpcloud().delete(&hidden[0]));
    world.run_sync().await;
    let left = world.state().hidden_users().await.expect("they are read");
    assert_eq!(
        left.into_iter()
            .map(|id| id.to_string())
            .collect::<Vec<_>>(),
        hidden[1..2]
    );
    // A page of none tells the total alone, and passes nobody.
    let total = scim.get("/Users?count=0").await.expect(200);
    assert_eq!(total.body["totalResults"], 1);
    world.settled().await;
}

#[tokio::test]
async fn user_of_a_client_is_adopted_by_no_source() {
    let world = world().await;
    let mut user = ada();
    let id = world.hire(ana());
    user[ENTERPRISE_URN] = json!({"employeeNumber": id});
    create(&world.scim(), user).await;

    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "scim_client_owns");
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn switching_on_that_got_no_answer_can_be_sent_again() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    let path = format!("/Users/{id}");
    scim.operate(&path, switch(false)).await.expect(200);
    // Refused as often as it is tried within one request.
    world.fault(Fault::status(Vendor::JumpCloud, 503).method("PUT").times(5));

    let answer = scim.operate(&path, switch(true)).await;
    if answer.status != 200 {
        assert_eq!(answer.status, 503, "{}", answer.body);
        world.sandbox().faults().clear();
        scim.operate(&path, switch(true)).await.expect(200);
    }
    assert_eq!(stored(&world, &id)["state"], "ACTIVATED");
}

#[tokio::test]
async fn create_takes_nobody_who_was_there_before() {
    let world = world().await;
    let scim = world.scim();
    let there = json!({"username": "ada.novak", "email": "ada.novak@example.com"});
    let there = world.jumpcloud().add(there);
    world
        .sandbox()
        .clock()
        .advance(SignedDuration::from_hours(1));
    world.fault(
        Fault::drop(Vendor::JumpCloud)
            .method("POST")
            .path("/api/systemusers"),
    );

    let first = scim.post("/Users", ada()).await;
    assert!(first.status == 409 || first.status == 503, "{}", first.body);
    scim.post("/Users", ada()).await.refused(409, "uniqueness");
    assert_eq!(stored(&world, &there)["username"], "ada.novak");
}

#[tokio::test]
async fn another_client_switches_off_and_does_not_delete() {
    let world = world().await;
    let id = create(&world.scim(), ada()).await.id();
    let entra = world.scim().of("entra");
    entra.delete(&format!("/Users/{id}")).await.expect(403);
    world.scim().get(&format!("/Users/{id}")).await.expect(200);
}

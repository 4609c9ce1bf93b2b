//! Adoption: users who were in JumpCloud before rollcall become somebody's, and it is not a way in.

use e2e::{Reading, Setup, World};
use sandbox::Profile;
use serde_json::{Value, json};
use sync::{Outcome, RunStatus};

use crate::{ana, world, world_with};

const WORK: &str = "ana.souza@northlight.example";

/// A user as an admin typed it in, with these fields besides.
fn add_user(world: &World, email: &str, fields: Value) -> String {
    let mut user = json!({
        "username": "asouza",
        "email": email,
        "alternateEmail": "private@elsewhere.example",
        "jobTitle": "Staff",
        "activated": true,
    });
    if let (Value::Object(user), Value::Object(fields)) = (&mut user, fields) {
        user.extend(fields);
    }
    world.jumpcloud().add(user)
}

#[tokio::test]
async fn user_with_the_employee_identifier_is_adopted_at_once_and_keeps_name_and_addresses() {
    let world = world().await;
    let id = world.hire(ana());
    let user_id = add_user(
        &world,
        "old@northlight.example",
        json!({"employeeIdentifier": id}),
    );

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.outcome_of(&id), Outcome::Adopted);
    let user = world.user_of(&id).await;
    assert_eq!(user["_id"], Value::from(user_id));
    assert_eq!(user["username"], "asouza");
    assert_eq!(user["email"], "old@northlight.example");
    assert_eq!(user["alternateEmail"], "private@elsewhere.example");
    assert_eq!(user["jobTitle"], "Engineer");
    assert!(world.invitations().is_empty());
    world.settled().await;

    world.change(&id, &ana().personal_email(Some("new@mail.example")));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["alternateEmail"]);
    let user = world.user_of(&id).await;
    assert_eq!(user["alternateEmail"], "new@mail.example");
    assert_eq!(user["email"], "old@northlight.example");
    world.settled().await;

    let moved = ana().personal_email(Some("new@mail.example"));
    world.change(&id, &moved.work_email(Some("ana@northlight.example")));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Renamed);
    assert_eq!(world.user_of(&id).await["email"], "ana@northlight.example");
    world.settled().await;
}

#[tokio::test]
async fn adopted_user_is_not_renamed_by_a_later_change_of_something_else() {
    let world = world().await;
    let id = world.hire(ana());
    add_user(
        &world,
        "old@northlight.example",
        json!({"employeeIdentifier": id}),
    );
    world.run_sync().await;
    world.change(&id, &ana().job_title("Principal"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["jobTitle"]);
    assert_eq!(world.user_of(&id).await["email"], "old@northlight.example");
    world.settled().await;
}

#[tokio::test]
async fn user_with_the_work_email_is_adopted_once_that_is_approved() {
    let world = world().await;
    let id = world.hire(ana());
    let user_id = add_user(&world, WORK, json!({}));

    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(report.outcome_of(&id), Outcome::Held);
    assert!(world.jumpcloud_writes().is_empty());
    let held = report.held_class("adopt").unwrap();
    assert_eq!((held.count, held.limit.rule.as_str()), (1, "max"));
    world.settled().await;

    let report = world.invoke(json!({"approve": [held.digest]})).await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.outcome_of(&id), Outcome::Adopted);
    let user = world.user_of(&id).await;
    assert_eq!(user["_id"], Value::from(user_id));
    assert_eq!(user["username"], "asouza");
    assert_eq!(user["alternateEmail"], "private@elsewhere.example");
    assert_eq!(user["employeeIdentifier"], Value::from(id));
    world.settled().await;
}

#[tokio::test]
async fn approval_covers_what_was_shown_and_nothing_that_changed_since() {
    let world = world().await;
    let id = world.hire(ana());
    add_user(&world, WORK, json!({}));
    let shown = world.plan().await;
    let digest = &shown.held_class("adopt").unwrap().digest;
    world.change(&id, &ana().job_title("Principal"));

    let report = world.invoke(json!({"approve": [digest]})).await;

    assert_eq!(report.outcome_of(&id), Outcome::Held);
    assert_eq!(report.warnings_of("approval_vanished"), 1);
    assert!(world.jumpcloud_writes().is_empty());
    assert!(world.find_user_of(&id).await.is_none());
    world.settled().await;
}

#[tokio::test]
async fn approval_of_one_adoption_leaves_a_later_one_held() {
    let world = world().await;
    let first = world.hire(ana());
    add_user(&world, WORK, json!({}));
    let shown = world.plan().await;
    let second = world.hire(Profile::new("Bea", "Later"));
    add_user(
        &world,
        "bea.later@northlight.example",
        json!({"username": "blater"}),
    );

    let report = world.invoke(json!({"approve": [shown.plan_digest]})).await;

    assert_eq!(report.outcome_of(&first), Outcome::Adopted);
    assert_eq!(report.outcome_of(&second), Outcome::Held);
    assert_eq!(report.held_class("adopt").unwrap().count, 1);
    world.settled().await;
}

#[tokio::test]
async fn digest_that_was_never_shown_approves_nothing() {
    let world = world().await;
    let id = world.hire(ana());
    add_user(&world, WORK, json!({}));
    let digest = format!("sha256:{}", "0".repeat(64));
    let report = world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(report.outcome_of(&id), Outcome::Held);
    assert_eq!(report.warnings_of("approval_unknown"), 1);
}

#[tokio::test]
async fn adoption_by_email_is_refused_where_it_would_be_a_way_in() {
    let world = world_with(Setup::new().section("[protect]\nusernames = [\"Break.Glass\"]")).await;
    let table = [
        (
            json!({"state": "SUSPENDED", "suspended": true}),
            "adoption_refused",
        ),
        (json!({"sudo": true}), "adoption_refused"),
        (json!({"ldap_binding_user": true}), "adoption_refused"),
        (json!({"samba_service_user": true}), "adoption_refused"),
        (
            json!({"employeeIdentifier": "somebody-else"}),
            "adoption_refused",
        ),
        (json!({"admin": {"roleName": "Administrator"}}), "protected"),
        (json!({"username": "break.glass"}), "protected"),
    ];
    let mut expected = Vec::new();
    for (number, (mut fields, code)) in table.into_iter().enumerate() {
        let last = format!("Number{number}");
        let id = world.hire(Profile::new("Person", &last));
        if fields["username"].is_null() {
            fields["username"] = format!("user{number}").into();
        }
        let email = format!("person.number{number}@northlight.example");
        add_user(&world, &email, fields);
        expected.push((id, code));
    }

    let report = world.run_sync().await;

    for (number, (id, code)) in expected.iter().enumerate() {
        assert_eq!(report.outcome_of(id), Outcome::Skipped, "{number}");
        assert_eq!(report.code_of(id), *code, "{number}");
    }
    assert!(report.held.is_empty());
    assert!(world.jumpcloud_writes().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn administrator_is_never_written_even_with_the_employee_identifier() {
    let world = world().await;
    let id = world.hire(ana());
    let admin = json!({"employeeIdentifier": id, "admin": {"roleName": "Administrator"}});
    add_user(&world, WORK, admin);
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "protected");
    assert!(world.jumpcloud_writes().is_empty());
    world.settled().await;
}

#[tokio::test]
async fn user_whom_an_admin_protects_later_is_no_longer_written() {
    let world = world().await;
    let id = world.hire(ana());
    world.run_sync().await;
    let admin = json!({"admin": {"roleName": "Administrator"}});
    world.edit_user_of(&id, admin).await;
    world.change(
        &id,
        &ana().stage(sandbox::Stage::Inactive(world.days_ago(2))),
    );
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "protected");
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn staged_user_with_the_employee_identifier_is_adopted_and_invited() {
    let world = world().await;
    let id = world.hire(ana());
    let staged = json!({"employeeIdentifier": id, "state": "STAGED", "activated": false});
    add_user(&world, WORK, staged);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Activated);
    assert_eq!(world.invitations(), ["ana.souza@mail.example"]);
    world.settled().await;
}

#[tokio::test]
async fn leaver_with_the_employee_identifier_is_taken_over_to_be_suspended() {
    let world = world().await;
    let id = world.hire(ana().stage(sandbox::Stage::Inactive(world.days_ago(2))));
    add_user(&world, WORK, json!({"employeeIdentifier": id}));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

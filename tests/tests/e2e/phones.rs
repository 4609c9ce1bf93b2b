//! Phone numbers of Deel, which cost a call for each person: read for new and changed people, and for nobody else.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, Profile, Vendor};
use serde_json::{Value, json};
use sync::Outcome;

use crate::{ana, world_with};

fn number(kind: &str, number: &str) -> Value {
    json!({"type": kind, "dial_code": "44", "phone_number": number})
}

/// Calls for somebody's personal record since the requests were forgotten.
fn personal_calls(world: &World) -> usize {
    let requests = world.sandbox().requests().all().into_iter();
    requests
        .filter(|request| request.vendor == Vendor::Deel && request.path.ends_with("/personal"))
        .count()
}

async fn phones_of(world: &World, id: &str) -> Value {
    let user = world.user_of(id).await;
    let numbers = user
        .get("phoneNumbers")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut numbers: Vec<Value> = numbers
        .into_iter()
        .map(|number| json!([number.get("type"), number.get("number")]))
        .collect();
    numbers.sort_by_key(Value::to_string);
    numbers.into()
}

/// A world with Ana and her numbers, and with Otto, who has none.
async fn world_with_phones() -> (World, String, String) {
    let world = world_with(Setup::new().source("phone_numbers = true")).await;
    let otto = world.hire(Profile::new("Otto", "Other"));
    let id = world.hire(ana());
    let numbers = json!([
        number("WORK", "2079460101"),
        number("PERSONAL", "7700900123")
    ]);
    world.deel().set_phone_numbers(&id, numbers);
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), 2);
    assert_eq!(personal_calls(&world), 2);
    (world, id, otto)
}

#[tokio::test]
async fn new_user_has_the_numbers_and_an_unchanged_hour_costs_no_call() {
    let (world, id, otto) = world_with_phones().await;
    let expected = json!([["mobile", "+447700900123"], ["work", "+442079460101"]]);
    assert_eq!(phones_of(&world, &id).await, expected);
    assert_eq!(phones_of(&world, &otto).await, json!([]));
    for _ in 0..3 {
        let report = world.settled().await;
        assert_eq!(personal_calls(&world), 0);
        assert_eq!(report.calls.deel, 1);
    }
}

#[tokio::test]
async fn changed_record_costs_one_call() {
    let (world, id, _) = world_with_phones().await;
    world
        .deel()
        .set_phone_numbers(&id, json!([number("WORK", "1")]));
    world.settled().await;

    world.change(&id, &ana().job_title("Lead"));
    world.forget_requests();
    let report = world.run_sync().await;

    assert_eq!(personal_calls(&world), 1);
    assert_eq!(report.changed(&id), ["jobTitle", "phoneNumbers"]);
    // Deel has no personal number any more: what it does not say is kept.
    let expected = json!([["mobile", "+447700900123"], ["work", "+441"]]);
    assert_eq!(phones_of(&world, &id).await, expected);
    world.settled().await;
    assert_eq!(personal_calls(&world), 0);

    // A change that is not of the numbers is looked at once, and remembered.
    world.change(&id, &ana().job_title("Head"));
    world.forget_requests();
    world.run_sync().await;
    assert_eq!(personal_calls(&world), 1);
    world.settled().await;
    assert_eq!(personal_calls(&world), 0);
}

#[tokio::test]
async fn record_that_changed_in_nothing_of_ours_costs_one_call() {
    let (world, id, _) = world_with_phones().await;
    world.change(&id, &ana().with("birth_date", json!("1990-01-01")));
    world.forget_requests();
    world.run_sync().await;
    assert_eq!(personal_calls(&world), 1);
    world.settled().await;
    assert_eq!(personal_calls(&world), 0);
}

#[tokio::test]
async fn nobody_asks_about_people_who_left() {
    let (world, id, _) = world_with_phones().await;
    world.change(
        &id,
        &ana().stage(sandbox::Stage::Inactive(world.days_ago(9))),
    );
    world.forget_requests();
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Suspended), 1);
    world.settled().await;
    assert_eq!(personal_calls(&world), 0);
}

#[tokio::test]
async fn edit_by_hand_is_undone_without_asking_hr() {
    let (world, id, _) = world_with_phones().await;
    let edited = json!({"phoneNumbers": [
        {"type": "work", "number": "000"}, {"type": "home", "number": "+4420"},
    ]});
    world.edit_user_of(&id, edited).await;
    world.forget_requests();
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["phoneNumbers"]);
    assert_eq!(personal_calls(&world), 0);
    let expected = json!([
        ["home", "+4420"],
        ["mobile", "+447700900123"],
        ["work", "+442079460101"]
    ]);
    assert_eq!(phones_of(&world, &id).await, expected);
    world.settled().await;
}

#[tokio::test]
async fn numbers_that_cannot_be_read_stay_as_they_are() {
    let (world, id, otto) = world_with_phones().await;
    let before = phones_of(&world, &id).await;
    for person in [&id, &otto] {
        world.change(
            person,
            &ana()
                .job_title("Lead")
                .with("emails", world.record_of(person)["emails"].clone()),
        );
    }
    world
        .deel()
        .set_phone_numbers(&id, json!([number("WORK", "1")]));
    world.fault(
        Fault::status(Vendor::Deel, 500)
            .path(&format!("{id}/personal"))
            .always(),
    );

    let report = world.run_sync().await;

    assert_eq!(report.warned_about(&id), ["details_unread"]);
    assert_eq!(report.warned_about(&otto), [""; 0]);
    assert_eq!(report.warnings_of("source_incomplete"), 0);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Lead");
    assert_eq!(phones_of(&world, &id).await, before);
    world.sandbox().faults().clear();
    // The next run asks again.
    world.run_sync().await;
    let expected = json!([["mobile", "+447700900123"], ["work", "+441"]]);
    assert_eq!(phones_of(&world, &id).await, expected);
    world.settled().await;
}

#[tokio::test]
async fn nobody_asks_about_people_who_get_no_account() {
    let (world, _) = crate::world_with_ana(Setup::new().source("phone_numbers = true")).await;
    // Nobody asks about somebody who gets no account.
    world.hire(Profile::new("Mailo", "Less").work_email(None));
    world.hire(Profile::new("Dora", "Draft").stage(sandbox::Stage::Draft));
    world.hire(Profile::new("Lena", "Left").stage(sandbox::Stage::Inactive(world.days_ago(9))));
    world.forget_requests();
    world.run_sync().await;
    assert_eq!(personal_calls(&world), 0);
    world.settled().await;
}

#[tokio::test]
async fn numbers_are_not_asked_for_unless_configured() {
    let (world, id) = crate::world_with_ana(Setup::new()).await;
    assert_eq!(personal_calls(&world), 0);
    assert_eq!(phones_of(&world, &id).await, json!([]));
    world.settled().await;
}

#[tokio::test]
async fn attribute_made_of_a_number_asks_for_it() {
    let rule = "[source.attributes]\n\"attributes.desk\" = { from = \"work_phone\" }";
    let world = world_with(Setup::new().source(rule)).await;
    let id = world.hire(ana());
    world
        .deel()
        .set_phone_numbers(&id, json!([number("WORK", "2079460101")]));
    world.run_sync().await;
    let expected = json!([{"name": "desk", "value": "+442079460101"}]);
    assert_eq!(world.user_of(&id).await["attributes"], expected);
    assert_eq!(phones_of(&world, &id).await, json!([]));
    let report = world.settled().await;
    assert_eq!(report.calls.deel, 1);
}

#[tokio::test]
async fn custom_field_of_deel_is_read_with_the_person() {
    let rules = "[source.attributes]\n\"attributes.costCode\" = { from = \"custom.Cost code\" }";
    let world = world_with(Setup::new().source(rules)).await;
    let fields = json!([{"name": "Cost code", "value": "C7"}, {"name": "Desk", "value": "12"}]);
    let id = world.hire(ana().with("custom_fields", fields));
    let report = world.run_sync().await;
    assert_eq!(report.calls.deel, 2);
    let user = world.user_of(&id).await;
    assert_eq!(
        user["attributes"],
        json!([{"name": "costCode", "value": "C7"}])
    );
    let report = world.settled().await;
    assert_eq!(report.calls.deel, 1);
}

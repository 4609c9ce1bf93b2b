//! Scheduled changes of state: made, listed, carried out and withdrawn.

use serde_json::{Value, json};

use crate::tests::World;

const NEXT: &str = "/v2/bulk/userstates/eventlist/next";

async fn at_nine() -> World {
    let world = World::start().await;
    set_clock(&world, "2026-03-02T09:00:00Z");
    world
}

fn set_clock(world: &World, time: &str) {
    world.sandbox.clock().set(time.parse().unwrap());
}

/// Schedules a change, which must succeed; returns the id of the job.
async fn schedule(world: &World, user: &str, state: &str, at: &str) -> String {
    let body = json!({ "user_ids": [user], "state": state, "start_date": at });
    let (status, jobs) = world.jumpcloud("POST", "/v2/bulk/userstates", body).await;
    assert_eq!(status, 201, "{jobs}");
    assert_eq!(jobs[0]["systemUserId"], user);
    jobs[0]["scheduledJobId"].as_str().unwrap().to_owned()
}

fn state_of(world: &World, user: &str) -> Value {
    world.sandbox.jumpcloud().user(user).unwrap()["state"].clone()
}

#[tokio::test]
async fn scheduled_changes_take_effect_when_the_clock_passes_them() {
    let world = at_nine().await;
    let user = world.user("jdoe").await;
    schedule(&world, &user, "SUSPENDED", "2026-03-05T18:00:00.000Z").await;
    schedule(&world, &user, "ACTIVATED", "2026-03-04T09:00:00").await;
    for (time, state, mails) in [
        ("2026-03-04T08:59:59Z", "STAGED", 0),
        ("2026-03-04T09:00:00Z", "ACTIVATED", 1),
        ("2026-03-06T00:00:00Z", "SUSPENDED", 1),
    ] {
        set_clock(&world, time);
        assert_eq!(state_of(&world, &user), state, "{time}");
        assert_eq!(world.sandbox.jumpcloud().mails().len(), mails, "{time}");
    }
    assert_eq!(
        world.sandbox.jumpcloud().mails()[0].at,
        "2026-03-04T09:00:00Z".parse().unwrap()
    );
    assert_eq!(
        world.sandbox.jumpcloud().scheduled_states(),
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn later_effects_are_seen_through_the_api_too() {
    let world = at_nine().await;
    let user = world.user("jdoe").await;
    schedule(&world, &user, "SUSPENDED", "2026-03-02T10:00:00Z").await;
    set_clock(&world, "2026-03-02T10:00:00Z");
    let path = format!("/systemusers/{user}");
    let (_, shown) = world.jumpcloud("GET", &path, Value::Null).await;
    assert_eq!(
        (&shown["state"], &shown["suspended"]),
        (&json!("SUSPENDED"), &json!(true))
    );
    let (_, jobs) = world
        .jumpcloud("GET", "/v2/bulk/userstates", Value::Null)
        .await;
    assert_eq!(jobs, json!([]));
}

#[tokio::test]
async fn next_changes_are_at_most_one_of_each_state_for_each_user() {
    let world = at_nine().await;
    let (one, two) = (world.user("one").await, world.user("two").await);
    for (user, state, at) in [
        (&one, "ACTIVATED", "2026-03-05T00:00:00Z"),
        (&one, "ACTIVATED", "2026-03-03T00:00:00Z"),
        (&one, "SUSPENDED", "2026-03-04T00:00:00Z"),
        (&two, "SUSPENDED", "2026-03-09T00:00:00Z"),
    ] {
        schedule(&world, user, state, at).await;
    }
    let next = async |users: String| {
        let (status, answer) = world
            .jumpcloud("GET", &format!("{NEXT}?{users}"), Value::Null)
            .await;
        assert_eq!(status, 200, "{answer}");
        let rows = answer["results"].as_array().unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row["state"].clone(), row["scheduledDate"].clone()))
            .collect();
        (answer["events_count"].clone(), rows)
    };
    let (activated, suspended) = (json!("ACTIVATED"), json!("SUSPENDED"));
    let changes = [
        (activated, json!("2026-03-03T00:00:00.000Z")),
        (suspended.clone(), json!("2026-03-04T00:00:00.000Z")),
        (suspended, json!("2026-03-09T00:00:00.000Z")),
    ];
    assert_eq!(
        next(format!("users={one},{two}&limit=100")).await,
        (json!(3), changes.to_vec())
    );
    assert_eq!(
        next(format!("users={one}%2C{two}&limit=2&skip=2")).await,
        (json!(3), changes[2..].to_vec())
    );
    assert_eq!(
        next("users=66a1b2c30000000000000fff".to_owned()).await,
        (json!(0), vec![])
    );
    let too_many = vec![one.as_str(); 101].join(",");
    for refused in [
        String::new(),
        format!("?users={too_many}"),
        format!("?users={one}&limit=101"),
    ] {
        let path = format!("{NEXT}{refused}");
        assert_eq!(world.jumpcloud("GET", &path, Value::Null).await.0, 400);
    }
}

#[tokio::test]
async fn jobs_are_listed_by_user_and_withdrawn_by_id() {
    let world = at_nine().await;
    let (one, two) = (world.user("one").await, world.user("two").await);
    let job = schedule(&world, &one, "ACTIVATED", "2026-03-05T00:00:00Z").await;
    schedule(&world, &two, "ACTIVATED", "2026-03-04T00:00:00Z").await;
    let list = async |query: String| {
        let path = format!("/v2/bulk/userstates{query}");
        let (_, jobs) = world.jumpcloud("GET", &path, Value::Null).await;
        let users = jobs.as_array().unwrap().iter();
        users
            .map(|job| job["systemUserId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(String::new()).await, [two.as_str(), one.as_str()]);
    assert_eq!(list(format!("?userid={one}")).await, [one.as_str()]);
    assert_eq!(list("?limit=1&skip=1".to_owned()).await, [one.as_str()]);
    let path = format!("/v2/bulk/userstates/{job}");
    assert_eq!(world.jumpcloud("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(world.jumpcloud("DELETE", &path, Value::Null).await.0, 404);
    world
        .jumpcloud("DELETE", &format!("/systemusers/{two}"), Value::Null)
        .await;
    assert_eq!(list(String::new()).await, [] as [String; 0]);
}

#[tokio::test]
async fn schedule_against_the_rules_is_refused() {
    let world = at_nine().await;
    let user = world.user("jdoe").await;
    let other = world.user("other").await;
    let refused = [
        (json!({"user_ids": []}), 400),
        (json!({"user_ids": ["66a1b2c30000000000000fff"]}), 404),
        (json!({"user_ids": ["jdoe"]}), 400),
        (json!({"state": "STAGED"}), 400),
        (json!({"start_date": "tomorrow"}), 400),
        (json!({"start_date": null}), 400),
        (json!({"send_activation_emails": true}), 400),
        (
            json!({"state": "ACTIVATED", "user_ids": [user, other], "activation_email_override": "a@b.example"}),
            400,
        ),
    ];
    for (fields, expected) in refused {
        let mut body =
            json!({"user_ids": [user], "state": "SUSPENDED", "start_date": "2026-03-05T00:00:00Z"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, _) = world.jumpcloud("POST", "/v2/bulk/userstates", body).await;
        assert_eq!(status, expected, "{fields}");
    }
    assert_eq!(
        world.sandbox.jumpcloud().scheduled_states(),
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn mail_of_a_scheduled_activation_goes_where_it_was_ordered_to() {
    for (options, address) in [
        (json!({}), Some("jdoe@corp.example")),
        (
            json!({"send_activation_emails": true}),
            Some("jdoe@corp.example"),
        ),
        (json!({"send_activation_emails": false}), None),
        (
            json!({"activation_email_override": "j@home.example"}),
            Some("j@home.example"),
        ),
        (
            json!({"activation_email_override": "j@home.example", "send_activation_emails": false}),
            None,
        ),
    ] {
        let world = at_nine().await;
        let user = world.user("jdoe").await;
        let mut body =
            json!({"user_ids": [user], "state": "ACTIVATED", "start_date": "2026-03-01T00:00:00Z"});
        body.as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        assert_eq!(
            world.jumpcloud("POST", "/v2/bulk/userstates", body).await.0,
            201
        );
        let mails = world.sandbox.jumpcloud().mails();
        let sent: Vec<_> = mails.iter().map(|mail| mail.address.as_str()).collect();
        assert_eq!(sent, Vec::from_iter(address), "{options}");
    }
}

#[tokio::test]
async fn schedules_can_be_made_from_outside_the_api() {
    let world = at_nine().await;
    let user = world.user("jdoe").await;
    let jumpcloud = world.sandbox.jumpcloud();
    let at = |time: &str| time.parse().unwrap();
    assert!(jumpcloud.schedule_activation(&user, at("2026-03-03T00:00:00Z")));
    assert!(!jumpcloud.schedule_suspension("nobody", at("2026-03-03T00:00:00Z")));
    let body = json!({"user_id": user, "state": "SUSPENDED", "at": "2026-03-04T00:00:00Z"});
    assert_eq!(world.control("POST", "/states", body).await.0, 204);
    let unknown = json!({"user_id": "nobody", "state": "SUSPENDED", "at": "2026-03-04T00:00:00Z"});
    assert_eq!(world.control("POST", "/states", unknown).await.0, 404);
    let (_, states) = world.control("GET", "/states", Value::Null).await;
    assert_eq!(states.as_array().unwrap().len(), 2);
    set_clock(&world, "2026-03-05T00:00:00Z");
    let (_, summary) = world.control("GET", "", Value::Null).await;
    assert_eq!(summary["users"], json!({"SUSPENDED": 1}));
}

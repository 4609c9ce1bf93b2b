//! JumpCloud's rules over HTTP.

mod groups;
mod lists;
mod passwords;
mod states;

use serde_json::{Map, Value, json};

use crate::tests::World;
use crate::{MailKind, RateLimit};

#[tokio::test]
async fn key_is_checked_before_the_route() {
    let world = World::start().await;
    let url = format!("{}/api/no/such/route", world.sandbox.jumpcloud_url());
    let without = world.request("GET", &url).send().await.unwrap();
    assert_eq!(without.status(), 302);
    assert_eq!(without.headers()["location"], "/login");
    let wrong = world
        .request("GET", &url)
        .header("x-api-key", "wrong")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    assert_eq!(
        wrong.json::<Value>().await.unwrap(),
        json!({"error": "Unauthorized", "message": "Unauthorized: api key user not found"})
    );
    assert_eq!(
        world
            .jumpcloud("GET", "/no/such/route", Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(
        world
            .jumpcloud("GET", "/organizations", Value::Null)
            .await
            .0,
        200
    );
    world.sandbox.jumpcloud().set_key("rotated");
    assert_eq!(
        world.jumpcloud("GET", "/systemusers", Value::Null).await.0,
        401
    );
}

#[tokio::test]
async fn created_user_is_shown_whole_and_found_again() {
    let world = World::start().await;
    world
        .sandbox
        .clock()
        .set("2026-03-02T09:00:00Z".parse().unwrap());
    let boss = world.user("boss").await;
    let body = json!({
        "username": "jdoe", "email": "jdoe@corp.example", "firstname": "Jane", "lastname": "Doe",
        "state": "STAGED", "suspended": false, "employeeIdentifier": "HR-1042", "manager": boss,
        "phoneNumbers": [{"type": "work", "number": "+4420111"}],
        "attributes": [{"name": "hrisId", "value": "9f1c"}],
        "_id": "000000000000000000000000", "created": "1999-01-01T00:00:00.000Z", "unknown": 1,
    });
    let (status, user) = world.jumpcloud("POST", "/systemusers", body).await;
    assert_eq!(status, 200);
    assert_eq!(user["_id"], user["id"]);
    assert_eq!(user["created"], "2026-03-02T09:00:00.000Z");
    assert_eq!(
        (&user["state"], &user["suspended"]),
        (&json!("STAGED"), &json!(false))
    );
    assert_eq!(
        (&user["jobTitle"], &user["activated"]),
        (&json!(""), &json!(false))
    );
    assert_eq!(user.get("unknown"), None);
    assert_eq!(user["phoneNumbers"][0]["number"], "+4420111");
    assert!(user["phoneNumbers"][0]["id"].is_string());
    let path = format!("/systemusers/{}", user["_id"].as_str().unwrap());
    assert_eq!(
        world.jumpcloud("GET", &path, Value::Null).await,
        (200, user)
    );
    assert_eq!(
        world
            .jumpcloud("GET", "/systemusers/66a1b2c30000000000000fff", Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(
        world
            .jumpcloud("GET", "/systemusers/jdoe", Value::Null)
            .await
            .0,
        400
    );
    assert_eq!(world.sandbox.jumpcloud().mails(), []);
}

/// A valid creation with these fields in place of its own; null takes one out.
fn creation(fields: &Value) -> Value {
    let mut body = json!({"username": "jdoe", "email": "jdoe@corp.example", "state": "STAGED"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    body
}

#[tokio::test]
async fn creation_against_the_rules_is_refused() {
    let world = World::start().await;
    let jumpcloud = world.sandbox.jumpcloud();
    jumpcloud.add(
        json!({"username": "Taken", "email": "taken@corp.example", "employeeIdentifier": "E1"}),
    );
    jumpcloud
        .add(json!({"username": "empty", "email": "empty@corp.example", "employeeIdentifier": ""}));
    jumpcloud.taken_elsewhere("Other@corp.example");
    let long = "x".repeat(1025);
    let refused = [
        json!({"username": null}),
        json!({"email": null}),
        json!({"username": "1doe"}),
        json!({"username": "j doe"}),
        json!({"username": "jdoe@corp"}),
        json!({"username": "jdöe"}),
        json!({"username": ""}),
        json!({"username": "tAKEN"}),
        json!({"email": "TAKEN@corp.example"}),
        json!({"email": "other@corp.example"}),
        json!({"email": "no-address"}),
        json!({"employeeIdentifier": "E1"}),
        json!({"employeeIdentifier": ""}),
        json!({"employeeIdentifier": "x".repeat(257)}),
        json!({"jobTitle": long}),
        json!({"jobTitle": 7}),
        json!({"sudo": "yes"}),
        json!({"unix_uid": 0}),
        json!({"state": "ACTIVE"}),
        json!({"state": "STAGED", "suspended": true}),
        json!({"state": "SUSPENDED", "suspended": false}),
        json!({"manager": "somebody"}),
        json!({"manager": "66a1b2c30000000000000fff"}),
        json!({"attributes": [{"name": "hris-id", "value": "1"}]}),
        json!({"attributes": [{"name": "a".repeat(32), "value": "1"}]}),
        json!({"attributes": [{"name": "one", "value": "1"}, {"name": "one", "value": "2"}]}),
        json!({"attributes": [{"name": "one", "value": "x".repeat(1025)}]}),
        json!({"phoneNumbers": ["+44"]}),
    ];
    for fields in refused {
        let (status, body) = world
            .jumpcloud("POST", "/systemusers", creation(&fields))
            .await;
        assert_eq!(status, 400, "{fields}");
        assert!(body["message"].is_string(), "{fields}");
    }
    let accepted = [
        json!({"username": "Bulk-User_1.x"}),
        json!({"username": "j".repeat(1024), "email": "a@corp.example", "jobTitle": "ü".repeat(1024)}),
        json!({"username": "e1", "email": "b@corp.example", "employeeIdentifier": "e1"}),
        json!({"username": "e2", "email": "c@corp.example", "attributes": [{"name": "a".repeat(31), "value": ""}]}),
    ];
    for fields in accepted {
        assert_eq!(
            world
                .jumpcloud("POST", "/systemusers", creation(&fields))
                .await
                .0,
            200,
            "{fields}"
        );
    }
}

#[tokio::test]
async fn duplicate_is_a_conflict_when_switched_on() {
    let world = World::start().await;
    world.user("jdoe").await;
    world
        .sandbox
        .jumpcloud()
        .rules(|rules| rules.duplicates_conflict = true);
    assert_eq!(
        world
            .jumpcloud("POST", "/systemusers", creation(&json!({})))
            .await
            .0,
        409
    );
    let invalid = creation(&json!({"username": "1"}));
    assert_eq!(
        world.jumpcloud("POST", "/systemusers", invalid).await.0,
        400
    );
}

#[tokio::test]
async fn update_merges_fields_and_replaces_lists() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let path = format!("/systemusers/{id}");
    let put = |body| world.jumpcloud("PUT", &path, body);
    put(json!({"jobTitle": "Lead", "phoneNumbers": [{"type": "work", "number": "1"}, {"type": "home", "number": "2"}]})).await;
    let (status, user) =
        put(json!({"department": "IT", "phoneNumbers": [{"type": "home", "number": "3"}]})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&user["jobTitle"], &user["department"]),
        (&json!("Lead"), &json!("IT"))
    );
    let numbers: Vec<_> = user["phoneNumbers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["number"])
        .collect();
    assert_eq!(numbers, ["3"]);
    let (_, user) = put(json!({"jobTitle": "", "department": null})).await;
    assert_eq!(
        (&user["jobTitle"], &user["department"]),
        (&json!(""), &json!(""))
    );
    let (_, user) = put(json!({"username": "jdoe", "email": "jdoe@corp.example"})).await;
    assert_eq!(user["username"], "jdoe");
}

#[tokio::test]
async fn state_and_its_mirror_always_agree() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let path = format!("/systemusers/{id}");
    let steps = [
        (json!({"suspended": false}), 200, "STAGED"),
        (json!({"state": "STAGED"}), 400, "STAGED"),
        (
            json!({"state": "ACTIVATED", "suspended": false}),
            200,
            "ACTIVATED",
        ),
        (json!({"state": "STAGED"}), 400, "ACTIVATED"),
        (json!({"suspended": true}), 200, "SUSPENDED"),
        (
            json!({"state": "ACTIVATED", "suspended": true}),
            400,
            "SUSPENDED",
        ),
        (json!({"suspended": false}), 200, "ACTIVATED"),
        (json!({"state": "SUSPENDED"}), 200, "SUSPENDED"),
        (json!({"state": "ACTIVATED"}), 200, "ACTIVATED"),
    ];
    for (body, status, state) in steps {
        assert_eq!(
            world.jumpcloud("PUT", &path, body.clone()).await.0,
            status,
            "{body}"
        );
        let user = world.sandbox.jumpcloud().user(&id).unwrap();
        assert_eq!(user["state"], state, "{body}");
        assert_eq!(user["suspended"], state == "SUSPENDED", "{body}");
    }
}

#[tokio::test]
async fn username_of_a_bound_user_is_fixed_and_values_are_freed_by_a_change() {
    let world = World::start().await;
    let id = world.user("first").await;
    let path = format!("/systemusers/{id}");
    let rename = |to: &str| world.jumpcloud("PUT", &path, json!({"username": to}));
    assert_eq!(rename("second").await.0, 200);
    world.user("third").await;
    assert_eq!(rename("third").await.0, 400);
    let freed = creation(&json!({"username": "first"}));
    assert_eq!(world.jumpcloud("POST", "/systemusers", freed).await.0, 200);
    world.sandbox.jumpcloud().bind(&id);
    assert_eq!(rename("fourth").await.0, 400);
    assert_eq!(rename("second").await.0, 200);
}

#[tokio::test]
async fn deleted_user_is_gone_and_can_leave_the_reports_to_somebody() {
    let world = World::start().await;
    let (old, new, report) = (
        world.user("old").await,
        world.user("new").await,
        world.user("report").await,
    );
    let report_path = format!("/systemusers/{report}");
    for (boss, cascade, expected) in [
        (&old, new.as_str(), json!(new)),
        (&new, "null", Value::Null),
    ] {
        world
            .jumpcloud("PUT", &report_path, json!({ "manager": boss }))
            .await;
        let path = format!("/systemusers/{boss}?cascade_manager={cascade}");
        let (status, deleted) = world.jumpcloud("DELETE", &path, Value::Null).await;
        assert_eq!((status, &deleted["_id"]), (200, &json!(boss)));
        assert_eq!(world.jumpcloud("DELETE", &path, Value::Null).await.0, 404);
        assert_eq!(
            world.jumpcloud("GET", &report_path, Value::Null).await.1["manager"],
            expected
        );
    }
    world.user("old").await;
}

#[tokio::test]
async fn activation_mail_goes_where_the_documented_rule_says() {
    use MailKind::{Activation, Welcome};
    let cases = [
        (
            json!({}),
            json!({}),
            Some((Activation, "jdoe@corp.example")),
        ),
        (
            json!({"alternateEmail": "j@home.example"}),
            json!({}),
            Some((Activation, "j@home.example")),
        ),
        (
            json!({"alternateEmail": "j@home.example"}),
            json!({"email": true}),
            Some((Activation, "j@home.example")),
        ),
        (
            json!({}),
            json!({"email": "x@y.example"}),
            Some((Activation, "x@y.example")),
        ),
        (json!({}), json!({"email": false}), None),
        (
            json!({"password": "s3cretWord", "alternateEmail": "j@home.example"}),
            json!({}),
            Some((Welcome, "jdoe@corp.example")),
        ),
        (
            json!({"password": "s3cretWord"}),
            json!({"email": "x@y.example"}),
            Some((Welcome, "x@y.example")),
        ),
    ];
    for (fields, body, expected) in cases {
        let world = World::start().await;
        let (_, user) = world
            .jumpcloud("POST", "/systemusers", creation(&fields))
            .await;
        assert_eq!(user.get("password"), None);
        let path = format!(
            "/systemusers/{}/state/activate",
            user["_id"].as_str().unwrap()
        );
        assert_eq!(world.jumpcloud("POST", &path, body.clone()).await.0, 200);
        let jumpcloud = world.sandbox.jumpcloud();
        assert_eq!(jumpcloud.users()[0]["state"], "ACTIVATED");
        let mails = jumpcloud.mails();
        let sent: Vec<_> = mails
            .iter()
            .map(|mail| (mail.kind, mail.address.as_str()))
            .collect();
        assert_eq!(
            sent,
            expected.into_iter().collect::<Vec<_>>(),
            "{fields} {body}"
        );
        assert_eq!(world.jumpcloud("POST", &path, json!({})).await.0, 400);
        jumpcloud.rules(|rules| rules.activates_any_state = true);
        assert_eq!(
            world
                .jumpcloud("POST", &path, json!({"email": false}))
                .await
                .0,
            200
        );
    }
}

#[tokio::test]
async fn refused_address_leaves_the_user_staged() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let jumpcloud = world.sandbox.jumpcloud();
    jumpcloud.refuse_mail_to("bad@home.example");
    let path = format!("/systemusers/{id}/state/activate");
    assert_eq!(
        world
            .jumpcloud("POST", &path, json!({"email": "bad@home.example"}))
            .await
            .0,
        400
    );
    assert_eq!(jumpcloud.user(&id).unwrap()["state"], "STAGED");
    assert_eq!(jumpcloud.mails(), []);
}

#[tokio::test]
async fn suspending_takes_no_body_and_reactivating_only_sends_mail() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let suspend = format!("/systemusers/{id}/state/suspend");
    assert_eq!(world.jumpcloud("POST", &suspend, json!({})).await.0, 400);
    assert_eq!(world.jumpcloud("POST", &suspend, Value::Null).await.0, 200);
    let jumpcloud = world.sandbox.jumpcloud();
    assert_eq!(jumpcloud.user(&id).unwrap()["suspended"], true);
    let reactivate = format!("/systemusers/{id}/reactivate");
    assert_eq!(
        world.jumpcloud("POST", &reactivate, Value::Null).await.0,
        200
    );
    assert_eq!(jumpcloud.user(&id).unwrap()["suspended"], true);
    assert_eq!(jumpcloud.mails().len(), 1);
}

#[tokio::test]
async fn text_is_stored_differently_when_switched_on() {
    let world = World::start().await;
    world.sandbox.jumpcloud().rules(|rules| {
        rules.normalises_spaces = true;
        rules.normalises_phone_numbers = true;
    });
    let body = creation(&json!({
        "displayname": " Jane   Doe ",
        "jobTitle": "Lead\u{a0} Engineer",
        "department": " IT ",
        "phoneNumbers": [{"type": "work", "number": " +44 (20) 111"}],
    }));
    let (_, user) = world.jumpcloud("POST", "/systemusers", body).await;
    assert_eq!(
        (&user["displayname"], &user["jobTitle"]),
        (&json!("Jane Doe"), &json!("Lead Engineer"))
    );
    assert_eq!(
        (&user["department"], &user["phoneNumbers"][0]["number"]),
        (&json!(" IT "), &json!("+4420111"))
    );
}

#[tokio::test]
async fn rate_limit_and_default_state_are_settings() {
    let world = World::start().await;
    let jumpcloud = world.sandbox.jumpcloud();
    jumpcloud.rules(|rules| {
        rules.rate_limit = Some(RateLimit {
            per_second: 1,
            retry_after: None,
        });
        rules.default_state = "SUSPENDED";
    });
    let without_state = json!({"username": "jdoe", "email": "jdoe@corp.example"});
    let (create, list) = tokio::join!(
        world.jumpcloud("POST", "/systemusers", without_state),
        world.jumpcloud("GET", "/systemusers", Value::Null),
    );
    let mut statuses = [create.0, list.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    if create.0 == 200 {
        assert_eq!(create.1["suspended"], true);
    }
}

#[tokio::test]
async fn admin_edits_go_past_the_rules_and_keep_the_indexes() {
    let world = World::start().await;
    let jumpcloud = world.sandbox.jumpcloud();
    let id = jumpcloud
        .add(json!({"username": "svc", "email": "svc@corp.example", "admin": {"id": "1"}}));
    assert!(jumpcloud.edit(&id, |user: &mut Map<String, Value>| {
        user.insert("username".to_owned(), "9 odd name".into());
    }));
    assert!(jumpcloud.user_by_username("9 odd name").is_some());
    let freed = creation(&json!({"username": "svc"}));
    assert_eq!(world.jumpcloud("POST", "/systemusers", freed).await.0, 200);
    assert!(jumpcloud.delete(&id));
    assert!(!jumpcloud.delete(&id));
}

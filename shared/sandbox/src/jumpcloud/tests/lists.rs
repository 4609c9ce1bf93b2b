//! Lists of users and the search: paged, sorted, filtered, trimmed.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::tests::World;

fn usernames(list: &Value) -> Vec<&str> {
    let rows = list["results"].as_array().unwrap().iter();
    rows.map(|row| row["username"].as_str().unwrap()).collect()
}

/// Twelve users, `user00` to `user11`, in two departments.
async fn twelve_users() -> World {
    let world = World::start().await;
    for number in 0..12 {
        let department = if number % 3 == 0 {
            "Finance | Sales"
        } else {
            "IT"
        };
        world.sandbox.jumpcloud().add(json!({
            "username": format!("user{number:02}"),
            "email": format!("User{number:02}@corp.example"),
            "department": department,
            "unix_uid": number + 1,
            "sudo": number == 5,
        }));
    }
    world
}

#[tokio::test]
async fn sorted_pages_hold_everybody_once() {
    let world = twelve_users().await;
    let (_, default) = world.jumpcloud("GET", "/systemusers", Value::Null).await;
    assert_eq!(
        (&default["totalCount"], usernames(&default).len()),
        (&json!(12), 10)
    );
    let mut seen = Vec::new();
    for skip in [0, 5, 10, 15] {
        let path = format!("/systemusers?sort=_id&limit=5&skip={skip}");
        let (_, page) = world.jumpcloud("GET", &path, Value::Null).await;
        assert_eq!(page["totalCount"], 12);
        seen.extend(usernames(&page).into_iter().map(str::to_owned));
    }
    let expected: Vec<_> = (0..12).map(|number| format!("user{number:02}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn unsorted_list_comes_in_another_order_each_time() {
    let world = twelve_users().await;
    let (_, first) = world
        .jumpcloud("GET", "/systemusers?limit=100", Value::Null)
        .await;
    let (_, second) = world
        .jumpcloud("GET", "/systemusers?limit=100", Value::Null)
        .await;
    assert_ne!(usernames(&first), usernames(&second));
    let set = |list| {
        usernames(list)
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&first), set(&second));
}

#[tokio::test]
async fn limit_over_a_hundred_is_refused_unless_switched_off() {
    let world = World::start().await;
    let over = || world.jumpcloud("GET", "/systemusers?limit=101", Value::Null);
    let message = "Bad Request: request parameter \"limit\" exceeds maximum value of 100";
    assert_eq!(over().await, (400, json!({ "message": message })));
    world
        .sandbox
        .jumpcloud()
        .rules(|rules| rules.enforces_maximum_limit = false);
    assert_eq!(over().await.0, 200);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_trimmed_as_asked() {
    let world = twelve_users().await;
    let cases = [
        ("filter=username:$eq:user03", "user03"),
        ("filter=email:$eq:user03@corp.example", ""),
        (
            "filter=department:$in:HR|Finance%20%5C|%20Sales",
            "user00 user03 user06 user09",
        ),
        (
            "filter=department:$nin:IT|HR",
            "user00 user03 user06 user09",
        ),
        (
            "filter=department:$ne:IT&sort=-username",
            "user09 user06 user03 user00",
        ),
        ("filter=unix_uid:$gte:10", "user09 user10 user11"),
        ("filter=unix_uid:$lt:3", "user00 user01"),
        ("filter=username:$sw:user1", "user10 user11"),
        ("filter=sudo:$eq:true", "user05"),
        (
            "filter[0]=department:$eq:IT&filter[1]=unix_uid:$gt:10",
            "user10 user11",
        ),
        (
            "filter[or][0]=username:$eq:user01&filter[or][1]=unix_uid:$lte:1",
            "user00 user01",
        ),
        ("sort=department%20-username&limit=2", "user09 user06"),
    ];
    for (query, expected) in cases {
        let sort = if query.contains("sort=") {
            ""
        } else {
            "&sort=_id"
        };
        let path = format!("/systemusers?{query}{sort}");
        let (status, list) = world.jumpcloud("GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{query}");
        assert_eq!(usernames(&list).join(" "), expected, "{query}");
    }
    let (_, list) = world
        .jumpcloud(
            "GET",
            "/systemusers?fields=username%20sudo&limit=1",
            Value::Null,
        )
        .await;
    let keys: Vec<_> = list["results"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_id", "id", "sudo", "username"]);
    for malformed in ["department:eq:IT", "department", "department:$ew:T"] {
        let path = format!("/systemusers?filter={malformed}");
        assert_eq!(
            world.jumpcloud("GET", &path, Value::Null).await.0,
            400,
            "{malformed}"
        );
    }
}

#[tokio::test]
async fn search_finds_by_value_pattern_and_text() {
    let world = twelve_users().await;
    let cases = [
        (
            json!({"filter": [{"department": "IT"}, {"unix_uid": 2}]}),
            "user01",
        ),
        (
            json!({"filter": {"or": [{"username": "user01"}, {"username": "user02"}]}}),
            "user01 user02",
        ),
        (
            json!({"filter": {"and": [{"email": {"$regex": "(?i)(^user03@corp\\.example$)"}}]}}),
            "user03",
        ),
        (
            json!({"filter": ["username:$regex:/^USER1/i"]}),
            "user10 user11",
        ),
        (
            json!({"searchFilter": {"searchTerm": ["R07@", "r08"], "fields": ["email", "username"]}}),
            "user07 user08",
        ),
        (
            json!({"filter": [{"department": "IT"}], "limit": 2, "skip": 1}),
            "user02 user04",
        ),
    ];
    for (mut body, expected) in cases {
        body["sort"] = "_id".into();
        let (status, list) = world
            .jumpcloud("POST", "/search/systemusers", body.clone())
            .await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(usernames(&list).join(" "), expected, "{body}");
    }
    let (_, list) = world
        .jumpcloud("POST", "/search/systemusers", json!({"fields": "email"}))
        .await;
    let keys: Vec<_> = list["results"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["_id", "email", "id"]);
    for refused in [
        json!({"filter": "x"}),
        json!({"filter": {"nor": []}}),
        json!({"limit": 1001}),
    ] {
        assert_eq!(
            world
                .jumpcloud("POST", "/search/systemusers", refused)
                .await
                .0,
            400
        );
    }
}

#[tokio::test]
async fn reads_show_a_write_only_after_a_while_and_writes_see_it_at_once() {
    let world = World::start().await;
    let jumpcloud = world.sandbox.jumpcloud();
    let clock = world.sandbox.clock();
    clock.set(clock.now());
    let while_unseen = SignedDuration::from_secs(5);
    jumpcloud.rules(|rules| rules.shows_writes_after = while_unseen);
    let first = world.user("first").await;
    clock.advance(SignedDuration::from_secs(3));
    world.user("second").await;
    let listed = async || {
        let (_, list) = world.jumpcloud("GET", "/systemusers", Value::Null).await;
        list["totalCount"].as_u64()
    };
    let path = format!("/systemusers/{first}");
    let found = async || world.jumpcloud("GET", &path, Value::Null).await.0;

    assert_eq!((listed().await, found().await), (Some(0), 404));
    let again = json!({"username": "first", "email": "another@corp.example"});
    let (status, _) = world.jumpcloud("POST", "/systemusers", again).await;
    assert_eq!(status, 400, "the name is taken");
    clock.advance(SignedDuration::from_secs(2));
    assert_eq!((listed().await, found().await), (Some(1), 200));
    clock.advance(SignedDuration::from_secs(3));
    assert_eq!(listed().await, Some(2));
}

//! Deel's rules over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use serde_json::{Value, json};

use crate::tests::World;
use crate::{Profile, RateLimit, Stage};

fn ids(page: &Value) -> Vec<&str> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap()).collect()
}

/// People with the ids `p00` to `p29`, ten of them gone.
async fn thirty_people() -> World {
    let world = World::start().await;
    for number in 0..30 {
        let stage = match number % 3 {
            0 => Stage::Inactive(date(2025, 1, 31)),
            1 => Stage::Active,
            _ => Stage::OnboardingOverdue,
        };
        let profile = Profile::new("Ana", &format!("Souza{number}")).stage(stage);
        let id = format!("p{number:02}");
        world.sandbox.deel().hire(profile.with("id", id));
    }
    world
}

#[tokio::test]
async fn sorted_pages_hold_everybody_once() {
    let world = thirty_people().await;
    let mut seen = Vec::new();
    for offset in [0, 12, 24, 36] {
        let path = format!("/people?sort_by=id&sort_order=asc&limit=12&offset={offset}");
        let (_, page) = world.deel(&path).await;
        assert_eq!(
            page["page"],
            json!({"offset": offset, "total_rows": 30, "items_per_page": 12})
        );
        seen.extend(ids(&page).into_iter().map(str::to_owned));
    }
    let expected: Vec<String> = (0..30).map(|number| format!("p{number:02}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn unsorted_list_comes_in_another_order_each_time() {
    let world = thirty_people().await;
    let (_, first) = world.deel("/people?limit=200").await;
    let (_, second) = world.deel("/people?limit=200").await;
    assert_ne!(ids(&first), ids(&second));
    let set = |page| {
        ids(page)
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&first), set(&second));
}

#[tokio::test]
async fn every_encoding_of_the_status_filter_is_understood() {
    let world = thirty_people().await;
    let cases = [
        ("hiring_statuses=inactive", 10),
        ("hiring_statuses=active&hiring_statuses=inactive", 20),
        ("hiring_statuses[]=active&hiring_statuses[]=inactive", 20),
        ("hiring_statuses=onboarding_overdue", 10),
        ("", 30),
    ];
    for (filter, total) in cases {
        let (_, page) = world.deel(&format!("/people?{filter}")).await;
        assert_eq!(page["page"]["total_rows"], total, "{filter}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused_in_the_documented_shape() {
    let world = World::start().await;
    let cases = [
        ("limit=0", "/query/limit", "must be >= 1"),
        ("limit=201", "/query/limit", "must be <= 200"),
        ("limit=ten", "/query/limit", "must be integer"),
        ("offset=-1", "/query/offset", "must be >= 0"),
        (
            "sort_by=age",
            "/query/sort_by",
            "must be equal to one of the allowed values",
        ),
        (
            "hiring_statuses=asleep",
            "/query/hiring_statuses",
            "must be equal to one of the allowed values",
        ),
    ];
    for (query, path, message) in cases {
        let (status, body) = world.deel(&format!("/people?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert_eq!(body["request"]["url"], "/rest/v2/people");
        assert_eq!(
            body["errors"],
            json!([{"message": message, "path": path}]),
            "{query}"
        );
    }
}

#[tokio::test]
async fn token_version_and_scope_are_checked() {
    let world = thirty_people().await;
    let get = async |token: &str, version: &str| {
        let url = format!("{}/rest/v2/people", world.sandbox.deel_url());
        let request = world.request("GET", &url).bearer_auth(token);
        let response = request.header("x-version", version).send().await.unwrap();
        response.status().as_u16()
    };
    assert_eq!(get("sandbox-deel-token", "2026-01-01").await, 200);
    assert_eq!(get("sandbox-deel-token", "1999-01-01").await, 400);
    assert_eq!(get("another", "2026-01-01").await, 401);
    let deel = world.sandbox.deel();
    deel.rules(|rules| rules.scopes = ["people:read"].into());
    assert_eq!(world.deel("/people").await.0, 200);
    assert_eq!(world.deel("/people/me").await.0, 403);
    assert_eq!(world.deel("/departments").await.0, 403);
    deel.set_token("rotated");
    assert_eq!(get("sandbox-deel-token", "2026-01-01").await, 401);
    assert_eq!(get("rotated", "2026-01-01").await, 200);
}

#[tokio::test]
async fn sixth_request_within_a_second_is_too_many() {
    for (retry_after, header) in [(None, None), (Some(1), Some("1"))] {
        let world = World::start().await;
        let limit = RateLimit {
            per_second: 5,
            retry_after,
        };
        world
            .sandbox
            .deel()
            .rules(|rules| rules.rate_limit = Some(limit));
        let url = format!("{}/rest/v2/people", world.sandbox.deel_url());
        let get = || {
            world
                .request("GET", &url)
                .bearer_auth("sandbox-deel-token")
                .send()
        };
        let answers = futures_util::future::join_all((0..6).map(|_| get())).await;
        let refused: Vec<_> = answers
            .into_iter()
            .map(Result::unwrap)
            .filter(|response| response.status() == 429)
            .collect();
        let [refused] = refused.as_slice() else {
            panic!("one request is refused, not {}", refused.len());
        };
        let sent = refused.headers().get("retry-after");
        assert_eq!(sent.map(|value| value.to_str().unwrap()), header);
    }
}

#[tokio::test]
async fn page_can_be_left_out() {
    let world = thirty_people().await;
    world.sandbox.deel().rules(|rules| rules.omits_page = true);
    let (_, list) = world.deel("/people").await;
    assert_eq!(
        list.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["data"]
    );
}

#[tokio::test]
async fn single_person_is_shown_in_another_shape() {
    let world = World::start().await;
    let profile = Profile::new("Lee", "Park").stage(Stage::Offboarding(date(2026, 3, 31)));
    let moment = "2026-03-31T00:00:00.000Z";
    let lee = world
        .sandbox
        .deel()
        .hire(profile.with("direct_employee_termination_last_day", moment));
    let (_, single) = world.deel(&format!("/people/{lee}")).await;
    let person = &single["data"];
    assert_eq!(person["direct_employee_termination_last_day"], "2026-03-31");
    assert_eq!(person["termination_last_day"], "2026-03-31");
    assert_eq!(person["employments"][0]["termination_last_day"], moment);
    assert_eq!(person["custom_fields"], json!([]));
    for absent in ["person_status", "is_pwac", "hris_organization_user_id"] {
        assert_eq!(person.get(absent), None, "{absent}");
    }
    assert_eq!(world.deel("/people/nobody").await.0, 404);
}

#[tokio::test]
async fn token_owner_departments_teams_and_phone_numbers_are_read() {
    let world = World::start().await;
    let deel = world.sandbox.deel();
    let ana = deel.hire(Profile::new("Ana", "Souza"));
    deel.hire(
        Profile::new("Bo", "Li")
            .department("Data", Some("Engineering"))
            .team("Insights"),
    );
    deel.hire(
        Profile::new("Cy", "No")
            .with("department", json!({}))
            .with("employments", Value::Null),
    );

    let (_, me) = world.deel("/people/me").await;
    assert_eq!(
        (&me["profile_type"], me.get("data")),
        (&json!("service_account"), None)
    );
    let (_, departments) = world.deel("/departments").await;
    let by_name: BTreeMap<_, _> = departments["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row))
        .collect();
    assert_eq!(by_name["Engineering"]["parent"], Value::Null);
    assert_eq!(by_name["Data"]["parent"], by_name["Engineering"]["id"]);
    assert_eq!(
        world.deel("/teams").await.1["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let phone = json!([{"type": "WORK", "dial_code": "44", "phone_number": "20111"}]);
    let path = format!("/people/{ana}/personal");
    assert_eq!(
        world.deel(&path).await.1["data"]["phone_numbers"],
        Value::Null
    );
    deel.set_phone_numbers(&ana, phone.clone());
    assert_eq!(world.deel(&path).await.1["data"]["phone_numbers"], phone);
}

#[tokio::test]
async fn hired_person_can_be_changed_and_removed() {
    let world = World::start().await;
    let deel = world.sandbox.deel();
    world
        .sandbox
        .clock()
        .set("2026-03-02T09:00:00Z".parse().unwrap());
    let id = deel.hire(json!({"first_name": 7}));
    assert!(deel.update(&id, |person| {
        person.insert("last_name".to_owned(), Value::Null);
    }));
    let person = deel.person(&id).unwrap();
    assert_eq!(
        (&person["first_name"], &person["last_name"]),
        (&json!(7), &Value::Null)
    );
    assert_eq!(person["updated_at"], "2026-03-02T09:00:00.000Z");
    assert!(deel.remove(&id));
    assert!(!deel.remove(&id));
    assert_eq!(deel.people(), [] as [Value; 0]);
}

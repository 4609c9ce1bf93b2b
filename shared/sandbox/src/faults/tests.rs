//! Every fault over HTTP, and which requests it hits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::tests::World;
use crate::{Fault, FaultKind, Profile, Vendor};

/// Five people with the ids `p0` to `p4`.
async fn five_people() -> World {
    let world = World::start().await;
    for number in 0..5 {
        let person = Profile::new("Ana", "Souza").with("id", format!("p{number}"));
        world.sandbox.deel().hire(person);
    }
    world
}

/// The ids of each page of two, and the total that each says.
async fn pages(world: &World) -> (Vec<String>, Vec<Value>) {
    let (mut ids, mut totals) = (Vec::new(), Vec::new());
    for offset in [0, 2, 4] {
        let path = format!("/people?sort_by=id&limit=2&offset={offset}");
        let (_, page) = world.deel(&path).await;
        let rows = page["data"].as_array().unwrap().iter();
        ids.push(
            rows.map(|row| row["id"].as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
        );
        totals.push(page["page"]["total_rows"].clone());
        assert_eq!(page["page"]["offset"], offset);
    }
    (ids, totals)
}

#[tokio::test]
async fn lists_are_told_wrongly_as_asked() {
    let right = ["p0 p1", "p2 p3", "p4"];
    let cases = [
        (FaultKind::WrongTotal { by: -1 }, right, [5, 4, 5]),
        (FaultKind::RepeatedPage, ["p0 p1", "p0 p1", "p4"], [5, 5, 5]),
        (
            FaultKind::ShiftedPage { rows: -1 },
            ["p0 p1", "p1 p2", "p4"],
            [5, 5, 5],
        ),
        (
            FaultKind::ShiftedPage { rows: 1 },
            ["p0 p1", "p3 p4", "p4"],
            [5, 5, 5],
        ),
        (FaultKind::EmptyPage, ["p0 p1", "", "p4"], [5, 5, 5]),
    ];
    for (kind, expected, totals) in cases {
        let world = five_people().await;
        world
            .sandbox
            .faults()
            .add(Fault::new(Vendor::Deel, kind.clone()).skip(1));
        assert_eq!(
            pages(&world).await,
            (
                expected.map(str::to_owned).to_vec(),
                totals.map(Value::from).to_vec()
            ),
            "{kind:?}"
        );
        assert_eq!(world.sandbox.faults().pending(), 0);
    }
}

#[tokio::test]
async fn dropped_request_has_an_effect_only_when_asked_for() {
    let world = World::start().await;
    let create = |username: &str| {
        let url = format!("{}/api/systemusers", world.sandbox.jumpcloud_url());
        let body = json!({"username": username, "email": format!("{username}@corp.example")});
        let request = world.request("POST", &url).json(&body);
        request.header("x-api-key", "sandbox-jumpcloud-key").send()
    };
    let drop = Fault::drop(Vendor::JumpCloud).method("POST");
    world.sandbox.faults().add(drop.clone().body("\"before\""));
    world
        .sandbox
        .faults()
        .add(drop.body("\"after\"").after_effect());
    assert!(create("before").await.is_err());
    assert!(create("after").await.is_err());
    assert!(create("neither").await.is_ok());
    let jumpcloud = world.sandbox.jumpcloud();
    assert_eq!(jumpcloud.user_by_username("before"), None);
    assert!(jumpcloud.user_by_username("after").is_some());
    let statuses: Vec<_> = world
        .sandbox
        .requests()
        .all()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [None, None, Some(200)]);
}

#[tokio::test]
async fn status_after_the_effect_hides_that_the_write_took_place() {
    let world = World::start().await;
    let fault = Fault::status(Vendor::JumpCloud, 503).header("retry-after", "1");
    world
        .sandbox
        .faults()
        .add(fault.method("POST").after_effect());
    let body = json!({"username": "ana", "email": "ana@corp.example"});
    assert_eq!(world.jumpcloud("POST", "/systemusers", body).await.0, 503);
    assert!(world.sandbox.jumpcloud().user_by_username("ana").is_some());
}

#[tokio::test]
async fn truncated_body_is_announced_whole_and_breaks_off() {
    let world = five_people().await;
    world
        .sandbox
        .faults()
        .add(Fault::new(Vendor::Deel, FaultKind::Truncate));
    let url = format!("{}/rest/v2/people", world.sandbox.deel_url());
    let request = world.request("GET", &url).bearer_auth("sandbox-deel-token");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response
            .content_length()
            .is_some_and(|length| length > 1000)
    );
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn html_page_and_delay_answer_in_place_and_late() {
    let world = five_people().await;
    world
        .sandbox
        .faults()
        .add(Fault::new(Vendor::Deel, FaultKind::Html { status: 502 }));
    assert_eq!(world.deel("/people").await, (502, Value::Null));
    world
        .sandbox
        .faults()
        .add(Fault::delay(Vendor::Deel, Duration::from_millis(30)));
    let start = Instant::now();
    assert_eq!(world.deel("/people").await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn world_changes_between_two_pages() {
    let world = five_people().await;
    let deel = world.sandbox.deel();
    let change = Fault::run(Vendor::Deel, move || {
        deel.remove("p0");
    });
    world
        .sandbox
        .faults()
        .add(change.path("offset=0").after_effect());
    let (ids, totals) = pages(&world).await;
    assert_eq!(ids, ["p0 p1", "p3 p4", ""]);
    assert_eq!(totals, [5, 4, 4]);
}

#[tokio::test]
async fn fault_hits_what_it_matches_as_often_as_it_says() {
    let world = five_people().await;
    let fault = Fault::status(Vendor::Deel, 500)
        .path("/people/p")
        .skip(1)
        .times(2);
    world.sandbox.faults().add(fault);
    let mut statuses = Vec::new();
    for path in [
        "/people",
        "/people/p0",
        "/people/p1",
        "/people",
        "/people/p2",
        "/people/p3",
    ] {
        statuses.push(world.deel(path).await.0);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 500, 200]);
    world
        .sandbox
        .faults()
        .add(Fault::status(Vendor::JumpCloud, 500).always());
    assert_eq!(world.deel("/people").await.0, 200);
    for _ in 0..3 {
        assert_eq!(
            world.jumpcloud("GET", "/systemusers", Value::Null).await.0,
            500
        );
    }
    world.sandbox.faults().clear();
    assert_eq!(
        world.jumpcloud("GET", "/systemusers", Value::Null).await.0,
        200
    );
}

//! The Deel client against a local server: what is read is kept, and what is missing is said.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{impatient, key, mock_server, query, slice};

fn deel(server: &MockServer) -> Deel {
    let options = Options {
        base_url: server.uri(),
        requests_per_second: 10_000,
        retry: impatient(),
        ..Deel::options()
    };
    Deel::new(options, key("k3y")).unwrap()
}

fn row(number: usize) -> Value {
    json!({ "id": format!("p{number:05}"), "first_name": "Ann" })
}

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(row).collect()
}

fn page(total: usize, data: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({ "data": data, "page": { "offset": 0, "total_rows": total, "items_per_page": 100 } }))
}

fn page_without_total(data: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "data": data }))
}

async fn list(
    answer: impl Fn(&wiremock::Request) -> ResponseTemplate + Send + Sync + 'static,
) -> MockServer {
    let server = mock_server().await;
    Mock::given(method("GET"))
        .and(path("/rest/v2/people"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

async fn people(server: &MockServer) -> Result<Listing<Person>, ClientError> {
    deel(server).people(|_, _| {}).await
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// Reads an incomplete list: how many rows it has, why it is incomplete, and how many requests it took.
async fn incomplete(
    answer: impl Fn(&wiremock::Request) -> ResponseTemplate + Send + Sync + 'static,
) -> (usize, String, usize) {
    let server = list(answer).await;
    let listing = people(&server).await.unwrap();
    (
        listing.rows.len(),
        listing.incomplete.unwrap(),
        requests(&server).await,
    )
}

#[tokio::test]
async fn list_takes_one_call_per_page() {
    for (count, calls) in [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (1234, 13)] {
        let server = list(move |r| page(count, &slice(&rows(count), r, "offset"))).await;
        let deel = deel(&server);
        let told = Mutex::new(Vec::new());
        let listing = deel
            .people(|read, total| told.lock().unwrap().push((read, total)))
            .await
            .unwrap();
        assert_eq!(
            (listing.rows.len(), listing.unreadable, listing.incomplete),
            (count, vec![], None)
        );
        assert_eq!(deel.calls(), calls);
        assert_eq!(told.into_inner().unwrap().last(), Some(&(count, count)));
    }
}

#[tokio::test]
async fn list_without_a_total_ends_at_a_short_page() {
    for (count, calls) in [(0, 1), (99, 1), (100, 2), (150, 2), (200, 3), (201, 3)] {
        let server = list(move |r| page_without_total(&slice(&rows(count), r, "offset"))).await;
        let listing = people(&server).await.unwrap();
        assert_eq!((listing.rows.len(), listing.incomplete), (count, None));
        assert_eq!(requests(&server).await, calls);
    }
}

#[tokio::test]
async fn pages_are_asked_for_by_id_with_version_and_token() {
    let server = mock_server().await;
    Mock::given(method("GET"))
        .and(path("/rest/v2/people"))
        .and(query_param("offset", "0"))
        .and(query_param("limit", "100"))
        .and(query_param("sort_by", "id"))
        .and(query_param("sort_order", "asc"))
        .and(header("authorization", "Bearer k3y"))
        .and(header("x-version", "2026-01-01"))
        .respond_with(page(0, &[]))
        .expect(1)
        .mount(&server)
        .await;
    people(&server).await.unwrap();
}

#[tokio::test]
async fn list_that_shifts_is_read_once_more() {
    let calls = Mutex::new(0);
    let server = list(move |r| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let rows = rows(if *calls == 1 { 150 } else { 149 });
        page(rows.len(), &slice(&rows, r, "offset"))
    })
    .await;
    let listing = people(&server).await.unwrap();
    assert_eq!((listing.rows.len(), listing.incomplete), (149, None));
    assert_eq!(requests(&server).await, 4);
}

#[tokio::test]
async fn repeated_id_makes_the_read_incomplete() {
    let doubled = || [rows(150), vec![row(149)]].concat();
    let (rows, reason, requests) =
        incomplete(move |r| page(151, &slice(&doubled(), r, "offset"))).await;
    assert_eq!((rows, requests), (150, 4));
    assert_eq!(
        reason,
        "ids are repeated: 1; `total_rows` is 151 and the pages hold 150"
    );
}

#[tokio::test]
async fn repeated_page_without_a_total_does_not_go_on_for_ever() {
    let (rows, reason, requests) = incomplete(|_| page_without_total(&rows(100))).await;
    assert_eq!((rows, requests), (100, 4));
    assert_eq!(reason, "ids are repeated: 100");
}

#[tokio::test]
async fn total_that_disagrees_makes_the_read_incomplete() {
    let (count, reason, _) = incomplete(|r| page(151, &slice(&rows(150), r, "offset"))).await;
    assert_eq!(
        (count, reason.as_str()),
        (150, "`total_rows` is 151 and the pages hold 150")
    );

    let total = |r: &wiremock::Request| if query(r, "offset") == "0" { 150 } else { 160 };
    let (count, reason, _) =
        incomplete(move |r| page(total(r), &slice(&rows(150), r, "offset"))).await;
    assert_eq!(
        (count, reason.as_str()),
        (
            150,
            "`total_rows` is 150 on the first page and 160 on another"
        )
    );
}

#[tokio::test]
async fn empty_page_in_the_middle_makes_the_read_incomplete() {
    let (count, reason, _) = incomplete(|r| match query(r, "offset").as_str() {
        "100" => page(250, &[]),
        _ => page(250, &slice(&rows(250), r, "offset")),
    })
    .await;
    assert_eq!(
        (count, reason.as_str()),
        (150, "`total_rows` is 250 and the pages hold 150")
    );
}

#[tokio::test]
async fn failed_page_makes_the_read_incomplete_and_keeps_the_others() {
    let (count, reason, requests) = incomplete(|r| match query(r, "offset").as_str() {
        "100" => ResponseTemplate::new(500),
        _ => page(250, &slice(&rows(250), r, "offset")),
    })
    .await;
    assert_eq!((count, requests), (150, 5));
    assert_eq!(
        reason,
        "the page at offset 100 is lost: Deel `GET /rest/v2/people` was answered 500"
    );
}

#[tokio::test]
async fn failed_first_page_makes_the_read_incomplete() {
    for body in ["<html>", r#"{"data":[{"id":"p1"}"#, r#"{"people":[]}"#] {
        let (count, reason, _) =
            incomplete(move |_| ResponseTemplate::new(200).set_body_string(body)).await;
        assert_eq!(count, 0);
        assert!(
            reason.starts_with("the page at offset 0 is lost: "),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn read_is_given_up_when_page_after_page_fails() {
    let (count, _, requests) = incomplete(|r| match query(r, "offset").as_str() {
        "0" => page(10_000, &rows(100)),
        _ => ResponseTemplate::new(500),
    })
    .await;
    assert_eq!(count, 100);
    assert!(requests < 50, "{requests} requests for 100 pages");
}

#[tokio::test]
async fn unreadable_record_is_named_and_the_others_are_kept() {
    let server = list(|_| {
        page(
            4,
            &[
                row(1),
                json!({ "id": "p2", "emails": 7 }),
                json!({ "id": "" }),
                row(3),
            ],
        )
    })
    .await;
    let listing = people(&server).await.unwrap();
    assert_eq!(listing.rows.len(), 2);
    assert_eq!(
        listing.incomplete.as_deref(),
        Some("records cannot be read: 2")
    );
    assert_eq!(listing.unreadable[0].id.as_deref(), Some("p2"));
    assert_eq!(
        listing.unreadable[0].reason,
        "`Person` does not fit at `emails`"
    );
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn refused_key_is_an_error_also_in_the_middle() {
    for status in [401, 403] {
        let server = list(move |r| match query(r, "offset").as_str() {
            "300" => ResponseTemplate::new(status),
            _ => page(1000, &slice(&rows(1000), r, "offset")),
        })
        .await;
        let error = people(&server).await.unwrap_err();
        assert_eq!(
            (error.is_unauthorized(), error.is_forbidden()),
            (status == 401, status == 403),
            "{error}"
        );
    }
}

#[tokio::test]
async fn passed_deadline_is_an_error() {
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    let server = list(move |r| {
        if query(r, "offset") == "0" {
            page(150, &rows(100))
        } else {
            wait.clone()
        }
    })
    .await;
    let run = deel(&server).begin(Instant::now() + Duration::from_mins(1));
    let error = run.people(|_, _| {}).await.unwrap_err();
    assert!(error.is_deadline(), "{error}");
    assert_eq!(run.calls(), 2);
}

#[tokio::test]
async fn person_is_found_by_id_or_is_none() {
    let server = mock_server().await;
    let found = ResponseTemplate::new(200).set_body_json(json!({ "data": row(7) }));
    Mock::given(method("GET"))
        .and(path("/rest/v2/people/p%2F7%3F"))
        .respond_with(found)
        .expect(1)
        .mount(&server)
        .await;
    let deel = deel(&server);
    assert_eq!(
        deel.person(&WorkerId::from("p/7?"))
            .await
            .unwrap()
            .unwrap()
            .id,
        WorkerId::from("p00007")
    );
    assert_eq!(deel.person(&WorkerId::from("p8")).await.unwrap(), None);
    assert_eq!(deel.person(&WorkerId::from("..")).await.unwrap(), None);
    assert_eq!(deel.calls(), 2);
}

#[tokio::test]
async fn reads_can_be_spawned() {
    let server = list(|r| page(150, &slice(&rows(150), r, "offset"))).await;
    let deel = deel(&server);
    let read = tokio::spawn(async move { deel.people(|_, _| {}).await });
    assert_eq!(read.await.unwrap().unwrap().rows.len(), 150);
}

#[tokio::test]
async fn first_people_are_one_page_without_what_does_not_decode() {
    let server = list(|_| page(250, &[row(0), json!({"first_name": "Nobody"}), row(1)])).await;
    let Rows { total, rows } = deel(&server).first_people().await.unwrap();
    assert_eq!((total, rows.len()), (Some(250), 2));
    assert_eq!(requests(&server).await, 1);
}

//! Lists of users against a local server: whole or an error. What the tests of all JumpCloud modules share stands here.

use std::sync::Mutex;

use mapping::SystemUserId;
use serde::Deserialize;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{impatient, key, mock_server, query, slice};

fn jumpcloud_of(server: &MockServer, organization: &str) -> JumpCloud {
    let options = Options {
        base_url: server.uri(),
        requests_per_second: 10_000,
        retry: impatient(),
        ..JumpCloud::options()
    };
    JumpCloud::new(options, organization, key("k3y")).unwrap()
}

pub(super) fn jumpcloud(server: &MockServer) -> JumpCloud {
    jumpcloud_of(server, "")
}

pub(super) fn row(number: usize) -> Value {
    json!({ "_id": format!("{number:024x}"), "username": format!("user{number}") })
}

pub(super) fn rows(count: usize) -> Vec<Value> {
    (0..count).map(row).collect()
}

pub(super) fn id(number: usize) -> SystemUserId {
    SystemUserId::from(format!("{number:024x}").as_str())
}

/// Lists whatever `answer` makes of a request.
async fn list(answer: impl Fn(&wiremock::Request) -> Value + Send + Sync + 'static) -> MockServer {
    let server = mock_server().await;
    Mock::given(method("GET"))
        .and(path("/api/systemusers"))
        .respond_with(move |request: &wiremock::Request| {
            ResponseTemplate::new(200).set_body_json(answer(request))
        })
        .mount(&server)
        .await;
    server
}

async fn list_of(rows: Vec<Value>) -> MockServer {
    list(move |request| json!({ "totalCount": rows.len(), "results": slice(&rows, request, "skip") })).await
}

#[tokio::test]
async fn list_takes_one_call_per_page() {
    for (count, calls) in [
        (0, 1),
        (1, 1),
        (99, 1),
        (100, 1),
        (101, 2),
        (200, 2),
        (1234, 13),
    ] {
        let server = list_of(rows(count)).await;
        let jumpcloud = jumpcloud(&server);
        let told = Mutex::new(Vec::new());
        let users = jumpcloud
            .users(|read, total| told.lock().unwrap().push((read, total)))
            .await
            .unwrap();
        assert_eq!(users.len(), count);
        assert!(
            users
                .iter()
                .enumerate()
                .all(|(number, user)| user.id == id(number))
        );
        assert_eq!(jumpcloud.calls(), calls);
        let told = told.into_inner().unwrap();
        assert_eq!(
            (told.len() as u64, told.last()),
            (calls, Some(&(count, count)))
        );
    }
}

#[tokio::test]
async fn pages_are_asked_for_in_the_order_of_ids() {
    let server = list_of(rows(150)).await;
    jumpcloud_of(&server, "5f0000000000000000000001")
        .users(|_, _| {})
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    let asked: Vec<_> = requests
        .iter()
        .map(|r| (query(r, "limit"), query(r, "skip"), query(r, "sort")))
        .collect();
    let page = |skip: &str| ("100".to_owned(), skip.to_owned(), "_id".to_owned());
    assert_eq!(asked, [page("0"), page("100")]);
    for request in &requests {
        assert_eq!(request.headers["x-api-key"], "k3y");
        assert_eq!(request.headers["x-org-id"], "5f0000000000000000000001");
    }
}

#[tokio::test]
async fn organization_is_named_only_when_configured() {
    let server = list_of(rows(1)).await;
    jumpcloud(&server).users(|_, _| {}).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("x-org-id"));
}

/// A list in which somebody appears between the first two pages of the first read.
#[tokio::test]
async fn list_that_shifts_is_read_once_more() {
    let calls = Mutex::new(0);
    let server = list(move |request| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let rows = rows(if *calls == 1 { 150 } else { 151 });
        json!({ "totalCount": rows.len(), "results": slice(&rows, request, "skip") })
    })
    .await;
    let jumpcloud = jumpcloud(&server);
    assert_eq!(jumpcloud.users(|_, _| {}).await.unwrap().len(), 151);
    assert_eq!(jumpcloud.calls(), 4);
}

#[tokio::test]
async fn list_that_contradicts_itself_twice_is_an_error() {
    let servers = [
        (
            list(|r| json!({ "totalCount": 150, "results": slice(&rows(149), r, "skip") })).await,
            4,
            "hold 149 rows",
        ),
        (
            list(|r| json!({ "totalCount": 350, "results": slice(&rows(200), r, "skip") })).await,
            8,
            "hold 200 rows",
        ),
        (
            list(|_| json!({ "totalCount": 200, "results": rows(100) })).await,
            4,
            "out of order",
        ),
        (
            list(|_| json!({ "totalCount": 2, "results": [row(2), row(1)] })).await,
            2,
            "out of order",
        ),
        (
            list(|_| json!({ "totalCount": 0, "results": [row(1)] })).await,
            2,
            "hold 1 rows",
        ),
        (
            list(|r| {
                let total = if query(r, "skip") == "0" { 150 } else { 151 };
                json!({ "totalCount": total, "results": slice(&rows(150), r, "skip") })
            })
            .await,
            4,
            "from 150 to 151",
        ),
    ];
    for (server, most_calls, reason) in servers {
        let jumpcloud = jumpcloud(&server);
        let error = jumpcloud.users(|_, _| {}).await.unwrap_err();
        assert!(matches!(error, ClientError::Incomplete { .. }) && error.is_retryable());
        assert!(error.to_string().contains(reason), "{error}");
        assert!(
            jumpcloud.calls() <= most_calls,
            "{} calls: {error}",
            jumpcloud.calls()
        );
    }
}

#[tokio::test]
async fn user_that_cannot_be_read_fails_the_list_and_is_named() {
    let server =
        list(|_| json!({ "totalCount": 2, "results": [row(1), { "_id": "2", "username": 7 }] }))
            .await;
    let error = jumpcloud(&server).users(|_, _| {}).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("user `2`: `SystemUser` does not fit at `username`"),
        "{error}"
    );
}

#[tokio::test]
async fn failed_page_fails_the_list() {
    let server = mock_server().await;
    let answer = |request: &wiremock::Request| match query(request, "skip").as_str() {
        "200" => ResponseTemplate::new(500),
        _ => ResponseTemplate::new(200).set_body_json(
            json!({ "totalCount": 300, "results": slice(&rows(300), request, "skip") }),
        ),
    };
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let error = jumpcloud(&server).users(|_, _| {}).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Status { status: 500, .. }),
        "{error}"
    );
}

#[test]
fn every_region_has_a_base_url_that_may_have_the_key() {
    for region in ["us", "eu", "in"] {
        let base_url = region_base_url(region).unwrap().to_owned();
        let options = Options {
            base_url,
            ..JumpCloud::options()
        };
        JumpCloud::new(options, "", key("k")).unwrap();
    }
    assert_eq!(region_base_url("mars"), None);
}

#[tokio::test]
async fn reads_can_be_spawned() {
    let server = list_of(rows(1)).await;
    let jumpcloud = jumpcloud(&server);
    let read = tokio::spawn(async move { jumpcloud.users(|_, _| {}).await });
    assert_eq!(read.await.unwrap().unwrap().len(), 1);
}

/// A fuller row than `SystemUser`, as another caller may want.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Named {
    username: String,
    #[serde(default)]
    nickname: String,
}

pub(super) fn named(number: usize) -> Named {
    Named {
        username: format!("user{number}"),
        nickname: String::new(),
    }
}

#[tokio::test]
async fn everybody_is_handed_over_in_order_as_any_type() {
    let server = list_of(rows(250)).await;
    let jumpcloud = jumpcloud(&server);
    let mut users: Vec<Named> = Vec::new();
    let told = Mutex::new(Vec::new());
    let outcome = jumpcloud
        .every_user(
            |read, total| told.lock().unwrap().push((read, total)),
            |user| users.push(user),
        )
        .await;
    outcome.unwrap();
    assert_eq!(users, (0..250).map(named).collect::<Vec<_>>());
    assert_eq!(
        told.into_inner().unwrap(),
        [(100, 250), (200, 250), (250, 250)]
    );
    assert_eq!(jumpcloud.calls(), 3);
}

#[tokio::test]
async fn scan_that_contradicts_itself_is_an_error_at_once() {
    let server =
        list(|r| json!({ "totalCount": 150, "results": slice(&rows(149), r, "skip") })).await;
    let jumpcloud = jumpcloud(&server);
    let scan = jumpcloud.every_user(|_, _| {}, |_: Named| {});
    assert!(matches!(scan.await, Err(ClientError::Incomplete { .. })));
    assert_eq!(jumpcloud.calls(), 2);
}

#[tokio::test]
async fn page_without_conditions_is_a_page_of_the_list() {
    let server = list_of(rows(250)).await;
    let jumpcloud = jumpcloud(&server);
    let asked = UserQuery {
        sort: "-username".to_owned(),
        skip: 230,
        limit: 500,
        ..UserQuery::default()
    };
    let page: Rows<Named> = jumpcloud.users_page(&asked).await.unwrap();
    assert_eq!(page.total, Some(250));
    assert_eq!(page.rows, (230..250).map(named).collect::<Vec<_>>());
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(
        ["limit", "skip", "sort"].map(|name| query(request, name)),
        ["100", "230", "-username"]
    );
    assert_eq!(
        jumpcloud.user_as::<Named>(&id(9)).await.unwrap(),
        None::<Named>
    );
}

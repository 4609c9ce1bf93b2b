//! The JumpCloud client against a local server: paths, bodies, and that a list is whole or an error.

use std::sync::Mutex;

use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{impatient, key, mock_server, query, slice};

fn jumpcloud_of(server: &MockServer, organization: &str) -> JumpCloud {
    let options = JumpCloudOptions {
        base_url: server.uri(),
        organization: organization.to_owned(),
        requests_per_second: 10_000,
        retry: impatient(),
        ..JumpCloudOptions::default()
    };
    JumpCloud::new(options, key("k3y")).unwrap()
}

pub(super) fn jumpcloud(server: &MockServer) -> JumpCloud {
    jumpcloud_of(server, "")
}

fn row(number: usize) -> Value {
    json!({ "_id": format!("{number:024x}"), "username": format!("user{number}") })
}

fn rows(count: usize) -> Vec<Value> {
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
            "hold 149 users",
        ),
        (
            list(|r| json!({ "totalCount": 350, "results": slice(&rows(200), r, "skip") })).await,
            8,
            "hold 200 users",
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
            "hold 1 users",
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

#[tokio::test]
async fn user_is_found_by_id_or_is_none() {
    let server = mock_server().await;
    let found = ResponseTemplate::new(200).set_body_json(row(7));
    Mock::given(method("GET"))
        .and(path(format!("/api/systemusers/{}", id(7))))
        .respond_with(found)
        .expect(1)
        .mount(&server)
        .await;
    let jumpcloud = jumpcloud(&server);
    assert_eq!(
        jumpcloud.user(&id(7)).await.unwrap().unwrap().username,
        "user7"
    );
    assert_eq!(jumpcloud.user(&id(8)).await.unwrap(), None);
    assert_eq!(jumpcloud.calls(), 2);
    for nobody in ["", ".", ".."] {
        assert_eq!(
            jumpcloud.user(&SystemUserId::from(nobody)).await.unwrap(),
            None
        );
    }
    assert_eq!(jumpcloud.calls(), 2);
}

#[tokio::test]
async fn search_matches_names_in_any_case_and_everything_else_exactly() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .and(path("/api/search/systemusers"))
        .and(wiremock::matchers::query_param("limit", "100"))
        .and(body_json(json!({
            "filter": { "or": [
                { "email": { "$regex": r"(?i)(^ann\.b\+c@corp\.example$)" } },
                { "username": { "$regex": r"(?i)(^ann\.b$)" } },
                { "employeeIdentifier": "a.b" },
            ] },
            "sort": "_id", "limit": 100, "skip": 0,
        })))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "totalCount": 1, "results": [row(1)] })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let jumpcloud = jumpcloud(&server);
    let any_of = [
        ("email", "ann.b+c@corp.example"),
        ("username", "ann.b"),
        ("employeeIdentifier", "a.b"),
        ("email", ""),
    ];
    assert_eq!(jumpcloud.find(&any_of).await.unwrap().len(), 1);
    assert_eq!(
        jumpcloud.find(&[("employeeIdentifier", "")]).await.unwrap(),
        []
    );
    assert_eq!(jumpcloud.calls(), 1);
}

#[tokio::test]
async fn search_that_finds_more_than_a_page_is_an_error() {
    let server = mock_server().await;
    let many = ResponseTemplate::new(200)
        .set_body_json(json!({ "totalCount": 101, "results": rows(100) }));
    Mock::given(method("POST"))
        .respond_with(many)
        .mount(&server)
        .await;
    let error = jumpcloud(&server)
        .find(&[("department", "IT")])
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Incomplete { .. }), "{error}");
}

#[tokio::test]
async fn search_is_repeated_after_a_fault() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let none = ResponseTemplate::new(200).set_body_json(json!({ "totalCount": 0, "results": [] }));
    Mock::given(method("POST"))
        .respond_with(none)
        .with_priority(9)
        .mount(&server)
        .await;
    assert_eq!(
        jumpcloud(&server)
            .find(&[("department", "IT")])
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn create_is_sent_once_and_update_is_repeated() {
    let server = mock_server().await;
    let fields = json!({ "username": "ann", "email": "ann@corp.example" });
    let fields = fields.as_object().unwrap();
    Mock::given(method("POST"))
        .and(path("/api/systemusers"))
        .and(header("content-type", "application/json"))
        .and(body_json(fields))
        .respond_with(ResponseTemplate::new(500))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path(format!("/api/systemusers/{}", id(1))))
        .and(body_json(fields))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let updated = ResponseTemplate::new(200).set_body_json(row(1));
    Mock::given(method("PUT"))
        .respond_with(updated)
        .with_priority(9)
        .expect(1)
        .mount(&server)
        .await;

    let jumpcloud = jumpcloud(&server);
    let error = jumpcloud.create(fields).await.unwrap_err();
    assert!(error.is_in_doubt() && error.is_retryable(), "{error}");
    assert_eq!(jumpcloud.update(&id(1), fields).await.unwrap().id, id(1));
}

#[tokio::test]
async fn create_answers_the_new_user_or_the_refusal() {
    let server = mock_server().await;
    let created = ResponseTemplate::new(200).set_body_json(row(5));
    Mock::given(method("POST"))
        .respond_with(created)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let refused =
        ResponseTemplate::new(409).set_body_json(json!({ "message": "ann@corp.example is taken" }));
    Mock::given(method("POST"))
        .respond_with(refused)
        .with_priority(9)
        .mount(&server)
        .await;

    let jumpcloud = jumpcloud(&server);
    assert_eq!(jumpcloud.create(&Map::new()).await.unwrap().id, id(5));
    let error = jumpcloud.create(&Map::new()).await.unwrap_err();
    assert!(error.is_conflict_or_refused() && !error.is_in_doubt());
    assert_eq!(
        error.to_string(),
        "JumpCloud `POST /api/systemusers` was answered 409: [e-mail] is taken"
    );
}

#[tokio::test]
async fn invitation_goes_to_an_address_or_nowhere_whatever_the_answer() {
    let to = Invitation::To("ann@home.example".to_owned());
    let answers = [
        ResponseTemplate::new(200).set_body_json("ok"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(204),
        ResponseTemplate::new(202).set_body_string("Accepted"),
    ];
    for answer in answers {
        let server = mock_server().await;
        for (action, body) in [
            ("state/activate", json!({ "email": "ann@home.example" })),
            ("state/activate", json!({ "email": false })),
            ("reactivate", json!({ "email": "ann@home.example" })),
        ] {
            Mock::given(method("POST"))
                .and(path(format!("/api/systemusers/{}/{action}", id(1))))
                .and(body_json(body))
                .respond_with(answer.clone())
                .expect(1)
                .mount(&server)
                .await;
        }
        let jumpcloud = jumpcloud(&server);
        jumpcloud.activate(&id(1), &to).await.unwrap();
        jumpcloud.activate(&id(1), &Invitation::None).await.unwrap();
        jumpcloud.invite_again(&id(1), &to).await.unwrap();
    }
}

#[tokio::test]
async fn activation_is_sent_once() {
    let server = mock_server().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(502))
        .expect(1)
        .mount(&server)
        .await;
    assert!(
        jumpcloud(&server)
            .activate(&id(1), &Invitation::None)
            .await
            .unwrap_err()
            .is_in_doubt()
    );
}

#[test]
fn every_region_has_a_base_url_that_may_have_the_key() {
    for region in ["us", "eu", "in"] {
        let base_url = region_base_url(region).unwrap().to_owned();
        JumpCloud::new(
            JumpCloudOptions {
                base_url,
                ..JumpCloudOptions::default()
            },
            key("k"),
        )
        .unwrap();
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

//! What the embedded database cannot show: conflicts, throttling, refusals. A stub answers in its place.

use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TABLE, World, config, link, noon};
use crate::{Lease, State, StateError};

async fn held_lease() -> Lease {
    World::start().await.lease().await
}

pub(super) async fn stub(
    target: &str,
    status: u16,
    body: Value,
    times: u64,
) -> (State, MockServer) {
    let server = MockServer::start().await;
    let on = |target: &str| {
        Mock::given(method("POST")).and(header(
            "x-amz-target",
            format!("DynamoDB_20120810.{target}"),
        ))
    };
    let answer =
        ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/x-amz-json-1.0");
    on(target)
        .respond_with(answer)
        .up_to_n_times(times)
        .with_priority(1)
        .mount(&server)
        .await;
    let fine = ResponseTemplate::new(200).set_body_raw(
        json!({"Attributes": {"fence": {"N": "1"}}}).to_string(),
        "application/x-amz-json-1.0",
    );
    on(target).respond_with(fine).mount(&server).await;
    (State::connect(config(&server.uri()), TABLE), server)
}

fn cancelled(reasons: [&str; 2]) -> Value {
    let reasons = reasons.map(|code| json!({"Code": code}));
    json!({"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons})
}

pub(super) fn failed(kind: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "no"})
}

#[tokio::test]
async fn write_that_meets_another_transaction_is_sent_again() {
    for reason in [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ] {
        let (state, _server) =
            stub("TransactWriteItems", 400, cancelled([reason, "None"]), 2).await;
        state
            .put_link(&held_lease().await, &link("1"))
            .await
            .unwrap();
        assert_eq!(state.calls(), 3, "{reason}");
    }
}

#[tokio::test]
async fn acquiring_meets_a_transaction_and_is_sent_again() {
    let (state, _server) = stub("UpdateItem", 400, failed("TransactionConflictException"), 2).await;
    let lease = state
        .acquire("one", noon(), SignedDuration::from_mins(1))
        .await
        .unwrap();
    assert_eq!((lease.fence(), state.calls()), (1, 3));
}

#[tokio::test]
async fn endless_conflict_ends_as_an_overloaded_table() {
    let (state, _server) = stub(
        "TransactWriteItems",
        400,
        cancelled(["TransactionConflict", "None"]),
        100,
    )
    .await;
    let result = state.put_link(&held_lease().await, &link("1")).await;
    assert!(
        matches!(result, Err(StateError::Throttled { .. })),
        "{result:?}"
    );
    assert_eq!(state.calls(), 6);
}

#[tokio::test]
async fn lost_lease_is_not_retried_though_something_else_conflicts() {
    let reasons = cancelled(["ConditionalCheckFailed", "TransactionConflict"]);
    let (state, _server) = stub("TransactWriteItems", 400, reasons, 100).await;
    let result = state.put_link(&held_lease().await, &link("1")).await;
    assert!(
        matches!(result, Err(StateError::LeaseLost { .. })),
        "{result:?}"
    );
    assert_eq!(state.calls(), 1);
}

#[tokio::test]
async fn write_that_dynamodb_refuses_for_good_is_sent_once() {
    let reasons = cancelled(["None", "ValidationError"]);
    let (state, _server) = stub("TransactWriteItems", 400, reasons, 100).await;
    let result = state.put_link(&held_lease().await, &link("1")).await;
    assert!(
        matches!(result, Err(StateError::Unchangeable { .. })),
        "{result:?}"
    );
    assert_eq!(state.calls(), 1);
}

#[tokio::test]
async fn attempts_of_the_sdk_are_counted() {
    let (state, _server) = stub("Query", 500, failed("InternalServerError"), 1).await;
    state.links().await.unwrap();
    assert_eq!(state.calls(), 2);
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let cases = [
        (
            "ResourceNotFoundException",
            "table `rollcall` does not exist: deploy the stack, or name the right table in `ROLLCALL_TABLE`",
        ),
        (
            "AccessDeniedException",
            "access to table `rollcall` is denied: check the credentials, and that they allow `dynamodb:Query`",
        ),
        (
            "ThrottlingException",
            "table `rollcall` is overloaded: Query was refused on every attempt; run again, or raise its capacity",
        ),
        ("ValidationException", "Query on table `rollcall` failed"),
    ];
    for (kind, message) in cases {
        let (state, _server) = stub("Query", 400, failed(kind), 100).await;
        assert_eq!(state.links().await.unwrap_err().to_string(), message);
    }
}

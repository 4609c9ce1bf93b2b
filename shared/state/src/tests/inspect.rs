//! The table as it is set up: the embedded one as it is, and what AWS may say of a deployed one.

use serde_json::{Value, json};

use super::faults::{failed, stub};
use super::{TABLE, World, config};
use crate::{Recovery, State, StateError, TableFacts};

#[tokio::test]
async fn table_that_we_made_is_as_it_should_be() {
    let world = World::start().await;
    let facts = world.state.table_facts().await.unwrap();
    let expected = TableFacts {
        is_active: true,
        has_keys: true,
        has_index: true,
        is_protected: false,
    };
    assert_eq!(facts, expected);
    assert!(world.state.expires().await.unwrap());
    assert_eq!(
        world.state.recovery().await.unwrap(),
        Recovery::NotApplicable
    );
    assert!(world.state.database_time().await.is_some());
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_seen() {
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let facts = async |table: Value| {
        let (state, _server) = stub("DescribeTable", 200, json!({"Table": table}), 9).await;
        let facts = state.table_facts().await.unwrap();
        (facts.is_active, facts.has_keys, facts.has_index)
    };
    let keys = json!([key("pk", "HASH"), key("sk", "RANGE")]);
    let index = |name: &str, on: &str| json!([{"IndexName": name, "KeySchema": [key(on, "HASH")]}]);
    for (table, expected) in [
        (json!({}), (false, false, false)),
        (
            json!({"TableStatus": "CREATING", "KeySchema": keys}),
            (false, true, false),
        ),
        (
            json!({"TableStatus": "ACTIVE", "KeySchema": [key("id", "HASH")]}),
            (true, false, false),
        ),
        (
            json!({"TableStatus": "ACTIVE", "KeySchema": keys, "GlobalSecondaryIndexes": index("lookup", "other")}),
            (true, true, false),
        ),
        (
            json!({"TableStatus": "UPDATING", "KeySchema": keys, "GlobalSecondaryIndexes": index("lookup", "lookup")}),
            (true, true, true),
        ),
    ] {
        assert_eq!(facts(table.clone()).await, expected, "{table}");
    }
}

#[tokio::test]
async fn expiry_counts_on_its_own_attribute_only() {
    for (status, attribute, expected) in [
        ("ENABLED", "expires_at", true),
        ("ENABLING", "expires_at", true),
        ("DISABLED", "expires_at", false),
        ("ENABLED", "ttl", false),
    ] {
        let expiry = json!({"TimeToLiveStatus": status, "AttributeName": attribute});
        let answer = json!({"TimeToLiveDescription": expiry});
        let (state, _server) = stub("DescribeTimeToLive", 200, answer, 9).await;
        assert_eq!(
            state.expires().await.unwrap(),
            expected,
            "{status} {attribute}"
        );
    }
}

#[tokio::test]
async fn recovery_is_on_or_off_or_not_for_us_to_see() {
    for (status, expected) in [("ENABLED", Recovery::On), ("DISABLED", Recovery::Off)] {
        let answer = json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
        }});
        let (state, _server) = stub("DescribeContinuousBackups", 200, answer, 9).await;
        assert_eq!(state.recovery().await.unwrap(), expected);
    }
    let denied = failed("AccessDeniedException");
    let (state, _server) = stub("DescribeContinuousBackups", 400, denied, 9).await;
    let error = state.recovery().await.unwrap_err();
    assert!(
        matches!(error, StateError::AccessDenied { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn database_that_does_not_answer_tells_no_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let state = State::connect(config(&url), TABLE);
    assert_eq!(state.database_time().await, None);
}

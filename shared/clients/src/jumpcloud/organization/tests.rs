//! The organisation, as lists and it itself show it.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::jumpcloud::tests::jumpcloud;
use crate::testing::mock_server;

async fn answering(at: &str, body: Value) -> wiremock::MockServer {
    let server = mock_server().await;
    let date = "Sun, 22 Nov 2026 10:00:00 GMT";
    let answer = ResponseTemplate::new(200).insert_header("date", date);
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer.set_body_json(body))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn list_has_the_names_and_the_time() {
    let row = json!({"_id": "5f1a", "id": "5f1a", "displayName": "Northlight", "logoUrl": null});
    let body = json!({"totalCount": 2, "results": [row, {"_id": "5f1b", "settings": {}}]});
    let server = answering("/api/organizations", body).await;
    let (all, time) = jumpcloud(&server).organizations().await.unwrap();
    let names: Vec<_> = all.iter().map(|one| one.display_name.as_deref()).collect();
    assert_eq!(names, [Some("Northlight"), None]);
    assert_eq!(time, "2026-11-22T10:00:00Z".parse().ok());
}

#[tokio::test]
async fn default_state_is_read_where_there_is_one() {
    for (settings, state) in [
        (
            json!({"newSystemUserStateDefaults": {"manualEntry": "STAGED"}}),
            Some("STAGED"),
        ),
        (json!({"newSystemUserStateDefaults": null}), None),
        (Value::Null, None),
    ] {
        let body = json!({"_id": "5f1a", "settings": settings});
        let server = answering("/api/organizations/5f1a", body).await;
        let found = jumpcloud(&server).organization("5f1a").await.unwrap();
        assert_eq!(found.unwrap().default_state(), state, "{settings}");
        let other = jumpcloud(&server).organization("5f1b").await.unwrap();
        assert!(other.is_none());
    }
}

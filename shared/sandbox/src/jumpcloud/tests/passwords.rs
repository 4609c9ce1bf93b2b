//! Passwords: what they must be, and how long they last.

use serde_json::{Value, json};

use crate::tests::World;

#[tokio::test]
async fn weak_password_is_refused_and_explained_when_asked_for() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let put = async |query: &str, password: &str| {
        let path = format!("/systemusers/{id}{query}");
        world
            .jumpcloud("PUT", &path, json!({ "password": password }))
            .await
    };
    let detailed = "?fullValidationDetails=password";
    let (status, refusal) = put(detailed, "secret").await;
    assert_eq!(
        (status, &refusal["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    let violations = &refusal["details"][0]["fieldViolationsList"];
    let descriptions: Vec<_> = violations
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| violation["description"].as_str().unwrap())
        .collect();
    assert_eq!(descriptions, ["minLength", "uppercase", "numeric"]);
    let (status, refusal) = put("", "secret").await;
    assert_eq!(
        (status, refusal),
        (400, json!({ "message": "Password validation fail" }))
    );
    let (status, user) = put(detailed, "S3cretWord").await;
    assert_eq!((status, &user["activated"]), (200, &json!(true)));
}

#[tokio::test]
async fn password_expires_until_a_new_one_is_set() {
    let world = World::start().await;
    let id = world.user("jdoe").await;
    let jumpcloud = world.sandbox.jumpcloud();
    let expired = || jumpcloud.user(&id).unwrap()["password_expired"].clone();
    let expire = format!("/systemusers/{id}/expire");
    assert_eq!(world.jumpcloud("POST", &expire, Value::Null).await.0, 200);
    assert_eq!(expired(), true);
    let path = format!("/systemusers/{id}");
    let body = json!({ "password": "S3cretWord", "password_expired": true });
    assert_eq!(world.jumpcloud("PUT", &path, body).await.0, 200);
    assert_eq!(expired(), false);
    let path = format!("/users/{id}");
    let (_, user) = world
        .control("PATCH", &path, json!({ "password_expired": true }))
        .await;
    assert_eq!(
        (&user["password_expired"], expired()),
        (&json!(true), json!(true))
    );
    assert_eq!(world.control("PATCH", "/users/x", json!({})).await.0, 404);
}

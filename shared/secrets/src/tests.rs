//! Secrets from the environment and from a stand-in for Secrets Manager; what is secret never shows.

use std::error::Error as _;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use jiff::civil::date;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Freshness, Secrets, SecretsError};

const SECRET: &str = "s3cr3t-value";

fn from_env(value: Option<&str>) -> Secrets {
    let value = value.map(str::to_owned);
    Secrets::new(None, move |name| value.clone().filter(|_| name == "KEY"))
}

/// Secrets Manager, which answers every read of `rollcall/deel` like this.
async fn manager(status: u16, body: Value) -> (Secrets, MockServer) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("x-amz-target", "secretsmanager.GetSecretValue"))
        .and(body_partial_json(json!({"SecretId": "rollcall/deel"})))
        .respond_with(
            ResponseTemplate::new(status)
                .set_body_raw(body.to_string(), "application/x-amz-json-1.1"),
        )
        .mount(&server)
        .await;
    let account = startup::stand_in(&server.uri()).unwrap();
    (Secrets::new(Some(Client::new(&account)), |_| None), server)
}

async fn reads(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// The whole chain, and the form that a debugger sees.
fn shown(error: &SecretsError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn usable_values_become_api_keys() {
    let cases = [
        (SECRET.to_owned(), None),
        (format!("  {SECRET}\n"), None),
        (format!(r#"{{"api_key":"{SECRET}"}}"#), None),
        (
            format!(r#" {{"api_key":" {SECRET} ","expires":null,"note":1}}"#),
            None,
        ),
        (
            format!(r#"{{"api_key":"{SECRET}","expires":"2027-03-01"}}"#),
            Some(date(2027, 3, 1)),
        ),
    ];
    for (value, expires) in cases {
        let key = from_env(Some(&value))
            .api_key("env:KEY", Freshness::Cached)
            .await
            .unwrap();
        assert_eq!(
            (key.key.expose_secret(), key.expires),
            (SECRET, expires),
            "{value}"
        );
        assert!(!format!("{key:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn end_of_a_key_is_told_from_thirty_days_before() {
    let secret = format!(r#"{{"api_key":"{SECRET}","expires":"2027-03-31"}}"#);
    let key = from_env(Some(&secret))
        .api_key("env:KEY", Freshness::Cached)
        .await
        .unwrap();
    for (today, told) in [
        (date(2027, 2, 28), None),
        (date(2027, 3, 1), Some("ends in 30 days, on 2027-03-31")),
        (date(2027, 3, 30), Some("ends tomorrow, on 2027-03-31")),
        (date(2027, 3, 31), Some("ended on 2027-03-31")),
        (date(2028, 3, 31), Some("ended on 2027-03-31")),
    ] {
        let expiring = key.expiring(today);
        let text = expiring.map(|expiring| expiring.to_string());
        assert_eq!(text.as_deref(), told, "{today}");
        let has_ended = expiring.is_some_and(|expiring| expiring.has_ended());
        assert_eq!(has_ended, today >= date(2027, 3, 31));
    }
    let endless = from_env(Some(SECRET))
        .api_key("env:KEY", Freshness::Cached)
        .await
        .unwrap();
    assert_eq!(endless.expiring(date(2099, 1, 1)), None);
}

#[tokio::test]
async fn unusable_values_are_refused_without_showing_them() {
    let cases = [
        (
            "",
            "secret `env:KEY` is empty or a placeholder: put the real one there",
        ),
        (" \n", "secret `env:KEY` is empty"),
        ("REPLACE_ME", "secret `env:KEY` is empty or a placeholder"),
        ("<your key>", "secret `env:KEY` is empty or a placeholder"),
        (
            r#"{"api_key":"changeme"}"#,
            "secret `env:KEY` is empty or a placeholder",
        ),
        (
            r#"{"api_key":"s3cr3t-value"#,
            "because it is not valid JSON of text values: store the key itself",
        ),
        (
            r#"{"api_key":["s3cr3t-value"]}"#,
            "because it is not valid JSON of text values",
        ),
        (r#"{"key":"s3cr3t-value"}"#, "because it has no `api_key`"),
        (
            r#"{"api_key":"s3cr3t-value","expires":"s3cr3t-value"}"#,
            "because its `expires` is no date",
        ),
    ];
    for (value, message) in cases {
        let error = from_env(Some(value))
            .api_key("env:KEY", Freshness::Cached)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(message), "{value}: {error}");
        assert!(!shown(&error).contains(SECRET), "{value}");
    }
}

#[tokio::test]
async fn text_that_is_not_an_api_key_is_given_whole() {
    let tokens = r#"{"tokens":[]}"#;
    let secret = from_env(Some(tokens))
        .get("env:KEY", Freshness::Cached)
        .await
        .unwrap();
    assert_eq!(secret.expose_secret(), tokens);
}

#[tokio::test]
async fn missing_variable_and_missing_account_are_named() {
    let error = from_env(None)
        .get("env:KEY", Freshness::Cached)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("environment variable `KEY` is not set"),
        "{error}"
    );
    let error = from_env(None)
        .get("rollcall/deel", Freshness::Cached)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("secret `rollcall/deel` is in Secrets Manager, and there is no"),
        "{error}"
    );
}

#[tokio::test]
async fn secret_is_read_once_a_minute_or_when_asked() {
    let (secrets, server) = manager(200, json!({"SecretString": SECRET})).await;
    for freshness in [Freshness::Cached, Freshness::Cached] {
        let key = secrets
            .clone()
            .api_key("rollcall/deel", freshness)
            .await
            .unwrap();
        assert_eq!(key.key.expose_secret(), SECRET);
    }
    assert_eq!(reads(&server).await, 1);
    secrets
        .get("rollcall/deel", Freshness::Fresh)
        .await
        .unwrap();
    assert_eq!(reads(&server).await, 2);

    leap(50).await;
    secrets
        .get("rollcall/deel", Freshness::Cached)
        .await
        .unwrap();
    assert_eq!(reads(&server).await, 2);
    leap(10).await;
    secrets
        .get("rollcall/deel", Freshness::Cached)
        .await
        .unwrap();
    assert_eq!(reads(&server).await, 3);
}

async fn leap(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn many_who_need_a_secret_read_it_once() {
    let (secrets, server) = manager(200, json!({"SecretString": SECRET})).await;
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let secrets = secrets.clone();
            tokio::spawn(async move { secrets.get("rollcall/deel", Freshness::Cached).await })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap().unwrap();
    }
    assert_eq!(reads(&server).await, 1);
}

#[tokio::test]
async fn failed_read_is_not_remembered() {
    let (secrets, server) = manager(200, json!({"SecretString": ""})).await;
    for _ in 0..2 {
        secrets
            .get("rollcall/deel", Freshness::Cached)
            .await
            .unwrap_err();
    }
    assert_eq!(reads(&server).await, 2);
}

#[tokio::test]
async fn refusals_of_secrets_manager_name_the_secret() {
    let cases = [
        (
            400,
            json!({"__type": "ResourceNotFoundException"}),
            "secret `rollcall/deel` does not exist",
        ),
        (
            400,
            json!({"__type": "AccessDeniedException"}),
            "access to secret `rollcall/deel` is denied",
        ),
        (
            400,
            json!({"__type": "DecryptionFailure"}),
            "access to secret `rollcall/deel` is denied",
        ),
        (
            400,
            json!({"__type": "InvalidRequestException"}),
            "secret `rollcall/deel` could not be read",
        ),
        (
            200,
            json!({"SecretBinary": "AAEC"}),
            "secret `rollcall/deel` is binary",
        ),
    ];
    for (status, body, message) in cases {
        let (secrets, _server) = manager(status, body).await;
        let error = secrets
            .get("rollcall/deel", Freshness::Cached)
            .await
            .unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn nothing_that_was_read_is_shown() {
    let (secrets, _server) = manager(200, json!({"SecretString": SECRET})).await;
    let secret = secrets
        .get("rollcall/deel", Freshness::Cached)
        .await
        .unwrap();
    assert!(!format!("{secrets:?} {secret:?}").contains(SECRET));
}

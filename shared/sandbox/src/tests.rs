//! The sandbox as a whole over HTTP, and what the other tests start from.

use std::time::Duration;

use reqwest::{Method, redirect};
use serde_json::{Value, json};

use crate::{Database, EmbeddedDynamoDb, Options, Profile, Sandbox, Vendor};

/// A sandbox without rate limits of HR, and a client that does not follow redirects.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        sandbox.deel().rules(|rules| rules.rate_limit = None);
        sandbox.humaans().rules(|rules| rules.rate_limit = None);
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { sandbox, http }
    }

    /// Status and body of a JumpCloud request; a null body is not sent.
    pub(crate) async fn jumpcloud(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/api{path}", self.sandbox.jumpcloud_url());
        let request = self
            .request(method, &url)
            .header("x-api-key", "sandbox-jumpcloud-key");
        answer(match body {
            Value::Null => request,
            body => request.json(&body),
        })
        .await
    }

    /// Status and body of a Deel request.
    pub(crate) async fn deel(&self, path: &str) -> (u16, Value) {
        let url = format!("{}/rest/v2{path}", self.sandbox.deel_url());
        answer(self.request("GET", &url).bearer_auth("sandbox-deel-token")).await
    }

    /// Status and body of a Humaans request.
    pub(crate) async fn humaans(&self, path: &str) -> (u16, Value) {
        let url = format!("{}/api{path}", self.sandbox.humaans_url());
        answer(
            self.request("GET", &url)
                .bearer_auth("sandbox-humaans-token"),
        )
        .await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/sandbox{path}", self.sandbox.url());
        answer(self.request(method, &url).json(&body)).await
    }

    /// Makes a staged user, which must succeed; returns the id.
    pub(crate) async fn user(&self, username: &str) -> String {
        let body = json!({
            "username": username,
            "email": format!("{username}@corp.example"),
            "state": "STAGED",
        });
        let (status, user) = self.jumpcloud("POST", "/systemusers", body).await;
        assert_eq!(status, 200, "{user}");
        user["_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn request(&self, method: &str, url: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, url)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn aws(world: &World, url: &str, target: &str, body: &Value) -> reqwest::RequestBuilder {
    let credential = "Credential=AKIAEXAMPLE/20260101/us-east-1/service/aws4_request";
    world
        .request("POST", url)
        .header("x-amz-target", target)
        .header("x-amz-date", "20260101T000000Z")
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;x-amz-date, Signature=00"),
        )
        .body(body.to_string())
}

#[tokio::test]
async fn dynamodb_is_reached_through_the_one_listener() {
    let world = World::start().await;
    let table = json!({
        "TableName": "rollcall",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let url = world.sandbox.aws_url();
    let create = aws(&world, &url, "DynamoDB_20120810.CreateTable", &table);
    assert_eq!(answer(create).await.0, 200);
    let list = aws(&world, &url, "DynamoDB_20120810.ListTables", &json!({}));
    assert_eq!(
        answer(list).await,
        (200, json!({"TableNames": ["rollcall"]}))
    );
    assert_eq!(world.sandbox.requests().count(Vendor::DynamoDb), 2);
    world.sandbox.stop().await;
}

#[tokio::test]
async fn snapshot_brings_people_users_secrets_and_tables_back() {
    let world = World::start().await;
    let sandbox = &world.sandbox;
    let file = std::env::temp_dir().join(format!("sandbox-snapshot-{}.sqlite", std::process::id()));
    let ana = sandbox.deel().hire(Profile::new("Ana", "Souza"));
    let user = world.user("ana.souza").await;
    let table = |name| {
        json!({
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        })
    };
    let ask = async |operation: &str, body: Value| {
        let target = format!("DynamoDB_20120810.{operation}");
        answer(aws(&world, &sandbox.aws_url(), &target, &body)).await
    };
    ask("CreateTable", table("kept")).await;
    let snapshot = sandbox.snapshot(&file).unwrap();
    assert!(
        sandbox.snapshot(&file).is_err(),
        "the file is there already"
    );

    for _ in 0..2 {
        sandbox.deel().remove(&ana);
        sandbox.jumpcloud().delete(&user);
        world.user("somebody.else").await;
        ask("CreateTable", table("made later")).await;
        sandbox.restore(&snapshot).unwrap();
        assert!(sandbox.deel().person(&ana).is_some());
        let users = sandbox.jumpcloud().users();
        assert_eq!(users.len(), 1);
        assert_eq!(users[0]["_id"], user);
        let tables = ask("ListTables", json!({})).await;
        assert_eq!(tables, (200, json!({"TableNames": ["kept"]})));
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn database_in_a_file_outlives_its_server() {
    let world = World::start().await;
    let path = std::env::temp_dir().join(format!("sandbox-test-{}.sqlite", std::process::id()));
    let table = json!({
        "TableName": "kept",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    for (target, body) in [("CreateTable", table), ("ListTables", json!({}))] {
        let database = EmbeddedDynamoDb::start(Database::File(path.clone()))
            .await
            .unwrap();
        let call = aws(
            &world,
            &database.url(),
            &format!("DynamoDB_20120810.{target}"),
            &body,
        );
        let (status, answer) = answer(call.header("connection", "close")).await;
        assert_eq!(status, 200, "{answer}");
        if target == "ListTables" {
            assert_eq!(answer, json!({"TableNames": ["kept"]}));
        }
        database.stop().await;
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn secrets_are_found_by_name_and_by_arn_and_unknown_ones_are_refused() {
    let world = World::start().await;
    let url = world.sandbox.aws_url();
    world.sandbox.secrets().set("rollcall/scim", "{}");
    let get = async |id: &str| {
        let body = json!({"SecretId": id});
        answer(aws(&world, &url, "secretsmanager.GetSecretValue", &body)).await
    };
    let (status, deel) = get("rollcall/deel").await;
    assert_eq!(
        (status, &deel["SecretString"]),
        (200, &json!("sandbox-deel-token"))
    );
    assert_eq!(
        get(deel["ARN"].as_str().unwrap()).await.1["Name"],
        "rollcall/deel"
    );
    assert_eq!(get("rollcall/scim").await.1["SecretString"], "{}");
    let (status, refusal) = get("rollcall/other").await;
    assert_eq!(
        (status, &refusal["__type"]),
        (400, &json!("ResourceNotFoundException"))
    );
}

#[tokio::test]
async fn secret_changes_only_from_the_version_that_was_read() {
    let world = World::start().await;
    let url = world.sandbox.aws_url();
    let secrets = world.sandbox.secrets();
    secrets.set_empty("s");
    let ask = async |operation: &str, mut body: Value| {
        body["SecretId"] = "s".into();
        let target = format!("secretsmanager.{operation}");
        answer(aws(&world, &url, &target, &body)).await
    };
    let put = |id: &str, value: &str| json!({"ClientRequestToken": id, "SecretString": value, "VersionStages": ["next"]});
    let make_current = |to: &str, from: Option<&str>| json!({"VersionStage": "AWSCURRENT", "MoveToVersionId": to, "RemoveFromVersionId": from});
    assert_eq!(ask("GetSecretValue", json!({})).await.0, 400);
    let (_, first) = ask("PutSecretValue", put("v1", "one")).await;
    assert_eq!(first["VersionStages"], json!(["AWSCURRENT", "next"]));
    let (_, second) = ask("PutSecretValue", put("v2", "two")).await;
    assert_eq!(second["VersionStages"], json!(["next"]));
    assert_eq!(secrets.get("s").as_deref(), Some("one"));
    assert_eq!(ask("PutSecretValue", put("v2", "two")).await.0, 200);
    assert_eq!(ask("PutSecretValue", put("v2", "other")).await.0, 400);

    for from in [None, Some("v0"), Some("v2")] {
        let (status, refusal) = ask("UpdateSecretVersionStage", make_current("v2", from)).await;
        assert_eq!(status, 400);
        assert_eq!(refusal["__type"], "InvalidParameterException");
    }
    let moved = make_current("v2", Some("v1"));
    assert_eq!(ask("UpdateSecretVersionStage", moved).await.0, 200);
    assert_eq!(secrets.get("s").as_deref(), Some("two"));
    let (_, described) = ask("DescribeSecret", json!({})).await;
    let labels = json!({"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT", "next"]});
    assert_eq!(described["VersionIdsToStages"], labels);
    assert!(described["LastChangedDate"].is_i64());
}

#[tokio::test]
async fn answers_are_dated_by_the_clock() {
    let world = World::start().await;
    let time = "2026-03-02T09:00:00Z".parse().unwrap();
    world.sandbox.clock().set(time);
    let url = format!("{}/api/systemusers", world.sandbox.jumpcloud_url());
    let answer = world.http.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Mon, 02 Mar 2026 09:00:00 GMT");
}

#[tokio::test]
async fn control_api_moves_the_clock_hires_and_sums_up() {
    let world = World::start().await;
    world
        .control("POST", "/clock", json!({"set": "2026-03-02T09:00:00Z"}))
        .await;
    let (_, time) = world
        .control("POST", "/clock", json!({"advance_seconds": 60}))
        .await;
    assert_eq!(time, json!({"now": "2026-03-02T09:01:00Z"}));

    let ana = Value::from(Profile::new("Ana", "Souza"));
    let (status, ana) = world.control("POST", "/people", ana).await;
    assert_eq!(
        (status, &ana["created_at"]),
        (201, &json!("2026-03-02T09:01:00.000Z"))
    );
    let path = format!("/people/{}", ana["id"].as_str().unwrap());
    let (_, ana) = world
        .control("PATCH", &path, json!({"job_title": "Lead"}))
        .await;
    assert_eq!(ana["job_title"], "Lead");

    let fault = json!({"vendor": "deel", "path": "/people", "kind": {"status": {"status": 503}}});
    assert_eq!(world.control("POST", "/faults", fault).await.0, 204);
    let mistyped = json!({"vendor": "deel", "kind": "drop", "time": 2});
    assert_eq!(world.control("POST", "/faults", mistyped).await.0, 400);
    assert_eq!(world.deel("/people").await.0, 503);

    world.user("ana").await;
    let (_, summary) = world.control("GET", "", Value::Null).await;
    assert_eq!(summary["people"], 1);
    assert_eq!(summary["users"], json!({"STAGED": 1}));
    assert_eq!(summary["requests"]["deel"]["count"], 1);
    assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn requests_are_recorded_in_order_with_their_status() {
    let world = World::start().await;
    world
        .jumpcloud("GET", "/systemusers?limit=1", Value::Null)
        .await;
    world.deel("/people?limit=0").await;
    let recorded: Vec<_> = world
        .sandbox
        .requests()
        .all()
        .into_iter()
        .map(|request| (request.vendor, request.method, request.path, request.status))
        .collect();
    let expected = [
        (Vendor::JumpCloud, "/jumpcloud/api/systemusers?limit=1", 200),
        (Vendor::Deel, "/deel/rest/v2/people?limit=0", 400),
    ]
    .map(|(vendor, path, status)| (vendor, "GET".to_owned(), path.to_owned(), Some(status)));
    assert_eq!(recorded, expected);
    world.sandbox.requests().clear();
    assert_eq!(world.sandbox.requests().all(), []);
}

#[tokio::test]
async fn peaks_show_how_many_requests_ran_at_once() {
    let world = World::start().await;
    world
        .sandbox
        .set_latency(Vendor::JumpCloud, Duration::from_millis(200));
    let get = || world.jumpcloud("GET", "/systemusers", Value::Null);
    tokio::join!(get(), get(), get());
    let requests = world.sandbox.requests();
    assert_eq!(requests.peak_concurrency(Vendor::JumpCloud), 3);
    assert_eq!(requests.peak_per_second(Vendor::JumpCloud), 3);
    assert_eq!(requests.peak_concurrency(Vendor::Deel), 0);
}

#[tokio::test]
async fn stopped_sandbox_answers_no_more() {
    let World { sandbox, http } = World::start().await;
    let url = sandbox.url();
    assert!(http.get(format!("{url}/sandbox")).send().await.is_ok());
    sandbox.stop().await;
    assert!(http.get(format!("{url}/sandbox")).send().await.is_err());
}

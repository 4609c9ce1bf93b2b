//! The SCIM service of a world, as a client with a token sees it, and what every answer of it must be.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use scim::Service;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use state::State;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::world::{aws, secrets};
use crate::{Answer, Function};

/// The clients that every world has tokens for, and what each may do.
const CLIENTS: [(&str, &str); 3] = [("okta", "write"), ("entra", "write"), ("auditor", "read")];
/// Where the service is, in the process of the test.
const BASE_URL: &str = "https://scim.test/scim/v2";
/// Where it is behind API Gateway, under a stage.
const DEPLOYED_URL: &str = "https://api.test/live/scim/v2";
/// What API Gateway waits for an answer.
const GATEWAY_TIME: SignedDuration = SignedDuration::from_secs(30);
const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// RFC 7644 §3.12 and RFC 9865 §2.2.
const SCIM_TYPES: [&str; 13] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
];

/// A client of the SCIM service. A new one is `okta`, which may write.
#[derive(Clone)]
pub struct Scim {
    door: Arc<Door>,
    headers: BTreeMap<String, String>,
}

/// The two ways to the same service.
enum Door {
    /// In the process of the test: fast.
    Here { service: Service, log: Dispatch },
    /// The real program under the Runtime API, behind API Gateway.
    Deployed {
        function: Function,
        clock: sandbox::Clock,
    },
}

/// An answer that has passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, by names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null when there is none.
    pub body: Value,
}

impl Scim {
    pub(crate) fn here(config: &str, state: State, sandbox: &sandbox::Sandbox, log: File) -> Self {
        let config = config::Config::parse(config).expect("the configuration is right");
        let secrets = secrets(&aws(sandbox));
        let clock = sandbox.clock();
        let clock = Arc::new(move || clock.now());
        let service = Service::new(config, state, &secrets, &[], clock, "https")
            .expect("the service is made");
        let log = startup::log_lines(Some(crate::world::LOG), Mutex::new(log));
        let log = Dispatch::new(log);
        Self::through(Door::Here { service, log })
    }

    pub(crate) fn deployed(function: Function, clock: sandbox::Clock) -> Self {
        Self::through(Door::Deployed { function, clock })
    }

    fn through(door: Door) -> Self {
        let scim = Self {
            door: Arc::new(door),
            headers: BTreeMap::new(),
        };
        let (okta, _) = CLIENTS[0];
        scim.with("content-type", "application/scim+json").of(okta)
    }

    /// The same service, as another client: `okta`, `entra`, or `auditor`, which may only read.
    #[must_use]
    pub fn of(&self, client: &str) -> Self {
        self.with("authorization", &format!("Bearer {}", token_of(client)))
    }

    /// The same client, sending this header too, or with another value.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.insert(name.to_owned(), value.to_owned());
        with
    }

    /// The same client, not sending this header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut without = self.clone();
        without.headers.remove(name);
        without
    }

    /// The base URL, without a slash at its end.
    pub fn base_url(&self) -> &'static str {
        match *self.door {
            Door::Here { .. } => BASE_URL,
            Door::Deployed { .. } => DEPLOYED_URL,
        }
    }

    /// `GET`; `path` is what follows the base URL, query included.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, "").await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, body.to_string()).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Response {
        self.send("PUT", path, body.to_string()).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Response {
        self.send("PATCH", path, body.to_string()).await
    }

    /// `PATCH` with these operations.
    pub async fn operate(&self, path: &str, operations: Value) -> Response {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = json!({"schemas": [schema], "Operations": operations});
        self.patch(path, body).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, "").await
    }

    /// Any method, any bytes.
    pub async fn send(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Response {
        let response = self.try_send(method, path, body).await;
        response.unwrap_or_else(|| panic!("{method} {path}: the process died"))
    }

    /// Any method, any bytes; no answer when the process died.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: impl AsRef<[u8]>,
    ) -> Option<Response> {
        let body = body.as_ref();
        let (status, headers, text) = match &*self.door {
            Door::Here { service, log } => {
                let request = self.request(method, path, body);
                let answering = service.answer("e2e", request);
                let response = Box::pin(answering.with_subscriber(log.clone())).await;
                let (parts, body) = response.into_parts();
                let headers = parts.headers.iter().map(|(name, value)| {
                    let value = value.to_str().expect("a header is text");
                    (name.to_string(), value.to_owned())
                });
                let body = String::from_utf8(body.to_vec()).expect("a body is text");
                (parts.status.as_u16(), headers.collect(), body)
            }
            Door::Deployed { function, clock } => {
                let event = self.event(method, path, body);
                match function.invoke(event, clock.now() + GATEWAY_TIME).await {
                    Answer::Returned(answer) => from_gateway(&answer),
                    Answer::Died => return None,
                    Answer::Refused(error) => {
                        panic!("{method} {path}: the function gave no answer: {error}")
                    }
                }
            }
        };
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text)
                .unwrap_or_else(|error| panic!("{method} {path}: {error}: {text}")),
        };
        let response = Response {
            status,
            headers,
            body,
        };
        response.check(method, path, self.base_url());
        Some(response)
    }

    /// Kills the process when called, where there is one of its own.
    pub fn killer(&self) -> Option<impl Fn() + Send + Sync + 'static> {
        match &*self.door {
            Door::Here { .. } => None,
            Door::Deployed { function, .. } => Some(function.killer()),
        }
    }

    fn request(&self, method: &str, path: &str, body: &[u8]) -> Request<Bytes> {
        let mut request = Request::new(Bytes::copy_from_slice(body));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
        let uri = format!("/scim/v2{}", path.replace(' ', "%20"));
        *request.uri_mut() = uri.parse().expect("a path");
        let host = ("host".to_owned(), "scim.test".to_owned());
        for (name, value) in self.headers.iter().chain([(&host.0, &host.1)]) {
            request.headers_mut().insert(
                HeaderName::try_from(name).expect("a header's name"),
                HeaderValue::try_from(value).expect("a header's value"),
            );
        }
        request
    }

    /// An event as API Gateway makes it: the path decoded and with its stage, the body in base64.
    pub fn event(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let raw_path = format!("/live/scim/v2{path}");
        let mut headers = self.headers.clone();
        headers.insert("host".to_owned(), "api.test".to_owned());
        headers.insert("x-forwarded-proto".to_owned(), "https".to_owned());
        let mut event = json!({
            "version": "2.0",
            "routeKey": "ANY /scim/v2/{proxy+}",
            "rawPath": raw_path,
            "rawQueryString": query.replace(' ', "%20"),
            "headers": headers,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": "api.test",
                "domainPrefix": "api",
                "http": {
                    "method": method,
                    "path": raw_path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "e2e",
                },
                "requestId": "e2e",
                "routeKey": "ANY /scim/v2/{proxy+}",
                "stage": "live",
                "time": "22/Nov/2026:00:00:00 +0000",
                "timeEpoch": 1_795_305_600_000_u64,
            },
            "isBase64Encoded": !body.is_empty(),
        });
        if !body.is_empty() {
            event["body"] = STANDARD.encode(body).into();
        }
        event
    }
}

fn from_gateway(answer: &Value) -> (u16, BTreeMap<String, String>, String) {
    let answer: GatewayAnswer =
        serde_json::from_value(answer.clone()).expect("API Gateway takes the answer");
    assert!(!answer.is_base64_encoded);
    (answer.status_code, answer.headers, answer.body)
}

/// What API Gateway reads of an answer.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayAnswer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl Response {
    /// The same answer, which has this status.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "mostly the status is all that is asked"
    )]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    /// The same answer, which is a refusal of this kind.
    #[track_caller]
    #[expect(
        clippy::return_self_not_must_use,
        reason = "mostly the refusal is all that is asked"
    )]
    pub fn refused(self, status: u16, scim_type: &str) -> Self {
        assert_eq!(
            (self.status, self.text("/scimType")),
            (status, scim_type),
            "{:#}",
            self.body
        );
        self
    }

    /// A text in the body by its JSON pointer; empty when there is none.
    pub fn text(&self, pointer: &str) -> &str {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// The id of the resource.
    #[track_caller]
    pub fn id(&self) -> String {
        let id = self.text("/id");
        assert!(!id.is_empty(), "{:#}", self.body);
        id.to_owned()
    }

    /// The ids of a list, in its order.
    pub fn ids(&self) -> Vec<String> {
        let resources = self.body["Resources"].as_array();
        let ids = resources.into_iter().flatten().map(|resource| {
            let id = resource["id"].as_str();
            id.unwrap_or_default().to_owned()
        });
        ids.collect()
    }

    /// A header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// What is true of every answer, whatever was asked.
    fn check(&self, method: &str, path: &str, base_url: &str) {
        let Self {
            status,
            headers: _,
            body,
        } = self;
        let told = format!("{method} {path} → {status} {body:#}");
        assert_ne!(*status, 500, "{told}");
        if body.is_null() {
            assert_eq!(
                self.header("content-type").is_empty(),
                method != "HEAD" || *status == 304,
                "{told}"
            );
        } else {
            assert!(
                *status != 204 && *status != 304 && method != "HEAD",
                "{told}"
            );
            assert_eq!(
                self.header("content-type"),
                "application/scim+json",
                "{told}"
            );
        }
        for (required, of) in [
            ("www-authenticate", 401),
            ("allow", 405),
            ("retry-after", 429),
            ("retry-after", 503),
        ] {
            assert!(*status != of || !self.header(required).is_empty(), "{told}");
        }
        if *status >= 400 && method != "HEAD" {
            self.check_error(&told);
        } else if body["schemas"] == json!([LIST_URN]) {
            self.check_list(base_url, &told);
        } else if body["id"].is_string() && body["meta"].is_object() {
            check_resource(body, base_url, &told);
            assert!(
                *status != 201 || self.text("/meta/location") == self.header("location"),
                "{told}"
            );
            let version = self.text("/meta/version");
            assert!(
                version.is_empty() || version == self.header("etag"),
                "{told}"
            );
        }
    }

    /// RFC 7644 §3.12.
    fn check_error(&self, told: &str) {
        assert_eq!(self.body["schemas"], json!([ERROR_URN]), "{told}");
        assert_eq!(self.text("/status"), self.status.to_string(), "{told}");
        assert!(!self.text("/detail").is_empty(), "{told}");
        let scim_type = &self.body["scimType"];
        let is_known = scim_type.as_str().is_some_and(|t| SCIM_TYPES.contains(&t));
        assert!(scim_type.is_null() || is_known, "{told}");
    }

    /// RFC 7644 §3.4.2.
    fn check_list(&self, base_url: &str, told: &str) {
        let total = self.body["totalResults"].as_u64();
        let resources = self.body["Resources"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        assert!(
            total.is_some_and(|total| total >= resources.len() as u64),
            "{told}"
        );
        let in_page = self.body["itemsPerPage"].as_u64();
        assert!(
            in_page.is_none_or(|count| count == resources.len() as u64),
            "{told}"
        );
        for resource in resources {
            check_resource(resource, base_url, told);
        }
    }
}

/// A resource's `meta` is absolute, and a password stands nowhere but in its schema.
fn check_resource(resource: &Value, base_url: &str, told: &str) {
    if let Some(location) = resource["meta"]["location"].as_str() {
        assert!(location.starts_with(&format!("{base_url}/")), "{told}");
        let id = resource["id"].as_str().unwrap_or_default();
        assert!(location.ends_with(id), "{told}");
    }
    assert!(resource["schemas"].is_array(), "{told}");
    assert!(resource.get("password").is_none(), "{told}");
}

/// The tokens of every client, which no log may hold.
pub(crate) fn tokens() -> impl Iterator<Item = String> {
    CLIENTS.into_iter().map(|(client, _)| token_of(client))
}

/// The secret with the digests of the tokens.
pub(crate) fn token_file() -> String {
    let tokens = CLIENTS.map(|(client, scope)| {
        let digest = hex::encode(Sha256::digest(token_of(client)));
        json!({"name": format!("{client}-1"), "client": client, "sha256": digest, "scope": scope})
    });
    json!({"tokens": tokens}).to_string()
}

fn token_of(client: &str) -> String {
    format!("token-of-{client}")
}

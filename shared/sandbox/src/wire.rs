//! A request as the stand-ins see it, and the answer they give: HTTP with the body whole. No routes here.

use std::collections::BTreeMap;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One of the systems that the sandbox stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// JumpCloud's APIs, v1 and v2.
    JumpCloud,
    /// Deel's API.
    Deel,
    /// Humaans' API.
    Humaans,
    /// Amazon DynamoDB.
    DynamoDb,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon SNS.
    Sns,
}

impl Vendor {
    /// Every vendor.
    pub const ALL: [Self; 6] = [
        Self::JumpCloud,
        Self::Deel,
        Self::Humaans,
        Self::DynamoDb,
        Self::SecretsManager,
        Self::Sns,
    ];
}

/// Where JumpCloud's v2 tells the total of a list.
pub(crate) const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A request, received whole.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The query, decoded, in its order.
    pub(crate) query: Vec<(String, String)>,
    /// Path and query as they came.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) async fn receive(request: Request<Incoming>) -> Result<Self, hyper::Error> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        Ok(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            target: head.uri.to_string(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    /// The vendor that the request is for, if it is for one.
    pub(crate) fn vendor(&self) -> Option<Vendor> {
        let target = self.amz_target();
        if self.path.starts_with("/jumpcloud/") {
            Some(Vendor::JumpCloud)
        } else if self.path.starts_with("/deel/") {
            Some(Vendor::Deel)
        } else if self.path.starts_with("/humaans/") {
            Some(Vendor::Humaans)
        } else if self.path == "/" && target.starts_with("DynamoDB_20120810.") {
            Some(Vendor::DynamoDb)
        } else if self.path == "/" && target.starts_with("secretsmanager.") {
            Some(Vendor::SecretsManager)
        } else if self.path == "/" && self.body.starts_with(b"Action=") {
            Some(Vendor::Sns)
        } else {
            None
        }
    }

    /// The operation of an AWS call, empty for others.
    pub(crate) fn amz_target(&self) -> &str {
        self.header("x-amz-target").unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The path below `prefix`, cut at its slashes.
    pub(crate) fn segments<'a>(&'a self, prefix: &str) -> Vec<&'a str> {
        self.path
            .strip_prefix(prefix)
            .unwrap_or_default()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }

    /// The body as JSON; an empty body is null.
    pub(crate) fn json(&self) -> Result<Value, serde_json::Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // What the stand-ins serialise are JSON values and plain structs, which cannot fail.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::text(status, "application/json; charset=utf-8", body)
    }

    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn html(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        );
        Self::text(status, "text/html; charset=utf-8", page)
    }

    pub(crate) fn text(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]),
            body: body.into(),
        }
    }

    /// Adds headers; those that are no valid HTTP are left out.
    pub(crate) fn with_headers(mut self, headers: &BTreeMap<String, String>) -> Self {
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                self.headers.insert(name, value);
            }
        }
        self
    }

    /// Says when it was given, unless it does already.
    pub(crate) fn given_at(mut self, now: Timestamp) -> Self {
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            self.headers.entry(DATE).or_insert(date);
        }
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
}

/// The fields of an object; anything else has none.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

//! API Gateway's HTTP API, payload version 2.0: its event as an HTTP request, and an answer as it wants it.
//!
//! Read here and not with `lambda_http`, which panics at a path, a query or a body that it does not expect: whatever a
//! client sends is answered.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::error::{ScimError, ScimType};

/// A request as API Gateway hands it to a function, as much of it as matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    raw_path: String,
    raw_query_string: String,
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Http {
    method: String,
}

/// An answer as API Gateway takes it. The body is text: base64 would make it a third larger.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl Event {
    /// The request. A header that HTTP does not allow is left out.
    pub fn into_request(self) -> Result<Request<Bytes>, ScimError> {
        let refused = |what: &str| ScimError::invalid(ScimType::InvalidSyntax, what);
        let method = Method::from_bytes(self.request_context.http.method.as_bytes())
            .map_err(|_| refused("the method is none of HTTP"))?;
        let path = self.raw_path.trim_start_matches('/');
        let target = format!("/{}?{}", escaped(path), escaped(&self.raw_query_string));
        let uri = Uri::try_from(target)
            .map_err(|_| refused("the path and the query are too long or malformed"))?;
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            STANDARD
                .decode(body)
                .map_err(|_| refused("the body is not the base64 that it is said to be"))?
        } else {
            body.into_bytes()
        };
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                request.headers_mut().append(name, value);
            }
        }
        Ok(request)
    }
}

/// What a URI may not hold as it is, and what would end its path or query, escaped. The gateway has decoded the path.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"#<>?\\^`{|}".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([byte]));
        }
    }
    escaped
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        // The gateway counts for itself what it sends.
        let headers = parts
            .headers
            .iter()
            .filter(|(name, _)| *name != CONTENT_LENGTH);
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        Self {
            status_code: parts.status.as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
            is_base64_encoded: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn request(event: serde_json::Value) -> Result<Request<Bytes>, ScimError> {
        serde_json::from_value::<Event>(event)
            .unwrap()
            .into_request()
    }

    fn get(path: &str, query: &str) -> serde_json::Value {
        json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query,
            "requestContext": {"http": {"method": "GET"}, "stage": "live"},
        })
    }

    #[test]
    fn path_and_query_stay_what_the_client_meant() {
        for (path, query, expected) in [
            ("/live/scim/v2/Users", "", "/live/scim/v2/Users?"),
            (
                "/scim/v2/Users",
                "filter=title%20eq%20%22a%26b%22&count=1&attributes=a&attributes=b",
                "/scim/v2/Users?filter=title%20eq%20%22a%26b%22&count=1&attributes=a&attributes=b",
            ),
            (
                "/scim/v2/Users/a b?c#d",
                "x=<é>",
                "/scim/v2/Users/a%20b%3Fc%23d?x=%3C%C3%A9%3E",
            ),
            ("//evil.example/scim/v2", "", "/evil.example/scim/v2?"),
        ] {
            let request = request(get(path, query)).unwrap();
            assert_eq!(request.uri().to_string(), expected);
        }
    }

    #[test]
    fn body_comes_out_of_its_base64() {
        let mut event = get("/scim/v2/Users", "");
        event["body"] = "eyLDvCI6MX0=".into();
        event["isBase64Encoded"] = true.into();
        assert_eq!(request(event.clone()).unwrap().body(), "{\"ü\":1}");
        event["body"] = "?".into();
        assert_eq!(request(event).unwrap_err().status(), 400);
    }

    #[test]
    fn answer_is_text() {
        let mut response = Response::new(Bytes::from_static(b"{}"));
        response
            .headers_mut()
            .insert("etag", HeaderValue::from_static("W/\"1\""));
        let answer = serde_json::to_value(Answer::from(response)).unwrap();
        let expected = json!({
            "statusCode": 200, "headers": {"etag": "W/\"1\""}, "body": "{}", "isBase64Encoded": false,
        });
        assert_eq!(answer, expected);
    }

    proptest! {
        #[test]
        fn no_event_panics(path: String, query: String, method: String, name: String, value: String, body: String) {
            let event = json!({
                "rawPath": path, "rawQueryString": query, "headers": {name: value}, "body": body,
                "isBase64Encoded": true, "requestContext": {"http": {"method": method}},
            });
            let _ = request(event);
        }

        #[test]
        fn every_path_and_query_of_any_characters_is_a_request(path: String, query: String) {
            prop_assert!(request(get(&path, &query)).is_ok());
        }
    }
}

//! One request: what is sent, and whether it may be sent again. How it is sent is `http.rs`.

use reqwest::Method;
use serde_json::Value;

/// One request, as often as it takes.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// The path behind the base URL; each segment is encoded.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<Value>,
    /// Not to be sent again where it may have taken effect.
    pub(crate) once: bool,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            method: Method::GET,
            path,
            query,
            body: None,
            once: false,
        }
    }

    pub(crate) fn put(path: &'a [&'a str], body: Value) -> Self {
        Self {
            method: Method::PUT,
            body: Some(body),
            ..Self::get(path, &[])
        }
    }

    pub(crate) fn delete(path: &'a [&'a str]) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(path, &[])
        }
    }

    /// A `POST` that does no more when it is sent again.
    pub(crate) fn post(path: &'a [&'a str], body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path, &[])
        }
    }

    /// A `POST` that makes or sends something each time.
    pub(crate) fn post_once(path: &'a [&'a str], body: Value) -> Self {
        Self {
            once: true,
            ..Self::post(path, body)
        }
    }

    pub(crate) fn with_query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    /// URLs drop these segments, so that the request would go to the collection: nothing can have such an id.
    pub(super) fn keeps_its_path(&self) -> bool {
        !(self.path.iter()).any(|segment| matches!(*segment, "" | "." | ".."))
    }

    /// The password in the body, which a vendor may repeat in its answer.
    pub(super) fn password(&self) -> &str {
        let password = self.body.as_ref().and_then(|body| body.get("password"));
        password.and_then(Value::as_str).unwrap_or_default()
    }
}

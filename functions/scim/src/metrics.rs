//! What CloudWatch's alarms and dashboard know of a request. `docs/operate.md` tells what each metric is.
//!
//! Pure: figures from an answer. A count of zero is left out, since CloudWatch charges for each metric that it hears of,
//! but where an alarm waits for the zero that ends it.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Response};
use serde_json::Value;
use startup::Metric;

/// What a request was about and what it cost: it travels with the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) method: Method,
    /// What the log calls the target; without ids.
    pub(crate) target: &'static str,
    pub(crate) jumpcloud: u64,
    pub(crate) dynamodb: u64,
    /// Whether JumpCloud refused our key.
    pub(crate) key_refused: bool,
}

/// The metrics of a request, with the facts that queries can group them by.
pub fn metrics(
    response: &Response<Bytes>,
    took: Duration,
) -> (Vec<Metric>, Vec<(&'static str, Value)>) {
    let status = response.status();
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let mut metrics = vec![
        Metric::count("ScimRequests", 1),
        Metric::milliseconds("ScimLatency", took),
    ];
    let mut facts = vec![("status", status.as_u16().into())];
    let mut counted = vec![
        Metric::count("ScimClientErrors", status.is_client_error().into()),
        Metric::count("ScimServerErrors", status.is_server_error().into()),
    ];
    if let Some(served) = response.extensions().get::<Served>() {
        let Served {
            method,
            target,
            jumpcloud,
            dynamodb,
            key_refused,
        } = served;
        facts.push(("method", method.as_str().into()));
        facts.push(("target", (*target).into()));
        counted.push(Metric::count("ScimCallsJumpCloud", *jumpcloud));
        counted.push(Metric::count("ScimCallsDynamoDb", *dynamodb));
        if *jumpcloud > 0 {
            metrics.push(Metric::count("JumpCloudKeyRefused", (*key_refused).into()));
        }
    }
    metrics.extend(counted.into_iter().filter(|metric| metric.value > 0));
    (metrics, facts)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn told(status: StatusCode, served: Option<Served>) -> Vec<(&'static str, u64)> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        if let Some(served) = served {
            response.extensions_mut().insert(served);
        }
        let (metrics, _) = metrics(&response, Duration::from_millis(12));
        metrics
            .iter()
            .map(|metric| (metric.name, metric.value))
            .collect()
    }

    fn served(jumpcloud: u64, key_refused: bool) -> Served {
        Served {
            method: Method::GET,
            target: "/Users",
            jumpcloud,
            dynamodb: 0,
            key_refused,
        }
    }

    #[test]
    fn request_is_counted_with_its_class_and_its_cost() {
        assert_eq!(
            told(StatusCode::OK, Some(served(2, false))),
            [
                ("ScimRequests", 1),
                ("ScimLatency", 12),
                ("JumpCloudKeyRefused", 0),
                ("ScimCallsJumpCloud", 2),
            ]
        );
        assert_eq!(
            told(StatusCode::INTERNAL_SERVER_ERROR, Some(served(1, true))),
            [
                ("ScimRequests", 1),
                ("ScimLatency", 12),
                ("JumpCloudKeyRefused", 1),
                ("ScimServerErrors", 1),
                ("ScimCallsJumpCloud", 1),
            ]
        );
    }

    #[test]
    fn request_that_never_came_to_jumpcloud_says_nothing_of_its_key() {
        for served in [None, Some(served(0, false))] {
            assert_eq!(
                told(StatusCode::UNAUTHORIZED, served),
                [
                    ("ScimRequests", 1),
                    ("ScimLatency", 12),
                    ("ScimClientErrors", 1)
                ]
            );
        }
    }
}

//! What the tests of this package share: keys, impatience, lists of rows, and servers that misbehave.

use std::error::Error;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::{MockServer, Request, ResponseTemplate};

use crate::key::{Freshness, KeySource};
use crate::retry::Retry;

/// Three attempts without a noticeable wait.
pub(crate) fn impatient() -> Retry {
    let wait = Duration::from_micros(1);
    Retry {
        attempts: 3,
        first_wait: wait,
        longest_wait: wait,
        ..Retry::default()
    }
}

/// Always the same key.
pub(crate) fn key(text: &'static str) -> KeySource {
    rotating_key(text, text).0
}

/// A key that was rotated after it was cached, and what the source was asked for.
pub(crate) fn rotating_key(
    cached: &'static str,
    fresh: &'static str,
) -> (KeySource, Arc<Mutex<Vec<Freshness>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let source: KeySource = Box::new(move |freshness| {
        log.lock().unwrap().push(freshness);
        let key = match freshness {
            Freshness::Cached => cached,
            Freshness::Fresh => fresh,
        };
        Box::pin(async move { Ok(SecretString::from(key)) })
    });
    (source, asked)
}

/// Everything that an error shows: each message of the chain, and the debug form.
pub(crate) fn shown(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, "\n{error}").unwrap();
        next = error.source();
    }
    text
}

/// A server of its own. `MockServer::start` would hand on one that another test has used, with requests of that test
/// still on their way to it.
pub(crate) async fn mock_server() -> MockServer {
    MockServer::builder().start().await
}

/// The value of a query parameter.
pub(crate) fn query(request: &Request, name: &str) -> String {
    let found = request.url.query_pairs().find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The rows from the offset that the request names in `parameter`, at most a hundred.
pub(crate) fn slice(rows: &[Value], request: &Request, parameter: &str) -> Vec<Value> {
    let offset = query(request, parameter).parse().unwrap();
    rows.iter().skip(offset).take(100).cloned().collect()
}

/// A 200 with this text.
pub(crate) fn text(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(body)
}

/// A server that reads each request, answers with these very bytes and hangs up; and how many it has read.
pub(crate) async fn raw_server(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 16 * 1024];
            if connection.read(&mut buffer).await.unwrap() > 0 {
                count.fetch_add(1, Ordering::SeqCst);
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (address, requests)
}

/// An address on which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

//! The core against a local server: what is sent, how often, and what is never repeated.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use futures_util::future::join;
use serde_json::{Value, json};
use wiremock::matchers::{any, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::key::Freshness;
use crate::testing::{impatient, key, mock_server, nobody, raw_server, rotating_key, shown, text};

const KEY: &str = "k3y-of-the-test";

fn http_with(base_url: &str, retry: Retry, key: KeySource) -> Http {
    let vendor = Vendor {
        name: "Vendor",
        hosts: &["api.vendor.example"],
        key_header: KeyHeader::Bearer,
    };
    let options = Options {
        base_url: base_url.to_owned(),
        allowed_hosts: Vec::new(),
        requests_per_second: 10_000,
        concurrency: 8,
        retry,
    };
    Http::new(vendor, &[("x-version", "7")], options, key).unwrap()
}

fn http(base_url: &str) -> Http {
    http_with(base_url, impatient(), key(KEY))
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

async fn get(http: &Http) -> Result<Value, ClientError> {
    http.send(
        Request::get(&["thing", "a/b c"], &[("q", "ann@corp.example")]),
        decode_owned,
    )
    .await
}

async fn create(http: &Http) -> Result<Value, ClientError> {
    let request = Request::post_once(&["things"], json!({ "email": "ann@corp.example" }));
    http.send(request, decode_owned).await
}

/// A server that gives these answers in turn, the last one again and again.
async fn server(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = mock_server().await;
    let answers: Vec<_> = answers.into_iter().collect();
    let count = AtomicUsize::new(0);
    let in_turn = move |_: &wiremock::Request| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        answers[turn.min(answers.len() - 1)].clone()
    };
    Mock::given(any())
        .respond_with(in_turn)
        .mount(&server)
        .await;
    server
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn request_carries_key_headers_query_and_encoded_path() {
    let server = mock_server().await;
    Mock::given(method("GET"))
        .and(path("/base/thing/a%2Fb%20c"))
        .and(query_param("q", "ann@corp.example"))
        .and(header("authorization", "Bearer k3y-of-the-test"))
        .and(header("accept", "application/json"))
        .and(header("x-version", "7"))
        .and(header(
            "user-agent",
            concat!("rollcall/", env!("CARGO_PKG_VERSION")),
        ))
        .respond_with(text("[1]"))
        .expect(1)
        .mount(&server)
        .await;
    let http = http(&format!("{}/base/", server.uri()));
    assert_eq!(get(&http).await.unwrap(), json!([1]));
    assert_eq!(http.calls(), 1);
}

#[tokio::test]
async fn each_run_has_its_own_count() {
    let server = server([text("1")]).await;
    let http = http(&server.uri());
    get(&http).await.unwrap();
    let run = http.begin(in_a_minute());
    get(&run).await.unwrap();
    get(&run.clone()).await.unwrap();
    assert_eq!((http.calls(), run.calls()), (1, 2));
}

#[tokio::test]
async fn idempotent_request_is_repeated_after_passing_faults() {
    let faults = [
        status(429),
        status(429).insert_header("retry-after", "0"),
        status(429)
            .insert_header("retry-after", "Sun, 22 Nov 2026 10:00:00 GMT")
            .insert_header("date", "Sun, 22 Nov 2026 10:00:01 GMT"),
        status(500),
        status(502).set_body_string("<html>"),
        status(503).insert_header("retry-after", "0"),
        status(504),
        status(522),
        text("<html>not the API</html>"),
        text(r#"{"cut":"#),
        text(""),
    ];
    for fault in faults {
        let server = server([fault, text("1")]).await;
        let http = http(&server.uri());
        assert_eq!(get(&http).await.unwrap(), json!(1));
        assert_eq!(http.calls(), 2);
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let server = server([status(503).set_body_json(json!({ "message": "closed" }))]).await;
    let http = http(&server.uri());
    let error = get(&http).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Vendor `GET /thing/a%2Fb%20c` was answered 503: closed"
    );
    assert!(error.is_retryable() && !error.is_in_doubt());
    assert_eq!((requests(&server).await, http.calls()), (3, 3));
}

#[tokio::test]
async fn final_statuses_are_not_repeated() {
    for code in [302, 400, 403, 404, 409, 422, 501] {
        let server = server([status(code)]).await;
        let error = get(&http(&server.uri())).await.unwrap_err();
        assert_eq!(requests(&server).await, 1, "{code}");
        let is = (
            error.is_not_found(),
            error.is_conflict_or_refused(),
            error.is_forbidden(),
            error.is_unauthorized(),
        );
        assert_eq!(
            is,
            (code == 404, code == 400 || code == 409, code == 403, false),
            "{code}"
        );
        assert!(
            !error.is_retryable() && !error.is_in_doubt() && !error.is_deadline(),
            "{code}"
        );
    }
}

#[tokio::test]
async fn create_is_never_repeated_where_it_may_have_taken_effect() {
    for (answer, in_doubt) in [
        (status(500), true),
        (status(503).insert_header("retry-after", "0"), true),
        (text("<html>"), true),
        (text(r#"{"_id":"#), true),
        (status(400), false),
        (status(409), false),
    ] {
        let server = server([answer]).await;
        let error = create(&http(&server.uri())).await.unwrap_err();
        assert_eq!(requests(&server).await, 1, "{error}");
        assert_eq!(error.is_in_doubt(), in_doubt, "{error}");
    }
}

#[tokio::test]
async fn refusal_is_sure_unless_an_attempt_before_it_may_have_taken_effect() {
    for (answers, is_sure) in [
        (vec![status(400)], true),
        (vec![status(404)], true),
        (vec![status(429), status(409)], true),
        (vec![status(500), status(400)], false),
        (vec![text("<html>"), status(404)], false),
        (vec![status(502), status(429), status(400)], false),
        (vec![status(500), status(403)], false),
        (vec![status(403)], false),
    ] {
        let server = server(answers.clone()).await;
        let put = Request::put(&["thing"], json!({}));
        let put = http(&server.uri()).send::<Value>(put, decode_owned).await;
        let error = put.unwrap_err();
        assert_eq!(requests(&server).await, answers.len(), "{error}");
        assert_eq!(error.is_refusal_for_sure(), is_sure, "{error}");
    }
    // What is only read has no effect.
    let server = server([status(500), status(404)]).await;
    let error = get(&http(&server.uri())).await.unwrap_err();
    assert!(error.is_refusal_for_sure(), "{error}");
}

#[tokio::test]
async fn create_that_times_out_is_in_doubt_and_not_repeated() {
    let server = server([text("1").set_delay(Duration::from_mins(10))]).await;
    let retry = Retry {
        request_timeout: Duration::from_millis(100),
        ..impatient()
    };
    let http = http_with(&server.uri(), retry, key(KEY));
    let error = create(&http).await.unwrap_err();
    assert!(error.is_in_doubt() && error.is_retryable(), "{error}");
    assert_eq!(http.calls(), 1);
}

#[tokio::test]
async fn create_is_repeated_after_429() {
    let server = server([status(429), text("1")]).await;
    assert_eq!(create(&http(&server.uri())).await.unwrap(), json!(1));
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn create_is_repeated_where_nobody_listens_and_is_not_in_doubt() {
    let http = http(&nobody().await);
    let error = create(&http).await.unwrap_err();
    assert!(matches!(error, ClientError::Transport { .. }), "{error:?}");
    assert!(!error.is_in_doubt());
    assert_eq!(http.calls(), 3);
}

#[tokio::test]
async fn connection_dropped_after_sending_is_repeated_unless_it_was_a_create() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":"] {
        let (address, read) = raw_server(answer).await;
        assert!(!get(&http(&address)).await.unwrap_err().is_in_doubt());
        assert_eq!(read.load(Ordering::SeqCst), 3);

        let (address, read) = raw_server(answer).await;
        assert!(create(&http(&address)).await.unwrap_err().is_in_doubt());
        assert_eq!(read.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn answer_of_another_shape_is_not_asked_for_again() {
    let server = server([text(r#"{"name":"ann"}"#)]).await;
    let error = http(&server.uri())
        .send(Request::get(&["x"], &[]), decode_owned::<bool>)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Vendor `GET /x` got an answer that cannot be read: `bool` does not fit at `.`"
    );
    assert!(!error.is_retryable());
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = server([text("1")]).await;
    let server = server([status(302).insert_header("location", elsewhere.uri())]).await;
    get(&http(&server.uri())).await.unwrap_err();
    assert_eq!(
        (requests(&server).await, requests(&elsewhere).await),
        (1, 0)
    );
}

#[test]
fn key_is_not_sent_to_a_foreign_host() {
    let (source, asked) = rotating_key(KEY, KEY);
    let vendor = Vendor {
        name: "Vendor",
        hosts: &["api.vendor.example"],
        key_header: KeyHeader::ApiKey,
    };
    let options = Options {
        base_url: "https://evil.example/api".to_owned(),
        allowed_hosts: Vec::new(),
        requests_per_second: 1,
        concurrency: 1,
        retry: impatient(),
    };
    let error = Http::new(vendor, &[], options, source).unwrap_err();
    assert!(error.to_string().contains("`evil.example`"), "{error}");
    assert!(asked.lock().unwrap().is_empty());
}

/// Accepts only the key `new`.
async fn rotated_server() -> MockServer {
    let server = mock_server().await;
    Mock::given(header("authorization", "Bearer new"))
        .respond_with(text("1"))
        .mount(&server)
        .await;
    let refusal = status(401).set_body_json(json!({ "message": "api key old not found" }));
    Mock::given(any())
        .respond_with(refusal)
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn rotated_key_is_read_once_and_the_requests_are_repeated() {
    let server = rotated_server().await;
    let (source, asked) = rotating_key("old", "new");
    let http = http_with(&server.uri(), impatient(), source);
    let (one, other) = join(get(&http), create(&http)).await;
    assert_eq!((one.unwrap(), other.unwrap()), (json!(1), json!(1)));
    get(&http).await.unwrap();
    assert_eq!(
        *asked.lock().unwrap(),
        [Freshness::Cached, Freshness::Fresh]
    );
}

#[tokio::test]
async fn refused_key_ends_the_run_and_only_the_run() {
    for fresh in ["old", "older"] {
        let server = rotated_server().await;
        let (source, asked) = rotating_key("old", fresh);
        let http = http_with(&server.uri(), impatient(), source);
        let sent = if fresh == "old" { 1 } else { 2 };

        let error = get(&http).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Status { status: 401, .. }) && error.is_unauthorized(),
            "{error:?}"
        );
        assert_eq!(http.calls(), sent);

        let error = create(&http).await.unwrap_err();
        assert!(
            matches!(error, ClientError::KeyRefused { .. }) && error.is_unauthorized(),
            "{error:?}"
        );
        assert!(!error.is_in_doubt() && !error.is_retryable());
        assert_eq!(http.calls(), sent);
        assert_eq!(
            *asked.lock().unwrap(),
            [Freshness::Cached, Freshness::Fresh]
        );

        let run = http.begin(in_a_minute());
        assert!(matches!(
            get(&run).await.unwrap_err(),
            ClientError::Status { .. }
        ));
    }
}

#[tokio::test]
async fn key_that_cannot_be_had_or_sent_is_an_error_before_anything_is_sent() {
    let unreadable: KeySource = Box::new(|_| Box::pin(async { Err("no such secret".into()) }));
    for source in [unreadable, key("two\nlines")] {
        let http = http_with("http://127.0.0.1:1", impatient(), source);
        let error = get(&http).await.unwrap_err();
        assert!(matches!(error, ClientError::Key { .. }), "{error:?}");
        assert_eq!(http.calls(), 0);
        assert!(!shown(&error).contains("lines"));
    }
}

#[tokio::test]
async fn vendor_that_asks_to_wait_beyond_the_deadline_is_left_alone_by_everybody() {
    let waits = [
        status(429).insert_header("retry-after", "3600"),
        status(503).insert_header("retry-after", "3600"),
        status(429)
            .insert_header("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT")
            .insert_header("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
    ];
    for wait in waits {
        let server = server([wait, text("1")]).await;
        let http = http(&server.uri());
        let (run, other) = (http.begin(in_a_minute()), http.begin(in_a_minute()));

        let error = get(&run).await.unwrap_err();
        assert!(error.is_deadline() && error.is_retryable(), "{error:?}");
        assert_eq!(error.retry_after_seconds(), Some(3600));
        let shown = shown(&error);
        assert!(shown.contains("was answered"), "the last failure is named");
        assert!(shown.contains("Vendor asks to wait for 3600 s"), "{shown}");

        let error = create(&other).await.unwrap_err();
        assert!(error.is_deadline() && !error.is_in_doubt(), "{error:?}");
        assert!(error.retry_after_seconds() > Some(3000), "{error:?}");
        assert_eq!((requests(&server).await, other.calls()), (1, 0));
        assert!(other.asked_to_wait() > Some(Duration::from_mins(50)));

        let patient = http.begin(Instant::now() + Duration::from_hours(2));
        assert_eq!(patient.asked_to_wait(), None, "there is time to wait");
    }
}

#[tokio::test]
async fn fewer_requests_are_sent_at_once_to_a_vendor_that_has_too_much_to_do() {
    let patience = Duration::from_secs(30);
    let table = [
        (text("1"), patience, 8),
        (status(404), patience, 8),
        (status(500), patience, 8),
        (status(503), patience, 8),
        (text("<html>"), patience, 8),
        (status(429), patience, 4),
        (status(503).insert_header("retry-after", "0"), patience, 4),
        (
            text("1").set_delay(Duration::from_mins(10)),
            Duration::from_millis(100),
            4,
        ),
    ];
    for (answer, request_timeout, limit) in table {
        let retry = Retry {
            request_timeout,
            attempts: 1,
            ..impatient()
        };
        let server = server([answer.clone()]).await;
        let http = http_with(&server.uri(), retry, key(KEY));
        // Whatever comes of it.
        let _ = get(&http).await;
        assert_eq!(http.shared.gate.limit(), limit, "{answer:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = server([text("1")]).await;
    let run = http(&server.uri()).begin(Instant::now());
    assert!(get(&run).await.unwrap_err().is_deadline());
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn nothing_is_sent_without_a_permit_not_even_once_more() {
    let server = server([status(503), text("1")]).await;
    let is_first = AtomicBool::new(true);
    let once = Arc::new(move || is_first.swap(false, Ordering::Relaxed));
    let run = http(&server.uri()).begin(in_a_minute()).with_permit(once);
    let error = get(&run).await.unwrap_err();
    assert!(
        error.is_not_permitted() && !error.is_in_doubt(),
        "{error:?}"
    );
    assert!(shown(&error).contains("503"), "the last failure is named");
    assert_eq!((requests(&server).await, run.calls()), (1, 1));
}

#[tokio::test]
async fn request_is_cut_off_at_the_deadline() {
    let server = server([text("1").set_delay(Duration::from_mins(10))]).await;
    let http = http(&server.uri());
    let run = http.begin(Instant::now() + Duration::from_millis(500));
    let (read, created) = join(get(&run), create(&run)).await;
    let (read, created) = (read.unwrap_err(), created.unwrap_err());
    assert!(read.is_deadline() && !read.is_in_doubt(), "{read:?}");
    assert!(created.is_in_doubt(), "{created:?}");
    assert_eq!(run.calls(), 2);
}

#[tokio::test]
async fn errors_show_neither_key_nor_address() {
    let body = format!(r#"{{"message":"{KEY} of ann@corp.example"}}"#);
    let answers = [
        status(400).set_body_string(body.clone()),
        status(401).set_body_string(body.clone()),
        status(500).set_body_string(body.clone()),
        text(&format!("{KEY} ann@corp.example")),
        text(&body),
        text("1").set_delay(Duration::from_mins(10)),
    ];
    for answer in answers {
        let server = server([answer]).await;
        let retry = Retry {
            request_timeout: Duration::from_millis(100),
            ..impatient()
        };
        let http = http_with(&server.uri(), retry, key(KEY));
        let request = Request::get(&["x"], &[("q", "ann@corp.example")]);
        let error = http.send(request, decode_owned::<bool>).await.unwrap_err();
        let shown = format!("{}{http:?}", shown(&error));
        assert!(
            !shown.contains(KEY) && !shown.contains("corp.example") && !shown.contains("ann@"),
            "{shown}"
        );
    }
}

//! Lambda's Invoke API, as much of it as somebody needs who invokes a function: `POST …/functions/{name}/invocations`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use sandbox::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::{Answer, Function};

/// What an invocation meets.
#[derive(Debug)]
pub enum Turn {
    /// This process of the function, which has so much time.
    Function(Function, Duration),
    /// An error of the API: a status and the error's type.
    Error(u16, &'static str),
    /// An answer of the function.
    Answer(Value),
}

/// The Invoke API over one function. It ends when dropped.
#[derive(Debug)]
pub struct Lambda {
    url: String,
    events: Arc<Mutex<Vec<Value>>>,
    server: JoinHandle<()>,
}

struct Shared {
    name: String,
    clock: Clock,
    /// One for each invocation; the last stays.
    turns: Mutex<VecDeque<Turn>>,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Lambda {
    /// Serves the function of this name: each invocation takes the next turn, and the last one is taken again and again.
    pub(crate) async fn start(
        name: &str,
        clock: Clock,
        turns: impl IntoIterator<Item = Turn>,
    ) -> std::io::Result<Self> {
        let events = Arc::new(Mutex::default());
        let shared = Shared {
            name: name.to_owned(),
            clock,
            turns: Mutex::new(turns.into_iter().collect()),
            events: Arc::clone(&events),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .with_state(Arc::new(shared));
        let server = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self {
            url,
            events,
            server,
        })
    }

    /// Where it is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The events of all invocations so far.
    pub async fn events(&self) -> Vec<Value> {
        self.events.lock().await.clone()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn invoke(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    if name != shared.name {
        return refusal(404, "ResourceNotFoundException");
    }
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    shared.events.lock().await.push(event.clone());
    let mut turns = shared.turns.lock().await;
    let answer = match turns.front() {
        Some(Turn::Function(function, time)) => {
            function.invoke(event, shared.clock.now() + *time).await
        }
        Some(Turn::Error(status, kind)) => return refusal(*status, kind),
        Some(Turn::Answer(answer)) => Answer::Returned(answer.clone()),
        None => Answer::Died,
    };
    if turns.len() > 1 {
        turns.pop_front();
    }
    match answer {
        Answer::Returned(report) => Json(report).into_response(),
        Answer::Refused(message) => failure("Error", &message),
        Answer::Died => failure("Runtime.ExitError", "the process ended without an answer"),
    }
}

/// The function did not return, and Lambda says so with status 200.
fn failure(kind: &str, message: &str) -> Response {
    let error = json!({ "errorType": kind, "errorMessage": message });
    ([("x-amz-function-error", "Unhandled")], Json(error)).into_response()
}

/// Lambda did not invoke the function.
fn refusal(status: u16, kind: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = json!({ "Type": "User", "message": "in Lambda's own words" });
    (status, [("x-amzn-errortype", kind)], Json(message)).into_response()
}

//! A deployed function as the APIs of Lambda and of EventBridge Scheduler show it: it is invoked
//! (`POST …/functions/{name}/invocations`) and looked at (`GET …/functions/{name}/configuration`, `GET /schedules`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
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

/// The APIs over one function. They end when dropped.
#[derive(Debug)]
pub struct Lambda {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    clock: Clock,
    /// One for each invocation; the last stays.
    turns: Mutex<VecDeque<Turn>>,
    events: Mutex<Vec<Value>>,
    /// How the function is set up; null where that may not be seen.
    configuration: Mutex<Value>,
    /// The account's schedules, oldest first; `None` where they may not be seen.
    schedules: Mutex<Option<Vec<Value>>>,
}

impl Lambda {
    /// Serves the function of this name: each invocation takes the next turn, and the last one is taken again and again.
    pub(crate) async fn start(
        name: &str,
        clock: Clock,
        turns: impl IntoIterator<Item = Turn>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            clock,
            turns: Mutex::new(turns.into_iter().collect()),
            events: Mutex::default(),
            configuration: Mutex::default(),
            schedules: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route(
                "/2015-03-31/functions/{name}/configuration",
                get(configuration),
            )
            .route("/schedules", get(schedules))
            .route("/schedules/{name}", get(schedule))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self {
            url,
            shared,
            server,
        })
    }

    /// Where it is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The events of all invocations so far.
    pub async fn events(&self) -> Vec<Value> {
        self.shared.events.lock().await.clone()
    }

    /// What the function looks like from now on, beside its name and ARN; a value that is null may not be seen.
    pub async fn set_configuration(&self, configuration: Value) {
        *self.shared.configuration.lock().await = configuration;
    }

    /// The schedules of the account from now on, each as `GetSchedule` shows it; one without a `ScheduleExpression` may be
    /// listed only.
    pub async fn set_schedules(&self, schedules: Vec<Value>) {
        *self.shared.schedules.lock().await = Some(schedules);
    }

    /// The function's ARN.
    pub fn arn(&self) -> String {
        self.shared.arn()
    }
}

impl Shared {
    fn arn(&self) -> String {
        let name = &self.name;
        format!("arn:aws:lambda:us-east-1:000000000000:function:{name}")
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

/// `GetFunctionConfiguration`.
async fn configuration(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    if name != shared.name {
        return refusal(404, "ResourceNotFoundException");
    }
    let mut configuration = shared.configuration.lock().await.clone();
    let Some(fields) = configuration.as_object_mut() else {
        return refusal(403, "AccessDeniedException");
    };
    fields.insert("FunctionName".to_owned(), name.into());
    fields.insert("FunctionArn".to_owned(), shared.arn().into());
    Json(configuration).into_response()
}

/// `ListSchedules`: one on each page, and of each what a list shows.
async fn schedules(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let schedules = shared.schedules.lock().await;
    let Some(schedules) = schedules.as_ref() else {
        return refusal(403, "AccessDeniedException");
    };
    let page = asked.get("NextToken").and_then(|token| token.parse().ok());
    let page: usize = page.unwrap_or_default();
    let listed = schedules.get(page).map(|schedule| {
        let mut listed = schedule.clone();
        if let Some(fields) = listed.as_object_mut() {
            fields.remove("ScheduleExpression");
        }
        listed
    });
    let next = (page + 1 < schedules.len()).then(|| (page + 1).to_string());
    Json(json!({"Schedules": Vec::from_iter(listed), "NextToken": next})).into_response()
}

/// `GetSchedule`.
async fn schedule(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let group = asked.get("groupName").map_or("default", String::as_str);
    let schedules = shared.schedules.lock().await;
    let mut schedules = schedules.iter().flatten();
    let found = schedules.find(|schedule| {
        let is = |field: &str, value: &str| schedule.get(field).is_some_and(|own| *own == value);
        is("Name", &name) && is("GroupName", group)
    });
    match found {
        Some(schedule) if schedule.get("ScheduleExpression").is_some() => {
            Json(schedule.clone()).into_response()
        }
        Some(_) => refusal(403, "AccessDeniedException"),
        None => refusal(404, "ResourceNotFoundException"),
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

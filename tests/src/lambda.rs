//! The Lambda Runtime API, as much of it as a function needs, and a real function running under it.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// The most that Lambda takes as an answer.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;
/// How often a process is asked whether it still runs.
const LOOK: Duration = Duration::from_millis(10);

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The function returned this.
    Returned(Value),
    /// The function returned an error with this message.
    Refused(String),
    /// The process ended without an answer.
    Died,
}

/// A function's process, invoked as Lambda invokes it. It is killed when dropped.
#[derive(Debug)]
pub struct Function {
    process: Arc<Mutex<Child>>,
    invocations: mpsc::UnboundedSender<Invocation>,
    /// Whether it has asked for work.
    ready: watch::Receiver<bool>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Invocation {
    event: Value,
    deadline: Timestamp,
    answer: oneshot::Sender<Answer>,
}

/// What the Runtime API remembers.
struct Runtime {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    ready: watch::Sender<bool>,
    under_way: Mutex<BTreeMap<String, oneshot::Sender<Answer>>>,
}

impl Function {
    /// Starts a program under a Runtime API of its own, in this environment and no other; what it prints goes to
    /// `log`.
    pub(crate) async fn start(
        name: &str,
        program: &str,
        environment: &BTreeMap<String, String>,
        log: File,
    ) -> std::io::Result<Self> {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (told_ready, ready) = watch::channel(false);
        let runtime = Arc::new(Runtime {
            waiting: waiting.into(),
            ready: told_ready,
            under_way: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, routes(runtime)).await;
        });
        let process = Command::new(program)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "e2e")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self {
            process: Arc::new(Mutex::new(process)),
            invocations,
            ready,
            server,
        })
    }

    /// Invokes the function and waits for what comes of it.
    pub async fn invoke(&self, event: Value, deadline: Timestamp) -> Answer {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            event,
            deadline,
            answer,
        };
        if self.invocations.send(invocation).is_err() {
            return Answer::Died;
        }
        tokio::select! {
            biased;
            answer = answered => answer.unwrap_or(Answer::Died),
            () = self.ended() => Answer::Died,
        }
    }

    /// Waits until the process has ended.
    pub async fn ended(&self) {
        while matches!(locked(&self.process).try_wait(), Ok(None)) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the process has started and asks for work.
    pub async fn ready(&self) {
        let mut ready = self.ready.clone();
        tokio::select! {
            _ = ready.wait_for(|ready| *ready) => {}
            () = self.ended() => {}
        }
    }

    /// The most memory that the process had so far, in KiB; 0 where the system does not tell.
    pub fn peak_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", locked(&self.process).id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next());
        peak.and_then(|peak| peak.parse().ok()).unwrap_or_default()
    }

    /// Sends the process a signal of this name when called: `STOP` freezes it, `CONT` wakes it up.
    pub fn signaller(&self, signal: &'static str) -> impl Fn() + Send + Sync + 'static {
        let id = locked(&self.process).id().to_string();
        move || {
            let sent = Command::new("kill").args(["-s", signal, &id]).status();
            assert!(sent.is_ok_and(|sent| sent.success()), "the signal is sent");
        }
    }

    /// Kills the process when called, as a crash of the machine would.
    pub fn killer(&self) -> impl Fn() + Send + Sync + 'static {
        let process = Arc::clone(&self.process);
        move || kill(&process)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        kill(&self.process);
        self.server.abort();
    }
}

/// Returns once the process is gone.
fn kill(process: &Mutex<Child>) {
    let mut process = locked(process);
    // Either fails only for a process that has ended.
    let _ = process.kill();
    let _ = process.wait();
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn routes(runtime: Arc<Runtime>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
        .with_state(runtime)
}

async fn next(State(runtime): State<Arc<Runtime>>) -> impl IntoResponse {
    runtime.ready.send_replace(true);
    let Some(invocation) = runtime.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let Invocation {
        event,
        deadline,
        answer,
    } = invocation;
    let id = format!("invocation-{}", deadline.as_nanosecond());
    locked(&runtime.under_way).insert(id.clone(), answer);
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millisecond().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:e2e".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000".to_owned(),
        ),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(
    State(runtime): State<Arc<Runtime>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    runtime.answer(&id, Answer::Returned(json(&body)))
}

async fn error(
    State(runtime): State<Arc<Runtime>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let error = json(&body);
    let message = error.get("errorMessage").and_then(Value::as_str);
    runtime.answer(&id, Answer::Refused(message.unwrap_or_default().to_owned()))
}

/// The process says why in its log, and ends.
async fn init_error() -> StatusCode {
    StatusCode::ACCEPTED
}

impl Runtime {
    fn answer(&self, id: &str, answer: Answer) -> StatusCode {
        let Some(asked) = locked(&self.under_way).remove(id) else {
            return StatusCode::BAD_REQUEST;
        };
        // Nobody listens any more when the test has ended.
        let _ = asked.send(answer);
        StatusCode::ACCEPTED
    }
}

/// What is no JSON is null, which no test takes for an answer.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

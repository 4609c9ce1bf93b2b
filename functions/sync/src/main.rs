//! The Lambda function `sync`: start-up only. One container makes its clients once and runs when it is invoked.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use sync::{Clock, Environment, Report, Request, Runner, Trigger, unwatched};
use tokio::time::Instant;

/// What is left of the function's time when its report must be out.
const REPORT_MARGIN: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("ROLLCALL_LOG")
                .unwrap_or_else(|_| "info".into()),
        )
        .with_current_span(false)
        .with_span_list(false)
        .init();
    let runner = match start().await {
        Ok(runner) => Arc::new(runner),
        Err(error) => {
            tracing::error!("sync cannot start: {error:#}");
            return Err(error.into());
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let runner = Arc::clone(&runner);
        async move { handle(&runner, event).await }
    }))
    .await
}

/// Reads the environment and the configuration, and makes the clients.
async fn start() -> anyhow::Result<Runner> {
    let environment = Environment::from_vars(variable);
    let path = &environment.config;
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "the configuration `{}` cannot be read: set `ROLLCALL_CONFIG`",
            path.display()
        )
    })?;
    let config = config::Config::parse(&text)
        .map_err(|problems| anyhow::anyhow!("{}", problems.display(&path.display().to_string())))?;
    let table = environment
        .table
        .as_deref()
        .context("`ROLLCALL_TABLE` is not set: name the DynamoDB table")?;
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let state = state::State::connect(&aws, table);
    let secrets = secrets::Secrets::new(Some(aws_sdk_secretsmanager::Client::new(&aws)), variable);
    let clock: Clock = Arc::new(now);
    Ok(sync::runner(
        config,
        state,
        &secrets,
        &environment.allowed_hosts,
        clock,
    )?)
}

/// One invocation: a refused event is an error of the invocation, everything else is a report.
async fn handle(runner: &Runner, event: LambdaEvent<Value>) -> Result<Report, Error> {
    let sources: Vec<_> = runner
        .config
        .sources
        .iter()
        .map(|source| &source.name)
        .collect();
    let request = Request::from_event(&event.payload, &sources)
        .inspect_err(|error| tracing::error!("{error}"))?;
    let left = event
        .context
        .deadline
        .saturating_sub(u64::try_from(now().as_millisecond()).unwrap_or_default());
    let deadline = Instant::now() + Duration::from_millis(left).saturating_sub(REPORT_MARGIN);
    let report = runner.run(&request, deadline, &unwatched()).await;
    Ok(report.into_answer(request.trigger == Trigger::Invocation))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here, in main, and passed down"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is read here, in main, and passed down"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

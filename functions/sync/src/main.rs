//! The Lambda function `sync`: start-up only. One container makes its clients once and runs when it is invoked.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use startup::{Function, Metrics};
use sync::{Report, Request, Runner, Topic, Trigger, unwatched};
use tokio::time::Instant;

/// What is left of the function's time when its report must be out.
const REPORT_MARGIN: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::log(variable("ROLLCALL_LOG").as_deref());
    let (runner, metrics) = match start() {
        Ok((runner, metrics)) => (Arc::new(runner), metrics),
        Err(error) => {
            tracing::error!("sync cannot start: {error:#}");
            return Err(error.into());
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (runner, metrics) = (Arc::clone(&runner), metrics.clone());
        // On the heap: a run is large, and the runtime moves what it is given.
        async move { Box::pin(handle(&runner, &metrics, event)).await }
    }))
    .await
}

/// Reads the environment and the configuration, and makes the clients.
fn start() -> anyhow::Result<(Runner, Metrics)> {
    let Function {
        config,
        state,
        secrets,
        allowed_hosts,
        metrics,
        aws,
    } = Function::start(variable)?;
    let runner = sync::runner(config, state, &secrets, &allowed_hosts, Arc::new(now))?;
    let topic = variable("ROLLCALL_TOPIC").filter(|arn| !arn.is_empty());
    let runner = Runner {
        topic: topic.map(|arn| Topic::new(&aws, arn)),
        ..runner
    };
    Ok((runner, metrics))
}

/// One invocation: a refused event is an error of the invocation, everything else is a report.
async fn handle(
    runner: &Runner,
    metrics: &Metrics,
    event: LambdaEvent<Value>,
) -> Result<Report, Error> {
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
    // A run is a large future, and one of them is all that there is.
    let report = Box::pin(runner.run(&request, deadline, &unwatched())).await;
    metrics.write(
        now(),
        &sync::metrics(&request, &report),
        [("run_id", report.run_id.as_str().into())],
    );
    Ok(report.into_answer(request.trigger != Trigger::Schedule))
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

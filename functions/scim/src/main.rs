//! The Lambda function `scim`: start-up only. One container makes its clients once and answers request after request.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use scim::{Answer, Event, Service};
use startup::{Function, Metrics};
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::log(variable("ROLLCALL_LOG"));
    let (service, metrics) = match start().await {
        Ok(started) => started,
        Err(error) => {
            tracing::error!("scim cannot start: {error:#}");
            return Err(error.into());
        }
    };
    // While Lambda still starts the container, time costs nothing and processors are whole.
    service.warm().await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        let (service, metrics) = (service.clone(), metrics.clone());
        async move {
            let LambdaEvent { payload, context } = event;
            let begun = Instant::now();
            let response = service.answer_event(&context.request_id, payload).await;
            let (measured, facts) = scim::metrics(&response, begun.elapsed());
            metrics.write(now(), &measured, facts);
            Ok::<_, Error>(Answer::from(response))
        }
    }))
    .await
}

/// Reads the environment and the configuration, and makes the clients.
async fn start() -> anyhow::Result<(Service, Metrics)> {
    let Function {
        config,
        state,
        secrets,
        allowed_hosts,
        metrics,
    } = Function::start(variable).await?;
    let clock = Arc::new(now);
    let service = Service::new(config, state, &secrets, &allowed_hosts, clock, "https")?;
    Ok((service, metrics))
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

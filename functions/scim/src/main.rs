//! The Lambda function `scim`: start-up only. One container makes its clients once and answers request after request.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use scim::{Answer, Event, Service};
use secrets::{Freshness, Secrets};
use startup::{Function, Metrics};
use tokio::time::{Instant, timeout};

/// The most that a start is held up: an outage elsewhere must not keep the function from answering.
const WARM_UP: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::log(variable("ROLLCALL_LOG").as_deref());
    let (service, metrics, secrets) = match start() {
        Ok(started) => started,
        Err(error) => {
            tracing::error!("scim cannot start: {error:#}");
            return Err(error.into());
        }
    };
    // While Lambda still starts the container, time costs nothing and processors are whole.
    let warming = async { tokio::join!(service.warm(), tell_of_expiry(&service, &secrets)) };
    if timeout(WARM_UP, warming).await.is_err() {
        tracing::warn!("the start waited no longer for what it reads");
    }
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
fn start() -> anyhow::Result<(Service, Metrics, Secrets)> {
    let Function {
        config,
        state,
        secrets,
        allowed_hosts,
        metrics,
        aws: _,
    } = Function::start(variable)?;
    let clock = Arc::new(now);
    let service = Service::new(config, state, &secrets, &allowed_hosts, clock, "https")?;
    Ok((service, metrics, secrets))
}

/// Once for each container; the first request then finds the key read. A key that cannot be read is told by that request.
async fn tell_of_expiry(service: &Service, secrets: &Secrets) {
    let secret = service.config.jumpcloud.api_key.as_str();
    let today = now().to_zoned(TimeZone::UTC).date();
    let key = secrets.api_key(secret, Freshness::Cached).await;
    if let Some(expiring) = key.ok().and_then(|key| key.expiring(today)) {
        tracing::warn!(
            secret,
            "the key {expiring}: make a new one and store it there"
        );
    }
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

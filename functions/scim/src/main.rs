//! The Lambda function `scim`: start-up only. One container makes its clients once and answers request after request.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use scim::{Event, Service};
use startup::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    startup::log(variable("ROLLCALL_LOG"));
    let service = match start().await {
        Ok(service) => service,
        Err(error) => {
            tracing::error!("scim cannot start: {error:#}");
            return Err(error.into());
        }
    };
    // While Lambda still starts the container, time costs nothing and processors are whole.
    service.warm().await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        let service = service.clone();
        async move {
            let LambdaEvent { payload, context } = event;
            Ok::<_, Error>(service.answer_event(&context.request_id, payload).await)
        }
    }))
    .await
}

/// Reads the environment and the configuration, and makes the clients.
async fn start() -> anyhow::Result<Service> {
    let Function {
        config,
        state,
        secrets,
        allowed_hosts,
    } = Function::start(variable).await?;
    let clock = Arc::new(now);
    let service = Service::new(config, state, &secrets, &allowed_hosts, clock, "https")?;
    Ok(service)
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

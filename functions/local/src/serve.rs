//! `rollcall serve`: the SCIM service on this machine, over the configured JumpCloud or over a sandbox.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use sandbox::{Company, Options, Sandbox};
use scim::{Clock, Service};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::args::{Common, DEFAULT_CONFIG};
use crate::commands::{Exit, print_json};
use crate::demo::{config_for, secrets_of};
use crate::workplace::{Workplace, embedded_state};
use crate::{now, show};

/// The one client of a sandbox.
const CLIENT: &str = "local";

/// `serve`. Without any configuration there is a sandbox, as there is for `rollcall` alone.
pub(crate) async fn run(common: &Common, port: u16) -> Result<Exit> {
    // Taken first: a port in use is no reason to touch anything.
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| {
            format!("cannot listen on 127.0.0.1:{port}: choose another --port, or 0 for a free one")
        })?;
    let is_unconfigured = common.config == Path::new(DEFAULT_CONFIG) && !common.config.exists();
    if is_unconfigured {
        on_sandbox(common, listener).await?;
    } else {
        let workplace = Workplace::open(common, true).await?;
        let runner = &workplace.runner;
        let service = Service::new(
            (*runner.config).clone(),
            runner.state.clone(),
            &workplace.secrets,
            &workplace.allowed_hosts,
            clock(),
            "http",
        )?;
        serve(common, listener, service, None).await?;
        workplace.close().await;
    }
    Ok(Exit::Done)
}

async fn on_sandbox(common: &Common, listener: TcpListener) -> Result<()> {
    let sandbox = Sandbox::start(Options {
        company: Company::demo(now().to_zoned(TimeZone::UTC).date()),
        ..Options::default()
    })
    .await?;
    let config = config_for(&sandbox)?;
    let token = Uuid::new_v4().simple().to_string();
    let digest = hex::encode(Sha256::digest(&token));
    let tokens = json!({
        "tokens": [{"name": CLIENT, "sha256": digest, "scope": "write"}],
    });
    sandbox
        .secrets()
        .set(config.scim.tokens.as_str(), &tokens.to_string());
    let state = embedded_state(&sandbox.aws_url()).await?;
    let service = Service::new(config, state, &secrets_of(&sandbox)?, &[], clock(), "http")?;
    serve(common, listener, service, Some(token)).await?;
    sandbox.stop().await;
    Ok(())
}

/// Says where it is, and answers until it is told to stop; what is under way is answered first.
async fn serve(
    common: &Common,
    listener: TcpListener,
    service: Service,
    token: Option<String>,
) -> Result<()> {
    let url = format!("http://{}/scim/v2", listener.local_addr()?);
    if common.json {
        print_json(&json!({"url": url, "token": token}))?;
    }
    show::err(&show::service(&url, token.as_deref()));
    axum::serve(listener, scim::app(service))
        .with_graceful_shutdown(stopped())
        .await?;
    Ok(())
}

/// A signal that cannot be waited for counts as given: a service that nobody can stop is none.
async fn stopped() {
    let _ = tokio::signal::ctrl_c().await;
}

fn clock() -> Clock {
    Arc::new(now)
}

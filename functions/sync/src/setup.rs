//! From the configuration to a [`Runner`].

use std::sync::Arc;

use clients::{ClientError, Options};
use config::Config;
use secrets::Secrets;
use startup::StartError;
use state::State;
use thiserror::Error;

use crate::hr::HrSource;
use crate::run::{Clock, Runner};

/// Why a runner could not be made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// JumpCloud's client.
    #[error(transparent)]
    JumpCloud(#[from] StartError),
    /// A source's client.
    #[error("source `{source_name}` cannot be used")]
    Source {
        /// The source.
        source_name: String,
        /// Why.
        #[source]
        error: Box<ClientError>,
    },
}

/// Makes the clients of a configuration, once: nothing is sent yet. Nobody is told of runs unless a topic is added.
pub fn runner(
    config: Config,
    state: State,
    secrets: &Secrets,
    allowed_hosts: &[String],
    clock: Clock,
) -> Result<Runner, SetupError> {
    let jumpcloud = startup::jumpcloud(&config.jumpcloud, secrets, allowed_hosts)?;
    let mut hr = Vec::with_capacity(config.sources.len());
    for source in &config.sources {
        let key = startup::key_source(secrets, &source.api_key);
        let configured = |mut options: Options| {
            options.allowed_hosts = allowed_hosts.to_vec();
            if let Some(base_url) = &source.base_url {
                options.base_url.clone_from(base_url);
            }
            if let Some(rate) = source.requests_per_second {
                options.requests_per_second = rate;
            }
            options
        };
        let client = HrSource::new(source, configured, key);
        let client = client.map_err(|error| SetupError::Source {
            source_name: source.name.to_string(),
            error: Box::new(error),
        })?;
        hr.push(client);
    }
    Ok(Runner {
        config: Arc::new(config),
        jumpcloud,
        hr,
        state,
        clock,
        topic: None,
    })
}

//! From the configuration to a [`Runner`].

use std::sync::Arc;

use clients::{ClientError, Options};
use config::{Config, Source};
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
    let hr = config
        .sources
        .iter()
        .map(|source| hr_source(source, secrets, allowed_hosts))
        .collect::<Result<_, _>>()?;
    Ok(Runner {
        config: Arc::new(config),
        jumpcloud,
        hr,
        state,
        secrets: secrets.clone(),
        clock,
        topic: None,
    })
}

/// The client of a source, as the configuration has it: nothing is sent yet.
pub fn hr_source(
    source: &Source,
    secrets: &Secrets,
    allowed_hosts: &[String],
) -> Result<HrSource, SetupError> {
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
    let key = startup::key_source(secrets, &source.api_key);
    HrSource::new(source, configured, key).map_err(|error| SetupError::Source {
        source_name: source.name.to_string(),
        error: Box::new(error),
    })
}

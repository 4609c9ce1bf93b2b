//! From the environment and the configuration to a [`Runner`]: what the function and the program share at their start.

use std::path::PathBuf;
use std::sync::Arc;

use clients::{ClientError, Deel, DeelOptions, Freshness, JumpCloud, JumpCloudOptions, KeySource};
use config::{Config, SecretName, SourceKind};
use secrets::Secrets;
use state::State;
use thiserror::Error;

use crate::gather::HrSource;
use crate::run::{Clock, Runner};

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The configuration's path: `ROLLCALL_CONFIG`, else `/opt/rollcall.toml`.
    pub config: PathBuf,
    /// The DynamoDB table: `ROLLCALL_TABLE`.
    pub table: Option<String>,
    /// Hosts beside the vendors' own that a key may be sent to: `ROLLCALL_ALLOW_HOSTS`, separated by commas.
    pub allowed_hosts: Vec<String>,
}

impl Environment {
    /// Reads the variables through `var`.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| {
            var(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        Self {
            config: set("ROLLCALL_CONFIG")
                .unwrap_or_else(|| "/opt/rollcall.toml".to_owned())
                .into(),
            table: set("ROLLCALL_TABLE"),
            allowed_hosts: set("ROLLCALL_ALLOW_HOSTS")
                .map(|hosts| {
                    hosts
                        .split(',')
                        .map(|host| host.trim().to_owned())
                        .filter(|host| !host.is_empty())
                        .collect()
                })
                .unwrap_or_default(),
        }
    }
}

/// Why a runner could not be made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// JumpCloud's client.
    #[error("`[jumpcloud]` cannot be used")]
    JumpCloud(#[source] Box<ClientError>),
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

/// Makes the clients of a configuration, once: nothing is sent yet.
pub fn runner(
    config: Config,
    state: State,
    secrets: &Secrets,
    allowed_hosts: &[String],
    clock: Clock,
) -> Result<Runner, SetupError> {
    let options = JumpCloudOptions {
        base_url: config.jumpcloud.base_url.clone(),
        organization: config.jumpcloud.organization.clone(),
        requests_per_second: config.jumpcloud.requests_per_second,
        concurrency: config.jumpcloud.concurrency,
        allowed_hosts: allowed_hosts.to_vec(),
        ..JumpCloudOptions::default()
    };
    let key = key_source(secrets, &config.jumpcloud.api_key);
    let jumpcloud =
        JumpCloud::new(options, key).map_err(|error| SetupError::JumpCloud(Box::new(error)))?;
    let mut hr = Vec::with_capacity(config.sources.len());
    for source in &config.sources {
        let key = key_source(secrets, &source.api_key);
        let client = match source.kind {
            SourceKind::Deel => {
                let mut options = DeelOptions {
                    allowed_hosts: allowed_hosts.to_vec(),
                    ..DeelOptions::default()
                };
                if let Some(base_url) = &source.base_url {
                    options.base_url.clone_from(base_url);
                }
                Deel::new(options, key).map(HrSource::Deel)
            }
        };
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
    })
}

/// A vendor's key by its name, read when a client asks for it.
fn key_source(secrets: &Secrets, name: &SecretName) -> KeySource {
    let secrets = secrets.clone();
    let name = name.clone();
    Box::new(move |freshness| {
        let secrets = secrets.clone();
        let name = name.clone();
        Box::pin(async move {
            let freshness = match freshness {
                Freshness::Cached => secrets::Freshness::Cached,
                Freshness::Fresh => secrets::Freshness::Fresh,
            };
            Ok(secrets.api_key(name.as_str(), freshness).await?.key)
        })
    })
}

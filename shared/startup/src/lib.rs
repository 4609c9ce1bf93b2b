//! From the environment and the configuration to clients: what both functions and the program share at their start.
//!
//! The environment itself is read by each `main` alone, and handed in as a function.

mod aws;
mod metrics;

use std::path::PathBuf;

use aws_types::SdkConfig;
use clients::{ClientError, Freshness, JumpCloud, KeySource, Options};
use config::{Config, SecretName};
use secrets::Secrets;
use state::State;
use thiserror::Error;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use aws::{http_client, stand_in};
pub use metrics::{Metric, Metrics, Unit};

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The configuration's path: `ROLLCALL_CONFIG`, else `/opt/rollcall.toml`.
    pub config: PathBuf,
    /// The DynamoDB table: `ROLLCALL_TABLE`.
    pub table: Option<String>,
    /// Hosts beside the vendors' own that a key may be sent to: `ROLLCALL_ALLOW_HOSTS`, separated by commas.
    pub allowed_hosts: Vec<String>,
    /// The namespace that metrics are written into: `ROLLCALL_METRICS`; without it none are written.
    pub metrics: Option<String>,
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
            metrics: set("ROLLCALL_METRICS"),
        }
    }
}

/// What a function works with.
#[derive(Debug)]
pub struct Function {
    /// The configuration.
    pub config: Config,
    /// What we remember.
    pub state: State,
    /// Where keys are.
    pub secrets: Secrets,
    /// Hosts beside the vendors' own that a key may be sent to.
    pub allowed_hosts: Vec<String>,
    /// Where metrics go.
    pub metrics: Metrics,
    /// The account, for what one function alone needs of it.
    pub aws: SdkConfig,
}

/// Why a function or the program cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no configuration.
    #[error("the configuration `{}` cannot be read: set `ROLLCALL_CONFIG`", path.display())]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The configuration is refused; every problem has its line.
    #[error("{0}")]
    Config(String),
    /// No table is named.
    #[error("`ROLLCALL_TABLE` is not set: name the DynamoDB table")]
    NoTable,
    /// The HTTP client for AWS.
    #[error("AWS cannot be reached: no HTTP client can be made")]
    Http(#[source] reqwest::Error),
    /// JumpCloud's client.
    #[error("`[jumpcloud]` cannot be used")]
    JumpCloud(#[source] Box<ClientError>),
}

impl Function {
    /// Reads the configuration and connects to the table and to Secrets Manager: nothing is sent yet.
    pub fn start(
        var: impl Fn(&str) -> Option<String> + Clone + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let Environment {
            config: path,
            table,
            allowed_hosts,
            metrics,
        } = Environment::from_vars(&var);
        let text = std::fs::read_to_string(&path).map_err(|error| StartError::Unreadable {
            path: path.clone(),
            error,
        })?;
        let config = Config::parse(&text).map_err(|problems| {
            StartError::Config(problems.display(&path.display().to_string()).to_string())
        })?;
        let table = table.ok_or(StartError::NoTable)?;
        let aws = aws::function_account(var.clone())?;
        Ok(Self {
            config,
            state: State::connect(&aws, &table),
            secrets: Secrets::new(Some(aws_sdk_secretsmanager::Client::new(&aws)), var),
            allowed_hosts,
            metrics: Metrics::new(metrics),
            aws,
        })
    }
}

/// A function's log: JSON lines on standard output, as much as the filter in `ROLLCALL_LOG` lets through.
pub fn log(filter: Option<&str>) {
    log_lines(filter, std::io::stdout).init();
}

/// What logs as a function does, to wherever `writer` writes.
pub fn log_lines<W>(filter: Option<&str>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(lines)
        .with(log_filter(filter, LevelFilter::INFO))
}

/// What is logged: levels by target, such as `info,clients=debug`; without any, or where they cannot be read, all of
/// `otherwise`.
pub fn log_filter(filter: Option<&str>, otherwise: LevelFilter) -> Targets {
    let given = filter.and_then(|filter| filter.parse().ok());
    given.unwrap_or_else(|| Targets::new().with_default(otherwise))
}

/// JumpCloud's client, as the configuration has it: nothing is sent yet.
pub fn jumpcloud(
    config: &config::JumpCloud,
    secrets: &Secrets,
    allowed_hosts: &[String],
) -> Result<JumpCloud, StartError> {
    let options = Options {
        base_url: config.base_url.clone(),
        requests_per_second: config.requests_per_second,
        concurrency: config.concurrency,
        allowed_hosts: allowed_hosts.to_vec(),
        ..JumpCloud::options()
    };
    let key = key_source(secrets, &config.api_key);
    JumpCloud::new(options, &config.organization, key)
        .map_err(|error| StartError::JumpCloud(Box::new(error)))
}

/// A vendor's key by its name, read when a client asks for it.
pub fn key_source(secrets: &Secrets, name: &SecretName) -> KeySource {
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

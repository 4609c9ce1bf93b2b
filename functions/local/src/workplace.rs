//! Where a command works: the configuration, the state, the secrets, and the runner made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideCredentialsFuture;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use config::Config;
use sandbox::{Database, EmbeddedDynamoDb};
use secrets::Secrets;
use startup::Environment;
use state::State;
use sync::{Clock, Runner};

use crate::args::Common;
use crate::{now, variable};

/// The table of the embedded database.
const EMBEDDED_TABLE: &str = "rollcall";
/// Where state is kept unless said otherwise.
const DEFAULT_STATE: &str = "rollcall.sqlite";

/// A runner with what it stands on.
pub(crate) struct Workplace {
    pub(crate) runner: Runner,
    pub(crate) secrets: Secrets,
    pub(crate) allowed_hosts: Vec<String>,
    /// Serves the state file for as long as it is here.
    embedded: Option<EmbeddedDynamoDb>,
}

impl Workplace {
    /// Opens what the command line and the environment name. A command that `writes` to a real JumpCloud needs a
    /// stated place for its state, so that two machines do not each believe they are the only one.
    pub(crate) async fn open(common: &Common, writes: bool) -> Result<Self> {
        let config = read_config(&common.config)?;
        let environment = Environment::from_vars(variable);
        let table = environment.table.filter(|_| common.state.is_none());
        if writes
            && table.is_none()
            && common.state.is_none()
            && !is_loopback(&config.jumpcloud.base_url)
        {
            bail!(
                "this would write to a real JumpCloud, and it is not said where its state is: set `ROLLCALL_TABLE` to the \
                 deployed table, or name a file with --state that no other machine syncs with"
            );
        }
        let aws = aws_account().await?;
        let secrets = secrets_of(&aws, variable);
        let (state, embedded) = if let Some(table) = table {
            (State::connect(&aws, &table), None)
        } else {
            let file = Database::File(state_file(common));
            let embedded = EmbeddedDynamoDb::start(file).await?;
            (embedded_state(&embedded.url()).await?, Some(embedded))
        };
        let clock: Clock = Arc::new(now);
        let runner = sync::runner(config, state, &secrets, &environment.allowed_hosts, clock)?;
        Ok(Self {
            runner,
            secrets,
            allowed_hosts: environment.allowed_hosts,
            embedded,
        })
    }

    /// Closes the state file whole.
    pub(crate) async fn close(self) {
        drop(self.runner);
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// The AWS account of this environment. Nothing is asked of one until something there is needed.
pub(crate) async fn aws_account() -> Result<SdkConfig> {
    let account = aws_config::defaults(BehaviorVersion::latest())
        .http_client(startup::http_client()?)
        .load()
        .await;
    let Some(credentials) = account.credentials_provider() else {
        return Ok(account);
    };
    let credentials = SharedCredentialsProvider::new(Credentials(credentials));
    let account = account.into_builder().credentials_provider(credentials);
    Ok(account.build())
}

/// The credentials of this environment; where there are none, an error that says what to do about it.
#[derive(Debug)]
struct Credentials(SharedCredentialsProvider);

impl ProvideCredentials for Credentials {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        ProvideCredentialsFuture::new(async {
            let none = "there are no AWS credentials here: name a profile in `AWS_PROFILE` and sign in (`aws sso login`), or \
                        set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; `aws sts get-caller-identity` shows whose are used";
            match self.0.provide_credentials().await {
                Err(CredentialsError::CredentialsNotLoaded(_)) => {
                    Err(CredentialsError::provider_error(none))
                }
                outcome => outcome,
            }
        })
    }
}

/// The secrets of an account; keys of the form `env:NAME` are read with `var` and need no account.
pub(crate) fn secrets_of(
    aws: &SdkConfig,
    var: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Secrets {
    Secrets::new(Some(aws_sdk_secretsmanager::Client::new(aws)), var)
}

/// The file with state, unless it is in a table.
pub(crate) fn state_file(common: &Common) -> PathBuf {
    let file = common.state.clone();
    file.unwrap_or_else(|| PathBuf::from(DEFAULT_STATE))
}

/// Reads and checks the configuration; every problem is told, each with its line.
pub(crate) fn read_config(path: &Path) -> Result<Config> {
    let text = read_text(path)?;
    Config::parse(&text).map_err(|problems| {
        anyhow::anyhow!(
            "the configuration has problems\n{}",
            problems.display(&path.display().to_string())
        )
    })
}

/// The text of the configuration.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| {
        format!(
            "`{}` cannot be read: copy `rollcall.example.toml`, or name your configuration with --config",
            path.display()
        )
    })
}

/// The state in an embedded database, with its table.
pub(crate) async fn embedded_state(url: &str) -> Result<State> {
    let state = embedded_connection(url)?;
    state.create_table().await?;
    Ok(state)
}

/// The state in an embedded database, as it is.
pub(crate) fn embedded_connection(url: &str) -> Result<State> {
    Ok(State::connect(&startup::stand_in(url)?, EMBEDDED_TABLE))
}

fn is_loopback(base_url: &str) -> bool {
    let host = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|own| host == *own || host.starts_with(&format!("{own}:")))
}

//! Where a command works: the configuration, the state, the secrets, and the runner made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
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
        // Keys of the form `env:NAME` need no AWS account: nothing is asked of one until a secret is read.
        let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let secrets = Secrets::new(Some(aws_sdk_secretsmanager::Client::new(&aws)), variable);
        let (state, embedded) = if let Some(table) = table {
            (State::connect(&aws, &table), None)
        } else {
            let file = common.state.clone();
            let file = file.unwrap_or_else(|| PathBuf::from(DEFAULT_STATE));
            let embedded = EmbeddedDynamoDb::start(Database::File(file)).await?;
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

/// Reads and checks the configuration; every problem is told, each with its line.
fn read_config(path: &Path) -> Result<Config> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("`{shown}` cannot be read: copy `rollcall.example.toml`, or name your configuration with --config")
    })?;
    Config::parse(&text).map_err(|problems| {
        anyhow::anyhow!(
            "the configuration has problems\n{}",
            problems.display(&shown)
        )
    })
}

/// The state in an embedded database.
pub(crate) async fn embedded_state(url: &str) -> Result<State> {
    let state = State::connect(
        aws_sdk_dynamodb::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "embedded"))
            .endpoint_url(url),
        EMBEDDED_TABLE,
    );
    state.create_table().await?;
    Ok(state)
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

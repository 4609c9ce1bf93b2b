//! `rollcall doctor`: checks everything that a run rests on, and says how to mend what is wrong. Writes nothing.
//!
//! Each check stands for itself: it has its own time-out, and what one finds hides nothing of the others.

mod clock;
mod finding;
mod hr;
mod jumpcloud;
mod runs;
mod secret;
mod stack;
mod table;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use aws_config::SdkConfig;
use config::{Config, SecretName};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all, ready};
use secrets::Secrets;
use startup::Environment;
use tokio::time::Instant;

use crate::args::{self, Common};
use crate::commands::{Exit, print_json};
use crate::deployed;
use crate::doctor::finding::{Finding, Status};
use crate::doctor::runs::Comparison;
use crate::doctor::stack::{Schedule, Stack};
use crate::workplace::{aws_account, read_text, secrets_of};
use crate::{show, variable};

/// What a vendor or AWS may take to answer one check.
const PATIENCE: Duration = Duration::from_secs(10);
/// What reading every user of JumpCloud may take.
const PATIENCE_FOR_USERS: Duration = Duration::from_mins(1);

/// Checks under way, which belong together.
type Checks<'a> = BoxFuture<'a, Vec<Finding>>;

/// What a run rests on, where it is made: on this machine, or by a deployed function.
struct Subject {
    aws: SdkConfig,
    environment: Environment,
    secrets: Secrets,
    schedule: Schedule,
    /// How it stands with the deployed function.
    function: Option<Finding>,
}

impl Subject {
    async fn of_machine() -> Result<Self> {
        let aws = aws_account().await?;
        Ok(Self {
            environment: Environment::from_vars(variable),
            secrets: secrets_of(&aws, variable),
            schedule: Schedule::of_runs(),
            function: None,
            aws,
        })
    }

    async fn of_stack(common: &Common, stack: &args::Stack) -> Result<Self> {
        let name = deployed::name(common, stack)?;
        let aws = deployed::account().await?;
        let Stack {
            function,
            variables,
            schedule,
        } = Stack::read(&aws, name).await;
        let (environment, secrets) = if let Some(variables) = variables {
            let var = move |name: &str| variables.get(name).cloned();
            let environment = Environment::from_vars(&var);
            (environment, secrets_of(&aws, var))
        } else {
            // This machine's table may be another stack's.
            let environment = Environment {
                table: None,
                ..Environment::from_vars(variable)
            };
            (environment, secrets_of(&aws, variable))
        };
        Ok(Self {
            environment,
            secrets,
            schedule,
            function: Some(function),
            aws,
        })
    }
}

/// `doctor`, of this machine or of a deployed stack.
pub(crate) async fn run(common: &Common, stack: Option<&args::Stack>) -> Result<Exit> {
    let subject = match stack {
        Some(stack) => Subject::of_stack(common, stack).await?,
        None => Subject::of_machine().await?,
    };
    let Subject {
        aws,
        environment,
        secrets,
        schedule,
        function,
    } = &subject;
    let is_deployed = function.is_some();
    let place = table::Place::open(common, environment, aws, is_deployed).await?;
    let (config, mut findings) = configuration(&common.config);
    findings.extend(function.clone());

    let mut checks: Vec<Checks<'_>> = Vec::new();
    if let Some(config) = &config {
        let hosts = &environment.allowed_hosts;
        checks.push(keys_and_vendors(config, secrets, hosts).boxed());
        checks.push(secret::tokens(secrets, &config.scim.tokens).boxed());
    }
    if let Some(state) = place.state() {
        let comparison = config.as_ref().filter(|_| is_deployed);
        let comparison = comparison.map(|config| Comparison {
            digest: &config.digest,
            files: [&common.config, &environment.config].map(|file| file.file_name()),
        });
        checks.push(runs::check(state, schedule, comparison).boxed());
    } else if is_deployed {
        checks.push(ready(vec![schedule.check(None)]).boxed());
    }
    checks.push(place.check().boxed());
    findings.extend(join_all(checks).await.into_iter().flatten());
    place.close().await;

    if common.json {
        print_json(&finding::as_json(&findings))?;
    } else {
        show::out(&finding::as_text(&findings));
    }
    let has_failed = findings
        .iter()
        .any(|finding| finding.status == Status::Failed);
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

/// The configuration, and every problem of it.
fn configuration(path: &Path) -> (Option<Config>, Vec<Finding>) {
    let shown = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(error) => {
            let found = format!("{error:#}");
            let advice =
                "write one (docs/configuration.md); what needs none was checked all the same";
            return (None, vec![Finding::failed("configuration", found, advice)]);
        }
    };
    match Config::parse(&text) {
        Ok(config) => {
            let found = format!(
                "`{shown}` is right: sources {}, group rules {}",
                config.sources.len(),
                config.groups.len()
            );
            (Some(config), vec![Finding::ok("configuration", found)])
        }
        Err(problems) => {
            let findings = problems.problems().iter().map(|problem| {
                let found = format!("{shown}:{}: {}", problem.line, problem.message);
                Finding::failed(
                    "configuration",
                    found,
                    "correct the line (docs/configuration.md)",
                )
            });
            (None, findings.collect())
        }
    }
}

/// The keys, and then each vendor whose key is there: without one there is nothing to try.
async fn keys_and_vendors(
    config: &Config,
    secrets: &Secrets,
    allowed_hosts: &[String],
) -> Vec<Finding> {
    let of_sources = config.sources.iter().map(|source| &source.api_key);
    let names = [&config.jumpcloud.api_key].into_iter().chain(of_sources);
    let names: BTreeSet<&SecretName> = names.collect();
    let keys = join_all(names.into_iter().map(|name| secret::key(secrets, name))).await;
    let there: BTreeSet<&SecretName> = keys.iter().filter_map(|key| key.there).collect();

    let mut checks: Vec<Checks<'_>> = Vec::new();
    let key = &config.jumpcloud.api_key;
    checks.push(if there.contains(key) {
        jumpcloud::check(config, secrets, allowed_hosts).boxed()
    } else {
        ready(vec![Finding::untried(jumpcloud::KEY, key)]).boxed()
    });
    for source in &config.sources {
        checks.push(if there.contains(&source.api_key) {
            hr::check(source, secrets, allowed_hosts).boxed()
        } else {
            let untried = Finding::untried(hr::KEY, &source.api_key);
            ready(vec![untried.about(source.name.as_str())]).boxed()
        });
    }
    let found = keys.into_iter().map(|key| key.finding);
    let of_vendors = join_all(checks).await.into_iter().flatten();
    found.chain(of_vendors).collect()
}

/// When a vendor's client gives up.
fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

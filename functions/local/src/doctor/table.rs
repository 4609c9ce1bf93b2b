//! Where state is: the table as it is set up, or the file.

use std::path::PathBuf;

use anyhow::Result;
use aws_config::SdkConfig;
use clients::chain;
use sandbox::{Database, EmbeddedDynamoDb, SandboxError};
use startup::Environment;
use state::{Recovery, State, StateError};

use super::finding::Finding;
use super::{PATIENCE, clock};
use crate::args::Common;
use crate::workplace::{embedded_connection, state_file};

/// Where state is, chosen as every command chooses it, but never made.
pub(super) enum Place {
    /// A table of an account.
    Table(String, State),
    /// A file with the embedded database.
    File(PathBuf, State, EmbeddedDynamoDb),
    /// A deployed function has one, and it could not be seen which.
    Unseen,
    /// No run was made with this file yet.
    Nowhere(PathBuf),
    /// A file that the embedded database does not take.
    Unreadable(PathBuf, SandboxError),
}

impl Place {
    pub(super) async fn open(
        common: &Common,
        environment: &Environment,
        aws: &SdkConfig,
        is_deployed: bool,
    ) -> Result<Self> {
        let table = environment.table.as_ref();
        if let Some(table) = table.filter(|_| common.state.is_none()) {
            return Ok(Self::Table(table.clone(), State::connect(aws, table)));
        }
        if is_deployed {
            return Ok(Self::Unseen);
        }
        let file = state_file(common);
        if !file.exists() {
            return Ok(Self::Nowhere(file));
        }
        let embedded = match EmbeddedDynamoDb::start(Database::File(file.clone())).await {
            Ok(embedded) => embedded,
            Err(error) => return Ok(Self::Unreadable(file, error)),
        };
        let state = embedded_connection(&embedded.url())?;
        Ok(Self::File(file, state, embedded))
    }

    /// What runs left, if any did.
    pub(super) fn state(&self) -> Option<&State> {
        match self {
            Self::Table(_, state) | Self::File(_, state, _) => Some(state),
            Self::Unseen | Self::Nowhere(_) | Self::Unreadable(..) => None,
        }
    }

    pub(super) async fn close(self) {
        if let Self::File(_, _, embedded) = self {
            embedded.stop().await;
        }
    }

    pub(super) async fn check(&self) -> Vec<Finding> {
        let check = "table";
        match self {
            Self::Table(name, state) => {
                let checks = tokio::time::timeout(PATIENCE, of_table(state)).await;
                let findings = checks
                    .unwrap_or_else(|_| vec![Finding::unanswered(check, PATIENCE)])
                    .into_iter();
                findings
                    .map(|finding| match finding.about {
                        Some(_) => finding,
                        None => finding.about(name),
                    })
                    .collect()
            }
            Self::Unseen => vec![Finding::unknown(
                check,
                "it cannot be seen which one the function has",
                "mend what the check of the function says",
            )],
            Self::File(file, ..) => vec![Finding::ok(
                check,
                format!("none: state is in the file `{}`", file.display()),
            )],
            Self::Unreadable(file, error) => {
                let advice = format!(
                    "is `{}` a file of rollcall's, and may you write it? Name another with --state",
                    file.display()
                );
                vec![Finding::failed(check, chain(error), advice)]
            }
            Self::Nowhere(file) => vec![Finding::unknown(
                check,
                format!(
                    "`ROLLCALL_TABLE` is not set, and there is no file `{}` yet",
                    file.display()
                ),
                "set `ROLLCALL_TABLE` to check a deployed table; a first run makes the file",
            )],
        }
    }
}

async fn of_table(state: &State) -> Vec<Finding> {
    let (time, facts, expires, recovery) = tokio::join!(
        state.database_time(),
        state.table_facts(),
        state.expires(),
        state.recovery(),
    );
    let mut findings = vec![clock::skew("AWS", time)];
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            findings.push(unseen("table", &error));
            return findings;
        }
    };
    let template = "deploy the stack's template, which sets this";
    findings.push(match (facts.is_active, facts.has_keys) {
        (true, true) => Finding::ok("table", "is there"),
        (false, _) => Finding::failed("table", "is not ready", "wait until AWS has made it"),
        (_, false) => Finding::failed(
            "table",
            "has other keys than rollcall's",
            "name rollcall's own table in `ROLLCALL_TABLE`",
        ),
    });
    findings.push(if facts.has_index {
        Finding::ok("table_index", "`lookup` is there")
    } else {
        Finding::failed("table_index", "the index `lookup` is missing", template)
    });
    findings.push(match expires {
        Ok(true) => Finding::ok("table_expiry", "is on"),
        Ok(false) => Finding::failed(
            "table_expiry",
            "items are kept for ever: there is no time to live on `expires_at`",
            "aws dynamodb update-time-to-live, as in docs/operate.md, restoring the table",
        ),
        Err(error) => unseen("table_expiry", &error),
    });
    let (recovered, protected) = ("table_recovery", "table_protection");
    let embedded = "not applicable to an embedded database";
    match recovery {
        Ok(Recovery::NotApplicable) => {
            findings.extend([recovered, protected].map(|check| Finding::ok(check, embedded)));
            return findings;
        }
        Ok(Recovery::On) => findings.push(Finding::ok(recovered, "to a point in time")),
        Ok(Recovery::Off) => findings.push(Finding::warning(
            recovered,
            "point-in-time recovery is off",
            "aws dynamodb update-continuous-backups, as in docs/operate.md, restoring the table",
        )),
        Err(error) => findings.push(unseen(recovered, &error)),
    }
    findings.push(if facts.is_protected {
        Finding::ok(protected, "cannot be deleted by mistake")
    } else {
        Finding::warning(
            protected,
            "deletion protection is off",
            "aws dynamodb update-table --deletion-protection-enabled",
        )
    });
    findings
}

/// Who may not look has not found anything wrong.
fn unseen(check: &'static str, error: &StateError) -> Finding {
    match error {
        StateError::AccessDenied { .. } => Finding::unknown(
            check,
            error.to_string(),
            "use an admin's credentials (docs/deploy.md, permissions)",
        ),
        error => Finding::failed(
            check,
            chain(error),
            "check `ROLLCALL_TABLE`, the AWS Region, the credentials and the network",
        ),
    }
}

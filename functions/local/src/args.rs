//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The configuration, unless another is named.
pub(crate) const DEFAULT_CONFIG: &str = "rollcall.toml";

/// Keeps JumpCloud in step with HR. Without a command it shows itself on a built-in sandbox that needs no account.
#[derive(Debug, Parser)]
#[command(
    name = "rollcall",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The configuration, `rollcall.toml`
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ROLLCALL_CONFIG",
        default_value = DEFAULT_CONFIG
    )]
    pub(crate) config: PathBuf,
    /// Print the result alone as JSON on standard output; everything else goes to standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Keep state in this file, in the embedded database [default: rollcall.sqlite]; with `ROLLCALL_TABLE` set and no
    /// --state, state is in that DynamoDB table
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a sync would do, and write nothing to JumpCloud
    Plan(Run),
    /// Bring JumpCloud in step with HR, as far as limits and approvals allow
    Sync(Run),
    /// Show why people would or would not change: record, match, mapping row by row, decision
    Explain {
        /// Worker ids, work e-mails, or `SOURCE/WORKER_ID` as reports show people
        #[arg(required = true, value_name = "WHO")]
        who: Vec<String>,
    },
    /// List the latest runs, show one whole, or check with --verify that nothing of their record was altered
    Runs {
        /// The run to show
        #[arg(value_name = "RUN")]
        run: Option<String>,
        /// How many to list
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Check that the record of what was done is whole and unaltered
        #[arg(long, conflicts_with_all = ["run", "limit"])]
        verify: bool,
    },
    /// Show what would undo a run, from what it wrote; with --apply, do it
    Undo(Undo),
    /// Forget whose JumpCloud user somebody's is: the next run recognises or creates it anew
    Release {
        /// A worker id, a work e-mail, or `SOURCE/WORKER_ID` as reports show people
        #[arg(value_name = "WHO")]
        who: String,
        #[command(flatten)]
        said: Said,
    },
    /// Give somebody another username, in JumpCloud too: no run changes one that was once given
    Rename {
        /// A worker id, a work e-mail, or `SOURCE/WORKER_ID` as reports show people
        #[arg(value_name = "WHO")]
        who: String,
        /// The new username
        #[arg(value_name = "NEW")]
        username: String,
        #[command(flatten)]
        said: Said,
    },
    /// Check everything that a run rests on, and say how to mend what is wrong; writes nothing
    Doctor {
        /// Check a deployed stack: its function, its schedule, and the table that the function uses
        #[arg(long)]
        deployed: bool,
        #[command(flatten)]
        stack: Stack,
    },
    /// Make, list and revoke the tokens of SCIM clients
    Token {
        #[command(subcommand)]
        action: crate::token::Action,
    },
    /// Serve SCIM 2.0 over the configured JumpCloud until stopped; without a configuration, over a sandbox
    Serve {
        /// The port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 8788)]
        port: u16,
    },
    /// Serve the stand-ins for JumpCloud, Deel, Humaans, DynamoDB and Secrets Manager until stopped
    Sandbox {
        /// The port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 8787)]
        port: u16,
        /// Start with nobody in HR and nobody in JumpCloud
        #[arg(long)]
        empty: bool,
    },
}

/// What a run is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct Run {
    /// Only this source (repeatable)
    #[arg(long = "source", value_name = "NAME")]
    pub(crate) sources: Vec<String>,
    /// Only this person: a worker id, a work e-mail, or `SOURCE/WORKER_ID` as reports show people (repeatable)
    #[arg(long = "person", value_name = "WHO")]
    pub(crate) people: Vec<String>,
    /// Apply what a held class or a plan showed under this digest (repeatable)
    #[arg(long = "approve", value_name = "DIGEST")]
    pub(crate) approve: Vec<String>,
    #[command(flatten)]
    pub(crate) said: Said,
    /// Suspend today the one person whom HR shows as leaving later
    #[arg(long, requires = "people")]
    pub(crate) now: bool,
    /// Run in the AWS account: the deployed function does it, and a sync is repeated until nobody is left
    #[arg(long)]
    pub(crate) deployed: bool,
    #[command(flatten)]
    pub(crate) stack: Stack,
}

/// Which deployed stack is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Stack {
    /// The name of the deployed function: the stack's output `SyncFunctionName`
    #[arg(long, value_name = "NAME", env = "ROLLCALL_FUNCTION")]
    pub(crate) function: Option<String>,
}

/// Who does something by hand, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Said {
    /// Who does it: kept with it
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub(crate) by: Option<String>,
    /// Why: kept with it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Which run is undone, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Undo {
    /// The run to undo
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Do it
    #[arg(long)]
    pub(crate) apply: bool,
    /// Apply what a held class or the plan showed under this digest (repeatable)
    #[arg(long = "approve", value_name = "DIGEST")]
    pub(crate) approve: Vec<String>,
    #[command(flatten)]
    pub(crate) said: Said,
}

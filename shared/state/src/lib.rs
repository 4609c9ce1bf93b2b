//! What rollcall remembers between runs, in one DynamoDB table: links, the lease, runs, good reads, approvals.
//!
//! Nothing here decides anything, and nothing else speaks to DynamoDB. A read is complete or it is an error: an
//! item that does not decode never makes a shorter list. The time is always the caller's.
//!
//! # The table
//!
//! Strings `pk` and `sk` are its key; `expires_at` (epoch seconds) is its TTL attribute. Its one index, `lookup`,
//! has the string `lookup` as its key, holds keys alone, and lists only the items that have that attribute.
//!
//! | what | `pk` | `sk` | `lookup` | expires |
//! |---|---|---|---|---|
//! | [`Link`] | `LINK` | `<source>#<worker id>`; a source's name has no `#` | `email#<work e-mail in lower case>` | never |
//! | [`Lease`] | `LEASE` | `LEASE` | | never: its fence only grows |
//! | [`RunHeader`] | `RUN` | `<run id>` | | 90 days after the run's start |
//! | a run's report, in pages | `RUN#<run id>` | `<page, 5 digits>` | | with its header |
//! | [`LastRead`] | `READ` | `<source>` | | never |
//! | what an offered digest covers, in pages | `OFFER#<digest>` | `<page, 5 digits>` | | 24 hours after it was shown |
//!
//! # One runner at a time
//!
//! A write that belongs to a run is *fenced*: it is one transaction with a check that the lease's holder and fence
//! are still ours, so that a runner that was overtaken cannot write. Every such transaction touches the lease, and
//! DynamoDB cancels transactions that meet on an item; one process therefore sends them one after the other.

mod error;
mod item;
mod lease;
mod link;
mod offer;
mod pages;
mod run;
mod source;
mod table;

#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;

pub use error::StateError;
pub use item::Damage;
pub use lease::Lease;
pub use link::{Link, Missing, Suspension};
pub use offer::ChangeDigest;
pub use run::{Run, RunHeader, RunId};
pub use source::LastRead;

use table::Table;

/// The table and the way to it. Clones share connections and count their requests together.
#[derive(Debug, Clone)]
pub struct State {
    table: Table,
}

impl State {
    /// The state in this table; nothing is sent yet. `config` is what the AWS SDK loaded (`&SdkConfig`) or a
    /// builder of DynamoDB's own configuration.
    pub fn connect(config: impl Into<Builder>, table: &str) -> Self {
        let config = config.into().timeout_config(table::timeouts());
        Self {
            table: Table::new(Client::from_conf(config.build()), table),
        }
    }

    /// The same state, counting its requests from zero: a container outlives its runs.
    #[must_use]
    pub fn for_run(&self) -> Self {
        Self {
            table: self.table.counted_apart(),
        }
    }

    /// Requests sent so far, retries included.
    pub fn calls(&self) -> u64 {
        self.table.calls()
    }

    /// Makes the table with its index and its expiry, unless it exists: for the embedded database. A deployed table
    /// comes from the template.
    pub async fn create_table(&self) -> Result<(), StateError> {
        self.table.create().await
    }
}

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
//! | [`Lease`], and what somebody was last told of | `LEASE` | `LEASE` | | never: its fence only grows |
//! | [`RunHeader`] | `RUN` | `<run id>` | | 90 days after the run's start |
//! | a run's report, in pages | `RUN#<run id>` | `<page, 5 digits>` | | with its header |
//! | what a run is about to write, in pages | `JOURNAL#<run id>` | `<page, 5 digits>` | | 90 days after the run's start |
//! | a record of the audit chain | `CHAIN#sync`, `CHAIN#scim-<container>`, `CHAIN#tool-<command>` | `<number, 12 digits>` | | never |
//! | the last record of a container or a command | `CHAINS` | `scim-<container>`, `tool-<command>` | | never |
//! | values before and after of such a record | `AUDIT#scim-<container>`, `AUDIT#tool-<command>` | `<number, 12 digits>` | | 90 days after the request |
//! | [`LastRead`] | `READ` | `<source>` | | never |
//! | what an offered digest covers, in pages | `OFFER#<digest>` | `<page, 5 digits>` | | 24 hours after it was shown |
//! | [`UserRecord`] | `USER` | `<user id>` | `owner#client` where a SCIM client owns the user | never |
//! | the mark of a hidden user | `HIDDEN` | `<user id>` | | never |
//! | [`GroupRecord`] | `GROUP` | `<group id>` | | never |
//! | [`UserPointer`] | `SCIM#<client>` | `external#<externalId>` and `name#<userName in lower case>` | | never |
//! | [`GroupPointer`] | `SCIM#<client>` | `group#<externalId>` | | never |
//! | [`Intent`] | `SCIM#<client>` | `intent#<username in lower case>` | | 24 hours after it was begun |
//! | [`Claim`], then its [`Answer`] | `SCIM#<client>` | `key#<digest, hexadecimal>` | | after 24 hours |
//! | a suspension by a SCIM client | `SCIM#<client>` | `suspended#<epoch ms, 15 digits>#<user id>` | | after 24 hours |
//!
//! Where a client's own value makes a sort key longer than DynamoDB takes, the key is `<kind>-sha256#<digest>`.
//!
//! # One runner at a time
//!
//! A write that belongs to a run is *fenced*: it is one transaction with a check that the lease's holder and fence
//! are still ours, so that a runner that was overtaken cannot write. Every such transaction touches the lease, and
//! DynamoDB cancels transactions that meet on an item; one process therefore sends them one after the other.
//!
//! # What was done
//!
//! The lease also holds the end of the runs' chain and the run that has a journal and no report yet: taking the lease
//! tells both, and the transactions that store a journal or a report move them on.
//!
//! # One owner per user, one user per name
//!
//! HR's runs and SCIM clients write at the same time. The record of a user says whose it is: a link is written together
//! with its user's owner, and not at all when that is a SCIM client. A record is written only over the version that was
//! read, together with its pointers and its hidden mark, so that these always say what the record says. Of a link,
//! `scim_hold` alone is the clients', and its other attributes are the runs': neither overwrites the other's.

mod answer;
mod chain;
mod error;
mod group;
mod inspect;
mod intent;
mod item;
mod journal;
mod lease;
mod link;
mod offer;
mod owner;
mod pages;
mod pointer;
mod run;
mod run_chain;
mod scribe;
mod source;
mod suspended;
mod table;
mod user;
mod verify;

#[cfg(test)]
mod tests;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;

pub use answer::{Answer, Claim, Claimed};
pub use chain::Head;
pub use error::StateError;
pub use group::{GroupPointer, GroupRecord};
pub use inspect::{Recovery, TableFacts};
pub use intent::{Begun, Intent, RequestDigest};
pub use item::Damage;
pub use lease::Lease;
pub use link::{Link, Missing, Suspension};
pub use offer::ChangeDigest;
pub use owner::{ByClient, Owner};
pub use pointer::Unique;
pub use run::{Run, RunHeader, RunId};
pub use run_chain::RunChain;
pub use scribe::{Deed, Noted, Scribe};
pub use source::LastRead;
pub use user::{Also, LinkHold, UserPointer, UserRecord, View};
pub use verify::{Problem, Verification};

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

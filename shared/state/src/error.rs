//! What can go wrong with the state, and what a person does about it.

use std::error::Error as StdError;

use jiff::Timestamp;
use mapping::{SystemUserId, Text, WorkerKey};
use thiserror::Error;

use crate::Unique;
use crate::item::Damage;

/// Why the state could not be read or written.
#[derive(Debug, Error)]
pub enum StateError {
    /// There is no such table.
    #[error(
        "table `{table}` does not exist: deploy the stack, or name the right table in `ROLLCALL_TABLE`"
    )]
    NoTable {
        /// The table.
        table: Box<str>,
        /// What DynamoDB said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The credentials may not do this.
    #[error(
        "access to table `{table}` is denied: check the credentials, and that they allow `dynamodb:{operation}`"
    )]
    AccessDenied {
        /// The table.
        table: Box<str>,
        /// The DynamoDB operation.
        operation: &'static str,
        /// What DynamoDB said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// DynamoDB refused often enough that retrying has ended.
    #[error(
        "table `{table}` is overloaded: {operation} was refused on every attempt; run again, or raise its capacity"
    )]
    Throttled {
        /// The table.
        table: Box<str>,
        /// The DynamoDB operation.
        operation: &'static str,
        /// What DynamoDB said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Anything else: no connection, no credentials, a timeout, an item that is too large.
    #[error("{operation} on table `{table}` failed")]
    Failed {
        /// The table.
        table: Box<str>,
        /// The DynamoDB operation.
        operation: &'static str,
        /// What the SDK said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// An item is not what rollcall wrote.
    #[error("item `{key}` of table `{table}` is damaged: restore it from a backup or remove it")]
    Damaged {
        /// The table.
        table: Box<str>,
        /// The item's `pk` and `sk`.
        key: Box<str>,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// An item is such that it cannot be changed: as a rule because something in it is not of the type that it was.
    #[error(
        "item `{key}` of table `{table}` takes no change, and is probably damaged: restore it from a backup or remove it"
    )]
    Unchangeable {
        /// The table.
        table: Box<str>,
        /// The item's `pk` and `sk`.
        key: Box<str>,
        /// What DynamoDB said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What we last wrote to a user does not decode.
    #[error("`written` of link `{key}` is damaged: restore the link from a backup or remove it")]
    DamagedWritten {
        /// The link.
        key: WorkerKey,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Another runner holds the lease.
    #[error("`{holder}` is running and holds the lease until {until}")]
    Busy {
        /// The other runner.
        holder: Box<str>,
        /// When its lease ends, unless renewed.
        until: Timestamp,
    },
    /// Another runner took the lease, or it was released: nothing was written.
    #[error(
        "`{holder}` no longer holds the lease (fence {fence}): another runner took over, and nothing was written"
    )]
    LeaseLost {
        /// Who held it.
        holder: Box<str>,
        /// Its fencing number.
        fence: u64,
    },
    /// A SCIM client owns the user, so that no source may have it: the link was not written.
    #[error(
        "user `{user_id}` belongs to SCIM client `{client}`: exclude the person from the source, or the user from that client"
    )]
    Owned {
        /// The user.
        user_id: SystemUserId,
        /// Its owner.
        client: Text,
    },
    /// The record of a user or group is no longer what was read: nothing was written.
    #[error(
        "`{id}` was changed by somebody else at the same time: read it again, and repeat the change"
    )]
    Changed {
        /// JumpCloud's id of the user or group.
        id: Text,
    },
    /// A SCIM client calls another user or group so: nothing was written.
    #[error("`{what}` is taken by `{by}`: give another value, or change that one first")]
    Taken {
        /// What must be unique.
        what: Unique,
        /// JumpCloud's id of the user or group that has it.
        by: Text,
    },
}

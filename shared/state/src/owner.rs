//! Whose a user is. HR's side is written in one transaction with the links, so that a user never has two owners.
//!
//! The owner stands in the user's record; what SCIM clients know of the user stands beside it and is left alone here.

use jiff::Timestamp;
use mapping::{SystemUserId, Text, WorkerKey};

use crate::item::{
    Damage, Item, Key, as_map, as_text, as_time, number, optional, required, text, values,
};
use crate::link::text_of;
use crate::table::{Condition, Refused, Update, Write};
use crate::{State, StateError};

/// The partition of all users' records.
const PARTITION: &str = "USER";

/// Whom a user belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A person of a source: the link of that person is of this user.
    Worker(WorkerKey),
    /// A SCIM client.
    Client(Text),
}

/// Which SCIM client did something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByClient {
    /// The client.
    pub client: Text,
    /// When.
    pub at: Timestamp,
}

impl State {
    /// The error of a link that was not written because a SCIM client owns its user.
    pub(crate) fn owned(&self, refused: &Refused) -> StateError {
        let client = |item: &Item| required(item, "client", as_text).map(Text::from);
        match self.table.decoded(&refused.item, client) {
            Ok(client) => StateError::Owned {
                user_id: SystemUserId::from(&*refused.key.sk),
                client,
            },
            Err(damaged) => damaged,
        }
    }
}

/// Where a user's record is.
pub(crate) fn key_of(user: &SystemUserId) -> Key {
    Key::new(PARTITION, user.to_string())
}

/// Gives a user to this person, unless a SCIM client owns it. The version grows, so that a client that read the
/// record before does not write over it. With `suspended`, HR took the user's access, so that a suspension through SCIM
/// is over: nobody but HR brings that user back.
pub(crate) fn owning(user: &SystemUserId, key: &WorkerKey, suspended: bool) -> Write {
    let change = if suspended {
        "SET worker = :worker REMOVE suspended_by ADD version :one"
    } else {
        "SET worker = :worker ADD version :one"
    };
    Write::Update(Update {
        key: key_of(user),
        change,
        values: values([(":worker", text(&text_of(key))), (":one", number(1))]),
        condition: Condition::new("attribute_not_exists(client)", []),
    })
}

/// Takes a user from this person, if it is still theirs.
pub(crate) fn disowning(user: &SystemUserId, key: &WorkerKey) -> Write {
    Write::Update(Update {
        key: key_of(user),
        change: "REMOVE worker ADD version :one",
        values: values([(":one", number(1))]),
        condition: Condition::new("worker = :worker", [(":worker", text(&text_of(key)))]),
    })
}

/// Reads an attribute that says which client did something.
pub(crate) fn optional_by(item: &Item, name: &'static str) -> Result<Option<ByClient>, Damage> {
    let Some(entries) = optional(item, name, as_map)? else {
        return Ok(None);
    };
    Ok(Some(ByClient {
        client: required(entries, "client", as_text)?.into(),
        at: required(entries, "at", as_time)?,
    }))
}

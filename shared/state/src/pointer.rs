//! Pointers: what a SCIM client calls a user or a group, as a key of its own. That makes it unique for the client, and
//! found in one strongly consistent read.
//!
//! They are written in the same transaction as the record that they follow from, never alone.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use mapping::Text;
use sha2::{Digest, Sha256};

use crate::item::{Attribute, Item, Key, as_text, number, required, text};
use crate::table::{Condition, Put, Write};
use crate::{Noted, State, StateError};

/// DynamoDB takes sort keys of up to this many bytes.
const LONGEST_KEY: usize = 1024;

/// Free, or the same user's or group's already.
const FREE: &str = "attribute_not_exists(pk) OR id = :id";

/// What the partitions of SCIM clients begin with.
const CLIENT: &str = "SCIM#";

/// The kinds of pointers: what their sort keys begin with.
pub(crate) const EXTERNAL_ID: &str = "external";
pub(crate) const USER_NAME: &str = "name";
pub(crate) const GROUP_EXTERNAL_ID: &str = "group";

/// What must be unique for a SCIM client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// `externalId`, of users and of groups.
    ExternalId,
    /// A user's `userName`, in any case.
    UserName,
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
        })
    }
}

/// The partition of what is one SCIM client's.
pub(crate) fn partition(client: &str) -> String {
    format!("{CLIENT}{client}")
}

/// Where a client's item of this kind and value is. A value that is too long for a key stands there as its digest.
pub(crate) fn key_of(client: &str, kind: &str, value: &str) -> Key {
    let mut sk = format!("{kind}#{value}");
    if sk.len() > LONGEST_KEY {
        sk = format!("{kind}-sha256#{}", hex::encode(Sha256::digest(value)));
    }
    Key::new(partition(client), sk)
}

/// What the pointer at this key keeps unique; `None` for an item that is no pointer.
fn unique(key: &Key) -> Option<Unique> {
    if !key.pk.starts_with(CLIENT) {
        return None;
    }
    match key.sk.split(['#', '-']).next()? {
        EXTERNAL_ID | GROUP_EXTERNAL_ID => Some(Unique::ExternalId),
        USER_NAME => Some(Unique::UserName),
        _ => None,
    }
}

/// The pointers of one record, by their keys.
pub(crate) type Pointers = BTreeMap<Key, Item>;

/// A pointer to a user or a group, with what it tells of it.
pub(crate) fn pointer(
    key: Key,
    id: &str,
    modified_at: Option<Timestamp>,
    view: impl IntoIterator<Item = Attribute>,
) -> (Key, Item) {
    let known = [
        ("id", Some(text(id))),
        ("modified_at", modified_at.map(text)),
    ];
    let item = key.with(known.into_iter().chain(view));
    (key, item)
}

/// The writes that bring a record's pointers from what they were to what they shall be.
pub(crate) fn moves(
    id: &str,
    mut before: Pointers,
    after: Pointers,
) -> impl Iterator<Item = Write> {
    let mut puts = Vec::new();
    for (key, item) in after {
        if before.remove(&key).as_ref() != Some(&item) {
            puts.push(Write::Put(Put {
                item,
                condition: Some(Condition::new(FREE, [(":id", text(id))])),
            }));
        }
    }
    before.into_keys().map(Write::delete).chain(puts)
}

/// Nobody wrote the record since it was read; version 0 is the one before the first.
pub(crate) fn unchanged(version: u64) -> Condition {
    if version == 0 {
        return Condition::new("attribute_not_exists(pk)", []);
    }
    Condition::new("version = :version", [(":version", number(version))])
}

impl State {
    /// Writes the record of a user or group and all that follows from it, in one request: [`StateError::Taken`] when a
    /// pointer leads elsewhere, [`StateError::Changed`] when anything else is not what was read.
    pub(crate) async fn write_record(
        &self,
        id: &str,
        writes: Vec<Write>,
        noted: Option<Noted<'_>>,
    ) -> Result<(), StateError> {
        let Some(refused) = self.transact_noted(writes, noted).await? else {
            return Ok(());
        };
        let Some(what) = unique(&refused.key) else {
            return Err(StateError::Changed { id: id.into() });
        };
        let by = |item: &Item| required(item, "id", as_text).map(Text::from);
        let by = self.table.decoded(&refused.item, by)?;
        Err(StateError::Taken { what, by })
    }
}

//! Groups as SCIM clients know them: what each client calls a group, and when it was last written through SCIM.
//!
//! The group and its members are in JumpCloud; nothing of them is copied here.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use mapping::Text;

use crate::item::{
    Damage, Item, Key, as_map, as_number, as_text, as_time, number, optional, required, text,
};
use crate::pointer::{self, Pointers, moves, pointer, unchanged};
use crate::table::{Delete, Put, Write};
use crate::{Noted, State, StateError};

/// The partition of all groups' records.
const PARTITION: &str = "GROUP";

/// What SCIM clients know of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// JumpCloud's id of the group.
    pub group_id: Text,
    /// Each client's `externalId`.
    pub external_ids: BTreeMap<Text, Text>,
    /// The last write through SCIM.
    pub modified_at: Option<Timestamp>,
    /// Grows with each write, so that a write that rests on an older reading is refused.
    pub version: u64,
}

/// A group as found by what a client calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPointer {
    /// JumpCloud's id of the group.
    pub group_id: Text,
    /// The client's `externalId`.
    pub external_id: Text,
    /// The last write through SCIM.
    pub modified_at: Option<Timestamp>,
}

impl GroupRecord {
    /// A record to begin with: known to no client.
    pub fn new(group_id: Text) -> Self {
        Self {
            group_id,
            external_ids: BTreeMap::new(),
            modified_at: None,
            version: 0,
        }
    }

    fn pointers(&self) -> Pointers {
        self.external_ids
            .iter()
            .map(|(client, external_id)| {
                let key = pointer_key(client, external_id);
                let view = [("external_id", Some(text(external_id)))];
                pointer(key, &self.group_id, self.modified_at, view)
            })
            .collect()
    }
}

impl State {
    /// A group's record, in one request.
    pub async fn group_record(&self, id: &str) -> Result<Option<GroupRecord>, StateError> {
        let item = self.table.get(&key_of(id)).await?;
        item.map(|item| self.table.decoded(&item, decode))
            .transpose()
    }

    /// Those of these groups' records that are there: up to 100 are one request.
    pub async fn group_records(
        &self,
        ids: &BTreeSet<Text>,
    ) -> Result<BTreeMap<Text, GroupRecord>, StateError> {
        let keys: Vec<Key> = ids.iter().map(|id| key_of(id)).collect();
        let items = self.table.get_many(&keys).await?;
        items
            .iter()
            .map(|item| {
                let record = self.table.decoded(item, decode)?;
                Ok((record.group_id.clone(), record))
            })
            .collect()
    }

    /// Replaces the record that was read, or writes the first one, together with what the clients call the group. One
    /// request, all or nothing; the record as it is now. [`StateError::Changed`] and [`StateError::Taken`] as for users.
    pub async fn put_group_record(
        &self,
        before: Option<&GroupRecord>,
        after: GroupRecord,
        noted: Option<Noted<'_>>,
    ) -> Result<GroupRecord, StateError> {
        let version = before.map_or(0, |before| before.version);
        let after = GroupRecord {
            version: version + 1,
            ..after
        };
        let record = Write::Put(Put {
            item: encode(&after),
            condition: Some(unchanged(version)),
        });
        let former = before.map(GroupRecord::pointers).unwrap_or_default();
        let moves = moves(&after.group_id, former, after.pointers());
        let writes = std::iter::once(record).chain(moves).collect();
        self.write_record(&after.group_id, writes, noted).await?;
        Ok(after)
    }

    /// Forgets a group that no longer exists: what it was called is free again. One request;
    /// [`StateError::Changed`] when the record is no longer what was read.
    pub async fn delete_group_record(
        &self,
        record: &GroupRecord,
        noted: Option<Noted<'_>>,
    ) -> Result<(), StateError> {
        let id = &record.group_id;
        let delete = Write::Delete(Delete {
            key: key_of(id),
            condition: Some(unchanged(record.version)),
        });
        let moves = moves(id, record.pointers(), Pointers::new());
        let writes = std::iter::once(delete).chain(moves).collect();
        self.write_record(id, writes, noted).await
    }

    /// The group that this client gave this `externalId`; as of now, in one request.
    pub async fn find_group_by_external_id(
        &self,
        client: &str,
        external_id: &str,
    ) -> Result<Option<GroupPointer>, StateError> {
        let key = pointer_key(client, external_id);
        let item = self.table.get(&key).await?;
        item.map(|item| self.table.decoded(&item, decode_pointer))
            .transpose()
    }
}

fn key_of(id: &str) -> Key {
    Key::new(PARTITION, id.to_owned())
}

fn pointer_key(client: &str, external_id: &str) -> Key {
    pointer::key_of(client, pointer::GROUP_EXTERNAL_ID, external_id)
}

fn encode(record: &GroupRecord) -> Item {
    let GroupRecord {
        group_id,
        external_ids,
        modified_at,
        version,
    } = record;
    let external_ids = external_ids
        .iter()
        .map(|(client, external_id)| (client.to_string(), text(external_id)));
    key_of(group_id).with([
        (
            "external_ids",
            Some(AttributeValue::M(external_ids.collect())),
        ),
        ("modified_at", modified_at.map(text)),
        ("version", Some(number(version))),
    ])
}

fn decode(item: &Item) -> Result<GroupRecord, Damage> {
    Ok(GroupRecord {
        group_id: required(item, "sk", as_text)?.into(),
        external_ids: required(item, "external_ids", |ids| {
            as_map(ids)?
                .iter()
                .map(|(client, id)| Some((client.as_str().into(), as_text(id)?.into())))
                .collect()
        })?,
        modified_at: optional(item, "modified_at", as_time)?,
        version: required(item, "version", as_number)?,
    })
}

fn decode_pointer(item: &Item) -> Result<GroupPointer, Damage> {
    Ok(GroupPointer {
        group_id: required(item, "id", as_text)?.into(),
        external_id: required(item, "external_id", as_text)?.into(),
        modified_at: optional(item, "modified_at", as_time)?,
    })
}

//! The audit chain: who did what to JumpCloud and when, each record with the hash of the one before, so that none can be
//! altered, left out or moved without its showing. It holds ids and digests, no personal data, and never expires.
//!
//! Each writer has a chain of its own: the runs together one (`sync`), each container of the SCIM service one.
//!
//! A record's `hash` is the SHA-256 digest of the UTF-8 text of this JSON array, without blanks between its elements:
//!
//! ```text
//! [writer, seq, at, actor, what, values, previous]
//! ```
//!
//! `seq` counts from 1; `at` is RFC 3339 in UTC; `what` is the JSON object as it stands in the item; `values` is an object
//! of digests, in the order of their names; `previous` is the hash before, 64 zeros for the first. Digests are in
//! hexadecimal. The values themselves are elsewhere and expire; a digest is that of their bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::Text;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::item::{
    Damage, Item, Key, as_digest, as_map, as_number, as_text, as_time, bytes, number, required,
    text,
};
use crate::table::{Condition, Put, Refused, Write};

/// The writer of the chain that all runs share.
pub(crate) const SYNC: &str = "sync";

/// The partition of the last record of each SCIM container.
pub(crate) const HEADS: &str = "CHAINS";

/// What the partitions of chains begin with.
const PARTITION: &str = "CHAIN#";

/// A SHA-256 digest.
pub(crate) type Digest = [u8; 32];

/// The last record of a chain; of one without records, number 0 and zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The record's number.
    pub seq: u64,
    /// The record's hash.
    pub hash: [u8; 32],
}

/// What a record is made of.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    /// `schedule`, `invocation`, `undo`, or the name of a SCIM client.
    pub(crate) actor: Text,
    /// A JSON object of ids, codes and counts.
    pub(crate) what: Box<RawValue>,
    /// The digests of what was written down beside, by name.
    pub(crate) values: BTreeMap<Text, Digest>,
}

/// One record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) writer: Text,
    pub(crate) seq: u64,
    pub(crate) entry: Entry,
    pub(crate) previous: Digest,
    pub(crate) hash: Digest,
}

impl Head {
    /// The record that comes after this one.
    pub(crate) fn next(&self, writer: &str, entry: Entry) -> Record {
        let mut record = Record {
            writer: writer.into(),
            seq: self.seq + 1,
            entry,
            previous: self.hash,
            hash: Digest::default(),
        };
        record.hash = record.digest();
        record
    }
}

impl Record {
    /// What its hash should be.
    pub(crate) fn digest(&self) -> Digest {
        let Self {
            writer,
            seq,
            entry:
                Entry {
                    at,
                    actor,
                    what,
                    values,
                },
            previous,
            hash: _,
        } = self;
        let values: BTreeMap<&Text, String> = values
            .iter()
            .map(|(name, digest)| (name, hex::encode(digest)))
            .collect();
        let canonical =
            serde_json::to_vec(&(writer, seq, at, actor, what, values, hex::encode(previous)));
        // Texts, numbers and JSON always serialize.
        Sha256::digest(canonical.unwrap_or_default()).into()
    }

    /// As the last of its chain.
    pub(crate) fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// Puts the record where none is yet.
    pub(crate) fn write(&self) -> Write {
        let Entry {
            at,
            actor,
            what,
            values,
        } = &self.entry;
        let values = values
            .iter()
            .map(|(name, digest)| (name.to_string(), bytes(digest)));
        let item = Key::new(partition(&self.writer), sort_key(self.seq)).with([
            ("at", Some(text(at))),
            ("actor", Some(text(actor))),
            ("what", Some(text(what.get()))),
            (
                "digests",
                Some(aws_sdk_dynamodb::types::AttributeValue::M(values.collect())),
            ),
            ("previous", Some(bytes(&self.previous))),
            ("hash", Some(bytes(&self.hash))),
        ]);
        Write::Put(Put {
            item,
            condition: Some(Condition::new("attribute_not_exists(pk)", [])),
        })
    }

    pub(crate) fn decode(item: &Item) -> Result<Self, Damage> {
        let writer = required(item, "pk", |pk| as_text(pk)?.strip_prefix(PARTITION))?;
        Ok(Self {
            writer: writer.into(),
            seq: required(item, "sk", |sk| as_text(sk)?.parse().ok())?,
            entry: Entry {
                at: required(item, "at", as_time)?,
                actor: required(item, "actor", as_text)?.into(),
                what: required(item, "what", |what| {
                    RawValue::from_string(as_text(what)?.to_owned()).ok()
                })?,
                values: required(item, "digests", |digests| {
                    let digests = as_map(digests)?.iter();
                    digests
                        .map(|(name, digest)| Some((name.as_str().into(), as_digest(digest)?)))
                        .collect()
                })?,
            },
            previous: required(item, "previous", as_digest)?,
            hash: required(item, "hash", as_digest)?,
        })
    }
}

/// The partition of a writer's records.
pub(crate) fn partition(writer: &str) -> String {
    format!("{PARTITION}{writer}")
}

/// Sorts by number.
pub(crate) fn sort_key(seq: u64) -> String {
    format!("{seq:012}")
}

/// Whether a record was refused because one of its number is there already.
pub(crate) fn is_taken(refused: &Refused) -> bool {
    refused.key.pk.starts_with(PARTITION)
}

/// Notes the last record of a SCIM container.
pub(crate) fn write_head(record: &Record) -> Write {
    let key = Key::new(HEADS, record.writer.to_string());
    Write::put(key.with([
        ("seq", Some(number(record.seq))),
        ("hash", Some(bytes(&record.hash))),
        ("at", Some(text(record.entry.at))),
    ]))
}

/// The writer, its last record, and when that was written.
pub(crate) fn decode_head(item: &Item) -> Result<(Text, Head, Timestamp), Damage> {
    let head = Head {
        seq: required(item, "seq", as_number)?,
        hash: required(item, "hash", as_digest)?,
    };
    let writer = required(item, "sk", as_text)?.into();
    Ok((writer, head, required(item, "at", as_time)?))
}

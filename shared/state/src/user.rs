//! Users as SCIM clients know them: whose each is, what the clients call it, and what they did to it.
//!
//! The user itself is in JumpCloud; nothing of it is copied here.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use mapping::{SystemUserId, Text, WorkerKey};

use crate::item::{
    Attribute, Damage, Item, Key, as_map, as_number, as_text, as_time, map, number, optional,
    required, text,
};
use crate::link::{self, parse_key, text_of};
use crate::owner::{key_of, optional_by};
use crate::pointer::{self, Pointers, moves, pointer, unchanged};
use crate::table::{Condition, Delete, Merge, Put, Write};
use crate::{ByClient, Intent, Noted, Owner, State, StateError};

/// The partition of the users that are hidden from SCIM clients.
const HIDDEN: &str = "HIDDEN";

/// The `lookup` of the users that SCIM clients own.
const CLIENT_OWNED: &str = "owner#client";

/// DynamoDB takes transactions of up to 100 writes; a user who is forgotten takes two.
const FORGOTTEN_AT_ONCE: usize = 50;

/// Whose a user is and what SCIM clients know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The user.
    pub user_id: SystemUserId,
    /// Whose it is; without an owner, rollcall does not write to it.
    pub owner: Option<Owner>,
    /// What each client calls it.
    pub views: BTreeMap<Text, View>,
    /// The client whose suspension holds.
    pub suspended_by: Option<ByClient>,
    /// The client that deleted it, as SCIM clients see it.
    pub hidden_by: Option<ByClient>,
    /// The last write through SCIM.
    pub modified_at: Option<Timestamp>,
    /// A client is writing the user, until then at the latest: what is read of it meanwhile is no ground for a write.
    pub busy_until: Option<Timestamp>,
    /// Grows with each write, so that a write that rests on an older reading is refused.
    pub version: u64,
}

/// What one SCIM client calls a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The client's `externalId`.
    pub external_id: Option<Text>,
    /// The client's `userName`, where JumpCloud's is another.
    pub user_name: Option<Text>,
}

/// A user as found by what a client calls it: with JumpCloud's user, enough to answer a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPointer {
    /// The user.
    pub user_id: SystemUserId,
    /// All that this client calls it.
    pub view: View,
    /// The last write through SCIM.
    pub modified_at: Option<Timestamp>,
}

/// What is written in the same transaction as a user's record.
#[derive(Debug, Clone, Default)]
pub struct Also<'a> {
    /// Sets or clears the hold in the link of the person whose user it is.
    pub hold: Option<LinkHold<'a>>,
    /// Ends this create, whoever holds it.
    pub closes: Option<&'a Intent>,
    /// Writes down what was done.
    pub noted: Option<Noted<'a>>,
}

/// The hold that a person's link is to have.
#[derive(Debug, Clone, Copy)]
pub struct LinkHold<'a> {
    /// Whose link.
    pub key: &'a WorkerKey,
    /// The hold; `None` clears it.
    pub hold: Option<&'a ByClient>,
}

impl UserRecord {
    /// A record to begin with: nobody's, and known to no client.
    pub fn new(user_id: SystemUserId) -> Self {
        Self {
            user_id,
            owner: None,
            views: BTreeMap::new(),
            suspended_by: None,
            hidden_by: None,
            modified_at: None,
            busy_until: None,
            version: 0,
        }
    }

    /// Nobody finds a hidden user, and what it was called is free for others.
    fn pointers(&self) -> Pointers {
        if self.hidden_by.is_some() {
            return Pointers::new();
        }
        self.views
            .iter()
            .flat_map(|(client, view)| self.pointers_of(client, view))
            .collect()
    }

    fn pointers_of(&self, client: &str, view: &View) -> impl Iterator<Item = (Key, Item)> {
        let View {
            external_id,
            user_name,
        } = view;
        let keys = [
            external_id.as_ref().map(|id| external_id_key(client, id)),
            user_name.as_ref().map(|name| user_name_key(client, name)),
        ];
        keys.into_iter().flatten().map(|key| {
            let view = encode_view(view);
            pointer(key, self.user_id.as_str(), self.modified_at, view)
        })
    }
}

impl State {
    /// A user's record, in one request.
    pub async fn user_record(&self, id: &SystemUserId) -> Result<Option<UserRecord>, StateError> {
        let item = self.table.get(&key_of(id)).await?;
        item.map(|item| self.table.decoded(&item, decode))
            .transpose()
    }

    /// Those of these users' records that are there: up to 100 are one request.
    pub async fn user_records(
        &self,
        ids: &BTreeSet<SystemUserId>,
    ) -> Result<BTreeMap<SystemUserId, UserRecord>, StateError> {
        let keys: Vec<Key> = ids.iter().map(key_of).collect();
        let items = self.table.get_many(&keys).await?;
        items
            .iter()
            .map(|item| {
                let record = self.table.decoded(item, decode)?;
                Ok((record.user_id.clone(), record))
            })
            .collect()
    }

    /// Replaces the record that was read, or writes the first one, together with all that follows from it: what the
    /// clients call the user and whether it is hidden. One request, all or nothing; the record as it is now.
    ///
    /// [`StateError::Changed`] when the record, or the link of `also`, is no longer what was read; [`StateError::Taken`]
    /// when a client calls another user so.
    pub async fn put_user_record(
        &self,
        before: Option<&UserRecord>,
        after: UserRecord,
        also: Also<'_>,
    ) -> Result<UserRecord, StateError> {
        let version = before.map_or(0, |before| before.version);
        let after = UserRecord {
            version: version + 1,
            ..after
        };
        let mut writes = vec![Write::Put(Put {
            item: encode(&after),
            condition: Some(unchanged(version)),
        })];
        writes.extend(also.hold.map(|hold| hold.write(&after.user_id)));
        writes.extend(also.closes.map(|intent| Write::delete(intent.key())));
        writes.extend(hide(before, Some(&after)));
        let former = before.map(UserRecord::pointers).unwrap_or_default();
        writes.extend(moves(after.user_id.as_str(), former, after.pointers()));
        self.write_record(after.user_id.as_str(), writes, also.noted)
            .await?;
        Ok(after)
    }

    /// Forgets a user that no longer exists, with all that its record made: what it was called is free again. One
    /// request; [`StateError::Changed`] when the record is no longer what was read.
    pub async fn delete_user_record(
        &self,
        record: &UserRecord,
        noted: Option<Noted<'_>>,
    ) -> Result<(), StateError> {
        let id = record.user_id.as_str();
        let mut writes = vec![Write::Delete(Delete {
            key: key_of(&record.user_id),
            condition: Some(unchanged(record.version)),
        })];
        writes.extend(hide(Some(record), None));
        writes.extend(moves(id, record.pointers(), Pointers::new()));
        self.write_record(id, writes, noted).await
    }

    /// The user whom this client gave this `externalId`, unless hidden; as of now, in one request.
    pub async fn find_by_external_id(
        &self,
        client: &str,
        external_id: &str,
    ) -> Result<Option<UserPointer>, StateError> {
        self.user_at(&external_id_key(client, external_id)).await
    }

    /// The user whom this client gave this `userName`, in any case, unless hidden; as of now, in one request. Users
    /// whose name is JumpCloud's own are not found so.
    pub async fn find_by_user_name(
        &self,
        client: &str,
        user_name: &str,
    ) -> Result<Option<UserPointer>, StateError> {
        self.user_at(&user_name_key(client, user_name)).await
    }

    async fn user_at(&self, key: &Key) -> Result<Option<UserPointer>, StateError> {
        let item = self.table.get(key).await?;
        item.map(|item| self.table.decoded(&item, decode_pointer))
            .transpose()
    }

    /// The users that are hidden from SCIM clients, as of now.
    pub async fn hidden_users(&self) -> Result<BTreeSet<SystemUserId>, StateError> {
        let query = self.table.partition(HIDDEN);
        let ids = self.table.read(query, usize::MAX, decode_id).await?;
        Ok(ids.into_iter().collect())
    }

    /// Forgets hidden users that no longer exist in JumpCloud, with their records: 50 are one request.
    pub async fn forget_hidden(&self, ids: &BTreeSet<SystemUserId>) -> Result<(), StateError> {
        let ids: Vec<&SystemUserId> = ids.iter().collect();
        for ids in ids.chunks(FORGOTTEN_AT_ONCE) {
            let keys = ids.iter().flat_map(|id| [key_of(id), hidden_key(id)]);
            self.table.transact(keys.map(Write::delete)).await?;
        }
        Ok(())
    }

    /// The users that SCIM clients own. The index may be a moment behind; a link to one of them is refused even so.
    pub async fn client_owned_users(&self) -> Result<BTreeSet<SystemUserId>, StateError> {
        let query = self.table.lookup(CLIENT_OWNED);
        let ids = self.table.read(query, usize::MAX, decode_id).await?;
        Ok(ids.into_iter().collect())
    }
}

impl LinkHold<'_> {
    /// Sets or clears the hold, as long as the link is of this user: a link that is gone must not come back as a hold
    /// alone.
    fn write(self, user_id: &SystemUserId) -> Write {
        let Self { key, hold } = self;
        Write::Merge(Merge {
            key: link::key_of(key),
            attributes: vec![("scim_hold", hold.map(encode_by))],
            condition: Some(Condition::new(
                "user_id = :user",
                [(":user", text(user_id))],
            )),
        })
    }
}

/// Marks a user as hidden, or takes the mark away, where that changes.
fn hide(before: Option<&UserRecord>, after: Option<&UserRecord>) -> Option<Write> {
    let id = &after.or(before)?.user_id;
    let hidden = |record: Option<&UserRecord>| record.is_some_and(|it| it.hidden_by.is_some());
    match (hidden(before), hidden(after)) {
        (false, true) => Some(Write::put(hidden_key(id).to_item())),
        (true, false) => Some(Write::delete(hidden_key(id))),
        (true, true) | (false, false) => None,
    }
}

fn external_id_key(client: &str, external_id: &str) -> Key {
    pointer::key_of(client, pointer::EXTERNAL_ID, external_id)
}

/// `userName` is not case-exact (RFC 7643, section 4.1.1).
fn user_name_key(client: &str, user_name: &str) -> Key {
    pointer::key_of(client, pointer::USER_NAME, &user_name.to_lowercase())
}

fn hidden_key(id: &SystemUserId) -> Key {
    Key::new(HIDDEN, id.to_string())
}

fn encode(record: &UserRecord) -> Item {
    let UserRecord {
        user_id,
        owner,
        views,
        suspended_by,
        hidden_by,
        modified_at,
        busy_until,
        version,
    } = record;
    let (worker, client) = match owner {
        None => (None, None),
        Some(Owner::Worker(key)) => (Some(text(&text_of(key))), None),
        Some(Owner::Client(client)) => (None, Some(text(client))),
    };
    let views = views
        .iter()
        .map(|(client, view)| (client.to_string(), map(encode_view(view))));
    key_of(user_id).with([
        ("lookup", client.is_some().then(|| text(CLIENT_OWNED))),
        ("worker", worker),
        ("client", client),
        ("views", Some(AttributeValue::M(views.collect()))),
        ("suspended_by", suspended_by.as_ref().map(encode_by)),
        ("hidden_by", hidden_by.as_ref().map(encode_by)),
        ("modified_at", modified_at.map(text)),
        ("busy_until", busy_until.map(text)),
        ("version", Some(number(version))),
    ])
}

fn encode_view(view: &View) -> [Attribute; 2] {
    let View {
        external_id,
        user_name,
    } = view;
    [
        ("external_id", external_id.as_ref().map(text)),
        ("user_name", user_name.as_ref().map(text)),
    ]
}

fn encode_by(by: &ByClient) -> AttributeValue {
    let ByClient { client, at } = by;
    map([("client", Some(text(client))), ("at", Some(text(at)))])
}

fn decode_id(item: &Item) -> Result<SystemUserId, Damage> {
    required(item, "sk", as_text).map(SystemUserId::from)
}

fn decode(item: &Item) -> Result<UserRecord, Damage> {
    Ok(UserRecord {
        user_id: decode_id(item)?,
        owner: decode_owner(item)?,
        views: optional(item, "views", as_map)?
            .into_iter()
            .flatten()
            .map(|(client, view)| {
                let view = as_map(view).ok_or(Damage::Unreadable("views"))?;
                Ok((client.as_str().into(), decode_view(view)?))
            })
            .collect::<Result<_, _>>()?,
        suspended_by: optional_by(item, "suspended_by")?,
        hidden_by: optional_by(item, "hidden_by")?,
        modified_at: optional(item, "modified_at", as_time)?,
        busy_until: optional(item, "busy_until", as_time)?,
        version: required(item, "version", as_number)?,
    })
}

fn decode_owner(item: &Item) -> Result<Option<Owner>, Damage> {
    let client = optional(item, "client", as_text)?;
    let worker = optional(item, "worker", |key| parse_key(as_text(key)?))?;
    Ok(client
        .map(|client| Owner::Client(client.into()))
        .or(worker.map(Owner::Worker)))
}

fn decode_view(entries: &Item) -> Result<View, Damage> {
    Ok(View {
        external_id: optional(entries, "external_id", as_text)?.map(Text::from),
        user_name: optional(entries, "user_name", as_text)?.map(Text::from),
    })
}

fn decode_pointer(item: &Item) -> Result<UserPointer, Damage> {
    Ok(UserPointer {
        user_id: required(item, "id", as_text)?.into(),
        view: decode_view(item)?,
        modified_at: optional(item, "modified_at", as_time)?,
    })
}

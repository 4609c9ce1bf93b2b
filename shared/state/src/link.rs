//! Links: which JumpCloud user belongs to which person of a source, and what we did to it.
//!
//! A link makes a user ours: it is written together with the ownership of its user.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use jiff::civil::Date;
use mapping::{Class, SourceName, SystemUserId, Text, UserGroupId, WorkerId, WorkerKey, Written};

use crate::item::{
    Attribute, Damage, Item, Key, as_map, as_number, as_text, as_time, flag, is_set, map, number,
    optional, required, text,
};
use crate::owner::{disowning, optional_by, owning};
use crate::table::{Merge, Write};
use crate::{ByClient, Lease, Noted, RunId, State, StateError};

/// The partition of all links: one query reads them all.
const PARTITION: &str = "LINK";

/// A person of a source and that person's JumpCloud user.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The person.
    pub key: WorkerKey,
    /// The user. `None` is an intent: a create was begun under this username and not yet seen to finish.
    pub user_id: Option<SystemUserId>,
    /// The username that we gave or found.
    pub username: Text,
    /// The work e-mail of the last write; links are found by it in any case.
    pub email: Text,
    /// Whether the user existed before us.
    pub adopted: bool,
    /// [`Written`] as JSON, decoded only where it is needed; empty when nothing was written.
    pub written: Box<str>,
    /// Our last suspension.
    pub suspension: Option<Suspension>,
    /// Set while the source does not list the person.
    pub missing: Option<Box<Missing>>,
    /// Set while a SCIM client keeps the user without access. It is the clients' to set: see [`State::put_link`].
    pub scim_hold: Option<Box<ByClient>>,
    /// The groups that a rule put the user into, or was about to, each with the name of that rule. Who was put there by
    /// anybody else is not among them.
    pub groups: BTreeMap<UserGroupId, Text>,
    /// The run that began a write which was not seen to finish.
    pub pending: Option<RunId>,
    /// The version of HR's record with which what HR tells apart, such as phone numbers, was last read.
    pub details: Option<Text>,
    /// When the link was made.
    pub created_at: Timestamp,
}

/// A suspension by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub class: Class,
    /// Whether it was not undone since.
    pub holds: bool,
    /// HR's last day, where the suspension was asked for before it: as long as HR says that day, the person has left.
    pub ahead_of: Option<Date>,
    /// Whether the user had never had access: whoever comes back from that still waits for the invitation.
    pub was_staged: bool,
}

/// How long a person has been missing from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Complete reads in a row without the person.
    pub runs: u32,
    /// The time of the first of them.
    pub since: Timestamp,
    /// When that one person was last read alone.
    pub checked_at: Option<Timestamp>,
}

impl Link {
    /// A link to begin with: no user yet, and nothing written.
    pub fn new(key: WorkerKey, username: Text, email: Text, created_at: Timestamp) -> Self {
        Self {
            key,
            user_id: None,
            username,
            email,
            adopted: false,
            written: Box::default(),
            suspension: None,
            missing: None,
            scim_hold: None,
            groups: BTreeMap::new(),
            pending: None,
            details: None,
            created_at,
        }
    }

    /// What we last wrote to the user.
    pub fn written(&self) -> Result<Written, StateError> {
        if self.written.is_empty() {
            return Ok(Written::default());
        }
        serde_json::from_str(&self.written).map_err(|source| self.damaged_written(source))
    }

    /// Remembers what was written to the user.
    pub fn set_written(&mut self, written: &Written) -> Result<(), StateError> {
        let json = serde_json::to_string(written).map_err(|source| self.damaged_written(source))?;
        self.written = json.into();
        Ok(())
    }

    fn damaged_written(&self, source: serde_json::Error) -> StateError {
        StateError::DamagedWritten {
            key: self.key.clone(),
            source,
        }
    }
}

impl State {
    /// All links, in the order of their keys, as they are now. All of them or an error.
    pub async fn links(&self) -> Result<Vec<Link>, StateError> {
        self.table
            .read(self.table.partition(PARTITION), usize::MAX, decode)
            .await
    }

    /// The link of one person.
    pub async fn link(&self, key: &WorkerKey) -> Result<Option<Link>, StateError> {
        let item = self.table.get(&key_of(key)).await?;
        item.map(|item| self.table.decoded(&item, decode))
            .transpose()
    }

    /// Those of these people's links that are there, in any order: up to 100 are one request.
    pub async fn links_of(&self, keys: &[WorkerKey]) -> Result<Vec<Link>, StateError> {
        let keys: Vec<Key> = keys.iter().map(key_of).collect();
        let items = self.table.get_many(&keys).await?;
        items
            .iter()
            .map(|item| self.table.decoded(item, decode))
            .collect()
    }

    /// The people whose link has this work e-mail, in any case. The index may be a moment behind the links.
    pub async fn find_by_email(&self, email: &str) -> Result<Vec<WorkerKey>, StateError> {
        let lookup = lookup_of(email);
        let query = self.table.lookup(&lookup);
        self.table.read(query, usize::MAX, decode_key).await
    }

    /// Writes a link and makes its user that person's, in one fenced request; [`StateError::Owned`] when a SCIM client
    /// owns the user. `scim_hold` is not written: a client may have set or cleared it since the link was read.
    pub async fn put_link(&self, lease: &Lease, link: &Link) -> Result<(), StateError> {
        match self.fenced(lease, writes(link), None).await? {
            None => Ok(()),
            Some(refused) => Err(self.owned(&refused)),
        }
    }

    /// Removes a link, in one fenced request; one that is not there is no error. `user_id` is the user that nobody
    /// owns from then on; `None` when another person's link has the user, or there was none. `noted` is written down with
    /// it.
    pub async fn delete_link(
        &self,
        lease: &Lease,
        key: &WorkerKey,
        user_id: Option<&SystemUserId>,
        noted: Option<Noted<'_>>,
    ) -> Result<(), StateError> {
        let delete = || Write::delete(key_of(key));
        let disowning = user_id.map(|user| disowning(user, key));
        let writes = std::iter::once(delete()).chain(disowning);
        if self.fenced(lease, writes, noted).await?.is_some() {
            // The user has passed to somebody else meanwhile, who keeps it.
            self.fenced(lease, [delete()], noted).await?;
        }
        Ok(())
    }
}

/// What a transaction has for a link: the link itself and the ownership of its user.
pub(crate) fn writes(link: &Link) -> impl Iterator<Item = Write> {
    let link_itself = Write::Merge(Merge {
        key: key_of(&link.key),
        attributes: attributes(link).into(),
        condition: None,
    });
    let suspended = link.suspension.is_some_and(|suspension| suspension.holds);
    let owning = link
        .user_id
        .as_ref()
        .map(|user| owning(user, &link.key, suspended));
    std::iter::once(link_itself).chain(owning)
}

pub(crate) fn key_of(key: &WorkerKey) -> Key {
    Key::new(PARTITION, text_of(key))
}

/// A person's key as text; the name of a source has no `#`.
pub(crate) fn text_of(WorkerKey { source, worker_id }: &WorkerKey) -> String {
    format!("{source}#{worker_id}")
}

/// The inverse of [`text_of`].
pub(crate) fn parse_key(text: &str) -> Option<WorkerKey> {
    let (source, worker_id) = text.split_once('#')?;
    Some(WorkerKey {
        source: SourceName::from(source),
        worker_id: WorkerId::from(worker_id),
    })
}

fn decode_key(item: &Item) -> Result<WorkerKey, Damage> {
    required(item, "sk", |sk| parse_key(as_text(sk)?))
}

fn lookup_of(email: &str) -> String {
    format!("email#{}", email.to_lowercase())
}

/// The attributes that the sync owns: all but the key and `scim_hold`.
pub(crate) fn attributes(link: &Link) -> [Attribute; 12] {
    let Link {
        key: _,
        user_id,
        username,
        email,
        adopted,
        written,
        suspension,
        missing,
        scim_hold: _,
        groups,
        pending,
        details,
        created_at,
    } = link;
    [
        ("user_id", user_id.as_ref().map(text)),
        ("username", Some(text(username))),
        ("email", Some(text(email))),
        (
            "lookup",
            (!email.is_empty()).then(|| text(&lookup_of(email))),
        ),
        ("adopted", flag(*adopted)),
        ("written", (!written.is_empty()).then(|| text(written))),
        (
            "suspension",
            suspension.map(
                |Suspension {
                     at,
                     class,
                     holds,
                     ahead_of,
                     was_staged,
                 }| {
                    map([
                        ("at", Some(text(at))),
                        ("class", Some(text(class))),
                        ("holds", flag(holds)),
                        ("ahead_of", ahead_of.map(text)),
                        ("was_staged", flag(was_staged)),
                    ])
                },
            ),
        ),
        (
            "missing",
            missing.as_deref().map(
                |Missing {
                     runs,
                     since,
                     checked_at,
                 }| {
                    map([
                        ("runs", Some(number(*runs))),
                        ("since", Some(text(since))),
                        ("checked_at", checked_at.map(text)),
                    ])
                },
            ),
        ),
        (
            "groups",
            (!groups.is_empty()).then(|| encode_groups(groups)),
        ),
        ("pending", pending.as_ref().map(text)),
        ("details", details.as_ref().map(text)),
        ("created_at", Some(text(created_at))),
    ]
}

fn encode_groups(groups: &BTreeMap<UserGroupId, Text>) -> AttributeValue {
    let entries = groups.iter();
    AttributeValue::M(
        entries
            .map(|(id, rule)| (id.to_string(), text(rule)))
            .collect(),
    )
}

pub(crate) fn decode(item: &Item) -> Result<Link, Damage> {
    Ok(Link {
        key: decode_key(item)?,
        user_id: optional(item, "user_id", as_text)?.map(SystemUserId::from),
        username: required(item, "username", as_text)?.into(),
        email: required(item, "email", as_text)?.into(),
        adopted: is_set(item, "adopted")?,
        written: optional(item, "written", as_text)?
            .unwrap_or_default()
            .into(),
        suspension: optional(item, "suspension", as_map)?
            .map(decode_suspension)
            .transpose()?,
        missing: optional(item, "missing", as_map)?
            .map(decode_missing)
            .transpose()?
            .map(Box::new),
        scim_hold: optional_by(item, "scim_hold")?.map(Box::new),
        groups: optional(item, "groups", as_map)?
            .into_iter()
            .flatten()
            .map(decode_group)
            .collect::<Result<_, _>>()?,
        pending: optional(item, "pending", as_text)?.map(RunId::from),
        details: optional(item, "details", as_text)?.map(Text::from),
        created_at: required(item, "created_at", as_time)?,
    })
}

fn decode_group((id, rule): (&String, &AttributeValue)) -> Result<(UserGroupId, Text), Damage> {
    let rule = as_text(rule).ok_or(Damage::Unreadable("groups"))?;
    Ok((UserGroupId::from(id.as_str()), rule.into()))
}

fn decode_suspension(entries: &Item) -> Result<Suspension, Damage> {
    Ok(Suspension {
        ahead_of: optional(entries, "ahead_of", as_text)?
            .map(|day| day.parse().map_err(|_| Damage::Unreadable("ahead_of")))
            .transpose()?,
        at: required(entries, "at", as_time)?,
        class: required(entries, "class", |class| {
            let name = as_text(class)?;
            Class::ALL.into_iter().find(|class| class.name() == name)
        })?,
        holds: is_set(entries, "holds")?,
        was_staged: is_set(entries, "was_staged")?,
    })
}

fn decode_missing(entries: &Item) -> Result<Missing, Damage> {
    Ok(Missing {
        runs: required(entries, "runs", as_number)?,
        since: required(entries, "since", as_time)?,
        checked_at: optional(entries, "checked_at", as_time)?,
    })
}

//! Intents of SCIM clients: a create that was begun, so that one that died half-way is completed, and never made twice.
//!
//! What is to be created is not kept, only the digest of the request.

use jiff::{SignedDuration, Timestamp};
use mapping::Text;

use crate::item::{
    Damage, Item, Key, as_digest, as_number, as_text, as_time, bytes, number, optional, required,
    text,
};
use crate::table::{Condition, Delete, Outcome, Put, Write};
use crate::{State, StateError, pointer};

/// How long an intent stays open.
const OPEN: SignedDuration = SignedDuration::from_hours(24);

/// Nobody's, or the same request's, by somebody who is overdue or is us: an answer of ours may have been lost.
const FREE: &str = "attribute_not_exists(pk) OR expires_at <= :second \
    OR (digest = :digest AND (held_until <= :now OR holder = :holder))";

/// The SHA-256 digest of a request.
pub type RequestDigest = [u8; 32];

/// A client's request to create a user, under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The client.
    pub client: Text,
    /// The username; its case makes no difference.
    pub username: Text,
    /// The digest of the request.
    pub digest: RequestDigest,
    /// When it was begun.
    pub at: Timestamp,
    /// Who is at it: the id of one HTTP request.
    pub holder: Text,
    /// When others may take it up, in whole milliseconds.
    pub until: Timestamp,
}

/// What became of the beginning of a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is ours, and the first.
    Fresh,
    /// It is ours, and was begun before, as given: look for the user before creating it.
    Resumed(Intent),
    /// Another request for this username was begun and left, as given. It stays open, and this one was not begun.
    Other(Intent),
    /// Somebody is at it.
    Busy,
}

impl Intent {
    pub(crate) fn key(&self) -> Key {
        pointer::key_of(&self.client, "intent", &self.username.to_lowercase())
    }
}

impl State {
    /// Begins a create, or takes it up where it was left, in one request. It stays open for 24 hours, until it is ended
    /// here or with the record of its user.
    pub async fn begin_create(&self, intent: &Intent, now: Timestamp) -> Result<Begun, StateError> {
        let put = Put {
            item: encode(intent),
            condition: Some(Condition::new(
                FREE,
                [
                    (":second", number(now.as_second())),
                    (":now", number(now.as_millisecond())),
                    (":digest", bytes(&intent.digest)),
                    (":holder", text(&intent.holder)),
                ],
            )),
        };
        match self.table.put(put).await? {
            Outcome::Applied(before) => self
                .table
                .decoded(&before, |before| begun(before, intent, now)),
            Outcome::Refused(there) => self
                .table
                .decoded(&there, |there| refused(there, intent, now)),
        }
    }

    /// Ends a create that came to nothing, in one request; one that somebody else took up is left to them.
    pub async fn end_create(&self, intent: &Intent) -> Result<(), StateError> {
        let delete = Write::Delete(Delete {
            key: intent.key(),
            condition: Some(Condition::new(
                "holder = :holder",
                [(":holder", text(&intent.holder))],
            )),
        });
        self.table.transact([delete]).await.map(drop)
    }
}

/// What it means that the intent now stands in place of this item, if there was one.
fn begun(before: &Item, intent: &Intent, now: Timestamp) -> Result<Begun, Damage> {
    // DynamoDB removes what has expired days later.
    match optional(before, "expires_at", as_number::<i64>)? {
        Some(second) if second > now.as_second() => Ok(Begun::Resumed(decode(before, intent)?)),
        Some(_) | None => Ok(Begun::Fresh),
    }
}

/// What it means that this item stayed.
fn refused(there: &Item, intent: &Intent, now: Timestamp) -> Result<Begun, Damage> {
    let there = decode(there, intent)?;
    let is_left = there.digest != intent.digest && there.until <= now;
    Ok(if is_left {
        Begun::Other(there)
    } else {
        Begun::Busy
    })
}

fn encode(intent: &Intent) -> Item {
    let Intent {
        client: _,
        username: _,
        digest,
        at,
        holder,
        until,
    } = intent;
    let expires_at = at.checked_add(OPEN).unwrap_or(Timestamp::MAX);
    intent.key().with([
        ("digest", Some(bytes(digest))),
        ("at", Some(text(at))),
        ("holder", Some(text(holder))),
        ("held_until", Some(number(until.as_millisecond()))),
        ("expires_at", Some(number(expires_at.as_second()))),
    ])
}

/// The intent in an item at the key of this one.
fn decode(
    item: &Item,
    Intent {
        client, username, ..
    }: &Intent,
) -> Result<Intent, Damage> {
    Ok(Intent {
        client: client.clone(),
        username: username.clone(),
        digest: required(item, "digest", as_digest)?,
        at: required(item, "at", as_time)?,
        holder: required(item, "holder", as_text)?.into(),
        until: required(item, "held_until", |until| {
            Timestamp::from_millisecond(as_number(until)?).ok()
        })?,
    })
}

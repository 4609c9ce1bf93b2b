//! Answers to requests with an `Idempotency-Key`, kept for a day: a request that is repeated gets the same answer.
//!
//! Keys and requests are digests here. An answer holds what was sent, never a password: responses have none.

use jiff::{SignedDuration, Timestamp};
use mapping::Text;

use crate::item::{
    Damage, Item, Key, as_digest, as_number, as_text, bytes, number, optional, required, text,
};
use crate::pointer::partition;
use crate::table::{Condition, Delete, Outcome, Put, Write};
use crate::{RequestDigest, State, StateError};

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The longest body that is kept: DynamoDB takes items of up to 400 KB.
const LONGEST_BODY: usize = 300_000;

/// Nobody's, or the same request's, by somebody who is overdue or is us. An answer has neither holder nor term.
const FREE: &str = "attribute_not_exists(pk) OR expires_at <= :second \
    OR (request_digest = :request AND (held_until <= :now OR holder = :holder))";

/// A client's key for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The client.
    pub client: Text,
    /// The digest of the key and what it is scoped to.
    pub key: RequestDigest,
    /// The digest of the request.
    pub request: RequestDigest,
    /// Who is at it: the id of one HTTP request.
    pub holder: Text,
    /// When others may take it up.
    pub until: Timestamp,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The request is ours to perform.
    Ours,
    /// Somebody is at it.
    Busy,
    /// It was performed, and this was the answer.
    Answered(Answer),
    /// The key was used for another request.
    Other,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<Text>,
    /// The body; `None` where there was none, or it was over 300 KB: then the resource is to be read again.
    pub body: Option<Box<str>>,
}

impl Claim {
    fn at(&self) -> Key {
        let sk = format!("key#{}", hex::encode(self.key));
        Key::new(partition(&self.client), sk)
    }

    fn held(&self) -> Condition {
        Condition::new("holder = :holder", [(":holder", text(&self.holder))])
    }
}

impl State {
    /// Claims a key for 24 hours, or tells what became of it, in one request.
    pub async fn claim_key(&self, claim: &Claim, now: Timestamp) -> Result<Claimed, StateError> {
        let put = Put {
            item: claim.at().with([
                ("request_digest", Some(bytes(&claim.request))),
                ("holder", Some(text(&claim.holder))),
                ("held_until", Some(number(claim.until.as_millisecond()))),
                ("expires_at", Some(number(expiry(now)))),
            ]),
            condition: Some(Condition::new(
                FREE,
                [
                    (":second", number(now.as_second())),
                    (":now", number(now.as_millisecond())),
                    (":request", bytes(&claim.request)),
                    (":holder", text(&claim.holder)),
                ],
            )),
        };
        match self.table.put(put).await? {
            Outcome::Applied(_) => Ok(Claimed::Ours),
            Outcome::Refused(there) => self.table.decoded(&there, |item| decode(item, claim)),
        }
    }

    /// Keeps the answer for 24 hours from now, in one request, unless somebody else took the key meanwhile.
    pub async fn put_answer(
        &self,
        claim: &Claim,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let Answer {
            status,
            location,
            body,
        } = answer;
        let body = body.as_ref().filter(|body| body.len() <= LONGEST_BODY);
        let put = Put {
            item: claim.at().with([
                ("request_digest", Some(bytes(&claim.request))),
                ("status", Some(number(status))),
                ("location", location.as_ref().map(text)),
                ("body", body.map(text)),
                ("expires_at", Some(number(expiry(now)))),
            ]),
            condition: Some(claim.held()),
        };
        self.table.put(put).await.map(drop)
    }

    /// Gives a key back when its request had no effect, in one request; one that somebody else took is left to them.
    pub async fn release_key(&self, claim: &Claim) -> Result<(), StateError> {
        let delete = Write::Delete(Delete {
            key: claim.at(),
            condition: Some(claim.held()),
        });
        self.table.transact([delete]).await.map(drop)
    }
}

fn expiry(now: Timestamp) -> i64 {
    let expires_at = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
    expires_at.as_second()
}

/// What a key that is not free says to this claim.
fn decode(item: &Item, claim: &Claim) -> Result<Claimed, Damage> {
    if required(item, "request_digest", as_digest)? != claim.request {
        return Ok(Claimed::Other);
    }
    let Some(status) = optional(item, "status", as_number)? else {
        return Ok(Claimed::Busy);
    };
    Ok(Claimed::Answered(Answer {
        status,
        location: optional(item, "location", as_text)?.map(Text::from),
        body: optional(item, "body", as_text)?.map(Box::from),
    }))
}

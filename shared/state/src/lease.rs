//! The lease: at most one runner per table, with a number that grows each time it is taken.
//!
//! It compares the times that its callers give; the fence, not the clock, is what protects the state.

use jiff::{SignedDuration, Timestamp};
use mapping::Text;

use crate::item::{
    Damage, Item, Key, as_number, as_text, number, optional, required, text, values,
};
use crate::table::{Check, Condition, Outcome, Refused, Update, Write};
use crate::{Noted, RunChain, State, StateError};

/// What each fenced write checks: nobody took the lease since, and it was not released.
const OURS: &str = "holder = :holder AND fence = :fence";

/// What a runner needs. The same holder may ask twice: the first answer may have been lost.
const FREE: &str = "attribute_not_exists(holder) OR held_until <= :now OR holder = :holder";

/// The right to run, until it expires and somebody else takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    holder: Box<str>,
    fence: u64,
    expires_at: Timestamp,
    ttl: SignedDuration,
    chain: RunChain,
    told: Text,
}

impl Lease {
    /// Who holds it.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Its fencing number: greater than that of every lease before.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// When it ends, unless renewed.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How much of it is left; negative once it has expired.
    pub fn remaining(&self, now: Timestamp) -> SignedDuration {
        self.expires_at.duration_since(now)
    }

    /// What somebody was last told of, in the words of whoever told it; empty when of nothing.
    pub fn told(&self) -> &str {
        &self.told
    }

    /// Remembers what somebody was told of: it is written when the lease is given back.
    pub fn set_told(&mut self, told: Text) {
        self.told = told;
    }

    /// The chain of the runs as it was when the lease was taken.
    pub fn chain(&self) -> &RunChain {
        &self.chain
    }

    fn ours(&self) -> Condition {
        Condition::new(
            OURS,
            [
                (":holder", text(&self.holder)),
                (":fence", number(self.fence)),
            ],
        )
    }

    /// The part of a transaction that makes it fenced.
    pub(crate) fn check(&self) -> Write {
        Write::Check(Check {
            key: key(),
            condition: self.ours(),
        })
    }

    /// Gives the lease back if it is ours. The fence stays, so that the next one is greater.
    pub(crate) fn releasing(&self) -> Update {
        Update {
            change: "SET told = :told REMOVE holder, held_until",
            values: values([(":told", text(&self.told))]),
            ..self.updating()
        }
    }

    /// A change of the lease if it is ours: what changes is still to be said.
    pub(crate) fn updating(&self) -> Update {
        Update {
            key: key(),
            change: "",
            values: Item::new(),
            condition: self.ours(),
        }
    }

    pub(crate) fn lost(&self) -> StateError {
        StateError::LeaseLost {
            holder: self.holder.clone(),
            fence: self.fence,
        }
    }
}

impl State {
    /// Takes the lease when it is free, expired, or this holder's already; [`StateError::Busy`] otherwise. The
    /// holder names this runner and no other, as a run's id does.
    pub async fn acquire(
        &self,
        holder: &str,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Lease, StateError> {
        let expires_at = expiry(now, ttl);
        let update = Update {
            key: key(),
            change: "SET holder = :holder, held_until = :until ADD fence :one",
            values: values([
                (":until", number(expires_at.as_millisecond())),
                (":one", number(1)),
            ]),
            condition: Condition::new(
                FREE,
                [
                    (":holder", text(holder)),
                    (":now", number(now.as_millisecond())),
                ],
            ),
        };
        let _turn = self.table.turn().await;
        match self.table.update(update).await? {
            Outcome::Applied(item) => {
                let taken = |item: &Item| {
                    let fence = required(item, "fence", as_number)?;
                    let told = optional(item, "told", as_text)?.unwrap_or_default();
                    Ok((fence, Text::from(told), RunChain::decode(item)?))
                };
                let (fence, told, chain) = self.table.decoded(&item, taken)?;
                Ok(Lease {
                    chain,
                    holder: holder.into(),
                    fence,
                    expires_at,
                    ttl,
                    told,
                })
            }
            Outcome::Refused(item) => Err(self.table.decoded(&item, busy)?),
        }
    }

    /// Extends the lease to a whole term from now; [`StateError::LeaseLost`] when somebody else took it.
    pub async fn renew(&self, lease: &mut Lease, now: Timestamp) -> Result<(), StateError> {
        let expires_at = expiry(now, lease.ttl);
        let update = Update {
            key: key(),
            change: "SET held_until = :until",
            values: values([(":until", number(expires_at.as_millisecond()))]),
            condition: lease.ours(),
        };
        let _turn = self.table.turn().await;
        match self.table.update(update).await? {
            Outcome::Applied(_) => {
                lease.expires_at = expires_at;
                Ok(())
            }
            Outcome::Refused(_) => Err(lease.lost()),
        }
    }

    /// Gives the lease back; one that somebody else took meanwhile is left to them.
    pub async fn release(&self, lease: &Lease) -> Result<(), StateError> {
        let _turn = self.table.turn().await;
        self.table.update(lease.releasing()).await.map(drop)
    }

    /// Makes these writes if the lease is still ours, all or none, in one request, and writes down what they tell of;
    /// which one was refused by a condition of its own.
    pub(crate) async fn fenced(
        &self,
        lease: &Lease,
        writes: impl IntoIterator<Item = Write>,
        noted: Option<Noted<'_>>,
    ) -> Result<Option<Refused>, StateError> {
        let _turn = self.table.turn().await;
        let writes = std::iter::once(lease.check()).chain(writes).collect();
        match self.transact_noted(writes, noted).await? {
            Some(refused) if is_lease(&refused) => Err(lease.lost()),
            other => Ok(other),
        }
    }
}

/// Whether it was the lease that refused a transaction.
pub(crate) fn is_lease(refused: &Refused) -> bool {
    refused.key == key()
}

pub(crate) fn key() -> Key {
    Key::new("LEASE", "LEASE")
}

/// The end of a term, in the whole milliseconds that are stored.
fn expiry(now: Timestamp, ttl: SignedDuration) -> Timestamp {
    let until = now.checked_add(ttl).unwrap_or(Timestamp::MAX);
    Timestamp::from_millisecond(until.as_millisecond()).unwrap_or(until)
}

fn busy(item: &Item) -> Result<StateError, Damage> {
    Ok(StateError::Busy {
        holder: required(item, "holder", as_text)?.into(),
        until: required(item, "held_until", |until| {
            Timestamp::from_millisecond(as_number(until)?).ok()
        })?,
    })
}

//! Offers: the changes that a shown digest covers, so that approving it approves just those.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::item::Damage;
use crate::{State, StateError};

/// How long a digest can be approved after it was shown.
const OFFERED: SignedDuration = SignedDuration::from_hours(24);

/// The SHA-256 digest of one change.
pub type ChangeDigest = [u8; 32];

impl State {
    /// Stores what a digest covers, for 24 hours from now. One that covers nothing is not stored.
    pub async fn put_offer(
        &self,
        digest: &str,
        changes: &[ChangeDigest],
        now: Timestamp,
    ) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        let expires_at = now.checked_add(OFFERED).unwrap_or(Timestamp::MAX);
        self.put_pages(&partition(digest), changes.as_flattened(), expires_at, [])
            .await
            .map(drop)
    }

    /// What a digest covers; `None` when it was never shown, or more than 24 hours ago.
    pub async fn offer(
        &self,
        digest: &str,
        now: Timestamp,
    ) -> Result<Option<BTreeSet<ChangeDigest>>, StateError> {
        let partition = partition(digest);
        let Some(document) = self.read_pages(&partition, now).await? else {
            return Ok(None);
        };
        match document.as_chunks() {
            (changes, []) => Ok(Some(changes.iter().copied().collect())),
            _ => Err(self.table.damaged(&partition, Damage::Unreadable("page"))),
        }
    }
}

fn partition(digest: &str) -> String {
    format!("OFFER#{digest}")
}

//! Journals: what a run is about to write, stored before its first write, so that a run that dies leaves it behind.
//!
//! What stands in one is the sync's; here it is a document.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chain::{SYNC, is_taken};
use crate::item::Damage;
use crate::run::{encode, expiry};
use crate::table::Write;
use crate::{Lease, RunChain, RunHeader, RunId, State, StateError};

impl State {
    /// Stores what a run is about to write, and the run itself as far as it came, so that it is listed even if it dies:
    /// one fenced request unless it is larger than 3.6 MB. A run that died before is sealed by that.
    pub async fn put_journal(
        &self,
        lease: &Lease,
        chain: &mut RunChain,
        header: &RunHeader,
        journal: &impl Serialize,
    ) -> Result<(), StateError> {
        let partition = partition(&header.run_id);
        let expires_at = expiry(header.started_at);
        let document = serde_json::to_vec(journal)
            .map_err(|_| self.table.damaged(&partition, Damage::Unreadable("page")))?;
        let _turn = self.table.turn().await;
        loop {
            let (begun, mut last) = chain.begin(lease, header, &document);
            last.push(Write::put(encode(header, expires_at)));
            let written = self.put_pages(&partition, &document, expires_at, last);
            match written.await? {
                None => {
                    *chain = begun;
                    return Ok(());
                }
                Some(refused) if is_taken(&refused) => {
                    *chain = chain.behind(self.last_of(SYNC).await?);
                }
                Some(_) => return Err(lease.lost()),
            }
        }
    }

    /// What a run was about to write; `None` when it was about to write nothing, or is no longer kept.
    pub async fn journal<T: DeserializeOwned>(
        &self,
        run_id: &RunId,
    ) -> Result<Option<T>, StateError> {
        let partition = partition(run_id);
        let Some(document) = self.read_pages(&partition, Timestamp::MIN).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&document)
            .map(Some)
            .map_err(|_| self.table.damaged(&partition, Damage::Unreadable("page")))
    }
}

pub(crate) fn partition(run_id: &RunId) -> String {
    format!("JOURNAL#{run_id}")
}

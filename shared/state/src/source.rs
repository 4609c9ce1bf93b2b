//! How many people each source had in its last complete read: what a shrinking source is measured by.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::SourceName;

use crate::item::{Damage, Item, Key, as_number, as_text, as_time, number, required, text};
use crate::table::Write;
use crate::{Lease, RunId, State, StateError};

/// The partition of all sources.
const PARTITION: &str = "READ";

/// The last complete read of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRead {
    /// How many people it had.
    pub count: u64,
    /// When.
    pub at: Timestamp,
    /// The run that read them.
    pub run_id: RunId,
}

impl State {
    /// The last complete read of each source that had one.
    pub async fn last_reads(&self) -> Result<BTreeMap<SourceName, LastRead>, StateError> {
        let reads = self
            .table
            .read(self.table.partition(PARTITION), usize::MAX, decode)
            .await?;
        Ok(reads.into_iter().collect())
    }

    /// Remembers a complete read, in one fenced request.
    pub async fn put_last_read(
        &self,
        lease: &Lease,
        source: &SourceName,
        read: &LastRead,
    ) -> Result<(), StateError> {
        let LastRead { count, at, run_id } = read;
        let item = Key::new(PARTITION, source.to_string()).with([
            ("count", Some(number(count))),
            ("at", Some(text(at))),
            ("run_id", Some(text(run_id))),
        ]);
        let writes = [Write::put(item)];
        self.fenced(lease, writes, None).await.map(drop)
    }
}

fn decode(item: &Item) -> Result<(SourceName, LastRead), Damage> {
    let read = LastRead {
        count: required(item, "count", as_number)?,
        at: required(item, "at", as_time)?,
        run_id: required(item, "run_id", as_text)?.into(),
    };
    Ok((required(item, "sk", as_text)?.into(), read))
}

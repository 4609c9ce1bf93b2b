//! The chains beside that of the runs: one for each container of the SCIM service, in which requests that are answered at the
//! same time take turns, and one for each command that an admin calls.
//!
//! A record is appended in the transaction that it tells of, wherever there is one.

use std::sync::Arc;

use jiff::Timestamp;
use mapping::Text;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::chain::{Entry, Head, Record, is_taken, partition, sort_key, write_head};
use crate::item::{Key, bytes, number};
use crate::pages::PAGE_BYTES;
use crate::run::expiry;
use crate::table::{Refused, Write};
use crate::{State, StateError};

/// What a record calls the values before and after.
pub(crate) const VALUES: &str = "values";

/// The writer of one such chain. Clones share it.
#[derive(Debug, Clone)]
pub struct Scribe {
    writer: Text,
    /// The end of the chain, unless the answer to the last append was lost.
    head: Arc<Mutex<Option<Head>>>,
}

/// What a SCIM client did to JumpCloud, or somebody by hand to the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// When it was asked for.
    pub at: Timestamp,
    /// The SCIM client, or what was called by hand.
    pub actor: Text,
    /// What was done, by ids and names of operations alone: it is kept for ever.
    pub what: Value,
    /// The values before and after: kept for 90 days.
    pub values: Value,
}

/// Something done, and who writes it down.
pub type Noted<'a> = (&'a Scribe, &'a Deed);

impl Scribe {
    /// Begins the chain of a container of the SCIM service. `id` is nobody else's, and sorts by time, such as a UUID of
    /// version 7.
    pub fn of_scim(id: &str) -> Self {
        Self::of(format!("scim-{id}"))
    }

    /// Begins the chain of a command that an admin calls. Its name sorts behind those of SCIM: runs seal the last ones.
    pub fn of_tool(id: &str) -> Self {
        Self::of(format!("tool-{id}"))
    }

    fn of(writer: String) -> Self {
        Self {
            writer: writer.into(),
            head: Arc::new(Mutex::new(Some(Head::default()))),
        }
    }
}

impl State {
    /// Writes down what was done, in one request of its own.
    pub async fn note_deed(&self, noted: Noted<'_>) -> Result<(), StateError> {
        self.transact_noted(Vec::new(), Some(noted)).await.map(drop)
    }

    /// Makes these writes, all or none, and writes down what they tell of in the same request.
    pub(crate) async fn transact_noted(
        &self,
        writes: Vec<Write>,
        noted: Option<Noted<'_>>,
    ) -> Result<Option<Refused>, StateError> {
        // On the heap: of two ways one is taken, and a request's future is large as it is.
        match noted {
            None => Box::pin(self.table.transact(writes)).await,
            Some(noted) => Box::pin(self.append(writes, noted)).await,
        }
    }

    async fn append(
        &self,
        writes: Vec<Write>,
        (scribe, deed): Noted<'_>,
    ) -> Result<Option<Refused>, StateError> {
        let values = kept(&deed.values);
        let mut turn = scribe.head.lock().await;
        loop {
            // Not known until this is answered.
            let head = match turn.take() {
                Some(head) => head,
                None => self.last_of(&scribe.writer).await?,
            };
            let record = head.next(&scribe.writer, entry(deed, values.as_bytes()));
            let values = Write::put(values_key(&scribe.writer, record.seq).with([
                ("values", Some(bytes(values.as_bytes()))),
                ("expires_at", Some(number(expiry(deed.at).as_second()))),
            ]));
            let noting = [record.write(), write_head(&record), values];
            let refused = self
                .table
                .transact(writes.iter().cloned().chain(noting))
                .await?;
            match refused {
                // An append whose answer was lost had come through.
                Some(refused) if is_taken(&refused) => {}
                Some(refused) => {
                    *turn = Some(head);
                    return Ok(Some(refused));
                }
                None => {
                    *turn = Some(record.head());
                    return Ok(None);
                }
            }
        }
    }

    /// The end of a chain, as it is now.
    pub(crate) async fn last_of(&self, writer: &str) -> Result<Head, StateError> {
        let query = self
            .table
            .partition(&partition(writer))
            .scan_index_forward(false)
            .limit(1);
        let last = self.table.read(query, 1, Record::decode).await?;
        Ok(last.first().map(Record::head).unwrap_or_default())
    }
}

/// Where the values of a record are.
pub(crate) fn values_key(writer: &str, seq: u64) -> Key {
    Key::new(format!("AUDIT#{writer}"), sort_key(seq))
}

/// The values as text, unless they are more than one item takes: no attribute of a person is that long.
fn kept(values: &Value) -> String {
    let text = values.to_string();
    match text.len() {
        0..=PAGE_BYTES => text,
        bytes => json!({"left_out": bytes}).to_string(),
    }
}

fn entry(deed: &Deed, values: &[u8]) -> Entry {
    Entry {
        at: deed.at,
        actor: deed.actor.clone(),
        // JSON always serializes.
        what: to_raw_value(&deed.what).unwrap_or_default(),
        values: [(Text::const_new(VALUES), Sha256::digest(values).into())].into(),
    }
}

//! The chain of the runs. Its end stands in the lease, so that taking the lease tells it and giving it back moves it on.
//!
//! A run that stored its journal is *open* until its report is stored. One that died stays open, and the next run seals it:
//! it appends a record with the dead run's journal before anything of its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use mapping::Text;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use sha2::{Digest as _, Sha256};

use crate::chain::{Digest, Entry, HEADS, Head, Record, SYNC, decode_head};
use crate::item::{
    Damage, Item, as_digest, as_number, as_text, as_time, bytes, number, optional, text, values,
};
use crate::table::{Update, Write};
use crate::{Lease, RunHeader, RunId, State, StateError};

/// What a record calls a run's journal and its report.
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const REPORT: &str = "report";

/// How long a SCIM request may be under way: what it writes may look as old as its beginning.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_secs(60);

/// DynamoDB answers with up to 1 MB at once, which is more than so many heads. Containers are named by when they began.
const MOST_HEADS: u16 = 2_000;

/// The chain of the runs, as the run that holds the lease knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunChain {
    head: Head,
    open: Option<Open>,
    /// When SCIM's chains were last sealed.
    sealed_at: Option<Timestamp>,
    /// The ends of SCIM's chains that this run seals.
    seals: BTreeMap<Text, Seal>,
}

/// A run with a journal and without a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) run: RunId,
    /// When it started: by that its journal expires.
    at: Timestamp,
    pub(crate) journal: Digest,
}

/// The end of a SCIM container's chain, in the record of a run: `[seq, hash]`.
pub(crate) type Seal = (u64, String);

/// What a record of a run says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    pub(crate) run: RunId,
    pub(crate) mode: Text,
    /// As in the report; `died` of a run that the next one seals.
    pub(crate) status: Text,
    pub(crate) config: Text,
    pub(crate) plan: Option<Text>,
    pub(crate) counts: BTreeMap<Text, u64>,
    /// The ends of SCIM's chains.
    pub(crate) seals: BTreeMap<Text, Seal>,
}

impl RunFacts {
    /// What is told of a run that ended so.
    fn of(header: &RunHeader, seals: BTreeMap<Text, Seal>) -> Self {
        Self {
            run: header.run_id.clone(),
            mode: header.mode.clone(),
            status: header.status.clone(),
            config: header.config_digest.clone(),
            plan: header.plan_digest.clone(),
            counts: header.counts.clone(),
            seals,
        }
    }

    /// What is told of a run that died.
    fn of_dead(run: RunId) -> Self {
        Self {
            run,
            mode: Text::const_new("apply"),
            status: Text::const_new(DIED),
            config: Text::default(),
            plan: None,
            counts: BTreeMap::new(),
            seals: BTreeMap::new(),
        }
    }
}

/// The status of a run that another one sealed.
pub(crate) const DIED: &str = "died";

impl RunChain {
    /// The last record.
    pub fn head(&self) -> Head {
        self.head
    }

    /// What the lease tells of it.
    pub(crate) fn decode(item: &Item) -> Result<Self, Damage> {
        let run = optional(item, "open_run", as_text)?;
        let journal = optional(item, "open_journal", as_digest)?;
        let at = optional(item, "open_at", as_time)?;
        let hash = optional(item, "chain_hash", as_digest)?;
        Ok(Self {
            head: Head {
                seq: optional(item, "chain_seq", as_number)?.unwrap_or_default(),
                hash: hash.unwrap_or_default(),
            },
            open: run.zip(at).zip(journal).map(|((run, at), journal)| Open {
                run: run.into(),
                at,
                journal,
            }),
            sealed_at: optional(item, "sealed_at", as_time)?,
            seals: BTreeMap::new(),
        })
    }

    /// The chain as it goes on behind this record: the end that the lease had was none, as after somebody deleted it.
    pub(crate) fn behind(&self, head: Head) -> Self {
        Self {
            head,
            ..self.clone()
        }
    }

    /// The run without a report, if there is one.
    pub(crate) fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The record that seals another run that died.
    fn sealing(&self, run: &RunId, actor: &Text) -> Option<Record> {
        let dead = self.open.as_ref().filter(|open| open.run != *run)?;
        let facts = RunFacts::of_dead(dead.run.clone());
        Some(self.head.next(
            SYNC,
            entry(&facts, actor, dead.at, [(JOURNAL, dead.journal)]),
        ))
    }

    /// The chain once this run's journal is stored, with what is written for it: the lease, fenced, comes first.
    pub(crate) fn begin(
        &self,
        lease: &Lease,
        header: &RunHeader,
        journal: &[u8],
    ) -> (Self, Vec<Write>) {
        let sealing = self.sealing(&header.run_id, &header.trigger);
        let next = Self {
            head: sealing.as_ref().map_or(self.head, Record::head),
            open: Some(Open {
                run: header.run_id.clone(),
                at: header.started_at,
                journal: Sha256::digest(journal).into(),
            }),
            ..self.clone()
        };
        let open = next.open.iter().flat_map(|Open { run, at, journal }| {
            [
                (":run".to_owned(), text(run)),
                (":at".to_owned(), text(at)),
                (":journal".to_owned(), bytes(journal)),
            ]
        });
        let update = Update {
            change: "SET chain_seq = :seq, chain_hash = :hash, open_run = :run, open_at = :at, open_journal = :journal",
            values: next.head_values().into_iter().chain(open).collect(),
            ..lease.updating()
        };
        let writes = std::iter::once(Write::Update(update));
        (next, writes.chain(sealing.map(|it| it.write())).collect())
    }

    /// The chain once this run's report is stored, with what is written for it: the lease, given back, comes first.
    pub(crate) fn end(
        &self,
        lease: &Lease,
        header: &RunHeader,
        report: &[u8],
    ) -> (Self, Vec<Write>) {
        let sealing = self.sealing(&header.run_id, &header.trigger);
        let own = self.open.as_ref().filter(|open| open.run == header.run_id);
        let digests = own
            .map(|open| (JOURNAL, open.journal))
            .into_iter()
            .chain([(REPORT, Sha256::digest(report).into())]);
        let facts = RunFacts::of(header, self.seals.clone());
        let before = sealing.as_ref().map_or(self.head, Record::head);
        let entry = entry(&facts, &header.trigger, header.started_at, digests);
        let record = before.next(SYNC, entry);
        let next = Self {
            head: record.head(),
            open: None,
            ..self.clone()
        };
        let sealed_at = self.sealed_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut values = next.head_values();
        values.insert(":sealed".to_owned(), text(sealed_at));
        values.insert(":told".to_owned(), text(lease.told()));
        let update = Update {
            change: "SET chain_seq = :seq, chain_hash = :hash, sealed_at = :sealed, told = :told REMOVE holder, held_until, open_run, open_at, open_journal",
            values,
            ..lease.updating()
        };
        let records = sealing.into_iter().chain([record]);
        let writes = std::iter::once(Write::Update(update));
        (next, writes.chain(records.map(|it| it.write())).collect())
    }

    fn head_values(&self) -> Item {
        values([
            (":seq", number(self.head.seq)),
            (":hash", bytes(&self.head.hash)),
        ])
    }
}

impl State {
    /// Reads the ends of SCIM's chains that were written since they were last sealed, for the record of a run that started
    /// now: one request.
    pub async fn seal(&self, chain: &mut RunChain, now: Timestamp) -> Result<(), StateError> {
        // One from the future is of a machine whose clock was wrong.
        let since = chain.sealed_at.filter(|at| *at <= now);
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let since = since.saturating_sub(LONGEST_REQUEST).unwrap_or(since);
        let query = self
            .table
            .partition(HEADS)
            .scan_index_forward(false)
            .limit(MOST_HEADS.into());
        let heads = self
            .table
            .read(query, MOST_HEADS.into(), decode_head)
            .await?;
        let news = heads.into_iter().filter(|(_, _, at)| *at >= since);
        chain.seals = news
            .map(|(writer, head, _)| (writer, (head.seq, hex::encode(head.hash))))
            .collect();
        chain.sealed_at = Some(now);
        Ok(())
    }
}

fn entry(
    facts: &RunFacts,
    actor: &Text,
    at: Timestamp,
    digests: impl IntoIterator<Item = (&'static str, Digest)>,
) -> Entry {
    let digests = digests.into_iter();
    Entry {
        at,
        actor: actor.clone(),
        // Texts and numbers always serialize.
        what: to_raw_value(facts).unwrap_or_default(),
        values: digests
            .map(|(name, digest)| (Text::const_new(name), digest))
            .collect(),
    }
}

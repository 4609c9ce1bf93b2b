//! Reads the audit chains and what they are about, and says what does not fit. Writes nothing.
//!
//! Whatever is damaged is a problem to tell and not an error: only a table that cannot be read ends it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::Text;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::chain::{Digest, HEADS, Head, Record, SYNC, decode_head, partition};
use crate::item::{Item, Key, as_bytes, as_text, optional, required};
use crate::lease;
use crate::run::{self, expiry, report_partition};
use crate::run_chain::{DIED, JOURNAL, REPORT, RunFacts};
use crate::scribe::{VALUES, values_key};
use crate::{RunChain, RunHeader, RunId, State, StateError, journal};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verification {
    /// How many chains were read.
    pub chains: usize,
    /// How many records they have.
    pub records: usize,
    /// How many records had values to check.
    pub checked: usize,
    /// Of how many records the values have expired and were not checked.
    pub expired: usize,
    /// The run that has a journal and no report: it is at work, or died and the next one seals it.
    pub open: Option<RunId>,
    /// What does not fit.
    pub problems: Vec<Problem>,
    /// The end of the runs' chain: `<number>:<hash>`, to compare with the log.
    pub head: String,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The chain.
    pub writer: Text,
    /// The record's number.
    pub seq: u64,
    /// What is wrong.
    pub problem: String,
}

/// The records of a chain by number, as far as they can be read.
type Chain = BTreeMap<u64, Record>;

/// What is found out on the way.
struct Verifier<'a> {
    state: &'a State,
    now: Timestamp,
    found: Verification,
}

impl State {
    /// Verifies every chain: several requests for each run and each SCIM write of the last 90 days.
    pub async fn verify(&self, now: Timestamp) -> Result<Verification, StateError> {
        let mut verifier = Verifier {
            state: self,
            now,
            found: Verification::default(),
        };
        let lease = self.table.get(&lease::key()).await?.unwrap_or_default();
        let runs = RunChain::decode(&lease).unwrap_or_else(|damage| {
            let problem =
                format!("the lease, where the chain's end stands, cannot be read: {damage}");
            verifier.tell(SYNC, 0, problem);
            RunChain::default()
        });
        let sync = verifier.chain(SYNC, Some(runs.head())).await?;
        verifier.open(&runs).await?;
        let mut heads = verifier.heads().await?;
        let sealed = seals(&sync);
        // A chain of which not even the end is left is known from what a run sealed.
        for (writer, ..) in &sealed {
            heads.entry(writer.clone()).or_default();
        }
        let mut chains = BTreeMap::new();
        for (writer, head) in heads {
            let chain = verifier.chain(&writer, head).await?;
            chains.insert(writer, chain);
        }
        for (writer, seq, hash, by) in &sealed {
            let record = chains.get(writer).and_then(|chain| chain.get(seq));
            if record.is_none_or(|record| hex::encode(record.hash) != *hash) {
                let what = format!("is not the one that the record {by} of `{SYNC}` sealed");
                verifier.tell(writer, *seq, what);
            }
        }
        for record in sync.values() {
            verifier.run(record).await?;
        }
        for chain in chains.values() {
            for record in chain.values() {
                verifier.deed(record).await?;
            }
        }
        let Head { seq, hash } = runs.head();
        verifier.found.head = format!("{seq}:{}", hex::encode(hash));
        Ok(verifier.found)
    }
}

/// The ends of SCIM's chains that runs sealed: writer, number, hash, and the number of the run's record.
fn seals(sync: &Chain) -> Vec<(Text, u64, String, u64)> {
    let sealed = sync.values().filter_map(|record| {
        let facts: RunFacts = serde_json::from_str(record.entry.what.get()).ok()?;
        Some((record.seq, facts.seals))
    });
    sealed
        .flat_map(|(by, seals)| {
            let seals = seals.into_iter();
            seals.map(move |(writer, (seq, hash))| (writer, seq, hash, by))
        })
        .collect()
}

impl Verifier<'_> {
    fn tell(&mut self, writer: &str, seq: u64, problem: impl Into<String>) {
        self.found.problems.push(Problem {
            writer: writer.into(),
            seq,
            problem: problem.into(),
        });
    }

    /// The ends of SCIM's chains, as far as they can be read.
    async fn heads(&mut self) -> Result<BTreeMap<Text, Option<Head>>, StateError> {
        let table = &self.state.table;
        let read = |item: &Item| {
            let writer = required(item, "sk", as_text)?.into();
            Ok((writer, decode_head(item).ok().map(|(_, head, _)| head)))
        };
        let heads = table.read(table.partition(HEADS), usize::MAX, read);
        Ok(heads.await?.into_iter().collect())
    }

    /// The end of a chain, as it is noted at this moment.
    async fn noted(&self, writer: &str) -> Result<Option<Head>, StateError> {
        let table = &self.state.table;
        if writer == SYNC {
            let lease = table.get(&lease::key()).await?.unwrap_or_default();
            return Ok(RunChain::decode(&lease).ok().map(|runs| runs.head()));
        }
        let key = Key::new(HEADS, writer.to_owned());
        let item = table.get(&key).await?.unwrap_or_default();
        Ok(decode_head(&item).ok().map(|(_, head, _)| head))
    }

    /// Tells of the records from the first on and before the other.
    fn missing(&mut self, writer: &str, first: u64, end: u64) {
        match end.saturating_sub(first) {
            0 => {}
            1 => self.tell(writer, first, "is missing"),
            _ => self.tell(
                writer,
                first,
                format!("and all up to {} are missing", end - 1),
            ),
        }
    }

    /// Whether each record is there, fits its hash and follows the one before, up to the head.
    async fn chain(&mut self, writer: &str, head: Option<Head>) -> Result<Chain, StateError> {
        let table = &self.state.table;
        let query = table.partition(&partition(writer));
        let number = |item: &Item| required(item, "sk", |sk| as_text(sk)?.parse::<u64>().ok());
        let read = |item: &Item| Ok((number(item)?, Record::decode(item)));
        let rows = table.read(query, usize::MAX, read).await?;
        self.found.chains += 1;
        self.found.records += rows.len();
        let mut chain = Chain::new();
        let mut before = Head::default();
        for (seq, record) in rows {
            self.missing(writer, before.seq + 1, seq);
            let follows = before.seq + 1 == seq;
            let record = match record {
                Ok(record) => record,
                Err(damage) => {
                    self.tell(writer, seq, format!("cannot be read: {damage}"));
                    // Nothing can be said of what the next one follows.
                    before = Head { seq, ..before };
                    continue;
                }
            };
            if record.digest() != record.hash {
                self.tell(writer, seq, "was altered: it does not fit its hash");
            } else if follows && record.previous != before.hash && is_known(&chain, before.seq) {
                self.tell(writer, seq, "does not follow the record before: one of them was put in the other's place, or altered together with its hash");
            }
            before = record.head();
            chain.insert(seq, record);
        }
        match head {
            None => self.tell(
                writer,
                before.seq,
                "has no mark that it is the last: the chain's end may be missing",
            ),
            Some(head) => {
                self.missing(writer, before.seq + 1, head.seq.saturating_add(1));
                // Somebody may have written since the end was read.
                let noted = if before.seq > head.seq {
                    self.noted(writer).await?
                } else {
                    None
                };
                let head = noted.unwrap_or(head);
                if before.seq > head.seq || before.seq == head.seq && before.hash != head.hash {
                    self.tell(
                        writer,
                        before.seq,
                        "is not the one that was noted as the last",
                    );
                }
            }
        }
        Ok(chain)
    }

    /// The run that has not ended: its journal is as it was noted.
    async fn open(&mut self, runs: &RunChain) -> Result<(), StateError> {
        let Some(open) = runs.open() else {
            return Ok(());
        };
        let next = runs.head().seq + 1;
        let partition = journal::partition(&open.run);
        self.pages(SYNC, next, JOURNAL, &partition, open.journal)
            .await?;
        self.found.open = Some(open.run.clone());
        Ok(())
    }

    /// Whether what a run's record is about is still as it was.
    async fn run(&mut self, record: &Record) -> Result<(), StateError> {
        let seq = record.seq;
        let Ok(facts) = serde_json::from_str::<RunFacts>(record.entry.what.get()) else {
            self.tell(SYNC, seq, "says nothing of a run");
            return Ok(());
        };
        if expiry(record.entry.at) <= self.now {
            self.found.expired += 1;
            return Ok(());
        }
        self.found.checked += 1;
        for (name, digest) in &record.entry.values {
            let partition = match name.as_str() {
                JOURNAL => journal::partition(&facts.run),
                REPORT => report_partition(&facts.run),
                _ => continue,
            };
            self.pages(SYNC, seq, name, &partition, *digest).await?;
        }
        if facts.status == DIED {
            return Ok(());
        }
        let header = self.state.table.get(&run::key_of(&facts.run)).await?;
        let header = header.map(|item| run::decode(&item));
        match header {
            None => self.tell(SYNC, seq, "the run is no longer listed"),
            Some(Ok(header)) if is_told(&header, record, &facts) => {}
            Some(_) => self.tell(SYNC, seq, "the run is not listed as it was"),
        }
        Ok(())
    }

    /// Whether the values of a SCIM write are still as they were.
    async fn deed(&mut self, record: &Record) -> Result<(), StateError> {
        if expiry(record.entry.at) <= self.now {
            self.found.expired += 1;
            return Ok(());
        }
        self.found.checked += 1;
        let key = values_key(&record.writer, record.seq);
        let item = self.state.table.get(&key).await?.unwrap_or_default();
        let values = optional(&item, "values", as_bytes).unwrap_or_default();
        let noted = record.entry.values.get(VALUES).copied();
        self.compare(&record.writer, record.seq, VALUES, values, noted);
        Ok(())
    }

    /// Whether a document in pages is as it was.
    async fn pages(
        &mut self,
        writer: &str,
        seq: u64,
        name: &str,
        partition: &str,
        digest: Digest,
    ) -> Result<(), StateError> {
        let document = match self.state.read_pages(partition, Timestamp::MIN).await {
            Ok(document) => document,
            Err(StateError::Damaged { source, .. }) => {
                self.tell(writer, seq, format!("its `{name}` is damaged: {source}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.compare(writer, seq, name, document.as_deref(), Some(digest));
        Ok(())
    }

    fn compare(
        &mut self,
        writer: &str,
        seq: u64,
        name: &str,
        document: Option<&[u8]>,
        digest: Option<Digest>,
    ) {
        match document {
            None => self.tell(writer, seq, format!("its `{name}` is missing")),
            Some(document) if Some(Sha256::digest(document).into()) != digest => {
                self.tell(writer, seq, format!("its `{name}` was altered"));
            }
            Some(_) => {}
        }
    }
}

/// Whether a run is listed as its record says.
fn is_told(header: &RunHeader, record: &Record, facts: &RunFacts) -> bool {
    let RunHeader {
        run_id,
        mode,
        status,
        trigger,
        started_at,
        duration_ms: _,
        config_digest,
        plan_digest,
        counts,
    } = header;
    *run_id == facts.run
        && *mode == facts.mode
        && *status == facts.status
        && *trigger == record.entry.actor
        && *started_at == record.entry.at
        && *config_digest == facts.config
        && *plan_digest == facts.plan
        && *counts == facts.counts
}

/// Whether the record before could be read, so that something follows it; before the first there is none.
fn is_known(chain: &Chain, seq: u64) -> bool {
    seq == 0 || chain.contains_key(&seq)
}

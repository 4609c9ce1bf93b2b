//! Runs: a short header each, to list them by, and the whole report.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use mapping::Text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::item::{
    Damage, Item, Key, as_map, as_number, as_text, as_time, number, optional, required, text,
};
use crate::table::Write;
use crate::{Head, Lease, Link, RunChain, State, StateError, chain, lease, link};

/// The partition of all headers.
const PARTITION: &str = "RUN";

/// Of so many runs one mostly applies.
const LOOKED_AT_ONCE: i32 = 25;

/// How long a run is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A run's id: text that sorts by time, such as a UUID of version 7.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Text);

impl RunId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for RunId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

/// What a list of runs shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHeader {
    /// Which run.
    pub run_id: RunId,
    /// `plan` or `apply`.
    pub mode: Text,
    /// How it ended, in the words of the report; [`RunHeader::BEGUN`] as long as it has not.
    pub status: Text,
    /// What started it.
    pub trigger: Text,
    /// When it started.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The digest of the configuration.
    pub config_digest: Text,
    /// The digest of the plan, once there was one.
    pub plan_digest: Option<Text>,
    /// People by outcome.
    pub counts: BTreeMap<Text, u64>,
}

impl RunHeader {
    /// The status of a run that has a journal and no report: it is at work, or died.
    pub const BEGUN: &str = "begun";
}

/// A run with its whole report.
#[derive(Debug, Clone)]
pub struct Run {
    /// What a list shows.
    pub header: RunHeader,
    /// The report as it was saved, every person in it.
    pub report: Box<RawValue>,
}

impl State {
    /// Saves a run for 90 days, appends its record to the chain and gives the lease back, in one request unless the report
    /// is larger than 3.6 MB; the end of the chain. A run that lost its lease is saved too, without a record; the lease is
    /// left to whoever has it. `last_link`, under the same condition, saves a run for one person a request;
    /// [`StateError::Owned`] when it could not be written, though the run was.
    pub async fn finish_run(
        &self,
        lease: Option<(&Lease, &RunChain)>,
        header: &RunHeader,
        report: &RawValue,
        last_link: Option<&Link>,
    ) -> Result<Option<Head>, StateError> {
        let expires_at = expiry(header.started_at);
        let partition = report_partition(&header.run_id);
        let document = report.get().as_bytes();
        let save = |fenced: Vec<Write>| {
            let last = [Write::put(encode(header, expires_at))]
                .into_iter()
                .chain(fenced);
            self.put_pages(&partition, document, expires_at, last)
        };
        let ended = lease.map(|(lease, chain)| chain.end(lease, header, document));
        let (head, ending) = ended.map(|(chain, writes)| (chain.head(), writes)).unzip();
        let ending = ending.unwrap_or_default();
        let link = last_link.into_iter().flat_map(link::writes);
        let turn = self.table.turn().await;
        let Some(refused) = save(ending.iter().cloned().chain(link).collect()).await? else {
            return Ok(head);
        };
        if let Some((lease, chain)) = lease.filter(|_| chain::is_taken(&refused)) {
            drop(turn);
            let chain = chain.behind(self.last_of(chain::SYNC).await?);
            let again = self.finish_run(Some((lease, &chain)), header, report, last_link);
            return Box::pin(again).await;
        }
        let owned = || Err(self.owned(&refused));
        if lease::is_lease(&refused) {
            save(Vec::new()).await?;
            return Ok(None);
        }
        if save(ending).await?.is_some() {
            save(Vec::new()).await?;
        }
        owned()
    }

    /// The latest runs, newest first, at most `limit`; with `before`, only those older than that run.
    pub async fn runs(
        &self,
        limit: u16,
        before: Option<&RunId>,
    ) -> Result<Vec<RunHeader>, StateError> {
        let query = self
            .table
            .partition(PARTITION)
            .scan_index_forward(false)
            .limit(limit.into());
        let query = match before {
            None => query,
            Some(before) => query
                .key_condition_expression("pk = :pk AND sk < :before")
                .expression_attribute_values(":before", text(before)),
        };
        self.table.read(query, limit.into(), decode).await
    }

    /// When the next run that applies began: by then this one was over.
    pub async fn next_run_at(&self, id: &RunId) -> Result<Option<Timestamp>, StateError> {
        let query = self
            .table
            .partition(PARTITION)
            .key_condition_expression("pk = :pk AND sk > :id")
            .filter_expression("#mode = :apply")
            .expression_attribute_names("#mode", "mode")
            .expression_attribute_values(":id", text(id))
            .expression_attribute_values(":apply", text("apply"))
            .limit(LOOKED_AT_ONCE);
        let next = self.table.read(query, 1, decode).await?;
        Ok(next.first().map(|run| run.started_at))
    }

    /// One run; `None` when there is none of this id, it has not ended, or it has expired.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>, StateError> {
        let Some(item) = self.table.get(&key_of(id)).await? else {
            return Ok(None);
        };
        let header = self.table.decoded(&item, decode)?;
        // A large report is there in part before the run has ended.
        if header.status == RunHeader::BEGUN {
            return Ok(None);
        }
        let partition = report_partition(id);
        let Some(report) = self.read_pages(&partition, Timestamp::MIN).await? else {
            return Ok(None);
        };
        let report = String::from_utf8(report)
            .ok()
            .and_then(|json| RawValue::from_string(json).ok());
        let report =
            report.ok_or_else(|| self.table.damaged(&partition, Damage::Unreadable("page")))?;
        Ok(Some(Run { header, report }))
    }
}

/// Until when a run that started then is kept, with all that belongs to it.
pub(crate) fn expiry(started_at: Timestamp) -> Timestamp {
    started_at.checked_add(KEPT).unwrap_or(Timestamp::MAX)
}

pub(crate) fn key_of(id: &RunId) -> Key {
    Key::new(PARTITION, id.to_string())
}

pub(crate) fn report_partition(id: &RunId) -> String {
    format!("RUN#{id}")
}

pub(crate) fn encode(header: &RunHeader, expires_at: Timestamp) -> Item {
    let RunHeader {
        run_id,
        mode,
        status,
        trigger,
        started_at,
        duration_ms,
        config_digest,
        plan_digest,
        counts,
    } = header;
    let counts = counts
        .iter()
        .map(|(outcome, count)| (outcome.to_string(), number(count)))
        .collect();
    key_of(run_id).with([
        ("mode", Some(text(mode))),
        ("status", Some(text(status))),
        ("trigger", Some(text(trigger))),
        ("started_at", Some(text(started_at))),
        ("duration_ms", Some(number(duration_ms))),
        ("config_digest", Some(text(config_digest))),
        ("plan_digest", plan_digest.as_ref().map(text)),
        ("counts", Some(AttributeValue::M(counts))),
        ("expires_at", Some(number(expires_at.as_second()))),
    ])
}

pub(crate) fn decode(item: &Item) -> Result<RunHeader, Damage> {
    Ok(RunHeader {
        run_id: required(item, "sk", as_text)?.into(),
        mode: required(item, "mode", as_text)?.into(),
        status: required(item, "status", as_text)?.into(),
        trigger: required(item, "trigger", as_text)?.into(),
        started_at: required(item, "started_at", as_time)?,
        duration_ms: required(item, "duration_ms", as_number)?,
        config_digest: required(item, "config_digest", as_text)?.into(),
        plan_digest: optional(item, "plan_digest", as_text)?.map(Text::from),
        counts: required(item, "counts", |counts| {
            as_map(counts)?
                .iter()
                .map(|(outcome, count)| Some((outcome.as_str().into(), as_number(count)?)))
                .collect()
        })?,
    })
}

//! The HR systems: how each is read, and what its people are as workers. Takes no decision about anybody.
//!
//! The set is closed. Another system is a variant of [`HrSource`], and an arm wherever the compiler then asks for one.

use std::collections::BTreeSet;

use clients::{ClientError, Deel, Humaans, Listing, Options, Staff, Unreadable};
use config::{Source, SourceKind};
use jiff::Timestamp;
use mapping::{SourceName, Warning, Worker, WorkerId, deel, humaans};
use tokio::time::Instant;

use crate::details::{Asked, Details};
use crate::report::Calls;

/// An HR system, ready to be read.
#[derive(Debug, Clone)]
pub enum HrSource {
    /// Deel.
    Deel(Deel),
    /// Humaans.
    Humaans(Humaans),
}

/// One source as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRead {
    /// The source.
    pub name: SourceName,
    /// Its people.
    pub workers: Vec<Worker>,
    /// Records that did not decode: the people are present all the same.
    pub unreadable: Vec<Unreadable>,
    /// People whom the run was asked for and whom the source does not know.
    pub not_found: Vec<WorkerId>,
    /// Why the read is not whole.
    pub incomplete: Option<String>,
    /// What somebody should look at about the source as a whole.
    pub warnings: Vec<Warning>,
    /// Whose details, which the source tells apart, were read.
    pub details: Details,
}

impl SourceRead {
    fn of<P>(source: &Source, people: &Listing<P>, to_worker: impl Fn(&P) -> Worker) -> Self {
        Self {
            name: source.name.clone(),
            workers: people.rows.iter().map(to_worker).collect(),
            unreadable: people.unreadable.clone(),
            not_found: Vec::new(),
            incomplete: people.incomplete.clone(),
            warnings: Vec::new(),
            details: Details::default(),
        }
    }

    fn of_deel(source: &Source, people: &Listing<deel::Person>, now: Timestamp) -> Self {
        let to_worker = |person: &_| deel::to_worker(person, &source.zones, now);
        let mut read = Self::of(source, people, to_worker);
        if let Some(asked) = Asked::of(source) {
            read.details = asked.versions(people.rows.iter().zip(&read.workers));
        }
        read
    }

    fn of_humaans(source: &Source, staff: Staff, now: Timestamp) -> Self {
        let Staff {
            people,
            directory,
            warnings,
        } = staff;
        let to_worker = |person: &_| humaans::to_worker(person, &directory, &source.zones, now);
        Self {
            warnings,
            ..Self::of(source, &people, to_worker)
        }
    }
}

impl HrSource {
    /// The client of a source, reached as `configured` says.
    pub(crate) fn new(
        source: &Source,
        configured: impl Fn(Options) -> Options,
        key: clients::KeySource,
    ) -> Result<Self, ClientError> {
        match source.kind {
            SourceKind::Deel => Deel::new(configured(Deel::options()), key).map(Self::Deel),
            SourceKind::Humaans => {
                Humaans::new(configured(Humaans::options()), key).map(Self::Humaans)
            }
        }
    }

    /// Everyone, as far as they can be read.
    pub(crate) async fn everyone(
        &self,
        source: &Source,
        now: Timestamp,
        progress: impl Fn(usize, usize) + Send + Sync,
    ) -> Result<SourceRead, ClientError> {
        Ok(match self {
            Self::Deel(deel) => SourceRead::of_deel(source, &deel.people(progress).await?, now),
            Self::Humaans(humaans) => {
                let wanted = source.policy.custom_fields();
                let staff = humaans.people(&wanted, progress).await?;
                SourceRead::of_humaans(source, staff, now)
            }
        })
    }

    /// A few people by their ids, those whom HR does not know among `not_found`.
    pub(crate) async fn some(
        &self,
        ids: BTreeSet<WorkerId>,
        source: &Source,
        now: Timestamp,
    ) -> Result<SourceRead, ClientError> {
        let mut read = match self {
            Self::Deel(deel) => SourceRead::of_deel(source, &deel.some(&ids).await?, now),
            Self::Humaans(humaans) => {
                let wanted = source.policy.custom_fields();
                let staff = humaans.some(&ids, &wanted).await?;
                SourceRead::of_humaans(source, staff, now)
            }
        };
        let unknown = ids
            .into_iter()
            .filter(|id| read.workers.iter().all(|worker| worker.id != *id));
        read.not_found = unknown.collect();
        Ok(read)
    }

    /// Whether HR knows this person.
    pub(crate) async fn knows(&self, id: &WorkerId) -> Result<bool, ClientError> {
        Ok(match self {
            Self::Deel(deel) => deel.person(id).await?.is_some(),
            Self::Humaans(humaans) => humaans.person(id).await?.is_some(),
        })
    }

    /// The same system for one run, with its own deadline and its own count of calls.
    pub(crate) fn begin(&self, deadline: Instant) -> Self {
        match self {
            Self::Deel(deel) => Self::Deel(deel.begin(deadline)),
            Self::Humaans(humaans) => Self::Humaans(humaans.begin(deadline)),
        }
    }

    /// Adds what this run has sent.
    pub(crate) fn count(&self, calls: &mut Calls) {
        match self {
            Self::Deel(deel) => calls.deel += deel.calls(),
            Self::Humaans(humaans) => calls.humaans += humaans.calls(),
        }
    }

    /// What the key must be allowed, in the vendor's own words.
    pub(crate) fn scopes(&self) -> &'static str {
        match self {
            Self::Deel(_) => "Deel: `people:read`",
            Self::Humaans(_) => "Humaans: `public:read` and `private:read`",
        }
    }
}

/// The HR systems of a run, each with its section of the configuration.
pub(crate) type HrSources<'a> = [(&'a Source, HrSource)];

//! What an HR system tells apart from a person's record, one person at a time: Deel's phone numbers and custom fields.
//!
//! Only new people and those whose record changed since are asked about: links remember the version of the record with
//! which they were last. Of everyone else, what we last wrote stands for the numbers that HR has.

use std::collections::{BTreeMap, BTreeSet};

use clients::{ClientError, Deel};
use config::{Source, SourceKind};
use futures_util::stream::{self, StreamExt};
use mapping::{AdoptBy, Class, SourceName, Text, Warning, Worker, WorkerId, WorkerKey, deel};
use sha2::{Digest, Sha256};
use state::Link;

use crate::chain;
use crate::gather::{GatherError, Snapshot, unreadable};
use crate::hr::{HrSource, HrSources};
use crate::plan::{PersonPlan, Plan};

/// The most people of one source who are asked about in one run, so that an hour suffices: the others are in the next.
const MOST: usize = 500;
/// Digits of a version.
const DIGITS: usize = 16;

/// The versions of people's records, where a source is asked for more than these, and whose details this run has read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    versions: BTreeMap<WorkerId, Text>,
    read: BTreeSet<WorkerId>,
}

impl Details {
    /// The version of this person's record.
    pub(crate) fn version(&self, id: &WorkerId) -> Option<&Text> {
        self.versions.get(id)
    }

    /// The version with which this person's details were read in this run.
    pub(crate) fn version_read(&self, id: &WorkerId) -> Option<&Text> {
        self.version(id).filter(|_| self.read.contains(id))
    }
}

/// What a source is to be asked for beside the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    phone_numbers: bool,
    custom_fields: BTreeSet<Text>,
}

impl Asked {
    /// `None` when the records say it all, as Humaans' do.
    pub(crate) fn of(source: &Source) -> Option<Self> {
        let asked = Self {
            phone_numbers: source.policy.needs_phone_numbers(),
            custom_fields: source.policy.custom_fields(),
        };
        let is_asked = asked.phone_numbers || !asked.custom_fields.is_empty();
        (is_asked && source.kind == SourceKind::Deel).then_some(asked)
    }

    /// The versions of these people's records. Whoever asks for more than before gets other ones.
    pub(crate) fn versions<'a>(
        &self,
        people: impl Iterator<Item = (&'a deel::Person, &'a Worker)>,
    ) -> Details {
        let version = |person: &deel::Person, worker: &Worker| {
            let record = match person.updated_at() {
                Some(moment) => moment.to_owned(),
                None => format!("{worker:?}"),
            };
            let digest = hex::encode(Sha256::digest(format!("{self:?} {record}")));
            Text::from(digest.get(..DIGITS).unwrap_or_default())
        };
        Details {
            versions: people
                .map(|(person, worker)| (person.id.clone(), version(person, worker)))
                .collect(),
            read: BTreeSet::new(),
        }
    }

    /// Asks Deel about one person.
    async fn read(&self, deel: &Deel, id: &WorkerId) -> Result<Answer, ClientError> {
        Ok(Answer {
            personal: if self.phone_numbers {
                deel.personal(id).await?
            } else {
                None
            },
            person: if self.custom_fields.is_empty() {
                None
            } else {
                deel.person_with_custom_fields(id).await?
            },
        })
    }
}

/// What HR says of one person.
struct Answer {
    personal: Option<deel::Personal>,
    person: Option<deel::Person>,
}

/// Gives everyone whose record did not change the phone numbers that we last wrote: HR would say the same again.
pub(crate) fn recall(snapshot: &mut Snapshot, hr: &HrSources<'_>) {
    let is_asked = |source: &Source| Asked::of(source).is_some_and(|asked| asked.phone_numbers);
    let asked = hr
        .iter()
        .map(|(source, _)| *source)
        .filter(|source| is_asked(source));
    let asked: BTreeSet<&SourceName> = asked.map(|source| &source.name).collect();
    if asked.is_empty() {
        return;
    }
    let links = by_key(&snapshot.links);
    let reads = snapshot.sources.iter_mut();
    for read in reads.filter(|read| asked.contains(&read.name)) {
        for worker in &mut read.workers {
            let key = WorkerKey {
                source: read.name.clone(),
                worker_id: worker.id.clone(),
            };
            let unchanged = links
                .get(&key)
                .filter(|link| link.details.as_ref() == read.details.version(&worker.id));
            if let Some(Ok(written)) = unchanged.map(|link| link.written()) {
                deel::recall_phone_numbers(worker, &written);
            }
        }
    }
}

/// Asks about those whom the plan makes users of, then about those whose record changed; whether there were any.
/// Whoever cannot be asked about keeps what JumpCloud has, with a warning.
pub(crate) async fn read(
    snapshot: &mut Snapshot,
    plan: &Plan,
    hr: &HrSources<'_>,
) -> Result<bool, GatherError> {
    if !hr.iter().any(|(source, _)| Asked::of(source).is_some()) {
        return Ok(false);
    }
    let new = plan.people.iter().filter(|person| is_new(person));
    let new: Vec<&WorkerKey> = new.map(|person| &person.key).collect();
    let mut any = false;
    for read in &mut snapshot.sources {
        let found = hr.iter().find(|(source, _)| source.name == read.name);
        let Some((source, client @ HrSource::Deel(deel))) = found else {
            continue;
        };
        let Some(asked) = Asked::of(source) else {
            continue;
        };
        let keys = new.iter().copied().chain(&plan.outdated);
        let of_source = keys.filter(|key| key.source == read.name);
        let mut wanted: Vec<WorkerId> = of_source.map(|key| key.worker_id.clone()).collect();
        let mut unread = wanted.len();
        wanted.truncate(MOST);
        any |= !wanted.is_empty();
        let answers = ask(deel, &asked, wanted).await;
        let people = read
            .workers
            .iter_mut()
            .map(|worker| (worker.id.clone(), worker));
        let mut people: BTreeMap<WorkerId, &mut Worker> = people.collect();
        for (id, answer) in answers {
            unread -= 1;
            let Some(worker) = people.get_mut(&id) else {
                continue;
            };
            match answer {
                Ok(answer) => {
                    add(worker, &answer, &asked);
                    read.details.read.insert(id);
                }
                Err(error) if error.is_unauthorized() => {
                    return Err(unreadable(source, client, error));
                }
                Err(error) => {
                    let message = format!(
                        "phone numbers and custom fields were not read and are left as they are: {}",
                        chain(&error)
                    );
                    worker.warn(Warning::new("details_unread", message));
                }
            }
        }
        if unread > 0 {
            let message = format!(
                "the phone numbers and custom fields of {unread} people were not read: they are left as they are until the next run"
            );
            read.warnings.push(Warning::new("details_pending", message));
        }
    }
    Ok(any)
}

/// Whether somebody gets a user in this run, as far as nothing holds it.
fn is_new(person: &PersonPlan) -> bool {
    person.skipped.is_none()
        && (person.has(Class::Create) || person.adopts == Some(AdoptBy::EmployeeIdentifier))
}

/// What Deel says of each, as far as the key may ask and there is time.
async fn ask(
    deel: &Deel,
    asked: &Asked,
    ids: Vec<WorkerId>,
) -> Vec<(WorkerId, Result<Answer, ClientError>)> {
    let mut answers = Vec::with_capacity(ids.len());
    let mut reads = stream::iter(ids)
        .map(|id| async move { (asked.read(deel, &id).await, id) })
        .buffered(deel.concurrency());
    while let Some((answer, id)) = reads.next().await {
        let is_last = answer.as_ref().is_err_and(|error| {
            error.is_forbidden() || error.is_unauthorized() || error.is_deadline()
        });
        answers.push((id, answer));
        if is_last {
            break;
        }
    }
    answers
}

fn add(worker: &mut Worker, answer: &Answer, asked: &Asked) {
    if let Some(personal) = &answer.personal {
        deel::add_phone_numbers(worker, personal);
    }
    if let Some(person) = &answer.person {
        deel::add_custom_fields(worker, person, &asked.custom_fields);
    }
}

fn by_key(links: &[Link]) -> BTreeMap<&WorkerKey, &Link> {
    links.iter().map(|link| (&link.key, link)).collect()
}

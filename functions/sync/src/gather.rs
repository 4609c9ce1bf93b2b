//! Reads everything that a plan rests on: HR, JumpCloud, and what we remember. Writes nothing.
//!
//! A read is complete or it is an error. An incomplete HR source is marked as such and still gives what was read;
//! an incomplete JumpCloud or an incomplete table ends the run.

mod groups;

use std::collections::{BTreeMap, BTreeSet};

use clients::{ClientError, JumpCloud};
use config::Source;
use futures_util::future::{try_join, try_join_all, try_join3};
use jiff::Timestamp;
use mapping::{GroupRule, SourceName, SystemUser, SystemUserId, Worker, WorkerId, WorkerKey};
use state::{LastRead, Link, RunId, State, StateError};
use thiserror::Error;

pub use groups::Groups;
pub(crate) use groups::{Members, all_members};

use crate::chain;
use crate::hr::{HrSource, HrSources, SourceRead};
use crate::progress::{OnProgress, Progress};
use crate::request::Request;

/// The e-mails of one search: its answer is one page of 100 users, and an e-mail is one user's.
const MOST_IN_A_SEARCH: usize = 100;

/// Everything that was read, before any decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Whether everyone was read.
    pub scope: Scope,
    /// The sources, in the order of the configuration.
    pub sources: Vec<SourceRead>,
    /// The users of the organisation; of a run for a few linked people, only theirs.
    pub users: Vec<SystemUser>,
    /// The links; of a run for a few linked people, only theirs.
    pub links: Vec<Link>,
    /// The users that SCIM clients own, where anybody might get a user: no source may have them.
    pub client_owned: BTreeSet<SystemUserId>,
    /// The groups of JumpCloud, where rules are about them.
    pub groups: Groups,
    /// The last good read of each source.
    pub last_reads: BTreeMap<SourceName, LastRead>,
}

/// Whom a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everyone: absence means something.
    Everyone,
    /// A few people.
    People,
    /// One person, who leaves today if HR shows a last day at all.
    LeaveNow,
}

/// Why nothing could be planned, or begun. Nothing was written.
#[derive(Debug, Error)]
pub enum GatherError {
    /// An HR system could not be read at all.
    #[error("source `{source_name}` could not be read")]
    Source {
        /// The source.
        source_name: SourceName,
        /// What its key must be allowed.
        scopes: &'static str,
        /// What happened.
        #[source]
        error: ClientError,
    },
    /// JumpCloud was not read whole.
    #[error("JumpCloud could not be read whole, and nothing is written without that")]
    JumpCloud(#[source] ClientError),
    /// Our own table was not read whole.
    #[error("the state could not be read")]
    State(#[from] StateError),
    /// There is no journal of the run that is to be undone.
    #[error(
        "there is no journal of the run `{0}`: one that wrote nothing has none, and they are kept for 90 days; `rollcall runs` lists the runs"
    )]
    NothingToUndo(RunId),
    /// What the run was about to write could not be stored.
    #[error("what this run is about to write could not be stored first")]
    Journal(#[source] StateError),
}

impl GatherError {
    /// The stable code of the report.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Source { error, .. } if error.is_unauthorized() || error.is_forbidden() => {
                "source_key_refused"
            }
            Self::Source { error, .. } | Self::JumpCloud(error) if error.is_deadline() => {
                "deadline"
            }
            Self::Source { .. } => "source_unreadable",
            Self::JumpCloud(error) if error.is_unauthorized() || error.is_forbidden() => {
                "jumpcloud_key_refused"
            }
            Self::JumpCloud(_) => "jumpcloud_unreadable",
            Self::State(_) => "state_unreadable",
            Self::NothingToUndo(_) => "nothing_to_undo",
            Self::Journal(StateError::LeaseLost { .. }) => "lease_lost",
            Self::Journal(_) => "journal_not_written",
        }
    }

    /// Whether a vendor asks for a longer wait than the run has time for: another run can go well.
    pub(crate) fn is_asked_to_wait(&self) -> bool {
        match self {
            Self::Source { error, .. } | Self::JumpCloud(error) => {
                error.retry_after_seconds().is_some()
            }
            Self::State(_) | Self::NothingToUndo(_) | Self::Journal(_) => false,
        }
    }

    /// What happened, and what to check.
    pub fn advice(&self) -> String {
        let advice = match (self, self.code()) {
            (Self::Source { scopes, .. }, "source_key_refused") => {
                format!("; check the key in its secret, and its scopes ({scopes})")
            }
            (_, "jumpcloud_key_refused") => {
                "; check the key in its secret, `jumpcloud.region` and `jumpcloud.organization`"
                    .to_owned()
            }
            _ => String::new(),
        };
        format!("{}{advice}; nothing was written", chain(self))
    }
}

/// Reads what the request needs: everything, or no more than a few people.
pub(crate) async fn gather(
    request: &Request,
    hr: &HrSources<'_>,
    rules: &[GroupRule],
    jumpcloud: &JumpCloud,
    state: &State,
    now: Timestamp,
    progress: &OnProgress,
) -> Result<Snapshot, GatherError> {
    let mut snapshot = if request.people.is_empty() {
        everyone(hr, jumpcloud, state, now, progress).await?
    } else {
        a_few(request, hr, jumpcloud, state, now, progress).await?
    };
    snapshot.groups = Groups::read(rules, &snapshot, jumpcloud).await;
    Ok(snapshot)
}

async fn everyone(
    hr: &HrSources<'_>,
    jumpcloud: &JumpCloud,
    state: &State,
    now: Timestamp,
    progress: &OnProgress,
) -> Result<Snapshot, GatherError> {
    let sources = try_join_all(
        hr.iter()
            .map(|(source, client)| read_source(source, client, now, progress)),
    );
    let remembered = async {
        Ok(try_join3(
            state.links(),
            state.client_owned_users(),
            state.last_reads(),
        )
        .await?)
    };
    let (sources, users, (links, client_owned, last_reads)) =
        try_join3(sources, all_users(jumpcloud, progress), remembered).await?;
    Ok(Snapshot {
        scope: Scope::Everyone,
        sources,
        users,
        links,
        client_owned,
        groups: Groups::default(),
        last_reads,
    })
}

pub(crate) async fn all_users(
    jumpcloud: &JumpCloud,
    progress: &OnProgress,
) -> Result<Vec<SystemUser>, GatherError> {
    let report = |done, total| {
        progress(Progress::Reading {
            what: "JumpCloud",
            done,
            total,
        });
    };
    jumpcloud
        .users(report)
        .await
        .map_err(GatherError::JumpCloud)
}

async fn read_source(
    source: &Source,
    client: &HrSource,
    now: Timestamp,
    progress: &OnProgress,
) -> Result<SourceRead, GatherError> {
    let report = |done, total| {
        progress(Progress::Reading {
            what: source.name.as_str(),
            done,
            total,
        });
    };
    let read = client.everyone(source, now, report).await;
    read.map_err(|error| unreadable(source, client, error))
}

/// Why nothing can be planned when a source cannot be read.
pub(crate) fn unreadable(source: &Source, client: &HrSource, error: ClientError) -> GatherError {
    GatherError::Source {
        source_name: source.name.clone(),
        scopes: client.scopes(),
        error,
    }
}

/// Reads a few people, and no full list of JumpCloud as long as each of them has a user of ours.
async fn a_few(
    request: &Request,
    hr: &HrSources<'_>,
    jumpcloud: &JumpCloud,
    state: &State,
    now: Timestamp,
    progress: &OnProgress,
) -> Result<Snapshot, GatherError> {
    let (emails, ids): (Vec<&str>, Vec<&str>) = request
        .people
        .iter()
        .map(String::as_str)
        .partition(|who| who.contains('@'));
    let mut known = recognise(&emails, hr, jumpcloud, state).await?;
    let mut sources = Vec::with_capacity(hr.len());
    for (source, client) in hr {
        let ids: Vec<&str> = ids.iter().filter_map(|id| id_in(source, id, hr)).collect();
        sources.push(read_people(&ids, &known, source, client, now, progress).await?);
    }
    only_told_once(&mut sources);
    let keys: BTreeSet<WorkerKey> = sources.iter().flat_map(keys_of).collect();
    let unread: Vec<WorkerKey> = keys
        .iter()
        .filter(|key| known.links.iter().all(|link| link.key != **key))
        .cloned()
        .collect();
    known.links.extend(state.links_of(&unread).await?);
    let mut links = known.links;
    links.retain(|link| keys.contains(&link.key));
    let is_linked = |key: &WorkerKey| {
        links
            .iter()
            .any(|link| link.key == *key && link.user_id.is_some())
    };
    let (users, (links, client_owned)) = if keys.iter().all(is_linked) {
        let users = users_of(&links, known.users, jumpcloud).await?;
        (users, (links, BTreeSet::new()))
    } else {
        let remembered = async { Ok(try_join(state.links(), state.client_owned_users()).await?) };
        try_join(all_users(jumpcloud, progress), remembered).await?
    };
    let scope = if request.now {
        Scope::LeaveNow
    } else {
        Scope::People
    };
    Ok(Snapshot {
        scope,
        sources,
        users,
        links,
        client_owned,
        groups: Groups::default(),
        last_reads: BTreeMap::new(),
    })
}

/// The id that this source is asked for. Reports show people as `SOURCE/WORKER_ID`: so given, no other source is asked.
fn id_in<'a>(source: &Source, asked: &'a str, hr: &HrSources<'_>) -> Option<&'a str> {
    let names = |name: &str| hr.iter().any(|(source, _)| source.name.as_str() == name);
    match asked.split_once('/') {
        Some((name, id)) if names(name) => (source.name.as_str() == name).then_some(id),
        _ => Some(asked),
    }
}

/// What is known of people who were asked for by work e-mail.
#[derive(Default)]
struct Recognised {
    /// The links of those whose user was found by it.
    links: Vec<Link>,
    /// Their users, as they are now.
    users: Vec<SystemUser>,
    /// Everyone who has a link, these and those whom only the index of the links knew.
    people: BTreeSet<WorkerKey>,
    /// The e-mails of nobody whom we know, in lower case.
    unknown: Vec<String>,
}

/// Whose work e-mails these are. HR has no look-up by e-mail, but the user with that e-mail mostly carries the person's
/// id: one search finds the user, which the run needs anyway, and the link. Whoever is not found so, a rename by hand
/// for example, is looked up among the links' own e-mails.
async fn recognise(
    emails: &[&str],
    hr: &HrSources<'_>,
    jumpcloud: &JumpCloud,
    state: &State,
) -> Result<Recognised, GatherError> {
    let mut known = Recognised::default();
    for emails in emails.chunks(MOST_IN_A_SEARCH) {
        let any_of: Vec<(&str, &str)> = emails.iter().map(|email| ("email", *email)).collect();
        let users: Vec<SystemUser> = jumpcloud
            .find(&any_of)
            .await
            .map_err(GatherError::JumpCloud)?;
        let identifiers = users.iter().map(|user| user.employee_identifier.as_str());
        let keys: Vec<WorkerKey> = identifiers
            .filter(|identifier| !identifier.is_empty())
            .flat_map(|identifier| {
                hr.iter().map(move |(source, _)| WorkerKey {
                    source: source.name.clone(),
                    worker_id: WorkerId::from(identifier),
                })
            })
            .collect();
        let mut links = state.links_of(&keys).await?;
        links.retain(|link| {
            users
                .iter()
                .any(|user| link.user_id.as_ref() == Some(&user.id))
        });
        let is_linked = |email: &str| {
            let user = users
                .iter()
                .find(|user| user.email.to_lowercase() == email.to_lowercase());
            user.is_some_and(|user| {
                links
                    .iter()
                    .any(|link| link.user_id.as_ref() == Some(&user.id))
            })
        };
        for email in emails.iter().filter(|email| !is_linked(email)) {
            let mut found = state.find_by_email(email).await?;
            found.retain(|key| hr.iter().any(|(source, _)| source.name == key.source));
            if found.is_empty() {
                known.unknown.push(email.to_lowercase());
            }
            known.people.extend(found);
        }
        known
            .people
            .extend(links.iter().map(|link| link.key.clone()));
        known.links.extend(links);
        known.users.extend(users);
    }
    Ok(known)
}

/// The people of one source among those asked for: by id, or by the work e-mail of a link, or by that of a record.
async fn read_people(
    asked: &[&str],
    known: &Recognised,
    source: &Source,
    client: &HrSource,
    now: Timestamp,
    progress: &OnProgress,
) -> Result<SourceRead, GatherError> {
    let ours = known.people.iter().filter(|key| key.source == source.name);
    let ids: BTreeSet<WorkerId> = asked
        .iter()
        .map(|id| WorkerId::from(*id))
        .chain(ours.map(|key| key.worker_id.clone()))
        .collect();
    let read = client.some(ids, source, now).await;
    let mut read = read.map_err(|error| unreadable(source, client, error))?;
    if !known.unknown.is_empty() {
        // The whole list is read, and only these people are taken from it.
        let everyone = read_source(source, client, now, progress).await?;
        read.incomplete = everyone.incomplete;
        read.warnings = everyone.warnings;
        for email in &known.unknown {
            let has_email = |worker: &&Worker| worker.work_email.as_deref() == Some(&**email);
            let found: Vec<&Worker> = everyone.workers.iter().filter(has_email).collect();
            if found.is_empty() {
                read.not_found.push(WorkerId::from(email.as_str()));
            }
            for worker in found {
                if read.workers.iter().all(|known| known.id != worker.id) {
                    read.workers.push(worker.clone());
                }
            }
        }
    }
    Ok(read)
}

/// Somebody whom one source knows is not reported as unknown to another.
fn only_told_once(sources: &mut [SourceRead]) {
    let known: BTreeSet<WorkerId> = sources
        .iter()
        .flat_map(|read| &read.workers)
        .map(|worker| worker.id.clone())
        .collect();
    let known_emails: BTreeSet<WorkerId> = sources
        .iter()
        .flat_map(|read| &read.workers)
        .filter_map(|worker| worker.work_email.clone().map(WorkerId))
        .collect();
    let mut told: BTreeSet<WorkerId> = BTreeSet::new();
    for read in sources {
        read.not_found.retain(|id| {
            !known.contains(id) && !known_emails.contains(id) && told.insert(id.clone())
        });
    }
}

/// The keys of a source's people.
fn keys_of(read: &SourceRead) -> impl Iterator<Item = WorkerKey> + '_ {
    read.workers.iter().map(|worker| WorkerKey {
        source: read.name.clone(),
        worker_id: worker.id.clone(),
    })
}

/// The users of these links, read unless they were already.
pub(crate) async fn users_of(
    links: &[Link],
    mut read: Vec<SystemUser>,
    jumpcloud: &JumpCloud,
) -> Result<Vec<SystemUser>, GatherError> {
    let ids: BTreeSet<&SystemUserId> = links
        .iter()
        .filter_map(|link| link.user_id.as_ref())
        .collect();
    read.retain(|user| ids.contains(&user.id));
    let unread = ids
        .into_iter()
        .filter(|id| read.iter().all(|user| user.id != **id));
    let users = try_join_all(unread.map(|id| jumpcloud.user(id))).await;
    read.extend(users.map_err(GatherError::JumpCloud)?.into_iter().flatten());
    Ok(read)
}

//! Undo: what a run's journal says it wrote, and how things stand now. Reads JumpCloud and what we remember, never HR.
//!
//! The plan of the inverse changes is made in `inverse`, and then goes the way of every plan.

mod inverse;

use std::collections::{BTreeMap, BTreeSet};

use clients::JumpCloud;
use jiff::{SignedDuration, Timestamp};
use mapping::{SystemUser, SystemUserId, Text, UserGroupId, WorkerKey};
use serde::{Deserialize, Serialize};
use state::{Link, RunId, State};

pub(crate) use inverse::undo;

use crate::gather::{GatherError, Members, all_members, all_users, users_of};
use crate::journal::{Journal, JournalEntry};
use crate::plan::Membership;
use crate::progress::OnProgress;
use crate::report::Report;
use crate::request::Said;

/// Of more users than this all of JumpCloud is read: a page has a hundred.
const MOST_ALONE: usize = 100;

/// Which run a run undoes, who asked for it and why: as the report keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoes {
    /// The run whose changes are undone.
    pub run_id: Text,
    /// Who asked for it, in which words.
    #[serde(flatten)]
    pub said: Said,
}

/// Leaves out what the run did not come to, for a later one may have done the same; whom it made has the user of its report.
fn keep_begun(journal: &mut Journal, report: &Report) {
    let rows = report.people.iter();
    let rows: BTreeMap<_, _> = rows
        .map(|row| ((&row.source, &row.worker_id), row))
        .collect();
    journal.people.retain_mut(|entry| {
        let Some(row) = rows.get(&(&entry.source, &entry.worker_id)) else {
            return false;
        };
        entry.user_id.clone_from(&row.user_id);
        entry.changes.retain(|change| row.has(change));
        entry.user_id.is_some() && !entry.changes.is_empty()
    });
}

/// What a run wrote, and how things stand now.
pub(crate) struct Past {
    run: RunId,
    journal: Journal,
    /// When the run was over: of one that died, when the next one began.
    ended_at: Option<Timestamp>,
    links: Vec<Link>,
    users: Vec<SystemUser>,
    members: Members,
}

impl Past {
    /// Reads all of it.
    pub(crate) async fn read(
        run: &RunId,
        jumpcloud: &JumpCloud,
        state: &State,
        progress: &OnProgress,
    ) -> Result<Self, GatherError> {
        let Some(mut journal) = state.journal::<Journal>(run).await? else {
            return Err(GatherError::NothingToUndo(run.clone()));
        };
        let ended = state.run(run).await?;
        let ended_at = match &ended {
            Some(run) => {
                let took = run.header.duration_ms.try_into().unwrap_or(i64::MAX);
                // The end is what a clock that was read once made of a stopwatch.
                let slack = SignedDuration::from_secs(1);
                let took = SignedDuration::from_millis(took).saturating_add(slack);
                run.header.started_at.checked_add(took).ok()
            }
            None => state.next_run_at(run).await?,
        };
        let report = ended.and_then(|run| serde_json::from_str(run.report.get()).ok());
        if let Some(report) = report {
            keep_begun(&mut journal, &report);
        }
        let links = state.links().await?;
        let mut past = Self {
            run: run.clone(),
            journal,
            ended_at,
            links,
            users: Vec::new(),
            members: Members::new(),
        };
        past.users = past.users(jumpcloud, progress).await?;
        let groups: BTreeSet<&UserGroupId> = past.groups().into_values().collect();
        past.members = all_members(&Vec::from_iter(groups), jumpcloud).await;
        Ok(past)
    }

    /// The users of those for whom something changed.
    async fn users(
        &self,
        jumpcloud: &JumpCloud,
        progress: &OnProgress,
    ) -> Result<Vec<SystemUser>, GatherError> {
        let links = self.links_by_key();
        let changed = self.journal.people.iter();
        let changed: Vec<Link> = changed
            .filter_map(|entry| Some(Link::clone(links.get(&entry.key())?)))
            .collect();
        if changed.len() > MOST_ALONE {
            all_users(jumpcloud, progress).await
        } else {
            users_of(&changed, Vec::new(), jumpcloud).await
        }
    }

    /// The groups whose members the run changed, by name. Of those that it made, only links know the ids.
    fn groups(&self) -> BTreeMap<&str, &UserGroupId> {
        let links = self.links_by_key();
        let changes = self.journal.people.iter().flat_map(|entry| {
            let memberships = entry.changes.iter();
            memberships.filter_map(move |change| Some((entry, change.membership()?)))
        });
        let group = |(entry, membership): (&JournalEntry, Membership<'_>)| {
            let (Membership::Joins(name) | Membership::Leaves(name)) = membership;
            let named = self.journal.groups.get_key_value(name);
            let given = || {
                let groups = &links.get(&entry.key())?.groups;
                let (id, name) = groups.iter().find(|(_, rule)| *rule == name)?;
                Some((name, id))
            };
            let (name, id) = named.or_else(given)?;
            Some((name.as_str(), id))
        };
        changes.filter_map(group).collect()
    }

    fn links_by_key(&self) -> BTreeMap<&WorkerKey, &Link> {
        self.links.iter().map(|link| (&link.key, link)).collect()
    }

    fn users_by_id(&self) -> BTreeMap<&SystemUserId, &SystemUser> {
        self.users.iter().map(|user| (&user.id, user)).collect()
    }

    /// Whether something of that moment can be the run's.
    fn is_of_run(&self, at: Timestamp) -> bool {
        at >= self.journal.started_at && self.ended_at.is_none_or(|end| at < end)
    }
}

//! The journal: what a run is about to write, as data that is stored before its first write.
//!
//! What came of it is the report's to say. A run that dies leaves its journal, and `undo` starts from one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapping::{SourceName, SystemUserId, Text, UserGroupId, WorkerId, WorkerKey};
use serde::{Deserialize, Serialize};

use crate::judge::ApprovedPlan;
use crate::plan::{Change, Reason};

/// What a run is about to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// When the run started.
    pub started_at: Timestamp,
    /// The groups that people are put into and taken out of, by name; not those still to be made.
    pub groups: BTreeMap<Text, UserGroupId>,
    /// Everyone for whom something changes.
    pub people: Vec<JournalEntry>,
}

/// What is about to change for one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The source.
    pub source: SourceName,
    /// The person's id there.
    pub worker_id: WorkerId,
    /// The JumpCloud user; `None` where it is still to be created.
    pub user_id: Option<SystemUserId>,
    /// The username, given or to be given.
    pub username: Text,
    /// What the changes rest on, where that is more than HR's values.
    pub reason: Option<Reason>,
    /// The changes, each with its class and the values before and after.
    pub changes: Vec<Change>,
}

impl Journal {
    /// What applying this plan writes; `None` when that is nothing.
    pub(crate) fn of(plan: &ApprovedPlan, started_at: Timestamp) -> Option<Self> {
        let people = plan.people().iter().map(|person| &person.plan);
        let changing = people.filter(|plan| plan.skipped.is_none() && !plan.changes.is_empty());
        let people: Vec<JournalEntry> = changing
            .map(|plan| JournalEntry {
                source: plan.key.source.clone(),
                worker_id: plan.key.worker_id.clone(),
                user_id: plan.user_id.clone(),
                username: plan.username.clone(),
                reason: plan.evidence.clone(),
                changes: plan.changes.clone(),
            })
            .collect();
        let groups = plan.groups().iter();
        let groups = groups.filter_map(|(name, facts)| Some((name.clone(), facts.id.clone()?)));
        (!people.is_empty()).then(|| Self {
            started_at,
            groups: groups.collect(),
            people,
        })
    }
}

impl JournalEntry {
    /// Whose.
    pub fn key(&self) -> WorkerKey {
        WorkerKey {
            source: self.source.clone(),
            worker_id: self.worker_id.clone(),
        }
    }
}

//! The plan: what should change, as plain data. `planner` makes it, `judge` splits it, `apply` performs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use mapping::{
    AdoptBy, Attribute, Class, CustomAttribute, SourceName, SystemUserId, Text, UserGroupId,
    WorkerId, WorkerKey,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use state::Link;

/// What should change, before anything is judged or written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Everyone who is not simply unchanged, by source and worker id.
    pub people: Vec<PersonPlan>,
    /// What a person should look at.
    pub warnings: Vec<RunWarning>,
    /// How each source was read, in the order of the configuration.
    pub sources: Vec<SourceFacts>,
    /// The groups that people may be put into and taken out of, by name.
    pub groups: BTreeMap<Text, GroupFacts>,
    /// Those present with a user of ours whose record changed since what HR tells apart of them was last read.
    pub outdated: Vec<WorkerKey>,
    /// How many people are in step: they have no row.
    pub unchanged: usize,
    /// How many people the sources are not for, without a user of ours: they have no row either.
    pub out_of_scope: usize,
}

/// What limits are judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFacts {
    /// The source.
    pub name: SourceName,
    /// Links of this source before the run.
    pub links: usize,
    /// People whom this source lists.
    pub listed: usize,
    /// People whom it listed at its last good read.
    pub listed_before: Option<u64>,
    /// Whether the whole source was read.
    pub complete: bool,
    /// Whom earlier runs suspended within the last 24 hours, by class.
    pub recent: BTreeMap<Class, BTreeSet<WorkerId>>,
}

/// What is known of a group, by which its limit is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupFacts {
    /// Its id; `None` while it is still to be made.
    pub id: Option<UserGroupId>,
    /// How many people rules have put into it before the run.
    pub given: usize,
}

impl Plan {
    /// Counts whom rules have put into each group, by these links.
    pub(crate) fn count_given(&mut self, links: &[Link]) {
        let mut given: BTreeMap<&UserGroupId, usize> = BTreeMap::new();
        for id in links.iter().flat_map(|link| link.groups.keys()) {
            *given.entry(id).or_default() += 1;
        }
        for GroupFacts { id, given: count } in self.groups.values_mut() {
            let people = id.as_ref().and_then(|id| given.get(id));
            *count = people.copied().unwrap_or_default();
        }
    }
}

/// One person's part of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonPlan {
    /// Whose.
    pub key: WorkerKey,
    /// The JumpCloud user; `None` until it is created.
    pub user_id: Option<SystemUserId>,
    /// The username, given or to be given; empty when there is none.
    pub username: Text,
    /// The work e-mail that the link is found by.
    pub email: Text,
    /// What we remember, before the run.
    pub link: Option<Link>,
    /// How an existing user that is not ours yet was recognised.
    pub adopts: Option<AdoptBy>,
    /// The link of the profile that this one replaced in HR: the user was theirs.
    pub replaces: Option<Box<Link>>,
    /// What changes, attributes first.
    pub changes: Vec<Change>,
    /// Groups that a rule put the person into and that they left without us: no longer remembered.
    pub forgets: BTreeSet<UserGroupId>,
    /// The user of the manager, when it is known before the run.
    pub manager_user: Option<SystemUserId>,
    /// HR's last day, when the suspension was asked for before it.
    pub ahead_of: Option<Date>,
    /// Where an invitation goes, the next only when JumpCloud refuses the one before.
    pub invitations: Vec<Text>,
    /// The user's present custom attributes, when one of them changes: JumpCloud replaces the array whole.
    pub custom_attributes: Vec<CustomAttribute>,
    /// What is remembered of HR's values without being written, on adoption.
    pub baseline: Vec<(Attribute, Value)>,
    /// What is noted in the link, beside the changes.
    pub note: Note,
    /// The version of HR's record with which this run read what HR tells apart: noted in the link as well.
    pub details: Option<Text>,
    /// What a suspension rests on.
    pub evidence: Option<Reason>,
    /// Why nothing is done.
    pub skipped: Option<Reason>,
}

/// What is noted in a link although JumpCloud stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Note {
    /// Nothing.
    #[default]
    Nothing,
    /// The link is brought in line with what was seen: an unfinished write that did finish, or a person listed again.
    Settled {
        /// Somebody undid our suspension: it is no longer ours.
        undone: bool,
    },
    /// The person left while a SCIM client kept the user off: no client brings them back any more.
    Closed,
    /// The person was missing from one more complete read.
    Missing,
    /// Another profile of the same person has the user: this link is forgotten.
    Replaced,
    /// A read of this one person at this moment says that they are still there.
    StillThere(Timestamp),
}

/// One change of one attribute: what limits count, digests cover and reports show.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The class that limits count it in.
    pub class: Class,
    /// JumpCloud's attribute; also `owner` (whose the user is), `invitation` (where the mail goes) and `groups` (one that
    /// the user is put into, or taken out of).
    pub attribute: Text,
    /// What JumpCloud holds; null when unset.
    pub from: Value,
    /// What it should hold. A manager whom a source lists is `{"worker_id": …}`, with the `source` where that is another
    /// one: whose user it is may only come out in the run.
    pub to: Value,
    /// What HR says, where `to` holds more than that.
    pub hr: Value,
}

/// The attribute of a change of membership.
pub(crate) const GROUPS: &str = "groups";

/// What a change does to a membership of the group called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Membership<'a> {
    /// The person is put into the group.
    Joins(&'a str),
    /// The person is taken out of it.
    Leaves(&'a str),
}

impl Change {
    /// Puts somebody into a group.
    pub(crate) fn joins(class: Class, group: &str) -> Self {
        let to = json!(group);
        Self {
            class,
            attribute: Text::const_new(GROUPS),
            from: Value::Null,
            hr: to.clone(),
            to,
        }
    }

    /// Takes somebody out of a group.
    pub(crate) fn leaves(group: &str) -> Self {
        Self {
            class: Class::GroupRemove,
            attribute: Text::const_new(GROUPS),
            from: json!(group),
            hr: Value::Null,
            to: Value::Null,
        }
    }

    /// Whether it suspends somebody.
    pub(crate) fn takes_access(&self) -> bool {
        matches!(
            self.class,
            Class::Suspend | Class::Missing | Class::OutOfScope
        )
    }

    /// What it does to a membership, if it is about one.
    pub(crate) fn membership(&self) -> Option<Membership<'_>> {
        if self.attribute != GROUPS {
            return None;
        }
        let joins = self.to.as_str().map(Membership::Joins);
        joins.or(self.from.as_str().map(Membership::Leaves))
    }
}

/// Why somebody is skipped, held or failed: a stable code and words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable code, such as `no_work_email`.
    pub code: Text,
    /// What was seen and what to do.
    pub text: String,
}

impl Reason {
    /// A reason with its stable code.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code: Text::const_new(code),
            text: text.into(),
        }
    }
}

/// A warning of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWarning {
    /// A stable code.
    pub code: Text,
    /// What was seen and what follows.
    pub message: String,
    /// The source it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// The person it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<WorkerId>,
}

impl RunWarning {
    /// A warning about one person.
    pub fn of(key: &WorkerKey, code: Text, message: String) -> Self {
        Self {
            code,
            message,
            source: Some(key.source.clone()),
            worker_id: Some(key.worker_id.clone()),
        }
    }

    /// Whether it is about this person.
    pub(crate) fn is_about(&self, key: &WorkerKey) -> bool {
        self.source.as_ref() == Some(&key.source) && self.worker_id.as_ref() == Some(&key.worker_id)
    }

    /// A warning about the whole run.
    pub fn of_run(code: &'static str, message: String) -> Self {
        Self {
            code: Text::const_new(code),
            message,
            source: None,
            worker_id: None,
        }
    }

    /// A warning about a source.
    pub fn of_source(source: &SourceName, code: &'static str, message: String) -> Self {
        Self {
            code: Text::const_new(code),
            message,
            source: Some(source.clone()),
            worker_id: None,
        }
    }
}

/// The digest of one change or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeDigest(pub [u8; 32]);

impl std::fmt::Display for ChangeDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl ChangeDigest {
    /// The digest over several changes, whatever their order.
    pub fn of_all(changes: impl IntoIterator<Item = Self>) -> Self {
        let mut sorted: Vec<Self> = changes.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut hash = Sha256::new();
        for digest in sorted {
            hash.update(digest.0);
        }
        Self(hash.finalize().into())
    }
}

impl PersonPlan {
    /// Nothing yet for this person.
    pub(crate) fn new(key: WorkerKey) -> Self {
        Self {
            key,
            user_id: None,
            username: Text::default(),
            email: Text::default(),
            link: None,
            adopts: None,
            replaces: None,
            changes: Vec::new(),
            forgets: BTreeSet::new(),
            manager_user: None,
            ahead_of: None,
            invitations: Vec::new(),
            custom_attributes: Vec::new(),
            baseline: Vec::new(),
            note: Note::Nothing,
            details: None,
            evidence: None,
            skipped: None,
        }
    }

    /// Nothing is done, for this reason.
    pub(crate) fn skip(mut self, code: &'static str, text: impl Into<String>) -> Self {
        self.skipped = Some(Reason::new(code, text));
        self
    }

    /// Whether anything at all is to be done, written down or told.
    pub(crate) fn is_silent(&self) -> bool {
        self.changes.is_empty()
            && self.note == Note::Nothing
            && self.forgets.is_empty()
            && self.details.is_none()
            && self.skipped.is_none()
            && self.adopts.is_none()
    }

    /// The digest of one of this person's changes: over source, worker, user, class, attribute, from and to.
    pub fn digest(&self, change: &Change) -> ChangeDigest {
        // Written as it is, not by way of a copy of every value: a company all new has a million of these.
        let canonical = serde_json::to_vec(&(
            &self.key.source,
            &self.key.worker_id,
            &self.user_id,
            change.class,
            &change.attribute,
            &change.from,
            &change.to,
        ));
        // Text and JSON values always serialize.
        ChangeDigest(Sha256::digest(canonical.unwrap_or_default()).into())
    }

    /// Whether a change of this class is among the changes.
    pub fn has(&self, class: Class) -> bool {
        self.changes.iter().any(|change| change.class == class)
    }

    /// The manager who must get a user before this person's `manager` can be written.
    pub fn awaits(&self) -> Option<WorkerKey> {
        let mut changes = self.changes.iter();
        let manager = changes.find_map(|change| manager_of(&change.to, &self.key.source))?;
        self.manager_user.is_none().then_some(manager)
    }

    /// Whether these changes make a user ours: nothing else happens to this person before.
    pub fn founds(&self) -> bool {
        self.has(Class::Create) || self.has(Class::Adopt)
    }
}

/// The manager in a change of somebody of this source.
pub(crate) fn manager_of(value: &Value, source: &SourceName) -> Option<WorkerKey> {
    let worker_id = value.get("worker_id")?.as_str()?;
    let other = value.get("source").and_then(Value::as_str);
    Some(WorkerKey {
        source: other.map_or_else(|| source.clone(), SourceName::from),
        worker_id: WorkerId::from(worker_id),
    })
}

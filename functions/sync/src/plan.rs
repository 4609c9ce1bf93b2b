//! Snapshot → plan: what should change, for whom, and why. Pure: the same snapshot gives the same plan.
//!
//! Nothing is decided later: `judge` holds classes back, `apply` performs what is left.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Source};
use jiff::{SignedDuration, Timestamp};
use mapping::{
    AdoptBy, Attribute, AttributeRule, Class, CustomAttribute, DesiredUser, Invite, Leavers,
    MappingError, Missing, NoAccount, Rehires, SourceName, Standing, SystemUser, SystemUserId,
    Text, Update, UserState, Usernames, Worker, WorkerId, WorkerKey, Written, desired_user, diff,
    leaving_moment, standing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use state::Link;

use crate::gather::{Scope, Snapshot, SourceRead};

/// What should change, before anything is judged or written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Everyone who is not simply unchanged, by source and worker id.
    pub people: Vec<PersonPlan>,
    /// What a person should look at.
    pub warnings: Vec<RunWarning>,
    /// How each source was read, in the order of the configuration.
    pub sources: Vec<SourceFacts>,
    /// How many people are in step: they have no row.
    pub unchanged: usize,
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
    /// Suspensions of the last 24 hours, by class, earlier runs only.
    pub recent: BTreeMap<Class, usize>,
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
    /// What changes, attributes first.
    pub changes: Vec<Change>,
    /// The user of the manager, when it is known before the run.
    pub manager_user: Option<SystemUserId>,
    /// Where an invitation goes, the next only when JumpCloud refuses the one before.
    pub invitations: Vec<Text>,
    /// The user's present custom attributes, when one of them changes: JumpCloud replaces the array whole.
    pub custom_attributes: Vec<CustomAttribute>,
    /// What is remembered of HR's values without being written, on adoption.
    pub baseline: Vec<(Attribute, Value)>,
    /// What is noted in the link, beside the changes.
    pub note: Note,
    /// Why nothing is done.
    pub skipped: Option<Reason>,
}

/// What is noted in a link although JumpCloud stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Note {
    /// Nothing.
    #[default]
    Nothing,
    /// The link is brought in line with what was seen: an unfinished write that did finish, a person listed
    /// again, a suspension that somebody undid.
    Settled,
    /// The person was missing from one more complete read.
    Missing,
    /// A read of this one person at this moment says that they are still there.
    StillThere(Timestamp),
}

/// One change of one attribute: what limits count, digests cover and reports show.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The class that limits count it in.
    pub class: Class,
    /// JumpCloud's attribute; also `owner` (whose the user is) and `invitation` (where the mail goes).
    pub attribute: Text,
    /// What JumpCloud holds; null when unset.
    pub from: Value,
    /// What it should hold. A manager is `{"worker_id": …}`: whose user that is may only come out in the run.
    pub to: Value,
    /// What HR says, where `to` holds more than that.
    pub hr: Value,
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
        let sorted: BTreeSet<Self> = changes.into_iter().collect();
        let mut hash = Sha256::new();
        for digest in sorted {
            hash.update(digest.0);
        }
        Self(hash.finalize().into())
    }
}

impl PersonPlan {
    fn new(key: WorkerKey) -> Self {
        Self {
            key,
            user_id: None,
            username: Text::default(),
            email: Text::default(),
            link: None,
            adopts: None,
            changes: Vec::new(),
            manager_user: None,
            invitations: Vec::new(),
            custom_attributes: Vec::new(),
            baseline: Vec::new(),
            note: Note::Nothing,
            skipped: None,
        }
    }

    fn skip(mut self, code: &'static str, text: impl Into<String>) -> Self {
        self.skipped = Some(Reason::new(code, text));
        self
    }

    /// Whether anything at all is to be done, written down or told.
    fn is_silent(&self) -> bool {
        self.changes.is_empty()
            && self.note == Note::Nothing
            && self.skipped.is_none()
            && self.adopts.is_none()
    }

    /// The digest of one of this person's changes: over source, worker, user, class, attribute, from and to.
    pub fn digest(&self, change: &Change) -> ChangeDigest {
        let canonical = json!([
            self.key.source,
            self.key.worker_id,
            self.user_id,
            change.class,
            change.attribute,
            change.from,
            change.to
        ]);
        ChangeDigest(Sha256::digest(canonical.to_string()).into())
    }

    /// Whether a change of this class is among the changes.
    pub fn has(&self, class: Class) -> bool {
        self.changes.iter().any(|change| change.class == class)
    }

    /// The manager who must get a user before this person's `manager` can be written.
    pub fn awaits(&self) -> Option<WorkerKey> {
        let worker_id = self
            .changes
            .iter()
            .find_map(|change| manager_of(&change.to))?;
        let source = self.key.source.clone();
        self.manager_user
            .is_none()
            .then_some(WorkerKey { source, worker_id })
    }

    /// Whether these changes make a user ours: nothing else happens to this person before.
    pub fn founds(&self) -> bool {
        self.has(Class::Create) || self.has(Class::Adopt)
    }
}

/// The worker id of a manager in a change.
pub(crate) fn manager_of(value: &Value) -> Option<WorkerId> {
    value
        .get("worker_id")
        .and_then(Value::as_str)
        .map(WorkerId::from)
}

impl Plan {
    /// The digest of each change.
    pub fn change_digests(&self) -> Vec<ChangeDigest> {
        let of_person = |person: &PersonPlan| -> Vec<ChangeDigest> {
            person
                .changes
                .iter()
                .map(|change| person.digest(change))
                .collect()
        };
        self.people.iter().flat_map(of_person).collect()
    }
}

/// Plans a run: pure, and the same for the same snapshot whatever order the vendors answered in.
pub fn plan(snapshot: &Snapshot, config: &Config, now: Timestamp) -> Plan {
    Planner::new(snapshot, config, now).plan()
}

/// How a person of HR stands to JumpCloud.
#[derive(Debug, Clone, Copy)]
enum Found<'a> {
    /// Their user is ours.
    Linked(&'a Link, &'a SystemUser),
    /// Their user was deleted in JumpCloud.
    Deleted(&'a Link),
    /// A create was begun, and no user is there.
    Begun(&'a Link),
    /// A user carries their id as employee identifier.
    ByIdentifier(&'a SystemUser),
    /// A user has their work e-mail.
    ByEmail(&'a SystemUser),
    /// Nobody.
    Nobody,
}

impl<'a> Found<'a> {
    /// The user who would be adopted.
    fn claimed(self) -> Option<&'a SystemUser> {
        match self {
            Self::ByIdentifier(user) | Self::ByEmail(user) => Some(user),
            Self::Linked(..) | Self::Deleted(_) | Self::Begun(_) | Self::Nobody => None,
        }
    }
}

/// One person with what was found out before any decision.
struct Candidate<'a> {
    source: usize,
    worker: &'a Worker,
    standing: Standing,
    found: Found<'a>,
}

impl Candidate<'_> {
    /// Whether HR wants an account for this person.
    fn is_present(&self) -> bool {
        matches!(self.standing, Standing::Staged(_) | Standing::Active(_))
    }
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    config: &'a Config,
    now: Timestamp,
    users: BTreeMap<&'a str, &'a SystemUser>,
    users_by_email: BTreeMap<String, &'a SystemUser>,
    users_by_identifier: BTreeMap<&'a str, &'a SystemUser>,
    links: BTreeMap<(&'a str, &'a str), &'a Link>,
    owners: BTreeMap<&'a str, &'a Link>,
    /// The users that people have, or get by adoption without asking.
    accounts: BTreeMap<(usize, &'a str), &'a SystemUserId>,
    /// People who get a user in this run, if nothing holds that.
    coming: BTreeSet<(usize, &'a str)>,
    /// People whose chain of managers comes back to them.
    circles: BTreeSet<(usize, &'a str)>,
    usernames: Usernames,
    warnings: Vec<RunWarning>,
}

impl<'a> Planner<'a> {
    fn new(snapshot: &'a Snapshot, config: &'a Config, now: Timestamp) -> Self {
        let users = &snapshot.users;
        let mut usernames = Usernames::default();
        let taken = users.iter().map(|user| &user.username);
        taken
            .chain(snapshot.links.iter().map(|link| &link.username))
            .for_each(|name| usernames.take(name));
        Self {
            snapshot,
            config,
            now,
            users: users.iter().map(|user| (user.id.as_str(), user)).collect(),
            users_by_email: users
                .iter()
                .map(|user| (user.email.to_lowercase().into(), user))
                .collect(),
            users_by_identifier: users
                .iter()
                .filter(|user| !user.employee_identifier.is_empty())
                .map(|user| (user.employee_identifier.as_str(), user))
                .collect(),
            links: snapshot
                .links
                .iter()
                .map(|link| {
                    (
                        (link.key.source.as_str(), link.key.worker_id.as_str()),
                        link,
                    )
                })
                .collect(),
            owners: snapshot
                .links
                .iter()
                .filter_map(|link| Some((link.user_id.as_ref()?.as_str(), link)))
                .collect(),
            accounts: BTreeMap::new(),
            coming: BTreeSet::new(),
            circles: BTreeSet::new(),
            usernames,
            warnings: Vec::new(),
        }
    }

    fn plan(mut self) -> Plan {
        let candidates = self.candidates();
        let refusals = Refusals::of(&candidates, self.snapshot);
        self.circles = circles(&candidates);
        let mut people = Vec::new();
        // Creates come first, so that everybody knows whose manager will have a user.
        let planned: BTreeMap<(usize, &str), Text> = self.name_new_users(&candidates, &refusals);
        self.note_accounts(&candidates, &refusals, &planned);
        let mut unchanged = 0;
        for (index, candidate) in candidates.iter().enumerate() {
            let person = self.person(candidate, refusals.of.get(&index), &planned);
            if person.is_silent() {
                unchanged += 1;
            } else {
                people.push(person);
            }
        }
        self.unreadable(&mut people);
        self.missing(&candidates, &mut people);
        people.sort_by(|a, b| {
            (self.rank(&a.key.source), &a.key).cmp(&(self.rank(&b.key.source), &b.key))
        });
        Plan {
            people,
            sources: self.facts(),
            warnings: self.warnings,
            unchanged,
        }
    }

    /// A source's place in the configuration.
    fn rank(&self, name: &SourceName) -> usize {
        self.config
            .sources
            .iter()
            .position(|source| source.name == *name)
            .unwrap_or(usize::MAX)
    }

    fn source(&self, read: usize) -> Option<(&'a SourceRead, &'a Source)> {
        let read = self.snapshot.sources.get(read)?;
        Some((
            read,
            self.config
                .sources
                .iter()
                .find(|source| source.name == read.name)?,
        ))
    }

    /// Everyone whom the sources list, by source and worker id.
    fn candidates(&self) -> Vec<Candidate<'a>> {
        let mut candidates = Vec::new();
        for index in 0..self.snapshot.sources.len() {
            let Some((read, source)) = self.source(index) else {
                continue;
            };
            let mut workers: Vec<&Worker> = read.workers.iter().collect();
            workers.sort_by(|a, b| a.id.cmp(&b.id));
            candidates.extend(workers.into_iter().map(|worker| Candidate {
                source: index,
                worker,
                standing: self.standing(worker, source),
                found: self.find(worker, source),
            }));
        }
        candidates
    }

    fn standing(&self, worker: &Worker, source: &Source) -> Standing {
        let lifecycle = &source.policy.lifecycle;
        if self.snapshot.scope == Scope::LeaveNow
            && let Some(last_day) = worker.employment.last_day
            && leaving_moment(worker, lifecycle).is_some()
        {
            return Standing::Gone(format!("asked for at once; HR's last day is {last_day}"));
        }
        standing(worker, lifecycle, self.now)
    }

    fn find(&self, worker: &Worker, source: &Source) -> Found<'a> {
        let by_identifier = || {
            worker
                .identifiers()
                .find_map(|identifier| self.users_by_identifier.get(identifier).copied())
        };
        if let Some(link) = self
            .links
            .get(&(source.name.as_str(), worker.id.as_str()))
            .copied()
        {
            return match &link.user_id {
                Some(id) => match (self.users.get(id.as_str()), by_identifier()) {
                    (Some(user), _) => Found::Linked(link, user),
                    (None, Some(user)) => Found::ByIdentifier(user),
                    (None, None) => Found::Deleted(link),
                },
                None => match self.begun(link, by_identifier()) {
                    Some(user) => Found::Linked(link, user),
                    None => Found::Begun(link),
                },
            };
        }
        for key in &source.policy.adopt {
            let found = match key {
                AdoptBy::EmployeeIdentifier => by_identifier().map(Found::ByIdentifier),
                AdoptBy::Email => self
                    .with_email(worker.work_email.as_deref())
                    .map(Found::ByEmail),
            };
            if let Some(found) = found {
                return found;
            }
        }
        Found::Nobody
    }

    /// The user that an unfinished create of ours made: it has the intent's username, and our identifier or e-mail.
    fn begun(&self, link: &Link, by_identifier: Option<&'a SystemUser>) -> Option<&'a SystemUser> {
        let unowned = |user: &&SystemUser| !self.owners.contains_key(user.id.as_str());
        by_identifier
            .or_else(|| {
                self.with_email(Some(&link.email))
                    .filter(|user| user.employee_identifier.is_empty())
            })
            .filter(unowned)
            .filter(|user| user.username.eq_ignore_ascii_case(&link.username))
    }

    /// Notes who has a user, gets one by adoption without asking, or gets one otherwise.
    fn note_accounts(
        &mut self,
        candidates: &[Candidate<'a>],
        refusals: &Refusals,
        planned: &BTreeMap<(usize, &'a str), Text>,
    ) {
        self.coming = planned.keys().copied().collect();
        for (index, candidate) in candidates.iter().enumerate() {
            let key = (candidate.source, candidate.worker.id.as_str());
            let refused = refusals.of.contains_key(&index);
            match candidate.found {
                Found::Linked(_, user) => {
                    self.accounts.insert(key, &user.id);
                }
                Found::ByIdentifier(user)
                    if !refused
                        && self.will_adopt(candidate, user, AdoptBy::EmployeeIdentifier) =>
                {
                    self.accounts.insert(key, &user.id);
                }
                Found::ByEmail(user)
                    if !refused && self.will_adopt(candidate, user, AdoptBy::Email) =>
                {
                    self.coming.insert(key);
                }
                Found::ByIdentifier(_)
                | Found::ByEmail(_)
                | Found::Begun(_)
                | Found::Deleted(_)
                | Found::Nobody => {}
            }
        }
    }

    fn will_adopt(&self, candidate: &Candidate<'a>, user: &SystemUser, by: AdoptBy) -> bool {
        let Some((read, source)) = self.source(candidate.source) else {
            return false;
        };
        let worker = candidate.worker;
        let key = WorkerKey {
            source: source.name.clone(),
            worker_id: worker.id.clone(),
        };
        candidate.is_present()
            && self.may_add(read)
            && self.adoption_refusal(&key, worker, user, by).is_none()
            && desired_user(worker, &source.policy.attributes, None).is_ok()
    }

    fn with_email(&self, email: Option<&str>) -> Option<&'a SystemUser> {
        self.users_by_email.get(&email?.to_lowercase()).copied()
    }

    /// Whether a user may never be written.
    fn protection(&self, user: &SystemUser) -> Option<&'static str> {
        let protect = &self.config.protect;
        if protect
            .usernames
            .iter()
            .any(|name| user.username.eq_ignore_ascii_case(name))
        {
            return Some("the user is protected by the configuration");
        }
        (protect.admins && user.admin).then_some("the user is a JumpCloud administrator")
    }

    /// Gives a username to everyone who gets an account, in the order of sources and worker ids.
    fn name_new_users(
        &mut self,
        candidates: &[Candidate<'a>],
        refusals: &Refusals,
    ) -> BTreeMap<(usize, &'a str), Text> {
        let mut planned = BTreeMap::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let is_new = matches!(candidate.found, Found::Nobody | Found::Begun(_));
            let Some((_, source)) = self.source(candidate.source) else {
                continue;
            };
            if !is_new || !candidate.is_present() || refusals.of.contains_key(&index) {
                continue;
            }
            let worker = candidate.worker;
            // An e-mail that somebody else holds, or a person who cannot be mapped, is told by `new_user`.
            if self.with_email(worker.work_email.as_deref()).is_some()
                || desired_user(worker, &source.policy.attributes, None).is_err()
            {
                continue;
            }
            let begun = match candidate.found {
                // Under the name of the intent, unless that now belongs to somebody else: then our create never was.
                Found::Begun(link) => Some(link.username.clone()).filter(|name| {
                    !self
                        .snapshot
                        .users
                        .iter()
                        .any(|user| user.username.eq_ignore_ascii_case(name))
                }),
                _ => None,
            };
            let username = match begun {
                Some(username) => Ok(username),
                None => self.usernames.give(&source.policy.username, worker),
            };
            if let Ok(username) = username {
                planned.insert((candidate.source, worker.id.as_str()), username);
            }
        }
        planned
    }

    fn person(
        &mut self,
        candidate: &Candidate<'a>,
        refusal: Option<&Reason>,
        planned: &BTreeMap<(usize, &'a str), Text>,
    ) -> PersonPlan {
        let worker = candidate.worker;
        let Some((read, source)) = self.source(candidate.source) else {
            return PersonPlan::new(WorkerKey {
                source: SourceName::default(),
                worker_id: worker.id.clone(),
            });
        };
        let mut person = PersonPlan::new(WorkerKey {
            source: source.name.clone(),
            worker_id: worker.id.clone(),
        });
        for warning in &worker.warnings {
            self.warnings.push(RunWarning::of(
                &person.key,
                warning.code.clone(),
                warning.message.clone(),
            ));
        }
        if let Standing::Unclear(seen) = &candidate.standing {
            self.warn(
                &person.key,
                "status_unclear",
                format!("{seen}; nothing is changed for this person"),
            );
            if let Found::Linked(link, user) = candidate.found {
                note_ours(&mut person, link, user);
            }
            return person;
        }
        let manager = self.manager(candidate, source, &person.key);
        if let Some(reason) = refusal {
            if let Found::Linked(link, user) = candidate.found {
                note_ours(&mut person, link, user);
            }
            person.skipped = Some(reason.clone());
            return person;
        }
        let may_add = self.may_add(read);
        let mut person = match candidate.found {
            Found::Linked(link, user) => self.ours(person, candidate, source, link, user, manager),
            Found::Deleted(_) if !candidate.is_present() => person,
            Found::Deleted(link) => {
                person.username.clone_from(&link.username);
                person.user_id.clone_from(&link.user_id);
                person.skip(
                    "user_deleted",
                    "the JumpCloud user was deleted; no second one is made by itself: `rollcall release` forgets it, and the next run creates a new one",
                )
            }
            Found::ByIdentifier(user) => self.adopt(
                person,
                candidate,
                source,
                user,
                AdoptBy::EmployeeIdentifier,
                manager,
                may_add,
            ),
            Found::ByEmail(user) => self.adopt(
                person,
                candidate,
                source,
                user,
                AdoptBy::Email,
                manager,
                may_add,
            ),
            Found::Begun(_) | Found::Nobody if !candidate.is_present() => {
                self.without_account(person, candidate)
            }
            Found::Begun(link) => {
                person.link = Some(link.clone());
                let username = planned.get(&(candidate.source, worker.id.as_str()));
                self.new_user(person, candidate, source, username, manager, may_add)
            }
            Found::Nobody => {
                let username = planned.get(&(candidate.source, worker.id.as_str()));
                self.new_user(person, candidate, source, username, manager, may_add)
            }
        };
        manager.name(&mut person);
        person
    }

    fn warn(&mut self, key: &WorkerKey, code: &'static str, message: String) {
        self.warnings
            .push(RunWarning::of(key, Text::const_new(code), message));
    }

    /// While an earlier source is incomplete, somebody in it may be the same person: no later source adds anyone.
    fn may_add(&self, read: &SourceRead) -> bool {
        let earlier = self
            .snapshot
            .sources
            .iter()
            .take_while(|other| other.name != read.name);
        earlier.into_iter().all(|other| other.incomplete.is_none())
    }

    /// Somebody without an account who gets none.
    fn without_account(&mut self, person: PersonPlan, candidate: &Candidate<'_>) -> PersonPlan {
        match candidate.standing {
            Standing::Absent(NoAccount::NoStartDate) => person.skip(
                "no_start_date",
                "a pre-hire without a start date gets no account: add one in HR",
            ),
            _ => person,
        }
    }

    /// The user of this person's manager, or the manager who gets one in this run.
    fn manager(
        &mut self,
        candidate: &Candidate<'a>,
        source: &'a Source,
        key: &WorkerKey,
    ) -> ManagerUser<'a> {
        let worker = candidate.worker;
        let Some(manager) = &worker.manager else {
            return ManagerUser::Unknown;
        };
        if !source
            .policy
            .attributes
            .iter()
            .any(|rule| rule.attribute == Attribute::Manager)
        {
            return ManagerUser::Unknown;
        }
        if self
            .circles
            .contains(&(candidate.source, worker.id.as_str()))
        {
            self.warn(
                key,
                "manager_circle",
                "the managers form a circle in HR; the manager is left as it is".to_owned(),
            );
            return ManagerUser::Unknown;
        }
        let user = self
            .accounts
            .get(&(candidate.source, manager.as_str()))
            .copied()
            .or_else(|| {
                // A run for a few people has read their managers' links, and nothing else of the managers.
                let link = self.links.get(&(source.name.as_str(), manager.as_str()))?;
                link.user_id
                    .as_ref()
                    .filter(|_| self.snapshot.scope != Scope::Everyone)
            });
        match user {
            Some(user) => ManagerUser::Known { manager, user },
            None if self.coming.contains(&(candidate.source, manager.as_str())) => {
                ManagerUser::Planned(manager)
            }
            None => ManagerUser::Unknown,
        }
    }

    /// Somebody whose user is ours.
    fn ours(
        &mut self,
        mut person: PersonPlan,
        candidate: &Candidate<'a>,
        source: &Source,
        link: &'a Link,
        user: &'a SystemUser,
        manager: ManagerUser<'_>,
    ) -> PersonPlan {
        note_ours(&mut person, link, user);
        if let Some(why) = self.protection(user) {
            return person.skip("protected", format!("{why} and is never written"));
        }
        match &candidate.standing {
            Standing::Absent(_) | Standing::Unclear(_) => return person,
            Standing::Gone(why) => {
                self.suspend(&mut person, source, user, Class::Suspend, why);
                return person;
            }
            Standing::Staged(_) | Standing::Active(_) => {}
        }
        let desired =
            match desired_user(candidate.worker, &source.policy.attributes, manager.known()) {
                Ok(desired) => desired,
                Err(error) => return skip_unmappable(person, &error),
            };
        self.attributes(&mut person, &desired, user, Some(link));
        manager.change(&mut person, user, &source.policy.attributes);
        if let Standing::Active(_) = candidate.standing {
            self.give_access(&mut person, candidate.worker, source, user, Some(link));
        }
        settle(&mut person, link, user);
        person
    }

    /// The attributes that differ.
    fn attributes(
        &mut self,
        person: &mut PersonPlan,
        desired: &DesiredUser<'_>,
        user: &SystemUser,
        link: Option<&Link>,
    ) {
        for warning in &desired.warnings {
            self.warnings.push(RunWarning::of(
                &person.key,
                warning.code.clone(),
                warning.message.clone(),
            ));
        }
        // What we wrote is only decoded for the few who differ from JumpCloud at all.
        if diff(desired, user, None).is_empty() {
            return;
        }
        let written = match link.map(Link::written) {
            None => None,
            Some(Ok(written)) => Some(written),
            Some(Err(error)) => {
                self.warn(
                    &person.key,
                    "link_damaged",
                    format!(
                        "what we last wrote cannot be read, so HR's values count as new: {error}"
                    ),
                );
                None
            }
        };
        // A write that was cut off may or may not have arrived: HR's value then counts as changed.
        let compared = written
            .as_ref()
            .filter(|_| link.is_some_and(|link| link.pending.is_none()));
        for change in diff(desired, user, compared) {
            if self.is_refused(person, &change, user, link, written.as_ref()) {
                continue;
            }
            let class = match (person.adopts, &change.attribute) {
                (Some(AdoptBy::Email), _) => Class::Adopt,
                (_, Attribute::Email) => Class::Rename,
                _ if change.to.is_null() => Class::Blank,
                _ => Class::Update,
            };
            if matches!(change.attribute, Attribute::Custom(_)) {
                person.custom_attributes.clone_from(&user.attributes);
            }
            if change.attribute == Attribute::Email
                && let Some(email) = change.hr.as_str()
            {
                person.email = email.into();
            }
            person.changes.push(Change {
                class,
                attribute: change.attribute.to_string().into(),
                from: change.from,
                to: change.to,
                hr: change.hr,
            });
        }
    }

    /// Whether an attribute stays as it is although HR says otherwise.
    fn is_refused(
        &mut self,
        person: &mut PersonPlan,
        change: &mapping::AttributeChange,
        user: &SystemUser,
        link: Option<&Link>,
        written: Option<&Written>,
    ) -> bool {
        let addresses = matches!(
            change.attribute,
            Attribute::Email | Attribute::AlternateEmail
        );
        if addresses && person.adopts.is_some() {
            person
                .baseline
                .push((change.attribute.clone(), change.hr.clone()));
            return true;
        }
        // On an adopted user, where mail goes changes only when HR changes its mind after the adoption.
        let as_adopted =
            || written.and_then(|written| written.sent(&change.attribute)) == Some(&change.hr);
        if addresses && link.is_some_and(|link| link.adopted) && as_adopted() {
            return true;
        }
        let held_by = match &change.attribute {
            Attribute::Email => self.with_email(change.hr.as_str()),
            Attribute::EmployeeIdentifier => change
                .hr
                .as_str()
                .and_then(|id| self.users_by_identifier.get(id).copied()),
            _ => None,
        };
        let Some(holder) = held_by.filter(|holder| holder.id != user.id) else {
            return false;
        };
        self.warn(
            &person.key,
            if change.attribute == Attribute::Email {
                "email_held"
            } else {
                "employee_id_held"
            },
            format!(
                "`{}` is held by another JumpCloud user, {}, and is left as it is",
                change.attribute, holder.id
            ),
        );
        true
    }

    /// Access for somebody who should have it.
    fn give_access(
        &mut self,
        person: &mut PersonPlan,
        worker: &Worker,
        source: &Source,
        user: &SystemUser,
        link: Option<&Link>,
    ) {
        let lifecycle = &source.policy.lifecycle;
        match user.state() {
            UserState::Activated => {}
            UserState::Staged => activate(person, worker, lifecycle.invite),
            UserState::Suspended if link.is_some_and(suspended_by_us) => {
                person.changes.push(state_change(Class::Reactivate, UserState::Suspended, UserState::Activated));
                let never_invited = link.is_some_and(|link| !link.adopted && link.invited_at.is_none());
                if lifecycle.reinvite || never_invited {
                    invite(person, worker, lifecycle.invite, Class::Reactivate);
                }
            }
            UserState::Suspended => self.warn(
                &person.key,
                "suspended_elsewhere",
                "the user was suspended by somebody else and stays suspended; an admin can reactivate it in JumpCloud".to_owned(),
            ),
            UserState::Unknown => {
                self.warn(&person.key, "state_unknown", "the user is in a state that this version does not know; it is left as it is".to_owned());
            }
        }
    }

    /// No access for somebody who should have none.
    fn suspend(
        &mut self,
        person: &mut PersonPlan,
        source: &Source,
        user: &SystemUser,
        class: Class,
        why: &str,
    ) {
        let state = user.state();
        match (state, source.policy.lifecycle.leavers) {
            (UserState::Suspended, _) | (_, Leavers::Ignore) => {}
            (UserState::Unknown, _) => {
                self.warn(&person.key, "state_unknown", format!("{why}, and the user is in a state that this version does not know: suspend it in JumpCloud"));
            }
            (UserState::Staged | UserState::Activated, Leavers::Suspend) => {
                person
                    .changes
                    .push(state_change(class, state, UserState::Suspended));
            }
        }
    }

    /// An existing user that is not ours yet.
    #[expect(
        clippy::too_many_arguments,
        reason = "one decision, from everything that was found out"
    )]
    fn adopt(
        &mut self,
        mut person: PersonPlan,
        candidate: &Candidate<'a>,
        source: &Source,
        user: &'a SystemUser,
        by: AdoptBy,
        manager: ManagerUser<'_>,
        may_add: bool,
    ) -> PersonPlan {
        let worker = candidate.worker;
        let leaver = match &candidate.standing {
            Standing::Absent(_) | Standing::Unclear(_) => {
                return self.without_account(person, candidate);
            }
            Standing::Gone(why) => Some(why),
            Standing::Staged(_) | Standing::Active(_) => None,
        };
        // A leaver's user is only taken over to close it, and only on the sure sign.
        if leaver.is_some() && (by == AdoptBy::Email || user.state() == UserState::Suspended) {
            return person;
        }
        person.user_id = Some(user.id.clone());
        person.username.clone_from(&user.username);
        person.email = worker.work_email.clone().unwrap_or_default();
        if let Some(reason) = self.adoption_refusal(&person.key, worker, user, by) {
            person.skipped = Some(reason);
            return person;
        }
        if !may_add {
            return skip_incomplete(person);
        }
        person.adopts = Some(by);
        if let Some(why) = leaver {
            self.suspend(&mut person, source, user, Class::Suspend, why);
            return person;
        }
        let desired = match desired_user(worker, &source.policy.attributes, manager.known()) {
            Ok(desired) => desired,
            Err(error) => {
                person.adopts = None;
                return skip_unmappable(person, &error);
            }
        };
        if by == AdoptBy::Email {
            let owner = json!(source.name);
            person.changes.push(Change {
                class: Class::Adopt,
                attribute: Text::const_new("owner"),
                from: Value::Null,
                to: owner.clone(),
                hr: owner,
            });
        }
        self.attributes(&mut person, &desired, user, None);
        manager.change(&mut person, user, &source.policy.attributes);
        if let Standing::Active(_) = candidate.standing {
            self.give_access(&mut person, worker, source, user, None);
        }
        person
    }

    /// Adoption is not a way in.
    fn adoption_refusal(
        &self,
        key: &WorkerKey,
        worker: &Worker,
        user: &SystemUser,
        by: AdoptBy,
    ) -> Option<Reason> {
        if let Some(why) = self.protection(user) {
            return Some(Reason::new(
                "protected",
                format!("{why} and is never written"),
            ));
        }
        if let Some(owner) = self
            .owners
            .get(user.id.as_str())
            .filter(|owner| owner.key != *key)
        {
            let (code, what) = match by {
                AdoptBy::EmployeeIdentifier => ("employee_id_held", "employee identifier"),
                AdoptBy::Email => ("email_held", "work e-mail"),
            };
            return Some(Reason::new(
                code,
                format!("the {what} belongs to the user of {}", owner.key),
            ));
        }
        if by == AdoptBy::EmployeeIdentifier {
            return None;
        }
        let refused = |why: &str| {
            Some(Reason::new(
                "adoption_refused",
                format!(
                    "the user with this work e-mail {why}: give it this person's id as employee identifier, or a person another e-mail"
                ),
            ))
        };
        let identifier = user.employee_identifier.as_str();
        if user.state() == UserState::Suspended {
            refused("is suspended")
        } else if user.sudo {
            refused("has sudo")
        } else if user.ldap_binding_user {
            refused("is an LDAP service user")
        } else if user.samba_service_user {
            refused("is a Samba service user")
        } else if !identifier.is_empty() && worker.identifiers().all(|own| own != identifier) {
            refused("carries another employee identifier")
        } else {
            None
        }
    }

    /// Somebody who gets an account.
    fn new_user(
        &mut self,
        mut person: PersonPlan,
        candidate: &Candidate<'a>,
        source: &Source,
        username: Option<&Text>,
        manager: ManagerUser<'_>,
        may_add: bool,
    ) -> PersonPlan {
        let worker = candidate.worker;
        let desired = match desired_user(worker, &source.policy.attributes, manager.known()) {
            Ok(desired) => desired,
            Err(error) => return skip_unmappable(person, &error),
        };
        if let Some(holder) = self.with_email(worker.work_email.as_deref()) {
            return person.skip(
                "email_held",
                format!(
                    "the work e-mail is held by another JumpCloud user, {}",
                    holder.id
                ),
            );
        }
        if !may_add {
            return skip_incomplete(person);
        }
        let Some(username) = username else {
            return skip_unmappable(person, &MappingError::NoUsername);
        };
        for warning in &desired.warnings {
            self.warnings.push(RunWarning::of(
                &person.key,
                warning.code.clone(),
                warning.message.clone(),
            ));
        }
        if username.len() > 20 {
            self.warn(
                &person.key,
                "long_username",
                format!(
                    "the username has {} characters: Windows cuts it at 20, macOS and Linux at 30",
                    username.len()
                ),
            );
        }
        person.username = username.clone();
        person.email = worker.work_email.clone().unwrap_or_default();
        let create = |attribute: Text, to: Value| Change {
            class: Class::Create,
            attribute,
            from: Value::Null,
            hr: to.clone(),
            to,
        };
        person
            .changes
            .push(create(Text::const_new("username"), json!(username)));
        for (rule, value) in &desired.attributes {
            let to = value.to_json();
            if rule.update != Update::Never && !to.is_null() {
                person
                    .changes
                    .push(create(rule.attribute.to_string().into(), to));
            }
        }
        if let ManagerUser::Planned(manager) = manager {
            person.changes.push(create(
                Text::const_new("manager"),
                json!({ "worker_id": manager }),
            ));
        }
        person
            .changes
            .push(create(Text::const_new("state"), json!(UserState::Staged)));
        if let Standing::Active(_) = candidate.standing {
            activate(&mut person, worker, source.policy.lifecycle.invite);
        }
        person
    }

    /// Records that could not be read: the people are present, and nothing is done for them.
    fn unreadable(&mut self, people: &mut Vec<PersonPlan>) {
        for read in &self.snapshot.sources {
            for record in &read.unreadable {
                match &record.id {
                    Some(id) => {
                        let key = WorkerKey {
                            source: read.name.clone(),
                            worker_id: WorkerId(id.as_str().into()),
                        };
                        people.push(
                            PersonPlan::new(key).skip("record_unreadable", record.reason.clone()),
                        );
                    }
                    None => self.warnings.push(RunWarning::of_source(
                        &read.name,
                        "record_unreadable",
                        record.reason.clone(),
                    )),
                }
            }
            for id in &read.not_found {
                let key = WorkerKey {
                    source: read.name.clone(),
                    worker_id: id.clone(),
                };
                people.push(PersonPlan::new(key).skip("not_in_hr", "HR does not know this person"));
            }
            if let Some(reason) = &read.incomplete {
                self.warnings.push(RunWarning::of_source(
                    &read.name,
                    "source_incomplete",
                    format!("the source was not read whole, so nobody leaves on it and no later source adds anyone: {reason}"),
                ));
            }
        }
    }

    /// People with a link whom a complete read no longer lists.
    fn missing(&mut self, candidates: &[Candidate<'a>], people: &mut Vec<PersonPlan>) {
        if self.snapshot.scope != Scope::Everyone {
            return;
        }
        for index in 0..self.snapshot.sources.len() {
            let Some((read, source)) = self.source(index) else {
                continue;
            };
            if read.incomplete.is_some() || source.policy.lifecycle.missing == Missing::Ignore {
                continue;
            }
            let listed: BTreeSet<&WorkerId> =
                read.workers.iter().map(|worker| &worker.id).collect();
            for link in self
                .snapshot
                .links
                .iter()
                .filter(|link| link.key.source == read.name)
            {
                if listed.contains(&link.key.worker_id) {
                    continue;
                }
                let user = link
                    .user_id
                    .as_ref()
                    .and_then(|id| self.users.get(id.as_str()).copied());
                if let Some(user) = user.filter(|user| user.state() != UserState::Suspended) {
                    people.extend(self.missing_person(candidates, source, link, user));
                }
            }
        }
    }

    fn missing_person(
        &mut self,
        candidates: &[Candidate<'a>],
        source: &Source,
        link: &'a Link,
        user: &'a SystemUser,
    ) -> Option<PersonPlan> {
        let lifecycle = &source.policy.lifecycle;
        let mut person = PersonPlan::new(link.key.clone());
        note_ours(&mut person, link, user);
        if let Some(why) = self.protection(user) {
            return Some(person.skip("protected", format!("{why} and is never written")));
        }
        let heir = candidates.iter().find(|other| {
            other.is_present()
                && other
                    .found
                    .claimed()
                    .is_some_and(|claimed| claimed.id == user.id)
        });
        if let Some(heir) = heir {
            self.warn(
                &link.key,
                "profile_replaced",
                format!("HR no longer lists this profile and lists {} with the same account; nobody is suspended", heir.worker.id),
            );
            return None;
        }
        let recently =
            |checked: Timestamp| self.now.duration_since(checked) < SignedDuration::from_hours(24);
        if link
            .missing
            .as_ref()
            .and_then(|missing| missing.checked_at)
            .is_some_and(recently)
        {
            return None;
        }
        let runs = link
            .missing
            .as_ref()
            .map_or(0, |missing| missing.runs)
            .saturating_add(1);
        if runs < lifecycle.missing_runs {
            self.warn(
                &link.key,
                "missing",
                format!("HR no longer lists this person: complete read {runs} of {} before anything is done", lifecycle.missing_runs),
            );
            person.note = Note::Missing;
        } else {
            person.changes.push(state_change(
                Class::Missing,
                user.state(),
                UserState::Suspended,
            ));
        }
        Some(person)
    }

    fn facts(&self) -> Vec<SourceFacts> {
        let day_ago = self.now - SignedDuration::from_hours(24);
        self.snapshot
            .sources
            .iter()
            .map(|read| {
                let links = || {
                    self.snapshot
                        .links
                        .iter()
                        .filter(|link| link.key.source == read.name)
                };
                let mut recent = BTreeMap::new();
                for suspension in links().filter_map(|link| link.suspension.as_ref()) {
                    if suspension.at > day_ago {
                        *recent.entry(suspension.class).or_insert(0) += 1;
                    }
                }
                let listed = read.workers.len();
                SourceFacts {
                    name: read.name.clone(),
                    links: links().count(),
                    listed,
                    listed_before: self
                        .snapshot
                        .last_reads
                        .get(&read.name)
                        .map(|last| last.count),
                    complete: self.snapshot.scope == Scope::Everyone && read.incomplete.is_none(),
                    recent,
                }
            })
            .collect()
    }
}

/// The user of somebody's manager.
#[derive(Debug, Clone, Copy)]
enum ManagerUser<'a> {
    /// Nobody, or nobody with a user: the attribute is left as it is.
    Unknown,
    /// A user.
    Known {
        /// The manager.
        manager: &'a WorkerId,
        /// The manager's user.
        user: &'a SystemUserId,
    },
    /// Somebody who gets a user in this run.
    Planned(&'a WorkerId),
}

impl<'a> ManagerUser<'a> {
    fn known(self) -> Option<&'a SystemUserId> {
        match self {
            Self::Known { user, .. } => Some(user),
            Self::Unknown | Self::Planned(_) => None,
        }
    }

    /// Names the manager as a person in the changes: the user may only come out in the run, and a digest must not
    /// depend on that.
    fn name(self, person: &mut PersonPlan) {
        let Self::Known { manager, user } = self else {
            return;
        };
        for change in &mut person.changes {
            if change.attribute == Attribute::Manager.wire_name() {
                change.to = json!({ "worker_id": manager });
                person.manager_user = Some(user.clone());
            }
        }
    }

    /// The change to a manager who gets a user in this run.
    fn change(self, person: &mut PersonPlan, user: &SystemUser, rules: &[AttributeRule]) {
        let Self::Planned(manager) = self else { return };
        let due = rules
            .iter()
            .find(|rule| rule.attribute == Attribute::Manager)
            .is_some_and(|rule| match rule.update {
                Update::Always | Update::OnChange => true,
                Update::IfEmpty => user.manager.is_empty(),
                Update::Once | Update::Never => false,
            });
        if due {
            let class = if person.adopts == Some(AdoptBy::Email) {
                Class::Adopt
            } else {
                Class::Update
            };
            let to = json!({ "worker_id": manager });
            person.changes.push(Change {
                class,
                attribute: Text::const_new("manager"),
                from: mapping::value_of(&Attribute::Manager, user),
                hr: to.clone(),
                to,
            });
        }
    }
}

/// People who are not touched because HR names them twice, or two of them claim one user.
struct Refusals {
    /// By the index of the candidate.
    of: BTreeMap<usize, Reason>,
}

impl Refusals {
    fn of(candidates: &[Candidate<'_>], snapshot: &Snapshot) -> Self {
        let mut refusals = Self {
            of: BTreeMap::new(),
        };
        let name = |index: usize| {
            let candidate = candidates.get(index)?;
            let source = snapshot.sources.get(candidate.source)?;
            Some(format!("{}/{}", source.name, candidate.worker.id))
        };
        let present = || {
            candidates
                .iter()
                .enumerate()
                .filter(|(_, candidate)| candidate.is_present())
        };
        let by_email =
            present().filter_map(|(index, c)| Some((c.worker.work_email.as_deref()?, index)));
        for group in groups(by_email.collect()) {
            let linked = |index: &usize| {
                candidates
                    .get(*index)
                    .is_some_and(|c| matches!(c.found, Found::Linked(..)))
            };
            let source = |index: &usize| candidates.get(*index).map(|c| c.source);
            let first = group.iter().filter_map(source).min();
            let of_first: Vec<usize> = group
                .iter()
                .copied()
                .filter(|index| source(index) == first)
                .collect();
            let winners: Vec<usize> = match (group.iter().any(linked), of_first.as_slice()) {
                (true, _) => group.iter().copied().filter(linked).collect(),
                (false, [only]) => vec![*only],
                (false, _) => Vec::new(),
            };
            for index in group.iter().filter(|index| !winners.contains(index)) {
                let others = group
                    .iter()
                    .filter(|other| *other != index)
                    .filter_map(|other| name(*other));
                let others = others.collect::<Vec<_>>().join(", ");
                refusals.of.insert(*index, Reason::new("duplicate_email", format!("HR has this work e-mail also for {others}: only one of them can have it")));
            }
        }
        let claims =
            present().filter_map(|(index, c)| Some((c.found.claimed()?.id.as_str(), index)));
        let open = claims
            .filter(|(_, index)| !refusals.of.contains_key(index))
            .collect();
        for group in groups(open) {
            for index in &group {
                let others = group
                    .iter()
                    .filter(|other| *other != index)
                    .filter_map(|other| name(*other));
                let others = others.collect::<Vec<_>>().join(", ");
                refusals.of.insert(
                    *index,
                    Reason::new(
                        "claimed_twice",
                        format!("the same JumpCloud user is claimed by {others}: neither gets it"),
                    ),
                );
            }
        }
        refusals
    }
}

/// The indexes that share a key, where more than one does.
fn groups(mut keyed: Vec<(&str, usize)>) -> Vec<Vec<usize>> {
    keyed.sort_unstable();
    keyed
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(_, index)| *index).collect())
        .collect()
}

/// Everyone whose chain of managers comes back to them: nobody knows whose user should be made first.
fn circles<'a>(candidates: &[Candidate<'a>]) -> BTreeSet<(usize, &'a str)> {
    let manager = |id: &str, source: usize, of: &BTreeMap<(usize, &'a str), &'a str>| {
        of.get(&(source, id)).copied()
    };
    let of: BTreeMap<(usize, &str), &str> = candidates
        .iter()
        .filter_map(|c| {
            Some((
                (c.source, c.worker.id.as_str()),
                c.worker.manager.as_ref()?.as_str(),
            ))
        })
        .collect();
    let mut done: BTreeSet<(usize, &str)> = BTreeSet::new();
    let mut circular = BTreeSet::new();
    for &(source, id) in of.keys() {
        let mut path = vec![id];
        while let Some(next) = path.last().and_then(|last| manager(last, source, &of)) {
            if let Some(start) = path.iter().position(|seen| *seen == next) {
                circular.extend(path.iter().skip(start).map(|member| (source, *member)));
                break;
            }
            if done.contains(&(source, next)) {
                break;
            }
            path.push(next);
        }
        done.extend(path.into_iter().map(|member| (source, member)));
    }
    circular
}

/// Fills in whose user it is.
fn note_ours(person: &mut PersonPlan, link: &Link, user: &SystemUser) {
    person.user_id = Some(user.id.clone());
    person.username.clone_from(&user.username);
    person.email.clone_from(&link.email);
    person.link = Some(link.clone());
}

fn suspended_by_us(link: &Link) -> bool {
    link.suspension
        .as_ref()
        .is_some_and(|suspension| suspension.holds)
}

/// Notes what the link does not know yet: an unfinished write that did finish, a person listed again, a suspension
/// that somebody undid.
fn settle(person: &mut PersonPlan, link: &Link, user: &SystemUser) {
    let undone = user.state() == UserState::Activated && suspended_by_us(link);
    if person.changes.is_empty()
        && (link.pending.is_some() || link.user_id.is_none() || link.missing.is_some() || undone)
    {
        person.note = Note::Settled;
    }
}

fn skip_unmappable(person: PersonPlan, error: &MappingError) -> PersonPlan {
    person.skip(error.code(), error.to_string())
}

fn skip_incomplete(person: PersonPlan) -> PersonPlan {
    person.skip("earlier_source_incomplete", "an earlier source was not read whole and may hold the same person: the next run looks again")
}

fn state_change(class: Class, from: UserState, to: UserState) -> Change {
    Change {
        class,
        attribute: Text::const_new("state"),
        from: json!(from),
        to: json!(to),
        hr: json!(to),
    }
}

fn activate(person: &mut PersonPlan, worker: &Worker, to: Invite) {
    person.changes.push(state_change(
        Class::Activate,
        UserState::Staged,
        UserState::Activated,
    ));
    invite(person, worker, to, Class::Activate);
}

/// Where the invitation goes: the personal address, and the work address when there is none or it is refused.
fn invite(person: &mut PersonPlan, worker: &Worker, to: Invite, class: Class) {
    let addresses: Vec<Text> = match to {
        Invite::Personal => [&worker.personal_email, &worker.work_email]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        Invite::Work => worker.work_email.iter().cloned().collect(),
        Invite::Never => Vec::new(),
    };
    if let Some(first) = addresses.first() {
        let to = json!(first);
        person.changes.push(Change {
            class,
            attribute: Text::const_new("invitation"),
            from: Value::Null,
            hr: to.clone(),
            to,
        });
    }
    person.invitations = addresses;
}

/// Whether a reactivation or a missing person's suspension is held by the source's own setting.
pub(crate) fn held_by_policy(source: &Source, class: Class) -> bool {
    let lifecycle = &source.policy.lifecycle;
    match class {
        Class::Missing => lifecycle.missing == Missing::Hold,
        Class::Reactivate => lifecycle.rehires == Rehires::Hold,
        _ => false,
    }
}

//! What a snapshot says about one person: whose user they are, where they stand, and why nothing may be done.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use config::{Config, Source};
use jiff::{SignedDuration, Timestamp};
use mapping::{
    AdoptBy, Attribute, NoAccount, OutOfScope, SourceName, Standing, SystemUser, Text, UserState,
    Worker, WorkerKey, mappable,
};
use serde_json::Value;
use state::Link;

use super::index::Index;
use super::{Candidate, Found, can_be_suspended, unmappable};
use crate::gather::{Scope, Snapshot};
use crate::hr::SourceRead;
use crate::plan::Reason;

/// A snapshot with its indexes.
pub(super) struct Known<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) config: &'a Config,
    pub(super) now: Timestamp,
    users: Index<'a, SystemUser>,
    // These are made when first asked for: while everyone is linked and in step, nobody asks.
    users_by_email: OnceCell<Index<'a, SystemUser>>,
    users_by_identifier: OnceCell<Index<'a, SystemUser>>,
    owners: OnceCell<Index<'a, Link>>,
    links: OnceCell<Index<'a, Link>>,
    /// The links of those whom a whole read no longer lists; `candidates` finds them.
    unlisted: BTreeMap<&'a WorkerKey, &'a Link>,
}

impl<'a> Known<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, config: &'a Config, now: Timestamp) -> Self {
        let users = snapshot.users.iter();
        Self {
            snapshot,
            config,
            now,
            users: Index::new(users.map(|user| (user.id.as_str(), user))),
            users_by_email: OnceCell::new(),
            users_by_identifier: OnceCell::new(),
            owners: OnceCell::new(),
            links: OnceCell::new(),
            unlisted: BTreeMap::new(),
        }
    }

    /// Everyone whom the sources list, by source and worker id, and beside them, in `unlisted`, whom they no longer
    /// list. People and links come in the order of worker ids: each is looked at once.
    pub(super) fn candidates(&mut self) -> Vec<Candidate<'a>> {
        let mut links: Vec<&Link> = self.snapshot.links.iter().collect();
        links.sort_by_key(|link| &link.key);
        let mut candidates = Vec::new();
        let mut unlisted = BTreeMap::new();
        for (rank, (read, source)) in self.sources().enumerate() {
            let of_source = |link: &&Link| link.key.source == read.name;
            let mut links = links.iter().copied().filter(of_source).peekable();
            let mut gone = Vec::new();
            let mut workers: Vec<&Worker> = read.workers.iter().collect();
            workers.sort_by_key(|worker| &worker.id);
            candidates.reserve_exact(workers.len());
            // Somebody listed twice has the same link twice, and so comes to be a rival of themselves.
            for same in workers.chunk_by(|a, b| a.id == b.id) {
                let Some(id) = same.first().map(|worker| &worker.id) else {
                    continue;
                };
                while let Some(link) = links.next_if(|link| link.key.worker_id < *id) {
                    gone.push(link);
                }
                let link = links.next_if(|link| link.key.worker_id == *id);
                for worker in same {
                    let found = self.find(worker, source, link);
                    candidates.push(Candidate {
                        place: candidates.len(),
                        rank,
                        read,
                        source,
                        worker,
                        link,
                        standing: self.standing(worker, source, link, found),
                        found,
                        refusal: None,
                        username: None,
                    });
                }
            }
            if self.is_whole(read) {
                let gone = gone.into_iter().chain(links);
                unlisted.extend(gone.map(|link| (&link.key, link)));
            }
        }
        self.unlisted = unlisted;
        candidates
    }

    /// The sources that were read, each with its section of the configuration.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&'a SourceRead, &'a Source)> {
        let sources = &self.config.sources;
        self.snapshot.sources.iter().filter_map(|read| {
            let source = sources.iter().find(|source| source.name == read.name)?;
            Some((read, source))
        })
    }

    pub(super) fn user(&self, id: &str) -> Option<&'a SystemUser> {
        self.users.get(id, |user| user.id.as_str() == id)
    }

    pub(super) fn with_email(&self, email: Option<&str>) -> Option<&'a SystemUser> {
        let email = lower(email?);
        let users = self.users_by_email();
        users.get(&email, |user| lower(&user.email) == email)
    }

    /// The user with this e-mail, if there is exactly one.
    pub(super) fn only_with_email(&self, email: &str) -> Option<&'a SystemUser> {
        let email = lower(email);
        let users = self.users_by_email();
        users.only(&email, |user| lower(&user.email) == email)
    }

    fn users_by_email(&self) -> &Index<'a, SystemUser> {
        self.users_by_email.get_or_init(|| {
            let users = self.snapshot.users.iter();
            Index::new(users.map(|user| (lower(&user.email), user)))
        })
    }

    /// Whether we remember somebody, whatever the sources list.
    pub(super) fn remembers(&self, key: &WorkerKey) -> bool {
        let links = self.links.get_or_init(|| {
            let links = self.snapshot.links.iter();
            Index::new(links.map(|link| (&link.key, link)))
        });
        links.get(key, |link| link.key == *key).is_some()
    }

    pub(super) fn with_identifier(&self, identifier: &str) -> Option<&'a SystemUser> {
        let users = self.users_by_identifier.get_or_init(|| {
            let users = self.snapshot.users.iter();
            let carrying = users.filter(|user| !user.employee_identifier.is_empty());
            Index::new(carrying.map(|user| (user.employee_identifier.as_str(), user)))
        });
        users.get(identifier, |user| user.employee_identifier == identifier)
    }

    pub(super) fn has_username(&self, username: &str) -> bool {
        self.snapshot
            .users
            .iter()
            .any(|user| user.username.eq_ignore_ascii_case(username))
    }

    /// The usernames that belong to somebody whom we remember, be their user deleted or not yet made. A leaver's is
    /// free again when the configuration says so.
    pub(super) fn reserved_names(&self) -> impl Iterator<Item = &'a Text> {
        let days = self.config.reuse_usernames_after_days;
        let reuse_after = days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let is_free = move |link: &Link| {
            let left = link.suspension.filter(|last| last.holds);
            let user = link.user_id.as_ref();
            reuse_after.zip(left).is_some_and(|(after, left)| {
                self.now.duration_since(left.at) >= after
                    && user.is_some_and(|id| self.user(id.as_str()).is_none())
            })
        };
        let links = self.snapshot.links.iter();
        links
            .filter(move |link| !is_free(link))
            .map(|link| &link.username)
    }

    /// Whether a user may never be written.
    pub(super) fn protection(&self, user: &SystemUser) -> Option<Reason> {
        let why = self.config.protect.reason(&user.username, user.admin)?;
        let text = format!("the user {why} and is never written");
        Some(Reason::new("protected", text))
    }

    /// Why nothing may be done for somebody, beside what rivals have to do with it.
    pub(super) fn refusal(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        let unmappable = || {
            let error = mappable(candidate.worker).err()?;
            Some(unmappable(&error))
        };
        let incomplete = || {
            let text = "an earlier source was not read whole in this run and may hold the same person: a run of all sources and people looks again";
            (!self.may_add(candidate.read)).then(|| Reason::new("earlier_source_incomplete", text))
        };
        match (candidate.found, &candidate.standing) {
            (_, Standing::Unclear(_)) => None,
            _ if self.snapshot.scope == Scope::LeaveNow && !self.is_about_one() => {
                let text = "several people are meant, and only one can be suspended at once: give the worker id";
                Some(Reason::new("not_one_person", text))
            }
            (Found::Linked(..), Standing::OutOfScope(_))
                if candidate.source.policy.lifecycle.out_of_scope == OutOfScope::Ignore =>
            {
                None
            }
            (found, Standing::OutOfScope(why)) if !matches!(found, Found::Linked(..)) => {
                Some(Reason::new("out_of_scope", why.as_str()))
            }
            (found, Standing::Gone(_))
                if self.snapshot.scope == Scope::LeaveNow
                    && !matches!(found, Found::Linked(..)) =>
            {
                let text = "no JumpCloud user of this person is ours, so nobody is suspended: look in JumpCloud, `rollcall explain` says what was recognised";
                Some(Reason::new("not_ours", text))
            }
            (_, standing)
                if self.snapshot.scope == Scope::LeaveNow
                    && !matches!(standing, Standing::Gone(_)) =>
            {
                let text = "HR shows no last day for this person, so nobody is suspended ahead of it: end the contract there first";
                Some(Reason::new("not_leaving", text))
            }
            (Found::Nobody | Found::Begun(_), Standing::Absent(NoAccount::NoStartDate)) => {
                let text = "a pre-hire without a start date gets no account: add one in HR";
                Some(Reason::new("no_start_date", text))
            }
            // Whom somebody wants out at once, by the person's own record, waits for nothing else.
            (
                Found::Linked(_, user) | Found::ByIdentifier(user),
                Standing::Gone(_) | Standing::OutOfScope(_),
            ) if self.snapshot.scope != Scope::LeaveNow
                && candidate.read.incomplete.is_some()
                && can_be_suspended(user.state()) =>
            {
                let text = "HR shows this person as gone or out of scope, and the source was not read whole: nobody leaves on that, and the next whole read acts";
                Some(Reason::new("source_incomplete", text))
            }
            (Found::Linked(_, user), _) => self
                .protection(user)
                .or_else(|| candidate.is_present().then(unmappable)?),
            // A leaver's user is only taken over to close it, and only on the sure sign.
            (Found::ByIdentifier(user), Standing::Gone(_)) if candidate.is_closed_by_adoption() => {
                self.adoption_refusal(candidate, user).or_else(incomplete)
            }
            (_, Standing::Absent(_) | Standing::Gone(_) | Standing::OutOfScope(_)) => None,
            (Found::ByIdentifier(user) | Found::ByEmail(user), _) => self
                .adoption_refusal(candidate, user)
                .or_else(incomplete)
                .or_else(unmappable),
            (Found::Deleted(_), _) => {
                let text = "the JumpCloud user was deleted; no second one is made by itself: `rollcall release` forgets it, and the next run creates a new one";
                Some(Reason::new("user_deleted", text))
            }
            (Found::Nobody | Found::Begun(_), _) => unmappable()
                .or_else(|| {
                    let holder = self.with_email(candidate.worker.work_email.as_deref())?;
                    let text = format!(
                        "the work e-mail is held by another JumpCloud user, {}",
                        holder.id
                    );
                    Some(Reason::new("email_held", text))
                })
                .or_else(|| self.identifier_held(candidate))
                .or_else(incomplete),
        }
    }

    /// Whether a new user could not have this person's employee identifier: HR may give one to two people.
    fn identifier_held(&self, candidate: &Candidate<'_>) -> Option<Reason> {
        let holder = self.with_identifier(candidate.identifier()?)?;
        let text = format!(
            "the employee identifier is held by another JumpCloud user, {}",
            holder.id
        );
        Some(Reason::new("employee_id_held", text))
    }

    fn is_about_one(&self) -> bool {
        let reads = self.snapshot.sources.iter();
        reads.map(|read| read.workers.len()).sum::<usize>() == 1
    }

    /// Somebody in an earlier source may be the same person: unless all of them were read whole, no later one adds anyone.
    fn may_add(&self, read: &SourceRead) -> bool {
        let sources = self.config.sources.iter();
        let mut earlier = sources.take_while(|source| source.name != read.name);
        let is_whole = |source: &Source| {
            let mut reads = self.snapshot.sources.iter();
            reads.any(|read| read.name == source.name && self.is_whole(read))
        };
        earlier.all(is_whole)
    }

    /// Adoption is not a way in.
    fn adoption_refusal(&self, candidate: &Candidate<'_>, user: &SystemUser) -> Option<Reason> {
        let (code, what) = match candidate.found {
            Found::ByEmail(_) => ("email_held", "work e-mail"),
            _ => ("employee_id_held", "employee identifier"),
        };
        if let Some(reason) = self.protection(user) {
            return Some(reason);
        }
        if self.snapshot.client_owned.contains(&user.id) {
            let text = "the user belongs to a SCIM client, and nobody writes a user of somebody else's: delete it through that client, or exclude the person from the source";
            return Some(Reason::new("scim_client_owns", text));
        }
        let replaced = self.replaced(candidate);
        let owner = self
            .owner(user)
            .filter(|owner| owner.key != candidate.key());
        if let Some(owner) = owner.filter(|_| replaced.is_none()) {
            let text = format!("the {what} belongs to the user of {}", owner.key);
            return Some(Reason::new(code, text));
        }
        let identifier = user.employee_identifier.as_str();
        let is_own = |own: &str| own == identifier;
        // What the other profile was known by: its id, or what HR had in its place.
        let is_replaced = replaced.is_some_and(|link| {
            let written = link.written().unwrap_or_default();
            let sent = written.sent(&Attribute::EmployeeIdentifier);
            link.key.worker_id.as_str() == identifier
                || sent.and_then(Value::as_str) == Some(identifier)
        });
        let why = if candidate.is_certain() {
            return None;
        } else if user.state() == UserState::Suspended {
            "is suspended"
        } else if user.sudo {
            "has sudo"
        } else if user.ldap_binding_user {
            "is an LDAP service user"
        } else if user.samba_service_user {
            "is a Samba service user"
        } else if !identifier.is_empty()
            && !is_replaced
            && !candidate.worker.identifiers().any(is_own)
        {
            "carries another employee identifier"
        } else {
            return None;
        };
        let text = format!(
            "the user with this {what} {why}: give it this person's id as employee identifier, or one of them another e-mail"
        );
        Some(Reason::new("adoption_refused", text))
    }

    /// The link of a profile that a whole read no longer lists and that had this person's work e-mail and user: a
    /// profile that was merged into another is the same person.
    pub(super) fn replaced(&self, candidate: &Candidate<'_>) -> Option<&'a Link> {
        let user = candidate.found.claimed()?;
        let email = candidate.worker.work_email.as_deref()?;
        if !candidate.is_present() || lower(&user.email) != lower(email) {
            return None;
        }
        let owner = self.owner(user)?;
        let gone = owner.key.source == candidate.source.name && self.is_unlisted(owner);
        gone.then_some(owner)
    }

    /// Whether absence from this read means something.
    fn is_whole(&self, read: &SourceRead) -> bool {
        self.snapshot.scope == Scope::Everyone && read.incomplete.is_none()
    }

    /// Whether this link's source was read whole and no longer lists its person.
    fn is_unlisted(&self, link: &Link) -> bool {
        self.unlisted.contains_key(&link.key)
    }

    /// The links of those whom this source, read whole, no longer lists.
    pub(super) fn unlisted(&self, source: &SourceName) -> impl Iterator<Item = &'a Link> {
        let links = self.unlisted.values().copied();
        links.filter(move |link| link.key.source == *source)
    }

    pub(super) fn owner(&self, user: &SystemUser) -> Option<&'a Link> {
        let owners = self.owners.get_or_init(|| {
            let links = self.snapshot.links.iter();
            Index::new(links.filter_map(|link| Some((link.user_id.as_ref()?.as_str(), link))))
        });
        owners.get(user.id.as_str(), |link| {
            link.user_id.as_ref() == Some(&user.id)
        })
    }

    fn standing(
        &self,
        worker: &Worker,
        source: &Source,
        link: Option<&Link>,
        found: Found<'_>,
    ) -> Standing {
        if let Some(last_day) = worker.employment.last_day
            && self.is_ahead_of_last_day(worker, link)
        {
            return Standing::Gone(format!("asked for before the last day, {last_day}"));
        }
        let ours = match found {
            Found::Linked(_, user) => Some(user.state()),
            _ => None,
        };
        source.policy.standing(worker, self.now, ours)
    }

    /// Whether this person's suspension is, or was, asked for ahead of the last day that HR shows.
    pub(super) fn is_ahead_of_last_day(&self, worker: &Worker, link: Option<&Link>) -> bool {
        let asked = link
            .and_then(|link| link.suspension)
            .filter(|last| last.holds);
        self.snapshot.scope == Scope::LeaveNow
            || asked.is_some_and(|last| {
                last.ahead_of.is_some() && last.ahead_of == worker.employment.last_day
            })
    }

    fn find(&self, worker: &Worker, source: &Source, link: Option<&'a Link>) -> Found<'a> {
        let by_identifier = || {
            worker
                .identifiers()
                .find_map(|own| self.with_identifier(own))
        };
        let Some(link) = link else {
            let by = |key: &AdoptBy| match key {
                AdoptBy::EmployeeIdentifier => by_identifier().map(Found::ByIdentifier),
                AdoptBy::Email => self
                    .with_email(worker.work_email.as_deref())
                    .map(Found::ByEmail),
            };
            let found = source.policy.adopt.iter().find_map(by);
            return found.unwrap_or(Found::Nobody);
        };
        match &link.user_id {
            Some(id) => match self.user(id.as_str()) {
                Some(user) => Found::Linked(link, user),
                None if source.policy.adopt.contains(&AdoptBy::EmployeeIdentifier) => {
                    by_identifier().map_or(Found::Deleted(link), Found::ByIdentifier)
                }
                None => Found::Deleted(link),
            },
            None => match self.begun(link, by_identifier()) {
                Some(user) => Found::Linked(link, user),
                None => Found::Begun(link),
            },
        }
    }

    /// The user that an unfinished create of ours made: it has the intent's username, and our identifier or e-mail.
    pub(super) fn begun(
        &self,
        link: &Link,
        by_identifier: Option<&'a SystemUser>,
    ) -> Option<&'a SystemUser> {
        let by_email = || {
            let user = self.with_email(Some(&link.email))?;
            user.employee_identifier.is_empty().then_some(user)
        };
        by_identifier
            .or_else(by_email)
            .filter(|user| self.owner(user).is_none())
            .filter(|user| user.username.eq_ignore_ascii_case(&link.username))
    }
}

/// In lower case, without a copy where it already is.
fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

//! What should change for one person.

use std::collections::BTreeMap;

use mapping::{
    AdoptBy, Attribute, AttributeChange, Class, DesiredUser, Invite, Leavers, OutOfScope, Standing,
    SystemUser, Text, Update, UserGroupId, UserState, Worker, Written, desired_user, diff,
    is_in_step,
};
use serde_json::{Value, json};
use state::Link;

use super::groups::{Groups, Memberships};
use super::known::Known;
use super::managers::{ManagerUser, Managers};
use super::{
    Candidate, Found, can_be_suspended, is_held_by_client_alone, suspended_by_us, warning,
};
use crate::plan::{Change, Note, PersonPlan, Reason, RunWarning};

/// Windows cuts usernames at 20 characters, macOS and Linux at 30.
const LONG_USERNAME: usize = 20;

/// Decides on one person after another.
pub(super) struct Decisions<'k, 'a> {
    known: &'k Known<'a>,
    managers: Managers<'k, 'a>,
    groups: &'k Groups<'a>,
    pub(super) warnings: Vec<RunWarning>,
}

impl<'k, 'a> Decisions<'k, 'a> {
    pub(super) fn new(
        known: &'k Known<'a>,
        managers: Managers<'k, 'a>,
        groups: &'k Groups<'a>,
    ) -> Self {
        Self {
            known,
            managers,
            groups,
            warnings: Vec::new(),
        }
    }

    /// This person's part of the plan; `None` when there is nothing to do, to note or to tell.
    pub(super) fn person(&mut self, candidate: &Candidate<'a>) -> Option<PersonPlan> {
        if self.is_settled(candidate) {
            return None;
        }
        let mut person = PersonPlan::new(candidate.key());
        let odd = candidate.worker.warnings().iter();
        self.warnings.extend(odd.map(|warning| {
            RunWarning::of(&person.key, warning.code.clone(), warning.message.clone())
        }));
        let link = candidate.found.link();
        person.user_id = candidate.found.user().map(|user| user.id.clone());
        if let Some(username) = candidate.found.user().map(|user| &user.username) {
            person.username.clone_from(username);
        }
        let hr_email = candidate.worker.work_email.as_ref();
        person.email = match candidate.found {
            Found::Linked(link, user) if !is_behind(link, candidate.worker, user) => {
                link.email.clone()
            }
            Found::Linked(..) => hr_email.cloned().unwrap_or_default(),
            _ => link.map_or_else(
                || hr_email.cloned().unwrap_or_default(),
                |link| link.email.clone(),
            ),
        };
        match (self.refusal(candidate), &candidate.standing) {
            (_, Standing::Unclear(seen)) => {
                let message = format!("{seen}; nothing is changed for this person");
                self.warn(&person, "status_unclear", message);
            }
            (Some(reason), _) => person.skipped = Some(reason),
            (None, Standing::Absent(_)) => {}
            (None, Standing::Gone(why)) => {
                self.gone(&mut person, candidate, why);
                self.memberships(candidate).put_into(&mut person);
            }
            (None, Standing::OutOfScope(why)) => {
                self.out_of_scope(&mut person, candidate, why);
                self.memberships(candidate).put_into(&mut person);
            }
            (None, Standing::Staged(_) | Standing::Active(_)) => {
                self.present(&mut person, candidate);
                self.memberships(candidate).put_into(&mut person);
            }
        }
        if let Found::Linked(link, user) = candidate.found
            && !matches!(candidate.standing, Standing::Unclear(_))
            && person.skipped.is_none()
        {
            settle(&mut person, link, candidate.worker, user);
            let is_gone = matches!(candidate.standing, Standing::Gone(_));
            let closes = candidate.source.policy.lifecycle.leavers == Leavers::Suspend;
            if is_gone
                && closes
                && user.state() == UserState::Suspended
                && is_held_by_client_alone(link)
            {
                person.note = Note::Closed;
            }
        }
        if person.is_silent() {
            return None;
        }
        person.link = link.cloned();
        Some(person)
    }

    /// Whether it takes no more than a look to see that nothing is to be done, noted or told: so it is for nearly
    /// everyone in nearly every run.
    fn is_settled(&self, candidate: &Candidate<'a>) -> bool {
        let Found::Linked(link, user) = candidate.found else {
            return false;
        };
        let is_done = match &candidate.standing {
            Standing::Active(_) => {
                user.state() == UserState::Activated && self.is_in_step(candidate, user)
            }
            Standing::Staged(_) => self.is_in_step(candidate, user),
            Standing::Gone(_) => {
                user.state() == UserState::Suspended && !is_held_by_client_alone(link)
            }
            Standing::OutOfScope(_) => {
                user.state() == UserState::Suspended
                    || candidate.source.policy.lifecycle.out_of_scope == OutOfScope::Ignore
            }
            Standing::Absent(_) => true,
            Standing::Unclear(_) => false,
        };
        is_done
            && details_read(candidate).is_none()
            && self.refusal(candidate).is_none()
            && candidate.worker.warnings().is_empty()
            && !is_unfinished(link)
            && !is_behind(link, candidate.worker, user)
            && link.missing.is_none()
            && !is_undone(link, user)
            && self.memberships(candidate).is_empty()
    }

    /// Whether HR's record of somebody present, whose user is ours, is another one than that with which what HR tells apart
    /// was last read.
    pub(super) fn is_outdated(&self, candidate: &Candidate<'a>) -> bool {
        let version = candidate.read.details.version(&candidate.worker.id);
        version.is_some_and(|version| match candidate.found {
            Found::Linked(link, _) => {
                link.details.as_ref() != Some(version)
                    && candidate.is_present()
                    && self.refusal(candidate).is_none()
            }
            _ => false,
        })
    }

    /// What is to become of this person's groups. A profile that takes the place of another has what rules gave to that.
    fn memberships(&self, candidate: &Candidate<'a>) -> Memberships<'a> {
        static NONE: BTreeMap<UserGroupId, Text> = BTreeMap::new();
        let link = candidate
            .found
            .link()
            .or_else(|| self.known.replaced(candidate));
        let given = link.map_or(&NONE, |link| &link.groups);
        self.groups.of_listed(candidate, given)
    }

    /// Why nothing may be done for this person, whether their user is ours or not.
    fn refusal(&self, candidate: &Candidate<'a>) -> Option<Reason> {
        match (&candidate.refusal, candidate.found) {
            (Some(reason), _) => Some(Reason::clone(reason)),
            (None, Found::Linked(..)) => self.known.refusal(candidate),
            (None, _) => None,
        }
    }

    fn is_in_step(&self, candidate: &Candidate<'a>, user: &SystemUser) -> bool {
        let manager = self.managers.manager(candidate);
        let rules = &candidate.source.policy.attributes;
        !matches!(manager, ManagerUser::Circular | ManagerUser::Coming(_))
            && is_in_step(candidate.worker, rules, manager.user(), user)
    }

    fn warn(&mut self, person: &PersonPlan, code: &'static str, message: impl Into<String>) {
        self.warnings.push(warning(&person.key, code, message));
    }

    /// Somebody who left: their user loses access.
    fn gone(&mut self, person: &mut PersonPlan, candidate: &Candidate<'a>, why: &str) {
        let user = match candidate.found {
            Found::Linked(_, user) => user,
            Found::ByIdentifier(user) if candidate.is_closed_by_adoption() => {
                person.adopts = Some(AdoptBy::EmployeeIdentifier);
                user
            }
            Found::ByIdentifier(user) => {
                return self.leaver_not_ours(person, user, "employee identifier", why);
            }
            Found::ByEmail(user) => return self.leaver_not_ours(person, user, "work e-mail", why),
            Found::Deleted(_) | Found::Begun(_) | Found::Nobody => return,
        };
        match candidate.source.policy.lifecycle.leavers {
            Leavers::Suspend => {
                let known = self.known;
                if can_be_suspended(user.state())
                    && known.is_ahead_of_last_day(candidate.worker, candidate.link)
                {
                    person.ahead_of = candidate.worker.employment.last_day;
                }
                self.suspend(person, user, Class::Suspend, Reason::new("left", why));
            }
            Leavers::Ignore => {}
        }
    }

    /// Somebody with a user of ours whom the source is not for: nothing of theirs is written but the end of access.
    fn out_of_scope(&mut self, person: &mut PersonPlan, candidate: &Candidate<'a>, why: &str) {
        let Found::Linked(_, user) = candidate.found else {
            return;
        };
        match candidate.source.policy.lifecycle.out_of_scope {
            OutOfScope::Hold | OutOfScope::Suspend => {
                let why = Reason::new("out_of_scope", why);
                self.suspend(person, user, Class::OutOfScope, why);
            }
            OutOfScope::Ignore => {}
        }
    }

    /// Takes access from somebody who has it, or would get it by activation alone.
    fn suspend(&mut self, person: &mut PersonPlan, user: &SystemUser, class: Class, why: Reason) {
        match user.state() {
            state @ (UserState::Staged | UserState::Activated) => {
                let change = state_change(class, state, UserState::Suspended);
                person.changes.push(change);
                person.evidence = Some(why);
            }
            UserState::Suspended => {}
            UserState::Unknown => {
                let message = format!(
                    "{}, and the user is in a state that this version does not know: suspend it in JumpCloud",
                    why.text
                );
                self.warn(person, "state_unknown", message);
            }
        }
    }

    /// Somebody who left, and with whose e-mail or identifier a user of nobody's still has access.
    fn leaver_not_ours(&mut self, person: &PersonPlan, user: &SystemUser, what: &str, why: &str) {
        let is_open = can_be_suspended(user.state()) && self.known.owner(user).is_none();
        if is_open && self.known.protection(user).is_none() {
            let message = format!(
                "{why}, and the JumpCloud user {} with this {what} is not ours and still has access: look at it there",
                user.id
            );
            self.warn(person, "leaver_not_ours", message);
        }
    }

    /// Somebody who has an account, or should have one.
    fn present(&mut self, person: &mut PersonPlan, candidate: &Candidate<'a>) {
        let manager = self.managers.manager(candidate);
        if let ManagerUser::Circular = manager {
            let message = "the managers form a circle in HR; the manager is left as it is";
            self.warn(person, "manager_circle", message);
        }
        let rules = &candidate.source.policy.attributes;
        let Ok(desired) = desired_user(candidate.worker, rules, manager.user()) else {
            return;
        };
        self.warnings.extend(desired.warnings.iter().map(|warning| {
            RunWarning::of(&person.key, warning.code.clone(), warning.message.clone())
        }));
        let active = matches!(candidate.standing, Standing::Active(_));
        if !matches!(candidate.found, Found::Deleted(_)) {
            person.details = details_read(candidate).cloned();
        }
        let (user, link) = match candidate.found {
            Found::Linked(link, user) => (user, Some(link)),
            Found::ByIdentifier(user) | Found::ByEmail(user) => {
                self.adopt(person, candidate);
                (user, None)
            }
            Found::Nobody | Found::Begun(_) => {
                self.new_user(person, candidate, &desired, manager);
                if active {
                    activate(person, candidate);
                }
                return;
            }
            Found::Deleted(_) => return,
        };
        self.attributes(person, candidate, &desired, user);
        if person.adopts.is_some() || link.is_some_and(is_unfinished) {
            baseline(person, &desired);
        }
        let class = match person.adopts {
            Some(AdoptBy::Email) => Class::Adopt,
            Some(AdoptBy::EmployeeIdentifier) | None => Class::Update,
        };
        manager.put_into(person, Some(user), rules, class);
        if active {
            self.give_access(person, candidate, user, link);
        }
    }

    /// Somebody whose user is not ours yet, or was another profile's of the same person: without approval only where the
    /// identifier leaves no doubt, and nobody had the user.
    fn adopt(&self, person: &mut PersonPlan, candidate: &Candidate<'a>) {
        let replaced = self.known.replaced(candidate);
        if candidate.is_certain() && replaced.is_none() {
            person.adopts = Some(AdoptBy::EmployeeIdentifier);
            return;
        }
        person.adopts = Some(AdoptBy::Email);
        let before = replaced.map(|link| json!(link.key.to_string()));
        person.changes.push(Change {
            from: before.unwrap_or_default(),
            ..change(Class::Adopt, "owner", json!(candidate.source.name))
        });
        person.replaces = replaced.cloned().map(Box::new);
    }

    /// Somebody who gets an account: every attribute that HR has, STAGED.
    fn new_user(
        &mut self,
        person: &mut PersonPlan,
        candidate: &Candidate<'a>,
        desired: &DesiredUser<'_>,
        manager: ManagerUser<'_, '_>,
    ) {
        let Some(username) = &candidate.username else {
            return;
        };
        if username.len() > LONG_USERNAME {
            let message = format!(
                "the username has {} characters: Windows cuts it at 20, macOS and Linux at 30",
                username.len()
            );
            self.warn(person, "long_username", message);
        }
        person.username.clone_from(username);
        person.email = candidate.worker.work_email.clone().unwrap_or_default();
        person
            .changes
            .push(change(Class::Create, "username", json!(username)));
        for (rule, value) in &desired.attributes {
            let to = value.to_json();
            if rule.update != Update::Never && !to.is_null() {
                let name = rule.attribute.to_string();
                person.changes.push(change(Class::Create, &name, to));
            }
        }
        let rules = &candidate.source.policy.attributes;
        manager.put_into(person, None, rules, Class::Create);
        let staged = json!(UserState::Staged);
        person.changes.push(change(Class::Create, "state", staged));
    }

    /// The attributes that differ.
    fn attributes(
        &mut self,
        person: &mut PersonPlan,
        candidate: &Candidate<'a>,
        desired: &DesiredUser<'_>,
        user: &SystemUser,
    ) {
        let link = candidate.found.link();
        // What we wrote is only decoded for the few who differ from JumpCloud at all.
        if diff(desired, user, None).is_empty() {
            return;
        }
        let written = link.and_then(|link| match link.written() {
            Ok(written) => Some(written),
            Err(error) => {
                let message = format!(
                    "what we last wrote cannot be read, so HR's values count as new: {error}"
                );
                self.warn(person, "link_damaged", message);
                None
            }
        });
        // A write that was cut off may or may not have arrived: HR's value then counts as changed.
        let whole = link.is_some_and(|link| link.pending.is_none());
        for difference in diff(desired, user, written.as_ref().filter(|_| whole)) {
            // A value may be missing only because the source was not read whole: nothing is emptied on that.
            let is_doubtful = difference.hr.is_null() && candidate.read.incomplete.is_some();
            if is_doubtful || self.stays(person, &difference, user, link, written.as_ref()) {
                continue;
            }
            let class = match (person.adopts, &difference.attribute) {
                (Some(AdoptBy::Email), _) => Class::Adopt,
                (_, Attribute::Email) => Class::Rename,
                _ if difference.hr.is_null() => Class::Blank,
                _ => Class::Update,
            };
            if let Attribute::Custom(_) = &difference.attribute {
                person.custom_attributes = user.attributes.to_vec();
            }
            person.changes.push(Change {
                class,
                attribute: difference.attribute.to_string().into(),
                from: difference.from,
                to: difference.to,
                hr: difference.hr,
            });
        }
    }

    /// Whether an attribute stays as it is although HR says otherwise.
    fn stays(
        &mut self,
        person: &mut PersonPlan,
        difference: &AttributeChange,
        user: &SystemUser,
        link: Option<&Link>,
        written: Option<&Written>,
    ) -> bool {
        let AttributeChange { attribute, hr, .. } = difference;
        if matches!(attribute, Attribute::Email | Attribute::AlternateEmail) {
            if person.adopts.is_some() {
                return true;
            }
            // Where an adopted user's mail goes changes only when HR changes its mind after the adoption.
            let adopted = link.is_some_and(|link| link.adopted);
            if adopted && written.and_then(|written| written.sent(attribute)) == Some(hr) {
                return true;
            }
        }
        let (holder, code) = match attribute {
            Attribute::Email => (self.known.with_email(hr.as_str()), "email_held"),
            Attribute::EmployeeIdentifier => {
                let holder = hr.as_str().and_then(|id| self.known.with_identifier(id));
                (holder, "employee_id_held")
            }
            _ => return false,
        };
        let Some(holder) = holder.filter(|holder| holder.id != user.id) else {
            return false;
        };
        let message = format!(
            "`{attribute}` is held by another JumpCloud user, {}, and is left as it is",
            holder.id
        );
        self.warn(person, code, message);
        true
    }

    /// Access for somebody who should have it.
    fn give_access(
        &mut self,
        person: &mut PersonPlan,
        candidate: &Candidate<'a>,
        user: &SystemUser,
        link: Option<&Link>,
    ) {
        match user.state() {
            UserState::Activated => {}
            UserState::Staged if link.is_some_and(is_held_by_client_alone) => {
                self.warn(person, "suspended_elsewhere", stays_off(link));
            }
            UserState::Staged => activate(person, candidate),
            UserState::Suspended if link.is_some_and(suspended_by_us) => {
                let change = state_change(
                    Class::Reactivate,
                    UserState::Suspended,
                    UserState::Activated,
                );
                person.changes.push(change);
                let waits = link.and_then(|link| link.suspension);
                let waits = waits.is_some_and(|suspension| suspension.was_staged);
                if candidate.source.policy.lifecycle.reinvite || waits {
                    invite(person, candidate, Class::Reactivate);
                }
            }
            UserState::Suspended => self.warn(person, "suspended_elsewhere", stays_off(link)),
            UserState::Unknown => {
                let message =
                    "the user is in a state that this version does not know; it is left as it is";
                self.warn(person, "state_unknown", message);
            }
        }
    }
}

/// Why somebody who should have access is left without it.
fn stays_off(link: Option<&Link>) -> String {
    match link.and_then(|link| link.scim_hold.as_ref()) {
        Some(hold) => format!(
            "the SCIM client `{}` switched this user off at {}, and it stays off until a SCIM client or an admin in JumpCloud switches it on",
            hold.client, hold.at
        ),
        None => "the user was suspended by somebody else and stays suspended; an admin can reactivate it in JumpCloud".to_owned(),
    }
}

/// Notes what the link does not know yet: a write that did finish, a person listed again, a suspension that somebody
/// undid.
fn settle(person: &mut PersonPlan, link: &Link, worker: &Worker, user: &SystemUser) {
    let undone = is_undone(link, user);
    let is_told = is_unfinished(link) || is_behind(link, worker, user) || link.missing.is_some();
    let idle = person.changes.is_empty() && is_told;
    if idle || undone && !person.has(Class::Suspend) {
        person.note = Note::Settled { undone };
    }
}

/// Whether a write was begun and not seen to finish.
fn is_unfinished(link: &Link) -> bool {
    link.pending.is_some() || link.user_id.is_none()
}

/// Whether the user got HR's work e-mail without the link's learning of it: the run was cut off in between.
fn is_behind(link: &Link, worker: &Worker, user: &SystemUser) -> bool {
    worker.work_email.as_deref().is_some_and(|email| {
        // Mostly they are the same to the letter, which is quicker to see.
        link.email != email
            && !link.email.eq_ignore_ascii_case(email)
            && user.email.eq_ignore_ascii_case(email)
    })
}

/// Whether somebody else gave access back after our suspension.
fn is_undone(link: &Link, user: &SystemUser) -> bool {
    user.state() == UserState::Activated && suspended_by_us(link)
}

/// What HR says of a user that we have not written before: where mail goes on an adopted one, and what is written only
/// when HR changes its mind.
fn baseline(person: &mut PersonPlan, desired: &DesiredUser<'_>) {
    let adopted = person.adopts.is_some();
    for (rule, value) in &desired.attributes {
        let is_address = matches!(rule.attribute, Attribute::Email | Attribute::AlternateEmail);
        if adopted && is_address || rule.update == Update::OnChange {
            person
                .baseline
                .push((rule.attribute.clone(), value.to_json()));
        }
    }
}

/// A change from nothing.
fn change(class: Class, attribute: &str, to: Value) -> Change {
    Change {
        class,
        attribute: attribute.into(),
        from: Value::Null,
        hr: to.clone(),
        to,
    }
}

pub(crate) fn state_change(class: Class, from: UserState, to: UserState) -> Change {
    Change {
        from: json!(from),
        ..change(class, "state", json!(to))
    }
}

fn activate(person: &mut PersonPlan, candidate: &Candidate<'_>) {
    let change = state_change(Class::Activate, UserState::Staged, UserState::Activated);
    person.changes.push(change);
    invite(person, candidate, Class::Activate);
}

/// The version of HR's record with which this run read what HR tells apart.
fn details_read<'a>(candidate: &Candidate<'a>) -> Option<&'a Text> {
    candidate.read.details.version_read(&candidate.worker.id)
}

/// Where the invitation goes: the personal address, and the work address when there is none or it is refused.
fn invite(person: &mut PersonPlan, candidate: &Candidate<'_>, class: Class) {
    let Worker {
        personal_email,
        work_email,
        ..
    } = candidate.worker;
    let addresses: Vec<Text> = match candidate.source.policy.lifecycle.invite {
        Invite::Personal => personal_email.iter().chain(work_email).cloned().collect(),
        Invite::Work => work_email.iter().cloned().collect(),
        Invite::Never => Vec::new(),
    };
    if let Some(first) = addresses.first() {
        person
            .changes
            .push(change(class, "invitation", json!(first)));
    }
    person.invitations = addresses;
}

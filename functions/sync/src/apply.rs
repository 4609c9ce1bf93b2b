//! Performs an [`ApprovedPlan`]: the only place of the sync that writes to JumpCloud. It takes no decisions of its own.
//!
//! One person's failure is one person's failure. What may have been cut off is noted in the link before JumpCloud is
//! written, so that the next run knows what is ours; a create that is in doubt is looked for before anything else.

mod groups;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use clients::{ClientError, Invitation, JumpCloud, Permit};
use config::Config;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use mapping::{
    Attribute, Class, SystemUser, SystemUserId, Text, Update, UserGroupId, UserState, WorkerKey,
    custom_attributes, value_of,
};
use serde_json::{Map, Value, json};
use state::{Link, Missing, RunId, State, StateError, Suspension};

use crate::Clock;
use crate::chain;
use crate::judge::{ApprovedPerson, ApprovedPlan};
use crate::lease::LeaseKeeper;
use crate::order::waves;
use crate::plan::{Change, GROUPS, Note, PersonPlan, Reason, manager_of};
use crate::planner::is_held_by_client_alone;
use crate::progress::{OnProgress, Progress};
use crate::report::{Outcome, PersonRow};

/// Nobody new is begun when less than this is left of the run.
const LAST_START: std::time::Duration = std::time::Duration::from_secs(15);

/// What writing needs.
pub(crate) struct Writer<'a> {
    pub(crate) config: &'a Config,
    /// Sends nothing without the permit.
    pub(crate) jumpcloud: JumpCloud,
    pub(crate) permit: Permit,
    pub(crate) state: &'a State,
    pub(crate) lease: &'a LeaseKeeper,
    pub(crate) run_id: &'a RunId,
    pub(crate) clock: &'a Clock,
    pub(crate) deadline: tokio::time::Instant,
    pub(crate) progress: &'a OnProgress,
}

/// What was done.
pub(crate) struct Applied {
    /// Everyone of the plan.
    pub(crate) rows: Vec<PersonRow>,
    /// The link of a run for one person, still to be written: together with the run's record.
    pub(crate) last_link: Option<Link>,
    /// Why the run stopped before its end.
    pub(crate) halted: Option<Reason>,
}

/// Why one person's changes were not all made.
enum Stop {
    /// It went wrong, for this person.
    Failed(Reason),
    /// The whole run must stop.
    Halt(Reason),
}

/// Applies the plan, several people at once, wave after wave.
pub(crate) async fn apply(plan: &ApprovedPlan, writer: &Writer<'_>) -> Applied {
    let people = plan.people();
    let mut run = Run {
        writer,
        one_person: people.len() == 1,
        last_link: Mutex::new(None),
        founded: Mutex::new(BTreeMap::new()),
        groups: BTreeMap::new(),
        halted: OnceLock::new(),
    };
    run.groups = run.groups_of(plan).await;
    let total = people.iter().filter(|person| has_work(person)).count();
    let mut done = 0;
    let mut rows: Vec<(usize, PersonRow)> = Vec::with_capacity(people.len());
    for wave in waves(people.iter().map(|person| &person.plan)) {
        let at_once = writer.config.jumpcloud.concurrency.max(1);
        let people = wave
            .into_iter()
            .filter_map(|index| Some((index, people.get(index)?)));
        let work = people.map(|(index, person)| {
            let run = &run;
            async move { (index, has_work(person), run.person(person).await) }
        });
        let mut finished = stream::iter(work).buffer_unordered(at_once);
        while let Some((index, worked, row)) = finished.next().await {
            if worked {
                done += 1;
                (writer.progress)(Progress::Applying { done, total });
            }
            rows.push((index, row));
        }
    }
    rows.sort_by_key(|(index, _)| *index);
    Applied {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        last_link: run
            .last_link
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
        halted: run.halted.into_inner(),
    }
}

/// Whether anything is to be written for this person.
fn has_work(person: &ApprovedPerson) -> bool {
    let ApprovedPerson { plan, held } = person;
    let founding_held = held
        .iter()
        .any(|change| matches!(change.class, Class::Create | Class::Adopt));
    plan.skipped.is_none()
        && !founding_held
        && (!plan.changes.is_empty()
            || plan.adopts.is_some()
            || plan.note != Note::Nothing
            || !plan.forgets.is_empty()
            || plan.details.is_some())
}

struct Run<'a> {
    writer: &'a Writer<'a>,
    one_person: bool,
    last_link: Mutex<Option<Link>>,
    founded: Mutex<BTreeMap<WorkerKey, SystemUserId>>,
    /// The groups that people are put into or taken out of, by name; or why one could not be made.
    groups: BTreeMap<Text, Result<UserGroupId, Reason>>,
    halted: OnceLock<Reason>,
}

impl Run<'_> {
    async fn person(&self, person: &ApprovedPerson) -> PersonRow {
        if !has_work(person) {
            return PersonRow::planned(person);
        }
        if let Some(reason) = self.must_stop() {
            // Nothing of it was done, and the changes of tens of thousands would make a record too large to write in time.
            return PersonRow {
                changes: Vec::new(),
                ..self.stopped(person, Stop::Halt(reason))
            };
        }
        let mut person = person.clone();
        self.resolve_managers(&mut person.plan);
        if !has_work(&person) {
            return PersonRow::planned(&person);
        }
        match self.perform(&mut person.plan).await {
            Ok(()) => PersonRow::planned(&person),
            Err(stop) => self.stopped(&person, stop),
        }
    }

    /// Why nobody new may be begun.
    fn must_stop(&self) -> Option<Reason> {
        if let Some(reason) = self.halted.get() {
            return Some(reason.clone());
        }
        let left = self
            .writer
            .deadline
            .saturating_duration_since(tokio::time::Instant::now());
        if left < LAST_START {
            return Some(Reason::new("deadline", "the run's time was over"));
        }
        let is_permitted = (self.writer.permit)();
        (!is_permitted).then(|| lease_lost("too little is left of it"))
    }

    fn stopped(&self, person: &ApprovedPerson, stop: Stop) -> PersonRow {
        match stop {
            Stop::Failed(reason) => {
                tracing::warn!(
                    worker.id = %person.plan.key.worker_id,
                    user.id = person.plan.user_id.as_ref().map(SystemUserId::as_str),
                    reason = %reason.code,
                    "a person's changes failed"
                );
                PersonRow::new(person, Outcome::Failed, Some(reason))
            }
            Stop::Halt(reason) => {
                // The first reason stands; the others follow from it.
                let Reason { code, .. } = self.halted.get_or_init(|| reason).clone();
                let text = "the run ended before this person was done; the next one goes on";
                let reason = Reason {
                    code,
                    text: text.to_owned(),
                };
                PersonRow::new(person, Outcome::NotReached, Some(reason))
            }
        }
    }

    /// Puts in the users of managers; whose manager came to none waits for the next run.
    fn resolve_managers(&self, plan: &mut PersonPlan) {
        let founded = self.founded.lock().unwrap_or_else(PoisonError::into_inner);
        let source = &plan.key.source;
        let known = plan.manager_user.as_ref();
        plan.changes.retain_mut(|change| {
            let Some(manager) = manager_of(&change.to, source) else {
                return true;
            };
            let Some(user) = known.or_else(|| founded.get(&manager)) else {
                return false;
            };
            change.to = json!(user);
            change.hr = json!(user);
            true
        });
    }

    /// Notes who has a user now, for those who report to them.
    fn note_founded(&self, key: &WorkerKey, user: &SystemUserId) {
        let mut founded = self.founded.lock().unwrap_or_else(PoisonError::into_inner);
        founded.insert(key.clone(), user.clone());
    }

    async fn perform(&self, plan: &mut PersonPlan) -> Result<(), Stop> {
        if plan.note == Note::Replaced {
            return self.forget(&plan.key).await;
        }
        match plan.user_id.clone() {
            None => self.create(plan).await,
            Some(user) => self.change(plan, &user).await,
        }
    }

    /// Intent, create, activate, link: in doubt the user is looked for, and nobody is created twice.
    async fn create(&self, plan: &mut PersonPlan) -> Result<(), Stop> {
        let mut link = self.link_of(plan);
        link.username.clone_from(&plan.username);
        link.email.clone_from(&plan.email);
        link.user_id = None;
        link.pending = Some(self.writer.run_id.clone());
        self.put(&link).await?;
        let creates = |change: &&Change| change.class == Class::Create;
        let mut body = body_of(plan.changes.iter().filter(creates), None);
        body.insert("suspended".to_owned(), json!(false));
        let user = match self.writer.jumpcloud.create(&body).await {
            Ok(user) => user,
            Err(error) if error.is_conflict_or_refused() || error.is_in_doubt() => {
                self.look(plan, error).await?
            }
            Err(error) => return Err(stop(error, "JumpCloud did not create the user")),
        };
        tracing::info!(worker.id = %plan.key.worker_id, user.id = %user.id, "created a user");
        plan.user_id = Some(user.id.clone());
        self.note_founded(&plan.key, &user.id);
        link.user_id = Some(user.id.clone());
        remember(&mut link, &plan.changes, &[], Some(&user))?;
        let activated = if plan.has(Class::Activate) && user.state() == UserState::Staged {
            self.activate(plan, &user.id).await
        } else {
            Ok(())
        };
        link.pending = None;
        link.details.clone_from(&plan.details);
        self.finish(plan, &user.id, link, activated).await
    }

    /// A create that was refused or gave no clear answer: is the user there, and is it this person's?
    async fn look(&self, plan: &PersonPlan, error: ClientError) -> Result<SystemUser, Stop> {
        let value = |attribute: &str| {
            plan.changes
                .iter()
                .find(|change| change.attribute == attribute)
                .and_then(|change| change.to.as_str())
        };
        let keys: Vec<(&str, &str)> = ["employeeIdentifier", "email", "username"]
            .into_iter()
            .filter_map(|attribute| Some((attribute, value(attribute)?)))
            .collect();
        let found = self.writer.jumpcloud.find(&keys).await.map_err(|error| {
            stop(error, "JumpCloud did not clearly create the user, and looking for it failed; the next run looks again")
        })?;
        // A plain refusal proves nothing about who made the user that is in the way: only our identifier on it does.
        let provable = error.is_in_doubt() || value("employeeIdentifier").is_some();
        let is_ours = |user: &&SystemUser| {
            let same = |attribute: &str, own: &str| {
                value(attribute).is_none_or(|value| value.eq_ignore_ascii_case(own))
            };
            provable
                && same("employeeIdentifier", &user.employee_identifier)
                && same("username", &user.username)
                && same("email", &user.email)
        };
        if let Some(user) = found.iter().find(is_ours) {
            return Ok(user.clone());
        }
        if error.is_in_doubt() {
            let text = format!(
                "JumpCloud gave no clear answer and does not show the user: the next run looks again before it tries again ({})",
                chain(&error)
            );
            return Err(Stop::Failed(Reason::new("create_in_doubt", text)));
        }
        let holds = |attribute: &str, own: fn(&SystemUser) -> &Text| {
            let value = value(attribute)?;
            found
                .iter()
                .find(|user| own(user).eq_ignore_ascii_case(value))
                .map(|user| &user.id)
        };
        let held = [
            (
                "employee_id_held",
                "employee identifier",
                holds("employeeIdentifier", |user| &user.employee_identifier),
            ),
            (
                "email_held",
                "work e-mail",
                holds("email", |user| &user.email),
            ),
            (
                "username_held",
                "username",
                holds("username", |user| &user.username),
            ),
        ];
        let held = held
            .into_iter()
            .find_map(|(code, what, holder)| Some((code, what, holder?)));
        Err(Stop::Failed(match held {
            Some((code, what, holder)) => Reason::new(
                code,
                format!(
                    "the {what} was taken meanwhile by another JumpCloud user, {holder}: the next run plans anew"
                ),
            ),
            None => Reason::new(
                "refused",
                format!(
                    "JumpCloud refuses the user, and nobody in this organisation holds its e-mail, username or identifier: {}",
                    chain(&error)
                ),
            ),
        }))
    }

    /// Changes a user that exists.
    async fn change(&self, plan: &mut PersonPlan, id: &SystemUserId) -> Result<(), Stop> {
        let now = (self.writer.clock)();
        let mut link = self.link_of(plan);
        link.user_id = Some(id.clone());
        link.username.clone_from(&plan.username);
        link.email.clone_from(&plan.email);
        let suspends = plan.changes.iter().find(|change| change.takes_access());
        if let Some(change) = suspends {
            let was_staged = change.from == json!(UserState::Staged);
            let is_held = was_staged && is_held_by_client_alone(&link);
            let hold = link.scim_hold.as_ref().filter(|_| is_held);
            link.suspension = Some(Suspension {
                // As old as a client's: whoever comes back from it waits for that client too.
                at: hold.map_or(now, |hold| hold.at),
                class: change.class,
                holds: true,
                was_staged,
                ahead_of: plan.ahead_of,
            });
        }
        // Before the first write: an adoption that is cut off must not look like one without a baseline.
        remember(&mut link, &[], &plan.baseline, None)?;
        if self.is_guarded(plan) {
            link.pending = Some(self.writer.run_id.clone());
            self.put(&link).await?;
        }
        if plan
            .changes
            .iter()
            .any(|change| change.attribute.starts_with("attributes."))
        {
            // JumpCloud replaces the array whole: what others put there since the list was read stays.
            let user = self.writer.jumpcloud.user(id).await;
            let user =
                user.map_err(|error| stop(error, "the user could not be read before its change"))?;
            plan.custom_attributes = user
                .map(|user| user.attributes.into_vec())
                .unwrap_or_default();
        }
        let in_place = |change: &&Change| change.class != Class::Activate;
        let body = body_of(plan.changes.iter().filter(in_place), Some(plan));
        if !body.is_empty() {
            let updated = self.writer.jumpcloud.update(id, &body).await;
            let user = updated.map_err(|error| stop(error, "JumpCloud did not take the change"))?;
            if plan.restores {
                restore(&mut link, &plan.changes, &user)?;
            } else {
                remember(&mut link, &plan.changes, &[], Some(&user))?;
            }
            tracing::info!(worker.id = %plan.key.worker_id, user.id = %id, "changed a user");
        }
        let mut outcome = Ok(());
        if plan.has(Class::Reactivate) {
            if let Some(suspension) = &mut link.suspension {
                suspension.holds = false;
            }
            if !plan.invitations.is_empty() {
                outcome = self.invite_again(plan, id).await;
            }
        }
        if plan.has(Class::Activate) {
            outcome = match self.not_switched_off(plan).await {
                Ok(()) => self.activate(plan, id).await,
                refused => refused,
            };
        }
        if plan.has(Class::Adopt) {
            self.note_founded(&plan.key, id);
        }
        note(plan, &mut link, now);
        let email = plan
            .changes
            .iter()
            .find(|change| change.attribute == "email");
        let email = email.map(|change| {
            if plan.restores {
                &change.to
            } else {
                &change.hr
            }
        });
        if let Some(email) = email.and_then(Value::as_str) {
            link.email = email.into();
        }
        link.pending = None;
        if plan.details.is_some() {
            link.details.clone_from(&plan.details);
        }
        self.finish(plan, id, link, outcome).await?;
        if let Some(replaced) = &plan.replaces {
            self.forget(&replaced.key).await?;
        }
        Ok(())
    }

    /// Whether a write that is cut off must be known to the next run. Of an attribute that HR always wins, it need not:
    /// comparing again says all.
    fn is_guarded(&self, plan: &PersonPlan) -> bool {
        if plan.adopts.is_some() {
            return !plan.changes.is_empty();
        }
        let source = self
            .writer
            .config
            .sources
            .iter()
            .find(|source| source.name == plan.key.source);
        let on_change = |change: &Change| {
            let rules = source
                .map(|source| source.policy.attributes.as_slice())
                .unwrap_or_default();
            rules.iter().any(|rule| {
                rule.update == Update::OnChange && change.attribute == rule.attribute.to_string()
            })
        };
        plan.changes.iter().any(|change| match change.class {
            Class::Update | Class::Rename | Class::Blank => on_change(change),
            // Groups come after the user's own changes, and their notes with them.
            Class::GroupRemove => false,
            _ => true,
        })
    }

    /// A SCIM client that switched a STAGED user off since the reads leaves no sign of it in JumpCloud.
    async fn not_switched_off(&self, plan: &PersonPlan) -> Result<(), Stop> {
        let link = self.writer.state.link(&plan.key).await;
        let link = link.map_err(|error| not_remembered(&error))?;
        if link.as_ref().is_some_and(is_held_by_client_alone) {
            let text = "a SCIM client switched this user off meanwhile: the next run plans anew";
            return Err(Stop::Failed(Reason::new("switched_off", text)));
        }
        Ok(())
    }

    /// STAGED → ACTIVATED, with the invitation to the first address that JumpCloud takes. The mail hangs on the
    /// transition: a user who is ACTIVATED is done.
    async fn activate(&self, plan: &PersonPlan, id: &SystemUserId) -> Result<(), Stop> {
        let invitations = invitations(plan);
        let mut refusal = None;
        for invitation in &invitations {
            match self.writer.jumpcloud.activate(id, invitation).await {
                Ok(()) => {
                    tracing::info!(worker.id = %plan.key.worker_id, user.id = %id, "activated a user");
                    return Ok(());
                }
                Err(error) if error.is_conflict_or_refused() => refusal = Some(error),
                Err(error) if error.is_in_doubt() => {
                    refusal = Some(error);
                    break;
                }
                Err(error) => {
                    return Err(stop(
                        error,
                        "JumpCloud did not activate the user; the next run tries again",
                    ));
                }
            }
        }
        let Some(error) = refusal else { return Ok(()) };
        let now = self.writer.jumpcloud.user(id).await.map_err(|error| {
            stop(error, "JumpCloud did not clearly activate the user, and looking failed; the next run looks again")
        })?;
        if now.is_some_and(|user| user.state() == UserState::Activated) {
            return Ok(());
        }
        let text = format!(
            "JumpCloud did not activate the user, who stays staged; the next run tries again: {}",
            chain(&error)
        );
        Err(Stop::Failed(Reason::new("not_activated", text)))
    }

    /// The invitation of somebody who gets access again; it is sent once, and not repeated in doubt.
    async fn invite_again(&self, plan: &PersonPlan, id: &SystemUserId) -> Result<(), Stop> {
        let mut refusal = None;
        for invitation in invitations(plan) {
            match self.writer.jumpcloud.invite_again(id, &invitation).await {
                Err(error) if error.is_conflict_or_refused() => refusal = Some(error),
                Err(error) if !error.is_in_doubt() => {
                    return Err(stop(
                        error,
                        "the user is active, and JumpCloud did not send the invitation",
                    ));
                }
                Ok(()) | Err(_) => return Ok(()),
            }
        }
        let Some(error) = refusal else { return Ok(()) };
        let text = format!(
            "the user is active, and JumpCloud refuses every address for the invitation: send it from JumpCloud ({})",
            chain(&error)
        );
        Err(Stop::Failed(Reason::new("not_invited", text)))
    }

    /// What we remember of this person, or a link to begin with.
    fn link_of(&self, plan: &PersonPlan) -> Link {
        let adopted = plan.adopts.is_some();
        let mut link = plan.link.clone().unwrap_or_else(|| {
            Link::new(
                plan.key.clone(),
                plan.username.clone(),
                plan.email.clone(),
                (self.writer.clock)(),
            )
        });
        link.adopted |= adopted;
        if let Some(replaced) = &plan.replaces {
            link.groups.extend(replaced.groups.clone());
        }
        link
    }

    /// Writes a link before JumpCloud is written.
    async fn put(&self, link: &Link) -> Result<(), Stop> {
        self.writer
            .state
            .put_link(&self.writer.lease.current(), link)
            .await
            .map_err(|error| not_remembered(&error))
    }

    /// Removes the link of a profile whose user another profile of the same person has.
    async fn forget(&self, key: &WorkerKey) -> Result<(), Stop> {
        let lease = self.writer.lease.current();
        let deleted = self.writer.state.delete_link(&lease, key, None, None).await;
        deleted.map_err(|error| not_remembered(&error))
    }

    /// Writes a link once everything is done.
    async fn close(&self, link: Link) -> Result<(), Stop> {
        if self.one_person {
            *self
                .last_link
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(link);
            return Ok(());
        }
        self.put(&link).await
    }
}

/// Brings the link in line with what was seen.
fn note(plan: &PersonPlan, link: &mut Link, now: Timestamp) {
    if plan.restores {
        // Nobody looked into HR.
        return;
    }
    let seen = link.missing.take();
    let counted = |runs: u32, checked_at: Option<Timestamp>| Missing {
        runs,
        since: seen.as_ref().map_or(now, |missing| missing.since),
        checked_at: checked_at.or(seen.as_ref().and_then(|missing| missing.checked_at)),
    };
    let runs = seen.as_ref().map_or(0, |missing| missing.runs);
    match plan.note {
        Note::Missing => link.missing = Some(counted(runs.saturating_add(1), None).into()),
        Note::StillThere(at) => link.missing = Some(counted(runs, Some(at)).into()),
        Note::Settled { undone: true } => {
            let again = plan.changes.iter().any(Change::takes_access);
            if let Some(suspension) = link.suspension.as_mut().filter(|_| !again) {
                suspension.holds = false;
            }
        }
        Note::Closed => {
            // As old as the client's: whoever comes back from it waits for that client too.
            link.suspension = link.scim_hold.as_ref().map(|hold| Suspension {
                at: hold.at,
                class: Class::Suspend,
                holds: true,
                ahead_of: None,
                was_staged: false,
            });
        }
        Note::Settled { undone: false } | Note::Replaced | Note::Nothing => {}
    }
}

/// Where the invitation goes, one after another; without an address the activation sends none.
fn invitations(plan: &PersonPlan) -> Vec<Invitation> {
    if plan.invitations.is_empty() {
        return vec![Invitation::None];
    }
    plan.invitations
        .iter()
        .map(|address| Invitation::To(address.to_string()))
        .collect()
}

/// The body of a create or an update: attributes, and a state with its agreeing `suspended`.
fn body_of<'a>(
    changes: impl Iterator<Item = &'a Change> + Clone,
    existing: Option<&PersonPlan>,
) -> Map<String, Value> {
    let mut body = Map::new();
    for change in changes.clone() {
        match change.attribute.as_str() {
            "owner" | "invitation" | GROUPS => {}
            attribute if attribute.starts_with("attributes.") => {}
            "state" => {
                body.insert(
                    "suspended".to_owned(),
                    json!(change.to == json!(UserState::Suspended)),
                );
                body.insert("state".to_owned(), change.to.clone());
            }
            // JumpCloud clears text with an empty string, and a manager or an identifier with null.
            attribute
                if change.to.is_null()
                    && !matches!(attribute, "manager" | "employeeIdentifier") =>
            {
                let empty = if matches!(attribute, "addresses" | "phoneNumbers") {
                    json!([])
                } else {
                    json!("")
                };
                body.insert(attribute.to_owned(), empty);
            }
            attribute => {
                body.insert(attribute.to_owned(), change.to.clone());
            }
        }
    }
    let custom: Vec<(&str, &Value)> = changes
        .filter_map(|change| Some((change.attribute.strip_prefix("attributes.")?, &change.to)))
        .collect();
    if !custom.is_empty() {
        let held = existing
            .map(|plan| plan.custom_attributes.as_slice())
            .unwrap_or_default();
        body.insert(
            "attributes".to_owned(),
            json!(custom_attributes(held, custom)),
        );
    }
    body
}

/// Remembers what HR says and what JumpCloud made of it, and of a baseline only what HR says.
fn remember(
    link: &mut Link,
    changes: &[Change],
    baseline: &[(Attribute, Value)],
    user: Option<&SystemUser>,
) -> Result<(), Stop> {
    if changes.is_empty() && baseline.is_empty() {
        return Ok(());
    }
    let mut values = link.written().unwrap_or_default();
    for change in changes {
        let Some((attribute, user)) = Attribute::named(&change.attribute).zip(user) else {
            continue;
        };
        let hr = change.hr.clone();
        let stored = value_of(&attribute, user);
        let same = attribute.ignores_case()
            && hr
                .as_str()
                .zip(stored.as_str())
                .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        values.record(&attribute, hr.clone(), if same { hr } else { stored });
    }
    for (attribute, hr) in baseline {
        values.record(attribute, hr.clone(), hr.clone());
    }
    link.set_written(&values)
        .map_err(|error| not_remembered(&error))
}

/// Remembers that JumpCloud holds again what it held before HR's values were written.
fn restore(link: &mut Link, changes: &[Change], user: &SystemUser) -> Result<(), Stop> {
    let mut values = link.written().unwrap_or_default();
    for change in changes {
        if let Some(attribute) = Attribute::named(&change.attribute) {
            let restored = value_of(&attribute, user);
            values.restore(&attribute, change.hr.clone(), restored);
        }
    }
    link.set_written(&values)
        .map_err(|error| not_remembered(&error))
}

fn lease_lost(why: &str) -> Reason {
    Reason::new(
        "lease_lost",
        format!(
            "the lease of this run ended ({why}): another run may be at it, and the next one goes on"
        ),
    )
}

fn not_remembered(error: &StateError) -> Stop {
    match error {
        StateError::LeaseLost { .. } => Stop::Halt(lease_lost("somebody else took it")),
        other => Stop::Failed(Reason::new(
            "state_not_written",
            format!("the table was not written: {}", chain(other)),
        )),
    }
}

/// A refused key, a passed deadline and a lost lease end the run; everything else is this person's.
#[expect(
    clippy::needless_pass_by_value,
    reason = "reads as the end of the error"
)]
fn stop(error: ClientError, what: &str) -> Stop {
    let text = format!("{what}: {}", chain(&error));
    if error.is_unauthorized() {
        let text = format!("{text}; check the key in its secret; nothing further was written");
        Stop::Halt(Reason::new("jumpcloud_key_refused", text))
    } else if error.is_deadline() {
        Stop::Halt(Reason::new("deadline", text))
    } else if error.is_not_permitted() {
        Stop::Halt(lease_lost("too little is left of it"))
    } else if error.is_not_found() {
        Stop::Failed(Reason::new("user_deleted", text))
    } else {
        Stop::Failed(Reason::new("refused", text))
    }
}

//! The plan that undoes a run: for each change its inverse, where JumpCloud still holds what the run wrote. Pure.
//!
//! What was changed since, or has no way back, is left alone and told. So is what the next run would do again, since HR
//! still says what it said.

use std::collections::BTreeMap;

use config::{Config, Source};
use jiff::Timestamp;
use mapping::{
    Attribute, Class, SourceName, SystemUser, SystemUserId, Text, Update, UserGroupId, UserState,
    WorkerKey, Written, value_of,
};
use serde_json::{Value, json};
use state::Link;

use super::Past;
use crate::journal::JournalEntry;
use crate::plan::{
    Change, GroupFacts, Membership, PersonPlan, Plan, Reason, RunWarning, SourceFacts, manager_of,
};
use crate::planner::{state_change, suspended_by_us};

/// What becomes of one change of the run.
enum Inverse {
    /// It is undone so.
    Change(Change),
    /// There is nothing to undo: things are as they were before, or it never came to it.
    Nothing,
    /// It stays, for this reason.
    Left(String),
}

/// What the next run would do again, each with the number of people.
type Returning = BTreeMap<SourceName, BTreeMap<String, usize>>;

/// Plans the inverse of what a run wrote.
pub(crate) fn undo(past: &Past, config: &Config, now: Timestamp) -> Plan {
    let groups = past.groups();
    let mut plan = Plan {
        sources: config
            .sources
            .iter()
            .map(|source| SourceFacts::of_links(&source.name, &past.links, now))
            .collect(),
        groups: facts_of(&groups),
        ..Plan::default()
    };
    plan.count_given(&past.links);
    let undo = Undo {
        past,
        config,
        links: past.links_by_key(),
        users: past.users_by_id(),
        groups,
    };
    let mut returning = Returning::new();
    for entry in &past.journal.people {
        let (person, left) = undo.person(entry, &mut returning);
        if !left.is_empty() {
            let code = Text::const_new("not_undone");
            let warning = RunWarning::of(&entry.key(), code, left.join("; "));
            plan.warnings.push(warning);
        }
        match person.filter(|person| !person.changes.is_empty()) {
            Some(person) => plan.people.push(person),
            None => plan.unchanged += 1,
        }
    }
    plan.warnings.extend(returning.iter().map(comes_back));
    plan
}

fn facts_of(groups: &BTreeMap<&str, &UserGroupId>) -> BTreeMap<Text, GroupFacts> {
    let facts = |(name, id): (&&str, &&UserGroupId)| {
        let facts = GroupFacts {
            id: Some(UserGroupId::clone(id)),
            given: 0,
        };
        (Text::from(*name), facts)
    };
    groups.iter().map(facts).collect()
}

/// What stands behind each decision.
struct Undo<'a> {
    past: &'a Past,
    config: &'a Config,
    links: BTreeMap<&'a WorkerKey, &'a Link>,
    users: BTreeMap<&'a SystemUserId, &'a SystemUser>,
    groups: BTreeMap<&'a str, &'a UserGroupId>,
}

/// Somebody whose user is still ours.
struct Ours<'a> {
    source: &'a Source,
    link: &'a Link,
    user: &'a SystemUser,
    written: Written,
}

impl<'a> Undo<'a> {
    /// What is undone for one person, and what is not.
    fn person(
        &self,
        entry: &JournalEntry,
        returning: &mut Returning,
    ) -> (Option<PersonPlan>, Vec<String>) {
        let ours = match self.ours(entry) {
            Ok(ours) => ours,
            Err(why) => return (None, vec![why]),
        };
        let is_new = entry
            .changes
            .iter()
            .any(|change| change.class == Class::Create);
        let mut changes = Vec::new();
        let mut left = Vec::new();
        for change in &entry.changes {
            match self.inverse(change, &ours, is_new) {
                Inverse::Change(inverse) => {
                    if let Some(what) = returns(&ours, &inverse) {
                        let of_source = returning.entry(entry.source.clone()).or_default();
                        *of_source.entry(what).or_default() += 1;
                    }
                    changes.push(inverse);
                }
                Inverse::Nothing => {}
                Inverse::Left(why) => left.push(why),
            }
        }
        let made = if is_new {
            ", which made this user: it is suspended, never deleted"
        } else {
            ""
        };
        let text = format!("undoes the run {}{made}", self.past.run);
        let person = PersonPlan {
            user_id: Some(ours.user.id.clone()),
            username: ours.link.username.clone(),
            email: ours.link.email.clone(),
            link: Some(ours.link.clone()),
            changes,
            custom_attributes: ours.user.attributes.to_vec(),
            restores: true,
            evidence: Some(Reason::new("undo", text)),
            ..PersonPlan::new(entry.key())
        };
        (Some(person), left)
    }

    /// Somebody's user, as long as we may write it.
    fn ours(&self, entry: &JournalEntry) -> Result<Ours<'a>, String> {
        let mut sources = self.config.sources.iter();
        let source = sources.find(|source| source.name == entry.source);
        let source = source.ok_or_else(|| {
            format!(
                "the source `{}` is no longer in the configuration",
                entry.source
            )
        })?;
        let link = self.links.get(&entry.key()).copied();
        let linked = link.and_then(|link| Some((link, link.user_id.as_ref()?)));
        let (link, id) = linked.ok_or("this person has no user of ours, or has none any more")?;
        if entry.user_id.as_ref().is_some_and(|former| former != id) {
            return Err("this person has another user by now".to_owned());
        }
        // Of a run that died nobody knows whom it made: others may be a later run's.
        if entry.user_id.is_none() && !self.past.is_of_run(link.created_at) {
            return Err("another run made this user".to_owned());
        }
        let user = self.users.get(id).copied();
        let user = user.ok_or("the user was deleted in JumpCloud")?;
        if let Some(why) = self.config.protect.reason(&user.username, user.admin) {
            return Err(format!("the user {why} and is never written"));
        }
        Ok(Ours {
            source,
            link,
            user,
            written: link.written().unwrap_or_default(),
        })
    }

    fn inverse(&self, change: &Change, ours: &Ours<'_>, is_new: bool) -> Inverse {
        if let Some(membership) = change.membership() {
            return self.membership(membership, ours);
        }
        match (change.attribute.as_str(), change.class) {
            ("invitation", _) => {
                // It goes out with the activation, and nobody is invited who never gets access.
                if ours.user.state() == UserState::Staged {
                    Inverse::Nothing
                } else {
                    Inverse::Left("the invitation is out, and no mail comes back".to_owned())
                }
            }
            ("owner", _) => Inverse::Left(
                "the user stays this person's: `rollcall release` gives it up".to_owned(),
            ),
            // The whole account is undone at once.
            ("username", Class::Create) | ("state", Class::Reactivate) => suspend(ours.user),
            (_, Class::Create) => Inverse::Nothing,
            ("state", Class::Activate) if is_new || ours.user.state() != UserState::Activated => {
                Inverse::Nothing
            }
            ("state", Class::Activate) => {
                Inverse::Left("JumpCloud knows no way from ACTIVATED back to STAGED".to_owned())
            }
            ("state", _) => self.reactivate(change, ours),
            _ => self.attribute(change, ours),
        }
    }

    /// Access for somebody whom the run suspended.
    fn reactivate(&self, change: &Change, ours: &Ours<'_>) -> Inverse {
        let is_of_run = |link: &Link| {
            let suspension = link.suspension;
            suspended_by_us(link) && suspension.is_some_and(|it| self.past.is_of_run(it.at))
        };
        match ours.user.state() {
            UserState::Activated | UserState::Staged => Inverse::Nothing,
            UserState::Unknown => Inverse::Left(UNKNOWN_STATE.to_owned()),
            UserState::Suspended if change.from == json!(UserState::Staged) => Inverse::Left(
                "the user was STAGED before, to which JumpCloud knows no way back: once HR says so, a run gives access"
                    .to_owned(),
            ),
            UserState::Suspended if is_of_run(ours.link) => Inverse::Change(state_change(
                Class::Reactivate,
                UserState::Suspended,
                UserState::Activated,
            )),
            UserState::Suspended => {
                Inverse::Left("the suspension is another one, made since then".to_owned())
            }
        }
    }

    fn membership(&self, membership: Membership<'_>, ours: &Ours<'_>) -> Inverse {
        let (Membership::Joins(name) | Membership::Leaves(name)) = membership;
        let Some(id) = self.groups.get(name) else {
            return Inverse::Nothing;
        };
        let members = match self.past.members.get(*id) {
            Some(Ok(members)) => members,
            Some(Err(why)) => {
                return Inverse::Left(format!("the members of `{name}` could not be read: {why}"));
            }
            None => return Inverse::Nothing,
        };
        match (membership, members.contains(&ours.user.id)) {
            (Membership::Joins(_), false) | (Membership::Leaves(_), true) => Inverse::Nothing,
            (Membership::Joins(_), true) if ours.link.groups.contains_key(*id) => {
                Inverse::Change(Change::leaves(name))
            }
            (Membership::Joins(_), true) => Inverse::Left(format!(
                "somebody else put the user into the group `{name}` since then"
            )),
            (Membership::Leaves(_), false) => Inverse::Change(Change::joins(Class::Update, name)),
        }
    }

    /// The value before, where JumpCloud holds what the run wrote, or what it made of that.
    fn attribute(&self, change: &Change, ours: &Ours<'_>) -> Inverse {
        let Some(attribute) = Attribute::named(&change.attribute) else {
            return Inverse::Nothing;
        };
        let held = value_of(&attribute, ours.user);
        if held == change.from {
            return Inverse::Nothing;
        }
        let wrote = self.resolved(&change.to, ours);
        let hr = self.resolved(&change.hr, ours);
        if held != wrote && !ours.written.is_normalized(&attribute, &hr, &held) {
            return Inverse::Left(format!("`{attribute}` was changed since then"));
        }
        Inverse::Change(Change {
            class: match attribute {
                Attribute::Email => Class::Rename,
                _ if change.from.is_null() => Class::Blank,
                _ => Class::Update,
            },
            attribute: change.attribute.clone(),
            from: held,
            to: change.from.clone(),
            hr,
        })
    }

    /// A manager as the user that they came to have; any other value as it is.
    fn resolved(&self, value: &Value, ours: &Ours<'_>) -> Value {
        let manager = manager_of(value, &ours.source.name);
        let user = manager.and_then(|manager| self.links.get(&manager)?.user_id.as_ref());
        user.map_or_else(|| value.clone(), |user| json!(user))
    }
}

/// What a run would do again after this, as long as HR says what it said; `None` when it would leave it.
fn returns(ours: &Ours<'_>, inverse: &Change) -> Option<String> {
    if let Some(Membership::Joins(name) | Membership::Leaves(name)) = inverse.membership() {
        return Some(format!("the membership of the group `{name}`"));
    }
    if inverse.takes_access() {
        return Some("access given (`rehires`)".to_owned());
    }
    if inverse.class == Class::Reactivate {
        return Some("access taken (`leavers`, `missing`, `out_of_scope`)".to_owned());
    }
    let mut rules = ours.source.policy.attributes.iter();
    let rule = rules.find(|rule| rule.attribute.to_string() == *inverse.attribute)?;
    let returns = match rule.update {
        Update::Always => true,
        Update::IfEmpty => inverse.to.is_null(),
        Update::OnChange | Update::Once | Update::Never => false,
    };
    returns.then(|| format!("`{}`", inverse.attribute))
}

const UNKNOWN_STATE: &str =
    "the user is in a state that this version does not know: look at it in JumpCloud";

/// Takes the access that the run gave. Somebody who has none any more stays so.
fn suspend(user: &SystemUser) -> Inverse {
    match user.state() {
        state @ (UserState::Staged | UserState::Activated) => {
            Inverse::Change(state_change(Class::Suspend, state, UserState::Suspended))
        }
        UserState::Suspended => Inverse::Nothing,
        UserState::Unknown => Inverse::Left(UNKNOWN_STATE.to_owned()),
    }
}

/// What the next run would do again to the people of one source.
fn comes_back((source, what): (&SourceName, &BTreeMap<String, usize>)) -> RunWarning {
    let what: Vec<String> = what
        .iter()
        .map(|(what, people)| format!("{what} of {people}"))
        .collect();
    let message = format!(
        "as long as HR and the configuration say what they said then, the next run does this again: {}; before you apply this, mend HR or the configuration, or pause the schedule",
        what.join(", ")
    );
    RunWarning::of_source(source, "comes_back", message)
}

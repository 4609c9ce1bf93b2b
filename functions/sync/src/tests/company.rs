//! A company in memory: HR records, JumpCloud users and links, and what applying a plan makes of them.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Source};
use jiff::Timestamp;
use mapping::{SystemUser, SystemUserId, UserGroup, UserState, deel};
use serde_json::{Value, json};
use state::{LastRead, Link, Suspension};

use crate::judge::ApprovedPlan;
use crate::plan::{Change, Membership, Note, Plan, manager_of};
use crate::{Approvals, Groups, Scope, Snapshot, SourceRead, plan};

pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// The smallest configuration, with these sections added.
pub(super) fn config(sections: &str) -> Config {
    config_of(sections, &[("deel", "")])
}

/// A configuration with these sections and sources, each with its lines.
pub(super) fn config_of(sections: &str, sources: &[(&str, &str)]) -> Config {
    let source = |(name, lines): &(&str, &str)| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"deel\"\napi_key = \"env:DEEL\"\n{lines}\n")
    };
    let sources: String = sources.iter().map(source).collect();
    let text = format!("[jumpcloud]\napi_key = \"env:JC\"\n{sections}\n{sources}");
    Config::parse(&text).unwrap()
}

/// Somebody active since 2024, with these fields in place of the usual ones.
pub(super) fn person(id: &str, first: &str, last: &str, fields: &Value) -> Value {
    let email = format!("{first}.{last}@corp.example").to_lowercase();
    let mut person = json!({
        "id": id, "first_name": first, "last_name": last, "full_name": format!("{first} {last}"),
        "emails": [{"type": "work", "value": email}, {"type": "personal", "value": format!("{id}@mail.example")}],
        "job_title": "Engineer", "department": {"name": "Data"},
        "hiring_status": "active", "new_hiring_status": "active", "person_status": "ACTIVE",
        "employments": [{"id": "c1", "start_date": "2024-01-01", "is_ended": false}],
    });
    for (key, value) in fields.as_object().unwrap() {
        person[key] = value.clone();
    }
    person
}

/// Somebody who left in May.
pub(super) fn leaver(id: &str, first: &str, last: &str) -> Value {
    let left = json!({
        "hiring_status": "inactive", "new_hiring_status": "inactive", "person_status": "INACTIVE",
        "employments": [{"start_date": "2024-01-01", "termination_last_day": "2026-05-29", "is_ended": true}],
    });
    person(id, first, last, &left)
}

pub(super) fn user(id: &str, fields: &Value) -> SystemUser {
    let mut user = json!({"_id": id, "username": id, "email": format!("{id}@corp.example"), "state": "ACTIVATED"});
    for (key, value) in fields.as_object().unwrap() {
        user[key] = value.clone();
    }
    serde_json::from_value(user).unwrap()
}

/// A group with nobody in it.
pub(super) fn group(name: &str, method: &str) -> UserGroup {
    let group = json!({"id": format!("id-of-{name}"), "name": name, "membershipMethod": method});
    serde_json::from_value(group).unwrap()
}

/// A company that is read whole.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) now: Timestamp,
    /// Those of the first source.
    pub(super) people: Vec<Value>,
    /// Those of the second one.
    pub(super) elsewhere: Vec<Value>,
    pub(super) users: Vec<SystemUser>,
    pub(super) links: Vec<Link>,
    /// Each group with the ids of its members.
    pub(super) groups: Vec<(UserGroup, BTreeSet<SystemUserId>)>,
    pub(super) listed_before: Option<u64>,
    pub(super) incomplete: Option<String>,
}

impl Company {
    pub(super) fn of(people: Vec<Value>) -> Self {
        Self {
            now: now(),
            people,
            elsewhere: Vec::new(),
            users: Vec::new(),
            links: Vec::new(),
            groups: Vec::new(),
            listed_before: None,
            incomplete: None,
        }
    }

    pub(super) fn snapshot(&self, config: &Config) -> Snapshot {
        let sources = config.sources.iter().zip([&self.people, &self.elsewhere]);
        let read = |(source, people): (&Source, &Vec<Value>)| {
            let worker = |person: &Value| {
                let person: deel::Person = serde_json::from_value(person.clone()).unwrap();
                deel::to_worker(&person, &source.zones, self.now)
            };
            SourceRead {
                name: source.name.clone(),
                workers: people.iter().map(worker).collect(),
                unreadable: Vec::new(),
                not_found: Vec::new(),
                incomplete: self.incomplete.clone(),
                warnings: Vec::new(),
                details: crate::Details::default(),
            }
        };
        let last_read = |count| LastRead {
            count,
            at: self.now,
            run_id: "0".into(),
        };
        Snapshot {
            scope: Scope::Everyone,
            sources: sources.map(read).collect(),
            users: self.users.clone(),
            links: self.links.clone(),
            client_owned: BTreeSet::new(),
            groups: self.read_groups(),
            last_reads: self
                .listed_before
                .map(|count| (config.sources[0].name.clone(), last_read(count)))
                .into_iter()
                .collect(),
        }
    }

    fn read_groups(&self) -> Groups {
        let members = self.groups.iter().filter(|(group, _)| group.is_static());
        Groups {
            listed: self.groups.iter().map(|(group, _)| group.clone()).collect(),
            members: members
                .map(|(group, members)| (group.id.clone(), Ok(members.clone())))
                .collect(),
            unreadable: None,
        }
    }

    /// The members of a group, by user id.
    pub(super) fn members(&self, name: &str) -> Vec<&str> {
        let (_, members) = self
            .groups
            .iter()
            .find(|(group, _)| group.name == name)
            .unwrap();
        members.iter().map(SystemUserId::as_str).collect()
    }

    fn change_memberships(&mut self, changes: &[Change], link: &mut Link) {
        let user = link.user_id.clone().unwrap();
        for membership in changes.iter().filter_map(Change::membership) {
            let (Membership::Joins(name) | Membership::Leaves(name)) = membership;
            if self.groups.iter().all(|(group, _)| group.name != name) {
                self.groups.push((group(name, "STATIC"), BTreeSet::new()));
            }
            let mut groups = self.groups.iter_mut();
            let (group, members) = groups.find(|(group, _)| group.name == name).unwrap();
            if matches!(membership, Membership::Joins(_)) {
                members.insert(user.clone());
                link.groups.insert(group.id.clone(), name.into());
            } else {
                members.remove(&user);
                link.groups.remove(&group.id);
            }
        }
    }

    pub(super) fn plan(&self, config: &Config) -> Plan {
        plan(&self.snapshot(config), config, self.now)
    }

    /// Plans, lets everything pass that limits allow, and makes it so.
    pub(super) fn sync(&mut self, config: &Config) -> ApprovedPlan {
        let (approved, _, _) = self.plan(config).judge(config, &Approvals::default());
        self.apply(&approved);
        approved
    }

    /// Plans, approves all of it, and makes it so.
    pub(super) fn sync_all(&mut self, config: &Config) -> ApprovedPlan {
        let plan = self.plan(config);
        let (shown, _, _) = plan.clone().judge(config, &Approvals::default());
        let all = Approvals(shown.shown().iter().copied().collect());
        let (approved, _, _) = plan.judge(config, &all);
        self.apply(&approved);
        approved
    }

    /// What JumpCloud and the table hold once a plan is applied, with nothing going wrong.
    pub(super) fn apply(&mut self, approved: &ApprovedPlan) {
        let mut users: BTreeMap<String, Value> = BTreeMap::new();
        for user in &self.users {
            users.insert(user.id.to_string(), serde_json::to_value(user).unwrap());
        }
        let mut managers = Vec::new();
        for person in approved.people() {
            let plan = &person.plan;
            let works = !plan.changes.is_empty()
                || !plan.forgets.is_empty()
                || plan.adopts.is_some() && person.held.is_empty();
            if plan.skipped.is_some() || !works && plan.note == Note::Nothing {
                continue;
            }
            let id = match &plan.user_id {
                Some(id) => id.to_string(),
                None => format!("new-{}", plan.key.worker_id),
            };
            let user = users
                .entry(id.clone())
                .or_insert_with(|| json!({"_id": id, "email": ""}));
            let mut link = plan.link.clone().unwrap_or_else(|| {
                Link::new(
                    plan.key.clone(),
                    plan.username.clone(),
                    plan.email.clone(),
                    self.now,
                )
            });
            link.user_id = Some(id.as_str().into());
            link.username.clone_from(&plan.username);
            link.email.clone_from(&plan.email);
            link.adopted |= plan.adopts.is_some();
            if let Some(replaced) = &plan.replaces {
                link.groups.extend(replaced.groups.clone());
            }
            link.groups.retain(|id, _| !plan.forgets.contains(id));
            let mut written = link.written().unwrap();
            for change in &plan.changes {
                match change.attribute.as_str() {
                    "owner" | "invitation" | "groups" => continue,
                    "manager" => match manager_of(&change.to, &plan.key.source) {
                        Some(manager) => managers.push((id.clone(), manager)),
                        None => user["manager"] = change.to.clone(),
                    },
                    attribute => user[attribute] = change.to.clone(),
                }
                if change.attribute == "email" {
                    link.email = change.hr.as_str().unwrap().into();
                }
                if let Some(attribute) = mapping::Attribute::named(&change.attribute) {
                    written.record(&attribute, change.hr.clone(), change.hr.clone());
                }
            }
            self.change_memberships(&plan.changes, &mut link);
            for (attribute, hr) in &plan.baseline {
                written.record(attribute, hr.clone(), hr.clone());
            }
            link.set_written(&written).unwrap();
            if user["state"] == json!(UserState::Suspended) {
                let class = plan
                    .changes
                    .iter()
                    .find(|change| change.attribute == "state");
                if let Some(change) = class {
                    link.suspension = Some(Suspension {
                        at: self.now,
                        class: change.class,
                        holds: true,
                        ahead_of: plan.ahead_of,
                        was_staged: change.from == json!(UserState::Staged),
                    });
                }
            } else if let Some(suspension) = &mut link.suspension {
                suspension.holds = false;
            }
            link.missing = None;
            link.pending = None;
            self.links.retain(|other| other.key != link.key);
            self.links.push(link);
        }
        for (user, manager) in managers {
            let link = self.links.iter().find(|link| link.key == manager);
            let id = link.and_then(|link| link.user_id.clone());
            if let Some(id) = id {
                users.get_mut(&user).unwrap()["manager"] = json!(id);
            }
        }
        self.users = users
            .into_values()
            .map(|user| serde_json::from_value(user).unwrap())
            .collect();
    }

    pub(super) fn user_of(&self, worker_id: &str) -> &SystemUser {
        let link = self
            .links
            .iter()
            .find(|link| link.key.worker_id.as_str() == worker_id);
        let id = link.unwrap().user_id.clone().unwrap();
        self.users.iter().find(|user| user.id == id).unwrap()
    }
}

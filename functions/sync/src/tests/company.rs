//! A company in memory: HR records, JumpCloud users and links, and what applying a plan makes of them.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use jiff::Timestamp;
use mapping::{SystemUser, UserState, deel};
use serde_json::{Value, json};
use state::{LastRead, Link, Suspension};

use crate::judge::ApprovedPlan;
use crate::plan::{Note, Plan, manager_of};
use crate::{Approvals, Scope, Snapshot, SourceRead, plan};

pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// The smallest configuration, with these lines added.
pub(super) fn config(more: &str) -> Config {
    let text = format!(
        "[jumpcloud]\napi_key = \"env:JC\"\n{more}\n[[source]]\nname = \"deel\"\nkind = \"deel\"\napi_key = \"env:DEEL\"\n"
    );
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

/// A company that is read whole.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) people: Vec<Value>,
    pub(super) users: Vec<SystemUser>,
    pub(super) links: Vec<Link>,
    pub(super) listed_before: Option<u64>,
    pub(super) incomplete: Option<String>,
}

impl Company {
    pub(super) fn of(people: Vec<Value>) -> Self {
        Self {
            people,
            users: Vec::new(),
            links: Vec::new(),
            listed_before: None,
            incomplete: None,
        }
    }

    pub(super) fn snapshot(&self, config: &Config) -> Snapshot {
        let source = &config.sources[0];
        let workers = self.people.iter().map(|person| {
            let person: deel::Person = serde_json::from_value(person.clone()).unwrap();
            deel::to_worker(&person, &source.zones, now())
        });
        let read = |count| LastRead {
            count,
            at: now(),
            run_id: "0".into(),
        };
        Snapshot {
            scope: Scope::Everyone,
            sources: vec![SourceRead {
                name: source.name.clone(),
                workers: workers.collect(),
                unreadable: Vec::new(),
                not_found: Vec::new(),
                incomplete: self.incomplete.clone(),
                warnings: Vec::new(),
                details: crate::Details::default(),
            }],
            users: self.users.clone(),
            links: self.links.clone(),
            client_owned: BTreeSet::new(),
            last_reads: self
                .listed_before
                .map(|count| (source.name.clone(), read(count)))
                .into_iter()
                .collect(),
        }
    }

    pub(super) fn plan(&self, config: &Config) -> Plan {
        plan(&self.snapshot(config), config, now())
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
            let works = !plan.changes.is_empty() || plan.adopts.is_some() && person.held.is_empty();
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
                    now(),
                )
            });
            link.user_id = Some(id.as_str().into());
            link.username.clone_from(&plan.username);
            link.email.clone_from(&plan.email);
            link.adopted |= plan.adopts.is_some();
            let mut written = link.written().unwrap();
            for change in &plan.changes {
                match change.attribute.as_str() {
                    "owner" | "invitation" => continue,
                    "manager" => managers.push((id.clone(), manager_of(&change.to).unwrap())),
                    attribute => user[attribute] = change.to.clone(),
                }
                if let Some(attribute) = mapping::Attribute::named(&change.attribute) {
                    written.record(&attribute, change.hr.clone(), change.hr.clone());
                }
            }
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
                        at: now(),
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
            let link = self.links.iter().find(|link| link.key.worker_id == manager);
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

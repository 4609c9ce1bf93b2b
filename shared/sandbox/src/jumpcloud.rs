//! JumpCloud's APIs, v1 and v2: the routes, and the handle with which a test looks and acts as an admin would.
//!
//! - v1: `accounts` answers about users; how they are stored stands in `users`, what may be written in `validation`,
//!   what a list of them holds in `query`
//! - v2: `groups` and `states` answer about groups and scheduled changes; `v2` holds what their lists share
//! - `filter` understands the filters of both

mod accounts;
mod filter;
mod groups;
mod query;
mod states;
mod users;
mod v2;
mod validation;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use fastrand::Rng;
use hyper::StatusCode;
use hyper::header::{HeaderValue, LOCATION, RETRY_AFTER};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::limiter::{RateLimit, RollingSecond};
use crate::state::{Shared, State};
use crate::wire::{Answer, Call, object};

use groups::Groups;
use query::Listing;
use states::Schedule;
pub(crate) use states::Target;
use users::Users;

/// The id of the one organisation.
const ORGANIZATION: &str = "5ebf8e6b0c3f4d1a2b3c4d5e";

/// Where JumpCloud's behaviour is not documented, or differs between organisations.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as in an admin's settings"
)]
pub struct JumpCloudRules {
    /// Answers duplicates with 409 instead of 400.
    pub duplicates_conflict: bool,
    /// Gives lists without `sort` in another order each time.
    pub shuffles_unsorted_lists: bool,
    /// Refuses a list's `limit` over 100.
    pub enforces_maximum_limit: bool,
    /// Lets `state/activate` activate a suspended or active user, too.
    pub activates_any_state: bool,
    /// Stores `displayname` and `jobTitle` trimmed, with single spaces.
    pub normalises_spaces: bool,
    /// Stores the digits of phone numbers, and a leading `+`.
    pub normalises_phone_numbers: bool,
    /// Fixes the username of whoever is a member of a group, as that of users bound to a device or an application.
    pub groups_bind_usernames: bool,
    /// Tells the total of a list of v2, in its header.
    pub counts_v2_lists: bool,
    /// The state of a user that is made without one.
    pub default_state: &'static str,
    /// How long reads do not show what was written to users and groups.
    pub shows_writes_after: SignedDuration,
    /// How many requests are answered; none is documented.
    pub rate_limit: Option<RateLimit>,
}

impl Default for JumpCloudRules {
    fn default() -> Self {
        Self {
            duplicates_conflict: false,
            shuffles_unsorted_lists: true,
            enforces_maximum_limit: true,
            activates_any_state: false,
            normalises_spaces: false,
            normalises_phone_numbers: false,
            groups_bind_usernames: true,
            counts_v2_lists: true,
            default_state: "ACTIVATED",
            shows_writes_after: SignedDuration::ZERO,
            rate_limit: None,
        }
    }
}

/// A mail that JumpCloud would have sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// What it asks for.
    pub kind: MailKind,
    /// The user it is about.
    pub user_id: String,
    /// Where it goes.
    pub address: String,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
}

/// What a mail asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailKind {
    /// To set a password: for users without one.
    Activation,
    /// Nothing: for users with a password.
    Welcome,
}

/// JumpCloud, as an admin sees it. What is done here is not validated.
#[derive(Debug, Clone)]
pub struct JumpCloud(Arc<Shared>);

impl JumpCloud {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The state as it is by now: what was scheduled until then has happened.
    fn now(&self) -> MutexGuard<'_, State> {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        state.jumpcloud.catch_up(now);
        state
    }

    /// Every user, by id: the oldest first.
    pub fn users(&self) -> Vec<Value> {
        let state = self.now();
        let objects = state.jumpcloud.users.iter().map(|user| &user.object);
        objects.cloned().map(Value::Object).collect()
    }

    /// The user with this id.
    pub fn user(&self, id: &str) -> Option<Value> {
        let state = self.now();
        let user = state.jumpcloud.users.get(id)?;
        Some(Value::Object(user.object.clone()))
    }

    /// The user with this username, exactly.
    pub fn user_by_username(&self, username: &str) -> Option<Value> {
        let named = |user: &Value| user.get("username").and_then(Value::as_str) == Some(username);
        self.users().into_iter().find(named)
    }

    /// Adds a user with these fields, everything else as in a new user; returns the id.
    pub fn add(&self, fields: Value) -> String {
        let now = self.0.clock.now();
        self.0.lock().jumpcloud.users.add(object(fields), now)
    }

    /// Changes a user; returns whether there is one.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        self.now().jumpcloud.users.edit(id, change)
    }

    /// Binds a user to a device or an application: from then on the username is fixed.
    pub fn bind(&self, id: &str) -> bool {
        self.0.lock().jumpcloud.users.bind(id)
    }

    /// Adds a group with these fields, everything else as in a new group; returns the id.
    pub fn add_group(&self, fields: Value) -> String {
        self.now().jumpcloud.groups.add(object(fields))
    }

    /// Every group, by id: the oldest first.
    pub fn groups(&self) -> Vec<Value> {
        self.now().jumpcloud.groups.show()
    }

    /// Puts a user into a group; returns whether there are both.
    pub fn add_member(&self, group_id: &str, user_id: &str) -> bool {
        self.now().jumpcloud.put_member(group_id, user_id)
    }

    /// Takes a user out of a group; returns whether they were in it.
    pub fn remove_member(&self, group_id: &str, user_id: &str) -> bool {
        self.now().jumpcloud.groups.remove(group_id, user_id)
    }

    /// The ids of a group's members, the oldest user first; nobody where there is no such group.
    pub fn members(&self, group_id: &str) -> Vec<String> {
        let state = self.now();
        let members = state.jumpcloud.members(group_id).unwrap_or_default();
        members.into_iter().map(str::to_owned).collect()
    }

    /// Deletes a user; returns whether there was one.
    pub fn delete(&self, id: &str) -> bool {
        self.now().jumpcloud.remove(id).is_some()
    }

    /// Lets a user be activated from a moment on, with the usual mail; returns whether there is such a user.
    pub fn schedule_activation(&self, id: &str, at: Timestamp) -> bool {
        self.schedule(id, Target::Activated, at)
    }

    /// Lets a user be suspended from a moment on; returns whether there is such a user.
    pub fn schedule_suspension(&self, id: &str, at: Timestamp) -> bool {
        self.schedule(id, Target::Suspended, at)
    }

    pub(crate) fn schedule(&self, id: &str, state: Target, at: Timestamp) -> bool {
        self.now().jumpcloud.plan_state(id, state, at)
    }

    /// The changes of state to come as the API shows them, the next first.
    pub fn scheduled_states(&self) -> Vec<Value> {
        self.now().jumpcloud.schedule.show()
    }

    /// The mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.now().jumpcloud.mails.clone()
    }

    /// Refuses to send mail to an address: activating a user with it is a 400.
    pub fn refuse_mail_to(&self, address: &str) {
        let mut state = self.0.lock();
        state.jumpcloud.refused_mail.insert(address.to_owned());
    }

    /// Lets another organisation have an e-mail address, which is then refused here.
    pub fn taken_elsewhere(&self, email: &str) {
        let mut state = self.0.lock();
        state.jumpcloud.taken_elsewhere.insert(email.to_lowercase());
    }

    /// Replaces the key that is accepted.
    pub fn set_key(&self, key: &str) {
        key.clone_into(&mut self.0.lock().jumpcloud.key);
    }

    /// Changes the rules.
    pub fn rules(&self, change: impl FnOnce(&mut JumpCloudRules)) {
        change(&mut self.0.lock().jumpcloud.rules);
    }
}

/// The organisation: its users, its settings, and what it sent.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) users: Users,
    groups: Groups,
    pub(crate) mails: Vec<Mail>,
    schedule: Schedule,
    rules: JumpCloudRules,
    key: String,
    taken_elsewhere: BTreeSet<String>,
    refused_mail: BTreeSet<String>,
    /// What reads show as long as they do not show a write: when it came, and what was there before it; the oldest first.
    before_writes: VecDeque<(Timestamp, Users, Groups)>,
    last_second: RollingSecond,
    rng: Rng,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Something in it is wrong.
    BadRequest(String),
    /// The password breaks these rules.
    Password(Vec<&'static str>),
    /// A value that must be unique is in use.
    Duplicate(String),
    /// It is so already.
    Conflict(&'static str),
    /// There is no such user, or no such route.
    NotFound,
}

impl Directory {
    pub(crate) fn new(
        key: String,
        users: Vec<Map<String, Value>>,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let mut directory = Self {
            users: Users::default(),
            groups: Groups::default(),
            mails: Vec::new(),
            schedule: Schedule::default(),
            rules: JumpCloudRules::default(),
            key,
            taken_elsewhere: BTreeSet::new(),
            refused_mail: BTreeSet::new(),
            before_writes: VecDeque::new(),
            last_second: RollingSecond::default(),
            rng: Rng::with_seed(seed),
        };
        for fields in users {
            directory.users.add(fields, now);
        }
        directory
    }

    pub(crate) fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        if let Some(refused) = self.admission(call) {
            return refused;
        }
        self.catch_up(now);
        self.route_by_age(call, now)
            .unwrap_or_else(|refusal| self.refuse(refusal))
    }

    /// Reads see nothing of the writes that are not shown yet; writes see everything.
    fn route_by_age(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let age = self.rules.shows_writes_after;
        self.before_writes
            .retain(|(at, ..)| now.duration_since(*at) < age);
        let is_read = call.method == "GET" || call.path.contains("/search/");
        if !is_read && age.is_positive() {
            let before = (now, self.users.clone(), self.groups.clone());
            self.before_writes.push_back(before);
        }
        let shown = is_read.then(|| self.before_writes.pop_front()).flatten();
        let Some((at, mut users, mut groups)) = shown else {
            return self.route(call, now);
        };
        let mut swap = |directory: &mut Self| {
            std::mem::swap(&mut directory.users, &mut users);
            std::mem::swap(&mut directory.groups, &mut groups);
        };
        swap(self);
        let answer = self.route(call, now);
        swap(self);
        self.before_writes.push_front((at, users, groups));
        answer
    }

    /// The key and the rate limit come before the route: an unknown path with a wrong key is a 401.
    fn admission(&mut self, call: &Call) -> Option<Answer> {
        let Some(key) = call.header("x-api-key") else {
            let login = Answer::html(StatusCode::FOUND);
            return Some(login.with_header(LOCATION, HeaderValue::from_static("/login")));
        };
        if key != self.key {
            let body = json!({
                "error": "Unauthorized",
                "message": "Unauthorized: api key user not found",
            });
            return Some(Answer::json(StatusCode::UNAUTHORIZED, &body));
        }
        if let Some(limit) = self.rules.rate_limit
            && !self.last_second.admit(Instant::now(), limit)
        {
            let answer = message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
            return Some(match limit.retry_after {
                Some(seconds) => answer.with_header(RETRY_AFTER, seconds),
                None => answer,
            });
        }
        let organization = call.header("x-org-id")?;
        if !is_object_id(organization) {
            return Some(message(StatusCode::BAD_REQUEST, "invalid x-org-id"));
        }
        (organization != ORGANIZATION)
            .then(|| message(StatusCode::NOT_FOUND, "organization not found"))
    }

    fn route(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let segments = call.segments("/jumpcloud/api/");
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["systemusers"]) => Ok(self.list(&Listing::from_query(call, &self.rules)?)),
            ("POST", ["systemusers"]) => self.create(call, now),
            ("POST", ["search", "systemusers"]) => Ok(self.list(&Listing::from_body(call)?)),
            ("GET", ["systemusers", id]) => self.get(id, call),
            ("PUT", ["systemusers", id]) => self.update(id, call),
            ("DELETE", ["systemusers", id]) => self.delete(id, call),
            ("POST", ["systemusers", id, "state", "activate"]) => self.activate(id, call, now),
            ("POST", ["systemusers", id, "state", "suspend"]) => self.suspend(id, call),
            ("POST", ["systemusers", id, "reactivate"]) => self.reactivate(id, call, now),
            ("GET", ["organizations"]) => Ok(organizations()),
            ("GET", ["organizations", ORGANIZATION]) => Ok(self.organization()),
            ("POST", ["systemusers", id, "expire"]) => self.expire_password(id),
            ("GET", ["v2", "usergroups"]) => self.list_groups(call),
            ("POST", ["v2", "usergroups"]) => self.create_group(call),
            ("GET", ["v2", "usergroups", id]) => self.get_group(id),
            ("PUT", ["v2", "usergroups", id]) => self.update_group(id, call),
            ("DELETE", ["v2", "usergroups", id]) => self.delete_group(id),
            ("GET", ["v2", "usergroups", id, "members"]) => self.list_members(id, call),
            ("POST", ["v2", "usergroups", id, "members"]) => self.change_member(id, call),
            ("GET", ["v2", "usergroups", id, "membership"]) => self.list_membership(id, call),
            ("GET", ["v2", "users", id, "memberof"]) => self.list_groups_of(id, call),
            ("GET", ["v2", "bulk", "userstates"]) => self.scheduled_states(call),
            ("POST", ["v2", "bulk", "userstates"]) => self.schedule_states(call),
            ("DELETE", ["v2", "bulk", "userstates", id]) => self.withdraw_state(id),
            ("GET", ["v2", "bulk", "userstates", "eventlist", "next"]) => self.next_states(call),
            _ => Err(Refusal::NotFound),
        }
    }

    /// Alone, it shows its settings too.
    fn organization(&self) -> Answer {
        let mut whole = object(organization());
        let defaults = json!({"manualEntry": self.rules.default_state});
        let settings = json!({"newSystemUserStateDefaults": defaults});
        whole.insert("settings".to_owned(), settings);
        Answer::ok(&whole)
    }

    fn refuse(&self, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::Duplicate(text) if self.rules.duplicates_conflict => {
                message(StatusCode::CONFLICT, &text)
            }
            Refusal::BadRequest(text) | Refusal::Duplicate(text) => {
                message(StatusCode::BAD_REQUEST, &text)
            }
            Refusal::Password(faults) => password_faults(&faults),
            Refusal::Conflict(text) => message(StatusCode::CONFLICT, text),
            Refusal::NotFound => message(StatusCode::NOT_FOUND, "Not Found"),
        }
    }
}

/// `suspended` is the older mirror of `state`: the two always agree.
fn set_state(fields: &mut Map<String, Value>, state: &str) {
    fields.insert("state".to_owned(), state.into());
    fields.insert("suspended".to_owned(), (state == "SUSPENDED").into());
}

/// The organisation, as a list shows it.
fn organization() -> Value {
    json!({
        "_id": ORGANIZATION,
        "id": ORGANIZATION,
        "displayName": "Northlight",
        "logoUrl": null,
        "created": "2020-05-16T07:00:00.000Z",
    })
}

fn organizations() -> Answer {
    Answer::ok(&json!({"totalCount": 1, "results": [organization()]}))
}

fn json_body<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body)
        .map_err(|error| bad_request(&format!("invalid body: {error}")))
}

fn json_object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    match call.json() {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(bad_request("the body must be a JSON object")),
        Err(error) => Err(bad_request(&format!("the body is not JSON: {error}"))),
    }
}

fn known_id(id: &str) -> Result<&str, Refusal> {
    if is_object_id(id) {
        Ok(id)
    } else {
        Err(bad_request(&format!("malformed id: {id}")))
    }
}

fn is_object_id(id: &str) -> bool {
    id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bad_request(text: &str) -> Refusal {
    Refusal::BadRequest(text.to_owned())
}

/// As documented for `fullValidationDetails=password`.
fn password_faults(faults: &[&str]) -> Answer {
    let violations = faults.iter();
    let violations: Vec<Value> = violations
        .map(|fault| json!({ "field": "password", "description": fault }))
        .collect();
    let body = json!({
        "code": 400,
        "message": "Password validation fail",
        "status": "INVALID_ARGUMENT",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolationsList": violations,
        }],
    });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

fn message(status: StatusCode, text: &str) -> Answer {
    Answer::json(status, &json!({ "message": text }))
}

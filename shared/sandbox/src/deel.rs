//! Deel's API as far as a directory sync reads it, and the handle with which a test hires and lets go.
//!
//! What a person looks like is the test's to say: people are JSON objects, odd ones included.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use fastrand::Rng;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::limiter::{RateLimit, RollingSecond};
use crate::state::Shared;
use crate::wire::{Answer, Call, object};

type Person = Map<String, Value>;

/// The one version that is known to the API by name.
const VERSION: &str = "2026-01-01";

const MAXIMUM_LIMIT: usize = 200;
const MAXIMUM_OFFSET: usize = 999_999_999;
/// Not documented: small, so that a client that relies on it is found out.
const DEFAULT_LIMIT: usize = 10;

const SORT_KEYS: [&str; 15] = [
    "id",
    "first_name",
    "last_name",
    "full_name",
    "email",
    "country",
    "birth_date",
    "hiring_type",
    "start_date",
    "team",
    "job_title",
    "hiring_status",
    "completion_date",
    "direct_manager",
    "direct_reports_count",
];

const HIRING_STATUSES: [&str; 12] = [
    "pending_invite",
    "draft",
    "invited",
    "onboarding",
    "onboarding_at_risk",
    "onboarding_overdue",
    "onboarded",
    "offboarding",
    "active",
    "inactive",
    "in_review",
    "quote_requires_changes",
];

/// Where Deel's behaviour is not documented, or differs between tokens.
#[derive(Debug, Clone)]
pub struct DeelRules {
    /// Leaves `page` out of lists, as older answers do.
    pub omits_page: bool,
    /// Gives lists without `sort_by` in another order each time.
    pub shuffles_unsorted_lists: bool,
    /// How many requests are answered, all tokens together.
    pub rate_limit: Option<RateLimit>,
    /// What the token may read.
    pub scopes: BTreeSet<&'static str>,
}

impl Default for DeelRules {
    fn default() -> Self {
        Self {
            omits_page: false,
            shuffles_unsorted_lists: true,
            rate_limit: Some(RateLimit {
                per_second: 5,
                retry_after: None,
            }),
            scopes: BTreeSet::from(["people:read", "worker:read", "organizations:read"]),
        }
    }
}

/// Deel, as the people team sees it.
#[derive(Debug, Clone)]
pub struct Deel(Arc<Shared>);

impl Deel {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Adds a person as given, with an `id` and a `worker_id` where they lack one; returns the id.
    pub fn hire(&self, person: impl Into<Value>) -> String {
        let now = self.0.clock.now();
        self.0.lock().deel.add(object(person.into()), now)
    }

    /// Changes a person; returns whether there is one.
    pub fn update(&self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let Some(person) = state.deel.people.get_mut(id) else {
            return false;
        };
        change(person);
        person.insert("updated_at".to_owned(), timestamp(now));
        true
    }

    /// Makes a person vanish, as when two profiles are merged; returns whether there was one.
    pub fn remove(&self, id: &str) -> bool {
        self.0.lock().deel.people.remove(id).is_some()
    }

    /// Everybody, by id.
    pub fn people(&self) -> Vec<Value> {
        let state = self.0.lock();
        let people = state.deel.people.values();
        people.cloned().map(Value::Object).collect()
    }

    /// The person with this id.
    pub fn person(&self, id: &str) -> Option<Value> {
        self.0
            .lock()
            .deel
            .people
            .get(id)
            .cloned()
            .map(Value::Object)
    }

    /// Sets a person's phone numbers, which only the personal information shows.
    pub fn set_phone_numbers(&self, id: &str, numbers: Value) {
        let mut state = self.0.lock();
        state.deel.phone_numbers.insert(id.to_owned(), numbers);
    }

    /// Replaces the token that is accepted.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.0.lock().deel.token);
    }

    /// Changes the rules.
    pub fn rules(&self, change: impl FnOnce(&mut DeelRules)) {
        change(&mut self.0.lock().deel.rules);
    }
}

/// The organisation: its people and its settings.
#[derive(Debug, Clone)]
pub(crate) struct HrOrganization {
    pub(crate) people: BTreeMap<String, Person>,
    phone_numbers: BTreeMap<String, Value>,
    rules: DeelRules,
    token: String,
    hired: u32,
    last_second: RollingSecond,
    rng: Rng,
}

/// Why a request is refused, in the parts of the documented error.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
    /// The part of the request that is wrong, such as `/query/limit`.
    path: String,
}

impl HrOrganization {
    pub(crate) fn new(token: String, people: Vec<Person>, seed: u64, now: Timestamp) -> Self {
        let mut organization = Self {
            people: BTreeMap::new(),
            phone_numbers: BTreeMap::new(),
            rules: DeelRules::default(),
            token,
            hired: 0,
            last_second: RollingSecond::default(),
            rng: Rng::with_seed(seed),
        };
        for person in people {
            organization.add(person, now);
        }
        organization
    }

    pub(crate) fn add(&mut self, mut person: Person, now: Timestamp) -> String {
        self.hired += 1;
        let number = self.hired;
        let id = match person.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => format!(
                "{:08x}-5eed-4000-8000-{number:012x}",
                number.wrapping_mul(0x9e37_79b1)
            ),
        };
        person.insert("id".to_owned(), id.as_str().into());
        person
            .entry("worker_id")
            .or_insert_with(|| number.to_string().into());
        for moment in ["created_at", "updated_at"] {
            person.entry(moment).or_insert_with(|| timestamp(now));
        }
        self.people.insert(id.clone(), person);
        id
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        if let Some(limit) = self.rules.rate_limit
            && !self.last_second.admit(Instant::now(), limit)
        {
            return too_many_requests(limit);
        }
        self.route(call)
            .unwrap_or_else(|refusal| refusal.to_answer(call))
    }

    fn route(&mut self, call: &Call) -> Result<Answer, Refusal> {
        self.authorise(call)?;
        let segments = call.segments("/deel/rest/v2/");
        if call.method != hyper::Method::GET {
            return Err(not_found());
        }
        match segments.as_slice() {
            ["people"] => self.list(call),
            ["people", "me"] => self.me(),
            ["people", id] => self.get(id),
            ["people", id, "personal"] => self.personal(id),
            ["departments"] => self.departments(),
            ["teams"] => self.teams(),
            _ => Err(not_found()),
        }
    }

    fn authorise(&self, call: &Call) -> Result<(), Refusal> {
        let token = call
            .header(AUTHORIZATION.as_str())
            .and_then(|header| header.strip_prefix("Bearer "));
        if token != Some(self.token.as_str()) {
            return Err(refusal(StatusCode::UNAUTHORIZED, "Unauthorized", ""));
        }
        match call.header("x-version") {
            None | Some(VERSION) => Ok(()),
            Some(_) => Err(bad_request("unknown API version", "/headers/x-version")),
        }
    }

    fn require(&self, scope: &str) -> Result<(), Refusal> {
        if self.rules.scopes.contains(scope) {
            Ok(())
        } else {
            let message = format!("missing scope {scope}");
            Err(refusal(StatusCode::FORBIDDEN, &message, ""))
        }
    }

    fn list(&mut self, call: &Call) -> Result<Answer, Refusal> {
        self.require("people:read")?;
        let query = ListQuery::from_call(call)?;
        let mut rows: Vec<&Person> = self
            .people
            .values()
            .filter(|person| query.holds(person))
            .collect();
        match query.sort_by {
            None if self.rules.shuffles_unsorted_lists => self.rng.shuffle(&mut rows),
            // The order in which they are kept.
            None | Some("id") => {}
            Some(key) => rows.sort_by_cached_key(|person| sort_value(person, key)),
        }
        if query.descending {
            rows.reverse();
        }
        let page = Window {
            offset: query.offset,
            total_rows: rows.len(),
            items_per_page: query.limit,
        };
        Ok(Answer::ok(&People {
            data: rows
                .into_iter()
                .skip(query.offset)
                .take(query.limit)
                .collect(),
            page: (!self.rules.omits_page).then_some(page),
        }))
    }

    fn get(&self, id: &str) -> Result<Answer, Refusal> {
        self.require("people:read")?;
        let person = self.people.get(id).ok_or_else(not_found)?;
        Ok(Answer::ok(&json!({ "data": as_single(person) })))
    }

    /// The user behind the token: unlike everything else, not wrapped in `data`.
    fn me(&self) -> Result<Answer, Refusal> {
        self.require("people:read")?;
        self.require("worker:read")?;
        Ok(Answer::ok(&json!({
            "id": 1,
            "user_id": 1,
            "organization_id": 1,
            "organization_name": "Northlight",
            "email": "integrations@northlight.example",
            "username": "integrations",
            "first_name": "Integrations",
            "middle_name": null,
            "last_name": "Account",
            "full_name": "Integrations Account",
            "profile_type": "service_account",
            "client_country": null,
            "contractor_country": null,
            "hris_enabled": true,
            "hris_organization_user_id": null,
            "avatar_url": null,
            "slack_team_id": null,
            "slack_user_id": null,
        })))
    }

    fn personal(&self, id: &str) -> Result<Answer, Refusal> {
        self.require("people:read")?;
        let person = self.people.get(id).ok_or_else(not_found)?;
        Ok(Answer::ok(&json!({"data": {
            "id": id,
            "worker_id": person.get("worker_id"),
            "legal_first_name": person.get("first_name"),
            "legal_last_name": person.get("last_name"),
            "preferred_name": person.get("preferred_first_name"),
            "work_email": email(person, "work"),
            "personal_email": email(person, "personal"),
            "date_of_birth": person.get("birth_date"),
            "phone_numbers": self.phone_numbers.get(id),
            "addresses": [],
        }})))
    }

    fn departments(&self) -> Result<Answer, Refusal> {
        self.require("organizations:read")?;
        let departments = self
            .people
            .values()
            .filter_map(|person| person.get("department"));
        let known = by_id(departments);
        // `parent` is an id here, and a name in a person.
        let id_of = |name: &Value| {
            let named = known.values().find(|row| row.get("name") == Some(name));
            named.and_then(|row| row.get("id")).cloned()
        };
        let rows: Vec<Value> = known
            .values()
            .map(|row| {
                let parent = row.get("parent").and_then(id_of);
                json!({"id": row.get("id"), "name": row.get("name"), "parent": parent})
            })
            .collect();
        if rows.is_empty() {
            return Err(not_found());
        }
        Ok(Answer::ok(&json!({ "data": rows })))
    }

    fn teams(&self) -> Result<Answer, Refusal> {
        self.require("organizations:read")?;
        let employments = self
            .people
            .values()
            .filter_map(|person| person.get("employments")?.as_array())
            .flatten();
        let teams = by_id(employments.filter_map(|employment| employment.get("team")));
        let rows: Vec<&Value> = teams.into_values().collect();
        Ok(Answer::ok(&json!({ "data": rows })))
    }
}

/// The answer to `GET /people`.
#[derive(Debug, Serialize)]
struct People<'a> {
    data: Vec<&'a Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<Window>,
}

#[derive(Debug, Serialize)]
struct Window {
    offset: usize,
    total_rows: usize,
    items_per_page: usize,
}

/// The query of `GET /people`. What the stand-in does not support is refused rather than ignored.
#[derive(Debug)]
struct ListQuery<'a> {
    offset: usize,
    limit: usize,
    sort_by: Option<&'a str>,
    descending: bool,
    hiring_statuses: Vec<&'a str>,
}

impl<'a> ListQuery<'a> {
    fn from_call(call: &'a Call) -> Result<Self, Refusal> {
        let mut query = Self {
            offset: 0,
            limit: DEFAULT_LIMIT,
            sort_by: None,
            descending: false,
            hiring_statuses: Vec::new(),
        };
        for (name, value) in &call.query {
            match name.as_str() {
                "offset" => query.offset = number(value, 0, MAXIMUM_OFFSET, "/query/offset")?,
                "limit" => query.limit = number(value, 1, MAXIMUM_LIMIT, "/query/limit")?,
                "sort_by" => {
                    query.sort_by = Some(one_of(&SORT_KEYS, value, "/query/sort_by")?);
                }
                "sort_order" => {
                    let order = one_of(&["asc", "desc"], value, "/query/sort_order")?;
                    query.descending = order == "desc";
                }
                // Written once, repeated, or with brackets: clients do each of the three.
                "hiring_statuses" | "hiring_statuses[]" => query.hiring_statuses.push(one_of(
                    &HIRING_STATUSES,
                    value,
                    "/query/hiring_statuses",
                )?),
                other => {
                    let path = format!("/query/{other}");
                    return Err(bad_request("must NOT have additional properties", &path));
                }
            }
        }
        Ok(query)
    }

    fn holds(&self, person: &Person) -> bool {
        self.hiring_statuses.is_empty()
            || ["hiring_status", "new_hiring_status"].iter().any(|field| {
                let status = person.get(*field).and_then(Value::as_str);
                status.is_some_and(|status| self.hiring_statuses.contains(&status))
            })
    }
}

impl Refusal {
    fn to_answer(&self, call: &Call) -> Answer {
        let body = json!({
            "request": {
                "method": call.method.as_str(),
                "url": call.path.trim_start_matches("/deel"),
                "status": self.status.as_u16(),
                "api_req_id": "0f0f0f0f-0000-4000-8000-000000000001",
                "docs": "",
                "source": "AJV",
                "code": 3,
            },
            "errors": [{"message": self.message, "path": self.path}],
        });
        Answer::json(self.status, &body)
    }
}

/// The shape of `GET /people/{id}`: other fields than in a list, and days where a list has moments.
fn as_single(person: &Person) -> Person {
    let mut single = person.clone();
    for absent in ["person_status", "is_pwac", "hris_organization_user_id"] {
        single.remove(absent);
    }
    let last_day = last_day(person);
    if let Some(day) = single.get_mut("direct_employee_termination_last_day") {
        *day = day.as_str().and_then(|moment| moment.get(..10)).into();
    }
    for (name, value) in [
        ("termination_last_day", last_day.into()),
        ("custom_fields", json!([])),
        ("profile_organizational_structures", json!([])),
    ] {
        single.entry(name).or_insert(value);
    }
    single
}

/// The latest day among the employments, as `YYYY-MM-DD`.
fn last_day(person: &Person) -> Option<&str> {
    let employments = person.get("employments")?.as_array()?;
    employments
        .iter()
        .filter_map(|employment| employment.get("termination_last_day")?.as_str()?.get(..10))
        .max()
}

/// What a list is sorted by: text, and the id where that is equal.
fn sort_value(person: &Person, key: &str) -> (String, String) {
    let value = match key {
        "email" => email(person, "work"),
        "team" => person
            .get("employments")
            .and_then(|employments| employments.pointer("/0/team/name")),
        "direct_manager" => person
            .get("direct_manager")
            .and_then(|manager| manager.get("last_name")),
        field => person.get(field),
    };
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        // Counts, right-aligned so that they order as numbers.
        Some(other) => format!("{other:>20}"),
    };
    let id = person.get("id").and_then(Value::as_str);
    (text, id.unwrap_or_default().to_owned())
}

fn email<'a>(person: &'a Person, kind: &str) -> Option<&'a Value> {
    let emails = person.get("emails")?.as_array()?;
    let of_kind = |email: &&Value| email.get("type").and_then(Value::as_str) == Some(kind);
    emails.iter().find(of_kind)?.get("value")
}

/// Rows by their id, each once; what has none is left out.
fn by_id<'a>(rows: impl Iterator<Item = &'a Value>) -> BTreeMap<&'a str, &'a Value> {
    rows.filter_map(|row| Some((row.get("id")?.as_str()?, row)))
        .collect()
}

fn timestamp(moment: Timestamp) -> Value {
    format!("{moment:.3}").into()
}

fn number(value: &str, least: usize, most: usize, path: &str) -> Result<usize, Refusal> {
    match value.parse::<i64>().map(usize::try_from) {
        Err(_) => Err(bad_request("must be integer", path)),
        Ok(Ok(number)) if number > most => Err(bad_request(&format!("must be <= {most}"), path)),
        Ok(Ok(number)) if number >= least => Ok(number),
        Ok(_) => Err(bad_request(&format!("must be >= {least}"), path)),
    }
}

fn one_of<'a>(allowed: &[&str], value: &'a str, path: &str) -> Result<&'a str, Refusal> {
    if allowed.contains(&value) {
        Ok(value)
    } else {
        let message = "must be equal to one of the allowed values";
        Err(bad_request(message, path))
    }
}

fn too_many_requests(limit: RateLimit) -> Answer {
    let answer = Answer::json(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({
            "error": "Rate limit exceeded",
            "status": 429,
            "message": "Too many requests. Please wait before retrying.",
        }),
    );
    match limit.retry_after {
        Some(seconds) => answer.with_header(RETRY_AFTER, seconds),
        None => answer,
    }
}

fn bad_request(message: &str, path: &str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, message, path)
}

fn not_found() -> Refusal {
    refusal(StatusCode::NOT_FOUND, "Not found", "")
}

fn refusal(status: StatusCode, message: &str, path: &str) -> Refusal {
    Refusal {
        status,
        message: message.to_owned(),
        path: path.to_owned(),
    }
}

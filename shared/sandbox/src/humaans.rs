//! Humaans' API as far as a directory sync reads it, and the handle with which a test hires and lets go.
//!
//! There is no official specification: where sources leave a behaviour open, the stand-in has the one that is harder on
//! a client. What a record looks like is the test's to say: records are JSON objects, odd ones included.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::limiter::{RateLimit, RollingSecond};
use crate::profile::{HumaansRecords, Profile, hash, short_id};
use crate::state::Shared;
use crate::wire::{Answer, Call, object};

type Record = Map<String, Value>;

const DEFAULT_LIMIT: usize = 100;

/// Equality filters of `GET /people` beside `status`.
const PEOPLE_FILTERS: [&str; 7] = [
    "email",
    "personalEmail",
    "firstName",
    "lastName",
    "preferredName",
    "spaceId",
    "teams",
];

/// Shown to tokens with `private:read` alone.
const PRIVATE_FIELDS: [&str; 16] = [
    "personalEmail",
    "personalPhoneNumber",
    "formattedPersonalPhoneNumber",
    "birthday",
    "nationality",
    "nationalities",
    "address",
    "city",
    "state",
    "postcode",
    "countryCode",
    "country",
    "employmentEndDate",
    "lastWorkingDay",
    "leavingReason",
    "leavingNote",
];

/// What Humaans lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// `/people`
    People,
    /// `/job-roles`: the history of everybody's roles, one row per change.
    JobRoles,
    /// `/locations`
    Locations,
    /// `/companies`
    Companies,
    /// `/custom-fields`: what they are called.
    CustomFields,
    /// `/custom-values`: what people have in them.
    CustomValues,
}

impl Collection {
    const ALL: [Self; 6] = [
        Self::People,
        Self::JobRoles,
        Self::Locations,
        Self::Companies,
        Self::CustomFields,
        Self::CustomValues,
    ];

    /// The collection of this path segment.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|collection| collection.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::JobRoles => "job-roles",
            Self::Locations => "locations",
            Self::Companies => "companies",
            Self::CustomFields => "custom-fields",
            Self::CustomValues => "custom-values",
        }
    }

    /// The scope that reads it at all.
    fn scope(self) -> &'static str {
        match self {
            Self::People | Self::JobRoles | Self::Locations | Self::Companies => "public:read",
            Self::CustomFields | Self::CustomValues => "private:read",
        }
    }

    /// The field that says whose a row is.
    fn owner(self) -> Option<&'static str> {
        match self {
            Self::People => Some("id"),
            Self::JobRoles | Self::CustomValues => Some("personId"),
            Self::Locations | Self::Companies | Self::CustomFields => None,
        }
    }

    fn filters(self) -> &'static [&'static str] {
        match self {
            Self::People => &PEOPLE_FILTERS,
            Self::JobRoles => &["personId"],
            Self::CustomValues => &["personId", "customFieldId"],
            Self::Locations | Self::Companies | Self::CustomFields => &[],
        }
    }
}

/// Where Humaans' behaviour is not documented, or differs between tokens.
#[derive(Debug, Clone)]
pub struct HumaansRules {
    /// What the token may read.
    pub scopes: BTreeSet<&'static str>,
    /// The most rows of a page.
    pub maximum_limit: usize,
    /// Cuts a higher `$limit` down instead of refusing it.
    pub caps_limits: bool,
    /// How many requests are answered.
    pub rate_limit: Option<RateLimit>,
}

impl Default for HumaansRules {
    fn default() -> Self {
        Self {
            scopes: BTreeSet::from(["public:read", "private:read"]),
            maximum_limit: 250,
            caps_limits: false,
            rate_limit: Some(RateLimit {
                per_second: 2,
                retry_after: None,
            }),
        }
    }
}

/// Humaans, as the people team sees it.
#[derive(Debug, Clone)]
pub struct Humaans(Arc<Shared>);

impl Humaans {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Adds a person with one role, and the location and company where they are not there yet; returns the person's id.
    pub fn hire(&self, profile: &Profile) -> String {
        let now = self.0.clock.now();
        self.0.lock().humaans.hire(profile, now)
    }

    /// Sets the fields of a person to those of this profile; the id and the roles stay. Returns whether there is one.
    pub fn change(&self, id: &str, profile: &Profile) -> bool {
        let HumaansRecords { person, .. } = profile.to_humaans();
        self.update(Collection::People, id, |record| record.extend(person))
    }

    /// Gives a person another role from this day on; returns the role's id.
    pub fn change_role(&self, id: &str, title: &str, department: &str, from: Date) -> String {
        let role = json!({
            "personId": id,
            "jobTitle": title,
            "department": department,
            "reportingTo": null,
            "effectiveDate": from.to_string(),
            "endDate": null,
            "note": null,
        });
        self.add(Collection::JobRoles, role)
    }

    /// Adds a record as given, with an `id` where it lacks one; returns the id.
    pub fn add(&self, collection: Collection, record: Value) -> String {
        let now = self.0.clock.now();
        self.0.lock().humaans.add(collection, object(record), now)
    }

    /// Changes a record; returns whether there is one.
    pub fn update(
        &self,
        collection: Collection,
        id: &str,
        change: impl FnOnce(&mut Record),
    ) -> bool {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let Some(record) = state.humaans.rows(collection).get_mut(id) else {
            return false;
        };
        change(record);
        record.insert("updatedAt".to_owned(), timestamp(now));
        true
    }

    /// Deletes a record; returns whether there was one.
    pub fn remove(&self, collection: Collection, id: &str) -> bool {
        self.0.lock().humaans.rows(collection).remove(id).is_some()
    }

    /// All records, by id.
    pub fn all(&self, collection: Collection) -> Vec<Value> {
        let mut state = self.0.lock();
        let rows = state.humaans.rows(collection).values();
        rows.cloned().map(Value::Object).collect()
    }

    /// The record with this id.
    pub fn get(&self, collection: Collection, id: &str) -> Option<Value> {
        let mut state = self.0.lock();
        let record = state.humaans.rows(collection).get(id);
        record.cloned().map(Value::Object)
    }

    /// Replaces the token that is accepted.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.0.lock().humaans.token);
    }

    /// Changes the rules.
    pub fn rules(&self, change: impl FnOnce(&mut HumaansRules)) {
        change(&mut self.0.lock().humaans.rules);
    }
}

/// The account: its records and its settings.
#[derive(Debug, Clone)]
pub(crate) struct HumaansAccount {
    records: BTreeMap<Collection, BTreeMap<String, Record>>,
    rules: HumaansRules,
    token: String,
    added: u32,
    last_second: RollingSecond,
}

/// Why a request is refused, in the parts of the documented error.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
    /// The parameter that is wrong, and why.
    issue: Option<(String, &'static str)>,
}

/// A page that is asked for.
#[derive(Debug)]
struct Page {
    limit: usize,
    skip: usize,
}

impl HumaansAccount {
    pub(crate) fn new(token: String, people: &[Profile], now: Timestamp) -> Self {
        let mut account = Self {
            records: BTreeMap::new(),
            rules: HumaansRules::default(),
            token,
            added: 0,
            last_second: RollingSecond::default(),
        };
        for profile in people {
            account.hire(profile, now);
        }
        account
    }

    fn rows(&mut self, collection: Collection) -> &mut BTreeMap<String, Record> {
        self.records.entry(collection).or_default()
    }

    /// How many people there are.
    pub(crate) fn headcount(&self) -> usize {
        self.records
            .get(&Collection::People)
            .map_or(0, BTreeMap::len)
    }

    fn hire(&mut self, profile: &Profile, now: Timestamp) -> String {
        let HumaansRecords {
            person,
            mut job_role,
            location,
            company,
        } = profile.to_humaans();
        for (collection, record) in [
            (Collection::Locations, location),
            (Collection::Companies, company),
        ] {
            let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
            if !self.rows(collection).contains_key(id) {
                self.add(collection, record, now);
            }
        }
        let id = self.add(Collection::People, person, now);
        job_role.insert("personId".to_owned(), id.as_str().into());
        self.add(Collection::JobRoles, job_role, now);
        id
    }

    fn add(&mut self, collection: Collection, mut record: Record, now: Timestamp) -> String {
        self.added += 1;
        let id = match record.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => short_id(&format!("{}/{}", collection.name(), self.added)),
        };
        record.insert("id".to_owned(), id.as_str().into());
        for moment in ["createdAt", "updatedAt"] {
            record.entry(moment).or_insert_with(|| timestamp(now));
        }
        self.rows(collection).insert(id.clone(), record);
        id
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        if let Some(limit) = self.rules.rate_limit
            && !self.last_second.admit(Instant::now(), limit)
        {
            let refusal = refusal(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                "Too many requests",
            );
            let answer = refusal.into_answer();
            return match limit.retry_after {
                Some(seconds) => answer.with_header(RETRY_AFTER, seconds),
                None => answer,
            };
        }
        self.route(call).unwrap_or_else(Refusal::into_answer)
    }

    fn route(&self, call: &Call) -> Result<Answer, Refusal> {
        self.authorise(call)?;
        if call.method != hyper::Method::GET {
            return Err(not_found());
        }
        match call.segments("/humaans/api/").as_slice() {
            ["token-info"] => Ok(self.token_info()),
            [name] => self.list(collection(name)?, call),
            [name, id] => self.single(collection(name)?, id),
            _ => Err(not_found()),
        }
    }

    fn authorise(&self, call: &Call) -> Result<(), Refusal> {
        let token = call
            .header(AUTHORIZATION.as_str())
            .and_then(|header| header.strip_prefix("Bearer "));
        if token == Some(self.token.as_str()) {
            Ok(())
        } else {
            let message = "Authentication is required";
            Err(refusal(
                StatusCode::UNAUTHORIZED,
                "NotAuthenticated",
                message,
            ))
        }
    }

    fn require(&self, scope: &str) -> Result<(), Refusal> {
        if self.has(scope) {
            Ok(())
        } else {
            let message = format!("The token lacks the scope {scope}");
            Err(refusal(StatusCode::FORBIDDEN, "Forbidden", &message))
        }
    }

    fn has(&self, scope: &str) -> bool {
        self.rules.scopes.contains(scope)
    }

    fn token_info(&self) -> Answer {
        Answer::ok(&json!({
            "id": short_id("token"),
            "personId": short_id("token's owner"),
            "label": "Directory sync",
            "scopes": self.rules.scopes,
        }))
    }

    fn list(&self, collection: Collection, call: &Call) -> Result<Answer, Refusal> {
        self.require(collection.scope())?;
        let page = self.page(collection, call)?;
        let mut rows: Vec<&Record> = self.shown(collection).collect();
        match collection {
            Collection::People => {
                let status = call.parameter("status").unwrap_or("active");
                rows.retain(|person| status == "all" || is(person, "status", status));
            }
            Collection::JobRoles
            | Collection::Locations
            | Collection::Companies
            | Collection::CustomFields
            | Collection::CustomValues => {}
        }
        for (name, value) in &call.query {
            if collection.filters().contains(&name.as_str()) {
                rows.retain(|row| is(row, name, value));
            }
        }
        // No order is documented: it is the same each time, and nothing that a client could make use of.
        rows.sort_by_cached_key(|row| row.get("id").and_then(Value::as_str).map(hash));
        let data = rows.iter().skip(page.skip).take(page.limit);
        let data: Vec<Record> = data.map(|row| self.as_seen(collection, row)).collect();
        Ok(Answer::ok(&json!({
            "total": rows.len(),
            "limit": page.limit,
            "skip": page.skip,
            "data": data,
        })))
    }

    /// What is not permitted is not found either.
    fn single(&self, collection: Collection, id: &str) -> Result<Answer, Refusal> {
        self.require(collection.scope())?;
        let mut rows = self.shown(collection);
        let record = rows.find(|row| is(row, "id", id)).ok_or_else(not_found)?;
        Ok(Answer::ok(&self.as_seen(collection, record)))
    }

    /// The records that the token may see: without `private:read` those of active people alone.
    fn shown(&self, collection: Collection) -> impl Iterator<Item = &Record> {
        let people = self.records.get(&Collection::People);
        let sees_all = self.has("private:read");
        let rows = self
            .records
            .get(&collection)
            .into_iter()
            .flat_map(BTreeMap::values);
        rows.filter(move |row| {
            let Some(owner) = collection.owner() else {
                return true;
            };
            let owner = row.get(owner).and_then(Value::as_str).unwrap_or_default();
            people
                .and_then(|people| people.get(owner))
                .is_some_and(|person| sees_all || is(person, "status", "active"))
        })
    }

    fn as_seen(&self, collection: Collection, record: &Record) -> Record {
        let mut record = record.clone();
        if collection == Collection::People && !self.has("private:read") {
            for field in PRIVATE_FIELDS {
                if let Some(value) = record.get_mut(field) {
                    *value = Value::Null;
                }
            }
        }
        record
    }

    /// The page that a query asks for. What the stand-in does not support is refused rather than ignored.
    fn page(&self, collection: Collection, call: &Call) -> Result<Page, Refusal> {
        let mut page = Page {
            limit: DEFAULT_LIMIT.min(self.rules.maximum_limit),
            skip: 0,
        };
        for (name, value) in &call.query {
            match name.as_str() {
                "$limit" => page.limit = self.limit(number(name, value)?)?,
                "$skip" => page.skip = number(name, value)?,
                // Ignored, as fields that are not there: a client that leaves the `$` out is found out.
                "limit" | "skip" => {}
                "status" if collection == Collection::People => {
                    if !["active", "offboarded", "newHire", "all"].contains(&value.as_str()) {
                        return Err(invalid(name, "must be equal to one of the allowed values"));
                    }
                }
                filter if collection.filters().contains(&filter) => {}
                _ => return Err(invalid(name, "is not a field of this resource")),
            }
        }
        Ok(page)
    }

    fn limit(&self, asked: usize) -> Result<usize, Refusal> {
        let most = self.rules.maximum_limit;
        if asked <= most || self.rules.caps_limits {
            Ok(asked.min(most))
        } else {
            Err(invalid("$limit", "is above the maximum"))
        }
    }
}

impl Refusal {
    fn into_answer(self) -> Answer {
        let Self {
            status,
            name,
            message,
            issue,
        } = self;
        let mut body = object(json!({
            "id": short_id(&message),
            "code": status.as_u16(),
            "name": name,
            "message": message,
        }));
        if let Some((name, reason)) = issue {
            body.insert(
                "issues".to_owned(),
                json!([{"name": name, "reason": reason}]),
            );
        }
        Answer::json(status, &body)
    }
}

fn collection(name: &str) -> Result<Collection, Refusal> {
    Collection::named(name).ok_or_else(not_found)
}

/// Whether a field has this text; of a list of objects, as `teams` is, whether one has this name.
fn is(record: &Record, field: &str, text: &str) -> bool {
    match record.get(field) {
        Some(Value::String(value)) => value == text,
        Some(Value::Array(values)) => values
            .iter()
            .any(|value| value.get("name").and_then(Value::as_str) == Some(text)),
        _ => false,
    }
}

fn number(name: &str, value: &str) -> Result<usize, Refusal> {
    value
        .parse()
        .map_err(|_| invalid(name, "must be a whole number"))
}

fn timestamp(moment: Timestamp) -> Value {
    format!("{moment:.3}").into()
}

fn invalid(parameter: &str, reason: &'static str) -> Refusal {
    Refusal {
        issue: Some((parameter.to_owned(), reason)),
        ..refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "ValidationError",
            "Validation failed",
        )
    }
}

fn not_found() -> Refusal {
    refusal(StatusCode::NOT_FOUND, "NotFound", "Not found")
}

fn refusal(status: StatusCode, name: &'static str, message: &str) -> Refusal {
    Refusal {
        status,
        name,
        message: message.to_owned(),
        issue: None,
    }
}

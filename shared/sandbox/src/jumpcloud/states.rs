//! Scheduled changes of state (v2): made, listed and withdrawn, and carried out when their time has come.

use hyper::StatusCode;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::v2::{Part, no_content};
use super::{Directory, Refusal, bad_request, json_body, known_id, set_state};
use crate::wire::{Answer, Call};

/// How many users one look-up may name.
const MAXIMUM_USERS: usize = 100;

/// The changes that are still to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Schedule {
    jobs: Vec<Job>,
    made: u64,
}

#[derive(Debug, Clone)]
struct Job {
    id: String,
    user_id: String,
    state: Target,
    at: Timestamp,
    mail: Invitation,
}

/// The states that can be scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Target {
    Activated,
    Suspended,
}

/// Where the mail of an activation goes.
#[derive(Debug, Clone)]
enum Invitation {
    /// Where the documented rule says.
    Usual,
    To(String),
    Nowhere,
}

/// The body of `POST /bulk/userstates`.
#[derive(Debug, Deserialize)]
struct Order {
    user_ids: Vec<String>,
    state: Target,
    start_date: String,
    send_activation_emails: Option<bool>,
    activation_email_override: Option<String>,
}

impl Target {
    fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "ACTIVATED",
            Self::Suspended => "SUSPENDED",
        }
    }
}

impl Job {
    fn show(&self) -> Value {
        json!({
            "scheduledJobId": self.id,
            "scheduledDate": format!("{:.3}", self.at),
            "state": self.state.as_str(),
            "systemUserId": self.user_id,
        })
    }
}

impl Order {
    fn invitation(&self) -> Result<Invitation, Refusal> {
        let asks =
            self.send_activation_emails.is_some() || self.activation_email_override.is_some();
        if asks && self.state != Target::Activated {
            return Err(bad_request("only an activation sends mail"));
        }
        match (self.send_activation_emails, &self.activation_email_override) {
            (Some(false), _) => Ok(Invitation::Nowhere),
            (_, Some(_)) if self.user_ids.len() != 1 => Err(bad_request(
                "activation_email_override is for a single user",
            )),
            (_, Some(address)) => Ok(Invitation::To(address.clone())),
            (_, None) => Ok(Invitation::Usual),
        }
    }
}

impl Schedule {
    /// Adds a change; returns how it is shown.
    fn add(&mut self, user_id: &str, state: Target, at: Timestamp, mail: Invitation) -> Value {
        self.made += 1;
        let job = Job {
            id: format!("66b0c0de{:016x}", self.made),
            user_id: user_id.to_owned(),
            state,
            at,
            mail,
        };
        let shown = job.show();
        // Behind those of the same moment: the later order has the last word.
        let place = self.jobs.partition_point(|other| other.at <= at);
        self.jobs.insert(place, job);
        shown
    }

    /// The earliest change whose time has come, taken out.
    fn take_due(&mut self, now: Timestamp) -> Option<Job> {
        self.jobs.first().filter(|job| job.at <= now)?;
        Some(self.jobs.remove(0))
    }

    /// Takes out what was planned for a user who is gone.
    pub(super) fn forget(&mut self, user_id: &str) {
        self.jobs.retain(|job| job.user_id != user_id);
    }

    /// Every change to come, the next first.
    pub(super) fn show(&self) -> Vec<Value> {
        self.jobs.iter().map(Job::show).collect()
    }
}

impl Directory {
    /// Plans a change as an admin would, with the usual mail; returns whether there is such a user.
    pub(super) fn plan_state(&mut self, user_id: &str, state: Target, at: Timestamp) -> bool {
        let known = self.users.get(user_id).is_some();
        if known {
            self.schedule.add(user_id, state, at, Invitation::Usual);
        }
        known
    }

    /// Carries out what was due until now.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        while let Some(job) = self.schedule.take_due(now) {
            let state = job.state.as_str();
            let changed = (self.users.get(&job.user_id)).is_some_and(|user| user.state() != state);
            if !changed {
                continue;
            }
            self.users
                .edit(&job.user_id, |object| set_state(object, state));
            if job.state == Target::Activated {
                // Nobody is there to hear that an address is refused.
                let _ = match &job.mail {
                    Invitation::Usual => self.mail(&job.user_id, None, job.at),
                    Invitation::To(address) => self.mail(&job.user_id, Some(address), job.at),
                    Invitation::Nowhere => Ok(()),
                };
            }
        }
    }

    pub(super) fn schedule_states(&mut self, call: &Call) -> Result<Answer, Refusal> {
        let order: Order = json_body(call)?;
        let at = moment(&order.start_date)?;
        let mail = order.invitation()?;
        if order.user_ids.is_empty() {
            return Err(bad_request("user_ids must not be empty"));
        }
        for id in &order.user_ids {
            self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        }
        let jobs: Vec<Value> = order
            .user_ids
            .iter()
            .map(|id| self.schedule.add(id, order.state, at, mail.clone()))
            .collect();
        Ok(Answer::json(StatusCode::CREATED, &jobs))
    }

    pub(super) fn scheduled_states(&self, call: &Call) -> Result<Answer, Refusal> {
        let part = Part::of(call, &self.rules)?;
        let user = call.parameter("userid");
        let jobs = self.schedule.jobs.iter();
        let asked = jobs.filter(|job| user.is_none_or(|user| job.user_id == user));
        Ok(part.answer(asked.map(Job::show).collect()))
    }

    pub(super) fn withdraw_state(&mut self, id: &str) -> Result<Answer, Refusal> {
        let jobs = &mut self.schedule.jobs;
        let place = jobs.iter().position(|job| job.id == id);
        jobs.remove(place.ok_or(Refusal::NotFound)?);
        Ok(no_content())
    }

    /// For each user the next activation and the next suspension.
    pub(super) fn next_states(&self, call: &Call) -> Result<Answer, Refusal> {
        let part = Part::of(call, &self.rules)?;
        let users = call
            .parameter("users")
            .ok_or_else(|| bad_request("users is required"))?;
        let users: Vec<&str> = users.split(',').collect();
        if users.len() > MAXIMUM_USERS {
            return Err(bad_request("users is limited to 100 items"));
        }
        let next = |user: &str, state| {
            let mut jobs = self.schedule.jobs.iter();
            jobs.find(|job| job.user_id == user && job.state == state)
        };
        let events: Vec<Value> = users
            .into_iter()
            .flat_map(|user| [Target::Activated, Target::Suspended].map(|state| next(user, state)))
            .flatten()
            .map(Job::show)
            .collect();
        Ok(Answer::ok(&json!({
            "events_count": events.len(),
            "results": part.take(events),
        })))
    }
}

/// RFC 3339; a time without an offset is in UTC, as in the specification's samples.
fn moment(text: &str) -> Result<Timestamp, Refusal> {
    text.parse()
        .or_else(|_| TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?))
        .map_err(|_| bad_request("start_date must be a date and time"))
}

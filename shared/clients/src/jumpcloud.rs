//! JumpCloud's APIs, as much of them as rollcall needs: users (v1) and scheduled changes of state (v2).
//!
//! Which users to write, and with what, is not decided here.

mod states;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use mapping::{SystemUser, SystemUserId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::decode::{Misfit, decode, decode_owned, decode_row};
use crate::error::ClientError;
use crate::http::{Http, KeyHeader, Request, Settings, Vendor};
use crate::key::KeySource;
use crate::retry::Retry;

const NAME: &str = "JumpCloud";
const US: &str = "https://console.jumpcloud.com";
const EU: &str = "https://console.eu.jumpcloud.com";
const INDIA: &str = "https://console.in.jumpcloud.com";

/// The most rows that JumpCloud gives at once.
const PAGE: usize = 100;

/// Unique regardless of case, unlike JumpCloud's own comparison.
const CASELESS: [&str; 3] = ["username", "email", "alternateEmail"];

/// The base URL of a region: `us`, `eu` or `in`.
pub fn region_base_url(region: &str) -> Option<&'static str> {
    match region {
        "us" => Some(US),
        "eu" => Some(EU),
        "in" => Some(INDIA),
        _ => None,
    }
}

/// How JumpCloud is reached.
#[derive(Debug, Clone)]
pub struct JumpCloudOptions {
    /// What stands before `/api`.
    pub base_url: String,
    /// `x-org-id`, for administrators of several organisations; else empty.
    pub organization: String,
    /// Requests a second, evenly paced.
    pub requests_per_second: u32,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Hosts besides JumpCloud's own that may be given the key.
    pub allowed_hosts: Vec<String>,
    /// Attempts, waits and time-outs.
    pub retry: Retry,
}

impl Default for JumpCloudOptions {
    fn default() -> Self {
        Self {
            base_url: US.to_owned(),
            organization: String::new(),
            requests_per_second: 20,
            concurrency: 8,
            allowed_hosts: Vec::new(),
            retry: Retry::default(),
        }
    }
}

/// Where JumpCloud sends the mail of an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// To this address.
    To(String),
    /// Nowhere.
    None,
}

impl Invitation {
    fn body(&self) -> Value {
        match self {
            Self::To(address) => json!({ "email": address }),
            Self::None => json!({ "email": false }),
        }
    }
}

/// JumpCloud's users. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct JumpCloud {
    http: Http,
    concurrency: usize,
}

/// `{"totalCount": n, "results": […]}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    total_count: usize,
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

/// A page of users, every one of them readable.
struct Page {
    total: usize,
    users: Vec<SystemUser>,
}

impl JumpCloud {
    /// A client without a deadline; nothing is sent yet.
    pub fn new(options: JumpCloudOptions, key: KeySource) -> Result<Self, ClientError> {
        let vendor = Vendor {
            name: NAME,
            hosts: &[
                "console.jumpcloud.com",
                "console.eu.jumpcloud.com",
                "console.in.jumpcloud.com",
            ],
            key_header: KeyHeader::ApiKey,
        };
        let organization = (!options.organization.is_empty())
            .then_some(("x-org-id", options.organization.as_str()));
        let settings = Settings {
            base_url: &options.base_url,
            allowed_hosts: &options.allowed_hosts,
            headers: organization.into_iter().collect(),
            requests_per_second: options.requests_per_second,
            concurrency: options.concurrency,
            retry: options.retry,
        };
        let http = Http::new(vendor, settings, key)?;
        Ok(Self {
            http,
            concurrency: options.concurrency.max(1),
        })
    }

    /// A handle for one run over the same connections and at the same rate, with its own deadline and count of
    /// calls; a key that an earlier run found refused is tried again.
    #[must_use]
    pub fn begin(&self, deadline: Instant) -> Self {
        Self {
            http: self.http.begin(deadline),
            concurrency: self.concurrency,
        }
    }

    /// How many attempts this run has sent.
    pub fn calls(&self) -> u64 {
        self.http.calls()
    }

    /// All users, in the order of their ids; `progress` is told how many of how many are read.
    ///
    /// Complete or an error: a list that contradicts itself is read once more, because users may come and go between
    /// two pages.
    pub async fn users(
        &self,
        progress: impl Fn(usize, usize),
    ) -> Result<Vec<SystemUser>, ClientError> {
        match self.read_users(&progress).await {
            Err(ClientError::Incomplete { .. }) => self.read_users(&progress).await,
            outcome => outcome,
        }
    }

    async fn read_users(
        &self,
        progress: &impl Fn(usize, usize),
    ) -> Result<Vec<SystemUser>, ClientError> {
        let Page { total, mut users } = self.page(0).await?;
        check_order(&users)?;
        progress(users.len(), total);
        let mut pages = stream::iter((PAGE..total).step_by(PAGE))
            .map(|skip| self.page(skip))
            .buffered(self.concurrency);
        while let Some(page) = pages.try_next().await? {
            if page.total != total {
                return Err(incomplete(format!(
                    "`totalCount` went from {total} to {}",
                    page.total
                )));
            }
            if page.users.is_empty() {
                break;
            }
            check_order(users.last().into_iter().chain(&page.users))?;
            users.extend(page.users);
            progress(users.len(), total);
        }
        if users.len() == total {
            Ok(users)
        } else {
            Err(incomplete(format!(
                "`totalCount` is {total} and the pages hold {} users",
                users.len()
            )))
        }
    }

    async fn page(&self, skip: usize) -> Result<Page, ClientError> {
        let (limit, skip) = (PAGE.to_string(), skip.to_string());
        let query = [("limit", limit.as_str()), ("skip", &skip), ("sort", "_id")];
        self.http
            .send(Request::get(&["api", "systemusers"], &query), read_page)
            .await
    }

    /// One user, if there is such a user.
    pub async fn user(&self, id: &SystemUserId) -> Result<Option<SystemUser>, ClientError> {
        self.http.find(&["api", "systemusers"], id.as_str()).await
    }

    /// The users of whom any of these fields has the given value. Usernames and e-mail addresses match in any case;
    /// an empty value matches nobody.
    pub async fn find(&self, any_of: &[(&str, &str)]) -> Result<Vec<SystemUser>, ClientError> {
        let conditions: Vec<Value> = any_of
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(field, value)| condition(field, value))
            .collect();
        if conditions.is_empty() {
            return Ok(Vec::new());
        }
        let limit = PAGE.to_string();
        let request = Request {
            method: Method::POST,
            path: &["api", "search", "systemusers"],
            // The specification has the limit in the query, JumpCloud's own tools in the body.
            query: &[("limit", &limit), ("skip", "0")],
            body: Some(
                json!({ "filter": { "or": conditions }, "sort": "_id", "limit": PAGE, "skip": 0 }),
            ),
            once: false,
        };
        let Page { total, users } = self.http.send(request, read_page).await?;
        if users.len() == total {
            Ok(users)
        } else {
            Err(incomplete(format!(
                "a search found {total} users and returned {}",
                users.len()
            )))
        }
    }

    /// Makes a user. When the error [is in doubt](ClientError::is_in_doubt), look for the user before trying again.
    pub async fn create(&self, fields: &Map<String, Value>) -> Result<SystemUser, ClientError> {
        let body = Value::Object(fields.clone());
        let request = Request::post_once(&["api", "systemusers"], body);
        self.http.send(request, decode_owned).await
    }

    /// Changes these fields of a user and leaves the others; lists are replaced whole.
    pub async fn update(
        &self,
        id: &SystemUserId,
        fields: &Map<String, Value>,
    ) -> Result<SystemUser, ClientError> {
        let path = ["api", "systemusers", id.as_str()];
        let body = Value::Object(fields.clone());
        self.http
            .send(Request::put(&path, body), decode_owned)
            .await
    }

    /// Activates a staged user.
    pub async fn activate(
        &self,
        id: &SystemUserId,
        invitation: &Invitation,
    ) -> Result<(), ClientError> {
        self.invite(
            &["api", "systemusers", id.as_str(), "state", "activate"],
            invitation,
        )
        .await
    }

    /// Sends the activation mail again.
    pub async fn invite_again(
        &self,
        id: &SystemUserId,
        invitation: &Invitation,
    ) -> Result<(), ClientError> {
        self.invite(
            &["api", "systemusers", id.as_str(), "reactivate"],
            invitation,
        )
        .await
    }

    /// Sent once, because it may send mail. The answer is a string, a user or nothing.
    async fn invite(&self, path: &[&str], invitation: &Invitation) -> Result<(), ClientError> {
        self.http
            .send(Request::post_once(path, invitation.body()), |_| Ok(()))
            .await
    }
}

fn read_page(body: &[u8]) -> Result<Page, Misfit> {
    let answer: Answer = decode(body)?;
    let users = answer
        .results
        .into_iter()
        .map(|row| decode_row(row, "_id"))
        .collect::<Result<_, _>>();
    match users {
        Ok(users) => Ok(Page {
            total: answer.total_count,
            users,
        }),
        Err(row) => {
            let id = row.id.map_or_else(
                || "a user without `_id`".to_owned(),
                |id| format!("user `{id}`"),
            );
            Err(Misfit {
                reason: format!("{id}: {}", row.reason),
                garbled: false,
            })
        }
    }
}

/// Pages that overlap or were sorted otherwise may have lost somebody.
fn check_order<'a>(users: impl IntoIterator<Item = &'a SystemUser>) -> Result<(), ClientError> {
    if users.into_iter().is_sorted_by(|one, next| one.id < next.id) {
        Ok(())
    } else {
        Err(incomplete("ids repeat or are out of order".to_owned()))
    }
}

fn condition(field: &str, value: &str) -> Value {
    if CASELESS.contains(&field) {
        json!({ field: { "$regex": format!("(?i)(^{}$)", regex_lite::escape(value)) } })
    } else {
        json!({ field: value })
    }
}

fn incomplete(reason: String) -> ClientError {
    ClientError::Incomplete {
        vendor: NAME,
        reason,
    }
}

#[cfg(test)]
mod tests;

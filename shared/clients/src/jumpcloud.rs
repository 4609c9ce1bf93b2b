//! JumpCloud's APIs, as much of them as rollcall needs: users (v1), groups and scheduled changes of state (v2).
//!
//! How JumpCloud is reached stands here, what is asked of it in the modules below. Whom to write, and with what, is not
//! decided here.

mod groups;
mod pages;
mod query;
mod states;
mod users;

use tokio::time::Instant;

use crate::error::ClientError;
use crate::http::{Http, KeyHeader, Settings, Vendor};
use crate::key::KeySource;
use crate::retry::Retry;

pub use groups::GroupQuery;
pub use pages::Rows;
pub use query::{Condition, UserQuery};
pub use users::Invitation;

const NAME: &str = "JumpCloud";
const US: &str = "https://console.jumpcloud.com";
const EU: &str = "https://console.eu.jumpcloud.com";
const INDIA: &str = "https://console.in.jumpcloud.com";

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

/// JumpCloud's users and groups. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct JumpCloud {
    http: Http,
    concurrency: usize,
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
}

#[cfg(test)]
mod tests;

//! JumpCloud's APIs, as much of them as rollcall needs: users and the organisation (v1), groups and scheduled changes of state (v2).
//!
//! How JumpCloud is reached stands here, what is asked of it in the modules below. Whom to write, and with what, is not
//! decided here.

mod groups;
mod organization;
mod pages;
mod query;
mod states;
mod users;

use std::time::Duration;

use tokio::time::Instant;

use crate::error::ClientError;
use crate::http::{Http, KeyHeader, Options, Permit, Vendor};
use crate::key::KeySource;
use crate::retry::Retry;

pub use groups::GroupQuery;
pub use organization::Organization;
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

const VENDOR: Vendor = Vendor {
    name: NAME,
    hosts: &[
        "console.jumpcloud.com",
        "console.eu.jumpcloud.com",
        "console.in.jumpcloud.com",
    ],
    key_header: KeyHeader::ApiKey,
};

/// JumpCloud's users and groups. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct JumpCloud {
    http: Http,
}

impl JumpCloud {
    /// How it is reached unless told otherwise. The base URL is what stands before `/api`.
    pub fn options() -> Options {
        Options {
            base_url: US.to_owned(),
            requests_per_second: 20,
            concurrency: 8,
            allowed_hosts: Vec::new(),
            retry: Retry::default(),
        }
    }

    /// A client without a deadline; nothing is sent yet. `organization` is the `x-org-id` of administrators of several
    /// organisations, else empty.
    pub fn new(options: Options, organization: &str, key: KeySource) -> Result<Self, ClientError> {
        let header = [("x-org-id", organization)];
        let headers = if organization.is_empty() {
            &[]
        } else {
            &header[..]
        };
        let http = Http::new(VENDOR, headers, options, key)?;
        Ok(Self { http })
    }

    /// A handle for one run over the same connections and at the same rate, with its own deadline and count of
    /// calls; a key that an earlier run found refused is tried again.
    #[must_use]
    pub fn begin(&self, deadline: Instant) -> Self {
        Self {
            http: self.http.begin(deadline),
        }
    }

    /// How much longer JumpCloud asks to be left alone, where that is beyond this run's deadline.
    pub fn asked_to_wait(&self) -> Option<Duration> {
        self.http.asked_to_wait()
    }

    /// The same run, in which nothing is sent without this permit, not even once more.
    #[must_use]
    pub fn with_permit(&self, permit: Permit) -> Self {
        Self {
            http: self.http.with_permit(permit),
        }
    }

    /// How many attempts this run has sent.
    pub fn calls(&self) -> u64 {
        self.http.calls()
    }
}

#[cfg(test)]
mod tests;

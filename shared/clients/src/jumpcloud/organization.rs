//! The organisation behind a key, and the time that JumpCloud has: what an admin asks before the first run.

use jiff::Timestamp;
use mapping::Text;
use serde::Deserialize;

use super::JumpCloud;
use crate::decode::decode_owned;
use crate::error::ClientError;
use crate::http::Request;
use crate::retry::answered_at;

const ORGANIZATIONS: [&str; 2] = ["api", "organizations"];

/// An organisation that a key opens.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// JumpCloud's id of it.
    #[serde(rename = "_id")]
    pub id: Text,
    /// Its name.
    pub display_name: Option<Text>,
    settings: Option<Settings>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    new_system_user_state_defaults: Option<StateDefaults>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateDefaults {
    manual_entry: Option<Text>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Organization>,
}

impl Organization {
    /// The state of a user that is made without one; lists do not show it.
    pub fn default_state(&self) -> Option<&str> {
        let settings = self.settings.as_ref()?;
        let defaults = settings.new_system_user_state_defaults.as_ref()?;
        defaults.manual_entry.as_deref()
    }
}

impl JumpCloud {
    /// The organisations that the key opens, and what time it was there when it answered.
    pub async fn organizations(
        &self,
    ) -> Result<(Vec<Organization>, Option<Timestamp>), ClientError> {
        let request = Request::get(&ORGANIZATIONS, &[]);
        let read = self.http.send_reading_headers(request, |headers, body| {
            let Answer { results } = decode_owned(body)?;
            Ok((results, answered_at(headers)))
        });
        read.await
    }

    /// One organisation with its settings, if the key opens it.
    pub async fn organization(&self, id: &str) -> Result<Option<Organization>, ClientError> {
        self.http.find(&ORGANIZATIONS, id).await
    }
}

#[cfg(test)]
mod tests;

//! A vendor's API key, and the day on which it stops working, where somebody wrote that down.

use std::fmt;

use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::SecretsError;
use crate::usable;

/// How long before its end a key is told of: time enough to make another one.
const TOLD_BEFORE_DAYS: i32 = 30;

/// A vendor's API key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The key.
    pub key: SecretString,
    /// The day on which it stops working, where known.
    pub expires: Option<Date>,
}

/// A key that ended, or is about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiring {
    /// The day on which it stops working.
    pub on: Date,
    /// How many days there are until then; none or fewer once it has stopped.
    pub days: i32,
}

impl Expiring {
    /// Whether it has stopped working.
    pub fn has_ended(&self) -> bool {
        self.days <= 0
    }
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { on, days: ..=0 } => write!(f, "ended on {on}"),
            Self { on, days: 1 } => write!(f, "ends tomorrow, on {on}"),
            Self { on, days } => write!(f, "ends in {days} days, on {on}"),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    api_key: Option<SecretString>,
    expires: Option<String>,
}

impl ApiKey {
    /// What to tell of the end of the key from 30 days before.
    pub fn expiring(&self, today: Date) -> Option<Expiring> {
        let on = self.expires?;
        let days = on.duration_since(today).as_hours() / 24;
        let days = i32::try_from(days).ok()?;
        (days <= TOLD_BEFORE_DAYS).then_some(Expiring { on, days })
    }

    pub(crate) fn parse(name: &str, secret: &SecretString) -> Result<Self, SecretsError> {
        if !secret.expose_secret().starts_with('{') {
            return Ok(Self {
                key: secret.clone(),
                expires: None,
            });
        }
        // The parser's own message would quote the secret.
        let malformed = |reason| SecretsError::Malformed {
            name: name.into(),
            reason,
        };
        let document: Document = serde_json::from_str(secret.expose_secret())
            .map_err(|_| malformed("it is not valid JSON of text values"))?;
        let key = document
            .api_key
            .ok_or_else(|| malformed("it has no `api_key`"))?;
        let expires = document.expires.map(|date| date.trim().parse()).transpose();
        Ok(Self {
            key: usable(name, &key)?,
            expires: expires.map_err(|_| malformed("its `expires` is no date"))?,
        })
    }
}

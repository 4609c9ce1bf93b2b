//! A vendor's API key, and the day on which it stops working, where somebody wrote that down.

use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::SecretsError;
use crate::usable;

/// A vendor's API key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The key.
    pub key: SecretString,
    /// The day on which it stops working, where known.
    pub expires: Option<Date>,
}

#[derive(Deserialize)]
struct Document {
    api_key: Option<SecretString>,
    expires: Option<String>,
}

impl ApiKey {
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

//! Secrets by name, from AWS Secrets Manager or the environment, as values that do not print.
//!
//! A name is `env:NAME`, or what Secrets Manager calls the secret: its name or ARN. No value, and no part of one,
//! may appear in an error or in `Debug`.

mod admin;
mod api_key;
mod error;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use api_key::{ApiKey, Expiring};
pub use error::SecretsError;

/// What a template or an example holds where the secret belongs.
const PLACEHOLDERS: [&str; 5] = ["replace_me", "replace-me", "change_me", "changeme", "todo"];

/// How old a secret may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Read within the last minute.
    Cached,
    /// Read after it was asked for: the one at hand does not work.
    Fresh,
}

impl Freshness {
    /// How long before the question a secret may have been read.
    fn most(self) -> Duration {
        match self {
            Self::Cached => Duration::from_mins(1),
            Self::Fresh => Duration::ZERO,
        }
    }
}

/// Where secrets come from. Clones share what was read.
#[derive(Clone)]
pub struct Secrets {
    shared: Arc<Shared>,
}

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

struct Shared {
    client: Option<Client>,
    env: Box<Variables>,
    /// Held while one is read, so that many who need the same secret read it once.
    cache: Mutex<BTreeMap<String, Cached>>,
}

struct Cached {
    value: SecretString,
    read_at: Instant,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Secrets of this account, if there is one, and of this environment. Nothing is read yet.
    pub fn new(
        client: Option<Client>,
        env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let cache = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                client,
                env: Box::new(env),
                cache,
            }),
        }
    }

    /// The text of a secret, trimmed; never empty, never a placeholder.
    pub async fn get(
        &self,
        name: &str,
        freshness: Freshness,
    ) -> Result<SecretString, SecretsError> {
        if let Some(variable) = name.strip_prefix("env:") {
            let value = (self.shared.env)(variable).map(SecretString::from);
            let value = value.ok_or_else(|| SecretsError::NotSet {
                variable: variable.into(),
            })?;
            return usable(name, &value);
        }
        let asked_at = Instant::now();
        let mut cache = self.shared.cache.lock().await;
        if let Some(cached) = cache.get(name)
            && cached.read_at + freshness.most() > asked_at
        {
            return Ok(cached.value.clone());
        }
        let read_at = Instant::now();
        let value = usable(name, &self.read(name).await?)?;
        let cached = Cached {
            value: value.clone(),
            read_at,
        };
        cache.insert(name.to_owned(), cached);
        Ok(value)
    }

    /// The API key in a secret: the text itself, or JSON such as `{"api_key":"…","expires":"2027-03-01"}`.
    pub async fn api_key(&self, name: &str, freshness: Freshness) -> Result<ApiKey, SecretsError> {
        let value = self.get(name, freshness).await?;
        ApiKey::parse(name, &value)
    }

    async fn read(&self, name: &str) -> Result<SecretString, SecretsError> {
        let request = self.client(name)?.get_secret_value().secret_id(name);
        let answer = request.send().await;
        let answer = answer.map_err(|error| SecretsError::reading(name, error))?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| SecretsError::Binary { name: name.into() })
    }

    fn client(&self, name: &str) -> Result<&Client, SecretsError> {
        let client = self.shared.client.as_ref();
        client.ok_or_else(|| SecretsError::NoAccount { name: name.into() })
    }
}

/// The value, trimmed, unless nobody has put a secret there yet.
fn usable(name: &str, value: &SecretString) -> Result<SecretString, SecretsError> {
    let value = value.expose_secret();
    if is_unset(value) {
        return Err(SecretsError::Placeholder { name: name.into() });
    }
    Ok(value.trim().into())
}

/// Whether there is nothing, or what stands there until somebody puts a secret in its place.
fn is_unset(value: &str) -> bool {
    let value = value.trim();
    let is_bracketed = value.starts_with('<') && value.ends_with('>');
    value.is_empty()
        || is_bracketed
        || PLACEHOLDERS
            .iter()
            .any(|placeholder| value.eq_ignore_ascii_case(placeholder))
}

//! The secrets: whether they can be read and are what they must be. Never what they hold.

use clients::chain;
use config::SecretName;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use scim::{Scope, tokens_in};
use secrets::{ApiKey, Freshness, Secrets, SecretsError};
use tokio::time::timeout;

use super::PATIENCE;
use super::clock::ago;
use super::finding::Finding;
use crate::now;

/// The key of a vendor.
pub(super) struct Key<'a> {
    pub(super) finding: Finding,
    /// Its secret, if there is a key in it to try.
    pub(super) there: Option<&'a SecretName>,
}

/// Whether the key is there, when it ends, and how old it is.
pub(super) async fn key<'a>(secrets: &Secrets, name: &'a SecretName) -> Key<'a> {
    let check = "secret";
    let (finding, there) = match timeout(PATIENCE, read(secrets, name)).await {
        Ok(Ok((key, changed_at))) => (of_key(check, &key, changed_at), Some(name)),
        Ok(Err(error)) => {
            let advice = "store the vendor's key there (docs/deploy.md, store the keys)";
            (Finding::failed(check, chain(&error), advice), None)
        }
        Err(_) => (Finding::unanswered(check, PATIENCE), None),
    };
    Key {
        finding: finding.about(name.as_str()),
        there,
    }
}

async fn read(
    secrets: &Secrets,
    name: &SecretName,
) -> Result<(ApiKey, Option<Timestamp>), SecretsError> {
    let key = secrets.api_key(name.as_str(), Freshness::Cached).await?;
    // Somebody who may read a secret need not be allowed to describe it.
    let changed_at = secrets.changed_at(name.as_str()).await;
    Ok((key, changed_at.ok().flatten()))
}

fn of_key(check: &'static str, key: &ApiKey, changed_at: Option<Timestamp>) -> Finding {
    let age = changed_at.map_or(String::new(), |at| format!(", stored {}", ago(at)));
    let today = now().to_zoned(TimeZone::UTC).date();
    let advice =
        "make a new key and store it with its own `expires` (docs/operate.md, changing a key)";
    match (key.expiring(today), key.expires) {
        (Some(end), _) if end.has_ended() => {
            Finding::failed(check, format!("the key {end}{age}"), advice)
        }
        (Some(end), _) => Finding::warning(check, format!("the key {end}{age}"), advice),
        (None, Some(on)) => Finding::ok(check, format!("a key that ends on {on}{age}")),
        (None, None) => Finding::ok(check, format!("a key{age}; it is not said when it ends")),
    }
}

/// The digests of SCIM clients' tokens.
pub(super) async fn tokens(secrets: &Secrets, name: &SecretName) -> Vec<Finding> {
    let finding = timeout(PATIENCE, of_tokens(secrets, name)).await;
    let finding = finding.unwrap_or_else(|_| Finding::unanswered("scim_tokens", PATIENCE));
    vec![finding.about(name.as_str())]
}

async fn of_tokens(secrets: &Secrets, name: &SecretName) -> Finding {
    let check = "scim_tokens";
    let none = |found| {
        let advice = "if a SCIM client shall call: `rollcall token new NAME`";
        Finding::warning(check, found, advice)
    };
    let tokens = match secrets.get(name.as_str(), Freshness::Cached).await {
        Ok(secret) => tokens_in(name.as_str(), &secret),
        Err(
            error @ (SecretsError::NotFound { .. }
            | SecretsError::Placeholder { .. }
            | SecretsError::NotSet { .. }),
        ) => return none(error.to_string()),
        Err(error) => {
            let advice = "until that is mended no SCIM client gets in";
            return Finding::failed(check, chain(&error), advice);
        }
    };
    match tokens {
        Err(error) => {
            let advice = "correct it, or put {\"tokens\":[]} there and make the tokens anew with `rollcall token new NAME`";
            Finding::failed(check, error.to_string(), advice)
        }
        Ok(tokens) if tokens.is_empty() => none("there is no token".to_owned()),
        Ok(tokens) => {
            let write = tokens.iter().filter(|token| token.scope == Scope::Write);
            let write = write.count();
            let read = tokens.len() - write;
            Finding::ok(check, format!("{write} may write, {read} may read"))
        }
    }
}

//! Who is calling: a token of a SCIM client, compared in constant time (RFC 7644 §2, RFC 6750).
//!
//! Tokens stand in one secret as SHA-256 digests: `{"tokens":[{"name":"okta-2026","client":"okta","sha256":"<hex>",
//! "scope":"write"}]}`. No token is kept, logged or echoed.

use std::sync::Mutex;
use std::time::Duration;

use mapping::Text;
use secrecy::{ExposeSecret, SecretString};
use secrets::{Freshness, Secrets, SecretsError};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use tokio::time::Instant;

/// How often a stranger's token may make us read the secret again.
const MOST_OFTEN: Duration = Duration::from_mins(1);

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To look.
    Read,
    /// To look and to change.
    Write,
}

/// A caller whose token is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The client that users and ids belong to; several tokens may be one client's.
    pub client: Text,
    /// What it may do.
    pub scope: Scope,
}

/// Why nobody can be told apart from anybody.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The secret cannot be read.
    #[error("the tokens of SCIM clients cannot be read")]
    Secret(#[from] SecretsError),
    /// The secret is not what it should be. The cause is left out: it might quote the secret.
    #[error(
        "the secret `{name}` is not of the form `{{\"tokens\":[{{\"name\":\"…\",\"client\":\"…\",\"sha256\":\"<64 hex digits>\",\"scope\":\"read|write\"}}]}}`"
    )]
    Malformed {
        /// The secret's name.
        name: String,
    },
}

#[derive(Deserialize)]
struct TokenFile {
    tokens: Vec<Token>,
}

/// One token, of which the secret has the digest alone.
#[derive(Deserialize)]
pub struct Token {
    /// What an admin calls it.
    pub name: Text,
    client: Option<Text>,
    #[serde(with = "hex::serde")]
    sha256: [u8; 32],
    /// What it allows.
    pub scope: Scope,
}

impl Token {
    /// Whose it is; several may be one client's.
    pub fn client(&self) -> &Text {
        self.client.as_ref().unwrap_or(&self.name)
    }
}

/// The tokens in the secret of this name.
pub fn tokens_in(name: &str, secret: &SecretString) -> Result<Vec<Token>, AuthError> {
    let file: TokenFile =
        serde_json::from_str(secret.expose_secret()).map_err(|_| AuthError::Malformed {
            name: name.to_owned(),
        })?;
    Ok(file.tokens)
}

/// The tokens that are live now.
#[derive(Debug)]
pub struct Tokens {
    secrets: Secrets,
    name: String,
    /// When a token that nobody knew last made us read the secret again.
    reread_at: Mutex<Option<Instant>>,
}

impl Tokens {
    /// The tokens in this secret; nothing is read yet.
    pub fn new(secrets: Secrets, name: &str) -> Self {
        Self {
            secrets,
            name: name.to_owned(),
            reread_at: Mutex::new(None),
        }
    }

    /// Reads the secret, which is then at hand for a minute.
    pub(crate) async fn warm(&self) -> Result<(), AuthError> {
        self.read(Freshness::Cached).await.map(|_| ())
    }

    /// Whose token this is; `None` when it is nobody's.
    pub async fn access(&self, token: &SecretString) -> Result<Option<Access>, AuthError> {
        let digest = Sha256::digest(token.expose_secret());
        let known = self.read(Freshness::Cached).await?;
        match find(known, &digest) {
            // It may be a new one: a rotated secret is picked up, but not at a stranger's pace.
            None if self.may_reread() => Ok(find(self.read(Freshness::Fresh).await?, &digest)),
            found => Ok(found),
        }
    }

    async fn read(&self, freshness: Freshness) -> Result<Vec<Token>, AuthError> {
        let secret = self.secrets.get(&self.name, freshness).await?;
        tokens_in(&self.name, &secret)
    }

    fn may_reread(&self) -> bool {
        let now = Instant::now();
        let mut reread_at = self
            .reread_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = reread_at.is_none_or(|last| now.duration_since(last) >= MOST_OFTEN);
        if due {
            *reread_at = Some(now);
        }
        due
    }
}

/// Compares with every token, so that the time taken tells nothing about any of them.
fn find(tokens: Vec<Token>, digest: &[u8]) -> Option<Access> {
    let mut found = None;
    for token in tokens {
        let same: Choice = token.sha256.as_slice().ct_eq(digest);
        if bool::from(same) {
            found = Some(Access {
                client: token.client().clone(),
                scope: token.scope,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn token_file(tokens: &[(&str, &str, &str)]) -> String {
        let tokens: Vec<String> = tokens
            .iter()
            .map(|(name, token, more)| {
                let digest = hex::encode(Sha256::digest(token));
                format!(r#"{{"name":"{name}","sha256":"{digest}",{more}}}"#)
            })
            .collect();
        format!(r#"{{"tokens":[{}]}}"#, tokens.join(","))
    }

    /// Tokens in a variable, and how often it was read.
    fn tokens(values: Vec<String>) -> (Tokens, Arc<AtomicUsize>) {
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&reads);
        let env = move |_: &str| {
            let read = counted.fetch_add(1, Ordering::Relaxed);
            values.get(read.min(values.len() - 1)).cloned()
        };
        (Tokens::new(Secrets::new(None, env), "env:TOKENS"), reads)
    }

    async fn access(tokens: &Tokens, token: &str) -> Option<Access> {
        tokens.access(&SecretString::from(token)).await.unwrap()
    }

    #[tokio::test]
    async fn every_live_token_is_known_by_its_client_and_scope() {
        let (tokens, _) = tokens(vec![token_file(&[
            ("okta-2025", "old", r#""client":"okta","scope":"write""#),
            ("okta-2026", "new", r#""client":"okta","scope":"write""#),
            ("auditor", "look", r#""scope":"read""#),
        ])]);
        for (token, client, scope) in [
            ("old", "okta", Scope::Write),
            ("new", "okta", Scope::Write),
            ("look", "auditor", Scope::Read),
        ] {
            let expected = Access {
                client: client.into(),
                scope,
            };
            assert_eq!(access(&tokens, token).await, Some(expected));
        }
    }

    #[tokio::test]
    async fn unknown_token_reads_the_secret_again_once_a_minute() {
        tokio::time::pause();
        let file = token_file(&[("okta", "right", r#""scope":"write""#)]);
        let (tokens, reads) = tokens(vec![file]);
        for _ in 0..5 {
            assert_eq!(access(&tokens, "wrong").await, None);
        }
        // A variable is read each time it is asked for; a secret would be cached but for the sixth.
        assert_eq!(reads.load(Ordering::Relaxed), 5 + 1);
        tokio::time::advance(MOST_OFTEN).await;
        for _ in 0..5 {
            assert_eq!(access(&tokens, "wrong").await, None);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 2 * (5 + 1));
    }

    #[tokio::test]
    async fn new_token_works_at_once() {
        let before = token_file(&[("okta", "old", r#""scope":"write""#)]);
        let after = token_file(&[("okta", "new", r#""scope":"write""#)]);
        let (tokens, _) = tokens(vec![before, after]);
        assert!(access(&tokens, "old").await.is_some());
        assert!(access(&tokens, "new").await.is_some());
        assert!(access(&tokens, "old").await.is_none());
    }

    #[tokio::test]
    async fn malformed_secret_is_told_without_quoting_it() {
        for secret in [
            "not json",
            r#"{"tokens":[{"name":"a","sha256":"beef","scope":"write"}]}"#,
            r#"{"tokens":[{"name":"a","sha256":"s3cr3t","scope":"all"}]}"#,
        ] {
            let (tokens, _) = tokens(vec![secret.to_owned()]);
            let error = tokens
                .access(&SecretString::from("any"))
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains("`env:TOKENS`"), "{error}");
            assert!(
                !error.contains("s3cr3t") && !error.contains("beef"),
                "{error}"
            );
        }
    }
}

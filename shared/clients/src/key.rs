//! The key of one run: read when first needed, read afresh once when the vendor refuses it.
//!
//! Where keys are kept is the business of the [`KeySource`].

use std::error::Error;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// Why a key could not be read.
pub type KeyError = Box<dyn Error + Send + Sync>;

/// Where a client gets its key from.
pub type KeySource =
    Box<dyn Fn(Freshness) -> BoxFuture<'static, Result<SecretString, KeyError>> + Send + Sync>;

/// Whether a cached key will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A key read a moment ago will do.
    Cached,
    /// The vendor refused the cached one.
    Fresh,
}

/// What a run knows about the key.
#[derive(Debug, Default)]
enum State {
    #[default]
    Unread,
    Read(SecretString),
    Renewed(SecretString),
    Refused,
}

/// The key of one run.
#[derive(Debug, Default)]
pub(crate) struct RunKey {
    state: Mutex<State>,
}

impl RunKey {
    /// The key to send; `None` once the vendor has refused it for good.
    pub(crate) async fn current(
        &self,
        source: &KeySource,
    ) -> Result<Option<SecretString>, KeyError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Read(key) | State::Renewed(key) => Ok(Some(key.clone())),
            State::Refused => Ok(None),
            State::Unread => {
                let key = source(Freshness::Cached).await?;
                *state = State::Read(key.clone());
                Ok(Some(key))
            }
        }
    }

    /// Takes note that the vendor refused `sent`; true when there is a different key to try.
    pub(crate) async fn renew(
        &self,
        sent: &SecretString,
        source: &KeySource,
    ) -> Result<bool, KeyError> {
        let mut state = self.state.lock().await;
        let is_sent = |key: &SecretString| key.expose_secret() == sent.expose_secret();
        match &*state {
            // Another request has renewed the key since this one left.
            State::Read(key) | State::Renewed(key) if !is_sent(key) => Ok(true),
            State::Refused => Ok(false),
            State::Renewed(_) => {
                *state = State::Refused;
                Ok(false)
            }
            State::Unread | State::Read(_) => {
                let fresh = source(Freshness::Fresh).await;
                match fresh {
                    Ok(key) if !is_sent(&key) => {
                        *state = State::Renewed(key);
                        Ok(true)
                    }
                    same_or_unread => {
                        *state = State::Refused;
                        same_or_unread.map(|_| false)
                    }
                }
            }
        }
    }
}

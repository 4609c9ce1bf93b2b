//! Keys that end soon, or have: what their secrets say of it. Whether a key works is for its client to find out.

use std::collections::BTreeSet;

use config::{Config, SecretName, Source};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrets::{Freshness, Secrets};

use crate::plan::RunWarning;

/// A warning for each key that ends within 30 days or has ended, of JumpCloud and of these sources; a secret that several
/// share is told once. One that cannot be read is told by whoever needs it.
pub(crate) async fn expiring<'a>(
    config: &'a Config,
    sources: impl Iterator<Item = &'a Source>,
    secrets: &Secrets,
    now: Timestamp,
) -> Vec<RunWarning> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut told: BTreeSet<&SecretName> = BTreeSet::new();
    let mut warnings = Vec::new();
    let keys = sources.map(|source| (&source.api_key, Some(&source.name)));
    for (secret, source) in [(&config.jumpcloud.api_key, None)].into_iter().chain(keys) {
        if !told.insert(secret) {
            continue;
        }
        let Ok(key) = secrets.api_key(secret.as_str(), Freshness::Cached).await else {
            continue;
        };
        if let Some(expiring) = key.expiring(today) {
            let message = format!(
                "the key in secret `{secret}` {expiring}: make a new one and store it there with its own `expires`"
            );
            warnings.push(match source {
                Some(source) => RunWarning::of_source(source, "key_expires", message),
                None => RunWarning::of_run("key_expires", message),
            });
        }
    }
    warnings
}

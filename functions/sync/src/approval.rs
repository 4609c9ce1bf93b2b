//! Approvals: what digests are shown to cover, and for those that a run is asked to approve, what they let through and who
//! said so. That is an admin's personal data: it stands in the table and never in a log.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use state::{State, StateError};

use crate::judge::{Approvals, Held};
use crate::plan::{ChangeDigest, RunWarning};
use crate::request::{Request, Said};

/// One approved digest, as the report keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The digest of the class or plan that was shown.
    pub digest: String,
    /// Who approved it, in which words.
    #[serde(flatten)]
    pub said: Said,
    /// When: the start of the run.
    pub at: Timestamp,
    /// How many changes it let through.
    pub changes: usize,
    /// The digests of the changes that it covers and that the plan no longer holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vanished: Vec<String>,
}

/// The digests that a run is asked to approve, each with the changes that it covers.
pub(crate) struct Asked(BTreeMap<String, BTreeSet<ChangeDigest>>);

impl Asked {
    /// Reads what the digests of a request cover, and warns of those that cover nothing.
    pub(crate) async fn read(
        request: &Request,
        state: &State,
        now: Timestamp,
    ) -> Result<(Self, Vec<RunWarning>), StateError> {
        let mut asked = BTreeMap::new();
        let mut warnings = Vec::new();
        for digest in &request.approve {
            let Some(changes) = state.offer(digest, now).await? else {
                let message = format!(
                    "`{digest}` was not shown within the last 24 hours, so it approves nothing: plan again and approve what that shows"
                );
                warnings.push(RunWarning::of_run("approval_unknown", message));
                continue;
            };
            let changes = changes.into_iter().map(ChangeDigest).collect();
            asked.insert(digest.clone(), changes);
        }
        Ok((Self(asked), warnings))
    }

    /// All changes that are approved.
    pub(crate) fn approvals(&self) -> Approvals {
        Approvals(self.0.values().flatten().copied().collect())
    }

    /// What each digest let through of a plan with these changes, some of which are held all the same.
    pub(crate) fn into_report(
        self,
        said: &Said,
        at: Timestamp,
        shown: &[ChangeDigest],
        held: &Held,
    ) -> Vec<Approval> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let shown: BTreeSet<ChangeDigest> = shown.iter().copied().collect();
        let held: BTreeSet<ChangeDigest> = held.covers.values().flatten().copied().collect();
        let record = |(digest, covers): (String, BTreeSet<ChangeDigest>)| Approval {
            digest,
            said: said.clone(),
            at,
            changes: covers
                .intersection(&shown)
                .filter(|change| !held.contains(change))
                .count(),
            vanished: covers.difference(&shown).map(ToString::to_string).collect(),
        };
        self.0.into_iter().map(record).collect()
    }
}

/// Stores what the digests that are about to be shown cover: the plan's, and that of each held class.
pub(crate) async fn offer(
    state: &State,
    plan: ChangeDigest,
    shown: &[ChangeDigest],
    held: &Held,
    now: Timestamp,
) -> Result<(), StateError> {
    let store = async |digest: ChangeDigest, changes: &[ChangeDigest]| {
        let changes: Vec<[u8; 32]> = changes.iter().map(|change| change.0).collect();
        state.put_offer(&digest.to_string(), &changes, now).await
    };
    store(plan, shown).await?;
    for (digest, changes) in &held.covers {
        store(*digest, changes).await?;
    }
    Ok(())
}

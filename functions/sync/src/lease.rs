//! Keeps the lease of a run alive while it works, and says how much of it is left.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clients::Permit;
use jiff::SignedDuration;
use state::{Lease, RunChain, State, StateError};
use tokio::task::JoinHandle;

use crate::Clock;

/// How long a lease lasts unless renewed: a runner that dies holds others up no longer than this.
const LASTS: SignedDuration = SignedDuration::from_secs(120);
/// Nothing is written when less than this is left of it: the longest that one request may take.
const MARGIN: SignedDuration = SignedDuration::from_secs(35);
/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(30);

/// A lease that is renewed in the background until it is dropped.
pub(crate) struct LeaseKeeper {
    lease: Arc<Mutex<Lease>>,
    renewal: JoinHandle<()>,
    /// The audit chain of the runs, which this run moves on.
    pub(crate) chain: RunChain,
}

impl LeaseKeeper {
    /// Takes the lease for this run.
    pub(crate) async fn take(
        state: &State,
        holder: &str,
        clock: &Clock,
    ) -> Result<Self, StateError> {
        let lease = state.acquire(holder, clock(), LASTS).await?;
        let chain = lease.chain().clone();
        let lease = Arc::new(Mutex::new(lease));
        let renewal = tokio::spawn(renew(state.clone(), Arc::clone(&lease), Arc::clone(clock)));
        Ok(Self {
            lease,
            renewal,
            chain,
        })
    }

    /// The lease as it is now.
    pub(crate) fn current(&self) -> Lease {
        self.lease
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether it is still ours, and for long enough that one more request ends within it.
    pub(crate) fn permit(&self, clock: &Clock) -> Permit {
        let (lease, clock) = (Arc::clone(&self.lease), Arc::clone(clock));
        // The renewal ends when somebody else has the lease.
        let renewal = self.renewal.abort_handle();
        Arc::new(move || {
            let lease = lease.lock().unwrap_or_else(PoisonError::into_inner);
            !renewal.is_finished() && lease.remaining(clock()) >= MARGIN
        })
    }

    /// Ends the renewal; the lease itself is released with the run's record.
    pub(crate) fn stop(mut self) -> (Lease, RunChain) {
        self.renewal.abort();
        (self.current(), std::mem::take(&mut self.chain))
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews until somebody else has the lease; a renewal that fails otherwise is tried again before it runs out.
async fn renew(state: State, lease: Arc<Mutex<Lease>>, clock: Clock) {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        let mut renewed = lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match state.renew(&mut renewed, clock()).await {
            Ok(()) => *lease.lock().unwrap_or_else(PoisonError::into_inner) = renewed,
            Err(StateError::LeaseLost { .. }) => return,
            Err(error) => {
                tracing::warn!(error = %error, "the lease could not be renewed; trying again");
            }
        }
    }
}

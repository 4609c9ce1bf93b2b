//! When a request may leave: evenly paced, few at once, and not while the vendor asks for quiet.
//!
//! The gate knows nothing of requests or answers; it is shared by all runs of one client.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Computes when the next request may leave.
#[derive(Debug)]
struct Pacer {
    interval: Duration,
    next: Option<Instant>,
}

impl Pacer {
    /// The even interval and a 25th more: requests that leave a second apart may arrive closer together.
    fn new(requests_per_second: u32) -> Self {
        let even = Duration::from_secs(1) / requests_per_second.max(1);
        Self {
            interval: even + even / 25,
            next: None,
        }
    }

    /// Lets one request leave now, or says when to ask again.
    fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        match self.next {
            Some(next) if now < next => Err(next),
            _ => {
                self.next = Some(now + self.interval);
                Ok(())
            }
        }
    }

    /// Lets nobody leave before `until`.
    fn hold(&mut self, until: Instant) {
        self.next = self.next.max(Some(until));
    }
}

/// The gate through which every attempt of a client passes.
#[derive(Debug)]
pub(crate) struct Gate {
    in_flight: Semaphore,
    /// Requests wait in turn, so that the pages of a list arrive about in order.
    turn: tokio::sync::Mutex<()>,
    pacer: Mutex<Pacer>,
}

impl Gate {
    pub(crate) fn new(requests_per_second: u32, concurrency: usize) -> Self {
        Self {
            in_flight: Semaphore::new(concurrency.max(1)),
            turn: tokio::sync::Mutex::new(()),
            pacer: Mutex::new(Pacer::new(requests_per_second)),
        }
    }

    /// Waits until one request may leave; it is in flight until the permit is dropped. `None`: not before `deadline`.
    pub(crate) async fn pass(&self, deadline: Option<Instant>) -> Option<SemaphorePermit<'_>> {
        match deadline {
            Some(deadline) if self.is_held_past(deadline) => None,
            Some(deadline) => timeout_at(deadline, self.queue(Some(deadline)))
                .await
                .ok()?,
            None => self.queue(None).await,
        }
    }

    /// Holds back all requests until then.
    pub(crate) fn hold(&self, until: Instant) {
        self.pacer().hold(until);
    }

    async fn queue(&self, deadline: Option<Instant>) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so this waits and does not fail.
        let permit = self.in_flight.acquire().await.ok()?;
        let _turn = self.turn.lock().await;
        loop {
            let admitted = self.pacer().admit(Instant::now());
            match admitted {
                Ok(()) => return Some(permit),
                Err(next) if deadline.is_some_and(|deadline| next >= deadline) => return None,
                Err(next) => sleep_until(next).await,
            }
        }
    }

    fn is_held_past(&self, deadline: Instant) -> bool {
        Instant::now() >= deadline || self.pacer().next.is_some_and(|next| next >= deadline)
    }

    fn pacer(&self) -> std::sync::MutexGuard<'_, Pacer> {
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    /// When each of `count` requests leaves, in seconds from the start.
    async fn departures(gate: &Gate, count: usize) -> Vec<f64> {
        let start = Instant::now();
        join_all((0..count).map(|_| async {
            drop(gate.pass(None).await.unwrap());
            start.elapsed().as_secs_f64()
        }))
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_the_rate() {
        for rate in [1, 5, 20, 100] {
            let departures = departures(&Gate::new(rate, 8), 150).await;
            let window = rate as usize;
            assert!(
                departures
                    .windows(window + 1)
                    .all(|w| w[window] - w[0] > 1.0),
                "{rate} a second"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hundred_pages_of_deel_stay_within_a_tenth_of_the_ideal() {
        let departures = departures(&Gate::new(5, 10), 100).await;
        assert!(departures.iter().all(|&at| at < 21.0), "{departures:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_concurrency_are_in_flight() {
        let gate = Gate::new(1000, 2);
        let soon = || Some(Instant::now() + Duration::from_secs(1));
        let first = gate.pass(soon()).await;
        let second = gate.pass(soon()).await;
        assert!(first.is_some() && second.is_some());
        assert!(gate.pass(soon()).await.is_none());
        drop(first);
        assert!(gate.pass(soon()).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn hold_holds_back_those_who_wait_already() {
        let gate = Gate::new(5, 8);
        let start = Instant::now();
        drop(gate.pass(None).await);
        let (departures, ()) = tokio::join!(departures(&gate, 3), async {
            gate.hold(start + Duration::from_mins(1));
        });
        assert!(departures.iter().all(|&at| at >= 60.0), "{departures:?}");
        assert!(
            departures[2] - departures[0] > 0.4,
            "no burst after the hold: {departures:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn wait_past_the_deadline_is_refused_at_once() {
        let gate = Gate::new(5, 8);
        let start = Instant::now();
        gate.hold(start + Duration::from_mins(1));
        assert!(
            gate.pass(Some(start + Duration::from_secs(59)))
                .await
                .is_none()
        );
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

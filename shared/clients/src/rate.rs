//! When a request may leave: evenly paced, no more at once than the vendor can take, and not while it asks for quiet.
//!
//! The gate knows nothing of requests or answers; it is shared by all runs of one client.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
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

/// What the answer to a request, or the lack of one, tells about the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// It answered, and in time.
    Light,
    /// It asks for fewer requests, or takes too long.
    Heavy,
    /// Something else went wrong.
    Unknown,
}

/// How many requests may be in flight: one more after as many light answers as there may be, half after a heavy one.
#[derive(Debug)]
struct Window {
    max: usize,
    limit: usize,
    in_flight: usize,
    /// Light answers since the limit last changed.
    light: usize,
    /// How often the limit was lowered. What left in an earlier round says nothing about the limit of this one.
    round: u64,
    /// The lowest limit since it last was at its most.
    lowest: usize,
}

impl Window {
    fn new(max: usize) -> Self {
        let max = max.max(1);
        Self {
            max,
            limit: max,
            in_flight: 0,
            light: 0,
            round: 0,
            lowest: max,
        }
    }

    fn is_full(&self) -> bool {
        self.in_flight >= self.limit
    }

    /// Learns from a request that left in this round; the limit, when it is a new low.
    fn learn(&mut self, round: u64, load: Load) -> Option<usize> {
        if round != self.round {
            return None;
        }
        match load {
            Load::Light if self.limit < self.max => self.raise(),
            Load::Light | Load::Unknown => {}
            Load::Heavy => return self.lower(),
        }
        None
    }

    fn raise(&mut self) {
        self.light += 1;
        if self.light >= self.limit {
            self.light = 0;
            self.limit += 1;
        }
        if self.limit == self.max {
            self.lowest = self.max;
        }
    }

    fn lower(&mut self) -> Option<usize> {
        self.light = 0;
        self.round += 1;
        self.limit = (self.limit / 2).max(1);
        let is_new = self.limit < self.lowest;
        self.lowest = self.lowest.min(self.limit);
        is_new.then_some(self.limit)
    }
}

/// What the requests of all runs have in common.
#[derive(Debug)]
struct Traffic {
    pacer: Pacer,
    window: Window,
    /// Until when the vendor asked for quiet.
    quiet_until: Option<Instant>,
}

/// The gate through which every attempt of a client passes.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Requests wait in turn, so that the pages of a list arrive about in order.
    turn: tokio::sync::Mutex<()>,
    traffic: Mutex<Traffic>,
    /// A request ended.
    ended: Notify,
}

/// Why a request may not leave yet.
enum Wait {
    /// As many are in flight as there may be.
    ForRoom,
    /// Its turn is then.
    Until(Instant),
}

/// A request that may leave: in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a> {
    gate: &'a Gate,
    round: u64,
}

impl Gate {
    pub(crate) fn new(requests_per_second: u32, concurrency: usize) -> Self {
        let traffic = Traffic {
            pacer: Pacer::new(requests_per_second),
            window: Window::new(concurrency),
            quiet_until: None,
        };
        Self {
            turn: tokio::sync::Mutex::default(),
            traffic: traffic.into(),
            ended: Notify::new(),
        }
    }

    /// Waits until one request may leave. `None`: not before `deadline`.
    pub(crate) async fn pass(&self, deadline: Option<Instant>) -> Option<InFlight<'_>> {
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
        self.traffic().pacer.hold(until);
    }

    /// Holds back all requests until then, because the vendor says so.
    pub(crate) fn keep_quiet(&self, until: Instant) {
        let mut traffic = self.traffic();
        traffic.pacer.hold(until);
        traffic.quiet_until = traffic.quiet_until.max(Some(until));
    }

    /// How much longer the vendor wants to be left alone, where that is beyond `deadline`.
    pub(crate) fn quiet_past(&self, deadline: Instant) -> Option<Duration> {
        let until = self.traffic().quiet_until?;
        let left = until.saturating_duration_since(Instant::now());
        (until >= deadline && !left.is_zero()).then_some(left)
    }

    async fn queue(&self, deadline: Option<Instant>) -> Option<InFlight<'_>> {
        let _turn = self.turn.lock().await;
        loop {
            match self.admit() {
                Ok(in_flight) => return Some(in_flight),
                Err(Wait::ForRoom) => self.ended.notified().await,
                Err(Wait::Until(next)) if deadline.is_some_and(|deadline| next >= deadline) => {
                    return None;
                }
                Err(Wait::Until(next)) => sleep_until(next).await,
            }
        }
    }

    /// Lets one request leave now, or says what to wait for.
    fn admit(&self) -> Result<InFlight<'_>, Wait> {
        let Traffic { pacer, window, .. } = &mut *self.traffic();
        if window.is_full() {
            return Err(Wait::ForRoom);
        }
        pacer.admit(Instant::now()).map_err(Wait::Until)?;
        window.in_flight += 1;
        Ok(InFlight {
            gate: self,
            round: window.round,
        })
    }

    /// How many requests may be in flight at present.
    #[cfg(test)]
    pub(crate) fn limit(&self) -> usize {
        self.traffic().window.limit
    }

    fn is_held_past(&self, deadline: Instant) -> bool {
        let next = self.traffic().pacer.next;
        Instant::now() >= deadline || next.is_some_and(|next| next >= deadline)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight<'_> {
    /// Learns from how the request ended; how few may be in flight from now on, when that is a new low.
    pub(crate) fn learn(&self, load: Load) -> Option<usize> {
        self.gate.traffic().window.learn(self.round, load)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.gate.traffic().window.in_flight -= 1;
        self.gate.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

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

    /// The limits after each of these events: `l` a light answer, `h` a heavy one, `?` anything else, all to requests of
    /// the present round; capital letters to requests that left at the beginning.
    #[test]
    fn limit_halves_once_a_round_and_grows_by_one_after_a_round_of_light_answers() {
        let table: [(&str, &[usize]); 7] = [
            ("lllllllll", &[8; 9]),
            ("????", &[8; 4]),
            ("hhhhh", &[4, 2, 1, 1, 1]),
            ("HHHH", &[4; 4]),
            ("hLLLLLll?ll", &[4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]),
            ("hhlllllll", &[4, 2, 2, 3, 3, 3, 4, 4, 4]),
            ("hhhlhllhlll", &[4, 2, 1, 2, 1, 2, 2, 1, 2, 2, 3]),
        ];
        for (events, limits) in table {
            let mut window = Window::new(8);
            let seen = events.chars().map(|event| {
                let is_old = event.is_ascii_uppercase();
                let load = match event.to_ascii_lowercase() {
                    'l' => Load::Light,
                    'h' => Load::Heavy,
                    _ => Load::Unknown,
                };
                window.learn(if is_old { 0 } else { window.round }, load);
                window.limit
            });
            assert_eq!(seen.collect::<Vec<_>>(), limits, "{events}");
        }
    }

    #[test]
    fn each_new_low_is_told_once_until_the_limit_has_recovered() {
        let mut window = Window::new(4);
        let mut learn = |loads: &[Load]| {
            let told = loads
                .iter()
                .filter_map(|load| window.learn(window.round, *load));
            told.collect::<Vec<_>>()
        };
        assert_eq!(learn(&[Load::Heavy; 4]), [2, 1]);
        assert_eq!(learn(&[Load::Light; 2]), [0; 0]);
        assert_eq!(learn(&[Load::Heavy]), [0; 0], "not lower than before");
        assert_eq!(learn(&[Load::Light; 6]), [0; 0]);
        assert_eq!(learn(&[Load::Heavy]), [2], "after it was at its most");
    }

    proptest! {
        #[test]
        fn limit_stays_between_one_and_its_most_and_returns_there(
            max in 1_usize..20,
            events in vec((0_u64..3, select(vec![Load::Light, Load::Heavy, Load::Unknown])), 0..300),
        ) {
            let mut window = Window::new(max);
            for (age, load) in events {
                window.learn(window.round.saturating_sub(age), load);
                prop_assert!((1..=max).contains(&window.limit));
            }
            for _ in 0..max * max {
                window.learn(window.round, Load::Light);
            }
            prop_assert_eq!(window.limit, max);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_in_flight_come_down_to_a_lower_limit_before_anybody_else_leaves() {
        let gate = Gate::new(1000, 4);
        let soon = || Some(Instant::now() + Duration::from_secs(1));
        let mut in_flight = Vec::new();
        for _ in 0..4 {
            in_flight.push(gate.pass(None).await.unwrap());
        }
        assert_eq!(in_flight[0].learn(Load::Heavy), Some(2));
        assert_eq!(in_flight[1].learn(Load::Heavy), None);
        for others in [3, 2] {
            drop(in_flight.pop());
            assert!(gate.pass(soon()).await.is_none(), "{others} others");
        }
        drop(in_flight.pop());
        assert!(gate.pass(soon()).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_that_the_vendor_asks_for_is_told_where_it_reaches_beyond_the_deadline() {
        let gate = Gate::new(1000, 4);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        gate.hold(at(300));
        assert_eq!(gate.quiet_past(at(10)), None, "nobody asked for it");
        gate.keep_quiet(at(60));
        gate.keep_quiet(at(20));
        assert_eq!(gate.quiet_past(at(61)), None);
        assert_eq!(gate.quiet_past(at(60)), Some(Duration::from_mins(1)));
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(gate.quiet_past(at(60)), Some(Duration::from_secs(45)));
        tokio::time::advance(Duration::from_secs(45)).await;
        assert_eq!(gate.quiet_past(at(20)), None, "it is over");
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

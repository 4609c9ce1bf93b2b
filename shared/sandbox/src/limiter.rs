//! Requests within a rolling second: counted, and limited where a vendor does.
//!
//! Real time, whatever the sandbox's clock shows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// How many requests a vendor answers, and what it says to more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in a rolling second.
    pub per_second: usize,
    /// The `Retry-After` of the refusal, in seconds; none is sent when this is none.
    pub retry_after: Option<u32>,
}

/// The moments of the last second.
#[derive(Debug, Clone, Default)]
pub(crate) struct RollingSecond(VecDeque<Instant>);

impl RollingSecond {
    /// Counts a moment; returns how many there were in the second that ends with it.
    pub(crate) fn count(&mut self, now: Instant) -> usize {
        self.forget_before(now);
        self.0.push_back(now);
        self.0.len()
    }

    /// Counts a moment unless the limit is used up; returns whether it was counted.
    pub(crate) fn admit(&mut self, now: Instant, limit: RateLimit) -> bool {
        self.forget_before(now);
        let free = self.0.len() < limit.per_second;
        if free {
            self.0.push_back(now);
        }
        free
    }

    fn forget_before(&mut self, now: Instant) {
        while self
            .0
            .front()
            .is_some_and(|&oldest| now.duration_since(oldest) >= WINDOW)
        {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixth_request_within_a_second_is_refused_and_a_later_one_is_not() {
        let limit = RateLimit {
            per_second: 5,
            retry_after: None,
        };
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut window = RollingSecond::default();
        let admitted: Vec<bool> = [0, 10, 20, 30, 40, 999, 1000]
            .into_iter()
            .map(|ms| window.admit(at(ms), limit))
            .collect();
        assert_eq!(admitted, [true, true, true, true, true, false, true]);
    }
}

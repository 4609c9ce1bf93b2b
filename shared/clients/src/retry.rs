//! How patient a client is: attempts, waits and time-outs. Decides nothing about *whether* to repeat.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// A vendor that asks for more than this is not going to answer today.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// An answer is slow that takes this part of the time that it may take: 10 s of 30.
const SLOW: u32 = 3;

/// How often a request is attempted and how long each step may take.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// The longest wait after the first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// No wait is longer, unless the vendor names one.
    pub longest_wait: Duration,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// Time for one attempt, from sending to the last byte of the answer.
    pub request_timeout: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// A wait after the `failures`th failure, drawn anew each time ("full jitter"), so that requests which failed
    /// together do not come back together.
    pub(crate) fn back_off(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(fastrand::f64())
    }

    /// Whether an answer, or a time-out, took so long that the vendor seems to have too much to do.
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        took >= self.request_timeout / SLOW
    }

    fn ceiling(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first_wait
            .saturating_mul(doubled)
            .min(self.longest_wait)
    }
}

/// The wait that an answer asks for: `Retry-After` in seconds, or as a date, which is counted from the answer's own
/// `Date` because the two clocks need not agree.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let asked = text(headers, RETRY_AFTER)?.trim();
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(date(asked)?.duration_since(answered_at(headers)?))
            .unwrap_or_default(),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// When an answer was given, by the clock of whoever gave it.
pub(crate) fn answered_at(headers: &HeaderMap) -> Option<Timestamp> {
    date(text(headers, DATE)?)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry::default();
        let ceilings =
            [1, 2, 3, 4, 6, 7, 8, 100].map(|failures| retry.ceiling(failures).as_millis());
        assert_eq!(
            ceilings,
            [500, 1000, 2000, 4000, 16_000, 30_000, 30_000, 30_000]
        );
        assert!((0..100).all(|_| retry.back_off(3) <= Duration::from_secs(2)));
    }

    #[test]
    fn third_of_the_time_for_an_attempt_is_slow() {
        let retry = Retry::default();
        let slow = [0, 9_999, 10_000, 30_000]
            .map(Duration::from_millis)
            .map(|took| retry.is_slow(took));
        assert_eq!(slow, [false, false, true, true]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "Sun, 22 Nov 2026 10:00:00 GMT";
        let table = [
            (Some("0"), Some(now), Some(0)),
            (Some(" 120 "), None, Some(120)),
            (Some("18446744073709551615"), None, Some(86_400)),
            (Some("Sun, 22 Nov 2026 10:00:07 GMT"), Some(now), Some(7)),
            (Some("Sun, 22 Nov 2026 09:59:00 GMT"), Some(now), Some(0)),
            (Some("Sun, 22 Nov 2026 10:00:07 GMT"), None, None),
            (Some("soon"), Some(now), None),
            (Some("-1"), Some(now), None),
            (None, Some(now), None),
        ];
        for (asked, date, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(asked) = asked {
                headers.insert(RETRY_AFTER, asked.parse().unwrap());
            }
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(
                retry_after(&headers),
                expected.map(Duration::from_secs),
                "{asked:?}"
            );
        }
    }
}

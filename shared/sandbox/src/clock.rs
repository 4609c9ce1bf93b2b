//! The time that the stand-ins go by: real until a test sets it. The only place that reads the machine's clock.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be set; clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<Hand>>);

#[derive(Debug, Clone, Copy)]
enum Hand {
    /// Runs with real time, so far ahead of it.
    Running(SignedDuration),
    /// Stands still.
    Stopped(Timestamp),
}

impl Clock {
    /// A clock that shows real time.
    pub(crate) fn real() -> Self {
        Self(Arc::new(Mutex::new(Hand::Running(SignedDuration::ZERO))))
    }

    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        match *self.hand() {
            Hand::Running(ahead) => later(real_now(), ahead),
            Hand::Stopped(time) => time,
        }
    }

    /// Stops the clock at `time`.
    pub fn set(&self, time: Timestamp) {
        *self.hand() = Hand::Stopped(time);
    }

    /// Moves the clock; it keeps standing or running.
    pub fn advance(&self, by: SignedDuration) {
        let mut hand = self.hand();
        *hand = match *hand {
            Hand::Running(ahead) => Hand::Running(ahead.saturating_add(by)),
            Hand::Stopped(time) => Hand::Stopped(later(time, by)),
        };
    }

    /// Shows real time again.
    pub fn set_real(&self) {
        *self.hand() = Hand::Running(SignedDuration::ZERO);
    }

    fn hand(&self) -> std::sync::MutexGuard<'_, Hand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stays within the range of timestamps.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else in the sandbox asks"
)]
fn real_now() -> Timestamp {
    Timestamp::now()
}

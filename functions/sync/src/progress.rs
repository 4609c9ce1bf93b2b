//! What a run is doing right now, for whoever watches.

use std::sync::Arc;

/// Called as a run goes on.
pub type OnProgress = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// A step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Rows read so far.
    Reading {
        /// A source's name, or `JumpCloud`.
        what: &'a str,
        /// Rows read.
        done: usize,
        /// Rows in all, as far as known.
        total: usize,
    },
    /// People dealt with so far.
    Applying {
        /// People done.
        done: usize,
        /// People with something to do.
        total: usize,
    },
}

/// Nobody watches.
pub fn unwatched() -> OnProgress {
    Arc::new(|_| {})
}

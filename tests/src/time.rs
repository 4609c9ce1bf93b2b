//! Time that passes only while everybody waits: hours of retries and time-outs take no longer than their requests.
//!
//! For programs in the test's own process, on a runtime of one thread whose clock is paused.

use std::convert::Infallible;
use std::time::Duration;

use jiff::SignedDuration;
use sandbox::{Clock, Requests, Sandbox};
use tokio::task::yield_now;
use tokio::time::advance;

/// So many looks around without anything happening, and everybody waits.
const LOOKS: u32 = 12;
/// The first step, and the longest; each is three times the one before.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_secs(5);

/// Does the work; whenever everybody waits, the clocks of the runtime and of the sandbox go on together.
pub(crate) async fn as_time_passes<T>(sandbox: &Sandbox, work: impl Future<Output = T>) -> T {
    // A task of its own: its looks around are not the work's.
    let passing = tokio::spawn(pass(sandbox.clock(), sandbox.requests()));
    let done = work.await;
    passing.abort();
    done
}

async fn pass(clock: Clock, requests: Requests) -> Infallible {
    let mut step = SHORTEST;
    loop {
        if rests(&requests).await {
            clock.advance(SignedDuration::try_from(step).expect("a step is short"));
            advance(step).await;
            step = (step * 3).min(LONGEST);
        } else {
            step = SHORTEST;
        }
    }
}

/// Whether nothing happens, however often one looks.
async fn rests(requests: &Requests) -> bool {
    let (before, _) = requests.activity();
    for _ in 0..LOOKS {
        // Everything that can go on does so before this returns, and sockets are looked at.
        yield_now().await;
        let (now, at_work) = requests.activity();
        if at_work || now != before {
            return false;
        }
    }
    true
}

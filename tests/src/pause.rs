//! A moment in the middle of a request that lasts as long as somebody else needs.
//!
//! For tests on a runtime of several threads: the one that serves the request waits with it.

use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};

use sandbox::{Fault, Vendor};
use tokio::sync::oneshot;
use tokio::task::block_in_place;

/// One request, which stands still until [`Pause::end`].
#[derive(Debug)]
pub struct Pause {
    reached: oneshot::Receiver<()>,
    end: Sender<()>,
}

impl Pause {
    /// At a vendor's next request that the fault is narrowed down to.
    pub fn at(vendor: Vendor) -> (Fault, Self) {
        let (reach, reached) = oneshot::channel();
        let (end, ended) = mpsc::channel();
        let ends = Mutex::new((Some(reach), ended));
        let stand_still = move || {
            let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
            let (reach, ended) = &mut *ends;
            // Either end may be gone with its test.
            reach.take().map(|reach| reach.send(()));
            let _ = block_in_place(|| ended.recv());
        };
        (Fault::run(vendor, stand_still), Self { reached, end })
    }

    /// Waits until the request has come.
    pub async fn reached(&mut self) {
        let reached = (&mut self.reached).await;
        reached.expect("the request comes");
    }

    /// Lets the request go on.
    pub fn end(self) {
        drop(self.end);
    }
}

//! What was asked of the stand-ins, in the order of arrival, and how hard at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use crate::limiter::RollingSecond;
use crate::state::Shared;
use crate::wire::{Call, Vendor};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// Whom it was for.
    pub vendor: Vendor,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `X-Amz-Target` of an AWS call, empty for others.
    pub operation: String,
    /// The status of the answer; none while it is under way, and when the connection was closed instead.
    pub status: Option<u16>,
    /// When it arrived, by the sandbox's clock.
    pub at: Timestamp,
}

/// The requests since the start, or since [`Requests::clear`].
#[derive(Debug, Clone)]
pub struct Requests(Arc<Shared>);

impl Requests {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// All of them, in the order of arrival.
    pub fn all(&self) -> Vec<RecordedRequest> {
        let state = self.0.lock();
        state.requests.recorded.values().cloned().collect()
    }

    /// How many a vendor got.
    pub fn count(&self, vendor: Vendor) -> usize {
        self.0.lock().requests.count(vendor)
    }

    /// How many requests came and how many answers went, and whether something is being worked out right now: as long as
    /// nothing changes and nothing is, everybody waits.
    pub fn activity(&self) -> (u64, bool) {
        let log = &self.0.lock().requests;
        (log.next + log.answered, log.working > 0)
    }

    /// The most that a vendor had to answer at the same time.
    pub fn peak_concurrency(&self, vendor: Vendor) -> usize {
        self.0.lock().requests.load(vendor).peak_concurrency
    }

    /// The most that a vendor got within a rolling second of real time, refused ones included.
    pub fn peak_per_second(&self, vendor: Vendor) -> usize {
        self.0.lock().requests.load(vendor).peak_per_second
    }

    /// Forgets the requests and the peaks.
    pub fn clear(&self) {
        self.0.lock().requests.clear();
    }
}

/// The log itself.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    recorded: BTreeMap<u64, RecordedRequest>,
    next: u64,
    answered: u64,
    working: usize,
    load: BTreeMap<Vendor, Load>,
}

#[derive(Debug, Default)]
struct Load {
    under_way: usize,
    last_second: RollingSecond,
    peak_concurrency: usize,
    peak_per_second: usize,
}

/// What a summary tells about one vendor's requests.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct LoadSummary {
    pub(crate) count: usize,
    pub(crate) peak_concurrency: usize,
    pub(crate) peak_per_second: usize,
}

impl RequestLog {
    pub(crate) fn count(&self, vendor: Vendor) -> usize {
        let of_vendor = |request: &&RecordedRequest| request.vendor == vendor;
        self.recorded.values().filter(of_vendor).count()
    }

    pub(crate) fn load(&self, vendor: Vendor) -> LoadSummary {
        self.load
            .get(&vendor)
            .map(|load| LoadSummary {
                count: self.count(vendor),
                peak_concurrency: load.peak_concurrency,
                peak_per_second: load.peak_per_second,
            })
            .unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.recorded.clear();
        for load in self.load.values_mut() {
            load.peak_concurrency = load.under_way;
            load.peak_per_second = 0;
        }
    }
}

/// A request under way; dropping it, whatever the reason, ends it.
#[derive(Debug)]
pub(crate) struct UnderWay {
    shared: Arc<Shared>,
    vendor: Vendor,
    ticket: u64,
}

impl UnderWay {
    pub(crate) fn begin(shared: &Arc<Shared>, vendor: Vendor, call: &Call) -> Self {
        let request = RecordedRequest {
            vendor,
            method: call.method.to_string(),
            path: call.target.clone(),
            operation: call.amz_target().to_owned(),
            status: None,
            at: shared.clock.now(),
        };
        let log = &mut shared.lock().requests;
        let ticket = log.next;
        log.next += 1;
        log.recorded.insert(ticket, request);
        let load = log.load.entry(vendor).or_default();
        load.under_way += 1;
        load.peak_concurrency = load.peak_concurrency.max(load.under_way);
        let in_last_second = load.last_second.count(Instant::now());
        load.peak_per_second = load.peak_per_second.max(in_last_second);
        Self {
            shared: Arc::clone(shared),
            vendor,
            ticket,
        }
    }

    pub(crate) fn answered(self, status: u16) {
        // Gone when the log was cleared in the meantime.
        if let Some(request) = self.shared.lock().requests.recorded.get_mut(&self.ticket) {
            request.status = Some(status);
        }
    }
}

/// Something that is being worked out for a request; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Work<'a>(&'a Shared);

impl<'a> Work<'a> {
    pub(crate) fn begin(shared: &'a Shared) -> Self {
        shared.lock().requests.working += 1;
        Self(shared)
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.lock().requests.working -= 1;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let log = &mut self.shared.lock().requests;
        log.answered += 1;
        if let Some(load) = log.load.get_mut(&self.vendor) {
            load.under_way -= 1;
        }
    }
}

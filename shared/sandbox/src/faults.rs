//! What shall go wrong: which requests it hits, how often, and how.
//!
//! How the world behaves otherwise is the vendors' to say.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::Shared;
use crate::wire::{Answer, Call, TOTAL_COUNT, Vendor};

/// Something that goes wrong with the requests it matches: the next one, unless told otherwise.
///
/// ```
/// use sandbox::{Fault, Vendor};
///
/// // The third and fourth user that is made exists afterwards, but nobody hears of it.
/// let lost = Fault::drop(Vendor::JumpCloud).method("POST").path("/systemusers").skip(2).times(2).after_effect();
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    vendor: Vendor,
    kind: FaultKind,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    skip: u32,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    after_effect: bool,
}

/// How it goes wrong. As JSON, `"drop"`, or `{"status": {"status": 503}}` where there is more to say.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Another answer.
    Status {
        /// Its status.
        status: u16,
        /// Headers such as `retry-after`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body.
        #[serde(default)]
        body: String,
    },
    /// A page for people, such as an edge server's.
    Html {
        /// Its status.
        status: u16,
    },
    /// A slow answer, the right one.
    Delay {
        /// How much slower, in milliseconds.
        delay_ms: u64,
    },
    /// The connection is closed without an answer.
    Drop,
    /// Half of the answer, then the connection is closed.
    Truncate,
    /// A list that says another total than it has.
    WrongTotal {
        /// How much more, or less.
        by: i64,
    },
    /// A list that gives the page before this one again.
    RepeatedPage,
    /// A list whose rows moved since the page before: negative repeats rows, positive leaves rows out.
    ShiftedPage {
        /// By how many rows.
        rows: i64,
    },
    /// A list without rows.
    EmptyPage,
    /// The answer is right, but the world changes meanwhile.
    #[serde(skip)]
    Run(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).unwrap_or_else(|_| "a callback".to_owned());
        f.write_str(&text)
    }
}

const fn once() -> u32 {
    1
}

impl Fault {
    /// A fault of any kind.
    pub fn new(vendor: Vendor, kind: FaultKind) -> Self {
        Self {
            vendor,
            kind,
            method: None,
            path: String::new(),
            body: String::new(),
            operation: String::new(),
            skip: 0,
            times: once(),
            after_effect: false,
        }
    }

    /// Another status, without headers or body.
    pub fn status(vendor: Vendor, status: u16) -> Self {
        let (headers, body) = (BTreeMap::new(), String::new());
        Self::new(
            vendor,
            FaultKind::Status {
                status,
                headers,
                body,
            },
        )
    }

    /// A connection that is closed without an answer.
    pub fn drop(vendor: Vendor) -> Self {
        Self::new(vendor, FaultKind::Drop)
    }

    /// A slow answer.
    pub fn delay(vendor: Vendor, delay: Duration) -> Self {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Self::new(vendor, FaultKind::Delay { delay_ms })
    }

    /// A change of the world, made while a request is under way.
    pub fn run(vendor: Vendor, change: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(vendor, FaultKind::Run(Arc::new(change)))
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests with this text in path and query.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        part.clone_into(&mut self.path);
        self
    }

    /// Only requests with this text in the body.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        part.clone_into(&mut self.body);
        self
    }

    /// Only AWS calls with this text in their `X-Amz-Target`.
    #[must_use]
    pub fn operation(mut self, part: &str) -> Self {
        part.clone_into(&mut self.operation);
        self
    }

    /// Adds a header to the answer of a [`FaultKind::Status`].
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let FaultKind::Status { headers, .. } = &mut self.kind {
            headers.insert(name.to_owned(), value.to_owned());
        }
        self
    }

    /// Lets the first `count` matching requests pass.
    #[must_use]
    pub fn skip(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// Hits so many requests instead of one.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.times = count;
        self
    }

    /// Hits every request.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    /// Strikes after the request took effect instead of before.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    fn matches(&self, vendor: Vendor, call: &Call) -> bool {
        let Self {
            vendor: own_vendor,
            kind: _,
            method,
            path,
            body,
            operation,
            skip: _,
            times: _,
            after_effect: _,
        } = self;
        *own_vendor == vendor
            && method
                .as_ref()
                .is_none_or(|method| call.method.as_str().eq_ignore_ascii_case(method))
            && call.target.contains(path)
            && call.amz_target().contains(operation)
            && (body.is_empty() || String::from_utf8_lossy(&call.body).contains(body))
    }
}

/// The faults that are still to come.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Shared>);

impl Faults {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Adds a fault; a request is hit by every one that matches.
    pub fn add(&self, fault: Fault) {
        self.0.lock().faults.0.push(fault);
    }

    /// Removes them all.
    pub fn clear(&self) {
        self.0.lock().faults.0.clear();
    }

    /// How many have not struck as often as they shall.
    pub fn pending(&self) -> usize {
        self.0.lock().faults.0.len()
    }
}

/// The list itself.
#[derive(Debug, Default)]
pub(crate) struct FaultList(Vec<Fault>);

impl FaultList {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What hits this request; counts it.
    pub(crate) fn strike(&mut self, vendor: Vendor, call: &Call) -> Struck {
        let mut struck = Struck::default();
        for fault in &mut self.0 {
            if !fault.matches(vendor, call) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times != u32::MAX {
                fault.times -= 1;
            }
            let phase = if fault.after_effect {
                &mut struck.after
            } else {
                &mut struck.before
            };
            phase.push(fault.kind.clone());
        }
        self.0.retain(|fault| fault.times > 0);
        struck
    }
}

/// What hits one request, before and after its effect.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    before: Vec<FaultKind>,
    after: Vec<FaultKind>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
pub(crate) struct Dropped;

impl Struck {
    /// What happens before the effect; an answer means that there is no effect.
    pub(crate) async fn before(&self) -> Result<Option<Answer>, Dropped> {
        let mut instead = None;
        for kind in &self.before {
            if let Some(answer) = strike(kind).await? {
                instead = Some(answer);
            }
        }
        Ok(instead)
    }

    /// What happens after the effect.
    pub(crate) async fn after(&self, mut answer: Answer) -> Result<Answer, Dropped> {
        for kind in &self.after {
            if let Some(instead) = strike(kind).await? {
                answer = instead;
            }
        }
        Ok(answer)
    }

    /// The request that is answered in place of this one, where a list moves.
    pub(crate) fn moved(&self, call: &Call) -> Option<Call> {
        let rows = self.distortions().find_map(|kind| match kind {
            FaultKind::RepeatedPage => Some(-list_parameter(call, is_limit)),
            FaultKind::ShiftedPage { rows } => Some(*rows),
            FaultKind::WrongTotal { .. }
            | FaultKind::EmptyPage
            | FaultKind::Status { .. }
            | FaultKind::Html { .. }
            | FaultKind::Delay { .. }
            | FaultKind::Drop
            | FaultKind::Truncate
            | FaultKind::Run(_) => None,
        })?;
        let mut moved = call.clone();
        for (name, value) in &mut moved.query {
            if is_offset(name) {
                let from = value.parse::<i64>().unwrap_or_default();
                *value = from.saturating_add(rows).max(0).to_string();
            }
        }
        Some(moved)
    }

    /// A list's answer, told wrongly.
    pub(crate) fn distort(&self, call: &Call, answer: Answer) -> Answer {
        if self.distortions().next().is_none() {
            return answer;
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
            return answer;
        };
        let mut headers = answer.headers;
        for kind in self.distortions() {
            match kind {
                FaultKind::WrongTotal { by } => {
                    for pointer in ["/totalCount", "/events_count", "/page/total_rows", "/total"] {
                        if let Some(total) = body.pointer_mut(pointer) {
                            *total =
                                (total.as_i64().unwrap_or_default().saturating_add(*by)).into();
                        }
                    }
                    if let Some(total) = headers.get_mut(TOTAL_COUNT) {
                        let told = total.to_str().ok().and_then(|total| total.parse().ok());
                        *total = i64::saturating_add(told.unwrap_or_default(), *by).into();
                    }
                }
                FaultKind::EmptyPage => {
                    for pointer in ["/results", "/data", ""] {
                        if let Some(Value::Array(rows)) = body.pointer_mut(pointer) {
                            rows.clear();
                        }
                    }
                }
                FaultKind::RepeatedPage | FaultKind::ShiftedPage { .. } => {
                    for pointer in ["/page/offset", "/skip"] {
                        if let Some(offset) = body.pointer_mut(pointer) {
                            *offset = list_parameter(call, is_offset).into();
                        }
                    }
                }
                FaultKind::Status { .. }
                | FaultKind::Html { .. }
                | FaultKind::Delay { .. }
                | FaultKind::Drop
                | FaultKind::Truncate
                | FaultKind::Run(_) => {}
            }
        }
        Answer {
            headers,
            ..Answer::json(answer.status, &body)
        }
    }

    /// Whether only half of the answer is sent.
    pub(crate) fn truncates(&self) -> bool {
        self.all().any(|kind| matches!(kind, FaultKind::Truncate))
    }

    fn all(&self) -> impl Iterator<Item = &FaultKind> {
        self.before.iter().chain(&self.after)
    }

    fn distortions(&self) -> impl Iterator<Item = &FaultKind> {
        self.all().filter(|kind| {
            matches!(
                kind,
                FaultKind::WrongTotal { .. }
                    | FaultKind::RepeatedPage
                    | FaultKind::ShiftedPage { .. }
                    | FaultKind::EmptyPage
            )
        })
    }
}

/// What a fault does in its phase: wait, change the world, answer, or close the connection.
async fn strike(kind: &FaultKind) -> Result<Option<Answer>, Dropped> {
    match kind {
        FaultKind::Status {
            status,
            headers,
            body,
        } => {
            let answer = Answer::text(status_code(*status), "application/json", body.clone());
            Ok(Some(answer.with_headers(headers)))
        }
        FaultKind::Html { status } => Ok(Some(Answer::html(status_code(*status)))),
        FaultKind::Delay { delay_ms } => {
            tokio::time::sleep(Duration::from_millis(*delay_ms)).await;
            Ok(None)
        }
        FaultKind::Drop => Err(Dropped),
        FaultKind::Run(change) => {
            change();
            Ok(None)
        }
        FaultKind::Truncate
        | FaultKind::WrongTotal { .. }
        | FaultKind::RepeatedPage
        | FaultKind::ShiftedPage { .. }
        | FaultKind::EmptyPage => Ok(None),
    }
}

fn status_code(status: u16) -> hyper::StatusCode {
    hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR)
}

/// JumpCloud says `skip`, Deel `offset`, Humaans `$skip`.
fn is_offset(name: &str) -> bool {
    matches!(name, "skip" | "offset" | "$skip")
}

fn is_limit(name: &str) -> bool {
    matches!(name, "limit" | "$limit")
}

fn list_parameter(call: &Call, is_it: fn(&str) -> bool) -> i64 {
    let found = call.query.iter().find(|(name, _)| is_it(name));
    found
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_default()
}

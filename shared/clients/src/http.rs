//! The one HTTP core of all vendors: keys, pacing, retries and deadlines.
//!
//! It knows no vendor's paths or types. Nothing but `sending.rs` repeats a request.

mod request;
mod sending;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue,
};
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::address::base_url;
use crate::decode::{Misfit, decode_owned};
use crate::error::{Call, ClientError};
use crate::key::{KeyError, KeySource, RunKey};
use crate::rate::{Gate, InFlight, Load};
use crate::redact;
use crate::retry::{Retry, retry_after};
use crate::tls;

pub(crate) use request::Request;
use sending::Sending;

/// What is fixed about a vendor.
#[derive(Clone, Copy)]
pub(crate) struct Vendor {
    pub(crate) name: &'static str,
    /// The hosts that its key may be sent to.
    pub(crate) hosts: &'static [&'static str],
    pub(crate) key_header: KeyHeader,
}

/// How a vendor wants its key.
#[derive(Clone, Copy)]
pub(crate) enum KeyHeader {
    /// `x-api-key: <key>`
    ApiKey,
    /// `Authorization: Bearer <key>`
    Bearer,
}

impl KeyHeader {
    fn of(self, key: &SecretString) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        let key = key.expose_secret();
        let (name, value) = match self {
            Self::ApiKey => (
                HeaderName::from_static("x-api-key"),
                HeaderValue::from_str(key),
            ),
            Self::Bearer => (
                AUTHORIZATION,
                HeaderValue::from_str(&format!("Bearer {key}")),
            ),
        };
        let mut value = value?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// How a vendor is reached. Each client says what holds unless it is configured, as in [`crate::Deel::options`].
#[derive(Debug, Clone)]
pub struct Options {
    /// What stands before the vendor's own path.
    pub base_url: String,
    /// Requests a second, evenly paced.
    pub requests_per_second: u32,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Hosts besides the vendor's own that may be given the key.
    pub allowed_hosts: Vec<String>,
    /// Attempts, waits and time-outs.
    pub retry: Retry,
}

/// Whether anything may be sent now: asked before each attempt, since a lot may have happened since the one before.
pub type Permit = Arc<dyn Fn() -> bool + Send + Sync>;

/// A connection to one vendor, as one run sees it. Clones belong to the same run.
#[derive(Clone)]
pub(crate) struct Http {
    shared: Arc<Shared>,
    run: Arc<Run>,
    permit: Option<Permit>,
}

/// What all runs share: connections and the rate.
struct Shared {
    vendor: Vendor,
    client: Client,
    base_url: Url,
    key_source: KeySource,
    gate: Gate,
    concurrency: usize,
    retry: Retry,
}

/// What each run has of its own.
#[derive(Default)]
struct Run {
    deadline: Option<Instant>,
    calls: AtomicU64,
    key: RunKey,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The wait that it asks for.
    fn asked_wait(&self) -> Option<Duration> {
        let is_refusal =
            self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error();
        is_refusal.then(|| retry_after(&self.headers)).flatten()
    }
}

/// How one attempt ended.
enum Attempt {
    /// With success, as the vendor says.
    Answered(Answer),
    /// The key was refused and there is another one: the same again with that.
    KeyRenewed,
    Failed(Failure),
}

/// Why an attempt failed, and the wait that the vendor asks for.
struct Failure {
    error: ClientError,
    asked_wait: Option<Duration>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("vendor", &self.shared.vendor.name)
            .field("base_url", &self.shared.base_url.as_str())
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl Http {
    /// A client without a deadline that sends these headers with every request; nothing is sent yet.
    pub(crate) fn new(
        vendor: Vendor,
        headers: &[(&'static str, &str)],
        options: Options,
        key_source: KeySource,
    ) -> Result<Self, ClientError> {
        let Options {
            base_url: address,
            requests_per_second,
            concurrency,
            allowed_hosts,
            retry,
        } = options;
        let base_url = base_url(vendor.name, vendor.hosts, &allowed_hosts, &address)?;
        let client = client(headers, &retry).map_err(|source| ClientError::Setup {
            vendor: vendor.name,
            source,
        })?;
        let concurrency = concurrency.max(1);
        let shared = Shared {
            vendor,
            client,
            base_url,
            key_source,
            gate: Gate::new(requests_per_second, concurrency),
            concurrency,
            retry,
        };
        Ok(Self {
            shared: Arc::new(shared),
            run: Arc::default(),
            permit: None,
        })
    }

    /// A new run over the same connections and at the same rate: nothing sent yet, no key refused yet.
    pub(crate) fn begin(&self, deadline: Instant) -> Self {
        let run = Run {
            deadline: Some(deadline),
            ..Run::default()
        };
        Self {
            shared: Arc::clone(&self.shared),
            run: Arc::new(run),
            permit: None,
        }
    }

    /// The same run, sending nothing without this permit.
    pub(crate) fn with_permit(&self, permit: Permit) -> Self {
        Self {
            permit: Some(permit),
            ..self.clone()
        }
    }

    /// How many requests may be in flight at once: to begin more than that is of no use.
    pub(crate) fn concurrency(&self) -> usize {
        self.shared.concurrency
    }

    /// How many attempts this run has sent.
    pub(crate) fn calls(&self) -> u64 {
        self.run.calls.load(Ordering::Relaxed)
    }

    /// How much longer the vendor asks to be left alone, where that is beyond this run's deadline.
    pub(crate) fn asked_to_wait(&self) -> Option<Duration> {
        self.shared.gate.quiet_past(self.run.deadline?)
    }

    /// Sends the request until `read` understands a successful answer, an error is final, or time is up.
    pub(crate) async fn send<T>(
        &self,
        request: Request<'_>,
        read: impl Fn(&[u8]) -> Result<T, Misfit>,
    ) -> Result<T, ClientError> {
        self.send_reading_headers(request, |_, body| read(body))
            .await
    }

    /// [`send`](Self::send), where the answer's headers matter too.
    pub(crate) async fn send_reading_headers<T>(
        &self,
        request: Request<'_>,
        read: impl Fn(&HeaderMap, &[u8]) -> Result<T, Misfit>,
    ) -> Result<T, ClientError> {
        let mut sending = Sending::new(self, request)?;
        loop {
            let answer = sending.answer().await?;
            match read(&answer.headers, &answer.body) {
                Ok(value) => return Ok(value),
                Err(misfit) => sending.misread(misfit).await?,
            }
        }
    }

    /// The thing with this id in this collection, if there is one.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        collection: &[&str],
        id: &str,
    ) -> Result<Option<T>, ClientError> {
        let path = [collection, &[id]].concat();
        self.find_by(Request::get(&path, &[])).await
    }

    /// What the request asks for, if it is there.
    pub(crate) async fn find_by<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
    ) -> Result<Option<T>, ClientError> {
        match self.send(request, decode_owned).await {
            Ok(thing) => Ok(Some(thing)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the thing at this path, and is content when there is none.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), ClientError> {
        match self.send(Request::delete(path), |_| Ok(())).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    }

    /// Sends the request once. The outer error is about the key: the request had no effect.
    async fn attempt(
        &self,
        in_flight: &InFlight<'_>,
        call: &Call,
        request: &Request<'_>,
    ) -> Result<Attempt, ClientError> {
        // Another request may have renewed the key while this one waited, or learnt that it is refused.
        let key = self.key(call).await?;
        let answer = match self.exchange(in_flight, call, request, &key).await? {
            Ok(answer) => answer,
            Err(source) => {
                let source = source.without_url();
                return Ok(Attempt::Failed(Failure {
                    error: ClientError::Transport {
                        call: call.clone(),
                        source,
                    },
                    asked_wait: None,
                }));
            }
        };
        if answer.status.is_success() {
            return Ok(Attempt::Answered(answer));
        }
        if answer.status == StatusCode::UNAUTHORIZED && self.renew(call, &key).await? {
            return Ok(Attempt::KeyRenewed);
        }
        Ok(Attempt::Failed(Failure {
            error: ClientError::Status {
                call: call.clone(),
                status: answer.status.as_u16(),
                message: redact::message(&answer.body, key.expose_secret(), request.password()),
                unheard: false,
            },
            asked_wait: answer.asked_wait(),
        }))
    }

    fn call(&self, request: &Request<'_>) -> Call {
        Call {
            vendor: self.shared.vendor.name,
            method: request.method.clone(),
            path: self.url(request).path().to_owned(),
            once: request.once,
        }
    }

    fn url(&self, request: &Request<'_>) -> Url {
        let mut url = self.shared.base_url.clone();
        // Only URLs without a host have no segments, and the base URL has one.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(request.path);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query);
        }
        url
    }

    async fn key(&self, call: &Call) -> Result<SecretString, ClientError> {
        self.in_time(call, self.run.key.current(&self.shared.key_source))
            .await?
            .ok_or_else(|| ClientError::KeyRefused { call: call.clone() })
    }

    /// Whether there is another key than the one just refused.
    async fn renew(&self, call: &Call, refused: &SecretString) -> Result<bool, ClientError> {
        let renewal = self.run.key.renew(refused, &self.shared.key_source);
        self.in_time(call, renewal).await
    }

    /// What the key's source does takes time too.
    async fn in_time<T>(
        &self,
        call: &Call,
        work: impl Future<Output = Result<T, KeyError>>,
    ) -> Result<T, ClientError> {
        let outcome = match self.run.deadline {
            Some(deadline) => {
                timeout_at(deadline, work)
                    .await
                    .map_err(|_| ClientError::Deadline {
                        call: call.clone(),
                        asked_wait: None,
                        source: None,
                    })?
            }
            None => work.await,
        };
        outcome.map_err(|source| ClientError::Key {
            vendor: call.vendor,
            source,
        })
    }

    /// Sends the request and reads the answer. The outer error means that it was not sent.
    async fn exchange(
        &self,
        in_flight: &InFlight<'_>,
        call: &Call,
        request: &Request<'_>,
        key: &SecretString,
    ) -> Result<Result<Answer, reqwest::Error>, ClientError> {
        let (name, value) =
            (self.shared.vendor.key_header.of(key)).map_err(|source| ClientError::Key {
                vendor: call.vendor,
                source: source.into(),
            })?;
        let mut builder = self
            .shared
            .client
            .request(request.method.clone(), self.url(request))
            .header(name, value)
            .timeout(self.time_for_one_attempt());
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        self.run.calls.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let outcome = answer(builder).await;
        let took = started.elapsed();
        tracing::debug!(
            vendor = call.vendor,
            method = call.method.as_str(),
            path = call.path,
            status = outcome.as_ref().ok().map(|answer| answer.status.as_u16()),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "request sent"
        );
        if let Some(concurrency) = in_flight.learn(self.load(&outcome, took)) {
            tracing::info!(
                vendor = call.vendor,
                concurrency,
                "the vendor is slow or asks for fewer requests: fewer are sent at once"
            );
        }
        Ok(outcome)
    }

    /// What the end of a request says about how much the vendor can take.
    fn load(&self, outcome: &Result<Answer, reqwest::Error>, took: Duration) -> Load {
        if self.shared.retry.is_slow(took) {
            return Load::Heavy;
        }
        match outcome {
            Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => Load::Heavy,
            Ok(answer) if answer.asked_wait().is_some() => Load::Heavy,
            Ok(answer) if !answer.status.is_server_error() => Load::Light,
            Ok(_) | Err(_) => Load::Unknown,
        }
    }

    fn time_for_one_attempt(&self) -> Duration {
        let left = self
            .run
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.unwrap_or(Duration::MAX)
            .min(self.shared.retry.request_timeout)
    }
}

/// A vendor's client, which sends these headers with every request.
fn client(
    always: &[(&'static str, &str)],
    retry: &Retry,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in always {
        headers.insert(*name, HeaderValue::from_str(value)?);
    }
    let client = client_builder(retry.connect_timeout)
        .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .build()?;
    Ok(client)
}

/// What every HTTP client of ours is made of. Redirects are not followed, since they would carry the key along; the
/// environment's proxies are not used; and no request is repeated behind our back.
pub fn client_builder(connect_timeout: Duration) -> ClientBuilder {
    tls::with_shared_settings(Client::builder())
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(connect_timeout)
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = match response.bytes().await {
        Ok(body) => body.into(),
        // The status of a failure says enough.
        Err(_) if !status.is_success() => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(Answer {
        status,
        headers,
        body,
    })
}

#[cfg(test)]
mod tests;

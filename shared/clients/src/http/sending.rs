//! One request on its way to an answer, attempt after attempt.
//!
//! It knows nothing of what the answer means, and so is compiled once and not for each type that is read.

use reqwest::{Method, StatusCode};
use tokio::time::{Instant, sleep_until};

use super::{Answer, Attempt, Failure, Http, Request};
use crate::decode::Misfit;
use crate::error::{Call, ClientError};

/// A request, and how often it failed so far.
pub(super) struct Sending<'a> {
    http: &'a Http,
    request: Request<'a>,
    call: Call,
    failures: u32,
    last: Option<ClientError>,
    /// Whether an attempt to write may have taken effect.
    unheard: bool,
}

impl<'a> Sending<'a> {
    /// Nothing is sent yet; a path that the URL would not keep is refused.
    pub(super) fn new(http: &'a Http, request: Request<'a>) -> Result<Self, ClientError> {
        let call = http.call(&request);
        if !request.keeps_its_path() {
            return Err(ClientError::Status {
                call,
                status: StatusCode::NOT_FOUND.as_u16(),
                message: "there can be no such id".to_owned(),
                unheard: false,
            });
        }
        Ok(Self {
            http,
            request,
            call,
            failures: 0,
            last: None,
            unheard: false,
        })
    }

    /// The next answer that the vendor calls a success; until then an error is final, or time is up.
    pub(super) async fn answer(&mut self) -> Result<Answer, ClientError> {
        let Http { shared, permit, .. } = self.http;
        loop {
            // Before the wait, so that a slow source of keys does not upset the pace.
            self.http.key(&self.call).await?;
            let Some(in_flight) = shared.gate.pass(self.http.run.deadline).await else {
                return Err(ClientError::Deadline {
                    call: self.call.clone(),
                    asked_wait: self.http.asked_to_wait(),
                    source: self.last.take().map(Box::new),
                });
            };
            if permit.as_ref().is_some_and(|is_given| !is_given()) {
                return Err(ClientError::NotPermitted {
                    call: self.call.clone(),
                    source: self.last.take().map(Box::new),
                });
            }
            let attempt = self.http.attempt(&in_flight, &self.call, &self.request);
            let attempt = attempt.await?;
            drop(in_flight);
            match attempt {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::KeyRenewed => {}
                Attempt::Failed(failure) => self.failed(failure).await?,
            }
        }
    }

    /// Counts the last answer as a failure, since it was not understood.
    pub(super) async fn misread(&mut self, misfit: Misfit) -> Result<(), ClientError> {
        let Misfit { reason, garbled } = misfit;
        let error = ClientError::Decode {
            call: self.call.clone(),
            reason,
            garbled,
        };
        self.failed(Failure {
            error,
            asked_wait: None,
        })
        .await
    }

    /// Waits until the request may be sent again; the error, where it may not.
    async fn failed(&mut self, failure: Failure) -> Result<(), ClientError> {
        let Failure {
            mut error,
            asked_wait,
        } = failure;
        if let ClientError::Status { unheard, .. } = &mut error {
            *unheard = self.unheard;
        }
        self.unheard |= self.request.method != Method::GET && error.is_unheard();
        let gate = &self.http.shared.gate;
        let retry = &self.http.shared.retry;
        self.failures += 1;
        let back_off = || retry.back_off(self.failures);
        let resume = Instant::now() + asked_wait.unwrap_or_else(back_off);
        if asked_wait.is_some() {
            gate.keep_quiet(resume);
        } else if error.is_too_many_requests() {
            gate.hold(resume);
        }
        if self.failures >= retry.attempts || !error.is_retryable() || error.is_in_doubt() {
            return Err(error);
        }
        let deadline = self.http.run.deadline;
        if deadline.is_some_and(|deadline| resume >= deadline) {
            return Err(ClientError::Deadline {
                call: self.call.clone(),
                asked_wait,
                source: Some(Box::new(error)),
            });
        }
        sleep_until(resume).await;
        self.last = Some(error);
        Ok(())
    }
}

//! `Idempotency-Key`: a POST or PATCH that is repeated is performed once and answered the same.
//!
//! Who asks has been authorised before, and may only meet answers of its own.

use axum::http::Method;
use mapping::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use state::{Answer, Claim, Claimed, RequestDigest};

use crate::error::ScimError;
use crate::operation::{Operation, Reply, Target};
use crate::service::Call;
use crate::version::Precondition;

/// The longest key, in characters.
const LONGEST_KEY: usize = 255;

/// What is kept of an answer beside its status and location.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    version: Option<String>,
    body: Option<Value>,
}

/// Performs an operation unless the client had it performed under this key before; then the answer is the one of that time.
pub(crate) async fn once(
    call: &Call<'_>,
    operation: &Operation<'_>,
    key: &str,
) -> Result<Reply, ScimError> {
    let changes = matches!(operation.method, Method::POST | Method::PATCH);
    if !changes || operation.only_reads() {
        return call.perform(operation).await;
    }
    check(key)?;
    let claim = claim(call, operation, key);
    match call.state.claim_key(&claim, call.now).await? {
        Claimed::Ours => {
            let outcome = call.perform(operation).await;
            keep(call, &claim, &outcome).await;
            outcome
        }
        Claimed::Answered(answer) => replay(call, operation, answer).await,
        Claimed::Busy => Err(ScimError::Conflict(
            "the first request with this `Idempotency-Key` is still at work: send it again in a few seconds"
                .to_owned(),
        )),
        Claimed::Other => Err(ScimError::KeyReused(
            "this `Idempotency-Key` was used for another request: take a new one for each, and the same only to repeat it"
                .to_owned(),
        )),
    }
}

fn check(key: &str) -> Result<(), ScimError> {
    let length = key.chars().count();
    if (1..=LONGEST_KEY).contains(&length) {
        return Ok(());
    }
    Err(ScimError::value(format!(
        "`Idempotency-Key` must be 1 to {LONGEST_KEY} characters long, and is {length}"
    )))
}

/// The claim of a request. Where it stands and what it holds are digests; that of the request depends on the key, which is
/// kept nowhere, so that it does not help to guess a password in the body.
fn claim(call: &Call<'_>, operation: &Operation<'_>, key: &str) -> Claim {
    let Operation {
        method,
        target,
        query,
        body,
        precondition,
    } = operation;
    let scope = format!("{method} {target:?}");
    let condition = format!("{precondition:?}");
    Claim {
        client: call.access.client.clone(),
        key: digest(&[b"key", key.as_bytes(), scope.as_bytes()]),
        request: digest(&[
            b"request",
            key.as_bytes(),
            query.as_bytes(),
            condition.as_bytes(),
            body,
        ]),
        holder: call.id.clone(),
        until: call.until,
    }
}

/// The digest of several texts, each with its length: no two lists of texts are one.
fn digest(parts: &[&[u8]]) -> RequestDigest {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// Keeps an answer, or gives the key back where another attempt may get a better one. What fails here is told and no more:
/// the request has been performed.
async fn keep(call: &Call<'_>, claim: &Claim, outcome: &Result<Reply, ScimError>) {
    let kept = match answer(outcome) {
        Some(answer) => call.state.put_answer(claim, &answer, call.now).await,
        None => call.state.release_key(claim).await,
    };
    if let Err(error) = kept {
        tracing::warn!(request.id = %call.id, error = %error, "an answer could not be kept for a repetition");
    }
}

/// What is kept of an outcome, if it is the last word on its request.
fn answer(outcome: &Result<Reply, ScimError>) -> Option<Answer> {
    let (status, location, kept) = match outcome {
        Ok(reply) => {
            let Reply {
                status,
                location,
                version,
                body,
            } = reply.clone();
            (status, location, Kept { version, body })
        }
        Err(error) if is_final(error) => {
            let body = Some(error.body());
            (
                error.status(),
                None,
                Kept {
                    version: None,
                    body,
                },
            )
        }
        Err(_) => return None,
    };
    Some(Answer {
        status,
        location: location.map(Text::from),
        body: serde_json::to_string(&kept).ok().map(Box::from),
    })
}

/// Whether the same request would be refused again. What the service lacks or is busy with may be there the next time.
fn is_final(error: &ScimError) -> bool {
    match error {
        ScimError::Invalid { .. }
        | ScimError::Forbidden(_)
        | ScimError::NotFound(_)
        | ScimError::PreconditionFailed(_)
        | ScimError::TooLarge(_) => true,
        ScimError::NoToken
        | ScimError::UnknownToken
        | ScimError::ReadOnlyToken
        | ScimError::TooManySuspended { .. }
        | ScimError::MethodNotAllowed(_)
        | ScimError::TimedOut { .. }
        | ScimError::Conflict(_)
        | ScimError::Busy
        | ScimError::Changed
        | ScimError::KeyReused(_)
        | ScimError::TooManyRequests { .. }
        | ScimError::KeyRefused
        | ScimError::NotImplemented(_)
        | ScimError::Unavailable { .. } => false,
    }
}

/// The answer of that time. One that was too long to keep is the resource as it is now.
async fn replay(
    call: &Call<'_>,
    operation: &Operation<'_>,
    answer: Answer,
) -> Result<Reply, ScimError> {
    let Answer {
        status,
        location,
        body,
    } = answer;
    let location = location.map(|location| location.to_string());
    let kept: Option<Kept> = body.and_then(|body| serde_json::from_str(&body).ok());
    if let Some(Kept { version, body }) = kept {
        return Ok(Reply {
            status,
            location,
            version,
            body,
        });
    }
    let path = location
        .as_deref()
        .and_then(|it| it.strip_prefix(call.base_url));
    let Some(target) = path.and_then(Target::parse) else {
        return Ok(Reply::empty(status));
    };
    let read = Operation {
        method: Method::GET,
        target,
        body: &[],
        precondition: Precondition::default(),
        query: operation.query,
    };
    let reply = call.perform(&read).await?;
    Ok(Reply { status, ..reply })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ScimType;

    #[test]
    fn keys_of_up_to_255_characters_are_taken() {
        for (key, is_taken) in [
            (String::new(), false),
            ("k".to_owned(), true),
            ("é".repeat(255), true),
            ("k".repeat(256), false),
        ] {
            assert_eq!(check(&key).is_ok(), is_taken, "{key}");
        }
    }

    #[test]
    fn texts_that_are_cut_elsewhere_have_another_digest() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"ab"]), digest(&[b"ab", b""]));
        assert_eq!(digest(&[b"a", b"b"]), digest(&[b"a", b"b"]));
    }

    #[test]
    fn refusals_that_another_attempt_may_better_are_not_kept() {
        let later = 1;
        for (error, is_kept) in [
            (ScimError::value("no"), true),
            (ScimError::invalid(ScimType::Uniqueness, "taken"), true),
            (ScimError::Forbidden("no".to_owned()), true),
            (ScimError::TooManySuspended { most: 1 }, false),
            (ScimError::Changed, false),
            (ScimError::Conflict("busy".to_owned()), false),
            (
                ScimError::Unavailable {
                    detail: "later".to_owned(),
                    retry_after: later,
                },
                false,
            ),
            (
                ScimError::TooManyRequests {
                    detail: "later".to_owned(),
                    retry_after: later,
                },
                false,
            ),
        ] {
            let status = error.status();
            let kept = answer(&Err(error));
            assert_eq!(kept.map(|it| it.status), is_kept.then_some(status));
        }
    }
}

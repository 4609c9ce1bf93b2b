//! What a request may be refused with, and how that is answered (RFC 7644 §3.12): the one place that picks a status.

use clients::{ClientError, chain};
use mapping::scim::Refusal;
use serde_json::{Value, json};
use state::{StateError, Unique};
use thiserror::Error;

use crate::auth::AuthError;

/// The schema of an error's body.
const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The kinds of bad request (RFC 7644 §3.12, table 9; RFC 9865 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter does not parse, or names an attribute or an operator that cannot be used so.
    InvalidFilter,
    /// More would have to be read or changed than is allowed.
    TooMany,
    /// A unique value is taken.
    Uniqueness,
    /// A read-only or immutable attribute would change.
    Mutability,
    /// The body is not what the protocol asks for.
    InvalidSyntax,
    /// A PATCH path does not parse or names no attribute.
    InvalidPath,
    /// A PATCH path selects nothing.
    NoTarget,
    /// A value is missing or does not fit its attribute.
    InvalidValue,
    /// The cursor is not one of ours.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// Nothing can be paged through by so many.
    InvalidCount,
}

impl ScimType {
    /// The RFCs' own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal. `detail` says what the caller can change, and names the attribute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScimError {
    /// 400, or 409 for [`ScimType::Uniqueness`].
    #[error("{detail}")]
    Invalid {
        /// What kind of mistake it is.
        scim_type: ScimType,
        /// What to change.
        detail: String,
    },
    /// 401: no token came.
    #[error("send a token: `Authorization: Bearer <token>` or `x-api-key: <token>`")]
    NoToken,
    /// 401: the token that came is nobody's.
    #[error("this token is not known")]
    UnknownToken,
    /// 403: the token only reads.
    #[error("this token may only read: use one with the scope `write`")]
    ReadOnlyToken,
    /// 403 of today: the client has switched off as many users as it may in a day.
    #[error(
        "the limit `scim_suspend` is reached: at most {most} users may be suspended or deleted in 24 hours"
    )]
    TooManySuspended {
        /// The limit.
        most: u32,
    },
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 405.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// 408: the rest of the request did not come.
    #[error("the request did not come whole within {seconds} seconds: send it again")]
    TimedOut {
        /// How long was waited for it.
        seconds: u64,
    },
    /// 409 of something other than a unique value: the same request is at work elsewhere.
    #[error("{0}")]
    Conflict(String),
    /// 503: somebody else wrote the same record meanwhile, and the request may be sent again at once.
    #[error("somebody else changed this at the same moment: send the request again")]
    Changed,
    /// 503: somebody else is writing the same user, which takes a moment.
    #[error("somebody else is changing this at this moment: send the request again")]
    Busy,
    /// 412.
    #[error("{0}")]
    PreconditionFailed(String),
    /// 413.
    #[error("{0}")]
    TooLarge(String),
    /// 422: an idempotency key came back with another request.
    #[error("{0}")]
    KeyReused(String),
    /// 429, to be tried again after so many seconds.
    #[error("{detail}")]
    TooManyRequests {
        /// What was too much.
        detail: String,
        /// Seconds.
        retry_after: u64,
    },
    /// 500: nothing that the client could change; the chain is logged where it is handled, and not told.
    #[error("JumpCloud refuses the key of this service: its administrator must renew it")]
    KeyRefused,
    /// 501.
    #[error("{0}")]
    NotImplemented(String),
    /// 503, to be tried again after so many seconds.
    #[error("{detail}")]
    Unavailable {
        /// What did not answer.
        detail: String,
        /// Seconds.
        retry_after: u64,
    },
}

impl ScimError {
    /// A bad request of this kind.
    pub fn invalid(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self::Invalid {
            scim_type,
            detail: detail.into(),
        }
    }

    /// A value that does not fit its attribute.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::invalid(ScimType::InvalidValue, detail)
    }

    /// A body that is not what the protocol asks for.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::invalid(ScimType::InvalidSyntax, detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid {
                scim_type: ScimType::Uniqueness,
                ..
            }
            | Self::Conflict(_) => 409,
            Self::Invalid { .. } => 400,
            Self::NoToken | Self::UnknownToken => 401,
            Self::ReadOnlyToken | Self::TooManySuspended { .. } | Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::TimedOut { .. } => 408,
            Self::PreconditionFailed(_) => 412,
            Self::TooLarge(_) => 413,
            Self::KeyReused(_) => 422,
            Self::TooManyRequests { .. } => 429,
            Self::KeyRefused => 500,
            Self::NotImplemented(_) => 501,
            Self::Busy | Self::Changed | Self::Unavailable { .. } => 503,
        }
    }

    /// The kind, where the RFC has a word for it.
    pub fn scim_type(&self) -> Option<ScimType> {
        match self {
            Self::Invalid { scim_type, .. } => Some(*scim_type),
            _ => None,
        }
    }

    /// Seconds after which to try again.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::Busy | Self::Changed => Some(1),
            _ => None,
        }
    }

    /// What a client is told of its token, beside the status (RFC 6750 §3): an error only where a token came.
    pub fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => Some(r#"Bearer realm="rollcall""#),
            Self::UnknownToken => Some(r#"Bearer realm="rollcall", error="invalid_token""#),
            Self::ReadOnlyToken => Some(r#"Bearer realm="rollcall", error="insufficient_scope""#),
            _ => None,
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_URN],
            "status": self.status().to_string(),
            "detail": self.to_string(),
        });
        if let (Some(scim_type), Some(body)) = (self.scim_type(), body.as_object_mut()) {
            body.insert("scimType".to_owned(), scim_type.as_str().into());
        }
        body
    }
}

impl From<Refusal> for ScimError {
    fn from(refusal: Refusal) -> Self {
        Self::value(refusal.to_string())
    }
}

impl From<AuthError> for ScimError {
    fn from(error: AuthError) -> Self {
        tracing::error!(error = chain(&error), "clients cannot be told apart");
        Self::Unavailable {
            detail:
                "the tokens of this service cannot be read: its administrator must look at the log"
                    .to_owned(),
            retry_after: LATER_SECONDS,
        }
    }
}

/// JumpCloud's own words only where they are about what the client sent.
impl From<ClientError> for ScimError {
    fn from(error: ClientError) -> Self {
        if error.is_unauthorized() || error.is_forbidden() {
            tracing::error!(error = chain(&error), "JumpCloud refuses our key");
            return Self::KeyRefused;
        }
        if error.is_too_many_requests() {
            return Self::TooManyRequests {
                detail: "JumpCloud asks for fewer requests".to_owned(),
                retry_after: error.retry_after_seconds().unwrap_or(LATER_SECONDS),
            };
        }
        if error.follows_unheard_attempt() {
            tracing::warn!(
                error = chain(&error),
                "JumpCloud refused what it may have done before"
            );
            return Self::Unavailable {
                detail: "JumpCloud did not say whether it did this: send the same request again"
                    .to_owned(),
                retry_after: LATER_SECONDS,
            };
        }
        if error.is_not_found() {
            return Self::NotFound("JumpCloud has no such resource".to_owned());
        }
        if error.is_conflict_or_refused() {
            let said = error.vendor_message().unwrap_or("it does not say why");
            return Self::value(format!("JumpCloud refuses this: {said}"));
        }
        tracing::warn!(error = chain(&error), "JumpCloud did not answer");
        Self::Unavailable {
            detail: "JumpCloud did not answer in time: send the same request again".to_owned(),
            retry_after: LATER_SECONDS,
        }
    }
}

impl From<StateError> for ScimError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Taken { what, by } => {
                let what = match what {
                    Unique::ExternalId => "externalId",
                    Unique::UserName => "userName",
                };
                let detail = format!("`{what}` is taken: the resource `{by}` has it");
                Self::invalid(ScimType::Uniqueness, detail)
            }
            StateError::Changed { .. } => Self::Changed,
            error => {
                tracing::error!(error = chain(&error), "the state cannot be used");
                Self::Unavailable {
                    detail: "this service cannot reach its own table: send the same request again"
                        .to_owned(),
                    retry_after: LATER_SECONDS,
                }
            }
        }
    }
}

/// When to come back where nobody says when.
const LATER_SECONDS: u64 = 10;

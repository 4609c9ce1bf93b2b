//! What can go wrong between here and a vendor, with the names and ids a person needs to act.
//!
//! Nothing secret or personal is held in an error: messages are redacted before they come here, and reqwest's own
//! errors are stripped of their address.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Which request of which vendor: its path holds ids, never query values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The vendor's name.
    pub vendor: &'static str,
    /// The HTTP method.
    pub method: reqwest::Method,
    /// The path behind the base URL.
    pub path: String,
    /// Whether the request must not be sent again while it may have taken effect.
    pub once: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{} {}`", self.vendor, self.method, self.path)
    }
}

/// Why a vendor could not be asked, or what was wrong with its answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The configured base URL is not one that a key may be sent to.
    #[error("the base URL of {vendor} {reason}")]
    BaseUrl {
        /// The vendor's name.
        vendor: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The configured base URL leads to a host that is neither the vendor's own nor allowed.
    #[error(
        "`{host}` is not a host of {vendor}: list it in `ROLLCALL_ALLOW_HOSTS` if it may be given the key"
    )]
    ForeignHost {
        /// The vendor's name.
        vendor: &'static str,
        /// The host of the base URL.
        host: String,
    },
    /// The HTTPS client could not be built.
    #[error("the HTTPS client for {vendor} cannot be set up")]
    Setup {
        /// The vendor's name.
        vendor: &'static str,
        /// What it lacks.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no usable key.
    #[error("the key for {vendor} cannot be had")]
    Key {
        /// The vendor's name.
        vendor: &'static str,
        /// What the key's source says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The vendor refused the key earlier in this run, so this request was not sent.
    #[error("{call} was not sent: {vendor} has refused the key", vendor = call.vendor)]
    KeyRefused {
        /// The request.
        call: Call,
    },
    /// The vendor answered with something other than success.
    #[error("{call} was answered {status}{separator}{message}", separator = if message.is_empty() { "" } else { ": " })]
    Status {
        /// The request.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// What the vendor says about it, redacted and trimmed; empty when it says nothing readable.
        message: String,
        /// Whether an earlier attempt of the same write may have taken effect: its answer was lost, or told nothing.
        unheard: bool,
    },
    /// There was no answer, or not a whole one.
    #[error("{call} got no whole answer")]
    Transport {
        /// The request.
        call: Call,
        /// What broke.
        source: reqwest::Error,
    },
    /// The answer is not what it should be.
    #[error("{call} got an answer that cannot be read: {reason}")]
    Decode {
        /// The request.
        call: Call,
        /// The type and the field, never a value.
        reason: String,
        /// Whether the answer was not even JSON, so that another attempt may get a better one.
        garbled: bool,
    },
    /// The deadline leaves no time for the next attempt.
    #[error("{call} was given up: {}", why_given_up(call.vendor, *asked_wait))]
    Deadline {
        /// The request.
        call: Call,
        /// How long the vendor asks to wait, where that is beyond the deadline.
        asked_wait: Option<Duration>,
        /// What the last attempt ended with; none when nothing was sent.
        source: Option<Box<ClientError>>,
    },
    /// Whoever sends it may no longer do so.
    #[error("{call} was given up: it may no longer be sent")]
    NotPermitted {
        /// The request.
        call: Call,
        /// What the last attempt ended with; none when nothing was sent.
        source: Option<Box<ClientError>>,
    },
    /// A list contradicts itself, also when read a second time.
    #[error("the list of {vendor} is incomplete: {reason}")]
    Incomplete {
        /// The vendor's name.
        vendor: &'static str,
        /// Where it contradicts itself.
        reason: String,
    },
}

impl ClientError {
    /// The vendor has no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// The request makes no sense to the vendor; a look-up asks for an id that it could never have given.
    pub fn is_bad_request(&self) -> bool {
        matches!(self.status(), Some(400 | 422))
    }

    /// What was sent contradicts what is there.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// A value that must be unique has an owner, as far as can be told: JumpCloud's specification has a 400 with these
    /// words beside the usual 409, and other refusals with either status. Look for the owner before relying on it.
    pub fn is_taken(&self) -> bool {
        let said = |words| {
            self.vendor_message()
                .is_some_and(|text| text.to_ascii_lowercase().contains(words))
        };
        self.is_conflict() || (self.status() == Some(400) && said("already exists"))
    }

    /// What the vendor complains about, in its own words, each refused field among them; redacted, so that it may be
    /// shown to whoever sent the request.
    pub fn vendor_message(&self) -> Option<&str> {
        match self {
            Self::Status { message, .. } if !message.is_empty() => Some(message),
            _ => None,
        }
    }

    /// The vendor refused what was sent. JumpCloud answers a duplicate with either status.
    pub fn is_conflict_or_refused(&self) -> bool {
        matches!(self.status(), Some(400 | 409))
    }

    /// The vendor does not accept the key.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::KeyRefused { .. }) || self.status() == Some(401)
    }

    /// The key lacks the right to this.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// The vendor refused the request, as one that makes no sense, contradicts what is there or is about nothing that is
    /// there; and no earlier attempt of it may have taken effect.
    pub fn is_refusal_for_sure(&self) -> bool {
        (self.is_conflict_or_refused() || self.is_not_found()) && !self.follows_unheard_attempt()
    }

    /// The vendor refused a write of which an earlier attempt may have taken effect: look how things stand.
    pub fn follows_unheard_attempt(&self) -> bool {
        matches!(self, Self::Status { unheard: true, .. })
    }

    /// The request may have taken effect although it failed: look before sending it again.
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Status { call, .. }
            | Self::Transport { call, .. }
            | Self::Decode { call, .. } => call.once && self.is_unheard(),
            Self::Deadline { source, .. } | Self::NotPermitted { source, .. } => {
                source.as_deref().is_some_and(Self::is_in_doubt)
            }
            Self::BaseUrl { .. }
            | Self::ForeignHost { .. }
            | Self::Setup { .. }
            | Self::Key { .. }
            | Self::KeyRefused { .. }
            | Self::Incomplete { .. } => false,
        }
    }

    /// This attempt of the request may have taken effect: no answer came, or one that does not tell.
    pub(crate) fn is_unheard(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status >= 500,
            Self::Transport { source, .. } => !source.is_connect() && !source.is_builder(),
            Self::Decode { .. } => true,
            _ => false,
        }
    }

    /// The same may go well at another time.
    pub fn is_retryable(&self) -> bool {
        match self {
            // 520 to 524: the vendor's edge did not reach the vendor.
            Self::Status { status, .. } => matches!(status, 429 | 500 | 502..=504 | 520..=524),
            Self::Transport { source, .. } => !source.is_builder(),
            Self::Decode { garbled, .. } => *garbled,
            Self::Deadline { .. } | Self::Incomplete { .. } => true,
            Self::BaseUrl { .. }
            | Self::ForeignHost { .. }
            | Self::Setup { .. }
            | Self::Key { .. }
            | Self::KeyRefused { .. }
            | Self::NotPermitted { .. } => false,
        }
    }

    /// How long the vendor asks to wait, in seconds, where that was too long for us.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Deadline { asked_wait, .. } => asked_wait.map(|wait| wait.as_secs().max(1)),
            _ => None,
        }
    }

    /// Time ran out.
    pub fn is_deadline(&self) -> bool {
        matches!(self, Self::Deadline { .. })
    }

    /// The right to send it ended.
    pub fn is_not_permitted(&self) -> bool {
        matches!(self, Self::NotPermitted { .. })
    }

    /// The vendor asks for fewer requests, also after waiting for as long as there was time.
    pub fn is_too_many_requests(&self) -> bool {
        match self {
            Self::Deadline { source, .. } => {
                source.as_deref().is_some_and(Self::is_too_many_requests)
            }
            error => error.status() == Some(429),
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn why_given_up(vendor: &str, asked_wait: Option<Duration>) -> String {
    match asked_wait {
        Some(wait) => format!(
            "{vendor} asks to wait for {} s, which is beyond the deadline",
            wait.as_secs()
        ),
        None => "its turn would come after the deadline".to_owned(),
    }
}

/// An error with its causes, each once: `a: b: c`. Some libraries repeat a cause in their own text.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

//! What a check found, as data and as text.

use std::fmt::Write as _;
use std::time::Duration;

use config::SecretName;
use mapping::short;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The most characters of what was found: vendors and errors have words of their own.
const WIDEST: usize = 600;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Somebody should look at it.
    Warning,
    /// A run or the service does not work with it.
    Failed,
    /// It cannot be told from here.
    Unknown,
}

impl Status {
    const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failed, Self::Unknown];

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) status: Status,
    /// Which check; always the same word.
    pub(crate) check: &'static str,
    /// The source, secret or table that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    pub(crate) found: String,
    /// What to do; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            check,
            about: None,
            found: found.into(),
            advice: None,
        }
    }

    pub(crate) fn warning(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Status::Warning, check, found, advice)
    }

    pub(crate) fn failed(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Status::Failed, check, found, advice)
    }

    pub(crate) fn unknown(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Status::Unknown, check, found, advice)
    }

    /// The key in this secret could not be tried, since it could not be read: the secret's own finding says why.
    pub(crate) fn untried(check: &'static str, secret: &SecretName) -> Self {
        let advice = format!("mend the secret `{secret}`");
        Self::unknown(check, "there is no key to try", advice)
    }

    /// Nobody answered in time.
    pub(crate) fn unanswered(check: &'static str, patience: Duration) -> Self {
        let found = format!("there was no answer within {} s", patience.as_secs());
        Self::failed(
            check,
            found,
            "check the network, the AWS Region and the credentials",
        )
    }

    fn new(
        status: Status,
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            status,
            advice: Some(advice.into()),
            ..Self::ok(check, found)
        }
    }

    /// The same, of this thing.
    pub(crate) fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }
}

/// The findings as the one document of `--json`.
pub(crate) fn as_json(findings: &[Finding]) -> Value {
    let counts: Map<String, Value> = Status::ALL
        .into_iter()
        .map(|status| (status.word().to_owned(), count(findings, status).into()))
        .collect();
    json!({"counts": counts, "findings": findings})
}

/// The findings to read, each with what to do about it.
pub(crate) fn as_text(findings: &[Finding]) -> String {
    let name = |finding: &Finding| match &finding.about {
        Some(about) => format!("{} {}", finding.check, short(about, 60)),
        None => finding.check.to_owned(),
    };
    let names: Vec<String> = findings.iter().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (finding, name) in findings.iter().zip(names) {
        let (status, found) = (finding.status.word(), short(&finding.found, WIDEST));
        let _ = writeln!(text, "{status:<8} {name:<width$}  {found}");
        if let Some(advice) = &finding.advice {
            let advice = short(advice, WIDEST);
            let _ = writeln!(text, "{:<8} {:<width$}  → {advice}", "", "");
        }
    }
    let counts = Status::ALL.map(|status| format!("{} {}", count(findings, status), status.word()));
    let _ = writeln!(text, "\n{}", counts.join(", "));
    text
}

fn count(findings: &[Finding], status: Status) -> usize {
    let alike = findings.iter().filter(|finding| finding.status == status);
    alike.count()
}

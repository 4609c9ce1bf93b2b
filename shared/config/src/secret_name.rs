//! Where a secret is kept. The secret itself is never here.

use std::fmt::{self, Display};

/// The name of a secret: a Secrets Manager name or ARN, or `env:NAME` for an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(String);

impl SecretName {
    /// The name as the configuration writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is ours to begin with.
    pub(crate) fn well_known(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The error never repeats the text: a key pasted in place of its name stays out of terminals and logs.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_name = match text.strip_prefix("env:") {
            Some(variable) => is_variable(variable),
            None => is_secrets_manager_name(text),
        };
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "must be a Secrets Manager name or ARN, or `env:` and the name of a variable"
                    .to_owned(),
            )
        }
    }
}

impl Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Secrets Manager's own alphabet; colons separate the parts of an ARN only.
fn is_secrets_manager_name(name: &str) -> bool {
    let colon = name.starts_with("arn:").then_some(':');
    (1..=2048).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c) || Some(c) == colon)
}

//! Why a secret cannot be used, and what a person does about it; never what it holds.

use std::error::Error as StdError;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// Why a secret cannot be used.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The environment has no such variable.
    #[error(
        "environment variable `{variable}` is not set: set it to the secret, or name another one in the configuration"
    )]
    NotSet {
        /// The variable.
        variable: Box<str>,
    },
    /// A Secrets Manager name, and no account to ask.
    #[error(
        "secret `{name}` is in Secrets Manager, and there is no AWS account here: name a variable in the configuration, such as `env:API_KEY`"
    )]
    NoAccount {
        /// The secret.
        name: Box<str>,
    },
    /// Secrets Manager has no such secret, or none in this region.
    #[error(
        "secret `{name}` does not exist in this account and region, or has no value yet: create it, store the key there, or name the right one in the configuration"
    )]
    NotFound {
        /// The secret.
        name: Box<str>,
    },
    /// The credentials may not read it.
    #[error(
        "access to secret `{name}` is denied: check the credentials, and that they allow `secretsmanager:{operation}` on it and `kms:{on_key}` on its key"
    )]
    AccessDenied {
        /// The secret.
        name: Box<str>,
        /// The operation of Secrets Manager.
        operation: &'static str,
        /// What that asks of the secret's key.
        on_key: &'static str,
        /// What Secrets Manager said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Anything else: no connection, no credentials, throttling, a secret marked for deletion.
    #[error(
        "secret `{name}` could not be read; if AWS was not reached, check credentials and region (`aws sts get-caller-identity`)"
    )]
    Failed {
        /// The secret.
        name: Box<str>,
        /// What the SDK said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A variable of the environment, which belongs to whoever set it.
    #[error("secret `{name}` is a variable, which only you can set")]
    NotOurs {
        /// The secret.
        name: Box<str>,
    },
    /// Somebody else changed it each time that we were about to.
    #[error("secret `{name}` is being changed by somebody else: nothing was changed, try again")]
    Contended {
        /// The secret.
        name: Box<str>,
    },
    /// The secret is bytes.
    #[error("secret `{name}` is binary: store it as text")]
    Binary {
        /// The secret.
        name: Box<str>,
    },
    /// The secret is empty, or still what a template put there.
    #[error("secret `{name}` is empty or a placeholder: put the real one there")]
    Placeholder {
        /// The secret.
        name: Box<str>,
    },
    /// The secret starts like JSON and is not what it must be.
    #[error(
        "secret `{name}` cannot be used because {reason}: store the key itself, or `{{\"api_key\":\"…\",\"expires\":\"2027-03-01\"}}`"
    )]
    Malformed {
        /// The secret.
        name: Box<str>,
        /// What is wrong, without any of its content.
        reason: &'static str,
    },
}

impl SecretsError {
    /// Why a secret could not be read.
    pub(crate) fn reading<E>(name: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        Self::asking(name, "GetSecretValue", "Decrypt", error)
    }

    /// Why Secrets Manager did not do this.
    pub(crate) fn asking<E>(
        name: &str,
        operation: &'static str,
        on_key: &'static str,
        error: SdkError<E>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let name = name.into();
        let code = error.code().map(str::to_owned);
        let source = Box::new(error);
        match code.as_deref() {
            Some("ResourceNotFoundException") => Self::NotFound { name },
            Some(
                "AccessDeniedException"
                | "DecryptionFailure"
                | "DecryptionFailureException"
                | "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "MissingAuthenticationTokenException"
                | "ExpiredTokenException",
            ) => Self::AccessDenied {
                name,
                operation,
                on_key,
                source,
            },
            _ => Self::Failed { name, source },
        }
    }
}

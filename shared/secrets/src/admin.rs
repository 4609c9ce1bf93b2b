//! What an admin does to a secret: looks at its age, and changes it without undoing what another admin just did.
//!
//! Nothing here is for the functions, which may only read.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::error::SecretsError;
use crate::{Secrets, is_unset};

/// The label of a value that is not yet the current one. Always the same, so that Secrets Manager forgets old versions.
const NEXT: &str = "rollcall-next";
/// The label of the value that everybody reads.
const CURRENT: &str = "AWSCURRENT";
/// How often a change is begun anew because somebody else was faster.
const ATTEMPTS: usize = 5;

/// A secret's value and which version it is; both are none where it has no value yet.
struct Current {
    value: Option<SecretString>,
    version: Option<String>,
}

impl Secrets {
    /// When the secret last changed, where Secrets Manager says; a variable has no age.
    pub async fn changed_at(&self, name: &str) -> Result<Option<Timestamp>, SecretsError> {
        if is_variable(name) {
            return Ok(None);
        }
        let described = self.client(name)?.describe_secret().secret_id(name);
        let described = described.send().await;
        let described = described
            .map_err(|error| SecretsError::asking(name, "DescribeSecret", "Decrypt", error))?;
        let changed = described.last_changed_date;
        Ok(changed.and_then(|moment| Timestamp::from_second(moment.secs()).ok()))
    }

    /// Replaces the value of a secret by what `change` makes of it, which is given none where there is none yet.
    ///
    /// The new value takes the place of the one that was read, or of none: when somebody else was faster, the change is
    /// made again on theirs, so that it must be possible to make it twice.
    pub async fn change<E: From<SecretsError>>(
        &self,
        name: &str,
        change: impl Fn(Option<&SecretString>) -> Result<SecretString, E>,
    ) -> Result<(), E> {
        if is_variable(name) {
            return Err(SecretsError::NotOurs { name: name.into() }.into());
        }
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let Current { value, version } = self.current(name).await?;
            if refused.is_some() && version == refused {
                // It was made, and only the answer was lost.
                return Ok(());
            }
            let value = change(value.as_ref())?;
            refused = self.replace(name, version, &value).await?;
            if refused.is_none() {
                return Ok(());
            }
        }
        Err(SecretsError::Contended { name: name.into() }.into())
    }

    async fn current(&self, name: &str) -> Result<Current, SecretsError> {
        let request = self.client(name)?.get_secret_value().secret_id(name);
        match request.send().await {
            Ok(answer) => {
                let value = answer
                    .secret_string
                    .ok_or_else(|| SecretsError::Binary { name: name.into() })?;
                Ok(Current {
                    value: (!is_unset(&value)).then(|| value.into()),
                    version: answer.version_id,
                })
            }
            // No secret of that name, or one without a value: only the latter can be described.
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                let described = self.client(name)?.describe_secret().secret_id(name);
                match described.send().await {
                    Ok(_) => Ok(Current {
                        value: None,
                        version: None,
                    }),
                    Err(_) => Err(SecretsError::reading(name, error)),
                }
            }
            Err(error) => Err(SecretsError::reading(name, error)),
        }
    }

    /// Makes `value` the current one, unless that is another than `version` by now: then it returns the version that
    /// `value` has become instead.
    async fn replace(
        &self,
        name: &str,
        version: Option<String>,
        value: &SecretString,
    ) -> Result<Option<String>, SecretsError> {
        let client = self.client(name)?;
        let put = client.put_secret_value().secret_id(name);
        let put = put
            .secret_string(value.expose_secret())
            .version_stages(NEXT)
            .send()
            .await;
        let put = put.map_err(|error| {
            SecretsError::asking(name, "PutSecretValue", "GenerateDataKey", error)
        })?;
        // The first value of a secret is the current one whatever its labels.
        if put.version_stages().iter().any(|label| label == CURRENT) {
            return Ok(None);
        }
        let moved = client
            .update_secret_version_stage()
            .secret_id(name)
            .version_stage(CURRENT)
            .set_move_to_version_id(put.version_id.clone())
            .set_remove_from_version_id(version);
        match moved.send().await {
            Ok(_) => Ok(None),
            Err(error) if error.code() == Some("InvalidParameterException") => Ok(put.version_id),
            Err(error) => {
                let operation = "UpdateSecretVersionStage";
                Err(SecretsError::asking(name, operation, "Decrypt", error))
            }
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with("env:")
}

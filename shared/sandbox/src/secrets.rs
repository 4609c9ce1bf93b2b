//! Secrets Manager, as much of it as reads, describes and changes a secret: values in versions, told apart by labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::state::Shared;
use crate::wire::{Answer, Call, object};

/// The label of the version that everybody reads.
const CURRENT: &str = "AWSCURRENT";
/// The label of the version that was that before.
const PREVIOUS: &str = "AWSPREVIOUS";

/// The secrets in Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Shared>);

impl Secrets {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Creates a secret or replaces its value.
    pub fn set(&self, name: &str, value: &str) {
        let now = self.0.clock.now();
        self.0.lock().secrets.set(name, value, now);
    }

    /// Creates a secret that has no value yet, as a template makes it, in the place of one of this name.
    pub fn set_empty(&self, name: &str) {
        let now = self.0.clock.now();
        self.0.lock().secrets.set_empty(name, now);
    }

    /// The value of a secret, if it has one.
    pub fn get(&self, name: &str) -> Option<String> {
        let state = self.0.lock();
        let secret = state.secrets.0.get(name)?;
        Some(secret.version_at(CURRENT)?.value.clone())
    }

    /// Deletes a secret.
    pub fn remove(&self, name: &str) {
        self.0.lock().secrets.0.remove(name);
    }
}

/// The secrets by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretStore(BTreeMap<String, Secret>);

#[derive(Debug, Clone)]
struct Secret {
    versions: Vec<Version>,
    changed_at: Timestamp,
}

#[derive(Debug, Clone)]
struct Version {
    id: String,
    value: String,
    labels: BTreeSet<String>,
    made_at: Timestamp,
}

/// Why a request is refused.
struct Refusal {
    kind: &'static str,
    message: &'static str,
}

impl SecretStore {
    pub(crate) fn set(&mut self, name: &str, value: &str, now: Timestamp) {
        let secret = self.0.entry(name.to_owned()).or_insert(Secret::empty(now));
        let id = format!("00000000-0000-4000-8000-{:012x}", secret.versions.len() + 1);
        secret.add(id, value, [CURRENT.to_owned()].into(), now);
    }

    fn set_empty(&mut self, name: &str, now: Timestamp) {
        self.0.insert(name.to_owned(), Secret::empty(now));
    }

    pub(crate) fn answer(&mut self, call: &Call, now: Timestamp) -> Answer {
        match self.route(call, now) {
            Ok(fields) => amz_json(StatusCode::OK, &fields),
            Err(Refusal { kind, message }) => {
                let body = json!({"__type": kind, "Message": message});
                amz_json(StatusCode::BAD_REQUEST, &body).with_header(
                    HeaderName::from_static("x-amzn-errortype"),
                    HeaderValue::from_static(kind),
                )
            }
        }
    }

    fn route(&mut self, call: &Call, now: Timestamp) -> Result<Map<String, Value>, Refusal> {
        let body = call.json().unwrap_or_default();
        let id = body.get("SecretId").and_then(Value::as_str);
        let id = id.ok_or(Refusal {
            kind: "ValidationException",
            message: "1 validation error detected: Value null at 'secretId'",
        })?;
        let mut secrets = self.0.iter_mut();
        let (name, secret) = secrets
            .find(|(name, _)| *name == id || arn(name) == id)
            .ok_or(not_found(
                "Secrets Manager can't find the specified secret.",
            ))?;
        let answer = match call.amz_target() {
            "secretsmanager.GetSecretValue" => secret.read()?,
            "secretsmanager.DescribeSecret" => secret.describe(),
            "secretsmanager.PutSecretValue" => secret.put(&body, now)?,
            "secretsmanager.UpdateSecretVersionStage" => secret.label(&body, now)?,
            _ => {
                return Err(Refusal {
                    kind: "UnknownOperationException",
                    message: "the sandbox reads, describes and changes secrets, and no more",
                });
            }
        };
        let mut fields = object(answer);
        fields.insert("ARN".to_owned(), arn(name).into());
        fields.insert("Name".to_owned(), name.as_str().into());
        Ok(fields)
    }
}

impl Secret {
    fn empty(now: Timestamp) -> Self {
        Self {
            versions: Vec::new(),
            changed_at: now,
        }
    }

    fn version_at(&self, label: &str) -> Option<&Version> {
        (self.versions.iter()).find(|version| version.labels.contains(label))
    }

    fn read(&self) -> Result<Value, Refusal> {
        let Some(version) = self.version_at(CURRENT) else {
            return Err(not_found(
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
            ));
        };
        Ok(json!({
            "SecretString": version.value,
            "VersionId": version.id,
            "VersionStages": version.labels,
            "CreatedDate": version.made_at.as_second(),
        }))
    }

    fn describe(&self) -> Value {
        let versions = (self.versions.iter()).filter(|version| !version.labels.is_empty());
        let labels: BTreeMap<&str, &BTreeSet<String>> = versions
            .map(|version| (version.id.as_str(), &version.labels))
            .collect();
        json!({"LastChangedDate": self.changed_at.as_second(), "VersionIdsToStages": labels})
    }

    fn put(&mut self, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let text = |field| body.get(field).and_then(Value::as_str);
        let (Some(id), Some(value)) = (text("ClientRequestToken"), text("SecretString")) else {
            let message = "You must provide ClientRequestToken and SecretString.";
            return Err(invalid(message));
        };
        let known = self.versions.iter().position(|version| version.id == id);
        if known.is_none() {
            let labels = body.get("VersionStages").and_then(Value::as_array);
            let mut labels: BTreeSet<String> = labels
                .into_iter()
                .flatten()
                .filter_map(|label| label.as_str().map(str::to_owned))
                .collect();
            if labels.is_empty() || self.versions.is_empty() {
                labels.insert(CURRENT.to_owned());
            }
            self.add(id.to_owned(), value, labels, now);
        }
        let version = self.versions.iter().find(|version| version.id == id);
        match version.filter(|version| version.value == value) {
            Some(version) => Ok(json!({"VersionId": id, "VersionStages": version.labels})),
            None => Err(Refusal {
                kind: "ResourceExistsException",
                message: "You can't use ClientRequestToken again for another value.",
            }),
        }
    }

    /// Moves a label, but only from the version that the caller believes to have it.
    fn label(&mut self, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let text = |field| body.get(field).and_then(Value::as_str);
        let label = text("VersionStage").unwrap_or_default();
        let from = self.version_at(label).map(|version| version.id.as_str());
        let to = text("MoveToVersionId").unwrap_or_default();
        if from.is_some() && from != text("RemoveFromVersionId") {
            return Err(invalid(
                "The staging label is attached to another version: name that one in RemoveFromVersionId.",
            ));
        }
        let Some(place) = self.versions.iter().position(|version| version.id == to) else {
            return Err(not_found("Secrets Manager can't find the version."));
        };
        self.attach(label, place, now);
        Ok(json!({}))
    }

    fn add(&mut self, id: String, value: &str, labels: BTreeSet<String>, now: Timestamp) {
        self.versions.push(Version {
            id,
            value: value.to_owned(),
            labels: BTreeSet::new(),
            made_at: now,
        });
        let place = self.versions.len() - 1;
        for label in labels {
            self.attach(&label, place, now);
        }
    }

    /// A label is on one version; where it leaves the current one, that becomes the previous one.
    fn attach(&mut self, label: &str, place: usize, now: Timestamp) {
        let is_current = label == CURRENT;
        for version in &mut self.versions {
            let had_it = version.labels.remove(label);
            if is_current {
                version.labels.remove(PREVIOUS);
                if had_it {
                    version.labels.insert(PREVIOUS.to_owned());
                }
            }
        }
        if let Some(version) = self.versions.get_mut(place) {
            if is_current {
                version.labels.remove(PREVIOUS);
            }
            version.labels.insert(label.to_owned());
        }
        self.changed_at = now;
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf")
}

fn not_found(message: &'static str) -> Refusal {
    Refusal {
        kind: "ResourceNotFoundException",
        message,
    }
}

fn invalid(message: &'static str) -> Refusal {
    Refusal {
        kind: "InvalidParameterException",
        message,
    }
}

fn amz_json(status: StatusCode, body: &impl Serialize) -> Answer {
    Answer::json(status, body).with_header(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    )
}

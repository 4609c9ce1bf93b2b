//! DynamoDB, embedded, and Secrets Manager's one call. What a request may do is the embedded database's to say.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::SandboxError;
use crate::state::Shared;
use crate::wire::{Answer, Call};

/// Where the embedded DynamoDB keeps its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In memory: gone at the end.
    Memory,
    /// In a file, which is made when it does not exist.
    File(PathBuf),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// DynamoDB on a free port of 127.0.0.1; it ends when dropped.
pub struct EmbeddedDynamoDb {
    address: SocketAddr,
    database: dynoxide::Database,
    /// Dropping it tells the server to stop.
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl fmt::Debug for EmbeddedDynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDynamoDb")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl EmbeddedDynamoDb {
    /// Opens the database and serves it.
    pub async fn start(database: Database) -> Result<Self, SandboxError> {
        let failed = |reason: String| SandboxError::Database {
            place: database.to_string(),
            reason,
        };
        let opened = match &database {
            Database::Memory => dynoxide::Database::memory(),
            Database::File(path) => dynoxide::Database::new(
                path.to_str()
                    .ok_or_else(|| failed("its path is not valid UTF-8".to_owned()))?,
            ),
        }
        .map_err(|error| failed(error.to_string()))?;
        let listen = |source| SandboxError::Listen { port: 0, source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = opened.clone();
        let server = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            if let Err(error) =
                dynoxide::server::serve_with_shutdown(listener, opened, shutdown).await
            {
                tracing::error!(error, "the embedded database stopped");
            }
        });
        Ok(Self {
            address,
            database: handle,
            stop,
            server,
        })
    }

    /// Writes every table to a new file.
    pub(crate) fn save(&self, file: &Path) -> Result<(), SandboxError> {
        let saved = self.database.vacuum_into(&file.to_string_lossy());
        saved.map_err(|error| tables(file, &error))
    }

    /// Puts the tables of such a file in the place of all that are there.
    pub(crate) fn load(&self, file: &Path) -> Result<(), SandboxError> {
        let loaded = self.database.restore_from(&file.to_string_lossy());
        loaded.map_err(|error| tables(file, &error))
    }

    /// The endpoint, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and returns when requests under way are answered and the database is closed.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the embedded database did not stop cleanly");
        }
    }
}

fn tables(file: &Path, error: &dynoxide::DynoxideError) -> SandboxError {
    SandboxError::Tables {
        file: file.to_owned(),
        reason: error.to_string(),
    }
}

/// Hands requests on to the embedded database as they are.
#[derive(Debug)]
pub(crate) struct DynamoDbProxy {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl DynamoDbProxy {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            address,
        }
    }

    pub(crate) async fn forward(&self, call: &Call) -> Answer {
        self.exchange(call).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the embedded database did not answer");
            Answer::html(StatusCode::BAD_GATEWAY)
        })
    }

    async fn exchange(
        &self,
        call: &Call,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("http://{}/", self.address))
            .body(Full::new(call.body.clone()))?;
        *request.headers_mut() = call.headers.clone();
        request.headers_mut().remove(HOST);
        let (mut head, body) = self.client.request(request).await?.into_parts();
        // How the body is framed is for our own connection to say.
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove(TRANSFER_ENCODING);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

/// The secrets in Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Shared>);

impl Secrets {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Creates a secret or replaces its value.
    pub fn set(&self, name: &str, value: &str) {
        self.0.lock().secrets.set(name, value);
    }

    /// Deletes a secret.
    pub fn remove(&self, name: &str) {
        self.0.lock().secrets.0.remove(name);
    }
}

/// The values by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretStore(BTreeMap<String, String>);

impl SecretStore {
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn answer(&self, call: &Call, now: Timestamp) -> Answer {
        if call.amz_target() != "secretsmanager.GetSecretValue" {
            return refusal(
                "UnknownOperationException",
                "the sandbox answers GetSecretValue only",
            );
        }
        let body = call.json().unwrap_or_default();
        let Some(id) = body.get("SecretId").and_then(Value::as_str) else {
            return refusal(
                "ValidationException",
                "1 validation error detected: Value null at 'secretId'",
            );
        };
        let found = self
            .0
            .iter()
            .find(|(name, _)| *name == id || arn(name) == id);
        let Some((name, value)) = found else {
            return refusal(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            );
        };
        amz_json(
            StatusCode::OK,
            &json!({
                "ARN": arn(name),
                "Name": name,
                "SecretString": value,
                "VersionId": "00000000-0000-4000-8000-000000000001",
                "VersionStages": ["AWSCURRENT"],
                "CreatedDate": now.as_second(),
            }),
        )
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-AbCdEf")
}

fn refusal(kind: &'static str, message: &str) -> Answer {
    let body = json!({"__type": kind, "Message": message});
    amz_json(StatusCode::BAD_REQUEST, &body).with_header(
        HeaderName::from_static("x-amzn-errortype"),
        HeaderValue::from_static(kind),
    )
}

fn amz_json(status: StatusCode, body: &Value) -> Answer {
    Answer::json(status, body).with_header(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    )
}

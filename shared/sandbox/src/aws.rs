//! DynamoDB, embedded. What a request may do is the embedded database's to say.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, DATE, HOST, TRANSFER_ENCODING};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::SandboxError;
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
        // And the time for the sandbox's clock.
        head.headers.remove(DATE);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

//! Stand-ins over real HTTP for everything outside: JumpCloud, Deel, Humaans, DynamoDB, Secrets Manager and SNS.
//!
//! Used on one machine, by tests and by benchmarks; never by a deployed function. The stand-ins enforce the vendors'
//! documented rules and know nothing of rollcall: they must not share its code, or they would share its mistakes.
//!
//! ```no_run
//! # async fn demo() -> Result<(), sandbox::SandboxError> {
//! use sandbox::{Fault, Options, Profile, Sandbox, Vendor};
//!
//! let sandbox = Sandbox::start(Options::default()).await?;
//! let ana = sandbox.deel().hire(Profile::new("Ana", "Souza"));
//! sandbox.faults().add(Fault::status(Vendor::JumpCloud, 503).method("POST").times(2));
//! sandbox.deel().remove(&ana);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! One listener on 127.0.0.1 serves
//!
//! | path | what |
//! |---|---|
//! | `POST /` | DynamoDB and Secrets Manager, told apart by `X-Amz-Target`, and SNS, whose calls are forms |
//! | `/jumpcloud/api/…` | JumpCloud's v1 API, and v2 below `/jumpcloud/api/v2/` |
//! | `/deel/rest/v2/…` | Deel's API |
//! | `/humaans/api/…` | Humaans' API |
//! | `/sandbox/…` | the control API |
//!
//! # The control API
//!
//! For tools outside this process. JSON, no key; it is neither recorded nor slowed down.
//!
//! | request | what |
//! |---|---|
//! | `GET /sandbox` | a summary: the time, counts of people, users by state, mails, faults, requests |
//! | `GET /sandbox/mails` | the mails that JumpCloud would have sent |
//! | `GET /sandbox/requests` | the recorded requests, oldest first; `DELETE` forgets them |
//! | `POST /sandbox/clock` | `{"set":"2026-03-02T09:00:00Z"}`, `{"advance_seconds":3600}` or `{"real":true}` |
//! | `POST /sandbox/faults` | adds a [`Fault`], e.g. `{"vendor":"jumpcloud","method":"POST","kind":{"status":{"status":503}},"times":2}`; `DELETE` removes them all |
//! | `GET /sandbox/people` | the people in Deel |
//! | `POST /sandbox/people` | hires the person in the body, answers with the person |
//! | `PATCH /sandbox/people/{id}` | replaces the fields in the body |
//! | `DELETE /sandbox/people/{id}` | removes the person |
//! | `GET /sandbox/humaans/{collection}` | the records in Humaans: `people`, `job-roles`, `locations`, `companies`, `custom-fields`, `custom-values` |
//! | `POST /sandbox/humaans/{collection}` | adds the record in the body, answers with the record |
//! | `PATCH`, `DELETE /sandbox/humaans/{collection}/{id}` | replaces the fields in the body; removes the record |
//! | `GET /sandbox/users` | the users in JumpCloud |
//! | `PATCH /sandbox/users/{id}` | replaces the fields in the body, e.g. `{"password_expired":true}`, whatever the rules |
//! | `GET /sandbox/groups` | the groups in JumpCloud, with the ids of their members |
//! | `GET /sandbox/states` | the changes of users' states that are scheduled |
//! | `POST /sandbox/states` | schedules one: `{"user_id":"…","state":"SUSPENDED","at":"2026-03-02T09:00:00Z"}` |

mod aws;
mod clock;
mod company;
mod control;
mod deel;
mod faults;
mod humaans;
mod jumpcloud;
mod limiter;
mod profile;
mod requests;
mod secrets;
mod server;
mod snapshot;
mod sns;
mod state;
mod wire;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

pub use aws::{Database, EmbeddedDynamoDb};
pub use clock::Clock;
pub use company::Company;
pub use deel::{Deel, DeelRules};
pub use faults::{Fault, FaultKind, Faults};
pub use humaans::{Collection, Humaans, HumaansRules};
pub use jumpcloud::{JumpCloud, JumpCloudRules, Mail, MailKind};
pub use limiter::RateLimit;
pub use profile::{Office, Profile, Stage};
pub use requests::{RecordedRequest, Requests};
pub use secrets::Secrets;
pub use snapshot::Snapshot;
pub use sns::Notification;
pub use wire::Vendor;

use server::Server;
use state::Shared;

/// What a sandbox starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where DynamoDB keeps its tables.
    pub database: Database,
    /// Who works in HR, and who is in JumpCloud already.
    pub company: Company,
    /// The API key that JumpCloud accepts; also the secret `rollcall/jumpcloud`.
    pub jumpcloud_key: String,
    /// The token that Deel accepts; also the secret `rollcall/deel`.
    pub deel_token: String,
    /// The token that Humaans accepts; also the secret `rollcall/humaans`.
    pub humaans_token: String,
    /// Seeds the order of lists that have no defined order.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            database: Database::Memory,
            company: Company::default(),
            jumpcloud_key: "sandbox-jumpcloud-key".to_owned(),
            deel_token: "sandbox-deel-token".to_owned(),
            humaans_token: "sandbox-humaans-token".to_owned(),
            seed: 1,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The port cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for a free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the embedded database in {place}: {reason}")]
    Database {
        /// The file, or memory.
        place: String,
        /// What the database said.
        reason: String,
    },
    /// A file with tables cannot be written or read.
    #[error("cannot keep tables in `{file}`, which must be a new file to be written: {reason}")]
    Tables {
        /// The file.
        file: PathBuf,
        /// What the database said.
        reason: String,
    },
}

/// A running sandbox; it ends when dropped.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    server: Server,
    dynamodb: EmbeddedDynamoDb,
}

impl Sandbox {
    /// Starts every stand-in, ready to answer when this returns.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let dynamodb = EmbeddedDynamoDb::start(options.database.clone()).await?;
        let port = options.port;
        let shared = Arc::new(Shared::new(options, dynamodb.address()));
        let server = Server::start(port, Arc::clone(&shared)).await?;
        Ok(Self {
            shared,
            server,
            dynamodb,
        })
    }

    /// The address of the one listener, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What stands before `/api` in JumpCloud's paths.
    pub fn jumpcloud_url(&self) -> String {
        format!("{}/jumpcloud", self.url())
    }

    /// What stands before `/rest/v2` in Deel's paths.
    pub fn deel_url(&self) -> String {
        format!("{}/deel", self.url())
    }

    /// What stands before `/api` in Humaans' paths.
    pub fn humaans_url(&self) -> String {
        format!("{}/humaans", self.url())
    }

    /// The endpoint of DynamoDB, Secrets Manager and SNS.
    pub fn aws_url(&self) -> String {
        self.url()
    }

    /// The people in Deel.
    pub fn deel(&self) -> Deel {
        Deel::new(Arc::clone(&self.shared))
    }

    /// The people in Humaans.
    pub fn humaans(&self) -> Humaans {
        Humaans::new(Arc::clone(&self.shared))
    }

    /// The users in JumpCloud.
    pub fn jumpcloud(&self) -> JumpCloud {
        JumpCloud::new(Arc::clone(&self.shared))
    }

    /// The secrets in Secrets Manager.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(Arc::clone(&self.shared))
    }

    /// What was sent to SNS's topics, oldest first.
    pub fn notifications(&self) -> Vec<Notification> {
        self.shared.lock().topics.0.clone()
    }

    /// The time that the stand-ins go by.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// What shall go wrong.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.shared))
    }

    /// What was asked of the stand-ins.
    pub fn requests(&self) -> Requests {
        Requests::new(Arc::clone(&self.shared))
    }

    /// Delays every answer of a vendor.
    pub fn set_latency(&self, vendor: Vendor, latency: std::time::Duration) {
        self.shared.lock().latency.insert(vendor, latency);
    }

    /// Keeps everything that is there now, the tables in `file`, which is new.
    pub fn snapshot(&self, file: &Path) -> Result<Snapshot, SandboxError> {
        self.dynamodb.save(file)?;
        Ok(Snapshot::of(&self.shared.lock(), file.to_owned()))
    }

    /// Makes everything what it was; what was to go wrong still is.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), SandboxError> {
        self.dynamodb.load(&snapshot.tables)?;
        snapshot.put_into(&mut self.shared.lock());
        Ok(())
    }

    /// Makes the tables alone what they were, as an old backup does.
    pub fn restore_tables(&self, snapshot: &Snapshot) -> Result<(), SandboxError> {
        self.dynamodb.load(&snapshot.tables)
    }

    /// Ends the sandbox and returns when its listeners and the database are closed.
    pub async fn stop(self) {
        self.server.stop().await;
        self.dynamodb.stop().await;
    }
}

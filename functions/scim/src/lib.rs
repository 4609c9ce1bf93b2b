//! The Lambda function `scim`: a SCIM 2.0 service provider (RFC 7643, RFC 7644) whose users live in JumpCloud.

mod auth;
mod bulk;
pub mod discovery;
mod error;
pub mod filter;
mod gateway;
mod grammar;
mod groups;
mod idempotency;
pub mod list;
mod listing;
mod metrics;
mod operation;
mod ownership;
pub mod patch;
mod path;
pub mod projection;
pub mod resource;
pub mod schema;
mod server;
mod service;
mod users;
pub mod version;

pub use auth::{Access, AuthError, Scope, Tokens};
pub use error::{ScimError, ScimType};
pub use gateway::{Answer, Event};
pub use metrics::metrics;
pub use server::app;
pub use service::{Clock, Service};

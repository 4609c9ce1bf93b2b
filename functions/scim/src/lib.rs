//! The Lambda function `scim`: a SCIM 2.0 service provider (RFC 7643, RFC 7644) whose users live in JumpCloud.
//!
//! So far its pure half: what may be sent and what it means.

pub mod discovery;
mod error;
pub mod filter;
mod grammar;
pub mod list;
pub mod patch;
mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod version;

pub use error::{ScimError, ScimType};

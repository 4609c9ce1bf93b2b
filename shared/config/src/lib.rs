//! `rollcall.toml`: typed, checked whole, every problem with its line.
//!
//! Pure: neither file nor environment is read here, and secrets appear by name only.
//!
//! - [`Config::parse`]: the text of the file → [`Config`], or all its problems as [`ConfigErrors`]
//! - `reader.rs`: reads any TOML table key by key; `nearest.rs` knows what somebody meant to write
//! - one file per section: its type, its defaults and its keys side by side

mod attributes;
mod base_url;
mod config;
mod errors;
mod group;
mod limits;
mod nearest;
mod reader;
mod scim;
mod secret_name;
mod source;
#[cfg(test)]
mod tests;
mod values;

pub use config::{Config, JumpCloud, Protect};
pub use errors::{ConfigErrors, Problem};
pub use limits::{Exceeded, Limit, Limits};
pub use scim::{Claim, CreateAs, OnDelete, Scim};
pub use secret_name::SecretName;
pub use source::{Source, SourceKind};

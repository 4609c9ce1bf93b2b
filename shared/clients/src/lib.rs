//! How to reach the vendors: JumpCloud, Deel and Humaans over HTTPS.
//!
//! What the data means is `mapping`'s business: these clients fetch, send and return wire types, and take no
//! decision about anybody.
//!
//! - [`JumpCloud`]: users are read, created, updated, activated and deleted, groups and their members read and changed
//! - [`Deel`], [`Humaans`]: people are read
//! - [`ClientError`]: what went wrong, with predicates to branch on
//!
//! All stand on one HTTP core, `http.rs`: pacing, retries, deadlines, and what is done about a refused key live
//! there and nowhere else.

mod address;
mod decode;
mod deel;
mod error;
mod http;
mod humaans;
mod jumpcloud;
mod key;
mod rate;
mod reading;
mod redact;
mod retry;
#[cfg(test)]
mod testing;
mod tls;

pub use decode::{Listing, Unreadable};
pub use deel::Deel;
pub use error::{Call, ClientError, chain};
pub use http::{Options, Permit, client_builder};
pub use humaans::{Humaans, Staff};
pub use jumpcloud::{
    Condition, GroupQuery, Invitation, JumpCloud, Organization, Rows, UserQuery, region_base_url,
};
pub use key::{Freshness, KeyError, KeySource};
pub use retry::Retry;

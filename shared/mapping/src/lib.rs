//! What the data means: HR record → [`Worker`] → desired JumpCloud user → difference.
//!
//! Everything here is a pure function of its arguments: no input or output, no clock, no async.
//!
//! - [`deel`], [`humaans`]: the record types of each HR system, and how a record becomes a [`Worker`]
//! - [`Worker`]: the canonical person in HR
//! - [`Standing`]: where somebody stands today: no account yet, staged, active or gone; [`SourceScope`]: whom a source
//!   is for
//! - [`TABLE`]: the published mapping, row by row; `docs/mapping.md` is rendered from it
//! - [`desired_user`] and [`diff`]: what JumpCloud should hold, and what must change for it; [`is_in_step`]: whether
//!   anything must
//! - [`GroupRule`]: who belongs to a group by rule
//! - [`Usernames`]: names for new users, numbered where taken
//! - [`scim`]: the other way in, SCIM User ↔ JumpCloud user

mod attribute;
mod clean;
pub mod deel;
mod details;
mod diff;
mod elements;
mod field;
mod group;
pub mod humaans;
mod jumpcloud;
mod lifecycle;
mod policy;
pub mod scim;
mod scope;
mod table;
mod template;
mod username;
mod worker;

#[cfg(test)]
mod tests;

pub use attribute::Attribute;
pub use clean::{LONGEST_ID, short};
pub use details::{Details, Part, Unread};
pub use diff::{
    AttributeChange, DesiredUser, DesiredValue, Written, WrittenValue, custom_attributes,
    desired_user, diff, hr_value, is_in_step, mappable, value_of,
};
pub use field::{Field, unknown_custom_fields};
pub use group::{GroupRule, When};
pub use jumpcloud::{
    Address, CustomAttribute, MembershipMethod, PhoneNumber, ScheduledState, SystemUser,
    SystemUserId, UserGroup, UserGroupId, UserState,
};
pub use lifecycle::{NoAccount, Standing, activation_moment, leaving_moment};
pub use policy::{
    Activate, AdoptBy, AttributeRule, Blank, Class, Invite, LeaveAt, Leavers, Lifecycle, Missing,
    Origin, OutOfScope, Policy, Rehires, Update,
};
pub use scope::{ScopeKey, Selection, SourceScope};
pub use table::{Column, Row, TABLE, render_markdown};
pub use template::TextTemplate;
pub use username::{UsernameTemplate, Usernames, fold};
pub use worker::{
    Employment, MappingError, SourceName, Status, Text, Warning, Worker, WorkerId, WorkerKey, Zones,
};

//! What the data means: HR record → [`Worker`] → desired JumpCloud user → difference.
//!
//! Everything here is a pure function of its arguments: no input or output, no clock, no async.
//!
//! - [`deel`]: Deel's record types, and how a record becomes a [`Worker`]
//! - [`Worker`]: the canonical person in HR
//! - [`standing`]: where somebody stands today: no account yet, staged, active or gone
//! - [`TABLE`]: the published mapping, row by row; `docs/mapping.md` is rendered from it
//! - [`desired_user`] and [`diff`]: what JumpCloud should hold, and what must change for it; [`is_in_step`]: whether
//!   anything must
//! - [`GroupRule`]: who belongs to a group by rule
//! - [`Usernames`]: names for new users, numbered where taken
//! - [`scim`]: the other way in, SCIM User ↔ JumpCloud user

pub mod deel;
mod diff;
mod group;
mod jumpcloud;
mod lifecycle;
mod policy;
pub mod scim;
mod table;
mod username;
mod worker;

#[cfg(test)]
mod tests;

pub use diff::{
    AttributeChange, DesiredUser, DesiredValue, Written, WrittenValue, custom_attributes,
    desired_user, diff, is_in_step, mappable, value_of,
};
pub use group::{GroupRule, When};
pub use jumpcloud::{
    Address, CustomAttribute, MembershipMethod, ScheduledState, SystemUser, SystemUserId,
    UserGroup, UserGroupId, UserState,
};
pub use lifecycle::{NoAccount, Standing, activation_moment, leaving_moment, standing};
pub use policy::{
    Activate, AdoptBy, AttributeRule, Blank, Class, Invite, LeaveAt, Leavers, Lifecycle, Missing,
    Origin, Policy, Rehires, TextTemplate, Update,
};
pub use table::{Attribute, Field, Row, TABLE, render_markdown};
pub use username::{UsernameTemplate, Usernames, fold};
pub use worker::{
    Employment, MappingError, SourceName, Status, Text, Warning, Worker, WorkerId, WorkerKey, Zones,
};

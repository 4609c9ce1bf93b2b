//! What the data means: HR record → [`Worker`] → desired JumpCloud user → difference.
//!
//! Everything here is a pure function of its arguments: no input or output, no clock, no async.
//!
//! - [`deel`], [`humaans`]: the record types of each HR system, and how a record becomes a [`Worker`]
//! - [`Worker`]: the canonical person in HR
//! - [`standing`]: where somebody stands today: no account yet, staged, active or gone
//! - [`TABLE`]: the published mapping, row by row; `docs/mapping.md` is rendered from it
//! - [`desired_user`] and [`diff`]: what JumpCloud should hold, and what must change for it; [`is_in_step`]: whether
//!   anything must
//! - [`Usernames`]: names for new users, numbered where taken
//! - [`scim`]: the other way in, SCIM User ↔ JumpCloud user

pub mod deel;
mod diff;
mod elements;
pub mod humaans;
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
    desired_user, diff, hr_value, is_in_step, mappable, value_of,
};
pub use jumpcloud::{
    Address, CustomAttribute, MembershipMethod, PhoneNumber, ScheduledState, SystemUser,
    SystemUserId, UserGroup, UserGroupId, UserState,
};
pub use lifecycle::{NoAccount, Standing, activation_moment, leaving_moment, standing};
pub use policy::{
    Activate, AdoptBy, AttributeRule, Blank, Class, Invite, LeaveAt, Leavers, Lifecycle, Missing,
    Origin, Policy, Rehires, TextTemplate, Update,
};
pub use table::{Attribute, Column, Field, Row, TABLE, render_markdown};
pub use username::{UsernameTemplate, Usernames, fold};
pub use worker::{
    Details, Employment, MappingError, Part, SourceName, Status, Text, Unread, Warning, Worker,
    WorkerId, WorkerKey, Zones, unknown_custom_fields,
};

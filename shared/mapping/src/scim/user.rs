//! A JumpCloud user as SCIM needs it, and what becomes of its state.
//!
//! Unlike [`SystemUser`](crate::SystemUser), of which a whole company is held in memory, it has every attribute that
//! SCIM shows, and keeps the elements of arrays as they are: JumpCloud replaces arrays whole.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::jumpcloud::{SystemUserId, UserState, is_administrator, or_default};
use crate::worker::Text;

/// One element of an array, such as a phone number, with all that JumpCloud shows of it.
pub type Element = Map<String, Value>;

/// A user as JumpCloud's v1 API returns it. Unset text is empty.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryUser {
    /// JumpCloud's id.
    #[serde(rename = "_id")]
    pub id: SystemUserId,
    /// Unique in the organisation.
    pub username: Text,
    /// The primary e-mail, unique across JumpCloud.
    #[serde(default, deserialize_with = "or_default")]
    pub email: Text,
    /// Given name.
    #[serde(default, deserialize_with = "or_default")]
    pub firstname: Text,
    /// Middle name.
    #[serde(default, deserialize_with = "or_default")]
    pub middlename: Text,
    /// Family name.
    #[serde(default, deserialize_with = "or_default")]
    pub lastname: Text,
    /// Name to show.
    #[serde(default, deserialize_with = "or_default")]
    pub displayname: Text,
    /// Where activation mail goes by default.
    #[serde(default, deserialize_with = "or_default")]
    pub alternate_email: Text,
    /// The employer's id of the person; unique per user.
    #[serde(default, deserialize_with = "or_default")]
    pub employee_identifier: Text,
    /// Kind of employment.
    #[serde(default, deserialize_with = "or_default")]
    pub employee_type: Text,
    /// Job title.
    #[serde(default, deserialize_with = "or_default")]
    pub job_title: Text,
    /// Department.
    #[serde(default, deserialize_with = "or_default")]
    pub department: Text,
    /// Cost centre.
    #[serde(default, deserialize_with = "or_default")]
    pub cost_center: Text,
    /// Company or legal entity.
    #[serde(default, deserialize_with = "or_default")]
    pub company: Text,
    /// Location.
    #[serde(default, deserialize_with = "or_default")]
    pub location: Text,
    /// The manager's user id.
    #[serde(default, deserialize_with = "or_default")]
    pub manager: Text,
    /// Phone numbers.
    #[serde(default, deserialize_with = "or_default")]
    pub phone_numbers: Vec<Element>,
    /// Addresses.
    #[serde(default, deserialize_with = "or_default")]
    pub addresses: Vec<Element>,
    /// The state; older rows show only `suspended`.
    #[serde(rename = "state", default, deserialize_with = "or_default")]
    pub recorded_state: Option<UserState>,
    /// The older mirror of the state.
    #[serde(default, deserialize_with = "or_default")]
    pub suspended: bool,
    /// Whether the password must be changed before the next sign-in.
    #[serde(rename = "password_expired", default, deserialize_with = "or_default")]
    pub password_expired: bool,
    /// Whether this user is also a JumpCloud administrator.
    #[serde(default, deserialize_with = "is_administrator")]
    pub admin: bool,
    /// When the user was made, where JumpCloud says so intelligibly.
    #[serde(default, deserialize_with = "timestamp")]
    pub created: Option<Timestamp>,
}

impl DirectoryUser {
    /// Whether the user has no access because somebody switched it off; either sign of it counts.
    pub fn is_suspended(&self) -> bool {
        self.suspended || self.recorded_state == Some(UserState::Suspended)
    }

    /// Whether the user never had access yet.
    pub fn is_staged(&self) -> bool {
        self.recorded_state == Some(UserState::Staged)
    }
}

/// What becomes of a user's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChange {
    /// Nothing.
    None,
    /// Access is switched off.
    Suspend,
    /// A suspension ends; whether the client may end it is the caller's to decide.
    Reactivate,
}

/// What `active` asks for. True ends a suspension and does no more: a staged user stays staged, and no client can undo
/// an expired password.
///
/// An expired password reads as `active` false under [`ActiveRule::Published`](super::ActiveRule::Published), so a
/// PATCH is folded over what [`ActiveRule::NotSuspended`](super::ActiveRule::NotSuspended) shows: a new title then
/// suspends nobody, and an explicit false still does.
pub fn state_change(before: &DirectoryUser, active: Option<bool>) -> StateChange {
    match (active, before.is_suspended()) {
        (Some(false), false) => StateChange::Suspend,
        (Some(true), true) => StateChange::Reactivate,
        (Some(true), false) | (Some(false), true) | (None, _) => StateChange::None,
    }
}

/// A moment; null and what is none are `None`, since a user must not vanish for it.
fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Text>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

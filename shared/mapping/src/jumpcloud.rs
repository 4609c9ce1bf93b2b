//! JumpCloud's v1 user (`SystemUser`) and the v2 rows beside it, as much of them as rollcall reads.
//!
//! Wire types only: what they should hold is `diff.rs`, how they travel is the `clients` package.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::worker::{Text, id};

id! {
    /// JumpCloud's `_id` of a user: 24 hexadecimal digits.
    SystemUserId
}

id! {
    /// JumpCloud's id of a user group: 24 hexadecimal digits.
    UserGroupId
}

/// A user as JumpCloud's v1 API returns it. Unset text is empty, as JumpCloud itself shows it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "JumpCloud's own flags")]
pub struct SystemUser {
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
    /// Middle name. Few have one: half the size of other text while it is empty.
    #[serde(default, deserialize_with = "or_default")]
    pub middlename: Box<str>,
    /// Family name.
    #[serde(default, deserialize_with = "or_default")]
    pub lastname: Text,
    /// Name to show.
    #[serde(default, deserialize_with = "or_default")]
    pub displayname: Text,
    /// Where activation mail goes by default.
    #[serde(default, deserialize_with = "or_default")]
    pub alternate_email: Text,
    /// The HR system's id of the person; unique per user.
    #[serde(default, deserialize_with = "or_default")]
    pub employee_identifier: Text,
    /// Job title.
    #[serde(default, deserialize_with = "or_default")]
    pub job_title: Text,
    /// Department.
    #[serde(default, deserialize_with = "or_default")]
    pub department: Text,
    /// Location.
    #[serde(default, deserialize_with = "or_default")]
    pub location: Text,
    /// Cost centre.
    #[serde(default, deserialize_with = "or_default")]
    pub cost_center: Text,
    /// Kind of employment.
    #[serde(default, deserialize_with = "or_default")]
    pub employee_type: Text,
    /// Company or legal entity.
    #[serde(default, deserialize_with = "or_default")]
    pub company: Text,
    /// Free text. Few have any: half the size of other text while it is empty.
    #[serde(default, deserialize_with = "or_default")]
    pub description: Box<str>,
    /// The manager's user id.
    #[serde(default, deserialize_with = "or_default")]
    pub manager: Text,
    /// Phone numbers; replaced whole on update.
    #[serde(default, deserialize_with = "or_default")]
    pub phone_numbers: Vec<PhoneNumber>,
    /// Addresses; replaced whole on update.
    #[serde(default, deserialize_with = "or_default")]
    pub addresses: Vec<Address>,
    /// Custom attributes; replaced whole on update.
    #[serde(default, deserialize_with = "or_default")]
    pub attributes: Vec<CustomAttribute>,
    /// The state; older rows show only `suspended`. Read it through [`SystemUser::state`].
    #[serde(rename = "state", default, deserialize_with = "or_default")]
    pub recorded_state: Option<UserState>,
    /// The older mirror of the state.
    #[serde(default, deserialize_with = "or_default")]
    pub suspended: bool,
    /// Whether this user is also a JumpCloud administrator.
    #[serde(default, deserialize_with = "is_administrator")]
    pub admin: bool,
    /// Whether the user has global `sudo`.
    #[serde(default, deserialize_with = "or_default")]
    pub sudo: bool,
    /// Whether this is an LDAP binding (service) user.
    #[serde(rename = "ldap_binding_user", default, deserialize_with = "or_default")]
    pub ldap_binding_user: bool,
    /// Whether this is a Samba service user.
    #[serde(
        rename = "samba_service_user",
        default,
        deserialize_with = "or_default"
    )]
    pub samba_service_user: bool,
}

impl SystemUser {
    /// The state; a row without one is what its `suspended` says.
    pub fn state(&self) -> UserState {
        match self.recorded_state {
            Some(state) => state,
            None if self.suspended => UserState::Suspended,
            None => UserState::Activated,
        }
    }
}

/// The life of a JumpCloud user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserState {
    /// Made, without any access.
    Staged,
    /// Full access, once a password is set.
    Activated,
    /// No access.
    Suspended,
    /// A state that this version does not know: never changed.
    #[serde(other)]
    Unknown,
}

impl UserState {
    /// JumpCloud's own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Activated => "ACTIVATED",
            Self::Suspended => "SUSPENDED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A user group as JumpCloud's v2 API returns it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserGroup {
    /// JumpCloud's id.
    pub id: UserGroupId,
    /// Unique in the organisation.
    pub name: Text,
    /// What an admin notes about it.
    #[serde(default, deserialize_with = "or_default")]
    pub description: Text,
    /// Who decides about its members.
    #[serde(default, deserialize_with = "or_default")]
    pub membership_method: MembershipMethod,
}

impl UserGroup {
    /// Whether members are put in by hand: JumpCloud itself undoes what is done to the members of other groups.
    pub fn is_static(&self) -> bool {
        match self.membership_method {
            MembershipMethod::Notset | MembershipMethod::Static => true,
            MembershipMethod::DynamicReviewRequired
            | MembershipMethod::DynamicAutomated
            | MembershipMethod::Unknown => false,
        }
    }
}

/// Who decides about the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipMethod {
    /// Nobody has said: as `STATIC`.
    #[default]
    Notset,
    /// Whoever writes them.
    Static,
    /// A query, each of whose changes an admin confirms.
    DynamicReviewRequired,
    /// A query.
    DynamicAutomated,
    /// A way that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A change of a user's state that JumpCloud will make by itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ScheduledState {
    /// Whose state.
    #[serde(rename = "systemUserId")]
    pub user_id: SystemUserId,
    /// The state from then on.
    pub state: UserState,
    /// When.
    #[serde(rename = "scheduledDate", deserialize_with = "utc")]
    pub at: Timestamp,
}

/// One of a user's phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// `work`, `mobile`, `home` and others.
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    pub kind: Text,
    /// The number, however written.
    #[serde(default, deserialize_with = "or_default")]
    pub number: Text,
}

impl PhoneNumber {
    /// The kind of a work phone.
    pub const WORK: &'static str = "work";
    /// The kind of a personal phone.
    pub const MOBILE: &'static str = "mobile";

    /// The numbers that HR has, of these kinds.
    pub(crate) fn of_hr(work: Option<Text>, personal: Option<Text>) -> Vec<Self> {
        [(Self::WORK, work), (Self::MOBILE, personal)]
            .into_iter()
            .filter_map(|(kind, number)| {
                Some(Self {
                    kind: Text::const_new(kind),
                    number: number?,
                })
            })
            .collect()
    }
}

/// One of a user's addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// `work` or `home`.
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    pub kind: Text,
    /// Street and number.
    #[serde(default, deserialize_with = "or_default")]
    pub street_address: Text,
    /// A second line.
    #[serde(default, deserialize_with = "or_default")]
    pub extended_address: Text,
    /// Post box.
    #[serde(default, deserialize_with = "or_default")]
    pub po_box: Text,
    /// City.
    #[serde(default, deserialize_with = "or_default")]
    pub locality: Text,
    /// State, province or region.
    #[serde(default, deserialize_with = "or_default")]
    pub region: Text,
    /// Postal code.
    #[serde(default, deserialize_with = "or_default")]
    pub postal_code: Text,
    /// Country.
    #[serde(default, deserialize_with = "or_default")]
    pub country: Text,
}

impl Address {
    /// The kind of a home address.
    pub const HOME: &'static str = "home";
}

/// One of a user's custom attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CustomAttribute {
    /// Letters and digits, fewer than 32.
    #[serde(default, deserialize_with = "or_default")]
    pub name: Text,
    /// The value.
    #[serde(default, deserialize_with = "or_default")]
    pub value: Text,
}

/// JumpCloud shows unset fields as `null`, `""` or not at all.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A time without an offset is in UTC: the specification's own samples leave it out.
fn utc<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = Text::deserialize(deserializer)?;
    text.parse()
        .or_else(|_| TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?))
        .map_err(|_| D::Error::custom("not a time"))
}

/// `admin` is null, or an object that names the administrator.
pub(crate) fn is_administrator<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Admin {
        Flag(bool),
        Account(serde_json::Map<String, serde_json::Value>),
    }
    Ok(match Option::<Admin>::deserialize(deserializer)? {
        None => false,
        Some(Admin::Flag(flag)) => flag,
        Some(Admin::Account(fields)) => !fields.is_empty(),
    })
}

//! The canonical person in HR: what every source's records become before anything is compared.
//!
//! Nothing here knows a vendor or JumpCloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use compact_str::CompactString;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::jumpcloud::{Address, PhoneNumber};
use crate::table::Field;

/// Short text: up to 24 bytes are kept in place, so that a company of 100,000 fits in memory.
pub type Text = CompactString;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $crate::worker::Text);

        impl $name {
            /// The id as text.
            #[inline]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$crate::worker::Text> for $name {
            fn from(id: $crate::worker::Text) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }
    };
}
pub(crate) use id;

id! {
    /// The name of a `[[source]]` in the configuration.
    SourceName
}
id! {
    /// What the HR system calls a person: Deel's profile id, Humaans' person id.
    WorkerId
}

/// One person of one source: the key of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerKey {
    /// The source that lists the person.
    pub source: SourceName,
    /// The person's id there.
    pub worker_id: WorkerId,
}

impl fmt::Display for WorkerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.worker_id)
    }
}

/// A person in HR. Empty and blank values are `None`; text is trimmed; e-mail addresses are lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// What the HR system calls this person.
    pub id: WorkerId,
    /// What is written to `employeeIdentifier`; [`Worker::id`] where the source has nothing better.
    pub employee_id: Option<Text>,
    /// The work e-mail address.
    pub work_email: Option<Text>,
    /// The personal e-mail address.
    pub personal_email: Option<Text>,
    /// The first (given) name.
    pub first_name: Option<Text>,
    /// The last (family) name; people with one name have none.
    pub last_name: Option<Text>,
    /// The name as the source shows it.
    pub full_name: Option<Text>,
    /// The job title of the current (else the next) employment.
    pub job_title: Option<Text>,
    /// The department.
    pub department: Option<Text>,
    /// The work location.
    pub location: Option<Text>,
    /// The team.
    pub team: Option<Text>,
    /// The worker type, in the source's own words.
    pub worker_type: Option<Text>,
    /// The legal entity that employs.
    pub entity: Option<Text>,
    /// The country, in whatever form the source gives it.
    pub country: Option<Text>,
    /// The city: where the person works if the source says so, else where they live.
    pub city: Option<Text>,
    /// The person's manager, by the source's own id.
    pub manager: Option<WorkerId>,
    /// The manager's work e-mail, where the person's record has it: it finds a manager whom the source does not list.
    pub manager_email: Option<Text>,
    /// What most people have nothing of.
    pub details: Option<Box<Details>>,
    /// What the source was not asked for, or did not answer.
    pub unread: Unread,
    /// Status and dates.
    pub employment: Employment,
    /// Where the person is: every date is a moment there.
    pub zone: TimeZone,
    /// What was odd about the record and does not stop it.
    pub warnings: Vec<Warning>,
}

impl Worker {
    /// The values of `employeeIdentifier` that recognise this person, the one that is written first.
    pub fn identifiers(&self) -> impl Iterator<Item = &str> {
        let own = self.employee_id.as_deref();
        own.into_iter()
            .chain((own != Some(self.id.as_str())).then_some(self.id.as_str()))
    }

    /// Addresses, at most one of a kind.
    pub fn addresses(&self) -> &[Address] {
        self.details.as_deref().map_or(&[], |own| &own.addresses)
    }

    /// Phone numbers, at most one of a kind.
    pub fn phone_numbers(&self) -> &[PhoneNumber] {
        self.details
            .as_deref()
            .map_or(&[], |own| &own.phone_numbers)
    }

    /// The phone number of this kind.
    pub fn phone_number(&self, kind: &str) -> Option<&str> {
        let mut numbers = self.phone_numbers().iter();
        numbers
            .find(|own| own.kind == kind)
            .map(|own| own.number.as_str())
    }

    /// The values of those custom fields that a rule names, by the fields' names.
    pub fn custom_fields(&self) -> &[(Text, Text)] {
        self.details
            .as_deref()
            .map_or(&[], |own| &own.custom_fields)
    }

    /// The value of a custom field.
    pub fn custom_field(&self, name: &str) -> Option<&str> {
        let mut fields = self.custom_fields().iter();
        fields
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether nobody knows this field of the person: empty, it then says nothing.
    #[inline]
    pub fn is_unread(&self, field: &Field) -> bool {
        !self.unread.is_empty() && field.part().is_some_and(|part| self.unread.has(part))
    }

    /// Adds phone numbers, read after the record itself.
    pub(crate) fn set_phone_numbers(&mut self, phone_numbers: Vec<PhoneNumber>) {
        self.unread = self.unread.without(Part::PhoneNumbers);
        self.change_details(|own| own.phone_numbers = phone_numbers);
    }

    /// Adds custom fields, read after the record itself.
    pub(crate) fn set_custom_fields(&mut self, custom_fields: Vec<(Text, Text)>) {
        self.unread = self.unread.without(Part::CustomFields);
        self.change_details(|own| own.custom_fields = custom_fields);
    }

    fn change_details(&mut self, change: impl FnOnce(&mut Details)) {
        let mut details = self.details.take().unwrap_or_default();
        change(&mut details);
        self.details = details.boxed();
    }
}

/// What no more than a few attributes need, apart from the rest so that a company of 100,000 fits in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Addresses, at most one of a kind.
    pub addresses: Vec<Address>,
    /// Phone numbers: `work`, and `mobile` for the personal one.
    pub phone_numbers: Vec<PhoneNumber>,
    /// Custom fields by name.
    pub custom_fields: Vec<(Text, Text)>,
}

impl Details {
    /// `None` when there are none.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// A part of a record that a source gives apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Job title, department and manager.
    Role,
    /// The work location with its city and country.
    Location,
    /// The legal entity.
    Entity,
    /// Phone numbers.
    PhoneNumbers,
    /// Custom fields.
    CustomFields,
}

/// The parts of a record that were not read: whatever rests on them is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread(u8);

impl Unread {
    /// These, and one more where `when` holds.
    #[must_use]
    pub const fn and(self, part: Part, when: bool) -> Self {
        Self(self.0 | (when as u8) << part as u8)
    }

    /// These without that one.
    #[must_use]
    pub const fn without(self, part: Part) -> Self {
        Self(self.0 & !(1 << part as u8))
    }

    /// Whether a part was not read.
    pub const fn has(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }

    /// Whether everything was read.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What HR says about a person's employment, all contracts taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct Employment {
    /// The status, where every status field agrees.
    pub status: Status,
    /// The first day.
    pub start: Option<Date>,
    /// The last day, when one is given: it decides over the status.
    pub last_day: Option<Date>,
}

impl Employment {
    /// With a date that cannot be read.
    pub(crate) fn unreadable(date: &str) -> Self {
        Self {
            status: Status::Unclear(format!("`{date}` is not a date")),
            start: None,
            last_day: None,
        }
    }
}

/// An employment status, the row of the lifecycle table in `docs/mapping.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// A draft, an offer under review, or somebody without a contract: no account.
    NotFirm,
    /// Signed or signing, not yet begun.
    PreHire,
    /// Employed, leave of absence and notice included.
    Employed,
    /// No longer employed.
    Ended,
    /// An unknown status, or fields that disagree: nothing is changed. Says what was seen.
    Unclear(String),
}

/// Something that a person should look at and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable code, such as `unknown_zone`.
    pub code: Text,
    /// What was seen and what follows.
    pub message: String,
}

impl Warning {
    /// A warning with its stable code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Text::const_new(code),
            message: message.into(),
        }
    }
}

/// Why a person cannot become a JumpCloud user: the person is skipped, and still counts as present.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// HR has no work e-mail.
    #[error("no work e-mail in HR: add one there, and the next run goes on")]
    NoWorkEmail,
    /// The work e-mail is longer than JumpCloud's 1024 characters.
    #[error("the work e-mail has {0} characters; JumpCloud takes at most 1024")]
    WorkEmailTooLong(usize),
    /// The work e-mail is no address.
    #[error("the work e-mail is not an e-mail address: it needs one `@` and no spaces")]
    WorkEmailInvalid,
    /// Neither the names nor the e-mail yield a username.
    #[error("no username can be made: neither the names nor the work e-mail hold a letter")]
    NoUsername,
}

impl MappingError {
    /// The stable code of the report.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoWorkEmail => "no_work_email",
            Self::WorkEmailTooLong(_) => "work_email_too_long",
            Self::WorkEmailInvalid => "work_email_invalid",
            Self::NoUsername => "no_username",
        }
    }
}

/// Where people are: their record's zone, else a table by work location or country, else the source's zone.
#[derive(Debug, Clone)]
pub struct Zones {
    /// Zones by work location or country, keys in lower case.
    pub table: BTreeMap<String, TimeZone>,
    /// The zone of everyone else.
    pub default: TimeZone,
}

impl Zones {
    /// The zone of a person: the first of the `recorded` ones that exists, else by place. With a warning when a
    /// recorded zone is unknown.
    pub fn zone_of<'a>(
        &self,
        recorded: impl IntoIterator<Item = &'a str>,
        location: Option<&str>,
        country: Option<&str>,
    ) -> (TimeZone, Option<Warning>) {
        let mut warning = None;
        let recorded = recorded.into_iter().map(str::trim);
        for name in recorded.filter(|name| !name.is_empty()) {
            if let Ok(zone) = TimeZone::get(name) {
                return (zone, warning);
            }
            warning = Some(Warning::new(
                "unknown_zone",
                format!(
                    "the record's time zone `{name}` is unknown; dates follow that of the place, or the source's"
                ),
            ));
        }
        let listed = [location, country]
            .into_iter()
            .flatten()
            .find_map(|place| self.table.get(&place.trim().to_lowercase()));
        (listed.unwrap_or(&self.default).clone(), warning)
    }
}

/// Trimmed text without control characters; `None` when nothing is left.
pub(crate) fn clean(value: Option<&str>) -> Option<Text> {
    let value = value?.trim();
    if value.is_empty() {
        return None;
    }
    if value.chars().any(char::is_control) {
        let kept: String = value
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
        return (!kept.is_empty()).then(|| kept.into());
    }
    Some(value.into())
}

/// [`clean`], in lower case: JumpCloud and HR systems differ in how they write an address.
pub(crate) fn clean_email(value: Option<&str>) -> Option<Text> {
    clean(value).map(|value| value.to_lowercase())
}

/// Whether this is an e-mail address, as far as JumpCloud looks: one `@` with something on both sides, no spaces.
pub(crate) fn is_email(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
}

/// First and last name, as far as there are any.
pub(crate) fn full_name(first: Option<&Text>, last: Option<&Text>) -> Option<Text> {
    let names: Vec<&str> = [first, last]
        .into_iter()
        .flatten()
        .map(Text::as_str)
        .collect();
    clean(Some(&names.join(" ")))
}

/// The first ten characters of a date or date-time; the error is the text itself.
pub(crate) fn day(text: Option<&str>) -> Result<Option<Date>, &str> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .map(Some)
        .ok_or(text)
}

/// The value of a custom field as text: a list joined with commas; `None` of what is neither text, number, flag nor list.
pub(crate) fn text_of(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => clean(Some(text)),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Array(values) => {
            let texts: Vec<Text> = values.iter().filter_map(text_of).collect();
            clean(Some(&texts.join(", ")))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// The custom fields that rules name and HR does not have, each a warning.
pub fn unknown_custom_fields<'a>(
    wanted: &BTreeSet<Text>,
    known: impl IntoIterator<Item = &'a str>,
) -> Vec<Warning> {
    let known: BTreeSet<&str> = known.into_iter().map(str::trim).collect();
    let unknown = wanted.iter().filter(|name| !known.contains(name.as_str()));
    unknown
        .map(|name| {
            let message = format!(
                "HR has no custom field `{name}`: write its name as HR shows it, or remove `custom.{name}` from the configuration"
            );
            Warning::new("unknown_custom_field", message)
        })
        .collect()
}

/// An id is there, and it is text.
pub(crate) fn some_id<'de, D, I>(deserializer: D) -> Result<I, D::Error>
where
    D: Deserializer<'de>,
    I: From<Text>,
{
    let id = Text::deserialize(deserializer)?;
    if id.trim().is_empty() {
        return Err(D::Error::custom("an id is empty"));
    }
    Ok(id.into())
}

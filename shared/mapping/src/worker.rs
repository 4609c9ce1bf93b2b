//! The canonical person in HR: what every source's records become before anything is compared.
//!
//! Nothing here knows a vendor or JumpCloud.

use std::collections::BTreeMap;
use std::fmt;

use compact_str::CompactString;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clean::quoted;
use crate::details::{Details, Part, Unread};
use crate::field::Field;
use crate::jumpcloud::{Address, PhoneNumber};

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

    /// The middle name.
    pub fn middle_name(&self) -> Option<&str> {
        self.details.as_deref()?.middle_name.as_deref()
    }

    /// What the person is called instead of the first name.
    pub fn preferred_name(&self) -> Option<&str> {
        self.details.as_deref()?.preferred_name.as_deref()
    }

    /// Phone numbers, at most one of a kind.
    pub fn phone_numbers(&self) -> &[PhoneNumber] {
        self.details
            .as_deref()
            .map_or(&[], |own| &own.phone_numbers)
    }

    /// What was odd about the record and does not stop it.
    pub fn warnings(&self) -> &[Warning] {
        self.details.as_deref().map_or(&[], |own| &own.warnings)
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

    /// Adds what somebody should look at about this person.
    pub fn warn(&mut self, warning: Warning) {
        self.change_details(|own| own.warnings.push(warning));
    }

    fn change_details(&mut self, change: impl FnOnce(&mut Details)) {
        let mut details = self.details.take().unwrap_or_default();
        change(&mut details);
        self.details = details.boxed();
    }
}

/// What HR says about a person's employment, all contracts taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct Employment {
    /// The status, where every status field agrees.
    pub status: Status,
    /// The first day.
    pub start: Option<Date>,
    /// The last day, when one is given: it decides over the status. One before `start` is that of the employment before
    /// the next one.
    pub last_day: Option<Date>,
}

impl Employment {
    /// With a date that cannot be read.
    pub(crate) fn unreadable(date: &str) -> Self {
        Self {
            status: Status::Unclear(format!("`{}` is not a date", quoted(date))),
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
    /// Of people of whom nobody knows where they are: a day begins, and ends, where it does so last.
    pub(crate) fn anywhere() -> Self {
        Self {
            table: BTreeMap::new(),
            default: TimeZone::fixed(jiff::tz::offset(-12)),
        }
    }

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
                    "the record's time zone `{}` is unknown; dates follow that of the place, or the source's",
                    quoted(name)
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

//! What HR knows of a person, by name: what attributes are made of.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use crate::details::Part;
use crate::jumpcloud::PhoneNumber;
use crate::worker::{Text, Warning, Worker};

/// What HR knows of a person, by the names that the configuration uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `work_email`
    WorkEmail,
    /// `personal_email`
    PersonalEmail,
    /// `first_name`
    FirstName,
    /// `middle_name`
    MiddleName,
    /// `last_name`
    LastName,
    /// `preferred_name`
    PreferredName,
    /// `full_name`
    FullName,
    /// `job_title`
    JobTitle,
    /// `department`
    Department,
    /// `location`
    Location,
    /// `team`
    Team,
    /// `worker_type`
    WorkerType,
    /// `entity`
    Entity,
    /// `country`
    Country,
    /// `city`
    City,
    /// `start_date`
    StartDate,
    /// `employee_id`
    EmployeeId,
    /// `work_phone`
    WorkPhone,
    /// `personal_phone`
    PersonalPhone,
    /// `phone_numbers`
    PhoneNumbers,
    /// `addresses`
    Addresses,
    /// `manager`
    Manager,
    /// A custom field of the HR system, written `custom.NAME` in the configuration.
    Custom(Text),
}

impl Field {
    /// Every field that all HR systems have, in the order of the documents.
    pub const ALL: [Self; 22] = [
        Self::WorkEmail,
        Self::PersonalEmail,
        Self::FirstName,
        Self::MiddleName,
        Self::LastName,
        Self::PreferredName,
        Self::FullName,
        Self::JobTitle,
        Self::Department,
        Self::Location,
        Self::Team,
        Self::WorkerType,
        Self::Entity,
        Self::Country,
        Self::City,
        Self::StartDate,
        Self::EmployeeId,
        Self::WorkPhone,
        Self::PersonalPhone,
        Self::PhoneNumbers,
        Self::Addresses,
        Self::Manager,
    ];

    /// The field called so in the configuration.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(custom) = name.strip_prefix("custom.").map(str::trim) {
            return (!custom.is_empty()).then(|| Self::Custom(custom.into()));
        }
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Its name in the configuration; `custom` of every custom field, whose whole name [`Display`](fmt::Display) gives.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WorkEmail => "work_email",
            Self::PersonalEmail => "personal_email",
            Self::FirstName => "first_name",
            Self::MiddleName => "middle_name",
            Self::LastName => "last_name",
            Self::PreferredName => "preferred_name",
            Self::FullName => "full_name",
            Self::JobTitle => "job_title",
            Self::Department => "department",
            Self::Location => "location",
            Self::Team => "team",
            Self::WorkerType => "worker_type",
            Self::Entity => "entity",
            Self::Country => "country",
            Self::City => "city",
            Self::StartDate => "start_date",
            Self::EmployeeId => "employee_id",
            Self::WorkPhone => "work_phone",
            Self::PersonalPhone => "personal_phone",
            Self::PhoneNumbers => "phone_numbers",
            Self::Addresses => "addresses",
            Self::Manager => "manager",
            Self::Custom(_) => "custom",
        }
    }

    /// Its name in the documents.
    pub fn title(&self) -> &'static str {
        match self {
            Self::WorkEmail => "work e-mail",
            Self::PersonalEmail => "personal e-mail",
            Self::FirstName => "first name",
            Self::MiddleName => "middle name",
            Self::LastName => "last name",
            Self::PreferredName => "preferred name",
            Self::FullName => "full name",
            Self::JobTitle => "job title",
            Self::Department => "department",
            Self::Location => "work location",
            Self::Team => "team",
            Self::WorkerType => "worker type",
            Self::Entity => "entity",
            Self::Country => "country",
            Self::City => "city",
            Self::StartDate => "start date",
            Self::EmployeeId => "profile id",
            Self::WorkPhone => "work phone",
            Self::PersonalPhone => "personal phone",
            Self::PhoneNumbers => "phone numbers",
            Self::Addresses => "address",
            Self::Manager => "manager",
            Self::Custom(_) => "custom field",
        }
    }

    /// Whether it is text, of which any attribute that is text can be made.
    pub fn is_text(&self) -> bool {
        !matches!(self, Self::PhoneNumbers | Self::Addresses | Self::Manager)
    }

    /// The person's value as text; `None` where it is none.
    #[inline]
    pub fn text<'a>(&self, worker: &'a Worker) -> Option<Cow<'a, str>> {
        let text = match self {
            Self::WorkEmail => worker.work_email.as_deref(),
            Self::PersonalEmail => worker.personal_email.as_deref(),
            Self::FirstName => worker.first_name.as_deref(),
            Self::MiddleName => worker.middle_name(),
            Self::LastName => worker.last_name.as_deref(),
            Self::PreferredName => worker.preferred_name(),
            Self::FullName => worker.full_name.as_deref(),
            Self::JobTitle => worker.job_title.as_deref(),
            Self::Department => worker.department.as_deref(),
            Self::Location => worker.location.as_deref(),
            Self::Team => worker.team.as_deref(),
            Self::WorkerType => worker.worker_type.as_deref(),
            Self::Entity => worker.entity.as_deref(),
            Self::Country => worker.country.as_deref(),
            Self::City => worker.city.as_deref(),
            Self::StartDate => return Some(worker.employment.start?.to_string().into()),
            Self::EmployeeId => worker.identifiers().next(),
            Self::WorkPhone => worker.phone_number(PhoneNumber::WORK),
            Self::PersonalPhone => worker.phone_number(PhoneNumber::MOBILE),
            Self::Custom(name) => worker.custom_field(name),
            Self::PhoneNumbers | Self::Addresses | Self::Manager => None,
        };
        text.map(Cow::Borrowed)
    }

    /// The part of the record that it is in, where a source may give that one apart from the rest.
    #[inline]
    pub fn part(&self) -> Option<Part> {
        match self {
            Self::JobTitle | Self::Department | Self::Manager => Some(Part::Role),
            Self::Location | Self::City | Self::Country => Some(Part::Location),
            Self::Entity => Some(Part::Entity),
            Self::WorkPhone | Self::PersonalPhone | Self::PhoneNumbers => Some(Part::PhoneNumbers),
            Self::Custom(_) => Some(Part::CustomFields),
            Self::WorkEmail
            | Self::PersonalEmail
            | Self::FirstName
            | Self::MiddleName
            | Self::LastName
            | Self::PreferredName
            | Self::FullName
            | Self::Team
            | Self::WorkerType
            | Self::StartDate
            | Self::EmployeeId
            | Self::Addresses => None,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Custom(name) => write!(f, ".{name}"),
            _ => Ok(()),
        }
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

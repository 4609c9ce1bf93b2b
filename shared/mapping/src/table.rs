//! The published mapping, once: HR field → JumpCloud attribute, row by row.
//!
//! `docs/mapping.md` is rendered from [`TABLE`], and a test holds the two together.

use std::fmt::{self, Write};

use crate::jumpcloud::{PhoneNumber, SystemUser};
use crate::worker::{Part, Text, Worker};

/// One row of the mapping table.
#[derive(Debug)]
pub struct Row {
    /// What HR knows, in our own word.
    pub field: Field,
    /// The JumpCloud attribute that holds it.
    pub attribute: Attribute,
    /// Where Deel has it.
    pub deel: Column,
    /// Where Humaans has it.
    pub humaans: Column,
    /// What else there is to know.
    pub rule: &'static str,
}

/// One HR system's place in a row.
#[derive(Debug)]
pub struct Column {
    /// Where that system has it.
    pub place: &'static str,
    /// Whether it is synced without being asked for.
    pub by_default: bool,
}

/// Synced without being asked for.
const fn on(place: &'static str) -> Column {
    Column {
        place,
        by_default: true,
    }
}

/// Synced when `[source.attributes]` names it.
const fn opt_in(place: &'static str) -> Column {
    Column {
        place,
        by_default: false,
    }
}

const fn row(
    field: Field,
    attribute: Attribute,
    deel: Column,
    humaans: Column,
    rule: &'static str,
) -> Row {
    Row {
        field,
        attribute,
        deel,
        humaans,
        rule,
    }
}

/// The rows in the order of the published table. `username` and `state` are not here: a username is made once
/// (`username.rs`), and the state follows the lifecycle (`lifecycle.rs`).
pub const TABLE: &[Row] = {
    use Attribute as A;
    use Field as F;
    &[
        row(
            F::WorkEmail,
            A::Email,
            on("e-mail of type work, else the employment's `work_email`"),
            on("`email`"),
            "required, at most 1024 characters: otherwise the person is skipped with that reason",
        ),
        row(
            F::FirstName,
            A::Firstname,
            on("`first_name`"),
            on("`firstName`"),
            "",
        ),
        row(
            F::LastName,
            A::Lastname,
            on("`last_name`"),
            on("`lastName`"),
            "",
        ),
        row(
            F::FullName,
            A::Displayname,
            on("`full_name`, else first and last name"),
            on("first and last name"),
            "",
        ),
        row(
            F::JobTitle,
            A::JobTitle,
            on("`job_title` of the latest employment that has begun"),
            on("`jobTitle` of the current job role"),
            "",
        ),
        row(
            F::Department,
            A::Department,
            on("`department.name`"),
            on("`department` of the current job role"),
            "",
        ),
        row(
            F::Location,
            A::Location,
            on("`work_location`"),
            opt_in("the location's `label`; `Remote`"),
            "",
        ),
        row(
            F::Team,
            A::CostCenter,
            on("`team.name` of the employment"),
            opt_in("the first of `teams`"),
            "",
        ),
        row(
            F::WorkerType,
            A::EmployeeType,
            on("`hiring_type`"),
            opt_in("`contractType`"),
            "",
        ),
        row(
            F::Entity,
            A::Company,
            on("`client_legal_entity.name`"),
            opt_in("the company's `name`"),
            "",
        ),
        row(
            F::EmployeeId,
            A::EmployeeIdentifier,
            on("`id`, the profile id"),
            on("`employeeId`, else `id`; both recognise"),
            "the first key for recognising a person; unique in JumpCloud, at most 256 characters",
        ),
        row(
            F::PersonalEmail,
            A::AlternateEmail,
            on("e-mail of type personal"),
            on("`personalEmail`"),
            "where the invitation goes",
        ),
        row(
            F::PhoneNumbers,
            A::PhoneNumbers,
            opt_in(
                "`phone_numbers` of the personal record: `WORK` as `work`, `PERSONAL` as `mobile`",
            ),
            on("`phoneNumber` as `work`, `personalPhoneNumber` as `mobile`"),
            "other types of number in JumpCloud stay; how a number is spaced does not count",
        ),
        row(
            F::Addresses,
            A::Addresses,
            opt_in("the first of `addresses`, as `home`"),
            on("the home address, as `home`"),
            "other types of address in JumpCloud stay",
        ),
        row(
            F::Manager,
            A::Manager,
            on("`direct_manager`"),
            on("`reportingTo` of the current job role"),
            "written once the manager has a user",
        ),
    ]
};

/// A JumpCloud user attribute that rollcall can write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// `email`
    Email,
    /// `firstname`
    Firstname,
    /// `lastname`
    Lastname,
    /// `displayname`
    Displayname,
    /// `jobTitle`
    JobTitle,
    /// `department`
    Department,
    /// `location`
    Location,
    /// `costCenter`
    CostCenter,
    /// `employeeType`
    EmployeeType,
    /// `company`
    Company,
    /// `employeeIdentifier`
    EmployeeIdentifier,
    /// `alternateEmail`
    AlternateEmail,
    /// `phoneNumbers`
    PhoneNumbers,
    /// `addresses`
    Addresses,
    /// `manager`
    Manager,
    /// A custom attribute, written `attributes.NAME` in the configuration and in reports.
    Custom(Text),
}

impl Attribute {
    /// The attribute called so in the configuration and in reports.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(custom) = name.strip_prefix("attributes.") {
            return Some(Self::Custom(custom.into()));
        }
        TABLE
            .iter()
            .map(|row| &row.attribute)
            .find(|attribute| attribute.wire_name() == name)
            .cloned()
    }

    /// JumpCloud's own name of it; of a custom attribute the name without `attributes.`.
    pub fn wire_name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Firstname => "firstname",
            Self::Lastname => "lastname",
            Self::Displayname => "displayname",
            Self::JobTitle => "jobTitle",
            Self::Department => "department",
            Self::Location => "location",
            Self::CostCenter => "costCenter",
            Self::EmployeeType => "employeeType",
            Self::Company => "company",
            Self::EmployeeIdentifier => "employeeIdentifier",
            Self::AlternateEmail => "alternateEmail",
            Self::PhoneNumbers => "phoneNumbers",
            Self::Addresses => "addresses",
            Self::Manager => "manager",
            Self::Custom(name) => name,
        }
    }

    /// The most characters that JumpCloud takes.
    pub fn max_length(&self) -> usize {
        if matches!(self, Self::EmployeeIdentifier) {
            256
        } else {
            1024
        }
    }

    /// What the user holds, empty when unset. [`Attribute::PhoneNumbers`] and [`Attribute::Addresses`] are no text:
    /// empty here.
    #[inline]
    pub fn text_of<'a>(&self, user: &'a SystemUser) -> &'a str {
        match self {
            Self::Email => &user.email,
            Self::Firstname => &user.firstname,
            Self::Lastname => &user.lastname,
            Self::Displayname => &user.displayname,
            Self::JobTitle => &user.job_title,
            Self::Department => &user.department,
            Self::Location => &user.location,
            Self::CostCenter => &user.cost_center,
            Self::EmployeeType => &user.employee_type,
            Self::Company => &user.company,
            Self::EmployeeIdentifier => &user.employee_identifier,
            Self::AlternateEmail => &user.alternate_email,
            Self::Manager => &user.manager,
            Self::Custom(name) => user
                .attributes
                .iter()
                .find(|attribute| attribute.name == *name)
                .map_or("", |attribute| &attribute.value),
            Self::PhoneNumbers | Self::Addresses => "",
        }
    }

    /// Whether two addresses that differ in case only are the same.
    pub fn ignores_case(&self) -> bool {
        matches!(self, Self::Email | Self::AlternateEmail)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Custom(name) = self {
            return write!(f, "attributes.{name}");
        }
        f.write_str(self.wire_name())
    }
}

/// What HR knows of a person, by the names that the configuration uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `work_email`
    WorkEmail,
    /// `personal_email`
    PersonalEmail,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
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
    pub const ALL: [Self; 19] = [
        Self::WorkEmail,
        Self::PersonalEmail,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::JobTitle,
        Self::Department,
        Self::Location,
        Self::Team,
        Self::WorkerType,
        Self::Entity,
        Self::Country,
        Self::City,
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
            Self::LastName => "last_name",
            Self::FullName => "full_name",
            Self::JobTitle => "job_title",
            Self::Department => "department",
            Self::Location => "location",
            Self::Team => "team",
            Self::WorkerType => "worker_type",
            Self::Entity => "entity",
            Self::Country => "country",
            Self::City => "city",
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
            Self::LastName => "last name",
            Self::FullName => "full name",
            Self::JobTitle => "job title",
            Self::Department => "department",
            Self::Location => "work location",
            Self::Team => "team",
            Self::WorkerType => "worker type",
            Self::Entity => "entity",
            Self::Country => "country",
            Self::City => "city",
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
    pub fn text<'a>(&self, worker: &'a Worker) -> Option<&'a str> {
        match self {
            Self::WorkEmail => worker.work_email.as_deref(),
            Self::PersonalEmail => worker.personal_email.as_deref(),
            Self::FirstName => worker.first_name.as_deref(),
            Self::LastName => worker.last_name.as_deref(),
            Self::FullName => worker.full_name.as_deref(),
            Self::JobTitle => worker.job_title.as_deref(),
            Self::Department => worker.department.as_deref(),
            Self::Location => worker.location.as_deref(),
            Self::Team => worker.team.as_deref(),
            Self::WorkerType => worker.worker_type.as_deref(),
            Self::Entity => worker.entity.as_deref(),
            Self::Country => worker.country.as_deref(),
            Self::City => worker.city.as_deref(),
            Self::EmployeeId => worker.identifiers().next(),
            Self::WorkPhone => worker.phone_number(PhoneNumber::WORK),
            Self::PersonalPhone => worker.phone_number(PhoneNumber::MOBILE),
            Self::Custom(name) => worker.custom_field(name),
            Self::PhoneNumbers | Self::Addresses | Self::Manager => None,
        }
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
            | Self::LastName
            | Self::FullName
            | Self::Team
            | Self::WorkerType
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

/// The table as Markdown: the middle of `docs/mapping.md`.
pub fn render_markdown() -> String {
    let mut text = String::from(
        "| Worker | JumpCloud | Deel | Humaans | rule |\n|---|---|---|---|---|\n\
         | – | `username` | – | – | `{first}.{last}`; taken: a number appended to the last name, `alpha.zed1` |\n\
         | active | `state` | statuses and dates | status and dates | see *Joiners, movers, leavers* |\n",
    );
    for row in TABLE {
        let Row {
            attribute, rule, ..
        } = row;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{attribute}` | {} | {} | {rule} |",
            row.field.title(),
            row.deel,
            row.humaans
        );
    }
    text
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.by_default {
            f.write_str("opt-in: ")?;
        }
        f.write_str(self.place)
    }
}

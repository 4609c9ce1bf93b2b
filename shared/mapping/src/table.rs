//! The published mapping, once: HR field → JumpCloud attribute, row by row.
//!
//! `docs/mapping.md` is rendered from [`TABLE`], and a test holds the two together.

use std::fmt::{self, Write};

use crate::jumpcloud::SystemUser;
use crate::worker::{Text, Worker};

/// One row of the mapping table.
#[derive(Debug)]
pub struct Row {
    /// What HR knows, in our own word.
    pub field: Field,
    /// The JumpCloud attribute that holds it.
    pub attribute: Attribute,
    /// Where Deel has it.
    pub deel: &'static str,
    /// Whether it is synced from Deel without being asked for.
    pub deel_default: bool,
    /// What else there is to know.
    pub rule: &'static str,
}

const fn row(
    field: Field,
    attribute: Attribute,
    deel: &'static str,
    deel_default: bool,
    rule: &'static str,
) -> Row {
    Row {
        field,
        attribute,
        deel,
        deel_default,
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
            "e-mail of type work, else the employment's `work_email`",
            true,
            "required, at most 1024 characters: otherwise the person is skipped with that reason",
        ),
        row(F::FirstName, A::Firstname, "`first_name`", true, ""),
        row(F::LastName, A::Lastname, "`last_name`", true, ""),
        row(
            F::FullName,
            A::Displayname,
            "`full_name`, else first and last name",
            true,
            "",
        ),
        row(
            F::JobTitle,
            A::JobTitle,
            "`job_title` of the latest employment that has begun",
            true,
            "",
        ),
        row(F::Department, A::Department, "`department.name`", true, ""),
        row(F::Location, A::Location, "`work_location`", true, ""),
        row(
            F::Team,
            A::CostCenter,
            "`team.name` of the employment",
            true,
            "",
        ),
        row(F::WorkerType, A::EmployeeType, "`hiring_type`", true, ""),
        row(
            F::Entity,
            A::Company,
            "`client_legal_entity.name`",
            true,
            "",
        ),
        row(
            F::EmployeeId,
            A::EmployeeIdentifier,
            "`id`, the profile id",
            true,
            "the first key for recognising a person; unique in JumpCloud, at most 256 characters",
        ),
        row(
            F::PersonalEmail,
            A::AlternateEmail,
            "e-mail of type personal",
            true,
            "where the invitation goes",
        ),
        row(
            F::Addresses,
            A::Addresses,
            "`addresses`, as `home`",
            false,
            "other kinds of address in JumpCloud stay",
        ),
        row(
            F::Manager,
            A::Manager,
            "`direct_manager.id`",
            true,
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

    /// What the user holds, empty when unset. [`Attribute::Addresses`] is no text: empty here.
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
            Self::Addresses => "",
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// `addresses`
    Addresses,
    /// `manager`
    Manager,
}

impl Field {
    /// Every field, in the order of the documents.
    pub const ALL: [Self; 16] = [
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
        Self::Addresses,
        Self::Manager,
    ];

    /// The field called so in the configuration.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
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
            Self::Addresses => "addresses",
            Self::Manager => "manager",
        }
    }

    /// Its name in the documents.
    pub fn title(self) -> &'static str {
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
            Self::Addresses => "address",
            Self::Manager => "manager",
        }
    }

    /// The person's value as text; [`Field::Addresses`] and [`Field::Manager`] are no text.
    #[inline]
    pub fn text(self, worker: &Worker) -> Option<&str> {
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
            Self::Addresses | Self::Manager => None,
        }
    }
}

/// The table as Markdown: the middle of `docs/mapping.md`.
pub fn render_markdown() -> String {
    let mut text = String::from(
        "| Worker | JumpCloud | Deel | by default | rule |\n|---|---|---|---|---|\n\
         | – | `username` | – | yes | `{first}.{last}`; taken: a number appended to the last name, `alpha.zed1` |\n\
         | active | `state` | statuses and dates | yes | see *Joiners, movers, leavers* |\n",
    );
    for Row {
        field,
        attribute,
        deel,
        deel_default,
        rule,
    } in TABLE
    {
        let by_default = if *deel_default { "yes" } else { "opt-in" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{attribute}` | {deel} | {by_default} | {rule} |",
            field.title()
        );
    }
    text
}

//! The attributes of a JumpCloud user that rollcall can write.

use std::fmt;

use crate::clean::LONGEST_ID;
use crate::jumpcloud::SystemUser;
use crate::worker::Text;

/// A JumpCloud user attribute that rollcall can write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// `email`
    Email,
    /// `firstname`
    Firstname,
    /// `middlename`
    Middlename,
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
    /// `description`
    Description,
    /// A custom attribute, written `attributes.NAME` in the configuration and in reports.
    Custom(Text),
}

impl Attribute {
    /// Every attribute that is not a custom one, in the order of the documents.
    pub const BUILT_IN: [Self; 17] = [
        Self::Email,
        Self::Firstname,
        Self::Middlename,
        Self::Lastname,
        Self::Displayname,
        Self::JobTitle,
        Self::Department,
        Self::Location,
        Self::CostCenter,
        Self::EmployeeType,
        Self::Company,
        Self::EmployeeIdentifier,
        Self::AlternateEmail,
        Self::PhoneNumbers,
        Self::Addresses,
        Self::Manager,
        Self::Description,
    ];

    /// The attribute called so in the configuration and in reports.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(custom) = name.strip_prefix("attributes.") {
            return Some(Self::Custom(custom.into()));
        }
        Self::BUILT_IN
            .into_iter()
            .find(|attribute| attribute.wire_name() == name)
    }

    /// JumpCloud's own name of it; of a custom attribute the name without `attributes.`.
    pub fn wire_name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Firstname => "firstname",
            Self::Middlename => "middlename",
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
            Self::Description => "description",
            Self::Custom(name) => name,
        }
    }

    /// The most characters that JumpCloud takes.
    pub fn max_length(&self) -> usize {
        if matches!(self, Self::EmployeeIdentifier) {
            LONGEST_ID
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
            Self::Middlename => &user.middlename,
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
            Self::Description => &user.description,
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

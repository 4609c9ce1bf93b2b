//! The published mapping, once: HR field → JumpCloud attribute, row by row.
//!
//! `docs/mapping.md` is rendered from [`TABLE`], and a test holds the two together.

use std::fmt::{self, Write};

use crate::attribute::Attribute;
use crate::field::Field;

/// Of what a system does not have.
const NOWHERE: &str = "–";

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
            F::MiddleName,
            A::Middlename,
            opt_in(NOWHERE),
            opt_in("`middleName`"),
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
        if !self.by_default && self.place != NOWHERE {
            f.write_str("opt-in: ")?;
        }
        f.write_str(self.place)
    }
}

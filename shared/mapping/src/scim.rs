//! SCIM User (RFC 7643 §4.1, §4.3) ↔ JumpCloud user: one table, and the pure functions that follow it.
//!
//! A [`Resource`] is in canonical form: attributes by their exact names, the enterprise extension in an object under
//! its URN, no null and nothing empty, types and lengths checked. The protocol (filters, PATCH, projection) and every
//! call to JumpCloud are the `scim` function's; nothing here knows HTTP.
//!
//! - [`to_resource`]: what a client is shown of a [`DirectoryUser`]
//! - [`desired`]: what a resource asks for
//! - [`changes`] and [`state_change`]: what must be written for it

mod changes;
mod desired;
mod resource;
mod user;

#[cfg(test)]
mod tests;

pub use changes::{Omitted, changes};
pub use desired::{Desired, Held, Refusal, UsernameFromEmail, desired, is_user_id, is_username};
pub use resource::{ActiveRule, Resource, View, to_resource};
pub use user::{DirectoryUser, Element, StateChange, state_change};

use std::fmt::Write;

use crate::worker::Text;

/// The enterprise extension (RFC 7643 §4.3).
const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One row of the mapping table.
struct Row {
    /// The way to the SCIM attribute, from the resource down.
    path: &'static [&'static str],
    /// JumpCloud's attribute.
    jumpcloud: &'static str,
    /// How the one becomes the other.
    kind: Kind,
    /// What else there is to know.
    rule: &'static str,
}

/// How a SCIM attribute and a JumpCloud attribute become each other.
enum Kind {
    /// The same text on both sides.
    Text(fn(&DirectoryUser) -> &Text),
    /// Text that compares without case, and whose SCIM side has rules of its own.
    Identity(fn(&DirectoryUser) -> &Text),
    /// Several elements.
    Elements(Elements),
    /// Neither compared nor sent with the others: written out where it is read or shown.
    Own,
}

/// A multi-valued attribute on both sides.
struct Elements {
    /// What the user holds.
    of: fn(&DirectoryUser) -> &[Element],
    /// The parts that SCIM shows: its name and JumpCloud's.
    parts: &'static [(&'static str, &'static str)],
}

const fn row(
    path: &'static [&'static str],
    jumpcloud: &'static str,
    kind: Kind,
    rule: &'static str,
) -> Row {
    Row {
        path,
        jumpcloud,
        kind,
        rule,
    }
}

/// The rows in the order of the documents.
static TABLE: &[Row] = {
    use Kind::{Identity, Own, Text};
    &[
        row(&["id"], "_id", Own, ""),
        row(
            &["externalId"],
            "–",
            Own,
            "kept by rollcall, for each client its own",
        ),
        row(
            &["userName"],
            "username",
            Identity(|user| &user.username),
            "required; starts with a letter, then letters, digits, `.`, `_`, `-`. An e-mail address becomes its local part, and the client is shown its own",
        ),
        row(
            &["name", "givenName"],
            "firstname",
            Text(|user| &user.firstname),
            "",
        ),
        row(
            &["name", "familyName"],
            "lastname",
            Text(|user| &user.lastname),
            "",
        ),
        row(
            &["name", "middleName"],
            "middlename",
            Text(|user| &user.middlename),
            "",
        ),
        row(
            &["displayName"],
            "displayname",
            Text(|user| &user.displayname),
            "",
        ),
        row(
            &["emails[type eq \"work\"]"],
            "email",
            Identity(|user| &user.email),
            "required; always shown as the primary one",
        ),
        row(
            &["emails[type eq \"home\"]"],
            "alternateEmail",
            Identity(|user| &user.alternate_email),
            "",
        ),
        row(
            &["password"],
            "password",
            Own,
            "passed on, never shown, kept nowhere",
        ),
        row(
            &["active"],
            "state",
            Own,
            "neither suspended nor with an expired password; false suspends, true ends a suspension",
        ),
        row(&["title"], "jobTitle", Text(|user| &user.job_title), ""),
        row(
            &["userType"],
            "employeeType",
            Text(|user| &user.employee_type),
            "",
        ),
        row(&["locale"], "location", Text(|user| &user.location), ""),
        row(
            &[ENTERPRISE_URN, "department"],
            "department",
            Text(|user| &user.department),
            "",
        ),
        row(
            &[ENTERPRISE_URN, "employeeNumber"],
            EMPLOYEE_IDENTIFIER,
            Text(|user| &user.employee_identifier),
            "unique, at most 256 characters",
        ),
        row(
            &[ENTERPRISE_URN, "costCenter"],
            "costCenter",
            Text(|user| &user.cost_center),
            "also accepted at the top level",
        ),
        row(
            &[ENTERPRISE_URN, "organization"],
            "company",
            Text(|user| &user.company),
            "also accepted at the top level",
        ),
        row(
            &[ENTERPRISE_URN, "manager", "value"],
            MANAGER,
            Text(|user| &user.manager),
            "the `id` of the manager's user",
        ),
        row(
            &["phoneNumbers"],
            "phoneNumbers",
            Kind::Elements(Elements {
                of: |user| &user.phone_numbers,
                parts: &[("value", "number"), ("type", "type")],
            }),
            "`value` is JumpCloud's `number`",
        ),
        row(
            &["addresses"],
            "addresses",
            Kind::Elements(Elements {
                of: |user| &user.addresses,
                parts: &[
                    ("streetAddress", "streetAddress"),
                    ("locality", "locality"),
                    ("region", "region"),
                    ("postalCode", "postalCode"),
                    ("country", "country"),
                    ("type", "type"),
                ],
            }),
            "`extendedAddress` and `poBox` are not shown, and stay",
        ),
        row(
            &["groups"],
            "memberships",
            Own,
            "read-only, shown when asked for",
        ),
        row(&["meta", "created"], "created", Own, "read-only"),
        row(
            &["meta", "lastModified"],
            "–",
            Own,
            "read-only: the later of `created` and rollcall's last write",
        ),
    ]
};

/// Must be unique, so that an empty one could collide: cleared with null.
const EMPLOYEE_IDENTIFIER: &str = "employeeIdentifier";
/// An id, which an empty text is not: cleared with null.
const MANAGER: &str = "manager";

/// JumpCloud's attribute that holds the text of this SCIM attribute, given as the way from the resource down; an address by
/// its type, as in `emails[type eq "work"]`.
pub fn jumpcloud_attribute(path: &[&str]) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.path == path)?;
    matches!(row.kind, Kind::Text(_) | Kind::Identity(_)).then_some(row.jumpcloud)
}

/// What SCIM calls one of JumpCloud's attributes, such as `name.givenName`; the attribute's own name when it has no row.
pub fn name_of(jumpcloud: &str) -> String {
    let row = TABLE.iter().find(|row| row.jumpcloud == jumpcloud);
    match row.map(|row| row.path) {
        Some([ENTERPRISE_URN, path @ ..] | path) => path.join("."),
        None => jumpcloud.to_owned(),
    }
}

/// The table as Markdown: part of `docs/mapping.md`.
pub fn render_markdown() -> String {
    let mut text = String::from("| SCIM | JumpCloud | rule |\n|---|---|---|\n");
    for Row {
        path,
        jumpcloud,
        kind: _,
        rule,
    } in TABLE
    {
        let scim = match path {
            [ENTERPRISE_URN, rest @ ..] => format!("enterprise `{}`", rest.join(".")),
            path => format!("`{}`", path.join(".")),
        };
        let jumpcloud = match *jumpcloud {
            "–" => "–".to_owned(),
            name => format!("`{name}`"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {scim} | {jumpcloud} | {rule} |");
    }
    text
}

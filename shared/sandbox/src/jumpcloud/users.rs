//! The stored users, with an index for each field that must be unique. What may be written is not decided here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::wire::object;

/// The fields whose values only one user can have.
pub(super) const UNIQUE: [&str; 3] = ["username", "email", "employeeIdentifier"];

/// Every user, by id; ids increase, so the order is that of creation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Users {
    by_id: BTreeMap<String, User>,
    /// Who owns a value of each of [`UNIQUE`]. Built by hand, two users can share a value; the later one owns it.
    owners: BTreeMap<&'static str, BTreeMap<String, String>>,
    created: u64,
}

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The user as the API shows it.
    pub(crate) object: Map<String, Value>,
    /// Whether the user is bound to a device or an application.
    pub(super) bound: bool,
    /// Whether there is a password, which `activated` shows.
    pub(super) has_password: bool,
}

impl User {
    pub(crate) fn state(&self) -> &str {
        self.text("state")
    }

    pub(super) fn text(&self, field: &str) -> &str {
        self.object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Users {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &User> {
        self.by_id.values()
    }

    pub(super) fn get(&self, id: &str) -> Option<&User> {
        self.by_id.get(id)
    }

    /// Who has a value of one of [`UNIQUE`].
    pub(super) fn owner(&self, field: &str, value: &str) -> Option<&str> {
        let owner = self.owners.get(field)?.get(&index_key(field, value))?;
        Some(owner.as_str())
    }

    pub(super) fn add(&mut self, fields: Map<String, Value>, now: Timestamp) -> String {
        self.created += 1;
        let id = format!("66a1b2c3{:016x}", self.created);
        let mut object = template(&id, self.created, now);
        object.extend(fields);
        identify_rows(&id, &mut object);
        let user = User {
            has_password: object.get("activated") == Some(&Value::Bool(true)),
            object,
            bound: false,
        };
        self.index(&user, &id);
        self.by_id.insert(id.clone(), user);
        id
    }

    pub(super) fn edit(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let Some(mut user) = self.by_id.remove(id) else {
            return false;
        };
        self.unindex(&user, id);
        change(&mut user.object);
        identify_rows(id, &mut user.object);
        self.index(&user, id);
        self.by_id.insert(id.to_owned(), user);
        true
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<User> {
        let user = self.by_id.remove(id)?;
        self.unindex(&user, id);
        Some(user)
    }

    pub(super) fn bind(&mut self, id: &str) -> bool {
        let user = self.by_id.get_mut(id);
        user.map(|user| user.bound = true).is_some()
    }

    pub(super) fn set_password(&mut self, id: &str) {
        if let Some(user) = self.by_id.get_mut(id) {
            user.has_password = true;
            user.object.insert("activated".to_owned(), true.into());
            user.object
                .insert("password_expired".to_owned(), false.into());
        }
    }

    pub(super) fn replace_manager(&mut self, old: &str, new: &Value) {
        for user in self.by_id.values_mut() {
            if user.text("manager") == old {
                user.object.insert("manager".to_owned(), new.clone());
            }
        }
    }

    fn index(&mut self, user: &User, id: &str) {
        for field in UNIQUE {
            if let Some(value) = user.object.get(field).and_then(Value::as_str) {
                let owners = self.owners.entry(field).or_default();
                owners.insert(index_key(field, value), id.to_owned());
            }
        }
    }

    fn unindex(&mut self, user: &User, id: &str) {
        for field in UNIQUE {
            if let Some(value) = user.object.get(field).and_then(Value::as_str)
                && self.owner(field, value) == Some(id)
                && let Some(owners) = self.owners.get_mut(field)
            {
                owners.remove(&index_key(field, value));
            }
        }
    }
}

/// Usernames and addresses differ by more than case; employee identifiers may differ by case alone.
fn index_key(field: &str, value: &str) -> String {
    match field {
        "employeeIdentifier" => value.to_owned(),
        _ => value.to_lowercase(),
    }
}

/// Rows of these lists are shown with an id of their own.
fn identify_rows(user_id: &str, object: &mut Map<String, Value>) {
    let prefix = user_id.get(8..).unwrap_or_default();
    for (list, mark) in [("phoneNumbers", "aa"), ("addresses", "bb")] {
        let Some(Value::Array(rows)) = object.get_mut(list) else {
            continue;
        };
        for (number, row) in rows.iter_mut().enumerate() {
            if let Value::Object(row) = row {
                row.insert(
                    "id".to_owned(),
                    format!("{prefix}{mark}{number:06x}").into(),
                );
            }
        }
    }
}

/// A user of whom nothing is known: every documented field, unset as JumpCloud shows it.
fn template(id: &str, number: u64, now: Timestamp) -> Map<String, Value> {
    let unix_id = 5000 + number;
    let mut fields = object(json!({
        "_id": id,
        "id": id,
        "state": "ACTIVATED",
        "account_locked_date": null,
        "admin": null,
        "employeeIdentifier": null,
        "manager": null,
        "delegatedAuthority": null,
        "password_date": null,
        "password_expiration_date": null,
        "allow_public_key": true,
        "badLoginAttempts": 0,
        "unix_uid": unix_id,
        "unix_guid": unix_id,
        "recoveryEmail": {"address": ""},
        "mfa": {"exclusion": false, "configured": false},
        "mfaEnrollment": {
            "overallStatus": "NOT_ENROLLED",
            "totpStatus": "NOT_ENROLLED",
            "pushStatus": "NOT_ENROLLED",
            "webAuthnStatus": "NOT_ENROLLED",
        },
        "creationSource": "jumpcloud:api",
        "organization": super::ORGANIZATION,
        "created": format!("{now:.3}"),
    }));
    fields.extend(EMPTY_TEXTS.map(|name| (name.to_owned(), "".into())));
    fields.extend(FLAGS_OFF.map(|name| (name.to_owned(), false.into())));
    fields.extend(EMPTY_LISTS.map(|name| (name.to_owned(), json!([]))));
    fields
}

const EMPTY_TEXTS: [&str; 19] = [
    "username",
    "email",
    "firstname",
    "middlename",
    "lastname",
    "displayname",
    "alternateEmail",
    "managedAppleId",
    "employeeType",
    "jobTitle",
    "department",
    "costCenter",
    "company",
    "location",
    "description",
    "public_key",
    "external_dn",
    "external_source_type",
    "systemUsername",
];

const FLAGS_OFF: [&str; 14] = [
    "activated",
    "suspended",
    "account_locked",
    "sudo",
    "passwordless_sudo",
    "ldap_binding_user",
    "samba_service_user",
    "enable_managed_uid",
    "enable_user_portal_multifactor",
    "disableDeviceMaxLoginAttempts",
    "password_never_expires",
    "password_expired",
    "totp_enabled",
    "externally_managed",
];

const EMPTY_LISTS: [&str; 7] = [
    "addresses",
    "phoneNumbers",
    "attributes",
    "ssh_keys",
    "relationships",
    "restrictedFields",
    "tags",
];

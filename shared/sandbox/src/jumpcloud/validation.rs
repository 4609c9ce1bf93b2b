//! What JumpCloud lets a client write: kinds, lengths, the rules for usernames and attributes, states that agree.
//!
//! Rules that need the other users are the caller's.

use hyper::Method;
use serde_json::{Map, Value};

use super::{JumpCloudRules, Refusal, bad_request, is_object_id};
use crate::wire::Call;

/// The states, and whether an update may set them.
const STATES: [(&str, bool); 3] = [("STAGED", false), ("ACTIVATED", true), ("SUSPENDED", true)];

/// How long text may be unless a field says otherwise.
const TEXT: usize = 1024;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Text of at most so many characters; null unsets it.
    Text(usize),
    /// As text, but null when unset.
    Nullable(usize),
    Flag,
    /// A whole number from 1.
    Number,
    /// A list of objects with text of at most so many characters.
    Rows,
    /// Anything: of no use here, kept as it is.
    Free,
}

/// The kind of a field that a client may write; other fields are ignored.
fn kind(field: &str, method: &Method) -> Option<Kind> {
    Some(match field {
        "username"
        | "email"
        | "firstname"
        | "middlename"
        | "lastname"
        | "displayname"
        | "alternateEmail"
        | "managedAppleId"
        | "employeeType"
        | "jobTitle"
        | "department"
        | "costCenter"
        | "company"
        | "location"
        | "description"
        | "state"
        | "external_dn"
        | "external_source_type"
        | "public_key" => Kind::Text(TEXT),
        "employeeIdentifier" => Kind::Nullable(256),
        "manager" => Kind::Nullable(24),
        "suspended"
        | "account_locked"
        | "password_never_expires"
        | "sudo"
        | "passwordless_sudo"
        | "allow_public_key"
        | "ldap_binding_user"
        | "samba_service_user"
        | "enable_managed_uid"
        | "enable_user_portal_multifactor"
        | "disableDeviceMaxLoginAttempts"
        | "externally_managed" => Kind::Flag,
        "activated" if method == Method::POST => Kind::Flag,
        "unix_uid" | "unix_guid" => Kind::Number,
        "addresses" | "phoneNumbers" | "attributes" => Kind::Rows,
        "recoveryEmail" | "mfa" | "delegatedAuthority" | "relationships" | "restrictedFields" => {
            Kind::Free
        }
        _ => return None,
    })
}

/// The fields of a body that may be written, checked one by one.
pub(super) fn writable(
    body: &Map<String, Value>,
    method: &Method,
    rules: &JumpCloudRules,
) -> Result<Map<String, Value>, Refusal> {
    let mut fields = Map::new();
    for (name, value) in body {
        let Some(kind) = kind(name, method) else {
            continue;
        };
        check_kind(name, value, kind)?;
        let value = match (kind, value) {
            (Kind::Text(_), Value::Null) => "".into(),
            _ => normalised(name, value, rules),
        };
        check_meaning(name, &value, method)?;
        fields.insert(name.clone(), value);
    }
    Ok(fields)
}

/// Whether the body sets a password; it is kept nowhere. Faults are listed when the call asks for that.
pub(super) fn password(body: &Map<String, Value>, call: &Call) -> Result<bool, Refusal> {
    let password = match body.get("password") {
        None | Some(Value::Null) => return Ok(false),
        Some(Value::String(password)) if password.is_empty() => return Ok(false),
        Some(Value::String(password)) => password,
        Some(_) => return Err(bad_request("password must be a string")),
    };
    let faults = password_faults(password);
    if faults.is_empty() {
        Ok(true)
    } else if call.parameter("fullValidationDetails") == Some("password") {
        Err(Refusal::Password(faults))
    } else {
        Err(bad_request("Password validation fail"))
    }
}

/// Which of the rules that an organisation might have are broken.
fn password_faults(password: &str) -> Vec<&'static str> {
    let rules = [
        ("minLength", password.chars().count() >= 8),
        ("lowercase", password.contains(char::is_lowercase)),
        ("uppercase", password.contains(char::is_uppercase)),
        ("numeric", password.contains(char::is_numeric)),
    ];
    let broken = rules.into_iter().filter(|(_, kept)| !kept);
    broken.map(|(rule, _)| rule).collect()
}

/// The state that a write asks for through `state` and its mirror `suspended`, from the state there is now.
pub(super) fn requested_state(
    fields: &Map<String, Value>,
    current: Option<&str>,
) -> Result<Option<&'static str>, Refusal> {
    let state = fields.get("state").and_then(Value::as_str);
    let state = STATES
        .into_iter()
        .map(|(known, _)| known)
        .find(|known| Some(*known) == state);
    let suspended = fields.get("suspended").and_then(Value::as_bool);
    match (state, suspended) {
        (Some(state), Some(suspended)) if (state == "SUSPENDED") != suspended => {
            Err(bad_request(&format!(
                "Cannot save conflicting state and suspended fields. (state={state} suspended={suspended})"
            )))
        }
        (Some(state), _) => Ok(Some(state)),
        (None, Some(true)) => Ok(Some("SUSPENDED")),
        (None, Some(false)) if current == Some("SUSPENDED") => Ok(Some("ACTIVATED")),
        (None, Some(false) | None) => Ok(None),
    }
}

pub(super) fn is_email(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
}

fn check_kind(name: &str, value: &Value, kind: Kind) -> Result<(), Refusal> {
    let fits = match (kind, value) {
        (Kind::Text(limit) | Kind::Nullable(limit), Value::String(text)) => {
            return check_length(name, text, limit);
        }
        (Kind::Text(_) | Kind::Nullable(_), Value::Null)
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Free, _) => true,
        (Kind::Number, Value::Number(number)) => number.as_u64().is_some_and(|number| number > 0),
        (Kind::Rows, Value::Array(rows)) => {
            for row in rows {
                check_row(name, row)?;
            }
            true
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(bad_request(&format!("{name} has an invalid value")))
    }
}

fn check_row(list: &str, row: &Value) -> Result<(), Refusal> {
    let Value::Object(row) = row else {
        return Err(bad_request(&format!("{list} must be a list of objects")));
    };
    for (name, value) in row {
        match value {
            Value::String(text) => check_length(&format!("{list}.{name}"), text, TEXT)?,
            Value::Null => {}
            _ => return Err(bad_request(&format!("{list}.{name} must be a string"))),
        }
    }
    Ok(())
}

fn check_length(name: &str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.chars().count() <= limit {
        Ok(())
    } else {
        Err(bad_request(&format!("{name} exceeds {limit} characters")))
    }
}

/// The rules of single fields, beyond their kind.
fn check_meaning(name: &str, value: &Value, method: &Method) -> Result<(), Refusal> {
    match (name, value) {
        ("username", Value::String(username)) => check_username(username),
        ("email", Value::String(email)) if !is_email(email) => {
            Err(bad_request("email must be an e-mail address"))
        }
        ("alternateEmail", Value::String(email)) if !email.is_empty() && !is_email(email) => {
            Err(bad_request("alternateEmail must be an e-mail address"))
        }
        ("state", Value::String(state)) => check_state(state, method),
        ("manager", Value::String(id)) if !is_object_id(id) => Err(bad_request(&format!(
            "Cast to ObjectId failed for value \"{id}\" at path \"manager\""
        ))),
        ("attributes", Value::Array(attributes)) => check_attributes(attributes),
        _ => Ok(()),
    }
}

fn check_username(username: &str) -> Result<(), Refusal> {
    let valid = username.starts_with(|first: char| first.is_ascii_alphabetic())
        && username
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-'));
    if valid {
        Ok(())
    } else {
        Err(bad_request(
            "username must start with a letter and hold only letters, digits, `.`, `_` and `-`",
        ))
    }
}

fn check_state(state: &str, method: &Method) -> Result<(), Refusal> {
    let allowed = STATES
        .iter()
        .any(|&(known, by_update)| known == state && (by_update || method == Method::POST));
    if allowed {
        Ok(())
    } else {
        Err(bad_request(&format!("state cannot be set to {state}")))
    }
}

/// Names are unique, have letters and digits only, and fewer than 32 of them.
fn check_attributes(attributes: &[Value]) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for attribute in attributes {
        let name = attribute
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let valid = (1..32).contains(&name.len())
            && name.chars().all(|char| char.is_ascii_alphanumeric())
            && !seen.contains(&name);
        if !valid {
            return Err(bad_request(&format!("invalid attribute name: {name}")));
        }
        seen.push(name);
    }
    Ok(())
}

/// A value as it is stored.
fn normalised(name: &str, value: &Value, rules: &JumpCloudRules) -> Value {
    match (name, value) {
        ("displayname" | "jobTitle", Value::String(text)) if rules.normalises_spaces => {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").into()
        }
        ("phoneNumbers", Value::Array(rows)) if rules.normalises_phone_numbers => {
            rows.iter().cloned().map(with_digits_only).collect()
        }
        _ => value.clone(),
    }
}

fn with_digits_only(mut row: Value) -> Value {
    if let Some(Value::String(number)) = row.get_mut("number") {
        let international = number.trim_start().starts_with('+');
        number.retain(|char| char.is_ascii_digit());
        if international {
            number.insert(0, '+');
        }
    }
    row
}

//! SCIM User → what it asks of JumpCloud.
//!
//! Only what the client changes is checked: a user whose values are older than a rule can still be suspended.

use secrecy::SecretString;
use serde_json::{Map, Value};
use thiserror::Error;

use super::resource::{Resource, pick};
use super::{DirectoryUser, Element, Elements, Kind, MANAGER, TABLE};
use crate::clean::is_email;
use crate::worker::Text;

/// What a resource asks of JumpCloud. What it leaves out is not here; [`changes`](super::changes) says what that means.
#[derive(Debug, Clone)]
pub struct Desired {
    /// JumpCloud's attributes by their own names, none empty: the body that creates the user but for `state` and
    /// `password`.
    pub attributes: Map<String, Value>,
    /// The client's own `userName`, where it is not the `username` that comes of it.
    pub user_name: Option<String>,
    /// The client's own id of the user.
    pub external_id: Option<String>,
    /// Whether the user should have access.
    pub active: Option<bool>,
    /// A new password.
    pub password: Option<SecretString>,
}

impl Desired {
    /// The text of one of JumpCloud's attributes, such as `username`; empty when the resource leaves it out.
    pub fn text(&self, attribute: &str) -> &str {
        self.attributes
            .get(attribute)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// The user that a resource is to change, as the client was shown it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What JumpCloud holds.
    pub user: &'a DirectoryUser,
    /// The client's own `userName`, where it is not JumpCloud's.
    pub user_name: Option<&'a str>,
}

/// What happens to an e-mail address sent as `userName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameFromEmail {
    /// Its local part becomes the username.
    LocalPart,
    /// It is refused.
    Refuse,
}

/// Why JumpCloud could not hold a resource: each is 400 `invalidValue` (RFC 7644 §3.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// `userName` is required.
    #[error("`userName` is missing")]
    NoUserName,
    /// No name that JumpCloud takes.
    #[error(
        "`userName` must start with a letter and go on with letters, digits, `.`, `_` and `-`, 1024 characters at most; of an e-mail address that goes for the part before the `@`"
    )]
    UserName,
    /// An e-mail address, which the configuration refuses.
    #[error("`userName` must not be an e-mail address: send the name alone")]
    UserNameIsEmail,
    /// JumpCloud requires a work address.
    #[error("`emails` must hold an address of type `work`")]
    NoWorkEmail,
    /// JumpCloud holds two addresses.
    #[error("`emails` takes one address of type `work` and one of type `home`, and no more")]
    TooManyEmails,
    /// Two addresses, and no telling which is which.
    #[error("`emails` holds two addresses without a type: give them the types `work` and `home`")]
    UntypedEmails,
    /// No e-mail address.
    #[error("`emails.value` must be an e-mail address, with one `@` and no spaces")]
    Email,
    /// No id of a user.
    #[error("`manager.value` must be the `id` of a user: 24 hexadecimal digits")]
    Manager,
}

/// What a resource asks for: one that is created, or, with `held`, the whole of one as a client wants it to be.
pub fn desired(
    resource: &Resource,
    from_email: UsernameFromEmail,
    held: Option<&Held<'_>>,
) -> Result<Desired, Refusal> {
    let sent = text_at(resource, &["userName"]).ok_or(Refusal::NoUserName)?;
    let (username, own_name) = username(sent, from_email, held)?;
    let held = held.map(|held| held.user);
    let emails = Emails::of(resource)?;
    let work = email(emails.work, held.map(|user| &user.email))?;
    let home = email(emails.home, held.map(|user| &user.alternate_email))?;
    if work.is_none() && held.is_none_or(|user| !user.email.is_empty()) {
        return Err(Refusal::NoWorkEmail);
    }
    let mut attributes = attributes(resource);
    for (name, text) in [
        ("username", Some(username)),
        ("email", work),
        ("alternateEmail", home),
    ] {
        attributes.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    let desired = Desired {
        attributes,
        user_name: own_name,
        external_id: text_at(resource, &["externalId"]).map(str::to_owned),
        active: resource.get("active").and_then(Value::as_bool),
        password: text_at(resource, &["password"]).map(SecretString::from),
    };
    let manager = desired.text(MANAGER);
    let is_held = held.is_some_and(|user| user.manager == manager);
    if !manager.is_empty() && !is_held && !is_user_id(manager) {
        return Err(Refusal::Manager);
    }
    Ok(desired)
}

/// JumpCloud's attributes whose SCIM side has no rules of its own.
fn attributes(resource: &Resource) -> Map<String, Value> {
    TABLE
        .iter()
        .filter_map(|row| {
            let value = match &row.kind {
                Kind::Text(_) => text_at(resource, row.path)?.into(),
                Kind::Elements(elements) => elements.asked(resource, row.path)?,
                Kind::Identity(_) | Kind::Own => return None,
            };
            Some((row.jumpcloud.to_owned(), value))
        })
        .collect()
}

/// An address as it is sent: JumpCloud wants lower case, and RFC 7643 §4.1.2 asks for a canonical form.
fn email(address: Option<&str>, held: Option<&Text>) -> Result<Option<String>, Refusal> {
    let Some(address) = address else {
        return Ok(None);
    };
    if !is_email(address) && !held.is_some_and(|held| is_same(held, address)) {
        return Err(Refusal::Email);
    }
    Ok(Some(address.to_lowercase()))
}

/// JumpCloud's `username`, and the client's own `userName` where that is another. What the client was shown stays what
/// it is: somebody renamed in JumpCloud is not renamed back by the next write.
fn username(
    sent: &str,
    from_email: UsernameFromEmail,
    held: Option<&Held<'_>>,
) -> Result<(String, Option<String>), Refusal> {
    let held_name = held.map_or("", |held| &held.user.username);
    let shown = held.and_then(|held| held.user_name);
    if let Some(own) = shown.filter(|own| is_same(own, sent)) {
        return Ok((held_name.to_owned(), Some(own.to_owned())));
    }
    let (username, own) = match sent.split_once('@') {
        Some((local_part, _)) if is_email(sent) && !is_same(sent, held_name) => match from_email {
            UsernameFromEmail::LocalPart => (local_part, Some(sent.to_owned())),
            UsernameFromEmail::Refuse => return Err(Refusal::UserNameIsEmail),
        },
        _ => (sent, None),
    };
    if !is_same(username, held_name) && !is_username(username) {
        return Err(Refusal::UserName);
    }
    Ok((username.to_owned(), own))
}

/// The two addresses of a resource.
struct Emails<'a> {
    work: Option<&'a str>,
    home: Option<&'a str>,
}

impl<'a> Emails<'a> {
    /// A type decides; an address without one takes the place that is free, the work address's first. `primary` decides
    /// between two addresses without a type, and no more: JumpCloud's primary address is always the work address, so
    /// `primary` on the home address is accepted, and the answer shows what is.
    fn of(resource: &'a Resource) -> Result<Self, Refusal> {
        let (mut work, mut home, mut untyped) = (Vec::new(), Vec::new(), Vec::new());
        let elements = resource.get("emails").and_then(Value::as_array);
        for email in elements.into_iter().flatten().filter_map(Value::as_object) {
            let Some(value) = text_at(email, &["value"]) else {
                continue;
            };
            match text_at(email, &["type"]).map(str::to_lowercase).as_deref() {
                Some("work") => work.push(value),
                Some("home") => home.push(value),
                _ => {
                    let primary = email.get("primary").and_then(Value::as_bool);
                    untyped.push((value, primary == Some(true)));
                }
            }
        }
        let (work, home) = match (&work[..], &home[..], &untyped[..]) {
            ([], [], []) => (None, None),
            ([], &[home], []) => (None, Some(home)),
            (&[work], [], []) | ([], [], &[(work, _)]) => (Some(work), None),
            (&[work], &[home], [])
            | (&[work], [], &[(home, _)])
            | ([], &[home], &[(work, _)])
            | ([], [], &[(work, true), (home, false)] | &[(home, false), (work, true)]) => {
                (Some(work), Some(home))
            }
            ([], [], [_, _]) => return Err(Refusal::UntypedEmails),
            _ => return Err(Refusal::TooManyEmails),
        };
        Ok(Self { work, home })
    }
}

impl Elements {
    /// What the resource asks for, in JumpCloud's words; `None` when that is nothing.
    fn asked(&self, resource: &Resource, path: &[&str]) -> Option<Value> {
        let elements = at(resource, path)?.as_array()?.iter();
        let asked: Vec<Element> = elements
            .filter_map(|element| pick(element.as_object()?, self.parts.iter().copied()))
            .collect();
        (!asked.is_empty()).then(|| asked.into())
    }
}

fn at<'a>(object: &'a Element, path: &[&str]) -> Option<&'a Value> {
    match path {
        [] => None,
        [name] => object.get(*name),
        [parent, rest @ ..] => at(object.get(*parent)?.as_object()?, rest),
    }
}

fn text_at<'a>(object: &'a Element, path: &[&str]) -> Option<&'a str> {
    at(object, path)?.as_str().filter(|text| !text.is_empty())
}

/// Whether JumpCloud takes this for a username.
pub fn is_username(name: &str) -> bool {
    name.len() <= 1024
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-'))
}

/// Whether this has the form of JumpCloud's ids, of users and of groups.
pub fn is_user_id(id: &str) -> bool {
    id.len() == 24 && id.chars().all(|char| char.is_ascii_hexdigit())
}

/// Whether two names or addresses are one: case tells neither apart.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

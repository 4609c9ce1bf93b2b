//! JumpCloud user → SCIM User: what a client is shown.
//!
//! `meta.location`, `meta.version` and every `$ref` are the caller's, who knows the base URL.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{DirectoryUser, Element, Elements, Kind, TABLE};

/// A SCIM resource in canonical form.
pub type Resource = Map<String, Value>;

/// What rollcall knows of a user besides JumpCloud, for one client.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The client's own `userName`, where it is not JumpCloud's `username`.
    pub user_name: Option<&'a str>,
    /// The client's own id of the user.
    pub external_id: Option<&'a str>,
    /// When rollcall last wrote the user.
    pub modified_at: Option<Timestamp>,
    /// When the user reads as `active`.
    pub active: ActiveRule,
}

/// When a user reads as `active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActiveRule {
    /// Neither suspended nor with an expired password: JumpCloud's published rule.
    Published,
    /// Not suspended.
    NotSuspended,
}

/// The user as this client sees it; `schemas` follows from what it has and is left to whoever answers.
pub fn to_resource(user: &DirectoryUser, view: &View<'_>) -> Resource {
    let mut resource = Resource::new();
    for row in TABLE {
        match &row.kind {
            Kind::Text(of) => put(&mut resource, row.path, of(user).as_str()),
            Kind::Elements(elements) => put(&mut resource, row.path, elements.shown(user)),
            Kind::Identity(_) | Kind::Own => {}
        }
    }
    let mut show = |name, value: Value| put(&mut resource, &[name], value);
    show("id", user.id.as_str().into());
    show("externalId", view.external_id.into());
    show("userName", view.user_name.unwrap_or(&user.username).into());
    show("emails", emails(user));
    show("active", is_active(user, view.active).into());
    show("meta", meta(user, view.modified_at));
    resource
}

/// JumpCloud's two addresses: the work address is the one that it signs people in with.
fn emails(user: &DirectoryUser) -> Value {
    let work = (!user.email.is_empty())
        .then(|| json!({"value": user.email, "type": "work", "primary": true}));
    let home = (!user.alternate_email.is_empty())
        .then(|| json!({"value": user.alternate_email, "type": "home"}));
    work.into_iter().chain(home).collect()
}

fn is_active(user: &DirectoryUser, rule: ActiveRule) -> bool {
    let expired = match rule {
        ActiveRule::Published => user.password_expired,
        ActiveRule::NotSuspended => false,
    };
    !user.is_suspended() && !expired
}

fn meta(user: &DirectoryUser, modified_at: Option<Timestamp>) -> Value {
    let mut meta = Map::new();
    meta.insert("resourceType".to_owned(), "User".into());
    // JumpCloud keeps no time of change.
    for (name, moment) in [
        ("created", user.created),
        ("lastModified", user.created.max(modified_at)),
    ] {
        if let Some(moment) = moment {
            meta.insert(name.to_owned(), moment.to_string().into());
        }
    }
    meta.into()
}

impl Elements {
    /// What SCIM shows of the user's elements.
    fn shown(&self, user: &DirectoryUser) -> Value {
        (self.of)(user)
            .iter()
            .filter_map(|element| {
                pick(element, self.parts.iter().map(|&(scim, ours)| (ours, scim)))
            })
            .collect()
    }
}

/// These parts of an element, renamed; `None` when nothing but its type is left, which says nothing.
pub(super) fn pick(
    element: &Element,
    parts: impl Iterator<Item = (&'static str, &'static str)>,
) -> Option<Element> {
    let picked: Element = parts
        .filter_map(|(from, to)| {
            let text = element
                .get(from)?
                .as_str()
                .filter(|text| !text.is_empty())?;
            Some((to.to_owned(), text.into()))
        })
        .collect();
    picked.keys().any(|name| name != "type").then_some(picked)
}

/// Sets what stands at the end of `path`; what is empty is left out (RFC 7643 §2.5).
fn put(object: &mut Map<String, Value>, path: &[&str], value: impl Into<Value>) {
    let value = value.into();
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    match path {
        [] => {}
        _ if is_empty => {}
        [name] => {
            object.insert((*name).to_owned(), value);
        }
        [parent, rest @ ..] => {
            let parent = object
                .entry(*parent)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(parent) = parent {
                put(parent, rest, value);
            }
        }
    }
}

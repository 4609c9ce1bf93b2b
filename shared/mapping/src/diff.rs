//! What JumpCloud should hold, and what must change for it: a comparison of three, HR's value, the value we last
//! wrote, and the value that JumpCloud holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::attribute::Attribute;
use crate::clean::is_email;
use crate::elements::{self, Element};
use crate::jumpcloud::{Address, CustomAttribute, PhoneNumber, SystemUser, SystemUserId};
use crate::policy::{AttributeRule, Blank, Update};
use crate::worker::{MappingError, Text, Warning, Worker};

/// What HR wants a JumpCloud user to hold, attribute by attribute, each with its rule.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredUser<'a> {
    /// The attributes in the order of the table.
    pub attributes: Vec<(&'a AttributeRule, DesiredValue<'a>)>,
    /// Values that JumpCloud would refuse: they are left as they are.
    pub warnings: Vec<Warning>,
}

/// HR's value of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum DesiredValue<'a> {
    /// HR has none.
    Blank,
    /// Text.
    Text(Cow<'a, str>),
    /// Phone numbers of one kind each, or none; others in JumpCloud stay.
    PhoneNumbers(&'a [PhoneNumber]),
    /// Addresses of one kind each, or none; others in JumpCloud stay.
    Addresses(&'a [Address]),
}

impl DesiredValue<'_> {
    /// The value as reports and `Written` hold it; null when blank.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Blank => Value::Null,
            Self::Text(text) => json!(text),
            Self::PhoneNumbers(numbers) => array(numbers),
            Self::Addresses(addresses) => array(addresses),
        }
    }
}

/// An array; null when empty.
fn array<T: Serialize>(elements: &[T]) -> Value {
    if elements.is_empty() {
        Value::Null
    } else {
        json!(elements)
    }
}

/// One attribute that must change.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeChange {
    /// Which.
    pub attribute: Attribute,
    /// What JumpCloud holds; null when unset.
    pub from: Value,
    /// What it should hold; null empties it.
    pub to: Value,
    /// What HR says, where that is not all of `to`: remembered as what we wrote.
    pub hr: Value,
}

/// What we last wrote to a user, by attribute name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Written(pub BTreeMap<Text, WrittenValue>);

/// A value that we wrote and, where JumpCloud made something else of it, what it made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WrittenValue {
    /// JumpCloud holds it in another form, and both are in step.
    Normalized {
        /// HR's value.
        sent: Value,
        /// What JumpCloud answered.
        stored: Value,
    },
    /// As sent.
    Same(Value),
}

impl Written {
    /// HR's value when we last wrote this attribute.
    pub fn sent(&self, attribute: &Attribute) -> Option<&Value> {
        match self.0.get(attribute.to_string().as_str())? {
            WrittenValue::Normalized { sent, .. } | WrittenValue::Same(sent) => Some(sent),
        }
    }

    /// Remembers what HR says and what JumpCloud then holds.
    pub fn record(&mut self, attribute: &Attribute, sent: Value, stored: Value) {
        let value = if sent == stored {
            WrittenValue::Same(sent)
        } else {
            WrittenValue::Normalized { sent, stored }
        };
        self.0.insert(attribute.to_string().into(), value);
    }

    /// Whether JumpCloud holds just what it made of HR's present value.
    fn is_normalized(&self, attribute: &Attribute, hr: &Value, actual: &Value) -> bool {
        matches!(
            self.0.get(attribute.to_string().as_str()),
            Some(WrittenValue::Normalized { sent, stored }) if sent == hr && stored == actual
        )
    }
}

/// What JumpCloud should hold for this person. `manager` is the user of the person's manager, where known.
pub fn desired_user<'a>(
    worker: &'a Worker,
    rules: &'a [AttributeRule],
    manager: Option<&'a SystemUserId>,
) -> Result<DesiredUser<'a>, MappingError> {
    mappable(worker)?;
    let mut warnings = Vec::new();
    let mut attributes = Vec::with_capacity(rules.len());
    for rule in rules {
        match desired_value(worker, rule, manager) {
            Ok(Some(value)) => attributes.push((rule, value)),
            Ok(None) => {}
            Err(warning) => warnings.push(warning),
        }
    }
    Ok(DesiredUser {
        attributes,
        warnings,
    })
}

/// HR's value of one attribute; `None` where nobody knows it, or a warning of a value that JumpCloud would refuse: the
/// attribute is then left as it is.
#[inline]
fn desired_value<'a>(
    worker: &'a Worker,
    rule: &'a AttributeRule,
    manager: Option<&'a SystemUserId>,
) -> Result<Option<DesiredValue<'a>>, Warning> {
    if rule.fields().any(|field| worker.is_unread(field)) {
        return Ok(None);
    }
    let value = match &rule.attribute {
        Attribute::PhoneNumbers => DesiredValue::PhoneNumbers(worker.phone_numbers()),
        Attribute::Addresses => DesiredValue::Addresses(worker.addresses()),
        // Without a known user the manager is left as it is: absence proves nothing.
        Attribute::Manager => match manager {
            Some(manager) => DesiredValue::Text(Cow::Borrowed(manager.as_str())),
            None => return Ok(None),
        },
        attribute => match rule.text(worker) {
            None => DesiredValue::Blank,
            Some(text) if is_longer(&text, attribute.max_length()) => {
                return Err(Warning::new(
                    "value_too_long",
                    format!(
                        "`{attribute}` has more than the {} characters that JumpCloud takes and is left as it is",
                        attribute.max_length()
                    ),
                ));
            }
            // JumpCloud would refuse the whole user for it.
            Some(text) if *attribute == Attribute::AlternateEmail && !is_email(&text) => {
                return Err(Warning::new(
                    "value_invalid",
                    format!("`{attribute}` is not an e-mail address in HR and is left as it is"),
                ));
            }
            Some(text) => DesiredValue::Text(text),
        },
    };
    Ok(Some(value))
}

/// Whether a text has more characters than this. Nobody counts them while even its bytes are fewer.
fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}

/// Whether this person can become a JumpCloud user at all.
pub fn mappable(worker: &Worker) -> Result<(), MappingError> {
    let email = worker
        .work_email
        .as_deref()
        .ok_or(MappingError::NoWorkEmail)?;
    if is_longer(email, 1024) {
        return Err(MappingError::WorkEmailTooLong(email.chars().count()));
    }
    if !is_email(email) {
        return Err(MappingError::WorkEmailInvalid);
    }
    Ok(())
}

/// The attributes that must change so that the user is in step with HR, each rule's `update` and `blank` kept.
/// `written` is what we last wrote to this user; `None` when we never did, or when a write of ours may have been
/// cut off: then HR's value counts as changed.
pub fn diff(
    desired: &DesiredUser<'_>,
    actual: &SystemUser,
    written: Option<&Written>,
) -> Vec<AttributeChange> {
    desired
        .attributes
        .iter()
        .filter_map(|(rule, value)| attribute_change(rule, value, actual, written))
        .collect()
}

/// Whether this user holds all that HR wants: [`desired_user`] has nothing to warn of, and [`diff`] finds nothing, even
/// if we had never written this user before. Said without building either: that is nearly everyone in nearly every run.
pub fn is_in_step(
    worker: &Worker,
    rules: &[AttributeRule],
    manager: Option<&SystemUserId>,
    actual: &SystemUser,
) -> bool {
    let is_in_step = |rule| match desired_value(worker, rule, manager) {
        Ok(Some(value)) => {
            is_held(rule, &value, actual) || attribute_change(rule, &value, actual, None).is_none()
        }
        Ok(None) => true,
        Err(_) => false,
    };
    rules.iter().all(is_in_step)
}

/// Whether the user holds what HR wants, or whatever else counts as that.
#[inline]
fn is_held(rule: &AttributeRule, desired: &DesiredValue<'_>, user: &SystemUser) -> bool {
    let attribute = &rule.attribute;
    match desired {
        DesiredValue::Blank => rule.blank == Blank::Keep || holds_nothing(attribute, user),
        DesiredValue::Text(text) => {
            let held = attribute.text_of(user);
            text == held
                || attribute.ignores_case() && text.to_lowercase() == held.trim().to_lowercase()
        }
        DesiredValue::PhoneNumbers(numbers) => {
            elements::is_held(numbers, &user.phone_numbers, rule.blank)
        }
        DesiredValue::Addresses(addresses) => {
            elements::is_held(addresses, &user.addresses, rule.blank)
        }
    }
}

fn attribute_change(
    rule: &AttributeRule,
    desired: &DesiredValue<'_>,
    user: &SystemUser,
    written: Option<&Written>,
) -> Option<AttributeChange> {
    let attribute = &rule.attribute;
    if is_held(rule, desired, user) {
        return None;
    }
    let hr = desired.to_json();
    let from = value_of(attribute, user);
    if written.is_some_and(|written| written.is_normalized(attribute, &hr, &from)) {
        return None;
    }
    let due = match rule.update {
        Update::Always => true,
        Update::OnChange => written.and_then(|written| written.sent(attribute)) != Some(&hr),
        Update::IfEmpty => holds_nothing(attribute, user),
        Update::Once | Update::Never => false,
    };
    due.then(|| AttributeChange {
        to: match desired {
            DesiredValue::PhoneNumbers(ours) => merged(ours, &user.phone_numbers, rule.blank),
            DesiredValue::Addresses(ours) => merged(ours, &user.addresses, rule.blank),
            DesiredValue::Blank | DesiredValue::Text(_) => hr.clone(),
        },
        attribute: attribute.clone(),
        from,
        hr,
    })
}

fn holds_nothing(attribute: &Attribute, user: &SystemUser) -> bool {
    match attribute {
        Attribute::PhoneNumbers => elements::holds_none(&user.phone_numbers),
        Attribute::Addresses => elements::holds_none(&user.addresses),
        attribute => attribute.text_of(user).is_empty(),
    }
}

/// What HR has for one attribute, as reports show it: null when empty, and of a manager the worker's id.
pub fn hr_value(rule: &AttributeRule, worker: &Worker) -> Value {
    match rule.attribute {
        Attribute::PhoneNumbers => array(worker.phone_numbers()),
        Attribute::Addresses => array(worker.addresses()),
        Attribute::Manager => json!(worker.manager),
        _ => json!(rule.text(worker)),
    }
}

/// What a user holds in one attribute, as reports show it: null when unset.
pub fn value_of(attribute: &Attribute, user: &SystemUser) -> Value {
    match attribute {
        Attribute::PhoneNumbers => array(&user.phone_numbers),
        Attribute::Addresses => array(&user.addresses),
        attribute => match attribute.text_of(user) {
            "" => Value::Null,
            text => json!(text),
        },
    }
}

fn merged<E: Element + Serialize>(ours: &[E], theirs: &[E], blank: Blank) -> Value {
    array(&elements::merged(ours, theirs, blank))
}

/// A user's custom attributes with these set (or, when null, removed): JumpCloud replaces the array whole.
pub fn custom_attributes<'a>(
    held: &[CustomAttribute],
    changes: impl IntoIterator<Item = (&'a str, &'a Value)>,
) -> Vec<CustomAttribute> {
    let mut attributes = held.to_vec();
    for (name, value) in changes {
        attributes.retain(|attribute| attribute.name != name);
        if let Some(text) = value.as_str() {
            attributes.push(CustomAttribute {
                name: name.into(),
                value: text.into(),
            });
        }
    }
    attributes
}

#[cfg(test)]
mod tests;

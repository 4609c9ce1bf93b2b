//! `bulkId:…` in place of an id that is not known yet (RFC 7644 §3.7.2): in the path of an operation, and in `data` where an
//! attribute names a resource. Anywhere else it is a text like any other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::ScimError;
use crate::schema::RESOURCE_TYPES;

const PREFIX: &str = "bulkId:";

/// What stands in place of the reference to the operation of this `bulkId`.
type Resolve<'r> = dyn FnMut(&str) -> Result<String, ScimError> + 'r;

/// What a path and `data` refer to.
pub(super) fn references(path: &str, data: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut note = |id: &str| {
        found.insert(id.to_owned());
        Ok(format!("{PREFIX}{id}"))
    };
    // Nothing is refused here.
    let _ = resolve(&mut path.to_owned(), &mut data.clone(), &mut note);
    found
}

/// Puts ids in place of the references of a path and of `data`.
pub(super) fn resolve(
    path: &mut String,
    data: &mut Value,
    id: &mut Resolve<'_>,
) -> Result<(), ScimError> {
    between(path, '/', id)?;
    if let Value::Object(data) = data {
        in_attributes(data, id)?;
        if let Some(Value::Array(operations)) = member_mut(data, "Operations") {
            operations
                .iter_mut()
                .try_for_each(|operation| in_operation(operation, id))?;
        }
    }
    Ok(())
}

/// The attributes of `data` that refer to none of these, and those that do, if there are such.
pub(super) fn without(
    data: &Value,
    awaited: &BTreeSet<&str>,
) -> Option<(Value, Map<String, Value>)> {
    let waits = |(name, value): &(String, Value)| {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        let found = references("", &alone.into());
        found.iter().any(|id| awaited.contains(id.as_str()))
    };
    let (later, now): (Map<_, _>, Map<_, _>) =
        data.as_object()?.clone().into_iter().partition(waits);
    (!later.is_empty()).then_some((Value::Object(now), later))
}

/// The attributes of a resource, those of its extensions included.
fn in_attributes(
    attributes: &mut Map<String, Value>,
    id: &mut Resolve<'_>,
) -> Result<(), ScimError> {
    for (name, value) in attributes {
        if refers(name) {
            in_values(value, id)?;
        } else if let (true, Value::Object(extension)) = (is_schema(name), value) {
            in_attributes(extension, id)?;
        }
    }
    Ok(())
}

/// An operation of a PATCH.
fn in_operation(operation: &mut Value, id: &mut Resolve<'_>) -> Result<(), ScimError> {
    let Value::Object(operation) = operation else {
        return Ok(());
    };
    let path = match member_mut(operation, "path") {
        Some(Value::String(path)) if !path.is_empty() => {
            if refers(path) {
                // As in `members[value eq "bulkId:…"]`.
                between(path, '"', id)?;
            }
            Some(path.clone())
        }
        _ => None,
    };
    match (path, member_mut(operation, "value")) {
        (Some(path), Some(value)) if refers(&path) => in_values(value, id),
        (Some(path), Some(Value::Object(extension))) if is_schema(&path) => {
            in_attributes(extension, id)
        }
        (None, Some(Value::Object(attributes))) => in_attributes(attributes, id),
        _ => Ok(()),
    }
}

/// Values of an attribute that refers: ids alone, or objects with their parts.
fn in_values(value: &mut Value, id: &mut Resolve<'_>) -> Result<(), ScimError> {
    match value {
        Value::String(text) => between(text, '/', id),
        Value::Array(values) => values.iter_mut().try_for_each(|value| in_values(value, id)),
        Value::Object(parts) => {
            for name in ["value", "$ref"] {
                if let Some(Value::String(text)) = member_mut(parts, name) {
                    between(text, '/', id)?;
                }
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The parts of a text between separators: an id alone, the segments of a URI, what a filter has in quotes.
fn between(text: &mut String, separator: char, id: &mut Resolve<'_>) -> Result<(), ScimError> {
    if !text.contains(PREFIX) {
        return Ok(());
    }
    let mut parts = Vec::new();
    for part in text.split(separator) {
        parts.push(match part.strip_prefix(PREFIX) {
            Some(bulk_id) => id(bulk_id)?,
            None => part.to_owned(),
        });
    }
    *text = parts.join(&separator.to_string());
    Ok(())
}

/// Whether a path leads to an attribute that refers, or to a part or some of the values of such a one.
fn refers(path: &str) -> bool {
    let (attribute, _) = path.split_once('[').unwrap_or((path, ""));
    let found = RESOURCE_TYPES
        .iter()
        .find_map(|resource_type| resource_type.find(attribute.trim()));
    found.is_some_and(|path| path.attribute.refers())
}

fn is_schema(name: &str) -> bool {
    RESOURCE_TYPES
        .iter()
        .any(|resource_type| resource_type.schema_with_urn(name).is_some())
}

/// The member of this name, in any case.
fn member_mut<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    let mut members = object.iter_mut();
    let member = members.find(|(key, _)| key.eq_ignore_ascii_case(name));
    member.map(|(_, value)| value)
}

//! `bulkId:…` in place of an id that is not known yet (RFC 7644 §3.7.2): in a path, and wherever in `data` a text stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::ScimError;

const PREFIX: &str = "bulkId:";

/// What a path and `data` refer to.
pub(super) fn references<'a>(path: &'a str, data: &'a Value) -> BTreeSet<&'a str> {
    let mut found = path.split('/').filter_map(reference).collect();
    collect(data, &mut found);
    found
}

fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

fn collect<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => found.extend(reference(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The path and `data` with ids in place of the references.
pub(super) fn resolve<'a>(
    path: &str,
    data: &Value,
    id: impl Fn(&str) -> Result<&'a str, ScimError>,
) -> Result<(String, Value), ScimError> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        segments.push(match reference(segment) {
            Some(bulk_id) => id(bulk_id)?,
            None => segment,
        });
    }
    let mut data = data.clone();
    replace(&mut data, &id)?;
    Ok((segments.join("/"), data))
}

fn replace<'a>(
    value: &mut Value,
    id: &impl Fn(&str) -> Result<&'a str, ScimError>,
) -> Result<(), ScimError> {
    match value {
        Value::String(text) => {
            if let Some(bulk_id) = reference(text) {
                *text = id(bulk_id)?.to_owned();
            }
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| replace(value, id)),
        Value::Object(members) => members
            .values_mut()
            .try_for_each(|value| replace(value, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The attributes of `data` that refer to none of these, and those that do, if there are such.
pub(super) fn without(
    data: &Value,
    awaited: &BTreeSet<&str>,
) -> Option<(Value, Map<String, Value>)> {
    let waits = |value: &Value| !references("", value).is_disjoint(awaited);
    let (later, now): (Map<_, _>, Map<_, _>) = data
        .as_object()?
        .clone()
        .into_iter()
        .partition(|(_, value)| waits(value));
    (!later.is_empty()).then_some((Value::Object(now), later))
}

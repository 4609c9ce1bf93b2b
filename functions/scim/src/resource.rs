//! Reading what a client sends: JSON → [`Resource`], the canonical form that everything else works on.
//!
//! Clients are read generously where only one meaning is possible (RFC 7644 §3.3, §3.12): names in any case, dotted or
//! with their URN, `"True"` for `true`, one object for a list of one, a bare id for a manager. What no schema of ours has,
//! JumpCloud cannot hold or only the server may write is left out, and the answer shows what was kept. Everything else that
//! does not fit the table is refused. This file knows nothing of JumpCloud, HTTP or the resource's former state.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{
    error::ScimError,
    schema::{Attribute, AttributePath, Kind, Mutability, ResourceType, Schema},
};

#[cfg(test)]
mod tests;

/// A resource in canonical form.
///
/// Names are spelled as in the table; core attributes stand at the top, an extension's in an object under its exact URN.
/// There are no nulls, no empty strings, arrays or objects; each value has its attribute's type; several values are an array, of
/// objects where the attribute is complex. `schemas` is not part of it: it follows from the rest.
pub type Resource = Map<String, Value>;

/// The largest body that is read, in bytes; `ServiceProviderConfig` publishes it.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// Parses a request's body, refusing what JSON leaves open: a name given twice in one object, in whatever case.
///
/// Nesting ends at the 128 levels of `serde_json`.
pub fn parse_json(body: &[u8]) -> Result<Value, ScimError> {
    if body.len() > MAX_PAYLOAD_BYTES {
        return Err(ScimError::TooLarge(format!(
            "the body is {} bytes long, and may be at most {MAX_PAYLOAD_BYTES}",
            body.len()
        )));
    }
    serde_json::from_slice(body)
        .map(|Unambiguous(value)| value)
        .map_err(|error| ScimError::syntax(format!("the body is not valid JSON: {error}")))
}

/// Reads the body of a POST or PUT, as [`parse_json`] gives it.
pub fn read(body: &Value, resource_type: &ResourceType) -> Result<Resource, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::syntax("the body must be a JSON object"));
    };
    let mut resource = Resource::new();
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            check_schemas(value, resource_type)?;
        } else if let Some(schema) = resource_type.schema_with_urn(key) {
            read_schema(&mut resource, value, schema, resource_type)?;
        } else if let Some(path) = resource_type.find(key) {
            assign(&mut resource, path, value)?;
        }
    }
    check_required(&resource, resource_type)?;
    Ok(resource)
}

/// Whether every required attribute is there.
pub fn check_required(resource: &Resource, resource_type: &ResourceType) -> Result<(), ScimError> {
    let missing =
        |attribute: &&Attribute| attribute.required && !resource.contains_key(attribute.name);
    match resource_type.schema.attributes.iter().find(missing) {
        Some(attribute) => Err(required(attribute.name)),
        None => Ok(()),
    }
}

/// The value in canonical form, or none where it means "unassigned" (RFC 7643 §2.5): null, and what is empty.
///
/// `path` names the attribute in refusals. Read-only sub-attributes are left out; whether `attribute` itself may be written is
/// the caller's to know.
pub fn coerce(
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return coerce_one(attribute, value, path);
    }
    let values = match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    };
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.extend(coerce_one(attribute, value, path)?);
    }
    check_primary(&kept, path)?;
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Whether at most one of the values is the primary one (RFC 7643 §2.4).
pub fn check_primary(values: &[Value], path: &str) -> Result<(), ScimError> {
    let is_primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
    if values.iter().filter(is_primary).count() > 1 {
        return Err(ScimError::value(format!(
            "only one of `{path}` may have `primary` true"
        )));
    }
    Ok(())
}

fn coerce_one(
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<Option<Value>, ScimError> {
    if is_unassigned(value) {
        return Ok(None);
    }
    match attribute.kind {
        Kind::Complex => coerce_complex(attribute, value, path),
        Kind::Boolean => coerce_boolean(value, path),
        Kind::String | Kind::DateTime | Kind::Reference => coerce_text(attribute, value, path),
    }
}

/// Null and the empty array are what RFC 7643 §2.5 says; an empty string joins them because JumpCloud does not tell it
/// from no value.
fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn coerce_complex(
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<Option<Value>, ScimError> {
    let given = match value {
        Value::Object(given) => given,
        // Entra sends `"manager": "id"`, others `"emails": ["a@b.example"]`: the default sub-attribute (RFC 7643 §2.4).
        Value::String(_) if attribute.sub_attribute("value").is_some() => {
            &Map::from_iter([("value".to_owned(), value.clone())])
        }
        _ => return Err(misfit(path, "an object")),
    };
    let mut kept = Map::new();
    let mut blank = BTreeSet::new();
    for (key, value) in with_value(attribute, given).as_ref() {
        let Some(sub) = attribute.sub_attribute(key) else {
            continue;
        };
        if sub.is_left_out() {
            continue;
        }
        match coerce(sub, value, &format!("{path}.{}", sub.name))? {
            Some(value) => {
                kept.insert(sub.name.to_owned(), value);
            }
            None => {
                blank.insert(sub.name);
            }
        }
    }
    let missing = |sub: &&Attribute| sub.required && !kept.contains_key(sub.name);
    match attribute.sub_attributes.iter().find(missing) {
        // Okta sends `{"type": "work", "value": null}` for somebody without that number.
        Some(sub) if blank.contains(sub.name) => Ok(None),
        Some(sub) => Err(required(&format!("{path}.{}", sub.name))),
        None => Ok((!kept.is_empty()).then_some(Value::Object(kept))),
    }
}

/// A complex value, with the `value` that its `$ref` stands for where the client sends that alone (RFC 7643 §2.4).
pub(crate) fn with_value<'a>(
    attribute: &Attribute,
    given: &'a Map<String, Value>,
) -> Cow<'a, Map<String, Value>> {
    let is_written = |name: &str| {
        let sub = attribute.sub_attribute(name);
        sub.is_some_and(|sub| sub.kind == Kind::Reference && sub.mutability != Mutability::ReadOnly)
    };
    let has_value = given.keys().any(|name| name.eq_ignore_ascii_case("value"));
    let uri = given.iter().find(|(name, _)| is_written(name));
    match uri.and_then(|(_, uri)| uri.as_str()) {
        Some(uri) if !has_value => {
            let id = uri.rsplit('/').next().unwrap_or(uri);
            let mut with_value = given.clone();
            with_value.insert("value".to_owned(), id.into());
            Cow::Owned(with_value)
        }
        _ => Cow::Borrowed(given),
    }
}

/// Entra sends booleans as the strings `"True"` and `"False"`.
fn coerce_boolean(value: &Value, path: &str) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Bool(_) => Ok(Some(value.clone())),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
        _ => Err(misfit(path, "true or false")),
    }
}

fn coerce_text(
    attribute: &Attribute,
    value: &Value,
    path: &str,
) -> Result<Option<Value>, ScimError> {
    let Value::String(text) = value else {
        return Err(misfit(path, "a string"));
    };
    if let Some(max_length) = attribute.max_length
        && text.chars().nth(max_length).is_some()
    {
        return Err(ScimError::value(format!(
            "`{path}` may be at most {max_length} characters long"
        )));
    }
    let canonical = attribute
        .canonical_values
        .iter()
        .find(|canonical| canonical.eq_ignore_ascii_case(text));
    match canonical {
        Some(&canonical) => Ok(Some(canonical.into())),
        None if attribute.closed => Err(misfit(
            path,
            &format!("one of `{}`", attribute.canonical_values.join("`, `")),
        )),
        None => Ok(Some(value.clone())),
    }
}

/// Reads an object that stands under a schema's URN.
fn read_schema(
    resource: &mut Resource,
    value: &Value,
    schema: &'static Schema,
    resource_type: &ResourceType,
) -> Result<(), ScimError> {
    match value {
        value if is_unassigned(value) => Ok(()),
        Value::Object(given) => {
            given
                .iter()
                .try_for_each(|(key, value)| match resource_type.find_in(schema, key) {
                    Some(path) => assign(resource, path, value),
                    None => Ok(()),
                })
        }
        _ => Err(misfit(schema.id, "an object")),
    }
}

/// Puts a value in its place. One attribute may come in several spellings, but only with one value.
fn assign(resource: &mut Resource, path: AttributePath, value: &Value) -> Result<(), ScimError> {
    let AttributePath {
        extension,
        attribute,
        sub,
    } = path;
    if attribute.is_left_out() || sub.is_some_and(Attribute::is_left_out) {
        return Ok(());
    }
    if sub.is_some() && attribute.multi_valued {
        return Err(ScimError::syntax(format!(
            "`{path}` is a part of one of several values: send `{}` as an array of objects",
            attribute.name
        )));
    }
    let Some(mut value) = coerce(path.target(), value, &path.to_string())? else {
        return Ok(());
    };
    if let Some(sub) = sub {
        value = Value::Object(Map::from_iter([(sub.name.to_owned(), value)]));
    }
    let mut assigned = Map::from_iter([(attribute.name.to_owned(), value)]);
    if let Some(urn) = extension {
        assigned = Map::from_iter([(urn.to_owned(), Value::Object(assigned))]);
    }
    if merge(resource, assigned) {
        Ok(())
    } else {
        Err(ScimError::value(format!(
            "`{path}` is given twice, with different values"
        )))
    }
}

/// Adds what is not there yet; false when something is there with another value.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) -> bool {
    from.into_iter()
        .all(|(key, value)| match (into.get_mut(&key), value) {
            (None, value) => {
                into.insert(key, value);
                true
            }
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(there), value) => *there == value,
        })
}

/// `schemas` may be missing, and may name what we do not know; whoever names a schema of ours must name the core one
/// (RFC 7643 §3), which catches a group that is sent to the users.
fn check_schemas(value: &Value, resource_type: &ResourceType) -> Result<(), ScimError> {
    let named: &[Value] = match value {
        Value::Null => &[],
        Value::Array(named) => named,
        named => std::slice::from_ref(named),
    };
    let mut ours = false;
    for urn in named {
        let urn = urn
            .as_str()
            .ok_or_else(|| misfit("schemas", "an array of strings"))?;
        if urn.eq_ignore_ascii_case(resource_type.schema.id) {
            return Ok(());
        }
        ours |= crate::schema::RESOURCE_TYPES
            .iter()
            .any(|resource_type| resource_type.schema_with_urn(urn).is_some());
    }
    if ours {
        return Err(ScimError::syntax(format!(
            "`schemas` must name `{}`",
            resource_type.schema.id
        )));
    }
    Ok(())
}

fn misfit(path: &str, expected: &str) -> ScimError {
    ScimError::value(format!("`{path}` must be {expected}"))
}

fn required(path: &str) -> ScimError {
    ScimError::value(format!("`{path}` is required"))
}

/// JSON without repeated names: which of two values counts is nothing to guess at.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Self)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unambiguous(value)) = values.next_element()? {
            array.push(value);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut names = BTreeSet::new();
        while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(A::Error::custom(format_args!("`{name}` is given twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

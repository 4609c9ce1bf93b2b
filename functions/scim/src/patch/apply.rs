//! Making the changes of a PATCH to a resource (RFC 7644 §3.5.2): all of them, in order, or none.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Change, Edit, Parts, PatchRequest, Selection};
use crate::{
    ScimError, ScimType,
    filter::{Filter, folded},
    resource::{Resource, check_primary, coerce},
    schema::{Attribute, AttributePath, Mutability, ResourceType},
};

/// The most values among which one is looked for, since each is compared with each. A group's members do not come here: see
/// `members`.
const MAX_VALUES: usize = 200;

impl PatchRequest {
    /// The resource as it is afterwards.
    ///
    /// What the request does not touch is not judged: a directory's blemish is no reason to refuse a suspension.
    pub fn apply(
        &self,
        resource: &Resource,
        resource_type: &ResourceType,
    ) -> Result<Resource, ScimError> {
        let mut patched = resource.clone();
        for change in &self.changes {
            change.apply(&mut patched)?;
        }
        for schema in resource_type.schemas() {
            let names = schema.attributes.iter().map(|attribute| attribute.name);
            for path in names.filter_map(|name| resource_type.find_in(schema, name)) {
                let after = path.whole(&patched);
                if after != path.whole(resource) {
                    check(path, after)?;
                }
            }
        }
        Ok(patched)
    }
}

/// Whether an attribute may have become this.
fn check(path: AttributePath, after: Option<&Value>) -> Result<(), ScimError> {
    match after {
        // RFC 7644 §3.5.2.2: removing a required attribute is `mutability`.
        None if path.attribute.required => Err(mutability(format!(
            "`{path}` is required and cannot be removed"
        ))),
        Some(Value::Array(values)) => {
            check_primary(values, &path.to_string())?;
            match values
                .iter()
                .find_map(|value| missing(path.attribute, value))
            {
                Some(sub) => Err(ScimError::value(format!(
                    "`{path}.{}` is required",
                    sub.name
                ))),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The required part that a value of the attribute lacks.
fn missing(attribute: &Attribute, value: &Value) -> Option<&'static Attribute> {
    attribute
        .sub_attributes
        .iter()
        .find(|sub| sub.required && value.get(sub.name).is_none())
}

impl Change {
    fn apply(&self, resource: &mut Resource) -> Result<(), ScimError> {
        match self {
            Self::Set(path, value) => set_path(resource, *path, value.clone()),
            Self::Add(path, added) => with_values(resource, *path, |values| {
                check_count(*path, values.len() + added.len())?;
                let added = added
                    .iter()
                    .map(|value| add_value(values, path.attribute, value))
                    .collect();
                demote_others(values, &added);
                Ok(())
            }),
            Self::Discard(path, discarded) => with_values(resource, *path, |values| {
                values.retain(|held| {
                    let is_held = |value| is_same(path.attribute, held, value);
                    !discarded.iter().any(is_held)
                });
                Ok(())
            }),
            Self::Edit(selection, edit) => with_values(resource, selection.path, |values| {
                edit.apply(selection, values)
            }),
        }
    }
}

fn set_path(
    resource: &mut Resource,
    path: AttributePath,
    value: Option<Value>,
) -> Result<(), ScimError> {
    within(resource, path.extension, |attributes| match path.sub {
        Some(sub) => within(attributes, Some(path.attribute.name), |parts| {
            set(parts, sub, value)
        }),
        None => set(attributes, path.attribute, value),
    })
}

/// Gives an attribute a value or none.
fn set(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let name = attribute.name;
    let held = object.get(name);
    if attribute.mutability == Mutability::Immutable && held.is_some() && held != value.as_ref() {
        return Err(mutability(format!("`{name}` cannot be changed")));
    }
    match value {
        Some(value) => object.insert(name.to_owned(), value),
        None => object.remove(name),
    };
    Ok(())
}

/// Changes the object of this name, which goes when nothing is left in it; without a name, the one that is given.
fn within(
    object: &mut Map<String, Value>,
    name: Option<&str>,
    change: impl FnOnce(&mut Map<String, Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    let Some(name) = name else {
        return change(object);
    };
    let mut inner = match object.remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    change(&mut inner)?;
    if !inner.is_empty() {
        object.insert(name.to_owned(), Value::Object(inner));
    }
    Ok(())
}

/// Changes the values of an attribute that may have several; it goes when none is left.
fn with_values(
    resource: &mut Resource,
    path: AttributePath,
    change: impl FnOnce(&mut Vec<Value>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    let name = path.attribute.name;
    within(resource, path.extension, |attributes| {
        let mut values = match attributes.remove(name) {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        check_count(path, values.len())?;
        change(&mut values)?;
        if !values.is_empty() {
            attributes.insert(name.to_owned(), Value::Array(values));
        }
        Ok(())
    })
}

fn check_count(path: AttributePath, count: usize) -> Result<(), ScimError> {
    if count <= MAX_VALUES {
        return Ok(());
    }
    let detail = format!("`{path}` may have at most {MAX_VALUES} values");
    Err(ScimError::invalid(ScimType::TooMany, detail))
}

/// Adds a value unless it is there, and tells where it stands. Of one that is there, the parts are brought up to date.
fn add_value(values: &mut Vec<Value>, attribute: &Attribute, added: &Value) -> usize {
    let position = values
        .iter()
        .position(|held| is_same(attribute, held, added))
        .unwrap_or_else(|| {
            values.push(Value::Object(Map::new()));
            values.len() - 1
        });
    if let (Some(Value::Object(held)), Value::Object(added)) = (values.get_mut(position), added) {
        held.extend(added.clone());
    }
    position
}

/// Whether two values of an attribute are the same one: `value` and, where both say it, `type` agree (RFC 7643 §2.4); all parts,
/// where the attribute has no `value`.
fn is_same(attribute: &Attribute, held: &Value, other: &Value) -> bool {
    let identified = attribute.sub_attribute("value").is_some();
    attribute
        .sub_attributes
        .iter()
        .all(|sub| match (held.get(sub.name), other.get(sub.name)) {
            (Some(held), Some(other)) => {
                (identified && !matches!(sub.name, "value" | "type")) || equals(sub, held, other)
            }
            (None, None) => true,
            _ => identified && sub.name != "value",
        })
}

fn equals(attribute: &Attribute, held: &Value, other: &Value) -> bool {
    match (held, other) {
        (Value::String(held), Value::String(other)) => {
            folded(held, attribute.case_exact) == folded(other, attribute.case_exact)
        }
        _ => held == other,
    }
}

/// A value that becomes the primary one takes that from the others (RFC 7644 §3.5.2).
fn demote_others(values: &mut [Value], changed: &BTreeSet<usize>) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let promoted =
        |(position, value): (usize, &Value)| changed.contains(&position) && is_primary(value);
    if !values.iter().enumerate().any(promoted) {
        return;
    }
    for (position, value) in values.iter_mut().enumerate() {
        if !changed.contains(&position)
            && let Some(Value::Bool(primary)) = value.get_mut("primary")
        {
            *primary = false;
        }
    }
}

impl Edit {
    fn apply(&self, selection: &Selection, values: &mut Vec<Value>) -> Result<(), ScimError> {
        let mut selected: BTreeSet<usize> = values
            .iter()
            .enumerate()
            .filter(|(_, value)| selection.selects(value))
            .map(|(position, _)| position)
            .collect();
        if selected.is_empty() {
            match self.new_value(selection) {
                Some(value) => {
                    selected.insert(values.len());
                    values.push(value);
                }
                // Without a filter, what is to be removed is simply not there (RFC 7644 §3.5.2.2).
                None if selection.filter.is_none() => return Ok(()),
                None => return Err(selection.selects_nothing()),
            }
        }
        match self {
            Self::Remove => values.retain(|value| !selection.selects(value)),
            Self::Merge(parts) | Self::Replace(parts) => {
                for position in &selected {
                    if let Some(value) = values.get_mut(*position) {
                        self.apply_to(selection, value, parts)?;
                    }
                }
                demote_others(values, &selected);
                if parts.iter().any(|(_, value)| value.is_none()) {
                    values.retain(|value| !is_hollow(selection.path.attribute, value));
                }
                // What a value is replaced by may be nothing, where no part is required.
                let attribute = selection.path.attribute;
                values.retain(|value| *value != json!({}) || missing(attribute, value).is_some());
            }
        }
        Ok(())
    }

    fn apply_to(
        &self,
        selection: &Selection,
        value: &mut Value,
        parts: &Parts,
    ) -> Result<(), ScimError> {
        let mut merged = match (self, value.take()) {
            (Self::Merge(_), Value::Object(held)) => held,
            _ => selection.terms()?,
        };
        for (sub, part) in parts {
            set(&mut merged, sub, part.clone())?;
        }
        *value = Value::Object(merged);
        Ok(())
    }

    /// The value to add where none is selected: `emails[type eq "work"].value` makes a work address. There is none where the
    /// filter does not name a place to fill, or would not select what fills it: a filter on what a value says looks for
    /// that very value. Nor is there where a whole value is to be replaced (RFC 7644 §3.5.2.3).
    fn new_value(&self, selection: &Selection) -> Option<Value> {
        let Self::Merge(parts) = self else {
            return None;
        };
        if parts.iter().all(|(_, value)| value.is_none()) {
            return None;
        }
        // Of a type that there cannot be, there is nothing to fill.
        let terms = selection.terms().ok()?;
        let is_place = |name: &String| matches!(name.as_str(), "type" | "primary");
        if selection.filter.is_some() && (terms.is_empty() || !terms.keys().all(is_place)) {
            return None;
        }
        let given = parts
            .iter()
            .filter_map(|(sub, value)| Some((sub.name.to_owned(), value.clone()?)));
        let value = Value::Object(terms.into_iter().chain(given).collect());
        Some(value).filter(|value| selection.selects(value))
    }
}

impl Selection {
    pub(super) fn selects_nothing(&self) -> ScimError {
        let detail = format!("`{}` selects no value", self.written);
        ScimError::invalid(ScimType::NoTarget, detail)
    }

    pub(super) fn selects(&self, value: &Value) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches_element(value))
    }

    /// The parts that every selected value has, because the filter asks for them by `eq`.
    fn terms(&self) -> Result<Map<String, Value>, ScimError> {
        let conjuncts = self.filter.iter().flat_map(Filter::conjuncts);
        let mut terms = Map::new();
        for (path, value) in conjuncts.filter_map(Filter::term) {
            if let Some(value) = coerce(path.target(), &value, &path.to_string())? {
                terms.insert(path.target().name.to_owned(), value);
            }
        }
        Ok(terms)
    }
}

/// Whether a value has lost what it was for: a required part, or all but its `type` and `primary`.
fn is_hollow(attribute: &Attribute, value: &Value) -> bool {
    let says_something = |parts: &Map<String, Value>| {
        parts
            .keys()
            .any(|name| !matches!(name.as_str(), "type" | "primary"))
    };
    missing(attribute, value).is_some() || !value.as_object().is_some_and(says_something)
}

fn mutability(detail: String) -> ScimError {
    ScimError::invalid(ScimType::Mutability, detail)
}

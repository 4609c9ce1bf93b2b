//! What a PATCH asks for (RFC 7644 §3.5.2): the request, read against the schema into a list of changes. `apply` makes them to a
//! resource, `members` takes those to a group's members out of it. Nothing here knows what JumpCloud holds.
//!
//! Clients are read as they are:
//!
//! - Names, paths and `op` come in any case, `value` without a `path` also with paths as its names (Entra ID).
//! - What the RFC has and JumpCloud cannot hold is left out. So is, inside an object, what no schema has or only the server
//!   writes: Okta renames a group with its `id` beside the new name. As a `path`, the former is `invalidPath`, the latter
//!   `mutability`.
//! - A null removes, and so does an empty array, except that adding nothing changes nothing, and that a null does not say
//!   which of several values to remove.
//! - A filter that selects nothing is `noTarget`, but for `emails[type eq "home"].value`, which Entra ID sends to fill a place
//!   that is empty, and for `add`, which may do the same with a whole value.
//! - The parts of a complex attribute that are not mentioned stay, when it is replaced too: §3.5.2.3 replaces "a set of
//!   sub-attributes".
//! - `remove` with a `value` removes those values only (Entra ID).

mod apply;
mod members;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use self::members::{GroupPatch, MemberChange};
pub(crate) use self::members::{cannot_be_altered, named_members};
use crate::{
    ScimError, ScimType,
    filter::Filter,
    path::Target,
    resource::{coerce, with_value},
    schema::{Attribute, AttributePath, Kind, ResourceType, Schema},
};

/// The schema of the request.
pub(crate) const PATCH_OP_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The most operations that one request may hold.
pub const MAX_OPERATIONS: usize = 1000;

/// A PATCH whose every path and value is known to fit the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRequest {
    changes: Vec<Change>,
}

/// One step, which needs nothing but the resource.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// An attribute or a part of a single one has this value, or none.
    Set(AttributePath, Option<Value>),
    /// These are among the attribute's values.
    Add(AttributePath, Vec<Value>),
    /// These are not.
    Discard(AttributePath, Vec<Value>),
    /// Some of the attribute's values change.
    Edit(Selection, Edit),
}

impl Change {
    fn attribute(&self) -> &'static Attribute {
        match self {
            Self::Set(path, _) | Self::Add(path, _) | Self::Discard(path, _) => path.attribute,
            Self::Edit(selection, _) => selection.path.attribute,
        }
    }
}

/// Some values of an attribute that may have several.
#[derive(Debug, Clone, PartialEq)]
struct Selection {
    /// The attribute, without a part.
    path: AttributePath,
    /// Which of its values; all of them without a filter.
    filter: Option<Filter>,
    /// The path as the client wrote it.
    written: String,
}

/// What becomes of the selected values.
#[derive(Debug, Clone, PartialEq)]
enum Edit {
    /// These parts of each are set or removed.
    Merge(Parts),
    /// Each has these parts and no other, apart from what it was selected by.
    Replace(Parts),
    /// They go.
    Remove,
}

/// Parts of a complex value, each with its new value or none.
type Parts = Vec<(&'static Attribute, Option<Value>)>;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

impl PatchRequest {
    /// Reads the body of a PATCH.
    pub fn read(body: &Value, resource_type: &ResourceType) -> Result<Self, ScimError> {
        let Value::Object(body) = body else {
            return Err(ScimError::syntax("the body must be a JSON object"));
        };
        check_schemas(member(body, "schemas"), PATCH_OP_URN)?;
        let operations = match member(body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                let detail = "`Operations` must be an array of at least one operation";
                return Err(ScimError::syntax(detail));
            }
        };
        if operations.len() > MAX_OPERATIONS {
            let detail = format!("`Operations` may hold at most {MAX_OPERATIONS} operations");
            return Err(ScimError::invalid(ScimType::TooMany, detail));
        }
        let mut reader = Reader {
            resource_type,
            changes: Vec::new(),
        };
        for operation in operations {
            reader.operation(operation)?;
        }
        Ok(Self {
            changes: reader.changes,
        })
    }

    /// Whether nothing is left to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// `schemas` may be missing; if it is there it says what the request is.
pub(crate) fn check_schemas(schemas: Option<&Value>, expected: &str) -> Result<(), ScimError> {
    match schemas {
        None | Some(Value::Null) => Ok(()),
        Some(schemas) => require_schema(schemas, expected),
    }
}

/// `schemas` says what the request is (RFC 7644 §3.1), in any case.
pub(crate) fn require_schema(schemas: &Value, expected: &str) -> Result<(), ScimError> {
    let is_expected = |urn: &Value| {
        urn.as_str()
            .is_some_and(|urn| urn.eq_ignore_ascii_case(expected))
    };
    let named = match schemas {
        Value::Array(urns) => urns.iter().any(is_expected),
        urn => is_expected(urn),
    };
    named
        .then_some(())
        .ok_or_else(|| ScimError::syntax(format!("`schemas` must name `{expected}`")))
}

/// The member of this name, in any case.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

struct Reader<'a> {
    resource_type: &'a ResourceType,
    changes: Vec<Change>,
}

impl Reader<'_> {
    fn operation(&mut self, operation: &Value) -> Result<(), ScimError> {
        let Value::Object(operation) = operation else {
            return Err(ScimError::syntax("an operation must be an object"));
        };
        let op = read_op(member(operation, "op"))?;
        let value = member(operation, "value");
        match (op, read_path(member(operation, "path"))?, value) {
            (Op::Remove, None, _) => Err(ScimError::invalid(
                ScimType::NoTarget,
                "`remove` needs a `path`",
            )),
            (Op::Remove, Some(path), value) => {
                let target = self.writable_target(path)?;
                self.remove(target, path, value)
            }
            (_, _, None) => Err(ScimError::value("`add` and `replace` need a `value`")),
            (op, Some(path), Some(value)) => {
                let target = self.writable_target(path)?;
                self.write(op, target, path, value)
            }
            (op, None, Some(Value::Object(members))) => members
                .iter()
                .try_for_each(|(name, value)| self.write_member(op, name, value)),
            (_, None, Some(_)) => Err(ScimError::value(
                "without a `path`, `value` must be an object of attributes",
            )),
        }
    }

    /// What a path points at, if the client may write it.
    fn writable_target(&self, path: &str) -> Result<Target, ScimError> {
        let target = Target::parse(path, self.resource_type)?;
        match &target {
            Target::Attribute(path) | Target::Elements(path, _) if !is_writable(*path) => {
                let detail = format!("`{path}` is written by the server alone");
                Err(ScimError::invalid(ScimType::Mutability, detail))
            }
            _ => Ok(target),
        }
    }

    /// One member of a `value` without a `path`.
    fn write_member(&mut self, op: Op, name: &str, value: &Value) -> Result<(), ScimError> {
        match Target::parse(name, self.resource_type) {
            Ok(target) => self.write(op, target, name, value),
            Err(error) if name.contains('[') => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Adds or replaces; what only the server may write is left out.
    fn write(
        &mut self,
        op: Op,
        target: Target,
        written: &str,
        value: &Value,
    ) -> Result<(), ScimError> {
        match target {
            Target::NotHeld => Ok(()),
            Target::Schema(schema) => self.write_schema(op, schema, value),
            Target::Attribute(path) => self.write_attribute(op, path, value),
            Target::Elements(path, filter) => {
                if is_writable(path) {
                    let edit = read_edit(op, path, value)?;
                    self.edit(path, Some(filter), written, edit);
                }
                Ok(())
            }
        }
    }

    fn write_schema(
        &mut self,
        op: Op,
        schema: &'static Schema,
        value: &Value,
    ) -> Result<(), ScimError> {
        match value {
            Value::Null => self.remove_schema(schema),
            Value::Object(members) => {
                for (name, value) in members {
                    if let Some(path) = self.resource_type.find_in(schema, name) {
                        self.write_attribute(op, path, value)?;
                    }
                }
            }
            _ => {
                return Err(ScimError::value(format!(
                    "`{}` must be an object",
                    schema.id
                )));
            }
        }
        Ok(())
    }

    fn write_attribute(
        &mut self,
        op: Op,
        path: AttributePath,
        value: &Value,
    ) -> Result<(), ScimError> {
        if !is_writable(path) {
            return Ok(());
        }
        let several = path.attribute.multi_valued;
        if several && path.sub.is_some() {
            let edit = read_edit(op, path, value)?;
            self.edit(path, None, &path.to_string(), edit);
            return Ok(());
        }
        if path.target().kind == Kind::Complex && !several {
            return self.write_parts(path, value);
        }
        match coerce(path.target(), value, &path.to_string())? {
            Some(Value::Array(added)) if op == Op::Add => {
                self.changes.push(Change::Add(path, added));
            }
            None if op == Op::Add && several => {}
            value => self.changes.push(Change::Set(path, value)),
        }
        Ok(())
    }

    /// A complex attribute of one value: what is not mentioned stays.
    fn write_parts(&mut self, path: AttributePath, value: &Value) -> Result<(), ScimError> {
        if is_unassigned(value) {
            self.changes.push(Change::Set(path, None));
            return Ok(());
        }
        let parts = read_parts(path, value)?;
        self.changes.extend(parts.into_iter().map(|(sub, value)| {
            let sub = Some(sub);
            Change::Set(AttributePath { sub, ..path }, value)
        }));
        Ok(())
    }

    fn remove(
        &mut self,
        target: Target,
        written: &str,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        match (target, value) {
            (Target::NotHeld, _) => {}
            (Target::Schema(schema), _) => self.remove_schema(schema),
            (Target::Elements(path, filter), _) => {
                self.edit(path, Some(filter), written, removal(path));
            }
            (Target::Attribute(path), _) if path.attribute.multi_valued && path.sub.is_some() => {
                self.edit(path, None, written, removal(path));
            }
            // Who names no value by mistake does not mean all of them.
            (Target::Attribute(path), Some(Value::Null)) if path.attribute.multi_valued => {
                return Err(ScimError::value(format!(
                    "`value` must name the values of `{path}` to remove, or be left out to remove all"
                )));
            }
            (Target::Attribute(path), Some(value)) if path.attribute.multi_valued => {
                if let Some(Value::Array(values)) =
                    coerce(path.attribute, value, &path.to_string())?
                {
                    self.changes.push(Change::Discard(path, values));
                }
            }
            (Target::Attribute(path), _) => self.changes.push(Change::Set(path, None)),
        }
        Ok(())
    }

    fn remove_schema(&mut self, schema: &'static Schema) {
        let paths = schema
            .attributes
            .iter()
            .filter_map(|attribute| self.resource_type.find_in(schema, attribute.name));
        self.changes.extend(
            paths
                .filter(|path| is_writable(*path))
                .map(|path| Change::Set(path, None)),
        );
    }

    fn edit(&mut self, path: AttributePath, filter: Option<Filter>, written: &str, edit: Edit) {
        let selection = Selection {
            path: AttributePath { sub: None, ..path },
            filter,
            written: written.to_owned(),
        };
        self.changes.push(Change::Edit(selection, edit));
    }
}

fn read_op(op: Option<&Value>) -> Result<Op, ScimError> {
    let op = op.and_then(Value::as_str).unwrap_or_default();
    [
        ("add", Op::Add),
        ("replace", Op::Replace),
        ("remove", Op::Remove),
    ]
    .into_iter()
    .find(|(name, _)| op.eq_ignore_ascii_case(name))
    .map(|(_, op)| op)
    .ok_or_else(|| ScimError::syntax("`op` must be `add`, `replace` or `remove`"))
}

/// An empty path is none.
fn read_path(path: Option<&Value>) -> Result<Option<&str>, ScimError> {
    match path {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(path)) => Ok(Some(path.trim()).filter(|path| !path.is_empty())),
        Some(_) => Err(ScimError::invalid(
            ScimType::InvalidPath,
            "`path` must be a string",
        )),
    }
}

/// Whether a client may write what the path names. `schemas` follows from the other attributes.
fn is_writable(path: AttributePath) -> bool {
    !path.attribute.is_left_out()
        && !path.target().is_left_out()
        && path.attribute.name != "schemas"
}

/// RFC 7643 §2.5: null and the empty array are the same.
fn is_unassigned(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// What adding or replacing makes of the selected values.
fn read_edit(op: Op, path: AttributePath, value: &Value) -> Result<Edit, ScimError> {
    if let Some(sub) = path.sub {
        let value = coerce(sub, value, &path.to_string())?;
        return Ok(Edit::Merge(vec![(sub, value)]));
    }
    if is_unassigned(value) {
        return Ok(Edit::Remove);
    }
    let parts = read_parts(path, value)?;
    Ok(if op == Op::Replace {
        Edit::Replace(parts)
    } else {
        Edit::Merge(parts)
    })
}

/// What removing makes of the selected values.
fn removal(path: AttributePath) -> Edit {
    match path.sub {
        Some(sub) => Edit::Merge(vec![(sub, None)]),
        None => Edit::Remove,
    }
}

/// The parts of one complex value. It may come in an array of one (Entra ID's `manager`), or as the text of its `value`.
fn read_parts(path: AttributePath, value: &Value) -> Result<Parts, ScimError> {
    match value {
        Value::Object(members) => with_value(path.target(), members)
            .iter()
            .filter_map(|(name, value)| Some((path.part(name)?, value)))
            .filter(|(part, _)| is_writable(*part))
            .map(|(part, value)| {
                let value = coerce(part.target(), value, &part.to_string())?;
                Ok((part.target(), value))
            })
            .collect(),
        Value::String(_) if let Some(part) = path.part("value") => {
            let value = coerce(part.target(), value, &part.to_string())?;
            Ok(vec![(part.target(), value)])
        }
        Value::Array(values) if let [only] = values.as_slice() => read_parts(path, only),
        _ => Err(ScimError::value(format!("`{path}` must be an object"))),
    }
}

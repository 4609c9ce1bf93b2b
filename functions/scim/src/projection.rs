//! Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644 §3.9) with each attribute's `returned`.
//!
//! This is also where `schemas` is made. Nothing is fetched here; [`Projection::wants`] tells whether fetching is worth it.

use serde_json::{Map, Value};

use crate::{
    error::ScimError,
    resource::Resource,
    schema::{AttributePath, ResourceType, Returned, Schema},
};

#[cfg(test)]
mod tests;

/// Which attributes an answer has.
#[derive(Debug, Clone)]
pub struct Projection {
    resource_type: &'static ResourceType,
    choice: Choice,
}

#[derive(Debug, Clone)]
enum Choice {
    Default,
    Only(Vec<Named>),
    Without(Vec<Named>),
}

/// What a client named: all of a schema, or an attribute.
#[derive(Debug, Clone)]
enum Named {
    Schema(&'static Schema),
    Attribute(AttributePath),
}

impl Projection {
    /// Reads the names, separated by commas, that `attributes` and `excludedAttributes` have.
    ///
    /// RFC 7644 §3.9 lets a client use one of the two, so both is a mistake. A name that we do not have selects nothing:
    /// clients ask for all that they know, `photos` and `roles` among it.
    pub fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
        resource_type: &'static ResourceType,
    ) -> Result<Self, ScimError> {
        let given = |names: Option<&'_ str>| names.is_some_and(|names| !names.trim().is_empty());
        let choice = match (attributes, excluded) {
            (only, without) if given(only) && given(without) => {
                return Err(ScimError::value(
                    "only one of `attributes` and `excludedAttributes` may be given",
                ));
            }
            (Some(only), _) if given(attributes) => Choice::Only(resolve(only, resource_type)),
            (_, Some(without)) => Choice::Without(resolve(without, resource_type)),
            _ => Choice::Default,
        };
        Ok(Self {
            resource_type,
            choice,
        })
    }

    /// Whether the client leaves the choice to us.
    pub(crate) fn is_default(&self) -> bool {
        matches!(self.choice, Choice::Default)
    }

    /// Of what it is a projection.
    pub(crate) fn resource_type(&self) -> &'static ResourceType {
        self.resource_type
    }

    /// Whether an answer has this attribute, provided that the resource has it.
    pub fn wants(&self, path: &str) -> bool {
        self.resource_type.find(path).is_some_and(|path| {
            let whole = AttributePath { sub: None, ..path };
            self.returns(whole) && (path.sub.is_none() || self.returns(path))
        })
    }

    /// The resource as it is answered, `schemas` included.
    pub fn project(&self, mut resource: Resource) -> Resource {
        let ResourceType {
            schema, extensions, ..
        } = self.resource_type;
        let mut answer = Resource::new();
        // The core schema, and the extensions that are used (RFC 7643 §3): an empty namespace is not announced.
        let mut schemas = vec![schema.id];
        for extension in *extensions {
            if let Some(Value::Object(attributes)) = resource.remove(extension.id) {
                let attributes = self.project_schema(extension, attributes);
                if !attributes.is_empty() {
                    schemas.push(extension.id);
                    answer.insert(extension.id.to_owned(), Value::Object(attributes));
                }
            }
        }
        answer.append(&mut self.project_schema(schema, resource));
        answer.insert("schemas".to_owned(), schemas.into());
        answer
    }

    fn project_schema(
        &self,
        schema: &'static Schema,
        attributes: Map<String, Value>,
    ) -> Map<String, Value> {
        attributes
            .into_iter()
            .filter_map(|(name, value)| {
                let path = self.resource_type.find_in(schema, &name)?;
                self.returns(path).then_some(())?;
                Some((name, self.project_value(path, value)?))
            })
            .collect()
    }

    /// Takes the sub-attributes out that are not returned, and the value with the last of them.
    fn project_value(&self, path: AttributePath, value: Value) -> Option<Value> {
        match value {
            Value::Array(values) => {
                let values: Vec<Value> = values
                    .into_iter()
                    .filter_map(|value| self.project_value(path, value))
                    .collect();
                (!values.is_empty()).then_some(Value::Array(values))
            }
            Value::Object(mut parts) => {
                parts.retain(|name, _| {
                    let sub = path.attribute.sub_attribute(name);
                    sub.is_some() && self.returns(AttributePath { sub, ..path })
                });
                (!parts.is_empty()).then_some(Value::Object(parts))
            }
            value => Some(value),
        }
    }

    fn returns(&self, path: AttributePath) -> bool {
        match (path.target().returned, &self.choice) {
            (Returned::Always, _) | (Returned::Default, Choice::Default) => true,
            (Returned::Never, _) | (Returned::Request, Choice::Default | Choice::Without(_)) => {
                false
            }
            (Returned::Default, Choice::Without(named)) => {
                !named.iter().any(|named| self.covers(named, path))
            }
            (Returned::Default | Returned::Request, Choice::Only(named)) => named
                .iter()
                .any(|named| self.covers(named, path) || is_part_of(named, path)),
        }
    }

    /// Whether the whole of `path` is named.
    fn covers(&self, named: &Named, path: AttributePath) -> bool {
        match named {
            Named::Schema(schema) => {
                schema.id == path.extension.unwrap_or(self.resource_type.schema.id)
            }
            Named::Attribute(named) => {
                *named == path || *named == AttributePath { sub: None, ..path }
            }
        }
    }
}

/// Whether a part of `path` is named: what has it is returned, with that part alone.
fn is_part_of(named: &Named, path: AttributePath) -> bool {
    match named {
        Named::Schema(_) => false,
        Named::Attribute(named) => {
            AttributePath {
                sub: None,
                ..*named
            } == path
        }
    }
}

fn resolve(names: &str, resource_type: &'static ResourceType) -> Vec<Named> {
    names
        .split(',')
        .map(str::trim)
        .filter_map(|name| {
            resource_type
                .schema_with_urn(name)
                .map(Named::Schema)
                .or_else(|| resource_type.find(name).map(Named::Attribute))
        })
        .collect()
}

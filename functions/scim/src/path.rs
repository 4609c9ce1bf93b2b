//! What a path points at (RFC 7644 §3.10, §3.5.2): an attribute of the table, values of it, or a whole schema. What is done with
//! it is for the caller.

use scim_v2::filter::{AttrPath, PatchPath};
use serde_json::Value;

use crate::{
    ScimError, ScimType,
    filter::Filter,
    grammar::parse_path,
    resource::Resource,
    schema::{AttributePath, ResourceType, Schema},
};

impl AttributePath {
    /// The path to a part of this attribute, by its name in any case.
    pub(crate) fn part(self, name: &str) -> Option<Self> {
        let sub = self.attribute.sub_attribute(name)?;
        self.sub.is_none().then_some(Self {
            sub: Some(sub),
            ..self
        })
    }

    /// Whether this is `meta.resourceType`, which all resources of one type share.
    pub(crate) fn is_resource_type(self) -> bool {
        self.attribute.name == "meta" && self.sub.is_some_and(|sub| sub.name == "resourceType")
    }

    /// The value that a resource has for the attribute: for all of it, whatever part the path names.
    pub(crate) fn whole(self, resource: &Resource) -> Option<&Value> {
        match self.extension {
            Some(urn) => resource.get(urn)?.get(self.attribute.name),
            None => resource.get(self.attribute.name),
        }
    }
}

/// The attribute that a filter names.
pub(crate) fn resolve(
    written: &AttrPath,
    resource_type: &ResourceType,
) -> Result<AttributePath, ScimError> {
    let written = written.to_string();
    resource_type
        .find(&written)
        .ok_or_else(|| unknown(&written, resource_type, ScimType::InvalidFilter))
}

/// What the path of a PATCH operation points at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// A whole schema, by its URN.
    Schema(&'static Schema),
    /// An attribute, or a part of one.
    Attribute(AttributePath),
    /// The values of an attribute that fit a filter, or a part of each.
    Elements(AttributePath, Filter),
    /// What the RFC has and JumpCloud cannot hold: nothing comes of it.
    NotHeld,
}

impl Target {
    /// Reads a path.
    pub(crate) fn parse(text: &str, resource_type: &ResourceType) -> Result<Self, ScimError> {
        let text = text.trim();
        if let Some(schema) = resource_type.schema_with_urn(text) {
            return Ok(Self::Schema(schema));
        }
        // Most paths are a name that the table knows: the grammar is for the others.
        if let Some(path) = resource_type.find(text) {
            return Ok(Self::Attribute(path));
        }
        let (written, filter, sub) = match parse_path(text)? {
            PatchPath::Attr(written) => (written.to_string(), None, None),
            PatchPath::Value(value) => (value.attr.to_string(), Some(value.filter), value.sub_attr),
        };
        let full = match &sub {
            Some(sub) => format!("{written}.{sub}"),
            None => written.clone(),
        };
        let Some(path) = resource_type.find(&full) else {
            return if resource_type.is_known_but_not_held(&full) {
                Ok(Self::NotHeld)
            } else {
                Err(unknown(&full, resource_type, ScimType::InvalidPath))
            };
        };
        let Some(filter) = filter else {
            return Ok(Self::Attribute(path));
        };
        // `emails.value[…]` would otherwise pass for `emails[…].value`.
        let selects_whole_values = path.sub.is_some() == sub.is_some();
        if !path.attribute.multi_valued || !selects_whole_values {
            let detail = format!("`{written}` has not several values to select from");
            return Err(ScimError::invalid(ScimType::InvalidPath, detail));
        }
        Ok(Self::Elements(
            path,
            Filter::of_elements(&filter, AttributePath { sub: None, ..path })?,
        ))
    }
}

fn unknown(written: &str, resource_type: &ResourceType, kind: ScimType) -> ScimError {
    let detail = format!("`{written}` is no attribute of a {}", resource_type.name);
    ScimError::invalid(kind, detail)
}

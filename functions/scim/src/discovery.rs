//! What the service says of itself (RFC 7643 §5 to §7, RFC 7644 §4), rendered from the table of schemas.
//!
//! `base` is the absolute URL of the SCIM endpoint, without a slash at its end.

use serde_json::{Map, Value, json};

use crate::{
    error::ScimError,
    list::{CURSOR_TIMEOUT_SECONDS, MAX_PAGE, Paging, list_response},
    resource::{MAX_PAYLOAD_BYTES, Resource},
    schema::{
        Attribute, Kind, Mutability, RESOURCE_TYPES, ResourceType, Returned, Schema, Uniqueness,
    },
};

#[cfg(test)]
mod tests;

/// The most operations in one bulk request.
pub const MAX_BULK_OPERATIONS: usize = 50;

const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Refuses a filter: whoever sends one to a discovery endpoint would take the full answer for a filtered one (RFC 7644 §4).
pub fn refuse_filter(query: &str) -> Result<(), ScimError> {
    let is_filter = |name: &str| name.eq_ignore_ascii_case("filter");
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_filter(&name)) {
        return Err(ScimError::Forbidden(
            "`filter` is not supported here: ask without it".to_owned(),
        ));
    }
    Ok(())
}

/// `/ServiceProviderConfig`.
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG_URN],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": MAX_BULK_OPERATIONS,
            "maxPayloadSize": MAX_PAYLOAD_BYTES,
        },
        "filter": {"supported": true, "maxResults": MAX_PAGE},
        "changePassword": {"supported": true},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": MAX_PAGE,
            "maxPageSize": MAX_PAGE,
            "cursorTimeout": CURSOR_TIMEOUT_SECONDS,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token that this service knows, as `Authorization: Bearer` or `x-api-key`.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

/// `/ResourceTypes`.
pub fn resource_types(base: &str) -> Value {
    all(RESOURCE_TYPES
        .iter()
        .map(|resource_type| render_resource_type(resource_type, base)))
}

/// `/ResourceTypes/{name}`.
pub fn resource_type(name: &str, base: &str) -> Result<Value, ScimError> {
    RESOURCE_TYPES
        .iter()
        .find(|resource_type| resource_type.name == name)
        .map(|resource_type| Value::Object(render_resource_type(resource_type, base)))
        .ok_or_else(|| ScimError::NotFound("there is no resource type of this name".to_owned()))
}

/// `/Schemas`.
pub fn schemas(base: &str) -> Value {
    all(every_schema().map(|schema| render_schema(schema, base)))
}

/// `/Schemas/{urn}`.
pub fn schema(urn: &str, base: &str) -> Result<Value, ScimError> {
    every_schema()
        .find(|schema| schema.id.eq_ignore_ascii_case(urn))
        .map(|schema| Value::Object(render_schema(schema, base)))
        .ok_or_else(|| ScimError::NotFound("there is no schema of this URN".to_owned()))
}

fn every_schema() -> impl Iterator<Item = &'static Schema> {
    RESOURCE_TYPES
        .iter()
        .flat_map(|resource_type| resource_type.schemas())
}

fn all(resources: impl Iterator<Item = Resource>) -> Value {
    let resources: Vec<Resource> = resources.collect();
    let total = resources.len() as u64;
    list_response(resources, total, Paging::Index(1))
}

fn render_resource_type(resource_type: &ResourceType, base: &str) -> Resource {
    let ResourceType {
        name,
        endpoint,
        description,
        schema,
        extensions,
    } = resource_type;
    let extensions: Vec<Value> = extensions
        .iter()
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    object([
        ("schemas", json!([RESOURCE_TYPE_URN])),
        ("id", json!(name)),
        ("name", json!(name)),
        ("endpoint", json!(endpoint)),
        ("description", json!(description)),
        ("schema", json!(schema.id)),
        ("schemaExtensions", json!(extensions)),
        (
            "meta",
            json!({"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")}),
        ),
    ])
}

fn render_schema(schema: &Schema, base: &str) -> Resource {
    let Schema {
        id,
        name,
        description,
        attributes,
        not_held: _,
    } = schema;
    object([
        ("schemas", json!([SCHEMA_URN])),
        ("id", json!(id)),
        ("name", json!(name)),
        ("description", json!(description)),
        ("attributes", render_attributes(attributes)),
        (
            "meta",
            json!({"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")}),
        ),
    ])
}

fn render_attributes(attributes: &[Attribute]) -> Value {
    attributes.iter().map(render_attribute).collect()
}

fn render_attribute(attribute: &Attribute) -> Value {
    let Attribute {
        name,
        kind,
        multi_valued,
        description,
        required,
        case_exact,
        mutability,
        returned,
        uniqueness,
        canonical_values,
        closed: _,
        reference_types,
        max_length: _,
        sub_attributes,
    } = attribute;
    let mut rendered = object([
        ("name", json!(name)),
        ("type", json!(kind_name(*kind))),
        ("multiValued", json!(multi_valued)),
        ("description", json!(description)),
        ("required", json!(required)),
        ("caseExact", json!(case_exact)),
        ("mutability", json!(mutability_name(*mutability))),
        ("returned", json!(returned_name(*returned))),
        ("uniqueness", json!(uniqueness_name(*uniqueness))),
    ]);
    if !canonical_values.is_empty() {
        rendered.insert("canonicalValues".to_owned(), json!(canonical_values));
    }
    if !reference_types.is_empty() {
        rendered.insert("referenceTypes".to_owned(), json!(reference_types));
    }
    if !sub_attributes.is_empty() {
        rendered.insert(
            "subAttributes".to_owned(),
            render_attributes(sub_attributes),
        );
    }
    Value::Object(rendered)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::DateTime => "dateTime",
        Kind::Reference => "reference",
        Kind::Complex => "complex",
    }
}

fn mutability_name(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned_name(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

fn uniqueness_name(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

//! What the service says of itself, word for word.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    refuse_filter, resource_type, resource_types, schema, schemas, service_provider_config,
};
use crate::schema::{ENTERPRISE_URN, GROUP_URN, USER_URN};

const BASE: &str = "https://example.com/scim/v2";

#[test]
fn the_configuration_tells_what_is_supported() {
    insta::assert_snapshot!(format!("{:#}", service_provider_config(BASE)), @r#"
    {
      "authenticationSchemes": [
        {
          "description": "A token that this service knows, as `Authorization: Bearer` or `x-api-key`.",
          "name": "Bearer token",
          "primary": true,
          "specUri": "https://www.rfc-editor.org/info/rfc6750",
          "type": "oauthbearertoken"
        }
      ],
      "bulk": {
        "maxOperations": 50,
        "maxPayloadSize": 1048576,
        "supported": true
      },
      "changePassword": {
        "supported": true
      },
      "etag": {
        "supported": true
      },
      "filter": {
        "maxResults": 100,
        "supported": true
      },
      "meta": {
        "location": "https://example.com/scim/v2/ServiceProviderConfig",
        "resourceType": "ServiceProviderConfig"
      },
      "pagination": {
        "cursor": true,
        "cursorTimeout": 3600,
        "defaultPageSize": 100,
        "defaultPaginationMethod": "index",
        "index": true,
        "maxPageSize": 100
      },
      "patch": {
        "supported": true
      },
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
      ],
      "sort": {
        "supported": true
      }
    }
    "#);
}

#[test]
fn the_resource_types_name_their_schemas() {
    insta::assert_snapshot!(format!("{:#}", resource_types(BASE)), @r#"
    {
      "Resources": [
        {
          "description": "A JumpCloud user.",
          "endpoint": "/Users",
          "id": "User",
          "meta": {
            "location": "https://example.com/scim/v2/ResourceTypes/User",
            "resourceType": "ResourceType"
          },
          "name": "User",
          "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
          "schemaExtensions": [
            {
              "required": false,
              "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            }
          ],
          "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
          ]
        },
        {
          "description": "A JumpCloud user group.",
          "endpoint": "/Groups",
          "id": "Group",
          "meta": {
            "location": "https://example.com/scim/v2/ResourceTypes/Group",
            "resourceType": "ResourceType"
          },
          "name": "Group",
          "schema": "urn:ietf:params:scim:schemas:core:2.0:Group",
          "schemaExtensions": [],
          "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
          ]
        }
      ],
      "itemsPerPage": 2,
      "schemas": [
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
      ],
      "startIndex": 1,
      "totalResults": 2
    }
    "#);
    assert_eq!(
        resource_type("Group", BASE).unwrap(),
        resource_types(BASE)["Resources"][1]
    );
}

#[test]
fn the_group_schema_is_rendered_from_the_table() {
    insta::assert_snapshot!(format!("{:#}", schema(GROUP_URN, BASE).unwrap()), @r#"
    {
      "attributes": [
        {
          "caseExact": false,
          "description": "The name of the group.",
          "multiValued": false,
          "mutability": "readWrite",
          "name": "displayName",
          "required": true,
          "returned": "default",
          "type": "string",
          "uniqueness": "server"
        },
        {
          "caseExact": false,
          "description": "The users who are direct members.",
          "multiValued": true,
          "mutability": "readWrite",
          "name": "members",
          "required": false,
          "returned": "default",
          "subAttributes": [
            {
              "caseExact": true,
              "description": "The id of the member's user.",
              "multiValued": false,
              "mutability": "immutable",
              "name": "value",
              "required": true,
              "returned": "default",
              "type": "string",
              "uniqueness": "none"
            },
            {
              "caseExact": true,
              "description": "The URI of the member's user.",
              "multiValued": false,
              "mutability": "immutable",
              "name": "$ref",
              "referenceTypes": [
                "User"
              ],
              "required": false,
              "returned": "default",
              "type": "reference",
              "uniqueness": "none"
            },
            {
              "canonicalValues": [
                "User"
              ],
              "caseExact": false,
              "description": "What the member is.",
              "multiValued": false,
              "mutability": "immutable",
              "name": "type",
              "required": false,
              "returned": "default",
              "type": "string",
              "uniqueness": "none"
            }
          ],
          "type": "complex",
          "uniqueness": "none"
        }
      ],
      "description": "A JumpCloud user group.",
      "id": "urn:ietf:params:scim:schemas:core:2.0:Group",
      "meta": {
        "location": "https://example.com/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group",
        "resourceType": "Schema"
      },
      "name": "Group",
      "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:Schema"
      ]
    }
    "#);
}

/// A line for each attribute: what differs from optional, single-valued text to read and write.
fn outline(attributes: &Value, indent: &str) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.as_array().unwrap() {
        let mut words = vec![
            attribute["name"].as_str().unwrap(),
            attribute["type"].as_str().unwrap(),
        ];
        for (flag, word) in [
            ("multiValued", "several"),
            ("required", "required"),
            ("caseExact", "caseExact"),
        ] {
            if attribute[flag] == true {
                words.push(word);
            }
        }
        for (key, usual) in [
            ("mutability", "readWrite"),
            ("returned", "default"),
            ("uniqueness", "none"),
        ] {
            if attribute[key] != usual {
                words.push(attribute[key].as_str().unwrap());
            }
        }
        for key in ["canonicalValues", "referenceTypes"] {
            let values = attribute[key].as_array().into_iter().flatten();
            words.extend(values.map(|value| value.as_str().unwrap()));
        }
        lines.push(format!("{indent}{}", words.join(" ")));
        if let Some(parts) = attribute.get("subAttributes") {
            lines.push(outline(parts, &format!("{indent}  ")));
        }
    }
    lines.join("\n")
}

#[test]
fn the_user_schema_is_rendered_from_the_table() {
    insta::assert_snapshot!(outline(&schema(USER_URN, BASE).unwrap()["attributes"], ""), @r"
    userName string required server
    name complex
      familyName string
      givenName string
      middleName string
    displayName string
    title string
    userType string
    locale string
    active boolean
    password string caseExact writeOnly never
    emails complex several required
      value string required
      type string work home
      primary boolean
    phoneNumbers complex several
      value string required
      type string work home mobile work_mobile work_fax
    addresses complex several
      streetAddress string
      locality string
      region string
      postalCode string
      country string
      type string work home
    groups complex several readOnly request
      value string caseExact readOnly
      $ref reference caseExact readOnly Group
      type string readOnly direct
    ");
}

#[test]
fn the_enterprise_schema_is_rendered_from_the_table() {
    insta::assert_snapshot!(outline(&schema(ENTERPRISE_URN, BASE).unwrap()["attributes"], ""), @r"
    employeeNumber string caseExact server
    costCenter string
    organization string
    department string
    manager complex
      value string caseExact
      $ref reference caseExact User
    ");
}

#[test]
fn the_list_has_each_schema_once_as_it_is_found_alone() {
    let list = schemas(BASE);
    let listed = list["Resources"].as_array().unwrap();
    let urns: BTreeSet<&str> = listed
        .iter()
        .map(|schema| schema["id"].as_str().unwrap())
        .collect();
    assert_eq!(urns, BTreeSet::from([USER_URN, ENTERPRISE_URN, GROUP_URN]));
    assert_eq!(list["totalResults"], listed.len());
    for found in listed {
        let urn = found["id"].as_str().unwrap();
        assert_eq!(&schema(&urn.to_lowercase(), BASE).unwrap(), found);
        assert_eq!(found["meta"]["location"], format!("{BASE}/Schemas/{urn}"));
    }
}

#[test]
fn an_unknown_id_is_not_found() {
    for error in [resource_type("Device", BASE), schema("urn:example", BASE)] {
        assert_eq!(error.unwrap_err().status(), 404);
    }
}

#[test]
fn a_filter_is_refused_and_anything_else_ignored() {
    for (query, status) in [
        ("", None),
        ("count=1&attributes=id", None),
        ("count=1&filter=id+pr", Some(403)),
        ("Filter", Some(403)),
    ] {
        assert_eq!(
            refuse_filter(query).err().map(|error| error.status()),
            status,
            "{query}"
        );
    }
}

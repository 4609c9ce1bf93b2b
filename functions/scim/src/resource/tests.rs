//! What clients send, and what is read from it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MAX_PAYLOAD_BYTES, Resource, coerce, parse_json, read};
use crate::{
    ScimType,
    schema::{ENTERPRISE_URN, GROUP, GROUP_URN, USER, USER_URN},
};

/// A user with no more than what is required, and the members of `extra`.
fn user(extra: Value) -> Value {
    let mut body =
        json!({"userName": "ada", "emails": [{"value": "ada@example.com", "type": "work"}]});
    if let (Some(body), Value::Object(mut extra)) = (body.as_object_mut(), extra) {
        body.append(&mut extra);
    }
    body
}

#[track_caller]
fn reads_as(extra: Value, expected: Value) {
    let sent = user(extra);
    let read = read(&sent, &USER).map(Value::Object);
    assert_eq!(read, Ok(user(expected)), "{sent}");
}

#[track_caller]
fn refused(extra: Value, scim_type: ScimType, detail: &str) {
    let sent = user(extra);
    let error = read(&sent, &USER).expect_err("a refusal");
    assert_eq!(
        (error.scim_type(), error.to_string().as_str()),
        (Some(scim_type), detail),
        "{sent}"
    );
}

#[test]
fn names_are_read_in_any_case_and_spelling() {
    for extra in [
        json!({"name": {"givenName": "Ada", "familyName": "Zed"}}),
        json!({"NAME": {"GIVENNAME": "Ada", "familyname": "Zed"}}),
        json!({"name.givenName": "Ada", "Name.FamilyName": "Zed"}),
        json!({"name": {"givenName": "Ada"}, "name.familyName": "Zed"}),
        json!({format!("{USER_URN}:name.givenName"): "Ada", "name": {"familyName": "Zed"}}),
        json!({USER_URN: {"name": {"givenName": "Ada", "familyName": "Zed"}}}),
        json!({USER_URN.to_uppercase(): {"name.givenName": "Ada", "name.familyName": "Zed"}}),
    ] {
        reads_as(
            extra,
            json!({"name": {"givenName": "Ada", "familyName": "Zed"}}),
        );
    }
}

#[test]
fn an_extension_is_read_in_any_spelling() {
    for extra in [
        json!({ENTERPRISE_URN: {"costCenter": "42", "manager": {"value": "m1"}}}),
        json!({ENTERPRISE_URN.to_lowercase(): {"COSTCENTER": "42", "manager": "m1"}}),
        json!({ENTERPRISE_URN: {"manager": "m1"}, "costCenter": "42"}),
        json!({"costCenter": "42", "manager.value": "m1"}),
        json!({"costCenter": "42", "manager": {"$ref": "https://any.example/Users/m1"}}),
        json!({"costCenter": "42", "manager": {"$ref": "../Users/m2", "value": "m1"}}),
        json!({format!("{ENTERPRISE_URN}:costCenter"): "42", format!("{ENTERPRISE_URN}:manager.value"): "m1"}),
        json!({"costCenter": "42", ENTERPRISE_URN: {"costCenter": "42", "manager.value": "m1"}}),
    ] {
        reads_as(
            extra,
            json!({ENTERPRISE_URN: {"costCenter": "42", "manager": {"value": "m1"}}}),
        );
    }
}

#[test]
fn what_cannot_be_kept_is_left_out() {
    for extra in [
        json!({"id": "mine", "meta": {"version": 3}, "groups": [{"value": "g1"}]}),
        json!({"nickName": "A", "photos": [{"value": 1}], "roles": "x", "timezone": null}),
        json!({"name": {"formatted": "Ada Zed", "honorificPrefix": "Dr"}}),
        json!({"name.formatted": "Ada Zed", "shoeSize": {"eu": 40}}),
        json!({"urn:example:2.0:User": {"shoeSize": 40}}),
        json!({ENTERPRISE_URN: {"division": "East", "manager": {"displayName": "Bo", "$ref": 1}}}),
        json!({ENTERPRISE_URN: {}}),
    ] {
        reads_as(extra, json!({}));
    }
}

#[test]
fn null_and_empty_mean_unassigned() {
    for extra in [
        json!({"title": null, "name": null, "phoneNumbers": null, ENTERPRISE_URN: null}),
        json!({"title": "", "name": {}, "phoneNumbers": [], ENTERPRISE_URN: []}),
        json!({"title": [], "active": "", "name": {"givenName": null}, "phoneNumbers": [null]}),
        json!({"phoneNumbers": [{"type": "work", "value": ""}], "addresses": [{}]}),
        json!({"costCenter": "", "manager": {"value": ""}}),
    ] {
        reads_as(extra, json!({}));
    }
}

#[test]
fn one_value_is_accepted_where_several_are_expected() {
    let phone = json!({"phoneNumbers": [{"value": "+1 5"}]});
    for extra in [
        json!({"phoneNumbers": [{"value": "+1 5"}]}),
        json!({"phoneNumbers": {"value": "+1 5"}}),
        json!({"phoneNumbers": ["+1 5"]}),
        json!({"phoneNumbers": "+1 5"}),
    ] {
        reads_as(extra, phone.clone());
    }
}

#[test]
fn booleans_are_read_from_their_names() {
    for (sent, kept) in [
        (json!(true), true),
        (json!("True"), true),
        (json!("false"), false),
    ] {
        reads_as(json!({"active": sent}), json!({"active": kept}));
    }
    for sent in [json!("yes"), json!(1), json!({"value": true})] {
        refused(
            json!({"active": sent}),
            ScimType::InvalidValue,
            "`active` must be true or false",
        );
    }
}

#[test]
fn canonical_values_take_their_own_spelling() {
    reads_as(
        json!({"phoneNumbers": [{"value": "1", "type": "Work"}, {"value": "2", "type": "Pager"}]}),
        json!({"phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "Pager"}]}),
    );
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    let long = "x".repeat(1025);
    for (extra, detail) in [
        (json!({"title": 1}), "`title` must be a string"),
        (json!({"title": ["a"]}), "`title` must be a string"),
        (json!({"name": "Ada"}), "`name` must be an object"),
        (
            json!({"name": {"givenName": true}}),
            "`name.givenName` must be a string",
        ),
        (
            json!({"name.givenName": true}),
            "`name.givenName` must be a string",
        ),
        (
            json!({"title": long}),
            "`title` may be at most 1024 characters long",
        ),
        (
            json!({"emails": [{"type": "work"}]}),
            "`emails.value` is required",
        ),
        (
            json!({"emails": [{"value": "a", "type": "other"}]}),
            "`emails.type` must be one of `work`, `home`",
        ),
        (
            json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]}),
            "only one of `emails` may have `primary` true",
        ),
        (json!({"emails": [7]}), "`emails` must be an object"),
        (json!({"emails": null}), "`emails` is required"),
        (json!({"userName": ""}), "`userName` is required"),
        (
            json!({"costCenter": "1", ENTERPRISE_URN: {"costCenter": "2"}}),
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter` is given twice, with different values",
        ),
        (
            json!({"name.givenName": "A", "name": {"givenName": "B"}}),
            "`name.givenName` is given twice, with different values",
        ),
        (
            json!({ENTERPRISE_URN: "x"}),
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User` must be an object",
        ),
        (
            json!({ENTERPRISE_URN: {"manager": 5}}),
            "`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager` must be an object",
        ),
        (
            json!({"schemas": [1]}),
            "`schemas` must be an array of strings",
        ),
    ] {
        refused(extra, ScimType::InvalidValue, detail);
    }
    refused(
        json!({"emails.value": "a"}),
        ScimType::InvalidSyntax,
        "`emails.value` is a part of one of several values: send `emails` as an array of objects",
    );
}

#[test]
fn length_counts_characters() {
    let name = "é".repeat(1024);
    reads_as(json!({"title": name}), json!({"title": name}));
}

#[test]
fn schemas_may_be_missing_or_foreign_but_not_those_of_another_type() {
    for schemas in [
        json!(null),
        json!([]),
        json!([USER_URN]),
        json!(USER_URN),
        json!([USER_URN.to_uppercase()]),
        json!([ENTERPRISE_URN, USER_URN]),
        json!(["urn:scim:schemas:core:1.0"]),
    ] {
        reads_as(json!({"Schemas": schemas}), json!({}));
    }
    for schemas in [json!([GROUP_URN]), json!([ENTERPRISE_URN])] {
        refused(
            json!({"schemas": schemas}),
            ScimType::InvalidSyntax,
            "`schemas` must name `urn:ietf:params:scim:schemas:core:2.0:User`",
        );
    }
}

#[test]
fn a_group_takes_users_alone() {
    let group = |members: Value| read(&json!({"displayName": "Staff", "members": members}), &GROUP);
    assert_eq!(
        group(json!([{"value": "u1", "display": "Ada", "$ref": "x", "type": "user"}, "u2"]))
            .map(Value::Object),
        Ok(
            json!({"displayName": "Staff", "members": [{"value": "u1", "type": "User"}, {"value": "u2"}]})
        )
    );
    for (members, detail) in [
        (
            json!([{"value": "g1", "type": "Group"}]),
            "`members.type` must be one of `User`",
        ),
        (json!([{"display": "Ada"}]), "`members.value` is required"),
    ] {
        assert_eq!(group(members).unwrap_err().to_string(), detail);
    }
}

#[test]
fn a_body_that_is_no_clear_json_is_refused() {
    let deep = "[".repeat(200);
    for (body, detail) in [
        (&b""[..], "EOF while parsing"),
        (
            b"{\"userName\": \"a\", \"userName\": \"b\"}",
            "`userName` is given twice",
        ),
        (b"{\"a\": {\"x\": 1, \"X\": 1}}", "`X` is given twice"),
        (b"{\"a\": \"\xff\"}", "invalid unicode"),
        (b"{} {}", "trailing characters"),
        (deep.as_bytes(), "recursion limit"),
    ] {
        let error = parse_json(body).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
        assert!(error.to_string().contains(detail), "{error}");
    }
    assert_eq!(
        parse_json(&vec![b' '; MAX_PAYLOAD_BYTES + 1])
            .unwrap_err()
            .status(),
        413
    );
    for body in [json!([]), json!("x"), json!(null)] {
        assert_eq!(
            read(&body, &USER).unwrap_err().to_string(),
            "the body must be a JSON object"
        );
    }
}

#[test]
fn clear_json_is_read_as_it_is() {
    let body = json!({"a": [1, -2, 2.5, true, null, "x", {"b": {}}]});
    assert_eq!(parse_json(body.to_string().as_bytes()), Ok(body));
}

#[test]
fn a_sub_attribute_can_be_coerced_alone() {
    let path = USER.find("phoneNumbers.type").unwrap();
    assert_eq!(
        coerce(path.target(), &json!("MOBILE"), "phoneNumbers.type"),
        Ok(Some(json!("mobile")))
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,3}|True|work|.{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<String> = USER
        .schemas()
        .flat_map(|schema| schema.attributes)
        .flat_map(|attribute| {
            let parts = attribute.sub_attributes.iter();
            std::iter::once(attribute.name.to_owned())
                .chain(parts.clone().map(|part| part.name.to_owned()))
                .chain(parts.map(|part| format!("{}.{}", attribute.name, part.name)))
        })
        .chain(["schemas", "externalId", "members", ENTERPRISE_URN, USER_URN].map(str::to_owned))
        .collect();
    prop_oneof![4 => prop::sample::select(known), 1 => ".{0,4}"]
}

fn is_canonical(resource: &Resource) -> bool {
    fn assigned(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty() && values.iter().all(assigned),
            Value::Object(members) => !members.is_empty() && members.values().all(assigned),
            Value::Bool(_) | Value::Number(_) => true,
        }
    }
    resource.iter().all(|(name, value)| {
        assigned(value)
            && (name == ENTERPRISE_URN || USER.find(name).unwrap().attribute.name == name)
    })
}

proptest! {
    #[test]
    fn reading_never_panics_and_what_was_read_reads_the_same(
        members in prop::collection::btree_map(any_name(), any_json(), 0..5),
    ) {
        let body = user(Value::Object(members.into_iter().collect()));
        if let Ok(resource) = read(&body, &USER) {
            prop_assert!(is_canonical(&resource), "{resource:?}");
            prop_assert_eq!(read(&Value::Object(resource.clone()), &USER), Ok(resource));
        }
    }

    #[test]
    fn any_value_of_any_attribute_is_read_or_refused(name in any_name(), value in any_json()) {
        if let Some(path) = USER.find(&name)
            && let Ok(Some(kept)) = coerce(path.target(), &value, &name)
        {
            prop_assert_eq!(coerce(path.target(), &kept, &name), Ok(Some(kept)));
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
        let ours = parse_json(&body).ok();
        prop_assert!(ours.is_none() || ours == serde_json::from_slice(&body).ok());
    }
}

//! PATCH as clients send it, and as the RFC defines it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "tables of `json!` values read better without a `&` before each"
)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    resource::{self, Resource},
    schema::{ENTERPRISE_URN, GROUP, USER},
};

fn babs() -> Value {
    json!({
        "userName": "babs",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "title": "Guide",
        "active": true,
        "emails": [{ "value": "babs@example.com", "type": "work", "primary": true }],
        "phoneNumbers": [
            { "value": "+1 555", "type": "work" },
            { "value": "+1 556", "type": "mobile" },
        ],
        "addresses": [{ "type": "work", "locality": "Paris", "country": "FR" }],
        ENTERPRISE_URN: { "department": "Tours", "manager": { "value": "5f0" } },
    })
}

fn resource(value: Value) -> Resource {
    match value {
        Value::Object(resource) => resource,
        other => panic!("{other} is no object"),
    }
}

fn request(operations: &Value) -> Value {
    json!({ "schemas": [PATCH_OP_URN], "Operations": operations })
}

fn patch(operations: &Value) -> Result<Value, ScimError> {
    PatchRequest::read(&request(operations), &USER)?
        .apply(&resource(babs()), &USER)
        .map(Value::Object)
}

/// Babs, with the values at these JSON pointers set, or removed where they are null.
fn babs_with(changes: &[(&str, Value)]) -> Value {
    let mut babs = babs();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        match babs.pointer_mut(parent).unwrap() {
            Value::Array(values) if name == "-" => values.push(value.clone()),
            Value::Array(values) if value.is_null() => {
                values.remove(name.parse().unwrap());
            }
            Value::Array(values) => values[name.parse::<usize>().unwrap()] = value.clone(),
            Value::Object(members) if value.is_null() => {
                members.remove(&name).unwrap();
            }
            Value::Object(members) => {
                members.insert(name, value.clone());
            }
            other => panic!("{other} holds nothing"),
        }
    }
    babs
}

#[track_caller]
fn check(operations: Value, changes: &[(&str, Value)]) {
    let patched = patch(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
    assert_eq!(patched, babs_with(changes), "{operations}");
}

#[track_caller]
fn refused(operations: Value, expected: ScimType) {
    let error = patch(&operations).expect_err(&operations.to_string());
    assert_eq!(error.scim_type(), Some(expected), "{operations}: {error}");
}

/// `replace` of one path.
fn replace(path: &str, value: Value) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

fn add(path: &str, value: Value) -> Value {
    json!([{ "op": "add", "path": path, "value": value }])
}

fn remove(path: &str) -> Value {
    json!([{ "op": "remove", "path": path }])
}

fn department() -> String {
    format!("/{ENTERPRISE_URN}/department")
}

#[test]
fn okta_sends_objects_without_a_path() {
    check(
        json!([{ "op": "replace", "value": { "active": false } }]),
        &[("/active", json!(false))],
    );
    check(
        json!([{ "op": "replace", "value": { "password": "t1meMa$heen" } }]),
        &[("/password", json!("t1meMa$heen"))],
    );
    check(
        json!([{ "op": "replace", "value": {
            "id": "5f1",
            "meta": { "resourceType": "User" },
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "groups": [],
            "title": "Chief",
        } }]),
        &[("/title", json!("Chief"))],
    );
}

#[test]
fn entra_sends_paths_filters_and_strings() {
    check(
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        &[("/active", json!(false))],
    );
    check(
        json!([
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "b@example.com" },
            { "op": "Add", "path": "name.givenName", "value": "Babs" },
            { "op": "Replace", "path": format!("{ENTERPRISE_URN}:department"), "value": "Sales" },
        ]),
        &[
            ("/emails/0/value", json!("b@example.com")),
            ("/name/givenName", json!("Babs")),
            (&department(), json!("Sales")),
        ],
    );
    check(
        json!([{ "op": "replace", "value": {
            "displayName": "Babs",
            "name.givenName": "Babs",
            "emails[type eq \"work\"].value": "b@example.com",
            "roles[primary eq \"True\"].value": "admin",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Sales",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": "5f9",
        } }]),
        &[
            ("/displayName", json!("Babs")),
            ("/name/givenName", json!("Babs")),
            ("/emails/0/value", json!("b@example.com")),
            (&department(), json!("Sales")),
            (
                &format!("/{ENTERPRISE_URN}/manager"),
                json!({ "value": "5f9" }),
            ),
        ],
    );
    let manager = json!([{ "$ref": null, "value": "5f9" }]);
    check(
        add(&format!("{ENTERPRISE_URN}:manager"), manager),
        &[(
            &format!("/{ENTERPRISE_URN}/manager"),
            json!({ "value": "5f9" }),
        )],
    );
    check(
        json!([{ "op": "Remove", "path": "phoneNumbers", "value": [{ "value": "+1 555" }] }]),
        &[("/phoneNumbers/0", Value::Null)],
    );
    check(
        remove("phoneNumbers[type eq \"mobile\"].value"),
        &[("/phoneNumbers/1", Value::Null)],
    );
    check(
        json!([
            { "op": "Add", "path": "addresses[type eq \"home\"].locality", "value": "Nice" },
            { "op": "Add", "path": "addresses[type eq \"home\"].country", "value": "FR" },
        ]),
        &[(
            "/addresses/-",
            json!({ "type": "home", "locality": "Nice", "country": "FR" }),
        )],
    );
}

#[test]
fn onelogin_rippling_and_bamboohr_send_paths_and_whole_values() {
    check(
        replace("active", json!(false)),
        &[("/active", json!(false))],
    );
    check(
        replace("name", json!({ "familyName": "Jenkins" })),
        &[("/name/familyName", json!("Jenkins"))],
    );
    check(
        replace(
            "emails",
            json!([{ "primary": true, "type": "work", "value": "b@example.com" }]),
        ),
        &[("/emails/0/value", json!("b@example.com"))],
    );
    check(
        json!([{ "op": "replace", "value": {
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales" },
        } }]),
        &[(&department(), json!("Sales"))],
    );
    check(
        replace(ENTERPRISE_URN, json!({ "department": "Sales" })),
        &[(&department(), json!("Sales"))],
    );
    check(
        replace("costCenter", json!("C1")),
        &[(&format!("/{ENTERPRISE_URN}/costCenter"), json!("C1"))],
    );
}

#[test]
fn the_examples_of_the_rfc_do_what_it_says() {
    check(
        json!([{ "op": "add", "value": {
            "emails": [{ "value": "babs@jensen.example", "type": "home" }],
            "nickname": "Babs",
        } }]),
        &[(
            "/emails/-",
            json!({ "value": "babs@jensen.example", "type": "home" }),
        )],
    );
    check(
        replace(
            "addresses[type eq \"work\"]",
            json!({
                "type": "work",
                "streetAddress": "911 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "US",
                "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
                "primary": true,
            }),
        ),
        &[(
            "/addresses/0",
            json!({
                "type": "work",
                "streetAddress": "911 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "US",
            }),
        )],
    );
    check(
        replace(
            "addresses[type eq \"work\"].streetAddress",
            json!("1010 Broadway Ave"),
        ),
        &[("/addresses/0/streetAddress", json!("1010 Broadway Ave"))],
    );
}

#[test]
fn names_of_all_kinds_come_in_any_case() {
    check(
        json!([{ "OP": "REPLACE", "Path": "NAME.GivenName", "Value": "Babs" }]),
        &[("/name/givenName", json!("Babs"))],
    );
    check(
        replace(
            "URN:ietf:params:scim:schemas:core:2.0:user:Title",
            json!("Chief"),
        ),
        &[("/title", json!("Chief"))],
    );
    check(
        replace("Emails[TYPE EQ \"WORK\"].VALUE", json!("b@example.com")),
        &[("/emails/0/value", json!("b@example.com"))],
    );
    let body = json!({
        "SCHEMAS": ["urn:ietf:params:scim:API:messages:2.0:patchop"],
        "operations": replace("title", json!("Chief")),
        "somethingElse": 1,
    });
    assert!(PatchRequest::read(&body, &USER).is_ok());
}

#[test]
fn adding_appends_what_is_not_there() {
    let home = json!({ "value": "babs@home.example", "type": "home" });
    check(add("emails", json!([home])), &[("/emails/-", home.clone())]);
    check(add("emails", home.clone()), &[("/emails/-", home.clone())]);
    check(
        json!([{ "op": "add", "value": { "emails": [home] } }]),
        &[("/emails/-", home.clone())],
    );
    check(
        add(
            "emails",
            json!([{ "value": "BABS@example.com", "type": "work" }]),
        ),
        &[("/emails/0/value", json!("BABS@example.com"))],
    );
    check(add("phoneNumbers", json!([{ "value": "+1 555" }])), &[]);
    check(
        add(
            "phoneNumbers",
            json!([{ "value": "+1 555", "type": "home" }]),
        ),
        &[(
            "/phoneNumbers/-",
            json!({ "value": "+1 555", "type": "home" }),
        )],
    );
    check(
        add(
            "addresses",
            json!([{ "type": "work", "locality": "PARIS", "country": "FR" }]),
        ),
        &[("/addresses/0/locality", json!("PARIS"))],
    );
    check(add("phoneNumbers", json!([])), &[]);
    check(add("phoneNumbers", Value::Null), &[]);
}

#[test]
fn a_new_primary_value_takes_over() {
    let promoted = json!({ "value": "babs@home.example", "type": "home", "primary": true });
    check(
        add("emails", json!([promoted])),
        &[
            ("/emails/0/primary", json!(false)),
            ("/emails/-", promoted.clone()),
        ],
    );
    check(
        json!([
            { "op": "add", "path": "emails[type eq \"home\"].value", "value": "babs@home.example" },
            { "op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True" },
        ]),
        &[("/emails/0/primary", json!(false)), ("/emails/-", promoted)],
    );
    let two = json!([
        { "value": "a@example.com", "type": "work", "primary": true },
        { "value": "b@example.com", "type": "home", "primary": true },
    ]);
    refused(replace("emails", two), ScimType::InvalidValue);
    refused(
        json!([
            { "op": "add", "path": "emails[type eq \"home\"].value", "value": "a@b" },
            { "op": "replace", "path": "emails.primary", "value": true },
        ]),
        ScimType::InvalidValue,
    );
}

#[test]
fn a_value_that_is_selected_and_missing_is_made_from_the_filter() {
    let home = json!({ "value": "babs@home.example", "type": "home" });
    for operations in [
        add("emails[type eq \"home\"].value", json!("babs@home.example")),
        replace("emails[type eq \"HOME\"].value", json!("babs@home.example")),
        replace(
            "emails[type eq \"home\" and primary eq false].value",
            json!("babs@home.example"),
        ),
        add(
            "emails[type eq \"home\"]",
            json!({ "value": "babs@home.example" }),
        ),
        add("emails[type eq \"home\"]", json!("babs@home.example")),
    ] {
        let patched = patch(&operations).unwrap();
        let made = &patched["emails"][1];
        assert_eq!(
            (&made["value"], &made["type"]),
            (&home["value"], &home["type"])
        );
    }
    refused(
        replace("emails[type eq \"home\"]", home),
        ScimType::NoTarget,
    );
    refused(
        replace("phoneNumbers[value eq \"+1 557\"].type", json!("home")),
        ScimType::NoTarget,
    );
    refused(
        add("addresses[locality eq \"Nice\"].country", json!("FR")),
        ScimType::NoTarget,
    );
    for path in [
        "emails[type eq \"other\"].value",
        "emails[type eq \"home\" and value eq \"a@example.com\"].value",
        "emails[not (type eq \"work\")].value",
        "emails[type eq \"home\" or primary eq false].value",
        "emails[value eq \"gone@example.com\"].value",
        "emails[value pr and type ne \"work\"].value",
    ] {
        refused(replace(path, json!("a@example.com")), ScimType::NoTarget);
    }
    refused(
        add("emails[type eq \"home\"].primary", json!(true)),
        ScimType::InvalidValue,
    );
}

#[test]
fn a_selected_value_is_changed_or_replaced() {
    check(
        replace("addresses[type eq \"work\"]", json!({ "locality": "Nice" })),
        &[(
            "/addresses/0",
            json!({ "type": "work", "locality": "Nice" }),
        )],
    );
    check(
        add(
            "addresses[type eq \"work\"]",
            json!([{ "locality": "Nice" }]),
        ),
        &[("/addresses/0/locality", json!("Nice"))],
    );
    check(
        replace("phoneNumbers[value sw \"+1\"].type", json!("home")),
        &[
            ("/phoneNumbers/0/type", json!("home")),
            ("/phoneNumbers/1/type", json!("home")),
        ],
    );
    check(
        replace("emails.value", json!("b@example.com")),
        &[("/emails/0/value", json!("b@example.com"))],
    );
}

#[test]
fn removing_takes_away_what_the_path_says() {
    check(remove("title"), &[("/title", Value::Null)]);
    check(
        remove("name.givenName"),
        &[("/name/givenName", Value::Null)],
    );
    check(remove("name"), &[("/name", Value::Null)]);
    check(remove("phoneNumbers"), &[("/phoneNumbers", Value::Null)]);
    check(
        remove("phoneNumbers[type eq \"work\"]"),
        &[("/phoneNumbers/0", Value::Null)],
    );
    check(
        remove("addresses[type eq \"work\"].locality"),
        &[("/addresses/0/locality", Value::Null)],
    );
    check(
        remove("phoneNumbers.type"),
        &[
            ("/phoneNumbers/0", json!({ "value": "+1 555" })),
            ("/phoneNumbers/1", json!({ "value": "+1 556" })),
        ],
    );
    check(
        json!([
            { "op": "remove", "path": "addresses[type eq \"work\"].locality" },
            { "op": "remove", "path": "addresses[type eq \"work\"].country" },
        ]),
        &[("/addresses", Value::Null)],
    );
    check(
        remove(&format!("{ENTERPRISE_URN}:manager.value")),
        &[(&format!("/{ENTERPRISE_URN}/manager"), Value::Null)],
    );
    check(
        remove(ENTERPRISE_URN),
        &[(&format!("/{ENTERPRISE_URN}"), Value::Null)],
    );
    check(
        json!([{ "op": "remove", "path": "phoneNumbers", "value": [] }]),
        &[],
    );
    check(
        json!([{ "op": "remove", "path": "title", "value": null }]),
        &[("/title", Value::Null)],
    );
    refused(
        json!([{ "op": "remove", "path": "phoneNumbers", "value": null }]),
        ScimType::InvalidValue,
    );
}

#[test]
fn nothing_in_a_value_removes_too() {
    for nothing in [Value::Null, json!("")] {
        check(
            replace("title", nothing.clone()),
            &[("/title", Value::Null)],
        );
        check(
            replace("phoneNumbers[type eq \"work\"].value", nothing.clone()),
            &[("/phoneNumbers/0", Value::Null)],
        );
        check(
            replace("name", json!({ "givenName": nothing })),
            &[("/name/givenName", Value::Null)],
        );
    }
    check(
        json!([{ "op": "replace", "value": { "phoneNumbers": [], "title": null } }]),
        &[("/phoneNumbers", Value::Null), ("/title", Value::Null)],
    );
    for nothing in [Value::Null, json!([]), json!("")] {
        check(
            replace("manager", nothing),
            &[(&format!("/{ENTERPRISE_URN}/manager"), Value::Null)],
        );
    }
    check(
        replace("phoneNumbers[type eq \"work\"]", json!([])),
        &[("/phoneNumbers/0", Value::Null)],
    );
    check(
        replace("addresses[locality ne \"nowhere\"]", json!({})),
        &[("/addresses", Value::Null)],
    );
}

#[test]
fn removing_what_is_not_there_succeeds_unless_a_filter_looks_for_it() {
    for path in [
        "displayName",
        "name.middleName",
        "externalId",
        "costCenter",
        "password",
    ] {
        check(remove(path), &[]);
    }
    for path in [
        "emails[type eq \"home\"]",
        "emails[type eq \"home\"].value",
        "emails[type eq \"other\"].value",
    ] {
        refused(remove(path), ScimType::NoTarget);
    }
}

#[test]
fn what_jumpcloud_cannot_hold_is_left_out_and_what_nobody_knows_is_not() {
    for path in [
        "nickName",
        "name.formatted",
        "roles[primary eq \"True\"].value",
        "emails[type eq \"work\"].display",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    ] {
        check(replace(path, json!("x")), &[]);
        check(remove(path), &[]);
        check(json!([{ "op": "add", "value": { path: "x" } }]), &[]);
    }
    for path in [
        "shoeSize",
        "name.nick",
        "urn:example:2.0:User:shoeSize",
        "emails[type eq \"work\"].colour",
        "emails.value[type eq \"work\"]",
        "name[givenName eq \"Babs\"]",
        "emails[",
        "members",
        "emails[type eq \"work\"].value eq \"a\"",
    ] {
        refused(replace(path, json!("x")), ScimType::InvalidPath);
    }
    check(
        json!([{ "op": "add", "value": { "shoeSize": 44, "urn:x:y": {} } }]),
        &[],
    );
    refused(
        replace("emails[colour eq \"red\"].value", json!("x")),
        ScimType::InvalidFilter,
    );
    refused(
        json!([{ "op": "add", "value": { "emails[type].value": "x" } }]),
        ScimType::InvalidPath,
    );
}

#[test]
fn what_the_schema_forbids_is_refused() {
    for path in [
        "id",
        "meta",
        "meta.created",
        "groups",
        "groups[value eq \"g\"]",
        "schemas",
    ] {
        refused(remove(path), ScimType::Mutability);
    }
    refused(replace("id", json!("5f2")), ScimType::Mutability);
    refused(remove("userName"), ScimType::Mutability);
    refused(remove("emails"), ScimType::Mutability);
    refused(remove("emails[type eq \"work\"]"), ScimType::Mutability);
    refused(replace("userName", Value::Null), ScimType::Mutability);
    for value in [json!({}), json!("yes"), json!(1), json!([true])] {
        refused(replace("active", value), ScimType::InvalidValue);
    }
    refused(replace("title", json!(5)), ScimType::InvalidValue);
    refused(
        replace("title", json!("x".repeat(1025))),
        ScimType::InvalidValue,
    );
    refused(replace("name", json!("Babs")), ScimType::InvalidValue);
    refused(replace(ENTERPRISE_URN, json!("x")), ScimType::InvalidValue);
    refused(
        add("emails", json!([{ "type": "home" }])),
        ScimType::InvalidValue,
    );
    let many: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    refused(add("phoneNumbers", json!(many)), ScimType::TooMany);
}

#[test]
fn a_required_attribute_may_go_and_come_back() {
    check(
        json!([
            { "op": "remove", "path": "emails" },
            { "op": "add", "path": "emails", "value": [{ "value": "b@example.com", "type": "work" }] },
        ]),
        &[(
            "/emails",
            json!([{ "value": "b@example.com", "type": "work" }]),
        )],
    );
}

#[test]
fn a_blemish_that_was_there_does_not_keep_anybody_active() {
    let blemished = resource(json!({ "active": true, "phoneNumbers": [{ "type": "work" }] }));
    let body = request(&replace("active", json!(false)));
    let patch = PatchRequest::read(&body, &USER).unwrap();
    let patched = patch.apply(&blemished, &USER).unwrap();
    assert_eq!(patched["active"], false);
}

#[test]
fn a_body_that_is_no_patch_is_refused() {
    let operation = json!({ "op": "replace", "path": "title", "value": "Chief" });
    for (body, expected) in [
        (json!([]), ScimType::InvalidSyntax),
        (json!({}), ScimType::InvalidSyntax),
        (json!({ "Operations": [] }), ScimType::InvalidSyntax),
        (json!({ "Operations": operation }), ScimType::InvalidSyntax),
        (
            json!({ "Operations": ["replace"] }),
            ScimType::InvalidSyntax,
        ),
        (
            json!({ "schemas": ["urn:x"], "Operations": [operation] }),
            ScimType::InvalidSyntax,
        ),
        (
            request(&json!([{ "path": "title" }])),
            ScimType::InvalidSyntax,
        ),
        (
            request(&json!([{ "op": "move", "path": "title", "value": "x" }])),
            ScimType::InvalidSyntax,
        ),
        (request(&json!([{ "op": "remove" }])), ScimType::NoTarget),
        (
            request(&json!([{ "op": "remove", "path": " " }])),
            ScimType::NoTarget,
        ),
        (
            request(&json!([{ "op": "add", "path": "title" }])),
            ScimType::InvalidValue,
        ),
        (
            request(&json!([{ "op": "add", "value": "Chief" }])),
            ScimType::InvalidValue,
        ),
        (
            request(&json!([{ "op": "add", "path": 5, "value": "Chief" }])),
            ScimType::InvalidPath,
        ),
        (
            request(&json!(vec![operation; MAX_OPERATIONS + 1])),
            ScimType::TooMany,
        ),
    ] {
        let error = PatchRequest::read(&body, &USER).unwrap_err();
        assert_eq!(error.scim_type(), Some(expected), "{error}");
    }
}

#[test]
fn the_resource_is_left_alone_when_a_later_operation_fails() {
    let before = resource(babs());
    let operations = json!([
        { "op": "replace", "path": "title", "value": "Chief" },
        { "op": "remove", "path": "emails[type eq \"home\"]" },
    ]);
    let patch = PatchRequest::read(&request(&operations), &USER).unwrap();
    assert!(patch.apply(&before, &USER).is_err());
    assert_eq!(Value::Object(before), babs());
}

fn group_patch(operations: &Value) -> Result<GroupPatch, ScimError> {
    GroupPatch::read(&request(operations))
}

#[test]
fn membership_is_told_as_ids_whatever_the_client_sends() {
    let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    for (operations, expected) in [
        // Okta, OneLogin
        (
            add(
                "members",
                json!([{ "value": "a", "display": "a@example.com" }]),
            ),
            vec![MemberChange::Add(ids(&["a"]))],
        ),
        (
            remove("members[value eq \"a\"]"),
            vec![MemberChange::Remove(ids(&["a"]))],
        ),
        (
            replace(
                "members",
                json!([{ "value": "a" }, { "value": "b" }, { "value": "a" }]),
            ),
            vec![MemberChange::ReplaceAll(ids(&["a", "b"]))],
        ),
        // Entra ID
        (
            json!([
                { "op": "Add", "path": "members", "value": [{ "$ref": null, "value": "a" }] },
                { "op": "Remove", "path": "members", "value": [{ "value": "b" }, { "value": "c" }] },
            ]),
            vec![
                MemberChange::Add(ids(&["a"])),
                MemberChange::Remove(ids(&["b", "c"])),
            ],
        ),
        // without a path, a single object, bare ids
        (
            json!([{ "op": "add", "value": { "Members": [{ "value": "a", "type": "user" }] } }]),
            vec![MemberChange::Add(ids(&["a"]))],
        ),
        (
            add("members", json!({ "value": "a" })),
            vec![MemberChange::Add(ids(&["a"]))],
        ),
        (
            add(
                "urn:ietf:params:scim:schemas:core:2.0:Group:members",
                json!(["a", "b"]),
            ),
            vec![MemberChange::Add(ids(&["a", "b"]))],
        ),
        // filters that name ids
        (
            remove("members[value eq \"a\" or (value eq \"b\" and type eq \"User\")]"),
            vec![MemberChange::Remove(ids(&["a", "b"]))],
        ),
        (
            remove("members[(value eq \"a\" or value eq \"b\") and not (value eq \"b\")]"),
            vec![MemberChange::Remove(ids(&["a"]))],
        ),
        // everybody
        (remove("members"), vec![MemberChange::RemoveAll]),
        (replace("members", json!([])), vec![MemberChange::RemoveAll]),
        (
            replace("members", Value::Null),
            vec![MemberChange::RemoveAll],
        ),
        // what becomes of it depends on who is a member
        (
            replace("members[value eq \"a\"].value", json!("b")),
            vec![MemberChange::Alter(ids(&["a"]))],
        ),
        // nobody
        (add("members", json!([])), vec![]),
        (
            json!([{ "op": "remove", "path": "members", "value": [] }]),
            vec![],
        ),
    ] {
        let patch =
            group_patch(&operations).unwrap_or_else(|error| panic!("{operations}: {error}"));
        assert_eq!(patch.members, expected, "{operations}");
        assert!(patch.rest.is_empty());
    }
}

#[test]
fn a_group_is_renamed_beside_its_members() {
    let patch = group_patch(&json!([
        { "op": "replace", "value": { "id": "g1", "displayName": "Tours" } },
        { "op": "add", "path": "members", "value": [{ "value": "a" }] },
    ]))
    .unwrap();
    assert_eq!(patch.members.len(), 1);
    let group = resource(json!({ "displayName": "Guides", "externalId": "x" }));
    let renamed = patch.rest.apply(&group, &GROUP).unwrap();
    assert_eq!(
        Value::Object(renamed),
        json!({ "displayName": "Tours", "externalId": "x" })
    );
}

#[test]
fn members_that_would_have_to_be_read_or_changed_are_refused() {
    for (operations, expected) in [
        (
            add("members", json!([{ "value": "g2", "type": "Group" }])),
            ScimType::InvalidValue,
        ),
        (
            add("members", json!([{ "display": "a" }])),
            ScimType::InvalidValue,
        ),
        (add("members", json!([5])), ScimType::InvalidValue),
        (remove("members[value sw \"a\"]"), ScimType::InvalidFilter),
        (remove("members[type eq \"User\"]"), ScimType::InvalidFilter),
        (
            remove("members[value eq \"a\" or type pr]"),
            ScimType::InvalidFilter,
        ),
        (
            remove("members[value eq \"a\" and value eq \"b\"]"),
            ScimType::NoTarget,
        ),
        (
            json!([{ "op": "remove", "path": "members", "value": null }]),
            ScimType::InvalidValue,
        ),
        (remove("members.value"), ScimType::Mutability),
    ] {
        let error = group_patch(&operations).expect_err(&operations.to_string());
        assert_eq!(error.scim_type(), Some(expected), "{operations}: {error}");
    }
}

#[test]
fn a_members_id_cannot_be_changed_in_a_resource_either() {
    let group = resource(json!({ "displayName": "Guides", "members": [{ "value": "a" }] }));
    let body = request(&replace("members[value eq \"a\"].value", json!("b")));
    let patch = PatchRequest::read(&body, &GROUP).unwrap();
    let error = patch.apply(&group, &GROUP).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::Mutability));
}

/// JSON of any shape, out of words that mean something here.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(add|replace|remove|True|work|home|a@example.com|\\PC{0,4})".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_path(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        "(id|userName|name|title|active|emails|addresses|members|groups|value|type|primary|manager)",
        r#"(emails|phoneNumbers|addresses|members|name)(\[(type|value|primary|not|locality) (eq|ne|pr) ("work"|"home"|true|null)\])?([.](value|type|primary|locality))?"#,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User(:(department|manager|manager[.]value))?",
        r#"([a-z.:\[\]" ]|\PC){0,8}"#,
    ]
}

fn any_operation() -> impl Strategy<Value = Value> {
    (
        "(add|Replace|REMOVE)",
        prop::option::of(any_path()),
        any_json(),
    )
        .prop_map(|(op, path, value)| match path {
            Some(path) => json!({ "op": op, "path": path, "value": value }),
            None => json!({ "op": op, "value": value }),
        })
}

/// Whether a value has nothing empty in it, and objects only in its arrays.
fn is_canonical(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => {
            !values.is_empty()
                && values
                    .iter()
                    .all(|value| value.is_object() && is_canonical(value))
        }
        Value::Object(members) => !members.is_empty() && members.values().all(is_canonical),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

proptest! {
    #[test]
    fn any_patch_gives_a_canonical_resource_or_is_refused(
        operations in prop::collection::vec(any_operation(), 1..4),
    ) {
        let operations = json!(operations);
        if let Ok(patched) = patch(&operations) {
            prop_assert!(is_canonical(&patched), "{patched}");
            let read = resource::read(&patched, &USER);
            prop_assert_eq!(read.map(Value::Object), Ok(patched));
        }
        let _ = group_patch(&operations);
    }

    #[test]
    fn any_json_is_a_patch_or_refused(body in any_json()) {
        let _ = PatchRequest::read(&body, &USER);
        let _ = GroupPatch::read(&body);
    }

    #[test]
    fn replacing_everything_gives_what_was_sent(
        title in prop::option::of("[a-z]{1,8}"),
        given_name in "[a-z]{1,8}",
        active in any::<bool>(),
        email in "[a-z]{1,8}@example[.]com",
    ) {
        let sent = json!({
            "userName": "babs",
            "name": { "givenName": given_name, "familyName": null },
            "title": title,
            "active": active,
            "emails": [{ "value": email, "type": "work" }],
            "phoneNumbers": [],
            "addresses": null,
            ENTERPRISE_URN: null,
        });
        let patched = patch(&json!([{ "op": "replace", "value": sent }]));
        prop_assert_eq!(patched, resource::read(&sent, &USER).map(Value::Object));
    }

    #[test]
    fn patching_twice_with_absolute_values_is_patching_once(
        operations in prop::collection::vec(
            (any_path(), any_json()).prop_map(|(path, value)| json!({ "op": "replace", "path": path, "value": value })),
            1..3,
        ),
    ) {
        let request = PatchRequest::read(&request(&json!(operations)), &USER);
        if let Ok(request) = request
            && let Ok(once) = request.apply(&resource(babs()), &USER)
            && let Ok(twice) = request.apply(&once, &USER)
        {
            prop_assert_eq!(once, twice);
        }
    }
}

#[test]
fn the_members_that_a_filter_over_groups_asks_about_are_found() {
    for (filter, expected) in [
        (r#"displayName eq "a""#, Some(&[][..])),
        (r#"members eq "1""#, Some(&["1"])),
        (r#"not (members.value eq "1")"#, Some(&["1"])),
        (
            r#"members[type eq "User" and value eq "1"] or members.value eq "2""#,
            Some(&["1", "2"]),
        ),
        ("members pr", None),
        (r#"members.value ne "1""#, None),
        (r#"members[not (value eq "1")]"#, None),
        (r#"members.value eq "1" and members.value sw "2""#, None),
    ] {
        let parsed = Filter::parse(filter, &GROUP).unwrap();
        let expected = expected.map(|ids| ids.iter().copied().collect());
        assert_eq!(super::named_members(&parsed), expected, "{filter}");
    }
}

//! Which attributes an answer has.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Projection;
use crate::{
    resource::Resource,
    schema::{ENTERPRISE_URN, GROUP, USER, USER_URN},
};

fn ada() -> Resource {
    serde_json::from_value(json!({
        "id": "1",
        "userName": "ada",
        "password": "secret",
        "name": {"givenName": "Ada", "familyName": "Zed"},
        "emails": [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com"}],
        "groups": [{"value": "g1"}],
        "meta": {"resourceType": "User", "location": "https://example.com/Users/1"},
        ENTERPRISE_URN: {"department": "R&D", "manager": {"value": "2", "$ref": "../Users/2"}},
    }))
    .unwrap()
}

fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let projection = Projection::parse(attributes, excluded, &USER).unwrap();
    Value::Object(projection.project(ada()))
}

#[test]
fn a_password_is_never_returned_and_groups_only_when_asked_for() {
    let default = projected(None, None);
    let mut expected = Value::Object(ada());
    let members = expected.as_object_mut().unwrap();
    members.remove("password");
    members.remove("groups");
    members.insert("schemas".to_owned(), json!([USER_URN, ENTERPRISE_URN]));
    assert_eq!(default, expected);
    for blank in ["", " "] {
        assert_eq!(projected(Some(blank), Some(blank)), default);
    }
    assert!(projected(Some("password"), None).get("password").is_none());
    assert_eq!(
        projected(Some("groups"), None)["groups"],
        json!([{"value": "g1"}])
    );
    assert!(projected(None, Some("title")).get("groups").is_none());
}

#[test]
fn attributes_replace_the_default() {
    let enterprise = |attributes: Value| json!({ENTERPRISE_URN: attributes});
    for (attributes, expected) in [
        ("userName", json!({"userName": "ada"})),
        ("USERNAME , photos,shoeSize", json!({"userName": "ada"})),
        ("photos", json!({})),
        (
            "name",
            json!({"name": {"givenName": "Ada", "familyName": "Zed"}}),
        ),
        ("name.givenName", json!({"name": {"givenName": "Ada"}})),
        (
            "name.givenName,name",
            json!({"name": {"givenName": "Ada", "familyName": "Zed"}}),
        ),
        ("name.middleName", json!({})),
        ("emails.type", json!({"emails": [{"type": "work"}]})),
        (
            "urn:ietf:params:scim:schemas:core:2.0:user:userName",
            json!({"userName": "ada"}),
        ),
        ("department", enterprise(json!({"department": "R&D"}))),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            enterprise(json!({"manager": {"value": "2"}})),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            enterprise(
                json!({"department": "R&D", "manager": {"value": "2", "$ref": "../Users/2"}}),
            ),
        ),
    ] {
        let mut answer = projected(Some(attributes), None);
        let members = answer.as_object_mut().unwrap();
        assert_eq!(members.remove("id"), Some(json!("1")), "{attributes}");
        let schemas = members.remove("schemas").unwrap();
        let extended = members.contains_key(ENTERPRISE_URN);
        assert_eq!(schemas.as_array().unwrap().len(), 1 + usize::from(extended));
        assert_eq!(answer, expected, "{attributes}");
    }
}

#[test]
fn excluded_attributes_are_taken_from_the_default() {
    let answer = projected(
        None,
        Some(&format!(
            "id,schemas,NAME.givenName,emails,meta,{ENTERPRISE_URN}"
        )),
    );
    assert_eq!(
        answer,
        json!({"schemas": [USER_URN], "id": "1", "userName": "ada", "name": {"familyName": "Zed"}})
    );
    let answer = projected(None, Some("name.givenName,name.familyName,department"));
    assert!(answer.get("name").is_none());
    assert!(answer[ENTERPRISE_URN].get("department").is_none());
}

#[test]
fn both_parameters_at_once_are_refused() {
    let error = Projection::parse(Some("id"), Some("name"), &USER).unwrap_err();
    assert_eq!(
        error.to_string(),
        "only one of `attributes` and `excludedAttributes` may be given"
    );
}

#[test]
fn a_projection_says_what_need_not_be_fetched() {
    for (attributes, excluded, path, expected) in [
        (None, None, "members", true),
        (None, Some("members"), "members", false),
        (None, Some("members.type"), "members", true),
        (None, Some("members.type"), "members.type", false),
        (Some("displayName"), None, "members", false),
        (Some("members.value"), None, "members", true),
        (Some("members.value"), None, "members.value", true),
        (Some("members.value"), None, "members.type", false),
        (None, None, "shoeSize", false),
    ] {
        let projection = Projection::parse(attributes, excluded, &GROUP).unwrap();
        assert_eq!(
            projection.wants(path),
            expected,
            "{attributes:?} {excluded:?} {path}"
        );
    }
    assert!(
        !Projection::parse(None, None, &USER)
            .unwrap()
            .wants("groups")
    );
    assert!(
        Projection::parse(Some("groups.value"), None, &USER)
            .unwrap()
            .wants("groups")
    );
}

proptest! {
    #[test]
    fn a_projection_takes_away_and_only_once(
        names in "(name|emails\\.value|id|groups|password|department|meta\\.location|,|x){0,6}",
        exclude in any::<bool>(),
    ) {
        let (attributes, excluded) = if exclude { (None, Some(&*names)) } else { (Some(&*names), None) };
        let projection = Projection::parse(attributes, excluded, &USER).unwrap();
        let once = projection.project(ada());
        prop_assert!(once.contains_key("id") && once.contains_key("schemas"));
        prop_assert!(!once.contains_key("password"));
        prop_assert_eq!(projection.project(once.clone()), once);
    }
}

//! The table is sound, and every spelling of a name finds its attribute.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Attribute, COMMON, GROUP, Kind, RESOURCE_TYPES, USER};

#[test]
fn every_attribute_is_found_by_every_spelling_of_its_name() {
    for resource_type in RESOURCE_TYPES {
        for schema in resource_type.schemas() {
            for attribute in schema.attributes {
                let path = resource_type.find(attribute.name).unwrap();
                assert_eq!((path.attribute, path.sub), (attribute, None));
                for spelling in [
                    path.to_string(),
                    attribute.name.to_uppercase(),
                    format!("{}:{}", schema.id.to_uppercase(), attribute.name),
                ] {
                    assert_eq!(resource_type.find(&spelling), Some(path), "{spelling}");
                }
                for sub in attribute.sub_attributes {
                    let path = format!("{path}.{}", sub.name.to_uppercase());
                    let found = resource_type.find(&path).unwrap();
                    assert_eq!(found.target(), sub);
                    assert_eq!(found.to_string().to_uppercase(), path.to_uppercase());
                }
            }
        }
        for attribute in COMMON {
            assert_eq!(
                resource_type.find(attribute.name).unwrap().attribute,
                attribute
            );
        }
    }
}

#[test]
fn no_name_means_two_things() {
    fn check(attributes: impl Iterator<Item = &'static Attribute>) {
        let mut names = BTreeSet::new();
        for attribute in attributes {
            assert!(
                names.insert(attribute.name.to_lowercase()),
                "{}",
                attribute.name
            );
            assert_eq!(
                attribute.kind == Kind::Complex,
                !attribute.sub_attributes.is_empty()
            );
            assert!(!attribute.closed || !attribute.canonical_values.is_empty());
            check(attribute.sub_attributes.iter());
        }
    }
    for resource_type in RESOURCE_TYPES {
        let own = resource_type.schemas().flat_map(|schema| schema.attributes);
        check(COMMON.iter().chain(own));
    }
}

#[test]
fn what_is_not_held_is_known_and_not_found() {
    for resource_type in RESOURCE_TYPES {
        for schema in resource_type.schemas() {
            for name in schema.not_held {
                for path in [
                    name.to_uppercase(),
                    format!("{}:{name}", schema.id),
                    format!("{name}.value"),
                ] {
                    assert_eq!(resource_type.find(&path), None, "{path}");
                }
                assert!(resource_type.is_known_but_not_held(&name.to_uppercase()));
                assert!(resource_type.is_known_but_not_held(&format!("{}:{name}", schema.id)));
            }
        }
    }
    for (path, expected) in [
        ("photos.value", true),
        ("photos.value.x", true),
        ("emails.display", true),
        ("emails.shape", false),
        ("emails", false),
        ("shoeSize", false),
        ("members.display", false),
        ("", false),
    ] {
        assert_eq!(USER.is_known_but_not_held(path), expected, "{path}");
    }
    assert!(GROUP.is_known_but_not_held("members.display"));
}

proptest! {
    #[test]
    fn any_path_is_found_or_not(path in "(urn:ietf:params:scim:schemas:core:2\\.0:User)?[:.a-zé]{0,8}|.*") {
        let _ = (USER.find(&path), USER.is_known_but_not_held(&path));
    }
}

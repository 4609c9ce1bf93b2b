//! What changes a version, and which conditions hold.

use serde_json::{Value, json};

use super::{Outcome, Precondition, version};
use crate::resource::Resource;

fn resource(value: Value) -> Resource {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_version_follows_the_content() {
    let user = version(&resource(json!({"userName": "ada", "title": "Engineer"})));
    assert_eq!(user, "W/\"b5933095b703ca55616bbdefc4d6cbcc\"");
    for (other, same) in [
        (json!({"title": "Engineer", "userName": "ada"}), true),
        (
            json!({"userName": "ada", "title": "Engineer", "meta": {"version": "x"}}),
            true,
        ),
        (
            json!({"userName": "ada", "title": "Engineer", "groups": [{"value": "g"}]}),
            true,
        ),
        (json!({"userName": "ada", "title": "engineer"}), false),
        (json!({"userName": "ada", "displayName": "Engineer"}), false),
        (json!({"userName": "ada"}), false),
    ] {
        assert_eq!(version(&resource(other.clone())) == user, same, "{other}");
    }
}

#[test]
fn conditions_are_held_against_the_current_version() {
    use Outcome::{Failed, NotModified, Proceed};
    let current = Some("W/\"a\"");
    for (if_match, if_none_match, current, expected) in [
        (None, None, current, Proceed),
        (Some("W/\"a\""), None, current, Proceed),
        (Some("\"a\""), None, current, Proceed),
        (Some("\"b\", W/\"a\""), None, current, Proceed),
        (Some("\"b,\" , \"a\""), None, current, Proceed),
        (Some("*"), None, current, Proceed),
        (Some("W/\"b\""), None, current, Failed),
        (Some("a"), None, current, Failed),
        (Some("\"a"), None, current, Failed),
        (Some(""), None, current, Failed),
        (Some("*"), None, None, Failed),
        (Some("W/\"a\""), None, None, Failed),
        (None, Some("W/\"a\""), current, NotModified),
        (None, Some("*"), current, NotModified),
        (None, Some("W/\"b\""), current, Proceed),
        (None, Some("*"), None, Proceed),
        (Some("\"b\""), Some("\"a\""), current, Failed),
        (Some("\"a\""), Some("\"a\""), current, NotModified),
    ] {
        let condition = Precondition::parse(if_match, if_none_match);
        assert_eq!(condition.check(current), expected, "{condition:?}");
        let refusal = condition.check_write(current).err();
        assert_eq!(
            refusal.map(|refusal| refusal.status()),
            (expected != Proceed).then_some(412),
            "{condition:?}"
        );
    }
}

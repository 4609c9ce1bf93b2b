//! What fits which filter, and what is refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::{ENTERPRISE_URN, GROUP, USER};

fn babs() -> Resource {
    let babs = json!({
        "id": "5f1",
        "externalId": "HR-Babs",
        "userName": "babs",
        "name": { "givenName": "Barbara", "familyName": "Jensén" },
        "title": "Tour Guide",
        "active": true,
        "emails": [
            { "value": "babs@example.com", "type": "work", "primary": true },
            { "value": "babs@home.example", "type": "home" },
        ],
        "phoneNumbers": [{ "value": "+1 555" }],
        "groups": [{ "value": "g1", "type": "direct" }],
        "meta": { "lastModified": "2026-01-31T09:00:00Z" },
        ENTERPRISE_URN: { "department": "Tours", "manager": { "value": "5f0" } },
    });
    babs.as_object().unwrap().clone()
}

fn parse(text: &str) -> Result<Filter, ScimError> {
    Filter::parse(text, &USER)
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.matches(&babs()), expected, "{text}");
}

#[test]
fn resources_fit_as_the_rfc_says() {
    for (text, expected) in [
        // every operator
        (r#"userName eq "babs""#, true),
        (r#"userName ne "babs""#, false),
        (r#"title co "our gu""#, true),
        (r#"title sw "tour""#, true),
        (r#"title sw "guide""#, false),
        (r#"title ew "GUIDE""#, true),
        (r#"userName gt "baba""#, true),
        (r#"userName ge "BABS""#, true),
        (r#"userName lt "babs""#, false),
        (r#"userName le "babs""#, true),
        ("title pr", true),
        ("displayName pr", false),
        // names and operators in any case, with a URN or without
        (r#"USERNAME EQ "BABS""#, true),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName Eq "babs""#,
            true,
        ),
        (
            r#"urn:ietf:params:SCIM:schemas:extension:enterprise:2.0:user:Department eq "tours""#,
            true,
        ),
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "5f0""#,
            true,
        ),
        (r#"department eq "tours""#, true),
        // case, as the attribute says
        (r#"externalId eq "HR-Babs""#, true),
        (r#"externalId eq "hr-babs""#, false),
        (r#"name.familyName eq "JENSÉN""#, true),
        // logic
        ("title pr and userType pr", false),
        ("title pr or userType pr", true),
        ("userType pr and title pr or title pr", true),
        ("userType pr and (title pr or title pr)", false),
        ("not (userType pr)", true),
        ("NOT(title pr)", false),
        // moments
        (r#"meta.lastModified eq "2026-01-31T10:00:00+01:00""#, true),
        (r#"meta.lastModified gt "2026-01-31T08:59:59.999Z""#, true),
        (r#"meta.lastModified lt "2026-01-31T09:00:00.0Z""#, false),
        (r#"meta.created lt "2026-01-31T09:00:00Z""#, false),
        // booleans
        ("active eq true", true),
        ("active ne true", false),
        (r#"active eq "False""#, false),
        // several values: one is enough
        (r#"emails eq "babs@home.example""#, true),
        (r#"emails.value ew "example.com""#, true),
        (r#"emails co "nobody""#, false),
        (r#"emails ne "babs@example.com""#, true),
        (r#"not (emails eq "babs@example.com")"#, false),
        (r#"emails.type eq "home" and emails.primary eq true"#, true),
        (r#"emails[type eq "home" and primary eq true]"#, false),
        (
            r#"emails[type eq "work" and value co "@example.com"]"#,
            true,
        ),
        (
            r#"emails[type eq "home"].value eq "babs@home.example""#,
            true,
        ),
        (
            r#"emails[type eq "work"].value eq "babs@home.example""#,
            false,
        ),
        (r#"emails[type eq "work"].value pr and title pr"#, true),
        (r#"emails[not (type eq "work")]"#, true),
        (r#"phoneNumbers[type ne "work"]"#, true),
        (r#"groups[value eq "g1"]"#, true),
        (r#"groups.value eq "G1""#, false),
        // complex attributes
        ("emails pr", true),
        ("addresses pr", false),
        (r#"manager eq "5f0""#, true),
        (r#"name[givenName sw "b"]"#, true),
        // nothing
        ("displayName eq null", true),
        ("title eq null", false),
        ("title ne null", true),
        (r#"displayName eq """#, true),
        (r#"displayName ne "Babs""#, true),
        (r#"displayName gt "Babs""#, false),
        (r#"displayName co "Babs""#, false),
        (r#"addresses.country ne "FR""#, true),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_cannot_be_compared_so_is_refused() {
    for text in [
        "",
        "userName",
        "userName eq",
        "userName eq babs",
        r#"userName is "babs""#,
        r#"(userName eq "babs""#,
        r#"shoeSize eq "44""#,
        r#"nickName eq "Babs""#,
        r#"name.nick eq "Babs""#,
        r#"urn:example:2.0:User:userName eq "babs""#,
        r#"members.value eq "5f1""#,
        "title eq 5",
        "title eq true",
        "title gt null",
        "active gt true",
        r#"active co "tr""#,
        r#"active eq "yes""#,
        "active eq 1",
        r#"meta.created eq "yesterday""#,
        r#"meta.created eq "2026-01-31T09:00:00""#,
        r#"meta.created sw "2026""#,
        r#"name eq "Barbara""#,
        r#"addresses co "Paris""#,
        r#"password eq "secret""#,
        "password pr",
        r#"password sw "s" or title pr"#,
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        r#"emails[type eq "work" and emails.value eq "x"]"#,
        r#"emails[userName eq "x"]"#,
        r#"emails.value[type eq "work"]"#,
        r#"userName[value eq "x"]"#,
        r#"emails[type eq "work"].value"#,
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn a_refusal_names_what_was_written() {
    for (text, expected) in [
        (
            r#"shoeSize eq "44""#,
            "`shoeSize` is no attribute of a User",
        ),
        (
            "meta.created gt 5",
            "`meta.created` is compared with a moment with its zone, such as `\"2026-01-31T09:00:00Z\"`",
        ),
        ("active ge true", "`active` cannot be compared by `ge`"),
        (
            r#"name eq "Barbara""#,
            "`name` has no value of its own: name one of its sub-attributes",
        ),
        ("title eq 'x'", "cannot be read from here on: `'x'`"),
        ("(title pr", "`(title pr` ends too early"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_filter_may_be_long_but_not_endless() {
    let ids = |count| vec![r#"id eq "0123456789abcdef01234567""#; count].join(" or ");
    assert!(parse(&ids(200)).is_ok());
    assert!(parse(&ids(300)).is_err());
    assert!(parse(&format!("{}title pr{}", "(".repeat(500), ")".repeat(500))).is_err());
}

#[test]
fn a_single_equality_is_told_with_its_type() {
    for (text, expected) in [
        (r#"userName eq "Babs""#, Some(("userName", None, "Babs"))),
        (r#"emails eq "a@b""#, Some(("emails.value", None, "a@b"))),
        (
            r#"emails[type eq "work" and value eq "a@b"]"#,
            Some(("emails.value", Some("work"), "a@b")),
        ),
        (
            r#"emails[value eq "a@b" and type eq "work"]"#,
            Some(("emails.value", Some("work"), "a@b")),
        ),
        (
            r#"emails[type eq "work"].value eq "a@b""#,
            Some(("emails.value", Some("work"), "a@b")),
        ),
        (
            r#"emails[value eq "a@b"]"#,
            Some(("emails.value", None, "a@b")),
        ),
        (r#"emails[value eq "a" and primary eq true]"#, None),
        (r#"userName ne "babs""#, None),
        (r#"not (userName eq "babs")"#, None),
        ("active eq true", None),
        (r#"userName eq "a" and title eq "b""#, None),
    ] {
        let filter = parse(text).unwrap();
        let equality = filter.equality();
        let told = equality.map(|found| (found.path.to_string(), found.element_type, found.value));
        let told = told
            .as_ref()
            .map(|(path, kind, value)| (path.as_str(), *kind, *value));
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn a_conjunction_gives_its_parts_and_anything_else_itself() {
    let filter = parse(r#"userName eq "a" and active eq true and title pr"#).unwrap();
    assert_eq!(filter.conjuncts().len(), 3);
    let filter = parse(r#"userName eq "a" or title pr"#).unwrap();
    assert_eq!(filter.conjuncts(), std::slice::from_ref(&filter));
}

#[test]
fn what_a_filter_depends_on_is_told() {
    let filter = parse(r#"title pr and not (groups[value eq "g1"])"#).unwrap();
    assert!(filter.needs("title") && filter.needs("groups"));
    assert!(!filter.needs("externalId"));
    let filter = Filter::parse(r#"MEMBERS.value eq "5f1""#, &GROUP).unwrap();
    assert!(filter.needs("members"));
}

/// A filter that can be read, over attributes that `babs` has and has not.
fn filters() -> impl Strategy<Value = String> {
    let expression = prop_oneof![
        (
            "(title|displayName|userName|name[.]givenName|emails|emails[.]type)",
            "(eq|ne|co|sw|ew|gt|ge|lt|le)",
            "[a-zA-Z ]{0,3}"
        )
            .prop_map(|(path, operator, value)| format!("{path} {operator} \"{value}\"")),
        "(title|displayName|emails|addresses) pr",
        "active (eq|ne) (true|false|null)",
        r#"emails\[type (eq|ne) "(work|home)"\]"#,
    ];
    expression.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| format!("not ({filter})")),
            (inner.clone(), "(and|or)", inner)
                .prop_map(|(one, operator, other)| format!("({one}) {operator} ({other})")),
        ]
    })
}

fn fits(text: &str) -> bool {
    parse(text).unwrap().matches(&babs())
}

proptest! {
    #[test]
    fn a_negation_fits_what_its_filter_does_not(filter in filters()) {
        let negated = format!("not ({filter})");
        prop_assert_eq!(fits(&negated), !fits(&filter));
        prop_assert_eq!(fits(&format!("not ({negated})")), fits(&filter));
    }

    #[test]
    fn both_and_either_are_what_they_say(one in filters(), other in filters()) {
        let joined = |operator| format!("({one}) {operator} ({other})");
        prop_assert_eq!(fits(&joined("and")), fits(&one) && fits(&other));
        prop_assert_eq!(fits(&joined("or")), fits(&one) || fits(&other));
    }

    #[test]
    fn whatever_fits_a_filter_fits_its_conjuncts(filter in filters()) {
        let filter = parse(&filter).unwrap();
        let babs = babs();
        prop_assert_eq!(
            filter.matches(&babs),
            filter.conjuncts().iter().all(|part| part.matches(&babs))
        );
    }

    #[test]
    fn any_text_is_a_filter_or_refused(text in r#"(title|emails|\[|\]|\(|\)|not| and | or | eq | pr|"|\\|\.|:|true|\PC){0,24}"#) {
        if let Ok(filter) = parse(&text) {
            let _ = filter.matches(&babs());
        }
    }
}

#[test]
fn what_only_other_types_have_is_absent() {
    let group = json!({ "id": "g1", "displayName": "Guides", "meta": { "resourceType": "Group" } });
    let group = group.as_object().unwrap();
    for (text, expected) in [
        (r#"userName eq "guides""#, false),
        ("userName pr", false),
        (r#"userName ne "guides""#, true),
        ("userName eq null", true),
        (r#"not (userName eq "guides")"#, true),
        (r#"userName eq "a" or displayName eq "guides""#, true),
        (r#"emails[type eq "work"]"#, false),
        (r#"meta.resourceType eq "User""#, false),
        (r#"meta.resourceType ne "User" and displayName pr"#, true),
    ] {
        let filter = Filter::parse_for_all(text, &GROUP).unwrap();
        assert_eq!(filter.matches(group), expected, "{text}");
        assert_eq!(filter.settled(&GROUP).matches(group), expected, "{text}");
    }
    let unknown = Filter::parse_for_all(r#"shoeSize eq "46""#, &GROUP).unwrap_err();
    assert_eq!(unknown.scim_type(), Some(ScimType::InvalidFilter));
    // A mistake is one for the type that has the attribute.
    assert!(Filter::parse_for_all("userName eq true", &USER).is_err());
}

#[test]
fn what_the_type_decides_is_left_out() {
    for (text, expected) in [
        (r#"meta.resourceType eq "User""#, Filter::EVERYTHING),
        (r#"meta.resourceType eq "Group""#, Filter::NOTHING),
        (r#"not (meta.resourceType eq "Group")"#, Filter::EVERYTHING),
        (
            r#"title pr and meta.resourceType eq "Group""#,
            Filter::NOTHING,
        ),
        (
            r#"title pr or meta.resourceType eq "User""#,
            Filter::EVERYTHING,
        ),
        (
            r#"(title pr or meta.resourceType eq "Group") and meta.resourceType eq "User""#,
            parse("title pr").unwrap(),
        ),
        (
            "(title pr and locale pr) and active pr",
            parse("title pr and locale pr and active pr").unwrap(),
        ),
    ] {
        assert_eq!(parse(text).unwrap().settled(&USER), expected, "{text}");
    }
}

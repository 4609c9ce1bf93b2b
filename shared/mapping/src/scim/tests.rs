//! The meaning of SCIM users, rule by rule.

use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::*;
use crate::jumpcloud::UserState;

const ID: &str = "6026bec6b8207255280d5981";
const MANAGER_ID: &str = "6026bec6b8207255280d5982";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

/// A JumpCloud row with these fields in place of the usual ones.
fn row_with(fields: Value) -> Map<String, Value> {
    let mut row = object(json!({
        "_id": ID, "id": ID, "username": "ana.souza", "email": "ana@corp.example", "employeeIdentifier": null,
        "manager": null, "jobTitle": "", "state": "ACTIVATED", "suspended": false, "admin": null,
        "created": "2021-02-12T17:45:42.369Z", "phoneNumbers": [], "addresses": null, "mfa": {"configured": false},
    }));
    row.extend(object(fields));
    row
}

fn user_of(row: &Map<String, Value>) -> DirectoryUser {
    serde_json::from_value(row.clone().into()).unwrap()
}

fn user(fields: Value) -> DirectoryUser {
    user_of(&row_with(fields))
}

/// A resource with these attributes besides the required ones.
fn resource(attributes: Value) -> Resource {
    let mut resource = object(json!({
        "userName": "ana.souza",
        "emails": [{"value": "ana@corp.example", "type": "work", "primary": true}],
    }));
    resource.extend(object(attributes));
    resource
}

const PLAIN: View<'static> = View {
    user_name: None,
    external_id: None,
    modified_at: None,
    active: ActiveRule::Published,
};

fn created(attributes: Value) -> Result<Desired, Refusal> {
    desired(&resource(attributes), UsernameFromEmail::LocalPart, None)
}

/// What a PUT of this resource writes to this user.
fn put_changes(row: Value, attributes: Value) -> Value {
    let user = user(row);
    let held = Held {
        user: &user,
        user_name: None,
    };
    let resource = resource(attributes);
    let desired = desired(&resource, UsernameFromEmail::LocalPart, Some(&held)).unwrap();
    changes(&user, &desired, Omitted::Clear).into()
}

#[test]
fn the_published_scim_table_is_the_one_in_the_code() {
    let document = include_str!("../../../../docs/mapping.md");
    assert!(
        document.contains(&render_markdown()),
        "docs/mapping.md must hold this table:\n{}",
        render_markdown()
    );
}

#[test]
fn every_attribute_is_shown_where_the_table_says() {
    let user = user(json!({
        "firstname": "Ana", "middlename": "Maria", "lastname": "Souza", "displayname": "Ana Souza",
        "alternateEmail": "ana@mail.example", "employeeIdentifier": "HR-1", "employeeType": "employee",
        "jobTitle": "Engineer", "department": "Data", "costCenter": "Platform", "company": "Corp Ltd",
        "location": "London", "manager": MANAGER_ID,
        "phoneNumbers": [{"id": "p1", "type": "work", "number": "+4420111"}, {"id": "p2", "type": "home", "number": ""}],
        "addresses": [{"id": "a1", "type": "home", "streetAddress": "1 High St", "extendedAddress": "Flat 4", "poBox": "",
            "locality": "Leeds", "region": "", "postalCode": "LS1", "country": "GB"}],
    }));
    let view = View {
        user_name: Some("ana@corp.example"),
        external_id: Some("00u1"),
        modified_at: Some("2026-06-01T12:00:00Z".parse().unwrap()),
        active: ActiveRule::Published,
    };
    let shown = Value::Object(to_resource(&user, &view));
    assert_eq!(
        shown,
        json!({
            "id": ID,
            "externalId": "00u1",
            "userName": "ana@corp.example",
            "name": {"givenName": "Ana", "middleName": "Maria", "familyName": "Souza"},
            "displayName": "Ana Souza",
            "title": "Engineer",
            "userType": "employee",
            "locale": "London",
            "active": true,
            "emails": [
                {"value": "ana@corp.example", "type": "work", "primary": true},
                {"value": "ana@mail.example", "type": "home"},
            ],
            "phoneNumbers": [{"value": "+4420111", "type": "work"}],
            "addresses": [{"type": "home", "streetAddress": "1 High St", "locality": "Leeds", "postalCode": "LS1", "country": "GB"}],
            ENTERPRISE_URN: {
                "employeeNumber": "HR-1", "department": "Data", "costCenter": "Platform", "organization": "Corp Ltd",
                "manager": {"value": MANAGER_ID},
            },
            "meta": {"resourceType": "User", "created": "2021-02-12T17:45:42.369Z", "lastModified": "2026-06-01T12:00:00Z"},
        })
    );
}

#[test]
fn a_bare_user_shows_nothing_empty() {
    for row in [
        json!({}),
        json!({"firstname": null, "lastname": "", "manager": "", "addresses": [{"type": "work"}], "phoneNumbers": null}),
    ] {
        assert_eq!(
            Value::Object(to_resource(&user(row), &PLAIN)),
            json!({
                "id": ID,
                "userName": "ana.souza",
                "active": true,
                "emails": [{"value": "ana@corp.example", "type": "work", "primary": true}],
                "meta": {"resourceType": "User", "created": "2021-02-12T17:45:42.369Z", "lastModified": "2021-02-12T17:45:42.369Z"},
            })
        );
    }
}

#[test]
fn last_modified_is_the_later_of_creation_and_our_last_write() {
    let last_modified = |created: Value, modified_at: Option<&str>| {
        let view = View {
            modified_at: modified_at.map(|moment| moment.parse::<Timestamp>().unwrap()),
            ..PLAIN
        };
        let user = user(json!({"created": created}));
        to_resource(&user, &view)["meta"]["lastModified"].clone()
    };
    let day = |day: u8| format!("2026-01-0{day}T00:00:00Z");
    for (created, modified_at, expected) in [
        (json!(day(1)), Some(day(2)), json!(day(2))),
        (json!(day(2)), Some(day(1)), json!(day(2))),
        (json!(day(1)), None, json!(day(1))),
        (json!(null), Some(day(1)), json!(day(1))),
        (json!("yesterday"), None, Value::Null),
    ] {
        assert_eq!(last_modified(created, modified_at.as_deref()), expected);
    }
}

#[test]
fn access_follows_state_password_and_rule() {
    use StateChange::{None, Reactivate, Suspend};
    // The row; shown as published, shown by suspension alone; what true and false do.
    for (row, published, not_suspended, on_true, on_false) in [
        (json!({"state": "ACTIVATED"}), true, true, None, Suspend),
        (json!({"state": "STAGED"}), true, true, None, Suspend),
        (
            json!({"state": "SUSPENDED", "suspended": true}),
            false,
            false,
            Reactivate,
            None,
        ),
        (
            json!({"state": null, "suspended": true}),
            false,
            false,
            Reactivate,
            None,
        ),
        (json!({"state": "NEW_STATE"}), true, true, None, Suspend),
        (
            json!({"state": "ACTIVATED", "password_expired": true}),
            false,
            true,
            None,
            Suspend,
        ),
        (
            json!({"state": "SUSPENDED", "password_expired": true}),
            false,
            false,
            Reactivate,
            None,
        ),
    ] {
        let user = user(row.clone());
        let shown = |active| to_resource(&user, &View { active, ..PLAIN })["active"].clone();
        assert_eq!(shown(ActiveRule::Published), json!(published), "{row}");
        assert_eq!(
            shown(ActiveRule::NotSuspended),
            json!(not_suspended),
            "{row}"
        );
        assert_eq!(state_change(&user, Some(true)), on_true, "{row}");
        assert_eq!(state_change(&user, Some(false)), on_false, "{row}");
        assert_eq!(state_change(&user, Option::None), None, "{row}");
    }
}

#[test]
fn jumpcloud_rows_of_every_age_are_read_for_scim() {
    let bare = user_of(&object(json!({"_id": ID, "username": "a"})));
    assert_eq!(
        bare,
        DirectoryUser {
            id: ID.into(),
            username: "a".into(),
            ..DirectoryUser::default()
        }
    );
    assert!(user(json!({"admin": {"id": "5"}})).admin);
    assert_eq!(
        user(json!({"state": "SOMETHING"})).recorded_state,
        Some(UserState::Unknown)
    );
    for row in [json!({"username": "a"}), json!({"_id": ID})] {
        assert!(serde_json::from_value::<DirectoryUser>(row).is_err());
    }
}

#[test]
fn a_user_name_becomes_a_username() {
    use UsernameFromEmail::{LocalPart, Refuse};
    let check = |user_name: &str, from_email, expected: Result<(&str, Option<&str>), Refusal>| {
        let resource = resource(json!({"userName": user_name}));
        let actual = desired(&resource, from_email, None)
            .map(|desired| (desired.text("username").to_owned(), desired.user_name));
        let expected =
            expected.map(|(username, own)| (username.to_owned(), own.map(str::to_owned)));
        assert_eq!(actual, expected, "{user_name}");
    };
    for name in ["a", "ana.souza", "Ana_Souza-2", &"a".repeat(1024)] {
        check(name, LocalPart, Ok((name, None)));
        check(name, Refuse, Ok((name, None)));
    }
    for name in [
        "1ana",
        ".ana",
        "ana souza",
        "ana!",
        "josé",
        "@",
        "ana@",
        "@corp",
        "a@b@c",
        "ana @corp",
        "o'brien@corp",
        "1@corp",
        &"a".repeat(1025),
    ] {
        check(name, LocalPart, Err(Refusal::UserName));
    }
    check(
        "Ana@corp.example",
        LocalPart,
        Ok(("Ana", Some("Ana@corp.example"))),
    );
    check("Ana@corp.example", Refuse, Err(Refusal::UserNameIsEmail));
    let nameless = object(json!({"emails": [{"value": "a@b"}]}));
    assert_eq!(
        desired(&nameless, LocalPart, None).unwrap_err(),
        Refusal::NoUserName
    );
}

#[test]
fn what_a_client_was_shown_renames_nobody() {
    let check = |username: &str, own: Option<&str>, sent: &str, expected: (&str, Option<&str>)| {
        let user = user(json!({"username": username}));
        let held = Held {
            user: &user,
            user_name: own,
        };
        let resource = resource(json!({"userName": sent}));
        let desired = desired(&resource, UsernameFromEmail::LocalPart, Some(&held)).unwrap();
        assert_eq!(
            (desired.text("username"), desired.user_name.as_deref()),
            expected
        );
    };
    let own = Some("ana.souza@corp.example");
    // Renamed in JumpCloud since the client created the user.
    check(
        "ana.smith",
        own,
        "ana.souza@corp.example",
        ("ana.smith", own),
    );
    check(
        "ana.smith",
        own,
        "Ana.Souza@corp.example",
        ("ana.smith", own),
    );
    check("ana.smith", own, "ana.smith", ("ana.smith", None));
    check(
        "ana.smith",
        own,
        "ana.jones@corp.example",
        ("ana.jones", Some("ana.jones@corp.example")),
    );
    // Names older than the rule stay.
    check("7of9", None, "7of9", ("7of9", None));
    check(
        "7of9",
        None,
        "7of9@corp.example",
        ("7of9", Some("7of9@corp.example")),
    );
    check("seven@9", None, "seven@9", ("seven@9", None));
}

#[test]
fn a_work_and_a_home_address_are_told_apart() {
    let check = |emails: Value, expected: Result<(&str, &str), Refusal>| {
        let actual = created(json!({"emails": emails})).map(|desired| {
            let text = |name: &str| desired.text(name).to_owned();
            (text("email"), text("alternateEmail"))
        });
        let expected = expected.map(|(work, home)| (work.to_owned(), home.to_owned()));
        assert_eq!(actual, expected, "{emails}");
    };
    let email = |value: &str, kind: Option<&str>, primary: Option<bool>| {
        let mut email = object(json!({"value": value}));
        email.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
        email.extend(primary.map(|primary| ("primary".to_owned(), primary.into())));
        Value::Object(email)
    };
    let work = email("w@x.example", Some("work"), None);
    let home = email("h@x.example", Some("home"), None);
    let bare = |value: &str| email(value, None, None);
    let primary = |value: &str, kind| email(value, kind, Some(true));

    check(json!([work]), Ok(("w@x.example", "")));
    check(json!([home, work]), Ok(("w@x.example", "h@x.example")));
    check(json!([bare("w@x")]), Ok(("w@x", "")));
    check(json!([bare("W@X.Example")]), Ok(("w@x.example", "")));
    check(json!([home, bare("w@x")]), Ok(("w@x", "h@x.example")));
    check(json!([bare("h@x"), work]), Ok(("w@x.example", "h@x")));
    check(
        json!([bare("h@x"), primary("w@x", None)]),
        Ok(("w@x", "h@x")),
    );
    check(
        json!([primary("h@x", Some("home")), work]),
        Ok(("w@x.example", "h@x")),
    );

    check(
        json!([bare("a@x"), bare("b@x")]),
        Err(Refusal::UntypedEmails),
    );
    check(
        json!([primary("a@x", None), primary("b@x", None)]),
        Err(Refusal::UntypedEmails),
    );
    check(json!([]), Err(Refusal::NoWorkEmail));
    check(json!([home]), Err(Refusal::NoWorkEmail));
    check(
        json!([primary("h@x", Some("home"))]),
        Err(Refusal::NoWorkEmail),
    );
    check(json!([work, work]), Err(Refusal::TooManyEmails));
    check(json!([work, home, home]), Err(Refusal::TooManyEmails));
    check(
        json!([work, home, bare("c@x")]),
        Err(Refusal::TooManyEmails),
    );
    for none in ["w", "w@", "@x", "w@x@y", "w w@x"] {
        check(json!([bare(none)]), Err(Refusal::Email));
        check(
            json!([work, email(none, Some("home"), None)]),
            Err(Refusal::Email),
        );
    }
}

#[test]
fn a_refusal_names_its_attribute() {
    for (refusal, attribute) in [
        (Refusal::NoUserName, "`userName`"),
        (Refusal::UserName, "`userName`"),
        (Refusal::UserNameIsEmail, "`userName`"),
        (Refusal::NoWorkEmail, "`emails`"),
        (Refusal::TooManyEmails, "`emails`"),
        (Refusal::UntypedEmails, "`emails`"),
        (Refusal::Email, "`emails.value`"),
        (Refusal::Manager, "`manager.value`"),
    ] {
        assert!(refusal.to_string().starts_with(attribute), "{refusal}");
    }
}

#[test]
fn a_manager_is_named_by_id() {
    let check = |id: &str| created(json!({ENTERPRISE_URN: {"manager": {"value": id}}}));
    assert_eq!(check(MANAGER_ID).unwrap().text("manager"), MANAGER_ID);
    for id in [
        "boss",
        "6026bec6b8207255280d598",
        "6026bec6b8207255280d598g",
    ] {
        assert_eq!(check(id).unwrap_err(), Refusal::Manager, "{id}");
    }
}

#[test]
fn a_password_is_passed_on_and_never_printed() {
    let desired =
        created(json!({"password": "s3cret!", "externalId": "00u1", "active": false})).unwrap();
    assert_eq!(
        desired.password.as_ref().unwrap().expose_secret(),
        "s3cret!"
    );
    assert!(!format!("{desired:?}").contains("s3cret!"));
    assert_eq!(
        Value::Object(desired.attributes),
        json!({"username": "ana.souza", "email": "ana@corp.example"})
    );
    assert_eq!(desired.external_id.as_deref(), Some("00u1"));
    assert_eq!(desired.active, Some(false));
}

#[test]
fn changes_hold_what_differs_and_no_more() {
    for (row, asked, expected) in [
        (json!({}), json!({}), json!({})),
        (json!({"jobTitle": "A"}), json!({"title": "A"}), json!({})),
        (
            json!({"jobTitle": "A"}),
            json!({"title": "a"}),
            json!({"jobTitle": "a"}),
        ),
        (json!({"jobTitle": "A"}), json!({}), json!({"jobTitle": ""})),
        (
            json!({"employeeIdentifier": "1", "manager": MANAGER_ID}),
            json!({}),
            json!({"employeeIdentifier": null, "manager": null}),
        ),
        (json!({"email": "Ana@Corp.example"}), json!({}), json!({})),
        (
            json!({"email": "old@corp.example"}),
            json!({}),
            json!({"email": "ana@corp.example"}),
        ),
        (
            json!({"alternateEmail": "a@mail.example"}),
            json!({}),
            json!({"alternateEmail": ""}),
        ),
        (json!({"username": "Ana.Souza"}), json!({}), json!({})),
        (
            json!({}),
            json!({"userName": "ana.smith"}),
            json!({"username": "ana.smith"}),
        ),
        (
            json!({}),
            json!({"active": false, "password": "x", "externalId": "1"}),
            json!({}),
        ),
        // What is held is not checked.
        (
            json!({"manager": "older", "email": "older", "alternateEmail": ""}),
            json!({"emails": [{"value": "older"}], ENTERPRISE_URN: {"manager": {"value": "older"}}}),
            json!({}),
        ),
        (json!({"email": null}), json!({"emails": []}), json!({})),
    ] {
        assert_eq!(
            put_changes(row.clone(), asked.clone()),
            expected,
            "{row} {asked}"
        );
    }
}

#[test]
fn what_a_returning_users_resource_leaves_out_stays() {
    let user = user(
        json!({"jobTitle": "A", "department": "B", "phoneNumbers": [{"type": "work", "number": "1"}]}),
    );
    let desired = created(json!({"title": "C"})).unwrap();
    assert_eq!(
        Value::Object(changes(&user, &desired, Omitted::Keep)),
        json!({"jobTitle": "C"})
    );
}

#[test]
fn arrays_are_merged() {
    let work = json!({"id": "p1", "type": "work", "number": "1", "note": "desk"});
    let home = json!({"id": "p2", "type": "home", "number": "2"});
    let hidden = json!({"id": "p3", "type": "work_fax", "number": ""});
    let asked = |kind: &str, number: &str| json!({"type": kind, "value": number});
    for (numbers, expected) in [
        (json!([asked("work", "1"), asked("home", "2")]), Value::Null),
        (json!([asked("home", "2"), asked("work", "1")]), Value::Null),
        (
            json!([asked("work", "9"), asked("home", "2")]),
            json!([{"id": "p1", "type": "work", "number": "9", "note": "desk"}, home, hidden]),
        ),
        // A second work number does not take the place of the first.
        (
            json!([asked("work", "9"), asked("work", "1"), asked("home", "2")]),
            json!([{"type": "work", "number": "9"}, work, home, hidden]),
        ),
        (json!([asked("home", "2")]), json!([home, hidden])),
        (
            json!([{"value": "3"}, asked("work", "1"), asked("home", "2")]),
            json!([{"number": "3"}, work, home, hidden]),
        ),
        (json!([]), json!([hidden])),
    ] {
        let changes = put_changes(
            json!({"phoneNumbers": [work, home, hidden]}),
            json!({"phoneNumbers": numbers}),
        );
        assert_eq!(changes["phoneNumbers"], expected, "{numbers}");
    }
    let changes = put_changes(
        json!({"addresses": [{"type": "work", "streetAddress": "1 A St", "region": "X", "poBox": "7", "extendedAddress": "Flat 4"}]}),
        json!({"addresses": [{"type": "work", "streetAddress": "2 B St"}]}),
    );
    assert_eq!(
        changes,
        json!({"addresses": [{"type": "work", "streetAddress": "2 B St", "poBox": "7", "extendedAddress": "Flat 4"}]})
    );
}

/// Text that JumpCloud may hold, unset in each of its ways.
fn held_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        "[A-Za-z0-9é ]{1,6}".prop_map(Value::from),
    ]
}

fn held_elements(parts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let element = (
        proptest::option::of(prop_oneof!["work", "home", "mobile"]),
        proptest::collection::vec(held_text(), parts.len()),
        "[0-9a-f]{6}",
    )
        .prop_map(move |(kind, values, id)| {
            let mut element: Map<String, Value> = parts
                .iter()
                .map(|part| (*part).to_owned())
                .zip(values)
                .collect();
            element.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
            element.insert("id".to_owned(), id.into());
            element
        });
    proptest::collection::vec(element, 0..4).prop_map(Value::from)
}

/// A row of JumpCloud's, with usernames and states of every age.
fn any_row() -> impl Strategy<Value = Map<String, Value>> {
    let texts = TABLE
        .iter()
        .filter(|row| matches!(row.kind, Kind::Text(_)) && row.jumpcloud != MANAGER)
        .map(|row| row.jumpcloud);
    let texts: Vec<&str> = texts.collect();
    let numbers = &["number", "note"];
    let addresses = &[
        "streetAddress",
        "extendedAddress",
        "poBox",
        "locality",
        "country",
    ];
    (
        "[A-Za-z0-9][A-Za-z0-9._ é-]{0,6}",
        "[A-Za-z]{1,4}@[a-z]{1,4}",
        prop_oneof![Just(Value::Null), "[a-z]{1,4}@[A-Z]{1,4}".prop_map(Value::from)],
        prop_oneof![Just(Value::Null), "[0-9a-f]{24}".prop_map(Value::from)],
        proptest::collection::vec(held_text(), texts.len()),
        held_elements(numbers),
        held_elements(addresses),
        prop_oneof!["STAGED", "ACTIVATED", "SUSPENDED", "ODD"],
        any::<bool>(),
    )
        .prop_map(
            move |(username, email, home, manager, values, numbers, addresses, state, expired)| {
                let mut row = row_with(json!({
                    "username": username, "email": email, "alternateEmail": home, "manager": manager,
                    "phoneNumbers": numbers, "addresses": addresses, "password_expired": expired,
                    "state": state, "suspended": state == "SUSPENDED",
                }));
                row.extend(texts.iter().map(|text| (*text).to_owned()).zip(values));
                row
            },
        )
}

/// A resource as a client may send it: another user's, under a name that JumpCloud takes.
fn any_resource() -> impl Strategy<Value = Resource> {
    (any_row(), "[a-z][a-z0-9._-]{0,6}(@[a-z]{1,4})?").prop_map(|(row, user_name)| {
        let mut resource = to_resource(&user_of(&row), &PLAIN);
        resource.insert("userName".to_owned(), user_name.into());
        resource
    })
}

/// What JumpCloud makes of a PUT: other attributes stay, arrays are replaced whole.
fn put_to(row: &Map<String, Value>, changes: Map<String, Value>) -> Map<String, Value> {
    let mut row = row.clone();
    row.extend(changes);
    row
}

/// What two resources of the same content have in common: no order of elements, no case of addresses, no state, and
/// nothing that the service alone decides.
fn content(mut resource: Resource) -> Resource {
    for name in ["schemas", "meta", "active", "id"] {
        resource.remove(name);
    }
    for list in ["emails", "phoneNumbers", "addresses"] {
        if let Some(Value::Array(elements)) = resource.get_mut(list) {
            elements.sort_by_key(Value::to_string);
        }
    }
    let emails = resource["emails"].to_string().to_lowercase();
    resource.insert("emails".to_owned(), emails.into());
    resource
}

fn elements(row: &Map<String, Value>, list: &str) -> Vec<Value> {
    row[list].as_array().cloned().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_created_user_is_shown_as_asked_for(resource in any_resource()) {
        let desired = desired(&resource, UsernameFromEmail::LocalPart, None).unwrap();
        let mut row = object(json!({"_id": ID}));
        row.extend(desired.attributes);
        prop_assert!(row.values().all(|value| !value.is_null() && *value != json!("") && *value != json!([])));
        let view = View { user_name: desired.user_name.as_deref(), ..PLAIN };
        prop_assert_eq!(content(to_resource(&user_of(&row), &view)), content(resource));
    }

    #[test]
    fn what_was_shown_changes_nothing_when_it_comes_back(row in any_row(), own in proptest::option::of("[a-z]{1,4}@[a-z]{1,4}")) {
        let user = user_of(&row);
        let view = View { user_name: own.as_deref(), active: ActiveRule::NotSuspended, ..PLAIN };
        let held = Held { user: &user, user_name: own.as_deref() };
        for from_email in [UsernameFromEmail::LocalPart, UsernameFromEmail::Refuse] {
            let desired = desired(&to_resource(&user, &view), from_email, Some(&held)).unwrap();
            prop_assert_eq!(changes(&user, &desired, Omitted::Clear), Map::new());
            prop_assert_eq!(changes(&user, &desired, Omitted::Keep), Map::new());
            prop_assert_eq!(state_change(&user, desired.active), StateChange::None);
            prop_assert_eq!(desired.user_name, own.clone());
        }
    }

    #[test]
    fn a_replaced_user_is_shown_as_asked_for_and_keeps_what_is_not_shown(row in any_row(), resource in any_resource()) {
        let user = user_of(&row);
        let held = Held { user: &user, user_name: None };
        let desired = desired(&resource, UsernameFromEmail::LocalPart, Some(&held)).unwrap();
        let changes = changes(&user, &desired, Omitted::Clear);
        prop_assert!(changes.get("employeeIdentifier") != Some(&json!("")));
        let after = put_to(&row, changes);
        let view = View { user_name: desired.user_name.as_deref(), ..PLAIN };
        prop_assert_eq!(content(to_resource(&user_of(&after), &view)), content(resource.clone()));

        let shown = to_resource(&user, &PLAIN);
        for (list, value) in [("phoneNumbers", "number"), ("addresses", "streetAddress")] {
            let kept = elements(&after, list);
            let stays = shown.get(list) == resource.get(list);
            for element in elements(&row, list) {
                // Without a number, and without street, city and country, SCIM shows nothing.
                let is_hidden = [value, "locality", "country"]
                    .iter()
                    .all(|part| element.get(*part).and_then(Value::as_str).unwrap_or_default().is_empty());
                prop_assert!(!(is_hidden || stays) || kept.contains(&element), "{} is lost from {:?}", element, kept);
            }
        }
    }
}

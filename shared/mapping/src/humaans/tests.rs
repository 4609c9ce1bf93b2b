//! What a record of Humaans says about a person, case by case. Everybody here is invented.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a test hands its fields over"
)]

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::lifecycle::{activation_moment, standing};
use crate::{
    Field, Lifecycle, NoAccount, Policy, Standing, desired_user, hr_value, unknown_custom_fields,
};

/// Noor, who works in the office in Lisbon, with these fields in place of the usual ones.
fn record(fields: Value) -> Value {
    let mut record = json!({
        "id": "p1", "companyId": "c1", "status": "active", "demo": false,
        "firstName": "Noor", "lastName": "Haddad", "preferredName": "Nour",
        "email": "Noor.Haddad@corp.example", "personalEmail": "noor@mail.example",
        "phoneNumber": "+351210000000", "personalPhoneNumber": "+351912345678",
        "locationId": "l1", "contractType": "Full time", "employeeId": "C-0107",
        "teams": [{"name": "Platform"}, {"name": "On call"}],
        "address": "Rua Nova 3\n2 Esq", "city": "Almada", "state": "Setúbal", "postcode": "2800-001",
        "countryCode": "PT", "country": "Portugal",
        "employmentStartDate": "2024-01-01", "lastWorkingDay": "2024-01-01",
    });
    for (key, value) in fields.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn person(fields: Value) -> Person {
    serde_json::from_value(record(fields)).unwrap()
}

fn role(id: &str, fields: Value) -> JobRole {
    let mut role = json!({"id": id, "personId": "p1", "jobTitle": id, "department": "Engineering"});
    for (key, value) in fields.as_object().unwrap() {
        role[key] = value.clone();
    }
    serde_json::from_value(role).unwrap()
}

/// What is known beside people; others have roles before and after Noor's.
fn directory(own_roles: Vec<JobRole>) -> Directory {
    let others = ["p0", "p10", "p2"].map(|id| role("Stranger", json!({"personId": id})));
    let locations = json!([{"id": "l1", "label": "Lisbon", "city": "Lisboa", "countryCode": "PT", "timezone": "Europe/Lisbon"}]);
    Directory::new(
        Some(own_roles.into_iter().chain(others).collect()),
        serde_json::from_value(locations).unwrap(),
        serde_json::from_value(json!([{"id": "c1", "name": "Corp Lda", "domains": []}])).unwrap(),
    )
}

fn zones() -> Zones {
    let zone = |name: &str| TimeZone::get(name).unwrap();
    Zones {
        table: [("jp".to_owned(), zone("Asia/Tokyo"))].into(),
        default: zone("America/New_York"),
    }
}

const NOW: &str = "2026-06-01T12:00:00Z";

fn worker_at(fields: Value, directory: &Directory, now: &str) -> Worker {
    to_worker(&person(fields), directory, &zones(), now.parse().unwrap())
}

fn worker(fields: Value) -> Worker {
    worker_at(fields, &directory(Vec::new()), NOW)
}

#[test]
fn every_field_comes_from_where_the_table_says() {
    let lead = json!({"effectiveDate": "2025-01-01", "reportingTo": "p0", "jobTitle": "Lead"});
    let worker = worker_at(json!({}), &directory(vec![role("r1", lead)]), NOW);
    let fields =
        Field::ALL.map(|field| format!("{field}: {}", field.text(&worker).unwrap_or("-".into())));
    insta::assert_snapshot!(fields.join("\n"), @"
    work_email: noor.haddad@corp.example
    personal_email: noor@mail.example
    first_name: Noor
    middle_name: -
    last_name: Haddad
    preferred_name: Nour
    full_name: Noor Haddad
    job_title: Lead
    department: Engineering
    location: Lisbon
    team: Platform
    worker_type: Full time
    entity: Corp Lda
    country: PT
    city: Lisboa
    start_date: 2024-01-01
    employee_id: C-0107
    work_phone: +351210000000
    personal_phone: +351912345678
    phone_numbers: -
    addresses: -
    manager: -
    ");
    let rules = Policy::humaans().attributes;
    let rows = rules
        .iter()
        .map(|rule| format!("{}: {}", rule.attribute, hr_value(rule, &worker)));
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"), @r#"
    email: "noor.haddad@corp.example"
    firstname: "Noor"
    lastname: "Haddad"
    displayname: "Noor Haddad"
    jobTitle: "Lead"
    department: "Engineering"
    employeeIdentifier: "C-0107"
    alternateEmail: "noor@mail.example"
    phoneNumbers: [{"number":"+351210000000","type":"work"},{"number":"+351912345678","type":"mobile"}]
    addresses: [{"country":"PT","extendedAddress":"","locality":"Almada","poBox":"","postalCode":"2800-001","region":"Setúbal","streetAddress":"Rua Nova 3 2 Esq","type":"home"}]
    manager: "p0"
    "#);
    assert_eq!(worker.identifiers().collect::<Vec<_>>(), ["C-0107", "p1"]);
    assert_eq!(worker.zone.iana_name(), Some("Europe/Lisbon"));
    assert_eq!(worker.warnings(), []);
}

#[test]
fn odd_shapes_of_answers_are_read() {
    for fields in [
        json!({"department": "Data", "jobTitle": "Analyst"}),
        json!({"department": {"name": "Data"}}),
        json!({"department": {"name": null}, "jobRole": {"jobTitle": null, "department": 5}}),
        json!({"department": null, "jobRole": null, "teams": null, "demo": null}),
        json!({"teams": [], "workingDays": [{"day": "monday"}], "profilePhoto": {"variants": {}}}),
        json!({"birthday": 7, "something_new": {"a": [1]}}),
    ] {
        let person: Result<Person, _> = serde_json::from_value(record(fields.clone()));
        assert!(person.is_ok(), "{fields}: {person:?}");
    }
    let least: Person = serde_json::from_value(json!({"id": "p1"})).unwrap();
    let worker = to_worker(
        &least,
        &Directory::default(),
        &zones(),
        NOW.parse().unwrap(),
    );
    assert_eq!(worker.identifiers().collect::<Vec<_>>(), ["p1"]);
    assert_eq!(worker.details, None);
    for row in [
        json!({"id": "r", "personId": "p"}),
        json!({"id": "r", "personId": "p", "effectiveDate": "soon", "department": {"name": "Data"}}),
    ] {
        assert!(serde_json::from_value::<JobRole>(row).is_ok());
    }
}

#[test]
fn a_row_without_its_ids_is_refused() {
    for id in [json!(null), json!(""), json!(" "), json!(5)] {
        assert!(serde_json::from_value::<Person>(record(json!({"id": id}))).is_err());
        let role = |own: &Value, person: &Value| json!({"id": own, "personId": person});
        assert!(serde_json::from_value::<JobRole>(role(&id, &json!("p"))).is_err());
        assert!(serde_json::from_value::<JobRole>(role(&json!("r"), &id)).is_err());
    }
    assert!(serde_json::from_value::<Location>(json!({"label": "Lisbon"})).is_err());
    assert!(serde_json::from_value::<Company>(json!({"name": "Corp"})).is_err());
}

#[test]
fn a_demo_person_is_told_apart() {
    assert!(person(json!({"demo": true})).is_demo());
    assert!(!person(json!({})).is_demo());
}

#[test]
fn the_latest_job_role_that_has_begun_counts_where_the_person_is() {
    let on = |day: &str| role(day, json!({"effectiveDate": day}));
    // Noon in Lisbon on the first of June is already the second on Kiritimati, and the first in Niue from eleven on.
    for (roles, zone, expected) in [
        (
            vec![on("2024-01-01"), on("2025-01-01"), on("2027-01-01")],
            "UTC",
            Some("2025-01-01"),
        ),
        (
            vec![on("2025-01-01"), on("2024-01-01")],
            "UTC",
            Some("2025-01-01"),
        ),
        (
            vec![on("2027-01-01"), on("2026-12-01")],
            "UTC",
            Some("2026-12-01"),
        ),
        (
            vec![on("2024-01-01"), on("2026-06-02")],
            "Pacific/Kiritimati",
            Some("2026-06-02"),
        ),
        (
            vec![on("2024-01-01"), on("2026-06-02")],
            "Pacific/Niue",
            Some("2024-01-01"),
        ),
        (
            vec![role("Undated", json!({})), on("2025-01-01")],
            "UTC",
            Some("2025-01-01"),
        ),
        (
            vec![
                role("Undated", json!({"effectiveDate": "soon"})),
                on("2027-01-01"),
            ],
            "UTC",
            Some("Undated"),
        ),
        (vec![], "UTC", None),
    ] {
        let worker = worker_at(json!({"timezone": zone}), &directory(roles), NOW);
        assert_eq!(worker.job_title.as_deref(), expected, "{zone}");
    }
}

#[test]
fn the_role_is_the_authority_and_what_the_person_carries_a_fallback() {
    let inline = json!({"jobTitle": "Old", "department": {"name": "Old"},
        "jobRole": {"jobTitle": "Inline", "department": "Inline"}});
    let of = |roles: Vec<JobRole>, fields: &Value| {
        let worker = worker_at(fields.clone(), &directory(roles), NOW);
        (worker.job_title.unwrap(), worker.department.unwrap())
    };
    let pair = |text: &str| (Text::from(text), Text::from(text));
    let department = json!({"department": {"name": "Role"}});
    assert_eq!(of(vec![role("Role", department)], &inline), pair("Role"));
    assert_eq!(of(vec![], &inline), pair("Inline"));
    let mut bare = inline;
    bare["jobRole"] = Value::Null;
    assert_eq!(of(vec![], &bare), pair("Old"));
}

#[test]
fn what_was_not_read_is_left_as_it_is() {
    let rules: Vec<_> = [
        "jobTitle",
        "department",
        "manager",
        "location",
        "company",
        "firstname",
    ]
    .iter()
    .map(|name| {
        crate::TABLE
            .iter()
            .find(|row| row.attribute.wire_name() == *name)
            .unwrap()
    })
    .map(|row| crate::AttributeRule {
        blank: crate::Blank::Clear,
        ..crate::AttributeRule::of(row)
    })
    .collect();
    let told = |directory: &Directory, fields: Value| {
        let worker = worker_at(fields, directory, NOW);
        let desired = desired_user(&worker, &rules, None).unwrap();
        let told = desired
            .attributes
            .iter()
            .map(|(rule, _)| rule.attribute.to_string());
        told.collect::<Vec<_>>()
    };
    let nothing = Directory::new(None, Vec::new(), Vec::new());
    assert_eq!(told(&nothing, json!({"jobTitle": "Inline"})), ["firstname"]);
    let all = ["jobTitle", "department", "location", "company", "firstname"];
    assert_eq!(
        told(&directory(Vec::new()), json!({})),
        all,
        "known to have none"
    );
    assert_eq!(
        told(
            &directory(Vec::new()),
            json!({"locationId": null, "companyId": null})
        ),
        all
    );
    let moved = json!({"locationId": "l9", "companyId": "c9"});
    assert_eq!(
        told(&directory(Vec::new()), moved),
        ["jobTitle", "department", "firstname"]
    );
    assert_eq!(
        told(&nothing, json!({"locationId": "remote", "companyId": null})),
        ["location", "company", "firstname"]
    );
}

#[test]
fn nobody_begins_early_because_the_place_of_work_was_lost() {
    let begins = |fields: Value, lacking: bool| {
        let mut start = json!({"employmentStartDate": "2026-06-01", "timezone": null});
        for (key, value) in fields.as_object().unwrap() {
            start[key] = value.clone();
        }
        let worker = worker_at(
            start,
            &directory(Vec::new()).lacking_locations(lacking),
            NOW,
        );
        activation_moment(&worker, &Lifecycle::default())
            .unwrap()
            .to_string()
    };
    let new_york = "2026-06-01T04:00:00Z";
    let last_of_all = "2026-06-01T12:00:00Z";
    let lisbon = "2026-05-31T23:00:00Z";
    let unknown = || json!({"locationId": "l9"});
    assert_eq!(begins(unknown(), true), last_of_all);
    assert_eq!(
        begins(unknown(), false),
        new_york,
        "there is no such location"
    );
    assert_eq!(begins(json!({"locationId": "l1"}), true), lisbon);
    assert_eq!(begins(json!({"locationId": null}), true), new_york);
    let own = json!({"locationId": "l9", "timezone": "Europe/Lisbon"});
    assert_eq!(begins(own, true), lisbon);
}

#[test]
fn a_person_is_in_the_first_zone_that_anybody_knows() {
    let remote = |city: Value, zone: Value| json!({"locationId": "remote", "remoteCity": city, "remoteCountryCode": "JP", "remoteTimezone": zone});
    for (fields, zone, place) in [
        (json!({}), "Europe/Lisbon", "Lisbon, Lisboa, PT"),
        (
            json!({"timezone": "Asia/Tokyo"}),
            "Asia/Tokyo",
            "Lisbon, Lisboa, PT",
        ),
        (
            json!({"timezone": " "}),
            "Europe/Lisbon",
            "Lisbon, Lisboa, PT",
        ),
        (
            remote(json!("Osaka"), json!("Asia/Seoul")),
            "Asia/Seoul",
            "Remote, Osaka, JP",
        ),
        (
            remote(json!(null), json!(null)),
            "Asia/Tokyo",
            "Remote, Almada, JP",
        ),
        (
            json!({"locationId": "l9"}),
            "America/New_York",
            "-, Almada, PT",
        ),
        (
            json!({"locationId": null, "countryCode": "JP"}),
            "Asia/Tokyo",
            "-, Almada, JP",
        ),
        (
            json!({"locationId": null, "countryCode": null, "country": "JP"}),
            "Asia/Tokyo",
            "-, Almada, JP",
        ),
    ] {
        let worker = worker(fields.clone());
        let place_of = [Field::Location, Field::City, Field::Country]
            .map(|field| field.text(&worker).unwrap_or("-".into()).into_owned());
        assert_eq!(place_of.join(", "), place, "{fields}");
        assert_eq!(worker.zone.iana_name(), Some(zone), "{fields}");
        assert_eq!(worker.warnings(), [], "{fields}");
    }
    let worker = worker(json!({"timezone": "Mars/Olympus"}));
    assert_eq!(
        worker.zone.iana_name(),
        Some("Europe/Lisbon"),
        "that of the location"
    );
    assert_eq!(worker.warnings()[0].code, "unknown_zone");
}

/// Where somebody stands, in a word.
fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Staged(Some(_)) => "staged",
        Standing::Active(None) => "active",
        Standing::Active(Some(_)) => "active until",
        Standing::Absent(NoAccount::Leaving) => "leaving",
        Standing::Absent(NoAccount::NoStartDate) => "undated",
        Standing::Gone(_) => "gone",
        Standing::Unclear(_) => "unclear",
        _ => "unexpected",
    }
}

#[test]
fn status_and_dates_say_where_somebody_stands() {
    for (status, start, end, expected) in [
        ("newHire", "2026-07-01", "", "staged"),
        ("newHire", "2026-05-01", "", "active"),
        ("newHire", "", "", "undated"),
        ("newHire", "2026-07-01", "2025-12-31", "staged"),
        ("active", "2024-01-01", "", "active"),
        ("active", "", "", "active"),
        ("active", "2026-07-01", "", "staged"),
        ("active", "2024-01-01", "2026-06-30", "active until"),
        ("active", "2024-01-01", "2026-06-01", "active until"),
        ("active", "2024-01-01", "2026-05-31", "gone"),
        ("active", "2026-01-01", "2025-05-31", "active"),
        ("offboarded", "2024-01-01", "", "gone"),
        ("offboarded", "2024-01-01", "2026-05-31", "gone"),
        ("offboarded", "2024-01-01", "2026-06-30", "leaving"),
        ("offboarded", "2026-07-01", "", "gone"),
        ("paused", "2024-01-01", "2026-05-31", "unclear"),
        ("", "2024-01-01", "", "unclear"),
        ("active", "in spring", "", "unclear"),
        ("offboarded", "2024-01-01", "soon", "unclear"),
    ] {
        let fields =
            json!({"status": status, "employmentStartDate": start, "employmentEndDate": end});
        let lifecycle = Lifecycle::default();
        let standing = standing(&worker(fields.clone()), &lifecycle, NOW.parse().unwrap());
        assert_eq!(word(&standing), expected, "{fields}: {standing:?}");
    }
    let nothing = worker(json!({"status": null}));
    assert!(matches!(nothing.employment.status, Status::Unclear(_)));
}

#[test]
fn a_last_working_day_is_not_the_end() {
    let garden_leave = json!({"lastWorkingDay": "2026-05-01", "employmentEndDate": "2026-07-31"});
    let last_day = worker(garden_leave).employment.last_day;
    assert_eq!(last_day, Some("2026-07-31".parse().unwrap()));
    let alone = worker(json!({"lastWorkingDay": "2026-05-01"}));
    assert_eq!(alone.employment.last_day, None);
}

fn custom_fields() -> Vec<CustomField> {
    serde_json::from_value(json!([
        {"id": "f1", "name": "Cost code"}, {"id": "f2", "name": "Badge"}, {"id": "f3", "name": null},
        {"id": "f4", "name": " Sites "},
    ]))
    .unwrap()
}

#[test]
fn custom_fields_that_rules_name_are_kept_by_name() {
    let value = |person: &str, field: &str, value: Value| json!({"personId": person, "customFieldId": field, "value": value});
    let values = json!([
        value("p1", "f1", json!(4711)), value("p2", "f1", json!("1")), value("p1", "f2", json!("B-7")),
        value("p1", "f3", json!("nameless")), value("p1", "f4", json!(["Porto", null, "Faro"])),
        value("p1", "f9", json!("unknown")), {"personId": "p1", "customFieldId": "f1"},
    ]);
    let wanted = ["Cost code", "Sites", "Nobody's"].map(Text::from).into();
    let directory = directory(Vec::new()).with_custom_fields(
        &custom_fields(),
        serde_json::from_value(values).unwrap(),
        &wanted,
    );
    let worker = worker_at(json!({}), &directory, NOW);
    let kept: Vec<_> = worker
        .custom_fields()
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(kept, ["Cost code: 4711", "Sites: Porto, Faro"]);
    let field = Field::named("custom.Cost code").unwrap();
    assert_eq!(field.text(&worker).as_deref(), Some("4711"));
    let known = custom_fields();
    let unknown = unknown_custom_fields(
        &wanted,
        known.iter().filter_map(|field| field.name.as_deref()),
    );
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].code, "unknown_custom_field");
    insta::assert_snapshot!(unknown[0].message, @"HR has no custom field `Nobody's`: write its name as HR shows it, or remove `custom.Nobody's` from the configuration");
}

proptest! {
    #[test]
    fn any_record_is_read_without_panic(fields in prop::collection::btree_map(
        prop::sample::select(vec!["status", "timezone", "locationId", "employmentStartDate", "employmentEndDate", "email", "address"]),
        prop::option::of("\\PC{0,12}|2026-0[1-9]-3[01]|9999-12-31|-9999-01-01|active|remote|Pacific/Apia"), 0..6,
    )) {
        let person = person(serde_json::to_value(fields).unwrap());
        let worker = to_worker(&person, &directory(Vec::new()), &zones(), NOW.parse().unwrap());
        let _ = standing(&worker, &Lifecycle::default(), NOW.parse().unwrap());
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(rows in Just((0..6).map(|day| role(&format!("r{day}"), json!({"effectiveDate": format!("2026-05-3{}", day % 2)}))).collect::<Vec<_>>()).prop_shuffle()) {
        let worker = worker_at(json!({}), &directory(rows), NOW);
        prop_assert_eq!(worker.job_title.as_deref(), Some("r5"));
    }
}

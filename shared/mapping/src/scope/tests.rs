//! Whom a source is for, key by key.

use serde_json::json;

use super::{Membership, ScopeKey, Selection, SourceScope};
use crate::deel::{Person, to_worker};
use crate::{Leavers, Lifecycle, Part, Standing, Unread, Worker, Zones};

/// An employee in the department Sales in London, with nothing but that; and somebody of whom nothing is known.
fn seller() -> Worker {
    worker(json!({
        "id": "w1", "hiring_type": "employee", "department": {"name": "Sales"}, "work_location": "London",
        "client_legal_entity": {"name": "Corp Ltd"}, "country": "GB",
        "emails": [{"type": "work", "value": "Ana@Corp.Example"}],
    }))
}

fn worker(record: serde_json::Value) -> Worker {
    let zones = Zones {
        table: std::collections::BTreeMap::new(),
        default: jiff::tz::TimeZone::UTC,
    };
    let person: Person = serde_json::from_value(record).unwrap();
    to_worker(&person, &zones, "2026-06-01T00:00:00Z".parse().unwrap())
}

fn named(values: &[(ScopeKey, &str)]) -> Selection {
    let values = values
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()));
    values.collect()
}

fn scope(include: &[(ScopeKey, &str)], exclude: &[(ScopeKey, &str)]) -> SourceScope {
    SourceScope {
        include: named(include),
        exclude: named(exclude),
    }
}

fn check(scope: &SourceScope, worker: &Worker, expected: &str) {
    let found = match scope.membership(worker) {
        Membership::Inside => "inside".to_owned(),
        Membership::Outside(why) => format!("outside: {why}"),
        Membership::Unclear(why) => format!("unclear: {why}"),
    };
    assert_eq!(found, expected, "{scope:?}");
}

#[test]
fn each_key_takes_its_own_value_in_any_case() {
    use ScopeKey::{Countries, Departments, EmailDomains, Entities, Locations, WorkerTypes};
    for (key, own, noun) in [
        (WorkerTypes, " EMPLOYEE ", "worker type `employee`"),
        (Departments, "sales", "department `Sales`"),
        (Locations, "LONDON", "work location `London`"),
        (Entities, "corp ltd", "legal entity `Corp Ltd`"),
        (Countries, "gb", "country `GB`"),
        (
            EmailDomains,
            "@Corp.example",
            "e-mail domain `corp.example`",
        ),
    ] {
        let (seller, name) = (seller(), key.name());
        check(&scope(&[(key, own)], &[]), &seller, "inside");
        check(&scope(&[], &[(key, "other")]), &seller, "inside");
        let left_out = format!("outside: `include.{name}` does not name the {noun}");
        check(&scope(&[(key, "other")], &[]), &seller, &left_out);
        let excluded = format!("outside: `exclude.{name}` names the {noun}");
        check(&scope(&[(key, own)], &[(key, own)]), &seller, &excluded);
    }
}

#[test]
fn every_key_of_include_must_match_and_any_key_of_exclude_decides() {
    let given = [
        (ScopeKey::Countries, "FR"),
        (ScopeKey::Countries, "GB"),
        (ScopeKey::Departments, "Data"),
    ];
    let expected = "outside: `include.departments` does not name the department `Sales`";
    check(&scope(&given, &[]), &seller(), expected);
    let excluded = scope(&[], &given[1..]);
    check(
        &excluded,
        &seller(),
        "outside: `exclude.countries` names the country `GB`",
    );
}

#[test]
fn nobody_falls_out_of_scope_for_a_value_that_is_not_known() {
    let nobody = worker(json!({"id": "w2"}));
    let sales = [(ScopeKey::Departments, "Sales")];
    let unclear = "unclear: `include.departments` is set, and HR shows no department";
    check(&scope(&sales, &[]), &nobody, unclear);
    check(&scope(&[], &sales), &nobody, "inside");
    // Nor for one that another part of the record would stand in for.
    for department in [
        json!(null),
        json!({"name": "Data"}),
        json!({"name": "Sales"}),
    ] {
        let mut unread = worker(json!({"id": "w2", "department": department}));
        unread.unread = Unread::default().and(Part::Role, true);
        check(&scope(&sales, &[]), &unread, unclear);
        let unclear = "unclear: `exclude.departments` is set, and the department was not read";
        check(&scope(&[], &sales), &unread, unclear);
    }
    // What is known decides all the same.
    let both = scope(&sales, &[(ScopeKey::Countries, "GB")]);
    let british = worker(json!({"id": "w3", "country": "GB"}));
    let excluded = "outside: `exclude.countries` names the country `GB`";
    check(&both, &british, excluded);
}

#[test]
fn leavers_leave_and_the_unknown_stay_as_they_are() {
    let outside = || Membership::Outside("why".to_owned());
    let unclear = || Membership::Unclear("why".to_owned());
    let gone = || Standing::Gone("left".to_owned());
    let out_of_scope = || Standing::OutOfScope("why".to_owned());
    let active = || Standing::Active(None);
    let odd = || Standing::Unclear("odd".to_owned());
    for (membership, standing, ours, expected) in [
        (Membership::Inside, active(), false, active()),
        (outside(), active(), true, out_of_scope()),
        (outside(), active(), false, out_of_scope()),
        (
            unclear(),
            active(),
            true,
            Standing::Unclear("why".to_owned()),
        ),
        (unclear(), active(), false, out_of_scope()),
        (outside(), gone(), true, gone()),
        (unclear(), gone(), true, gone()),
        (outside(), gone(), false, out_of_scope()),
        (outside(), odd(), true, odd()),
        (outside(), odd(), false, out_of_scope()),
    ] {
        let decided = membership.decide(standing, &Lifecycle::default(), ours);
        assert_eq!(decided, expected);
    }
    let ignored = Lifecycle {
        leavers: Leavers::Ignore,
        ..Lifecycle::default()
    };
    assert_eq!(outside().decide(gone(), &ignored, true), out_of_scope());
}

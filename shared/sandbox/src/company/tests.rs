//! The invented companies hold what they promise.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use serde_json::Value;

use super::*;
use crate::Options;
use crate::tests::World;

const TODAY: Date = date(2026, 3, 31);

fn texts<'a>(rows: &'a [Map<String, Value>], field: &str) -> BTreeSet<&'a str> {
    rows.iter()
        .filter_map(|row| row.get(field)?.as_str())
        .collect()
}

fn texts_of_all<'a>(people: &'a [Person], pointer: &str) -> Vec<&'a str> {
    let text = |person: &'a Person| person.get("emails")?.pointer(pointer)?.as_str();
    people.iter().filter_map(text).collect()
}

#[test]
fn demo_company_has_the_promised_size_and_spread() {
    let company = Company::demo(TODAY);
    let people = &company.people;
    assert!(
        (230..=270).contains(&people.len()),
        "{} people",
        people.len()
    );
    assert_eq!(texts(people, "id").len(), people.len());
    assert!(texts(people, "country").len() >= 8);
    assert!(texts(people, "timezone").len() >= 8);
    let entities: BTreeSet<_> = people
        .iter()
        .filter_map(|person| person["client_legal_entity"]["name"].as_str())
        .collect();
    assert!(entities.len() >= 4);
    assert_eq!(company.users.len(), 41);
    assert_eq!(texts(&company.users, "employeeIdentifier").len(), 20);
    assert_eq!(texts(&company.users, "email").len(), company.users.len());
}

#[test]
fn every_manager_is_somebody_and_counts_the_reports() {
    let people = Company::demo(TODAY).people;
    let ids = texts(&people, "id");
    let mut managed = 0;
    for person in &people {
        if let Some(manager) = person["direct_manager"]["id"].as_str() {
            assert!(ids.contains(manager));
            managed += 1;
        }
        let reports = person["direct_reports"].as_array().unwrap().len();
        assert_eq!(person["direct_reports_count"], reports);
    }
    assert_eq!(managed, people.len() - 1);
}

#[test]
fn only_the_shared_desk_has_a_shared_work_address() {
    let people = Company::demo(TODAY).people;
    let mut seen = BTreeSet::new();
    let repeated: Vec<_> = texts_of_all(&people, "/1/value")
        .into_iter()
        .filter(|email| !seen.insert(email.to_lowercase()))
        .collect();
    assert_eq!(repeated, ["front.desk@northlight.example"]);
}

#[test]
fn same_day_gives_the_same_company() {
    let (one, two) = (Company::demo(TODAY), Company::demo(TODAY));
    assert_eq!(one.people, two.people);
    assert_eq!(one.users, two.users);
}

#[test]
fn sized_company_has_unique_addresses_and_mostly_unique_names() {
    let people = Company::sized(10_000, TODAY).people;
    let emails: BTreeSet<_> = texts_of_all(&people, "/1/value").into_iter().collect();
    assert_eq!(emails.len(), 10_000);
    assert_eq!(texts(&people, "id").len(), 10_000);
    assert_eq!(texts(&people, "full_name").len(), 9_800);
    assert_eq!(texts(&people, "hiring_status"), ["active"].into());
}

#[tokio::test]
async fn demo_company_is_at_work_when_the_sandbox_starts() {
    let company = Company::demo(TODAY);
    let expected = company.people.len();
    let world = World::with(Options {
        company,
        ..Options::default()
    })
    .await;
    let (_, page) = world.deel("/people?sort_by=id&limit=1").await;
    assert_eq!(page["page"]["total_rows"], expected);
    let (_, list) = world
        .jumpcloud("GET", "/systemusers?sort=_id", Value::Null)
        .await;
    assert_eq!(list["totalCount"], 41);
    let suspended = world
        .jumpcloud(
            "GET",
            "/systemusers?filter=state:$eq:SUSPENDED",
            Value::Null,
        )
        .await;
    assert_eq!(suspended.1["totalCount"], 1);
}

//! Deel's person record (`GET /people`, `GET /people/{id}`), and how it becomes a [`Worker`].
//!
//! No property of a person is required in Deel's own schema but `id` is insisted on here; both published
//! shapes are read (2026-01-01 and 1.25.0). Statuses that nobody knows yet never mean "left".

mod employment;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use self::employment::employment;
use crate::attribute::Attribute;
use crate::clean::{clean, clean_email, day, full_name, reference, some_id, text_of};
use crate::details::{Details, Part, Unread};
use crate::diff::Written;
use crate::jumpcloud::{Address, PhoneNumber, or_default};
use crate::worker::{Text, Worker, WorkerId, Zones};

/// A person as Deel returns it. Pay, birth dates and the like are never read.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "Deel's own names")]
pub struct Person {
    /// The profile id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: WorkerId,
    first_name: Option<Text>,
    last_name: Option<Text>,
    full_name: Option<Text>,
    preferred_first_name: Option<Text>,
    #[serde(default, deserialize_with = "or_default")]
    emails: Vec<Email>,
    start_date: Option<Text>,
    completion_date: Option<Text>,
    termination_last_day: Option<Text>,
    direct_employee_termination_last_day: Option<Text>,
    active_worker_termination_status: Option<Text>,
    country: Option<Text>,
    timezone: Option<Text>,
    job_title: Option<Text>,
    work_location: Option<Text>,
    department: Option<Named>,
    client_legal_entity: Option<Named>,
    direct_manager: Option<Manager>,
    #[serde(default, deserialize_with = "or_default")]
    addresses: Vec<HomeAddress>,
    hiring_type: Option<Text>,
    hiring_status: Option<Text>,
    new_hiring_status: Option<Text>,
    person_status: Option<Text>,
    is_pwac: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    employments: Vec<Contract>,
    custom_fields: Option<Vec<CustomValue>>,
    updated_at: Option<Text>,
}

impl Person {
    /// When the record last changed, as Deel writes it.
    pub fn updated_at(&self) -> Option<&str> {
        self.updated_at.as_deref()
    }
}

/// What Deel keeps apart from the person (`GET /people/{id}/personal`): of it, the phone numbers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Personal {
    #[serde(default, deserialize_with = "or_default")]
    phone_numbers: Vec<Phone>,
}

/// A custom field that the organisation defined (`GET /people/custom_fields`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct CustomField {
    /// Its name, by which rules know it.
    pub name: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct CustomValue {
    name: Option<Text>,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Phone {
    #[serde(rename = "type")]
    kind: Option<Text>,
    dial_code: Option<Text>,
    #[serde(rename = "phone_number")]
    number: Option<Text>,
}

impl Phone {
    fn is(&self, kind: &str) -> bool {
        let own = self.kind.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(kind))
    }

    /// With its country: the dial code is given apart, with or without a `+`.
    fn text(&self) -> Option<Text> {
        let number = clean(self.number.as_deref())?;
        let code = clean(self.dial_code.as_deref()).unwrap_or_default();
        let code = code.trim_start_matches('+');
        if code.is_empty() || number.starts_with('+') {
            Some(number)
        } else {
            Some(format!("+{code}{number}").into())
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Email {
    #[serde(rename = "type")]
    kind: Option<Text>,
    value: Option<Text>,
}

/// A name inside an object: `{"id": …, "name": …}`, of which older samples have other ids and `{}`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Manager {
    id: Option<Text>,
    work_email: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HomeAddress {
    street_address: Option<Text>,
    locality: Option<Text>,
    region: Option<Text>,
    postal_code: Option<Text>,
    country: Option<Text>,
}

/// One employment of a person: one per contract.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "Deel's own names")]
struct Contract {
    team: Option<Named>,
    work_email: Option<Text>,
    country: Option<Text>,
    timezone: Option<Text>,
    job_title: Option<Text>,
    start_date: Option<Text>,
    completion_date: Option<Text>,
    termination_last_day: Option<Text>,
    hiring_type: Option<Text>,
    hiring_status: Option<Text>,
    new_hiring_status: Option<Text>,
    contract_status: Option<Text>,
    client_legal_entity: Option<Named>,
    is_ended: Option<bool>,
    contract_is_archived: Option<bool>,
    is_user_contract_deleted: Option<bool>,
}

impl Contract {
    /// Archived, deleted and cancelled contracts say nothing about the person.
    fn counts(&self) -> bool {
        let gone =
            self.contract_is_archived == Some(true) || self.is_user_contract_deleted == Some(true);
        let cancelled = ["cancelled", "user_cancelled", "rejected"];
        !gone
            && !self
                .contract_status
                .as_deref()
                .is_some_and(|status| cancelled.contains(&status))
    }

    fn is_live(&self) -> bool {
        self.is_ended != Some(true)
    }
}

/// A [`Worker`] from Deel's record. `zones` says where people are whose record does not; `now` tells which of
/// several employments is the current one. Phone numbers and custom fields, which Deel tells only when asked for them,
/// are unread as yet: [`add_phone_numbers`], [`add_custom_fields`].
pub fn to_worker(person: &Person, zones: &Zones, now: Timestamp) -> Worker {
    let contracts: Vec<&Contract> = person
        .employments
        .iter()
        .filter(|contract| contract.counts())
        .collect();
    let live: Vec<&Contract> = contracts
        .iter()
        .copied()
        .filter(|contract| contract.is_live())
        .collect();
    // Where somebody is does not change by a contract's end: the last one still says it.
    let mut placed = contracts.clone();
    placed.sort_by_key(|contract| {
        std::cmp::Reverse((contract.is_live(), contract.start_date.clone()))
    });
    let recorded_zone = placed
        .iter()
        .find_map(|contract| contract.timezone.as_deref())
        .or(person.timezone.as_deref());
    let country = clean(person.country.as_deref()).or_else(|| {
        placed
            .iter()
            .find_map(|contract| clean(contract.country.as_deref()))
    });
    let location = clean(person.work_location.as_deref());
    let (zone, zone_warning) =
        zones.zone_of(recorded_zone, location.as_deref(), country.as_deref());
    let today = now.to_zoned(zone.clone()).date();
    let current = current(&live, today);
    let of_current =
        |field: fn(&Contract) -> Option<&Text>| current.and_then(field).map(Text::as_str);
    let name_of = |named: &Option<Named>| {
        named
            .as_ref()
            .and_then(|named| clean(named.name.as_deref()))
    };

    let first_name = clean(person.first_name.as_deref());
    let last_name = clean(person.last_name.as_deref());
    let full_name = clean(person.full_name.as_deref())
        .or_else(|| full_name(first_name.as_ref(), last_name.as_ref()));
    let manager = person.direct_manager.as_ref();
    Worker {
        id: person.id.clone(),
        employee_id: None,
        work_email: email(person, "work")
            .or_else(|| clean_email(of_current(|c| c.work_email.as_ref()))),
        personal_email: email(person, "personal"),
        first_name,
        last_name,
        full_name,
        job_title: clean(of_current(|c| c.job_title.as_ref()))
            .or_else(|| clean(person.job_title.as_deref())),
        department: name_of(&person.department),
        location,
        team: current.and_then(|contract| name_of(&contract.team)),
        worker_type: clean(of_current(|c| c.hiring_type.as_ref()))
            .or_else(|| clean(person.hiring_type.as_deref())),
        entity: name_of(&person.client_legal_entity)
            .or_else(|| current.and_then(|contract| name_of(&contract.client_legal_entity))),
        country,
        city: person
            .addresses
            .first()
            .and_then(|address| clean(address.locality.as_deref())),
        manager: manager.and_then(|manager| reference(manager.id.as_deref())),
        manager_email: manager.and_then(|manager| clean_email(manager.work_email.as_deref())),
        home_address: person.addresses.first().map(home_address).map(Box::new),
        details: Details {
            preferred_name: clean(person.preferred_first_name.as_deref()).map(Into::into),
            warnings: zone_warning.into_iter().collect(),
            ..Details::default()
        }
        .boxed(),
        unread: Unread::default()
            .and(Part::PhoneNumbers, true)
            .and(Part::CustomFields, true),
        employment: employment(person, &contracts, today),
        zone,
    }
}

/// The first address of this type that has a value.
fn email(person: &Person, kind: &str) -> Option<Text> {
    person
        .emails
        .iter()
        .filter(|email| {
            email
                .kind
                .as_deref()
                .is_some_and(|own| own.eq_ignore_ascii_case(kind))
        })
        .find_map(|email| clean_email(email.value.as_deref()))
}

/// Gives a worker the phone numbers of the personal record: the first of each kind.
pub fn add_phone_numbers(worker: &mut Worker, personal: &Personal) {
    let number = |kind: &str| {
        let mut phones = personal.phone_numbers.iter().filter(|phone| phone.is(kind));
        phones.find_map(Phone::text)
    };
    worker.set_phone_numbers(PhoneNumber::of_hr(number("WORK"), number("PERSONAL")));
}

/// Gives a worker the phone numbers that were last written, where any were: those that Deel had then.
pub fn recall_phone_numbers(worker: &mut Worker, written: &Written) {
    let sent = written.sent(&Attribute::PhoneNumbers).cloned();
    if let Some(Ok(numbers)) = sent.map(serde_json::from_value) {
        worker.set_phone_numbers(numbers);
    }
}

/// Gives a worker those custom fields that are `wanted`, of a record that Deel was asked to tell them in.
pub fn add_custom_fields(worker: &mut Worker, person: &Person, wanted: &BTreeSet<Text>) {
    let Some(fields) = &person.custom_fields else {
        return;
    };
    let field = |field: &CustomValue| {
        let name = clean(field.name.as_deref()).filter(|name| wanted.contains(name))?;
        Some((name, text_of(&field.value)?))
    };
    worker.set_custom_fields(fields.iter().filter_map(field).collect());
}

fn home_address(address: &HomeAddress) -> Address {
    let text = |value: &Option<Text>| clean(value.as_deref()).unwrap_or_default();
    Address {
        kind: Text::const_new(Address::HOME),
        street_address: text(&address.street_address),
        extended_address: Text::default(),
        po_box: Text::default(),
        locality: text(&address.locality),
        region: text(&address.region),
        postal_code: text(&address.postal_code),
        country: text(&address.country),
    }
}

/// The latest live employment that has begun, else the first that will.
fn current<'a>(live: &[&'a Contract], today: Date) -> Option<&'a Contract> {
    let start = |contract: &Contract| day(contract.start_date.as_deref()).ok().flatten();
    let begun = live
        .iter()
        .filter(|c| start(c).is_none_or(|start| start <= today));
    begun
        .max_by_key(|c| start(c))
        .or_else(|| live.iter().min_by_key(|c| start(c)))
        .copied()
}

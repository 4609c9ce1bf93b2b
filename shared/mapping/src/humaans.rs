//! Humaans' records (`/people`, `/job-roles`, `/locations`, `/companies`, `/custom-fields`, `/custom-values`), and how a
//! person's become a [`Worker`].
//!
//! The vendor calls no property required: only ids are insisted on. Nothing that is nobody's business here (birth dates,
//! nationality, tax, reasons for leaving) is read. A status that nobody knows yet never means "left".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::clean::{clean, clean_email, day, full_name, quoted, reference, some_id, text_of};
use crate::details::{Details, Part, Unread};
use crate::jumpcloud::{Address, PhoneNumber, or_default};
use crate::worker::{Employment, Status, Text, Worker, WorkerId, Zones};

/// A person (`GET /people`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The person's id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: WorkerId,
    company_id: Option<Text>,
    first_name: Option<Text>,
    middle_name: Option<Text>,
    last_name: Option<Text>,
    preferred_name: Option<Text>,
    email: Option<Text>,
    personal_email: Option<Text>,
    phone_number: Option<Text>,
    personal_phone_number: Option<Text>,
    location_id: Option<Text>,
    remote_city: Option<Text>,
    remote_country_code: Option<Text>,
    remote_timezone: Option<Text>,
    timezone: Option<Text>,
    address: Option<Text>,
    city: Option<Text>,
    state: Option<Text>,
    postcode: Option<Text>,
    country_code: Option<Text>,
    country: Option<Text>,
    employment_start_date: Option<Text>,
    employment_end_date: Option<Text>,
    status: Option<Text>,
    employee_id: Option<Text>,
    contract_type: Option<Text>,
    #[serde(default, deserialize_with = "or_default")]
    teams: Vec<Label>,
    /// Not in the vendor's own sample; some clients saw it.
    job_role: Option<InlineRole>,
    job_title: Option<Text>,
    department: Option<Label>,
    #[serde(default, deserialize_with = "or_default")]
    demo: bool,
}

impl Person {
    /// Whether this is one of the samples that Humaans puts into a new account: nobody's record.
    pub fn is_demo(&self) -> bool {
        self.demo
    }

    fn is_remote(&self) -> bool {
        self.location_id.as_deref() == Some("remote")
    }
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InlineRole {
    job_title: Option<Text>,
    department: Option<Label>,
}

/// A name, alone or inside an object.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Label {
    Text(Text),
    Named { name: Option<Text> },
    Other(IgnoredAny),
}

impl Label {
    fn text(&self) -> Option<Text> {
        match self {
            Self::Text(name) => clean(Some(name)),
            Self::Named { name } => clean(name.as_deref()),
            Self::Other(_) => None,
        }
    }
}

/// One row of somebody's history of job roles (`GET /job-roles`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRole {
    /// The row's id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: Text,
    /// Whose role; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub person_id: WorkerId,
    job_title: Option<Text>,
    department: Option<Label>,
    reporting_to: Option<Text>,
    #[serde(default, deserialize_with = "some_day")]
    effective_date: Option<Date>,
}

/// A place of work (`GET /locations`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The location's id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: Text,
    label: Option<Text>,
    city: Option<Text>,
    country_code: Option<Text>,
    country: Option<Text>,
    timezone: Option<Text>,
}

/// A legal entity (`GET /companies`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Company {
    /// The company's id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: Text,
    name: Option<Text>,
}

/// A custom field that the company defined (`GET /custom-fields`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CustomField {
    /// The field's id; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub id: Text,
    /// Its name, by which rules know it.
    pub name: Option<Text>,
}

/// What one person has in one custom field (`GET /custom-values`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomValue {
    /// Whose value; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub person_id: WorkerId,
    /// Of which field; the record is refused without it.
    #[serde(deserialize_with = "some_id")]
    pub custom_field_id: Text,
    #[serde(default)]
    value: Value,
}

/// What people's records refer to: roles by person, locations and companies by id. Joined once, looked up without a copy.
#[derive(Debug, Default)]
pub struct Directory {
    /// By person, then by the day they begin; `None` when they could not be read whole.
    roles: Option<Vec<JobRole>>,
    locations: BTreeMap<Text, Location>,
    /// Whether there are more than these.
    lacks_locations: bool,
    companies: BTreeMap<Text, Company>,
    /// By person, as field and value; `None` when they were not read.
    custom_values: Option<BTreeMap<WorkerId, Vec<(Text, Text)>>>,
}

impl Directory {
    /// What was read. Without `roles`, of which a part says nothing, job titles, departments and managers are left as
    /// they are; so is what rests on a location or company that is not among these.
    pub fn new(
        mut roles: Option<Vec<JobRole>>,
        locations: Vec<Location>,
        companies: Vec<Company>,
    ) -> Self {
        if let Some(roles) = &mut roles {
            roles.sort_by(|left, right| {
                let by_person = left.person_id.cmp(&right.person_id);
                let by_day = || left.effective_date.cmp(&right.effective_date);
                by_person
                    .then_with(by_day)
                    .then_with(|| left.id.cmp(&right.id))
            });
        }
        Self {
            roles,
            locations: by_id(locations, |location| &location.id),
            lacks_locations: false,
            companies: by_id(companies, |company| &company.id),
            custom_values: None,
        }
    }

    /// Whether there are more locations than were read: whoever has no zone but that of such a one may be anywhere.
    #[must_use]
    pub fn lacking_locations(mut self, lacking: bool) -> Self {
        self.lacks_locations = lacking;
        self
    }

    /// Adds the values of those custom fields that are `wanted`.
    #[must_use]
    pub fn with_custom_fields(
        mut self,
        fields: &[CustomField],
        values: Vec<CustomValue>,
        wanted: &BTreeSet<Text>,
    ) -> Self {
        let names: BTreeMap<&Text, Text> = fields
            .iter()
            .filter_map(|field| Some((&field.id, clean(field.name.as_deref())?)))
            .filter(|(_, name)| wanted.contains(name))
            .collect();
        let mut known: BTreeMap<WorkerId, Vec<(Text, Text)>> = BTreeMap::new();
        for value in values {
            let name = names.get(&value.custom_field_id);
            if let Some((name, text)) = name.cloned().zip(text_of(&value.value)) {
                known.entry(value.person_id).or_default().push((name, text));
            }
        }
        self.custom_values = Some(known);
        self
    }

    /// The latest role that has begun, else the first that will: somebody who has not joined has none that has.
    fn current_role(&self, person: &WorkerId, today: Date) -> Option<&JobRole> {
        let roles = self.roles.as_deref()?;
        let first = roles.partition_point(|role| role.person_id < *person);
        let roles = roles.get(first..)?;
        let own = roles.get(..roles.partition_point(|role| role.person_id == *person))?;
        let begun = own.partition_point(|role| role.effective_date.is_none_or(|day| day <= today));
        own.get(begun.saturating_sub(1))
    }
}

fn by_id<T>(rows: Vec<T>, id: impl Fn(&T) -> &Text) -> BTreeMap<Text, T> {
    rows.into_iter()
        .map(|row| (id(&row).clone(), row))
        .collect()
}

/// A [`Worker`] from a person's record and what it refers to. `zones` says where people are whom neither their record
/// nor their location places; `now` tells which job role is the current one.
pub fn to_worker(person: &Person, directory: &Directory, zones: &Zones, now: Timestamp) -> Worker {
    let place = Place::of(person, directory);
    let anywhere = (place.is_unread && directory.lacks_locations).then(Zones::anywhere);
    let (zone, zone_warning) = anywhere.as_ref().unwrap_or(zones).zone_of(
        place.zones.into_iter().flatten(),
        place.label.as_deref(),
        place.country.as_deref(),
    );
    let today = now.to_zoned(zone.clone()).date();
    let role = directory.current_role(&person.id, today);
    let inline = person.job_role.as_ref();
    let company_id = person.company_id.as_ref();
    let company = company_id.and_then(|id| directory.companies.get(id));
    let custom_values = directory.custom_values.as_ref();
    let first_name = clean(person.first_name.as_deref());
    let last_name = clean(person.last_name.as_deref());
    Worker {
        id: person.id.clone(),
        employee_id: clean(person.employee_id.as_deref()),
        work_email: clean_email(person.email.as_deref()),
        personal_email: clean_email(person.personal_email.as_deref()),
        full_name: full_name(first_name.as_ref(), last_name.as_ref()),
        first_name,
        last_name,
        job_title: clean(role.and_then(|role| role.job_title.as_deref()))
            .or_else(|| clean(inline.and_then(|role| role.job_title.as_deref())))
            .or_else(|| clean(person.job_title.as_deref())),
        department: role
            .and_then(|role| role.department.as_ref()?.text())
            .or_else(|| inline?.department.as_ref()?.text())
            .or_else(|| person.department.as_ref()?.text()),
        location: place.label,
        team: person.teams.iter().find_map(Label::text),
        worker_type: clean(person.contract_type.as_deref()),
        entity: company.and_then(|company| clean(company.name.as_deref())),
        country: place.country,
        city: place.city,
        manager: role.and_then(|role| reference(role.reporting_to.as_deref())),
        manager_email: None,
        home_address: home_address(person).map(Box::new),
        details: Details {
            middle_name: clean(person.middle_name.as_deref()).map(Into::into),
            preferred_name: clean(person.preferred_name.as_deref()).map(Into::into),
            phone_numbers: PhoneNumber::of_hr(
                clean(person.phone_number.as_deref()),
                clean(person.personal_phone_number.as_deref()),
            ),
            custom_fields: custom_values
                .and_then(|values| values.get(&person.id))
                .cloned()
                .unwrap_or_default(),
            warnings: zone_warning.into_iter().collect(),
        }
        .boxed(),
        unread: Unread::default()
            .and(Part::Role, directory.roles.is_none())
            .and(Part::Location, place.is_unread)
            .and(Part::Entity, company_id.is_some() && company.is_none())
            .and(Part::CustomFields, custom_values.is_none()),
        employment: employment(person, today),
        zone,
    }
}

/// Where somebody works: their location, or wherever they are, for those who are remote.
struct Place<'a> {
    label: Option<Text>,
    city: Option<Text>,
    country: Option<Text>,
    /// The zones on record, the first that exists counts.
    zones: [Option<&'a str>; 2],
    /// Whether the location is one that was not read.
    is_unread: bool,
}

impl<'a> Place<'a> {
    fn of(person: &'a Person, directory: &'a Directory) -> Self {
        let known = person.location_id.as_ref();
        let known = known.and_then(|id| directory.locations.get(id));
        let (label, city, country, zone) = match known {
            _ if person.is_remote() => (
                Some(Text::const_new("Remote")),
                person.remote_city.as_deref(),
                clean(person.remote_country_code.as_deref()),
                person.remote_timezone.as_deref(),
            ),
            Some(location) => (
                clean(location.label.as_deref()),
                location.city.as_deref(),
                country(location.country_code.as_ref(), location.country.as_ref()),
                location.timezone.as_deref(),
            ),
            None => (None, None, None, None),
        };
        Self {
            label,
            city: clean(city).or_else(|| clean(person.city.as_deref())),
            country: country.or_else(|| home_country(person)),
            zones: [person.timezone.as_deref(), zone],
            is_unread: person.location_id.is_some() && !person.is_remote() && known.is_none(),
        }
    }
}

fn country(code: Option<&Text>, name: Option<&Text>) -> Option<Text> {
    clean(code.map(Text::as_str)).or_else(|| clean(name.map(Text::as_str)))
}

fn home_country(person: &Person) -> Option<Text> {
    country(person.country_code.as_ref(), person.country.as_ref())
}

/// The home address, where there is any of it.
fn home_address(person: &Person) -> Option<Address> {
    let text = |value: &Option<Text>| clean(value.as_deref()).unwrap_or_default();
    let address = Address {
        street_address: text(&person.address),
        locality: text(&person.city),
        region: text(&person.state),
        postal_code: text(&person.postcode),
        country: home_country(person).unwrap_or_default(),
        ..Address::default()
    };
    (address != Address::default()).then(|| Address {
        kind: Text::const_new(Address::HOME),
        ..address
    })
}

/// Status and dates; a date that cannot be read makes them unclear.
fn employment(person: &Person, today: Date) -> Employment {
    match dates(person, today) {
        Ok((start, last_day)) => Employment {
            status: status(person),
            start,
            last_day,
        },
        Err(unreadable) => Employment::unreadable(unreadable),
    }
}

/// The first and the last day; the error is a date that cannot be read.
///
/// The last day is that of the contract: `lastWorkingDay` may come before it (garden leave), and is seen set for people
/// who do not leave. A last day before the first one belongs to an earlier engagement, and is of interest until the next
/// one begins.
fn dates(person: &Person, today: Date) -> Result<(Option<Date>, Option<Date>), &str> {
    let start = day(person.employment_start_date.as_deref())?;
    let last_day = day(person.employment_end_date.as_deref())?;
    let is_of_interest = |last: &Date| start.is_none_or(|start| *last >= start || start > today);
    let last_day = last_day.filter(is_of_interest);
    Ok((start, last_day))
}

fn status(person: &Person) -> Status {
    match person.status.as_deref() {
        Some("newHire") => Status::PreHire,
        Some("active") => Status::Employed,
        Some("offboarded") => Status::Ended,
        Some(unknown) => Status::Unclear(format!("the status `{}` is unknown", quoted(unknown))),
        None => Status::Unclear("the record has no status".to_owned()),
    }
}

/// The day of a role; one without a day that can be read has always been.
fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<Text>::deserialize(deserializer)?;
    Ok(day(text.as_deref()).unwrap_or_default())
}

#[cfg(test)]
mod tests;

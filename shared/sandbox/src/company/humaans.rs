//! The people of the demo company who are in Humaans: a studio that it bought, with what a sync gets wrong first.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::places::PLACES;
use crate::profile::{Profile, Stage, short_id};

/// All of them.
pub(super) fn profiles(today: Date) -> Vec<Profile> {
    let lead = in_studio("Tove", "Lindqvist")
        .job_title("Studio Lead")
        .starting(Date::constant(2019, 8, 12));
    let lead_id = Map::from_iter([("id".to_owned(), Value::from(id_of("Tove", "Lindqvist")))]);
    let member = |first, last| in_studio(first, last).manager(&lead_id);
    vec![
        member("Ilse", "Vandermolen"),
        member("Mateus", "Figueira").with("preferredName", "Teo"),
        member("Zoë", "Brännström").with("employeeId", "S-0107"),
        member("Kofi", "Asante-Boadu").with("phoneNumber", "+442079460101"),
        member("Remo", "Distanza")
            .with("locationId", "remote")
            .with("remoteCity", "Porto")
            .with("remoteCountryCode", "PT")
            .with("remoteTimezone", "Europe/Lisbon")
            .with("timezone", "Europe/Lisbon"),
        member("Nina", "Neuling")
            .starting(today.saturating_add(1.month()))
            .stage(Stage::Onboarding),
        member("Tomas", "Tomorrow")
            .starting(today.saturating_add(1.day()))
            .stage(Stage::Onboarding),
        member("Gwil", "Goingsoon").stage(Stage::Offboarding(today.saturating_add(14.days()))),
        member("Ottilie", "Offboard").stage(Stage::Inactive(today.saturating_sub(30.days()))),
        member("Mailo", "Ohnepost").work_email(None),
        member("Sample", "Person").with("demo", true),
        // The chief is in Deel, and has a profile here too.
        Profile::new("Maren", "Oakhurst")
            .job_title("Chair")
            .department("Studio", None),
        lead.with("id", id_of("Tove", "Lindqvist")),
    ]
}

fn in_studio(first_name: &str, last_name: &str) -> Profile {
    let profile = Profile::new(first_name, last_name)
        .department("Studio", None)
        .team("Studio")
        .job_title("Illustrator");
    match PLACES.last() {
        Some(place) => profile.office(place.office),
        None => profile,
    }
}

fn id_of(first_name: &str, last_name: &str) -> String {
    short_id(&format!("{first_name} {last_name}"))
}

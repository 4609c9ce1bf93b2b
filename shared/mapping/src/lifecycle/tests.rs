//! First and last days as moments, across the date line and through the changes of clocks.

use jiff::ToSpan;
use jiff::tz::{TimeZone, db};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Zones, humaans};

/// Somebody in a zone, from the first to the last day.
fn worker(zone: &str, first: &str, last: Option<&str>) -> Worker {
    let zone_of_all = TimeZone::get(zone).unwrap();
    let person = json!({"id": "p1", "status": "active", "employmentStartDate": first, "employmentEndDate": last});
    let zones = Zones {
        table: std::collections::BTreeMap::new(),
        default: zone_of_all,
    };
    humaans::to_worker(
        &serde_json::from_value(person).unwrap(),
        &humaans::Directory::default(),
        &zones,
        Timestamp::UNIX_EPOCH,
    )
}

fn at(time: &str) -> Lifecycle {
    Lifecycle {
        activate_at: time.parse().unwrap(),
        ..Lifecycle::default()
    }
}

#[test]
fn a_first_day_begins_where_the_person_is() {
    for (zone, day, time, expected) in [
        ("UTC", "2026-12-01", "00:00", "2026-12-01T00:00:00Z"),
        // The first and the last of the world to begin a day, 25 hours apart.
        (
            "Pacific/Kiritimati",
            "2026-12-01",
            "00:00",
            "2026-11-30T10:00:00Z",
        ),
        (
            "Pacific/Niue",
            "2026-12-01",
            "00:00",
            "2026-12-01T11:00:00Z",
        ),
        (
            "Asia/Kolkata",
            "2026-12-01",
            "09:00",
            "2026-12-01T03:30:00Z",
        ),
        // The clocks go from 00:00 to 01:00: the day begins at one.
        (
            "Africa/Cairo",
            "2026-04-24",
            "00:00",
            "2026-04-23T22:00:00Z",
        ),
        (
            "America/Havana",
            "2026-03-08",
            "00:00",
            "2026-03-08T05:00:00Z",
        ),
        (
            "America/Sao_Paulo",
            "2018-11-04",
            "00:00",
            "2018-11-04T03:00:00Z",
        ),
        // A skipped time comes as many hours after the day's beginning as it would have.
        (
            "Africa/Cairo",
            "2026-04-24",
            "00:30",
            "2026-04-23T22:30:00Z",
        ),
        (
            "America/New_York",
            "2026-03-08",
            "02:30",
            "2026-03-08T07:30:00Z",
        ),
        // The clocks go from 01:00 to 00:00: the first midnight counts.
        (
            "America/Havana",
            "2026-11-01",
            "00:00",
            "2026-11-01T04:00:00Z",
        ),
        // The island skipped the whole day to cross the date line.
        (
            "Pacific/Apia",
            "2011-12-30",
            "00:00",
            "2011-12-30T10:00:00Z",
        ),
        (
            "Pacific/Apia",
            "2011-12-31",
            "00:00",
            "2011-12-30T10:00:00Z",
        ),
    ] {
        let moment = activation_moment(&worker(zone, day, None), &at(time));
        assert_eq!(
            moment,
            Some(expected.parse().unwrap()),
            "{zone} {day} {time}"
        );
    }
}

#[test]
fn a_last_day_ends_where_the_person_is() {
    for (zone, day, expected) in [
        ("Pacific/Kiritimati", "2026-06-30", "2026-06-30T10:00:00Z"),
        ("Pacific/Niue", "2026-06-30", "2026-07-01T11:00:00Z"),
        ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00:00Z"),
        ("America/Havana", "2026-10-31", "2026-11-01T04:00:00Z"),
        ("America/Havana", "2026-11-01", "2026-11-02T05:00:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00Z"),
    ] {
        let moment = leaving_moment(
            &worker(zone, "2010-01-01", Some(day)),
            &Lifecycle::default(),
        );
        assert_eq!(moment, Some(expected.parse().unwrap()), "{zone} {day}");
    }
}

#[test]
fn an_employment_that_follows_the_next_day_leaves_no_gap_at_whatever_time_days_end() {
    let now = "2026-05-31T20:00:00Z".parse().unwrap();
    for leave_at in [
        LeaveAt::EndOfLastDay,
        LeaveAt::TimeOfLastDay("18:00".parse().unwrap()),
    ] {
        let lifecycle = Lifecycle {
            leave_at,
            ..at("09:00")
        };
        let gap = |last: &str| between(&worker("UTC", "2026-06-01", Some(last)), &lifecycle, now);
        assert_eq!(gap("2026-05-31"), None, "{leave_at:?}");
        assert!(gap("2026-05-30").is_some(), "{leave_at:?}");
    }
}

#[test]
fn the_ends_of_the_calendar_are_no_moments() {
    let forever = worker("UTC", "9999-12-31", Some("9999-12-31"));
    assert_eq!(leaving_moment(&forever, &Lifecycle::default()), None);
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    assert!(matches!(
        standing(&forever, &Lifecycle::default(), now),
        Standing::Staged(_)
    ));
}

fn zones() -> impl Strategy<Value = String> {
    let names: Vec<String> = db().available().map(|zone| zone.to_string()).collect();
    prop::sample::select(names)
}

proptest! {
    #[test]
    fn nobody_has_access_before_the_first_day_or_after_the_last(
        zone in zones(),
        day in 0..20_000_i64,
        days in 0..400_i64,
        hours in -80..80_i64,
        hour in 0..24_i8,
    ) {
        let first = Date::constant(1990, 1, 1).checked_add(day.days()).unwrap();
        let last = first.checked_add(days.days()).unwrap();
        let worker = worker(&zone, &first.to_string(), Some(&last.to_string()));
        let lifecycle = Lifecycle { activate_at: Time::constant(hour, 0, 0, 0), ..Lifecycle::default() };
        let begins = activation_moment(&worker, &lifecycle).unwrap();
        let ends = leaving_moment(&worker, &lifecycle).unwrap();
        for moment in [begins, ends] {
            let now = moment.checked_add(hours.hours()).unwrap();
            let here = now.to_zoned(worker.zone.clone());
            match standing(&worker, &lifecycle, now) {
                Standing::Active(until) => {
                    prop_assert!(here.date() >= first && here.date() <= last, "{here}");
                    prop_assert_eq!(until, Some(ends));
                }
                Standing::Staged(from) => {
                    prop_assert_eq!(from, Some(begins));
                    prop_assert!(now < begins);
                }
                Standing::Gone(_) => prop_assert!(now >= ends && here.date() > last, "{here}"),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

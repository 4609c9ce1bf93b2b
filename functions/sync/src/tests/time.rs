//! Time: on hourly runs everybody gets and loses access in the hour in which their day begins or has ended, wherever they
//! are and whatever the clocks do there.

use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::{TimeZone, db};
use jiff::{SignedDuration, Timestamp, ToSpan};
use mapping::UserState;
use proptest::prelude::*;
use serde_json::json;

use super::company::{Company, config_of, person};

/// What clocks do is worst here: midnights that are skipped, shown twice or gone back from, half hours, days that never
/// were.
const ODD_ZONES: [&str; 14] = [
    "Africa/Cairo",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
];

fn zones() -> impl Strategy<Value = TimeZone> {
    let all: Vec<String> = db().available().map(|name| name.to_string()).collect();
    let odd: Vec<String> = ODD_ZONES.map(str::to_owned).into();
    let names = prop_oneof![prop::sample::select(all), prop::sample::select(odd)];
    names.prop_filter_map("a zone without a clock", |name| TimeZone::get(&name).ok())
}

/// A time of the years in which these zones were odd; every other one about when the clocks turn.
fn times() -> impl Strategy<Value = (TimeZone, DateTime)> {
    (zones(), 0..11_000_i64, any::<bool>(), -90..150_i64).prop_map(|(zone, day, turns, near)| {
        let noon = date(2008, 1, 1).saturating_add(day.days()).at(12, 0, 0, 0);
        let from = noon.to_zoned(zone.clone()).unwrap().timestamp();
        let turn = zone.following(from).next().filter(|_| turns);
        let before = turn.map(|turn| clock(&zone, turn.timestamp() - SignedDuration::from_secs(1)));
        let time = before.unwrap_or(noon.saturating_add((8 * near).minutes()));
        let time = time.saturating_add(near.minutes());
        (
            zone,
            time.with().second(0).subsec_nanosecond(0).build().unwrap(),
        )
    })
}

fn clock(zone: &TimeZone, at: Timestamp) -> DateTime {
    zone.to_datetime(at)
}

/// The minutes about a time, wherever that is, each with what the clocks show.
fn minutes(time: DateTime, zone: &TimeZone) -> impl Iterator<Item = (Timestamp, DateTime)> {
    let first = time.to_zoned(TimeZone::UTC).unwrap().timestamp() - SignedDuration::from_hours(40);
    (0..80 * 60).map(move |minute| {
        let at = first + SignedDuration::from_mins(minute);
        (at, clock(zone, at))
    })
}

/// When the clocks show this time first; where they skip it, when they would have shown it.
fn first(time: DateTime, zone: &TimeZone) -> Timestamp {
    let shown = minutes(time, zone).find(|(_, clock)| *clock == time);
    let skipped = || {
        let earlier = minutes(time, zone).take_while(|(_, clock)| *clock < time);
        let (before, clock) = earlier.last().unwrap();
        before + time.duration_since(clock)
    };
    shown.map_or_else(skipped, |(at, _)| at)
}

/// When the clocks leave all that is before this time behind them for good.
fn last(time: DateTime, zone: &TimeZone) -> Timestamp {
    let before = minutes(time, zone)
        .filter(|(_, clock)| *clock < time)
        .last();
    before.unwrap().0 + SignedDuration::from_mins(1)
}

/// The moments of hourly runs while a day begins and ends somewhere in the world. Some do not come about.
fn hours(day: Date, minute: i64, missed: u64) -> impl Iterator<Item = Timestamp> {
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let first =
        noon.timestamp() - SignedDuration::from_hours(40) + SignedDuration::from_mins(minute);
    (0..80_u32)
        .filter(move |hour| missed.rotate_left(*hour) & 3 != 0)
        .map(move |hour| first + SignedDuration::from_hours(hour.into()))
}

/// Somebody who has long been employed, until this day.
fn leaving_on(last_day: Date, zone: &TimeZone) -> Company {
    let fields = json!({
        "timezone": zone.iana_name(),
        "employments": [{"start_date": "2007-01-01", "termination_last_day": last_day.to_string()}],
    });
    Company::of(vec![person("w1", "Ana", "Souza", &fields)])
}

fn state(company: &Company) -> UserState {
    company.user_of("w1").state()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everybody_gets_access_in_the_hour_in_which_the_first_day_begins(
        (zone, begins) in times(),
        (run_minute, missed, pre_hire) in (0..60_i64, any::<u64>(), any::<bool>()),
    ) {
        let activate_at = format!("activate_at = \"{}\"", begins.strftime("%H:%M"));
        let config = config_of("", &[("deel", &activate_at)]);
        let mut fields = json!({
            "timezone": zone.iana_name(), "employments": [{"start_date": begins.date().to_string()}],
        });
        if pre_hire {
            for status in ["hiring_status", "new_hiring_status"] {
                fields[status] = json!("onboarding");
            }
            fields["person_status"] = json!("NOT_STARTED");
        }
        let mut company = Company::of(vec![person("w1", "Ana", "Souza", &fields)]);
        let begins_at = first(begins, &zone);
        for now in hours(begins.date(), run_minute, missed) {
            company.now = now;
            company.sync(&config);
            let expected = if now >= begins_at { UserState::Activated } else { UserState::Staged };
            prop_assert_eq!(state(&company), expected, "{} {} {:?}", begins, now, zone);
        }
        prop_assert_eq!(company.plan(&config).people, Vec::new());
    }

    #[test]
    fn everybody_loses_access_in_the_hour_in_which_that_time_of_the_last_day_has_come(
        (zone, leaves) in times(),
        grace_days in 0..60_u16,
        (run_minute, missed) in (0..60_i64, any::<u64>()),
    ) {
        let leave_at = leaves.strftime("leave_at = \"%H:%M\"");
        let config = config_of("", &[("deel", &format!("grace_days = {grace_days}\n{leave_at}"))]);
        let last_day = leaves.date().saturating_sub(i64::from(grace_days).days());
        let mut company = leaving_on(last_day, &zone);
        let leaves_at = first(leaves, &zone);
        // A midnight that comes twice is tried below.
        prop_assume!(leaves.time() >= Time::constant(1, 0, 0, 0));
        for now in hours(leaves.date(), run_minute, missed) {
            company.now = now;
            company.sync(&config);
            let expected = if now >= leaves_at { UserState::Suspended } else { UserState::Activated };
            prop_assert_eq!(state(&company), expected, "{} {} {:?}", leaves, now, zone);
        }
        prop_assert_eq!(company.plan(&config).people, Vec::new());
    }

    #[test]
    fn everybody_loses_access_in_the_hour_in_which_the_last_day_has_ended(
        (zone, after) in times().prop_map(|(zone, time)| (zone, time.date())),
        grace_days in 0..60_u16,
        (run_minute, missed) in (0..60_i64, any::<u64>()),
    ) {
        let config = config_of("", &[("deel", &format!("grace_days = {grace_days}"))]);
        let last_day = after.saturating_sub((i64::from(grace_days) + 1).days());
        let mut company = leaving_on(last_day, &zone);
        let over_at = last(after.to_datetime(Time::midnight()), &zone);
        for now in hours(after, run_minute, missed) {
            company.now = now;
            company.sync(&config);
            let expected = if now >= over_at { UserState::Suspended } else { UserState::Activated };
            prop_assert_eq!(state(&company), expected, "{} {} {:?}", after, now, zone);
        }
        prop_assert_eq!(company.plan(&config).people, Vec::new());
    }
}

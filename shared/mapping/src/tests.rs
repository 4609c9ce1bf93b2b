//! The meaning of HR's data, feature by feature.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a test hands its fields over"
)]

use jiff::Timestamp;
use jiff::civil::time;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::deel::{Person, to_worker};
use crate::lifecycle::standing;
use crate::*;

fn zones() -> Zones {
    let zone = |name: &str| TimeZone::get(name).unwrap();
    Zones {
        table: [
            ("london".to_owned(), zone("Europe/London")),
            ("jp".to_owned(), zone("Asia/Tokyo")),
        ]
        .into(),
        default: TimeZone::UTC,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An active person with one open contract, with these fields in place of the usual ones.
fn record(fields: Value) -> Value {
    let mut record = json!({
        "id": "w1",
        "first_name": "Ana", "last_name": "Souza", "full_name": "Ana Souza",
        "emails": [{"type": "work", "value": "Ana.Souza@corp.example"}, {"type": "personal", "value": "ana@mail.example"}],
        "hiring_status": "active", "new_hiring_status": "active", "person_status": "ACTIVE",
        "employments": [{"id": "c1", "start_date": "2024-01-01", "is_ended": false, "hiring_status": "active"}],
    });
    for (key, value) in fields.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn worker_at(fields: Value, now: &str) -> Worker {
    let person: Person = serde_json::from_value(record(fields)).unwrap();
    to_worker(&person, &zones(), at(now))
}

fn worker(fields: Value) -> Worker {
    worker_at(fields, "2026-06-01T12:00:00Z")
}

fn named(first: &str, last: &str) -> Worker {
    worker(json!({"first_name": first, "last_name": last}))
}

fn standing_of(fields: Value, lifecycle: &Lifecycle, now: &str) -> Standing {
    standing(&worker_at(fields, now), lifecycle, at(now))
}

#[test]
fn every_field_of_the_table_comes_from_where_it_says() {
    let worker = worker(json!({
        "job_title": "Engineer", "department": {"name": "Data"}, "work_location": "London", "country": "GB",
        "client_legal_entity": {"name": "Corp Ltd"}, "direct_manager": {"id": "w0", "work_email": "Lee@Corp.example"},
        "addresses": [{"streetAddress": "1 High St", "locality": "Leeds", "country": "GB"}],
        "employments": [{"start_date": "2024-01-01", "team": {"name": "Platform"}, "job_title": "Data Engineer", "hiring_type": "eor"}],
    }));
    let fields = Field::ALL.map(|field| {
        format!(
            "{}: {}",
            field.name(),
            field.text(&worker).unwrap_or("-".into())
        )
    });
    insta::assert_snapshot!(fields.join("\n"), @"
    work_email: ana.souza@corp.example
    personal_email: ana@mail.example
    first_name: Ana
    middle_name: -
    last_name: Souza
    preferred_name: -
    full_name: Ana Souza
    job_title: Data Engineer
    department: Data
    location: London
    team: Platform
    worker_type: eor
    entity: Corp Ltd
    country: GB
    city: Leeds
    start_date: 2024-01-01
    employee_id: w1
    work_phone: -
    personal_phone: -
    phone_numbers: -
    addresses: -
    manager: -
    ");
    assert_eq!(worker.manager, Some("w0".into()));
    assert_eq!(worker.manager_email.as_deref(), Some("lee@corp.example"));
    assert_eq!(worker.zone.iana_name(), Some("Europe/London"));
}

#[test]
fn a_worker_is_small_enough_for_a_company_of_100_000() {
    // Longer text, addresses and the like come on top; of the 300 MB that a run may take, this is the floor.
    assert!(size_of::<Worker>() <= 472, "{}", size_of::<Worker>());
    assert!(
        size_of::<SystemUser>() <= 472,
        "{}",
        size_of::<SystemUser>()
    );
    let worker = worker(json!({}));
    assert_eq!(
        worker.details, None,
        "nothing is kept apart for who has nothing"
    );
}

#[test]
fn phone_numbers_and_custom_fields_of_deel_are_unread_until_asked_for() {
    let mut worker = worker(json!({}));
    let fields = ["work_phone", "personal_phone", "custom.Cost code"]
        .map(|name| Field::named(name).unwrap());
    assert!(fields.iter().all(|field| worker.is_unread(field)));
    let personal: deel::Personal =
        serde_json::from_value(json!({"birth_date": "1990-01-01", "phone_numbers": [
            {"type": "HOME", "dial_code": "351", "phone_number": "9"},
            {"type": "work", "dial_code": "+351", "phone_number": null},
            {"type": "WORK", "dial_code": "351", "phone_number": "21 0"},
            {"type": "PERSONAL", "dial_code": "351", "phone_number": "+351 91 0"},
        ]}))
        .unwrap();
    deel::add_phone_numbers(&mut worker, &personal);
    let person: Person = serde_json::from_value(record(json!({"custom_fields": [
        {"name": "Cost code", "value": "4711"}, {"name": "Salary", "value": "1"}, {"name": "Desk", "value": null},
    ]}))).unwrap();
    deel::add_custom_fields(
        &mut worker,
        &person,
        &["Cost code", "Desk"].map(Text::from).into(),
    );
    assert!(!fields.iter().any(|field| worker.is_unread(field)));
    assert_eq!(
        fields.map(|field| field.text(&worker).map(std::borrow::Cow::into_owned)),
        [
            Some("+35121 0".into()),
            Some("+351 91 0".into()),
            Some("4711".into())
        ]
    );
    assert_eq!(worker.custom_fields().len(), 1, "others are not kept");
    let none: deel::Personal = serde_json::from_value(json!({"phone_numbers": null})).unwrap();
    deel::add_phone_numbers(&mut worker, &none);
    deel::add_custom_fields(
        &mut worker,
        &serde_json::from_value(record(json!({"custom_fields": []}))).unwrap(),
        &[].into(),
    );
    assert_eq!(worker.details, None);
}

#[test]
fn odd_shapes_of_deels_answers_are_read() {
    for fields in [
        json!({"department": null}),
        json!({"department": {}}),
        json!({"worker_id": 17}),
        json!({"worker_id": "17"}),
        json!({"client_legal_entity": {"id": 4, "name": null}}),
        json!({"employments": null}),
        json!({"employments": []}),
        json!({"emails": [{"type": null, "value": null}, {"type": "work", "value": " A@B.example "}]}),
        json!({"last_name": null, "full_name": null}),
        json!({"birth_date": 7, "something_new": {"a": [1]}}),
    ] {
        let person: Result<Person, _> = serde_json::from_value(record(fields.clone()));
        assert!(person.is_ok(), "{fields}: {person:?}");
    }
}

#[test]
fn a_record_without_an_id_is_refused() {
    for id in [json!(null), json!(""), json!(" "), json!(5)] {
        assert!(serde_json::from_value::<Person>(record(json!({"id": id}))).is_err());
    }
    let mut without = record(json!({}));
    without.as_object_mut().unwrap().remove("id");
    assert!(serde_json::from_value::<Person>(without).is_err());
}

#[test]
fn usernames_fold_as_people_expect() {
    let template = UsernameTemplate::default();
    for (first, last, expected) in [
        ("Alpha", "Zed", "alpha.zed"),
        ("José", "Núñez", "jose.nunez"),
        ("Jürgen", "Groß", "jurgen.gross"),
        ("Łukasz", "Żółć", "lukasz.zolc"),
        ("Seán", "O'Brien", "sean.obrien"),
        ("Anne-Marie", "Smith-Jones", "anne-marie.smith-jones"),
        ("Mary Ann", "van der Berg", "maryann.vanderberg"),
        ("  Ana ", " Souza  ", "ana.souza"),
        ("小明", "王", "xiaoming.wang"),
        ("محمد", "علي", "mhmd.ly"),
        ("Cher", "", "cher"),
        ("", "Pelé", "pele"),
        ("😀", "Smith", "smith"),
        ("😀", "🎉", "ana.souza"),
        ("J.R.", "Ewing Jr.", "jr.ewingjr"),
        ("3Po", "Threepio", "po.threepio"),
        ("--", "Dash", "dash"),
    ] {
        let name = Usernames::default().give(&template, &named(first, last));
        assert_eq!(name.as_deref(), Ok(expected), "{first} {last}");
    }
    let nameless = worker(
        json!({"first_name": "😀", "last_name": null, "emails": [{"type": "work", "value": "42@corp.example"}]}),
    );
    assert_eq!(
        Usernames::default().give(&template, &nameless),
        Err(MappingError::NoUsername)
    );
}

#[test]
fn collisions_are_numbered_on_the_last_name_from_one() {
    let mut usernames = Usernames::default();
    usernames.take("Alpha.Zed");
    usernames.take("alpha.zed2");
    let mut give = |template: &str| {
        usernames
            .give(
                &UsernameTemplate::parse(template, 1024).unwrap(),
                &named("Alpha", "Zed"),
            )
            .unwrap()
    };
    assert_eq!(give("{first}.{last}"), "alpha.zed1");
    assert_eq!(give("{first}.{last}"), "alpha.zed3");
    assert_eq!(give("{last}.{first}"), "zed.alpha");
    assert_eq!(give("{last}.{first}"), "zed1.alpha");
    assert_eq!(give("{first_initial}{last}"), "azed");
}

#[test]
fn a_long_name_is_cut_so_that_its_number_still_fits() {
    let template = UsernameTemplate::parse("{first}.{last}", 12).unwrap();
    let mut usernames = Usernames::default();
    let names: Vec<Text> = (0..11)
        .map(|_| {
            usernames
                .give(&template, &named("Maximilian", "Oberhuber"))
                .unwrap()
        })
        .collect();
    assert_eq!(names[0], "maximilian.o");
    assert_eq!(names[1], "maximilian1");
    assert_eq!(names[10], "maximilian10");
    assert!(names.iter().all(|name| name.len() <= 12));
}

#[test]
fn a_template_that_cannot_work_is_refused() {
    for template in [
        "",
        "user",
        "{first",
        "{nick}",
        "{first} {last}",
        "{first}@x",
    ] {
        assert!(
            UsernameTemplate::parse(template, 1024).is_err(),
            "{template}"
        );
    }
}

proptest! {
    #[test]
    fn every_username_is_one_that_systems_take(first in ".{0,40}", last in ".{0,40}", times in 1..4_usize) {
        let template = UsernameTemplate::parse("{first}.{last}", 20).unwrap();
        let mut usernames = Usernames::default();
        let mut given = std::collections::BTreeSet::new();
        for _ in 0..times {
            let name = usernames.give(&template, &named(&first, &last)).unwrap();
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c)), "{name}");
            prop_assert!(name.len() <= 20);
            prop_assert!(given.insert(name));
        }
    }
}

#[test]
fn statuses_follow_the_published_table() {
    let status = |fields: Value| worker(fields).employment.status;
    let both = |word: &str| json!({"hiring_status": word, "new_hiring_status": word, "person_status": null});
    for word in [
        "draft",
        "pending_invite",
        "in_review",
        "quote_requires_changes",
    ] {
        assert_eq!(status(both(word)), Status::NotFirm, "{word}");
    }
    for word in [
        "invited",
        "onboarding",
        "onboarding_at_risk",
        "onboarding_overdue",
        "onboarded",
    ] {
        assert_eq!(status(both(word)), Status::PreHire, "{word}");
    }
    for word in ["active", "offboarding"] {
        assert_eq!(status(both(word)), Status::Employed, "{word}");
    }
    for word in ["inactive", "no_active_contracts"] {
        let mut fields = both(word);
        fields["employments"] = json!([]);
        assert_eq!(status(fields), Status::Ended, "{word}");
    }
    assert!(matches!(status(both("on_the_moon")), Status::Unclear(_)));
    assert_eq!(status(json!({"is_pwac": true})), Status::NotFirm);
    assert_eq!(
        status(json!({"hiring_type": "person_without_contract"})),
        Status::NotFirm
    );
    assert!(matches!(
        status(
            json!({"hiring_status": null, "new_hiring_status": null, "person_status": null, "employments": []})
        ),
        Status::Unclear(_)
    ));
}

#[test]
fn fields_that_disagree_change_nothing() {
    let unclear = |fields: Value| matches!(worker(fields).employment.status, Status::Unclear(_));
    assert!(unclear(json!({"new_hiring_status": "inactive"})));
    assert!(unclear(json!({"person_status": "INACTIVE"})));
    assert!(unclear(json!({"hiring_status": "onboarding"})));
    assert!(unclear(json!({"person_status": "SOMETHING_NEW"})));
    assert!(
        unclear(json!({"employments": [{"is_ended": true, "start_date": "2024-01-01"}]})),
        "active without a contract"
    );
    assert!(
        unclear(
            json!({"hiring_status": "inactive", "new_hiring_status": "inactive", "person_status": "INACTIVE"})
        ),
        "inactive with an active contract"
    );
    assert!(
        unclear(json!({"employments": [{"start_date": "soon"}]})),
        "a date that is none"
    );
    // The coarse field has no word for a draft.
    let draft = json!({"hiring_status": "onboarding", "new_hiring_status": "draft", "person_status": "NOT_STARTED"});
    assert_eq!(worker(draft).employment.status, Status::NotFirm);
}

#[test]
fn the_last_day_is_that_of_the_contract_that_runs_longest() {
    let last_day = |fields: Value| {
        worker(fields)
            .employment
            .last_day
            .map(|day| day.to_string())
    };
    let ended = json!({"is_ended": true, "start_date": "2023-01-01", "termination_last_day": "2024-12-31T00:00:00.000Z"});
    assert_eq!(
        last_day(json!({"employments": [ended]})).as_deref(),
        Some("2024-12-31")
    );
    assert_eq!(
        last_day(json!({"employments": [ended, {"start_date": "2025-01-01"}]})),
        None,
        "an open contract goes on"
    );
    assert_eq!(last_day(json!({"employments": [ended, {"start_date": "2025-01-01", "completion_date": "2026-12-31"}]})).as_deref(), Some("2026-12-31"));
    assert_eq!(
        last_day(json!({"employments": [ended, {"is_ended": true, "start_date": "2025-01-01"}]})),
        None,
        "the later end is not known"
    );
    assert_eq!(
        last_day(json!({"direct_employee_termination_last_day": "2026-07-31"})).as_deref(),
        Some("2026-07-31")
    );
    assert_eq!(
        last_day(json!({"direct_employee_termination_last_day": "2023-07-31"})),
        None,
        "that of an earlier engagement"
    );
    assert_eq!(
        last_day(
            json!({"active_worker_termination_status": "CANCELED", "employments": [{"start_date": "2024-01-01", "termination_last_day": "2026-01-31"}]})
        ),
        None
    );
    for gone in ["contract_is_archived", "is_user_contract_deleted"] {
        let mut deleted = json!({"start_date": "2020-01-01", "completion_date": "2027-01-01"});
        deleted[gone] = json!(true);
        assert_eq!(
            last_day(json!({"employments": [deleted, ended]})).as_deref(),
            Some("2024-12-31"),
            "{gone}"
        );
    }
    let cancelled = json!({"start_date": "2024-01-01", "contract_status": "cancelled"});
    assert_eq!(
        last_day(json!({"employments": [cancelled, ended]})).as_deref(),
        Some("2024-12-31")
    );
}

#[test]
fn the_latest_employment_that_has_begun_gives_the_title() {
    let contracts = json!([
        {"start_date": "2023-01-01", "job_title": "Contractor", "hiring_type": "contractor"},
        {"start_date": "2026-01-01", "job_title": "Engineer", "hiring_type": "eor"},
        {"start_date": "2027-01-01", "job_title": "Director", "hiring_type": "eor"},
    ]);
    let worker = worker(json!({"employments": contracts}));
    assert_eq!(worker.job_title.as_deref(), Some("Engineer"));
    assert_eq!(worker.worker_type.as_deref(), Some("eor"));
    assert_eq!(
        worker.employment.start.unwrap().to_string(),
        "2023-01-01",
        "one person, employed since"
    );
}

#[test]
fn days_begin_and_end_once_whatever_the_clocks_do() {
    let activate_at = jiff::civil::Time::constant(0, 30, 0, 0);
    let lifecycle = Lifecycle {
        activate_at,
        ..Lifecycle::default()
    };
    for (zone, day, begins, ends) in [
        // No midnight: the clocks jump from 00:00 to 01:00 on the first day, or on the day after the last one.
        (
            "Africa/Cairo",
            "2026-04-24",
            "2026-04-23T22:30:00Z",
            "2026-04-24T21:00:00Z",
        ),
        (
            "America/Santiago",
            "2026-09-05",
            "2026-09-05T04:30:00Z",
            "2026-09-06T04:00:00Z",
        ),
        // Midnight twice: from 01:00 back to 00:00.
        (
            "America/Havana",
            "2026-11-01",
            "2026-11-01T04:30:00Z",
            "2026-11-02T05:00:00Z",
        ),
        (
            "America/Havana",
            "2026-10-31",
            "2026-10-31T04:30:00Z",
            "2026-11-01T04:00:00Z",
        ),
        // From one minute past midnight back into the day before.
        (
            "America/St_Johns",
            "2010-11-06",
            "2010-11-06T03:00:00Z",
            "2010-11-07T03:30:00Z",
        ),
        // Over the date line: there was no 30th of December.
        (
            "Pacific/Apia",
            "2011-12-29",
            "2011-12-29T10:30:00Z",
            "2011-12-30T10:00:00Z",
        ),
        (
            "Pacific/Apia",
            "2011-12-30",
            "2011-12-30T10:30:00Z",
            "2011-12-30T10:00:00Z",
        ),
    ] {
        let fields = json!({"employments": [{"start_date": day, "termination_last_day": day, "timezone": zone}]});
        let worker = worker(fields);
        let found = (
            activation_moment(&worker, &lifecycle),
            leaving_moment(&worker, &lifecycle),
        );
        assert_eq!(found, (Some(at(begins)), Some(at(ends))), "{zone} {day}");
    }
}

#[test]
fn an_unknown_zone_falls_back_with_a_warning() {
    let worker = worker(json!({"timezone": "Mars/Olympus", "country": "JP"}));
    assert_eq!(worker.zone.iana_name(), Some("Asia/Tokyo"));
    assert_eq!(worker.warnings()[0].code, "unknown_zone");
}

#[test]
fn somebody_leaves_at_the_end_of_the_last_day_where_they_are() {
    let lifecycle = Lifecycle::default();
    for (zone, still, gone) in [
        ("UTC", "2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z"),
        ("Asia/Tokyo", "2026-06-30T14:59:59Z", "2026-06-30T15:00:00Z"),
        (
            "America/Los_Angeles",
            "2026-07-01T06:59:59Z",
            "2026-07-01T07:00:00Z",
        ),
        (
            "Pacific/Kiritimati",
            "2026-06-30T09:59:59Z",
            "2026-06-30T10:00:00Z",
        ),
    ] {
        let fields = json!({"employments": [{"start_date": "2024-01-01", "termination_last_day": "2026-06-30", "timezone": zone}]});
        assert!(
            matches!(
                standing_of(fields.clone(), &lifecycle, still),
                Standing::Active(Some(_))
            ),
            "{zone}"
        );
        assert!(
            matches!(standing_of(fields, &lifecycle, gone), Standing::Gone(_)),
            "{zone}"
        );
    }
}

#[test]
fn a_last_day_decides_over_the_status() {
    let inactive = json!({"hiring_status": "inactive", "new_hiring_status": "inactive", "person_status": "INACTIVE",
        "employments": [{"start_date": "2024-01-01", "termination_last_day": "2026-06-30", "is_ended": true}]});
    let lifecycle = Lifecycle::default();
    assert_eq!(
        standing_of(inactive.clone(), &lifecycle, "2026-06-15T00:00:00Z"),
        Standing::Absent(NoAccount::Leaving),
        "access stays, and none is given"
    );
    let on_status = Lifecycle {
        leave_at: LeaveAt::OnStatus,
        ..Lifecycle::default()
    };
    assert!(matches!(
        standing_of(inactive.clone(), &on_status, "2026-06-15T00:00:00Z"),
        Standing::Gone(_)
    ));
    let grace = Lifecycle {
        grace_days: 3,
        ..Lifecycle::default()
    };
    assert_eq!(
        standing_of(inactive.clone(), &grace, "2026-07-03T23:59:59Z"),
        Standing::Absent(NoAccount::Leaving)
    );
    assert!(matches!(
        standing_of(inactive.clone(), &grace, "2026-07-04T00:00:00Z"),
        Standing::Gone(_)
    ));
    let evening = Lifecycle {
        leave_at: LeaveAt::TimeOfLastDay(time(18, 0, 0, 0)),
        ..grace
    };
    assert_eq!(
        standing_of(inactive.clone(), &evening, "2026-07-03T17:59:59Z"),
        Standing::Absent(NoAccount::Leaving)
    );
    assert!(matches!(
        standing_of(inactive, &evening, "2026-07-03T18:00:00Z"),
        Standing::Gone(_)
    ));
}

#[test]
fn moving_between_contracts_is_not_leaving() {
    let direct = "2026-05-31";
    let moved = |old: Value, new_start: &str| {
        let new =
            json!({"start_date": new_start, "hiring_status": "active", "timezone": "Asia/Tokyo"});
        json!({"direct_employee_termination_last_day": direct, "employments": [old, new]})
    };
    let unflipped =
        json!({"start_date": "2024-01-01", "is_ended": false, "hiring_status": "active"});
    let ended =
        json!({"start_date": "2024-01-01", "is_ended": true, "termination_last_day": direct});
    for fields in [
        moved(unflipped, "2026-06-01"),
        moved(ended.clone(), "2026-05-25"),
        moved(ended, "2026-05-31"),
    ] {
        let standing = standing_of(
            fields.clone(),
            &Lifecycle::default(),
            "2026-06-02T00:00:00Z",
        );
        assert!(
            matches!(standing, Standing::Active(None)),
            "{fields}: {standing:?}"
        );
    }
}

#[test]
fn an_ended_employment_gives_nobody_access() {
    let ended = |fields: Value| {
        let mut all = json!({"hiring_status": "inactive", "new_hiring_status": "inactive", "person_status": "INACTIVE"});
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        standing_of(all, &Lifecycle::default(), "2026-06-15T00:00:00Z")
    };
    let cancelled = json!({"start_date": "2026-07-01", "completion_date": "2026-12-31", "employments": [
        {"start_date": "2026-07-01", "completion_date": "2026-12-31", "contract_status": "cancelled"}]});
    assert!(
        matches!(ended(cancelled), Standing::Gone(_)),
        "a withdrawn offer"
    );
    let ended_early = json!({"employments": [{"start_date": "2026-07-01", "completion_date": "2026-12-31", "is_ended": true}]});
    assert!(matches!(ended(ended_early), Standing::Gone(_)));
    let serving = json!({"employments": [{"start_date": "2026-01-01", "completion_date": "2026-12-31", "is_ended": true}]});
    assert_eq!(ended(serving), Standing::Absent(NoAccount::Leaving));
    assert!(matches!(
        ended(json!({"is_pwac": true, "employments": []})),
        Standing::Gone(_)
    ));
}

#[test]
fn where_somebody_is_does_not_change_when_a_contract_ends() {
    let contract = |ended: bool| {
        json!({"person_status": null, "hiring_status": "offboarding", "new_hiring_status": "offboarding", "employments": [
            {"start_date": "2024-01-01", "termination_last_day": "2026-05-31", "is_ended": ended, "timezone": "Asia/Tokyo"}]})
    };
    for ended in [false, true] {
        let standing = standing_of(
            contract(ended),
            &Lifecycle::default(),
            "2026-05-31T16:00:00Z",
        );
        assert!(
            matches!(standing, Standing::Gone(_)),
            "{ended}: {standing:?}"
        );
    }
}

#[test]
fn the_gap_between_two_contracts_is_waited_out() {
    let fields = json!({"hiring_status": "onboarding", "new_hiring_status": "onboarding", "person_status": null, "employments": [
        {"start_date": "2024-01-01", "termination_last_day": "2026-05-15", "is_ended": false},
        {"start_date": "2026-07-01", "is_ended": false}]});
    let standing = standing_of(fields, &Lifecycle::default(), "2026-06-01T00:00:00Z");
    assert_eq!(standing, Standing::Staged(Some(at("2026-07-01T00:00:00Z"))));
}

#[test]
fn a_contract_that_does_not_say_since_when_it_runs_leaves_no_gap() {
    let ended =
        json!({"start_date": "2024-01-01", "termination_last_day": "2026-05-15", "is_ended": true});
    let next = json!({"start_date": "2026-07-01", "is_ended": false});
    let running = json!({"start_date": null, "is_ended": false});
    let standing = |employments: Value| {
        let worker = worker(json!({"employments": employments}));
        let now = at("2026-06-01T00:00:00Z");
        Policy::deel().standing(&worker, now, Some(UserState::Activated))
    };
    assert!(matches!(standing(json!([ended, next])), Standing::Gone(_)));
    let standing = standing(json!([ended, running, next]));
    assert!(matches!(standing, Standing::Staged(_)), "{standing:?}");
}

#[test]
fn a_pre_hire_is_staged_and_activated_as_the_policy_says() {
    let hire = |zone: &str| {
        json!({"hiring_status": "onboarding", "new_hiring_status": "onboarding_overdue", "person_status": "NOT_STARTED",
        "employments": [{"start_date": "2026-03-08", "timezone": zone}]})
    };
    let on_start = Lifecycle {
        activate_at: "02:30".parse().unwrap(),
        ..Lifecycle::default()
    };
    // In New York the clocks go from 02:00 to 03:00 that night: 02:30 is skipped, and never early.
    assert_eq!(
        standing_of(hire("America/New_York"), &on_start, "2026-03-08T07:29:59Z"),
        Standing::Staged(Some(at("2026-03-08T07:30:00Z")))
    );
    assert_eq!(
        standing_of(hire("America/New_York"), &on_start, "2026-03-08T07:30:00Z"),
        Standing::Active(None)
    );
    let with = |activate: Activate| Lifecycle {
        activate,
        ..Lifecycle::default()
    };
    assert_eq!(
        standing_of(
            hire("UTC"),
            &with(Activate::Immediately),
            "2026-04-01T00:00:00Z"
        ),
        Standing::Staged(None)
    );
    assert_eq!(
        standing_of(hire("UTC"), &with(Activate::Never), "2026-04-01T00:00:00Z"),
        Standing::Staged(None)
    );
    assert_eq!(
        standing_of(
            json!({}),
            &with(Activate::Immediately),
            "2026-04-01T00:00:00Z"
        ),
        Standing::Active(None)
    );
    assert_eq!(
        standing_of(json!({}), &with(Activate::Never), "2026-04-01T00:00:00Z"),
        Standing::Staged(None)
    );
    let early = Lifecycle {
        provision_days_before: Some(7),
        ..Lifecycle::default()
    };
    assert_eq!(
        standing_of(hire("UTC"), &early, "2026-02-28T23:59:59Z"),
        Standing::Absent(NoAccount::NotBefore(at("2026-03-01T00:00:00Z")))
    );
    assert!(matches!(
        standing_of(hire("UTC"), &early, "2026-03-01T00:00:00Z"),
        Standing::Staged(_)
    ));
    let undated = json!({"hiring_status": "invited", "new_hiring_status": "invited", "person_status": null, "employments": []});
    assert_eq!(
        standing_of(undated, &early, "2026-03-01T00:00:00Z"),
        Standing::Absent(NoAccount::NoStartDate)
    );
}

#[test]
fn somebody_employed_whose_first_day_is_to_come_waits_for_it() {
    let fields = json!({"employments": [{"start_date": "2026-07-01", "hiring_status": "active"}]});
    assert!(matches!(
        standing_of(fields, &Lifecycle::default(), "2026-06-01T00:00:00Z"),
        Standing::Staged(Some(_))
    ));
}

#[test]
fn a_work_email_is_required_and_bounded() {
    let policy = Policy::deel();
    let check = |email: Value| {
        let worker = worker(json!({"emails": [{"type": "work", "value": email}]}));
        desired_user(&worker, &policy.attributes, None)
            .map(|_| ())
            .map_err(|error| error.code())
    };
    assert_eq!(check(json!("a@b.example")), Ok(()));
    assert_eq!(check(json!(null)), Err("no_work_email"));
    assert_eq!(check(json!("  ")), Err("no_work_email"));
    assert_eq!(check(json!("nobody")), Err("work_email_invalid"));
    assert_eq!(check(json!("a b@c.example")), Err("work_email_invalid"));
    assert_eq!(check(json!("a@b@c.example")), Err("work_email_invalid"));
    assert_eq!(
        check(json!(format!("{}@b.example", "a".repeat(1014)))),
        Ok(())
    );
    assert_eq!(
        check(json!(format!("{}@b.example", "a".repeat(1015)))),
        Err("work_email_too_long")
    );
}

/// Text as HR and JumpCloud hold it: none, one thing, the same in another case, and more than JumpCloud takes.
fn texts() -> impl Strategy<Value = String> {
    let long = "x".repeat(1025);
    prop::sample::select(vec![
        String::new(),
        "a@b.example".into(),
        "A@B.example".into(),
        long,
    ])
}

fn addresses() -> impl Strategy<Value = Vec<Address>> {
    let kinds = prop::sample::select(vec!["home", "work", "other"]);
    let address = (kinds, 0..2_u8).prop_map(|(kind, number)| Address {
        kind: kind.into(),
        street_address: format!("{number} High St").into(),
        ..Address::default()
    });
    prop::collection::vec(address, 0..3)
}

fn phone_numbers() -> impl Strategy<Value = Vec<PhoneNumber>> {
    let kinds = prop::sample::select(vec!["work", "mobile", "work_fax"]);
    let number = prop::sample::select(vec!["+351 21 0", "+351210", "+351211"]);
    let phone = (kinds, number).prop_map(|(kind, number)| PhoneNumber {
        kind: kind.into(),
        number: number.into(),
    });
    prop::collection::vec(phone, 0..3)
}

/// A few rows of the table, a custom attribute and a template among them, under every policy.
fn rules() -> impl Strategy<Value = Vec<AttributeRule>> {
    use Update::{Always, IfEmpty, Never, OnChange, Once};
    let mut rows: Vec<AttributeRule> = TABLE.iter().map(AttributeRule::of).collect();
    let template = TextTemplate::parse("{team}, {city}").unwrap();
    rows.push(AttributeRule {
        attribute: Attribute::Custom("badge".into()),
        origin: Origin::Template(template),
        ..rows[0].clone()
    });
    let rule = (
        prop::sample::select(rows),
        prop::sample::select(vec![Always, OnChange, IfEmpty, Once, Never]),
        prop::sample::select(vec![Blank::Keep, Blank::Clear]),
        texts(),
    );
    let rule = rule.prop_map(|(row, update, blank, default)| AttributeRule {
        update,
        blank,
        default: (!default.is_empty()).then(|| default.into()),
        ..row
    });
    prop::collection::vec(rule, 0..4)
}

fn workers() -> impl Strategy<Value = Worker> {
    let arrays = (addresses(), phone_numbers());
    let unread = (any::<bool>(), any::<bool>());
    let parts = (prop::collection::vec(texts(), 12), arrays, unread);
    parts.prop_map(|(texts, (addresses, phone_numbers), (role, phones))| {
        let text = |index: usize| Some(Text::from(&texts[index])).filter(|text| !text.is_empty());
        Worker {
            employee_id: text(0),
            personal_email: text(1),
            first_name: text(2),
            last_name: text(3),
            full_name: text(4),
            job_title: text(5),
            department: text(6),
            location: text(7),
            team: text(8),
            worker_type: text(9),
            entity: text(10),
            city: text(11),
            details: Details {
                addresses,
                phone_numbers,
                ..Details::default()
            }
            .boxed(),
            unread: Unread::default()
                .and(Part::Role, role)
                .and(Part::PhoneNumbers, phones),
            ..worker(json!({"emails": [{"type": "work", "value": "a@b.example"}]}))
        }
    })
}

fn users() -> impl Strategy<Value = SystemUser> {
    let parts = (
        prop::collection::vec(texts(), 14),
        addresses(),
        phone_numbers(),
    );
    parts.prop_map(|(texts, addresses, phone_numbers)| {
        let text = |index: usize| Text::from(&texts[index]);
        let badge = CustomAttribute {
            name: "badge".into(),
            value: text(13),
        };
        SystemUser {
            email: text(0),
            firstname: text(1),
            lastname: text(2),
            displayname: text(3),
            alternate_email: text(4),
            employee_identifier: text(5),
            job_title: text(6),
            department: text(7),
            location: text(8),
            cost_center: text(9),
            employee_type: text(10),
            company: text(11),
            manager: text(12),
            phone_numbers,
            addresses,
            attributes: vec![badge],
            ..SystemUser::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whoever_is_in_step_needs_no_change_and_nobody_else_does(
        worker in workers(),
        user in users(),
        rules in rules(),
        manager in texts(),
        sent in texts(),
    ) {
        let manager = Some(SystemUserId(manager.into())).filter(|id| !id.as_str().is_empty());
        let desired = desired_user(&worker, &rules, manager.as_ref()).unwrap();
        let is_done = desired.warnings.is_empty() && diff(&desired, &user, None).is_empty();
        prop_assert_eq!(is_in_step(&worker, &rules, manager.as_ref(), &user), is_done);
        // What we wrote before can only make less of a difference.
        let mut written = Written::default();
        for rule in &rules {
            written.record(&rule.attribute, json!(sent), value_of(&rule.attribute, &user));
        }
        prop_assert!(!is_done || diff(&desired, &user, Some(&written)).is_empty());
    }
}

#[test]
fn what_jumpcloud_stores_differently_counts_as_in_step() {
    let policy = Policy::deel();
    let worker = worker(json!({"full_name": "Ana  Souza"}));
    let desired = desired_user(&worker, &policy.attributes, None).unwrap();
    let mut user = SystemUser::default();
    for change in diff(&desired, &user, None) {
        apply_text(&mut user, &change);
    }
    user.displayname = "Ana Souza".into();
    assert_eq!(diff(&desired, &user, None).len(), 1);
    let mut written = Written::default();
    written.record(
        &Attribute::Displayname,
        json!("Ana  Souza"),
        json!("Ana Souza"),
    );
    assert_eq!(diff(&desired, &user, Some(&written)), Vec::new());
    let read_back: Written =
        serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
    assert_eq!(read_back, written);
    user.displayname = "Edited by hand".into();
    assert_eq!(diff(&desired, &user, Some(&written)).len(), 1);
}

fn apply_text(user: &mut SystemUser, change: &AttributeChange) {
    let mut json = serde_json::to_value(&*user).unwrap();
    json[change.attribute.wire_name()] = change.to.clone();
    *user = serde_json::from_value(json).unwrap();
}

#[test]
fn other_addresses_in_jumpcloud_stay() {
    let mut rule = AttributeRule::of(
        TABLE
            .iter()
            .find(|row| row.attribute == Attribute::Addresses)
            .unwrap(),
    );
    rule.update = Update::Always;
    let worker = worker(
        json!({"addresses": [{"streetAddress": "1 New St", "locality": "Leeds", "country": "GB"}]}),
    );
    let old = |kind: &str| Address {
        kind: kind.into(),
        street_address: "2 Old St".into(),
        ..Address::default()
    };
    let user = SystemUser {
        addresses: vec![old("work"), old("home")],
        ..SystemUser::default()
    };
    let rules = [rule];
    let desired = desired_user(&worker, &rules, None).unwrap();
    let change = diff(&desired, &user, None).pop().unwrap();
    let kinds: Vec<&str> = change
        .to
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["home", "work"]);
    assert_eq!(change.to[0]["streetAddress"], "1 New St");
    assert_eq!(change.to[1]["streetAddress"], "2 Old St");
}

#[test]
fn text_between_two_fields_stands_only_between_two_values() {
    let render = |template: &str, fields: Value| {
        let template = TextTemplate::parse(template).unwrap();
        let rule = AttributeRule {
            attribute: Attribute::Location,
            origin: Origin::Template(template),
            default: Some("Remote".into()),
            update: Update::Always,
            blank: Blank::Keep,
        };
        rule.text(&worker(fields)).map(std::borrow::Cow::into_owned)
    };
    let city =
        |city: &str, country: &str| json!({"addresses": [{"locality": city}], "country": country});
    assert_eq!(
        render("{city}, {country}", city("Porto", "PT")).as_deref(),
        Some("Porto, PT")
    );
    assert_eq!(
        render("{city}, {country}", city("", "PT")).as_deref(),
        Some("PT")
    );
    assert_eq!(
        render("{city}, {country}", city("", "")).as_deref(),
        Some("Remote")
    );
    assert_eq!(
        render("Head office", json!({})).as_deref(),
        Some("Head office")
    );
    assert!(TextTemplate::parse("{town}").is_err());
    assert!(TextTemplate::parse("{city").is_err());
}

#[test]
fn jumpcloud_rows_of_every_age_are_read() {
    let read = |user: Value| serde_json::from_value::<SystemUser>(user);
    let user = read(
        json!({"_id": "6026bec6b8207255280d5981", "id": "6026bec6b8207255280d5981", "username": "jdoe", "email": "j@x.example",
        "employeeIdentifier": null, "suspended": true, "admin": null, "manager": null, "phoneNumbers": [], "attributes": null, "mfa": {"configured": false}}),
    );
    assert_eq!(user.unwrap().state(), UserState::Suspended);
    assert!(
        read(json!({"_id": "1", "username": "a", "admin": {"id": "5"}}))
            .unwrap()
            .admin
    );
    assert!(
        !read(json!({"_id": "1", "username": "a", "admin": {}}))
            .unwrap()
            .admin
    );
    assert_eq!(
        read(json!({"_id": "1", "username": "a", "state": "SOMETHING"}))
            .unwrap()
            .state(),
        UserState::Unknown
    );
    assert!(read(json!({"username": "a"})).is_err());
}

#[test]
fn the_published_table_is_the_one_in_the_code() {
    let document = include_str!("../../../docs/mapping.md");
    assert!(
        document.contains(&render_markdown()),
        "docs/mapping.md must hold this table:\n{}",
        render_markdown()
    );
}

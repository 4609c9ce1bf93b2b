//! The people that a sync gets wrong first: odd names, missing values, dates at the edge, fields that contradict.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::profile::{Profile, Stage};

/// All of them, in no order that matters.
pub(super) fn profiles(today: Date) -> Vec<Profile> {
    let mut profiles = odd_names();
    profiles.extend(odd_addresses());
    profiles.extend(odd_departments());
    profiles.extend(joiners(today));
    profiles.extend(leavers(today));
    profiles.extend(contradictions(today));
    profiles
}

fn odd_names() -> Vec<Profile> {
    let with_mailbox = |first: &str, last: &str, mailbox: &str| {
        Profile::new(first, last)
            .work_email(Some(&format!("{mailbox}@northlight.example")))
            .personal_email(Some(&format!("{mailbox}@mail.example")))
    };
    let long_first = "Wolfeschlegel".repeat(12);
    let long_last = "steinhausenberger-".repeat(40);
    vec![
        with_mailbox("Alex", "Zed", "alex.zed"),
        with_mailbox("Alex", "Zed", "alex.zed.sales"),
        with_mailbox("ALEX", "zed", "a.zed"),
        with_mailbox("Alex ", " Zed", "alexz"),
        with_mailbox("Álex", "Zéd", "alex.z"),
        // Looks like the name that a collision would give.
        with_mailbox("Alex", "Zed1", "alex.zed1"),
        Profile::new("Prabowati", ""),
        Profile::new("Cher", "").with("last_name", ""),
        Profile::new("Seán", "O'Mallory"),
        Profile::new("D'Arcy", "L’Estrange"),
        Profile::new("Jean-Luc", "Saint-Exupère"),
        Profile::new("Anne-Marie", "Smith-Jones-Brown"),
        Profile::new("María del Carmen", "de la Cruz y Luna"),
        Profile::new("Björk", "Þórsdóttir"),
        Profile::new("Đặng", "Thị Ngọc Ánh"),
        Profile::new("Şükrü", "İğneci"),
        with_mailbox("小雨", "山田川", "xiaoyu"),
        with_mailbox("はるか", "月ノ森", "haruka"),
        with_mailbox("지우", "한별", "jiwoo"),
        with_mailbox("نورا", "البحراوي", "noura"),
        with_mailbox("Ольга", "Ясеневская", "olga"),
        with_mailbox("Νίκη", "Ελαιώνα", "niki"),
        with_mailbox("🌻", "Sunfield", "sunfield"),
        with_mailbox("🎧🎛", "", "dj"),
        Profile::new("3rd", "Floor-Desk"),
        with_mailbox("Trailing  ", "Blank ", "trailing").with("full_name", "Trailing   Blank "),
        with_mailbox(&long_first, &long_last, "the.long.one"),
    ]
}

fn odd_addresses() -> Vec<Profile> {
    let shared = Some("front.desk@northlight.example");
    vec![
        Profile::new("Mixed", "Casey").work_email(Some("Mixed.CASEY@Northlight.Example")),
        Profile::new("Noel", "Mailless").work_email(None),
        Profile::new("Nadia", "Emailsnull").with("emails", Value::Null),
        Profile::new("Homer", "Only").with(
            "emails",
            json!([{"type": "personal", "value": "homer.only@mail.example"}]),
        ),
        Profile::new("Petra", "Private").personal_email(None),
        Profile::new("Blanca", "Space").work_email(Some(" blanca.space@northlight.example ")),
        Profile::new("Desk", "Mornings").work_email(shared),
        Profile::new("Desk", "Evenings").work_email(shared),
        Profile::new("Numa", "Berwick").with("worker_id", 90_210),
    ]
}

fn odd_departments() -> Vec<Profile> {
    vec![
        Profile::new("Nolan", "Nodept").with("department", Value::Null),
        Profile::new("Emma", "Emptydept").with("department", json!({})),
        Profile::new("Absalom", "Absent").without("department"),
        Profile::new("Zone", "Lessing").with("timezone", Value::Null),
        Profile::new("Preffie", "Preferred").with("preferred_first_name", "Pip"),
    ]
}

fn joiners(today: Date) -> Vec<Profile> {
    let tomorrow = today.saturating_add(1.day());
    vec![
        Profile::new("Tamsin", "Tomorrow")
            .starting(tomorrow)
            .stage(Stage::Onboarding),
        Profile::new("Todd", "Today")
            .starting(today)
            .stage(Stage::Onboarding),
        Profile::new("Nextia", "Month")
            .starting(today.saturating_add(1.month()))
            .stage(Stage::Onboarding),
        Profile::new("Overton", "Due")
            .starting(today.saturating_sub(5.days()))
            .stage(Stage::OnboardingOverdue),
        Profile::new("Dateless", "Starter")
            .stage(Stage::Onboarding)
            .with("start_date", Value::Null),
        Profile::new("Drafty", "Contract")
            .starting(tomorrow)
            .stage(Stage::Draft),
        Profile::new("Penny", "Invite")
            .starting(tomorrow)
            .stage(Stage::PendingInvite),
        Profile::new("Conrad", "Tractless").hiring_type("person_without_contract"),
        Profile::new("Timestamp", "Starter").with("start_date", "2024-03-04T00:00:00.000Z"),
    ]
}

fn leavers(today: Date) -> Vec<Profile> {
    let yesterday = today.saturating_sub(1.day());
    vec![
        Profile::new("Lester", "Today").stage(Stage::Offboarding(today)),
        Profile::new("Lena", "Tomorrow").stage(Stage::Offboarding(today.saturating_add(1.day()))),
        Profile::new("Lorcan", "Lastweek")
            .stage(Stage::Offboarding(today.saturating_sub(7.days()))),
        Profile::new("Yesra", "Yesterday").stage(Stage::Inactive(yesterday)),
        Profile::new("Ivo", "Inactive").stage(Stage::Inactive(today.saturating_sub(90.days()))),
        // Was a contractor, is employed now: has not left.
        Profile::new("Tranh", "Sition")
            .hiring_type("eor")
            .contractor_until(today.saturating_sub(30.days())),
    ]
}

fn contradictions(today: Date) -> Vec<Profile> {
    vec![
        Profile::new("Una", "Known")
            .with("hiring_status", "on_sabbatical")
            .with("new_hiring_status", "on_sabbatical"),
        Profile::new("Contra", "Dictor").with("new_hiring_status", "inactive"),
        Profile::new("Ambi", "Guous")
            .stage(Stage::Inactive(today.saturating_sub(3.days())))
            .with("hiring_status", "active"),
        Profile::new("Perry", "Withheld").with("person_status", Value::Null),
        Profile::new("Emplo", "Yless").with("employments", Value::Null),
    ]
}

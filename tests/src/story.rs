//! What happens to people in a company, as HR and JumpCloud's admins see it: everything that the sync is there for, of
//! each at least one in thirty people.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sandbox::{Profile, Sandbox, Stage};
use serde_json::json;

use crate::Setup;

/// As many people as there are different fates.
const FATES: usize = 30;
/// The head of the thirty.
const HEAD: usize = 0;
/// Hired, and somebody of the same name; somebody reports to each.
const NAMESAKES: [usize; 2] = [20, 21];
/// Those who are hired later.
const HIRED: std::ops::RangeInclusive<usize> = 20..=27;
const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"];

/// A company, by the numbers of its people.
#[derive(Debug, Clone)]
pub struct Story {
    people: Vec<usize>,
}

impl Story {
    /// The story of a company of this size.
    pub fn of(size: usize) -> Self {
        Self::about(&(0..size).collect::<Vec<_>>())
    }

    /// The story of these people alone, of whose numbers each below thirty has a fate of its own.
    pub fn about(people: &[usize]) -> Self {
        Self {
            people: people.to_vec(),
        }
    }

    /// The configuration under which it is told.
    pub fn setup() -> Setup {
        Setup::new()
            .section("[protect]\nusernames = [\"break.glass\"]")
            .section(
                "[limits]\nsuspend = { floor = 100, percent = 5 }\nrename = { floor = 100, percent = 5 }\n\
                 reactivate = { floor = 100, percent = 5 }\nupdate = { floor = 1000, percent = 5 }",
            )
            .section("[[group]]\nname = \"Engineering\"\nwhen = { department = [\"Engineering\"] }")
            .section("[[group]]\nname = \"Support\"\nwhen = { department = [\"Support\"] }\ncreate = true")
            .source(
                "[source.attributes]\njobTitle = { from = \"job_title\", update = \"on_change\" }\n\
                 \"attributes.hrTeam\" = { from = \"team\" }",
            )
    }

    /// Who is there before the first run: staff in HR, and in JumpCloud a few whom HR does not know or not yet.
    pub fn begin(&self, sandbox: &Sandbox) {
        let jumpcloud = sandbox.jumpcloud();
        let group = jumpcloud.add_group(json!({"name": "Engineering"}));
        for username in ["break.glass", "service.account"] {
            let email = format!("{username}@northlight.example");
            let user = jumpcloud.add(json!({"username": username, "email": email}));
            jumpcloud.add_member(&group, &user);
        }
        let today = today(sandbox);
        for &number in &self.people {
            match number % FATES {
                22 => {
                    let username = format!("kim.{}", surname(number).to_lowercase());
                    let email = format!("{username}@elsewhere.example");
                    jumpcloud.add(json!({"username": username, "email": email}));
                }
                23 => {
                    let username = format!("known.{number}");
                    let email = format!("{username}@northlight.example");
                    jumpcloud.add(json!({
                        "username": username,
                        "email": email,
                        "employeeIdentifier": id(number),
                        "activated": true,
                    }));
                }
                27 => jumpcloud.refuse_mail_to(&private_address(number)),
                _ => {}
            }
            if !HIRED.contains(&(number % FATES)) {
                sandbox.deel().hire(before(sandbox, number, today));
            }
        }
    }

    /// What happened between the first run and the changes: some left.
    pub fn go_on(&self, sandbox: &Sandbox) {
        let today = today(sandbox);
        for &number in self.people.iter().filter(|number| *number % FATES == 8) {
            let gone = Stage::Inactive(today.saturating_sub(30.days()));
            change(sandbox, &before(sandbox, number, today).stage(gone), number);
        }
    }

    /// Everything changes.
    pub fn turn(&self, sandbox: &Sandbox) {
        let today = today(sandbox);
        for &number in &self.people {
            if HIRED.contains(&(number % FATES)) {
                sandbox.deel().hire(after(sandbox, number, today));
            }
        }
        for &number in &self.people {
            if !HIRED.contains(&(number % FATES)) {
                change(sandbox, &after(sandbox, number, today), number);
            }
        }
    }
}

fn today(sandbox: &Sandbox) -> Date {
    sandbox.clock().now().to_zoned(TimeZone::UTC).date()
}

fn change(sandbox: &Sandbox, profile: &Profile, number: usize) {
    let fields = profile.to_person();
    let changed = sandbox
        .deel()
        .update(&id(number), |person| person.extend(fields));
    assert!(changed, "HR does not know number {number}");
}

/// Somebody at the beginning.
fn before(sandbox: &Sandbox, number: usize, today: Date) -> Profile {
    let department = match number % FATES {
        0 | 3 | 6 => "Engineering",
        even if even % 2 == 0 => "Sales",
        _ => "Finance",
    };
    let head = number - number % FATES + HEAD;
    let named = match number % FATES {
        fate if fate == NAMESAKES[1] => number - 1,
        _ => number,
    };
    let somebody = Profile::new("Kim", &surname(named))
        .with("id", id(number))
        .work_email(Some(&format!("kim{number}@northlight.example")))
        .personal_email(Some(&private_address(number)))
        .department(department, None);
    let somebody = match number % FATES {
        HEAD => somebody,
        _ => reporting_to(sandbox, somebody, head),
    };
    match number % FATES {
        9 => somebody
            .stage(Stage::Onboarding)
            .starting(today.saturating_add(30.days())),
        _ => somebody,
    }
}

/// The same person after what happened.
fn after(sandbox: &Sandbox, number: usize, today: Date) -> Profile {
    let somebody = before(sandbox, number, today);
    let first = number - number % FATES;
    let two_days_ago = today.saturating_sub(2.days());
    match number % FATES {
        1 => somebody.job_title("Principal"),
        2 => somebody.department("Engineering", None),
        3 => somebody.department("Sales", None),
        4 => somebody.work_email(Some(&format!("renamed{number}@northlight.example"))),
        5 => somebody
            .with("last_name", "Married")
            .with("full_name", "Kim Married"),
        6 | 7 => somebody.stage(Stage::Inactive(two_days_ago)),
        9 => somebody.stage(Stage::Active).starting(two_days_ago),
        10 => reporting_to(sandbox, somebody, first + 11),
        12 => reporting_to(sandbox, somebody, first + NAMESAKES[0]),
        13 => somebody.personal_email(Some(&format!("moved{number}@mail.example"))),
        14 => somebody.team("Payments"),
        15 | 27 => somebody.department("Support", None),
        16 => reporting_to(
            sandbox,
            somebody.job_title("Lead").department("Support", None),
            first + 11,
        ),
        24 => reporting_to(sandbox, somebody, first + NAMESAKES[0]).personal_email(None),
        25 => somebody
            .stage(Stage::Onboarding)
            .starting(today.saturating_add(30.days())),
        26 => somebody.stage(Stage::Draft),
        _ => somebody,
    }
}

/// Nobody's, where the manager is not in HR yet or not in this company.
fn reporting_to(sandbox: &Sandbox, somebody: Profile, manager: usize) -> Profile {
    match sandbox.deel().person(&id(manager)) {
        Some(serde_json::Value::Object(manager)) => somebody.manager(&manager),
        _ => somebody,
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn private_address(number: usize) -> String {
    format!("private{number}@mail.example")
}

/// A name of letters, another one for each number below 1000.
fn surname(number: usize) -> String {
    let syllables = [number / 100 % 10, number / 10 % 10, number % 10];
    format!("O{}", syllables.map(|digit| SYLLABLES[digit]).concat())
}

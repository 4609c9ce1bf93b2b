//! Invented companies: who works in HR, and who is in JumpCloud already. Always the same for the same day.

mod hard_cases;
mod humaans;
mod places;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::profile::{Office, Profile, id_of};
use crate::wire::object;

use places::{PLACES, Place};

type Person = Map<String, Value>;

/// Who works in HR, and who is in JumpCloud already, at the start; by default nobody.
#[derive(Debug, Clone, Default)]
pub struct Company {
    /// People as Deel shows them.
    pub people: Vec<Map<String, Value>>,
    /// Those who are in Humaans.
    pub humaans: Vec<Profile>,
    /// Users as JumpCloud shows them; fields left out are those of a new user.
    pub users: Vec<Map<String, Value>>,
}

/// A department, the one above it, its teams, and the title of those who work there.
#[derive(Debug)]
struct Department {
    name: &'static str,
    parent: Option<&'static str>,
    teams: &'static [&'static str],
    title: &'static str,
    /// How many work in each team, the lead not counted.
    team_size: usize,
}

const DEPARTMENTS: [Department; 9] = [
    department(
        "Engineering",
        None,
        &["Platform", "Payments", "Mobile", "Web", "Reliability"],
        "Engineer",
        11,
    ),
    department(
        "Data",
        Some("Engineering"),
        &["Warehouse", "Insights"],
        "Data Engineer",
        8,
    ),
    department("Product", None, &["Roadmap"], "Product Manager", 9),
    department(
        "Design",
        Some("Product"),
        &["Brand", "Research"],
        "Designer",
        6,
    ),
    department(
        "Sales",
        None,
        &["Northern Europe", "Americas", "Asia Pacific"],
        "Account Executive",
        9,
    ),
    department(
        "Support",
        None,
        &["Tier 1", "Tier 2"],
        "Support Specialist",
        9,
    ),
    department("Finance", None, &["Accounting"], "Accountant", 8),
    department("People", None, &["Talent"], "People Partner", 7),
    department("Legal", None, &["Contracts"], "Counsel", 4),
];

const fn department(
    name: &'static str,
    parent: Option<&'static str>,
    teams: &'static [&'static str],
    title: &'static str,
    team_size: usize,
) -> Department {
    Department {
        name,
        parent,
        teams,
        title,
        team_size,
    }
}

impl Company {
    /// About 250 people in eleven countries, every hard case among them, and about 40 users in JumpCloud.
    pub fn demo(today: Date) -> Self {
        let mut staff = Staff::default();
        let chief = staff.hire(
            &Profile::new("Maren", "Oakhurst")
                .job_title("Chief Executive")
                .department("Leadership", None)
                .team("Leadership")
                .starting(Date::constant(2016, 5, 2)),
        );
        for department in &DEPARTMENTS {
            staff.staff_department(department, &chief);
        }
        let regular = staff.people.clone();
        for profile in hard_cases::profiles(today) {
            staff.hire(&profile.manager(&chief));
        }
        Self {
            people: staff.finish(),
            humaans: humaans::profiles(today),
            users: users_before(&regular),
        }
    }

    /// So many people, all hired by Deel and employed; every fiftieth has the name of somebody else. Nobody is in JumpCloud.
    pub fn sized(count: usize, today: Date) -> Self {
        let start = today.saturating_sub(1.year());
        let people = (0..count).map(|number| {
            // Every fiftieth is called like the one before.
            let namesake = usize::from(number % 50 == 49);
            let (first, last) = plain_name(number - namesake);
            let mailbox = format!("{}.{number}", last.to_lowercase());
            let place = PLACES.get(number % PLACES.len());
            Profile::new(&first, &last)
                .work_email(Some(&format!("{mailbox}@northlight.example")))
                .personal_email(Some(&format!("{mailbox}@mail.example")))
                .office(place.map_or(Office::LONDON, |place| place.office))
                .starting(start)
                .with("id", id_of(&format!("sized/{number}")))
                .with("worker_id", (number + 1).to_string())
                .to_person()
        });
        Self {
            people: people.collect(),
            ..Self::default()
        }
    }
}

/// The people hired so far.
#[derive(Debug, Default)]
struct Staff {
    people: Vec<Person>,
}

impl Staff {
    /// Adds somebody with the next number; what the profile sets itself stays.
    fn hire(&mut self, profile: &Profile) -> Person {
        let number = self.people.len() + 1;
        let mut person = profile.to_person();
        for (field, value) in [
            ("id", id_of(&format!("person/{number}"))),
            ("worker_id", number.to_string()),
            ("created_at", "2024-01-15T08:00:00.000Z".to_owned()),
            ("updated_at", "2024-06-01T08:00:00.000Z".to_owned()),
        ] {
            person.entry(field).or_insert_with(|| value.into());
        }
        self.people.push(person.clone());
        person
    }

    /// A head, a lead for each team, and the teams.
    fn staff_department(&mut self, department: &Department, chief: &Person) {
        let Department {
            name,
            parent,
            teams,
            title,
            team_size,
        } = *department;
        let head = self.next_regular().department(name, parent);
        let head = self.hire(
            &head
                .job_title(&format!("Head of {name}"))
                .team(name)
                .manager(chief),
        );
        for team in teams {
            let lead = self.next_regular().department(name, parent).team(team);
            let lead = self.hire(&lead.job_title(&format!("Lead {title}")).manager(&head));
            for _ in 0..team_size {
                let member = self.next_regular().department(name, parent).team(team);
                self.hire(&member.job_title(title).manager(&lead));
            }
        }
    }

    /// Somebody about whom nothing is odd, from the next place.
    fn next_regular(&self) -> Profile {
        let number = self.people.len();
        let Some(place) = PLACES.get(number % PLACES.len()) else {
            return Profile::new("Robin", "Field");
        };
        let (first, last) = place.name(number / PLACES.len());
        let years = i64::try_from(number % 6).unwrap_or_default() + 1;
        Profile::new(first, last)
            .office(place.office)
            .hiring_type(place.hiring_type)
            .starting(Date::constant(2025, 2, 3).saturating_sub(years.years()))
    }

    /// Everybody, with their direct reports.
    fn finish(self) -> Vec<Person> {
        let mut reports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for person in &self.people {
            let manager = person
                .get("direct_manager")
                .and_then(|manager| manager.get("id"));
            if let Some(manager) = manager.and_then(Value::as_str) {
                reports.entry(manager.to_owned()).or_default().push(json!({
                    "id": person.get("id"),
                    "first_name": person.get("first_name"),
                    "last_name": person.get("last_name"),
                    "work_email": work_email(person),
                }));
            }
        }
        let mut people = self.people;
        for person in &mut people {
            let id = person.get("id").and_then(Value::as_str).unwrap_or_default();
            let own = reports.remove(id).unwrap_or_default();
            person.insert("direct_reports_count".to_owned(), own.len().into());
            person.insert("direct_reports".to_owned(), own.into());
        }
        people
    }
}

impl Place {
    /// The names of the place in turn: combinations differ as long as there are enough of them.
    fn name(&self, number: usize) -> (&'static str, &'static str) {
        let first = self.first_names.get(number % self.first_names.len());
        let round = number / self.first_names.len();
        let last = self
            .last_names
            .get((number + round) % self.last_names.len());
        (
            first.copied().unwrap_or("Robin"),
            last.copied().unwrap_or("Field"),
        )
    }
}

/// Who is in JumpCloud before the first sync: known by employee identifier, by e-mail only, or not to be touched.
fn users_before(people: &[Person]) -> Vec<Map<String, Value>> {
    let mut users: Vec<Map<String, Value>> = people
        .iter()
        .step_by(4)
        .take(40)
        .enumerate()
        .map(|(number, person)| {
            let mut user = user_of(person);
            match number {
                0..20 => user.insert("employeeIdentifier".to_owned(), json!(person.get("id"))),
                38 => {
                    user.insert("state".to_owned(), "SUSPENDED".into());
                    user.insert("suspended".to_owned(), true.into())
                }
                39 => user.insert(
                    "admin".to_owned(),
                    json!({"id": "5ebf8e6b0c3f4d1a2b3c4d60", "roleName": "Administrator"}),
                ),
                _ => None,
            };
            user
        })
        .collect();
    users.push(object(json!({
        "username": "svc.ldap",
        "email": "svc.ldap@northlight.example",
        "displayname": "Directory service account",
        "ldap_binding_user": true,
    })));
    users
}

/// A user as an admin typed it in: little more than the names, and the title in other words.
fn user_of(person: &Person) -> Map<String, Value> {
    let email = work_email(person)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let username = email.split('@').next().unwrap_or_default();
    object(json!({
        "username": username,
        "email": email,
        "firstname": person.get("first_name"),
        "lastname": person.get("last_name"),
        "displayname": person.get("full_name"),
        "jobTitle": "Staff",
        "created": "2023-03-01T09:00:00.000Z",
        "activated": true,
    }))
}

fn work_email(person: &Person) -> Option<&Value> {
    person.get("emails")?.pointer("/1/value")
}

/// A name for everybody of a large company: 60,000 combinations, each unlike the others.
fn plain_name(number: usize) -> (String, String) {
    const FIRST: [&str; 40] = [
        "Ada", "Ben", "Cleo", "Dan", "Edie", "Finn", "Gwen", "Hugo", "Iris", "Jack", "Kate",
        "Liam", "Mona", "Nils", "Olga", "Paul", "Quinn", "Rita", "Sven", "Tara", "Udo", "Vera",
        "Walt", "Xena", "Yuri", "Zoe", "Alma", "Bert", "Cora", "Dirk", "Elsa", "Fred", "Gina",
        "Hans", "Ines", "Jon", "Kira", "Lars", "Mia", "Noah",
    ];
    const STEMS: [&str; 50] = [
        "Ash", "Birch", "Brook", "Clay", "Cold", "Dale", "Deer", "East", "Elm", "Fair", "Fern",
        "Ford", "Glen", "Gold", "Green", "Hart", "Hazel", "High", "Hill", "Iron", "Kings", "Lake",
        "Lang", "Lark", "Long", "Marsh", "May", "Mill", "Moor", "North", "Oak", "Old", "Park",
        "Pine", "Red", "Ridge", "Rose", "Salt", "Sand", "Silver", "South", "Stone", "Summer",
        "Thorn", "Upper", "West", "White", "Wild", "Wind", "Wood",
    ];
    const ENDINGS: [&str; 30] = [
        "acre", "bank", "bourne", "bridge", "brook", "bury", "by", "combe", "cote", "dale", "dean",
        "don", "field", "ford", "gate", "ham", "hurst", "land", "ley", "low", "man", "mere",
        "more", "ridge", "shaw", "side", "stead", "ton", "well", "worth",
    ];
    let pick = |list: &[&'static str], number: usize| {
        list.get(number % list.len()).copied().unwrap_or_default()
    };
    let first = pick(&FIRST, number);
    let stem = pick(&STEMS, number / FIRST.len());
    let ending = pick(&ENDINGS, number / FIRST.len() / STEMS.len());
    (first.to_owned(), format!("{stem}{ending}"))
}

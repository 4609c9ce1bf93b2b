//! Makes people as Deel and Humaans show them: every documented field, from the few facts that matter to a test.

mod humaans;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::wire::object;

pub(crate) use humaans::{HumaansRecords, short_id};

/// Where somebody works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Office {
    /// The city.
    pub city: &'static str,
    /// The region as an address has it.
    pub region: &'static str,
    /// The country as Deel writes it.
    pub country: &'static str,
    /// The IANA time zone.
    pub timezone: &'static str,
    /// The legal entity that engages people there.
    pub entity: &'static str,
}

impl Office {
    /// Where people work unless told otherwise.
    pub const LONDON: Self = Self {
        city: "London",
        region: "England",
        country: "GB",
        timezone: "Europe/London",
        entity: "Northlight Ltd",
    };
}

/// How far somebody's employment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The contract is being written.
    Draft,
    /// The contract is written, the invitation is not sent.
    PendingInvite,
    /// Signed or signing, not yet begun.
    Onboarding,
    /// Onboarding, with a deadline or the start date missed.
    OnboardingOverdue,
    /// Employed.
    Active,
    /// Employed, with a last day.
    Offboarding(Date),
    /// Gone since the end of this day.
    Inactive(Date),
}

/// The words that Deel uses for a stage.
#[derive(Debug)]
struct Words {
    hiring: &'static str,
    new_hiring: &'static str,
    person: &'static str,
    contract: &'static str,
}

impl Stage {
    fn words(self) -> Words {
        let (hiring, new_hiring, person, contract) = match self {
            Self::Draft => ("draft", "draft", "NOT_STARTED", "new"),
            Self::PendingInvite => (
                "pending_invite",
                "pending_invite",
                "NOT_STARTED",
                "under_review",
            ),
            Self::Onboarding => (
                "onboarding",
                "onboarding",
                "NOT_STARTED",
                "waiting_for_employee_sign",
            ),
            Self::OnboardingOverdue => (
                "onboarding",
                "onboarding_overdue",
                "NOT_STARTED",
                "onboarding",
            ),
            Self::Active => ("active", "active", "ACTIVE", "in_progress"),
            Self::Offboarding(_) => ("offboarding", "offboarding", "OFFBOARDING", "in_progress"),
            Self::Inactive(_) => ("inactive", "inactive", "INACTIVE", "completed"),
        };
        Words {
            hiring,
            new_hiring,
            person,
            contract,
        }
    }

    fn last_day(self) -> Option<Date> {
        match self {
            Self::Offboarding(day) | Self::Inactive(day) => Some(day),
            Self::Draft
            | Self::PendingInvite
            | Self::Onboarding
            | Self::OnboardingOverdue
            | Self::Active => None,
        }
    }
}

/// The facts about a person; `Value::from` makes the person as Deel has it.
///
/// Employed in London since 2024 unless told otherwise. What no method can say, [`Profile::with`] can.
#[derive(Debug, Clone)]
pub struct Profile {
    first_name: String,
    last_name: Option<String>,
    work_email: Option<String>,
    personal_email: Option<String>,
    start_date: Date,
    stage: Stage,
    job_title: String,
    department: (String, Option<String>),
    team: String,
    office: Office,
    hiring_type: &'static str,
    manager: Value,
    /// The last day as a contractor, before the present contract.
    contractor_until: Option<Date>,
    /// Fields set last of all; none leaves the field out.
    overrides: BTreeMap<String, Option<Value>>,
}

impl Profile {
    /// Somebody with an address made from the name, as far as it has letters of the Latin alphabet.
    pub fn new(first_name: &str, last_name: &str) -> Self {
        let local = local_part(first_name, last_name);
        Self {
            first_name: first_name.to_owned(),
            last_name: (!last_name.is_empty()).then(|| last_name.to_owned()),
            work_email: Some(format!("{local}@northlight.example")),
            personal_email: Some(format!("{local}@mail.example")),
            start_date: Date::constant(2024, 3, 4),
            stage: Stage::Active,
            job_title: "Engineer".to_owned(),
            department: ("Engineering".to_owned(), None),
            team: "Platform".to_owned(),
            office: Office::LONDON,
            hiring_type: "direct_employee",
            manager: Value::Null,
            contractor_until: None,
            overrides: BTreeMap::new(),
        }
    }

    /// The work e-mail; none for somebody without.
    #[must_use]
    pub fn work_email(mut self, email: Option<&str>) -> Self {
        self.work_email = email.map(str::to_owned);
        self
    }

    /// The personal e-mail; none for somebody without.
    #[must_use]
    pub fn personal_email(mut self, email: Option<&str>) -> Self {
        self.personal_email = email.map(str::to_owned);
        self
    }

    /// The first day.
    #[must_use]
    pub fn starting(mut self, day: Date) -> Self {
        self.start_date = day;
        self
    }

    /// How far the employment is.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// The job title.
    #[must_use]
    pub fn job_title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.job_title);
        self
    }

    /// The department, and the name of the one above it.
    #[must_use]
    pub fn department(mut self, name: &str, parent: Option<&str>) -> Self {
        self.department = (name.to_owned(), parent.map(str::to_owned));
        self
    }

    /// The team.
    #[must_use]
    pub fn team(mut self, name: &str) -> Self {
        name.clone_into(&mut self.team);
        self
    }

    /// The place of work.
    #[must_use]
    pub fn office(mut self, office: Office) -> Self {
        self.office = office;
        self
    }

    /// The worker type, such as `contractor`, `eor` or `direct_employee`.
    #[must_use]
    pub fn hiring_type(mut self, hiring_type: &'static str) -> Self {
        self.hiring_type = hiring_type;
        self
    }

    /// The direct manager, a person of the same HR system.
    #[must_use]
    pub fn manager(mut self, person: &Map<String, Value>) -> Self {
        let work_email = person
            .get("emails")
            .and_then(|emails| emails.pointer("/1/value"));
        // A number here, text in the person.
        let worker_id = person.get("worker_id").and_then(Value::as_str);
        self.manager = json!({
            "id": person.get("id"),
            "first_name": person.get("first_name"),
            "last_name": person.get("last_name"),
            "work_email": work_email,
            "worker_id": worker_id.and_then(|id| id.parse::<u64>().ok()),
        });
        self
    }

    /// Adds an ended contract as a contractor.
    #[must_use]
    pub fn contractor_until(mut self, last_day: Date) -> Self {
        self.contractor_until = Some(last_day);
        self
    }

    /// Sets a field of the person to anything, last of all.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.overrides.insert(field.to_owned(), Some(value.into()));
        self
    }

    /// Leaves a field of the person out.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.overrides.insert(field.to_owned(), None);
        self
    }

    /// The person as Deel has it, without an `id` unless one was set.
    pub fn to_person(&self) -> Map<String, Value> {
        let words = self.stage.words();
        let Office {
            city,
            region,
            country,
            timezone,
            entity,
        } = self.office;
        let (department, parent) = &self.department;
        let fields = json!({
            "first_name": self.first_name,
            "last_name": self.last_name,
            "full_name": self.full_name(),
            "preferred_first_name": null,
            "preferred_last_name": null,
            "emails": [
                {"type": "primary", "value": self.personal_email.as_ref().or(self.work_email.as_ref())},
                {"type": "work", "value": self.work_email},
                {"type": "personal", "value": self.personal_email},
            ],
            "external_id": null,
            "birth_date": "1990-01-01T00:00:00.000Z",
            "start_date": self.start_date.to_string(),
            "nationalities": [country],
            "state": null,
            "country": country,
            "timezone": timezone,
            "seniority": null,
            "job_title": self.job_title,
            "completion_date": null,
            "department": {"id": id_of(department), "name": department, "parent": parent},
            "work_location": city,
            "client_legal_entity": {"id": id_of(entity), "name": entity},
            "direct_manager": self.manager,
            "direct_reports": [],
            "direct_reports_count": 0,
            "addresses": [{
                "streetAddress": "1 High Street",
                "locality": city,
                "region": region,
                "postalCode": "10000",
                "country": country,
            }],
            "hiring_type": self.hiring_type,
            "hiring_status": words.hiring,
            "new_hiring_status": words.new_hiring,
            "person_status": words.person,
            "is_pwac": self.hiring_type == "person_without_contract",
            "hris_organization_user_id": null,
            "active_worker_termination_status": match self.stage {
                Stage::Offboarding(_) => Some("IN_PROGRESS"),
                Stage::Inactive(_) => Some("COMPLETED"),
                Stage::Draft
                | Stage::PendingInvite
                | Stage::Onboarding
                | Stage::OnboardingOverdue
                | Stage::Active => None,
            },
            "employments": self.employments(&words),
        });
        let mut person = object(fields);
        self.override_fields(&mut person);
        person
    }

    /// What the test wants otherwise.
    fn override_fields(&self, person: &mut Map<String, Value>) {
        for (field, value) in &self.overrides {
            match value {
                Some(value) => person.insert(field.clone(), value.clone()),
                None => person.remove(field),
            };
        }
    }

    fn full_name(&self) -> String {
        match &self.last_name {
            Some(last_name) => format!("{} {last_name}", self.first_name),
            None => self.first_name.clone(),
        }
    }

    fn employments(&self, words: &Words) -> Vec<Value> {
        if self.hiring_type == "person_without_contract" {
            return Vec::new();
        }
        let mut present = self.employment(self.hiring_type, words, self.stage.last_day());
        let is_over = matches!(self.stage, Stage::Inactive(_));
        present.insert("is_ended".to_owned(), is_over.into());
        let mut employments = Vec::new();
        if let Some(last_day) = self.contractor_until {
            let words = Stage::Inactive(last_day).words();
            let mut former = self.employment("contractor", &words, Some(last_day));
            former.insert("is_ended".to_owned(), true.into());
            former.insert("start_date".to_owned(), "2022-01-10".into());
            employments.push(former.into());
        }
        employments.push(present.into());
        employments
    }

    fn employment(
        &self,
        hiring_type: &str,
        words: &Words,
        last_day: Option<Date>,
    ) -> Map<String, Value> {
        let Office {
            country,
            timezone,
            entity,
            ..
        } = self.office;
        let full_name = self.full_name();
        let contract = format!("{hiring_type}/{full_name}/{:?}", self.work_email);
        let fields = json!({
            "id": base36(hash(&contract)),
            "name": format!("{} - {full_name}", self.job_title),
            "team": {"id": id_of(&self.team), "name": self.team},
            "email": self.personal_email.as_ref().or(self.work_email.as_ref()),
            "work_email": self.work_email,
            "state": null,
            "country": country,
            "timezone": timezone,
            "payment": {"rate": null, "scale": null, "currency": "EUR", "contract_name": self.job_title},
            "is_ended": false,
            "job_title": self.job_title,
            "seniority": null,
            "start_date": self.start_date.to_string(),
            "completion_date": null,
            "hiring_type": hiring_type,
            "hiring_status": words.hiring,
            "new_hiring_status": words.new_hiring,
            "contract_status": words.contract,
            "contract_coverage": null,
            "voluntarily_left": null,
            "has_eor_termination": null,
            "termination_last_day": last_day.map(|day| format!("{day}T00:00:00.000Z")),
            "contract_is_archived": false,
            "contract_has_contractor": true,
            "is_user_contract_deleted": false,
            "client_legal_entity": {"id": id_of(entity), "name": entity},
            "hris_direct_employee_invitation": null,
        });
        object(fields)
    }
}

impl From<Profile> for Value {
    fn from(profile: Profile) -> Self {
        Self::Object(profile.to_person())
    }
}

/// A UUID that is always the same for the same name.
pub(crate) fn id_of(name: &str) -> String {
    let bits = hash(name);
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        bits >> 32,
        bits & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

/// FNV-1a: ids need to differ and to stay the same, no more.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Seven characters, as contract ids have.
fn base36(mut bits: u64) -> String {
    (0..7)
        .filter_map(|_| {
            let digit = u32::try_from(bits % 36).ok()?;
            bits /= 36;
            char::from_digit(digit, 36)
        })
        .collect()
}

/// `first.last` in the letters that an address may have; `person` when none is left.
fn local_part(first_name: &str, last_name: &str) -> String {
    let letters = |name: &str| -> String {
        let name = deunicode::deunicode(name).to_ascii_lowercase();
        name.chars().filter(char::is_ascii_alphanumeric).collect()
    };
    let parts: Vec<String> = [first_name, last_name]
        .into_iter()
        .map(letters)
        .filter(|part| !part.is_empty())
        .collect();
    match parts.as_slice() {
        [] => "person".to_owned(),
        parts => parts.join("."),
    }
}

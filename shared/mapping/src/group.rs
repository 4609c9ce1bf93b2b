//! Groups by rule: what `when` means for a person. Pure; who is put where and taken out again is not decided here.

use crate::field::Field;
use crate::worker::{Text, Worker, WorkerId};

/// A rule of `[[group]]`: who belongs to a static group of JumpCloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRule {
    /// The group's exact name.
    pub name: Text,
    /// Who belongs to it.
    pub when: When,
    /// Whether the group is made where there is none of that name.
    pub create: bool,
}

/// What must hold for a person: each of the conditions. Without any it holds for everyone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    conditions: Vec<Condition>,
}

/// A field with the values that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: Field,
    /// Trimmed and in lower case.
    any_of: Vec<Box<str>>,
}

impl When {
    /// The fields that a condition can be about.
    pub const FIELDS: [Field; 7] = [
        Field::Department,
        Field::Location,
        Field::WorkerType,
        Field::Entity,
        Field::Team,
        Field::Country,
        Field::Manager,
    ];

    /// Each of these fields must have one of its values; neither case nor space around them counts.
    pub fn new(conditions: impl IntoIterator<Item = (Field, Vec<String>)>) -> Self {
        let compiled = |value: &String| lower(value.trim()).collect();
        let condition = |(field, values): (Field, Vec<String>)| Condition {
            field,
            any_of: values.iter().map(compiled).collect(),
        };
        Self {
            conditions: conditions.into_iter().map(condition).collect(),
        }
    }

    /// Whether this person matches. A manager is matched by worker id or work e-mail: `manager` is their record, where
    /// it is known.
    pub fn holds(&self, worker: &Worker, manager: Option<&Worker>) -> bool {
        self.conditions.iter().all(|Condition { field, any_of }| {
            let is_one_of = |text: &str| any_of.iter().any(|value| is_same(text, value));
            if *field == Field::Manager {
                let id = worker.manager.as_ref().map(WorkerId::as_str);
                let email = manager.and_then(|manager| manager.work_email.as_deref());
                let email = email.or(worker.manager_email.as_deref());
                return id.into_iter().chain(email).any(is_one_of);
            }
            field.text(worker).is_some_and(|text| is_one_of(&text))
        })
    }

    /// Whether it rests on something that was not read of this person: nobody joins or leaves a group on that.
    pub fn rests_on_unread(&self, worker: &Worker) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| worker.is_unread(&condition.field))
    }

    /// Whether it takes a manager's record to know whom this holds for.
    pub fn names_manager_by_email(&self) -> bool {
        self.conditions.iter().any(|condition| {
            condition.field == Field::Manager
                && condition.any_of.iter().any(|value| value.contains('@'))
        })
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// Whether a text is this one of lower case: asked for everyone and every rule, so nothing is copied.
fn is_same(text: &str, in_lower_case: &str) -> bool {
    text.eq_ignore_ascii_case(in_lower_case)
        || !text.is_ascii() && lower(text).eq(in_lower_case.chars())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::details::Unread;
    use crate::worker::{Employment, Status};

    fn worker(id: &str) -> Worker {
        Worker {
            id: id.into(),
            employee_id: None,
            work_email: None,
            personal_email: None,
            first_name: None,
            last_name: None,
            full_name: None,
            job_title: None,
            department: None,
            location: None,
            team: None,
            worker_type: None,
            entity: None,
            country: None,
            city: None,
            manager: None,
            manager_email: None,
            details: None,
            unread: Unread::default(),
            employment: Employment {
                status: Status::Employed,
                start: None,
                last_day: None,
            },
            zone: TimeZone::UTC,
        }
    }

    fn when(conditions: &[(Field, &[&str])]) -> When {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        When::new(
            conditions
                .iter()
                .map(|(field, values)| (field.clone(), owned(values))),
        )
    }

    #[test]
    fn every_field_must_have_one_of_its_values() {
        let ana = Worker {
            department: Some("Forschung & ÜBERSICHT".into()),
            worker_type: Some("employee".into()),
            country: Some("GB".into()),
            ..worker("w1")
        };
        let department = || (Field::Department, &["Sales", " forschung & übersicht "][..]);
        for (conditions, holds) in [
            (&[][..], true),
            (&[department()], true),
            (&[department(), (Field::WorkerType, &["EMPLOYEE"])], true),
            (&[department(), (Field::WorkerType, &["contractor"])], false),
            (&[department(), (Field::Team, &["Core"])], false),
            (&[(Field::Country, &["G", "GBR", ""])], false),
        ] {
            assert_eq!(when(conditions).holds(&ana, None), holds, "{conditions:?}");
        }
    }

    #[test]
    fn a_manager_is_named_by_id_or_by_work_email() {
        let ben = Worker {
            work_email: Some("ben@corp.example".into()),
            ..worker("b-2")
        };
        let ana = Worker {
            manager: Some("b-2".into()),
            ..worker("w1")
        };
        let by_id = when(&[(Field::Manager, &["B-2"])]);
        let by_email = when(&[(Field::Manager, &["x", "Ben@Corp.example"])]);
        assert_eq!(
            (
                by_id.names_manager_by_email(),
                by_email.names_manager_by_email()
            ),
            (false, true)
        );
        assert!(by_id.holds(&ana, None) && by_email.holds(&ana, Some(&ben)));
        assert!(!by_email.holds(&ana, None) && !by_email.holds(&ben, None));
    }
}

//! Questions to a report, in the words of a test.

use sync::{ChangeRow, HeldClass, Outcome, PersonRow, Report};

/// Questions to a report.
pub trait Reading {
    /// The row of a person; somebody unchanged has none.
    fn row_of(&self, worker_id: &str) -> Option<&PersonRow>;

    /// How a person came out.
    fn outcome_of(&self, worker_id: &str) -> Outcome {
        self.row_of(worker_id)
            .map_or(Outcome::Unchanged, |row| row.outcome)
    }

    /// Why a person came out so; empty when nothing is said.
    fn code_of(&self, worker_id: &str) -> &str {
        self.row_of(worker_id)
            .and_then(|row| row.reason_code.as_deref())
            .unwrap_or_default()
    }

    /// The attributes that change for a person, in the order of the report.
    fn changed(&self, worker_id: &str) -> Vec<&str> {
        let changes = self.row_of(worker_id).map(|row| row.changes.as_slice());
        changes
            .unwrap_or_default()
            .iter()
            .map(|change: &ChangeRow| change.attribute.as_str())
            .collect()
    }

    /// How many people are in any outcome.
    fn total(&self) -> usize;

    /// How many warnings have this code.
    fn warnings_of(&self, code: &str) -> usize;

    /// The codes of a person's warnings.
    fn warned_about(&self, worker_id: &str) -> Vec<&str>;

    /// The held class of this name.
    fn held_class(&self, class: &str) -> Option<&HeldClass>;

    /// The code of the error that ended the run; empty when none did.
    fn error_code(&self) -> &str;
}

impl Reading for Report {
    fn row_of(&self, worker_id: &str) -> Option<&PersonRow> {
        self.people
            .iter()
            .find(|row| row.worker_id.as_str() == worker_id)
    }

    fn total(&self) -> usize {
        self.counts.values().sum()
    }

    fn warnings_of(&self, code: &str) -> usize {
        self.warnings
            .iter()
            .filter(|warning| warning.code == code)
            .count()
    }

    fn warned_about(&self, worker_id: &str) -> Vec<&str> {
        let about = self.warnings.iter().filter(|warning| {
            warning
                .worker_id
                .as_ref()
                .is_some_and(|id| id.as_str() == worker_id)
        });
        about.map(|warning| warning.code.as_str()).collect()
    }

    fn held_class(&self, class: &str) -> Option<&HeldClass> {
        self.held.iter().find(|held| held.class.name() == class)
    }

    fn error_code(&self) -> &str {
        self.error
            .as_ref()
            .map_or("", |reason| reason.code.as_str())
    }
}

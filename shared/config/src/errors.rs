//! What is wrong with a configuration: all of it, line by line. Nothing here decides what is wrong.

use std::fmt::{self, Display};

use thiserror::Error;

/// Every problem of one configuration, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.listed("line ".to_owned()))]
pub struct ConfigErrors {
    problems: Vec<Problem>,
}

/// One thing that must be changed before the configuration is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1; of a missing key, that of its table.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl ConfigErrors {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// The problems in the order of their lines.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// One line per problem, in the form that editors jump to: `rollcall.toml:12: unknown key …`.
    pub fn display(&self, path: &str) -> impl Display {
        self.listed(format!("{path}:"))
    }

    fn listed(&self, before_line: String) -> impl Display {
        fmt::from_fn(move |f| {
            for (index, Problem { line, message }) in self.problems.iter().enumerate() {
                let line_break = if index == 0 { "" } else { "\n" };
                write!(f, "{line_break}{before_line}{line}: {message}")?;
            }
            Ok(())
        })
    }
}

//! Which users are asked for, as JumpCloud's search wants to be told.

use serde_json::{Value, json};

use super::pages::PAGE;

/// Compared regardless of case, unlike JumpCloud's own comparison.
const CASELESS: [&str; 3] = ["username", "email", "alternateEmail"];

/// One page of users.
#[derive(Debug, Clone, PartialEq)]
pub struct UserQuery {
    /// What each of them fulfils, by field; nothing means everybody.
    pub conditions: Vec<(String, Condition)>,
    /// Whether one of several conditions is enough.
    pub any: bool,
    /// Fields separated by spaces, `-` before one for descending. Only `_id` keeps pages from overlapping.
    pub sort: String,
    /// How many users stand before the page.
    pub skip: usize,
    /// How many users the page has at most: 1 to 100.
    pub limit: usize,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            conditions: Vec::new(),
            any: false,
            sort: "_id".to_owned(),
            skip: 0,
            limit: PAGE,
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Exactly this text, number or flag.
    Equals(Value),
    /// This whole text, in any case.
    EqualsIgnoringCase(String),
}

impl Condition {
    /// How this field is compared with a value when users are looked up by it.
    pub(super) fn look_up(field: &str, value: &str) -> Self {
        if CASELESS.contains(&field) {
            Self::EqualsIgnoringCase(value.to_owned())
        } else {
            Self::Equals(value.into())
        }
    }

    pub(super) fn on(&self, field: &str) -> Value {
        match self {
            Self::Equals(value) => json!({ field: value }),
            Self::EqualsIgnoringCase(text) => {
                json!({ field: { "$regex": format!("(?i)(^{}$)", regex_lite::escape(text)) } })
            }
        }
    }
}

impl UserQuery {
    pub(super) fn limit(&self) -> usize {
        self.limit.clamp(1, PAGE)
    }

    /// The conditions, as a filter of the search.
    pub(super) fn filter(&self) -> Value {
        let conditions = self.conditions.iter();
        let conditions: Vec<Value> = conditions
            .map(|(field, condition)| condition.on(field))
            .collect();
        let operator = if self.any { "or" } else { "and" };
        json!({ operator: conditions })
    }
}

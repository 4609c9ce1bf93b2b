//! `[limits]`: how many changes of a class may happen before a person is asked.

use std::collections::BTreeMap;

use mapping::Class;
use serde::Serialize;

use crate::reader::Section;
use crate::values::{number, table};

/// How much may change unasked. A class without an entry has no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The limits of the classes of change.
    pub classes: BTreeMap<Class, Limit>,
    /// How many fewer people than in the last good read: holds `suspend`, `missing` and `out_of_scope`.
    pub shrink: Limit,
    /// How many users SCIM clients may suspend.
    pub scim_suspend: Option<Limit>,
}

/// When a count is too high: above `max`, or above both `floor` and `percent` % of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Up to here `percent` does not hold; 0 when not given.
    pub floor: Option<u32>,
    /// The highest share of the whole.
    pub percent: Option<u8>,
    /// The highest count, whatever the whole.
    pub max: Option<u32>,
}

/// The part of a limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exceeded {
    /// `max` or `percent`.
    pub rule: &'static str,
    /// What the configuration allows by that rule.
    pub value: u32,
}

impl Limit {
    const fn share(floor: u32, percent: u8) -> Self {
        Self {
            floor: Some(floor),
            percent: Some(percent),
            max: None,
        }
    }

    const fn up_to(self, max: u32) -> Self {
        Self {
            max: Some(max),
            ..self
        }
    }

    /// The rule that this many changes exceed, of a whole of so many; `max` before `percent`.
    pub fn exceeded_by(&self, count: usize, of: usize) -> Option<Exceeded> {
        let (count, of) = (count as u128, of as u128);
        if let Some(max) = self.max.filter(|max| count > u128::from(*max)) {
            return Some(Exceeded {
                rule: "max",
                value: max,
            });
        }
        let percent = self.percent?;
        let above_floor = count > u128::from(self.floor.unwrap_or(0));
        let above_share = count * 100 > of * u128::from(percent);
        (above_floor && above_share).then(|| Exceeded {
            rule: "percent",
            value: percent.into(),
        })
    }
}

/// The limit of a class that the file does not name.
fn default_limit(class: Class) -> Option<Limit> {
    match class {
        Class::Suspend | Class::Missing | Class::Reactivate | Class::Rename => {
            Some(Limit::share(3, 5).up_to(50))
        }
        Class::Update => Some(Limit::share(50, 50)),
        Class::Adopt => Some(Limit::default().up_to(0)),
        Class::Blank => Some(Limit::share(5, 10)),
        Class::Create
        | Class::Activate
        | Class::OutOfScope
        | Class::GroupRemove
        | Class::Delete => None,
    }
}

/// Reads `[limits]`. A limit in the file replaces the default whole; `{}` is no limit.
pub(crate) fn limits(section: &mut Section<'_>) -> Limits {
    let mut classes = BTreeMap::new();
    for class in Class::ALL {
        let given = section.optional(class.name(), table(limit));
        if let Some(limit) = given.or(default_limit(class)) {
            classes.insert(class, limit);
        }
    }
    Limits {
        classes,
        shrink: section.or("shrink", Limit::share(10, 10), table(limit)),
        scim_suspend: section.optional("scim_suspend", table(scim_limit)),
    }
}

/// SCIM clients have no links that a share could be of.
fn scim_limit(section: &mut Section<'_>) -> Limit {
    for key in ["floor", "percent"] {
        section.forbid(key, "is not for SCIM clients: give `max`");
    }
    limit(section)
}

fn limit(section: &mut Section<'_>) -> Limit {
    if !section.has("percent") {
        section.forbid("floor", "says nothing without `percent`");
    }
    Limit {
        floor: section.optional("floor", number(0..=1_000_000)),
        percent: section.optional("percent", number(0..=100)),
        max: section.optional("max", number(0..=1_000_000)),
    }
}

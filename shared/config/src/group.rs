//! `[[group]]`: who belongs to a group of JumpCloud, by what HR says of them.

use std::collections::BTreeSet;

use mapping::{GroupRule, When};

use crate::reader::{Section, Value};
use crate::values::{flag, parsed, some_text};

/// Reads a `[[group]]`. `names` are those of the groups before it.
pub(crate) fn group(section: &mut Section<'_>, names: &mut BTreeSet<String>) -> Option<GroupRule> {
    let name = section.required("name", |value| new_name(value, names));
    // Everyone is a lot of people: `when = {}` must be written.
    let when = section.required("when", |value| Some(value.section(when)));
    let create = section.or("create", false, flag);
    Some(GroupRule {
        name: name?.into(),
        when: when?,
        create,
    })
}

/// The name of a group that no rule before this one is about: two of them would undo each other.
fn new_name(value: &Value<'_>, names: &mut BTreeSet<String>) -> Option<String> {
    let name = parsed(group_name)(value)?;
    if names.insert(name.clone()) {
        Some(name)
    } else {
        value.note(format!(
            "{} is taken: another rule is about `{name}`, and one group has one rule",
            value.name()
        ))
    }
}

/// JumpCloud's names are compared as they are.
fn group_name(text: &str) -> Result<String, String> {
    if text.trim() == text {
        some_text(text)
    } else {
        Err("must not begin or end with a space".to_owned())
    }
}

fn when(section: &mut Section<'_>) -> When {
    let conditions = When::FIELDS.map(|field| {
        let values = section.optional(field.name(), values)?;
        Some((field, values))
    });
    When::new(conditions.into_iter().flatten())
}

/// At least one value: an empty list could mean anybody as well as nobody.
fn values(value: &Value<'_>) -> Option<Vec<String>> {
    let values = value.list(parsed(some_text))?;
    if values.is_empty() {
        return value.note(format!(
            "{} must name at least one value: leave the key out where any will do",
            value.name()
        ));
    }
    Some(values)
}

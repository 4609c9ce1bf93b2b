//! `[source.attributes]`: rows of the published mapping, overridden or added.

use mapping::{Attribute, AttributeRule, Blank, Field, Origin, TABLE, Text, TextTemplate, Update};

use crate::nearest::suggestion;
use crate::reader::{Section, Value};
use crate::values::{choice, parsed, some_text};

/// Reads `[source.attributes]` over the published rules: the managed attributes, those of the table first and in its
/// order.
pub(crate) fn attributes(
    value: &Value<'_>,
    mut rules: Vec<AttributeRule>,
) -> Option<Vec<AttributeRule>> {
    for entry in value.entries()? {
        let Some(attribute) = attribute(&entry) else {
            continue;
        };
        let Some(rule) = entry.section(|section| rule(section, attribute)) else {
            continue;
        };
        rules.retain(|other| other.attribute != rule.attribute);
        // What is never written is not managed at all.
        if rule.update != Update::Never {
            rules.push(rule);
        }
    }
    rules.sort_by_key(|rule| {
        TABLE
            .iter()
            .position(|row| row.attribute == rule.attribute)
            .unwrap_or(TABLE.len())
    });
    Some(rules)
}

/// The attribute of a row.
fn attribute(entry: &Value<'_>) -> Option<Attribute> {
    let name = entry.key();
    match Attribute::named(name) {
        Some(Attribute::Custom(custom)) if !is_custom_name(&custom) => entry.note(format!(
            "{}: a custom attribute has 1 to 31 letters and digits after `attributes.`",
            entry.name()
        )),
        Some(attribute) => Some(attribute),
        None if name == "attributes" => entry.note(
            "a custom attribute is written in quotes: `\"attributes.NAME\" = { from = \"team\" }`"
                .to_owned(),
        ),
        None => {
            let known = Attribute::BUILT_IN;
            let known: Vec<&str> = known.iter().map(Attribute::wire_name).collect();
            entry.note(format!(
                "unknown attribute {}: {}",
                entry.name(),
                suggestion(name, &known)
            ))
        }
    }
}

/// JumpCloud's own rule for the names of custom attributes.
fn is_custom_name(name: &str) -> bool {
    (1..32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Reads one row over the published one, if there is one.
fn rule(section: &mut Section<'_>, attribute: Attribute) -> Option<AttributeRule> {
    let published = TABLE
        .iter()
        .find(|row| row.attribute == attribute)
        .map(AttributeRule::of);
    for key in fixed_keys(&attribute) {
        section.forbid(key, "cannot be set for this attribute");
    }
    if section.has("from") {
        section.forbid("template", "cannot stand beside `from`");
    }
    let template = section.optional("template", parsed(template));
    let from = if published.is_none() && !section.has("template") {
        section.required("from", parsed(text_field))
    } else {
        section.optional("from", parsed(text_field))
    };
    let default = section.optional("default", parsed(some_text));
    let update = if attribute == Attribute::Email {
        EMAIL_UPDATE
    } else {
        UPDATE
    };
    Some(AttributeRule {
        attribute,
        default: default.map(Text::from),
        update: section.or("update", Update::Always, choice(update)),
        blank: section.or("blank", Blank::Keep, choice(BLANK)),
        origin: from
            .map(Origin::Field)
            .or(template.map(Origin::Template))
            .or(published.map(|published| published.origin))?,
    })
}

const UPDATE: &[(&str, Update)] = &[
    ("always", Update::Always),
    ("on_change", Update::OnChange),
    ("if_empty", Update::IfEmpty),
    ("once", Update::Once),
    ("never", Update::Never),
];

/// Nobody is created without an e-mail address: `never` begins after that.
const EMAIL_UPDATE: &[(&str, Update)] = &[
    ("always", Update::Always),
    ("on_change", Update::OnChange),
    ("never", Update::Once),
];

const BLANK: &[(&str, Blank)] = &[("keep", Blank::Keep), ("clear", Blank::Clear)];

/// The keys that an attribute does not have: people are recognised by e-mail and identifier, so these hold what
/// HR says; phone numbers, addresses and managers are no text.
fn fixed_keys(attribute: &Attribute) -> &'static [&'static str] {
    match attribute {
        Attribute::Email => &["from", "template", "default", "blank"],
        Attribute::EmployeeIdentifier
        | Attribute::PhoneNumbers
        | Attribute::Addresses
        | Attribute::Manager => &["from", "template", "default"],
        Attribute::Firstname
        | Attribute::Middlename
        | Attribute::Lastname
        | Attribute::Displayname
        | Attribute::JobTitle
        | Attribute::Department
        | Attribute::Location
        | Attribute::CostCenter
        | Attribute::EmployeeType
        | Attribute::Company
        | Attribute::Description
        | Attribute::AlternateEmail
        | Attribute::Custom(_) => &[],
    }
}

/// A field that is text.
fn text_field(name: &str) -> Result<Field, String> {
    match Field::named(name) {
        Some(field) if field.is_text() => Ok(field),
        Some(field) => {
            let mut rows = TABLE.iter().filter(|row| row.field == field);
            let attribute = rows.next().map_or("", |row| row.attribute.wire_name());
            Err(format!(
                "names `{name}`, which only the attribute `{attribute}` can hold"
            ))
        }
        None => {
            let texts = Field::ALL.into_iter().filter(Field::is_text);
            let known: Vec<&str> = texts
                .map(|field| field.name())
                .chain(["custom.NAME"])
                .collect();
            Err(format!(
                "names the unknown field `{name}`: {}",
                suggestion(name, &known)
            ))
        }
    }
}

/// Text with fields in it, each of them text.
fn template(text: &str) -> Result<TextTemplate, String> {
    some_text(text)?;
    let placeholders = text.split('{').skip(1);
    for (field, _) in placeholders.filter_map(|after| after.split_once('}')) {
        text_field(field)?;
    }
    TextTemplate::parse(text)
        .map_err(|unclosed| format!("has a `{{` that is not closed: `{unclosed}`"))
}

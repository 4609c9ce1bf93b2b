//! What is written: the policies' table for every kind of attribute, as `docs/mapping.md` has it.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::policy::Origin;
use crate::table::TABLE;
use crate::template::TextTemplate;
use crate::worker::Zones;
use crate::{Field, Policy, humaans};

/// A kind of attribute: its rule, and the part of a record of Humaans and of a JumpCloud user that hold `1` or `2`.
struct Kind {
    rule: AttributeRule,
    hr: fn(&str) -> Value,
    user: fn(&str) -> Value,
}

fn published(attribute: &str) -> AttributeRule {
    let mut rows = TABLE.iter();
    AttributeRule::of(
        rows.find(|row| row.attribute.wire_name() == attribute)
            .unwrap(),
    )
}

fn custom(origin: Origin) -> AttributeRule {
    AttributeRule {
        attribute: Attribute::Custom("badge".into()),
        origin,
        ..published("jobTitle")
    }
}

fn badge(value: &str) -> Value {
    json!({"attributes": [{"name": "badge", "value": value}, {"name": "theirs", "value": "9"}]})
}

fn kinds() -> Vec<Kind> {
    let template = TextTemplate::parse("{job_title}").unwrap();
    vec![
        Kind {
            rule: published("jobTitle"),
            hr: |value| json!({"jobTitle": value}),
            user: |value| json!({"jobTitle": value}),
        },
        Kind {
            rule: published("alternateEmail"),
            hr: |value| json!({"personalEmail": format!("A{value}@b.example")}),
            user: |value| json!({"alternateEmail": format!("a{value}@B.example")}),
        },
        Kind {
            rule: custom(Origin::Field(Field::JobTitle)),
            hr: |value| json!({"jobTitle": value}),
            user: badge,
        },
        Kind {
            rule: custom(Origin::Template(template)),
            hr: |value| json!({"jobTitle": value}),
            user: badge,
        },
        Kind {
            rule: published("phoneNumbers"),
            hr: |value| json!({"phoneNumber": format!("+35121{value}"), "personalPhoneNumber": format!("+35191{value}")}),
            user: |value| {
                json!({"phoneNumbers": [{"type": "work_fax", "number": "9"}, {"type": "mobile", "number": format!("+351 91 {value}")},
                    {"type": "work", "number": format!("+351 21 {value}")}]})
            },
        },
        Kind {
            rule: published("addresses"),
            hr: |value| json!({"city": value}),
            user: |value| json!({"addresses": [{"type": "work", "locality": "9"}, {"type": "home", "locality": value}]}),
        },
    ]
}

fn worker(fields: &Value) -> Worker {
    let mut record = json!({"id": "p1", "email": "a@b.example"});
    for (key, value) in fields.as_object().unwrap() {
        record[key] = value.clone();
    }
    let zones = Zones {
        table: BTreeMap::new(),
        default: jiff::tz::TimeZone::UTC,
    };
    humaans::to_worker(
        &serde_json::from_value(record).unwrap(),
        &humaans::Directory::new(Some(Vec::new()), Vec::new(), Vec::new()),
        &zones,
        Timestamp::UNIX_EPOCH,
    )
}

fn user(fields: &Value) -> SystemUser {
    let mut record = json!({"_id": "1", "username": "a"});
    for (key, value) in fields.as_object().unwrap() {
        record[key] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

/// What we last wrote.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Wrote(Option<&'static str>),
}

/// The fields of a kind for a value; those of somebody without one for none.
fn fields(of: fn(&str) -> Value, value: Option<&str>) -> Value {
    value.map_or(json!({}), of)
}

/// What changes, given HR's value, the one we last wrote, and JumpCloud's.
fn change(
    kind: &Kind,
    (update, blank): (Update, Blank),
    hr: Option<&str>,
    last: Last,
    jumpcloud: Option<&str>,
) -> Option<AttributeChange> {
    let rules = [AttributeRule {
        update,
        blank,
        ..kind.rule.clone()
    }];
    let worker = worker(&fields(kind.hr, hr));
    let user = user(&fields(kind.user, jumpcloud));
    let written = match last {
        Last::Nothing => None,
        Last::Wrote(value) => {
            let before = self::worker(&fields(kind.hr, value));
            let sent = hr_value(&rules[0], &before);
            let mut written = Written::default();
            written.record(&kind.rule.attribute, sent.clone(), sent);
            Some(written)
        }
    };
    let desired = desired_user(&worker, &rules, None).unwrap();
    let mut changes = diff(&desired, &user, written.as_ref());
    assert_eq!(
        is_in_step(&worker, &rules, None, &user),
        diff(&desired, &user, None).is_empty()
    );
    changes.pop()
}

/// The table: is there something to do at all, and does the policy do it?
fn is_written(
    (update, blank): (Update, Blank),
    hr: Option<&str>,
    last: Last,
    jumpcloud: Option<&str>,
) -> bool {
    let differs = hr != jumpcloud && (hr.is_some() || blank == Blank::Clear);
    differs
        && match update {
            Update::Always => true,
            Update::OnChange => match last {
                Last::Nothing => true,
                Last::Wrote(value) => value != hr,
            },
            Update::IfEmpty => jumpcloud.is_none(),
            Update::Once | Update::Never => false,
        }
}

#[test]
fn the_update_policies_obey_their_table() {
    use Update::{Always, IfEmpty, Never, OnChange, Once};
    let values = [None, Some("1"), Some("2")];
    let lasts = values.map(Last::Wrote).into_iter().chain([Last::Nothing]);
    let policies = [Always, OnChange, IfEmpty, Once, Never]
        .into_iter()
        .flat_map(|update| [Blank::Keep, Blank::Clear].map(|blank| (update, blank)));
    let cases: Vec<_> = policies
        .flat_map(|policy| values.map(|hr| (policy, hr)))
        .flat_map(|(policy, hr)| values.map(|held| (policy, hr, held)))
        .flat_map(|case| lasts.clone().map(move |last| (case, last)))
        .collect();
    for kind in kinds() {
        for &((policy, hr, held), last) in &cases {
            let name = &kind.rule.attribute;
            let case = format!("{name} {policy:?}: HR {hr:?}, {last:?}, JumpCloud {held:?}");
            let change = change(&kind, policy, hr, last, held);
            assert_eq!(
                change.is_some(),
                is_written(policy, hr, last, held),
                "{case}"
            );
            let Some(AttributeChange { to, hr: sent, .. }) = change else {
                continue;
            };
            assert_eq!(sent.is_null(), hr.is_none(), "{case}");
            let keeps_theirs = to.to_string().contains(r#""9""#);
            assert_eq!(
                keeps_theirs,
                held.is_some() && to.is_array(),
                "{case}: {to}"
            );
        }
    }
}

#[test]
fn a_constant_is_for_everyone_and_a_default_for_whoever_has_none() {
    let constant = custom(Origin::Template(TextTemplate::parse("ACME").unwrap()));
    let default = AttributeRule {
        default: Some("Remote".into()),
        ..published("jobTitle")
    };
    let rules = [constant, default];
    let texts = |fields: Value| {
        let worker = worker(&fields);
        let desired = desired_user(&worker, &rules, None).unwrap();
        let values = desired.attributes.iter().map(|(_, value)| value.to_json());
        values.collect::<Vec<_>>()
    };
    assert_eq!(texts(json!({})), ["ACME", "Remote"]);
    assert_eq!(texts(json!({"jobTitle": "Lead"})), ["ACME", "Lead"]);
}

#[test]
fn nothing_is_made_of_what_was_not_read() {
    let template = TextTemplate::parse("{first_name} {custom.Cost code}").unwrap();
    let rules = [
        AttributeRule {
            default: Some("none".into()),
            blank: Blank::Clear,
            ..custom(Origin::Field(Field::Custom("Cost code".into())))
        },
        AttributeRule {
            default: Some("none".into()),
            ..custom(Origin::Template(template))
        },
    ];
    let mut worker = worker(&json!({"firstName": "Ana"}));
    assert_eq!(desired_user(&worker, &rules, None).unwrap().attributes, []);
    assert!(is_in_step(&worker, &rules, None, &user(&badge("1"))));
    worker.set_custom_fields(Vec::new());
    let desired = desired_user(&worker, &rules, None).unwrap();
    let values: Vec<Value> = desired
        .attributes
        .iter()
        .map(|(_, value)| value.to_json())
        .collect();
    assert_eq!(values, ["none", "Ana"]);
}

#[test]
fn custom_fields_are_asked_for_only_where_a_rule_names_one() {
    let mut policy = Policy::humaans();
    assert!(policy.custom_fields().is_empty());
    let template = TextTemplate::parse("{team} {custom.Desk}, {custom.Cost code}").unwrap();
    policy.attributes.push(custom(Origin::Template(template)));
    policy
        .attributes
        .push(custom(Origin::Field(Field::Custom("Desk".into()))));
    assert_eq!(
        policy.custom_fields(),
        ["Cost code", "Desk"].map(Text::from).into()
    );
}

proptest! {
    #[test]
    fn once_written_nothing_is_left_to_write(
        hr in prop::option::of("[12]"),
        held in prop::option::of("[12]"),
        clear in any::<bool>(),
    ) {
        let blank = if clear { Blank::Clear } else { Blank::Keep };
        for kind in kinds() {
            let change = change(&kind, (Update::Always, blank), hr.as_deref(), Last::Nothing, held.as_deref());
            let Some(AttributeChange { attribute, to, .. }) = change else { continue };
            let mut fields = fields(kind.user, held.as_deref());
            if let Attribute::Custom(name) = &attribute {
                let held = user(&fields).attributes;
                fields["attributes"] = json!(custom_attributes(&held, [(name.as_str(), &to)]));
            } else {
                fields[attribute.wire_name()] = to;
            }
            let rules = [AttributeRule { blank, ..kind.rule }];
            prop_assert!(is_in_step(&worker(&self::fields(kind.hr, hr.as_deref())), &rules, None, &user(&fields)), "{attribute} {fields}");
        }
    }
}

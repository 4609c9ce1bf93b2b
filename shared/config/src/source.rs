//! `[[source]]`: one HR system, and how its people become users.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use jiff::tz::{self, TimeZone};
use mapping::{
    Activate, AdoptBy, Attribute, Invite, LeaveAt, Leavers, Lifecycle, Missing, OutOfScope, Policy,
    Rehires, ScopeKey, Selection, SourceName, SourceScope, UsernameTemplate, Zones,
};

use crate::attributes::attributes;
use crate::base_url::base_url;
use crate::nearest::nearest;
use crate::reader::{Section, Value};
use crate::secret_name::SecretName;
use crate::values::{choice, days_or, flag, number, parsed, some_text};

/// One HR system.
#[derive(Debug, Clone)]
pub struct Source {
    /// What records and reports call it; no two sources share a name.
    pub name: SourceName,
    /// Whose it is.
    pub kind: SourceKind,
    /// What stands before the vendor's own path, without a final `/`; `None`: the vendor's address.
    pub base_url: Option<String>,
    /// The secret with the API key.
    pub api_key: SecretName,
    /// Requests a second of one process; `None`: what the vendor takes.
    pub requests_per_second: Option<u32>,
    /// Where its people are.
    pub zones: Zones,
    /// How its people become users.
    pub policy: Policy,
}

/// An HR vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Deel.
    Deel,
    /// Humaans.
    Humaans,
}

impl SourceKind {
    /// The published mapping of its people, with every default.
    fn published(self) -> Policy {
        match self {
            Self::Deel => Policy::deel(),
            Self::Humaans => Policy::humaans(),
        }
    }
}

const KINDS: &[(&str, SourceKind)] =
    &[("deel", SourceKind::Deel), ("humaans", SourceKind::Humaans)];

/// Reads a `[[source]]`. `names` are those of the sources before it; without a `username` template, which was
/// refused then, there is no source either.
pub(crate) fn source(
    section: &mut Section<'_>,
    username: Option<&UsernameTemplate>,
    names: &mut BTreeSet<String>,
) -> Option<Source> {
    let name = section.required("name", |value| new_name(value, names));
    let kind = section.required("kind", choice(KINDS));
    let base_url = section.optional("base_url", parsed(base_url));
    let api_key = section.required("api_key", parsed(SecretName::parse));
    let requests_per_second = section.optional("requests_per_second", number(1..=1000));
    let zones = zones(section);
    let lifecycle = lifecycle(section);
    // Of a kind that was refused, any mapping will do: there is no source either.
    let mut published = kind.unwrap_or(SourceKind::Deel).published();
    if section.or("phone_numbers", false, flag) {
        published = published.with(&Attribute::PhoneNumbers);
    }
    let adopt = section.or("adopt", published.adopt, |value| {
        value.list(choice(ADOPT_BY))
    });
    let attributes = section.or("attributes", published.attributes.clone(), |value| {
        attributes(value, published.attributes)
    });
    let scope = SourceScope {
        include: section.table("include", selection),
        exclude: section.table("exclude", selection),
    };
    Some(Source {
        name: name?,
        kind: kind?,
        base_url,
        api_key: api_key?,
        requests_per_second,
        zones,
        policy: Policy {
            scope,
            username: username?.clone(),
            lifecycle,
            adopt,
            attributes,
        },
    })
}

const ADOPT_BY: &[(&str, AdoptBy)] = &[
    ("employeeIdentifier", AdoptBy::EmployeeIdentifier),
    ("email", AdoptBy::Email),
];

/// A name that records can carry and that no source before this one has.
fn new_name(value: &Value<'_>, names: &mut BTreeSet<String>) -> Option<SourceName> {
    let name = parsed(source_name)(value)?;
    if names.insert(name.clone()) {
        Some(SourceName::from(name.as_str()))
    } else {
        value.note(format!(
            "{} is taken: another source is called `{name}`",
            value.name()
        ))
    }
}

fn source_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(
            "must begin with a letter of `a` to `z` and go on with these, digits, `_` and `-`"
                .to_owned(),
        )
    }
}

fn zones(section: &mut Section<'_>) -> Zones {
    Zones {
        default: section.or("timezone", TimeZone::UTC, parsed(time_zone)),
        table: section.or("timezones", BTreeMap::new(), time_zones),
    }
}

/// Places are compared in lower case: two spellings of one would be two answers.
fn time_zones(value: &Value<'_>) -> Option<BTreeMap<String, TimeZone>> {
    let mut zones = BTreeMap::new();
    for entry in value.entries()? {
        let Some(zone) = parsed(time_zone)(&entry) else {
            continue;
        };
        let place = entry.key().trim().to_lowercase();
        if zones.insert(place, zone).is_some() {
            entry.note::<()>(format!(
                "{} is given twice: case does not count",
                entry.name()
            ));
        }
    }
    Some(zones)
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        let known = tz::db().available().map(|zone| zone.as_str().to_owned());
        match nearest(name, known) {
            Some(nearest) => {
                format!("names the unknown time zone `{name}`: did you mean `{nearest}`?")
            }
            None => {
                format!("names the unknown time zone `{name}`: use a name like `Europe/London`")
            }
        }
    })
}

fn lifecycle(section: &mut Section<'_>) -> Lifecycle {
    let default = Lifecycle::default();
    Lifecycle {
        activate: section.or("activate", default.activate, choice(ACTIVATE)),
        provision_days_before: section
            .optional("provision_days_before", |value| days_or("any", 365, value)),
        activate_at: section.or("activate_at", default.activate_at, parsed(local_time)),
        leave_at: section.or("leave_at", default.leave_at, leave_at),
        grace_days: section.or("grace_days", default.grace_days, number(0..=365)),
        invite: section.or("invite", default.invite, choice(INVITE)),
        reinvite: section.or("reinvite", default.reinvite, flag),
        leavers: section.or("leavers", default.leavers, choice(LEAVERS)),
        missing: section.or("missing", default.missing, choice(MISSING)),
        missing_runs: section.or("missing_runs", default.missing_runs, number(1..=1000)),
        rehires: section.or("rehires", default.rehires, choice(REHIRES)),
        out_of_scope: section.or("out_of_scope", default.out_of_scope, choice(OUT_OF_SCOPE)),
    }
}

const ACTIVATE: &[(&str, Activate)] = &[
    ("immediately", Activate::Immediately),
    ("on_start_date", Activate::OnStartDate),
    ("never", Activate::Never),
];
const INVITE: &[(&str, Invite)] = &[
    ("personal", Invite::Personal),
    ("work", Invite::Work),
    ("never", Invite::Never),
];
const LEAVERS: &[(&str, Leavers)] = &[("suspend", Leavers::Suspend), ("ignore", Leavers::Ignore)];
const MISSING: &[(&str, Missing)] = &[
    ("suspend", Missing::Suspend),
    ("hold", Missing::Hold),
    ("ignore", Missing::Ignore),
];
const REHIRES: &[(&str, Rehires)] = &[("reactivate", Rehires::Reactivate), ("hold", Rehires::Hold)];
const OUT_OF_SCOPE: &[(&str, OutOfScope)] = &[
    ("hold", OutOfScope::Hold),
    ("suspend", OutOfScope::Suspend),
    ("ignore", OutOfScope::Ignore),
];

/// A word, or a local time of the last day.
fn leave_at(value: &Value<'_>) -> Option<LeaveAt> {
    let time = |text: &str| local_time(text).ok().map(LeaveAt::TimeOfLastDay);
    match value.as_text() {
        Some("end_of_last_day") => Some(LeaveAt::EndOfLastDay),
        Some("on_status") => Some(LeaveAt::OnStatus),
        text => text.and_then(time).or_else(|| {
            value.refuse(
                "`\"end_of_last_day\"`, `\"on_status\"` or a time from `\"00:00\"` to `\"23:59\"`",
            )
        }),
    }
}

fn local_time(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| "must be a time from `00:00` to `23:59`".to_owned())
}

/// `include` or `exclude`.
fn selection(section: &mut Section<'_>) -> Selection {
    let mut named = Vec::new();
    for key in ScopeKey::ALL {
        let value = match key {
            ScopeKey::EmailDomains => email_domain,
            _ => some_text,
        };
        let values = section.or(key.name(), Vec::new(), |list| list.list(parsed(value)));
        named.extend(values.into_iter().map(|value| (key, value)));
    }
    named.into_iter().collect()
}

/// What stands behind the `@` of an address, with it or without.
fn email_domain(text: &str) -> Result<String, String> {
    let domain = some_text(text)?;
    let is_address = domain.trim().trim_start_matches('@').contains('@');
    if is_address {
        Err("must be a domain such as `corp.example`, not a whole address".to_owned())
    } else {
        Ok(domain)
    }
}

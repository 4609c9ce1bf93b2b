//! What an admin decides about one source: the typed form of a `[[source]]` section.
//!
//! Only data: `lifecycle.rs` and `diff.rs` say what it means.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::attribute::Attribute;
use crate::details::Part;
use crate::field::Field;
use crate::scope::SourceScope;
use crate::table::{Column, Row, TABLE};
use crate::template::TextTemplate;
use crate::username::UsernameTemplate;
use crate::worker::{Text, Worker};

/// How the people of one source become JumpCloud users.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Whom it is for.
    pub scope: SourceScope,
    /// How usernames are made.
    pub username: UsernameTemplate,
    /// When accounts are made, activated and suspended.
    pub lifecycle: Lifecycle,
    /// How an existing JumpCloud user is recognised, in order.
    pub adopt: Vec<AdoptBy>,
    /// The managed attributes.
    pub attributes: Vec<AttributeRule>,
}

impl Policy {
    /// The published mapping of Deel with every default of the configuration.
    pub fn deel() -> Self {
        Self::published(|row| &row.deel)
    }

    /// The published mapping of Humaans with every default of the configuration.
    pub fn humaans() -> Self {
        Self::published(|row| &row.humaans)
    }

    fn published(column: fn(&Row) -> &Column) -> Self {
        Self {
            scope: SourceScope::default(),
            username: UsernameTemplate::default(),
            lifecycle: Lifecycle::default(),
            adopt: vec![AdoptBy::EmployeeIdentifier, AdoptBy::Email],
            attributes: TABLE
                .iter()
                .filter(|row| column(row).by_default)
                .map(AttributeRule::of)
                .collect(),
        }
    }

    /// The same with the table's rule for one more attribute, which nobody overrode yet.
    #[must_use]
    pub fn with(mut self, attribute: &Attribute) -> Self {
        let is_managed = |row: &&Row| {
            row.attribute == *attribute
                || self
                    .attributes
                    .iter()
                    .any(|rule| rule.attribute == row.attribute)
        };
        self.attributes = TABLE
            .iter()
            .filter(is_managed)
            .map(AttributeRule::of)
            .collect();
        self
    }

    /// Whether a rule is made of phone numbers: where none is, HR need not be asked for any.
    pub fn needs_phone_numbers(&self) -> bool {
        let mut fields = self.attributes.iter().flat_map(AttributeRule::fields);
        fields.any(|field| field.part() == Some(Part::PhoneNumbers))
    }

    /// The custom fields of the HR system that rules name: where there are none, HR need not be asked for any.
    pub fn custom_fields(&self) -> BTreeSet<Text> {
        let fields = self.attributes.iter().flat_map(AttributeRule::fields);
        fields
            .filter_map(|field| match field {
                Field::Custom(name) => Some(name.clone()),
                _ => None,
            })
            .collect()
    }
}

/// One managed attribute: where its value comes from and when it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeRule {
    /// The JumpCloud attribute.
    pub attribute: Attribute,
    /// Where the value comes from.
    pub origin: Origin,
    /// The value of people for whom the origin is empty.
    pub default: Option<Text>,
    /// When it is written.
    pub update: Update,
    /// What an empty HR value does.
    pub blank: Blank,
}

impl AttributeRule {
    /// The rule of a table row: HR always wins, and an empty HR value keeps what JumpCloud holds.
    pub fn of(row: &Row) -> Self {
        Self {
            attribute: row.attribute.clone(),
            origin: Origin::Field(row.field.clone()),
            default: None,
            update: Update::Always,
            blank: Blank::Keep,
        }
    }

    /// The text that HR gives for this attribute, or `None` when it is empty.
    #[inline]
    pub fn text<'a>(&'a self, worker: &'a Worker) -> Option<Cow<'a, str>> {
        let text = match &self.origin {
            Origin::Field(field) => field.text(worker),
            Origin::Template(template) => template.render(worker).map(Cow::Owned),
        };
        text.or_else(|| self.default.as_deref().map(Cow::Borrowed))
    }

    /// The fields that the value is made of.
    #[inline]
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let (field, template) = match &self.origin {
            Origin::Field(field) => (Some(field), None),
            Origin::Template(template) => (None, Some(template)),
        };
        field
            .into_iter()
            .chain(template.into_iter().flat_map(TextTemplate::fields))
    }
}

/// Where an attribute's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// One field of the worker.
    Field(Field),
    /// Several, joined by text.
    Template(TextTemplate),
}

/// When an attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Update {
    /// HR wins over edits made in JumpCloud.
    Always,
    /// Only when HR's value changed since we last wrote it.
    OnChange,
    /// Only where JumpCloud holds nothing.
    IfEmpty,
    /// At creation only.
    Once,
    /// Not at all.
    Never,
}

/// What an empty HR value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blank {
    /// JumpCloud keeps what it holds.
    Keep,
    /// JumpCloud's value is emptied.
    Clear,
}

/// How an existing JumpCloud user is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdoptBy {
    /// It carries the person's id as `employeeIdentifier`: adopted without asking.
    EmployeeIdentifier,
    /// It has the person's work e-mail: held until approved.
    Email,
}

/// When accounts are made, activated and suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// When a staged user is activated.
    pub activate: Activate,
    /// How many days before the start date an account is made; `None`: as soon as HR is firm.
    pub provision_days_before: Option<u16>,
    /// The local time at which somebody is activated on the start date.
    pub activate_at: Time,
    /// When a leaver is suspended.
    pub leave_at: LeaveAt,
    /// Days of access after the last one.
    pub grace_days: u16,
    /// Where the invitation goes.
    pub invite: Invite,
    /// Whether a rehire is invited again.
    pub reinvite: bool,
    /// What happens to those who left.
    pub leavers: Leavers,
    /// What happens to those who are no longer listed.
    pub missing: Missing,
    /// Complete reads in a row without the person before [`Missing::Suspend`] acts; at least 1.
    pub missing_runs: u32,
    /// What happens when somebody who left comes back.
    pub rehires: Rehires,
    /// What happens to those with a user of ours whom the source is not for.
    pub out_of_scope: OutOfScope,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            activate: Activate::OnStartDate,
            provision_days_before: None,
            activate_at: Time::midnight(),
            leave_at: LeaveAt::EndOfLastDay,
            grace_days: 0,
            invite: Invite::Personal,
            reinvite: false,
            leavers: Leavers::Suspend,
            missing: Missing::Suspend,
            missing_runs: 2,
            rehires: Rehires::Reactivate,
            out_of_scope: OutOfScope::Hold,
        }
    }
}

/// When a staged user is activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activate {
    /// The employed at once, pre-hires on becoming so.
    Immediately,
    /// When the start date begins where the person is.
    OnStartDate,
    /// By an admin only.
    Never,
}

/// When a leaver is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveAt {
    /// At the end of the last day where the person is.
    EndOfLastDay,
    /// At this local time of the last day.
    TimeOfLastDay(Time),
    /// As soon as HR shows the person as ended, or the last day ends.
    OnStatus,
}

/// Where the invitation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invite {
    /// To the personal address; to the work address when there is none or JumpCloud refuses it.
    Personal,
    /// To the work address.
    Work,
    /// Nowhere.
    Never,
}

/// What happens to those who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leavers {
    /// They are suspended.
    Suspend,
    /// Nothing.
    Ignore,
}

/// What happens to those who are no longer listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// They are suspended, once a read of that one person confirms it.
    Suspend,
    /// The suspension is planned and held until approved.
    Hold,
    /// Nothing.
    Ignore,
}

/// What happens when somebody whom we suspended is employed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rehires {
    /// They are reactivated.
    Reactivate,
    /// The reactivation is planned and held until approved.
    Hold,
}

/// What happens to those with a user of ours whom the source is not for. Nothing else of theirs is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfScope {
    /// The suspension is planned and held until approved.
    Hold,
    /// They are suspended.
    Suspend,
    /// Nothing.
    Ignore,
}

/// A class of change: what limits and approvals count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A new user.
    Create,
    /// An existing user recognised by e-mail becomes ours.
    Adopt,
    /// An attribute changes.
    Update,
    /// The work e-mail changes.
    Rename,
    /// A staged user gets access.
    Activate,
    /// Somebody who left loses access.
    Suspend,
    /// Somebody whom we suspended gets access again.
    Reactivate,
    /// Somebody no longer listed loses access.
    Missing,
    /// Somebody outside the scope loses access.
    OutOfScope,
    /// An attribute is emptied.
    Blank,
    /// A member leaves a group.
    GroupRemove,
    /// A user is deleted.
    Delete,
}

impl Class {
    /// Every class, in the order of the documents.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::Adopt,
        Self::Update,
        Self::Rename,
        Self::Activate,
        Self::Suspend,
        Self::Reactivate,
        Self::Missing,
        Self::OutOfScope,
        Self::Blank,
        Self::GroupRemove,
        Self::Delete,
    ];

    /// Its name in the configuration and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Missing => "missing",
            Self::OutOfScope => "out_of_scope",
            Self::Blank => "blank",
            Self::GroupRemove => "group_remove",
            Self::Delete => "delete",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

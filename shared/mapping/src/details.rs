//! The parts of a [`Worker`](crate::Worker) that few people have, or that a source gives apart from the rest.

use crate::jumpcloud::{Address, PhoneNumber};
use crate::worker::{Text, Warning};

/// What most people have nothing of, apart from the rest so that a company of 100,000 fits in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// The middle name.
    pub middle_name: Option<Box<str>>,
    /// What the person is called instead of the first name.
    pub preferred_name: Option<Box<str>>,
    /// Addresses, at most one of a kind.
    pub addresses: Vec<Address>,
    /// Phone numbers: `work`, and `mobile` for the personal one.
    pub phone_numbers: Vec<PhoneNumber>,
    /// Custom fields by name.
    pub custom_fields: Vec<(Text, Text)>,
    /// What was odd about the record and does not stop it.
    pub warnings: Vec<Warning>,
}

impl Details {
    /// `None` when there are none.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// A part of a record that a source gives apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Job title, department and manager.
    Role,
    /// The work location with its city and country.
    Location,
    /// The legal entity.
    Entity,
    /// Phone numbers.
    PhoneNumbers,
    /// Custom fields.
    CustomFields,
}

/// The parts of a record that were not read: whatever rests on them is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread(u8);

impl Unread {
    /// These, and one more where `when` holds.
    #[must_use]
    pub const fn and(self, part: Part, when: bool) -> Self {
        Self(self.0 | (when as u8) << part as u8)
    }

    /// These without that one.
    #[must_use]
    pub const fn without(self, part: Part) -> Self {
        Self(self.0 & !(1 << part as u8))
    }

    /// Whether a part was not read.
    pub const fn has(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }

    /// Whether everything was read.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

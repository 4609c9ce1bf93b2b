//! Attributes that are arrays, phone numbers and addresses: ours stand beside those that an admin put there.
//!
//! JumpCloud replaces an array whole, so each write holds all that is to stay. Ours are known by their kind.

use crate::jumpcloud::{Address, PhoneNumber};
use crate::policy::Blank;

/// One element of such an attribute.
pub(crate) trait Element: Clone + PartialEq {
    /// The kinds that HR decides about; elements of others belong to whoever put them there.
    const OURS: &'static [&'static str];

    /// JumpCloud's `type`.
    fn kind(&self) -> &str;

    /// Whether a person would call the two the same.
    fn is_same(&self, other: &Self) -> bool;
}

impl Element for Address {
    const OURS: &'static [&'static str] = &[Self::HOME];

    fn kind(&self) -> &str {
        &self.kind
    }

    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Element for PhoneNumber {
    const OURS: &'static [&'static str] = &[Self::WORK, Self::MOBILE];

    fn kind(&self) -> &str {
        &self.kind
    }

    /// Spaces, brackets and the like are how a number is written, not which it is.
    fn is_same(&self, other: &Self) -> bool {
        fn signs(number: &str) -> impl Iterator<Item = char> {
            number.chars().filter(|sign| sign.is_alphanumeric())
        }
        self.kind == other.kind && signs(&self.number).eq(signs(&other.number))
    }
}

/// Whether a user holds what HR has.
pub(crate) fn is_held<E: Element>(ours: &[E], theirs: &[E], blank: Blank) -> bool {
    let holds = |our: &E| theirs.iter().any(|their| our.is_same(their));
    ours.iter().all(holds) && !theirs.iter().any(|their| is_cleared(their, ours, blank))
}

/// Whether a user holds nothing that HR decides about.
pub(crate) fn holds_none<E: Element>(theirs: &[E]) -> bool {
    theirs.iter().all(|their| !E::OURS.contains(&their.kind()))
}

/// What a user is to hold: ours in the place of those of the same kind, and the others.
pub(crate) fn merged<E: Element>(ours: &[E], theirs: &[E], blank: Blank) -> Vec<E> {
    let stays = |their: &&E| {
        ours.iter().all(|our| our.kind() != their.kind()) && !is_cleared(*their, ours, blank)
    };
    ours.iter()
        .chain(theirs.iter().filter(stays))
        .cloned()
        .collect()
}

/// Whether HR decides about this one, has none of its kind, and an empty value clears.
fn is_cleared<E: Element>(their: &E, ours: &[E], blank: Blank) -> bool {
    blank == Blank::Clear
        && E::OURS.contains(&their.kind())
        && ours.iter().all(|our| our.kind() != their.kind())
}

#[cfg(test)]
mod tests;

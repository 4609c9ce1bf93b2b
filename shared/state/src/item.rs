//! Between DynamoDB's items and our types: how attributes are written, and how they are read back with a reason
//! when they cannot be.

use std::borrow::Cow;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use thiserror::Error;

/// An item as the SDK has it.
#[expect(
    clippy::disallowed_types,
    reason = "the SDK's own type; no order is taken from it"
)]
pub(crate) type Item = std::collections::HashMap<String, AttributeValue>;

/// An attribute by its name; one without a value is left out, or removed.
pub(crate) type Attribute = (&'static str, Option<AttributeValue>);

/// What is wrong with an item.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// An attribute that is always written is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// An attribute has another type or form than it was written with.
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str),
    /// Pages of a document are missing.
    #[error("{found} of {pages} pages are there")]
    Incomplete {
        /// The pages that were read.
        found: usize,
        /// The pages that were written.
        pages: usize,
    },
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pk: Cow<'static, str>,
    pub(crate) sk: Cow<'static, str>,
}

impl Key {
    pub(crate) fn new(pk: impl Into<Cow<'static, str>>, sk: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    /// The key of a whole item.
    pub(crate) fn of(item: &Item) -> Self {
        let part = |name| item.get(name).and_then(as_text).unwrap_or_default();
        Self::new(part("pk").to_owned(), part("sk").to_owned())
    }

    /// The key's attributes, alone.
    pub(crate) fn to_item(&self) -> Item {
        values([("pk", text(&self.pk)), ("sk", text(&self.sk))])
    }

    /// A whole item; attributes without a value are left out.
    pub(crate) fn with(&self, attributes: impl IntoIterator<Item = Attribute>) -> Item {
        let mut item = self.to_item();
        item.extend(present(attributes));
        item
    }
}

/// The values of an expression.
pub(crate) fn values<const N: usize>(values: [(&str, AttributeValue); N]) -> Item {
    values.map(|(name, value)| (name.to_owned(), value)).into()
}

/// A map attribute; entries without a value are left out.
pub(crate) fn map<const N: usize>(entries: [Attribute; N]) -> AttributeValue {
    AttributeValue::M(present(entries).collect())
}

fn present(
    attributes: impl IntoIterator<Item = Attribute>,
) -> impl Iterator<Item = (String, AttributeValue)> {
    attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// A string attribute. Times are written as RFC 3339.
pub(crate) fn text(value: impl ToString + Copy) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(crate) fn number(value: impl ToString + Copy) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A flag, of which only the set ones are written.
pub(crate) fn flag(value: bool) -> Option<AttributeValue> {
    value.then_some(AttributeValue::Bool(true))
}

/// A binary attribute.
pub(crate) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// Reads an attribute that is always written.
pub(crate) fn required<'a, T>(
    item: &'a Item,
    name: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<T, Damage> {
    optional(item, name, read)?.ok_or(Damage::Missing(name))
}

/// Reads an attribute that may be left out.
pub(crate) fn optional<'a, T>(
    item: &'a Item,
    name: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<Option<T>, Damage> {
    item.get(name)
        .map(|value| read(value).ok_or(Damage::Unreadable(name)))
        .transpose()
}

/// Reads a flag.
pub(crate) fn is_set(item: &Item, name: &'static str) -> Result<bool, Damage> {
    Ok(optional(item, name, |value| value.as_bool().ok().copied())?.unwrap_or_default())
}

/// The text of a string attribute.
pub(crate) fn as_text(value: &AttributeValue) -> Option<&str> {
    value.as_s().ok().map(String::as_str)
}

/// The time in a string attribute.
pub(crate) fn as_time(value: &AttributeValue) -> Option<Timestamp> {
    as_text(value)?.parse().ok()
}

/// The number in a number attribute.
pub(crate) fn as_number<T: FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}

/// The entries of a map attribute.
pub(crate) fn as_map(value: &AttributeValue) -> Option<&Item> {
    value.as_m().ok()
}

/// The bytes of a binary attribute.
pub(crate) fn as_bytes(value: &AttributeValue) -> Option<&[u8]> {
    value.as_b().ok().map(AsRef::as_ref)
}

/// The digest in a binary attribute.
pub(crate) fn as_digest(value: &AttributeValue) -> Option<[u8; 32]> {
    as_bytes(value)?.try_into().ok()
}

//! What a filter means (RFC 7644 §3.4.2.2): the grammar is `scim_v2`'s, the attributes are the table's, and a resource fits or
//! does not. Where a filter is evaluated, here or by JumpCloud, is for the caller.
//!
//! Where the RFC leaves room:
//!
//! - One value of several is enough, for `ne` too: `emails ne "a"` fits somebody with the addresses `a` and `b`, and
//!   `not (emails eq "a")` does not.
//! - An absent value differs from every text, so that `ne` fits it, and no other comparison does. `eq null`
//!   means absent, and `eq ""` as well: JumpCloud does not tell the two apart.
//! - A complex attribute alone stands for its `value`, as far as it has one; `pr` asks for the attribute itself.
//! - Moments compare as moments and not as text; `co`, `sw` and `ew` on them are refused.

use std::{borrow::Cow, cmp::Ordering};

use jiff::Timestamp;
use scim_v2::filter::{self as tree, AttrExp, AttrPath, CompValue, CompareOp, ValFilter};
use serde_json::Value;

use crate::{
    ScimError, ScimType,
    grammar::parse_filter,
    path::resolve,
    resource::Resource,
    schema::{AttributePath, Kind, RESOURCE_TYPES, ResourceType, Returned},
};

#[cfg(test)]
mod tests;

/// A filter whose every name and value is known to fit the schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Self>),
    /// At least one of them.
    Or(Vec<Self>),
    /// The opposite.
    Not(Box<Self>),
    /// There is a value.
    Present(AttributePath),
    /// A value compares so.
    Compare(Comparison),
    /// One and the same value of a complex attribute fits a filter over its parts.
    ValuePath(AttributePath, Box<Self>),
}

/// A comparison with a value of the attribute's type.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is compared: never complex.
    pub path: AttributePath,
    /// How.
    pub operator: CompareOp,
    /// With what.
    pub operand: Operand,
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// Text, as it was written.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A moment.
    Moment(Timestamp),
}

/// A filter that asks for one value of one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equality<'a> {
    /// The attribute.
    pub path: AttributePath,
    /// The `type` that the same element must have, where one is asked for.
    pub element_type: Option<&'a str>,
    /// The value, as it was written.
    pub value: &'a str,
}

impl Filter {
    /// Fits every resource.
    pub const EVERYTHING: Self = Self::And(Vec::new());
    /// Fits no resource.
    pub const NOTHING: Self = Self::Or(Vec::new());

    /// Reads a filter over resources of this type.
    pub fn parse(text: &str, resource_type: &ResourceType) -> Result<Self, ScimError> {
        Self::resolve(&parse_filter(text)?, resource_type, &|_| false)
    }

    /// Reads a filter over resources of all types, as it stands for this one: what only others have, this one has no
    /// value of (RFC 7644 §3.4.2.1).
    pub fn parse_for_all(text: &str, resource_type: &ResourceType) -> Result<Self, ScimError> {
        let only_others_have = |written: &AttrPath| {
            let written = written.to_string();
            let has = |it: &&ResourceType| it.find(&written).is_some();
            !has(&resource_type) && RESOURCE_TYPES.iter().any(has)
        };
        Self::resolve(&parse_filter(text)?, resource_type, &only_others_have)
    }

    /// Finds what a parsed filter names; nothing has a value of what is `absent`.
    fn resolve(
        parsed: &tree::Filter,
        resource_type: &ResourceType,
        absent: &impl Fn(&AttrPath) -> bool,
    ) -> Result<Self, ScimError> {
        let one = |item: &tree::Filter| Self::resolve(item, resource_type, absent);
        let all = |items: &[tree::Filter]| items.iter().map(one).collect::<Result<Vec<_>, _>>();
        let path = |written: &AttrPath| resolve(written, resource_type).and_then(readable);
        Ok(match parsed {
            tree::Filter::Attr(expression) if absent(named(expression)) => {
                Self::constant(fits_absent(expression))
            }
            tree::Filter::ValuePath(value_path) if absent(&value_path.attr) => Self::NOTHING,
            tree::Filter::Attr(expression) => Self::of_expression(expression, path)?,
            tree::Filter::ValuePath(value_path) => {
                let attribute = path(&value_path.attr)?;
                let inner = Self::of_elements(&value_path.filter, attribute)?;
                Self::ValuePath(attribute, Box::new(inner))
            }
            tree::Filter::Not(inner) => Self::Not(Box::new(one(inner)?)),
            tree::Filter::And(items) => Self::And(all(items)?),
            tree::Filter::Or(items) => Self::Or(all(items)?),
        })
    }

    fn constant(fits: bool) -> Self {
        if fits {
            Self::EVERYTHING
        } else {
            Self::NOTHING
        }
    }

    /// The filter as it stands for resources of this type, without what their type alone decides, and with no `and`
    /// directly within another.
    #[must_use]
    pub fn settled(self, resource_type: &ResourceType) -> Self {
        let settle = |item: Self| item.settled(resource_type);
        match self {
            Self::And(items) => {
                let settled = items.into_iter().map(settle);
                let mut kept: Vec<Self> = settled
                    .flat_map(|item| match item {
                        Self::And(items) => items,
                        item => vec![item],
                    })
                    .collect();
                match kept.len() {
                    _ if kept.contains(&Self::NOTHING) => Self::NOTHING,
                    1 => kept.remove(0),
                    _ => Self::And(kept),
                }
            }
            Self::Or(items) => {
                let mut kept: Vec<Self> = items.into_iter().map(settle).collect();
                kept.retain(|item| *item != Self::NOTHING);
                match kept.len() {
                    _ if kept.contains(&Self::EVERYTHING) => Self::EVERYTHING,
                    1 => kept.remove(0),
                    _ => Self::Or(kept),
                }
            }
            Self::Not(inner) => match inner.settled(resource_type) {
                Self::And(items) if items.is_empty() => Self::NOTHING,
                Self::Or(items) if items.is_empty() => Self::EVERYTHING,
                inner => Self::Not(Box::new(inner)),
            },
            Self::Compare(comparison) if comparison.path.is_resource_type() => {
                Self::constant(comparison.fits_value(&resource_type.name.into()))
            }
            other => other,
        }
    }

    /// Reads the filter in the brackets after a complex attribute.
    pub(crate) fn of_elements(
        parsed: &ValFilter,
        attribute: AttributePath,
    ) -> Result<Self, ScimError> {
        let all = |items: &[ValFilter]| {
            items
                .iter()
                .map(|item| Self::of_elements(item, attribute))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match parsed {
            ValFilter::Attr(expression) => {
                Self::of_expression(expression, |written| part_of(attribute, written))?
            }
            ValFilter::Not(inner) => Self::Not(Box::new(Self::of_elements(inner, attribute)?)),
            ValFilter::And(items) => Self::And(all(items)?),
            ValFilter::Or(items) => Self::Or(all(items)?),
        })
    }

    fn of_expression(
        expression: &AttrExp,
        path: impl Fn(&AttrPath) -> Result<AttributePath, ScimError>,
    ) -> Result<Self, ScimError> {
        match expression {
            AttrExp::Present(written) => Ok(Self::Present(path(written)?)),
            AttrExp::Comparison(written, operator, value) => {
                compare(path(written)?, operator, value)
            }
        }
    }

    /// Whether a resource fits.
    pub fn matches(&self, resource: &Resource) -> bool {
        self.fits(Scope::Resource(resource))
    }

    /// Whether one value of a complex attribute fits a filter that was read over its parts.
    pub(crate) fn matches_element(&self, element: &Value) -> bool {
        self.fits(Scope::Element(element))
    }

    /// The filters that must all hold for this one to hold: a resource that fits this fits each of them.
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::And(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    /// What the filter asks for, if that is exactly one text in one attribute: `userName eq "a"`,
    /// `emails[type eq "work" and value eq "a"]`.
    pub fn equality(&self) -> Option<Equality<'_>> {
        match self {
            Self::Compare(Comparison {
                path,
                operator: CompareOp::Eq,
                operand: Operand::Text(value),
            }) => Some(Equality {
                path: *path,
                element_type: None,
                value,
            }),
            Self::ValuePath(_, inner) => match inner.conjuncts() {
                [only] => only.equality(),
                [one, other] => of_type(one.equality()?, other.equality()?)
                    .or_else(|| of_type(other.equality()?, one.equality()?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value that an attribute has in everything that fits, if the filter is a single `eq`.
    pub(crate) fn term(&self) -> Option<(AttributePath, Value)> {
        let Self::Compare(Comparison {
            path,
            operator: CompareOp::Eq,
            operand,
        }) = self
        else {
            return None;
        };
        let value = match operand {
            Operand::Text(text) => text.as_str().into(),
            Operand::Boolean(value) => (*value).into(),
            Operand::Moment(moment) => moment.to_string().into(),
        };
        Some((*path, value))
    }

    /// Whether the answer depends on this attribute, by its exact name.
    pub fn needs(&self, attribute: &str) -> bool {
        match self {
            Self::And(items) | Self::Or(items) => items.iter().any(|item| item.needs(attribute)),
            Self::Not(inner) => inner.needs(attribute),
            Self::Present(path) | Self::ValuePath(path, _) => path.attribute.name == attribute,
            Self::Compare(comparison) => comparison.path.attribute.name == attribute,
        }
    }

    fn fits(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::And(items) => items.iter().all(|item| item.fits(scope)),
            Self::Or(items) => items.iter().any(|item| item.fits(scope)),
            Self::Not(inner) => !inner.fits(scope),
            Self::Present(path) => scope.any(path, |_| true),
            Self::Compare(comparison) => comparison.fits(scope),
            Self::ValuePath(path, inner) => {
                scope.any(path, |element| inner.fits(Scope::Element(element)))
            }
        }
    }
}

/// `type eq` and another comparison of the same element, as one.
fn of_type<'a>(kind: Equality<'a>, other: Equality<'a>) -> Option<Equality<'a>> {
    (kind.path.target().name == "type" && other.path.target().name != "type").then_some(Equality {
        element_type: Some(kind.value),
        ..other
    })
}

/// What a filter's paths start from.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a Resource),
    Element(&'a Value),
}

impl Scope<'_> {
    /// Whether any value under the path does.
    fn any(self, path: &AttributePath, mut does: impl FnMut(&Value) -> bool) -> bool {
        let mut part_does = |element: &Value| match path.sub {
            Some(sub) => element.get(sub.name).is_some_and(&mut does),
            None => does(element),
        };
        match self {
            Self::Element(element) => part_does(element),
            Self::Resource(resource) => match path.whole(resource) {
                Some(Value::Array(elements)) => elements.iter().any(part_does),
                Some(value) => part_does(value),
                None => false,
            },
        }
    }
}

impl Comparison {
    fn fits(&self, scope: Scope<'_>) -> bool {
        let absent = || !scope.any(&self.path, |_| true);
        scope.any(&self.path, |value| self.fits_value(value))
            || (self.operator == CompareOp::Ne && absent())
    }

    fn fits_value(&self, value: &Value) -> bool {
        match &self.operand {
            Operand::Boolean(wanted) => value
                .as_bool()
                .is_some_and(|held| self.fits_order(held.cmp(wanted))),
            Operand::Moment(wanted) => value
                .as_str()
                .and_then(|held| held.parse::<Timestamp>().ok())
                .is_some_and(|held| self.fits_order(held.cmp(wanted))),
            Operand::Text(wanted) => value
                .as_str()
                .is_some_and(|held| self.fits_text(held, wanted)),
        }
    }

    fn fits_text(&self, held: &str, wanted: &str) -> bool {
        let case_exact = self.path.target().case_exact;
        let (held, wanted) = (folded(held, case_exact), folded(wanted, case_exact));
        match self.operator {
            CompareOp::Co => held.contains(&*wanted),
            CompareOp::Sw => held.starts_with(&*wanted),
            CompareOp::Ew => held.ends_with(&*wanted),
            _ => self.fits_order(held.cmp(&wanted)),
        }
    }

    fn fits_order(&self, order: Ordering) -> bool {
        match self.operator {
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
        }
    }
}

/// A text as the attribute compares it.
pub(crate) fn folded(text: &str, case_exact: bool) -> Cow<'_, str> {
    if case_exact
        || text
            .chars()
            .all(|c| c.is_ascii() && !c.is_ascii_uppercase())
    {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

fn part_of(attribute: AttributePath, written: &AttrPath) -> Result<AttributePath, ScimError> {
    attribute
        .part(&written.name)
        .filter(|_| written.uri.is_none() && written.sub_attr.is_none())
        .ok_or_else(|| refusal(format!("`{written}` is no sub-attribute of `{attribute}`")))
        .and_then(readable)
}

/// Nobody learns by trial what is never told: a filter on `password` would be an oracle. `schemas` is no part of a [`Resource`].
fn readable(path: AttributePath) -> Result<AttributePath, ScimError> {
    if path.target().returned == Returned::Never || path.attribute.name == "schemas" {
        return Err(refusal(format!("`{path}` cannot be filtered on")));
    }
    Ok(path)
}

fn compare(
    path: AttributePath,
    operator: &CompareOp,
    value: &CompValue,
) -> Result<Filter, ScimError> {
    match operator {
        CompareOp::Eq if is_unassigned(value) => {
            return Ok(Filter::Not(Box::new(Filter::Present(path))));
        }
        CompareOp::Ne if is_unassigned(value) => return Ok(Filter::Present(path)),
        _ => {}
    }
    let path = comparable(path)?;
    let operand = to_operand(path, value)?;
    let allowed = match operand {
        Operand::Text(_) => true,
        Operand::Boolean(_) => matches!(operator, CompareOp::Eq | CompareOp::Ne),
        Operand::Moment(_) => !matches!(operator, CompareOp::Co | CompareOp::Sw | CompareOp::Ew),
    };
    if !allowed {
        return Err(refusal(format!(
            "`{path}` cannot be compared by `{operator}`"
        )));
    }
    Ok(Filter::Compare(Comparison {
        path,
        operator: operator.clone(),
        operand,
    }))
}

/// The attribute of an expression.
fn named(expression: &AttrExp) -> &AttrPath {
    match expression {
        AttrExp::Present(written) | AttrExp::Comparison(written, ..) => written,
    }
}

/// Whether an expression holds where there is no value: as with [`compare`].
fn fits_absent(expression: &AttrExp) -> bool {
    match expression {
        AttrExp::Present(_) => false,
        AttrExp::Comparison(_, operator, value) => match operator {
            CompareOp::Eq => is_unassigned(value),
            CompareOp::Ne => !is_unassigned(value),
            _ => false,
        },
    }
}

fn is_unassigned(value: &CompValue) -> bool {
    match value {
        CompValue::Null => true,
        CompValue::Str(text) => text.is_empty(),
        _ => false,
    }
}

/// What is compared when this path is: a complex attribute's `value` (RFC 7643 §2.4).
fn comparable(path: AttributePath) -> Result<AttributePath, ScimError> {
    if path.target().kind != Kind::Complex {
        return Ok(path);
    }
    path.part("value").ok_or_else(|| {
        refusal(format!(
            "`{path}` has no value of its own: name one of its sub-attributes"
        ))
    })
}

fn to_operand(path: AttributePath, value: &CompValue) -> Result<Operand, ScimError> {
    let kind = path.target().kind;
    let operand = match (kind, value) {
        (Kind::String | Kind::Reference, CompValue::Str(text)) => Some(Operand::Text(text.clone())),
        (Kind::DateTime, CompValue::Str(text)) => text.parse().ok().map(Operand::Moment),
        (Kind::Boolean, CompValue::True) => Some(Operand::Boolean(true)),
        (Kind::Boolean, CompValue::False) => Some(Operand::Boolean(false)),
        // Entra ID writes `primary eq "True"`.
        (Kind::Boolean, CompValue::Str(text)) => {
            text.to_ascii_lowercase().parse().ok().map(Operand::Boolean)
        }
        _ => None,
    };
    operand.ok_or_else(|| {
        let expected = match kind {
            Kind::Boolean => "`true` or `false`",
            Kind::DateTime => "a moment with its zone, such as `\"2026-01-31T09:00:00Z\"`",
            Kind::String | Kind::Reference | Kind::Complex => "text in quotes",
        };
        refusal(format!("`{path}` is compared with {expected}"))
    })
}

fn refusal(detail: impl Into<String>) -> ScimError {
    ScimError::invalid(ScimType::InvalidFilter, detail)
}

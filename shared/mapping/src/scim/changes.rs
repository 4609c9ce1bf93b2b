//! JumpCloud user as it is, and as it is desired → the body of a PUT.

use serde_json::{Map, Value};

use super::desired::is_same;
use super::resource::pick;
use super::{Desired, DirectoryUser, EMPLOYEE_IDENTIFIER, Element, Elements, Kind, MANAGER, TABLE};

/// What it means that a resource leaves an attribute out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omitted {
    /// It is cleared: a PUT, or a PATCH folded over the whole resource.
    Clear,
    /// It stays: a POST that brings a user back.
    Keep,
}

/// The attributes to send so that JumpCloud holds what is desired, by JumpCloud's names; empty when it does. Neither
/// `state` nor `password` is among them.
pub fn changes(before: &DirectoryUser, desired: &Desired, omitted: Omitted) -> Map<String, Value> {
    let mut changes = Map::new();
    for row in TABLE {
        let name = row.jumpcloud;
        let asked = desired.attributes.get(name);
        if asked.is_none() && omitted == Omitted::Keep {
            continue;
        }
        let text = desired.text(name);
        let change = match &row.kind {
            Kind::Text(of) => (of(before) != text).then(|| text_value(name, text)),
            Kind::Identity(of) => (!is_same(of(before), text)).then(|| text_value(name, text)),
            Kind::Elements(elements) => elements.merged((elements.of)(before), asked),
            Kind::Own => None,
        };
        changes.extend(change.map(|value| (name.to_owned(), value)));
    }
    changes
}

/// Text is cleared with an empty one, but for what cannot be empty.
fn text_value(name: &str, text: &str) -> Value {
    match name {
        EMPLOYEE_IDENTIFIER | MANAGER if text.is_empty() => Value::Null,
        _ => text.into(),
    }
}

impl Elements {
    /// The whole array to send; `None` when it holds what is asked for, in whatever order. An element that stays, or
    /// whose place one of the same type takes, keeps what SCIM does not show of it; one of which SCIM shows nothing
    /// stays as it is.
    fn merged(&self, held: &[Element], asked: Option<&Value>) -> Option<Value> {
        let asked: Vec<&Element> = asked
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .collect();
        let (mut open, hidden): (Vec<&Element>, Vec<&Element>) = held
            .iter()
            .partition(|element| self.visible(element).is_some());
        // What is unchanged comes first, so that nothing new takes its place.
        let mut kept: Vec<Option<&Element>> = asked
            .iter()
            .map(|asked| {
                take(&mut open, |held| {
                    self.visible(held).as_ref() == Some(*asked)
                })
            })
            .collect();
        if open.is_empty() && kept.iter().all(Option::is_some) {
            return None;
        }
        for (asked, kept) in asked.iter().zip(&mut kept) {
            *kept = kept.or_else(|| take(&mut open, |held| kind(held) == kind(asked)));
        }
        let merged = asked
            .iter()
            .zip(kept)
            .map(|(asked, kept)| self.overlaid(asked, kept));
        Some(merged.chain(hidden.into_iter().cloned()).collect())
    }

    /// The parts of a held element that SCIM shows.
    fn visible(&self, held: &Element) -> Option<Element> {
        pick(held, self.parts.iter().map(|&(_, ours)| (ours, ours)))
    }

    /// An element as asked for, with what SCIM does not show of the one whose place it takes.
    fn overlaid(&self, asked: &Element, held: Option<&Element>) -> Element {
        let mut element = held.cloned().unwrap_or_default();
        element.retain(|name, _| self.parts.iter().all(|(_, ours)| ours != name));
        element.extend(asked.clone());
        element
    }
}

fn kind(element: &Element) -> &str {
    element
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Takes the first that fits out of `open`.
fn take<'a>(open: &mut Vec<&'a Element>, fits: impl Fn(&Element) -> bool) -> Option<&'a Element> {
    let at = open.iter().position(|element| fits(element))?;
    Some(open.remove(at))
}

//! Text made of several fields: one value for an attribute that holds what HR keeps apart.

use crate::field::Field;
use crate::worker::Worker;

/// Text with fields in it, such as `{city}, {country}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
}

impl TextTemplate {
    /// Reads a template; the error is the placeholder that is no field, or the text from an unclosed `{` on.
    pub fn parse(template: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (name, after) = after.split_once('}').ok_or_else(|| format!("{{{after}"))?;
            parts.push(Part::Field(Field::named(name).ok_or(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The fields in it, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field),
            Part::Literal(_) => None,
        })
    }

    /// The text for one person. Text between two fields stands only when both sides have a value;
    /// `None` when every field is empty.
    pub(crate) fn render(&self, worker: &Worker) -> Option<String> {
        let mut text = String::new();
        let mut pending = "";
        let mut fields = 0;
        let mut filled = 0;
        for part in &self.parts {
            match part {
                Part::Literal(literal) if fields == 0 => text.push_str(literal),
                Part::Literal(literal) => pending = literal,
                Part::Field(field) => {
                    fields += 1;
                    if let Some(value) = field.text(worker) {
                        if filled > 0 {
                            text.push_str(pending);
                        }
                        text.push_str(&value);
                        filled += 1;
                    }
                    pending = "";
                }
            }
        }
        text.push_str(pending);
        (filled > 0 || fields == 0).then_some(text)
    }
}

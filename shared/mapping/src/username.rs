//! Usernames: `{first}.{last}`, folded to what every system takes, numbered where taken.
//!
//! A username is made once, at creation, and is never derived again.

use std::collections::{BTreeMap, BTreeSet};

use crate::worker::{MappingError, Text, Worker};

/// How a username is put together, such as `{first}.{last}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsernameTemplate {
    parts: Vec<Part>,
    max_length: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    First,
    Last,
    FirstInitial,
    LastInitial,
}

impl Default for UsernameTemplate {
    fn default() -> Self {
        Self {
            parts: vec![Part::First, Part::Literal(".".to_owned()), Part::Last],
            max_length: 1024,
        }
    }
}

impl UsernameTemplate {
    /// The placeholders that a template may have.
    pub const PLACEHOLDERS: [&'static str; 4] = ["first", "last", "first_initial", "last_initial"];

    /// Reads a template; the error says what is wrong with it.
    pub fn parse(template: &str, max_length: usize) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
            if let Some(refused) = literal.chars().find(|c| !is_allowed(*c)) {
                return Err(format!(
                    "`{refused}` cannot stand in a username: use `a` to `z`, digits, `.`, `_` and `-`"
                ));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            if literal.len() == rest.len() {
                break;
            }
            let (name, after) = after.split_once('}').ok_or("a `{` is not closed")?;
            parts.push(match name {
                "first" => Part::First,
                "last" => Part::Last,
                "first_initial" => Part::FirstInitial,
                "last_initial" => Part::LastInitial,
                _ => {
                    return Err(format!(
                        "`{{{name}}}` is no placeholder: use {}",
                        Self::PLACEHOLDERS.map(|p| format!("`{{{p}}}`")).join(", ")
                    ));
                }
            });
            rest = after;
        }
        if parts.iter().all(|part| matches!(part, Part::Literal(_))) {
            return Err("it has no placeholder, so everyone would get the same name".to_owned());
        }
        Ok(Self { parts, max_length })
    }

    /// The name without a number, and where a number goes.
    fn base(&self, worker: &Worker) -> Result<Base, MappingError> {
        let first = worker
            .first_name
            .as_deref()
            .map(fold_name)
            .unwrap_or_default();
        let last = worker
            .last_name
            .as_deref()
            .map(fold_name)
            .unwrap_or_default();
        if !first.is_empty() && !last.is_empty() {
            let mut text = String::new();
            let mut number_at = None;
            for part in &self.parts {
                match part {
                    Part::Literal(literal) => text.push_str(literal),
                    Part::First => text.push_str(&first),
                    Part::FirstInitial => text.extend(first.chars().next()),
                    Part::Last => text.push_str(&last),
                    Part::LastInitial => text.extend(last.chars().next()),
                }
                if matches!(part, Part::Last | Part::LastInitial) {
                    number_at = Some(text.len());
                }
            }
            let started = text.trim_start_matches(|c: char| !c.is_ascii_lowercase());
            let cut = text.len() - started.len();
            if !started.is_empty() {
                let number_at = number_at.map_or(started.len(), |at| at.saturating_sub(cut));
                return Ok(Base {
                    text: started.to_owned(),
                    number_at,
                });
            }
        }
        let local_part = worker
            .work_email
            .as_deref()
            .and_then(|email| email.split('@').next());
        [first.as_str(), last.as_str()]
            .into_iter()
            .map(startable)
            .chain(local_part.map(|part| startable(&fold(part))))
            .find(|name| !name.is_empty())
            .map(|text| Base {
                number_at: text.len(),
                text,
            })
            .ok_or(MappingError::NoUsername)
    }
}

/// A username before its number.
struct Base {
    text: String,
    number_at: usize,
}

impl Base {
    /// The name with this number (0: none), at most `max_length` characters: the base is cut first. All ASCII.
    fn numbered(&self, number: u32, max_length: usize) -> String {
        let digits = if number == 0 {
            String::new()
        } else {
            number.to_string()
        };
        let room = max_length.saturating_sub(digits.len()).min(self.text.len());
        let kept = self.text.get(..room).unwrap_or_default();
        let kept = kept.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let (before, after) = kept.split_at(self.number_at.min(kept.len()));
        format!("{before}{digits}{after}")
    }
}

/// The usernames that nobody new may get, and the next number of each name.
#[derive(Debug, Default)]
pub struct Usernames {
    taken: BTreeSet<Text>,
    next: BTreeMap<String, u32>,
}

impl Usernames {
    /// Marks a username as taken, whatever its case.
    pub fn take(&mut self, username: &str) {
        self.taken.insert(username.to_lowercase().into());
    }

    /// Whether somebody has this name, whatever its case.
    pub fn is_taken(&self, username: &str) -> bool {
        self.taken.contains(username.to_lowercase().as_str())
    }

    /// The first free username for a person: the name itself, else numbered from 1. It is taken from then on.
    pub fn give(
        &mut self,
        template: &UsernameTemplate,
        worker: &Worker,
    ) -> Result<Text, MappingError> {
        let base = template.base(worker)?;
        let start = self.next.get(&base.text).copied().unwrap_or(0);
        for number in start..u32::MAX {
            let name = Text::from(base.numbered(number, template.max_length));
            if self.taken.insert(name.clone()) {
                self.next.insert(base.text, number.saturating_add(1));
                return Ok(name);
            }
        }
        Err(MappingError::NoUsername)
    }
}

/// Folds text to lower-case ASCII that may stand in a username: letters, digits, `.`, `_`, `-`. Letters of other
/// scripts are transliterated; symbols and emoji are dropped.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.extend(Some(c.to_ascii_lowercase()).filter(|c| is_allowed(*c)));
        } else if c.is_alphanumeric() {
            let ascii = deunicode::deunicode_char(c).unwrap_or_default();
            folded.extend(
                ascii
                    .chars()
                    .map(|c| c.to_ascii_lowercase())
                    .filter(char::is_ascii_alphanumeric),
            );
        }
    }
    folded
}

/// One part of a name: dots and underscores go, so that only the template sets them; hyphens stay inside.
fn fold_name(name: &str) -> String {
    let mut folded = fold(name);
    folded.retain(|c| c != '.' && c != '_');
    folded.trim_matches('-').to_owned()
}

/// A username starts with a letter and does not end in punctuation.
fn startable(name: &str) -> String {
    name.trim_start_matches(|c: char| !c.is_ascii_lowercase())
        .trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_owned()
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
}

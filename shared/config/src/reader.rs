//! Reads TOML tables key by key. A problem is noted with its place, and reading goes on: whoever wrote the file
//! sees everything at once.
//!
//! Knows nothing of rollcall's keys. What reads a value is any function `Value → Option<T>`; it returns `None`
//! only after it noted why. `values.rs` has the usual ones.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::errors::{ConfigErrors, Problem};
use crate::nearest::{nearest, suggestion};

/// Reads a whole document: what `read` makes of it, or every problem that was noted.
pub(crate) fn document<T>(
    text: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, ConfigErrors> {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let problems = Problems {
        syntax_errors,
        noted: RefCell::default(),
    };
    let root = Section {
        table: Some(root.get_ref()),
        ..Section::empty(String::new(), String::new(), 0, &problems)
    };
    let value = root.read(read);
    let problems = problems.in_order(text);
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(ConfigErrors::new(problems)),
    }
}

/// What was noted so far, each with its byte offset.
struct Problems {
    syntax_errors: Vec<Error>,
    noted: RefCell<Vec<(usize, String)>>,
}

impl Problems {
    fn note(&self, at: usize, message: String) {
        self.noted.borrow_mut().push((at, message));
    }

    /// All problems by line. A line that is not TOML has that one problem: others on it are consequences.
    fn in_order(self, text: &str) -> Vec<Problem> {
        let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let mut broken_lines = BTreeSet::new();
        let mut problems = Vec::new();
        for error in self.syntax_errors {
            let line = line_of(error.span().map_or(0, |span| span.start));
            if broken_lines.insert(line) {
                problems.push(Problem {
                    line,
                    message: format!("not TOML: {}", error.message()),
                });
            }
        }
        let mut noted = self.noted.into_inner();
        noted.sort_by_key(|(at, _)| *at);
        let noted = noted.into_iter().map(|(at, message)| Problem {
            line: line_of(at),
            message,
        });
        problems.extend(noted.filter(|problem| !broken_lines.contains(&problem.line)));
        problems.sort_by_key(|problem| problem.line);
        problems
    }
}

/// How many tables of a list there must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Least {
    /// Any number.
    None,
    /// One, or what is said here.
    One(&'static str),
}

/// A table being read. Asking for a key makes it known; keys that nobody asked for are refused in the end.
pub(crate) struct Section<'t> {
    /// As the file writes it, such as `[source.attributes]`; empty for the top of the file.
    heading: String,
    path: String,
    at: usize,
    /// `None` where the file leaves the whole table out: then every key has its default.
    table: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
    missing: Vec<(&'static str, String)>,
    forbidden: Vec<(&'static str, &'static str)>,
    problems: &'t Problems,
}

impl<'t> Section<'t> {
    fn empty(heading: String, path: String, at: usize, problems: &'t Problems) -> Self {
        Self {
            heading,
            path,
            at,
            table: None,
            known: Vec::new(),
            missing: Vec::new(),
            forbidden: Vec::new(),
            problems,
        }
    }

    /// The value of a key, or the default where it is left out.
    pub(crate) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Value<'t>) -> Option<T>,
    ) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// The value of a key that may be left out.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'t>) -> Option<T>,
    ) -> Option<T> {
        read(&self.take(key)?)
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'t>) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.take(key) else {
            self.missing
                .push((key, format!("missing key `{key}`{}", within(&self.heading))));
            return None;
        };
        read(&value)
    }

    /// The table `[key]`; left out, it reads as an empty one.
    pub(crate) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t>) -> T,
    ) -> T {
        if let Some(value) = self.take(key) {
            return value.section(read);
        }
        let path = joined(&self.path, key);
        let mut absent = Section::empty(format!("[{path}]"), path, self.at, self.problems);
        let value = read(&mut absent);
        // They are missing with the table: not so when its heading is merely mistyped.
        let missing = absent.missing.into_iter();
        self.missing
            .extend(missing.map(|(_, message)| (key, message)));
        value
    }

    /// The tables `[[key]]`.
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        least: Least,
        mut read: impl FnMut(&mut Section<'t>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.take(key).filter(|value| !value.is_empty_list()) else {
            return match least {
                Least::None => Some(Vec::new()),
                Least::One(otherwise) => {
                    let message =
                        format!("missing `[[{key}]]`: at least one is needed, {otherwise}");
                    self.missing.push((key, message));
                    None
                }
            };
        };
        if value.as_table().is_some() {
            return value.note(format!("`{key}` is a list of tables: write `[[{key}]]`"));
        }
        value.list(|table| table.section(&mut read))
    }

    /// Whether the file has this key here.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Refuses a key from here on: it then reads as left out. The reason goes on from its name: `cannot be …`.
    pub(crate) fn forbid(&mut self, key: &'static str, reason: &'static str) {
        self.forbidden.push((key, reason));
    }

    fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.known.push(key);
        let value = Value {
            key,
            heading: self.heading.clone(),
            path: joined(&self.path, key),
            listed: false,
            toml: self.table?.get(key)?,
            problems: self.problems,
        };
        let forbidden = self.forbidden.iter().find(|(other, _)| *other == key);
        match forbidden {
            Some((_, reason)) => value.note(format!("{} {reason}", value.name())),
            None => Some(value),
        }
    }

    fn read<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        self.finish();
        value
    }

    /// Notes the keys that nobody asked for, and the missing ones that none of those stands for.
    fn finish(self) {
        let Some(table) = self.table else { return };
        let mut mistyped = BTreeSet::new();
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let place = within(&self.heading);
            let suggestion = suggestion(name, &self.known);
            let message = format!("unknown key `{name}`{place}: {suggestion}");
            self.problems.note(key.span().start, message);
            mistyped.extend(nearest(name, self.known.iter().copied()));
        }
        // What a syntax error hides is not missing.
        if self.problems.syntax_errors.is_empty() {
            for (key, message) in self.missing {
                if !mistyped.contains(key) {
                    self.problems.note(self.at, message);
                }
            }
        }
    }
}

/// One value and where it stands.
pub(crate) struct Value<'t> {
    key: &'t str,
    /// The heading of the table it stands in.
    heading: String,
    path: String,
    /// Whether it is one of several in a list.
    listed: bool,
    toml: &'t Spanned<DeValue<'t>>,
    problems: &'t Problems,
}

impl<'t> Value<'t> {
    /// The key that it is the value of.
    pub(crate) fn key(&self) -> &'t str {
        self.key
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        format!("`{}`{}", self.key, within(&self.heading))
    }

    /// Notes a problem here; always `None`, so that a reader can end with it.
    pub(crate) fn note<T>(&self, message: String) -> Option<T> {
        self.problems.note(self.toml.span().start, message);
        None
    }

    /// Notes that something else must stand here.
    pub(crate) fn refuse<T>(&self, allowed: &str) -> Option<T> {
        let found = self.literal().map_or_else(
            || format!("a {}", self.toml.get_ref().type_str()),
            |literal| format!("`{literal}`"),
        );
        self.note(format!("{} must be {allowed}, not {found}", self.name()))
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&'t str> {
        match self.toml.get_ref() {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The flag, if it is one.
    pub(crate) fn as_flag(&self) -> Option<bool> {
        self.toml.get_ref().as_bool()
    }

    /// The whole number, if it is one that fits.
    pub(crate) fn as_number<N: TryFrom<i64>>(&self) -> Option<N> {
        let number = self.toml.get_ref().as_integer()?;
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
        number.try_into().ok()
    }

    fn as_table(&self) -> Option<&'t DeTable<'t>> {
        match self.toml.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }

    fn is_empty_list(&self) -> bool {
        let list = self.toml.get_ref().as_array();
        list.is_some_and(|list| list.is_empty())
    }

    /// Reads it as a table with known keys. Anything else is refused, and reads as an empty one.
    pub(crate) fn section<T>(&self, read: impl FnOnce(&mut Section<'t>) -> T) -> T {
        let table = self.as_table();
        if table.is_none() {
            self.refuse::<()>("a table");
        }
        let path = self.path.clone();
        let heading = if self.listed {
            format!("[[{path}]]")
        } else {
            format!("[{path}]")
        };
        let at = self.toml.span().start;
        let section = Section {
            table,
            ..Section::empty(heading, path, at, self.problems)
        };
        section.read(read)
    }

    /// The values of a table whose keys are names that the admin chose, in the order of the file.
    pub(crate) fn entries(&self) -> Option<Vec<Value<'t>>> {
        let Some(table) = self.as_table() else {
            return self.refuse("a table");
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, toml): (&'t Spanned<_>, &'t Spanned<_>)| {
            let key: &'t toml::de::DeString<'t> = key.get_ref();
            Value {
                key,
                heading: format!("[{}]", self.path),
                path: joined(&self.path, key),
                listed: false,
                toml,
                problems: self.problems,
            }
        };
        Some(entries.into_iter().map(entry).collect())
    }

    /// Reads it as a list; every element is read, even after one was refused.
    pub(crate) fn list<T>(&self, mut read: impl FnMut(&Value<'t>) -> Option<T>) -> Option<Vec<T>> {
        let DeValue::Array(elements) = self.toml.get_ref() else {
            return self.refuse("an array");
        };
        let element = |toml| Value {
            heading: self.heading.clone(),
            path: self.path.clone(),
            listed: true,
            toml,
            ..*self
        };
        let read: Vec<Option<T>> = elements.iter().map(|toml| read(&element(toml))).collect();
        read.into_iter().collect()
    }

    /// A value that is neither list nor table, as the file has it.
    fn literal(&self) -> Option<String> {
        match self.toml.get_ref() {
            DeValue::String(text) => Some(format!("{text:?}")),
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Datetime(moment) => Some(moment.to_string()),
            DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }
}

fn within(heading: &str) -> String {
    if heading.is_empty() {
        String::new()
    } else {
        format!(" in {heading}")
    }
}

/// The path of a key, quoted where TOML wants it so.
fn joined(path: &str, key: &str) -> String {
    let bare = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let key = if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

//! The usual kinds of value: what is taken, and what is said when something else stands there.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::reader::{Section, Value};

/// Text that `parse` understands; its error goes on from the value's name: `must be …`. Neither repeats the
/// value unasked: it may be a secret that stands where its name should.
pub(crate) fn parsed<T>(
    parse: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&Value<'_>) -> Option<T> {
    move |value| {
        let Some(text) = value.as_text() else {
            return value.note(format!("{} must be text in quotes", value.name()));
        };
        parse(text).map_or_else(
            |reason| value.note(format!("{} {reason}", value.name())),
            Some,
        )
    }
}

/// Text with something in it.
pub(crate) fn some_text(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A table with known keys.
pub(crate) fn table<T>(read: impl Fn(&mut Section<'_>) -> T) -> impl Fn(&Value<'_>) -> Option<T> {
    move |value| Some(value.section(&read))
}

/// `true` or `false`.
pub(crate) fn flag(value: &Value<'_>) -> Option<bool> {
    value
        .as_flag()
        .or_else(|| value.refuse("`true` or `false`"))
}

/// A whole number in a range.
pub(crate) fn number<N>(range: RangeInclusive<N>) -> impl Fn(&Value<'_>) -> Option<N>
where
    N: TryFrom<i64> + PartialOrd + Display,
{
    move |value| {
        value
            .as_number()
            .filter(|number| range.contains(number))
            .or_else(|| {
                value.refuse(&format!(
                    "a whole number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }
}

/// A number of days up to `most`; `None` is the word that stands for no number, which is also the default.
pub(crate) fn days_or(word: &str, most: u16, value: &Value<'_>) -> Option<u16> {
    if value.as_text() == Some(word) {
        return None;
    }
    let days = value.as_number().filter(|days| *days <= most);
    days.or_else(|| value.refuse(&format!("`\"{word}\"` or a whole number from 0 to {most}")))
}

/// One of several words, each with its meaning.
pub(crate) fn choice<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Value<'_>) -> Option<T> {
    move |value| {
        let meaning = value
            .as_text()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        meaning.map(|(_, meaning)| *meaning).or_else(|| {
            let words: Vec<String> = words
                .iter()
                .map(|(word, _)| format!("`\"{word}\"`"))
                .collect();
            value.refuse(&words.join(" or "))
        })
    }
}

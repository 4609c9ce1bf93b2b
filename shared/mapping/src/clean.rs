//! HR's values as every reader of records takes them: clean text, days, ids.

use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::worker::{Text, WorkerId};

/// The most characters of a person's id: what JumpCloud keeps of an employee identifier.
pub const LONGEST_ID: usize = 256;
/// The most characters of a record that a message quotes.
const QUOTED: usize = 80;

/// Trimmed text without control characters and [unseen](is_unseen) ones; `None` when nothing is left.
pub(crate) fn clean(value: Option<&str>) -> Option<Text> {
    let value = value?.trim();
    if value.is_empty() {
        return None;
    }
    if value.chars().any(is_hidden) {
        let kept = plain(value).collect::<String>();
        let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
        return (!kept.is_empty()).then(|| kept.into());
    }
    Some(value.into())
}

/// What a message quotes of a record.
pub(crate) fn quoted(text: &str) -> String {
    short(text, QUOTED)
}

/// Somebody else's text as people are shown it: one line that cannot move what stands around it, of so many
/// characters at most.
pub fn short(text: &str, most: usize) -> String {
    let mut rest = plain(text);
    let mut short: String = rest.by_ref().take(most).collect();
    if rest.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// Text without unseen characters, with a space for each control character.
fn plain(text: &str) -> impl Iterator<Item = char> {
    let seen = text.chars().filter(|c| !is_unseen(*c));
    seen.map(|c| if c.is_control() { ' ' } else { c })
}

/// Whether nobody sees a character.
fn is_hidden(c: char) -> bool {
    c.is_control() || is_unseen(c)
}

/// Whether a character shows nothing: what is pasted along with a value from elsewhere, or turns the order in which
/// what follows is shown. Joiners are none of these: scripts and emoji are written with them.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// [`clean`], in lower case: JumpCloud and HR systems differ in how they write an address.
pub(crate) fn clean_email(value: Option<&str>) -> Option<Text> {
    clean(value).map(|value| value.to_lowercase())
}

/// Whether this is an e-mail address, as far as JumpCloud looks: one `@` with something on both sides, no spaces.
pub(crate) fn is_email(text: &str) -> bool {
    // Two of everybody are looked at in every run, and nearly all are ASCII.
    let has_space = if text.is_ascii() {
        text.bytes()
            .any(|byte| matches!(byte, b'\t'..=b'\r' | b' '))
    } else {
        text.contains(char::is_whitespace)
    };
    let mut parts = text.split('@');
    let is_some = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
    !has_space && is_some(parts.next()) && is_some(parts.next()) && parts.next().is_none()
}

/// First and last name, as far as there are any.
pub(crate) fn full_name(first: Option<&Text>, last: Option<&Text>) -> Option<Text> {
    let names: Vec<&str> = [first, last]
        .into_iter()
        .flatten()
        .map(Text::as_str)
        .collect();
    clean(Some(&names.join(" ")))
}

/// The first ten characters of a date or date-time; the error is the text itself.
pub(crate) fn day(text: Option<&str>) -> Result<Option<Date>, &str> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .map(Some)
        .ok_or(text)
}

/// The value of a custom field as text: a list joined with commas; `None` of what is neither text, number, flag nor list.
pub(crate) fn text_of(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => clean(Some(text)),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Array(values) => {
            let texts: Vec<Text> = values.iter().filter_map(text_of).collect();
            clean(Some(&texts.join(", ")))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// An id is there, and it is text that JumpCloud keeps whole as an employee identifier: cut off, or without what nobody
/// sees in it, it might be somebody else's.
pub(crate) fn some_id<'de, D, I>(deserializer: D) -> Result<I, D::Error>
where
    D: Deserializer<'de>,
    I: From<Text>,
{
    let id = Text::deserialize(deserializer)?;
    if id.trim().is_empty() {
        return Err(D::Error::custom("an id is empty"));
    }
    if id.chars().count() > LONGEST_ID || id.chars().any(is_hidden) {
        return Err(D::Error::custom(
            "an id is too long, or not all of it is seen",
        ));
    }
    Ok(id.into())
}

/// Whom a record names by id: nobody has one that is not [accepted](some_id).
pub(crate) fn reference(value: Option<&str>) -> Option<WorkerId> {
    let id = clean(value)?;
    (id.chars().count() <= LONGEST_ID).then_some(WorkerId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_holds_nothing_that_is_not_seen() {
        for (text, expected) in [
            ("  Ana  Souza ", Some("Ana  Souza")),
            ("Ne\nw\r\n\u{1b}[31mLine\0", Some("Ne w [31mLine")),
            ("\u{202e}evil\u{202c}", Some("evil")),
            ("ana@corp.example\u{200b}", Some("ana@corp.example")),
            ("\u{feff} \u{200b}\t", None),
            ("👩\u{200d}🚀", Some("👩\u{200d}🚀")),
            ("می\u{200c}خواهم", Some("می\u{200c}خواهم")),
            ("שרה", Some("שרה")),
        ] {
            assert_eq!(clean(Some(text)).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn id_is_all_seen_and_kept_whole() {
        let id = |text: &str| {
            let deserializer =
                serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
            some_id::<_, Text>(deserializer).ok()
        };
        let longest = "é".repeat(LONGEST_ID);
        for text in ["31e859ce-9fd9-4000", "7", "w 7", &longest] {
            assert_eq!(id(text).as_deref(), Some(text));
        }
        for text in [
            "",
            " ",
            "31e8\u{7f}59ce",
            "7\n",
            "7\u{200b}",
            &format!("{longest}7"),
        ] {
            assert_eq!(id(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_quote_is_one_short_line() {
        assert_eq!(quoted("on\n\u{1b}[2Jleave\u{202e}"), "on  [2Jleave");
        let long = quoted(&"é".repeat(500_000));
        assert_eq!(long, "é".repeat(79) + "…");
        assert_eq!(quoted(&"é".repeat(80)), "é".repeat(80));
    }
}

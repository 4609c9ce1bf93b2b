//! HR's values as every reader of records takes them: clean text, days, ids.

use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::worker::Text;

/// Trimmed text without control characters; `None` when nothing is left.
pub(crate) fn clean(value: Option<&str>) -> Option<Text> {
    let value = value?.trim();
    if value.is_empty() {
        return None;
    }
    if value.chars().any(char::is_control) {
        let kept: String = value
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
        return (!kept.is_empty()).then(|| kept.into());
    }
    Some(value.into())
}

/// [`clean`], in lower case: JumpCloud and HR systems differ in how they write an address.
pub(crate) fn clean_email(value: Option<&str>) -> Option<Text> {
    clean(value).map(|value| value.to_lowercase())
}

/// Whether this is an e-mail address, as far as JumpCloud looks: one `@` with something on both sides, no spaces.
pub(crate) fn is_email(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        })
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

/// An id is there, and it is text.
pub(crate) fn some_id<'de, D, I>(deserializer: D) -> Result<I, D::Error>
where
    D: Deserializer<'de>,
    I: From<Text>,
{
    let id = Text::deserialize(deserializer)?;
    if id.trim().is_empty() {
        return Err(D::Error::custom("an id is empty"));
    }
    Ok(id.into())
}

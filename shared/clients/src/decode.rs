//! Bytes → wire types, and what is kept of records that do not fit.
//!
//! Reasons name types and fields, never values: a record is personal.

use mapping::{LONGEST_ID, short};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A list as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// Everything that was read, each record once.
    pub rows: Vec<T>,
    /// The records that could not be read; they exist nevertheless.
    pub unreadable: Vec<Unreadable>,
    /// Why this is not the whole list, or not certainly; `None` when it is.
    pub incomplete: Option<String>,
}

/// A record that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The record's id, where at least that could be read.
    pub id: Option<String>,
    /// The type and the field.
    pub reason: String,
}

/// Why an answer is not what it should be.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) reason: String,
    /// It is not even JSON: cut off, or somebody else's page.
    pub(crate) garbled: bool,
}

/// The whole of `json` as a `T`.
pub(crate) fn decode<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Misfit> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| misfit::<T>(error.inner(), &error.path().to_string()))?;
    deserializer
        .end()
        .map_err(|error| misfit::<T>(&error, "."))?;
    Ok(value)
}

/// [`decode`] for types that keep nothing of the bytes.
pub(crate) fn decode_owned<T: DeserializeOwned>(json: &[u8]) -> Result<T, Misfit> {
    decode(json)
}

/// One record of a list. `id_field` is where its id stands, should the rest not fit.
pub(crate) fn decode_row<T: DeserializeOwned>(
    row: &RawValue,
    id_field: &str,
) -> Result<T, Unreadable> {
    decode(row.get().as_bytes()).map_err(|Misfit { reason, .. }| {
        let fields: Option<Map<String, Value>> = serde_json::from_str(row.get()).ok();
        let id = fields.and_then(|fields| Some(short(fields.get(id_field)?.as_str()?, LONGEST_ID)));
        Unreadable { id, reason }
    })
}

fn misfit<T>(error: &serde_json::Error, path: &str) -> Misfit {
    let (garbled, what) = match error.classify() {
        Category::Syntax | Category::Io => (true, "is not JSON".to_owned()),
        Category::Eof => (true, "is cut off".to_owned()),
        Category::Data => (false, data_fault(error, path)),
    };
    Misfit {
        reason: format!("`{}` {what}", type_name::<T>()),
        garbled,
    }
}

/// Of serde's own messages only the one about a missing field never repeats a value.
fn data_fault(error: &serde_json::Error, path: &str) -> String {
    let message = error.to_string();
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match missing {
        Some(field) if path == "." => format!("lacks `{field}`"),
        Some(field) => format!("lacks `{path}.{field}`"),
        None => format!("does not fit at `{path}`"),
    }
}

fn type_name<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::SystemUser;

    #[derive(Debug, Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        rows: Vec<&'a RawValue>,
    }

    #[test]
    fn reason_names_type_and_field_and_no_value() {
        let table = [
            (
                r#"{"_id":"1","username":"jane","sudo":"jane@corp.example"}"#,
                "`SystemUser` does not fit at `sudo`",
                false,
            ),
            (
                r#"{"_id":"1","username":"a","addresses":[{},{"type":7}]}"#,
                "`SystemUser` does not fit at `addresses[1].type`",
                false,
            ),
            (r#"{"_id":"1"}"#, "`SystemUser` lacks `username`", false),
            (r#"["jane"]"#, "`SystemUser` does not fit at `.`", false),
            (
                r#"{"_id":"1","username":"ja"#,
                "`SystemUser` is cut off",
                true,
            ),
            ("", "`SystemUser` is cut off", true),
            ("<html>", "`SystemUser` is not JSON", true),
            (
                r#"{"_id":"1","username":"a"} jane"#,
                "`SystemUser` is not JSON",
                true,
            ),
        ];
        for (json, reason, garbled) in table {
            let misfit = decode::<SystemUser>(json.as_bytes()).unwrap_err();
            assert_eq!(
                (misfit.reason.as_str(), misfit.garbled),
                (reason, garbled),
                "{json}"
            );
        }
    }

    #[test]
    fn row_that_does_not_fit_keeps_its_id() {
        let json = br#"{"rows":[{"_id":"1","username":"a"},{"_id":"2"},{"_id":3},7]}"#;
        let page: Page = decode(json).unwrap();
        let rows: Vec<Result<SystemUser, Unreadable>> =
            page.rows.iter().map(|row| decode_row(row, "_id")).collect();
        assert_eq!(rows[0].as_ref().unwrap().username, "a");
        let ids: Vec<_> = rows[1..]
            .iter()
            .map(|row| row.as_ref().unwrap_err().id.as_deref())
            .collect();
        assert_eq!(ids, [Some("2"), None, None]);
    }
}

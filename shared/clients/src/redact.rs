//! What of a vendor's error message may be shown: its own words, without the key, the password that was sent, and e-mail
//! addresses.

use serde_json::Value;

/// The most that is kept of a message.
const LIMIT: usize = 300;

/// Less than this occurs in ordinary words, and a password of it protects nothing.
const SHORTEST_SECRET: usize = 3;

/// The vendor's message in the body of a failed answer, redacted and trimmed; empty where there is none.
///
/// JSON is shown only where a message is expected, because the rest of an object may be somebody's record.
pub(crate) fn message(body: &[u8], key: &str, password: &str) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let found = match serde_json::from_str(text) {
        Ok(json) => with_violations(message_in(&json).unwrap_or_default(), &json),
        // A web page of something in between says nothing about the request; half a JSON document is data.
        Err(_) if text.starts_with(['<', '{', '[']) => String::new(),
        Err(_) => text.to_owned(),
    };
    trim(&redact(&found, key, password))
}

/// `message`, else `error` (text, or an object with `message`), else all of `errors[].message`.
fn message_in(json: &Value) -> Option<String> {
    let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
    let of_error = |error: &Value| text(Some(error)).or_else(|| text(error.get("message")));
    text(Some(json))
        .or_else(|| text(json.get("message")))
        .or_else(|| json.get("error").and_then(of_error))
        .or_else(|| {
            let errors = json.get("errors")?.as_array()?;
            let messages: Vec<&str> = errors
                .iter()
                .filter_map(|error| error.get("message")?.as_str())
                .collect();
            Some(messages.join("; "))
        })
}

/// The message, and behind it what JumpCloud says about single fields: `details[].fieldViolationsList[]`.
fn with_violations(message: String, json: &Value) -> String {
    let details = json.get("details").and_then(Value::as_array);
    let violations = details
        .into_iter()
        .flatten()
        .filter_map(|detail| detail.get("fieldViolationsList")?.as_array())
        .flatten();
    let described = violations.filter_map(|violation| {
        let text = |name: &str| violation.get(name)?.as_str();
        Some(format!("{}: {}", text("field")?, text("description")?))
    });
    let parts: Vec<String> = (Some(message).filter(|message| !message.is_empty()))
        .into_iter()
        .chain(described)
        .collect();
    parts.join("; ")
}

fn redact(text: &str, key: &str, password: &str) -> String {
    let mut text = text.to_owned();
    for (secret, name) in [(key, "[key]"), (password, "[password]")] {
        if secret.len() >= SHORTEST_SECRET {
            text = text.replace(secret, name);
        }
    }
    text.split_inclusive(ends_word).map(redact_word).collect()
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`<>()[]{},;:=&|".contains(c)
}

fn redact_word(word: &str) -> String {
    let bare = word.trim_end_matches(ends_word);
    if bare.contains('@') || bare.contains("%40") {
        word.replacen(bare, "[e-mail]", 1)
    } else {
        word.to_owned()
    }
}

fn trim(text: &str) -> String {
    let end = text.floor_char_boundary(LIMIT);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_found_and_redacted() {
        let table = [
            (r#"{"message":"Already Exists"}"#, "Already Exists"),
            (
                r#"{"error":"Unauthorized","message":"api key k3y not found"}"#,
                "api key [key] not found",
            ),
            (r#"{"error":"Too many"}"#, "Too many"),
            (
                r#"{"error":{"code":"x","message":"broken","details":null}}"#,
                "broken",
            ),
            (
                r#"{"errors":[{"message":"must be <= 200","path":"/query/limit"},{"message":"no"}]}"#,
                "must be <= 200; no",
            ),
            (r#"{"firstname":"Jane"}"#, ""),
            (
                r#"{"message":"email ann@corp.example, taken"}"#,
                "email [e-mail], taken",
            ),
            (
                r#"{"message":"<ann.b+c@corp.example>=\"x@y\""}"#,
                "<[e-mail]>=\"[e-mail]\"",
            ),
            (
                r#"{"message":"p4ssw0rd is bad","details":[{"@type":"x","fieldViolationsList":[
                    {"field":"password","description":"minLength"},{"field":"password","description":"p4ssw0rd"},{"field":7}]}]}"#,
                "[password] is bad; password: minLength; password: [password]",
            ),
            (
                r#"{"details":[{"fieldViolationsList":[{"field":"password","description":"digits"}]}]}"#,
                "password: digits",
            ),
            ("filter=ann%40corp.example&x", "filter=[e-mail]&x"),
            (r#""just text""#, "just text"),
            ("upstream unavailable\n", "upstream unavailable"),
            ("<html>ann</html>", ""),
            (r#"{"message":"cut"#, ""),
            ("", ""),
        ];
        for (body, expected) in table {
            assert_eq!(
                message(body.as_bytes(), "k3y", "p4ssw0rd"),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn message_is_redacted_before_it_is_trimmed() {
        let body = format!("{} ann@corp.example", "ü".repeat(148));
        assert_eq!(
            message(body.as_bytes(), "", ""),
            format!("{} [e-…", "ü".repeat(148))
        );
    }
}

//! From text to `scim_v2`'s trees: filters and PATCH paths as far as their shape goes (RFC 7644 §3.4.2.2, §3.5.2). No name is
//! looked up here.

use scim_v2::filter::{Filter, ParseError, PatchPath};

use crate::{ScimError, ScimType};

/// The longest filter or path that is read, in bytes: more than two hundred ids in one `or`.
const MAX_LENGTH: usize = 8 * 1024;

/// Parses a filter.
pub(crate) fn parse_filter(text: &str) -> Result<Filter, ScimError> {
    check_length(text, ScimType::InvalidFilter)?;
    let text = to_grammar(text);
    text.parse()
        .map_err(|error| refusal(&text, error, ScimType::InvalidFilter))
}

/// Parses the path of a PATCH operation.
pub(crate) fn parse_path(text: &str) -> Result<PatchPath, ScimError> {
    check_length(text, ScimType::InvalidPath)?;
    text.parse()
        .map_err(|error| refusal(text, error, ScimType::InvalidPath))
}

fn check_length(text: &str, kind: ScimType) -> Result<(), ScimError> {
    if text.len() <= MAX_LENGTH {
        return Ok(());
    }
    let detail = format!("a filter or path may be at most {MAX_LENGTH} bytes long");
    Err(ScimError::invalid(kind, detail))
}

fn refusal(text: &str, error: ParseError, kind: ScimType) -> ScimError {
    let location = match error {
        ParseError::User { error } => return ScimError::invalid(kind, error.to_string()),
        ParseError::UnrecognizedEof { .. } => {
            return ScimError::invalid(kind, format!("`{text}` ends too early"));
        }
        ParseError::InvalidToken { location } => location,
        ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => token.0,
    };
    let rest = text.trim().get(location..).unwrap_or_default();
    let start: String = rest.trim_start().chars().take(40).collect();
    ScimError::invalid(kind, format!("cannot be read from here on: `{start}`"))
}

/// Writes in `scim_v2`'s grammar what clients send beside it: `not(…)`, which RFC 7644's ABNF has and the parser has not,
/// and Entra ID's `attribute[filter].part eq "x"`, which means `attribute[(filter) and part eq "x"]`.
fn to_grammar(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut after_bracket = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (token, after) = split_token(rest);
        rest = after;
        match (token, rest.strip_prefix('.')) {
            ("[", _) => after_bracket = written.len() + token.len(),
            ("]", Some(more)) => {
                let (comparison, after) = split_comparison(more);
                rest = after;
                written.insert(after_bracket, '(');
                written.push_str(") and ");
                written.push_str(comparison);
            }
            _ => {}
        }
        written.push_str(token);
        if token.eq_ignore_ascii_case("not") && rest.starts_with('(') {
            written.push(' ');
        }
    }
    written
}

/// The first token and what follows: a quoted text, white space, a bracket, or what is between those.
fn split_token(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let mut following = text.char_indices().skip(1);
    let end = match text.chars().next() {
        Some('"') => following
            .find(|&(_, c)| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            })
            .map(|(quote, _)| quote + 1),
        Some('(' | ')' | '[' | ']') => Some(1),
        Some(c) if c.is_whitespace() => following
            .find(|(_, c)| !c.is_whitespace())
            .map(|(end, _)| end),
        _ => following
            .find(|&(_, c)| c.is_whitespace() || "\"()[]".contains(c))
            .map(|(end, _)| end),
    };
    text.split_at(end.unwrap_or(text.len()))
}

/// `part pr` or `part eq "x"`, and what follows.
fn split_comparison(text: &str) -> (&str, &str) {
    let mut rest = text;
    let mut next = || {
        let (token, after) = split_token(rest);
        rest = after;
        token
    };
    let (_part, _space, operator) = (next(), next(), next());
    if !operator.eq_ignore_ascii_case("pr") {
        let (_space, _value) = (next(), next());
    }
    text.split_at(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_clients_write_beside_the_grammar_is_put_into_it() {
        for (written, expected) in [
            ("not(title pr)", "not (title pr)"),
            ("a pr and NOT(b pr)", "a pr and NOT (b pr)"),
            (
                r#"emails[type eq "work"].value eq "a b" and x pr"#,
                r#"emails[(type eq "work") and value eq "a b"] and x pr"#,
            ),
            (
                r#"(emails[type eq "a]"].primary eq true)"#,
                r#"(emails[(type eq "a]") and primary eq true])"#,
            ),
            (
                r#"emails[type eq "work"].value pr or x pr"#,
                r#"emails[(type eq "work") and value pr] or x pr"#,
            ),
            (
                r#"title eq "not(\"[x].y eq 1""#,
                r#"title eq "not(\"[x].y eq 1""#,
            ),
            (r#"emails[type eq "work"]"#, r#"emails[type eq "work"]"#),
        ] {
            assert_eq!(to_grammar(written), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"([a-z.:$ ()\[\]"\\é]|eq|not| and |pr|\PC){0,40}"#) {
            let _ = parse_filter(&text);
            let _ = parse_path(&text);
        }

        #[test]
        fn tokens_make_up_the_text(text in r#"([a-z. ()\[\]"\\é]|\PC){0,40}"#) {
            let mut joined = String::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (token, after) = split_token(rest);
                prop_assert!(!token.is_empty());
                joined.push_str(token);
                rest = after;
            }
            prop_assert_eq!(joined, text);
        }
    }
}

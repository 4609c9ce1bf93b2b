//! What somebody meant to write: the nearest of the names that exist.

/// How alike two names must be, from 0 to 1, before one is offered for the other.
const ALIKE: f64 = 0.5;

/// The known name most like this one, if any is like it at all.
pub(crate) fn nearest<N: AsRef<str>>(name: &str, known: impl IntoIterator<Item = N>) -> Option<N> {
    known
        .into_iter()
        .map(|known| (likeness(name, known.as_ref()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of equals the first: what stands first in the documents.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, known)| known)
}

/// A question with the nearest name, else the names that exist: what follows `unknown …: `.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    if let Some(nearest) = nearest(name, known) {
        return format!("did you mean `{nearest}`?");
    }
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("use {}", known.join(", "))
}

/// Case and the choice between `-` and `_` hardly count.
fn likeness(left: &str, right: &str) -> f64 {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    strsim::normalized_damerau_levenshtein(&plain(left), &plain(right))
}

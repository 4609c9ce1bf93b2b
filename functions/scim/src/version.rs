//! Entity tags of resources and the conditions that name them (RFC 7644 §3.14; RFC 9110 §8.8.3, §13.1). No HTTP types.

use sha2::{Digest, Sha256};

use crate::{error::ScimError, resource::Resource};

#[cfg(test)]
mod tests;

/// Bytes of the digest that a tag shows: enough that two states of one resource never share it.
const TAG_BYTES: usize = 16;

/// What no tag depends on: `meta` has the tag itself, and memberships are not read for most answers, so a tag is the same
/// with and without them and says nothing of them.
const NOT_COUNTED: [&str; 3] = ["meta", "members", "groups"];

/// The weak entity tag of a resource in canonical form: `W/"…"`.
pub fn version(resource: &Resource) -> String {
    let mut digest = Sha256::new();
    for (name, value) in resource {
        if !NOT_COUNTED.contains(&name.as_str()) {
            digest.update(format!("{name:?}:{value},"));
        }
    }
    let digest = digest.finalize();
    let shown = digest.get(..TAG_BYTES).unwrap_or(&digest);
    format!("W/\"{}\"", hex::encode(shown))
}

/// The conditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// What the conditions say of the current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Proceed,
    /// `If-None-Match` names the current state: 304 for a read, 412 for a write.
    NotModified,
    /// `If-Match` does not name the current state: 412.
    Failed,
}

/// The opaque parts of entity tags: `W/` is taken off, for our tags are all weak and RFC 7644 uses them in `If-Match` too.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

impl Precondition {
    /// Reads the two headers; several of one name come joined by commas.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Self {
        Self {
            if_match: if_match.map(Tags::parse),
            if_none_match: if_none_match.map(Tags::parse),
        }
    }

    /// Holds the conditions against the current version; none is a resource that does not exist.
    pub fn check(&self, current: Option<&str>) -> Outcome {
        if self
            .if_match
            .as_ref()
            .is_some_and(|tags| !tags.name(current))
        {
            Outcome::Failed
        } else if self
            .if_none_match
            .as_ref()
            .is_some_and(|tags| tags.name(current))
        {
            Outcome::NotModified
        } else {
            Outcome::Proceed
        }
    }

    /// [`Self::check`] for a read: whether 304 is all there is to say.
    pub fn check_read(&self, current: &str) -> Result<bool, ScimError> {
        match self.check(Some(current)) {
            Outcome::Proceed => Ok(false),
            Outcome::NotModified => Ok(true),
            Outcome::Failed => Err(not_as_asked()),
        }
    }

    /// [`Self::check`] for a write, where both ways to fail are a refusal.
    pub fn check_write(&self, current: Option<&str>) -> Result<(), ScimError> {
        match self.check(current) {
            Outcome::Proceed => Ok(()),
            Outcome::NotModified | Outcome::Failed => Err(not_as_asked()),
        }
    }
}

fn not_as_asked() -> ScimError {
    let detail = "the resource is not in the state that the request was made for: read it again";
    ScimError::PreconditionFailed(detail.to_owned())
}

impl Tags {
    /// What is no entity tag names nothing: a write under such a condition is refused, and a read answered in full.
    fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let mut tags = Vec::new();
        let mut rest = header;
        // The opaque part may hold a comma: the list is cut at quotes.
        while let Some((_, from_tag)) = rest.split_once('"')
            && let Some((tag, after)) = from_tag.split_once('"')
        {
            tags.push(tag.to_owned());
            rest = after;
        }
        Self::These(tags)
    }

    fn name(&self, current: Option<&str>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::These(tags), Some(current)) => {
                let current = current
                    .strip_prefix("W/")
                    .unwrap_or(current)
                    .trim_matches('"');
                tags.iter().any(|tag| tag == current)
            }
        }
    }
}

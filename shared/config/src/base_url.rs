//! The address before a vendor's own path. Which hosts may get a key is not decided here.

use url::Url;

/// Reads an absolute `http` or `https` URL, which may have a path; a final `/` is dropped.
pub(crate) fn base_url(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if is_base(&url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(
            "must be an absolute `http` or `https` URL with neither query nor credentials"
                .to_owned(),
        ),
    }
}

fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

//! Where a key may be sent: the check of a configured base URL.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::ClientError;

/// The base URL, if `vendor`'s key may be sent there. It may have a path; a last `/` makes no difference.
pub(crate) fn base_url(
    vendor: &'static str,
    own_hosts: &[&str],
    allowed_hosts: &[String],
    text: &str,
) -> Result<Url, ClientError> {
    let refused = |reason| ClientError::BaseUrl { vendor, reason };
    let url = Url::parse(text).map_err(|_| refused("is not a URL"))?;
    let host = url.host_str().ok_or_else(|| refused("has no host"))?;
    let loopback = is_loopback(host);
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => {
            return Err(refused(
                "must begin with `https`; plain `http` is for this machine only",
            ));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("must end with its path"));
    }
    let allowed = allowed_hosts
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(host));
    if loopback || allowed || own_hosts.contains(&host) {
        Ok(url)
    } else {
        Err(ClientError::ForeignHost {
            vendor,
            host: host.to_owned(),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_goes_to_the_vendor_to_allowed_hosts_and_to_this_machine() {
        let table = [
            ("https://api.vendor.example", "yes"),
            ("https://API.vendor.example/base/", "yes"),
            ("https://proxy.corp.example:8443", "yes"),
            ("http://127.0.0.1:4000/x", "yes"),
            ("http://localhost:4000", "yes"),
            ("http://[::1]:4000", "yes"),
            ("https://127.0.0.1", "yes"),
            ("http://api.vendor.example", "`https`"),
            ("http://proxy.corp.example", "`https`"),
            ("http://127.0.0.1.evil.example", "`https`"),
            ("http://localhost.evil.example", "`https`"),
            ("ftp://api.vendor.example", "`https`"),
            (
                "https://evil.example",
                "`evil.example` is not a host of Vendor",
            ),
            (
                "https://api.vendor.example.evil.example",
                "`ROLLCALL_ALLOW_HOSTS`",
            ),
            ("https://api.vendor.example@evil.example", "password"),
            ("https://key@api.vendor.example", "password"),
            ("https://api.vendor.example?a=b", "path"),
            ("https://api.vendor.example#a", "path"),
            ("api.vendor.example", "not a URL"),
            ("", "not a URL"),
        ];
        for (text, expected) in table {
            let allowed = ["Proxy.corp.example".to_owned()];
            let outcome = match base_url("Vendor", &["api.vendor.example"], &allowed, text) {
                Ok(_) => "yes".to_owned(),
                Err(error) => error.to_string(),
            };
            assert!(outcome.contains(expected), "`{text}`: {outcome}");
        }
    }
}

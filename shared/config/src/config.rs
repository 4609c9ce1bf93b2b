//! The whole of `rollcall.toml`, and its smaller sections.

use std::collections::BTreeSet;

use mapping::{GroupRule, UsernameTemplate};
use sha2::{Digest, Sha256};

use crate::base_url::base_url;
use crate::errors::ConfigErrors;
use crate::group::group;
use crate::limits::{Limits, limits};
use crate::reader::{Least, Section, document};
use crate::scim::{Scim, scim};
use crate::secret_name::SecretName;
use crate::source::{Source, source};
use crate::values::{choice, days_or, flag, number, parsed, some_text};

/// Everything that an admin decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// `sha256:<hex>` of the text; it stands in every run record.
    pub digest: String,
    /// The directory that is kept in step.
    pub jumpcloud: JumpCloud,
    /// Days after the suspension of a leaver whose user is deleted by then, after which the username may be given to
    /// somebody else; `None`: never.
    pub reuse_usernames_after_days: Option<u16>,
    /// How much may change unasked.
    pub limits: Limits,
    /// Who is never written.
    pub protect: Protect,
    /// How the SCIM service provider behaves.
    pub scim: Scim,
    /// The HR systems; the first that claims a person owns that person. None only where `[scim]` is written: then SCIM
    /// clients alone decide.
    pub sources: Vec<Source>,
    /// Who belongs to which group; no two rules share a group.
    pub groups: Vec<GroupRule>,
}

/// How JumpCloud is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpCloud {
    /// The secret with the API key.
    pub api_key: SecretName,
    /// What stands before `/api` and `/api/v2`: the region's address, or the one given. No final `/`.
    pub base_url: String,
    /// Sent as `x-org-id`, for admins of several organisations; empty: not sent.
    pub organization: String,
    /// Requests that one process has under way at once.
    pub concurrency: usize,
    /// Requests that one process starts in a second.
    pub requests_per_second: u32,
}

/// Who is never written, whatever a source or a SCIM client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protect {
    /// Usernames in lower case.
    pub usernames: BTreeSet<String>,
    /// Whether users that are also JumpCloud administrators are protected.
    pub admins: bool,
}

impl Protect {
    /// Why a user is never written, as what follows `the user`; `None` for everyone else.
    pub fn reason(&self, username: &str, is_admin: bool) -> Option<&'static str> {
        let is_named = |name: &String| username.eq_ignore_ascii_case(name);
        if self.usernames.iter().any(is_named) {
            Some("is protected by the configuration")
        } else if self.admins && is_admin {
            Some("is a JumpCloud administrator")
        } else {
            None
        }
    }
}

impl Config {
    /// Reads the text of a configuration, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConfigErrors> {
        document(text, |root| {
            let jumpcloud = root.table("jumpcloud", jumpcloud);
            let (username, reuse_usernames_after_days) = root.table("username", username);
            let limits = root.table("limits", limits);
            let protect = root.table("protect", protect);
            let scim = root.table("scim", scim);
            let mut names = BTreeSet::new();
            let least = if root.has("scim") {
                Least::None
            } else {
                Least::One("or `[scim]` for SCIM clients alone")
            };
            let sources = root.tables("source", least, |table| {
                source(table, username.as_ref(), &mut names)
            });
            let mut group_names = BTreeSet::new();
            let groups = root.tables("group", Least::None, |table| group(table, &mut group_names));
            Some(Self {
                digest: format!("sha256:{}", hex::encode(Sha256::digest(text))),
                jumpcloud: jumpcloud?,
                reuse_usernames_after_days,
                limits,
                protect,
                scim,
                sources: sources?,
                groups: groups?,
            })
        })
    }
}

/// The addresses of JumpCloud's regions.
const REGIONS: [(&str, &str); 3] = [
    ("us", "https://console.jumpcloud.com"),
    ("eu", "https://console.eu.jumpcloud.com"),
    ("in", "https://console.in.jumpcloud.com"),
];

fn jumpcloud(section: &mut Section<'_>) -> Option<JumpCloud> {
    let [(_, us), ..] = REGIONS;
    let region = section.or("region", us, choice(&REGIONS));
    let api_key = section.required("api_key", parsed(SecretName::parse));
    Some(JumpCloud {
        base_url: section.or("base_url", region.to_owned(), parsed(base_url)),
        organization: section.or("organization", String::new(), parsed(organization)),
        concurrency: section.or("concurrency", 8, number(1..=64)),
        requests_per_second: section.or("requests_per_second", 20, number(1..=1000)),
        api_key: api_key?,
    })
}

/// An id that may stand in a header.
fn organization(text: &str) -> Result<String, String> {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        Ok(text.to_owned())
    } else {
        Err("must be an organisation's id: letters, digits and `-`".to_owned())
    }
}

/// One template for all sources: a name is unique in the whole directory. Beside it, when names of leavers are free again.
fn username(section: &mut Section<'_>) -> (Option<UsernameTemplate>, Option<u16>) {
    let max_length = section.or("max_length", 1024, number(8..=1024));
    let template = |text: &str| {
        UsernameTemplate::parse(text, max_length).map_err(|reason| format!("is refused: {reason}"))
    };
    let given = section.optional("template", parsed(template));
    let reuse = section.optional("reuse_after_days", |value| days_or("never", 3650, value));
    let template = given.or_else(|| template("{first}.{last}").ok());
    (template, reuse)
}

fn protect(section: &mut Section<'_>) -> Protect {
    let lower_case = |name: &str| some_text(name).map(|name| name.trim().to_lowercase());
    let usernames = section.or("usernames", Vec::new(), |value| {
        value.list(parsed(lower_case))
    });
    Protect {
        usernames: usernames.into_iter().collect(),
        admins: section.or("admins", true, flag),
    }
}

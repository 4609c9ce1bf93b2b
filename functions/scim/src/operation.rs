//! What a client asks for and what it is answered, whatever carried it: HTTP or one operation of a bulk request.

use axum::http::Method;
use serde_json::Value;

use crate::error::ScimError;
use crate::version::Precondition;

/// What an operation is about (RFC 7644 §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// The base URL: a query over all resources.
    Root,
    /// `/.search`
    Search,
    /// `/Users`
    Users,
    /// `/Users/.search`
    UsersSearch,
    /// `/Users/{id}`
    User(&'a str),
    /// `/Groups`
    Groups,
    /// `/Groups/.search`
    GroupsSearch,
    /// `/Groups/{id}`
    Group(&'a str),
    /// `/Bulk`
    Bulk,
    /// `/Me`
    Me,
    /// `/ServiceProviderConfig`
    ServiceProviderConfig,
    /// `/ResourceTypes`
    ResourceTypes,
    /// `/ResourceTypes/{name}`
    ResourceType(&'a str),
    /// `/Schemas`
    Schemas,
    /// `/Schemas/{urn}`
    Schema(&'a str),
}

impl<'a> Target<'a> {
    /// The target of a path behind the base URL, decoded; a trailing slash makes no difference.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        Some(match (first, rest) {
            ("", None) => Self::Root,
            (".search", None) => Self::Search,
            ("Users", None) => Self::Users,
            ("Users", Some(".search")) => Self::UsersSearch,
            ("Users", Some(id)) if is_segment(id) => Self::User(id),
            ("Groups", None) => Self::Groups,
            ("Groups", Some(".search")) => Self::GroupsSearch,
            ("Groups", Some(id)) if is_segment(id) => Self::Group(id),
            ("Bulk", None) => Self::Bulk,
            ("Me", _) => Self::Me,
            ("ServiceProviderConfig", None) => Self::ServiceProviderConfig,
            ("ResourceTypes", None) => Self::ResourceTypes,
            ("ResourceTypes", Some(name)) if is_segment(name) => Self::ResourceType(name),
            ("Schemas", None) => Self::Schemas,
            ("Schemas", Some(urn)) if is_segment(urn) => Self::Schema(urn),
            _ => return None,
        })
    }

    /// The methods that it takes, beside `OPTIONS`.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Users | Self::Groups => "GET, HEAD, POST",
            Self::User(_) | Self::Group(_) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Search | Self::UsersSearch | Self::GroupsSearch | Self::Bulk => "POST",
            Self::Root
            | Self::Me
            | Self::ServiceProviderConfig
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::Schemas
            | Self::Schema(_) => "GET, HEAD",
        }
    }

    /// What the log calls it: ids are no concern of a log of traffic.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Search => "/.search",
            Self::Users => "/Users",
            Self::UsersSearch => "/Users/.search",
            Self::User(_) => "/Users/{id}",
            Self::Groups => "/Groups",
            Self::GroupsSearch => "/Groups/.search",
            Self::Group(_) => "/Groups/{id}",
            Self::Bulk => "/Bulk",
            Self::Me => "/Me",
            Self::ServiceProviderConfig => "/ServiceProviderConfig",
            Self::ResourceTypes => "/ResourceTypes",
            Self::ResourceType(_) => "/ResourceTypes/{name}",
            Self::Schemas => "/Schemas",
            Self::Schema(_) => "/Schemas/{urn}",
        }
    }

    /// Whether it tells how the service works and nothing of anybody (RFC 7644 §4).
    pub(crate) fn is_discovery(&self) -> bool {
        matches!(
            self,
            Self::ServiceProviderConfig
                | Self::ResourceTypes
                | Self::ResourceType(_)
                | Self::Schemas
                | Self::Schema(_)
        )
    }
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    /// The method; `HEAD` is asked as `GET`.
    pub(crate) method: Method,
    /// What it is about.
    pub(crate) target: Target<'a>,
    /// The query string, as sent.
    pub(crate) query: &'a str,
    /// The body, as sent.
    pub(crate) body: &'a [u8],
    /// `If-Match` and `If-None-Match`.
    pub(crate) precondition: Precondition,
}

impl Operation<'_> {
    /// Whether a token with the scope `read` will do.
    pub(crate) fn only_reads(&self) -> bool {
        let is_search = matches!(
            self.target,
            Target::Search | Target::UsersSearch | Target::GroupsSearch
        );
        is_search || self.method == Method::GET
    }

    /// The refusal of a method that the target does not take.
    pub(crate) fn not_allowed(&self) -> ScimError {
        let methods = self.target.methods();
        ScimError::MethodNotAllowed(format!("this takes {methods}, not `{}`", self.method))
    }
}

/// The answer to an operation that was not refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The URI of the resource.
    pub(crate) location: Option<String>,
    /// The entity tag of the resource.
    pub(crate) version: Option<String>,
    /// The body.
    pub(crate) body: Option<Value>,
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
            ..Self::default()
        }
    }

    /// 304: the client has the resource as it is.
    pub(crate) fn not_modified(version: String) -> Self {
        Self {
            version: Some(version),
            ..Self::empty(304)
        }
    }

    /// A status without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

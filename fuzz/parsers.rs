//! Everything that reads what a stranger or a vendor sends, each as a function of bytes that must come back, and must
//! hold what is promised of whatever it accepts.
//!
//! The fuzz targets search with these; the tests of the workspace replay what is kept in `corpus/` with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mapping::scim::{
    ActiveRule, DirectoryUser, Omitted, UsernameFromEmail, View, changes, desired, to_resource,
};
use mapping::{
    Policy, SystemUser, UsernameTemplate, Usernames, Worker, Zones, deel, desired_user, diff,
    humaans,
};
use scim::filter::Filter;
use scim::list::ListRequest;
use scim::patch::{GroupPatch, PatchRequest};
use scim::resource::{self, Resource};
use scim::schema::{GROUP, USER};
use scim::{BulkRequest, Event};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A parser: what it is given, it reads or refuses.
pub(crate) type Parser = fn(&[u8]);

/// Every parser by the name of its target and of its corpus.
pub(crate) const PARSERS: [(&str, Parser); 12] = [
    ("filter", filter),
    ("path", path),
    ("patch", patch),
    ("user", user),
    ("query", query),
    ("search", search),
    ("bulk", bulk),
    ("gateway", gateway),
    ("event", event),
    ("deel", deel_person),
    ("humaans", humaans_person),
    ("jumpcloud", jumpcloud_user),
];

/// The filter of a SCIM query.
pub(crate) fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for resource_type in [&USER, &GROUP] {
        if let Ok(filter) = Filter::parse(text, resource_type) {
            let as_it_is = filter.matches(&Resource::new());
            let settled = filter.settled(resource_type);
            assert_eq!(settled.matches(&Resource::new()), as_it_is);
        }
    }
}

/// The path of an operation of a PATCH.
pub(crate) fn path(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else {
        return;
    };
    for op in ["add", "replace", "remove"] {
        let body = json!({"Operations": [{"op": op, "path": path, "value": "x"}]});
        if let Ok(patch) = PatchRequest::read(&body, &USER) {
            let _ = patch.apply(&Resource::new(), &USER);
        }
    }
}

/// The body of a PATCH of a user or a group.
pub(crate) fn patch(data: &[u8]) {
    let Ok(body) = resource::parse_json(data) else {
        return;
    };
    let emails = json!([{"value": "ana@corp.example", "type": "work", "primary": true}]);
    let ana = Resource::from_iter([
        ("userName".to_owned(), json!("ana")),
        ("emails".to_owned(), emails),
    ]);
    if let Ok(patch) = PatchRequest::read(&body, &USER)
        && let Ok(patched) = patch.apply(&ana, &USER)
    {
        // What a PATCH makes can be asked for and read again.
        let again = resource::read(&Value::Object(patched.clone()), &USER);
        assert!(again.is_ok(), "{patched:?}: {again:?}");
    }
    let _ = GroupPatch::read(&body);
}

/// The body of a POST or PUT of a user or a group.
pub(crate) fn user(data: &[u8]) {
    let Ok(body) = resource::parse_json(data) else {
        return;
    };
    let _ = resource::read(&body, &GROUP);
    let Ok(resource) = resource::read(&body, &USER) else {
        return;
    };
    let _ = resource::check_required(&resource, &USER);
    if let Ok(desired) = desired(&resource, UsernameFromEmail::LocalPart, None) {
        assert!(is_username(desired.text("username")), "{desired:?}");
        let _ = changes(&DirectoryUser::default(), &desired, Omitted::Clear);
    }
}

/// The query of a list.
pub(crate) fn query(data: &[u8]) {
    if let Ok(query) = std::str::from_utf8(data) {
        for resource_type in [&USER, &GROUP] {
            let _ = ListRequest::from_query(query, resource_type, Timestamp::UNIX_EPOCH);
        }
    }
}

/// The body of a search.
pub(crate) fn search(data: &[u8]) {
    if let Ok(body) = resource::parse_json(data) {
        let _ = ListRequest::from_search(&body, &USER, Timestamp::UNIX_EPOCH);
    }
}

/// The body of a bulk request.
pub(crate) fn bulk(data: &[u8]) {
    if let Ok(body) = resource::parse_json(data) {
        let _ = BulkRequest::read(&body);
    }
}

/// An event of API Gateway.
pub(crate) fn gateway(data: &[u8]) {
    if let Some(event) = read::<Event>(data)
        && let Ok(request) = event.into_request()
    {
        assert!(request.uri().path().starts_with('/'));
    }
}

/// The event of the function `sync`.
pub(crate) fn event(data: &[u8]) {
    if let Some(event) = read::<Value>(data) {
        let _ = sync::Request::from_event(&event, &[]);
    }
}

/// A person's record in Deel.
pub(crate) fn deel_person(data: &[u8]) {
    if let Some(person) = read::<deel::Person>(data) {
        let worker = deel::to_worker(&person, &zones(), Timestamp::UNIX_EPOCH);
        written(&worker, &Policy::deel());
    }
}

/// A person's record in Humaans, and what it refers to.
pub(crate) fn humaans_person(data: &[u8]) {
    let Some(records) = read::<Value>(data) else {
        return;
    };
    let one = |name: &str| records.get(name).cloned().unwrap_or_default();
    let Ok(person) = serde_json::from_value::<humaans::Person>(one("person")) else {
        return;
    };
    let roles = serde_json::from_value(one("role")).map(|role| vec![role]);
    let location = serde_json::from_value(one("location"));
    let company = serde_json::from_value(one("company"));
    let directory = humaans::Directory::new(
        roles.ok(),
        location.into_iter().collect(),
        company.into_iter().collect(),
    );
    let worker = humaans::to_worker(&person, &directory, &zones(), Timestamp::UNIX_EPOCH);
    written(&worker, &Policy::humaans());
}

/// A user of JumpCloud, as the sync and as SCIM read it.
pub(crate) fn jumpcloud_user(data: &[u8]) {
    if let Some(user) = read::<SystemUser>(data) {
        let _ = user.state();
    }
    if let Some(user) = read::<DirectoryUser>(data) {
        let view = View {
            user_name: None,
            external_id: None,
            modified_at: None,
            active: ActiveRule::Published,
        };
        let resource = to_resource(&user, &view);
        // What we answer, we read, but for a user without what JumpCloud asks of every user.
        if resource.contains_key("emails") && resource.contains_key("userName") {
            let again = resource::read(&Value::Object(resource.clone()), &USER);
            assert!(again.is_ok(), "{resource:?}: {again:?}");
        }
    }
}

/// What a worker makes JumpCloud hold.
fn written(worker: &Worker, policy: &Policy) {
    let (mut usernames, template) = (Usernames::default(), UsernameTemplate::default());
    if let Ok(name) = usernames.give(&template, worker) {
        let namesake = usernames.give(&template, worker).unwrap_or_default();
        assert!(is_username(&name), "{name}");
        assert!(is_username(&namesake) && namesake != name, "{namesake}");
    }
    if let Ok(desired) = desired_user(worker, &policy.attributes, None) {
        for change in diff(&desired, &SystemUser::default(), None) {
            let text = change.to.as_str().unwrap_or_default();
            assert!(text.chars().count() <= change.attribute.max_length());
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

/// Whether JumpCloud takes it as a username.
fn is_username(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(allowed)
}

fn read<T: DeserializeOwned>(data: &[u8]) -> Option<T> {
    serde_json::from_slice(data).ok()
}

fn zones() -> Zones {
    Zones {
        table: BTreeMap::new(),
        default: TimeZone::UTC,
    }
}

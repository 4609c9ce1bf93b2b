//! What came of everything, without ids and times: two histories that led to the same show the same picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sandbox::Sandbox;
use serde_json::{Map, Value, json};
use state::{Link, State};

/// Fields that differ between two users who are the same to everybody.
const INCIDENTAL: [&str; 5] = ["_id", "id", "created", "unix_uid", "unix_guid"];

/// Of what was last written to a user, what decides anything later: where HR always wins, comparing again says all.
const DECIDING: &str = "jobTitle";

/// Users, groups, mails and links, one line each, told by names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture(BTreeSet<String>);

impl Picture {
    /// What is there now.
    pub async fn of(sandbox: &Sandbox, state: &State) -> Self {
        let links = state.links().await.expect("the links are read");
        let names = Names::of(sandbox);
        let jumpcloud = sandbox.jumpcloud();
        let users = jumpcloud
            .users()
            .into_iter()
            .map(|user| ("user", incidental_left_out(user)));
        let groups = jumpcloud.groups().into_iter().map(|group| {
            let id = group["id"].as_str().unwrap_or_default().to_owned();
            let mut members = jumpcloud.members(&id);
            members.sort_by_key(|member| names.0.get(member).cloned());
            let group = json!({"group": incidental_left_out(group), "members": members});
            ("group", group)
        });
        let mut mails: BTreeMap<String, u32> = BTreeMap::new();
        for mail in jumpcloud.mails() {
            let mail = json!([mail.kind, mail.user_id, mail.address]);
            *mails.entry(mail.to_string()).or_default() += 1;
        }
        let mails = mails
            .into_iter()
            .map(|(mail, times)| ("mail", json!([mail, times])));
        let links = links.iter().map(|link| ("link", told(link)));
        let told = users.chain(groups).chain(mails).chain(links);
        Self(
            told.map(|(kind, value)| names.put_into(&format!("{kind} {value}")))
                .collect(),
        )
    }

    /// The same as others see it: without what rollcall remembers.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.0.retain(|line| !line.starts_with("link "));
        self
    }

    /// What the other picture has and this one has not, and the other way round; empty when they are the same.
    pub fn difference(&self, expected: &Self) -> String {
        let mut text = String::new();
        for (mark, ours, theirs) in [("-", expected, self), ("+", self, expected)] {
            for line in ours.0.difference(&theirs.0) {
                writeln!(text, "{mark} {line}").expect("text takes any line");
            }
        }
        text
    }
}

/// The names of users and groups by their ids.
struct Names(BTreeMap<String, String>);

impl Names {
    fn of(sandbox: &Sandbox) -> Self {
        let named = |object: &Value, id: &str, name: &str| {
            let text = |key| object[key].as_str().map(str::to_owned);
            Some((text(id)?, format!("<{}>", text(name)?)))
        };
        let users = sandbox.jumpcloud().users();
        let users = users
            .iter()
            .filter_map(|user| named(user, "_id", "username"));
        let groups = sandbox.jumpcloud().groups();
        let groups = groups.iter().filter_map(|group| named(group, "id", "name"));
        Self(users.chain(groups).collect())
    }

    fn put_into(&self, line: &str) -> String {
        let mut text = line.to_owned();
        for (id, name) in &self.0 {
            text = text.replace(id, name);
        }
        text
    }
}

/// What a link says beside its times.
fn told(link: &Link) -> Value {
    let mut written: Value = serde_json::from_str(&link.written).unwrap_or_default();
    let suspension = link.suspension.map(|suspension| {
        json!([
            suspension.class.to_string(),
            suspension.holds,
            suspension.was_staged,
            suspension.ahead_of.map(|day| day.to_string()),
        ])
    });
    json!({
        "person": format!("{}#{}", link.key.source, link.key.worker_id),
        "user": link.user_id.as_ref().map(ToString::to_string),
        "username": link.username,
        "email": link.email,
        "adopted": link.adopted,
        "written": written[DECIDING].take(),
        "suspension": suspension,
        "missing": link.missing.as_ref().map(|missing| missing.runs),
        "held": link.scim_hold.is_some(),
        "groups": link.groups.iter().map(|(id, name)| (id.to_string(), json!(name))).collect::<Map<_, _>>(),
        "pending": link.pending.is_some(),
    })
}

/// The same without what is nobody's to tell, at any depth.
fn incidental_left_out(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| !INCIDENTAL.contains(&name.as_str()))
            .map(|(name, value)| (name, incidental_left_out(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(rows) => rows.into_iter().map(incidental_left_out).collect(),
        other => other,
    }
}

//! Clients as they are: requests in the shapes that each is known to send, replayed one after the other.
//!
//! The shapes stand in `shapes/<client>.json`. `{name}` is what an earlier step saved under that name, `has` holds the
//! answer's values by JSON pointer (null: none), `stored` JumpCloud's own of the user `{id}`.

use std::collections::BTreeMap;

use e2e::World;
use serde::Deserialize;
use serde_json::Value;

use crate::world;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(rename = "step")]
    title: String,
    send: String,
    #[serde(default)]
    body: Value,
    status: Statuses,
    #[serde(default)]
    save: BTreeMap<String, String>,
    #[serde(default)]
    has: BTreeMap<String, Value>,
    #[serde(default)]
    stored: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Statuses {
    One(u16),
    Any(Vec<u16>),
}

impl Statuses {
    fn has(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Any(any) => any.contains(&status),
        }
    }
}

async fn replay(shapes: &str) {
    let world = world().await;
    let scim = world.scim();
    let steps: Vec<Step> = serde_json::from_str(shapes).expect("the shapes are readable");
    let mut saved = BTreeMap::new();
    for step in steps {
        let send = fill(&step.send, &saved);
        let (method, path) = send.split_once(' ').expect("a method and a path");
        let body = match &step.body {
            Value::Null => String::new(),
            body => fill(&body.to_string(), &saved),
        };
        let answer = scim.send(method, &path.replace('"', "%22"), body).await;
        let told = format!("{}: {} {:#}", step.title, answer.status, answer.body);
        assert!(step.status.has(answer.status), "{told}");
        for (name, pointer) in &step.save {
            saved.insert(name.clone(), answer.text(pointer).to_owned());
        }
        for (pointer, expected) in &step.has {
            let found = answer.body.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(*found, filled(expected, &saved), "{pointer} of {told}");
        }
        check_stored(&world, &step, &saved, &told);
    }
}

fn check_stored(world: &World, step: &Step, saved: &BTreeMap<String, String>, told: &str) {
    let users = world.jumpcloud().users();
    for (field, expected) in &step.stored {
        let user = users.iter().find(|user| user["_id"] == saved["id"]);
        let user = user.expect("JumpCloud has the user");
        assert_eq!(user[field], filled(expected, saved), "{field} after {told}");
    }
}

fn fill(text: &str, saved: &BTreeMap<String, String>) -> String {
    let fill = |text: String, (name, value): (&String, &String)| {
        text.replace(&format!("{{{name}}}"), value)
    };
    saved.iter().fold(text.to_owned(), fill)
}

fn filled(value: &Value, saved: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => fill(text, saved).into(),
        value => value.clone(),
    }
}

#[tokio::test]
async fn okta_is_understood() {
    replay(include_str!("shapes/okta.json")).await;
}

#[tokio::test]
async fn entra_id_is_understood() {
    replay(include_str!("shapes/entra.json")).await;
}

#[tokio::test]
async fn onelogin_is_understood() {
    replay(include_str!("shapes/onelogin.json")).await;
}

#[tokio::test]
async fn rippling_is_understood() {
    replay(include_str!("shapes/rippling.json")).await;
}

#[tokio::test]
async fn bamboohr_is_understood() {
    replay(include_str!("shapes/bamboohr.json")).await;
}

#[tokio::test]
async fn deel_is_understood() {
    replay(include_str!("shapes/deel.json")).await;
}

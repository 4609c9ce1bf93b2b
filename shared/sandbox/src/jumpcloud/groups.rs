//! User groups and their members (v2). Who belongs to an automated group is computed whenever somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::users::User;
use super::v2::{List, Part, no_content};
use super::{Directory, ORGANIZATION, Refusal, bad_request, json_body, json_object, known_id};
use crate::wire::{Answer, Call, object};

type Object = Map<String, Value>;

/// What a list of groups can be filtered by.
const FILTERABLE: [&str; 10] = [
    "name",
    "disabled",
    "type",
    "membershipMethod",
    "memberQueryErrorFlags",
    "suggestionCounts.add",
    "suggestionCounts.remove",
    "suggestionCounts.total",
    "attributes.sudo.enabled",
    "attributes.sudo.withoutPassword",
];

/// What a list of memberships can be filtered by here; JumpCloud also takes `object_id`.
const FILTERABLE_EDGES: [&str; 1] = ["type"];

/// Every group, by id.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    by_id: BTreeMap<String, Group>,
    created: u64,
}

#[derive(Debug, Clone)]
struct Group {
    /// The group as the API shows it.
    object: Object,
    /// Those who were put in by hand.
    members: BTreeSet<String>,
}

/// The body of `POST …/members`.
#[derive(Debug, Deserialize)]
struct MemberChange {
    op: Operation,
    #[serde(rename = "type")]
    kind: MemberKind,
    id: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Add,
    Remove,
}

/// The only kind of thing that a user group has as members.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MemberKind {
    User,
}

impl Group {
    /// The query that decides about the members; nothing when whoever writes them does.
    fn query(&self) -> Option<Filter> {
        let automated = self.object.get("membershipMethod")? == "DYNAMIC_AUTOMATED";
        let query = self.object.get("memberQuery")?;
        automated.then(|| Filter::from_member_query(query).ok())?
    }

    /// Whether the query leaves this user alone.
    fn exempts(&self, user_id: &str) -> bool {
        let exemptions = self.object.get("memberQueryExemptions");
        let exemptions = exemptions.and_then(Value::as_array);
        exemptions
            .into_iter()
            .flatten()
            .any(|exempted| exempted.get("id").and_then(Value::as_str) == Some(user_id))
    }

    fn has(&self, query: Option<&Filter>, user: &User) -> bool {
        let id = user.text("_id");
        match query {
            Some(query) if !self.exempts(id) => query.holds(&user.object),
            _ => self.members.contains(id),
        }
    }
}

impl Groups {
    pub(super) fn add(&mut self, fields: Object) -> String {
        self.created += 1;
        let id = format!("66c0ffee{:016x}", self.created);
        let mut object = template(&id);
        object.extend(fields);
        let members = BTreeSet::new();
        self.by_id.insert(id.clone(), Group { object, members });
        id
    }

    /// Every group as the API shows it.
    pub(super) fn show(&self) -> Vec<Value> {
        let objects = self.by_id.values().map(|group| group.object.clone());
        objects.map(Value::Object).collect()
    }

    /// Takes a user out of a group; returns whether they were put into it.
    pub(super) fn remove(&mut self, group_id: &str, user_id: &str) -> bool {
        let group = self.by_id.get_mut(group_id);
        group.is_some_and(|group| group.members.remove(user_id))
    }

    /// Takes a user out of every group.
    pub(super) fn forget(&mut self, user_id: &str) {
        for group in self.by_id.values_mut() {
            group.members.remove(user_id);
        }
    }

    /// The groups that a user belongs to.
    pub(super) fn of(&self, user: &User) -> Vec<&str> {
        let groups = self.by_id.iter();
        let own = groups.filter(|(_, group)| group.has(group.query().as_ref(), user));
        own.map(|(id, _)| id.as_str()).collect()
    }

    fn get(&self, id: &str) -> Result<&Group, Refusal> {
        self.by_id.get(known_id(id)?).ok_or(Refusal::NotFound)
    }

    fn get_mut(&mut self, id: &str) -> Result<&mut Group, Refusal> {
        self.by_id.get_mut(known_id(id)?).ok_or(Refusal::NotFound)
    }

    fn check_name(&self, fields: &Object, own_id: Option<&str>) -> Result<(), Refusal> {
        let mut others = self
            .by_id
            .iter()
            .filter(|(id, _)| Some(id.as_str()) != own_id);
        if others.any(|(_, group)| group.object.get("name") == fields.get("name")) {
            return Err(Refusal::Conflict("Already Exists"));
        }
        Ok(())
    }
}

impl Directory {
    pub(super) fn list_groups(&self, call: &Call) -> Result<Answer, Refusal> {
        let list = List::of(call, &self.rules, &FILTERABLE)?;
        let groups = self.groups.by_id.values();
        Ok(list.answer(groups.map(|group| group.object.clone())))
    }

    pub(super) fn create_group(&mut self, call: &Call) -> Result<Answer, Refusal> {
        let fields = writable(&json_object(call)?)?;
        self.groups.check_name(&fields, None)?;
        let id = self.groups.add(fields);
        let group = self.groups.get(&id)?;
        Ok(Answer::json(StatusCode::CREATED, &group.object))
    }

    pub(super) fn get_group(&self, id: &str) -> Result<Answer, Refusal> {
        Ok(Answer::ok(&self.groups.get(id)?.object))
    }

    /// A full update: what is left out is as in a new group.
    pub(super) fn update_group(&mut self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        self.groups.get(id)?;
        let fields = writable(&json_object(call)?)?;
        self.groups.check_name(&fields, Some(id))?;
        let group = self.groups.get_mut(id)?;
        group.object = template(id);
        group.object.extend(fields);
        Ok(Answer::ok(&group.object))
    }

    pub(super) fn delete_group(&mut self, id: &str) -> Result<Answer, Refusal> {
        self.groups.get(id)?;
        self.groups.by_id.remove(id);
        Ok(no_content())
    }

    /// The ids of a group's members.
    pub(super) fn members(&self, group_id: &str) -> Result<Vec<&str>, Refusal> {
        let group = self.groups.get(group_id)?;
        let query = group.query();
        let users = self.users.iter();
        let members = users.filter(|user| group.has(query.as_ref(), user));
        Ok(members.map(|user| user.text("_id")).collect())
    }

    /// The edges from a group to its members.
    pub(super) fn list_members(&self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let part = Part::of(call, &self.rules)?;
        let members = self.members(id)?.into_iter();
        Ok(part.answer(members.map(|user| edge("user", user)).collect()))
    }

    /// The members, and the ways that lead to them.
    pub(super) fn list_membership(&self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let list = List::of(call, &self.rules, &FILTERABLE_EDGES)?;
        let members = self.members(id)?.into_iter();
        Ok(list.answer(members.map(|user| reached("user", user))))
    }

    /// The groups of a user, and the ways that lead to them.
    pub(super) fn list_groups_of(&self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let list = List::of(call, &self.rules, &FILTERABLE_EDGES)?;
        let user = self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let groups = self.groups.of(user).into_iter();
        Ok(list.answer(groups.map(|group| reached("user_group", group))))
    }

    /// What becomes of a member who is put into an automated group by hand is not documented: it is refused here.
    pub(super) fn change_member(&mut self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let MemberChange {
            op,
            kind: MemberKind::User,
            id: user_id,
        } = json_body(call)?;
        let group = self.groups.get_mut(id)?;
        if self.users.get(known_id(&user_id)?).is_none() {
            return Err(Refusal::NotFound);
        }
        if group.query().is_some() && !group.exempts(&user_id) {
            return Err(bad_request("the members of this group are automated"));
        }
        let (changed, otherwise) = match op {
            Operation::Add => (
                group.members.insert(user_id),
                Refusal::Conflict("Already Exists"),
            ),
            Operation::Remove => (group.members.remove(&user_id), Refusal::NotFound),
        };
        if changed {
            Ok(no_content())
        } else {
            Err(otherwise)
        }
    }

    /// Puts a user into a group, whatever the rules say; returns whether there are both.
    pub(super) fn put_member(&mut self, group_id: &str, user_id: &str) -> bool {
        let group = self.groups.by_id.get_mut(group_id);
        match (group, self.users.get(user_id)) {
            (Some(group), Some(_)) => {
                group.members.insert(user_id.to_owned());
                true
            }
            _ => false,
        }
    }
}

/// The fields of a body that may be written; the others are ignored.
fn writable(body: &Object) -> Result<Object, Refusal> {
    let mut fields = Object::new();
    for (name, value) in body {
        let fits = match (name.as_str(), value) {
            ("name", Value::String(name)) => !name.trim().is_empty(),
            ("description" | "email", Value::String(_))
            | ("attributes", Value::Object(_) | Value::Null)
            | ("memberQuery", Value::Null)
            | ("memberQueryExemptions", Value::Array(_))
            | ("memberSuggestionsNotify", Value::Bool(_)) => true,
            ("memberQuery", query) => Filter::from_member_query(query).map(|_| true)?,
            ("membershipMethod", Value::String(method)) => matches!(
                method.as_str(),
                "NOTSET" | "STATIC" | "DYNAMIC_REVIEW_REQUIRED" | "DYNAMIC_AUTOMATED"
            ),
            (
                "name"
                | "description"
                | "email"
                | "attributes"
                | "memberQueryExemptions"
                | "memberSuggestionsNotify"
                | "membershipMethod",
                _,
            ) => false,
            _ => continue,
        };
        if !fits {
            return Err(bad_request(&format!("{name} has an invalid value")));
        }
        fields.insert(name.clone(), value.clone());
    }
    if fields.contains_key("name") {
        Ok(fields)
    } else {
        Err(bad_request("name is required"))
    }
}

/// A group of which nothing but the id is known.
fn template(id: &str) -> Object {
    object(json!({
        "id": id,
        "type": "user_group",
        "name": "",
        "description": "",
        "email": "",
        "attributes": null,
        "membershipMethod": "STATIC",
        "memberQuery": null,
        "memberQueryExemptions": [],
        "memberSuggestionsNotify": false,
        "suggestionCounts": {"add": 0, "remove": 0, "total": 0},
        "organizationObjectId": ORGANIZATION,
    }))
}

fn edge(kind: &str, id: &str) -> Value {
    json!({ "to": { "type": kind, "id": id, "attributes": null }, "attributes": null })
}

/// Something that one edge leads to.
fn reached(kind: &str, id: &str) -> Object {
    object(json!({
        "id": id,
        "type": kind,
        "compiledAttributes": null,
        "paths": [[edge(kind, id)]],
    }))
}

//! Watches JumpCloud between runs: whatever happened, every value is one that HR wants or wanted.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{MailKind, Sandbox};
use serde_json::Value;

/// Users by their usernames, which nobody's changes.
type Users = BTreeMap<String, Value>;

/// What the users were, and what they are to become.
pub(crate) struct Witness {
    before: Users,
    after: Users,
    invited_before: BTreeMap<String, usize>,
}

impl Witness {
    /// Of a sandbox in which everything was done.
    pub(crate) fn new(sandbox: &Sandbox, before: Vec<Value>) -> Self {
        Self {
            before: by_name(before),
            after: by_name(sandbox.jumpcloud().users()),
            invited_before: invitations(sandbox),
        }
    }

    /// What is wrong, if anything is: a user too many, a value that nobody asked for, a second invitation.
    pub(crate) fn check(&self, sandbox: &Sandbox) -> Result<(), String> {
        let users = sandbox.jumpcloud().users();
        let count = users.len();
        let users = by_name(users);
        if users.len() != count {
            return Err(format!("{count} users have {} names", users.len()));
        }
        let ids: BTreeMap<&str, &str> = users
            .iter()
            .map(|(name, user)| (text(user, "_id"), name.as_str()))
            .collect();
        for (name, user) in &users {
            let after = self.after.get(name);
            let after = after.ok_or_else(|| format!("nobody is to be called {name}"))?;
            match self.before.get(name) {
                Some(before) => self.between(name, user, before, after, &ids)?,
                None => new(name, user, after)?,
            }
        }
        if let Some(name) = self.before.keys().find(|name| !users.contains_key(*name)) {
            return Err(format!("{name} is gone"));
        }
        for (name, count) in invitations(sandbox) {
            if count > self.invited_before.get(&name).copied().unwrap_or_default() {
                return Err(format!("{name} was invited {count} times"));
            }
        }
        Ok(())
    }

    /// Each value is the one from before or the one from after.
    fn between(
        &self,
        name: &str,
        user: &Value,
        before: &Value,
        after: &Value,
        ids: &BTreeMap<&str, &str>,
    ) -> Result<(), String> {
        for (field, value) in user.as_object().into_iter().flatten() {
            let is = match field.as_str() {
                "attributes" => continue,
                "manager" => {
                    let manager = value.as_str().and_then(|id| ids.get(id)).copied();
                    let is = |user: &Value| manager == self.name_of(text(user, "manager"));
                    is(before) || is(after)
                }
                _ => *value == before[field] || *value == after[field],
            };
            if !is {
                let (before, after) = (&before[field], &after[field]);
                return Err(format!(
                    "{name} has {field} {value}, between {before} and {after}"
                ));
            }
        }
        Ok(())
    }

    fn name_of(&self, id: &str) -> Option<&str> {
        let mut users = self.after.iter();
        users
            .find(|(_, user)| text(user, "_id") == id)
            .map(|(name, _)| name.as_str())
    }
}

/// Somebody new waits, or is what they are to be.
fn new(name: &str, user: &Value, after: &Value) -> Result<(), String> {
    let states = BTreeSet::from(["STAGED", text(after, "state")]);
    for field in ["email", "employeeIdentifier", "alternateEmail"] {
        if user[field] != after[field] {
            return Err(format!("{name} has {field} {}", user[field]));
        }
    }
    match text(user, "state") {
        state if states.contains(state) => Ok(()),
        state => Err(format!("{name} is {state}")),
    }
}

fn by_name(users: Vec<Value>) -> Users {
    let named = users.into_iter();
    named
        .map(|user| (text(&user, "username").to_owned(), user))
        .collect()
}

fn text<'a>(user: &'a Value, field: &str) -> &'a str {
    user[field].as_str().unwrap_or_default()
}

/// How often each user was invited.
fn invitations(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let users = sandbox.jumpcloud();
    let mut invited = BTreeMap::new();
    for mail in users.mails() {
        if mail.kind == MailKind::Activation {
            let user = users.user(&mail.user_id).unwrap_or_default();
            let name = text(&user, "username").to_owned();
            *invited.entry(name).or_default() += 1;
        }
    }
    invited
}

//! The routes of users (v1): listed, made, changed, activated, suspended, deleted; and the mail that goes out with it.
//!
//! How users are stored stands in `users`, what may be written in `validation`.

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::query::Listing;
use super::users::User;
use super::{
    Directory, Mail, MailKind, Refusal, bad_request, json_object, known_id, query, set_state,
    users, validation,
};
use crate::wire::{Answer, Call};

impl Directory {
    pub(super) fn list(&mut self, listing: &Listing) -> Answer {
        let shuffle = self.rules.shuffles_unsorted_lists.then_some(&mut self.rng);
        let memberof = |id: &str| {
            (self.users.get(id)).map_or_else(|| json!([]), |user| json!(self.groups.of(user)))
        };
        let users = self.users.iter().map(|user| &user.object);
        let page = listing.page(users, shuffle, memberof);
        Answer::ok(&page)
    }

    pub(super) fn get(&self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let user = self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let fields = query::field_list(call.parameter("fields"), " ");
        Ok(Answer::ok(&query::project(&user.object, &fields)))
    }

    pub(super) fn create(&mut self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        let body = json_object(call)?;
        let password = validation::password(&body, call)?;
        let mut fields = validation::writable(&body, &Method::POST, &self.rules)?;
        for required in ["username", "email"] {
            if !fields.contains_key(required) {
                return Err(bad_request(&format!("{required} is required")));
            }
        }
        let state = validation::requested_state(&fields, None)?.unwrap_or(self.rules.default_state);
        set_state(&mut fields, state);
        self.check_against_others(&fields, None)?;
        let id = self.users.add(fields, now);
        if password {
            self.users.set_password(&id);
        }
        if state == "ACTIVATED" {
            // Not in the specification, but an active user without a password cannot begin without this mail.
            // The user is made by now: a refused address only means that no mail goes out.
            let _ = self.mail(&id, None, now);
        }
        self.show(&id)
    }

    pub(super) fn update(&mut self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let user = self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let body = json_object(call)?;
        let password = validation::password(&body, call)?;
        let mut fields = validation::writable(&body, &Method::PUT, &self.rules)?;
        if let Some(state) = validation::requested_state(&fields, Some(user.state()))? {
            set_state(&mut fields, state);
        }
        let username = fields.get("username");
        let renamed = username.is_some() && username != user.object.get("username");
        let in_group = self.rules.groups_bind_usernames && !self.groups.of(user).is_empty();
        if renamed && (user.bound || in_group) {
            return Err(bad_request(
                "The username cannot be modified because the user is bound to one or more resources.",
            ));
        }
        self.check_against_others(&fields, Some(id))?;
        self.users.edit(id, |object| object.extend(fields));
        if password {
            self.users.set_password(id);
        }
        self.show(id)
    }

    pub(super) fn delete(&mut self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let removed = self.remove(known_id(id)?).ok_or(Refusal::NotFound)?;
        if let Some(next) = call.parameter("cascade_manager") {
            let manager = match next {
                "null" => Value::Null,
                other => other.into(),
            };
            self.users.replace_manager(id, &manager);
        }
        Ok(Answer::ok(&removed.object))
    }

    /// Takes a user out, with all that hangs on them.
    pub(super) fn remove(&mut self, id: &str) -> Option<User> {
        self.schedule.forget(id);
        self.groups.forget(id);
        self.users.remove(id)
    }

    pub(super) fn activate(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let user = self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let state = user.state();
        if state != "STAGED" && !self.rules.activates_any_state {
            return Err(bad_request(&format!(
                "only a STAGED user can be activated, this one is {state}"
            )));
        }
        let body = json_object(call)?;
        match body.get("email") {
            Some(Value::Bool(false)) => {}
            None | Some(Value::Bool(true)) => self.mail(id, None, now)?,
            Some(Value::String(address)) => self.mail(id, Some(address), now)?,
            Some(_) => return Err(bad_request("email must be a boolean or an address")),
        }
        self.users.edit(id, |object| set_state(object, "ACTIVATED"));
        Ok(Answer::ok(&"OK"))
    }

    pub(super) fn suspend(&mut self, id: &str, call: &Call) -> Result<Answer, Refusal> {
        self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        if !call.body.is_empty() {
            return Err(bad_request("Request body must be empty"));
        }
        self.users.edit(id, |object| set_state(object, "SUSPENDED"));
        Ok(Answer::ok(&"OK"))
    }

    /// Until the user sets a new password.
    pub(super) fn expire_password(&mut self, id: &str) -> Result<Answer, Refusal> {
        self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let expired = |object: &mut Map<String, Value>| {
            object.insert("password_expired".to_owned(), true.into());
        };
        self.users.edit(id, expired);
        Ok(Answer::ok(&"OK"))
    }

    /// Only sends the activation mail again: it changes no state.
    pub(super) fn reactivate(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let user = self.users.get(known_id(id)?).ok_or(Refusal::NotFound)?;
        let body = json_object(call)?;
        let address = match body.get("email").and_then(Value::as_str) {
            Some(address) => address.to_owned(),
            None => user.text("email").to_owned(),
        };
        self.send(MailKind::Activation, id, address, now)?;
        Ok(Answer::ok(&"OK"))
    }

    /// The documented rule: Welcome goes to the primary address, Activation to the alternate one when there is one.
    pub(super) fn mail(
        &mut self,
        id: &str,
        to: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let user = self.users.get(id).ok_or(Refusal::NotFound)?;
        let (kind, default) = match (user.has_password, user.text("alternateEmail")) {
            (true, _) => (MailKind::Welcome, user.text("email")),
            (false, "") => (MailKind::Activation, user.text("email")),
            (false, alternate) => (MailKind::Activation, alternate),
        };
        let address = to.unwrap_or(default).to_owned();
        self.send(kind, id, address, now)
    }

    fn send(
        &mut self,
        kind: MailKind,
        user_id: &str,
        address: String,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if self.refused_mail.contains(&address) || !validation::is_email(&address) {
            return Err(bad_request(&format!("invalid email: {address}")));
        }
        let user_id = user_id.to_owned();
        self.mails.push(Mail {
            kind,
            user_id,
            address,
            at,
        });
        Ok(())
    }

    /// Uniqueness, and a manager that exists.
    fn check_against_others(
        &self,
        fields: &Map<String, Value>,
        own_id: Option<&str>,
    ) -> Result<(), Refusal> {
        for name in users::UNIQUE {
            let Some(value) = fields.get(name).and_then(Value::as_str) else {
                continue;
            };
            let owner = self.users.owner(name, value);
            let elsewhere = name == "email" && self.taken_elsewhere.contains(&value.to_lowercase());
            if elsewhere || owner.is_some_and(|owner| Some(owner) != own_id) {
                return Err(Refusal::Duplicate(format!("{name} already exists")));
            }
        }
        match fields.get("manager").and_then(Value::as_str) {
            Some(manager) if self.users.get(manager).is_none() => {
                Err(bad_request("manager is not an existing user"))
            }
            _ => Ok(()),
        }
    }

    fn show(&self, id: &str) -> Result<Answer, Refusal> {
        let user = self.users.get(id).ok_or(Refusal::NotFound)?;
        Ok(Answer::ok(&user.object))
    }
}

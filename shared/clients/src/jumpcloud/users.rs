//! Users (v1): read, looked up, created, changed, activated and deleted.
//!
//! The caller chooses the type of a row, since not everybody needs every field.

use mapping::{SystemUser, SystemUserId, Text};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::JumpCloud;
use super::pages::{PAGE, Page, Rows, Seen, incomplete, read_all, read_rows, twice};
use super::query::{Condition, UserQuery};
use crate::decode::{Misfit, decode, decode_owned};
use crate::error::ClientError;
use crate::http::Request;

const USERS: [&str; 2] = ["api", "systemusers"];

/// Where JumpCloud sends the mail of an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// To this address.
    To(String),
    /// Nowhere.
    None,
}

impl Invitation {
    fn body(&self) -> Value {
        match self {
            Self::To(address) => json!({ "email": address }),
            Self::None => json!({ "email": false }),
        }
    }
}

/// `{"totalCount": n, "results": […]}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    total_count: usize,
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

/// Of a user, only who it is.
#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "_id")]
    id: Text,
}

impl JumpCloud {
    /// All users, in the order of their ids; `progress` is told how many of how many are read.
    ///
    /// Complete or an error: a list that contradicts itself is read once more, because users may come and go between
    /// two pages.
    pub async fn users(
        &self,
        progress: impl Fn(usize, usize),
    ) -> Result<Vec<SystemUser>, ClientError> {
        twice(async || {
            let mut users = Vec::new();
            self.every_user(&progress, |user| users.push(user)).await?;
            Ok(users)
        })
        .await
    }

    /// Hands over every user in the order of their ids, page by page, so that they need not all be held at once;
    /// `progress` is told how many of how many are read.
    ///
    /// After an error, a list that contradicts itself among them, what was handed over is not everybody.
    pub async fn every_user<T: DeserializeOwned>(
        &self,
        progress: impl Fn(usize, usize),
        mut each: impl FnMut(T),
    ) -> Result<(), ClientError> {
        let page = |skip| self.page_of_all(skip, PAGE, "_id");
        read_all(
            Seen::Ascending(None),
            self.http.concurrency(),
            page,
            |users, read, total| {
                users.into_iter().for_each(&mut each);
                progress(read, total);
            },
        )
        .await
    }

    /// One page of the users that a query asks for.
    pub async fn users_page<T: DeserializeOwned>(
        &self,
        query: &UserQuery,
    ) -> Result<Rows<T>, ClientError> {
        let (sort, skip, limit) = (&query.sort, query.skip, query.limit());
        let page = if query.conditions.is_empty() {
            self.page_of_all(skip, limit, sort).await?
        } else {
            self.search(query.filter(), sort, skip, limit).await?
        };
        Ok(page.into())
    }

    /// One user, if there is such a user.
    pub async fn user(&self, id: &SystemUserId) -> Result<Option<SystemUser>, ClientError> {
        self.user_as(id).await
    }

    /// One user as a row of another type, if there is such a user.
    pub async fn user_as<T: DeserializeOwned>(
        &self,
        id: &SystemUserId,
    ) -> Result<Option<T>, ClientError> {
        self.http.find(&USERS, id.as_str()).await
    }

    /// The users of whom any of these fields has the given value. Usernames and e-mail addresses match in any case;
    /// an empty value matches nobody.
    pub async fn find<T: DeserializeOwned>(
        &self,
        any_of: &[(&str, &str)],
    ) -> Result<Vec<T>, ClientError> {
        let conditions: Vec<Value> = any_of
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(field, value)| Condition::look_up(field, value).on(field))
            .collect();
        if conditions.is_empty() {
            return Ok(Vec::new());
        }
        let filter = json!({ "or": conditions });
        let Rows { total, rows } = self.search(filter, "_id", 0, PAGE).await?.into();
        match total {
            Some(total) if total != rows.len() => Err(incomplete(format!(
                "a search found {total} users and returned {}",
                rows.len()
            ))),
            _ => Ok(rows),
        }
    }

    async fn page_of_all<T: DeserializeOwned>(
        &self,
        skip: usize,
        limit: usize,
        sort: &str,
    ) -> Result<Page<T>, ClientError> {
        let (limit, skip) = (limit.to_string(), skip.to_string());
        let query = [("limit", limit.as_str()), ("skip", &skip), ("sort", sort)];
        self.http
            .send(Request::get(&USERS, &query), read_page)
            .await
    }

    async fn search<T: DeserializeOwned>(
        &self,
        filter: Value,
        sort: &str,
        skip: usize,
        limit: usize,
    ) -> Result<Page<T>, ClientError> {
        let body = json!({ "filter": filter, "sort": sort, "limit": limit, "skip": skip });
        // The specification has these in the query, JumpCloud's own tools in the body.
        let (limit, skip) = (limit.to_string(), skip.to_string());
        let query = [("limit", limit.as_str()), ("skip", &skip)];
        let request = Request::post(&["api", "search", "systemusers"], body).with_query(&query);
        self.http.send(request, read_page).await
    }

    /// Makes a user. When the error [is in doubt](ClientError::is_in_doubt), look for the user before trying again.
    pub async fn create<T: DeserializeOwned>(
        &self,
        fields: &Map<String, Value>,
    ) -> Result<T, ClientError> {
        let request = Request::post_once(&USERS, Value::Object(fields.clone()));
        self.write(request.with_query(validation(fields))).await
    }

    /// Changes these fields of a user and leaves the others; lists are replaced whole.
    pub async fn update<T: DeserializeOwned>(
        &self,
        id: &SystemUserId,
        fields: &Map<String, Value>,
    ) -> Result<T, ClientError> {
        let path = ["api", "systemusers", id.as_str()];
        let request = Request::put(&path, Value::Object(fields.clone()));
        self.write(request.with_query(validation(fields))).await
    }

    async fn write<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, ClientError> {
        self.http.send(request, decode_owned).await
    }

    /// Deletes a user for good, and is content when there is none.
    pub async fn delete_user(&self, id: &SystemUserId) -> Result<(), ClientError> {
        self.http.delete(&["api", "systemusers", id.as_str()]).await
    }

    /// Activates a staged user.
    pub async fn activate(
        &self,
        id: &SystemUserId,
        invitation: &Invitation,
    ) -> Result<(), ClientError> {
        self.invite(
            &["api", "systemusers", id.as_str(), "state", "activate"],
            invitation,
        )
        .await
    }

    /// Sends the activation mail again.
    pub async fn invite_again(
        &self,
        id: &SystemUserId,
        invitation: &Invitation,
    ) -> Result<(), ClientError> {
        self.invite(
            &["api", "systemusers", id.as_str(), "reactivate"],
            invitation,
        )
        .await
    }

    /// Sent once, because it may send mail. The answer is a string, a user or nothing.
    async fn invite(&self, path: &[&str], invitation: &Invitation) -> Result<(), ClientError> {
        self.http
            .send(Request::post_once(path, invitation.body()), |_| Ok(()))
            .await
    }
}

/// Asks what exactly is wrong with a password, where one is sent; JumpCloud else says only that something is.
fn validation(fields: &Map<String, Value>) -> &'static [(&'static str, &'static str)] {
    if fields.contains_key("password") {
        &[("fullValidationDetails", "password")]
    } else {
        &[]
    }
}

fn read_page<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, Misfit> {
    let answer: Answer = decode(body)?;
    let users = read_rows(&answer.results, "user", "_id")?;
    let ids: Vec<Identity> = read_rows(&answer.results, "user", "_id")?;
    Ok(Page {
        total: Some(answer.total_count),
        rows: ids
            .into_iter()
            .map(|identity| identity.id)
            .zip(users)
            .collect(),
    })
}

#[cfg(test)]
mod tests;

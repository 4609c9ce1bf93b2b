//! User groups and their members (v2).
//!
//! Lists are bare arrays here, and their total stands in a header that not every answer has.

use mapping::{SystemUserId, Text, UserGroup, UserGroupId};
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::JumpCloud;
use super::pages::{PAGE, Page, Rows, read_rows};
use crate::decode::{Misfit, decode, decode_owned};
use crate::error::ClientError;
use crate::http::Request;

const GROUPS: [&str; 3] = ["api", "v2", "usergroups"];

/// What an update of a group may hold.
const WRITABLE: [&str; 8] = [
    "attributes",
    "description",
    "email",
    "memberQuery",
    "memberQueryExemptions",
    "memberSuggestionsNotify",
    "membershipMethod",
    "name",
];

/// One page of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupQuery {
    /// Only the group of exactly this name, case included. One with punctuation that a filter might take for its own
    /// is looked for in the whole list.
    pub name: Option<String>,
    /// Fields separated by commas, `-` before one for descending.
    pub sort: String,
    /// How many groups stand before the page.
    pub skip: usize,
    /// How many groups the page has at most: 1 to 100.
    pub limit: usize,
}

impl Default for GroupQuery {
    fn default() -> Self {
        Self {
            name: None,
            sort: "name".to_owned(),
            skip: 0,
            limit: PAGE,
        }
    }
}

/// `{"to": {"type": "user", "id": "…"}}`
#[derive(Deserialize)]
struct Membership {
    to: Member,
}

#[derive(Deserialize)]
struct Member {
    id: SystemUserId,
}

/// `{"id": "…", "type": "user_group", "paths": [[…]]}`
#[derive(Deserialize)]
struct MemberOf {
    id: UserGroupId,
    #[serde(default)]
    paths: Vec<Vec<serde::de::IgnoredAny>>,
}

impl MemberOf {
    /// Whether the user is a member itself; a longer path leads through another group.
    fn is_direct(&self) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|path| path.len() <= 1)
    }
}

impl JumpCloud {
    /// One page of the groups that a query asks for.
    pub async fn groups_page(&self, query: &GroupQuery) -> Result<Rows<UserGroup>, ClientError> {
        let Some(name) = &query.name else {
            let page = self.groups_at(query.skip, query.limit, &query.sort, None);
            return Ok(page.await?.into());
        };
        let mut named = if is_plain(name) {
            let filter = format!("name:eq:{name}");
            let page = self.groups_at(0, PAGE, "name", Some(&filter));
            Rows::from(page.await?).rows
        } else {
            self.every_group().await?
        };
        named.retain(|group| group.name == *name);
        Ok(Rows {
            total: Some(named.len()),
            rows: named
                .into_iter()
                .skip(query.skip)
                .take(query.limit)
                .collect(),
        })
    }

    /// All groups by name: complete or an error.
    pub async fn every_group(&self) -> Result<Vec<UserGroup>, ClientError> {
        self.whole(|skip| self.groups_at(skip, PAGE, "name", None))
            .await
    }

    /// One group, if there is such a group.
    pub async fn group(&self, id: &UserGroupId) -> Result<Option<UserGroup>, ClientError> {
        self.http.find(&GROUPS, id.as_str()).await
    }

    /// Makes a group. When the error [is in doubt](ClientError::is_in_doubt), look for its name before trying again.
    pub async fn create_group(
        &self,
        fields: &Map<String, Value>,
    ) -> Result<UserGroup, ClientError> {
        let request = Request::post_once(&GROUPS, Value::Object(fields.clone()));
        self.http.send(request, decode_owned).await
    }

    /// Changes these fields of a group and leaves the others, its member query among them: JumpCloud replaces all of
    /// them, so what is there is read first.
    pub async fn update_group(
        &self,
        id: &UserGroupId,
        fields: &Map<String, Value>,
    ) -> Result<UserGroup, ClientError> {
        let path = ["api", "v2", "usergroups", id.as_str()];
        let mut group: Map<String, Value> = self
            .http
            .send(Request::get(&path, &[]), decode_owned)
            .await?;
        group.retain(|name, value| WRITABLE.contains(&name.as_str()) && !value.is_null());
        group.extend(fields.clone());
        let request = Request::put(&path, Value::Object(group));
        self.http.send(request, decode_owned).await
    }

    /// Deletes a group, and is content when there is none.
    pub async fn delete_group(&self, id: &UserGroupId) -> Result<(), ClientError> {
        self.http
            .delete(&["api", "v2", "usergroups", id.as_str()])
            .await
    }

    /// One page of a group's direct members; of 1 to 100.
    pub async fn members_page(
        &self,
        id: &UserGroupId,
        skip: usize,
        limit: usize,
    ) -> Result<Rows<SystemUserId>, ClientError> {
        Ok(self.members_at(id, skip, limit).await?.into())
    }

    /// All direct members of a group: complete or an error.
    pub async fn members(&self, id: &UserGroupId) -> Result<Vec<SystemUserId>, ClientError> {
        self.whole(|skip| self.members_at(id, skip, PAGE)).await
    }

    /// Makes a user a member of a group, and is content when the user is one already.
    pub async fn add_member(
        &self,
        group: &UserGroupId,
        user: &SystemUserId,
    ) -> Result<(), ClientError> {
        match self.change_member("add", group, user).await {
            Err(error) if error.is_conflict() => Ok(()),
            outcome => outcome,
        }
    }

    /// Takes a user out of a group, and is content when the user is no member, or there is no such group.
    pub async fn remove_member(
        &self,
        group: &UserGroupId,
        user: &SystemUserId,
    ) -> Result<(), ClientError> {
        match self.change_member("remove", group, user).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    }

    /// The groups that a user is a direct member of: complete or an error.
    pub async fn groups_of(&self, user: &SystemUserId) -> Result<Vec<UserGroupId>, ClientError> {
        let path = ["api", "v2", "users", user.as_str(), "memberof"];
        let id = |row: &MemberOf| row.id.0.clone();
        let rows = self
            .whole(|skip| self.list(&path, skip, PAGE, &[], "membership", id))
            .await?;
        let direct = rows.into_iter().filter(MemberOf::is_direct);
        Ok(direct.map(|row| row.id).collect())
    }

    async fn groups_at(
        &self,
        skip: usize,
        limit: usize,
        sort: &str,
        filter: Option<&str>,
    ) -> Result<Page<UserGroup>, ClientError> {
        let filter = filter.map(|filter| ("filter", filter));
        let further: Vec<_> = [("sort", sort)].into_iter().chain(filter).collect();
        let id = |group: &UserGroup| group.id.0.clone();
        self.list(&GROUPS, skip, limit, &further, "group", id).await
    }

    async fn members_at(
        &self,
        group: &UserGroupId,
        skip: usize,
        limit: usize,
    ) -> Result<Page<SystemUserId>, ClientError> {
        let path = ["api", "v2", "usergroups", group.as_str(), "members"];
        let id = |membership: &Membership| membership.to.id.0.clone();
        let Page { total, rows } = self.list(&path, skip, limit, &[], "member", id).await?;
        let users = rows.into_iter().map(|(id, row)| (id, row.to.id));
        Ok(Page {
            total,
            rows: users.collect(),
        })
    }

    async fn change_member(
        &self,
        operation: &str,
        group: &UserGroupId,
        user: &SystemUserId,
    ) -> Result<(), ClientError> {
        let path = ["api", "v2", "usergroups", group.as_str(), "members"];
        let body = json!({ "op": operation, "type": "user", "id": user });
        self.http.send(Request::post(&path, body), |_| Ok(())).await
    }

    /// One page of a list of v2. `kind` is what a row is called, `id` tells it from the others.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        skip: usize,
        limit: usize,
        further: &[(&str, &str)],
        kind: &str,
        id: impl Fn(&T) -> Text,
    ) -> Result<Page<T>, ClientError> {
        let (limit, skip) = (limit.clamp(1, PAGE).to_string(), skip.to_string());
        let paging = [("limit", limit.as_str()), ("skip", &skip)];
        let query = [&paging, further].concat();
        let read = |headers: &HeaderMap, body: &[u8]| {
            let rows: Vec<&RawValue> = decode(body)?;
            let rows: Vec<T> = read_rows(&rows, kind, "id")?;
            Ok::<_, Misfit>(Page {
                total: total(headers),
                rows: rows.into_iter().map(|row| (id(&row), row)).collect(),
            })
        };
        self.http
            .send_reading_headers(Request::get(path, &query), read)
            .await
    }
}

fn total(headers: &HeaderMap) -> Option<usize> {
    headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}

/// Whether a filter takes this text as it is: it knows wild cards and separators, and no way to escape them.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || " -_.".contains(c))
}

#[cfg(test)]
mod tests;

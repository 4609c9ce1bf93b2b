//! Humaans' REST API, as much of it as rollcall needs: people, and what their records refer to.
//!
//! What the records mean is `mapping`'s business. Where Humaans' behaviour is not documented, every answer that is
//! plausible is understood.

use std::collections::BTreeSet;

use mapping::humaans::{Company, CustomField, CustomValue, Directory, JobRole, Location, Person};
use mapping::{Text, Warning, WorkerId, unknown_custom_fields};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::decode::{Listing, Misfit, decode, decode_owned, decode_row};
use crate::error::{ClientError, chain};
use crate::http::{Http, KeyHeader, Options, Request, Vendor};
use crate::key::KeySource;
use crate::reading::{List, Page};
use crate::retry::Retry;

const VENDOR: Vendor = Vendor {
    name: "Humaans",
    hosts: &["app.humaans.io"],
    key_header: KeyHeader::Bearer,
};

/// The most that Humaans gives at once, as far as is known.
const PAGE: usize = 250;

/// The scope without which new hires are hidden until their first day, and everybody who left.
const SEES_ALL: &str = "private:read";

/// Humaans' people. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct Humaans {
    http: Http,
}

/// People, and what their records refer to.
#[derive(Debug)]
pub struct Staff {
    /// The people, without samples. Incomplete also when what they refer to could not be read whole.
    pub people: Listing<Person>,
    /// Roles, locations, companies and custom fields, as far as they could be read whole.
    pub directory: Directory,
    /// What somebody should look at and that stops nothing.
    pub warnings: Vec<Warning>,
}

/// `{"total": n, "limit": n, "skip": n, "data": [row, …]}`
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    total: Option<usize>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct TokenInfo {
    scopes: Vec<Text>,
}

impl Humaans {
    /// How it is reached unless told otherwise. The base URL is what stands before `/api`.
    pub fn options() -> Options {
        Options {
            base_url: "https://app.humaans.io".to_owned(),
            // Humaans publishes no limit: two a second, one at a time, is what nobody complained of.
            requests_per_second: 2,
            concurrency: 1,
            allowed_hosts: Vec::new(),
            retry: Retry::default(),
        }
    }

    /// A client without a deadline; nothing is sent yet.
    pub fn new(options: Options, key: KeySource) -> Result<Self, ClientError> {
        let http = Http::new(VENDOR, &[], options, key)?;
        Ok(Self { http })
    }

    /// A handle for one run over the same connections and at the same rate, with its own deadline and count of
    /// calls; a key that an earlier run found refused is tried again.
    #[must_use]
    pub fn begin(&self, deadline: Instant) -> Self {
        Self {
            http: self.http.begin(deadline),
        }
    }

    /// How many attempts this run has sent.
    pub fn calls(&self) -> u64 {
        self.http.calls()
    }

    /// All people, as far as they can be read, with those of their custom fields that are `wanted`; `progress` is told
    /// how many of how many are read.
    ///
    /// Where the pages of a list contradict each other, it is read once more. Errors are for what no further page can
    /// mend: the key, its right to read people, and the deadline.
    pub async fn people(
        &self,
        wanted: &BTreeSet<Text>,
        progress: impl Fn(usize, usize),
    ) -> Result<Staff, ClientError> {
        let mut gaps = Vec::new();
        gaps.extend(self.blindness().await?);
        let query = [("status", "all")];
        let list = self.list(|person: &Person| person.id.0.clone());
        let mut people = list
            .read(|skip| self.page("people", &query, skip), progress)
            .await?;
        people.rows.retain(|person| !person.is_demo());
        gaps.extend(people.incomplete.take());
        self.staff(people, None, wanted, gaps).await
    }

    /// Those of these people whom Humaans knows, as [`people`](Self::people) has them; an id that is none of Humaans' is
    /// nobody's.
    pub async fn some(
        &self,
        ids: impl IntoIterator<Item = &WorkerId>,
        wanted: &BTreeSet<Text>,
    ) -> Result<Staff, ClientError> {
        let mut rows = Vec::new();
        for id in ids {
            match self.person(id).await {
                Err(error) if error.is_bad_request() => {}
                read => rows.extend(read?),
            }
        }
        let people = Listing {
            rows,
            unreadable: Vec::new(),
            incomplete: None,
        };
        if people.rows.is_empty() {
            return Ok(Staff {
                people,
                directory: Directory::default(),
                warnings: Vec::new(),
            });
        }
        let known: Vec<WorkerId> = people.rows.iter().map(|person| person.id.clone()).collect();
        self.staff(people, Some(&known), wanted, Vec::new()).await
    }

    /// One person, if Humaans knows such a person and may tell.
    pub async fn person(&self, id: &WorkerId) -> Result<Option<Person>, ClientError> {
        let found: Option<Person> = self.http.find(&["api", "people"], id.as_str()).await?;
        Ok(found.filter(|person| !person.is_demo()))
    }

    /// Why this token does not see everybody; `None` when it does.
    async fn blindness(&self) -> Result<Option<String>, ClientError> {
        let request = Request::get(&["api", "token-info"], &[]);
        let info: Result<TokenInfo, ClientError> = self.http.send(request, decode_owned).await;
        match info {
            Ok(info) if info.scopes.iter().any(|scope| scope == SEES_ALL) => Ok(None),
            Ok(_) => Ok(Some(format!(
                "the token lacks the scope `{SEES_ALL}`, without which Humaans hides new hires and people who left: make one with `public:read` and `{SEES_ALL}`"
            ))),
            Err(error) if is_final(&error) => Err(error),
            Err(error) => Ok(Some(format!(
                "it is not known whether the token has the scope `{SEES_ALL}`: {}",
                chain(&error)
            ))),
        }
    }

    /// People with what they refer to; of roles and custom values, only those of `people` where these are named.
    async fn staff(
        &self,
        mut people: Listing<Person>,
        ids: Option<&[WorkerId]>,
        wanted: &BTreeSet<Text>,
        mut gaps: Vec<String>,
    ) -> Result<Staff, ClientError> {
        let (roles, gap) = self
            .of_people("job-roles", ids, |role: &JobRole| role.id.clone())
            .await?;
        // Part of somebody's history would make an old role the current one.
        let roles = gap.is_none().then_some(roles);
        gaps.extend(gap);
        let (locations, gap) = self
            .whole("locations", &[], |location: &Location| location.id.clone())
            .await?;
        let lacks_locations = gap.is_some();
        gaps.extend(gap);
        let (companies, gap) = self
            .whole("companies", &[], |company: &Company| company.id.clone())
            .await?;
        gaps.extend(gap);
        let directory =
            Directory::new(roles, locations, companies).lacking_locations(lacks_locations);
        let (directory, warnings) = self.with_custom_fields(directory, ids, wanted).await?;
        people.incomplete = (!gaps.is_empty()).then(|| gaps.join("; "));
        Ok(Staff {
            people,
            directory,
            warnings,
        })
    }

    /// Adds custom fields where a rule names any. That they cannot be read says nothing about who is there.
    async fn with_custom_fields(
        &self,
        directory: Directory,
        ids: Option<&[WorkerId]>,
        wanted: &BTreeSet<Text>,
    ) -> Result<(Directory, Vec<Warning>), ClientError> {
        if wanted.is_empty() {
            return Ok((directory, Vec::new()));
        }
        let (fields, fields_gap) = self
            .whole("custom-fields", &[], |field: &CustomField| field.id.clone())
            .await?;
        let (values, values_gap) = self
            .of_people("custom-values", ids, |value: &CustomValue| {
                format!("{}/{}", value.person_id, value.custom_field_id).into()
            })
            .await?;
        if let Some(gap) = fields_gap.or(values_gap) {
            let message =
                format!("custom fields were not read whole and are left as they are: {gap}");
            return Ok((
                directory,
                vec![Warning::new("custom_fields_unread", message)],
            ));
        }
        let names = fields.iter().filter_map(|field| field.name.as_deref());
        let warnings = unknown_custom_fields(wanted, names);
        Ok((
            directory.with_custom_fields(&fields, values, wanted),
            warnings,
        ))
    }

    /// A list of what belongs to people: to all of them, or to those who are named.
    async fn of_people<T: DeserializeOwned>(
        &self,
        name: &str,
        ids: Option<&[WorkerId]>,
        id: fn(&T) -> Text,
    ) -> Result<(Vec<T>, Option<String>), ClientError> {
        let Some(ids) = ids else {
            return self.whole(name, &[], id).await;
        };
        let mut all = Vec::new();
        let mut gaps = None;
        for person in ids {
            let (rows, gap) = self
                .whole(name, &[("personId", person.as_str())], id)
                .await?;
            all.extend(rows);
            gaps = gaps.or(gap);
        }
        Ok((all, gaps))
    }

    /// A list, and why it is not whole.
    async fn whole<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &[(&str, &str)],
        id: fn(&T) -> Text,
    ) -> Result<(Vec<T>, Option<String>), ClientError> {
        let read = self
            .list(id)
            .read(|skip| self.page(name, query, skip), |_, _| {})
            .await;
        match read {
            Ok(listing) => {
                let gap = listing.incomplete.map(|why| format!("`{name}`: {why}"));
                Ok((listing.rows, gap))
            }
            Err(error) if is_final(&error) => Err(error),
            Err(error) => Ok((
                Vec::new(),
                Some(format!("`{name}` may not be read: {}", chain(&error))),
            )),
        }
    }

    fn list<T>(&self, id: fn(&T) -> Text) -> List<T> {
        List {
            id,
            total: "total",
            at_once: self.http.concurrency(),
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &[(&str, &str)],
        skip: usize,
    ) -> Result<Page<T>, ClientError> {
        let (limit, skip) = (PAGE.to_string(), skip.to_string());
        let window = [("$limit", limit.as_str()), ("$skip", &skip)];
        let query = [query, &window].concat();
        self.http
            .send(Request::get(&["api", name], &query), read_page)
            .await
    }
}

/// Nothing more can be read after this: all but the want of a right to one list.
fn is_final(error: &ClientError) -> bool {
    error.is_unauthorized() || error.is_deadline() || matches!(error, ClientError::Key { .. })
}

fn read_page<T: DeserializeOwned>(body: &[u8]) -> Result<Page<T>, Misfit> {
    let answer: Answer = decode(body)?;
    let rows = answer.data.into_iter();
    Ok(Page {
        total: answer.total,
        limit: answer.limit.unwrap_or(PAGE),
        rows: rows.map(|row| decode_row(row, "id")).collect(),
    })
}

#[cfg(test)]
mod tests;

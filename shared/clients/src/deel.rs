//! Deel's REST API, as much of it as rollcall needs: people.
//!
//! What a person's record means is `mapping`'s business.

use futures_util::future::try_join_all;
use mapping::WorkerId;
use mapping::deel::{Person, Personal};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::decode::{Listing, Misfit, decode, decode_row};
use crate::error::ClientError;
use crate::http::{Http, KeyHeader, Options, Request, Vendor};
use crate::key::KeySource;
use crate::reading::{List, Page};
use crate::retry::Retry;

const VENDOR: Vendor = Vendor {
    name: "Deel",
    hosts: &["api.letsdeel.com", "api-sandbox.demo.deel.com"],
    key_header: KeyHeader::Bearer,
};

/// Accepted whether the maximum is 100, as an older page of Deel's says, or 200.
const PAGE: usize = 100;

/// Deel's people. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct Deel {
    http: Http,
}

/// `{"data": [person, …], "page": {"total_rows": n}}`; older answers have no `page`.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    page: Option<PageInfo>,
}

#[derive(Deserialize)]
struct PageInfo {
    total_rows: usize,
}

/// `{"data": person}`
#[derive(Deserialize)]
struct One<T> {
    data: T,
}

impl Deel {
    /// How it is reached unless told otherwise. The base URL is what stands before `/rest/v2`.
    pub fn options() -> Options {
        Options {
            base_url: "https://api.letsdeel.com".to_owned(),
            // Deel allows five, all tokens of an organisation together.
            requests_per_second: 5,
            // Keeps up the rate as long as Deel answers within two seconds.
            concurrency: 10,
            allowed_hosts: Vec::new(),
            retry: Retry::default(),
        }
    }

    /// A client without a deadline; nothing is sent yet.
    pub fn new(options: Options, key: KeySource) -> Result<Self, ClientError> {
        let http = Http::new(VENDOR, &[("x-version", "2026-01-01")], options, key)?;
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

    /// All people, as far as they can be read; `progress` is told how many of how many are read (as many as are
    /// read where Deel does not say).
    ///
    /// Where the pages contradict each other, somebody joined, left or was merged between two of them, and the list
    /// is read once more. Errors are for what no further page can mend: the key, its rights, and the deadline.
    pub async fn people(
        &self,
        progress: impl Fn(usize, usize),
    ) -> Result<Listing<Person>, ClientError> {
        let people = List {
            id: |person: &Person| person.id.0.clone(),
            total: "total_rows",
            at_once: self.http.concurrency(),
        };
        people.read(|offset| self.page(offset), progress).await
    }

    async fn page(&self, offset: usize) -> Result<Page<Person>, ClientError> {
        let (offset, limit) = (offset.to_string(), PAGE.to_string());
        let query = [
            ("offset", offset.as_str()),
            ("limit", &limit),
            ("sort_by", "id"),
            ("sort_order", "asc"),
        ];
        self.http
            .send(Request::get(&["rest", "v2", "people"], &query), read_page)
            .await
    }

    /// One person, if Deel knows such a person.
    pub async fn person(&self, id: &WorkerId) -> Result<Option<Person>, ClientError> {
        self.one(&["rest", "v2", "people", id.as_str()], &[]).await
    }

    /// Those of these people whom Deel knows; an id that is none of Deel's is nobody's.
    pub async fn some(
        &self,
        ids: impl IntoIterator<Item = &WorkerId>,
    ) -> Result<Listing<Person>, ClientError> {
        let reads = ids.into_iter().map(async |id| match self.person(id).await {
            Err(error) if error.is_bad_request() => Ok(None),
            read => read,
        });
        Ok(Listing {
            rows: try_join_all(reads).await?.into_iter().flatten().collect(),
            unreadable: Vec::new(),
            incomplete: None,
        })
    }

    /// One person with their custom fields, if Deel knows such a person.
    pub async fn person_with_custom_fields(
        &self,
        id: &WorkerId,
    ) -> Result<Option<Person>, ClientError> {
        let query = [("include_custom_fields", "true")];
        self.one(&["rest", "v2", "people", id.as_str()], &query)
            .await
    }

    /// What Deel keeps apart from the person, if Deel knows such a person.
    pub async fn personal(&self, id: &WorkerId) -> Result<Option<Personal>, ClientError> {
        self.one(&["rest", "v2", "people", id.as_str(), "personal"], &[])
            .await
    }

    /// How many requests may be in flight at once.
    pub fn concurrency(&self) -> usize {
        self.http.concurrency()
    }

    async fn one<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ClientError> {
        let found: Option<One<T>> = self.http.find_by(Request::get(path, query)).await?;
        Ok(found.map(|One { data }| data))
    }
}

fn read_page(body: &[u8]) -> Result<Page<Person>, Misfit> {
    let answer: Answer = decode(body)?;
    let rows = answer.data.into_iter();
    Ok(Page {
        total: answer.page.map(|page| page.total_rows),
        limit: PAGE,
        rows: rows.map(|row| decode_row(row, "id")).collect(),
    })
}

#[cfg(test)]
mod tests;

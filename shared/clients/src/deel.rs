//! Deel's REST API, as much of it as rollcall needs: people.
//!
//! What a person's record means is `mapping`'s business.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use mapping::WorkerId;
use mapping::deel::Person;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::decode::{Listing, Misfit, Unreadable, decode, decode_row};
use crate::error::{ClientError, chain};
use crate::http::{Http, KeyHeader, Request, Settings, Vendor};
use crate::key::KeySource;
use crate::retry::Retry;

/// Accepted whether the maximum is 100, as an older page of Deel's says, or 200.
const PAGE: usize = 100;

/// A read that has lost this many pages is not worth the time that the others would take to fail.
const LOST_PAGES: usize = 3;

/// How Deel is reached.
#[derive(Debug, Clone)]
pub struct DeelOptions {
    /// What stands before `/rest/v2`.
    pub base_url: String,
    /// Requests a second, evenly paced. Deel allows five, all tokens of an organisation together.
    pub requests_per_second: u32,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Hosts besides Deel's own that may be given the key.
    pub allowed_hosts: Vec<String>,
    /// Attempts, waits and time-outs.
    pub retry: Retry,
}

impl Default for DeelOptions {
    fn default() -> Self {
        Self {
            base_url: "https://api.letsdeel.com".to_owned(),
            requests_per_second: 5,
            // Keeps up the rate as long as Deel answers within two seconds.
            concurrency: 10,
            allowed_hosts: Vec::new(),
            retry: Retry::default(),
        }
    }
}

/// Deel's people. Clones share connections, rate and run.
#[derive(Debug, Clone)]
pub struct Deel {
    http: Http,
    concurrency: usize,
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
struct One {
    data: Person,
}

/// A page of people, each readable or not.
struct Page {
    total: Option<usize>,
    people: Vec<Result<Person, Unreadable>>,
}

impl Page {
    fn is_full(&self) -> bool {
        self.people.len() >= PAGE
    }
}

impl Deel {
    /// A client without a deadline; nothing is sent yet.
    pub fn new(options: DeelOptions, key: KeySource) -> Result<Self, ClientError> {
        let vendor = Vendor {
            name: "Deel",
            hosts: &["api.letsdeel.com", "api-sandbox.demo.deel.com"],
            key_header: KeyHeader::Bearer,
        };
        let settings = Settings {
            base_url: &options.base_url,
            allowed_hosts: &options.allowed_hosts,
            headers: vec![("x-version", "2026-01-01")],
            requests_per_second: options.requests_per_second,
            concurrency: options.concurrency,
            retry: options.retry,
        };
        let http = Http::new(vendor, settings, key)?;
        Ok(Self {
            http,
            concurrency: options.concurrency.max(1),
        })
    }

    /// A handle for one run over the same connections and at the same rate, with its own deadline and count of
    /// calls; a key that an earlier run found refused is tried again.
    #[must_use]
    pub fn begin(&self, deadline: Instant) -> Self {
        Self {
            http: self.http.begin(deadline),
            concurrency: self.concurrency,
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
        let mut reading = self.read_people(&progress).await?;
        if !reading.contradictions().is_empty() {
            drop(reading);
            reading = self.read_people(&progress).await?;
        }
        Ok(reading.into_listing())
    }

    async fn read_people(&self, progress: &impl Fn(usize, usize)) -> Result<Reading, ClientError> {
        let first = self.page(0).await;
        let total = first.as_ref().ok().and_then(|page| page.total);
        let is_full = first.as_ref().is_ok_and(Page::is_full);
        let mut reading = Reading {
            total,
            ..Reading::default()
        };
        reading.take(0, first)?;
        progress(reading.count(), total.unwrap_or(reading.count()));
        match total {
            Some(total) => self.read_rest(&mut reading, total, progress).await?,
            None if is_full => self.read_to_the_end(&mut reading, progress).await?,
            None => {}
        }
        Ok(reading)
    }

    /// The pages behind the first one, several at once.
    async fn read_rest(
        &self,
        reading: &mut Reading,
        total: usize,
        progress: &impl Fn(usize, usize),
    ) -> Result<(), ClientError> {
        let mut pages = stream::iter((PAGE..total).step_by(PAGE))
            .map(|offset| async move { (offset, self.page(offset).await) })
            .buffered(self.concurrency);
        while let Some((offset, page)) = pages.next().await {
            reading.take(offset, page)?;
            progress(reading.count(), total);
            if reading.is_hopeless() {
                break;
            }
        }
        Ok(())
    }

    /// The pages behind the first one, one after another: only a short page tells where the list ends.
    async fn read_to_the_end(
        &self,
        reading: &mut Reading,
        progress: &impl Fn(usize, usize),
    ) -> Result<(), ClientError> {
        for offset in (PAGE..).step_by(PAGE) {
            let before = reading.count();
            let page = self.page(offset).await;
            let is_full = page.as_ref().is_ok_and(Page::is_full);
            reading.take(offset, page)?;
            progress(reading.count(), reading.count());
            // A page without anybody new would be followed by more of its kind.
            if !is_full || reading.count() == before {
                break;
            }
        }
        Ok(())
    }

    async fn page(&self, offset: usize) -> Result<Page, ClientError> {
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
        let found: Option<One> = self
            .http
            .find(&["rest", "v2", "people"], id.as_str())
            .await?;
        Ok(found.map(|One { data }| data))
    }
}

fn read_page(body: &[u8]) -> Result<Page, Misfit> {
    let answer: Answer = decode(body)?;
    Ok(Page {
        total: answer.page.map(|page| page.total_rows),
        people: answer
            .data
            .into_iter()
            .map(|row| decode_row(row, "id"))
            .collect(),
    })
}

/// No further page can mend these.
fn ends_the_read(error: &ClientError) -> bool {
    let no_key = error.is_unauthorized() || matches!(error, ClientError::Key { .. });
    no_key || error.is_forbidden() || error.is_deadline()
}

/// One pass over the list: what was read, and what speaks against its being all.
#[derive(Default)]
struct Reading {
    rows: Vec<Person>,
    ids: BTreeSet<WorkerId>,
    unreadable: Vec<Unreadable>,
    /// `total_rows` of the first page.
    total: Option<usize>,
    /// `total_rows` of another page that disagrees.
    other_total: Option<usize>,
    repeated: usize,
    lost: Vec<String>,
}

impl Reading {
    /// Adds a page, or notes that it is lost; the error is for what loses all others too.
    fn take(&mut self, offset: usize, page: Result<Page, ClientError>) -> Result<(), ClientError> {
        match page {
            Ok(page) => self.add(page),
            Err(error) if ends_the_read(&error) => return Err(error),
            Err(error) => self.lost.push(format!(
                "the page at offset {offset} is lost: {}",
                chain(&error)
            )),
        }
        Ok(())
    }

    fn add(&mut self, page: Page) {
        if page.total.is_some() && page.total != self.total {
            self.other_total = page.total;
        }
        for person in page.people {
            match person {
                Ok(person) if self.ids.insert(person.id.clone()) => self.rows.push(person),
                Ok(_) => self.repeated += 1,
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
    }

    /// How many people there are, as far as known.
    fn count(&self) -> usize {
        self.rows.len() + self.unreadable.len()
    }

    fn is_hopeless(&self) -> bool {
        self.lost.len() >= LOST_PAGES
    }

    /// Where the pages contradict each other.
    fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.repeated > 0 {
            found.push(format!("ids are repeated: {}", self.repeated));
        }
        let total = self.total.unwrap_or_default();
        if let Some(other) = self.other_total {
            found.push(format!(
                "`total_rows` is {total} on the first page and {other} on another"
            ));
        }
        if self.total.is_some() && self.lost.is_empty() && self.count() != total {
            found.push(format!(
                "`total_rows` is {total} and the pages hold {}",
                self.count()
            ));
        }
        found
    }

    fn into_listing(self) -> Listing<Person> {
        let mut faults = self.contradictions();
        faults.extend(self.lost);
        if !self.unreadable.is_empty() {
            faults.push(format!("records cannot be read: {}", self.unreadable.len()));
        }
        let incomplete = (!faults.is_empty()).then(|| faults.join("; "));
        Listing {
            rows: self.rows,
            unreadable: self.unreadable,
            incomplete,
        }
    }
}

#[cfg(test)]
mod tests;

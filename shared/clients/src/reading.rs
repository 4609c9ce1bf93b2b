//! Lists of HR systems, read by pages as far as they can be read: what was read, and what speaks against its being all.
//!
//! It knows no route and no field. A page that fails is noted and the others are kept; what no further page can mend
//! (the key, its rights, the deadline) is an error.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use mapping::Text;

use crate::decode::{Listing, Unreadable};
use crate::error::{ClientError, chain};
use crate::jumpcloud::Rows;

/// A read that has lost this many pages is not worth the time that the others would take to fail.
const LOST_PAGES: usize = 3;

/// How a list of `T` is told apart and what its parts are called.
pub(crate) struct List<T> {
    /// What tells a row from all others.
    pub(crate) id: fn(&T) -> Text,
    /// What the vendor calls the number of all rows.
    pub(crate) total: &'static str,
    /// Pages that are asked for at once, where the number of all rows is known.
    pub(crate) at_once: usize,
}

/// A page of rows, each readable or not.
pub(crate) struct Page<T> {
    /// How many rows the whole list has, where the vendor says so.
    pub(crate) total: Option<usize>,
    /// The most rows that this page could have.
    pub(crate) limit: usize,
    pub(crate) rows: Vec<Result<T, Unreadable>>,
}

impl<T> Page<T> {
    /// The rows that could be read.
    pub(crate) fn into_rows(self) -> Rows<T> {
        Rows {
            total: self.total,
            rows: self.rows.into_iter().flatten().collect(),
        }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.limit
    }
}

impl<T> List<T> {
    /// All rows, as far as they can be read, of the pages that `page` gives by their offset; `progress` is told how many
    /// of how many are read (as many as are read where the vendor does not say).
    ///
    /// Where the pages contradict each other, a row came or went between two of them, and the list is read once more.
    pub(crate) async fn read<F>(
        &self,
        page: impl Fn(usize) -> F,
        progress: impl Fn(usize, usize),
    ) -> Result<Listing<T>, ClientError>
    where
        F: Future<Output = Result<Page<T>, ClientError>>,
    {
        let mut reading = self.pass(&page, &progress).await?;
        if !reading.contradictions().is_empty() {
            drop(reading);
            reading = self.pass(&page, &progress).await?;
        }
        Ok(reading.into_listing())
    }

    async fn pass<F>(
        &self,
        page: &impl Fn(usize) -> F,
        progress: &impl Fn(usize, usize),
    ) -> Result<Reading<'_, T>, ClientError>
    where
        F: Future<Output = Result<Page<T>, ClientError>>,
    {
        let first = page(0).await;
        let total = first.as_ref().ok().and_then(|page| page.total);
        let is_full = first.as_ref().is_ok_and(Page::is_full);
        // The vendor may give fewer rows than it was asked for.
        let step = first.as_ref().map_or(0, |page| page.rows.len());
        let mut reading = Reading::new(self, total);
        reading.take(0, first)?;
        progress(reading.count(), total.unwrap_or(reading.count()));
        match total {
            Some(total) if step > 0 => {
                let mut pages = stream::iter((step..total).step_by(step))
                    .map(|offset| async move { (offset, page(offset).await) })
                    .buffered(self.at_once);
                while let Some((offset, page)) = pages.next().await {
                    reading.take(offset, page)?;
                    progress(reading.count(), total);
                    if reading.is_hopeless() {
                        break;
                    }
                }
            }
            None if is_full && step > 0 => {
                // One after another: only a short page tells where the list ends.
                for offset in (step..).step_by(step) {
                    let before = reading.count();
                    let page = page(offset).await;
                    let is_full = page.as_ref().is_ok_and(Page::is_full);
                    reading.take(offset, page)?;
                    progress(reading.count(), reading.count());
                    // A page without anybody new would be followed by more of its kind.
                    if !is_full || reading.count() == before {
                        break;
                    }
                }
            }
            Some(_) | None => {}
        }
        Ok(reading)
    }
}

/// No further page can mend these.
fn ends_the_read(error: &ClientError) -> bool {
    let no_key = error.is_unauthorized() || matches!(error, ClientError::Key { .. });
    no_key || error.is_forbidden() || error.is_deadline()
}

/// One pass over the list.
struct Reading<'a, T> {
    list: &'a List<T>,
    rows: Vec<T>,
    ids: BTreeSet<Text>,
    unreadable: Vec<Unreadable>,
    /// The total of the first page.
    total: Option<usize>,
    /// The total of another page that disagrees.
    other_total: Option<usize>,
    repeated: usize,
    lost: Vec<String>,
}

impl<'a, T> Reading<'a, T> {
    fn new(list: &'a List<T>, total: Option<usize>) -> Self {
        Self {
            list,
            rows: Vec::new(),
            ids: BTreeSet::new(),
            unreadable: Vec::new(),
            total,
            other_total: None,
            repeated: 0,
            lost: Vec::new(),
        }
    }

    /// Adds a page, or notes that it is lost; the error is for what loses all others too.
    fn take(
        &mut self,
        offset: usize,
        page: Result<Page<T>, ClientError>,
    ) -> Result<(), ClientError> {
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

    fn add(&mut self, page: Page<T>) {
        if page.total.is_some() && page.total != self.total {
            self.other_total = page.total;
        }
        for row in page.rows {
            match row {
                Ok(row) if self.ids.insert((self.list.id)(&row)) => self.rows.push(row),
                Ok(_) => self.repeated += 1,
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
    }

    /// How many rows there are, as far as known.
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
        let name = self.list.total;
        let total = self.total.unwrap_or_default();
        if let Some(other) = self.other_total {
            found.push(format!(
                "`{name}` is {total} on the first page and {other} on another"
            ));
        }
        if self.total.is_some() && self.lost.is_empty() && self.count() != total {
            found.push(format!(
                "`{name}` is {total} and the pages hold {}",
                self.count()
            ));
        }
        found
    }

    fn into_listing(self) -> Listing<T> {
        let mut faults = self.contradictions();
        faults.extend(self.lost);
        if !self.unreadable.is_empty() {
            faults.push(format!("records cannot be read: {}", self.unreadable.len()));
        }
        Listing {
            rows: self.rows,
            unreadable: self.unreadable,
            incomplete: (!faults.is_empty()).then(|| faults.join("; ")),
        }
    }
}

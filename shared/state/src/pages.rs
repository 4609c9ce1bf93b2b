//! Documents that may be larger than one item, as the items of one partition that expire together.

use jiff::Timestamp;

use crate::item::{Damage, Item, Key, as_bytes, as_number, bytes, number, required};
use crate::table::{Refused, Write};
use crate::{State, StateError};

/// What is written into one item at most: DynamoDB takes items of up to 400 KB.
pub(crate) const PAGE_BYTES: usize = 300_000;

/// DynamoDB takes transactions of up to 4 MB; what is written with the last pages needs some room.
const PAGES_AT_ONCE: usize = 12;

/// One page, as it was read.
#[derive(Debug)]
struct Page {
    bytes: Box<[u8]>,
    /// How many the document has.
    pages: usize,
    expires_at: i64,
}

impl State {
    /// Writes a document and, with its last pages, `last`: up to 3.6 MB are one request. Which of `last` was
    /// refused by its condition, if one was; then neither they nor the last pages are written.
    pub(crate) async fn put_pages(
        &self,
        partition: &str,
        document: &[u8],
        expires_at: Timestamp,
        last: impl IntoIterator<Item = Write>,
    ) -> Result<Option<Refused>, StateError> {
        let chunks = document.chunks(PAGE_BYTES);
        let pages = chunks.len();
        let mut batch = Vec::new();
        for (index, chunk) in chunks.enumerate() {
            if batch.len() == PAGES_AT_ONCE {
                self.table.transact(std::mem::take(&mut batch)).await?;
            }
            let key = Key::new(partition.to_owned(), format!("{index:05}"));
            batch.push(Write::put(key.with([
                ("page", Some(bytes(chunk))),
                ("pages", Some(number(pages))),
                ("expires_at", Some(number(expires_at.as_second()))),
            ])));
        }
        batch.extend(last);
        self.table.transact(batch).await
    }

    /// Reads a document whole; `None` when it was never written, or has expired at `now`: DynamoDB removes what has
    /// expired days later, and one page at a time.
    pub(crate) async fn read_pages(
        &self,
        partition: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let mut pages = self
            .table
            .read(self.table.partition(partition), usize::MAX, decode)
            .await?;
        pages.retain(|page| page.expires_at > now.as_second());
        let Some(first) = pages.first() else {
            return Ok(None);
        };
        if first.pages != pages.len() {
            let damage = Damage::Incomplete {
                found: pages.len(),
                pages: first.pages,
            };
            return Err(self.table.damaged(partition, damage));
        }
        let mut document = Vec::with_capacity(pages.iter().map(|page| page.bytes.len()).sum());
        for page in pages {
            document.extend_from_slice(&page.bytes);
        }
        Ok(Some(document))
    }
}

fn decode(item: &Item) -> Result<Page, Damage> {
    Ok(Page {
        bytes: required(item, "page", as_bytes)?.into(),
        pages: required(item, "pages", as_number)?,
        expires_at: required(item, "expires_at", as_number)?,
    })
}

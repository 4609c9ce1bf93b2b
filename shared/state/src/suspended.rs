//! The suspensions of each SCIM client in the last day: what its limit counts.

use jiff::{SignedDuration, Timestamp};
use mapping::SystemUserId;

use crate::item::{Key, number, text};
use crate::pointer::partition;
use crate::table::Write;
use crate::{State, StateError};

/// How long a suspension counts.
const COUNTS: SignedDuration = SignedDuration::from_hours(24);

impl State {
    /// Notes that a client suspends a user, in one request: before it is done, so that those at the same time count one
    /// another.
    pub async fn note_suspension(
        &self,
        client: &str,
        user_id: &SystemUserId,
        at: Timestamp,
    ) -> Result<(), StateError> {
        let expires_at = at.checked_add(COUNTS).unwrap_or(Timestamp::MAX);
        let note = key_of(client, user_id, at)
            .with([("expires_at", Some(number(expires_at.as_second())))]);
        self.table.transact([Write::put(note)]).await.map(drop)
    }

    /// Takes the note of a suspension back that was not done, in one request.
    pub async fn unnote_suspension(
        &self,
        client: &str,
        user_id: &SystemUserId,
        at: Timestamp,
    ) -> Result<(), StateError> {
        let delete = Write::delete(key_of(client, user_id, at));
        self.table.transact([delete]).await.map(drop)
    }

    /// How many suspensions this client noted since then; those of more than a day ago may be gone.
    pub async fn suspensions_since(
        &self,
        client: &str,
        since: Timestamp,
    ) -> Result<usize, StateError> {
        let query = self
            .table
            .partition(&partition(client))
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :last")
            .expression_attribute_values(":since", text(&sort_key(since, "")))
            .expression_attribute_values(":last", text(&sort_key(Timestamp::MAX, "")));
        let notes = self.table.read(query, usize::MAX, |_| Ok(())).await?;
        Ok(notes.len())
    }
}

fn key_of(client: &str, user_id: &SystemUserId, at: Timestamp) -> Key {
    Key::new(partition(client), sort_key(at, user_id.as_str()))
}

/// Sorts by time: the digits are as many for each time.
fn sort_key(at: Timestamp, user_id: &str) -> String {
    format!("suspended#{:015}#{user_id}", at.as_millisecond())
}

//! What is written down of each write to JumpCloud: who, when and what in the audit chain, the values beside it.
//!
//! The chain is kept for ever and holds ids and names of attributes alone; passwords are in neither.

use serde_json::{Value, json};
use state::Deed;

use crate::service::Call;

/// What became of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    /// It was made, or brought back.
    Create,
    /// It was changed.
    Change,
    /// It was deleted, or hidden as if it were.
    Delete,
    /// Perhaps it was changed: JumpCloud gave no clear answer, or refused a part.
    PerhapsChange,
}

/// One write: of which resource, and the values before and after.
pub(crate) fn deed(
    call: &Call<'_>,
    resource: &'static str,
    id: &str,
    did: Did,
    [before, after]: [Value; 2],
) -> Deed {
    let did = match did {
        Did::Create => "create",
        Did::Change => "change",
        Did::Delete => "delete",
        Did::PerhapsChange => "perhaps_change",
    };
    Deed {
        at: call.now,
        client: call.access.client.clone(),
        what: json!({"did": did, "resource": resource, "id": id, "request": call.id}),
        values: json!({"before": before, "after": after}),
    }
}

/// Writes a deed down that no other write of ours is about. JumpCloud has it already: what fails here is only told.
pub(crate) async fn note(call: &Call<'_>, deed: &Deed) {
    if let Err(error) = call.state.note_deed((call.scribe, deed)).await {
        tracing::error!(request.id = %call.id, error = %clients::chain(&error), "a write could not be written down");
    }
}

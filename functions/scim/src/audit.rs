//! What is written down of each write to JumpCloud: who, when and what in the audit chain, the values beside it.
//!
//! Two records each: that it begins, before JumpCloud is asked, and what became of it. Where the second one is missing, the
//! request was cut off. The chain is kept for ever and holds ids and names of attributes alone; passwords are in neither.

use serde_json::{Map, Value, json};
use state::{Deed, StateError};

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
    /// JumpCloud refused the write: all is as it was.
    Nothing,
}

impl Did {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::PerhapsChange => "perhaps_change",
            Self::Nothing => "nothing",
        }
    }
}

/// One write that is over: of which resource, if it has an id, and the values before and after.
pub(crate) fn deed(
    call: &Call<'_>,
    resource: &'static str,
    id: Option<&str>,
    did: Did,
    values: [Value; 2],
) -> Deed {
    of(call, resource, id, did.as_str(), values)
}

/// The beginning of a write that is meant to end so: the values before, and what JumpCloud is about to be sent.
pub(crate) fn beginning(
    call: &Call<'_>,
    resource: &'static str,
    id: Option<&str>,
    aim: Did,
    values: [Value; 2],
) -> Deed {
    let did = format!("begin_{}", aim.as_str());
    of(call, resource, id, &did, values)
}

fn of(
    call: &Call<'_>,
    resource: &'static str,
    id: Option<&str>,
    did: &str,
    [before, after]: [Value; 2],
) -> Deed {
    Deed {
        at: call.now,
        actor: call.access.client.clone(),
        what: json!({"did": did, "resource": resource, "id": id, "request": call.id}),
        values: json!({"before": before, "after": after}),
    }
}

/// What JumpCloud is sent, without a password.
pub(crate) fn sent(body: &Map<String, Value>) -> Value {
    let fields = body.iter().filter(|(name, _)| *name != "password");
    let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
    fields.collect::<Map<_, _>>().into()
}

/// Writes down that a write begins. Where that fails it must not: nobody would learn of it if it was cut off.
pub(crate) async fn begin(call: &Call<'_>, deed: Deed) -> Result<(), StateError> {
    call.state.note_deed((call.scribe, &deed)).await
}

/// Writes a deed down that no other write of ours is about. JumpCloud has it already: what fails here is only told.
pub(crate) async fn note(call: &Call<'_>, deed: &Deed) {
    if let Err(error) = call.state.note_deed((call.scribe, deed)).await {
        tracing::error!(request.id = %call.id, error = %clients::chain(&error), "a write could not be written down");
    }
}

//! `rollcall undo`: what a run wrote is put back. Shown unless it is to be applied.

use anyhow::Result;
use sync::{Mode, RunStatus};

use crate::args::{Common, Undo};
use crate::commands::{Exit, event, perform};
use crate::show;

/// `undo`.
pub(crate) async fn undo(common: &Common, undo: &Undo) -> Result<Exit> {
    let Undo {
        run,
        apply,
        approve,
        said,
    } = undo;
    let mode = if *apply { Mode::Apply } else { Mode::Plan };
    let mut event = event(mode, approve, said, true)?;
    event.insert("undo".to_owned(), run.as_str().into());
    let report = perform(common, event, mode).await?;
    let is_shown = matches!(report.status, RunStatus::Planned | RunStatus::Held);
    if !apply && is_shown && !report.people.is_empty() {
        let what = match report.status {
            RunStatus::Held => "This does what is not held, and with --approve that as well",
            _ => "This does it",
        };
        show::err(&format!(
            "\nNothing was written. {what}: rollcall undo {run} --apply\n"
        ));
    }
    Ok(Exit::of(&report))
}

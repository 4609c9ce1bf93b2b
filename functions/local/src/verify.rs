//! `rollcall runs --verify`: whether the record of what was done is whole and unaltered.

use std::fmt::Write as _;

use anyhow::Result;
use mapping::short;
use state::{Problem, Verification};

use crate::args::Common;
use crate::commands::{Exit, print_json};
use crate::workplace::Workplace;
use crate::{now, show};

/// The most characters of a problem: somebody may have written anything into what is looked at.
const WIDEST: usize = 800;

/// `runs --verify`.
pub(crate) async fn verify(common: &Common) -> Result<Exit> {
    let workplace = Workplace::open(common, false).await?;
    let found = workplace.runner.state.verify(now()).await?;
    workplace.close().await;
    if common.json {
        print_json(&found)?;
    } else {
        show::out(&text(&found));
    }
    Ok(if found.problems.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn text(found: &Verification) -> String {
    let Verification {
        chains,
        records,
        checked,
        expired,
        open,
        problems,
        head,
    } = found;
    let mut text = match problems.len() {
        0 => "Nothing was altered\n".to_owned(),
        count => format!("Problems: {count}\n"),
    };
    let _ = writeln!(
        text,
        "  chains: {chains}, records: {records}; values compared: {checked}, expired and therefore not: {expired}"
    );
    if let Some(run) = open {
        let _ = writeln!(
            text,
            "  the run {run} has not ended: it is at work, or died and the next one seals it"
        );
    }
    let _ = writeln!(
        text,
        "  the last record of the runs is {head}: the log's `run.head` must say the same"
    );
    for Problem {
        writer,
        seq,
        problem,
    } in problems
    {
        let line = short(&format!("{writer} {seq}: {problem}"), WIDEST);
        let _ = writeln!(text, "  {line}");
    }
    text
}

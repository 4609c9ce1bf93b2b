//! What people read on the terminal: reports, runs and explanations as text.

use std::fmt::Write as _;
use std::io::Write as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::NOTHING};
use mapping::{Class, short};
use sandbox::Sandbox;
use serde_json::{Value, json};
use state::RunHeader;
use sync::{ChangeRow, ExplainedGroup, Explanation, Mode, Outcome, PersonRow, Report, RunStatus};

/// How many of one person's changes are shown.
const MOST_CHANGES: usize = 5;
/// The most characters of a cell.
const WIDEST: usize = 800;
/// The most characters of whom a row is about.
const WIDEST_ID: usize = 80;

/// How many people of a report are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Everyone.
    All,
    /// No more than this of each outcome.
    Of(usize),
    /// Nobody: the headline alone.
    None,
}

/// Writes to standard output; whoever closed it has seen enough.
pub(crate) fn out(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes to standard error.
pub(crate) fn err(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A report: what is held, who comes out how, what to look at, what to do next.
pub(crate) fn report(report: &Report, rows: Rows) -> String {
    let mut text = String::new();
    headline(report, &mut text);
    if let Some(error) = &report.error {
        let _ = writeln!(text, "\n  {}", error.text);
    }
    if rows != Rows::None {
        held(report, &mut text);
        people(report, rows, &mut text);
        warnings(report, rows, &mut text);
    }
    text
}

fn headline(report: &Report, text: &mut String) {
    let what = match (report.status, report.mode) {
        (RunStatus::Busy, _) => "Another run is at it; nothing was done",
        (RunStatus::Failed, _) => "Failed",
        (RunStatus::Unfinished, _) => "Unfinished: the next run goes on",
        (RunStatus::Held, Mode::Plan) => "Planned; something would be held",
        (RunStatus::Held, Mode::Apply) => "Applied; something is held",
        (RunStatus::Planned, _) => "Planned",
        (RunStatus::Applied, _) => "Applied",
    };
    let counts: Vec<String> = report
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(outcome, count)| format!("{count} {}", words(*outcome)))
        .collect();
    let calls = &report.calls;
    let partial = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "source_incomplete");
    let partial: String = partial
        .filter_map(|warning| {
            Some(format!(
                "; `{}` was not read whole",
                warning.source.as_ref()?
            ))
        })
        .collect();
    let _ = writeln!(text, "{what}{partial} (run {})", report.run_id);
    if !counts.is_empty() {
        let _ = writeln!(text, "  {}", counts.join(", "));
    }
    if report.out_of_scope > 0 {
        let _ = writeln!(
            text,
            "  {} of the skipped are out of their source's scope",
            report.out_of_scope
        );
    }
    let called = [
        ("Deel", calls.deel),
        ("Humaans", calls.humaans),
        ("JumpCloud", calls.jumpcloud),
        ("DynamoDB", calls.dynamodb),
    ];
    let called: Vec<String> = called
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(whom, count)| format!("{count} to {whom}"))
        .collect();
    let _ = writeln!(
        text,
        "  {}.{} s; calls: {}",
        report.duration_ms / 1000,
        report.duration_ms % 1000 / 100,
        called.join(", ")
    );
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "failed",
        Outcome::NotReached => "not reached",
        Outcome::Held => "held",
        Outcome::Skipped => "skipped",
        Outcome::Created => "created",
        Outcome::Reactivated => "reactivated",
        Outcome::Suspended => "suspended",
        Outcome::Activated => "activated",
        Outcome::Renamed => "renamed",
        Outcome::Adopted => "adopted",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
    }
}

fn held(report: &Report, text: &mut String) {
    if report.held.is_empty() {
        return;
    }
    let mut table = table(&[
        "held",
        "source",
        "people",
        "because",
        "apply just these with",
    ]);
    for held in &report.held {
        let because = match held.limit.rule.as_str() {
            "max" => format!("more than {}", held.limit.value),
            "percent" if held.limit.recent > 0 => format!(
                "with {} of the last 24 hours, more than {} % of the source",
                held.limit.recent, held.limit.value
            ),
            "percent" if held.group.is_some() => format!("more than {} %", held.limit.value),
            "percent" => format!("more than {} % of the source", held.limit.value),
            "shrink" => format!("the source lists {} people fewer", held.limit.value),
            _ => "the source's setting".to_owned(),
        };
        let what = match &held.group {
            Some(group) => format!("{} {}", held.class, short(group, 28)),
            None => held.class.name().to_owned(),
        };
        add_row(
            &mut table,
            [
                what,
                held.source.to_string(),
                held.count.to_string(),
                because,
                format!("--approve {}", held.digest),
            ],
        );
    }
    // A digest must be copied in one piece: this table is as wide as it is.
    table.set_content_arrangement(ContentArrangement::Disabled);
    let _ = writeln!(text, "\n{}", table.trim_fmt());
}

fn people(report: &Report, rows: Rows, text: &mut String) {
    if report.people.is_empty() {
        return;
    }
    let mut table = table(&["outcome", "person", "username", "what"]);
    if let Some(person) = table.column_mut(1) {
        // An id must be copied in one piece.
        person.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut left_out = report.people_omitted;
    for outcome in Outcome::ALL {
        let of_outcome: Vec<&PersonRow> = report
            .people
            .iter()
            .filter(|row| row.outcome == outcome)
            .collect();
        let shown = match rows {
            Rows::All => of_outcome.len(),
            Rows::Of(most) => most.min(of_outcome.len()),
            Rows::None => 0,
        };
        left_out += of_outcome.len() - shown;
        for row in of_outcome.into_iter().take(shown) {
            add_row(
                &mut table,
                [
                    words(outcome).to_owned(),
                    short(&format!("{}/{}", row.source, row.worker_id), WIDEST_ID),
                    row.username
                        .as_deref()
                        .map_or("–".to_owned(), |username| short(username, 28)),
                    what(row),
                ],
            );
        }
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    if left_out > 0 {
        let _ = writeln!(text, "  … and {left_out} more");
    }
}

/// One line on what happens to somebody: what matters most, and how much more there is.
fn what(row: &PersonRow) -> String {
    let created = row
        .changes
        .iter()
        .any(|change| change.class == Class::Create);
    let activated = row
        .changes
        .iter()
        .any(|change| change.class == Class::Activate);
    let telling = |change: &&ChangeRow| match change.attribute.as_str() {
        "state" => !(activated && change.class == Class::Create),
        "email" | "invitation" => true,
        _ => !created,
    };
    let mut shown: Vec<String> = row
        .changes
        .iter()
        .filter(telling)
        .take(MOST_CHANGES)
        .map(change)
        .collect();
    match row.changes.len() - shown.len() {
        0 => {}
        1 => shown.push("1 more attribute".to_owned()),
        more => shown.push(format!("{more} more attributes")),
    }
    let changes = shown.join(", ");
    match &row.reason {
        Some(reason) if changes.is_empty() => reason.clone(),
        Some(reason) => format!("{reason} ({changes})"),
        None => changes,
    }
}

fn change(change: &ChangeRow) -> String {
    let to = value(&change.to);
    match (change.attribute.as_str(), &change.from) {
        ("invitation", _) => format!("invitation to {to}"),
        ("owner", Value::Null) => format!("{to} takes over this user, known by its work e-mail"),
        ("owner", from) => format!("{to} takes over this user from {}", value(from)),
        ("groups", Value::Null) => format!("into the group {to}"),
        ("groups", from) => format!("out of the group {}", value(from)),
        ("state", Value::Null) => to,
        ("state", from) => format!("{} → {to}", value(from)),
        (attribute, Value::Null) => format!("{attribute}: {to}"),
        (attribute, from) => format!("{attribute}: {} → {to}", value(from)),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".to_owned(),
        Value::String(text) => short(text, 40),
        Value::Object(manager) => manager.get("worker_id").map_or_else(
            || short(&value.to_string(), 40),
            |id| format!("the user of {}", self::value(id)),
        ),
        other => short(&other.to_string(), 40),
    }
}

fn warnings(report: &Report, rows: Rows, text: &mut String) {
    if report.warnings.is_empty() {
        return;
    }
    let shown = match rows {
        Rows::All => report.warnings.len(),
        Rows::Of(most) => most.min(report.warnings.len()),
        Rows::None => 0,
    };
    let mut table = table(&["warning", "about", "what"]);
    for warning in report.warnings.iter().take(shown) {
        let about = match (&warning.source, &warning.worker_id) {
            (Some(source), Some(worker)) => short(&format!("{source}/{worker}"), WIDEST_ID),
            (Some(source), None) => source.to_string(),
            _ => String::new(),
        };
        add_row(
            &mut table,
            [warning.code.to_string(), about, warning.message.clone()],
        );
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    if shown < report.warnings.len() {
        let _ = writeln!(
            text,
            "  … and {} more warnings",
            report.warnings.len() - shown
        );
    }
}

/// The latest runs, newest first.
pub(crate) fn runs(runs: &[RunHeader]) -> String {
    if runs.is_empty() {
        return "no run yet\n".to_owned();
    }
    let mut table = table(&[
        "started",
        "run",
        "mode",
        "status",
        "started by",
        "took",
        "people",
    ]);
    for run in runs {
        let counts: Vec<String> = run
            .counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(outcome, count)| format!("{count} {outcome}"))
            .collect();
        add_row(
            &mut table,
            [
                run.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
                run.run_id.to_string(),
                run.mode.to_string(),
                run.status.to_string(),
                run.trigger.to_string(),
                format!(
                    "{}.{} s",
                    run.duration_ms / 1000,
                    run.duration_ms % 1000 / 100
                ),
                counts.join(", "),
            ],
        );
    }
    format!("{}\n", table.trim_fmt())
}

/// A run of the list as JSON.
pub(crate) fn header_json(run: &RunHeader) -> Value {
    let RunHeader {
        run_id,
        mode,
        status,
        trigger,
        started_at,
        duration_ms,
        config_digest,
        plan_digest,
        counts,
    } = run;
    json!({
        "run_id": run_id, "mode": mode, "status": status, "trigger": trigger, "started_at": started_at,
        "duration_ms": duration_ms, "config_digest": config_digest, "plan_digest": plan_digest.as_deref().unwrap_or_default(), "counts": counts,
    })
}

/// Why somebody would or would not change.
pub(crate) fn explanation(explanation: &Explanation) -> String {
    let Explanation {
        key,
        record,
        status,
        start,
        starts_at,
        last_day,
        leaves_at,
        zone,
        standing,
        policy,
        matched,
        rows,
        groups,
        decision,
        warnings,
    } = explanation;
    let mut text = format!("{key}\n");
    let day =
        |day: &Option<jiff::civil::Date>, moment: &Option<jiff::Timestamp>| match (day, moment) {
            (Some(day), Some(moment)) => format!("{day} ({moment})"),
            (Some(day), None) => day.to_string(),
            (None, _) => "none".to_owned(),
        };
    let _ = writeln!(
        text,
        "  HR       {status}; first day {}; last day {}; zone {zone}",
        day(start, starts_at),
        day(last_day, leaves_at)
    );
    for (field, value) in record {
        let _ = writeln!(text, "           {field}: {}", short(value, WIDEST));
    }
    let _ = writeln!(text, "  policy   {policy}");
    let _ = writeln!(text, "  standing {standing}");
    let _ = writeln!(text, "  match    {matched}");
    if let Some(username) = &decision.username {
        let _ = writeln!(text, "  username {username}");
    }
    let what = match what(decision) {
        nothing if nothing.is_empty() => "a run changes nothing".to_owned(),
        what => what,
    };
    let _ = writeln!(text, "  decision {}: {what}", words(decision.outcome));
    let mut table = table(&[
        "attribute",
        "from",
        "HR",
        "we last wrote",
        "JumpCloud",
        "rule",
        "a run",
    ]);
    for row in rows {
        add_row(
            &mut table,
            [
                row.attribute.clone(),
                row.from.clone(),
                value(&row.hr),
                value(&row.written),
                value(&row.jumpcloud),
                row.rule.clone(),
                row.decision.to_owned(),
            ],
        );
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    if !groups.is_empty() {
        let _ = writeln!(text, "\n{}", groups_of(groups).trim_fmt());
    }
    for warning in warnings {
        let _ = writeln!(text, "  {}: {}", warning.code, warning.message);
    }
    text
}

fn groups_of(groups: &[ExplainedGroup]) -> Table {
    let mut table = table(&["group", "its rule", "JumpCloud", "a run"]);
    for ExplainedGroup {
        name,
        rule,
        membership,
        decision,
    } in groups
    {
        add_row(
            &mut table,
            [name.as_str(), rule, membership, decision].map(str::to_owned),
        );
    }
    table
}

/// How to use a running sandbox.
pub(crate) fn sandbox(sandbox: &Sandbox) -> String {
    format!(
        "The sandbox serves on {url} until stopped (Ctrl-C).\n\n\
         rollcall.toml for it:\n\n{config}\n\
         and then:\n\n  \
         export ROLLCALL_TABLE=rollcall AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n  \
         rollcall plan\n  rollcall sync\n\n\
         Its people, mails, clock and faults: {url}/sandbox\n",
        url = sandbox.url(),
        config = indented(&crate::demo::config_text(sandbox)),
    )
}

/// What a SCIM client must know; the token of a sandbox is shown this once.
pub(crate) fn service(url: &str, token: Option<&str>) -> String {
    let mut text = format!("SCIM is served on {url} until stopped (Ctrl-C).\n");
    if let Some(token) = token {
        let _ = write!(
            text,
            "A sandbox stands in for JumpCloud: there is no configuration `rollcall.toml` here.\n\n  \
             token: {token}\n\nTry\n  \
             curl -H 'Authorization: Bearer {token}' '{url}/Users?count=3'\n"
        );
    }
    text
}

fn indented(text: &str) -> String {
    let indent = |line: &str| if line.is_empty() { "" } else { "  " };
    text.lines()
        .fold(String::new(), |all, line| all + indent(line) + line + "\n")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().copied());
    if table.width().is_none() {
        table.set_width(140);
    }
    table
}

/// Adds a row, of whose cells somebody else may have written any number of characters of any kind.
fn add_row<const N: usize>(table: &mut Table, cells: [String; N]) {
    table.add_row(cells.map(|cell| short(&cell, WIDEST)));
}

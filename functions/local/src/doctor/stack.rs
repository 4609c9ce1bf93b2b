//! A deployed stack, found from the name of its function `sync`: that function as it is set up, and the schedule that
//! invokes it.

use std::collections::BTreeMap;
use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function_configuration::{
    GetFunctionConfigurationError, GetFunctionConfigurationOutput,
};
use aws_sdk_lambda::types::{LastUpdateStatus, State};
use aws_sdk_scheduler::Client as Scheduler;
use aws_sdk_scheduler::operation::list_schedules::ListSchedulesError;
use aws_sdk_scheduler::types::{ScheduleState, ScheduleSummary, TargetSummary};
use clients::chain;
use jiff::{SignedDuration, Timestamp};
use state::RunHeader;
use tokio::time::timeout;

use super::PATIENCE;
use super::clock::ago;
use super::finding::Finding;
use crate::deployed::{DENIED, advice};
use crate::now;

/// The longest that a schedule of unknown rate lets one wait.
const RARELY: SignedDuration = SignedDuration::from_hours(25);
/// How late a run may begin: the schedule tries again for so long.
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// What could be seen of a stack.
pub(super) struct Stack {
    /// How it stands with the function.
    pub(super) function: Finding,
    /// The function's environment; `None` where it cannot be seen.
    pub(super) variables: Option<BTreeMap<String, String>>,
    pub(super) schedule: Schedule,
}

/// What is known of the schedule beside what it did.
pub(super) enum Schedule {
    /// Nothing, and this is how more would be known.
    Unseen(String),
    /// No schedule invokes the function.
    Missing,
    /// There is one, switched off.
    Off,
    /// There is one, switched on.
    On {
        /// How often it runs, as it stands there: `rate(1 hour)`. `None` where that may not be seen.
        rate: Option<String>,
        changed_at: Timestamp,
    },
}

impl Stack {
    /// Looks at the function of this name and at its schedule; changes nothing and invokes nothing.
    pub(super) async fn read(aws: &SdkConfig, name: &str) -> Self {
        let mut stack = Self {
            function: Finding::unanswered("function", PATIENCE).about(name),
            variables: None,
            schedule: Schedule::Unseen("mend what the check of the function says".to_owned()),
        };
        let lambda = aws_sdk_lambda::Client::new(aws);
        let asked = lambda.get_function_configuration().function_name(name);
        let Ok(answer) = timeout(PATIENCE, asked.send()).await else {
            return stack;
        };
        match answer {
            Ok(function) => {
                stack.variables = variables_of(&function);
                stack.function = of_function(&function, stack.variables.as_ref()).about(name);
                if let Some(arn) = function.function_arn() {
                    stack.schedule = schedule_of(aws, arn).await;
                }
            }
            Err(error) => stack.function = unseen_function(&error).about(name),
        }
        stack
    }
}

/// The function's environment. Where Lambda could not decrypt it for whoever asks, it says so instead.
fn variables_of(function: &GetFunctionConfigurationOutput) -> Option<BTreeMap<String, String>> {
    let environment = function.environment();
    if environment.is_some_and(|environment| environment.error().is_some()) {
        return None;
    }
    let variables = environment.and_then(|environment| environment.variables());
    let variables = variables.into_iter().flatten();
    Some(
        variables
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn unseen_function(error: &SdkError<GetFunctionConfigurationError>) -> Finding {
    let check = "function";
    let advice = advice(error, "lambda:GetFunctionConfiguration");
    if error.code() == Some(DENIED) {
        return Finding::unknown(check, "may not be looked at", advice);
    }
    Finding::failed(check, words(error), advice)
}

fn of_function(
    function: &GetFunctionConfigurationOutput,
    variables: Option<&BTreeMap<String, String>>,
) -> Finding {
    let check = "function";
    let broken = |what: &str, reason: Option<&str>| {
        let found = match reason {
            Some(reason) if !reason.is_empty() => format!("{what}: {reason}"),
            _ => what.to_owned(),
        };
        Finding::failed(check, found, "mend that, and deploy again (docs/deploy.md)")
    };
    if let Some(State::Failed) = function.state() {
        return broken("cannot run", function.state_reason());
    }
    if let Some(LastUpdateStatus::Failed) = function.last_update_status() {
        return broken("could not be updated", function.last_update_status_reason());
    }
    let Some(variables) = variables else {
        let advice = "your role needs `kms:Decrypt` on the key that the function's environment is encrypted with";
        return Finding::unknown(check, "its environment cannot be seen", advice);
    };
    if !variables.contains_key("ROLLCALL_TABLE") {
        let advice = "name the stack's output `SyncFunctionName`, or deploy its template again";
        return Finding::failed(
            check,
            "has no `ROLLCALL_TABLE`: this is no function of rollcall's, or somebody changed its environment",
            advice,
        );
    }
    let is_pending = matches!(function.state(), Some(State::Pending));
    let in_progress = matches!(
        function.last_update_status(),
        Some(LastUpdateStatus::InProgress)
    );
    if is_pending || in_progress {
        let advice = "look again in a minute";
        return Finding::warning(check, "its deployment is under way", advice);
    }
    Finding::ok(check, "is there, and its last deployment is done")
}

/// The schedule that invokes the function with this ARN; of several, one that is on.
async fn schedule_of(aws: &SdkConfig, arn: &str) -> Schedule {
    let client = Scheduler::new(aws);
    let mut found = None;
    let listed = timeout(PATIENCE, find(&client, arn, &mut found)).await;
    let Some(found) = found else {
        return match listed {
            Ok(Ok(())) => Schedule::Missing,
            Ok(Err(error)) if error.code() == Some(DENIED) => Schedule::Unseen(
                "to see whether it is on, your role needs `scheduler:ListSchedules` (docs/deploy.md)".to_owned(),
            ),
            Ok(Err(error)) => {
                Schedule::Unseen(format!("EventBridge Scheduler does not tell: {}", words(&error)))
            }
            Err(_) => Schedule::Unseen(format!(
                "EventBridge Scheduler did not tell within {} s: look there",
                PATIENCE.as_secs()
            )),
        };
    };
    if !is_on(&found) {
        return Schedule::Off;
    }
    let changed_at = found
        .last_modification_date()
        .and_then(|at| Timestamp::from_second(at.secs()).ok())
        .unwrap_or_default();
    let asked = client
        .get_schedule()
        .set_name(found.name)
        .set_group_name(found.group_name);
    let answer = timeout(PATIENCE, asked.send()).await;
    let schedule = answer.ok().and_then(Result::ok);
    Schedule::On {
        rate: schedule.and_then(|schedule| schedule.schedule_expression),
        changed_at,
    }
}

/// Looks through the account's schedules for one that invokes this function; what was found until an error or the end of
/// time stands in `found`.
async fn find(
    client: &Scheduler,
    arn: &str,
    found: &mut Option<ScheduleSummary>,
) -> Result<(), SdkError<ListSchedulesError>> {
    let listing = client.list_schedules().into_paginator().page_size(100);
    let mut schedules = listing.items().send();
    while let Some(schedule) = schedules.next().await {
        let schedule = schedule?;
        if schedule.target().map(TargetSummary::arn) != Some(arn) {
            continue;
        }
        let is_on = is_on(&schedule);
        *found = Some(schedule);
        if is_on {
            break;
        }
    }
    Ok(())
}

fn is_on(schedule: &ScheduleSummary) -> bool {
    schedule.state() == Some(&ScheduleState::Enabled)
}

/// What AWS answered, or why no answer came.
fn words<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(word), None) | (None, Some(word)) => word.to_owned(),
        (None, None) => chain(error),
    }
}

impl Schedule {
    /// Known by what it did alone.
    pub(super) fn of_runs() -> Self {
        Self::Unseen("`rollcall doctor --deployed` looks whether it is on".to_owned())
    }

    /// How it stands with the schedule, beside the latest runs, newest first; `None` where they cannot be read.
    pub(super) fn check(&self, runs: Option<&[RunHeader]>) -> Finding {
        let check = "schedule";
        let letters = "look at the dead letters and at the function's log (docs/operate.md)";
        let scheduled = runs.map(|runs| runs.iter().find(|run| run.trigger == "schedule"));
        let began = |run: &RunHeader| format!("it last began a run {}", ago(run.started_at));
        match (self, scheduled) {
            (Self::Missing, _) => Finding::warning(
                check,
                "no schedule invokes the function",
                "deploy the stack's template, which makes one",
            ),
            (Self::Off, _) => Finding::warning(
                check,
                "is switched off",
                "switch it on when a plan looks right: `ScheduleState=ENABLED` (docs/deploy.md)",
            ),
            (Self::On { rate, changed_at }, scheduled) => {
                let often = rate.as_deref().unwrap_or(
                    "how often may not be seen: your role needs `scheduler:GetSchedule`",
                );
                let last = match scheduled {
                    Some(Some(run)) => began(run),
                    Some(None) => "it has begun no run yet".to_owned(),
                    None => "its runs cannot be read".to_owned(),
                };
                let found = format!("is on, {often}; {last}");
                let every = rate.as_deref().and_then(every);
                let patience = every.map_or(RARELY, |every| every * 2 + LATE);
                let is_late = |since: Timestamp| now().duration_since(since) > patience;
                // A run of the schedule that meets another one leaves nothing behind.
                let mut applied = runs.into_iter().flatten().filter(|run| run.mode == "apply");
                if runs.is_some()
                    && is_late(*changed_at)
                    && applied.all(|run| is_late(run.started_at))
                {
                    return Finding::warning(check, found, letters);
                }
                Finding::ok(check, found)
            }
            (Self::Unseen(advice), None) => {
                Finding::unknown(check, "neither it nor its runs can be seen", advice)
            }
            (Self::Unseen(advice), Some(None)) => Finding::unknown(
                check,
                "has not begun a run of late: it is off, or new",
                advice,
            ),
            (Self::Unseen(advice), Some(Some(run))) => {
                if now().duration_since(run.started_at) <= RARELY {
                    return Finding::ok(check, format!("was on: {}", began(run)));
                }
                Finding::warning(
                    check,
                    format!(
                        "{}: it is off by now, runs more rarely than once a day, or its runs die",
                        began(run)
                    ),
                    format!("{advice}; {letters}"),
                )
            }
        }
    }
}

/// The time between two runs of `rate(N minutes|hours|days)`; `None` of what is no rate.
///
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
fn every(rate: &str) -> Option<SignedDuration> {
    let (count, unit) = rate
        .strip_prefix("rate(")?
        .strip_suffix(')')?
        .split_once(' ')?;
    let minutes = match unit.trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return None,
    };
    // A year of minutes at most, so that nothing overflows.
    let count: i64 = count
        .parse()
        .ok()
        .filter(|count| (1..=525_600).contains(count))?;
    Some(SignedDuration::from_mins(count * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_read_as_eventbridge_writes_it() {
        for (rate, minutes) in [
            ("rate(1 hour)", Some(60)),
            ("rate(2 hours)", Some(120)),
            ("rate(15 minutes)", Some(15)),
            ("rate(1 day)", Some(1_440)),
            ("rate(0 hours)", None),
            ("rate(99999999999 days)", None),
            ("rate(hour)", None),
            ("cron(0 * * * ? *)", None),
            ("", None),
        ] {
            assert_eq!(
                every(rate),
                minutes.map(SignedDuration::from_mins),
                "{rate}"
            );
        }
    }
}

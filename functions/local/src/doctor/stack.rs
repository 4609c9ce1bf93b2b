//! A deployed stack, found from the name of its function `sync`: that function as it is set up, and the schedule that
//! invokes it.

use aws_config::SdkConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{LastUpdateStatus, State};
use aws_sdk_scheduler::types::{ScheduleState, ScheduleSummary, TargetSummary};
use clients::chain;
use jiff::{SignedDuration, Timestamp};
use startup::Environment;
use state::RunHeader;
use tokio::time::timeout;

use super::PATIENCE;
use super::clock::ago;
use super::finding::Finding;
use crate::deployed::advice;
use crate::now;

/// The longest that a schedule of unknown rate lets one wait.
const RARELY: SignedDuration = SignedDuration::from_hours(25);
/// How late a run may begin: the schedule tries again for so long.
const LATE: SignedDuration = SignedDuration::from_mins(15);

/// What could be seen of a stack.
pub(super) struct Stack {
    /// How it stands with the function.
    pub(super) function: Finding,
    /// The environment that the function has; this machine's where that cannot be seen.
    pub(super) environment: Environment,
    pub(super) schedule: Schedule,
}

/// What is known of the schedule beside what it did.
pub(super) enum Schedule {
    /// Nothing, and this is how more would be known.
    Unseen(String),
    /// No schedule invokes the function.
    Missing,
    /// There is one.
    There {
        is_on: bool,
        /// How often it runs, as it stands there: `rate(1 hour)`.
        rate: String,
        changed_at: Timestamp,
    },
}

impl Stack {
    /// Looks at the function of this name and at its schedule; changes nothing and invokes nothing.
    pub(super) async fn read(aws: &SdkConfig, name: &str, of_machine: Environment) -> Self {
        let mut stack = Self {
            function: Finding::unanswered("function", PATIENCE).about(name),
            environment: of_machine,
            schedule: Schedule::Unseen("mend what the check of the function says".to_owned()),
        };
        // What was seen until the time is over is kept.
        let _ = timeout(PATIENCE, stack.look(aws, name)).await;
        stack
    }

    async fn look(&mut self, aws: &SdkConfig, name: &str) {
        let lambda = aws_sdk_lambda::Client::new(aws);
        let asked = lambda.get_function_configuration().function_name(name);
        let function = match asked.send().await {
            Ok(function) => function,
            Err(error) => {
                self.function = unseen_function(&error).about(name);
                return;
            }
        };
        let variables = function.environment().and_then(|set| set.variables());
        self.environment = Environment::from_vars(|name| variables?.get(name).cloned());
        let found = of_function(&function, self.environment.table.is_some());
        self.function = found.about(name);
        let no_answer = format!(
            "EventBridge Scheduler did not tell within {} s",
            PATIENCE.as_secs()
        );
        self.schedule = Schedule::Unseen(no_answer);
        if let Some(arn) = function.function_arn() {
            self.schedule = schedule_of(aws, arn).await;
        }
    }
}

fn unseen_function<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: &SdkError<E>,
) -> Finding {
    let check = "function";
    let advice = advice(error, "lambda:GetFunctionConfiguration");
    if error.code() == Some("AccessDeniedException") {
        return Finding::unknown(check, "may not be looked at", advice);
    }
    Finding::failed(check, words(error), advice)
}

fn of_function(function: &GetFunctionConfigurationOutput, names_table: bool) -> Finding {
    let check = "function";
    let because = |reason: Option<&str>| match reason {
        Some(reason) if !reason.is_empty() => format!(": {reason}"),
        _ => String::new(),
    };
    if let Some(State::Failed) = function.state() {
        let why = because(function.state_reason());
        let advice = "mend that, and deploy again (docs/deploy.md)";
        return Finding::failed(check, format!("cannot run{why}"), advice);
    }
    if let Some(LastUpdateStatus::Failed) = function.last_update_status() {
        let why = because(function.last_update_status_reason());
        let advice = "mend that, and deploy again (docs/deploy.md)";
        return Finding::failed(check, format!("could not be updated{why}"), advice);
    }
    if !names_table {
        let advice = "name the stack's output `SyncFunctionName`, or deploy its template again";
        return Finding::failed(
            check,
            "has no `ROLLCALL_TABLE`: this is no function of rollcall's, or somebody emptied its environment",
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
    let client = aws_sdk_scheduler::Client::new(aws);
    let listing = client.list_schedules().into_paginator().page_size(100);
    let mut pages = listing.items().send();
    let mut found: Option<ScheduleSummary> = None;
    while let Some(listed) = pages.next().await {
        let schedule = match listed {
            Ok(schedule) => schedule,
            Err(error) => return unseen_schedule(&error),
        };
        let invokes = schedule.target().map(TargetSummary::arn);
        if invokes != Some(arn) {
            continue;
        }
        let is_on = is_on(schedule.state());
        found = Some(schedule);
        if is_on {
            break;
        }
    }
    let Some(found) = found else {
        return Schedule::Missing;
    };
    let asked = client
        .get_schedule()
        .set_name(found.name)
        .set_group_name(found.group_name);
    match asked.send().await {
        Ok(schedule) => Schedule::There {
            is_on: is_on(schedule.state()),
            changed_at: schedule
                .last_modification_date()
                .and_then(|at| Timestamp::from_second(at.secs()).ok())
                .unwrap_or_default(),
            rate: schedule.schedule_expression.unwrap_or_default(),
        },
        Err(error) => unseen_schedule(&error),
    }
}

fn is_on(state: Option<&ScheduleState>) -> bool {
    state == Some(&ScheduleState::Enabled)
}

fn unseen_schedule<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: &SdkError<E>,
) -> Schedule {
    Schedule::Unseen(if error.code() == Some("AccessDeniedException") {
        "to see whether it is on, your role needs `scheduler:ListSchedules` and `scheduler:GetSchedule` (docs/deploy.md)"
            .to_owned()
    } else {
        format!("EventBridge Scheduler does not tell: {}", words(error))
    })
}

/// What AWS answered, or why no answer came.
fn words<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> String {
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

    /// How it stands with the schedule, whose last run is this one.
    pub(super) fn check(&self, last: Option<&RunHeader>) -> Finding {
        let check = "schedule";
        let began = |run: &RunHeader| format!("it last began a run {}", ago(run.started_at));
        let switch =
            "switch it on when a plan looks right: `ScheduleState=ENABLED` (docs/deploy.md)";
        let letters = "look at the dead letters and at the function's log (docs/operate.md)";
        match self {
            Self::Missing => Finding::warning(
                check,
                "no schedule invokes the function",
                "deploy the stack's template, which makes one",
            ),
            Self::There { is_on: false, .. } => Finding::warning(check, "is off", switch),
            Self::There {
                rate, changed_at, ..
            } => {
                let last_began = last.map_or("it has begun no run yet".to_owned(), began);
                let found = format!("is on, {rate}; {last_began}");
                let since = last.map_or(*changed_at, |run| run.started_at.max(*changed_at));
                let patience = every(rate).map_or(RARELY, |every| every * 2 + LATE);
                if now().duration_since(since) > patience {
                    return Finding::warning(check, found, letters);
                }
                Finding::ok(check, found)
            }
            Self::Unseen(advice) => match last {
                Some(run) if now().duration_since(run.started_at) <= RARELY => {
                    Finding::ok(check, format!("is on: {}", began(run)))
                }
                Some(run) => Finding::warning(
                    check,
                    format!("{}: it is off by now, or its runs die", began(run)),
                    format!("{advice}; {letters}"),
                ),
                None => Finding::unknown(
                    check,
                    "has not begun a run of late: it is off, or new",
                    advice,
                ),
            },
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
    // A year at most, so that nothing overflows.
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

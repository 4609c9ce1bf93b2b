//! `plan` and `sync` through the deployed function: invoked, and for a sync invoked again until nobody is left.
//!
//! It needs neither a configuration nor a table: the function has both.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::Value;
use sync::{Mode, Outcome, Report, RunStatus};
use tokio::time::sleep;

use crate::args::{Common, Stack};
use crate::show;
use crate::workplace::aws_account;

/// Longer than a function may run, which is 15 minutes.
const LONGEST_INVOCATION: Duration = Duration::from_mins(16);
/// Between two attempts while another run is at it.
const PAUSE: Duration = Duration::from_secs(30);
/// So many pauses in a row are longer than a run of the function may last.
const MOST_PAUSES: u32 = 40;
/// After so many runs in a row that got nobody done, another one would not either.
const MOST_IDLE_RUNS: u32 = 3;
/// How AWS calls it that a right is missing.
pub(crate) const DENIED: &str = "AccessDeniedException";
/// How the types of Lambda's own errors begin: the function did not answer, but died.
const DIED: [&str; 3] = ["Runtime.", "Sandbox.", "Extension."];

/// The name of a stack's function; [`Common`] has no say in what the function uses.
pub(crate) fn name<'a>(common: &Common, stack: &'a Stack) -> Result<&'a str> {
    // Not left to the parser, which overlooks a --state that stands before the command.
    if common.state.is_some() {
        bail!("--deployed cannot be used with --state: the deployed function has its own table");
    }
    match stack.function.as_deref() {
        Some(name) if !name.trim().is_empty() => Ok(name),
        _ => bail!(
            "--deployed needs the name of the function: the stack's output `SyncFunctionName`, given by --function NAME or \
             in `ROLLCALL_FUNCTION`"
        ),
    }
}

/// The account that a stack is in, of the environment's credentials and Region.
pub(crate) async fn account() -> Result<SdkConfig> {
    let aws = aws_account().await?;
    if aws.region().is_none() {
        bail!(
            "no AWS Region is given: set `AWS_REGION`, or `AWS_PROFILE` to a profile that has one"
        );
    }
    Ok(aws)
}

/// Runs a stack's function with this event: once for a plan, until nobody is left for a sync. The report is the last run's.
pub(crate) async fn run(
    common: &Common,
    stack: &Stack,
    event: &Value,
    mode: Mode,
) -> Result<Report> {
    let name = name(common, stack)?;
    let function = Function::connect(name).await?;
    let tell = |text: &str| show::err(&format!("{text}\n"));
    tell(&format!(
        "`{name}` runs in your AWS account: up to 15 minutes for each run"
    ));
    let invoke = async || function.invoke(event).await;
    match mode {
        Mode::Plan => invoke().await,
        Mode::Apply => until_done(invoke, async || sleep(PAUSE).await, tell).await,
    }
}

/// Runs again as long as somebody is left and the runs get anybody done; pauses while another run is at it.
async fn until_done(
    invoke: impl AsyncFn() -> Result<Report>,
    pause: impl AsyncFn(),
    tell: impl Fn(&str),
) -> Result<Report> {
    let (mut runs, mut idle, mut pauses) = (0_u32, 0, 0);
    loop {
        let report = invoke().await?;
        if report.status == RunStatus::Busy {
            if pauses == MOST_PAUSES {
                return Ok(report);
            }
            pauses += 1;
            let seconds = PAUSE.as_secs();
            tell(&format!(
                "another run is at it; next attempt in {seconds} s"
            ));
            pause().await;
            continue;
        }
        pauses = 0;
        runs += 1;
        let done = done(&report);
        let left = report.count(Outcome::NotReached);
        tell(&format!(
            "run {runs}: {done} people done, {left} not reached"
        ));
        if !is_unfinished(&report) {
            return Ok(report);
        }
        idle = if done == 0 { idle + 1 } else { 0 };
        if idle == MOST_IDLE_RUNS {
            tell(&format!(
                "stopped: {idle} runs in a row got nobody done, and the report says why"
            ));
            return Ok(report);
        }
    }
}

/// Whether the run's time was over, for some or for all: that somebody failed does not end an import.
fn is_unfinished(report: &Report) -> bool {
    let out_of_time = report
        .error
        .as_ref()
        .is_some_and(|error| error.code == "deadline");
    report.status == RunStatus::Unfinished || out_of_time && report.count(Outcome::NotReached) > 0
}

/// How many people the run changed.
fn done(report: &Report) -> usize {
    let outcomes = Outcome::ALL.into_iter().filter(|outcome| match outcome {
        Outcome::Created
        | Outcome::Reactivated
        | Outcome::Suspended
        | Outcome::Activated
        | Outcome::Renamed
        | Outcome::Adopted
        | Outcome::Updated => true,
        Outcome::Failed
        | Outcome::NotReached
        | Outcome::Held
        | Outcome::Skipped
        | Outcome::Unchanged => false,
    });
    outcomes.map(|outcome| report.count(outcome)).sum()
}

/// The deployed function.
struct Function<'a> {
    name: &'a str,
    client: Client,
}

/// What Lambda says of an invocation that did not end with an answer.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FunctionError {
    error_type: String,
    error_message: String,
}

impl<'a> Function<'a> {
    /// Nothing is invoked twice: a run that is not heard of may have happened.
    async fn connect(name: &'a str) -> Result<Self> {
        let aws = account().await?;
        let timeouts = TimeoutConfig::builder()
            .read_timeout(LONGEST_INVOCATION)
            .build();
        let config = aws_sdk_lambda::config::Builder::from(&aws)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        Ok(Self {
            name,
            client: Client::from_conf(config.build()),
        })
    }

    async fn invoke(&self, event: &Value) -> Result<Report> {
        let invocation = self
            .client
            .invoke()
            .function_name(self.name)
            .payload(Blob::new(event.to_string()));
        let answer = match invocation.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(not_invoked(self.name, error)),
        };
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            return Err(failed(self.name, &payload));
        }
        serde_json::from_slice(&payload).with_context(|| {
            format!(
                "`{}` answered, but with no report: is this the function `sync`, and of this version? The stack's output \
                 `SyncFunctionName` has its name",
                self.name
            )
        })
    }
}

/// Why there was no invocation, and what to do.
fn not_invoked(name: &str, error: SdkError<InvokeError>) -> Error {
    let advice = match &error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
            "no answer came: the run may have taken place all the same; do the same again, which is safe".to_owned()
        }
        error if error.code() == Some("TooManyRequestsException") => {
            "Lambda has no room for it now, because the account's concurrency is used up: try again in a minute".to_owned()
        }
        error => advice(error, "lambda:InvokeFunction"),
    };
    Error::new(error).context(format!("`{name}`: {advice}"))
}

/// Why Lambda did nothing with the function that needs this `right`, and what to do.
pub(crate) fn advice<E: ProvideErrorMetadata>(error: &SdkError<E>, right: &str) -> String {
    let advice = match error.code() {
        Some("ResourceNotFoundException") => {
            "there is no such function: check the name against the stack's output `SyncFunctionName`, and `AWS_REGION` and \
             `AWS_PROFILE`"
        }
        Some(DENIED) => {
            return format!("your role needs `{right}` on this function (docs/deploy.md)");
        }
        Some("TooManyRequestsException") => "Lambda asks for fewer requests: try again in a minute",
        Some("ValidationException" | "InvalidParameterValueException") => {
            "this can be no function's name: give the stack's output `SyncFunctionName`"
        }
        Some(
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "ExpiredTokenException"
            | "MissingAuthenticationTokenException",
        ) => "AWS does not accept your credentials: sign in again, and check `AWS_PROFILE`",
        Some("ServiceException") => "Lambda did not do it: try again in a minute",
        None if error.as_service_error().is_none() => {
            "Lambda was not reached: check your credentials, `AWS_REGION` and the network"
        }
        _ => "Lambda did not do it",
    };
    advice.to_owned()
}

/// Why the invocation ended without a report, and what to do.
fn failed(name: &str, payload: &[u8]) -> Error {
    let FunctionError {
        error_type,
        error_message,
    } = serde_json::from_slice(payload).unwrap_or_default();
    if !error_type.is_empty() && !DIED.iter().any(|died| error_type.starts_with(died)) {
        return anyhow!("`{name}` did not run: {error_message}");
    }
    anyhow!(
        "`{name}` died: {error_message}; what it did until then is kept, and to do the same again goes on from there. The \
         cause is in its log (docs/operate.md)"
    )
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use serde_json::json;

    use super::*;

    /// A report with this status and error code, of so many people created and not reached.
    fn report(status: &str, error: Option<&str>, created: usize, left: usize) -> Report {
        let error = error.map(|code| json!({"code": code, "text": ""}));
        serde_json::from_value(json!({
            "run_id": "r1", "mode": "apply", "status": status, "plan_digest": "", "held": [],
            "started_at": "2026-11-22T08:00:00Z", "duration_ms": 900, "people": [], "warnings": [],
            "counts": {"created": created, "not_reached": left},
            "calls": {"deel": 1, "humaans": 0, "jumpcloud": 2, "dynamodb": 5}, "error": error,
        }))
        .unwrap()
    }

    fn unfinished(created: usize) -> Report {
        report("unfinished", Some("deadline"), created, 7)
    }

    /// What comes of runs that end so, the last one again and again: the status, how many invocations there were, and what
    /// was told.
    async fn check(reports: &[Report]) -> (RunStatus, usize, Vec<String>) {
        let (runs, told) = (Cell::new(0), RefCell::default());
        let pause = async || RefCell::<Vec<String>>::borrow_mut(&told).push("a pause".to_owned());
        let invoke = async || {
            let run = runs.replace(runs.get() + 1);
            Ok(reports[run.min(reports.len() - 1)].clone())
        };
        let tell = |text: &str| RefCell::<Vec<String>>::borrow_mut(&told).push(text.to_owned());
        let last = until_done(invoke, pause, tell).await.unwrap();
        (last.status, runs.get(), told.into_inner())
    }

    #[tokio::test]
    async fn runs_are_repeated_until_nobody_is_left() {
        let applied = report("applied", None, 3, 0);
        let held = report("held", None, 0, 0);
        let failed = report("failed", Some("jumpcloud_key_refused"), 3, 7);
        let one_failed = report("failed", Some("deadline"), 3, 7);
        let table = [
            (vec![applied.clone()], RunStatus::Applied, 1),
            (
                vec![unfinished(3), unfinished(2), applied.clone()],
                RunStatus::Applied,
                3,
            ),
            (vec![unfinished(3), held], RunStatus::Held, 2),
            (vec![unfinished(3), failed], RunStatus::Failed, 2),
            // Somebody failed, and others are left.
            (vec![one_failed, applied.clone()], RunStatus::Applied, 2),
            // Two runs in a row that get nobody done may happen.
            (
                [0, 0, 1, 0]
                    .map(unfinished)
                    .into_iter()
                    .chain([applied])
                    .collect(),
                RunStatus::Applied,
                5,
            ),
        ];
        for (reports, status, runs) in table {
            let (last, count, told) = check(&reports).await;
            assert_eq!((last, count), (status, runs));
            assert_eq!(told.len(), runs, "{told:?}");
        }
    }

    #[tokio::test]
    async fn third_run_in_a_row_that_gets_nobody_done_is_the_last() {
        let (last, runs, told) = check(&[unfinished(4), unfinished(0)]).await;
        assert_eq!((last, runs), (RunStatus::Unfinished, 4));
        assert_eq!(told[0], "run 1: 4 people done, 7 not reached");
        assert!(told[4].starts_with("stopped: 3 runs"), "{told:?}");
    }

    #[tokio::test]
    async fn another_run_is_waited_for_and_not_for_ever() {
        let busy = || report("busy", Some("busy"), 0, 0);
        let (last, runs, told) = check(&[busy(), busy(), report("applied", None, 1, 0)]).await;
        assert_eq!((last, runs), (RunStatus::Applied, 3));
        let pause = ["another run is at it; next attempt in 30 s", "a pause"];
        assert_eq!(told[..4], [pause, pause].concat());

        let (last, runs, _) = check(&[busy()]).await;
        assert_eq!((last, runs), (RunStatus::Busy, 41));
        assert!(PAUSE * MOST_PAUSES > LONGEST_INVOCATION);
    }

    #[test]
    fn function_that_died_and_one_that_refused_are_told_apart() {
        let check =
            |error: Value| failed("rollcall-sync", error.to_string().as_bytes()).to_string();
        let refused =
            json!({"errorType": "Error", "errorMessage": "refused, and nothing was read: no"});
        assert_eq!(
            check(refused),
            "`rollcall-sync` did not run: refused, and nothing was read: no"
        );
        for died in [
            json!({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 900.00 seconds"}),
            json!({"errorMessage": "2026-11-22T08:00:00Z 1 Task timed out after 900.00 seconds"}),
            json!({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}),
            json!("not what it should be"),
        ] {
            assert!(
                check(died.clone()).starts_with("`rollcall-sync` died: "),
                "{died}"
            );
        }
    }
}

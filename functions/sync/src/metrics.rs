//! What CloudWatch's alarms and dashboard know of a run. `docs/operate.md` tells what each metric is.
//!
//! Pure: figures from a report. A count of zero is left out, since CloudWatch charges for each metric that it hears of,
//! but where an alarm waits for the zero that ends it.

use mapping::Class;
use startup::Metric;

use crate::report::{Calls, Outcome, Report, RunStatus};
use crate::request::Request;

/// The metrics of a run. A plan has none, and neither has a run for chosen people or sources: whoever asked for it has the
/// answer, and it says nothing of how well JumpCloud is kept in step.
pub fn metrics(request: &Request, report: &Report) -> Vec<Metric> {
    if !request.keeps_in_step() || report.status == RunStatus::Busy {
        return Vec::new();
    }
    let key_refused = report
        .error
        .as_ref()
        .is_some_and(|error| error.code == "jumpcloud_key_refused");
    let held: usize = report.held.iter().map(|held| held.count).sum();
    let always = [
        Metric::count("RunSucceeded", has_succeeded(report).into()),
        Metric::count("RunFailed", has_failed(report).into()),
        Metric::count("JumpCloudKeyRefused", key_refused.into()),
        Metric::count("Held", held as u64),
        Metric::count("PeopleFailed", count(report, Outcome::Failed)),
        Metric::milliseconds("RunDuration", report.duration_ms),
    ];
    let people = Outcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != Outcome::Failed)
        .map(|outcome| Metric::count(of_outcome(outcome), count(report, outcome)));
    let held = Class::ALL.into_iter().map(|class| {
        let classes = report.held.iter().filter(|held| held.class == class);
        let count: usize = classes.map(|held| held.count).sum();
        Metric::count(of_held(class), count as u64)
    });
    let Calls {
        deel,
        humaans,
        jumpcloud,
        dynamodb,
    } = report.calls;
    let cost = [
        Metric::count("CallsDeel", deel),
        Metric::count("CallsHumaans", humaans),
        Metric::count("CallsJumpCloud", jumpcloud),
        Metric::count("CallsDynamoDb", dynamodb),
        Metric::count("Warnings", report.warnings.len() as u64),
        Metric::count("KeysExpiring", warnings(report, "key_expires")),
    ];
    let counted = people.chain(held).chain(cost);
    always
        .into_iter()
        .chain(counted.filter(|metric| metric.value > 0))
        .collect()
}

/// Whether it came to its end with every source read whole. That somebody failed or is held does not spoil a run: one
/// person whom JumpCloud never takes must not hide that nothing runs at all.
fn has_succeeded(report: &Report) -> bool {
    let is_whole = warnings(report, "source_incomplete") == 0;
    report.error.is_none() && report.status != RunStatus::Unfinished && is_whole
}

/// Whether it ended on an error of the whole run.
fn has_failed(report: &Report) -> bool {
    report.error.is_some() && report.status == RunStatus::Failed
}

fn warnings(report: &Report, code: &str) -> u64 {
    let warnings = report.warnings.iter();
    warnings.filter(|warning| warning.code == code).count() as u64
}

fn count(report: &Report, outcome: Outcome) -> u64 {
    report.count(outcome) as u64
}

fn of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "PeopleFailed",
        Outcome::NotReached => "PeopleNotReached",
        Outcome::Held => "PeopleHeld",
        Outcome::Skipped => "PeopleSkipped",
        Outcome::Created => "PeopleCreated",
        Outcome::Reactivated => "PeopleReactivated",
        Outcome::Suspended => "PeopleSuspended",
        Outcome::Activated => "PeopleActivated",
        Outcome::Renamed => "PeopleRenamed",
        Outcome::Adopted => "PeopleAdopted",
        Outcome::Updated => "PeopleUpdated",
        Outcome::Unchanged => "PeopleUnchanged",
    }
}

fn of_held(class: Class) -> &'static str {
    match class {
        Class::Create => "HeldCreate",
        Class::Adopt => "HeldAdopt",
        Class::Update => "HeldUpdate",
        Class::Rename => "HeldRename",
        Class::Activate => "HeldActivate",
        Class::Suspend => "HeldSuspend",
        Class::Reactivate => "HeldReactivate",
        Class::Missing => "HeldMissing",
        Class::OutOfScope => "HeldOutOfScope",
        Class::Blank => "HeldBlank",
        Class::GroupRemove => "HeldGroupRemove",
        Class::Delete => "HeldDelete",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::{Reason, RunWarning};
    use crate::request::Mode;

    /// A run after which everything is in step but for somebody who failed and three leavers who are held.
    fn report() -> Report {
        let counts = BTreeMap::from([(Outcome::Failed, 1), (Outcome::Unchanged, 96)]);
        serde_json::from_value(serde_json::json!({
            "run_id": "r1", "mode": "apply", "status": "failed", "plan_digest": "", "started_at": "2026-11-22T08:00:00Z",
            "duration_ms": 900, "counts": counts, "people": [], "warnings": [],
            "held": [{
                "source": "deel", "class": "suspend", "count": 3, "limit": {"rule": "max", "value": 2}, "digest": "",
            }],
            "calls": {"deel": 1, "humaans": 0, "jumpcloud": 2, "dynamodb": 5},
        }))
        .unwrap()
    }

    fn value(report: &Report, name: &str) -> Option<u64> {
        let metrics = metrics(&Request::default(), report);
        let metric = metrics.iter().find(|metric| metric.name == name)?;
        Some(metric.value)
    }

    #[test]
    fn zero_is_told_only_where_an_alarm_waits_for_it() {
        let metrics = metrics(&Request::default(), &report());
        let told: Vec<(&str, u64)> = metrics
            .iter()
            .map(|metric| (metric.name, metric.value))
            .collect();
        assert_eq!(
            told,
            [
                ("RunSucceeded", 1),
                ("RunFailed", 0),
                ("JumpCloudKeyRefused", 0),
                ("Held", 3),
                ("PeopleFailed", 1),
                ("RunDuration", 900),
                ("PeopleUnchanged", 96),
                ("HeldSuspend", 3),
                ("CallsDeel", 1),
                ("CallsJumpCloud", 2),
                ("CallsDynamoDb", 5),
            ]
        );
    }

    #[test]
    fn run_succeeds_when_it_comes_to_its_end_with_every_source_whole() {
        let name = "deel".into();
        let incomplete = RunWarning::of_source(&name, "source_incomplete", String::new());
        let on = |code| Some(Reason::new(code, String::new()));
        for (change, succeeded, failed) in [
            (
                Report {
                    warnings: vec![incomplete],
                    ..report()
                },
                0,
                0,
            ),
            (
                Report {
                    status: RunStatus::Unfinished,
                    ..report()
                },
                0,
                0,
            ),
            (
                Report {
                    status: RunStatus::Unfinished,
                    error: on("deadline"),
                    ..report()
                },
                0,
                0,
            ),
            (
                Report {
                    error: on("state_unreadable"),
                    ..report()
                },
                0,
                1,
            ),
            (
                Report {
                    status: RunStatus::Held,
                    ..report()
                },
                1,
                0,
            ),
        ] {
            assert_eq!(
                value(&change, "RunSucceeded"),
                Some(succeeded),
                "{change:?}"
            );
            assert_eq!(value(&change, "RunFailed"), Some(failed), "{change:?}");
        }
    }

    #[test]
    fn refused_key_is_told() {
        let refused = Reason::new("jumpcloud_key_refused", String::new());
        let report = Report {
            error: Some(refused),
            ..report()
        };
        assert_eq!(value(&report, "JumpCloudKeyRefused"), Some(1));
    }

    #[test]
    fn only_runs_over_everyone_that_apply_are_measured() {
        let busy = Report {
            status: RunStatus::Busy,
            ..report()
        };
        assert_eq!(metrics(&Request::default(), &busy), []);
        let plan = Request {
            mode: Mode::Plan,
            ..Request::default()
        };
        let chosen = Request {
            people: vec!["w1".to_owned()],
            ..Request::default()
        };
        for request in [plan, chosen] {
            assert_eq!(metrics(&request, &report()), []);
        }
    }

    #[test]
    fn every_outcome_and_class_has_a_name_of_its_own() {
        let names = Outcome::ALL.map(of_outcome).into_iter();
        let names: std::collections::BTreeSet<_> = names.chain(Class::ALL.map(of_held)).collect();
        assert_eq!(names.len(), Outcome::ALL.len() + Class::ALL.len());
    }
}

//! The end of a run: its report, its record, the end of its chain, and the lease given back.

use std::collections::BTreeMap;
use std::time::Duration;

use mapping::Text;
use serde::Serialize;
use state::{Head, Lease, Link, RunChain, RunHeader, StateError};

use super::{Ended, Finished, ThisRun};
use crate::chain;
use crate::notify::news;
use crate::plan::{Reason, RunWarning};
use crate::report::{Calls, Outcome, Report, RunStatus};
use crate::undo::Undoes;

impl ThisRun<'_> {
    /// Whether the run is not about a few people alone, who should cost few requests.
    fn is_for_everyone(&self) -> bool {
        self.request.people.is_empty()
    }

    /// What a list shows of this run as long as it has not ended.
    pub(super) fn header(&self) -> RunHeader {
        RunHeader {
            run_id: self.id.clone(),
            mode: word(&self.request.mode),
            status: Text::const_new(RunHeader::BEGUN),
            trigger: word(&self.request.trigger),
            started_at: self.started_at,
            duration_ms: 0,
            config_digest: self.config.digest.as_str().into(),
            plan_digest: None,
            counts: BTreeMap::new(),
        }
    }

    /// An empty report of this run, with what it has cost so far.
    pub(super) fn report(&self, status: RunStatus) -> Report {
        let mut calls = Calls {
            jumpcloud: self.jumpcloud.calls(),
            dynamodb: self.state.calls(),
            ..Calls::default()
        };
        for (_, client) in &self.hr {
            client.count(&mut calls);
        }
        Report {
            run_id: self.id.as_str().into(),
            mode: self.request.mode,
            status,
            plan_digest: String::new(),
            held: Vec::new(),
            undoes: self.request.undo.as_ref().map(|run| Undoes {
                run_id: run.as_str().into(),
                said: self.request.said.clone(),
            }),
            approvals: Vec::new(),
            started_at: self.started_at,
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            counts: Report::tally(&[], 0, 0),
            people: Vec::new(),
            people_omitted: 0,
            out_of_scope: 0,
            calls,
            warnings: Vec::new(),
            error: None,
        }
    }

    /// Reports, records the run and gives the lease back.
    pub(super) async fn close(
        &self,
        (finished, expiring_keys): Ended,
        mut lease: Option<(Lease, RunChain)>,
    ) -> Report {
        let mut last_link = None;
        let mut report = match finished {
            Err(error) => {
                let status = if error.is_asked_to_wait() {
                    RunStatus::Unfinished
                } else {
                    RunStatus::Failed
                };
                Report {
                    error: Some(Reason::new(error.code(), error.advice())),
                    ..self.report(status)
                }
            }
            Ok(finished) => {
                let Finished {
                    plan_digest,
                    held,
                    approvals,
                    unchanged,
                    out_of_scope,
                    warnings,
                    applied,
                } = finished;
                last_link = applied.last_link;
                let counts = Report::tally(&applied.rows, unchanged, out_of_scope);
                let left = counts
                    .get(&Outcome::NotReached)
                    .copied()
                    .unwrap_or_default();
                let key_refused = applied
                    .halted
                    .as_ref()
                    .is_some_and(|halt| halt.code == "jumpcloud_key_refused");
                let status = if key_refused {
                    RunStatus::Failed
                } else {
                    Report::status_of(&counts, &held, self.request.mode)
                };
                Report {
                    plan_digest: plan_digest.to_string(),
                    held,
                    approvals,
                    counts,
                    out_of_scope,
                    people: applied
                        .rows
                        .into_iter()
                        .filter(|row| row.outcome != Outcome::Unchanged)
                        .collect(),
                    warnings,
                    error: applied.halted.map(|halt| with_what_is_left(halt, left)),
                    ..self.report(status)
                }
            }
        };
        report.warnings.extend(expiring_keys);
        report.warnings.extend(self.told_to_wait());
        if let Some((lease, _)) = &mut lease {
            report.warnings.extend(self.tell(&report, lease).await);
        }
        let had_lease = lease.is_some();
        let recorded = self.record(&report, lease, last_link.as_ref()).await;
        if had_lease && matches!(recorded, Ok(None)) {
            tracing::warn!(run.id = %self.id, "the run lost its lease and is saved without a record of its own in the audit chain");
        }
        // What the log holds, nobody who can write the table can alter.
        let head = recorded.as_ref().ok().copied().flatten();
        let head = head.map(|Head { seq, hash }| format!("{seq}:{}", hex::encode(hash)));
        if let Err(error) = recorded {
            let (code, what) = match error {
                // The record stands; only the last person's link was refused with it.
                StateError::Owned { .. } => {
                    ("not_remembered", "the last link could not be written")
                }
                _ => ("run_not_recorded", "the run could not be recorded"),
            };
            tracing::error!(run.id = %self.id, error = %chain(&error), "{what}");
            if report.error.is_none() {
                let warning = RunWarning::of_run(code, chain(&error));
                report.warnings.push(warning);
            }
        }
        report.calls.dynamodb = self.state.calls();
        let Report {
            status,
            duration_ms,
            ..
        } = &report;
        tracing::info!(run.id = %self.id, run.head = head, status = ?status, duration_ms, "the run ended");
        report
    }

    /// Tells of what is new, and remembers that; what nobody could be told of is told by the next run.
    async fn tell(&self, report: &Report, lease: &mut Lease) -> Option<RunWarning> {
        let topic = self.topic.filter(|_| self.request.keeps_in_step())?;
        let (told, message) = news(report, lease.told())?;
        match topic.publish(&message).await {
            Ok(()) => {
                lease.set_told(told.into());
                None
            }
            Err(error) => Some(RunWarning::of_run("not_told", chain(&error))),
        }
    }

    /// Who asks to be left alone for longer than this run could last, and until when.
    fn told_to_wait(&self) -> Vec<RunWarning> {
        let until = |wait: Duration| ((self.clock)() + wait).strftime("%Y-%m-%d %H:%M:%S UTC");
        let text = |who: &str, wait: Duration| {
            format!(
                "{who} asks for no request before {}, which is after this run's deadline: it was sent none since, and a run after that goes on",
                until(wait)
            )
        };
        let hr = self.hr.iter().filter_map(|(source, client)| {
            let text = text(client.vendor(), client.asked_to_wait()?);
            Some(RunWarning::of_source(&source.name, "asked_to_wait", text))
        });
        let jumpcloud = self.jumpcloud.asked_to_wait();
        let jumpcloud =
            jumpcloud.map(|wait| RunWarning::of_run("asked_to_wait", text("JumpCloud", wait)));
        hr.chain(jumpcloud).collect()
    }

    async fn record(
        &self,
        report: &Report,
        mut lease: Option<(Lease, RunChain)>,
        link: Option<&Link>,
    ) -> Result<Option<Head>, StateError> {
        let header = RunHeader {
            status: word(&report.status),
            duration_ms: report.duration_ms,
            plan_digest: Some(report.plan_digest.as_str().into())
                .filter(|digest: &Text| !digest.is_empty()),
            counts: report
                .counts
                .iter()
                .map(|(outcome, count)| (word(outcome), *count as u64))
                .collect(),
            ..self.header()
        };
        let report = serde_json::value::to_raw_value(report).unwrap_or_default();
        if let Some((_, chain)) = &mut lease
            && self.is_for_everyone()
            && let Err(error) = self.state.seal(chain, self.started_at).await
        {
            tracing::warn!(run.id = %self.id, error = %crate::chain(&error), "the chains of SCIM are left to the next run to seal");
        }
        let lease = lease.as_ref().map(|(lease, chain)| (lease, chain));
        self.state.finish_run(lease, &header, &report, link).await
    }
}

/// Why a run stopped, and how many people are left to the next.
fn with_what_is_left(halt: Reason, left: usize) -> Reason {
    let Reason { code, text } = halt;
    Reason {
        code,
        text: format!("{text}; people not reached, with whom the next run goes on: {left}"),
    }
}

/// The word that serde writes for a plain enum.
fn word(value: &impl Serialize) -> Text {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.into(),
        _ => Text::default(),
    }
}

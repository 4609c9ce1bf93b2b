//! What somebody is told of runs, once: what has begun to go wrong or waits for a judgement, and what is over.
//!
//! A message goes to mailboxes and chats. It has sources, classes, counts and codes, and nobody's name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::PublishError;
use thiserror::Error;

use crate::judge::HeldClass;
use crate::report::{Outcome, Report, RunStatus};

/// What goes on from run to run until it is over: what is remembered of each, and how it is told.
type Troubles = BTreeMap<String, String>;

/// A message for the people who look after rollcall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// A line of ASCII, at most 100 characters.
    pub(crate) subject: String,
    /// The message itself.
    pub(crate) text: String,
}

/// The SNS topic of the people who look after rollcall.
#[derive(Debug, Clone)]
pub struct Topic {
    client: Client,
    arn: String,
}

/// Why nobody was told.
#[derive(Debug, Error)]
#[error(
    "SNS did not take the message: does the role allow `sns:Publish` on the topic, and the use of its key?"
)]
pub struct TopicError(#[source] Box<SdkError<PublishError>>);

impl Topic {
    /// The topic of this ARN; nothing is sent yet. `config` is what the AWS SDK loaded.
    pub fn new(config: impl Into<Builder>, arn: String) -> Self {
        // A run ends within seconds of its function's end: mail may not cost it its record.
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(2));
        let config = config.into().timeout_config(timeouts.build()).build();
        Self {
            client: Client::from_conf(config),
            arn,
        }
    }

    /// Sends a message to all who subscribed.
    pub(crate) async fn publish(&self, message: &Message) -> Result<(), TopicError> {
        let publish = self.client.publish().topic_arn(&self.arn);
        let publish = publish.subject(&message.subject).message(&message.text);
        let sent = publish.send().await;
        sent.map_err(|error| TopicError(Box::new(error))).map(drop)
    }
}

/// What is to be remembered after a run over everyone as told, and the message that tells it, if there is any news.
/// `told` is what was remembered before.
pub(crate) fn news(report: &Report, told: &str) -> Option<(String, Message)> {
    let told: Vec<&str> = told.lines().collect();
    let mut troubles = troubles(report);
    if report.error.is_some() {
        // It ended before everything was judged: what was so before still is, for all that is known.
        for trouble in told.iter().filter(|trouble| !trouble.starts_with(FAILED)) {
            let still = troubles.entry((*trouble).to_owned());
            still.or_insert_with(|| (*trouble).to_owned());
        }
    }
    let begun: Vec<(&String, &String)> = troubles
        .iter()
        .filter(|(trouble, _)| !told.contains(&trouble.as_str()))
        .collect();
    let over: Vec<&str> = told
        .into_iter()
        .filter(|trouble| !troubles.contains_key(*trouble))
        .collect();
    if begun.is_empty() && over.is_empty() {
        return None;
    }
    let message = Message {
        subject: subject(&begun, troubles.is_empty()),
        text: text(report, &begun, &over),
    };
    let remembered: Vec<&str> = troubles.keys().map(String::as_str).collect();
    Some((remembered.join("\n"), message))
}

/// How what is remembered begins, where the run itself ended on an error.
const FAILED: &str = "failed: the run";
/// How it begins where a limit holds something.
const HELD: &str = "held";

fn troubles(report: &Report) -> Troubles {
    let mut troubles = Troubles::new();
    // A run out of time is no failure: the next one goes on.
    let has_failed = report.status == RunStatus::Failed;
    if let Some(error) = report.error.as_ref().filter(|_| has_failed) {
        let told = format!("the run failed, {}: {}", error.code, error.text);
        troubles.insert(format!("{FAILED}, {}", error.code), told);
    }
    let failed = report.count(Outcome::Failed);
    if failed > 0 {
        let told = format!("{failed} people failed, the others were done");
        troubles.insert("failed: people".to_owned(), told);
    }
    for held in &report.held {
        let HeldClass {
            source,
            class,
            group,
            count,
            limit,
            digest: _,
        } = held;
        let group = match group {
            Some(group) => format!(" of the group {group}"),
            None => String::new(),
        };
        let what = format!("{HELD} in {source}: {class}{group}");
        let told = format!(
            "{what}, {count} people (limit `{}`, {})",
            limit.rule, limit.value
        );
        troubles.insert(what, told);
    }
    troubles
}

fn subject(begun: &[(&String, &String)], all_is_well: bool) -> String {
    let is_held = |(trouble, _): &(&String, &String)| trouble.starts_with(HELD);
    let held = begun.iter().any(is_held);
    let failed = !begun.iter().all(is_held);
    let what = match (failed, held) {
        (true, true) => "failed, and changes are held",
        (true, false) => "failed",
        (false, true) => "changes are held",
        (false, false) if all_is_well => "recovered",
        (false, false) => "partly recovered",
    };
    format!("rollcall: {what}")
}

fn text(report: &Report, begun: &[(&String, &String)], over: &[&str]) -> String {
    let mut text = String::new();
    let mut list = |title: &str, lines: &mut dyn Iterator<Item = &str>| {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{title}");
            lines.for_each(|line| {
                let _ = writeln!(text, "- {line}");
            });
            text.push('\n');
        }
    };
    list("New:", &mut begun.iter().map(|(_, told)| told.as_str()));
    list("Over:", &mut over.iter().copied());
    let run = &report.run_id;
    let _ = write!(
        text,
        "Look closer: rollcall runs {run}\nHeld changes are applied with the digest that it shows: rollcall sync --approve DIGEST\n\
         You are told of this once, and again when it is over.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reason;

    fn report(held: &serde_json::Value, failed: usize, error: Option<&'static str>) -> Report {
        let report = serde_json::json!({
            "run_id": "r1", "mode": "apply", "status": "held", "plan_digest": "", "started_at": "2026-11-22T08:00:00Z",
            "duration_ms": 900, "counts": {"failed": failed}, "people": [], "warnings": [], "held": held,
            "calls": {"deel": 1, "humaans": 0, "jumpcloud": 2, "dynamodb": 5},
        });
        Report {
            status: match error {
                Some("deadline") => RunStatus::Unfinished,
                Some(_) => RunStatus::Failed,
                None => RunStatus::Held,
            },
            error: error.map(|code| Reason::new(code, "store another key")),
            ..serde_json::from_value(report).unwrap()
        }
    }

    fn held(class: &str, count: usize) -> serde_json::Value {
        let limit = serde_json::json!({"rule": "max", "value": 2});
        serde_json::json!({"source": "deel", "class": class, "count": count, "limit": limit, "digest": ""})
    }

    /// Runs one after the other; the subjects of what is told, and the last text.
    fn told(reports: impl IntoIterator<Item = Report>) -> (Vec<String>, String) {
        let (mut remembered, mut subjects, mut text) = (String::new(), Vec::new(), String::new());
        for report in reports {
            let Some((next, message)) = news(&report, &remembered) else {
                subjects.push(String::new());
                continue;
            };
            remembered = next;
            subjects.push(message.subject);
            text = message.text;
        }
        (subjects, text)
    }

    #[test]
    fn each_trouble_is_told_once_and_once_more_when_it_is_over() {
        let well = || report(&serde_json::json!([]), 0, None);
        let suspend = |count| report(&serde_json::json!([held("suspend", count)]), 0, None);
        let both = || {
            report(
                &serde_json::json!([held("suspend", 9), held("adopt", 1)]),
                0,
                None,
            )
        };
        let failed = |code| report(&serde_json::json!([]), 0, Some(code));
        let somebody = |count| report(&serde_json::json!([held("suspend", 4)]), count, None);
        for (runs, subjects) in [
            (vec![well(), well()], ["", ""].as_slice()),
            (
                vec![suspend(4), suspend(5), well(), well()],
                &["rollcall: changes are held", "", "rollcall: recovered", ""],
            ),
            (
                vec![suspend(4), both(), suspend(4)],
                &[
                    "rollcall: changes are held",
                    "rollcall: changes are held",
                    "rollcall: partly recovered",
                ],
            ),
            (
                vec![failed("a"), failed("a"), failed("b"), well()],
                &[
                    "rollcall: failed",
                    "",
                    "rollcall: failed",
                    "rollcall: recovered",
                ],
            ),
            // A first import takes several runs.
            (
                vec![failed("deadline"), failed("deadline"), well()],
                &["", "", ""],
            ),
            // A run that came to nothing says nothing of what was held before.
            (
                vec![suspend(4), failed("a"), suspend(4), well()],
                &[
                    "rollcall: changes are held",
                    "rollcall: failed",
                    "rollcall: partly recovered",
                    "rollcall: recovered",
                ],
            ),
            (
                vec![somebody(1), somebody(3)],
                &["rollcall: failed, and changes are held", ""],
            ),
        ] {
            assert_eq!(told(runs).0, subjects);
        }
    }

    #[test]
    fn message_says_what_and_where_to_look() {
        let runs = [
            report(&serde_json::json!([held("adopt", 1)]), 0, None),
            report(
                &serde_json::json!([held("suspend", 4)]),
                2,
                Some("jumpcloud_key_refused"),
            ),
            report(&serde_json::json!([held("suspend", 4)]), 0, None),
        ];
        let (_, first) = told(runs.clone().into_iter().take(2));
        insta::assert_snapshot!(first, @r"
        New:
        - 2 people failed, the others were done
        - the run failed, jumpcloud_key_refused: store another key
        - held in deel: suspend, 4 people (limit `max`, 2)

        Look closer: rollcall runs r1
        Held changes are applied with the digest that it shows: rollcall sync --approve DIGEST
        You are told of this once, and again when it is over.
        ");
        let (_, last) = told(runs);
        insta::assert_snapshot!(last, @r"
        Over:
        - failed: people
        - failed: the run, jumpcloud_key_refused
        - held in deel: adopt

        Look closer: rollcall runs r1
        Held changes are applied with the digest that it shows: rollcall sync --approve DIGEST
        You are told of this once, and again when it is over.
        ");
    }
}

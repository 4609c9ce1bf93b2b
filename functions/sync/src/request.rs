//! What a run is asked to do: the function's event, read strictly before anything else is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use mapping::{SourceName, Text};
use state::RunId;

/// The most characters of a name.
const LONGEST_NAME: usize = 200;
/// The most characters of a reason.
const LONGEST_REASON: usize = 1000;

/// What a run is asked to do. The default applies every source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Whether anything is written.
    pub mode: Mode,
    /// The sources; empty: all.
    pub sources: Vec<SourceName>,
    /// Worker ids or work e-mails; empty: everyone.
    pub people: Vec<String>,
    /// Digests of classes or plans that were shown and may now be applied.
    pub approve: Vec<String>,
    /// The run whose changes are undone, in place of anything that HR says.
    pub undo: Option<RunId>,
    /// Who approves or undoes that, and why.
    pub said: Said,
    /// Suspend today the one person whom HR shows as leaving later.
    pub now: bool,
    /// Who asked.
    pub trigger: Trigger,
}

/// Who asks for something that somebody must answer for, and why, as that person says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is written to JumpCloud.
    Plan,
    /// What limits allow is applied.
    #[default]
    Apply,
}

/// Who asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// Somebody.
    #[default]
    Invocation,
    /// Somebody, to undo a run.
    Undo,
}

/// Why an event is refused: nothing was read and nothing done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("refused, and nothing was read: {}", .problems.join("; "))]
pub struct RequestError {
    /// Every problem of the event.
    pub problems: Vec<String>,
}

const KEYS: [&str; 8] = [
    "mode", "sources", "people", "approve", "undo", "by", "reason", "now",
];

impl Request {
    /// Whether this is a run that keeps JumpCloud in step: one over everyone that applies. Of any other, whoever asked for
    /// it has the answer, and it says nothing of how things stand.
    pub(crate) fn keeps_in_step(&self) -> bool {
        self.mode == Mode::Apply
            && self.people.is_empty()
            && self.sources.is_empty()
            && self.undo.is_none()
    }

    /// Reads an event. `{}` and EventBridge's own events (they have `detail-type`) apply every source; unknown keys
    /// and values are refused, all of them at once. `sources` are the names that the configuration knows.
    pub fn from_event(event: &Value, sources: &[&SourceName]) -> Result<Self, RequestError> {
        let Value::Object(event) = event else {
            return Err(RequestError {
                problems: vec![
                    "it is not a JSON object: send `{}` to apply every source".to_owned(),
                ],
            });
        };
        if event.contains_key("detail-type") {
            return Ok(Self {
                trigger: Trigger::Schedule,
                ..Self::default()
            });
        }
        let mut reader = Reader {
            event,
            problems: Vec::new(),
        };
        let undo = reader.text("undo", LONGEST_NAME);
        let request = Self {
            mode: reader.mode(undo.is_some()),
            sources: reader.sources(sources),
            people: reader.texts("people"),
            approve: reader.digests(),
            said: reader.said(),
            now: reader.flag("now"),
            trigger: undo.as_ref().map_or(Trigger::Invocation, |_| Trigger::Undo),
            undo: undo.as_deref().map(RunId::from),
        };
        reader.unknown_keys();
        if request.now && request.people.len() != 1 {
            reader
                .problems
                .push("`now` needs exactly one person in `people`".to_owned());
        }
        let answers_for = !request.approve.is_empty() || request.undo.is_some();
        if request.said != Said::default() && !answers_for {
            let problem = "`by` and `reason` say who approves or undoes, and why: they need `approve` or `undo`";
            reader.problems.push(problem.to_owned());
        }
        let is_chosen = !request.sources.is_empty() || !request.people.is_empty() || request.now;
        if request.undo.is_some() && is_chosen {
            let problem = "`undo` is about all that the run wrote: it takes neither `sources` nor `people` nor `now`";
            reader.problems.push(problem.to_owned());
        }
        if reader.problems.is_empty() {
            Ok(request)
        } else {
            Err(RequestError {
                problems: reader.problems,
            })
        }
    }
}

struct Reader<'a> {
    event: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// Nothing is undone but on purpose.
    fn mode(&mut self, undoes: bool) -> Mode {
        match self.event.get("mode") {
            None if undoes => Mode::Plan,
            None => Mode::default(),
            Some(Value::String(mode)) if mode == "plan" => Mode::Plan,
            Some(Value::String(mode)) if mode == "apply" => Mode::Apply,
            Some(other) => {
                self.problems
                    .push(format!("`mode` is `plan` or `apply`, not {other}"));
                Mode::default()
            }
        }
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.event.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.problems
                    .push(format!("`{key}` is true or false, not {other}"));
                false
            }
        }
    }

    fn said(&mut self) -> Said {
        Said {
            by: self.text("by", LONGEST_NAME).map(Text::from),
            reason: self.text("reason", LONGEST_REASON),
        }
    }

    fn text(&mut self, key: &str, most: usize) -> Option<String> {
        let text = self.event.get(key)?.as_str().map(str::trim);
        let fits = |text: &&str| !text.is_empty() && text.chars().count() <= most;
        let text = text.filter(fits).map(str::to_owned);
        if text.is_none() {
            self.problems
                .push(format!("`{key}` is a text of 1 to {most} characters"));
        }
        text
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = match self.event.get(key) {
            None => return Vec::new(),
            Some(Value::Array(texts)) if !texts.is_empty() => texts,
            Some(_) => {
                self.problems
                    .push(format!("`{key}` is a list with at least one text"));
                return Vec::new();
            }
        };
        let read: Vec<String> = texts
            .iter()
            .filter_map(Value::as_str)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect();
        if read.len() < texts.len() {
            self.problems.push(format!(
                "`{key}` holds something that is no text, or is empty"
            ));
        }
        read
    }

    fn sources(&mut self, known: &[&SourceName]) -> Vec<SourceName> {
        let names = self.texts("sources");
        for name in &names {
            if !known.iter().any(|source| source.as_str() == name) {
                let known: Vec<&str> = known.iter().map(|source| source.as_str()).collect();
                self.problems.push(format!(
                    "`{name}` is no source of the configuration: it has `{}`",
                    known.join("`, `")
                ));
            }
        }
        names
            .iter()
            .map(|name| SourceName::from(name.as_str()))
            .collect()
    }

    fn digests(&mut self) -> Vec<String> {
        let digests = self.texts("approve");
        for digest in &digests {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
                self.problems.push(format!("`{digest}` is no digest: take it from `held` or `plan_digest` of a report (`sha256:` and 64 digits)"));
            }
        }
        digests
    }

    fn unknown_keys(&mut self) {
        for key in self
            .event
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
        {
            self.problems.push(format!(
                "`{key}` is no key of an event: it takes `{}`",
                KEYS.join("`, `")
            ));
        }
    }
}

//! Metrics in CloudWatch's embedded metric format: a JSON line on standard output, which CloudWatch reads as figures.
//!
//! What is measured is decided elsewhere. Metrics have no dimensions: each value of one would be charged as a metric.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// One figure of a run or of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// The figure.
    pub value: u64,
}

/// In what a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Milliseconds,
}

impl Metric {
    /// So many.
    pub const fn count(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: Unit::Count,
            value,
        }
    }

    /// So long.
    pub const fn milliseconds(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: Unit::Milliseconds,
            value,
        }
    }
}

/// Where metrics go: to standard output under a namespace of CloudWatch's, or nowhere.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    namespace: Option<String>,
}

impl Metrics {
    /// Metrics in this namespace; without one, none are written.
    pub fn new(namespace: Option<String>) -> Self {
        Self { namespace }
    }

    /// Writes what was measured, if anything was, and beside it facts for queries, which are no metrics.
    pub fn write(
        &self,
        at: Timestamp,
        metrics: &[Metric],
        facts: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        if let Some(namespace) = &self.namespace
            && !metrics.is_empty()
        {
            // A line that cannot be written is missed by the alarm that watches for it.
            let _ = writeln!(io::stdout(), "{}", line(namespace, at, metrics, facts));
        }
    }
}

/// The line. `timestamp` and `level` are what Lambda looks for in a function's own JSON, and would add.
fn line(
    namespace: &str,
    at: Timestamp,
    metrics: &[Metric],
    facts: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let defined: Vec<Value> = metrics
        .iter()
        .map(|metric| {
            let unit = match metric.unit {
                Unit::Count => "Count",
                Unit::Milliseconds => "Milliseconds",
            };
            json!({"Name": metric.name, "Unit": unit})
        })
        .collect();
    let figures = metrics
        .iter()
        .map(|metric| (metric.name, metric.value.into()));
    let format = json!({
        "Timestamp": at.as_millisecond(),
        "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [[]], "Metrics": defined}],
    });
    let whole: Map<String, Value> = [
        ("_aws", format),
        ("timestamp", at.to_string().into()),
        ("level", "INFO".into()),
        ("message", "measured".into()),
    ]
    .into_iter()
    .chain(facts)
    .chain(figures)
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_what_cloudwatch_reads() {
        let at = "2026-11-22T08:00:00.5Z".parse().unwrap();
        let metrics = [
            Metric::count("RunSucceeded", 1),
            Metric::milliseconds("RunDuration", 21_300),
        ];
        let line = line("rollcall/test", at, &metrics, [("run_id", "r1".into())]);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_334_400_500_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "rollcall/test",
                    "Dimensions": [[]],
                    "Metrics": [
                        {"Name": "RunSucceeded", "Unit": "Count"},
                        {"Name": "RunDuration", "Unit": "Milliseconds"},
                    ],
                }],
            },
            "timestamp": "2026-11-22T08:00:00.5Z",
            "level": "INFO",
            "message": "measured",
            "run_id": "r1",
            "RunSucceeded": 1,
            "RunDuration": 21_300,
        });
        assert_eq!(line, expected);
        assert!(!line.to_string().contains('\n'));
    }
}

//! What a program printed and how it ended.

use std::process::Output;

use serde_json::Value;
use serde_json::de::Deserializer;

/// A program that ran to its end.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output as the one JSON document that it must be.
    pub fn json(&self) -> Value {
        let mut documents = Deserializer::from_str(&self.stdout).into_iter::<Value>();
        match (documents.next(), documents.next()) {
            (Some(Ok(document)), None) => document,
            other => panic!("standard output is not one JSON document: {other:?}\n{self:?}"),
        }
    }
}

//! How something that failed is played again: by one variable of the environment, which holds its name.

use std::fmt::Display;
use std::thread::panicking;

/// Says how to play this again if it fails before the end of the scope.
pub(crate) struct Replay {
    variable: &'static str,
    name: String,
}

impl Replay {
    pub(crate) fn of(variable: &'static str, name: impl ToString) -> Self {
        Self {
            variable,
            name: name.to_string(),
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a test that fails says how to play it again"
)]
impl Drop for Replay {
    fn drop(&mut self) {
        if panicking() {
            let Self { variable, name } = self;
            eprintln!("to play it again: {variable}={name} cargo test -p e2e --test reliability");
        }
    }
}

/// Says how much was tried: what a test is worth depends on it.
#[expect(
    clippy::print_stderr,
    reason = "shown by `--nocapture`, and when a test fails"
)]
pub(crate) fn tell(what: impl Display) {
    eprintln!("{what}");
}

/// What is to be played again, where anything is.
#[expect(
    clippy::disallowed_methods,
    reason = "what is to be played again comes from whoever runs the test"
)]
pub(crate) fn asked(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

//! The program `rollcall`: both flows on an admin's own machine, against a built-in sandbox or the real systems.
//!
//! Start-up and the choice of command only.

mod args;
mod by_hand;
mod commands;
mod demo;
mod deployed;
mod doctor;
mod serve;
mod show;
mod token;
mod undo;
mod verify;
mod watch;
mod workplace;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use args::{Cli, Command};
use commands::Exit;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, common } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => {
            // Help and version are no failure; a wrong call is, and 2 would say that something is held.
            let _ = refused.print();
            return if refused.use_stderr() {
                Exit::Failed
            } else {
                Exit::Done
            }
            .code();
        }
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let filter = startup::log_filter(variable("ROLLCALL_LOG").as_deref(), LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    let ended = match command {
        None => demo::run(&common).await,
        Some(Command::Plan(run)) => commands::run(&common, &run, sync::Mode::Plan).await,
        Some(Command::Sync(run)) => commands::run(&common, &run, sync::Mode::Apply).await,
        Some(Command::Explain { who }) => commands::explain(&common, who).await,
        Some(Command::Runs { verify: true, .. }) => verify::verify(&common).await,
        Some(Command::Runs { run, limit, .. }) => commands::runs(&common, run, limit).await,
        Some(Command::Undo(args)) => undo::undo(&common, &args).await,
        Some(Command::Rename {
            who,
            username,
            said,
        }) => by_hand::rename(&common, &who, &username, &said).await,
        Some(Command::Release { who, said }) => by_hand::release(&common, &who, &said).await,
        Some(Command::Doctor { deployed, stack }) => {
            doctor::run(&common, deployed.then_some(&stack)).await
        }
        Some(Command::Token { action }) => token::run(&common, &action).await,
        Some(Command::Serve { port }) => serve::run(&common, port).await,
        Some(Command::Sandbox { port, empty }) => commands::sandbox(&common, port, empty).await,
    };
    match ended {
        Ok(exit) => exit.code(),
        Err(error) => {
            show::err(&format!("rollcall: {error:#}\n"));
            Exit::Failed.code()
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here and passed down"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is read here and passed down"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

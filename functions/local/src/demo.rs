//! What `rollcall` shows without any command: the real code over HTTP against the built-in sandbox.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use config::Config;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use sandbox::{Collection, Company, Options, Profile, Sandbox};
use secrets::Secrets;
use serde_json::{Value, json};
use sync::{Clock, Mode, Report, Request, Runner};
use tokio::time::Instant;

use crate::args::Common;
use crate::commands::{Exit, print_json};
use crate::now;
use crate::show::{self, Rows};
use crate::watch::Watch;
use crate::workplace::{self, embedded_state};

/// Rows of each outcome that a step shows.
const SHOWN: usize = 3;
const LONGEST_RUN: std::time::Duration = std::time::Duration::from_mins(10);

/// The configuration for a sandbox: every default, its addresses, and a rate that suits a machine of one's own.
pub(crate) fn config_text(sandbox: &Sandbox) -> String {
    format!(
        "[jumpcloud]\napi_key = \"rollcall/jumpcloud\"\nbase_url = \"{}\"\nrequests_per_second = 200\n\n\
         [[source]]\nname = \"deel\"\nkind = \"deel\"\napi_key = \"rollcall/deel\"\nbase_url = \"{}\"\n\n\
         [[source]]\nname = \"humaans\"\nkind = \"humaans\"\napi_key = \"rollcall/humaans\"\nbase_url = \"{}\"\n",
        sandbox.jumpcloud_url(),
        sandbox.deel_url(),
        sandbox.humaans_url()
    )
}

/// The same, read.
pub(crate) fn config_for(sandbox: &Sandbox) -> Result<Config> {
    Config::parse(&config_text(sandbox))
        .map_err(|problems| anyhow::anyhow!("{}", problems.display("the sandbox's configuration")))
}

/// The demo: plan, apply, approve, change HR, sync again. It ends by itself.
pub(crate) async fn run(common: &Common) -> Result<Exit> {
    let today = now().to_zoned(TimeZone::UTC).date();
    let sandbox = Sandbox::start(Options {
        company: Company::demo(today),
        ..Options::default()
    })
    .await?;
    let runner = runner(&sandbox).await?;
    let say = |text: &str| {
        if common.json {
            show::err(text);
        } else {
            show::out(text);
        }
    };
    let (in_deel, in_humaans) = (
        sandbox.deel().people().len(),
        sandbox.humaans().all(Collection::People).len(),
    );
    let users = sandbox.jumpcloud().users().len();
    say(&format!(
        "A sandbox stands in for JumpCloud, Deel, Humaans, DynamoDB and Secrets Manager on {}.\n\
         {in_deel} people are in Deel, {in_humaans} in Humaans, {users} users in JumpCloud.\n\n1. The plan: nothing is written.\n\n",
        sandbox.url()
    ));
    let mut reports = vec![
        sync(
            &runner,
            Request {
                mode: Mode::Plan,
                ..Request::default()
            },
        )
        .await,
    ];
    tell(&reports, &say, Rows::Of(SHOWN));

    say("\n2. Applied.\n\n");
    reports.push(sync(&runner, Request::default()).await);
    tell(&reports, &say, Rows::Of(SHOWN));
    let (users, mails) = (
        sandbox.jumpcloud().users().len(),
        sandbox.jumpcloud().mails().len(),
    );
    say(&format!(
        "\n   JumpCloud now has {users} users and sent {mails} invitations.\n"
    ));

    let held: Vec<String> = reports
        .last()
        .into_iter()
        .flat_map(|report| &report.held)
        .map(|held| held.digest.clone())
        .collect();
    let changes = change_hr(&sandbox)?;
    say(&format!(
        "\n3. An admin approves what was held. In HR meanwhile: {changes}. Synced again.\n\n"
    ));
    reports.push(
        sync(
            &runner,
            Request {
                approve: held,
                ..Request::default()
            },
        )
        .await,
    );
    tell(&reports, &say, Rows::Of(SHOWN));

    say("\n4. Once more: nothing has changed, so nothing is written.\n\n");
    reports.push(sync(&runner, Request::default()).await);
    tell(&reports, &say, Rows::None);

    say("\nTry next\n  \
         rollcall sandbox                   keep such a sandbox running, and point rollcall or other tools at it\n  \
         rollcall explain WHO               why somebody would or would not change\n  \
         rollcall plan --config FILE        your own JumpCloud and HR: rollcall.example.toml says how\n");
    if common.json {
        print_json(&reports)?;
    }
    let failed = reports
        .iter()
        .any(|report| Exit::of(report) == Exit::Failed);
    drop(runner);
    sandbox.stop().await;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn tell(reports: &[Report], say: &impl Fn(&str), rows: Rows) {
    if let Some(report) = reports.last() {
        say(&show::report(report, rows));
    }
}

async fn sync(runner: &Runner, request: Request) -> Report {
    let watch = Watch::start();
    let report = runner
        .run(&request, Instant::now() + LONGEST_RUN, &watch.on_progress())
        .await;
    watch.finish();
    report
}

/// The sandbox's Secrets Manager.
pub(crate) fn secrets_of(sandbox: &Sandbox) -> Result<Secrets> {
    let account = startup::stand_in(&sandbox.aws_url())?;
    Ok(workplace::secrets_of(&account, crate::variable))
}

async fn runner(sandbox: &Sandbox) -> Result<Runner> {
    let config = config_for(sandbox)?;
    let state = embedded_state(&sandbox.aws_url()).await?;
    let secrets = secrets_of(sandbox)?;
    let clock: Clock = Arc::new(now);
    Ok(sync::runner(config, state, &secrets, &[], clock)?)
}

/// A hire, a new title and a termination.
fn change_hr(sandbox: &Sandbox) -> Result<String> {
    let deel = sandbox.deel();
    let plain: Vec<Value> = deel.people().into_iter().filter(is_plain).collect();
    let id = |person: &Value| person.get("id").and_then(Value::as_str).map(str::to_owned);
    let [promoted, leaver] = plain
        .as_slice()
        .first_chunk()
        .context("the demo company has nobody to promote")?;
    let (promoted, leaver) = id(promoted)
        .zip(id(leaver))
        .context("somebody in the demo company has no id")?;
    let yesterday = now()
        .to_zoned(TimeZone::UTC)
        .date()
        .saturating_sub(2.days());

    deel.hire(Profile::new("Ada", "Novak").starting(yesterday));
    deel.update(&promoted, |person| {
        person.insert("job_title".to_owned(), json!("Principal Engineer"));
        for contract in contracts(person) {
            contract.insert("job_title".to_owned(), json!("Principal Engineer"));
        }
    });
    deel.update(&leaver, |person| {
        for status in ["hiring_status", "new_hiring_status"] {
            person.insert(status.to_owned(), json!("inactive"));
        }
        person.insert("person_status".to_owned(), json!("INACTIVE"));
        for contract in contracts(person) {
            contract.insert("is_ended".to_owned(), json!(true));
            contract.insert("termination_last_day".to_owned(), json!(yesterday));
        }
    });
    Ok("Ada Novak was hired, one person promoted, and one has left".to_owned())
}

fn contracts(
    person: &mut serde_json::Map<String, Value>,
) -> impl Iterator<Item = &mut serde_json::Map<String, Value>> {
    let contracts = person.get_mut("employments").and_then(Value::as_array_mut);
    contracts
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Active, with one contract that goes on and a work e-mail.
fn is_plain(person: &Value) -> bool {
    let is = |field: &str, value: &str| person.get(field).and_then(Value::as_str) == Some(value);
    let contracts = person.get("employments").and_then(Value::as_array);
    let one_open = contracts.is_some_and(|contracts| {
        contracts.len() == 1
            && contracts.iter().all(|contract| {
                contract.get("is_ended") == Some(&json!(false))
                    && contract
                        .get("termination_last_day")
                        .is_none_or(Value::is_null)
            })
    });
    is("hiring_status", "active")
        && is("new_hiring_status", "active")
        && is("person_status", "ACTIVE")
        && one_open
}

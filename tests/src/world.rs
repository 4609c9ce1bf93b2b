//! A world of its own for one test: every outside system, the configuration, and the real programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use sandbox::{Collection, Company, Fault, MailKind, Options, Profile, Sandbox, Vendor};
use secrets::Secrets;
use serde_json::{Map, Value, json};
use state::{Link, State};
use sync::{Outcome, Report};
use tempfile::TempDir;

use crate::scim::{token_file, tokens};
use crate::{Answer, Function, Lambda, Ran, Scim, Setup, Table, Turn};

/// The table, in the embedded database.
pub(crate) const TABLE: &str = "rollcall";
/// Where those who look after rollcall are told.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:rollcall-alarms";
/// The name of the deployed function.
const DEPLOYED: &str = "rollcall-sync";
/// What an invocation may take unless a test says otherwise: the function's own time-out.
const TIME: Duration = Duration::from_mins(5);
/// A run that died holds its lease no longer than this.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The first sources of the configurations here.
const SOURCES: [&str; 2] = ["deel", "humaans"];

/// What is logged: enough to find a secret in it.
pub(crate) const LOG: &str = "info,clients=debug,scim=debug,secrets=debug,state=debug,sync=debug";

/// Where the programs are.
#[derive(Debug, Clone, Copy)]
pub struct Programs {
    /// The function `sync`.
    pub sync: &'static str,
    /// The function `scim`.
    pub scim: &'static str,
    /// The program `rollcall`.
    pub rollcall: &'static str,
}

/// Every outside system, the configuration, and the function's process; all end with it.
///
/// At its end it looks through everything that the function logged: nothing secret or personal may be there.
#[derive(Debug)]
pub struct World {
    function: Function,
    environment: BTreeMap<String, String>,
    programs: Programs,
    state: State,
    sandbox: Sandbox,
    folder: TempDir,
}

impl World {
    /// Starts everything.
    pub async fn start(programs: Programs, setup: &Setup) -> Self {
        let sandbox = Sandbox::start(Options::default())
            .await
            .expect("the sandbox starts");
        sandbox.deel().rules(|rules| rules.rate_limit = None);
        sandbox.humaans().rules(|rules| rules.rate_limit = None);
        sandbox.secrets().set("rollcall/scim", &token_file());
        let state = State::connect(&aws(&sandbox), TABLE);
        state.create_table().await.expect("the table is made");
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let config = folder.path().join("rollcall.toml");
        let text = setup.to_toml(&sandbox);
        fs::write(&config, text).expect("the configuration is written");
        let environment = BTreeMap::from(
            [
                ("ROLLCALL_CONFIG", config.display().to_string()),
                ("ROLLCALL_TABLE", TABLE.to_owned()),
                ("ROLLCALL_LOG", LOG.to_owned()),
                ("ROLLCALL_METRICS", "rollcall/e2e".to_owned()),
                ("AWS_ACCESS_KEY_ID", "e2e".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "e2e".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ENDPOINT_URL_DYNAMODB", sandbox.aws_url()),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", sandbox.aws_url()),
                ("AWS_ENDPOINT_URL_SNS", sandbox.aws_url()),
                ("ROLLCALL_TOPIC", TOPIC.to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let function = start_function("sync", programs.sync, &environment, &folder).await;
        Self {
            function,
            environment,
            programs,
            state,
            sandbox,
            folder,
        }
    }

    /// The configuration becomes this one: a new process reads it, as after a deployment.
    pub async fn reconfigure(&mut self, setup: &Setup) {
        let text = setup.to_toml(&self.sandbox);
        fs::write(self.folder().join("rollcall.toml"), text).expect("the configuration is written");
        self.function = self.another_function().await;
    }

    /// Deel's people, as the people team sees them.
    pub fn deel(&self) -> sandbox::Deel {
        self.sandbox.deel()
    }

    /// Humaans' people and what belongs to them, as the people team sees them.
    pub fn humaans(&self) -> sandbox::Humaans {
        self.sandbox.humaans()
    }

    /// JumpCloud's users, as an admin sees them.
    pub fn jumpcloud(&self) -> sandbox::JumpCloud {
        self.sandbox.jumpcloud()
    }

    /// Everything outside.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What rollcall remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The variables that every process gets.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The table, past everything that rollcall knows of it.
    pub fn table(&self) -> Table {
        Table::of(&self.sandbox)
    }

    /// The function's process.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The folder with the configuration, in which programs run.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Today, in UTC.
    pub fn today(&self) -> Date {
        self.sandbox.clock().now().to_zoned(TimeZone::UTC).date()
    }

    /// The day so many days ago: from two on it is over everywhere.
    pub fn days_ago(&self, days: i64) -> Date {
        self.today().saturating_sub(days.days())
    }

    /// The day in so many days: from two on it has begun nowhere.
    pub fn in_days(&self, days: i64) -> Date {
        self.today().saturating_add(days.days())
    }

    /// A whole company comes into HR and into JumpCloud.
    pub fn populate(&self, company: Company) {
        let Company {
            people,
            humaans,
            users,
        } = company;
        for person in people {
            self.deel().hire(person);
        }
        for profile in &humaans {
            self.humaans().hire(profile);
        }
        for user in users {
            self.jumpcloud().add(user.into());
        }
    }

    /// HR, which is Deel unless said otherwise, hires somebody; returns the profile id.
    pub fn hire(&self, profile: Profile) -> String {
        self.deel().hire(profile)
    }

    /// HR hires somebody who is in Humaans; returns the person's id.
    pub fn hire_in_humaans(&self, profile: &Profile) -> String {
        self.humaans().hire(profile)
    }

    /// HR's record of somebody becomes this one; the id stays.
    pub fn change(&self, id: &str, profile: &Profile) {
        let fields = profile.to_person();
        let changed = self.deel().update(id, |person| person.extend(fields))
            || self.humaans().change(id, profile);
        assert!(changed, "HR does not know {id}");
    }

    /// HR's record of somebody.
    pub fn record_of(&self, id: &str) -> Map<String, Value> {
        match self.deel().person(id) {
            Some(Value::Object(record)) => record,
            _ => panic!("HR does not know {id}"),
        }
    }

    /// An admin sets fields of a person's user.
    pub async fn edit_user_of(&self, id: &str, fields: Value) {
        let user = self.user_of(id).await;
        let user_id = user.get("_id").and_then(Value::as_str).unwrap_or_default();
        self.jumpcloud().edit(user_id, |user| {
            if let Value::Object(fields) = fields {
                user.extend(fields);
            }
        });
    }

    /// An admin suspends a person's user.
    pub async fn suspend_by_hand(&self, id: &str) {
        let suspended = json!({"state": "SUSPENDED", "suspended": true});
        self.edit_user_of(id, suspended).await;
    }

    /// Somebody makes a fault.
    pub fn fault(&self, fault: Fault) {
        self.sandbox.faults().add(fault);
    }

    /// The machine crashes at the requests that `which` narrows down to: nobody hears their answer.
    pub fn crash_at(&self, vendor: Vendor, which: impl Fn(Fault) -> Fault) {
        self.kill_at(self.function.killer(), vendor, which);
    }

    /// A process is killed so at the requests that `which` narrows down to.
    pub fn kill_at(
        &self,
        killer: impl Fn() + Send + Sync + 'static,
        vendor: Vendor,
        which: impl Fn(Fault) -> Fault,
    ) {
        self.fault(which(Fault::run(vendor, killer)));
        self.fault(which(Fault::drop(vendor)));
    }

    /// Invokes the function for everybody, as somebody would by hand.
    pub async fn run_sync(&self) -> Report {
        self.invoke(json!({})).await
    }

    /// Asks for the plan.
    pub async fn plan(&self) -> Report {
        self.invoke(json!({"mode": "plan"})).await
    }

    /// Invokes the function, which answers with a report.
    pub async fn invoke(&self, event: Value) -> Report {
        self.invoke_within(event, TIME).await
    }

    /// Invokes the function, which has so much time and answers with a report.
    pub async fn invoke_within(&self, event: Value, time: Duration) -> Report {
        report_in(invoke(&self.function, &self.sandbox, event, time).await)
    }

    /// Invokes the function and returns whatever comes of it.
    pub async fn try_invoke(&self, event: Value) -> Answer {
        invoke(&self.function, &self.sandbox, event, TIME).await
    }

    /// The SCIM service, in the process of the test.
    pub fn scim(&self) -> Scim {
        let config = fs::read_to_string(self.folder().join("rollcall.toml"));
        let config = config.expect("the configuration is read");
        Scim::here(
            &config,
            self.state.clone(),
            &self.sandbox,
            open_log(&self.folder),
        )
    }

    /// The SCIM service as it is deployed: a process of its own, behind API Gateway.
    pub async fn deployed_scim(&self) -> Scim {
        let program = self.programs.scim;
        let function = start_function("scim", program, &self.environment, &self.folder).await;
        Scim::deployed(function, self.sandbox.clock())
    }

    /// A process of any program, in the world's environment with these variables in the place of its own.
    pub async fn start_another(
        &self,
        program: &Path,
        environment: &BTreeMap<&str, String>,
    ) -> Function {
        let mut all = self.environment.clone();
        let ours = environment.iter();
        all.extend(ours.map(|(name, value)| ((*name).to_owned(), value.clone())));
        start_function("another", &program.to_string_lossy(), &all, &self.folder).await
    }

    /// A second process of the function, as Lambda starts one for an invocation meanwhile.
    pub async fn another_function(&self) -> Function {
        start_function("sync", self.programs.sync, &self.environment, &self.folder).await
    }

    /// Invokes another process of the function for everybody.
    pub async fn run_sync_with(&self, function: &Function) -> Report {
        report_in(invoke(function, &self.sandbox, json!({}), TIME).await)
    }

    /// Invokes the function for everybody, and the machine crashes meanwhile. Lambda starts another process, and the
    /// dead run's lease expires.
    pub async fn crash(&mut self) {
        let answer = self.try_invoke(json!({})).await;
        assert_eq!(answer, Answer::Died, "the crash was not reached");
        self.sandbox.faults().clear();
        self.function = self.another_function().await;
        self.let_leases_expire().await;
    }

    /// The time passes after which the lease of a run that did not give it back is anybody's.
    pub async fn let_leases_expire(&self) {
        let later = self.sandbox.clock().now() + LONGEST_LEASE;
        let lease = self
            .state
            .acquire("time", later, SignedDuration::ZERO)
            .await
            .expect("the lease of a dead run expires");
        let released = self.state.release(&lease).await;
        released.expect("a lease is released");
    }

    /// The time passes for which a SCIM request that died keeps its key and its user to itself.
    pub async fn let_claims_expire(&self) {
        let table = self.table();
        for item in table.items().await {
            let long_ago = AttributeValue::S("2000-01-01T00:00:00Z".to_owned());
            let past = AttributeValue::N("0".to_owned());
            for (until, past) in [("held_until", past), ("busy_until", long_ago)] {
                if item.attributes.contains(until) {
                    table.set(&item, until, past).await;
                }
            }
        }
    }

    /// Lambda's Invoke API over the function `rollcall-sync`: each invocation meets the next turn, and the last one again
    /// and again.
    pub async fn lambda(&self, turns: impl IntoIterator<Item = Turn>) -> Lambda {
        Lambda::start(DEPLOYED, self.sandbox.clock(), turns)
            .await
            .expect("the API starts")
    }

    /// Another process of the function, with the function's own time for each invocation.
    pub async fn turn(&self) -> Turn {
        Turn::Function(self.another_function().await, TIME)
    }

    /// Runs the program `rollcall` on a machine that has access to the function, and nothing else.
    pub async fn rollcall_through(&self, lambda: &Lambda, arguments: &[&str]) -> Ran {
        let aws = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("AWS_") && !name.starts_with("AWS_ENDPOINT_URL"));
        let mut environment: BTreeMap<String, String> = aws
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        environment.insert(
            "AWS_ENDPOINT_URL_LAMBDA".to_owned(),
            lambda.url().to_owned(),
        );
        environment.insert("ROLLCALL_FUNCTION".to_owned(), DEPLOYED.to_owned());
        let elsewhere = tempfile::tempdir().expect("there is room for a folder");
        self.rollcall_in(&environment, elsewhere.path(), arguments)
            .await
    }

    /// Runs the program `rollcall` on an admin's machine: the world's configuration is there, the account is reached, and
    /// the table that the environment names is another stack's.
    pub async fn rollcall_of_admin(&self, lambda: &Lambda, arguments: &[&str]) -> Ran {
        let mut environment = self.environment.clone();
        environment.insert("ROLLCALL_TABLE".to_owned(), "of-another-stack".to_owned());
        for service in ["LAMBDA", "SCHEDULER"] {
            let variable = format!("AWS_ENDPOINT_URL_{service}");
            environment.insert(variable, lambda.url().to_owned());
        }
        environment.insert("ROLLCALL_FUNCTION".to_owned(), DEPLOYED.to_owned());
        self.rollcall_in(&environment, self.folder.path(), arguments)
            .await
    }

    /// Runs the program `rollcall` with the world's configuration and table.
    pub async fn rollcall(&self, arguments: &[&str]) -> Ran {
        self.rollcall_in(&self.environment, self.folder.path(), arguments)
            .await
    }

    /// Runs the program `rollcall` on a machine without a table: state goes where the arguments say.
    pub async fn rollcall_alone(&self, arguments: &[&str]) -> Ran {
        let mut environment = self.environment.clone();
        environment.remove("ROLLCALL_TABLE");
        environment.remove("AWS_ENDPOINT_URL_DYNAMODB");
        self.rollcall_in(&environment, self.folder.path(), arguments)
            .await
    }

    /// Runs the program `rollcall` with these variables, and the world's own otherwise.
    pub async fn rollcall_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut environment = self.environment.clone();
        let variables = variables.iter();
        environment
            .extend(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.rollcall_in(&environment, self.folder.path(), arguments)
            .await
    }

    /// The database, for what rollcall itself never does to it.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&aws(&self.sandbox))
    }

    async fn rollcall_in(
        &self,
        environment: &BTreeMap<String, String>,
        folder: &Path,
        arguments: &[&str],
    ) -> Ran {
        let output = tokio::process::Command::new(self.programs.rollcall)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("the program starts");
        let ran = Ran::of(&output);
        for key in keys() {
            let printed = ran.stdout.contains(&key) || ran.stderr.contains(&key);
            assert!(!printed, "a key was printed");
        }
        ran
    }

    /// All that the function's processes logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(log_of(&self.folder)).unwrap_or_default()
    }

    /// Every link.
    pub async fn links(&self) -> Vec<Link> {
        self.state.links().await.expect("the links are read")
    }

    /// The link of a person, if there is one.
    pub async fn link_of(&self, id: &str) -> Option<Link> {
        let mut links = self.links().await.into_iter();
        links.find(|link| {
            SOURCES.contains(&link.key.source.as_str()) && link.key.worker_id.as_str() == id
        })
    }

    /// The JumpCloud user linked to a person, if there is one.
    pub async fn find_user_of(&self, id: &str) -> Option<Value> {
        let user_id = self.link_of(id).await?.user_id?;
        self.jumpcloud().user(user_id.as_str())
    }

    /// The JumpCloud user linked to a person.
    pub async fn user_of(&self, id: &str) -> Value {
        let user = self.find_user_of(id).await;
        user.unwrap_or_else(|| panic!("no JumpCloud user is linked to {id}"))
    }

    /// The username of a person's user.
    pub async fn username_of(&self, id: &str) -> String {
        let user = self.user_of(id).await;
        let username = user.get("username").and_then(Value::as_str);
        username.unwrap_or_default().to_owned()
    }

    /// The state of a person's user.
    pub async fn state_of(&self, id: &str) -> String {
        let user = self.user_of(id).await;
        let state = user.get("state").and_then(Value::as_str);
        state.unwrap_or_default().to_owned()
    }

    /// Where invitations went, oldest first.
    pub fn invitations(&self) -> Vec<String> {
        let mails = self.jumpcloud().mails().into_iter();
        mails
            .filter(|mail| mail.kind == MailKind::Activation)
            .map(|mail| mail.address)
            .collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.sandbox.requests().clear();
    }

    /// How many requests a vendor got.
    pub fn requests(&self, vendor: Vendor) -> usize {
        self.sandbox.requests().count(vendor)
    }

    /// The writes that JumpCloud was asked for, as in `PUT systemusers/{id}`.
    pub fn jumpcloud_writes(&self) -> Vec<String> {
        self.jumpcloud_writes_with_ids()
            .iter()
            .map(|request| {
                let segments: Vec<&str> = request
                    .split('/')
                    .map(|segment| match segment.len() {
                        24 => "{id}",
                        _ => segment,
                    })
                    .collect();
                segments.join("/")
            })
            .collect()
    }

    /// The writes that JumpCloud was asked for, as in `PUT systemusers/5f3c0000000000000000abcd`.
    pub fn jumpcloud_writes_with_ids(&self) -> Vec<String> {
        let requests = self.sandbox.requests().all().into_iter();
        requests
            .filter(|request| request.vendor == Vendor::JumpCloud && request.method != "GET")
            .map(|request| {
                let path = request.path.trim_start_matches("/jumpcloud/api/");
                format!("{} {path}", request.method)
            })
            .filter(|request| !request.contains("search/"))
            .collect()
    }

    /// How many transactions DynamoDB got: one for each link that is written.
    fn transactions(&self) -> usize {
        let requests = self.sandbox.requests().all().into_iter();
        requests
            .filter(|request| request.operation.ends_with("TransactWriteItems"))
            .count()
    }

    /// Another run has nothing to do: it plans nothing beyond what is held, and writes neither users nor links.
    pub async fn settled(&self) -> Report {
        let links = self.links().await;
        self.forget_requests();
        let report = self.run_sync().await;
        for row in &report.people {
            let idle = matches!(row.outcome, Outcome::Held | Outcome::Skipped)
                && row.changes.iter().all(|change| change.held);
            assert!(idle, "a settled world changes: {row:?}");
        }
        assert_eq!(report.error, None);
        assert_eq!(self.jumpcloud_writes(), Vec::<String>::new());
        // The run's record; and what the plan and each held class cover, where anything is held.
        let offers = match report.held.len() {
            0 => 0,
            classes => 1 + classes,
        };
        assert_eq!(self.transactions(), 1 + offers, "a link was written");
        assert_eq!(self.links().await, links);
        report
    }
}

#[expect(clippy::print_stderr, reason = "a test that fails shows why")]
impl Drop for World {
    fn drop(&mut self) {
        self.function.killer()();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("the function's log:\n{log}");
            return;
        }
        for secret in telling(&self.sandbox) {
            if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
                panic!("`{secret}` was logged: {line}");
            }
        }
    }
}

async fn invoke(function: &Function, sandbox: &Sandbox, event: Value, time: Duration) -> Answer {
    function.invoke(event, sandbox.clock().now() + time).await
}

fn report_in(answer: Answer) -> Report {
    match answer {
        Answer::Returned(value) => serde_json::from_value(value)
            .unwrap_or_else(|error| panic!("the answer is no report: {error}")),
        other => panic!("the function gave no report: {other:?}"),
    }
}

async fn start_function(
    name: &str,
    program: &str,
    environment: &BTreeMap<String, String>,
    folder: &TempDir,
) -> Function {
    Function::start(name, program, environment, open_log(folder))
        .await
        .expect("the function starts")
}

/// What may not be logged: keys, and what tells who somebody is.
pub(crate) fn telling(sandbox: &Sandbox) -> BTreeSet<String> {
    let of_people = sandbox.deel().people().into_iter().flat_map(|person| {
        let emails = person.get("emails").and_then(Value::as_array).cloned();
        let emails = emails.into_iter().flatten();
        let values = emails.filter_map(|email| email.get("value").and_then(text));
        let name = person.get("full_name").and_then(text);
        values.chain(name).collect::<Vec<_>>()
    });
    let of_staff = sandbox.humaans().all(Collection::People).into_iter();
    let of_staff = of_staff.flat_map(|person| {
        let fields = ["email", "personalEmail", "personalPhoneNumber"];
        fields.map(|field| person.get(field).and_then(text))
    });
    let of_users = sandbox.jumpcloud().users().into_iter().flat_map(|user| {
        let fields = ["username", "email", "alternateEmail", "displayname"];
        fields.map(|field| user.get(field).and_then(text))
    });
    let personal = of_people.chain(of_staff.chain(of_users).flatten());
    // Shorter ones may be part of any word.
    let telling = personal.filter(|text| text.len() > 5);
    telling.chain(keys()).collect()
}

/// What may not be printed anywhere.
fn keys() -> impl Iterator<Item = String> {
    let Options {
        jumpcloud_key,
        deel_token,
        humaans_token,
        ..
    } = Options::default();
    [jumpcloud_key, deel_token, humaans_token]
        .into_iter()
        .chain(tokens())
}

fn open_log(folder: &TempDir) -> File {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_of(folder));
    log.expect("there is room for a log")
}

fn log_of(folder: &TempDir) -> PathBuf {
    folder.path().join("function.log")
}

/// The sandbox as an AWS account.
pub(crate) fn aws(sandbox: &Sandbox) -> SdkConfig {
    startup::stand_in(&sandbox.aws_url()).expect("an HTTP client can be made")
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The secrets of an account.
pub(crate) fn secrets(aws: &SdkConfig) -> Secrets {
    Secrets::new(Some(aws_sdk_secretsmanager::Client::new(aws)), |_| None)
}

//! `docs/deploy.md`, followed to the letter in a shell, as far as no account is needed: `aws` and `sam` are stand-ins that
//! note what they are asked, and what they are asked is then done to a world.

#![expect(clippy::unwrap_used, reason = "whatever is missing fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use e2e::{Lambda, Setup, World};
use sandbox::Options;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::{PROGRAMS, ana};

/// What stands in the place of every program that the page calls.
const STAND_IN: &str = r#"#!/bin/bash
set -eu
printf '%s' "${0##*/}" >>"$FOLDER/calls"
printf '\t%s' "$@" >>"$FOLDER/calls"
printf '\n' >>"$FOLDER/calls"
case "${0##*/} ${1-} ${2-}" in
"python3 -m venv") mkdir -p "$3/bin" && : >"$3/bin/activate" ;;
"aws cloudformation describe-stacks")
  all="$*"
  name=${all#*OutputKey==\'}
  cat "$FOLDER/outputs/${name%%\'*}"
  ;;
"aws secretsmanager put-secret-value")
  cat >"$FOLDER/secrets/${4/\//.}"
  ;;
"cargo run --")
  shift 2
  arguments=()
  for argument in "$@"; do arguments+=("${argument/infra\/config\/rollcall.toml/$ROLLCALL_CONFIG}"); done
  exec "$FOLDER/rollcall" "${arguments[@]}"
  ;;
esac
"#;
const PROGRAMS_OF_THE_PAGE: [&str; 8] = [
    "aws", "sam", "cargo", "curl", "open", "pip", "python3", "rustup",
];

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The page's blocks for a shell, in their order.
fn blocks(page: &str) -> Vec<String> {
    let mut parts = page.split("```");
    parts.next();
    let fenced = parts.step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix("sh\n"))
        .map(str::to_owned)
        .collect()
}

/// The template's outputs with a value for each: the commands as they are, everything else made up.
fn outputs(template: &str) -> BTreeMap<&str, String> {
    let (_, outputs) = template.split_once("\nOutputs:\n").unwrap();
    let mut found = BTreeMap::new();
    for output in outputs.split("\n\n") {
        let (name, rest) = output.trim_start().split_once(":\n").unwrap();
        let value = match rest.split_once("Value: !Sub >-\n") {
            Some((_, command)) => command.split_whitespace().collect::<Vec<_>>().join(" "),
            None => format!("output-{name}"),
        };
        let value = value.replace("${AWS::Region}", "us-east-1");
        found.insert(name, value.replace("${SyncFunction}", "rollcall-sync"));
    }
    found
}

/// Whoever follows the page, one block after the other.
struct Admin {
    world: World,
    lambda: Lambda,
    folder: PathBuf,
    /// How many of the calls have been looked at.
    seen: usize,
}

impl Admin {
    /// In an empty account, but for what the stack made.
    async fn new() -> Self {
        let world = World::start(PROGRAMS, &Setup::new()).await;
        for secret in ["jumpcloud", "deel", "scim"] {
            world
                .sandbox()
                .secrets()
                .set(&format!("rollcall/{secret}"), "");
        }
        let folder = world.folder().join("admin");
        for part in ["bin", "outputs", "secrets", "home"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        for (name, value) in outputs(&read("infra/template.yaml")) {
            let value = match name {
                "TableName" => "rollcall".to_owned(),
                "SyncFunctionName" => "rollcall-sync".to_owned(),
                _ => value,
            };
            fs::write(folder.join("outputs").join(name), value).unwrap();
        }
        let stand_in = folder.join("stand-in");
        fs::write(&stand_in, STAND_IN).unwrap();
        executable(&stand_in);
        for program in PROGRAMS_OF_THE_PAGE {
            std::os::unix::fs::symlink(&stand_in, folder.join("bin").join(program)).unwrap();
        }
        std::os::unix::fs::symlink(PROGRAMS.rollcall, folder.join("rollcall")).unwrap();
        let lambda = world.lambda([world.turn().await]).await;
        let variables = json!({"Variables": {"ROLLCALL_TABLE": "rollcall"}});
        lambda
            .set_configuration(json!({"State": "Active", "Environment": variables}))
            .await;
        lambda
            .set_schedules(vec![json!({
                "Name": "hourly", "GroupName": "default", "State": "DISABLED", "ScheduleExpression": "rate(1 hour)",
                "Target": {"Arn": lambda.arn()},
            })])
            .await;
        Self {
            world,
            lambda,
            folder,
            seen: 0,
        }
    }

    /// Types a block, and whatever it asks for; functions and variables stay for the next.
    async fn types(&self, block: &str, input: &str) -> String {
        let kept = self.folder.join("kept");
        let script = format!(
            "set -eu\n[ ! -e '{kept}' ] || . '{kept}'\n{block}\n{{ declare -f; export -p; }} >'{kept}'\n",
            kept = kept.display()
        );
        let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", self.folder.display());
        let mut shell = Command::new("bash")
            .args(["-c", &script])
            .current_dir(root())
            .env_clear()
            .envs(self.world.environment())
            .env("PATH", path)
            .env("HOME", self.folder.join("home"))
            .env("FOLDER", &self.folder)
            .env_remove("ROLLCALL_TABLE")
            .env("AWS_ENDPOINT_URL_LAMBDA", self.lambda.url())
            .env("AWS_ENDPOINT_URL_SCHEDULER", self.lambda.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut typed = shell.stdin.take().unwrap();
        typed.write_all(input.as_bytes()).await.unwrap();
        drop(typed);
        let ran = shell.wait_with_output().await.unwrap();
        let shown = String::from_utf8(ran.stdout).unwrap();
        let told = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{block}\n{shown}\n{told}");
        shown
    }

    /// What was called since the last time: a program and its arguments each.
    fn calls(&mut self) -> Vec<Vec<String>> {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        let new = calls.lines().skip(self.seen);
        let new: Vec<Vec<String>> = new
            .map(|call| call.split('\t').map(str::to_owned).collect())
            .collect();
        self.seen += new.len();
        new
    }
}

fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn page_leads_from_an_empty_account_to_a_run_and_a_client() {
    let Options {
        jumpcloud_key,
        deel_token,
        ..
    } = Options::default();
    let template = read("infra/template.yaml");
    let environments = read("samconfig.toml");
    let mut admin = Admin::new().await;
    let id = admin.world.hire(ana());
    let (mut runs, mut digest, mut requests) = (Vec::new(), String::new(), 0);
    for block in blocks(&read("docs/deploy.md")) {
        // Whoever approves puts in the digest that the plan showed.
        let block = block.replace("sha256:…", &digest);
        let keys = format!("{jumpcloud_key}\n{deel_token}\n");
        let shown = admin.types(&block, &keys).await;
        for key in [&jumpcloud_key, &deel_token] {
            assert!(!shown.contains(key.as_str()), "{block}");
        }
        if block.contains("-- doctor") {
            for finding in ["ok       table rollcall", "ok       function rollcall-sync"] {
                assert!(shown.contains(finding), "{finding}: {shown}");
            }
            assert!(shown.contains("is switched off"), "{shown}");
        }
        for word in ["Planned", "Applied"] {
            runs.extend(shown.contains(&format!("{word} (run ")).then_some(word));
        }
        let latest = admin.world.state().runs(1, None).await.unwrap();
        let latest = latest.first().and_then(|run| run.plan_digest.as_deref());
        latest.unwrap_or_default().clone_into(&mut digest);
        for stored in fs::read_dir(admin.folder.join("secrets")).unwrap() {
            let stored = stored.unwrap().path();
            let name = stored
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .replace('.', "/");
            let made = name.replace("rollcall/", "Name: !Sub ${AWS::StackName}/");
            assert!(template.contains(&made), "the template makes no {name}");
            let value = fs::read_to_string(&stored).unwrap();
            admin.world.sandbox().secrets().set(&name, &value);
            fs::remove_file(stored).unwrap();
        }
        for call in admin.calls() {
            let call: Vec<&str> = call.iter().map(String::as_str).collect();
            match call.as_slice() {
                ["sam", "deploy", "--config-env", name] => {
                    assert!(environments.contains(&format!("[{name}.deploy")), "{name}");
                }
                ["sam", "deploy", "--parameter-overrides", overrides @ ..] => {
                    for (name, _) in overrides.iter().map(|given| given.split_once('=').unwrap()) {
                        assert!(
                            template.contains(&format!("\n  {name}:\n    Type:")),
                            "{name}"
                        );
                    }
                }
                ["curl", "-H", header, url] => {
                    let scim = admin.world.deployed_scim().await;
                    let token = header.strip_prefix("Authorization: ").unwrap();
                    let path = url.strip_prefix("output-ScimUrl").unwrap();
                    let answer = scim.with("authorization", token).get(path).await;
                    assert_eq!(answer.expect(200).body["totalResults"], 1);
                    requests += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!(runs, ["Planned", "Applied", "Applied"]);
    assert_eq!(requests, 1);
    assert_eq!(admin.world.state_of(&id).await, "ACTIVATED");
    admin.world.settled().await;
}

//! `rollcall doctor`: a set-up that is right, and set-ups that are broken in one way each.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which fail as the tests do"
)]

mod deployed;

use std::fs;

use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use e2e::{Ran, Setup, World};
use jiff::SignedDuration;
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};

use crate::{ana, world, world_with, world_with_ana};

/// What a broken set-up has in it that must not be printed.
const SECRET: &str = "s3cr3t-that-nobody-may-see";

/// The findings with this status, each as its check and what it is about.
fn with_status(ran: &Ran, status: &str) -> Vec<String> {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let alike = findings.filter(|finding| finding["status"] == status);
    alike
        .map(|finding| {
            let text = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("check"), text("about"))
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// What was found and what is advised, of one check.
fn told(ran: &Ran, check: &str) -> String {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap();
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    let lines = of_check.map(|finding| format!("{} → {}", finding["found"], finding["advice"]));
    lines.collect::<Vec<_>>().join("\n")
}

async fn doctor(world: &World) -> Ran {
    let ran = world.rollcall(&["doctor", "--json"]).await;
    assert!(!format!("{ran:?}").contains(SECRET), "a secret was printed");
    ran
}

/// Exactly these checks found something wrong, and the exit code says so.
fn assert_found(ran: &Ran, failed: &[&str], warnings: &[&str]) {
    assert_eq!(with_status(ran, "failed"), failed, "{}", ran.stdout);
    assert_eq!(with_status(ran, "warning"), warnings, "{}", ran.stdout);
    assert_eq!(ran.code, Some(i32::from(!failed.is_empty())), "{ran:?}");
}

#[tokio::test]
async fn all_is_well_and_nothing_is_written() {
    let (world, _) = world_with_ana(Setup::new().humaans_too()).await;
    world.forget_requests();

    let ran = doctor(&world).await;

    assert_found(&ran, &[], &[]);
    let ok = with_status(&ran, "ok");
    for check in [
        "configuration",
        "secret rollcall/jumpcloud",
        "secret rollcall/deel",
        "secret rollcall/humaans",
        "scim_tokens rollcall/scim",
        "jumpcloud_key",
        "jumpcloud_organization",
        "jumpcloud_default_state",
        "jumpcloud_users",
        "source_key deel",
        "source_scopes deel",
        "source_sensitive_data deel",
        "source_key humaans",
        "source_scopes humaans",
        "table rollcall",
        "table_index rollcall",
        "table_expiry rollcall",
        "table_recovery rollcall",
        "table_protection rollcall",
        "clock JumpCloud",
        "clock AWS",
        "last_run",
        "held",
    ] {
        assert!(ok.iter().any(|found| found == check), "{check}: {ok:?}");
    }
    assert_eq!(
        with_status(&ran, "unknown"),
        ["jumpcloud_rights", "schedule"]
    );
    assert!(told(&ran, "scim_tokens").contains("2 may write, 1 may read"));
    assert!(told(&ran, "jumpcloud_organization").contains("Northlight"));

    let reads = ["Get", "Describe", "Query"];
    for request in world.sandbox().requests().all() {
        let is_read = reads.iter().any(|read| request.operation.contains(read));
        assert!(request.method == "GET" || is_read, "{request:?}");
    }
}

#[tokio::test]
async fn list_to_read_says_how_to_mend() {
    let world = world().await;
    world.jumpcloud().set_key("another");
    let ran = world.rollcall(&["doctor"]).await;
    assert_eq!(ran.code, Some(1));
    let mut lines = ran.stdout.lines();
    let failed = lines.find(|line| line.starts_with("failed ")).unwrap();
    assert!(failed.contains("jumpcloud_key"), "{failed}");
    let advice = lines.next().unwrap();
    assert!(
        advice.contains("→") && advice.contains("jumpcloud.region"),
        "{advice}"
    );
    assert!(
        ran.stdout.ends_with("1 failed, 2 unknown\n"),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn each_broken_secret_is_its_own_finding() {
    let world = world().await;
    let ends_in = |days: i64| {
        let on = world.in_days(days);
        json!({"api_key": "sandbox-deel-token", "expires": on}).to_string()
    };
    for (value, status, words) in [
        ("REPLACE_ME".to_owned(), "failed", "placeholder"),
        (
            format!("{{\"api_key\": \"{SECRET}\""),
            "failed",
            "not valid JSON",
        ),
        (json!({"key": SECRET}).to_string(), "failed", "no `api_key`"),
        (ends_in(10), "warning", "ends in 10 days"),
        (ends_in(0), "failed", "ended on"),
        (ends_in(-40), "failed", "ended on"),
    ] {
        world.sandbox().secrets().set("rollcall/deel", &value);
        let ran = doctor(&world).await;
        let (failed, warnings): (&[&str], &[&str]) = match status {
            "failed" => (&["secret rollcall/deel"], &[]),
            _ => (&[], &["secret rollcall/deel"]),
        };
        assert_found(&ran, failed, warnings);
        let found = told(&ran, "secret");
        assert!(found.contains(words), "{words}: {found}");
    }
    world.sandbox().secrets().remove("rollcall/deel");
    let ran = doctor(&world).await;
    assert_found(&ran, &["secret rollcall/deel"], &[]);
    assert!(with_status(&ran, "unknown").contains(&"source_key deel".to_owned()));
}

#[tokio::test]
async fn keys_that_are_wrong_or_lack_a_right_are_told_apart() {
    let world = world_with(Setup::new().humaans_too()).await;
    world.jumpcloud().set_key("another");
    let ran = doctor(&world).await;
    assert_found(&ran, &["jumpcloud_key"], &[]);
    assert!(told(&ran, "jumpcloud_key").contains("`jumpcloud.region` (us, eu, in)"));
    world.jumpcloud().set_key("sandbox-jumpcloud-key");

    world.sandbox().secrets().set("rollcall/deel", SECRET);
    let ran = doctor(&world).await;
    assert_found(&ran, &["source_key deel"], &[]);
    assert!(told(&ran, "source_key").contains("401"), "{}", ran.stdout);
    world
        .sandbox()
        .secrets()
        .set("rollcall/deel", "sandbox-deel-token");

    world.deel().rules(|rules| rules.scopes.clear());
    world.humaans().rules(|rules| {
        rules.scopes.remove("private:read");
    });
    let ran = doctor(&world).await;
    assert_found(&ran, &["source_scopes deel", "source_scopes humaans"], &[]);
    let told = told(&ran, "source_scopes");
    assert!(
        told.contains("`people:read`") && told.contains("lacks private:read"),
        "{told}"
    );
}

#[tokio::test]
async fn vendor_that_is_down_hides_nothing_else() {
    let world = world().await;
    world.sandbox().secrets().set("rollcall/deel", SECRET);
    world.fault(Fault::status(Vendor::JumpCloud, 503).times(1000));
    let ran = doctor(&world).await;
    assert_found(&ran, &["jumpcloud_key", "source_key deel"], &[]);
    assert!(
        told(&ran, "jumpcloud_key").contains("status page"),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn answer_of_somewhere_else_asks_for_the_region() {
    let world = world().await;
    let elsewhere = Fault::status(Vendor::JumpCloud, 302).header("location", "/login");
    world.fault(elsewhere.times(1000));
    let ran = doctor(&world).await;
    assert_found(&ran, &["jumpcloud_key"], &[]);
    assert!(
        told(&ran, "jumpcloud_key").contains("`jumpcloud.region`"),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn organisation_of_somebody_else_is_found() {
    let other = "organization = \"5ebf8e6b0c3f4d1a2b3c4d00\"";
    let world = world_with(Setup::new().jumpcloud(other)).await;
    let ran = doctor(&world).await;
    assert_found(&ran, &["jumpcloud_key"], &[]);
    assert!(told(&ran, "jumpcloud_key").contains("`jumpcloud.organization`"));
}

#[tokio::test]
async fn names_that_nobody_in_jumpcloud_has_are_warnings() {
    let attribute = "[source.attributes]\n\"attributes.hrTeam\" = { from = \"team\" }";
    let protect = "[protect]\nusernames = [\"break.glass\", \"root.admin\"]";
    let setup = Setup::new().section(protect).source(attribute);
    let world = world_with(setup).await;
    world.jumpcloud().add(json!({
        "username": "Root.Admin", "email": "root@northlight.example", "admin": {"id": "a"},
        "attributes": [{"name": "hrteam", "value": "x"}],
    }));
    let ran = doctor(&world).await;
    assert_found(&ran, &[], &["jumpcloud_users", "custom_attributes"]);
    let users = told(&ran, "jumpcloud_users");
    assert!(
        users.contains(
            "users: 1, administrators among them: 1, protected usernames that are there: 1 of 2"
        ),
        "{users}"
    );
    assert!(users.contains("nobody is called break.glass"), "{users}");
    assert!(told(&ran, "custom_attributes").contains("no user has hrTeam"));

    world.jumpcloud().add(json!({
        "username": "break.glass", "email": "glass@northlight.example",
        "attributes": [{"name": "hrTeam", "value": "x"}],
    }));
    assert_found(&doctor(&world).await, &[], &[]);
}

#[tokio::test]
async fn table_that_is_not_there_or_keeps_everything_is_found() {
    let world = world().await;
    let elsewhere = [("ROLLCALL_TABLE", "elsewhere")];
    let ran = world.rollcall_with(&elsewhere, &["doctor", "--json"]).await;
    assert_found(&ran, &["table elsewhere"], &[]);
    assert!(
        told(&ran, "table").contains("does not exist"),
        "{}",
        ran.stdout
    );

    let off = TimeToLiveSpecification::builder();
    let off = off.attribute_name("expires_at").enabled(false);
    let change = world.dynamodb().update_time_to_live();
    let change = change.table_name("rollcall");
    let change = change.time_to_live_specification(off.build().unwrap());
    change.send().await.unwrap();
    assert_found(&doctor(&world).await, &["table_expiry rollcall"], &[]);
}

#[tokio::test]
async fn clock_that_is_off_is_found_by_others_clocks() {
    let world = world().await;
    let clock = world.sandbox().clock();
    clock.advance(SignedDuration::from_mins(2));
    assert_found(
        &doctor(&world).await,
        &[],
        &["clock JumpCloud", "clock AWS"],
    );
    clock.advance(SignedDuration::from_mins(8));
    let ran = doctor(&world).await;
    assert_found(&ran, &["clock JumpCloud", "clock AWS"], &[]);
    assert!(told(&ran, "clock").contains("s behind"), "{}", ran.stdout);
}

#[tokio::test]
async fn every_problem_of_the_configuration_is_a_finding() {
    let world = world().await;
    let file = world.folder().join("rollcall.toml");
    let right = fs::read_to_string(&file).unwrap();
    let wrong = right.replacen(
        "[jumpcloud]",
        "[jumpcloud]\nregoin = \"eu\"\nconcurrency = 0",
        1,
    );
    fs::write(&file, wrong).unwrap();
    let ran = doctor(&world).await;
    assert_found(&ran, &["configuration", "configuration"], &[]);
    let found = told(&ran, "configuration");
    assert!(
        found.contains("rollcall.toml:2:") && found.contains("`region`"),
        "{found}"
    );
    // What needs no configuration is checked all the same.
    assert!(with_status(&ran, "ok").contains(&"table rollcall".to_owned()));
}

#[tokio::test]
async fn without_a_configuration_or_a_table_nothing_is_made() {
    let world = world().await;
    let nowhere = ["doctor", "--json", "--config", "nowhere.toml"];
    let ran = world.rollcall_alone(&nowhere).await;
    assert_found(&ran, &["configuration"], &[]);
    assert!(told(&ran, "configuration").contains("rollcall.example.toml"));
    assert_eq!(with_status(&ran, "unknown"), ["table"]);
    assert!(!world.folder().join("rollcall.sqlite").exists());
}

#[tokio::test]
async fn state_in_a_file_is_looked_at() {
    let world = world().await;
    world.hire(ana());
    world
        .rollcall_alone(&["sync", "--state", "mine.sqlite"])
        .await;
    let ran = world
        .rollcall_alone(&["doctor", "--json", "--state", "mine.sqlite"])
        .await;
    assert_found(&ran, &[], &[]);
    assert!(told(&ran, "table").contains("`mine.sqlite`"));
    assert!(told(&ran, "last_run").contains("applied"), "{}", ran.stdout);
}

#[tokio::test]
async fn file_of_something_else_is_found_and_left_alone() {
    let world = world().await;
    let file = world.folder().join("letter.txt");
    fs::write(&file, "Dear Sir or Madam").unwrap();
    let arguments = ["doctor", "--json", "--state", "letter.txt"];
    let ran = world.rollcall_alone(&arguments).await;
    assert_found(&ran, &["table"], &[]);
    assert!(told(&ran, "table").contains("--state"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), "Dear Sir or Madam");
}

#[tokio::test]
async fn tokens_that_cannot_be_read_and_no_tokens_are_told_apart() {
    let world = world().await;
    let secrets = world.sandbox().secrets();
    let wrong = json!({"tokens": [{"name": "okta", "sha256": SECRET, "scope": "write"}]});
    secrets.set("rollcall/scim", &wrong.to_string());
    assert_found(&doctor(&world).await, &["scim_tokens rollcall/scim"], &[]);
    for none in [Some(r#"{"tokens":[]}"#), None] {
        match none {
            Some(text) => secrets.set("rollcall/scim", text),
            None => secrets.set_empty("rollcall/scim"),
        }
        assert_found(&doctor(&world).await, &[], &["scim_tokens rollcall/scim"]);
    }
}

#[tokio::test]
async fn last_run_is_told_with_what_it_held_and_who_began_it() {
    let (world, id) = world_with_ana(Setup::new().section("[limits]\nsuspend = { max = 0 }")).await;
    let gone = ana().stage(sandbox::Stage::Inactive(world.days_ago(2)));
    world.change(&id, &gone);
    world
        .invoke(json!({"detail-type": "Scheduled Event"}))
        .await;
    let ran = doctor(&world).await;
    assert_found(&ran, &[], &["held"]);
    assert!(
        told(&ran, "held").contains("1 suspend of deel"),
        "{}",
        ran.stdout
    );
    assert!(told(&ran, "schedule").contains("was on"), "{}", ran.stdout);

    world.jumpcloud().set_key("another");
    world.run_sync().await;
    world.jumpcloud().set_key("sandbox-jumpcloud-key");
    let ran = doctor(&world).await;
    assert!(with_status(&ran, "warning").contains(&"last_run".to_owned()));
    let last = told(&ran, "last_run");
    assert!(
        last.contains("failed") && last.contains("rollcall runs"),
        "{last}"
    );
}

#[tokio::test]
async fn accounts_that_do_not_answer_are_one_finding_each() {
    let world = world().await;
    world.fault(Fault::status(Vendor::SecretsManager, 500).times(1000));
    let ran = doctor(&world).await;
    let secrets = [
        "secret rollcall/deel",
        "secret rollcall/jumpcloud",
        "scim_tokens rollcall/scim",
    ];
    assert_found(&ran, &secrets, &[]);
    let report: Value = ran.json();
    assert_eq!(report["counts"]["failed"], 3);
    assert!(with_status(&ran, "ok").contains(&"table rollcall".to_owned()));
}

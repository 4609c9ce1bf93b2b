//! Keys: one that stops working is read again once, and then the run ends with nothing further done.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, Vendor};
use sync::{Outcome, Report, RunStatus};

use crate::{ana, hire_others, world, world_with_ana};

fn assert_failed(world: &World, report: &Report, code: &str, advice: &str) {
    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.error_code(), code);
    let text = report.error.as_ref().map_or("", |error| &error.text);
    assert!(text.contains(advice), "{text}");
    assert!(text.contains("nothing was written"), "{text}");
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
}

#[tokio::test]
async fn wrong_jumpcloud_key_ends_the_run_with_what_to_check() {
    let world = world().await;
    world.hire(ana());
    world.jumpcloud().set_key("another-key-altogether");
    let report = world.run_sync().await;
    assert_failed(
        &world,
        &report,
        "jumpcloud_key_refused",
        "`jumpcloud.region`",
    );
    assert!(world.links().await.is_empty());
}

#[tokio::test]
async fn wrong_deel_token_ends_the_run_with_what_to_check() {
    let world = world().await;
    world.hire(ana());
    world
        .sandbox()
        .secrets()
        .set("rollcall/deel", "not-the-token");
    let report = world.run_sync().await;
    assert_failed(&world, &report, "source_key_refused", "`people:read`");
}

#[tokio::test]
async fn deel_token_without_the_scope_ends_the_run_with_what_to_check() {
    let world = world().await;
    world.hire(ana());
    world.deel().rules(|rules| rules.scopes.clear());
    let report = world.run_sync().await;
    assert_failed(&world, &report, "source_key_refused", "`people:read`");
}

#[tokio::test]
async fn secret_that_is_missing_or_a_placeholder_ends_the_run() {
    for secret in [None, Some("REPLACE_ME"), Some("{\"api_key\": \"\"}")] {
        let world = world().await;
        world.hire(ana());
        match secret {
            None => world.sandbox().secrets().remove("rollcall/jumpcloud"),
            Some(text) => world.sandbox().secrets().set("rollcall/jumpcloud", text),
        }
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Failed, "{secret:?}");
        let error = report.error.unwrap();
        assert!(error.text.contains("rollcall/jumpcloud"), "{}", error.text);
        assert_eq!(world.requests(Vendor::JumpCloud), 0);
    }
}

#[tokio::test]
async fn key_rotated_between_two_runs_is_read_again() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let joiner = world.hire(sandbox::Profile::new("Jo", "Joiner"));
    world.jumpcloud().set_key("rotated-jumpcloud-key");
    let secret = r#"{"api_key": "rotated-jumpcloud-key", "expires": "2099-03-01"}"#;
    world.sandbox().secrets().set("rollcall/jumpcloud", secret);
    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.outcome_of(&joiner), Outcome::Created);
    world.settled().await;
}

#[tokio::test]
async fn key_rotated_in_the_middle_of_a_run_is_read_again() {
    let world = world().await;
    hire_others(&world, 3);
    let (jumpcloud, secrets) = (world.jumpcloud(), world.sandbox().secrets());
    let rotated = move || {
        jumpcloud.set_key("rotated-jumpcloud-key");
        secrets.set("rollcall/jumpcloud", "rotated-jumpcloud-key");
    };
    world.fault(
        Fault::run(Vendor::JumpCloud, rotated)
            .method("POST")
            .skip(1),
    );
    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.count(Outcome::Created), 3);
    assert_eq!(world.invitations().len(), 3);
    world.settled().await;
}

#[tokio::test]
async fn key_revoked_in_the_middle_of_a_run_ends_it_and_the_next_goes_on() {
    let world = world_with_one_at_a_time().await;
    hire_others(&world, 4);
    let jumpcloud = world.jumpcloud();
    let revoked = move || jumpcloud.set_key("revoked");
    world.fault(
        Fault::run(Vendor::JumpCloud, revoked)
            .method("POST")
            .skip(2),
    );

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.error_code(), "jumpcloud_key_refused");
    assert_eq!(report.count(Outcome::Created), 1);
    assert_eq!(report.count(Outcome::NotReached), 3);
    assert_eq!(world.jumpcloud().users().len(), 1);

    world
        .sandbox()
        .secrets()
        .set("rollcall/jumpcloud", "revoked");
    world.run_sync().await;
    assert_eq!(world.jumpcloud().users().len(), 4);
    assert_eq!(world.invitations().len(), 4);
    world.settled().await;
}

async fn world_with_one_at_a_time() -> World {
    crate::world_with(Setup::new().jumpcloud("concurrency = 1")).await
}

#[tokio::test]
async fn hr_key_rotated_in_the_middle_of_a_read_is_read_again() {
    let world = crate::world_with(Setup::new().humaans_too()).await;
    hire_others(&world, 101);
    world.hire_in_humaans(&sandbox::Profile::new("Hugo", "Humaans"));
    // From the second page of Deel's people and Humaans' second request on, the old tokens are dead.
    let (deel, secrets) = (world.deel(), world.sandbox().secrets());
    let rotate_deel = move || {
        deel.set_token("rotated-deel-token");
        secrets.set("rollcall/deel", "rotated-deel-token");
    };
    let (humaans, secrets) = (world.humaans(), world.sandbox().secrets());
    let rotate_humaans = move || {
        humaans.set_token("rotated-humaans-token");
        secrets.set("rollcall/humaans", "rotated-humaans-token");
    };
    world.fault(Fault::run(Vendor::Deel, rotate_deel).skip(1));
    world.fault(Fault::run(Vendor::Humaans, rotate_humaans).skip(1));

    let report = world.plan().await;

    assert_eq!(report.status, RunStatus::Planned);
    assert_eq!(report.count(Outcome::Created), 102);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[tokio::test]
async fn hr_key_revoked_in_the_middle_of_a_read_changes_nobody() {
    for kind in [Setup::new(), Setup::new().humaans()] {
        let world = crate::world_with(kind).await;
        hire_others(&world, 101);
        world.hire_in_humaans(&sandbox::Profile::new("Hugo", "Humaans"));
        world.run_sync().await;
        world.forget_requests();
        let (deel, humaans) = (world.deel(), world.humaans());
        let revoke_deel = move || deel.set_token("revoked");
        let revoke_humaans = move || humaans.set_token("revoked");
        world.fault(Fault::run(Vendor::Deel, revoke_deel).skip(1));
        world.fault(Fault::run(Vendor::Humaans, revoke_humaans).skip(1));
        let report = world.run_sync().await;
        assert_failed(&world, &report, "source_key_refused", "its scopes");
    }
}

#[tokio::test]
async fn key_that_ends_is_told_once_in_each_run_from_thirty_days_before() {
    for (days, words) in [
        (31, None),
        (30, Some("ends in 30 days")),
        (1, Some("ends tomorrow")),
        (0, Some("ended on")),
        (-10, Some("ended on")),
    ] {
        let world = crate::world_with(Setup::new().second_source("deel-again")).await;
        let on = world.in_days(days);
        for (name, key) in [
            ("jumpcloud", "sandbox-jumpcloud-key"),
            ("deel", "sandbox-deel-token"),
        ] {
            let secret = serde_json::json!({"api_key": key, "expires": on}).to_string();
            let name = format!("rollcall/{name}");
            world.sandbox().secrets().set(&name, &secret);
        }
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Applied);
        let warnings = report.warnings.iter();
        let told: Vec<(Option<&str>, &str)> = warnings
            .filter(|warning| warning.code == "key_expires")
            .map(|warning| {
                let source = warning.source.as_ref().map(mapping::SourceName::as_str);
                (source, warning.message.as_str())
            })
            .collect();
        let Some(words) = words else {
            assert!(told.is_empty(), "{days}: {told:?}");
            continue;
        };
        let [(None, jumpcloud), (Some("deel"), deel)] = told.as_slice() else {
            panic!("{days}: {told:?}");
        };
        for (message, secret) in [
            (jumpcloud, "`rollcall/jumpcloud`"),
            (deel, "`rollcall/deel`"),
        ] {
            assert!(
                message.contains(words) && message.contains(secret),
                "{message}"
            );
            assert!(message.contains("make a new one"), "{message}");
        }
    }
}

#[tokio::test]
async fn run_that_an_ended_key_fails_tells_that_it_ended() {
    let world = world().await;
    let on = world.days_ago(1);
    let secret = serde_json::json!({"api_key": "ended", "expires": on}).to_string();
    world.sandbox().secrets().set("rollcall/deel", &secret);
    let report = world.run_sync().await;
    assert_failed(&world, &report, "source_key_refused", "`people:read`");
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(report.warnings[0].code, "key_expires");
}

#[tokio::test]
async fn scim_function_logs_at_its_start_that_its_key_ends() {
    let world = world().await;
    let on = world.in_days(3);
    let secret = serde_json::json!({"api_key": "sandbox-jumpcloud-key", "expires": on});
    let secrets = world.sandbox().secrets();
    secrets.set("rollcall/jumpcloud", &secret.to_string());
    let scim = world.deployed_scim().await;
    scim.get("/Users?count=1").await.expect(200);
    scim.get("/Users?count=1").await.expect(200);
    let log = world.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("ends in 3 days"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("rollcall/jumpcloud"), "{}", lines[0]);
}

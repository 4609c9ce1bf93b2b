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

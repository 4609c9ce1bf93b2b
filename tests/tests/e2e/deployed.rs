//! `rollcall plan|sync --deployed`: the real program invokes the real function through Lambda's API.

use std::time::Duration;

use e2e::{Ran, Turn};
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};

use crate::crashes::assert_one_each;
use crate::{ana, hire_others, world, world_with_ana};

fn assert_ended(ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
}

/// A report of a run that had nothing to do.
fn in_step() -> Value {
    json!({
        "run_id": "r1", "mode": "plan", "status": "planned", "plan_digest": "", "held": [], "warnings": [],
        "started_at": "2026-11-22T08:00:00Z", "duration_ms": 900, "people": [], "counts": {"unchanged": 1},
        "calls": {"deel": 1, "humaans": 0, "jumpcloud": 1, "dynamodb": 5},
    })
}

#[tokio::test]
async fn sync_is_done_by_the_function_and_shown_here() {
    let world = world().await;
    world.hire(ana());
    let lambda = world.lambda([world.turn().await]).await;

    let plan = world
        .rollcall_through(&lambda, &["plan", "--deployed"])
        .await;
    assert_ended(&plan, 0);
    assert!(plan.stdout.starts_with("Planned (run "), "{plan:?}");
    assert!(plan.stdout.contains("ana.souza"), "{plan:?}");
    assert!(world.jumpcloud().users().is_empty());

    let sync = world
        .rollcall_through(&lambda, &["sync", "--deployed"])
        .await;
    assert_ended(&sync, 0);
    assert!(sync.stdout.starts_with("Applied (run "), "{sync:?}");
    assert!(sync.stdout.contains("1 created"), "{sync:?}");
    assert!(sync.stderr.contains("run 1: 1 people done"), "{sync:?}");

    let again = world
        .rollcall_through(&lambda, &["sync", "--deployed", "--json"])
        .await;
    assert_ended(&again, 0);
    assert_eq!(again.json()["counts"]["unchanged"], 1);
    let events = lambda.events().await;
    let modes: Vec<&Value> = events.iter().map(|event| &event["mode"]).collect();
    assert_eq!(modes, ["plan", "apply", "apply"]);
    assert_one_each(&world, 1).await;
}

#[tokio::test]
async fn flags_become_the_event() {
    let world = world().await;
    let lambda = world.lambda([Turn::Answer(in_step())]).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let flags = [
        "--source",
        "deel",
        "--person",
        "w1",
        "--approve",
        &digest,
        "--now",
    ];
    let arguments = [&["plan", "--deployed", "--json"], flags.as_slice()].concat();
    assert_ended(&world.rollcall_through(&lambda, &arguments).await, 0);
    assert_eq!(
        lambda.events().await,
        [
            json!({"mode": "plan", "sources": ["deel"], "people": ["w1"], "approve": [digest], "now": true})
        ]
    );
}

#[tokio::test]
async fn import_in_five_runs_makes_one_account_each_and_does_nothing_twice() {
    const PEOPLE: usize = 300;
    let world = world().await;
    hire_others(&world, PEOPLE);
    // Each of the first four runs is cut off once it has made about 60 accounts.
    let create = |fault: Fault| fault.method("POST").body("firstname");
    for run in 1..5 {
        let quiet = Fault::status(Vendor::JumpCloud, 429).header("retry-after", "3600");
        world.fault(create(quiet).skip(run * 60));
    }
    // A process that was asked to wait does: each invocation meets another one.
    let mut turns = Vec::new();
    for _ in 0..5 {
        turns.push(world.turn().await);
    }
    let lambda = world.lambda(turns).await;
    world.forget_requests();

    let ran = world
        .rollcall_through(&lambda, &["sync", "--deployed", "--json"])
        .await;

    assert_ended(&ran, 0);
    assert_eq!(ran.json()["status"], "applied");
    assert_eq!(lambda.events().await, vec![json!({"mode": "apply"}); 5]);
    let done: Vec<usize> = ran
        .stderr
        .lines()
        .filter_map(|line| line.split_once(" people done")?.0.rsplit(' ').next())
        .map(|count| count.parse().unwrap())
        .collect();
    assert_eq!((done.len(), done.iter().sum()), (5, PEOPLE), "{ran:?}");
    let writes = world.jumpcloud_writes();
    let count = |write: &str| writes.iter().filter(|other| *other == write).count();
    // Four creates were refused, and nothing else was sent twice.
    assert_eq!(count("POST systemusers"), PEOPLE + 4);
    assert_eq!(count("POST systemusers/{id}/state/activate"), PEOPLE);
    assert_eq!(writes.len(), 2 * PEOPLE + 4);
    assert_one_each(&world, PEOPLE).await;
}

#[tokio::test]
async fn third_run_that_gets_nobody_done_is_the_last_and_unfinished() {
    let world = world().await;
    world.hire(ana());
    // Enough to read, and not to begin with anybody.
    let short = Duration::from_secs(18);
    let turn = Turn::Function(world.another_function().await, short);
    let lambda = world.lambda([turn]).await;

    let ran = world
        .rollcall_through(&lambda, &["sync", "--deployed", "--json"])
        .await;

    assert_ended(&ran, 3);
    assert_eq!(lambda.events().await.len(), 3);
    assert_eq!(ran.json()["counts"]["not_reached"], 1);
    assert!(ran.stderr.contains("stopped: 3 runs in a row"), "{ran:?}");
    assert!(world.jumpcloud().users().is_empty());
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn whatever_keeps_the_function_from_answering_is_told_with_what_to_do() {
    let (world, id) = world_with_ana(e2e::Setup::new()).await;
    let table = [
        (
            Turn::Error(403, "AccessDeniedException"),
            "`lambda:InvokeFunction`",
        ),
        (
            Turn::Error(429, "TooManyRequestsException"),
            "again in a minute",
        ),
        (Turn::Error(403, "ExpiredTokenException"), "sign in again"),
        (Turn::Error(500, "ServiceException"), "did not do it"),
        (Turn::Answer(json!({"statusCode": 404})), "with no report"),
    ];
    for (turn, advice) in table {
        let lambda = world.lambda([turn]).await;
        let ran = world
            .rollcall_through(&lambda, &["sync", "--deployed", "--json"])
            .await;
        assert_ended(&ran, 1);
        assert!(ran.stderr.contains(advice), "{advice}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{ran:?}");
        // A run that is not heard of is not sent again.
        assert_eq!(lambda.events().await.len(), 1, "{ran:?}");
    }

    let lambda = world.lambda([world.turn().await]).await;
    let calls: [(&[&str], &str); 4] = [
        (
            &["plan", "--deployed", "--function", "other"],
            "no such function",
        ),
        (
            &["plan", "--deployed", "--source", "other"],
            "`other` is no source",
        ),
        (
            &["sync", "--deployed", "--state", "mine.sqlite"],
            "cannot be used with",
        ),
        (
            &["--state", "mine.sqlite", "sync", "--deployed"],
            "cannot be used with",
        ),
    ];
    for (arguments, advice) in calls {
        let ran = world.rollcall_through(&lambda, arguments).await;
        assert_ended(&ran, 1);
        assert!(ran.stderr.contains(advice), "{advice}: {ran:?}");
    }

    world.change(&id, &ana().job_title("Principal"));
    let turn = world.another_function().await;
    world.fault(Fault::run(Vendor::JumpCloud, turn.killer()).method("PUT"));
    world.fault(Fault::drop(Vendor::JumpCloud).method("PUT"));
    let lambda = world
        .lambda([Turn::Function(turn, Duration::from_mins(5))])
        .await;
    let ran = world
        .rollcall_through(&lambda, &["sync", "--deployed"])
        .await;
    assert_ended(&ran, 1);
    assert!(ran.stderr.contains("`rollcall-sync` died"), "{ran:?}");
    assert!(ran.stderr.contains("its log"), "{ran:?}");

    world.let_leases_expire().await;
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn deployed_needs_to_know_the_function() {
    let world = world().await;
    let ran = world.rollcall_alone(&["plan", "--deployed"]).await;
    assert_ended(&ran, 1);
    assert!(ran.stderr.contains("`SyncFunctionName`"), "{ran:?}");
    assert!(ran.stderr.contains("`ROLLCALL_FUNCTION`"), "{ran:?}");
}

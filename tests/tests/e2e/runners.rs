//! One runner at a time, and one that stops in time.

use std::time::Duration;

use e2e::{Reading, Setup};
use jiff::SignedDuration;
use sandbox::{Fault, Vendor};
use serde_json::json;
use sync::{Outcome, RunStatus};
use tokio::sync::mpsc;

use crate::{ana, hire_others, world, world_with};

#[tokio::test]
async fn second_invocation_at_the_same_time_is_busy_and_a_later_one_is_not() {
    let world = world().await;
    world.hire(ana());
    let other = world.another_function().await;
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let tell = move || begun.send(()).unwrap_or_default();
    world.fault(Fault::run(Vendor::JumpCloud, tell).method("GET"));
    world.fault(Fault::delay(Vendor::JumpCloud, Duration::from_secs(2)).method("GET"));

    let meanwhile = async {
        has_begun.recv().await;
        world.run_sync_with(&other).await
    };
    let (first, second) = tokio::join!(world.run_sync(), meanwhile);

    assert_eq!(second.status, RunStatus::Busy);
    assert_eq!(second.total(), 0);
    assert_eq!(first.status, RunStatus::Applied);
    assert_eq!(first.count(Outcome::Created), 1);
    let third = world.run_sync_with(&other).await;
    assert_eq!(third.status, RunStatus::Applied);
    world.settled().await;
}

#[tokio::test]
async fn plan_needs_no_lease() {
    let world = world().await;
    let id = world.hire(ana());
    let now = world.sandbox().clock().now();
    let state = world.state();
    let lease = state
        .acquire("somebody", now, SignedDuration::from_mins(2))
        .await
        .unwrap();
    let report = world.plan().await;
    assert_eq!(report.status, RunStatus::Planned);
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.run_sync().await.status, RunStatus::Busy);
    state.release(&lease).await.unwrap();
    assert_eq!(world.run_sync().await.status, RunStatus::Applied);
    world.settled().await;
}

#[tokio::test]
async fn lease_of_a_runner_that_died_expires() {
    let world = world().await;
    world.hire(ana());
    let now = world.sandbox().clock().now();
    let an_hour = SignedDuration::from_hours(1);
    let died = async |then| {
        let lease = world.state().acquire("a runner that died", then, an_hour);
        lease.await.unwrap()
    };
    died(now).await;
    assert_eq!(world.run_sync().await.status, RunStatus::Busy);
    // The same, had it begun two hours ago.
    died(now - an_hour - an_hour).await;
    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.count(Outcome::Created), 1);
    world.settled().await;
}

#[tokio::test]
async fn runner_that_lost_its_lease_writes_nothing_more() {
    let world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    hire_others(&world, 3);
    let (reached, mut has_reached) = mpsc::unbounded_channel();
    let tell = move || reached.send(()).unwrap_or_default();
    // The first account is made; then another runner takes over while the second is under way.
    let second_create = |fault: Fault| fault.method("POST").path("/systemusers").skip(2);
    world.fault(second_create(Fault::run(Vendor::JumpCloud, tell)));
    world.fault(second_create(Fault::delay(
        Vendor::JumpCloud,
        Duration::from_secs(1),
    )));
    let overtake = async {
        has_reached.recv().await;
        let later = world.sandbox().clock().now() + SignedDuration::from_mins(5);
        world
            .state()
            .acquire("another", later, SignedDuration::ZERO)
            .await
            .unwrap()
    };

    let (report, lease) = tokio::join!(world.run_sync(), overtake);

    assert_eq!(report.status, RunStatus::Unfinished);
    assert_eq!(report.error_code(), "lease_lost");
    assert_eq!(report.count(Outcome::Created), 1);
    assert_eq!(world.jumpcloud().users().len(), 2);
    world.state().release(&lease).await.unwrap();
    world.run_sync().await;
    assert_eq!(world.jumpcloud().users().len(), 3);
    assert_eq!(world.invitations().len(), 3);
    world.settled().await;
}

#[tokio::test]
async fn run_that_has_no_time_left_writes_nothing_and_says_so() {
    let world = world().await;
    world.hire(ana());
    let report = world
        .invoke_within(json!({}), Duration::from_secs(18))
        .await;
    assert_eq!(report.status, RunStatus::Unfinished);
    assert_eq!(report.count(Outcome::NotReached), 1);
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert_eq!(world.run_sync().await.status, RunStatus::Applied);
    world.settled().await;
}

#[tokio::test]
async fn run_near_its_deadline_stops_between_people_and_the_next_finishes() {
    let world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    hire_others(&world, 6);
    // The process is up by then, so that the time is for the run.
    world.plan().await;
    let slow = Fault::delay(Vendor::JumpCloud, Duration::from_secs(1));
    world.fault(slow.method("POST").path("/systemusers").always());

    let report = world
        .invoke_within(json!({}), Duration::from_secs(22))
        .await;

    assert_eq!(report.status, RunStatus::Unfinished);
    assert_eq!(report.error_code(), "deadline");
    let created = report.count(Outcome::Created);
    assert!((1..6).contains(&created), "{created}");
    assert_eq!(report.count(Outcome::NotReached), 6 - created);
    assert_eq!(world.jumpcloud().users().len(), created);

    world.sandbox().faults().clear();
    assert_eq!(world.run_sync().await.count(Outcome::Created), 6 - created);
    assert_eq!(world.invitations().len(), 6);
    world.settled().await;
}

#[tokio::test]
async fn run_that_cannot_even_read_in_time_fails_and_writes_nothing() {
    let world = world().await;
    world.hire(ana());
    world.fault(Fault::delay(Vendor::JumpCloud, Duration::from_secs(3)).method("GET"));
    let report = world.invoke_within(json!({}), Duration::from_secs(6)).await;
    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.error_code(), "deadline");
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert_eq!(world.run_sync().await.status, RunStatus::Applied);
    world.settled().await;
}

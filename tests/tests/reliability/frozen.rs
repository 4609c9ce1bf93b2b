//! A runner stands still in the middle of a request, for longer than its lease, while another one does all of the work.
//! When it wakes up, it asks JumpCloud for no further change.

use std::time::Duration;

use e2e::{Pause, Picture, Setup, Story, TIME, Town, World};
use futures_util::future::join_all;
use sandbox::{Fault, Profile, Stage, Vendor};
use serde_json::json;
use sync::{Report, RunStatus};

use crate::PROGRAMS;
use crate::replay::{Replay, asked, tell};
use crate::witness::Witness;

const VARIABLE: &str = "ROLLCALL_FROZEN";
const SYSTEMS: [Vendor; 2] = [Vendor::JumpCloud, Vendor::DynamoDb];
const HOUR: Duration = Duration::from_hours(1);
/// Longer than any lease.
const FROZEN: Duration = Duration::from_secs(125);

fn applied(report: Option<Report>) {
    let report = report.expect("nobody kills it");
    assert_eq!(report.status, RunStatus::Applied, "{report:?}");
}

/// Frozen at every request: before its effect, and after it, with its answer lost.
#[tokio::test(start_paused = true)]
async fn runner_that_was_frozen_past_its_lease_begins_no_change() {
    let mut town = Town::start(&Story::setup()).await;
    let story = Story::about(&[0, 1, 3, 6, 9, 20]);
    story.begin(town.sandbox());
    applied(town.run(TIME).await);
    story.turn(town.sandbox());
    town.wait(HOUR).await;
    let eve = town.sandbox().snapshot(&town.folder().join("eve.db"));
    let eve = eve.expect("the eve is kept");
    let before = town.sandbox().jumpcloud().users();
    town.sandbox().requests().clear();
    applied(town.run(TIME).await);
    let counts = SYSTEMS.map(|system| (system, town.sandbox().requests().count(system)));
    let expected = town.picture().await;
    let witness = Witness::new(town.sandbox(), before);

    let asked = asked(VARIABLE);
    let mut failures = Vec::new();
    let mut points = 0;
    for (vendor, count) in counts {
        for (number, lost) in (0..count).flat_map(|number| [(number, false), (number, true)]) {
            let moment = if lost { "lost" } else { "before" };
            let point = format!("{vendor:?}/{number}/{moment}");
            if asked.as_ref().is_some_and(|asked| *asked != point) {
                continue;
            }
            points += 1;
            let _replay = Replay::of(VARIABLE, &point);
            town.sandbox().restore(&eve).expect("it is the eve again");
            town.wait(HOUR).await;
            town.change_process();
            let skip = u32::try_from(number).expect("fewer requests than that");
            let which = |fault: Fault| {
                let fault = fault.skip(skip);
                if lost { fault.after_effect() } else { fault }
            };
            let writes = town.run_frozen(vendor, lost, which).await;
            if !writes.is_empty() {
                failures.push(format!("{VARIABLE}={point}: {writes:?}"));
            }
            if let Err(failure) = recovered(&town, &expected, &witness).await {
                failures.push(format!("{VARIABLE}={point}: {failure}"));
            }
        }
    }
    tell(format!("frozen at {points} points"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn recovered(town: &Town, expected: &Picture, witness: &Witness) -> Result<(), String> {
    town.sandbox().faults().clear();
    town.take_log()?;
    witness.check(town.sandbox())?;
    town.wait(HOUR).await;
    applied(town.run(TIME).await);
    match town.picture().await.difference(expected).as_str() {
        "" => Ok(()),
        difference => Err(difference.to_owned()),
    }
}

/// A real process is stopped at this request for longer than its lease, and goes on after another one has done all.
async fn stop_a_process(vendor: Vendor, which: impl Fn(Fault) -> Fault) {
    let world = World::start(PROGRAMS, &Setup::new().jumpcloud("concurrency = 1")).await;
    let profile = |name: &str| {
        let email = format!("{}@northlight.example", name.to_lowercase());
        Profile::new(name, "Souza").work_email(Some(&email))
    };
    let leaves = world.hire(profile("Leaves"));
    world.run_sync().await;
    let gone = Stage::Inactive(world.days_ago(2));
    world.change(&leaves, &profile("Leaves").stage(gone));
    world.hire(profile("First"));
    world.hire(profile("Second"));
    let other = world.another_function().await;

    let (fault, mut pause) = Pause::at(vendor);
    let stop = world.function().signaller("STOP");
    world.fault(which(Fault::run(vendor, stop)));
    world.fault(which(fault));
    let meanwhile = async {
        pause.reached().await;
        tokio::time::sleep(FROZEN).await;
        let report = world.run_sync_with(&other).await;
        assert_eq!(report.status, RunStatus::Applied, "{report:?}");
        world.forget_requests();
        world.function().signaller("CONT")();
        pause.end();
    };
    let (report, ()) = tokio::join!(world.invoke(json!({})), meanwhile);

    assert_ne!(report.status, RunStatus::Applied, "{report:?}");
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert_eq!(world.jumpcloud().users().len(), 3);
    assert_eq!(world.invitations().len(), 3);
    assert_eq!(world.state_of(&leaves).await, "SUSPENDED");
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
#[ignore = "waits for a lease to end: cargo test -p e2e --test reliability stopped -- --ignored"]
async fn process_that_was_stopped_past_its_lease_begins_no_change() {
    let jumpcloud = ["/systemusers", "/state/activate"].map(|path| {
        stop_a_process(Vendor::JumpCloud, move |fault| {
            fault.method("POST").path(path)
        })
    });
    let table = [0, 1, 2].map(|skip| {
        stop_a_process(Vendor::DynamoDb, move |fault| {
            fault.operation("TransactWriteItems").skip(skip)
        })
    });
    tokio::join!(join_all(jumpcloud), join_all(table));
}

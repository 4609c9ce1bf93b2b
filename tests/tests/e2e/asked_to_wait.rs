//! A vendor that asks for a longer wait than a run has time for: the run ends at once, unfinished, and says until when.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, Vendor};
use sync::{Outcome, Report, RunStatus};

use crate::{hire_others, world_with};

fn quiet(vendor: Vendor, method: &str) -> Fault {
    Fault::status(vendor, 429)
        .header("retry-after", "3600")
        .method(method)
}

fn assert_told(report: &Report, who: &str) {
    assert_eq!(report.status, RunStatus::Unfinished);
    assert_eq!(report.error_code(), "deadline");
    let told: Vec<&str> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "asked_to_wait")
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(told.len(), 1, "{:?}", report.warnings);
    let told = told.concat();
    assert!(told.starts_with(&format!("{who} asks for no request before 2")));
    assert!(told.contains(" UTC"), "{told}");
}

/// The vendor asks to wait at the first read of it; the same process is not heard of again, and another one goes on.
async fn check_read(mut world: World, setup: Setup, vendor: Vendor, who: &str) {
    world.fault(quiet(vendor, "GET"));

    let report = world.run_sync().await;

    assert_told(&report, who);
    assert_eq!(world.requests(vendor), 1);
    let error = report.error.as_ref().map_or("", |error| &error.text);
    assert!(error.contains("nothing was written"), "{error}");
    assert!(
        error.contains(&format!("{who} asks to wait for 3600 s")),
        "{error}"
    );

    let report = world.run_sync().await;
    assert_told(&report, who);
    assert_eq!(world.requests(vendor), 1);
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert!(world.links().await.is_empty());

    world.reconfigure(&setup).await;
    assert_eq!(world.run_sync().await.count(Outcome::Created), 1);
    world.settled().await;
}

#[tokio::test]
async fn read_of_jumpcloud_that_would_have_to_wait_ends_the_run_without_a_write() {
    let world = world_with(Setup::new()).await;
    hire_others(&world, 1);
    check_read(world, Setup::new(), Vendor::JumpCloud, "JumpCloud").await;
}

#[tokio::test]
async fn read_of_deel_that_would_have_to_wait_ends_the_run_without_a_write() {
    let world = world_with(Setup::new()).await;
    hire_others(&world, 1);
    check_read(world, Setup::new(), Vendor::Deel, "Deel").await;
}

#[tokio::test]
async fn read_of_humaans_that_would_have_to_wait_ends_the_run_without_a_write() {
    let setup = Setup::new().humaans();
    let world = world_with(setup.clone()).await;
    world.hire_in_humaans(&crate::ana());
    check_read(world, setup, Vendor::Humaans, "Humaans").await;
}

#[tokio::test]
async fn write_that_would_have_to_wait_ends_the_run_and_the_next_one_goes_on() {
    let setup = Setup::new().jumpcloud("concurrency = 1");
    let mut world = world_with(setup.clone()).await;
    hire_others(&world, 5);
    let create = quiet(Vendor::JumpCloud, "POST").body("firstname");
    world.fault(create.skip(2));

    let report = world.run_sync().await;

    assert_told(&report, "JumpCloud");
    let counts = [Outcome::Created, Outcome::NotReached].map(|outcome| report.count(outcome));
    assert_eq!(counts, [2, 3]);
    let error = report.error.as_ref().map_or("", |error| &error.text);
    assert!(
        error.ends_with("people not reached, with whom the next run goes on: 3"),
        "{error}"
    );
    assert_eq!(world.jumpcloud().users().len(), 2);
    // The two, and the attempt that was refused.
    let creates = |world: &World| {
        let writes = world.jumpcloud_writes().into_iter();
        writes.filter(|write| write == "POST systemusers").count()
    };
    assert_eq!(creates(&world), 3);

    world.reconfigure(&setup).await;
    assert_eq!(world.run_sync().await.count(Outcome::Created), 3);
    assert_eq!(creates(&world), 6);
    assert_eq!(world.invitations().len(), 5);
    world.settled().await;
}

#[tokio::test]
async fn details_of_people_who_were_done_are_not_asked_for_again() {
    let setup = Setup::new()
        .jumpcloud("concurrency = 1")
        .source("phone_numbers = true");
    let mut world = world_with(setup.clone()).await;
    hire_others(&world, 5);
    world.fault(quiet(Vendor::JumpCloud, "POST").body("firstname").skip(2));
    let asked = |world: &World| {
        let requests = world.sandbox().requests().all().into_iter();
        requests
            .filter(|request| request.path.ends_with("/personal"))
            .count()
    };

    assert_told(&world.run_sync().await, "JumpCloud");
    assert_eq!(asked(&world), 5);

    world.reconfigure(&setup).await;
    world.forget_requests();
    assert_eq!(world.run_sync().await.count(Outcome::Created), 3);
    assert_eq!(asked(&world), 3);
    world.settled().await;
    assert_eq!(asked(&world), 0);
}

#[tokio::test]
async fn leavers_are_suspended_before_joiners_get_their_accounts() {
    let setup = Setup::new().jumpcloud("concurrency = 1");
    let mut world = world_with(setup.clone()).await;
    let staff = hire_others(&world, 3);
    world.run_sync().await;
    // Joiners before and after the leaver, whatever order their ids have.
    for number in 0..8 {
        world.hire(sandbox::Profile::new("New", &format!("Joiner{number}")));
    }
    let (leaver, profile) = &staff[1];
    let left = sandbox::Stage::Inactive(world.days_ago(2));
    world.change(leaver, &profile.clone().stage(left));
    world.fault(quiet(Vendor::JumpCloud, "POST").body("firstname"));

    let report = world.run_sync().await;

    assert_told(&report, "JumpCloud");
    assert_eq!(report.outcome_of(leaver), Outcome::Suspended);
    assert_eq!(report.count(Outcome::NotReached), 8);
    assert_eq!(world.state_of(leaver).await, "SUSPENDED");

    world.reconfigure(&setup).await;
    assert_eq!(world.run_sync().await.count(Outcome::Created), 8);
    world.settled().await;
}

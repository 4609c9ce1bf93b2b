//! Reads that are not whole: of HR, nobody leaves on them and others still join; of JumpCloud, nothing is written.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, FaultKind, Profile, Stage, Vendor};
use serde_json::json;
use sync::{Outcome, RunStatus};

use crate::{ana, world, world_with_ana};

/// On the first page of HR's list.
const JOINER: &str = "00000000-0000-4000-8000-000000000001";
const LEAVER: &str = "00000000-0000-4000-8000-000000000002";
/// On the second.
const LAST: &str = "ffffffff-ffff-4fff-8fff-ffffffffffff";

const SECOND_PAGE: &str = "people?offset=100";
const EVERY_PAGE: &str = "people?";

/// A world whose people fill a page and a bit; all but two of them are drafts without an account.
async fn world_of_two_pages() -> World {
    let world = world().await;
    for number in 0..105 {
        let draft = Profile::new("Drafty", &format!("Number{number}")).stage(Stage::Draft);
        world.hire(draft.starting(world.in_days(30)));
    }
    world.hire(leaver().with("id", LEAVER));
    world.hire(Profile::new("Lars", "Last").with("id", LAST));
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), 2);
    world
}

fn leaver() -> Profile {
    Profile::new("Lena", "Leaver")
}

/// On a read with this fault, a newcomer gets an account and everybody keeps theirs; the next whole read is as if
/// nothing had happened.
async fn check(fault: Fault, page: &str) {
    let world = world_of_two_pages().await;
    world.hire(ana().with("id", JOINER));
    world.fault(fault.path(page).always());

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.warnings_of("source_incomplete"), 1);
    assert_eq!(report.outcome_of(JOINER), Outcome::Created);
    assert_eq!(world.state_of(LAST).await, "ACTIVATED");
    world.sandbox().faults().clear();
    // The size of the first whole read since is remembered.
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn nobody_leaves_on_a_list_with_a_page_that_fails() {
    check(Fault::status(Vendor::Deel, 500), SECOND_PAGE).await;
}

#[tokio::test]
async fn nobody_leaves_on_a_list_with_a_page_that_repeats() {
    check(
        Fault::new(Vendor::Deel, FaultKind::RepeatedPage),
        SECOND_PAGE,
    )
    .await;
}

#[tokio::test]
async fn nobody_leaves_on_a_list_with_an_empty_page() {
    check(Fault::new(Vendor::Deel, FaultKind::EmptyPage), SECOND_PAGE).await;
}

#[tokio::test]
async fn nobody_leaves_on_a_list_that_contradicts_its_total() {
    check(
        Fault::new(Vendor::Deel, FaultKind::WrongTotal { by: 1 }),
        EVERY_PAGE,
    )
    .await;
}

#[tokio::test]
async fn nobody_leaves_on_a_list_whose_rows_move() {
    check(
        Fault::new(Vendor::Deel, FaultKind::ShiftedPage { rows: 1 }),
        SECOND_PAGE,
    )
    .await;
}

#[tokio::test]
async fn page_that_fails_for_a_moment_is_read_again() {
    let world = world_of_two_pages().await;
    world.fault(Fault::status(Vendor::Deel, 503).path(SECOND_PAGE));
    world.fault(Fault::drop(Vendor::Deel).path(SECOND_PAGE));
    world.fault(Fault::new(Vendor::Deel, FaultKind::Truncate).path("offset=0"));
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("source_incomplete"), 0);
    assert_eq!(world.sandbox().faults().pending(), 0);
    world.settled().await;
}

#[tokio::test]
async fn list_without_a_total_is_read_to_its_end() {
    let world = world_of_two_pages().await;
    world.deel().rules(|rules| rules.omits_page = true);
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("source_incomplete"), 0);
    assert_eq!(report.total(), 107);
    world.settled().await;
}

#[tokio::test]
async fn person_whose_record_does_not_decode_counts_as_present() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let other = world.hire(Profile::new("Otto", "Other"));
    world.change(&id, &ana().with("first_name", 7));
    for _ in 0..3 {
        let report = world.run_sync().await;
        assert_eq!(report.code_of(&id), "record_unreadable");
        assert_eq!(report.warnings_of("source_incomplete"), 1);
    }
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.state_of(&other).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn id_that_nobody_can_keep_harms_its_own_record_alone() {
    let world = world().await;
    for id in ["x".repeat(3_000), "7\u{7f}7".to_owned()] {
        world.hire(Profile::new("Ida", "Endless").with("id", id));
    }
    let manager = json!({"id": "y".repeat(3_000)});
    let id = world.hire(ana().with("direct_manager", manager));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(report.count(Outcome::Skipped), 2);
    let one = world.invoke(json!({"people": [id]})).await;
    assert_eq!(one.outcome_of(&id), Outcome::Unchanged);
    world.settled().await;
}

#[tokio::test]
async fn stated_leaver_stays_until_the_source_is_read_whole() {
    let world = world_of_two_pages().await;
    let left = leaver().stage(Stage::Inactive(world.days_ago(2)));
    world.change(LEAVER, &left);
    let wrong_total = Fault::new(Vendor::Deel, FaultKind::WrongTotal { by: 1 });
    world.fault(wrong_total.path(EVERY_PAGE).always());
    world.run_sync().await;
    assert_eq!(world.state_of(LEAVER).await, "ACTIVATED");

    world.sandbox().faults().clear();
    world.run_sync().await;
    assert_eq!(world.state_of(LEAVER).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn nothing_is_written_when_jumpcloud_is_not_read_whole() {
    let table = [
        Fault::new(Vendor::JumpCloud, FaultKind::WrongTotal { by: 1 }),
        Fault::new(Vendor::JumpCloud, FaultKind::EmptyPage),
        Fault::status(Vendor::JumpCloud, 501),
    ];
    for fault in table {
        let (world, _) = world_with_ana(Setup::new()).await;
        let joiner = world.hire(Profile::new("Jo", "Joiner"));
        let links = world.links().await;
        world.forget_requests();
        world.fault(fault.method("GET").always());

        let report = world.run_sync().await;

        assert_eq!(report.status, RunStatus::Failed);
        assert_eq!(report.error_code(), "jumpcloud_unreadable");
        assert!(world.jumpcloud_writes().is_empty());
        assert_eq!(world.links().await, links);

        world.sandbox().faults().clear();
        let report = world.run_sync().await;
        assert_eq!(report.outcome_of(&joiner), Outcome::Created);
        world.settled().await;
    }
}

#[tokio::test]
async fn nothing_is_written_when_the_links_are_not_read_whole() {
    let (world, _) = world_with_ana(Setup::new()).await;
    world.hire(Profile::new("Jo", "Joiner"));
    world.forget_requests();
    world.fault(
        Fault::status(Vendor::DynamoDb, 400)
            .operation("Query")
            .always(),
    );

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.error_code(), "state_unreadable");
    assert!(world.jumpcloud_writes().is_empty());
    world.sandbox().faults().clear();
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn jumpcloud_list_that_moves_while_it_is_read_is_read_again() {
    let (world, _) = world_with_ana(Setup::new()).await;
    for number in 0..150 {
        let email = format!("user{number}@elsewhere.example");
        let user = json!({"username": format!("user{number}"), "email": email});
        world.jumpcloud().add(user);
    }
    for rows in [1, -1] {
        let moved = Fault::new(Vendor::JumpCloud, FaultKind::ShiftedPage { rows });
        world.fault(moved.path("skip=100"));
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Applied, "{rows}");
        assert_eq!(report.calls.jumpcloud, 4, "{rows}");
    }
    world.settled().await;
}

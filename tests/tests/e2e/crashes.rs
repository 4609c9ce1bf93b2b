//! Whatever is lost, cut off or killed on the way: one account and one mail for each person, by the next run at the
//! latest.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, FaultKind, Profile, Stage, Vendor};
use sync::Outcome;

use crate::{ana, hire_others, world, world_with, world_with_ana};

const CREATE: &str = "/systemusers";
const ACTIVATE: &str = "/state/activate";

fn post(fault: Fault, path: &str) -> Fault {
    fault.method("POST").path(path)
}

/// Everybody has one account, active, and got one mail.
pub(crate) async fn assert_one_each(world: &World, people: usize) {
    let users = world.jumpcloud().users();
    assert_eq!(users.len(), people);
    assert!(users.iter().all(|user| user["state"] == "ACTIVATED"));
    let mut addresses = world.invitations();
    assert_eq!(addresses.len(), people);
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), people);
    assert_eq!(world.links().await.len(), people);
    world.settled().await;
}

/// With this fault there is one account and one mail: at once, or after another run.
async fn check(fault: Fault, at_once: bool) {
    let world = world().await;
    let id = world.hire(ana());
    world.fault(fault);

    let report = world.run_sync().await;

    assert_eq!(
        world.sandbox().faults().pending(),
        0,
        "the fault was not reached"
    );
    let expected = if at_once {
        Outcome::Created
    } else {
        Outcome::Failed
    };
    assert_eq!(report.outcome_of(&id), expected);
    if !at_once {
        world.run_sync().await;
    }
    assert_one_each(&world, 1).await;
}

#[tokio::test]
async fn create_that_took_effect_and_was_answered_500() {
    check(
        post(Fault::status(Vendor::JumpCloud, 500), CREATE).after_effect(),
        true,
    )
    .await;
}

#[tokio::test]
async fn create_that_took_effect_and_was_never_answered() {
    check(
        post(Fault::drop(Vendor::JumpCloud), CREATE).after_effect(),
        true,
    )
    .await;
}

#[tokio::test]
async fn create_that_took_effect_and_whose_answer_was_cut_off() {
    check(
        post(Fault::new(Vendor::JumpCloud, FaultKind::Truncate), CREATE),
        true,
    )
    .await;
}

#[tokio::test]
async fn create_that_took_effect_and_was_answered_by_an_edge_server() {
    let html = Fault::new(Vendor::JumpCloud, FaultKind::Html { status: 502 });
    check(post(html, CREATE).after_effect(), true).await;
}

#[tokio::test]
async fn create_that_had_no_effect_and_was_never_answered() {
    check(post(Fault::drop(Vendor::JumpCloud), CREATE), false).await;
}

#[tokio::test]
async fn create_that_had_no_effect_and_was_answered_503() {
    check(post(Fault::status(Vendor::JumpCloud, 503), CREATE), false).await;
}

#[tokio::test]
async fn create_that_was_asked_to_wait() {
    let busy = Fault::status(Vendor::JumpCloud, 429).header("retry-after", "1");
    check(post(busy, CREATE), true).await;
}

#[tokio::test]
async fn activation_that_took_effect_and_was_never_answered() {
    check(
        post(Fault::drop(Vendor::JumpCloud), ACTIVATE).after_effect(),
        true,
    )
    .await;
}

#[tokio::test]
async fn activation_that_took_effect_and_was_answered_500() {
    check(
        post(Fault::status(Vendor::JumpCloud, 500), ACTIVATE).after_effect(),
        true,
    )
    .await;
}

#[tokio::test]
async fn activation_that_had_no_effect_and_was_never_answered() {
    check(post(Fault::drop(Vendor::JumpCloud), ACTIVATE), false).await;
}

#[tokio::test]
async fn activation_that_was_asked_to_wait() {
    let busy = Fault::status(Vendor::JumpCloud, 429).header("retry-after", "1");
    check(post(busy, ACTIVATE), true).await;
}

#[tokio::test]
async fn create_whose_effect_shows_only_after_the_run() {
    let world = world().await;
    let id = world.hire(ana());
    world.fault(post(Fault::drop(Vendor::JumpCloud), CREATE).after_effect());
    world.fault(Fault::new(Vendor::JumpCloud, FaultKind::EmptyPage).path("/search/"));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Failed);
    world.run_sync().await;
    assert_one_each(&world, 1).await;
}

#[tokio::test]
async fn update_that_took_effect_and_was_never_answered() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Principal"));
    world.fault(Fault::drop(Vendor::JumpCloud).method("PUT").after_effect());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    assert_eq!(world.user_of(&id).await["jobTitle"], "Principal");
    world.settled().await;
}

#[tokio::test]
async fn link_that_could_not_be_written_after_the_create() {
    let world = world().await;
    hire_others(&world, 2);
    let refused = Fault::status(Vendor::DynamoDb, 400).operation("TransactWriteItems");
    world.fault(refused.skip(3));
    world.run_sync().await;
    assert_eq!(world.sandbox().faults().pending(), 0);
    world.run_sync().await;
    assert_one_each(&world, 2).await;
}

#[tokio::test]
async fn nobody_is_created_while_that_cannot_be_noted() {
    let world = world().await;
    hire_others(&world, 3);
    let refused = Fault::status(Vendor::DynamoDb, 400).operation("TransactWriteItems");
    // The journal still comes through.
    world.fault(refused.skip(1).always());

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Failed), 3);
    assert_eq!(report.warnings_of("run_not_recorded"), 1);
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());

    world.sandbox().faults().clear();
    world.let_leases_expire().await;
    world.run_sync().await;
    assert_one_each(&world, 3).await;
}

#[tokio::test]
async fn nothing_is_written_that_the_journal_does_not_hold() {
    let world = world().await;
    hire_others(&world, 3);
    let refused = Fault::status(Vendor::DynamoDb, 400).operation("TransactWriteItems");
    world.fault(refused);

    let report = world.run_sync().await;

    assert_eq!(report.error_code(), "journal_not_written");
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert_eq!(world.links().await, []);
    world.run_sync().await;
    assert_one_each(&world, 3).await;
}

/// The machine crashes where `which` says, with so many people to create; the next run makes it good.
async fn check_crash(vendor: Vendor, people: usize, which: impl Fn(Fault) -> Fault) {
    let mut world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    hire_others(&world, people);
    world.crash_at(vendor, which);
    world.crash().await;
    world.run_sync().await;
    assert_one_each(&world, people).await;
}

#[tokio::test]
async fn crash_before_or_after_the_create() {
    for people in [1, 3] {
        check_crash(Vendor::JumpCloud, people, |fault| post(fault, CREATE)).await;
        check_crash(Vendor::JumpCloud, people, |fault| {
            post(fault, CREATE).after_effect()
        })
        .await;
    }
}

#[tokio::test]
async fn crash_before_or_after_the_activation() {
    for people in [1, 3] {
        check_crash(Vendor::JumpCloud, people, |fault| post(fault, ACTIVATE)).await;
        check_crash(Vendor::JumpCloud, people, |fault| {
            post(fault, ACTIVATE).after_effect()
        })
        .await;
    }
}

#[tokio::test]
async fn crash_before_any_write_to_the_table() {
    for write in 0..6 {
        check_crash(Vendor::DynamoDb, 2, |fault| {
            fault.operation("TransactWriteItems").skip(write)
        })
        .await;
    }
}

#[tokio::test]
async fn crash_after_any_write_to_the_table() {
    for write in 0..6 {
        check_crash(Vendor::DynamoDb, 2, |fault| {
            fault
                .operation("TransactWriteItems")
                .skip(write)
                .after_effect()
        })
        .await;
    }
}

#[tokio::test]
async fn crash_after_a_suspension_leaves_it_ours_to_undo() {
    let (mut world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.crash_at(Vendor::JumpCloud, |fault| {
        fault.method("PUT").after_effect()
    });
    world.crash().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.run_sync().await;
    world.settled().await;

    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    world.settled().await;
}

#[tokio::test]
async fn crash_before_a_suspension_leaves_it_to_the_next_run() {
    let (mut world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.crash_at(Vendor::JumpCloud, |fault| fault.method("PUT"));
    world.crash().await;
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;
}

#[tokio::test]
async fn suspension_that_was_noted_and_never_made_is_not_taken_for_ours() {
    let (mut world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.crash_at(Vendor::JumpCloud, |fault| fault.method("PUT"));
    world.crash().await;
    // The termination was a mistake; then an admin suspends the user for a reason of their own.
    world.change(&id, &ana());
    world.run_sync().await;
    world.settled().await;
    world.suspend_by_hand(&id).await;
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
}

#[tokio::test]
async fn crash_in_the_middle_of_an_adoption_is_finished_by_the_next_run() {
    for after in [false, true] {
        let mut world = world().await;
        let id = world.hire(ana());
        world.jumpcloud().add(serde_json::json!({
            "username": "asouza",
            "email": "old@northlight.example",
            "alternateEmail": "private@elsewhere.example",
            "employeeIdentifier": id,
            "activated": true,
        }));
        world.crash_at(Vendor::JumpCloud, |fault| {
            let put = fault.method("PUT");
            if after { put.after_effect() } else { put }
        });
        world.crash().await;
        world.run_sync().await;
        let user = world.user_of(&id).await;
        assert_eq!(user["jobTitle"], "Engineer");
        assert_eq!(user["email"], "old@northlight.example");
        assert_eq!(user["alternateEmail"], "private@elsewhere.example");
        assert_eq!(user["username"], "asouza");
        world.settled().await;
    }
}

#[tokio::test]
async fn crash_in_the_middle_of_a_rename_is_finished_by_the_next_run() {
    for after in [false, true] {
        let (mut world, id) = world_with_ana(Setup::new()).await;
        world.change(&id, &ana().work_email(Some("ana@northlight.example")));
        world.crash_at(Vendor::JumpCloud, |fault| {
            let put = fault.method("PUT");
            if after { put.after_effect() } else { put }
        });
        world.crash().await;
        world.run_sync().await;
        assert_eq!(world.user_of(&id).await["email"], "ana@northlight.example");
        world.settled().await;
    }
}

#[tokio::test]
async fn namesake_who_joins_after_a_crash_does_not_take_the_name_that_was_begun() {
    let mut world = world().await;
    let first = world.hire(ana());
    world.crash_at(Vendor::JumpCloud, |fault| post(fault, CREATE));
    world.crash().await;
    let namesake = Profile::new("Ana", "Souza")
        .work_email(Some("another@northlight.example"))
        .with("id", "00000000-0000-4000-8000-000000000000");
    let second = world.hire(namesake);
    world.run_sync().await;
    assert_eq!(world.username_of(&first).await, "ana.souza");
    assert_eq!(world.username_of(&second).await, "ana.souza1");
    world.settled().await;
}

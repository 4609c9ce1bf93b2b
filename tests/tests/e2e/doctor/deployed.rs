//! `rollcall doctor --deployed`: the table, the schedule and the function itself are found from the function's name.

use std::fs;
use std::time::Duration;

use e2e::{Lambda, Ran, Setup, World};
use jiff::Timestamp;
use sandbox::{Fault, Options, Vendor};
use serde_json::{Value, json};

use super::{assert_found, told, with_status};
use crate::{world, world_with_ana};

/// What Lambda shows of a function that is well, and of its environment what is looked at.
fn configuration() -> Value {
    json!({
        "State": "Active", "LastUpdateStatus": "Successful",
        "Environment": {"Variables": {"ROLLCALL_TABLE": "rollcall"}},
    })
}

/// A schedule as EventBridge Scheduler shows it.
fn schedule(name: &str, state: &str, rate: &str, target: &str, changed_at: Timestamp) -> Value {
    json!({
        "Name": name, "GroupName": "rollcall", "State": state, "ScheduleExpression": rate, "Target": {"Arn": target},
        "CreationDate": changed_at.as_second(), "LastModificationDate": changed_at.as_second(),
    })
}

/// The function of a stack that is well, and whose schedule, changed so many hours ago, has this state and rate.
async fn stack(world: &World, state: &str, rate: &str, hours: u64) -> Lambda {
    let lambda = world.lambda([]).await;
    lambda.set_configuration(configuration()).await;
    let changed_at = world.sandbox().clock().now() - Duration::from_hours(hours);
    let of_another = lambda.arn().replace("rollcall-", "another-");
    lambda
        .set_schedules(vec![
            schedule("a", "ENABLED", "rate(5 minutes)", &of_another, changed_at),
            schedule("b", state, rate, &lambda.arn(), changed_at),
        ])
        .await;
    lambda
}

/// The function of a stack that is well, and whose schedule is on.
async fn stack_in_order(world: &World) -> Lambda {
    stack(world, "ENABLED", "rate(1 hour)", 1).await
}

async fn doctor(world: &World, lambda: &Lambda) -> Ran {
    world
        .rollcall_of_admin(lambda, &["doctor", "--deployed", "--json"])
        .await
}

#[tokio::test]
async fn stack_that_is_well_is_found_from_the_name_of_its_function() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let lambda = stack_in_order(&world).await;

    let ran = doctor(&world, &lambda).await;

    assert_found(&ran, &[], &[]);
    let ok = with_status(&ran, "ok");
    for check in [
        "function rollcall-sync",
        "table rollcall",
        "schedule",
        "last_run",
        "deployed_configuration",
    ] {
        assert!(ok.iter().any(|found| found == check), "{check}: {ok:?}");
    }
    let schedule = told(&ran, "schedule");
    assert!(schedule.contains("is on, rate(1 hour)"), "{schedule}");
    assert!(lambda.events().await.is_empty(), "it was invoked");
}

#[tokio::test]
async fn schedule_is_told_as_it_is() {
    let world = world().await;
    for (state, rate, hours, status, words) in [
        (
            "ENABLED",
            "rate(1 hour)",
            1,
            "ok",
            "it has begun no run yet",
        ),
        ("ENABLED", "rate(1 day)", 40, "ok", "is on, rate(1 day)"),
        // Switched on long ago, and nothing came of it.
        ("ENABLED", "rate(1 hour)", 5, "warning", "dead letters"),
        ("ENABLED", "cron(0 * * * ? *)", 5, "ok", "is on, cron"),
        (
            "ENABLED",
            "cron(0 * * * ? *)",
            60,
            "warning",
            "dead letters",
        ),
        ("DISABLED", "rate(1 hour)", 1, "warning", "is switched off"),
    ] {
        let lambda = stack(&world, state, rate, hours).await;
        let ran = doctor(&world, &lambda).await;
        let found = with_status(&ran, status);
        assert!(
            found.contains(&"schedule".to_owned()),
            "{state} {rate}: {ran:?}"
        );
        let told = told(&ran, "schedule");
        assert!(told.contains(words), "{told}");
    }

    let lambda = stack_in_order(&world).await;
    lambda.set_schedules(Vec::new()).await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &["schedule"]);
    assert!(told(&ran, "schedule").contains("no schedule"));

    // Of two, the one that is on counts; how often it runs may not be seen.
    let now = world.sandbox().clock().now();
    let off = schedule("off", "DISABLED", "rate(1 hour)", &lambda.arn(), now);
    let mut on = schedule("on", "ENABLED", "", &lambda.arn(), now);
    on.as_object_mut().unwrap().remove("ScheduleExpression");
    for schedules in [vec![off.clone(), on.clone()], vec![on, off]] {
        lambda.set_schedules(schedules).await;
        let ran = doctor(&world, &lambda).await;
        assert_found(&ran, &[], &[]);
        let told = told(&ran, "schedule");
        assert!(told.contains("is on"), "{told}");
        assert!(told.contains("`scheduler:GetSchedule`"), "{told}");
    }
}

#[tokio::test]
async fn schedule_that_was_switched_on_long_ago_is_at_work_as_long_as_somebody_runs() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let lambda = stack(&world, "ENABLED", "rate(1 hour)", 50).await;

    // During an import by hand the schedule's own runs find the lease taken, and leave nothing behind.
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &[]);
    let by_hand = told(&ran, "schedule");
    assert!(by_hand.contains("it has begun no run yet"), "{by_hand}");

    world
        .invoke(json!({"detail-type": "Scheduled Event"}))
        .await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &[]);
    let scheduled = told(&ran, "schedule");
    assert!(
        scheduled.contains("it last began a run within"),
        "{scheduled}"
    );
}

#[tokio::test]
async fn schedule_is_told_though_its_runs_cannot_be_read() {
    let world = world().await;
    let lambda = stack_in_order(&world).await;
    let query = Fault::status(Vendor::DynamoDb, 400);
    world.fault(query.operation("Query").always());
    let ran = doctor(&world, &lambda).await;
    let schedule = told(&ran, "schedule");
    assert!(schedule.contains("its runs cannot be read"), "{schedule}");
}

#[tokio::test]
async fn key_in_the_environment_is_looked_for_in_the_functions() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let lambda = stack_in_order(&world).await;
    let file = world.folder().join("rollcall.toml");
    let deployed = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        deployed.replace("\"rollcall/deel\"", "\"env:DEEL_KEY\""),
    )
    .unwrap();

    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &["secret env:DEEL_KEY"], &["deployed_configuration"]);

    let mut shown = configuration();
    shown["Environment"]["Variables"]["DEEL_KEY"] = Options::default().deel_token.into();
    lambda.set_configuration(shown).await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &["deployed_configuration"]);
}

#[tokio::test]
async fn what_may_not_be_seen_is_unknown_and_says_which_right_is_missing() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let lambda = world.lambda([]).await;
    lambda.set_configuration(configuration()).await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &[]);
    let schedule = told(&ran, "schedule");
    assert!(schedule.contains("scheduler:ListSchedules"), "{schedule}");

    lambda.set_configuration(Value::Null).await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &[]);
    let function = told(&ran, "function");
    assert!(
        function.contains("lambda:GetFunctionConfiguration"),
        "{function}"
    );
    let unknown = with_status(&ran, "unknown");
    assert!(unknown.contains(&"table".to_owned()), "{unknown:?}");
    let schedule = told(&ran, "schedule");
    assert!(schedule.contains("neither it nor its runs"), "{schedule}");

    let encrypted = json!({"Error": {"ErrorCode": "AccessDeniedException", "Message": "the key"}});
    lambda
        .set_configuration(json!({"State": "Active", "Environment": encrypted}))
        .await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &[]);
    assert!(told(&ran, "function").contains("kms:Decrypt"), "{ran:?}");
}

#[tokio::test]
async fn function_that_is_not_there_or_not_ready_is_a_finding_of_its_own() {
    let world = world().await;
    let lambda = stack_in_order(&world).await;
    let other = ["doctor", "--deployed", "--json", "--function", "other"];
    let ran = world.rollcall_of_admin(&lambda, &other).await;
    assert_found(&ran, &["function other"], &[]);
    let function = told(&ran, "function");
    assert!(function.contains("SyncFunctionName"), "{function}");
    assert!(!function.contains('{'), "in words: {function}");
    // Not what this machine's environment names: that may be another stack's.
    assert!(told(&ran, "table").contains("cannot be seen"), "{ran:?}");

    let update = |status: &str, reason: &str| {
        let mut shown = configuration();
        shown["LastUpdateStatus"] = status.into();
        shown["LastUpdateStatusReason"] = reason.into();
        shown
    };
    for (shown, failed, warnings, words) in [
        (
            update("Failed", "the layer is gone"),
            vec!["function rollcall-sync"],
            vec![],
            "the layer is gone",
        ),
        (
            update("InProgress", ""),
            vec![],
            vec!["function rollcall-sync"],
            "under way",
        ),
        (
            json!({"State": "Failed", "StateReason": "the key is disabled", "LastUpdateStatus": "Successful",
                   "Environment": {"Variables": {"ROLLCALL_TABLE": "rollcall"}}}),
            vec!["function rollcall-sync"],
            vec![],
            "the key is disabled",
        ),
        (
            json!({"State": "Active", "LastUpdateStatus": "Successful"}),
            vec!["function rollcall-sync"],
            vec![],
            "ROLLCALL_TABLE",
        ),
    ] {
        lambda.set_configuration(shown).await;
        let ran = doctor(&world, &lambda).await;
        assert_found(&ran, &failed, &warnings);
        let told = told(&ran, "function");
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn file_that_was_not_deployed_is_noticed() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let lambda = stack_in_order(&world).await;
    let file = world.folder().join("rollcall.toml");
    let deployed = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{deployed}# another word\n")).unwrap();

    let ran = doctor(&world, &lambda).await;

    assert_found(&ran, &[], &["deployed_configuration"]);
    let configuration_at_hand = told(&ran, "deployed_configuration");
    assert!(
        configuration_at_hand.contains("sam deploy"),
        "{configuration_at_hand}"
    );

    let mut shown = configuration();
    shown["Environment"]["Variables"]["ROLLCALL_CONFIG"] = "/opt/staging.toml".into();
    lambda.set_configuration(shown).await;
    let ran = doctor(&world, &lambda).await;
    assert_found(&ran, &[], &["deployed_configuration"]);
    let other_file = told(&ran, "deployed_configuration");
    assert!(other_file.contains("reads `staging.toml`"), "{other_file}");
}

#[tokio::test]
async fn call_that_makes_no_sense_is_refused_with_words() {
    let world = world().await;
    let lambda = stack_in_order(&world).await;
    for (arguments, words) in [
        (
            &["doctor", "--deployed", "--state", "x.sqlite"][..],
            "--state",
        ),
        (
            &["doctor", "--deployed", "--function", ""][..],
            "SyncFunctionName",
        ),
    ] {
        let ran = world.rollcall_of_admin(&lambda, arguments).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
}

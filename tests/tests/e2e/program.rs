//! The program `rollcall`, as an admin calls it.

use e2e::{Ran, Reading, Setup};
use sandbox::{Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::Outcome;

use crate::{ana, hire_others, world, world_with, world_with_ana};

fn assert_ended(ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
}

#[tokio::test]
async fn plan_shows_what_sync_then_does() {
    let world = world().await;
    let id = world.hire(ana());

    let plan = world.rollcall(&["plan"]).await;
    assert_ended(&plan, 0);
    assert!(plan.stdout.contains("ana.souza"), "{}", plan.stdout);
    assert!(world.jumpcloud().users().is_empty());

    let sync = world.rollcall(&["sync"]).await;
    assert_ended(&sync, 0);
    assert!(sync.stdout.contains("ana.souza"), "{}", sync.stdout);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.settled().await;
}

#[tokio::test]
async fn terminal_is_safe_from_what_hr_holds() {
    let world = world().await;
    let odd = "\u{1b}[2J".to_owned() + &"x".repeat(200_000);
    let id = world.hire(ana().with("hiring_status", odd.as_str()));
    world.hire(Profile::new("Otto", &odd).with("timezone", odd.as_str()));

    for arguments in [vec!["plan"], vec!["explain", &id]] {
        let ran = world.rollcall(&arguments).await;
        assert_ended(&ran, 0);
        assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
        assert!(ran.stdout.len() < 20_000, "{}", ran.stdout.len());
    }
}

#[tokio::test]
async fn json_is_one_document_and_nothing_else() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Principal"));
    let plan = world.rollcall(&["plan", "--json"]).await.json();
    assert_eq!(plan["status"], "planned");
    assert_eq!(plan["people"][0]["changes"][0]["to"], "Principal");
    let sync = world.rollcall(&["--json", "sync"]).await.json();
    assert_eq!(sync["status"], "applied");
    let runs = world.rollcall(&["runs", "--json"]).await.json();
    assert_eq!(runs.as_array().unwrap().len(), 3);
    let run = sync["run_id"].as_str().unwrap();
    let whole = world.rollcall(&["runs", run, "--json"]).await.json();
    assert_eq!(whole["people"], sync["people"]);
    let explained = world.rollcall(&["explain", &id, "--json"]).await.json();
    assert_eq!(explained.as_array().unwrap().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn exit_code_says_how_it_ended() {
    let world = world().await;
    let people = hire_others(&world, 5);
    assert_ended(&world.rollcall(&["sync"]).await, 0);
    for (id, profile) in &people[..4] {
        world.change(
            id,
            &profile.clone().stage(Stage::Inactive(world.days_ago(2))),
        );
    }

    let held = world.rollcall(&["sync", "--json"]).await;
    assert_ended(&held, 2);
    assert_ended(&world.rollcall(&["plan"]).await, 2);
    let digest = held.json()["held"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let approved = world
        .rollcall(&["sync", "--approve", &digest, "--json"])
        .await;
    assert_ended(&approved, 0);
    assert_eq!(approved.json()["counts"]["suspended"], 4);

    world.jumpcloud().set_key("revoked");
    let failed = world.rollcall(&["sync"]).await;
    assert_ended(&failed, 1);
    assert!(failed.stdout.contains("jumpcloud.region"), "{failed:?}");
}

#[tokio::test]
async fn wrong_calls_end_with_one_and_say_what_is_wrong() {
    let world = world().await;
    for arguments in [
        vec!["plan", "--source", "workday"],
        vec!["plan", "--approve", "yes"],
        vec!["sync", "--now", "--person", "a", "--person", "b"],
        vec!["plan", "--config", "nowhere.toml"],
        vec!["runs", "no-such-run"],
        vec!["explain", "nobody"],
        vec!["release", "nobody"],
    ] {
        let ran = world.rollcall(&arguments).await;
        assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(world.requests(Vendor::JumpCloud), 0);
}

#[tokio::test]
async fn unknown_words_are_wrong_calls() {
    let world = world().await;
    for arguments in [
        vec!["plan", "--no-such-flag"],
        vec!["no-such-command"],
        vec!["sync", "--now"],
    ] {
        assert_ended(&world.rollcall(&arguments).await, 1);
    }
    assert_ended(&world.rollcall(&["--help"]).await, 0);
}

#[tokio::test]
async fn one_person_can_be_synced_by_id_or_email_and_suspended_now() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Offboarding(world.in_days(20))));
    let email = "ana.souza@northlight.example";
    let ran = world.rollcall(&["sync", "--person", email]).await;
    assert_ended(&ran, 0);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    let ran = world.rollcall(&["sync", "--person", &id, "--now"]).await;
    assert_ended(&ran, 0);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
}

#[tokio::test]
async fn explain_tells_record_match_mapping_and_decision() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Principal"));
    let ran = world.rollcall(&["explain", &id]).await;
    assert_ended(&ran, 0);
    for part in [
        "ana.souza@northlight.example",
        "is linked to this person",
        "jobTitle",
        "Principal",
        "always",
        "activate on_start_date at 00:00,",
        "leave_at end_of_last_day,",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    for who in ["ana.souza@northlight.example", &format!("deel/{id}")] {
        let by_other_name = world.rollcall(&["explain", who]).await;
        assert_eq!(by_other_name.stdout, ran.stdout, "{who}");
    }
    assert_eq!(world.user_of(&id).await["jobTitle"], "Engineer");
}

#[tokio::test]
async fn runs_lists_the_latest_first_and_shows_one_whole() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let latest = world.plan().await;
    let list = world.rollcall(&["runs"]).await;
    assert_ended(&list, 0);
    let at = |word: &str| list.stdout.find(word).unwrap();
    assert!(at(" plan ") < at(" apply "), "{}", list.stdout);
    let one = world
        .rollcall(&["runs", "--limit", "1", "--json"])
        .await
        .json();
    assert_eq!(one.as_array().unwrap().len(), 1);
    assert_eq!(one[0]["run_id"], latest.run_id.as_str());
    let first = world.rollcall(&["runs", latest.run_id.as_str()]).await;
    assert_ended(&first, 0);
}

#[tokio::test]
async fn released_person_is_recognised_anew() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    let release = [
        "release",
        &id,
        "--by",
        "Iris",
        "--reason",
        "the wrong account",
    ];
    assert_ended(&world.rollcall(&release).await, 0);
    assert!(world.links().await.is_empty());

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Adopted);
    assert_eq!(world.user_of(&id).await["_id"], user["_id"]);
    assert_eq!(world.invitations().len(), 1);
    let deeds = world.table().deeds().await;
    let release = deeds.iter().find(|deed| deed.did() == "release").unwrap();
    assert_eq!(release.actor, "release");
    assert_eq!(release.what["worker"]["worker_id"], json!(id));
    assert_eq!(release.what["id"], user["_id"]);
    let verified = world.rollcall(&["runs", "--verify"]).await;
    assert_ended(&verified, 0);
    world.settled().await;
}

#[tokio::test]
async fn renamed_person_has_the_new_username_everywhere_and_no_run_changes_it_back() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    let bela = world.hire(Profile::new("Bela", "Kiss"));
    world.run_sync().await;
    let taken = world.username_of(&bela).await;
    let before = world.username_of(&id).await;
    world.forget_requests();

    for (username, told) in [
        ("1st", "begins with a letter"),
        (taken.as_str(), "is taken by the user"),
    ] {
        let ran = world.rollcall(&["rename", &id, username]).await;
        assert_ended(&ran, 1);
        assert!(ran.stderr.contains(told), "{ran:?}");
    }
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());

    let rename = [
        "rename", &id, "ana.lima", "--by", "Iris", "--reason", "married",
    ];
    assert_ended(&world.rollcall(&rename).await, 0);
    assert_eq!(world.username_of(&id).await, "ana.lima");
    assert_eq!(world.user_of(&id).await["_id"], user["_id"]);
    assert_eq!(world.link_of(&id).await.unwrap().username, "ana.lima");
    let again = world.rollcall(&rename).await;
    assert!(again.stderr.contains("already"), "{again:?}");
    let deeds = world.table().deeds().await;
    for did in ["begin_rename", "rename"] {
        assert!(deeds.iter().any(|deed| deed.did() == did), "{did}");
    }
    assert_ended(&world.rollcall(&["runs", "--verify"]).await, 0);
    world.settled().await;
    assert_ne!(before, "ana.lima");
}

#[tokio::test]
async fn rename_that_jumpcloud_refuses_or_that_is_cut_off_can_be_given_again() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    let user = user["_id"].as_str().unwrap();
    // JumpCloud has the name, and the table does not.
    world
        .edit_user_of(&id, json!({"username": "ana.lima"}))
        .await;
    assert_ended(&world.rollcall(&["rename", &id, "ana.lima"]).await, 0);
    assert_eq!(world.link_of(&id).await.unwrap().username, "ana.lima");
    world.jumpcloud().bind(user);
    let ran = world.rollcall(&["rename", &id, "ana.silva"]).await;
    assert_ended(&ran, 1);
    assert!(ran.stderr.contains("bound to no device"), "{ran:?}");
    assert_eq!(world.username_of(&id).await, "ana.lima");
    assert_eq!(world.link_of(&id).await.unwrap().username, "ana.lima");
    world.settled().await;
}

#[tokio::test]
async fn missing_aws_credentials_are_told_in_one_line_with_what_to_do() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let nobodys = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    for arguments in [&["runs"][..], &["token", "list"]] {
        let ran = world.rollcall_with(&nobodys, arguments).await;
        assert_ended(&ran, 1);
        assert!(ran.stderr.contains("`aws sso login`"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

#[tokio::test]
async fn person_whose_user_was_deleted_gets_a_new_one_after_a_release() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let user = world.user_of(&id).await;
    world.jumpcloud().delete(user["_id"].as_str().unwrap());
    world.run_sync().await;
    let ran = world
        .rollcall(&["release", "ana.souza@northlight.example"])
        .await;
    assert_ended(&ran, 0);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!(world.jumpcloud().users().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn state_in_a_file_is_there_for_the_next_call() {
    let world = world().await;
    world.hire(ana());
    let first = world
        .rollcall_alone(&["sync", "--state", "mine.sqlite", "--json"])
        .await;
    assert_ended(&first, 0);
    assert_eq!(first.json()["counts"]["created"], 1);
    let second = world
        .rollcall_alone(&["sync", "--state", "mine.sqlite", "--json"])
        .await;
    assert_eq!(second.json()["counts"]["unchanged"], 1);
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert!(world.folder().join("mine.sqlite").exists());
    assert!(world.links().await.is_empty(), "the table was written");
}

#[tokio::test]
async fn sync_with_a_real_jumpcloud_must_say_where_its_state_is() {
    let text = "[jumpcloud]\napi_key = \"env:JUMPCLOUD_KEY\"\n\n[[source]]\nname = \"deel\"\nkind = \"deel\"\n\
                api_key = \"env:DEEL_TOKEN\"\n";
    let world = world_with(Setup::new().configuration(text)).await;
    for arguments in [["sync", "--json"], ["release", "somebody"]] {
        let ran = world.rollcall_alone(&arguments).await;
        assert_ended(&ran, 1);
        assert!(ran.stderr.contains("ROLLCALL_TABLE"), "{ran:?}");
        assert!(ran.stderr.contains("--state"), "{ran:?}");
    }
}

#[tokio::test]
async fn busy_is_no_failure() {
    let world = world().await;
    world.hire(ana());
    let now = world.sandbox().clock().now();
    let term = jiff::SignedDuration::from_mins(2);
    world.state().acquire("somebody", now, term).await.unwrap();
    let ran = world.rollcall(&["sync", "--json"]).await;
    assert_ended(&ran, 0);
    assert_eq!(ran.json()["status"], "busy");
    assert!(world.jumpcloud().users().is_empty());
}

#[tokio::test]
async fn demo_runs_by_itself_and_ends_in_step() {
    let world = world().await;
    let ran = world.rollcall(&["--json"]).await;
    assert_ended(&ran, 0);
    let reports = ran.json();
    let reports = reports.as_array().unwrap();
    assert_eq!(reports.len(), 4);
    let count = |report: &Value, outcome: &str| report["counts"][outcome].as_u64().unwrap();
    assert!(count(&reports[1], "created") > 150);
    let last = reports.last().unwrap();
    let idle = [
        "failed",
        "not_reached",
        "created",
        "suspended",
        "updated",
        "adopted",
        "activated",
    ];
    assert!(
        idle.iter().all(|outcome| count(last, outcome) == 0),
        "{last}"
    );
}

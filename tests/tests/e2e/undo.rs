//! Undo: what a run wrote is put back, where it is still there, and what cannot be is told.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::{Outcome, Report, RunStatus};

use crate::{ana, hire_others, world, world_with, world_with_ana};

/// Undoes a run, and nobody says anything about it.
async fn undo(world: &World, run: &str) -> Report {
    let event = json!({"undo": run, "mode": "apply"});
    world.invoke(event).await
}

/// The attribute of a person's user.
async fn attribute(world: &World, id: &str, name: &str) -> Value {
    let user = world.user_of(id).await;
    user.get(name).cloned().unwrap_or_default()
}

/// What a run says of the changes that it left alone.
fn left(report: &Report) -> Vec<&str> {
    let warnings = report.warnings.iter();
    warnings
        .filter(|warning| warning.code == "not_undone")
        .map(|warning| warning.message.as_str())
        .collect()
}

#[tokio::test]
async fn bad_bulk_update_is_shown_then_undone_and_comes_back_until_hr_is_mended() {
    let world = world().await;
    let people = hire_others(&world, 4);
    world.run_sync().await;
    for (id, profile) in &people {
        world.change(id, &profile.clone().job_title("Undefined"));
    }
    let bad = world.run_sync().await;
    assert_eq!(bad.count(Outcome::Updated), 4);
    let run = bad.run_id.as_str();

    world.forget_requests();
    let plan = world.invoke(json!({"undo": run})).await;
    assert_eq!(plan.status, RunStatus::Planned);
    assert_eq!(plan.count(Outcome::Updated), 4);
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    assert_eq!(world.requests(Vendor::Deel), 0);
    let told = plan.warnings.iter().map(|it| (&*it.code, &*it.message));
    let told: Vec<_> = told.collect();
    assert!(
        matches!(told.as_slice(), [("comes_back", text)] if text.contains("`jobTitle` of 4")),
        "{told:?}"
    );

    let report = undo(&world, run).await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.plan_digest, plan.plan_digest);
    assert_eq!(report.undoes.as_ref().map(|it| &*it.run_id), Some(run));
    for (id, _) in &people {
        assert_eq!(attribute(&world, id, "jobTitle").await, "Engineer");
        assert_eq!(report.changed(id), ["jobTitle"]);
        assert_eq!(report.code_of(id), "undo");
    }

    let again = world.run_sync().await;
    assert_eq!(again.count(Outcome::Updated), 4);
    undo(&world, again.run_id.as_str()).await;
    for (id, profile) in &people {
        world.change(id, profile);
    }
    world.settled().await;
}

#[tokio::test]
async fn undo_is_a_run_that_is_held_by_the_same_limits_and_approved_like_any() {
    let limits = "[limits]\nupdate = { max = 3 }\n";
    let world = world_with(Setup::new().section(limits)).await;
    let people = hire_others(&world, 4);
    world.run_sync().await;
    for (id, profile) in &people {
        world.change(id, &profile.clone().job_title("Undefined"));
    }
    let held = world.run_sync().await;
    let digest = &held.held_class("update").unwrap().digest;
    let bad = world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(bad.count(Outcome::Updated), 4);

    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(
        attribute(&world, &people[0].0, "jobTitle").await,
        "Undefined"
    );

    let digest = &report.held_class("update").unwrap().digest;
    let event = json!({
        "undo": bad.run_id, "mode": "apply", "approve": [digest], "by": "Ada Admin", "reason": "HR lost the titles",
    });
    let report = world.invoke(event).await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(
        attribute(&world, &people[0].0, "jobTitle").await,
        "Engineer"
    );
    let approval = report.approvals.first().unwrap();
    assert_eq!(approval.said.by.as_deref(), Some("Ada Admin"));
    assert_eq!((approval.changes, &approval.vanished), (4, &Vec::new()));
    assert_eq!(report.undoes.unwrap().said, approval.said);
    assert!(!world.log().contains("Ada Admin"));
    let runs = world.state().runs(1, None).await.unwrap();
    assert_eq!(runs[0].trigger, "undo");
    for (id, profile) in &people {
        world.change(id, profile);
    }
    world.settled().await;
}

#[tokio::test]
async fn wrong_suspension_is_undone_and_is_nobody_elses_afterwards() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    let bad = world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");

    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");

    // HR still says so: the next run suspends again, and once HR is mended that is ours to undo.
    let again = world.run_sync().await;
    assert_eq!(again.outcome_of(&id), Outcome::Suspended);
    undo(&world, again.run_id.as_str()).await;
    world.change(&id, &ana());
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.invitations().len(), 1);
}

#[tokio::test]
async fn suspension_by_somebody_else_since_then_stays() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    let bad = world.run_sync().await;
    world.change(&id, &ana());
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    world.suspend_by_hand(&id).await;

    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.count(Outcome::Unchanged), 1);
    assert_eq!(
        left(&report),
        ["the suspension is another one, made since then"]
    );
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn what_was_changed_since_is_left_alone_and_told() {
    let (world, id) = world_with_ana(Setup::new()).await;
    let moved = ana().job_title("Undefined").department("Nowhere", None);
    world.change(&id, &moved);
    let bad = world.run_sync().await;
    assert_eq!(bad.changed(&id), ["jobTitle", "department"]);
    world
        .edit_user_of(&id, json!({"jobTitle": "Principal"}))
        .await;

    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.changed(&id), ["department"]);
    assert_eq!(left(&report), ["`jobTitle` was changed since then"]);
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Principal");
    world.change(&id, &ana().job_title("Principal"));
    world.settled().await;
}

#[tokio::test]
async fn value_that_is_written_only_when_hr_changes_stays_as_it_was_put_back() {
    let rule = "attributes = { jobTitle = { from = \"job_title\", update = \"on_change\" } }";
    let (world, id) = world_with_ana(Setup::new().source(rule)).await;
    world.change(&id, &ana().job_title("Undefined"));
    let bad = world.run_sync().await;
    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Engineer");
    assert_eq!(report.warnings_of("comes_back"), 0);
    world.settled().await;

    world.change(&id, &ana().job_title("Principal"));
    world.run_sync().await;
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Principal");
    world.settled().await;
}

#[tokio::test]
async fn work_email_is_put_back_and_the_link_is_found_by_it() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().work_email(Some("wrong@northlight.example")));
    let bad = world.run_sync().await;
    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.outcome_of(&id), Outcome::Renamed);
    let email = "ana.souza@northlight.example";
    assert_eq!(attribute(&world, &id, "email").await, email);
    let found = world.state().find_by_email(email).await.unwrap();
    assert_eq!(found.len(), 1);
    world.change(&id, &ana());
    world.settled().await;
}

#[tokio::test]
async fn user_who_was_made_is_suspended_and_never_deleted() {
    let world = world().await;
    let id = world.hire(ana());
    let bad = world.run_sync().await;

    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(
        left(&report),
        ["the invitation is out, and no mail comes back"]
    );
    assert_eq!(world.state_of(&id).await, "SUSPENDED");

    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    world.settled().await;
    world.change(&id, &ana());
    assert_eq!(world.run_sync().await.outcome_of(&id), Outcome::Reactivated);
    world.settled().await;
}

#[tokio::test]
async fn membership_is_undone_both_ways() {
    let rule =
        "[[group]]\nname = \"Research\"\nwhen = { department = [\"Research\"] }\ncreate = true\n";
    let (world, id) = world_with_ana(Setup::new().section(rule)).await;
    let researcher = ana().department("Research", None);
    let members = || {
        let groups = world.jumpcloud().groups().into_iter();
        let ids = groups.map(|group| group["id"].as_str().unwrap_or_default().to_owned());
        ids.map(|id| world.jumpcloud().members(&id).len())
            .sum::<usize>()
    };
    world.change(&id, &researcher);
    let joined = world.run_sync().await;
    assert_eq!(
        (joined.changed(&id), members()),
        (vec!["department", "groups"], 1)
    );
    undo(&world, joined.run_id.as_str()).await;
    assert_eq!(members(), 0);
    assert_eq!(world.link_of(&id).await.unwrap().groups.len(), 0);

    world.run_sync().await;
    assert_eq!(members(), 1);
    world.change(&id, &ana());
    let gone = world.run_sync().await;
    assert_eq!(members(), 0);
    undo(&world, gone.run_id.as_str()).await;
    assert_eq!(members(), 1);
    world.change(&id, &researcher);
    world.settled().await;
}

#[tokio::test]
async fn undo_can_be_undone_and_twice_does_nothing_more() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Principal"));
    let run = world.run_sync().await;
    let first = undo(&world, run.run_id.as_str()).await;
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Engineer");

    world.forget_requests();
    let second = undo(&world, run.run_id.as_str()).await;
    assert_eq!((second.status, second.total()), (RunStatus::Applied, 1));
    assert_eq!(second.people, []);
    assert_eq!(second.warnings, []);
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());

    undo(&world, first.run_id.as_str()).await;
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Principal");
    world.settled().await;
}

#[tokio::test]
async fn run_that_was_killed_half_way_is_undone_as_far_as_it_came() {
    let mut world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    let people = hire_others(&world, 3);
    world.run_sync().await;
    for (id, profile) in &people {
        world.change(id, &profile.clone().job_title("Undefined"));
    }
    world.crash_at(Vendor::JumpCloud, |fault: Fault| {
        fault.method("PUT").skip(1).after_effect()
    });
    world.crash().await;
    let titles = async || {
        let mut titles = Vec::new();
        for (id, _) in &people {
            titles.push(attribute(&world, id, "jobTitle").await);
        }
        titles.iter().filter(|title| **title == "Engineer").count()
    };
    assert_eq!(titles().await, 1);
    let runs = world.state().runs(1, None).await.unwrap();
    assert_eq!(runs[0].status, "begun");

    let report = undo(&world, runs[0].run_id.as_str()).await;
    assert_eq!(report.count(Outcome::Updated), 2);
    assert_eq!(titles().await, 3);
    for (id, profile) in &people {
        world.change(id, profile);
    }
    world.settled().await;
}

#[tokio::test]
async fn program_shows_an_undo_and_applies_it_only_when_told() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Undefined"));
    let bad = world.run_sync().await;
    let run = bad.run_id.as_str();

    let ran = world.rollcall(&["undo", run]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("jobTitle: Undefined →"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains(&format!("rollcall undo {run} --apply")));
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Undefined");

    let arguments = [
        "undo",
        run,
        "--apply",
        "--by",
        "Ada",
        "--reason",
        "wrong titles",
        "--json",
    ];
    let report = world.rollcall(&arguments).await.json();
    assert_eq!(
        report["undoes"],
        json!({"run_id": run, "by": "Ada", "reason": "wrong titles"})
    );
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Engineer");

    let ran = world.rollcall(&["undo", "no-such-run"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("there is no journal"), "{}", ran.stdout);
    world.change(&id, &ana());
    world.settled().await;
}

#[tokio::test]
async fn whoever_is_protected_by_now_is_left_alone() {
    let (mut world, id) = world_with_ana(Setup::new()).await;
    world.change(&id, &ana().job_title("Undefined"));
    let bad = world.run_sync().await;
    let protect = "[protect]\nusernames = [\"ana.souza\"]\n";
    world.reconfigure(&Setup::new().section(protect)).await;
    let report = undo(&world, bad.run_id.as_str()).await;
    assert_eq!(left(&report).len(), 1);
    assert_eq!(attribute(&world, &id, "jobTitle").await, "Undefined");
}

#[tokio::test]
async fn newcomers_run_with_a_manager_is_undone_by_the_managers_user() {
    let world = world().await;
    let lead = world.hire(Profile::new("Lea", "Lead"));
    let id = world.hire(ana());
    world.run_sync().await;
    world.change(&id, &ana().manager(&world.record_of(&lead)));
    let run = world.run_sync().await;
    assert_eq!(run.changed(&id), ["manager"]);
    undo(&world, run.run_id.as_str()).await;
    assert!(
        world.user_of(&id).await["manager"]
            .as_str()
            .is_none_or(str::is_empty)
    );
    world.run_sync().await;
    world.settled().await;
}

/// The key is refused from the second of these requests on, so that the run ends before the others; the next run goes on.
async fn run_that_ends_after_one(world: &World, method: &str, attribute: &str) -> [Report; 2] {
    let refused = Fault::status(Vendor::JumpCloud, 401);
    world.fault(refused.method(method).body(attribute).skip(1).always());
    let first = world.run_sync().await;
    world.sandbox().faults().clear();
    [first, world.run_sync().await]
}

#[tokio::test]
async fn what_a_later_run_did_is_not_undone_with_the_one_that_ended_before() {
    let world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    let people = hire_others(&world, 4);
    let [first, next] = run_that_ends_after_one(&world, "POST", "username").await;
    assert_eq!(first.count(Outcome::Created), 1);
    assert_eq!(next.count(Outcome::Created), 3);
    let report = undo(&world, first.run_id.as_str()).await;
    assert_eq!(report.count(Outcome::Suspended), 1);
    world.run_sync().await;

    for (id, profile) in &people {
        world.change(id, &profile.clone().job_title("Undefined"));
    }
    let [first, next] = run_that_ends_after_one(&world, "PUT", "jobTitle").await;
    assert_eq!(first.count(Outcome::Updated), 1);
    assert_eq!(next.count(Outcome::Updated), 3);
    let report = undo(&world, first.run_id.as_str()).await;
    // Whether its last write arrived, a run that ends with it does not know.
    assert_eq!(report.count(Outcome::Updated), 2);
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn what_a_later_run_did_is_not_undone_with_the_one_that_was_killed_before() {
    let mut world = world_with(Setup::new().jumpcloud("concurrency = 1")).await;
    let people = hire_others(&world, 3);
    world.crash_at(Vendor::JumpCloud, |fault: Fault| {
        fault.method("POST").path("/systemusers").after_effect()
    });
    world.crash().await;
    let killed = world.state().runs(1, None).await.unwrap()[0].run_id.clone();
    world.run_sync().await;
    let report = undo(&world, killed.as_str()).await;
    assert_eq!(report.count(Outcome::Suspended), 1);
    world.run_sync().await;
    world.settled().await;

    for (id, profile) in &people {
        let left = Stage::Inactive(world.days_ago(2));
        world.change(id, &profile.clone().stage(left));
    }
    world.crash_at(Vendor::JumpCloud, |fault: Fault| {
        fault.method("PUT").path("/systemusers").after_effect()
    });
    world.crash().await;
    let killed = world.state().runs(1, None).await.unwrap()[0].run_id.clone();
    let next = world.run_sync().await;
    assert_eq!(next.count(Outcome::Suspended), 2, "{next:?}");
    let report = undo(&world, killed.as_str()).await;
    assert_eq!(report.count(Outcome::Reactivated), 1);
    world.run_sync().await;
    world.settled().await;
}

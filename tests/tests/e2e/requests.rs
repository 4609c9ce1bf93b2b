//! What the function is asked for, and what it answers.

use e2e::{Answer, Reading, Setup};
use sandbox::{Fault, Profile, Vendor};
use serde_json::json;
use sync::{Outcome, Report, RunStatus};

use crate::{ana, hire_others, world, world_with, world_with_ana};

/// Every call of a run, to anybody.
fn calls(report: &Report) -> u64 {
    let sync::Calls {
        deel,
        humaans,
        jumpcloud,
        dynamodb,
    } = report.calls;
    deel + humaans + jumpcloud + dynamodb
}

#[tokio::test]
async fn event_with_mistakes_is_refused_with_all_of_them_before_anything_is_read() {
    let world = world().await;
    world.forget_requests();
    let event = json!({
        "mode": "dry",
        "sources": ["workday"],
        "people": [],
        "approve": ["sha256:1"],
        "now": "yes",
        "force": true,
    });

    let Answer::Refused(message) = world.try_invoke(event).await else {
        panic!("the event was accepted");
    };

    for problem in [
        "`mode`",
        "`workday`",
        "`people`",
        "`sha256:1`",
        "`now`",
        "`force`",
    ] {
        assert!(message.contains(problem), "{problem}: {message}");
    }
    for vendor in Vendor::ALL {
        assert_eq!(world.requests(vendor), 0, "{vendor:?}");
    }
}

#[tokio::test]
async fn events_that_are_no_requests_are_refused() {
    let world = world().await;
    let table = [
        json!([]),
        json!("sync"),
        json!({"now": true}),
        json!({"now": true, "people": ["a", "b"]}),
        json!({"approve": ["sha256:zz"]}),
        json!({"people": ["  "]}),
        json!({"mode": null}),
    ];
    for event in table {
        let answer = world.try_invoke(event.clone()).await;
        assert!(matches!(answer, Answer::Refused(_)), "{event}: {answer:?}");
    }
    assert_eq!(world.requests(Vendor::Deel), 0);
}

#[tokio::test]
async fn scheduled_run_applies_everything_and_answers_without_people() {
    let world = world().await;
    hire_others(&world, 3);
    let event = json!({
        "version": "0",
        "id": "5f2c1a7e-0000-4000-8000-000000000000",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": "2026-11-22T10:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/sync"],
        "detail": "{}",
    });

    let report = world.invoke(event).await;

    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(report.count(Outcome::Created), 3);
    assert!(report.people.is_empty());
    assert_eq!(report.people_omitted, 3);
    let run = world
        .state()
        .run(&report.run_id.as_str().into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.header.trigger, "schedule");
    let whole: Report = serde_json::from_str(run.report.get()).unwrap();
    assert_eq!(whole.people.len(), 3);
    world.settled().await;
}

#[tokio::test]
async fn plan_writes_nothing_and_says_what_a_run_would_do() {
    let world = world().await;
    let id = world.hire(ana());
    let plan = world.plan().await;
    assert_eq!(plan.status, RunStatus::Planned);
    assert_eq!(plan.outcome_of(&id), Outcome::Created);
    assert!(world.jumpcloud().users().is_empty());
    assert!(world.links().await.is_empty());
    let again = world.plan().await;
    assert_eq!(again.plan_digest, plan.plan_digest);
    assert_eq!(again.people, plan.people);

    let report = world.run_sync().await;
    assert_eq!(report.plan_digest, plan.plan_digest);
    world.settled().await;
}

#[tokio::test]
async fn linked_person_on_demand_takes_five_calls_or_seven_and_no_list() {
    let world = world().await;
    hire_others(&world, 3);
    let lead = world.hire(Profile::new("Lea", "Lead"));
    let ana = ana().manager(&world.record_of(&lead));
    let id = world.hire(ana.clone());
    world.run_sync().await;
    let email = "ana.souza@northlight.example";

    // Unchanged and changed, by id and by e-mail: what a run costs.
    let mut cost = Vec::new();
    for (title, who) in [
        ("Engineer", &*id),
        ("Principal", &id),
        ("Principal", email),
        ("Lead", email),
    ] {
        world.change(&id, &ana.clone().job_title(title));
        world.forget_requests();
        let report = world.invoke(json!({"people": [who]})).await;
        assert_eq!(report.status, RunStatus::Applied);
        assert_eq!(report.total(), 1);
        assert_eq!(world.user_of(&id).await["jobTitle"], title);
        let lists = world.sandbox().requests().all().into_iter();
        let lists = lists.filter(|request| request.path.contains("/api/systemusers?"));
        assert_eq!(lists.count(), 0, "all of JumpCloud was read");
        cost.push(calls(&report));
    }

    assert_eq!(cost, [5, 7, 5, 7]);
    world.settled().await;
}

#[tokio::test]
async fn newcomer_on_demand_gets_an_account_and_nobody_else_is_touched() {
    let (world, first) = world_with_ana(Setup::new()).await;
    world.change(&first, &ana().job_title("Principal"));
    let second = world.hire(Profile::new("Nora", "Newcomer"));
    world.hire(Profile::new("Otto", "Other"));

    let report = world
        .invoke(json!({"people": ["nora.newcomer@northlight.example"]}))
        .await;

    assert_eq!(report.outcome_of(&second), Outcome::Created);
    assert_eq!(report.total(), 1);
    assert_eq!(world.jumpcloud().users().len(), 2);
    assert_eq!(world.user_of(&first).await["jobTitle"], "Engineer");
    assert_eq!(world.invitations().len(), 2);
}

#[tokio::test]
async fn person_whom_hr_does_not_know_is_told_and_stays() {
    let (world, id) = world_with_ana(Setup::new()).await;
    world.deel().remove(&id);
    for who in [id.as_str(), "nobody@northlight.example"] {
        let report = world.invoke(json!({"people": [who]})).await;
        assert_eq!(report.code_of(who), "not_in_hr");
    }
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
}

#[tokio::test]
async fn answer_stops_at_500_people_and_the_record_of_the_run_has_them_all() {
    let world = world().await;
    for number in 0..510 {
        world.hire(Profile::new("Noel", &format!("Mailless{number}")).work_email(None));
    }

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Skipped), 510);
    assert_eq!(report.people.len(), 500);
    assert_eq!(report.people_omitted, 10);
    let ran = world
        .rollcall(&["runs", report.run_id.as_str(), "--json"])
        .await;
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.json()["people"].as_array().unwrap().len(), 510);
}

#[tokio::test]
async fn every_run_is_recorded_with_what_it_did() {
    let (world, _) = world_with_ana(Setup::new()).await;
    world.jumpcloud().set_key("revoked");
    let failed = world.run_sync().await;
    let runs = world.state().runs(10, None).await.unwrap();
    let statuses: Vec<&str> = runs.iter().map(|run| run.status.as_str()).collect();
    assert_eq!(statuses, ["failed", "applied"]);
    assert_eq!(runs[0].run_id.as_str(), failed.run_id.as_str());
    assert_eq!(runs[1].counts.get("created"), Some(&1));
    assert!(
        runs.iter()
            .all(|run| run.config_digest == runs[0].config_digest)
    );
}

#[tokio::test]
async fn new_person_takes_three_calls_of_jumpcloud_at_most() {
    let (world, _) = world_with_ana(Setup::new()).await;
    let unchanged = world.run_sync().await;
    world.hire(Profile::new("Nora", "Newcomer"));
    let report = world.run_sync().await;
    assert_eq!(report.calls.jumpcloud, unchanged.calls.jumpcloud + 2);

    world.hire(Profile::new("Nils", "Newcomer"));
    let lost = Fault::drop(Vendor::JumpCloud).method("POST").after_effect();
    world.fault(lost);
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), 1);
    assert_eq!(report.calls.jumpcloud, unchanged.calls.jumpcloud + 3);
    world.settled().await;
}

#[tokio::test]
async fn function_does_not_start_on_a_configuration_with_five_mistakes_and_logs_each_with_its_line()
{
    let text = "[jumpcloud]\napi_kee = \"rollcall/jumpcloud\"\nregion = \"mars\"\nconcurrency = 0\n\n\
                [limits]\nsuspend = { max = -1 }\n\n[[source]]\nname = \"deel\"\nkind = \"dell\"\n\
                api_key = \"rollcall/deel\"\n";
    let world = world_with(Setup::new().configuration(text)).await;

    world.function().ended().await;
    let answer = world.try_invoke(json!({})).await;

    assert_eq!(answer, Answer::Died);
    let log = world.log();
    for line in [2, 3, 4, 7, 11] {
        assert!(
            log.contains(&format!("rollcall.toml:{line}")),
            "{line}: {log}"
        );
    }
    let ran = world.rollcall(&["plan"]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stdout, "");
    for line in [2, 3, 4, 7, 11] {
        assert!(
            ran.stderr.contains(&format!("rollcall.toml:{line}")),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test]
async fn function_says_what_it_lacks_when_there_is_no_configuration() {
    let world = world().await;
    std::fs::remove_file(world.folder().join("rollcall.toml")).unwrap();
    let function = world.another_function().await;
    function.ended().await;
    assert!(world.log().contains("`ROLLCALL_CONFIG`"), "{}", world.log());
}

//! Humaans as the HR system: joiners, movers and leavers, what its token hides, and people who are in Deel as well.

use e2e::{Reading, Setup, World};
use sandbox::{Collection, Fault, Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::{Outcome, RunStatus};

use crate::{ana, world_with};

/// The token, people, job roles, locations and companies: what a read of a small company takes.
const CALLS: u64 = 5;

async fn humaans() -> World {
    world_with(Setup::new().humaans()).await
}

/// A world in which Ana is employed, and has her account; and two others.
async fn humaans_with_ana(setup: Setup) -> (World, String) {
    let world = world_with(setup.humaans()).await;
    let id = world.hire_in_humaans(&ana());
    for name in ["Otto", "Olga"] {
        world.hire_in_humaans(&Profile::new(name, "Other"));
    }
    let report = world.run_sync().await;
    assert_eq!(report.count(Outcome::Created), 3);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    (world, id)
}

#[tokio::test]
async fn new_hire_is_staged_and_becomes_active_on_the_start_date() {
    let world = humaans().await;
    let hire = ana().starting(world.in_days(4)).stage(Stage::Onboarding);
    let id = world.hire_in_humaans(&hire.with("employeeId", "C-0107"));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Created);
    assert_eq!((report.calls.humaans, report.calls.deel), (CALLS, 0));
    let user = world.user_of(&id).await;
    assert_eq!(user["state"], "STAGED");
    assert_eq!(user["username"], "ana.souza");
    assert_eq!(user["employeeIdentifier"], "C-0107");
    // Their role begins on their first day, and is known before.
    assert_eq!(user["jobTitle"], "Engineer");
    assert_eq!(user["department"], "Engineering");
    assert_eq!(world.invitations(), Vec::<String>::new());
    world.settled().await;

    // HR still calls them a new hire.
    let hire = ana().starting(world.days_ago(2)).stage(Stage::Onboarding);
    world.change(&id, &hire.with("employeeId", "C-0107"));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Activated);
    assert_eq!(world.invitations(), ["ana.souza@mail.example"]);
    world.settled().await;
}

#[tokio::test]
async fn role_counts_from_the_day_it_begins() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    let humaans = world.humaans();
    humaans.change_role(&id, "Director", "Leadership", world.in_days(2));
    humaans.change_role(&id, "Team Lead", "Data", world.days_ago(2));

    let report = world.run_sync().await;

    assert_eq!(report.changed(&id), ["jobTitle", "department"]);
    let user = world.user_of(&id).await;
    assert_eq!(
        (&user["jobTitle"], &user["department"]),
        (&json!("Team Lead"), &json!("Data"))
    );
    world.settled().await;
}

#[tokio::test]
async fn manager_is_whom_the_role_reports_to() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    let boss = world.hire_in_humaans(&Profile::new("Bea", "Boss"));
    let role = world
        .humaans()
        .change_role(&id, "Engineer", "Engineering", world.days_ago(1));
    world.humaans().update(Collection::JobRoles, &role, |role| {
        role.insert("reportingTo".to_owned(), json!(boss));
    });
    world.run_sync().await;
    let manager = world.user_of(&boss).await["_id"].clone();
    assert_eq!(world.user_of(&id).await["manager"], manager);
    world.settled().await;
}

#[tokio::test]
async fn leaver_keeps_the_account_until_the_last_day_is_over() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    // Garden leave: the last working day is over, the contract is not.
    let leaving = ana().stage(Stage::Offboarding(world.in_days(3)));
    let garden_leave = leaving.with("lastWorkingDay", world.days_ago(9).to_string());
    world.change(&id, &garden_leave);
    world.settled().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");

    // HR still calls them active.
    world.change(&id, &ana().stage(Stage::Offboarding(world.days_ago(2))));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    world.settled().await;
}

#[tokio::test]
async fn offboarded_person_without_a_date_leaves() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    let offboarded = ana().stage(Stage::Inactive(world.days_ago(2)));
    world.change(&id, &offboarded.with("employmentEndDate", Value::Null));
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;

    world.change(&id, &ana());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    world.settled().await;
}

#[tokio::test]
async fn deleted_person_is_missing_before_anything_is_done() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    world.humaans().remove(Collection::People, &id);
    let report = world.run_sync().await;
    assert_eq!(report.warned_about(&id), ["missing"]);
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(report.calls.humaans, CALLS + 1);
    world.settled().await;
}

#[tokio::test]
async fn token_that_hides_people_makes_nobody_leave() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    let hire = Profile::new("Nina", "Newcomer").stage(Stage::Onboarding);
    let newcomer = world.hire_in_humaans(&hire.starting(world.in_days(9)));
    world.run_sync().await;
    assert_eq!(world.state_of(&newcomer).await, "STAGED");
    // From now on neither of them is listed.
    world.change(&id, &ana().stage(Stage::Inactive(world.days_ago(2))));
    let humaans = world.humaans();
    humaans.rules(|rules| rules.scopes = ["public:read"].into());
    let joiner = world.hire_in_humaans(&Profile::new("Jo", "Joiner"));

    for _ in 0..3 {
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Applied);
        assert_eq!(report.warnings_of("source_incomplete"), 1);
        let told = |warning: &&sync::RunWarning| warning.message.contains("`private:read`");
        assert_eq!(report.warnings.iter().filter(told).count(), 1);
        assert_eq!(report.warnings_of("missing"), 0);
    }
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.state_of(&newcomer).await, "STAGED");
    assert_eq!(world.state_of(&joiner).await, "ACTIVATED");
    // What the token may not see says nothing.
    let user = world.user_of(&id).await;
    assert_eq!(user["alternateEmail"], "ana.souza@mail.example");

    humaans.rules(|rules| rules.scopes = ["public:read", "private:read"].into());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    world.settled().await;
}

#[tokio::test]
async fn refused_token_ends_the_run_and_names_the_scopes() {
    let (world, _) = humaans_with_ana(Setup::new()).await;
    for scopes in [vec![], vec!["private:read"]] {
        world
            .humaans()
            .rules(|rules| rules.scopes = scopes.into_iter().collect());
        let report = world.run_sync().await;
        assert_eq!(report.error_code(), "source_key_refused");
        let error = report.error.unwrap();
        assert!(
            error.text.contains("`public:read` and `private:read`"),
            "{}",
            error.text
        );
    }
    let scopes = ["public:read", "private:read"];
    world.humaans().rules(|rules| rules.scopes = scopes.into());
    world.settled().await;
}

#[tokio::test]
async fn sample_people_are_nobody() {
    let world = humaans().await;
    let sample = world.hire_in_humaans(&ana().with("demo", true));
    let real = world.hire_in_humaans(&Profile::new("Otto", "Other"));
    let report = world.run_sync().await;
    assert_eq!(report.total(), 1);
    assert_eq!(world.find_user_of(&sample).await, None);
    assert_eq!(world.state_of(&real).await, "ACTIVATED");
    let report = world.invoke(json!({"people": [sample]})).await;
    assert_eq!(report.code_of(&sample), "not_in_hr");
    world.settled().await;
}

#[tokio::test]
async fn titles_that_cannot_be_read_stay_as_they_are() {
    let attributes = "[source.attributes]\njobTitle = { from = \"job_title\", blank = \"clear\" }\n\
                      department = { from = \"department\", default = \"None\" }";
    let (world, id) = humaans_with_ana(Setup::new().source(attributes)).await;
    for fault in [
        Fault::status(Vendor::Humaans, 500),
        Fault::status(Vendor::Humaans, 403),
    ] {
        world.fault(fault.path("job-roles").always());
        let report = world.run_sync().await;
        assert_eq!(report.warnings_of("source_incomplete"), 1);
        assert_eq!(report.outcome_of(&id), Outcome::Unchanged);
        let user = world.user_of(&id).await;
        assert_eq!(
            (&user["jobTitle"], &user["department"]),
            (&json!("Engineer"), &json!("Engineering"))
        );
        world.sandbox().faults().clear();
    }
    world.settled().await;
}

#[tokio::test]
async fn remote_worker_joins_when_the_day_begins_where_they_are() {
    // The day that it is in Kiritimati has not begun in Niue, 25 hours to the west.
    let world = humaans().await;
    let now = world.sandbox().clock().now();
    let today = now.in_tz("Pacific/Kiritimati").unwrap().date();
    let remote = |name: &str, zone: &str| {
        let hire = Profile::new(name, "Remote").stage(Stage::Onboarding);
        let hire = hire.starting(today).with("timezone", Value::Null);
        let remote = hire.with("locationId", "remote");
        world.hire_in_humaans(&remote.with("remoteTimezone", zone))
    };
    let east = remote("East", "Pacific/Kiritimati");
    let west = remote("West", "Pacific/Niue");
    world.run_sync().await;
    assert_eq!(world.state_of(&east).await, "ACTIVATED");
    assert_eq!(world.state_of(&west).await, "STAGED");
    world.settled().await;
}

#[tokio::test]
async fn person_is_synced_on_demand_by_id_and_by_email() {
    let (world, id) = humaans_with_ana(Setup::new()).await;
    let humaans = world.humaans();
    for (who, title) in [
        (id.as_str(), "Lead"),
        ("Ana.Souza@northlight.example", "Head"),
    ] {
        humaans.change_role(
            &id,
            title,
            "Data",
            world.days_ago(i64::from(title == "Lead") + 1),
        );
        let report = world.invoke(json!({"people": [who]})).await;
        assert_eq!(report.outcome_of(&id), Outcome::Updated, "{who}");
        assert_eq!(report.total(), 1);
        // The person, their roles, and where they work.
        assert_eq!(report.calls.humaans, 4);
        assert_eq!(world.user_of(&id).await["jobTitle"], title);
    }
    let nina = world.hire_in_humaans(&Profile::new("Nina", "Newcomer"));
    let asked = json!({"people": ["nina.newcomer@northlight.example"]});
    let report = world.invoke(asked).await;
    assert_eq!(report.outcome_of(&nina), Outcome::Created);
    world.run_sync().await;
    world.settled().await;
}

#[tokio::test]
async fn person_in_both_systems_is_one_user_of_the_first() {
    let world = world_with(Setup::new().humaans_too()).await;
    let in_deel = world.hire(ana());
    let in_humaans = world.hire_in_humaans(&ana().job_title("Adviser"));
    let other = world.hire_in_humaans(&Profile::new("Otto", "Other"));

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&in_deel), Outcome::Created);
    assert_eq!(report.outcome_of(&in_humaans), Outcome::Skipped);
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    assert_eq!((report.calls.deel, report.calls.humaans), (1, CALLS));
    assert_eq!(world.jumpcloud().users().len(), 2);
    assert_eq!(world.user_of(&in_deel).await["jobTitle"], "Engineer");
    world.settled().await;
}

#[tokio::test]
async fn phone_numbers_follow_the_record_when_they_are_asked_for_by_name() {
    let hire = || ana().with("phoneNumber", "+442079460101");
    let world = world_with(Setup::new().humaans().source("phone_numbers = true")).await;
    let id = world.hire_in_humaans(&hire());
    world.run_sync().await;
    world.change(&id, &hire().with("phoneNumber", "+442079460102"));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["phoneNumbers"]);
    world.settled().await;
}

#[tokio::test]
async fn id_of_one_system_makes_no_sense_to_the_other() {
    let world = world_with(Setup::new().humaans_too()).await;
    let in_deel = world.hire(ana());
    let in_humaans = world.hire_in_humaans(&Profile::new("Otto", "Other"));
    world.run_sync().await;
    world.fault(Fault::status(Vendor::Deel, 400).path(&in_humaans).always());
    world.fault(Fault::status(Vendor::Humaans, 422).path(&in_deel).always());
    for (id, calls) in [(&in_deel, 1), (&in_humaans, 4)] {
        let report = world.invoke(json!({"people": [id]})).await;
        assert_eq!(report.status, RunStatus::Applied);
        assert_eq!(report.outcome_of(id), Outcome::Unchanged);
        assert_eq!((report.calls.deel, report.calls.humaans), (1, calls));
    }
    world.sandbox().faults().clear();
    world.settled().await;
}

#[tokio::test]
async fn nobody_joins_by_humaans_while_deel_is_not_read_whole() {
    let world = world_with(Setup::new().humaans_too()).await;
    let in_deel = world.hire(ana());
    let in_humaans = world.hire_in_humaans(&ana());
    world.run_sync().await;
    // Nobody joins by a later source while an earlier one is not read whole.
    let joiner = world.hire_in_humaans(&Profile::new("Jo", "Joiner"));
    world.fault(Fault::status(Vendor::Deel, 500).path("people?").always());
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("source_incomplete"), 1);
    assert_eq!(world.find_user_of(&joiner).await, None);
    assert_eq!(world.find_user_of(&in_humaans).await, None);
    assert_eq!(world.state_of(&in_deel).await, "ACTIVATED");
    world.sandbox().faults().clear();
    world.run_sync().await;
    assert_eq!(world.state_of(&joiner).await, "ACTIVATED");
    world.settled().await;
}

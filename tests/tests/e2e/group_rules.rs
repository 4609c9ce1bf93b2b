//! Groups by rule: people are put into groups and taken out as HR says, and what others put there stays.

use e2e::{Reading, Setup, World};
use sandbox::{Fault, FaultKind, Profile, Stage, Vendor};
use serde_json::{Value, json};
use sync::{Outcome, RunStatus};

use crate::{ana, hire_others, world_with, world_with_ana};

const RULE: &str = "[[group]]\nname = \"Research\"\nwhen = { department = [\"Research\"] }\n";
const MEMBERS: &str = "/members";

/// The rule about the group `Research`.
fn rule() -> Setup {
    Setup::new().section(RULE)
}

/// The rule, which makes the group where there is none.
fn creating() -> Setup {
    Setup::new().section(&format!("{RULE}create = true"))
}

fn researcher() -> Profile {
    ana().department("Research", None)
}

/// A static group of this name, made by an admin.
fn add_group(world: &World, name: &str) -> String {
    world.jumpcloud().add_group(json!({ "name": name }))
}

/// A world in which Ana is a researcher, and in the group by rule.
async fn world_with_researcher(setup: Setup) -> (World, String, String) {
    let world = world_with(setup).await;
    let group = add_group(&world, "Research");
    let id = world.hire(researcher());
    world.run_sync().await;
    assert_eq!(members(&world, &group).await, [id.as_str()]);
    (world, id, group)
}

/// The members of a group that have a link, as HR calls them.
async fn members(world: &World, group: &str) -> Vec<String> {
    let members = world.jumpcloud().members(group);
    let links = world.links().await.into_iter();
    let is_member = |user: &mapping::SystemUserId| members.iter().any(|id| id == user.as_str());
    links
        .filter(|link| link.user_id.as_ref().is_some_and(is_member))
        .map(|link| link.key.worker_id.to_string())
        .collect()
}

/// How many groups a rule put this person into, as far as we remember.
async fn given(world: &World, id: &str) -> usize {
    let link = world.link_of(id).await;
    link.map_or(0, |link| link.groups.len())
}

async fn user_id_of(world: &World, id: &str) -> String {
    let link = world.link_of(id).await;
    let user = link.and_then(|link| link.user_id);
    user.map(|user| user.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn joiner_is_put_into_the_group_and_mover_is_taken_out() {
    let (world, id, group) = world_with_researcher(rule()).await;
    let report = world.settled().await;
    assert_eq!(report.warnings, Vec::new());

    world.change(&id, &ana());
    world.forget_requests();
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Updated);
    assert_eq!(report.changed(&id), ["department", "groups"]);
    assert_eq!(
        world.jumpcloud_writes(),
        ["PUT systemusers/{id}", "POST v2/usergroups/{id}/members"]
    );
    assert!(world.jumpcloud().members(&group).is_empty());
    assert_eq!(given(&world, &id).await, 0);
    world.settled().await;

    world.change(&id, &researcher());
    world.run_sync().await;
    assert_eq!(members(&world, &group).await, [id]);
    world.settled().await;
}

#[tokio::test]
async fn membership_whose_answer_was_lost_is_ended_though_its_repetition_was_refused() {
    let world = world_with(rule()).await;
    let group = add_group(&world, "Research");
    let id = world.hire(researcher());
    let put = |status| {
        Fault::status(Vendor::JumpCloud, status)
            .path(MEMBERS)
            .method("POST")
    };
    world.fault(put(502).after_effect());
    world.fault(put(404).skip(1));
    world.run_sync().await;
    assert_eq!(members(&world, &group).await, [id.as_str()]);
    assert_eq!(given(&world, &id).await, 1);

    world.change(&id, &ana());
    world.run_sync().await;
    assert!(world.jumpcloud().members(&group).is_empty());
    world.settled().await;
}

#[tokio::test]
async fn leaver_leaves_after_the_suspension_and_rehire_is_put_in_again() {
    let (world, id, group) = world_with_researcher(rule()).await;
    world.change(&id, &researcher().stage(Stage::Inactive(world.days_ago(2))));
    world.forget_requests();

    let report = world.run_sync().await;

    assert_eq!(report.outcome_of(&id), Outcome::Suspended);
    assert_eq!(
        world.jumpcloud_writes(),
        ["PUT systemusers/{id}", "POST v2/usergroups/{id}/members"]
    );
    assert!(world.jumpcloud().members(&group).is_empty());
    world.settled().await;

    world.change(&id, &researcher());
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Reactivated);
    assert_eq!(members(&world, &group).await, [id]);
    world.settled().await;
}

#[tokio::test]
async fn leaver_whose_suspension_is_held_keeps_the_group() {
    let setup = rule().section("[limits]\nsuspend = { max = 0 }");
    let (world, id, group) = world_with_researcher(setup).await;
    world.change(&id, &researcher().stage(Stage::Inactive(world.days_ago(2))));
    let report = world.run_sync().await;
    assert_eq!(report.status, RunStatus::Held);
    assert_eq!(members(&world, &group).await, [id.as_str()]);
    world.settled().await;

    let digest = &report.held_class("suspend").unwrap().digest;
    world.invoke(json!({"approve": [digest]})).await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    assert!(world.jumpcloud().members(&group).is_empty());
    world.settled().await;
}

#[tokio::test]
async fn person_suspended_now_leaves_the_group_without_a_list_of_users() {
    let (world, id, group) = world_with_researcher(rule()).await;
    world.change(
        &id,
        &researcher().stage(Stage::Offboarding(world.in_days(20))),
    );
    world.forget_requests();
    world.invoke(json!({"people": [id], "now": true})).await;
    assert_eq!(world.state_of(&id).await, "SUSPENDED");
    assert!(world.jumpcloud().members(&group).is_empty());
    let requests = world.sandbox().requests().all();
    let reads = |part: &str| {
        let reads = requests.iter().filter(|request| request.method == "GET");
        reads.filter(|request| request.path.contains(part)).count()
    };
    assert_eq!(
        (reads("systemusers?"), reads("/memberof"), reads(MEMBERS)),
        (0, 1, 0)
    );
    world.settled().await;
}

#[tokio::test]
async fn member_by_hand_is_none_of_ours() {
    let (world, id) = world_with_ana(rule()).await;
    let group = add_group(&world, "Research");
    let guest = world
        .jumpcloud()
        .add(json!({"username": "guest", "email": "guest@elsewhere.example"}));
    let user = user_id_of(&world, &id).await;
    for member in [&user, &guest] {
        assert!(world.jumpcloud().add_member(&group, member));
    }
    for profile in [researcher(), ana()] {
        world.change(&id, &profile);
        world.run_sync().await;
        assert_eq!(world.jumpcloud().members(&group).len(), 2);
        assert_eq!(given(&world, &id).await, 0);
        world.settled().await;
    }
}

#[tokio::test]
async fn member_taken_out_by_hand_is_put_in_again_while_the_rule_matches() {
    let (world, id, group) = world_with_researcher(rule()).await;
    let user = user_id_of(&world, &id).await;
    assert!(world.jumpcloud().remove_member(&group, &user));
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["groups"]);
    assert_eq!(members(&world, &group).await, [id.as_str()]);
    world.settled().await;

    // Taken out when the rule no longer matches: then put in by hand, and that is none of ours.
    world.jumpcloud().remove_member(&group, &user);
    world.change(&id, &ana());
    world.run_sync().await;
    assert_eq!(given(&world, &id).await, 0);
    world.jumpcloud().add_member(&group, &user);
    world.settled().await;
    assert_eq!(world.jumpcloud().members(&group).len(), 1);
}

#[tokio::test]
async fn missing_group_is_made_only_where_the_rule_says_so() {
    for (setup, warnings) in [(rule(), 1), (creating(), 0)] {
        let world = world_with(setup).await;
        let people = [
            researcher(),
            Profile::new("Rita", "Research").department("Research", None),
        ];
        let ids = people.map(|profile| world.hire(profile));
        world.hire(Profile::new("Otto", "Other"));
        let report = world.run_sync().await;
        assert_eq!(report.status, RunStatus::Applied);
        assert_eq!(report.count(Outcome::Created), 3);
        assert_eq!(report.warnings_of("group_missing"), warnings);
        let groups = world.jumpcloud().groups();
        assert_eq!(groups.len(), 1 - warnings);
        if let [group] = groups.as_slice() {
            assert_eq!(
                (&group["name"], &group["membershipMethod"]),
                (&json!("Research"), &json!("STATIC"))
            );
            let mut members = members(&world, group["id"].as_str().unwrap()).await;
            let mut expected = ids;
            members.sort();
            expected.sort();
            assert_eq!(members, expected);
        }
        world.settled().await;
    }
}

#[tokio::test]
async fn lost_answer_to_the_making_of_a_group_makes_no_second() {
    for after in [false, true] {
        let world = world_with(creating()).await;
        let id = world.hire(researcher());
        let lost = Fault::drop(Vendor::JumpCloud)
            .method("POST")
            .path("/usergroups");
        world.fault(if after { lost.after_effect() } else { lost });
        let report = world.run_sync().await;
        let expected = if after {
            Outcome::Created
        } else {
            Outcome::Failed
        };
        assert_eq!(report.outcome_of(&id), expected);
        world.run_sync().await;
        assert_eq!(world.jumpcloud().groups().len(), 1);
        assert_eq!(given(&world, &id).await, 1);
        world.settled().await;
    }
}

#[tokio::test]
async fn groups_that_are_not_ours_to_write_are_told_and_left() {
    let query = json!({"queryType": "FilterQuery", "filters": [{"field": "department", "operator": "eq", "value": "Nobody"}]});
    let dynamic =
        json!({"name": "Research", "membershipMethod": "DYNAMIC_AUTOMATED", "memberQuery": query});
    let plain = json!({"name": "Research"});
    for (groups, code) in [
        (vec![dynamic], "group_dynamic"),
        (vec![plain.clone(), plain], "group_not_unique"),
    ] {
        let world = world_with(creating()).await;
        let groups: Vec<String> = groups
            .into_iter()
            .map(|group| world.jumpcloud().add_group(group))
            .collect();
        let id = world.hire(researcher());
        let report = world.run_sync().await;
        assert_eq!(report.outcome_of(&id), Outcome::Created);
        assert_eq!(report.warnings_of(code), 1);
        assert!(
            groups
                .iter()
                .all(|group| world.jumpcloud().members(group).is_empty())
        );
        world.settled().await;
    }
}

#[tokio::test]
async fn more_removals_from_a_group_than_its_limit_are_held_until_approved() {
    let limit = "[[group]]\nname = \"Everyone\"\nwhen = {}\n[limits]\ngroup_remove = { max = 2 }";
    let world = world_with(rule().section(limit)).await;
    let group = add_group(&world, "Research");
    let everyone = add_group(&world, "Everyone");
    let people = hire_others(&world, 4);
    for (id, profile) in &people {
        world.change(id, &profile.clone().department("Research", None));
    }
    world.run_sync().await;
    assert_eq!(world.jumpcloud().members(&group).len(), 4);
    for (id, profile) in &people[..3] {
        world.change(id, profile);
    }
    let joiner = world.hire(researcher());

    let report = world.run_sync().await;

    assert_eq!(report.status, RunStatus::Held);
    let held = report.held_class("group_remove").unwrap();
    assert_eq!((held.group.as_deref(), held.count), (Some("Research"), 3));
    assert_eq!((held.limit.rule.as_str(), held.limit.value), ("max", 2));
    assert_eq!(report.outcome_of(&joiner), Outcome::Created);
    assert_eq!(world.jumpcloud().members(&group).len(), 5);
    let record: Value = world
        .rollcall(&["runs", &report.run_id, "--json"])
        .await
        .json();
    assert_eq!(record["held"][0]["group"], "Research");
    world.settled().await;

    let report = world.invoke(json!({"approve": [held.digest]})).await;
    assert_eq!(report.status, RunStatus::Applied);
    assert_eq!(world.jumpcloud().members(&group).len(), 2);
    assert_eq!(world.jumpcloud().members(&everyone).len(), 5);
    world.settled().await;
}

#[tokio::test]
async fn rule_that_is_taken_away_takes_what_it_gave() {
    let (mut world, id, group) = world_with_researcher(rule()).await;
    let guest = world
        .jumpcloud()
        .add(json!({"username": "guest", "email": "guest@elsewhere.example"}));
    world.jumpcloud().add_member(&group, &guest);
    world.reconfigure(&Setup::new()).await;
    let report = world.run_sync().await;
    assert_eq!(report.changed(&id), ["groups"]);
    assert_eq!(world.jumpcloud().members(&group), [guest]);
    world.forget_requests();
    world.settled().await;
    let requests = world.sandbox().requests().all();
    assert!(
        requests
            .iter()
            .all(|request| !request.path.contains("usergroups"))
    );
}

#[tokio::test]
async fn crash_around_an_add_leaves_it_ours_and_done() {
    for after in [false, true] {
        let (mut world, id) = world_with_ana(rule()).await;
        let group = add_group(&world, "Research");
        world.change(&id, &researcher());
        world.crash_at(Vendor::JumpCloud, |fault| {
            let add = fault.method("POST").path(MEMBERS);
            if after { add.after_effect() } else { add }
        });
        world.crash().await;
        assert_eq!(given(&world, &id).await, 1, "noted before");
        world.run_sync().await;
        assert_eq!(members(&world, &group).await, [id.as_str()]);
        world.settled().await;
        world.change(&id, &ana());
        world.run_sync().await;
        assert!(world.jumpcloud().members(&group).is_empty());
        world.settled().await;
    }
}

#[tokio::test]
async fn crash_before_an_add_whose_reason_is_over_leaves_nothing_of_ours() {
    let (mut world, id) = world_with_ana(rule()).await;
    let group = add_group(&world, "Research");
    world.change(&id, &researcher());
    world.crash_at(Vendor::JumpCloud, |fault| {
        fault.method("POST").path(MEMBERS)
    });
    world.crash().await;
    world.change(&id, &ana());
    world.run_sync().await;
    assert_eq!(given(&world, &id).await, 0);
    let user = user_id_of(&world, &id).await;
    world.jumpcloud().add_member(&group, &user);
    world.settled().await;
    assert_eq!(world.jumpcloud().members(&group).len(), 1);
}

#[tokio::test]
async fn crash_around_a_removal_is_finished_by_the_next_run() {
    for after in [false, true] {
        let (mut world, id, group) = world_with_researcher(rule()).await;
        world.change(&id, &ana());
        world.crash_at(Vendor::JumpCloud, |fault| {
            let removal = fault.method("POST").path(MEMBERS);
            if after {
                removal.after_effect()
            } else {
                removal
            }
        });
        world.crash().await;
        assert_eq!(given(&world, &id).await, 1);
        world.run_sync().await;
        assert!(world.jumpcloud().members(&group).is_empty());
        assert_eq!(given(&world, &id).await, 0);
        world.settled().await;
    }
}

#[tokio::test]
async fn membership_that_jumpcloud_refuses_is_that_persons_failure_and_not_ours() {
    let (world, id) = world_with_ana(rule()).await;
    add_group(&world, "Research");
    world.change(&id, &researcher());
    let other = world.hire(Profile::new("Otto", "Other"));
    world.fault(
        Fault::status(Vendor::JumpCloud, 400)
            .method("POST")
            .path(MEMBERS),
    );
    let report = world.run_sync().await;
    assert_eq!(report.code_of(&id), "group_refused");
    assert_eq!(report.outcome_of(&other), Outcome::Created);
    assert_eq!(world.user_of(&id).await["department"], "Research");
    assert_eq!(given(&world, &id).await, 0);
    world.run_sync().await;
    assert_eq!(given(&world, &id).await, 1);
    world.settled().await;
}

#[tokio::test]
async fn groups_that_cannot_be_read_are_not_touched_and_hold_nobody_up() {
    for (path, code) in [
        ("/usergroups?", "groups_unreadable"),
        (MEMBERS, "group_unreadable"),
    ] {
        let (world, id, group) = world_with_researcher(rule()).await;
        world.change(&id, &ana());
        let joiner = world.hire(Profile::new("Rita", "Research").department("Research", None));
        world.fault(
            Fault::status(Vendor::JumpCloud, 500)
                .method("GET")
                .path(path)
                .always(),
        );
        let report = world.run_sync().await;
        assert_eq!(report.warnings_of(code), 1, "{code}");
        assert_eq!(report.outcome_of(&joiner), Outcome::Created);
        assert_eq!(members(&world, &group).await, [id]);
        world.sandbox().faults().clear();
        world.run_sync().await;
        assert_eq!(members(&world, &group).await, [joiner]);
        world.settled().await;
    }
}

#[tokio::test]
async fn empty_lists_neither_leave_anybody_in_a_group_nor_forget_who_was_put_there() {
    for (path, warnings) in [("/usergroups?", 1), (MEMBERS, 0)] {
        let (world, id, group) = world_with_researcher(rule()).await;
        world
            .jumpcloud()
            .rules(|rules| rules.counts_v2_lists = false);
        world.change(&id, &researcher().stage(Stage::Inactive(world.days_ago(2))));
        let empty = Fault::new(Vendor::JumpCloud, FaultKind::EmptyPage);
        world.fault(empty.method("GET").path(path));
        let report = world.run_sync().await;
        assert_eq!(report.outcome_of(&id), Outcome::Suspended);
        assert_eq!(report.warnings_of("groups_unreadable"), warnings, "{path}");
        world.run_sync().await;
        assert!(world.jumpcloud().members(&group).is_empty(), "{path}");
        assert_eq!(given(&world, &id).await, 0);
        world.settled().await;
    }
}

#[tokio::test]
async fn nobody_leaves_a_group_on_a_source_that_was_not_read_whole() {
    let (world, id, group) = world_with_researcher(rule()).await;
    world.change(&id, &ana());
    world.hire(Profile::new("Odd", "Record").with("employments", "none"));
    let report = world.run_sync().await;
    assert_eq!(report.warnings_of("source_incomplete"), 1);
    assert_eq!(members(&world, &group).await, [id]);
}

#[tokio::test]
async fn explain_says_what_rules_make_of_somebody() {
    let (world, id, _) = world_with_researcher(rule()).await;
    let explained = world.rollcall(&["explain", &id, "--json"]).await.json();
    let expected = json!([{
        "name": "Research", "rule": "matches", "membership": "a member by rule", "decision": "left as it is",
    }]);
    assert_eq!(explained[0]["groups"], expected);
    world.change(&id, &ana());
    let explained = world.rollcall(&["explain", &id]).await;
    assert!(
        explained.stdout.contains("does not match"),
        "{}",
        explained.stdout
    );
    assert!(
        explained.stdout.contains("taken out"),
        "{}",
        explained.stdout
    );
}

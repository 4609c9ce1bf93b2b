//! Groups by rule: who is put in, who is taken out, and what a rule never touches.

use std::collections::BTreeSet;

use config::Config;
use mapping::{Class, Part, Unread, UserState};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::company::{Company, config, group, leaver, person};
use crate::judge::HeldClass;
use crate::plan::{Note, Plan};
use crate::report::{Outcome, PersonRow};
use crate::{Approvals, Scope};

/// Whoever is in Data belongs to Data.
const DATA: &str =
    "[[group]]\nname = \"Data\"\nwhen = { department = [\" data \"] }\ncreate = true\n";

fn in_department(name: &str) -> Value {
    json!({"department": {"name": name}})
}

fn ana(department: &str) -> Value {
    person("w1", "Ana", "Souza", &in_department(department))
}

/// The changes of groups, one line for each, and the run's warnings.
fn text(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for person in &plan.people {
        let changes = person
            .changes
            .iter()
            .filter(|change| change.attribute == "groups");
        let who = &person.key.worker_id;
        lines.extend(changes.map(|c| format!("{who}: {} {} → {}", c.class, c.from, c.to)));
        lines.extend(
            person
                .forgets
                .iter()
                .map(|id| format!("{who}: forgets {id}")),
        );
    }
    lines.extend(
        plan.warnings
            .iter()
            .map(|warning| format!("warning: {}", warning.code)),
    );
    lines.join("\n")
}

fn held(company: &Company, config: &Config) -> Vec<HeldClass> {
    let (_, held, _) = company.plan(config).judge(config, &Approvals::default());
    held.classes
}

#[test]
fn a_joiner_gets_the_group_with_the_account_and_a_mover_leaves_it() {
    let config = config(DATA);
    let mut company = Company::of(vec![
        ana("Data"),
        person("w2", "Ben", "Okri", &in_department("Sales")),
    ]);
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: create null → "Data""#);
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w1"]);
    assert_eq!(company.plan(&config).people, Vec::new());

    company.people[0] = ana("Sales");
    company.people[1] = person("w2", "Ben", "Okri", &in_department("DATA"));
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"
    w1: group_remove "Data" → null
    w2: update null → "Data"
    "#);
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w2"]);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn a_member_by_hand_is_never_ours_and_one_taken_out_by_hand_comes_back() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Sales")]);
    company.sync(&config);
    let by_hand: BTreeSet<_> = ["new-w1".into(), "somebody".into()].into();
    company.groups = vec![(group("Data", "STATIC"), by_hand.clone())];
    for department in ["Data", "Sales", "Data"] {
        company.people = vec![ana(department)];
        company.sync(&config);
        assert_eq!(company.members("Data").len(), 2, "{department}");
        assert!(company.links[0].groups.is_empty());
    }
    company.groups[0].1.clear();
    company.sync(&config);
    company.groups[0].1 = ["somebody".into()].into();
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: update null → "Data""#);
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w1", "somebody"]);
    // Taken out by hand, or by a list that does not show them: what the rule gave is ended, and forgotten by that.
    company.groups[0].1.clear();
    company.people = vec![ana("Sales")];
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: group_remove "Data" → null"#);
    company.sync(&config);
    assert!(company.links[0].groups.is_empty());
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn a_leaver_leaves_the_groups_of_rules_with_the_suspension_and_a_rehire_is_back() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    let mut left = leaver("w1", "Ana", "Souza");
    left["department"] = json!({"name": "Data"});
    company.people = vec![left.clone()];
    // A suspension that is held holds the removal, too.
    let strict = super::company::config(&format!("{DATA}[limits]\nsuspend = {{ max = 0 }}\n"));
    let classes = held(&company, &strict);
    let classes: Vec<_> = classes
        .iter()
        .map(|held| (held.class, held.group.as_deref()))
        .collect();
    assert_eq!(
        classes,
        [(Class::Suspend, None), (Class::GroupRemove, Some("Data"))]
    );
    let approved = company.clone().sync(&strict);
    assert!(approved.people()[0].plan.changes.is_empty());

    company.incomplete = Some("a page failed".to_owned());
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w1"]);
    company.incomplete = None;
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: group_remove "Data" → null"#);
    let approved = company.sync(&config);
    assert_eq!(Outcome::of(&approved.people()[0].plan), Outcome::Suspended);
    assert!(company.members("Data").is_empty());
    assert_eq!(company.plan(&config).people, Vec::new());

    company.people = vec![ana("Data")];
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: reactivate null → "Data""#);
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w1"]);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn nobody_stays_in_a_group_because_a_list_did_not_show_them_there() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    let unseen = |mut company: Company, people: Vec<Value>| {
        company.people = people;
        let members = std::mem::take(&mut company.groups[0].1);
        let removal = text(&company.plan(&config));
        company.groups[0].1 = members;
        removal
    };
    let removal = r#"w1: group_remove "Data" → null"#;
    let mover = vec![ana("Sales")];
    let left = vec![leaver("w1", "Ana", "Souza")];
    assert_eq!(unseen(company.clone(), mover), removal);
    assert_eq!(unseen(company.clone(), left.clone()), removal);
    let without_access = {
        let mut company = company.clone();
        let given = company.links[0].groups.clone();
        company.people = left;
        company.sync(&config);
        company.links[0].groups = given;
        company
    };
    assert_eq!(unseen(without_access, Vec::new()), removal);
}

#[test]
fn a_removal_that_was_cut_off_after_the_suspension_is_made_up_for() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    let before = (company.groups.clone(), company.links[0].groups.clone());
    company.people = vec![leaver("w1", "Ana", "Souza")];
    company.sync(&config);
    (company.groups, company.links[0].groups) = before;
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: group_remove "Data" → null"#);
    // HR no longer lists the leaver at all.
    company.people.clear();
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: group_remove "Data" → null"#);
    company.sync(&config);
    assert_eq!(company.plan(&config).people, Vec::new());
    assert!(company.links[0].groups.is_empty());
}

#[test]
fn somebody_missing_keeps_the_groups_until_suspended() {
    let config = config(DATA);
    let mut company = Company::of(vec![
        ana("Data"),
        person("w2", "Ben", "Okri", &in_department("Data")),
    ]);
    company.sync(&config);
    company.people.remove(0);
    assert_eq!(company.plan(&config).people[0].note, Note::Missing);
    insta::assert_snapshot!(text(&company.plan(&config)), @"warning: missing");
    let since = super::company::now();
    company
        .links
        .iter_mut()
        .filter(|link| link.key.worker_id.as_str() == "w1")
        .for_each(|link| {
            link.missing = Some(Box::new(state::Missing {
                runs: 1,
                since,
                checked_at: None,
            }));
        });
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: group_remove "Data" → null"#);
}

#[test]
fn nobody_leaves_a_group_on_a_source_that_was_not_read_whole() {
    let with_rule = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&with_rule);
    company.people = vec![ana(""), person("w2", "Ben", "Okri", &in_department("Data"))];
    company.incomplete = Some("a page failed".to_owned());
    insta::assert_snapshot!(text(&company.plan(&with_rule)), @r#"
    w2: create null → "Data"
    warning: source_incomplete
    "#);
    insta::assert_snapshot!(text(&company.plan(&config(""))), @"warning: source_incomplete");
    company.incomplete = None;
    insta::assert_snapshot!(text(&company.plan(&with_rule)), @r#"
    w1: group_remove "Data" → null
    w2: create null → "Data"
    "#);
}

#[test]
fn nobody_joins_a_group_for_a_value_that_stands_in_for_one_that_was_not_read() {
    let config = config(DATA);
    let company = Company::of(vec![ana("Data")]);
    let mut snapshot = company.snapshot(&config);
    snapshot.sources[0].workers[0].unread = Unread::default().and(Part::Role, true);
    let plan = crate::plan(&snapshot, &config, company.now);
    assert!(plan.people[0].has(Class::Create));
    insta::assert_snapshot!(text(&plan), @"");
}

#[test]
fn nobody_waiting_for_the_next_employment_without_access_is_put_into_a_group() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    company.people[0]["employments"] = json!([
        {"start_date": "2024-01-01", "termination_last_day": "2026-05-29", "is_ended": true},
        {"start_date": "2026-06-15", "is_ended": false},
    ]);
    company.sync(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
    assert!(company.members("Data").is_empty());
    assert_eq!(company.plan(&config).people, Vec::new());

    company.now = "2026-06-15T12:00:00Z".parse().unwrap();
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"w1: reactivate null → "Data""#);
    company.sync(&config);
    assert_eq!(company.members("Data"), ["new-w1"]);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn groups_that_no_rule_may_write_are_told_and_left() {
    let unmade = DATA.replace("true", "false");
    let check = |rule: &str, groups: &[(&str, &str)], code: &str| {
        let config = config(rule);
        let mut company = Company::of(vec![ana("Data")]);
        company.sync(&super::company::config(""));
        company.links[0].groups = [("id-of-Other".into(), "Data".into())].into();
        company.groups = groups
            .iter()
            .map(|(name, method)| (group(name, method), ["new-w1".into()].into()))
            .collect();
        let plan = company.plan(&config);
        assert!(
            plan.people.iter().all(|person| person.changes.is_empty()),
            "{code}"
        );
        let codes: Vec<&str> = plan
            .warnings
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        assert_eq!(codes, [code]);
    };
    let there = ("Data", "STATIC");
    check(&unmade, &[("data", "STATIC")], "group_missing");
    check(DATA, &[("Other", "STATIC")], "group_renamed");
    check(
        DATA,
        &[("Data", "DYNAMIC_AUTOMATED"), ("Other", "STATIC")],
        "group_dynamic",
    );
    check(
        DATA,
        &[("Data", "DYNAMIC_REVIEW_REQUIRED")],
        "group_dynamic",
    );
    check(DATA, &[there, there], "group_not_unique");
}

#[test]
fn groups_that_could_not_be_read_are_left() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    company.people = vec![
        ana("Sales"),
        person("w2", "Ben", "Okri", &in_department("Data")),
    ];
    let plan = |change: &dyn Fn(&mut crate::Groups)| {
        let mut snapshot = company.snapshot(&config);
        change(&mut snapshot.groups);
        text(&crate::plan(&snapshot, &config, super::company::now()))
    };
    let why = || "a page failed".to_owned();
    let list = plan(&|groups| {
        *groups = crate::Groups {
            unreadable: Some(why()),
            ..crate::Groups::default()
        }
    });
    insta::assert_snapshot!(list, @"warning: groups_unreadable");
    let members = plan(&|groups| {
        for members in groups.members.values_mut() {
            *members = Err(why());
        }
    });
    insta::assert_snapshot!(members, @"warning: group_unreadable");
}

#[test]
fn what_a_rule_gave_goes_with_the_rule_or_with_the_group() {
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config(DATA));
    // The same group under another name, in the rule as in JumpCloud, is the same.
    let renamed = config(&DATA.replace("\"Data\"\nwhen", "\"Analytics\"\nwhen"));
    let mut of_new_name = company.clone();
    of_new_name.groups[0].0.name = "Analytics".into();
    assert_eq!(of_new_name.plan(&renamed).people, Vec::new());
    of_new_name.people = vec![ana("Sales")];
    insta::assert_snapshot!(text(&of_new_name.plan(&renamed)), @r#"w1: group_remove "Analytics" → null"#);

    let without = config("");
    insta::assert_snapshot!(text(&company.plan(&without)), @r#"w1: group_remove "Data" → null"#);
    let mut deleted = company.clone();
    deleted.groups.clear();
    insta::assert_snapshot!(text(&deleted.plan(&without)), @"w1: forgets id-of-Data");
    let mut automated = company.clone();
    automated.groups[0].0 = group("Data", "DYNAMIC_AUTOMATED");
    insta::assert_snapshot!(text(&automated.plan(&without)), @"w1: forgets id-of-Data");
    for mut company in [company, deleted, automated] {
        company.sync(&without);
        assert!(company.links[0].groups.is_empty());
        assert_eq!(company.plan(&without).people, Vec::new());
    }
}

#[test]
fn removals_are_limited_group_by_group() {
    let rule = "[[group]]\nname = \"Nine\"\nwhen = { entity = [\"Nine\"] }\ncreate = true\n";
    let limit = "[limits]\ngroup_remove = { floor = 1, percent = 50 }\n";
    let config = config(&format!("{DATA}{rule}{limit}"));
    let who = |index: usize, department: &str, entity: &str| {
        let fields = json!({
            "department": {"name": department}, "client_legal_entity": {"name": entity},
        });
        person(&format!("w{index}"), "Ana", &format!("N{index}"), &fields)
    };
    let entity = |index: usize| if index == 9 { "Ten" } else { "Nine" };
    let mut company = Company::of((0..10).map(|i| who(i, "Data", entity(i))).collect());
    company.sync_all(&config);
    assert_eq!(
        (company.members("Data").len(), company.members("Nine").len()),
        (10, 9)
    );
    // Five of ten are as many as may go; five of nine are too many.
    for index in 0..5 {
        company.people[index] = who(index, "Sales", "Other");
    }
    let classes = held(&company, &config);
    let shown: Vec<_> = classes
        .iter()
        .map(|held| {
            (
                held.group.as_deref(),
                held.count,
                held.limit.rule.as_str(),
                held.limit.value,
            )
        })
        .collect();
    assert_eq!(shown, [(Some("Nine"), 5, "percent", 50)]);
    let approved = company.sync(&config);
    assert_eq!(
        (company.members("Data").len(), company.members("Nine").len()),
        (5, 9)
    );
    assert_eq!(
        PersonRow::planned(&approved.people()[0]).outcome,
        Outcome::Held
    );
    // The next run holds just these, under the same digest; approved, they go.
    assert_eq!(held(&company, &config), classes);
    company.sync_all(&config);
    assert_eq!(company.members("Nine").len(), 4);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn a_new_rule_for_many_counts_as_updates_and_holds_no_hire() {
    let mut company = Company::of(
        (0..60)
            .map(|i| person(&format!("w{i}"), "Ana", &format!("N{i}"), &json!({})))
            .collect(),
    );
    company.sync(&config(""));
    company
        .people
        .push(person("x", "New", "Joiner", &json!({})));
    let everyone = config("[[group]]\nname = \"Everyone\"\nwhen = {}\ncreate = true\n");
    let classes = held(&company, &everyone);
    assert_eq!((classes[0].class, classes[0].count), (Class::Update, 60));
    company.sync(&everyone);
    assert_eq!(company.members("Everyone"), ["new-x"]);
}

#[test]
fn managers_are_matched_by_worker_id_or_work_email() {
    let reports_to = |manager: &str| json!({"direct_manager": {"id": manager}});
    let mut company = Company::of(vec![
        person("w1", "Ana", "Souza", &reports_to("w2")),
        person("w2", "Ben", "Okri", &reports_to("w3")),
        person("w3", "Eve", "Lund", &json!({})),
    ]);
    let rule = |manager: &str| {
        config(&format!(
            "[[group]]\nname = \"Team\"\nwhen = {{ manager = [\"{manager}\"] }}\ncreate = true\n"
        ))
    };
    company.sync(&rule("W2"));
    assert_eq!(company.members("Team"), ["new-w1"]);
    let by_email = rule("Ben.Okri@corp.example");
    assert_eq!(company.plan(&by_email).people, Vec::new());
    // Alone, nobody knows who the manager is: that is no reason to leave.
    let mut snapshot = company.snapshot(&by_email);
    snapshot.scope = Scope::People;
    snapshot.sources[0]
        .workers
        .retain(|worker| worker.id.as_str() == "w1");
    let plan = crate::plan(&snapshot, &by_email, super::company::now());
    insta::assert_snapshot!(text(&plan), @"");
    company.people[0] = person("w1", "Ana", "Souza", &reports_to("w3"));
    insta::assert_snapshot!(text(&company.plan(&by_email)), @r#"w1: group_remove "Team" → null"#);
}

#[test]
fn a_profile_that_takes_over_a_user_takes_over_what_rules_gave_it() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    company.people = vec![person("w9", "Ana", "Souza", &in_department("Data"))];
    company.sync_all(&config);
    company
        .links
        .retain(|link| link.key.worker_id.as_str() == "w9");
    assert_eq!(company.links[0].groups.len(), 1);
    company.people = vec![person("w9", "Ana", "Souza", &in_department("Sales"))];
    company.sync(&config);
    assert!(company.members("Data").is_empty());
}

#[test]
fn somebody_suspended_by_hand_belongs_to_the_groups_as_before() {
    let config = config(DATA);
    let mut company = Company::of(vec![ana("Data")]);
    company.sync(&config);
    company.users[0].recorded_state = Some(UserState::Suspended);
    insta::assert_snapshot!(text(&company.plan(&config)), @"warning: suspended_elsewhere");
}

/// People of a few departments with their users, some of them in a group by hand, and what HR says of them later.
fn companies() -> impl Strategy<Value = (Company, Vec<(u8, u8)>)> {
    let departments = || prop::collection::vec((0..3_u8, 0..5_u8), 1..8);
    let by_hand = prop::collection::vec(0..8_u8, 0..4);
    (departments(), departments(), by_hand).prop_map(|(before, after, by_hand)| {
        let mut company = Company::of(people(&before));
        company.sync(&config(""));
        let members = by_hand.iter().map(|index| format!("new-w{index}"));
        let members = members.filter(|id| company.users.iter().any(|user| user.id.as_str() == id));
        let members = members.map(|id| id.as_str().into()).collect();
        company.groups = vec![(group("D0", "STATIC"), members)];
        (company, after)
    })
}

/// Each in a department, and one of five gone.
fn people(of: &[(u8, u8)]) -> Vec<Value> {
    let people = of.iter().enumerate().map(|(index, (department, kind))| {
        let (id, name) = (format!("w{index}"), format!("N{index}"));
        if *kind == 0 {
            leaver(&id, "Ana", &name)
        } else {
            person(&id, "Ana", &name, &in_department(&format!("D{department}")))
        }
    });
    people.collect()
}

fn rules() -> Config {
    let rule = |of: &str| {
        format!("[[group]]\nname = \"{of}\"\nwhen = {{ department = [\"{of}\"] }}\ncreate = true\n")
    };
    config(&["D0", "D1"].map(rule).concat())
}

proptest! {
    #[test]
    fn applying_a_plan_makes_the_next_one_empty((mut company, after) in companies()) {
        let config = rules();
        let by_hand = company.groups[0].1.clone();
        for people in [company.people.clone(), people(&after)] {
            company.people = people;
            company.sync_all(&config);
            let next = company.plan(&config);
            for person in next.people.iter().filter(|person| person.skipped.is_none()) {
                let is_idle = person.changes.is_empty() && person.forgets.is_empty();
                prop_assert!(is_idle, "{:#?}", person);
            }
            // Nobody who was put there by hand is lost.
            prop_assert!(company.groups[0].1.is_superset(&by_hand));
        }
    }

    #[test]
    fn the_order_of_people_does_not_matter((mut company, after) in companies()) {
        let config = rules();
        company.sync_all(&config);
        company.people = people(&after);
        let plan = company.plan(&config);
        company.people.reverse();
        company.links.reverse();
        company.groups.reverse();
        prop_assert_eq!(plan.people, company.plan(&config).people);
    }
}

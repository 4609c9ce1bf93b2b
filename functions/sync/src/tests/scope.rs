//! Whom a source is for, and what becomes of those whom it is not for any more.

use mapping::{Class, UserState};
use serde_json::{Value, json};

use super::company::{Company, config_of, leaver, person, user};
use crate::plan::{PersonPlan, Plan};
use crate::{Approvals, Scope};

const NO_SALES: &str = "exclude = { departments = [\"sales\"] }";
const ONLY_DATA: &str = "include = { departments = [\"data\"] }";

fn ana(department: &Value) -> Value {
    let fields = json!({"department": {"name": department}});
    person("w1", "Ana", "Souza", &fields)
}

/// A source of these lines, and somebody with an account in the department Data.
fn employed(lines: &str) -> (config::Config, Company) {
    let config = config_of("", &[("deel", lines)]);
    let mut company = Company::of(vec![ana(&json!("Data"))]);
    company.sync(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Activated);
    (config, company)
}

fn only(plan: &Plan) -> &PersonPlan {
    let [person] = plan.people.as_slice() else {
        panic!("{:#?}", plan.people);
    };
    person
}

#[test]
fn nobody_outside_the_scope_gets_an_account_and_each_is_counted() {
    for lines in [NO_SALES, ONLY_DATA] {
        let config = config_of("", &[("deel", lines)]);
        let outside = [ana(&json!("Sales")), leaver("w2", "Ben", "Okri")];
        let mut company = Company::of(outside.into());
        company.people[1]["department"] = json!({"name": "Sales"});
        // What HR says of them is of no interest, nor are users that look like theirs.
        company.people[0]["timezone"] = json!("Mars/Olympus");
        company.users = vec![user("u2", &json!({"employeeIdentifier": "w2"}))];
        let plan = company.plan(&config);
        assert_eq!((plan.people.len(), plan.unchanged), (0, 0), "{lines}");
        assert_eq!((plan.out_of_scope, plan.warnings.len()), (2, 0), "{lines}");
    }
}

#[test]
fn somebody_who_is_asked_for_is_told_what_decided() {
    let config = config_of("", &[("deel", NO_SALES)]);
    let company = Company::of(vec![ana(&json!("Sales"))]);
    let mut snapshot = company.snapshot(&config);
    snapshot.scope = Scope::People;
    let plan = crate::plan(&snapshot, &config, company.now);
    let reason = only(&plan).skipped.as_ref().unwrap();
    assert_eq!(reason.code, "out_of_scope");
    assert_eq!(
        reason.text,
        "`exclude.departments` names the department `Sales`"
    );
}

#[test]
fn a_later_source_may_have_whom_an_earlier_one_is_not_for() {
    let config = config_of("", &[("deel", NO_SALES), ("other", "")]);
    let mut company = Company::of(vec![ana(&json!("Sales"))]);
    company.elsewhere = vec![person("h1", "Ana", "Souza", &json!({}))];
    company.sync(&config);
    assert_eq!(company.user_of("h1").state(), UserState::Activated);
    assert_eq!(company.users.len(), 1);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn whoever_falls_out_of_scope_is_held_suspended_or_left_alone_and_nothing_else_is_written() {
    for (setting, passes, remains) in [
        ("hold", UserState::Activated, 1),
        ("suspend", UserState::Suspended, 0),
        ("ignore", UserState::Activated, 0),
    ] {
        let (config, mut company) = employed(&format!("{NO_SALES}\nout_of_scope = \"{setting}\""));
        company.people = vec![ana(&json!("Sales"))];
        company.people[0]["job_title"] = json!("Seller");
        let (approved, held, _) = company.plan(&config).judge(&config, &Approvals::default());
        assert_eq!(held.classes.len(), remains, "{setting}");
        company.apply(&approved);
        let user = company.user_of("w1");
        assert_eq!((user.state(), &*user.job_title), (passes, "Engineer"));
        assert_eq!(company.plan(&config).people.len(), remains, "{setting}");

        company.people = vec![ana(&json!("Data"))];
        company.people[0]["job_title"] = json!("Lead");
        company.sync(&config);
        let user = company.user_of("w1");
        assert_eq!(
            (user.state(), &*user.job_title),
            (UserState::Activated, "Lead")
        );
        assert_eq!(company.plan(&config).people, Vec::new(), "{setting}");
    }
}

#[test]
fn an_approved_suspension_is_undone_once_the_person_is_in_scope_again() {
    let (config, mut company) = employed(NO_SALES);
    company.people = vec![ana(&json!("Sales"))];
    company.sync_all(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
    assert_eq!(company.plan(&config).people, Vec::new());
    company.people = vec![ana(&json!("Data"))];
    assert!(only(&company.plan(&config)).has(Class::Reactivate));
}

#[test]
fn a_suspension_that_an_admin_undid_is_not_ours_any_more() {
    let (config, mut company) = employed(NO_SALES);
    company.people = vec![ana(&json!("Sales"))];
    company.sync_all(&config);
    company.users[0].recorded_state = Some(UserState::Activated);
    company.sync(&config);
    company.users[0].recorded_state = Some(UserState::Suspended);
    company.people = vec![ana(&json!("Data"))];
    company.sync(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
}

#[test]
fn a_leaver_out_of_scope_is_suspended_as_a_leaver() {
    for setting in ["hold", "ignore"] {
        let (config, mut company) = employed(&format!("{NO_SALES}\nout_of_scope = \"{setting}\""));
        company.people = vec![leaver("w1", "Ana", "Souza")];
        company.people[0]["department"] = json!({"name": "Sales"});
        assert!(
            only(&company.plan(&config)).has(Class::Suspend),
            "{setting}"
        );
        company.sync(&config);
        assert_eq!(company.user_of("w1").state(), UserState::Suspended);
        assert_eq!(company.plan(&config).people, Vec::new());
    }
}

#[test]
fn unknown_means_unchanged_for_whom_we_know_and_no_account_for_others() {
    let (config, mut company) = employed(ONLY_DATA);
    company.people = vec![ana(&json!(null))];
    company.people[0]["job_title"] = json!("Seller");
    let newcomer = json!({"department": null});
    company.people.push(person("w2", "Ben", "Okri", &newcomer));
    let plan = company.plan(&config);
    assert_eq!((plan.people.len(), plan.out_of_scope), (0, 1));
    let [warning] = plan.warnings.as_slice() else {
        panic!("{:#?}", plan.warnings);
    };
    assert_eq!(warning.code, "status_unclear");
}

#[test]
fn nobody_falls_out_of_scope_on_a_source_that_was_not_read_whole() {
    let (config, mut company) = employed(&format!("{NO_SALES}\nout_of_scope = \"suspend\""));
    company.people = vec![ana(&json!("Sales"))];
    company.incomplete = Some("a page failed".to_owned());
    let plan = company.plan(&config);
    let skipped = only(&plan).skipped.as_ref().unwrap();
    assert_eq!(skipped.code, "source_incomplete");
}

#[test]
fn a_profile_that_goes_on_out_of_scope_leaves_the_account_to_an_admin() {
    let (config, mut company) = employed(NO_SALES);
    let mut other = ana(&json!("Sales"));
    other["id"] = json!("w9");
    company.people = vec![other];
    let plan = company.plan(&config);
    assert_eq!((plan.people.len(), plan.out_of_scope), (0, 1));
    assert_eq!(plan.warnings[0].code, "profile_replaced");
}

#[test]
fn scope_suspensions_are_held_by_their_own_limit_and_by_a_source_that_shrinks() {
    let lines = format!("{NO_SALES}\nout_of_scope = \"suspend\"");
    for (limits, listed_before, rule) in [
        ("", 3, None),
        ("[limits]\nout_of_scope = { max = 1 }", 3, Some("max")),
        ("", 30, Some("shrink")),
    ] {
        let config = config_of(limits, &[("deel", &lines)]);
        let names = [("w1", "Ana"), ("w2", "Ben"), ("w3", "Eve")];
        let hire = |(id, first)| person(id, first, "Souza", &json!({}));
        let mut company = Company::of(names.map(hire).into());
        company.sync(&config);
        for person in &mut company.people {
            person["department"] = json!({"name": "Sales"});
        }
        company.listed_before = Some(listed_before);
        let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
        let held = held.classes.first();
        assert_eq!(held.map(|held| held.limit.rule.as_str()), rule);
        assert!(held.is_none_or(|held| held.class == Class::OutOfScope));
    }
}

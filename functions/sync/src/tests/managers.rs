//! Whose user is whose manager where no list of the own source says so.

use serde_json::{Value, json};

use super::company::{Company, config, config_of, leaver, person, user};
use crate::plan::Plan;

const LEE: &str = "lee.park@corp.example";

/// Somebody whose manager is this one, as Deel shows a manager.
fn ana(manager: &Value) -> Value {
    let fields = json!({ "direct_manager": manager });
    person("w1", "Ana", "Souza", &fields)
}

fn is_settled(plan: &Plan) -> bool {
    plan.people.is_empty()
}

#[test]
fn a_manager_whom_no_source_lists_is_the_one_user_with_exactly_that_email() {
    let config = config("");
    let named = |email: &str| json!({"id": "elsewhere", "work_email": email});
    for (manager, users, expected) in [
        (named("Lee.Park@corp.example"), vec![LEE], "u0"),
        (
            json!({"work_email": LEE}),
            vec![LEE, "other@corp.example"],
            "u0",
        ),
        (named("lee@corp.example"), vec![LEE], ""),
        (named(LEE), vec![LEE, "LEE.PARK@corp.example"], ""),
        (json!({"id": "elsewhere"}), vec![LEE], ""),
        // Nobody is their own manager.
        (named("ana.souza@corp.example"), vec![], ""),
    ] {
        let mut company = Company::of(vec![ana(&manager)]);
        let user = |(index, email)| user(&format!("u{index}"), &json!({ "email": email }));
        company.users = users.into_iter().enumerate().map(user).collect();
        company.sync(&config);
        assert_eq!(company.user_of("w1").manager, expected, "{manager}");
        assert!(is_settled_but_for_circles(&company.plan(&config)));
    }
}

fn is_settled_but_for_circles(plan: &Plan) -> bool {
    is_settled(plan)
        && plan
            .warnings
            .iter()
            .all(|warning| warning.code == "manager_circle")
}

#[test]
fn a_manager_of_another_source_gets_a_user_in_the_same_run() {
    let config = config_of("", &[("deel", ""), ("other", "")]);
    let mut company = Company::of(vec![ana(&json!({"id": "unknown", "work_email": LEE}))]);
    company.elsewhere = vec![person("h1", "Lee", "Park", &json!({}))];
    company.sync(&config);
    assert_eq!(company.user_of("w1").manager, company.user_of("h1").id.0);
    assert!(is_settled(&company.plan(&config)));
}

#[test]
fn a_manager_of_another_source_who_also_waits_for_one_is_told_from_a_circle() {
    let config = config_of("", &[("deel", ""), ("other", "")]);
    let back = json!({"direct_manager": {"work_email": "ana.souza@corp.example"}});
    let mut company = Company::of(vec![ana(&json!({ "work_email": LEE }))]);
    company.elsewhere = vec![person("h1", "Lee", "Park", &back)];
    company.sync(&config);
    let plan = company.plan(&config);
    assert!(is_settled_but_for_circles(&plan));
    assert_eq!(plan.warnings.len(), 2);
}

#[test]
fn a_manager_whom_the_source_has_left_out_is_found_by_email_and_one_who_left_is_not() {
    let config = config_of("", &[("deel", "exclude = { departments = [\"Board\"] }")]);
    let board = json!({"department": {"name": "Board"}});
    for (manager, expected) in [
        (person("w2", "Lee", "Park", &board), "u1"),
        (leaver("w2", "Lee", "Park"), ""),
    ] {
        let mut company = Company::of(vec![ana(&json!({"id": "w2"})), manager]);
        company.users = vec![user("u1", &json!({ "email": LEE }))];
        company.sync(&config);
        assert_eq!(company.user_of("w1").manager, expected);
        assert!(is_settled(&company.plan(&config)));
    }
}

#[test]
fn a_manager_whom_a_list_leaves_out_once_is_not_taken_for_somebody_else() {
    let config = config("");
    let manager = json!({"id": "w2", "work_email": LEE});
    let lee = person("w2", "Lee", "Park", &json!({}));
    let mut company = Company::of(vec![ana(&manager), lee]);
    company.sync(&config);
    let before = company.user_of("w1").manager.clone();
    let other = user("other", &json!({ "email": LEE }));
    for user in &mut company.users {
        user.email = user.email.replace("lee.park", "lee").into();
    }
    company.users.push(other);
    company.people.pop();
    company.incomplete = Some("a page failed".to_owned());
    assert!(is_settled(&company.plan(&config)));
    assert_eq!(company.user_of("w1").manager, before);
}

#[test]
fn a_manager_is_looked_for_until_there_is_a_user() {
    let config = config("");
    let mailless = json!({"emails": []});
    let lee = |fields: &Value| person("w2", "Lee", "Park", fields);
    let mut company = Company::of(vec![ana(&json!({"id": "w2"})), lee(&mailless)]);
    company.sync(&config);
    assert_eq!(company.user_of("w1").manager, "");
    company.people[1] = lee(&json!({}));
    company.sync(&config);
    assert_eq!(company.user_of("w1").manager, company.user_of("w2").id.0);
    assert!(is_settled(&company.plan(&config)));
}

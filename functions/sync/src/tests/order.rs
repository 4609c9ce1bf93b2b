//! Who comes first where time may end.

use serde_json::{Value, json};

use super::company::{Company, config, leaver, person};
use crate::order::waves;
use crate::plan::Plan;

fn reporting_to(id: &str, manager: &str) -> Value {
    let fields = json!({"direct_manager": {"id": manager}});
    person(id, "Kim", &id.to_uppercase(), &fields)
}

/// The ids of the people, wave after wave.
fn order(plan: &Plan) -> Vec<Vec<&str>> {
    let id = |index: usize| plan.people[index].key.worker_id.as_str();
    let waves = waves(&plan.people).into_iter();
    waves
        .map(|wave| wave.into_iter().map(id).collect())
        .collect()
}

#[test]
fn leavers_come_first_and_managers_before_those_who_report_to_them() {
    let config = config("");
    let mut company = Company::of(vec![
        person("w3", "Lou", "Leaver", &json!({})),
        person("w6", "Max", "Mover", &json!({})),
        person("w9", "Liv", "Leaver", &json!({})),
    ]);
    company.sync(&config);
    company.people = vec![
        reporting_to("w1", "w2"),
        reporting_to("w2", "w5"),
        leaver("w3", "Lou", "Leaver"),
        reporting_to("w4", "w6"),
        person("w5", "Top", "Manager", &json!({})),
        person("w6", "Max", "Mover", &json!({"job_title": "Lead"})),
        leaver("w9", "Liv", "Leaver"),
    ];
    let plan = company.plan(&config);
    assert_eq!(
        order(&plan),
        [
            vec!["w3", "w9"],
            vec!["w4", "w5", "w6"],
            vec!["w2"],
            vec!["w1"]
        ]
    );
}

#[test]
fn nobody_is_left_out_or_comes_twice() {
    let config = config("");
    // A circle, somebody below it, and somebody alone.
    let company = Company::of(vec![
        reporting_to("w1", "w2"),
        reporting_to("w2", "w1"),
        reporting_to("w3", "w1"),
        person("w4", "Ann", "Alone", &json!({})),
    ]);
    let plan = company.plan(&config);
    let mut everyone: Vec<usize> = waves(&plan.people).concat();
    everyone.sort_unstable();
    assert_eq!(everyone, [0, 1, 2, 3]);
    assert_eq!(waves(&[]).len(), 0);
}

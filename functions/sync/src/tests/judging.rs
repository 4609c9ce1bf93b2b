//! Limits hold a class, approvals pass just what was shown.

use mapping::Class;
use serde_json::json;

use super::company::{Company, config, leaver, person};
use crate::Approvals;
use crate::report::{Outcome, PersonRow, Report, RunStatus};
use crate::request::Mode;

/// `count` people, of whom the first `leavers` left after the first sync, and one joins.
fn leaving(count: usize, leavers: usize) -> Company {
    let config = config("");
    let id = |index: usize| format!("w{index:04}");
    let name = |index: usize| format!("N{index}");
    let mut company = Company::of(
        (0..count)
            .map(|i| person(&id(i), "Ana", &name(i), &json!({})))
            .collect(),
    );
    company.sync(&config);
    company.listed_before = Some(count as u64);
    for index in 0..leavers {
        company.people[index] = leaver(&id(index), "Ana", &name(index));
    }
    company
        .people
        .push(person("x", "New", "Joiner", &json!({})));
    company
}

#[test]
fn too_many_suspensions_are_held_and_joiners_go_on() {
    let config = config("");
    for (leavers, is_held) in [(0, false), (3, false), (5, false), (6, true), (40, true)] {
        let (approved, held, _) = leaving(100, leavers)
            .plan(&config)
            .judge(&config, &Approvals::default());
        assert_eq!(!held.classes.is_empty(), is_held, "{leavers}");
        let applied = |class| {
            approved
                .people()
                .iter()
                .filter(|person| person.plan.has(class))
                .count()
        };
        assert_eq!(applied(Class::Suspend), if is_held { 0 } else { leavers });
        assert_eq!(applied(Class::Create), 1);
        for held in &held.classes {
            assert_eq!(
                (held.class, held.count, held.limit.rule.as_str()),
                (Class::Suspend, leavers, "percent")
            );
        }
    }
}

#[test]
fn suspensions_of_the_last_day_count_too() {
    let config = config("");
    let mut company = leaving(100, 4);
    company.sync(&config);
    for index in 4..7 {
        company.people[index] = leaver(&format!("w{index:04}"), "Ana", &format!("N{index}"));
    }
    let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    assert_eq!(held.classes[0].count, 3);
    assert_eq!(held.classes[0].class, Class::Suspend);
}

#[test]
fn suspensions_that_were_cut_off_count_once() {
    let config = config("");
    let mut company = leaving(100, 4);
    for link in &mut company.links[..4] {
        link.suspension = Some(state::Suspension {
            at: super::company::now(),
            class: Class::Suspend,
            holds: true,
            ahead_of: None,
            was_staged: false,
        });
    }
    let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    assert_eq!(held.classes, Vec::new());
}

#[test]
fn approval_passes_what_was_shown_and_nothing_else() {
    let config = config("");
    let mut company = leaving(100, 10);
    let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    let shown = held.covers.values().flatten().copied().collect();
    let approvals = Approvals(shown);
    // Since then one more left, and one of those shown came back.
    company.people[10] = leaver("w0010", "Ana", "N10");
    company.people[0] = person("w0000", "Ana", "N0", &json!({}));
    let (approved, held, warnings) = company.plan(&config).judge(&config, &approvals);
    let suspended: Vec<&str> = approved
        .people()
        .iter()
        .filter(|person| person.plan.has(Class::Suspend))
        .map(|person| person.plan.key.worker_id.as_str())
        .collect();
    assert_eq!(suspended.len(), 9);
    assert!(!suspended.contains(&"w0010") && !suspended.contains(&"w0000"));
    assert_eq!(held.classes[0].count, 1);
    assert_eq!(warnings[0].code, "approval_vanished");
}

#[test]
fn a_source_that_shrinks_suspends_nobody() {
    let config = config("");
    let mut company = leaving(100, 2);
    company.people.truncate(80);
    let (approved, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    assert!(
        approved
            .people()
            .iter()
            .all(|person| !person.plan.has(Class::Suspend))
    );
    assert_eq!(held.classes[0].limit.rule, "shrink");
    assert_eq!(held.classes[0].limit.value, 20);
}

#[test]
fn a_held_rename_does_not_hold_the_new_title() {
    let config = config("[limits]\nrename = { max = 0 }");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people[0]["job_title"] = json!("Lead");
    company.people[0]["emails"][0]["value"] = json!("ana.lima@corp.example");
    let (approved, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    let ana = &approved.people()[0];
    assert_eq!(ana.plan.changes.len(), 1);
    assert_eq!(ana.plan.changes[0].attribute, "jobTitle");
    assert_eq!(held.classes[0].class, Class::Rename);
    assert_eq!(PersonRow::planned(ana).outcome, Outcome::Held);
}

#[test]
fn emptied_attributes_are_counted_one_by_one() {
    let text = "[jumpcloud]\napi_key = \"env:JC\"\n[[source]]\nname = \"deel\"\nkind = \"deel\"\napi_key = \"env:D\"\n\
                [source.attributes]\njobTitle = { blank = \"clear\" }\ndepartment = { blank = \"clear\" }\n";
    let config = config::Config::parse(text).unwrap();
    let people = |title: &str| {
        (0..20)
            .map(|i| {
                person(
                    &format!("w{i}"),
                    "Ana",
                    &format!("N{i}"),
                    &json!({"job_title": title}),
                )
            })
            .collect()
    };
    let mut company = Company::of(people("Engineer"));
    company.sync(&config);
    company.people = people("");
    let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    assert_eq!(
        (held.classes[0].class, held.classes[0].count),
        (Class::Blank, 20)
    );
    for index in 5..20 {
        company.people[index]["job_title"] = json!("Engineer");
        company.people[index - 5]["department"] = json!(null);
    }
    company.people[15..]
        .iter_mut()
        .for_each(|person| person["department"] = json!({"name": "Data"}));
    company.people[5..15]
        .iter_mut()
        .for_each(|person| person["department"] = json!({"name": "Data"}));
    let (_, held, _) = company.plan(&config).judge(&config, &Approvals::default());
    assert_eq!(
        held.classes,
        Vec::new(),
        "five titles and five departments are each within the limit"
    );
}

#[test]
fn the_first_status_that_applies_is_taken() {
    let counts = |outcome: Option<Outcome>| {
        let mut counts = Report::tally(&[], 3, 0);
        if let Some(outcome) = outcome {
            counts.insert(outcome, 1);
        }
        counts
    };
    let status = |outcome, mode| Report::status_of(&counts(outcome), &[], mode);
    assert_eq!(
        status(Some(Outcome::Failed), Mode::Apply),
        RunStatus::Failed
    );
    assert_eq!(
        status(Some(Outcome::NotReached), Mode::Apply),
        RunStatus::Unfinished
    );
    assert_eq!(status(None, Mode::Apply), RunStatus::Applied);
    assert_eq!(status(None, Mode::Plan), RunStatus::Planned);
}

#[test]
fn a_digest_is_over_the_change_as_the_report_shows_it() {
    use sha2::{Digest, Sha256};
    let company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    let plan = company.plan(&config(""));
    let ana = &plan.people[0];
    for change in &ana.changes {
        let shown = json!([
            "deel",
            "w1",
            null,
            change.class,
            change.attribute,
            change.from,
            change.to
        ]);
        let expected: [u8; 32] = Sha256::digest(shown.to_string()).into();
        assert_eq!(ana.digest(change).0, expected);
    }
}

//! What is planned, person by person, and what holds for every company.

use mapping::{AdoptBy, Attribute, Class, UserState, WorkerKey};
use proptest::prelude::*;
use serde_json::{Value, json};
use state::Link;

use super::company::{Company, config, config_of, leaver, person, user};
use crate::plan::{Note, PersonPlan, Plan};

fn of<'a>(plan: &'a Plan, worker_id: &str) -> &'a PersonPlan {
    let found = plan
        .people
        .iter()
        .find(|person| person.key.worker_id.as_str() == worker_id);
    found.unwrap_or_else(|| panic!("{worker_id} is not in the plan"))
}

fn code<'a>(plan: &'a Plan, worker_id: &str) -> Option<&'a str> {
    of(plan, worker_id)
        .skipped
        .as_ref()
        .map(|reason| reason.code.as_str())
}

/// The plan as text, one line for each change.
fn text(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for person in &plan.people {
        let who = format!("{} {}", person.key.worker_id, person.username);
        lines.extend(
            person
                .skipped
                .iter()
                .map(|reason| format!("{who}: skipped, {}", reason.code)),
        );
        lines.extend(person.changes.iter().map(|change| {
            format!(
                "{who}: {} {}: {} → {}",
                change.class, change.attribute, change.from, change.to
            )
        }));
    }
    lines.extend(
        plan.warnings
            .iter()
            .map(|warning| format!("warning: {}", warning.code)),
    );
    lines.join("\n")
}

#[test]
fn a_joiner_is_created_staged_then_activated_and_invited() {
    let company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    insta::assert_snapshot!(text(&company.plan(&config(""))), @r#"
    w1 ana.souza: create username: null → "ana.souza"
    w1 ana.souza: create email: null → "ana.souza@corp.example"
    w1 ana.souza: create firstname: null → "Ana"
    w1 ana.souza: create lastname: null → "Souza"
    w1 ana.souza: create displayname: null → "Ana Souza"
    w1 ana.souza: create jobTitle: null → "Engineer"
    w1 ana.souza: create department: null → "Data"
    w1 ana.souza: create employeeIdentifier: null → "w1"
    w1 ana.souza: create alternateEmail: null → "w1@mail.example"
    w1 ana.souza: create state: null → "STAGED"
    w1 ana.souza: activate state: "STAGED" → "ACTIVATED"
    w1 ana.souza: activate invitation: null → "w1@mail.example"
    "#);
}

#[test]
fn a_mover_and_a_leaver_change_only_what_differs() {
    let config = config("");
    let mut company = Company::of(vec![
        person("w1", "Ana", "Souza", &json!({})),
        person("w2", "Ben", "Okri", &json!({})),
    ]);
    company.sync(&config);
    company.people[0]["job_title"] = json!("Lead");
    company.people[0]["emails"][0]["value"] = json!("ana.lima@corp.example");
    company.people[0]["last_name"] = json!("Lima");
    company.people[1] = leaver("w2", "Ben", "Okri");
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"
    w1 ana.souza: rename email: "ana.souza@corp.example" → "ana.lima@corp.example"
    w1 ana.souza: update lastname: "Souza" → "Lima"
    w1 ana.souza: update jobTitle: "Engineer" → "Lead"
    w2 ben.okri: suspend state: "ACTIVATED" → "SUSPENDED"
    "#);
}

#[test]
fn only_what_we_suspended_is_reactivated() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.users[0].recorded_state = Some(UserState::Suspended);
    let by_hand = company.plan(&config);
    insta::assert_snapshot!(text(&by_hand), @"warning: suspended_elsewhere");

    let mut rehire = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    rehire.sync(&config);
    rehire.people = vec![leaver("w1", "Ana", "Souza")];
    rehire.sync(&config);
    assert_eq!(rehire.user_of("w1").state(), UserState::Suspended);
    rehire.people = vec![person("w1", "Ana", "Souza", &json!({}))];
    assert!(of(&rehire.plan(&config), "w1").has(Class::Reactivate));
    // An admin let her back in: the suspension is no longer ours, and the next one by hand will not be undone.
    rehire.users[0].recorded_state = Some(UserState::Activated);
    assert_eq!(
        of(&rehire.plan(&config), "w1").note,
        Note::Settled { undone: true }
    );
}

#[test]
fn somebody_suspended_ahead_of_the_last_day_stays_so_until_hr_changes_that_day() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    let leaving = |day: &str| {
        let contracts = json!([{"start_date": "2024-01-01", "termination_last_day": day}]);
        person("w1", "Ana", "Souza", &json!({"employments": contracts}))
    };
    let leave_now = |company: &Company| {
        let mut snapshot = company.snapshot(&config);
        snapshot.scope = crate::Scope::LeaveNow;
        crate::plan(&snapshot, &config, super::company::now())
    };
    assert_eq!(code(&leave_now(&company), "w1"), Some("not_leaving"));
    company.people = vec![leaving("2026-06-30")];
    // What else the source could not be read for says nothing about this record.
    company.incomplete = Some("`companies` may not be read".to_owned());
    assert!(of(&leave_now(&company), "w1").has(Class::Suspend));
    company.incomplete = None;
    let (approved, _, _) = leave_now(&company).judge(&config, &crate::Approvals::default());
    company.apply(&approved);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
    assert_eq!(company.plan(&config).people, Vec::new());
    // It was cut off, or an admin undid it: it is asked for still.
    company.users[0].recorded_state = Some(UserState::Activated);
    company.sync(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
    assert_eq!(company.plan(&config).people, Vec::new());
    company.people = vec![leaving("2026-07-31")];
    assert!(of(&company.plan(&config), "w1").has(Class::Reactivate));
}

#[test]
fn a_settled_link_of_a_suspended_leaver_stays_ours() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people = vec![leaver("w1", "Ana", "Souza")];
    company.sync(&config);
    company.links[0].pending = Some("killed".into());
    assert_eq!(
        of(&company.plan(&config), "w1").note,
        Note::Settled { undone: false }
    );
}

#[test]
fn rivals_for_an_email_or_a_user_are_told_apart_or_left_alone() {
    let config = config("");
    let same = json!({"emails": [{"type": "work", "value": "team@corp.example"}]});
    let mut company = Company::of(vec![
        person("w1", "Ana", "Souza", &same),
        person("w2", "Ben", "Okri", &same),
    ]);
    let plan = company.plan(&config);
    assert_eq!(
        (code(&plan, "w1"), code(&plan, "w2")),
        (Some("duplicate_email"), Some("duplicate_email"))
    );
    // One of them has the account already: only the other is refused.
    company.people.pop();
    company.sync(&config);
    company.people.push(person("w2", "Ben", "Okri", &same));
    let plan = company.plan(&config);
    assert_eq!(plan.people.len(), 1);
    assert_eq!(code(&plan, "w2"), Some("duplicate_email"));

    let mut claimed = Company::of(vec![
        person("w1", "Ana", "Souza", &json!({})),
        person(
            "w2",
            "Ben",
            "Okri",
            &json!({"emails": [{"type": "work", "value": "u1@corp.example"}]}),
        ),
    ]);
    claimed.users = vec![user("u1", &json!({"employeeIdentifier": "w1"}))];
    let plan = claimed.plan(&config);
    assert_eq!(
        (code(&plan, "w1"), code(&plan, "w2")),
        (Some("claimed_twice"), Some("claimed_twice"))
    );
}

#[test]
fn adoption_by_email_is_refused_where_it_would_be_a_way_in() {
    let config = config("[protect]\nusernames = [\"break.glass\"]");
    for (fields, expected) in [
        (json!({}), None),
        (
            json!({"state": "SUSPENDED", "suspended": true}),
            Some("adoption_refused"),
        ),
        (json!({"sudo": true}), Some("adoption_refused")),
        (json!({"ldap_binding_user": true}), Some("adoption_refused")),
        (
            json!({"samba_service_user": true}),
            Some("adoption_refused"),
        ),
        (
            json!({"employeeIdentifier": "other"}),
            Some("adoption_refused"),
        ),
        (json!({"admin": {"id": "a1"}}), Some("protected")),
        (json!({"username": "Break.Glass"}), Some("protected")),
    ] {
        let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
        let mut fields = fields;
        fields["email"] = json!("Ana.Souza@corp.example");
        company.users = vec![user("u1", &fields)];
        let plan = company.plan(&config);
        assert_eq!(code(&plan, "w1"), expected, "{fields}");
        assert_eq!(
            of(&plan, "w1").has(Class::Adopt),
            expected.is_none(),
            "{fields}"
        );
    }
}

#[test]
fn adoption_writes_no_name_and_no_address_and_the_next_run_does_not_either() {
    let config = config("");
    for by in [
        json!({"employeeIdentifier": "w1"}),
        json!({"email": "ana.souza@corp.example"}),
    ] {
        let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
        company.users = vec![user("asouza", &by)];
        let before = company.users[0].clone();
        company.sync_all(&config);
        let after = company.user_of("w1").clone();
        assert_eq!(
            (&after.username, &after.email),
            (&before.username, &before.email)
        );
        assert_eq!(after.alternate_email, before.alternate_email);
        assert_eq!(after.job_title, "Engineer");
        assert_eq!(company.plan(&config).people, Vec::new(), "{by}");
        // HR changes its mind after the adoption: that is an ordinary change.
        company.people[0]["emails"][1]["value"] = json!("new@mail.example");
        let plan = company.plan(&config);
        assert_eq!(of(&plan, "w1").changes[0].to, json!("new@mail.example"));
    }
}

#[test]
fn a_leavers_user_is_taken_over_only_by_identifier_and_only_to_close_it() {
    let config = config("");
    let mut company = Company::of(vec![
        leaver("w1", "Ana", "Souza"),
        leaver("w2", "Ben", "Okri"),
    ]);
    company.users = vec![
        user("u1", &json!({"employeeIdentifier": "w1"})),
        user("u2", &json!({"email": "ben.okri@corp.example"})),
    ];
    insta::assert_snapshot!(text(&company.plan(&config)), @r#"
    w1 u1: suspend state: "ACTIVATED" → "SUSPENDED"
    warning: leaver_not_ours
    warning: adopted_by_identifier
    "#);
    company.users[0].recorded_state = Some(UserState::Suspended);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn an_unfinished_create_goes_on_under_its_name_and_never_twice() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    let made = company.users.clone();
    company.links[0].user_id = None;
    company.links[0].pending = Some("killed".into());
    // The create did arrive: the user is ours without any question.
    assert_eq!(
        of(&company.plan(&config), "w1").note,
        Note::Settled { undone: false }
    );
    // It did not: it is made under the same name.
    company.users.clear();
    assert_eq!(of(&company.plan(&config), "w1").username, "ana.souza");
    // The name now belongs to somebody else: then our create never was.
    company.users = vec![user("other", &json!({"username": "ana.souza"}))];
    assert_eq!(of(&company.plan(&config), "w1").username, "ana.souza1");
    company.users = made;
}

#[test]
fn a_change_that_arrived_before_its_run_was_cut_off_is_learnt_by_the_next_one() {
    let attributes =
        "[source.attributes]\njobTitle = { from = \"job_title\", update = \"on_change\" }";
    let config = config_of("", &[("deel", attributes)]);
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    let unaware = company.links.clone();
    company.people[0]["job_title"] = json!("Lead");
    company.people[0]["emails"][0]["value"] = json!("ana@corp.example");
    company.sync(&config);
    company.links = unaware;
    company.links[0].pending = Some("killed".into());

    company.sync(&config);

    assert_eq!(company.links[0].email, "ana@corp.example");
    assert_eq!(company.plan(&config).people, Vec::new());
    // What an admin does later stays, since HR did not change its mind.
    company.users[0].job_title = "Chief".into();
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn somebody_missing_is_counted_before_anything_is_done() {
    let config = config("");
    let mut company = Company::of(vec![
        person("w1", "Ana", "Souza", &json!({})),
        person("w2", "Ben", "Okri", &json!({})),
    ]);
    company.sync(&config);
    company.people.remove(0);
    assert_eq!(of(&company.plan(&config), "w1").note, Note::Missing);
    company.links.iter_mut().for_each(|link| {
        link.missing = Some(Box::new(state::Missing {
            runs: 1,
            since: super::company::now(),
            checked_at: None,
        }));
    });
    let plan = company.plan(&config);
    assert!(of(&plan, "w1").has(Class::Missing));
    assert_eq!(
        of(&plan, "w2").note,
        Note::Settled { undone: false },
        "listed again"
    );
    // An incomplete source says nothing about anybody who is not on it.
    company.incomplete = Some("a page failed".to_owned());
    assert!(
        company
            .plan(&config)
            .people
            .iter()
            .all(|person| person.key.worker_id.as_str() != "w1")
    );
}

#[test]
fn a_profile_merged_into_another_hands_its_user_over_once_approved() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    let before = company.users.clone();
    company.people = vec![person("w9", "Ana", "Souza", &json!({"job_title": "Lead"}))];
    let plan = company.plan(&config);
    assert_eq!(plan.people.len(), 1, "nobody is missing");
    assert_eq!(
        of(&plan, "w9")
            .replaces
            .as_ref()
            .unwrap()
            .key
            .worker_id
            .as_str(),
        "w1"
    );
    company.sync(&config);
    assert_eq!(company.users, before, "held until approved");
    company.sync_all(&config);
    assert_eq!(company.user_of("w9").job_title, "Lead");
    assert_eq!(company.user_of("w9").username, "ana.souza");
    // A run that died before it forgot the old profile: the next one does, and suspends nobody.
    let next = company.plan(&config);
    assert_eq!(of(&next, "w1").note, Note::Replaced);
    assert!(next.people.iter().all(|person| person.changes.is_empty()));
}

#[test]
fn an_account_goes_to_another_source_by_an_admins_hand_alone() {
    let config = config_of("", &[("deel", ""), ("other", "")]);
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people = vec![leaver("w1", "Ana", "Souza")];
    company.elsewhere = vec![person("h1", "Ana", "Souza", &json!({}))];
    company.sync(&config);
    assert_eq!(company.user_of("w1").state(), UserState::Suspended);
    assert_eq!(code(&company.plan(&config), "h1"), Some("email_held"));
    // What docs/mapping.md says.
    company.links.clear();
    company.users[0].employee_identifier = "h1".into();
    company.users[0].recorded_state = Some(UserState::Activated);
    company.sync(&config);
    assert_eq!(company.user_of("h1").state(), UserState::Activated);
    assert_eq!(company.plan(&config).people, Vec::new());
    assert_eq!(company.users.len(), 1);
}

/// Ana with an account under the employee id `C-1`, which HR gives beside its own id `w1`.
fn numbered(config: &config::Config) -> Company {
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(config);
    company.users[0].employee_identifier = "C-1".into();
    let mut written = company.links[0].written().unwrap();
    written.record(&Attribute::EmployeeIdentifier, json!("C-1"), json!("C-1"));
    company.links[0].set_written(&written).unwrap();
    company
}

#[test]
fn a_profile_merged_into_another_is_recognised_under_the_same_and_another_employee_id() {
    let config = config("");
    let mut company = numbered(&config);
    for (email, own, adopts) in [
        ("ana.souza@corp.example", "C-1", Some(AdoptBy::Email)),
        ("ana.souza@corp.example", "C-2", Some(AdoptBy::Email)),
        // Somebody else, who was given the number.
        ("eve@corp.example", "C-1", None),
    ] {
        let emails = json!({"emails": [{"type": "work", "value": email}]});
        company.people = vec![person("w9", "Ana", "Souza", &emails)];
        let mut snapshot = company.snapshot(&config);
        snapshot.sources[0].workers[0].employee_id = Some(own.into());
        let plan = crate::plan(&snapshot, &config, company.now);
        let heir = of(&plan, "w9");
        assert_eq!(
            (heir.adopts, heir.has(Class::Adopt)),
            (adopts, adopts.is_some())
        );
        assert_eq!(heir.replaces.is_some(), adopts.is_some(), "{email} {own}");
        let code = adopts.is_none().then_some("employee_id_held");
        assert_eq!(self::code(&plan, "w9"), code);
    }
}

#[test]
fn a_number_alone_adopts_nobody_unasked_and_closes_nobody() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    let plan = |company: &Company| {
        let mut snapshot = company.snapshot(&config);
        snapshot.sources[0].workers[0].employee_id = Some("7".into());
        crate::plan(&snapshot, &config, company.now)
    };
    for (email, identifier, adopts) in [
        ("stranger@corp.example", "7", AdoptBy::Email),
        ("stranger@corp.example", "w1", AdoptBy::EmployeeIdentifier),
        ("Ana.Souza@corp.example", "7", AdoptBy::EmployeeIdentifier),
    ] {
        let fields = json!({"email": email, "employeeIdentifier": identifier});
        company.users = vec![user("u1", &fields)];
        company.people = vec![person("w1", "Ana", "Souza", &json!({}))];
        let adoption = plan(&company);
        assert_eq!(of(&adoption, "w1").adopts, Some(adopts), "{email}");
        let is_held = of(&adoption, "w1").has(Class::Adopt);
        assert_eq!(is_held, adopts == AdoptBy::Email, "{email}");

        company.people = vec![leaver("w1", "Ana", "Souza")];
        let closing = plan(&company);
        match adopts {
            AdoptBy::Email => {
                assert_eq!(closing.people, Vec::new());
                assert_eq!(closing.warnings[0].code, "leaver_not_ours");
            }
            AdoptBy::EmployeeIdentifier => assert!(of(&closing, "w1").has(Class::Suspend)),
        }
    }
    let fields = json!({"email": "root@corp.example", "employeeIdentifier": "7", "sudo": true});
    company.users = vec![user("u1", &fields)];
    company.people = vec![person("w1", "Ana", "Souza", &json!({}))];
    assert_eq!(code(&plan(&company), "w1"), Some("adoption_refused"));
}

#[test]
fn an_employee_id_that_hr_gives_twice_makes_no_second_attempt() {
    let config = config("");
    let mut company = numbered(&config);
    company.people.push(person("w2", "Ben", "Okri", &json!({})));
    let begun = Link::new(
        WorkerKey {
            source: "deel".into(),
            worker_id: "w2".into(),
        },
        "ben.okri".into(),
        "ben.okri@corp.example".into(),
        company.now,
    );
    company.links.push(begun);
    let mut snapshot = company.snapshot(&config);
    for worker in &mut snapshot.sources[0].workers {
        worker.employee_id = Some("C-1".into());
    }
    let plan = crate::plan(&snapshot, &config, company.now);
    assert_eq!(code(&plan, "w2"), Some("duplicate_employee_id"));
}

#[test]
fn nobody_leaves_on_a_source_that_was_not_read_whole() {
    let config = config("");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people = vec![leaver("w1", "Ana", "Souza")];
    company.incomplete = Some("a page failed".to_owned());
    assert_eq!(
        code(&company.plan(&config), "w1"),
        Some("source_incomplete")
    );
    company.incomplete = None;
    assert!(of(&company.plan(&config), "w1").has(Class::Suspend));
}

#[test]
fn nothing_is_emptied_on_a_source_that_was_not_read_whole() {
    let config = config_of(
        "",
        &[(
            "deel",
            "[source.attributes]\njobTitle = { blank = \"clear\" }",
        )],
    );
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people[0]["job_title"] = json!(null);
    company.incomplete = Some("the token hides what is private".to_owned());
    assert_eq!(company.plan(&config).people, Vec::new());
    company.incomplete = None;
    assert!(of(&company.plan(&config), "w1").has(Class::Blank));
}

#[test]
fn managers_get_their_users_first_and_circles_are_left_out() {
    let config = config("");
    let reports_to = |manager: &str| json!({"direct_manager": {"id": manager}});
    let mut company = Company::of(vec![
        person("w1", "Ana", "Souza", &reports_to("w2")),
        person("w2", "Ben", "Okri", &reports_to("w3")),
        person("w3", "Eve", "Lund", &json!({})),
        person("w4", "Tom", "Berg", &reports_to("w5")),
        person("w5", "Ida", "Falk", &reports_to("w4")),
    ]);
    let plan = company.plan(&config);
    assert_eq!(of(&plan, "w1").awaits().unwrap().worker_id.as_str(), "w2");
    assert_eq!(
        plan.warnings
            .iter()
            .filter(|warning| warning.code == "manager_circle")
            .count(),
        2
    );
    company.sync(&config);
    assert_eq!(company.user_of("w1").manager, company.user_of("w2").id.0);
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn a_manager_who_left_and_is_closed_by_adoption_is_known_at_once() {
    let config = config("");
    let mut company = Company::of(vec![
        leaver("w1", "Ana", "Souza"),
        person(
            "w2",
            "Ben",
            "Okri",
            &json!({"direct_manager": {"id": "w1"}}),
        ),
    ]);
    company.users = vec![user("u1", &json!({"employeeIdentifier": "w1"}))];
    company.sync(&config);
    assert_eq!(company.user_of("w2").manager, "u1");
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn somebody_listed_twice_is_left_alone_and_is_not_missing() {
    let config = config("");
    let ana = person("w1", "Ana", "Souza", &json!({}));
    let mut company = Company::of(vec![ana, person("w2", "Ben", "Okoro", &json!({}))]);
    company.sync(&config);
    company.people.push(company.people[0].clone());
    let plan = company.plan(&config);
    let [first, second] = plan.people.as_slice() else {
        panic!("{:#?}", plan.people);
    };
    for listed in [first, second] {
        assert_eq!(listed.key.worker_id.as_str(), "w1");
        assert_eq!(listed.skipped.as_ref().unwrap().code, "claimed_twice");
    }
}

/// People as odd as they come, many of them sharing names, addresses, managers and identifiers.
fn companies() -> impl Strategy<Value = Company> {
    let names = prop::sample::select(vec![
        "Ana", "Ben", "José", "王", "😀", "", "O'Neil", "Li Na",
    ]);
    let people =
        prop::collection::vec((names.clone(), names, 0..12_u8, 0..9_u8, 0..8_usize), 0..12);
    let users = prop::collection::vec((0..12_usize, 0..8_u8), 0..6);
    (people, users).prop_map(|(people, users)| {
        let people: Vec<Value> = people
            .into_iter()
            .enumerate()
            .map(|(index, (first, last, email, kind, manager))| {
                let id = format!("w{index}");
                let email = match email {
                    0 => json!(null),
                    1 => json!("shared@corp.example"),
                    _ => json!(format!("p{index}@corp.example")),
                };
                let mut fields = json!({
                    "emails": [{"type": "work", "value": email}, {"type": "personal", "value": "x@mail.example"}],
                    "direct_manager": {"id": format!("w{manager}")},
                });
                let status = match kind {
                    0 => "onboarding",
                    1 => "draft",
                    2 => "on_the_moon",
                    3 => return leaver(&id, first, last),
                    _ => "active",
                };
                fields["hiring_status"] = json!(status);
                fields["new_hiring_status"] = json!(status);
                fields["person_status"] = json!(null);
                person(&id, first, last, &fields)
            })
            .collect();
        let mut company = Company::of(people);
        company.users = users
            .into_iter()
            .enumerate()
            .map(|(index, (whose, kind))| {
                let id = format!("u{index}");
                let fields = match kind {
                    0 => json!({"employeeIdentifier": format!("w{whose}"), "email": format!("e{index}@corp.example")}),
                    1 => json!({"email": format!("p{whose}@corp.example"), "username": format!("u{index}")}),
                    2 => json!({"username": "ana.ben"}),
                    3 => json!({"state": "SUSPENDED", "email": format!("p{whose}@corp.example")}),
                    4 => json!({"admin": {"id": "a"}, "email": "shared@corp.example"}),
                    _ => json!({"state": "STAGED", "employeeIdentifier": format!("w{whose}")}),
                };
                user(&id, &fields)
            })
            .collect();
        // JumpCloud keeps these unique.
        company.users.sort_by(|a, b| a.email.cmp(&b.email));
        company.users.dedup_by(|a, b| a.email == b.email);
        company.users.sort_by(|a, b| a.username.cmp(&b.username));
        company.users.dedup_by(|a, b| a.username == b.username);
        company.users.sort_by(|a, b| a.employee_identifier.cmp(&b.employee_identifier));
        company.users.dedup_by(|a, b| {
            !a.employee_identifier.is_empty() && a.employee_identifier == b.employee_identifier
        });
        company
    })
}

proptest! {
    #[test]
    fn the_order_of_the_answers_does_not_matter(company in companies(), seed in any::<u64>()) {
        let config = config("");
        let mut shuffled = company.clone();
        let mut order = seed;
        shuffled.people.sort_by_cached_key(|person| {
            order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(person.to_string().len() as u64);
            order
        });
        shuffled.users.reverse();
        let (plan, other) = (company.plan(&config), shuffled.plan(&config));
        prop_assert_eq!(plan.people, other.people);
    }

    #[test]
    fn applying_a_plan_makes_the_next_one_empty(company in companies()) {
        let config = config("");
        let mut company = company;
        company.sync_all(&config);
        let next = company.plan(&config);
        for person in &next.people {
            prop_assert!(person.changes.is_empty() && person.note == Note::Nothing, "{person:#?}");
        }
    }

    #[test]
    fn nobody_gets_two_users_and_no_user_gets_two_owners(company in companies()) {
        let config = config("");
        let mut company = company;
        company.sync_all(&config);
        let mut usernames: Vec<_> = company.users.iter().map(|user| user.username.to_lowercase()).collect();
        usernames.sort();
        usernames.dedup();
        prop_assert_eq!(usernames.len(), company.users.len());
        let mut owned: Vec<_> = company.links.iter().filter_map(|link| link.user_id.clone()).collect();
        owned.sort();
        owned.dedup();
        prop_assert_eq!(owned.len(), company.links.len());
        for user in &company.users {
            prop_assert!(!user.admin || company.links.iter().all(|link| link.user_id.as_ref() != Some(&user.id)));
        }
    }

    #[test]
    fn everyone_listed_is_counted_once(company in companies()) {
        let config = config("");
        let plan = company.plan(&config);
        prop_assert_eq!(plan.unchanged + plan.out_of_scope + plan.people.len(), company.people.len());
    }
}

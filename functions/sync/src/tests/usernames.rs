//! Who is given a name that somebody had before.

use jiff::SignedDuration;
use serde_json::json;

use super::company::{Company, config, leaver, person};

/// The name of a namesake who joins so many days after a leaver was suspended.
fn check(setting: &str, user_is_deleted: bool, days: i64, expected: &str) {
    let config = config(&format!("[username]\nreuse_after_days = {setting}"));
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.people = vec![leaver("w1", "Ana", "Souza")];
    company.sync(&config);
    if user_is_deleted {
        company.users.clear();
    }
    company.now += SignedDuration::from_hours(24 * days);
    let other = json!({"emails": [{"type": "work", "value": "ana.two@corp.example"}]});
    company.people.push(person("w2", "Ana", "Souza", &other));
    company.sync(&config);
    let username = &company.user_of("w2").username;
    assert_eq!(username, expected, "{setting} {user_is_deleted} {days}");
    assert_eq!(company.plan(&config).people, Vec::new());
}

#[test]
fn the_name_of_a_leaver_is_given_to_nobody_though_the_user_was_deleted() {
    for user_is_deleted in [false, true] {
        check("\"never\"", user_is_deleted, 1000, "ana.souza1");
    }
}

#[test]
fn the_name_of_a_leaver_is_free_when_the_days_are_over_and_the_user_is_deleted() {
    check("90", true, 89, "ana.souza1");
    check("90", true, 90, "ana.souza");
    check("90", false, 90, "ana.souza1");
    check("0", true, 0, "ana.souza");
}

#[test]
fn the_name_of_somebody_who_has_not_left_is_never_free() {
    let config = config("[username]\nreuse_after_days = 0");
    let mut company = Company::of(vec![person("w1", "Ana", "Souza", &json!({}))]);
    company.sync(&config);
    company.users.clear();
    let other = json!({"emails": [{"type": "work", "value": "ana.two@corp.example"}]});
    company.people.push(person("w2", "Ana", "Souza", &other));
    company.sync(&config);
    assert_eq!(company.user_of("w2").username, "ana.souza1");
}

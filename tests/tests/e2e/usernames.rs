//! Usernames: unique in the organisation, made once, from any name.

use std::collections::BTreeSet;

use e2e::World;
use sandbox::Profile;
use serde_json::json;
use sync::Outcome;

use crate::world;

/// Somebody with this name, and an address that the name says nothing about.
fn named(first: &str, last: &str, mailbox: &str) -> Profile {
    Profile::new(first, last)
        .work_email(Some(&format!("{mailbox}@northlight.example")))
        .personal_email(Some(&format!("{mailbox}@mail.example")))
}

fn usernames(world: &World) -> BTreeSet<String> {
    let users = world.jumpcloud().users();
    let names = users.iter().filter_map(|user| user["username"].as_str());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn namesakes_get_the_first_free_numbers() {
    let world = world().await;
    for mailbox in ["first.one", "second.one", "third.one"] {
        world.hire(named("Alpha", "Zed", mailbox));
    }
    world.run_sync().await;
    let expected = ["alpha.zed", "alpha.zed1", "alpha.zed2"];
    assert_eq!(usernames(&world), expected.map(str::to_owned).into());
    world.settled().await;

    world.hire(named("ÁLPHA", "Zéd", "fourth.one"));
    world.run_sync().await;
    assert!(usernames(&world).contains("alpha.zed3"));
    world.settled().await;
}

#[tokio::test]
async fn name_that_a_user_of_nobody_has_is_taken_in_any_case() {
    let world = world().await;
    for (username, email) in [("Alpha.ZED", "one"), ("alpha.zed1", "two")] {
        let email = format!("{email}@elsewhere.example");
        world
            .jumpcloud()
            .add(json!({"username": username, "email": email}));
    }
    let id = world.hire(named("Alpha", "Zed", "first.one"));
    world.run_sync().await;
    assert_eq!(world.username_of(&id).await, "alpha.zed2");
    world.settled().await;
}

#[tokio::test]
async fn name_of_a_leaver_is_not_given_again() {
    let world = world().await;
    let leaver = named("Alpha", "Zed", "first.one");
    let stage = sandbox::Stage::Inactive(world.days_ago(2));
    let first = world.hire(leaver.clone());
    world.run_sync().await;
    world.change(&first, &leaver.stage(stage));
    let second = world.hire(named("Alpha", "Zed", "second.one"));
    world.run_sync().await;
    assert_eq!(world.username_of(&second).await, "alpha.zed1");
    world.settled().await;
}

#[tokio::test]
async fn every_name_folds_to_a_username_that_jumpcloud_takes() {
    let world = world().await;
    let table = [
        ("Prabowati", "", "one.word", "prabowati"),
        ("Seán", "O'Mallory", "apostrophe", "sean.omallory"),
        (
            "Jean-Luc",
            "Saint-Exupère",
            "hyphens",
            "jean-luc.saint-exupere",
        ),
        (
            "María del Carmen",
            "de la Cruz",
            "spaces",
            "mariadelcarmen.delacruz",
        ),
        ("🎧🎛", "", "only.emoji", "only.emoji"),
        ("小明", "王", "chinese", "xiaoming.wang"),
        ("José", "Núñez", "accents", "jose.nunez"),
    ];
    let hired = table.map(|(first, last, mailbox, expected)| {
        (world.hire(named(first, last, mailbox)), expected)
    });
    let scripts = [
        ("نورا", "البحراوي"),
        ("Ольга", "Ясеневская"),
        ("지우", "한별"),
        ("Νίκη", "Ελαιώνα"),
    ];
    for (number, (first, last)) in scripts.into_iter().enumerate() {
        world.hire(named(first, last, &format!("script{number}")));
    }

    let report = world.run_sync().await;

    assert_eq!(report.count(Outcome::Created), table.len() + scripts.len());
    for (id, expected) in hired {
        assert_eq!(world.username_of(&id).await, expected);
    }
    for username in usernames(&world) {
        let valid = username.starts_with(|c: char| c.is_ascii_lowercase())
            && username
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-'));
        assert!(valid, "{username}");
    }
    world.settled().await;
}

//! Creates are begun by one, taken up when they were left, and never begun twice.

use jiff::{SignedDuration, Timestamp};

use super::{World, noon};
use crate::{Begun, Intent};

const TERM: SignedDuration = SignedDuration::from_mins(1);

fn intent(holder: &str, digest: u8, at: Timestamp) -> Intent {
    Intent {
        client: "okta".into(),
        username: "Ana.Souza".into(),
        digest: [digest; 32],
        at,
        holder: holder.into(),
        until: at + TERM,
    }
}

#[tokio::test]
async fn a_create_is_begun_once_and_taken_up_when_it_was_left() {
    let first = intent("one", 1, noon());
    let (later, day) = (noon() + TERM, SignedDuration::from_hours(24));
    let busy = noon() + TERM - SignedDuration::from_millis(1);
    let cases = [
        ("two", 1, busy, Begun::Busy),
        ("two", 2, busy, Begun::Busy),
        ("one", 1, noon(), Begun::Resumed(first.clone())),
        ("two", 1, later, Begun::Resumed(first.clone())),
        ("two", 2, later, Begun::Other(first.clone())),
        ("two", 1, noon() + day, Begun::Fresh),
        ("two", 2, noon() + day, Begun::Fresh),
    ];
    for (holder, digest, now, expected) in cases {
        let world = World::start().await;
        let run = world.state.for_run();
        let begun = run.begin_create(&first, noon()).await.unwrap();
        assert_eq!((begun, run.calls()), (Begun::Fresh, 1));
        let next = intent(holder, digest, now);
        let begun = run.begin_create(&next, now).await.unwrap();
        assert_eq!((begun, run.calls()), (expected, 2), "{holder} {digest}");
    }
}

#[tokio::test]
async fn one_of_many_that_take_a_create_up_gets_it() {
    let world = World::start().await;
    world
        .state
        .begin_create(&intent("gone", 1, noon()), noon())
        .await
        .unwrap();
    let later = noon() + TERM;
    let attempts: Vec<_> = (0..8)
        .map(|holder| {
            let (state, intent) = (world.state.clone(), intent(&holder.to_string(), 1, later));
            tokio::spawn(async move { state.begin_create(&intent, later).await })
        })
        .collect();
    let mut resumed = 0;
    for attempt in attempts {
        match attempt.await.unwrap().unwrap() {
            Begun::Resumed(before) => {
                assert_eq!(before.holder, "gone");
                resumed += 1;
            }
            other => assert_eq!(other, Begun::Busy),
        }
    }
    assert_eq!(resumed, 1);
}

#[tokio::test]
async fn a_create_is_ended_by_whoever_holds_it() {
    let world = World::start().await;
    let (first, next) = (intent("one", 1, noon()), intent("two", 1, noon() + TERM));
    world.state.begin_create(&first, noon()).await.unwrap();
    world
        .state
        .begin_create(&next, noon() + TERM)
        .await
        .unwrap();
    world.state.end_create(&first).await.unwrap();
    assert_eq!(world.items().await.len(), 1);
    world.state.end_create(&next).await.unwrap();
    world.state.end_create(&next).await.unwrap();
    assert!(world.items().await.is_empty());
}

#[tokio::test]
async fn creates_of_other_clients_and_names_are_not_in_the_way() {
    let world = World::start().await;
    let first = intent("one", 1, noon());
    let others = [
        Intent {
            client: "entra".into(),
            ..first.clone()
        },
        Intent {
            username: "n".repeat(1_100).as_str().into(),
            ..first.clone()
        },
    ];
    for intent in std::iter::once(&first).chain(&others) {
        let begun = world.state.begin_create(intent, noon()).await;
        assert_eq!(begun.unwrap(), Begun::Fresh);
    }
    let same = Intent {
        username: "ANA.SOUZA".into(),
        ..intent("two", 1, noon())
    };
    let begun = world.state.begin_create(&same, noon()).await;
    assert_eq!(begun.unwrap(), Begun::Busy);
}

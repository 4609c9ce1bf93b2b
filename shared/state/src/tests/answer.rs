//! A key is answered the same for a day, and performs one request once.

use jiff::{SignedDuration, Timestamp};

use super::{World, noon, size_of};
use crate::{Answer, Claim, Claimed};

const TERM: SignedDuration = SignedDuration::from_mins(1);

fn claim(holder: &str, request: u8, now: Timestamp) -> Claim {
    Claim {
        client: "okta".into(),
        key: [9; 32],
        request: [request; 32],
        holder: holder.into(),
        until: now + TERM,
    }
}

fn answer(body: Option<&str>) -> Answer {
    Answer {
        status: 201,
        location: Some("https://example.com/scim/v2/Users/1".into()),
        body: body.map(Box::from),
    }
}

#[tokio::test]
async fn a_key_is_claimed_once_and_taken_up_when_it_was_left() {
    let day = SignedDuration::from_hours(24);
    let cases = [
        ("two", 1, noon(), Claimed::Busy),
        ("one", 1, noon(), Claimed::Ours),
        ("two", 2, noon(), Claimed::Other),
        ("two", 1, noon() + TERM, Claimed::Ours),
        ("two", 2, noon() + TERM, Claimed::Other),
        ("two", 2, noon() + day, Claimed::Ours),
    ];
    for (holder, request, now, expected) in cases {
        let world = World::start().await;
        let run = world.state.for_run();
        let claimed = run.claim_key(&claim("one", 1, noon()), noon()).await;
        assert_eq!((claimed.unwrap(), run.calls()), (Claimed::Ours, 1));
        let claimed = run.claim_key(&claim(holder, request, now), now).await;
        assert_eq!((claimed.unwrap(), run.calls()), (expected, 2));
    }
}

#[tokio::test]
async fn an_answer_is_given_again_for_a_day() {
    let world = World::start().await;
    let first = claim("one", 1, noon());
    world.state.claim_key(&first, noon()).await.unwrap();
    let given = answer(Some("{}"));
    let run = world.state.for_run();
    run.put_answer(&first, &given, noon()).await.unwrap();
    assert_eq!(run.calls(), 1);
    let day = noon() + SignedDuration::from_hours(24);
    let cases = [
        ("one", 1, noon(), Claimed::Answered(given.clone())),
        ("two", 1, noon() + TERM, Claimed::Answered(given)),
        ("two", 2, noon() + TERM, Claimed::Other),
        ("two", 2, day, Claimed::Ours),
    ];
    for (holder, request, now, expected) in cases {
        let claimed = run.claim_key(&claim(holder, request, now), now).await;
        assert_eq!(claimed.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_long_body_is_not_kept() {
    let (fits, too_long) = ("x".repeat(300_000), "x".repeat(300_001));
    for (body, kept) in [
        (None, None),
        (Some(&fits), Some(&fits)),
        (Some(&too_long), None),
    ] {
        let world = World::start().await;
        let claim = claim("one", 1, noon());
        world.state.claim_key(&claim, noon()).await.unwrap();
        let given = answer(body.map(String::as_str));
        world
            .state
            .put_answer(&claim, &given, noon())
            .await
            .unwrap();
        assert!(
            world
                .items()
                .await
                .iter()
                .all(|item| size_of(item) < 400_000)
        );
        let claimed = world.state.claim_key(&claim, noon()).await.unwrap();
        let expected = answer(kept.map(String::as_str));
        assert_eq!(claimed, Claimed::Answered(expected));
    }
}

#[tokio::test]
async fn a_key_that_was_given_back_is_free_for_any_request() {
    let world = World::start().await;
    let first = claim("one", 1, noon());
    world.state.claim_key(&first, noon()).await.unwrap();
    world.state.release_key(&first).await.unwrap();
    let claimed = world
        .state
        .claim_key(&claim("two", 2, noon()), noon())
        .await;
    assert_eq!(claimed.unwrap(), Claimed::Ours);
}

#[tokio::test]
async fn whoever_was_overtaken_leaves_the_key_to_the_other() {
    let world = World::start().await;
    let (slow, next) = (claim("one", 1, noon()), claim("two", 1, noon() + TERM));
    world.state.claim_key(&slow, noon()).await.unwrap();
    world.state.claim_key(&next, noon() + TERM).await.unwrap();
    world.state.release_key(&slow).await.unwrap();
    let late = world.state.put_answer(&slow, &answer(None), noon()).await;
    late.unwrap();
    let third = claim("three", 1, noon() + TERM);
    let claimed = world.state.claim_key(&third, noon() + TERM).await.unwrap();
    assert_eq!(claimed, Claimed::Busy);
}

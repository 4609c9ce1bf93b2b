//! Who may run, and what somebody who no longer may can still do: nothing.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;

use super::{TERM, World, link, noon};
use crate::{LastRead, Lease, StateError};

#[tokio::test]
async fn free_lease_is_taken_in_one_request() {
    let world = World::start().await;
    let lease = world.lease().await;
    assert_eq!(
        (lease.holder(), lease.fence(), lease.expires_at()),
        ("one", 1, noon() + TERM)
    );
    assert_eq!(
        lease.remaining(noon() + SignedDuration::from_mins(2)),
        SignedDuration::from_mins(3)
    );
    assert_eq!(world.state.calls(), 1);
}

#[tokio::test]
async fn held_lease_names_its_holder() {
    let world = World::start().await;
    world.lease().await;
    match world.state.acquire("two", noon(), TERM).await {
        Err(StateError::Busy { holder, until }) => {
            assert_eq!((&*holder, until), ("one", noon() + TERM));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_taking_raises_the_fence() {
    let world = World::start().await;
    let first = world.lease().await;
    let again = world.lease().await;
    world.state.release(&again).await.unwrap();
    let after_release = world.state.acquire("two", noon(), TERM).await.unwrap();
    let after_expiry = world
        .state
        .acquire("three", noon() + TERM, TERM)
        .await
        .unwrap();
    let fences = [&first, &again, &after_release, &after_expiry].map(Lease::fence);
    assert_eq!(fences, [1, 2, 3, 4]);
}

#[tokio::test]
async fn one_of_many_acquirers_wins() {
    let world = World::start().await;
    let attempts: Vec<_> = (0..8)
        .map(|runner| {
            let state = world.state.clone();
            tokio::spawn(async move {
                state
                    .acquire(&format!("runner {runner}"), noon(), TERM)
                    .await
            })
        })
        .collect();
    let mut won = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => won += 1,
            Err(StateError::Busy { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn renewed_lease_lasts_a_whole_term_more() {
    let world = World::start().await;
    let mut lease = world.lease().await;
    let later = noon() + SignedDuration::from_mins(4);
    world.state.renew(&mut lease, later).await.unwrap();
    assert_eq!(lease.expires_at(), later + TERM);
    let busy = world.state.acquire("two", noon() + TERM, TERM).await;
    assert!(
        matches!(busy, Err(StateError::Busy { until, .. }) if until == later + TERM),
        "{busy:?}"
    );
}

#[tokio::test]
async fn nothing_is_written_after_a_takeover() {
    let world = World::start().await;
    let mut lost = world.lease().await;
    let taken = world
        .state
        .acquire("two", noon() + TERM, TERM)
        .await
        .unwrap();
    world.state.put_link(&taken, &link("kept")).await.unwrap();

    let read = LastRead {
        count: 1,
        at: noon(),
        run_id: "run".into(),
    };
    let refused = [
        world.state.put_link(&lost, &link("1")).await,
        world
            .state
            .delete_link(&lost, &link("kept").key, None, None)
            .await,
        world
            .state
            .put_last_read(&lost, &"deel".into(), &read)
            .await,
        world.state.renew(&mut lost, noon() + TERM).await,
    ];
    for result in refused {
        assert!(
            matches!(result, Err(StateError::LeaseLost { fence: 1, .. })),
            "{result:?}"
        );
    }
    assert_eq!(world.state.links().await.unwrap(), [link("kept")]);
    assert!(world.state.last_reads().await.unwrap().is_empty());

    world.state.release(&lost).await.unwrap();
    world.state.put_link(&taken, &link("2")).await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_after_the_release() {
    let world = World::start().await;
    let lease = world.lease().await;
    world.state.release(&lease).await.unwrap();
    let result = world.state.put_link(&lease, &link("1")).await;
    assert!(
        matches!(result, Err(StateError::LeaseLost { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn same_holder_that_asks_again_ends_its_former_lease() {
    let world = World::start().await;
    let former = world.lease().await;
    let lease = world.lease().await;
    assert!(world.state.put_link(&former, &link("1")).await.is_err());
    world.state.put_link(&lease, &link("1")).await.unwrap();
}

#[tokio::test]
async fn item_that_takes_no_change_is_named() {
    // What is counted up, and no longer is a number.
    for (counter, name) in [("fence", "`LEASE LEASE`"), ("version", "`USER ")] {
        let world = World::start().await;
        let lease = world.lease().await;
        world.state.put_link(&lease, &link("1")).await.unwrap();
        for mut item in world.items().await {
            if item.contains_key(counter) {
                item.insert(counter.to_owned(), AttributeValue::Bool(true));
                world.put(item).await;
            }
        }
        let error = match counter {
            "fence" => world.state.acquire("one", noon(), TERM).await.map(drop),
            _ => world.state.put_link(&lease, &link("1")).await,
        };
        let error = error.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

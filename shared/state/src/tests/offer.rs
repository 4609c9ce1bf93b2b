//! Offers come back whole for a day, and not a second longer.

use jiff::SignedDuration;

use super::{World, noon};
use crate::ChangeDigest;

fn changes(count: u32) -> Vec<ChangeDigest> {
    (0..count)
        .map(|number| {
            let mut digest = [7; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            digest
        })
        .collect()
}

#[tokio::test]
async fn offers_of_any_size_come_back_whole() {
    let world = World::start().await;
    for count in [1, 9_375, 9_376, 30_000] {
        let changes = changes(count);
        world
            .state
            .put_offer("sha256:ab", &changes, noon())
            .await
            .unwrap();
        let offer = world
            .state
            .offer("sha256:ab", noon())
            .await
            .unwrap()
            .unwrap();
        assert!(offer.into_iter().eq(changes), "{count} changes");
    }
}

#[tokio::test]
async fn offer_is_one_request_to_write_and_one_to_read() {
    let world = World::start().await;
    world
        .state
        .put_offer("sha256:ab", &changes(20_000), noon())
        .await
        .unwrap();
    assert_eq!(world.state.calls(), 1);
    world.state.offer("sha256:ab", noon()).await.unwrap();
    assert_eq!(world.state.calls(), 2);
}

#[tokio::test]
async fn offer_ends_after_a_day_though_it_is_still_stored() {
    let world = World::start().await;
    world
        .state
        .put_offer("sha256:ab", &changes(3), noon())
        .await
        .unwrap();
    let day = SignedDuration::from_hours(24);
    let just_before = noon() + day - SignedDuration::from_secs(1);
    assert!(
        world
            .state
            .offer("sha256:ab", just_before)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        world
            .state
            .offer("sha256:ab", noon() + day)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(world.items().await.len(), 1);
}

#[tokio::test]
async fn unknown_and_empty_offers_are_none() {
    let world = World::start().await;
    world
        .state
        .put_offer("sha256:ab", &[], noon())
        .await
        .unwrap();
    for digest in ["sha256:ab", "sha256:cd"] {
        assert_eq!(world.state.offer(digest, noon()).await.unwrap(), None);
    }
}

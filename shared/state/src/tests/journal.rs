//! A journal is there before anything that it tells of, and only from whoever holds the lease.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::run::header;
use super::{TERM, World, noon, size_of};
use crate::StateError;

fn journal(people: usize) -> Value {
    let entry =
        json!({"worker_id": "0", "changes": [{"from": "é".repeat(75), "to": "ö".repeat(75)}]});
    json!({"people": vec![entry; people]})
}

#[tokio::test]
async fn journal_is_one_request_and_comes_back_whole_until_its_run_is_forgotten() {
    let world = World::start().await;
    let lease = world.lease().await;
    let mut chain = lease.chain().clone();
    for (people, requests) in [(3, 1), (15_000, 2)] {
        let run = world.state.for_run();
        run.put_journal(&lease, &mut chain, &header("1"), &journal(people))
            .await
            .unwrap();
        assert_eq!(run.calls(), requests);
        let read: Option<Value> = run.journal(&"1".into()).await.unwrap();
        assert_eq!(read, Some(journal(people)));
    }
    let kept = (noon() + SignedDuration::from_hours(90 * 24)).as_second();
    for item in world.items().await {
        assert!(size_of(&item) < 400_000);
        let expires_at = item.get("expires_at").and_then(|at| at.as_n().ok());
        let is_lease = item["pk"].as_s().unwrap() == "LEASE";
        assert_eq!(expires_at, (!is_lease).then(|| kept.to_string()).as_ref());
    }
    // The run is listed, although it has no report yet.
    assert_eq!(world.state.runs(9, None).await.unwrap(), [header("1")]);
    assert!(world.state.run(&"1".into()).await.unwrap().is_none());
    let other: Option<Value> = world.state.journal(&"2".into()).await.unwrap();
    assert_eq!(other, None);
}

#[tokio::test]
async fn runner_that_lost_its_lease_writes_no_journal() {
    let world = World::start().await;
    let lost = world.lease().await;
    let later = noon() + TERM;
    world.state.acquire("two", later, TERM).await.unwrap();
    let mut chain = lost.chain().clone();
    let put = world
        .state
        .put_journal(&lost, &mut chain, &header("1"), &journal(1))
        .await;
    assert!(matches!(put, Err(StateError::LeaseLost { .. })), "{put:?}");
    let read: Option<Value> = world.state.journal(&"1".into()).await.unwrap();
    assert_eq!(read, None);
}

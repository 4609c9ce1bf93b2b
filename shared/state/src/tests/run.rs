//! Runs are kept whole, however long their reports are.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::{TERM, World, link, noon, size_of};
use crate::item::{Key, bytes, number};
use crate::run::report_partition;
use crate::{RunHeader, RunId, StateError};

pub(super) fn header(id: &str) -> RunHeader {
    RunHeader {
        run_id: id.into(),
        mode: "apply".into(),
        status: "applied".into(),
        trigger: "schedule".into(),
        started_at: noon(),
        duration_ms: 1_234,
        config_digest: "sha256:00".into(),
        plan_digest: Some("sha256:01".into()),
        counts: BTreeMap::from([("created".into(), 2), ("unchanged".into(), 99_998)]),
    }
}

pub(super) fn report(people: usize) -> Box<RawValue> {
    let row =
        json!({"worker_id": "0", "outcome": "created", "reason": "é".repeat(150), "changes": []});
    to_raw_value(&json!({"status": "applied", "people": vec![row; people]})).unwrap()
}

#[tokio::test]
async fn short_run_is_one_request_that_also_gives_the_lease_back() {
    let world = World::start().await;
    let lease = world.lease().await;
    let run = world.state.for_run();
    run.finish_run(
        Some((&lease, lease.chain())),
        &header("1"),
        &report(3),
        None,
    )
    .await
    .unwrap();
    assert_eq!(run.calls(), 1);
    let saved = run.run(&"1".into()).await.unwrap().unwrap();
    assert_eq!(saved.header, header("1"));
    assert_eq!(saved.report.get(), report(3).get());
    world.state.acquire("two", noon(), TERM).await.unwrap();
}

#[tokio::test]
async fn long_run_comes_back_whole_and_no_item_is_too_large() {
    let world = World::start().await;
    let long = report(15_000);
    assert!(long.get().len() > 5_000_000);
    let run = world.state.for_run();
    run.finish_run(None, &header("1"), &long, None)
        .await
        .unwrap();
    assert_eq!(run.calls(), 2);
    assert_eq!(
        run.run(&"1".into()).await.unwrap().unwrap().report.get(),
        long.get()
    );
    let kept = (noon() + SignedDuration::from_hours(90 * 24))
        .as_second()
        .to_string();
    for item in world.items().await {
        assert!(size_of(&item) < 400_000);
        assert_eq!(item["expires_at"].as_n(), Ok(&kept));
    }
}

#[tokio::test]
async fn run_that_died_within_a_long_report_has_none() {
    let world = World::start().await;
    let lease = world.lease().await;
    let mut chain = lease.chain().clone();
    let begun = RunHeader {
        status: RunHeader::BEGUN.into(),
        ..header("1")
    };
    let state = &world.state;
    state
        .put_journal(&lease, &mut chain, &begun, &json!({}))
        .await
        .unwrap();
    let page = Key::new(report_partition(&"1".into()), "00000").with([
        ("page", Some(bytes(b"{"))),
        ("pages", Some(number(2))),
        ("expires_at", Some(number(noon().as_second() + 60))),
    ]);
    world.put(page).await;
    assert!(state.run(&"1".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn runner_that_lost_its_lease_is_recorded_and_leaves_the_lease_alone() {
    let world = World::start().await;
    let lost = world.lease().await;
    let taken = world
        .state
        .acquire("two", noon() + TERM, TERM)
        .await
        .unwrap();
    world
        .state
        .finish_run(Some((&lost, lost.chain())), &header("1"), &report(1), None)
        .await
        .unwrap();
    assert!(world.state.run(&"1".into()).await.unwrap().is_some());
    world.state.put_link(&taken, &link("1")).await.unwrap();
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_page_by_page() {
    let world = World::start().await;
    for id in ["3", "1", "5", "2", "4"] {
        world
            .state
            .finish_run(None, &header(id), &report(1), None)
            .await
            .unwrap();
    }
    let ids = async |limit, before: Option<&str>| {
        let before = before.map(RunId::from);
        let runs = world.state.runs(limit, before.as_ref()).await.unwrap();
        runs.into_iter()
            .map(|run| run.run_id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(2, None).await, ["5", "4"]);
    assert_eq!(ids(2, Some("4")).await, ["3", "2"]);
    assert_eq!(ids(100, Some("2")).await, ["1"]);
    assert!(ids(100, Some("1")).await.is_empty());
}

#[tokio::test]
async fn unknown_run_is_none() {
    let world = World::start().await;
    assert!(world.state.run(&"1".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn report_without_one_of_its_pages_is_damaged() {
    let world = World::start().await;
    world
        .state
        .finish_run(None, &header("1"), &report(2_000), None)
        .await
        .unwrap();
    let mut pages = world.items().await;
    pages.retain(|item| item["pk"].as_s().unwrap() == "RUN#1");
    let last = &pages[pages.len() - 1];
    let delete = world.client.delete_item().table_name(super::TABLE);
    delete
        .key("pk", last["pk"].clone())
        .key("sk", last["sk"].clone())
        .send()
        .await
        .unwrap();
    let result = world.state.run(&"1".into()).await;
    assert!(
        matches!(&result, Err(StateError::Damaged { key, .. }) if &**key == "RUN#1"),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_run_for_one_person_is_one_request_with_its_link() {
    let world = World::start().await;
    let run = world.state.for_run();
    let lease = world.lease().await;
    let link = super::link("w1");
    run.finish_run(
        Some((&lease, lease.chain())),
        &header("1"),
        &report(1),
        Some(&link),
    )
    .await
    .unwrap();
    assert_eq!(run.calls(), 1);
    assert_eq!(world.state.link(&link.key).await.unwrap(), Some(link));
}

#[tokio::test]
async fn a_run_is_saved_though_a_scim_client_owns_the_user_of_its_link() {
    let world = World::start().await;
    let lease = world.lease().await;
    let link = link("1");
    let record = crate::owner::key_of(link.user_id.as_ref().unwrap());
    let client = crate::item::text("okta");
    world.put(record.with([("client", Some(client))])).await;
    let result = world
        .state
        .finish_run(
            Some((&lease, lease.chain())),
            &header("1"),
            &report(1),
            Some(&link),
        )
        .await;
    assert!(
        matches!(result, Err(StateError::Owned { .. })),
        "{result:?}"
    );
    assert_eq!(world.state.links().await.unwrap(), []);
    assert!(world.state.run(&"1".into()).await.unwrap().is_some());
    world.state.acquire("two", noon(), TERM).await.unwrap();
}

#[tokio::test]
async fn links_are_read_by_their_keys_a_hundred_in_one_request() {
    let world = World::start().await;
    let lease = world.lease().await;
    let link = super::link("w7");
    world.state.put_link(&lease, &link).await.unwrap();
    let keys: Vec<_> = (0..150)
        .map(|index| super::link(&format!("w{index}")).key)
        .collect();
    let run = world.state.for_run();
    assert_eq!(run.links_of(&keys).await.unwrap(), [link]);
    assert_eq!(run.calls(), 2);
    assert_eq!(run.links_of(&[]).await.unwrap(), []);
    assert_eq!(run.calls(), 2);
}

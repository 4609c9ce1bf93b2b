//! What SCIM clients know of groups.

use std::collections::{BTreeMap, BTreeSet};

use mapping::Text;

use super::{World, noon};
use crate::{GroupPointer, GroupRecord, StateError, Unique};

fn group(id: &str, external_ids: &[(&str, &str)]) -> GroupRecord {
    let external_ids = external_ids
        .iter()
        .map(|(client, id)| (Text::from(*client), Text::from(*id)));
    GroupRecord {
        external_ids: external_ids.collect(),
        modified_at: Some(noon()),
        ..GroupRecord::new(id.into())
    }
}

#[tokio::test]
async fn groups_are_written_found_and_forgotten_in_one_request_each() {
    let world = World::start().await;
    let run = world.state.for_run();
    let first = group("1", &[("okta", "00g1"), ("entra", "e1")]);
    let first = run.put_group_record(None, first, None).await.unwrap();
    let second = group("1", &[("okta", "00g2"), ("entra", "e1")]);
    let second = run
        .put_group_record(Some(&first), second, None)
        .await
        .unwrap();
    assert_eq!((second.version, run.calls()), (2, 2));
    assert_eq!(run.group_record("1").await.unwrap(), Some(second.clone()));
    let ids = BTreeSet::from(["1".into(), "2".into()]);
    let expected = BTreeMap::from([("1".into(), second.clone())]);
    assert_eq!(run.group_records(&ids).await.unwrap(), expected);

    let pointer = GroupPointer {
        group_id: "1".into(),
        external_id: "00g2".into(),
        modified_at: Some(noon()),
    };
    for (external_id, expected) in [("00g1", None), ("00g2", Some(pointer))] {
        let found = run.find_group_by_external_id("okta", external_id).await;
        assert_eq!(found.unwrap(), expected);
    }
    assert_eq!(run.calls(), 6);
    run.delete_group_record(&second, None).await.unwrap();
    assert_eq!(run.calls(), 7);
    assert!(world.items().await.is_empty());
}

#[tokio::test]
async fn an_external_id_of_another_group_is_refused() {
    let world = World::start().await;
    let first = group("1", &[("okta", "00g1")]);
    world
        .state
        .put_group_record(None, first, None)
        .await
        .unwrap();
    let second = group("2", &[("okta", "00g1")]);
    match world.state.put_group_record(None, second, None).await {
        Err(StateError::Taken { what, by }) => {
            assert_eq!((what, &*by), (Unique::ExternalId, "1"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.state.group_record("2").await.unwrap(), None);
}

#[tokio::test]
async fn of_two_writers_of_a_group_one_loses() {
    let world = World::start().await;
    let read = world
        .state
        .put_group_record(None, group("1", &[]), None)
        .await;
    let read = read.unwrap();
    let after = group("1", &[("okta", "00g1")]);
    let written = world.state.put_group_record(Some(&read), after, None).await;
    written.unwrap();
    let stale = group("1", &[("okta", "00g2")]);
    let lost = [
        world
            .state
            .put_group_record(None, stale.clone(), None)
            .await,
        world.state.put_group_record(Some(&read), stale, None).await,
    ];
    for result in lost {
        assert!(
            matches!(&result, Err(StateError::Changed { id }) if id == "1"),
            "{result:?}"
        );
    }
    let deleted = world.state.delete_group_record(&read, None).await;
    assert!(
        matches!(deleted, Err(StateError::Changed { .. })),
        "{deleted:?}"
    );
}

//! Whose a user is: HR's side, as it is written with the links.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{World, link, noon, worker};
use crate::item::{Item, Key, map, number, text, values};
use crate::owner::key_of;
use crate::{ByClient, Lease, Link, StateError};

const USER: &str = "65f0c0ffee65f0c0ffee65f0";

fn key() -> Key {
    key_of(&USER.into())
}

/// The raw record of the user.
async fn record(world: &World) -> Option<Item> {
    let items = world.items().await;
    items.into_iter().find(|item| Key::of(item) == key())
}

async fn worker_of(world: &World) -> Option<String> {
    let worker = record(world).await?.remove("worker")?;
    Some(worker.as_s().unwrap().clone())
}

/// A user of SCIM client `okta`.
async fn owned_by_okta() -> (World, Lease) {
    let world = World::start().await;
    let attributes = [("client", Some(text("okta"))), ("version", Some(number(4)))];
    world.put(key().with(attributes)).await;
    let lease = world.lease().await;
    (world, lease)
}

#[tokio::test]
async fn a_link_makes_its_user_that_persons_in_the_same_request() {
    let world = World::start().await;
    let lease = world.lease().await;
    let intent = Link {
        user_id: None,
        ..link("1")
    };
    let run = world.state.for_run();
    run.put_link(&lease, &intent).await.unwrap();
    assert_eq!(record(&world).await, None);
    for id in ["1", "2"] {
        run.put_link(&lease, &link(id)).await.unwrap();
        assert_eq!(worker_of(&world).await.unwrap(), format!("deel#{id}"));
    }
    assert_eq!(run.calls(), 3);
}

#[tokio::test]
async fn writing_a_link_leaves_the_rest_of_the_record_and_raises_its_version() {
    let world = World::start().await;
    let lease = world.lease().await;
    let views = AttributeValue::M(values([("okta", map([]))]));
    let attributes = [("views", Some(views.clone())), ("version", Some(number(4)))];
    world.put(key().with(attributes)).await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let record = record(&world).await.unwrap();
    assert_eq!((&record["views"], &record["version"]), (&views, &number(5)));
}

#[tokio::test]
async fn a_link_to_the_user_of_a_scim_client_is_refused() {
    let (world, lease) = owned_by_okta().await;
    match world.state.put_link(&lease, &link("1")).await {
        Err(StateError::Owned { user_id, client }) => {
            assert_eq!((user_id.as_str(), &*client), (USER, "okta"));
        }
        other => panic!("{other:?}"),
    }
    assert!(world.state.links().await.unwrap().is_empty());
    assert_eq!(worker_of(&world).await, None);
}

#[tokio::test]
async fn a_lost_lease_is_told_before_a_foreign_owner() {
    let (world, lease) = owned_by_okta().await;
    world.state.release(&lease).await.unwrap();
    let result = world.state.put_link(&lease, &link("1")).await;
    assert!(
        matches!(result, Err(StateError::LeaseLost { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_deleted_link_gives_up_its_user_in_the_same_request() {
    let world = World::start().await;
    let lease = world.lease().await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let run = world.state.for_run();
    let user = USER.into();
    run.delete_link(&lease, &worker("1"), Some(&user), None)
        .await
        .unwrap();
    assert_eq!((worker_of(&world).await, run.calls()), (None, 1));
}

#[tokio::test]
async fn a_user_that_passed_to_somebody_else_stays_theirs() {
    for told in [None, Some(USER.into())] {
        let world = World::start().await;
        let lease = world.lease().await;
        for id in ["1", "2"] {
            world.state.put_link(&lease, &link(id)).await.unwrap();
        }
        let deleted = world
            .state
            .delete_link(&lease, &worker("1"), told.as_ref(), None)
            .await;
        deleted.unwrap();
        assert_eq!(worker_of(&world).await.unwrap(), "deel#2");
        assert_eq!(world.state.links().await.unwrap(), [link("2")]);
    }
}

#[tokio::test]
async fn a_hold_that_was_set_meanwhile_survives_the_link() {
    let world = World::start().await;
    let lease = world.lease().await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let hold = ByClient {
        client: "okta".into(),
        at: noon(),
    };
    let mut items = world.items().await;
    let mut item = items.remove(
        items
            .iter()
            .position(|item| item["pk"] == text("LINK"))
            .unwrap(),
    );
    let entries = map([("client", Some(text("okta"))), ("at", Some(text(noon())))]);
    item.insert("scim_hold".to_owned(), entries);
    world.put(item).await;

    let changed = Link {
        email: "".into(),
        ..link("1")
    };
    world.state.put_link(&lease, &changed).await.unwrap();
    let expected = Link {
        scim_hold: Some(Box::new(hold)),
        ..changed
    };
    assert_eq!(world.state.links().await.unwrap(), [expected]);
}

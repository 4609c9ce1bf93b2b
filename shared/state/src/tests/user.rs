//! What SCIM clients know of users: written whole or not at all, unique for each client, found in one request.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use mapping::SystemUserId;
use proptest::prelude::*;

use super::{World, link, noon, worker};
use crate::item::{Damage, Key};
use crate::{
    Also, ByClient, Intent, LinkHold, Owner, State, StateError, Unique, UserPointer, UserRecord,
    View,
};

fn user(id: &str) -> SystemUserId {
    id.into()
}

fn by(client: &str) -> ByClient {
    ByClient {
        client: client.into(),
        at: noon(),
    }
}

fn view(external_id: &str, user_name: &str) -> View {
    let some = |text: &str| (!text.is_empty()).then(|| text.into());
    View {
        external_id: some(external_id),
        user_name: some(user_name),
    }
}

/// A user that `okta` made, and knows under this `externalId` and `userName`.
fn record(id: &str, external_id: &str, user_name: &str) -> UserRecord {
    UserRecord {
        owner: Some(Owner::Client("okta".into())),
        views: BTreeMap::from([("okta".into(), view(external_id, user_name))]),
        modified_at: Some(noon()),
        ..UserRecord::new(user(id))
    }
}

async fn put(state: &State, before: Option<&UserRecord>, after: UserRecord) -> UserRecord {
    let written = state.put_user_record(before, after, Also::default()).await;
    written.unwrap()
}

/// Who is found under this `externalId` and this `userName`.
async fn found(world: &World, external_id: &str, user_name: &str) -> [Option<UserPointer>; 2] {
    let state = &world.state;
    [
        state.find_by_external_id("okta", external_id).await,
        state.find_by_user_name("okta", user_name).await,
    ]
    .map(Result::unwrap)
}

fn by_clients() -> impl Strategy<Value = Option<ByClient>> {
    proptest::option::of("[a-z#.]{1,9}".prop_map(|client| by(&client)))
}

fn views() -> impl Strategy<Value = BTreeMap<mapping::Text, View>> {
    let view = ("\\PC{0,9}", "\\PC{0,9}").prop_map(|(id, name)| view(&id, &name));
    proptest::collection::btree_map("[a-z#.]{1,9}".prop_map(Into::into), view, 0..4)
}

fn records() -> impl Strategy<Value = UserRecord> {
    let owner = prop_oneof![
        Just(None),
        "[a-z0-9#]{1,9}".prop_map(|id| Some(Owner::Worker(worker(&id)))),
        "[a-z0-9#]{1,9}".prop_map(|client| Some(Owner::Client(client.into()))),
    ];
    (owner, views(), by_clients(), by_clients(), any::<bool>()).prop_map(
        |(owner, views, suspended_by, hidden_by, modified)| UserRecord {
            owner,
            views,
            suspended_by,
            hidden_by,
            modified_at: modified.then(noon),
            ..UserRecord::new(user("1"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever a record was before, what is found is what it says now, and nothing of what it said is left behind.
    #[test]
    fn pointers_and_marks_always_say_what_the_record_says(states in proptest::collection::vec(records(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::start().await;
            let mut before = None;
            for after in states {
                let after = put(&world.state, before.as_ref(), after).await;
                assert_eq!(world.state.user_record(&after.user_id).await.unwrap().as_ref(), Some(&after));
                let is_hidden = world.state.hidden_users().await.unwrap().contains(&after.user_id);
                assert_eq!(is_hidden, after.hidden_by.is_some());
                let is_owned = world.state.client_owned_users().await.unwrap().contains(&after.user_id);
                assert_eq!(is_owned, matches!(after.owner, Some(Owner::Client(_))));
                let mut pointers = 0;
                for (client, view) in &after.views {
                    let expected = after.hidden_by.is_none().then(|| UserPointer {
                        user_id: after.user_id.clone(),
                        view: view.clone(),
                        modified_at: after.modified_at,
                    });
                    if let Some(id) = &view.external_id {
                        pointers += usize::from(expected.is_some());
                        assert_eq!(world.state.find_by_external_id(client, id).await.unwrap(), expected);
                    }
                    if let Some(name) = &view.user_name {
                        pointers += usize::from(expected.is_some());
                        assert_eq!(world.state.find_by_user_name(client, name).await.unwrap(), expected);
                    }
                }
                assert_eq!(world.items().await.len(), 1 + usize::from(is_hidden) + pointers);
                before = Some(after);
            }
            world.state.delete_user_record(&before.unwrap(), None).await.unwrap();
            assert!(world.items().await.is_empty());
        });
    }
}

#[tokio::test]
async fn a_record_is_written_and_found_in_one_request_each() {
    let world = World::start().await;
    let run = world.state.for_run();
    let written = put(&run, None, record("1", "00u1", "Ana@Example.com")).await;
    assert_eq!((written.version, run.calls()), (1, 1));
    let pointer = run.find_by_external_id("okta", "00u1").await.unwrap();
    assert_eq!(run.calls(), 2);
    let named = run.find_by_user_name("okta", "ANA@example.com").await;
    assert_eq!((named.unwrap(), run.calls()), (pointer, 3));
    assert_eq!(run.user_record(&user("2")).await.unwrap(), None);
}

#[tokio::test]
async fn other_clients_find_nothing_and_may_use_the_same_values() {
    let world = World::start().await;
    put(&world.state, None, record("1", "00u1", "ana")).await;
    let missed = world.state.find_by_external_id("entra", "00u1").await;
    assert_eq!(missed.unwrap(), None);
    let theirs = UserRecord {
        views: BTreeMap::from([("entra".into(), view("00u1", "ana"))]),
        ..record("2", "", "")
    };
    put(&world.state, None, theirs).await;
    let pointer = world.state.find_by_external_id("entra", "00u1").await;
    assert_eq!(pointer.unwrap().unwrap().user_id, user("2"));
}

#[tokio::test]
async fn a_value_of_another_user_is_refused_and_names_that_user() {
    let cases = [
        (record("2", "00u1", "bo"), Unique::ExternalId),
        (record("2", "00u2", "ANA"), Unique::UserName),
    ];
    for (after, expected) in cases {
        let world = World::start().await;
        put(&world.state, None, record("1", "00u1", "ana")).await;
        let items = world.items().await;
        let refused = world
            .state
            .put_user_record(None, after, Also::default())
            .await;
        match refused {
            Err(StateError::Taken { what, by }) => assert_eq!((what, &*by), (expected, "1")),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.items().await.len(), items.len());
    }
}

#[tokio::test]
async fn one_of_many_that_want_the_same_external_id_gets_it() {
    let world = World::start().await;
    let attempts: Vec<_> = (0..8)
        .map(|id: u8| {
            let (state, after) = (world.state.clone(), record(&id.to_string(), "00u1", ""));
            tokio::spawn(async move { state.put_user_record(None, after, Also::default()).await })
        })
        .collect();
    let mut won = Vec::new();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(record) => won.push(record.user_id),
            Err(StateError::Taken { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let [holder, _] = found(&world, "00u1", "").await;
    assert_eq!(won, [holder.unwrap().user_id]);
}

#[tokio::test]
async fn of_two_writers_that_read_the_same_one_loses() {
    let world = World::start().await;
    let read = put(&world.state, None, record("1", "00u1", "ana")).await;
    put(&world.state, Some(&read), record("1", "00u1", "bea")).await;
    let stale = [
        (Some(&read), record("1", "00u9", "cleo")),
        (None, record("1", "00u9", "cleo")),
    ];
    for (before, after) in stale {
        let result = world
            .state
            .put_user_record(before, after, Also::default())
            .await;
        assert!(
            matches!(&result, Err(StateError::Changed { id }) if id == "1"),
            "{result:?}"
        );
    }
    let result = world.state.delete_user_record(&read, None).await;
    assert!(
        matches!(result, Err(StateError::Changed { .. })),
        "{result:?}"
    );
    assert_eq!(found(&world, "00u9", "ana").await, [None, None]);
    let [by_id, by_name] = found(&world, "00u1", "bea").await;
    assert!(by_id.is_some() && by_id == by_name);
}

#[tokio::test]
async fn a_link_written_meanwhile_refuses_what_was_read_before_it() {
    let world = World::start().await;
    let lease = world.lease().await;
    let id = link("1").user_id.unwrap();
    let read = put(&world.state, None, UserRecord::new(id.clone())).await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let claim = UserRecord {
        owner: Some(Owner::Client("okta".into())),
        ..read.clone()
    };
    let result = world
        .state
        .put_user_record(Some(&read), claim, Also::default())
        .await;
    assert!(
        matches!(result, Err(StateError::Changed { .. })),
        "{result:?}"
    );
    let now = world.state.user_record(&id).await.unwrap().unwrap();
    assert_eq!(now.owner, Some(Owner::Worker(worker("1"))));
}

#[tokio::test]
async fn a_link_keeps_what_clients_know_of_its_user() {
    let world = World::start().await;
    let lease = world.lease().await;
    let id = link("1").user_id.unwrap();
    let known = UserRecord {
        owner: None,
        suspended_by: Some(by("okta")),
        ..record(id.as_str(), "00u1", "ana")
    };
    let known = put(&world.state, None, known).await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let expected = UserRecord {
        owner: Some(Owner::Worker(worker("1"))),
        version: 2,
        ..known
    };
    let ids = BTreeSet::from([id.clone()]);
    let records = world.state.user_records(&ids).await.unwrap();
    assert_eq!(records, BTreeMap::from([(id, expected)]));
}

#[tokio::test]
async fn whoever_a_client_owns_is_refused_to_hr() {
    let world = World::start().await;
    let lease = world.lease().await;
    let id = link("1").user_id.unwrap();
    put(&world.state, None, record(id.as_str(), "00u1", "ana")).await;
    let refused = world.state.put_link(&lease, &link("1")).await;
    assert!(
        matches!(&refused, Err(StateError::Owned { client, .. }) if client == "okta"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_a_hidden_user_was_called_is_free_and_comes_back_if_still_free() {
    let world = World::start().await;
    let first = put(&world.state, None, record("1", "00u1", "ana")).await;
    let hidden = UserRecord {
        hidden_by: Some(by("okta")),
        ..first.clone()
    };
    let hidden = put(&world.state, Some(&first), hidden).await;
    assert_eq!(found(&world, "00u1", "ana").await, [None, None]);

    let second = put(&world.state, None, record("2", "00u1", "ana")).await;
    let result = world
        .state
        .put_user_record(Some(&hidden), first.clone(), Also::default())
        .await;
    assert!(
        matches!(&result, Err(StateError::Taken { by, .. }) if by == "2"),
        "{result:?}"
    );
    let hidden_users = world.state.hidden_users().await.unwrap();
    assert_eq!(hidden_users, BTreeSet::from([user("1")]));

    world.state.delete_user_record(&second, None).await.unwrap();
    put(&world.state, Some(&hidden), first).await;
    let [by_id, by_name] = found(&world, "00u1", "ana").await;
    assert!(by_id.is_some() && by_id == by_name);
    assert!(world.state.hidden_users().await.unwrap().is_empty());
}

#[tokio::test]
async fn hidden_users_are_forgotten_fifty_in_a_request() {
    let world = World::start().await;
    let mut ids = BTreeSet::new();
    for id in 0..51 {
        let hidden = UserRecord {
            hidden_by: Some(by("okta")),
            ..record(&id.to_string(), &id.to_string(), "")
        };
        ids.insert(put(&world.state, None, hidden).await.user_id);
    }
    assert_eq!(world.state.hidden_users().await.unwrap(), ids);
    assert_eq!(world.state.user_records(&ids).await.unwrap().len(), 51);
    let run = world.state.for_run();
    run.forget_hidden(&ids).await.unwrap();
    assert_eq!(run.calls(), 2);
    assert!(world.items().await.is_empty());
}

#[tokio::test]
async fn values_of_any_length_are_unique_and_found() {
    let world = World::start().await;
    let long = |first: char| format!("{first}{}", "É".repeat(1_023));
    put(&world.state, None, record("1", &long('a'), &long('B'))).await;
    put(&world.state, None, record("2", &long('b'), &long('C'))).await;
    let [by_id, by_name] = found(&world, &long('a'), &long('b').to_lowercase()).await;
    assert!(by_id.is_some() && by_id == by_name);
    let result = world
        .state
        .put_user_record(None, record("3", &long('a'), ""), Also::default())
        .await;
    assert!(
        matches!(
            &result,
            Err(StateError::Taken { what: Unique::ExternalId, by }) if by == "1"
        ),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_hold_is_set_and_cleared_with_the_record_and_survives_runs() {
    let world = World::start().await;
    let lease = world.lease().await;
    let link = link("1");
    let id = link.user_id.clone().unwrap();
    world.state.put_link(&lease, &link).await.unwrap();
    let hold = by("okta");
    for set in [Some(&hold), None] {
        let read = world.state.user_record(&id).await.unwrap();
        let suspended = UserRecord {
            suspended_by: set.cloned(),
            ..read.clone().unwrap()
        };
        let also = Also {
            hold: Some(LinkHold {
                key: &link.key,
                hold: set,
            }),
            ..Also::default()
        };
        let run = world.state.for_run();
        let written = run.put_user_record(read.as_ref(), suspended, also).await;
        written.unwrap();
        assert_eq!(run.calls(), 1);
        // The run read the link before.
        world.state.put_link(&lease, &link).await.unwrap();
        let now = world.state.link(&link.key).await.unwrap().unwrap();
        assert_eq!(now.scim_hold.as_deref(), set);
    }
}

#[tokio::test]
async fn a_hold_on_a_link_that_is_gone_or_of_another_user_changes_nothing() {
    let world = World::start().await;
    let lease = world.lease().await;
    world.state.put_link(&lease, &link("1")).await.unwrap();
    let hold = by("okta");
    for key in [worker("1"), worker("2")] {
        let also = Also {
            hold: Some(LinkHold {
                key: &key,
                hold: Some(&hold),
            }),
            ..Also::default()
        };
        let result = world
            .state
            .put_user_record(None, record("1", "00u1", ""), also)
            .await;
        assert!(
            matches!(result, Err(StateError::Changed { .. })),
            "{result:?}"
        );
    }
    assert_eq!(world.state.links().await.unwrap(), [link("1")]);
    assert_eq!(found(&world, "00u1", "").await, [None, None]);
}

#[tokio::test]
async fn a_record_ends_the_create_that_it_came_from() {
    let world = World::start().await;
    let intent = Intent {
        client: "okta".into(),
        username: "ana".into(),
        digest: [1; 32],
        at: noon(),
        holder: "request 1".into(),
        until: noon() + SignedDuration::from_mins(1),
    };
    world.state.begin_create(&intent, noon()).await.unwrap();
    let also = Also {
        closes: Some(&intent),
        ..Also::default()
    };
    let written = world
        .state
        .put_user_record(None, record("1", "", ""), also)
        .await;
    written.unwrap();
    assert_eq!(world.items().await.len(), 1);
}

#[tokio::test]
async fn damaged_records_and_pointers_fail_every_read_of_them() {
    let cases = [
        ("USER", "1", "version", Damage::Missing("version")),
        (
            "USER",
            "1",
            "modified_at",
            Damage::Unreadable("modified_at"),
        ),
        ("USER", "1", "views", Damage::Unreadable("views")),
        ("USER", "1", "hidden_by", Damage::Unreadable("hidden_by")),
        ("SCIM#okta", "external#00u1", "id", Damage::Missing("id")),
    ];
    for (pk, sk, attribute, expected) in cases {
        let world = World::start().await;
        put(&world.state, None, record("1", "00u1", "")).await;
        let key = Key::new(pk, sk);
        let mut items = world.items().await.into_iter();
        let mut item = items.find(|item| Key::of(item) == key).unwrap();
        item.remove(attribute);
        if let Damage::Unreadable(attribute) = expected {
            item.insert(attribute.to_owned(), AttributeValue::S("?".into()));
        }
        world.put(item).await;
        let read = if pk == "USER" {
            world.state.user_record(&user("1")).await.map(drop)
        } else {
            let found = world.state.find_by_external_id("okta", "00u1").await;
            found.map(drop)
        };
        match read {
            Err(StateError::Damaged { key, source, .. }) => {
                assert_eq!((&*key, source), (&*format!("{pk} {sk}"), expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

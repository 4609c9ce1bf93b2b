//! Links come back as they were written, all of them, and are found by e-mail.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use mapping::{Attribute, Class, Written};
use proptest::prelude::*;
use serde_json::json;

use super::{TABLE, World, link, size_of, worker};
use crate::item::Damage;
use crate::item::Item;
use crate::link::{attributes, decode, key_of};
use crate::{Link, Missing, StateError, Suspension};

fn encode(link: &Link) -> Item {
    key_of(&link.key).with(attributes(link))
}

fn times() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000, 0_i32..1_000_000_000)
        .prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap())
}

fn links() -> impl Strategy<Value = Link> {
    let suspension =
        (times(), 0..Class::ALL.len(), any::<bool>()).prop_map(|(at, class, holds)| Suspension {
            at,
            class: Class::ALL[class],
            holds,
            was_staged: holds,
            ahead_of: holds.then(|| jiff::civil::date(2026, 2, 28)),
        });
    let missing = (any::<u32>(), times(), proptest::option::of(times())).prop_map(
        |(runs, since, checked_at)| Missing {
            runs,
            since,
            checked_at,
        },
    );
    (
        (
            "[a-z_-]{1,12}",
            "[A-Za-z0-9#/ -]{1,40}",
            proptest::option::of("[0-9a-f]{24}"),
        ),
        (
            "[a-z.]{0,40}",
            "(\\PC{0,20}@example.com)?",
            any::<bool>(),
            "\\PC{0,50}",
        ),
        (
            proptest::option::of(suspension),
            proptest::option::of(missing),
        ),
        (
            proptest::option::of("[0-9a-f-]{36}"),
            proptest::option::of("[0-9a-f]{16}"),
            times(),
            proptest::collection::btree_map("[0-9a-f]{24}", "\\PC{1,20}", 0..3),
        ),
    )
        .prop_map(
            |(
                (source, worker_id, user_id),
                (username, email, adopted, written),
                (suspension, missing),
                (pending, details, created_at, groups),
            )| Link {
                key: mapping::WorkerKey {
                    source: source.as_str().into(),
                    worker_id: worker_id.as_str().into(),
                },
                user_id: user_id.as_deref().map(Into::into),
                username: username.into(),
                email: email.into(),
                adopted,
                written: written.into(),
                suspension,
                missing: missing.map(Box::new),
                scim_hold: None,
                groups: groups
                    .iter()
                    .map(|(id, rule)| (id.as_str().into(), rule.into()))
                    .collect(),
                pending: pending.as_deref().map(Into::into),
                details: details.map(Into::into),
                created_at,
            },
        )
}

proptest! {
    #[test]
    fn every_link_decodes_to_itself(link in links()) {
        prop_assert_eq!(decode(&encode(&link)), Ok(link));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn every_link_comes_back_from_the_table(links in proptest::collection::btree_map("[a-z0-9]{1,9}", links(), 1..12)) {
        let links: Vec<Link> =
            links.into_iter().map(|(id, link)| Link { key: worker(&id), ..link }).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::start().await;
            let lease = world.lease().await;
            for link in &links {
                world.state.put_link(&lease, link).await.unwrap();
            }
            assert_eq!(world.state.links().await.unwrap(), links);
            for link in &links {
                assert_eq!(world.state.link(&link.key).await.unwrap().as_ref(), Some(link));
                let found = world.state.find_by_email(&link.email).await.unwrap();
                assert!(link.email.is_empty() || found.contains(&link.key));
            }
        });
    }
}

#[tokio::test]
async fn link_is_put_read_and_deleted_in_one_request_each() {
    let world = World::start().await;
    let lease = world.lease().await;
    let run = world.state.for_run();
    run.put_link(&lease, &link("1")).await.unwrap();
    assert_eq!(run.calls(), 1);
    assert_eq!(run.link(&worker("1")).await.unwrap(), Some(link("1")));
    assert_eq!(run.calls(), 2);
    run.delete_link(&lease, &worker("1"), link("1").user_id.as_ref(), None)
        .await
        .unwrap();
    assert_eq!(run.calls(), 3);
    assert_eq!(run.link(&worker("1")).await.unwrap(), None);
    run.delete_link(&lease, &worker("1"), None, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn writes_at_once_do_not_hinder_one_another() {
    let world = World::start().await;
    let lease = world.lease().await;
    let writes: Vec<_> = (0..20)
        .map(|id| {
            let (state, lease) = (world.state.clone(), lease.clone());
            tokio::spawn(async move { state.put_link(&lease, &link(&id.to_string())).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(world.state.links().await.unwrap().len(), 20);
    assert_eq!(world.state.calls(), 1 + 20 + 1);
}

#[tokio::test]
async fn links_are_found_by_their_present_email_in_any_case() {
    let world = World::start().await;
    let lease = world.lease().await;
    let moved = Link {
        email: "Ana.New@Example.com".into(),
        ..link("1")
    };
    world.state.put_link(&lease, &link("1")).await.unwrap();
    world.state.put_link(&lease, &moved).await.unwrap();
    world
        .state
        .put_link(
            &lease,
            &Link {
                email: "".into(),
                ..link("2")
            },
        )
        .await
        .unwrap();
    let run = world.state.for_run();
    assert_eq!(
        run.find_by_email("ana.new@example.COM").await.unwrap(),
        [moved.key]
    );
    assert_eq!(run.calls(), 1);
    assert!(
        run.find_by_email("ana.souza@example.com")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn links_of_several_megabytes_take_a_request_per_megabyte() {
    let world = World::start().await;
    let mut written = Written::default();
    written.record(
        &Attribute::Email,
        json!("x".repeat(900)),
        json!("y".repeat(900)),
    );
    let mut megabytes = 0;
    for id in 0..1_500 {
        let mut link = link(&format!("{id:06}"));
        link.set_written(&written).unwrap();
        let item = encode(&link);
        megabytes += size_of(&item);
        import(&world, item);
    }
    let requests = u64::try_from(megabytes.div_ceil(1 << 20)).unwrap();
    assert!(requests >= 3);
    let links = world.state.links().await.unwrap();
    assert_eq!(links.len(), 1_500);
    assert!(links.is_sorted_by_key(|link| link.key.clone()));
    assert_eq!(links[700].written().unwrap(), written);
    assert!(
        world.state.calls() <= requests + 1,
        "{} requests",
        world.state.calls()
    );
}

/// Past HTTP and transactions, which thousands of links would spend the test's time on.
fn import(world: &World, item: Item) {
    let item = item
        .into_iter()
        .map(|(name, value)| match value {
            AttributeValue::S(text) => (name, dynoxide::AttributeValue::S(text)),
            other => panic!("{other:?}"),
        })
        .collect();
    let request = dynoxide::actions::put_item::PutItemRequest {
        table_name: TABLE.to_owned(),
        item,
        ..Default::default()
    };
    world.database.put_item(request).unwrap();
}

#[test]
fn usual_link_is_lean() {
    let item = encode(&link("1"));
    assert_eq!(item.len(), 7);
    assert!(size_of(&item) < 250, "{}", size_of(&item));
    assert!(std::mem::size_of::<Link>() <= 328);
}

#[tokio::test]
async fn damaged_link_fails_every_read_of_it() {
    let cases = [
        ("created_at", None, Damage::Missing("created_at")),
        (
            "created_at",
            Some(AttributeValue::S("yesterday".into())),
            Damage::Unreadable("created_at"),
        ),
        (
            "adopted",
            Some(AttributeValue::S("yes".into())),
            Damage::Unreadable("adopted"),
        ),
        (
            "suspension",
            Some(AttributeValue::M(Item::new())),
            Damage::Missing("at"),
        ),
        (
            "email",
            Some(AttributeValue::Null(true)),
            Damage::Unreadable("email"),
        ),
    ];
    for (attribute, value, expected) in cases {
        let world = World::start().await;
        let mut item = encode(&link("1"));
        item.remove(attribute);
        item.extend(value.map(|value| (attribute.to_owned(), value)));
        world.put(encode(&link("0"))).await;
        world.put(item).await;
        for result in [
            world.state.links().await.map(drop),
            world.state.link(&worker("1")).await.map(drop),
        ] {
            match result {
                Err(StateError::Damaged { key, source, .. }) => {
                    assert_eq!((&*key, source), ("LINK deel#1", expected.clone()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn damaged_written_names_the_link() {
    let damaged = Link {
        written: "{".into(),
        ..link("1")
    };
    let error = damaged.written().unwrap_err().to_string();
    assert!(error.contains("`deel/1`"), "{error}");
    assert_eq!(link("1").written().unwrap(), Written::default());
}

//! `Idempotency-Key`: what is repeated is done once, and answered the same.

use e2e::{Scim, Setup};
use jiff::SignedDuration;
use sandbox::{Fault, Vendor};
use serde_json::json;

use super::{ada, create, user, with};
use crate::{world, world_with};

/// The same client with a key.
fn keyed(scim: &Scim, key: &str) -> Scim {
    scim.with("idempotency-key", key)
}

#[tokio::test]
async fn repeated_request_gets_the_first_answer() {
    let world = world().await;
    let scim = keyed(&world.scim(), "k1");
    let created = create(&scim, ada()).await;
    let path = format!("/Users/{}", created.id());
    let title = json!([{"op": "add", "path": "title", "value": "Lead"}]);
    let patched = scim.operate(&path, title.clone()).await.expect(200);
    world.forget_requests();
    assert_eq!(create(&scim, ada()).await, created);
    assert_eq!(scim.operate(&path, title).await, patched);
    assert_eq!(world.requests(Vendor::JumpCloud), 0);
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn headers_of_the_first_answer_come_again_whatever_its_body_shows() {
    let world = world().await;
    let scim = keyed(&world.scim(), "k1");
    let path = "/Users?excludedAttributes=meta";
    let created = scim.post(path, ada()).await.expect(201);
    assert!(!created.header("etag").is_empty() && !created.header("location").is_empty());
    assert_eq!(scim.post(path, ada()).await, created);
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_client() {
    let world = world().await;
    let scim = keyed(&world.scim(), "k1");
    let id = create(&scim, ada()).await.id();
    for (path, asked) in [
        ("/Users", user("other.one")),
        ("/Users", with(ada(), json!({"password": "Hunter2!hunter"}))),
        ("/Users?attributes=id", ada()),
    ] {
        let refused = scim.post(path, asked).await.expect(422);
        assert!(refused.text("/detail").contains("`Idempotency-Key`"));
    }
    // Another client's, another path's, and where nothing is made or changed it is no matter.
    scim.of("entra")
        .post("/Users", ada())
        .await
        .refused(409, "uniqueness");
    let path = format!("/Users/{id}");
    let title = json!([{"op": "add", "path": "title", "value": "Lead"}]);
    scim.operate(&path, title).await.expect(200);
    assert_eq!(scim.get(&path).await.expect(200).text("/title"), "Lead");
    scim.delete(&path).await.expect(204);
    scim.delete(&path).await.expect(404);
}

#[tokio::test]
async fn refusals_are_repeated_and_what_may_go_better_is_not() {
    let world = world().await;
    let scim = world.scim();
    let nameless = json!({"schemas": [super::USER_URN]});
    let keyed_one = keyed(&scim, "k1");
    let refused = keyed_one
        .post("/Users", nameless.clone())
        .await
        .refused(400, "invalidValue");
    assert_eq!(keyed_one.post("/Users", nameless).await, refused);
    keyed_one.post("/Users", ada()).await.expect(422);
    let keyed_two = keyed(&scim, "k2");
    world.fault(
        Fault::status(Vendor::JumpCloud, 503)
            .method("POST")
            .times(100),
    );
    keyed_two.post("/Users", ada()).await.expect(503);
    world.sandbox().faults().clear();
    create(&keyed_two, ada()).await;
}

#[tokio::test]
async fn keys_of_no_use_are_refused() {
    let world = world().await;
    let scim = world.scim();
    let long = "k".repeat(256);
    for key in ["", &long] {
        keyed(&scim, key)
            .post("/Users", ada())
            .await
            .refused(400, "invalidValue");
    }
    create(&keyed(&scim, &"k".repeat(255)), ada()).await;
}

#[tokio::test]
async fn answer_that_was_lost_comes_again() {
    let world = world().await;
    let scim = keyed(&world.scim(), "k1");
    world.fault(
        Fault::drop(Vendor::JumpCloud)
            .method("POST")
            .path("/systemusers")
            .after_effect(),
    );
    let created = create(&scim, ada()).await;
    assert_eq!(create(&scim, ada()).await, created);
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn refusal_of_today_is_not_the_answer_of_tomorrow() {
    let setup = Setup::new().section("[limits]\nscim_suspend = { max = 1 }");
    let world = world_with(setup).await;
    // Seconds count here, and a busy machine takes some.
    let clock = world.sandbox().clock();
    clock.set(clock.now());
    let scim = world.scim();
    let one = create(&scim, user("one")).await.id();
    let two = create(&scim, user("two")).await.id();
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    scim.operate(&format!("/Users/{one}"), off.clone())
        .await
        .expect(200);
    let (keyed, path) = (keyed(&scim, "k1"), format!("/Users/{two}"));
    keyed.operate(&path, off.clone()).await.expect(403);
    // The key is kept until a day after the refusal, and the first suspension counts until then.
    let day = SignedDuration::from_hours(24) - SignedDuration::from_secs(1);
    clock.advance(day);
    keyed.operate(&path, off.clone()).await.expect(403);
    clock.advance(SignedDuration::from_secs(2));
    keyed.operate(&path, off).await.expect(200);
}

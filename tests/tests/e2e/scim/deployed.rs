//! The real program under the Runtime API, behind API Gateway: the way there and back. What the service does is tried
//! in the other files.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use sandbox::{Fault, Vendor};
use serde_json::json;
use tokio::time::timeout;

use super::{ada, create, stored};
use crate::{PROGRAMS, world};

#[tokio::test]
async fn user_lives_behind_api_gateway() {
    let world = world().await;
    let scim = world.deployed_scim().await;
    let created = create(&scim, ada()).await;
    assert!(
        created
            .text("/meta/location")
            .starts_with("https://api.test/live/scim/v2/Users/")
    );
    assert_eq!(stored(&world, &created.id())["state"], "ACTIVATED");
    let path = format!("/Users/{}", created.id());
    let title = json!([{"op": "replace", "path": "title", "value": "Größe"}]);
    scim.operate(&path, title).await.expect(200);
    assert_eq!(stored(&world, &created.id())["jobTitle"], "Größe");
    let some = scim
        .get(&format!("{path}?attributes=title&attributes=userName"))
        .await;
    assert_eq!(some.expect(200).text("/title"), "Größe");
    scim.send("HEAD", &path, "").await.expect(200);
    scim.delete(&path).await.expect(204);
    scim.get(&path).await.expect(404);
}

#[tokio::test]
async fn whatever_is_sent_is_answered() {
    let world = world().await;
    let scim = world.deployed_scim().await;
    for (method, path, body, status) in [
        ("GET", "/Users/no such user", "", 404),
        ("GET", "/Users/ü#?x=<\"{|}>", "", 404),
        ("GET", "/Users/../../etc", "", 404),
        ("BREW", "/Users", "", 405),
        ("B@D", "/Users", "", 400),
        ("", "/Users", "", 400),
        ("POST", "/Users", "{", 400),
        ("POST", "/Users", "\u{fffd}", 400),
        ("OPTIONS", "/Users", "", 204),
        ("GET", "/nothing/here", "", 404),
    ] {
        let answer = scim.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    scim.send("POST", "/Users", [0xff, 0xfe, b'{'])
        .await
        .refused(400, "invalidSyntax");
    scim.without("authorization")
        .get("/Users")
        .await
        .expect(401);
    // It is still the same process, and well.
    scim.get("/ServiceProviderConfig").await.expect(200);
}

#[tokio::test]
async fn start_finds_everything_open_and_waits_for_nothing_that_is_down() {
    let world = world().await;
    let day = Duration::from_hours(24);
    let asleep = [Vendor::DynamoDb, Vendor::JumpCloud].map(|vendor| Fault::delay(vendor, day));
    for fault in asleep {
        world.sandbox().faults().add(fault.always());
    }
    world.sandbox().requests().clear();
    let scim = world.deployed_scim().await;
    scim.get("/ServiceProviderConfig").await.expect(200);
    let asked = world.sandbox().requests().all().into_iter();
    let asked: Vec<Vendor> = asked.map(|request| request.vendor).collect();
    // Each once: nobody waited until it was time to ask again.
    for vendor in [Vendor::DynamoDb, Vendor::JumpCloud, Vendor::SecretsManager] {
        let times = asked.iter().filter(|asked| **asked == vendor).count();
        let keys = usize::from(vendor == Vendor::SecretsManager);
        assert_eq!(times, 1 + keys, "{vendor:?} of {asked:?}");
    }

    world.sandbox().faults().clear();
    let created = create(&scim, ada()).await;
    scim.get(&format!("/Users/{}", created.id()))
        .await
        .expect(200);
}

#[tokio::test]
async fn start_is_not_held_up_by_secrets_that_nobody_tells() {
    let world = world().await;
    let asleep = Fault::delay(Vendor::SecretsManager, Duration::from_hours(24));
    world.sandbox().faults().add(asleep.always());
    let scim = Path::new(PROGRAMS.scim);
    let function = world.start_another(scim, &BTreeMap::new()).await;
    let ready = timeout(Duration::from_mins(1), function.ready()).await;
    assert!(ready.is_ok(), "it never asks for work");
}

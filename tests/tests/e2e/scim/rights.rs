//! Who may write what: each way to write, against each user that a client has no right to.

use e2e::{Response, Scim, Setup, World};
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ENTERPRISE_URN, ada, create, stored, user, with};
use crate::{ana, world, world_with};

/// A request: method, path and body.
type Asked = (&'static str, String, Value);

async fn send(scim: &Scim, (method, path, body): &Asked) -> Response {
    scim.send(method, path, body.to_string()).await
}

fn patch(operation: Value) -> Value {
    json!({"Operations": [operation]})
}

fn set_one(attribute: &str, value: Value) -> Value {
    patch(json!({"op": "replace", "path": attribute, "value": value}))
}

/// Each way to change a user, given as the client sees it, that takes a right to that user.
fn changes(shown: &Value) -> Vec<Asked> {
    let path = path_of(shown["id"].as_str().unwrap_or_default());
    let titled = with(shown.clone(), json!({"title": "Other"}));
    vec![
        ("PATCH", path.clone(), set_one("title", json!("Other"))),
        (
            "PATCH",
            path.clone(),
            set_one("password", json!("Long-enough-4-anybody!")),
        ),
        ("PATCH", path.clone(), set_one("userName", json!("other"))),
        ("PUT", path.clone(), titled.clone()),
        ("PUT", path.clone(), with(titled, json!({"active": false}))),
        ("DELETE", path, Value::Null),
    ]
}

/// What any client may do to any user that is not protected: call it something of its own, and switch it off.
fn liberties(shown: &Value) -> Vec<Asked> {
    let path = path_of(shown["id"].as_str().unwrap_or_default());
    let off = with(
        shown.clone(),
        json!({"active": false, "externalId": "other"}),
    );
    vec![
        ("PATCH", path.clone(), set_one("externalId", json!("other"))),
        ("PATCH", path.clone(), set_one("active", json!(false))),
        ("PUT", path, off),
    ]
}

fn writes(shown: &Value) -> Vec<Asked> {
    let mut writes = changes(shown);
    writes.extend(liberties(shown));
    writes
}

/// The same writes as operations of one bulk request.
fn in_bulk(writes: &[Asked]) -> Asked {
    let operation =
        |(method, path, data): &Asked| json!({"method": method, "path": path, "data": data});
    let operations: Vec<Value> = writes.iter().map(operation).collect();
    (
        "POST",
        "/Bulk".to_owned(),
        json!({"Operations": operations}),
    )
}

/// A PATCH that changes one attribute.
async fn set(scim: &Scim, path: &str, attribute: &str, value: Value) -> Response {
    scim.patch(path, set_one(attribute, value)).await
}

/// A client without a right to a user changes nothing of it, and may take its liberties.
async fn keeps_to_liberties(world: &World, scim: &Scim, shown: &Value) {
    let id = shown["id"].as_str().unwrap_or_default();
    let before = stored(world, id);
    for asked in changes(shown) {
        assert_eq!(send(scim, &asked).await.status, 403, "{asked:?}");
    }
    assert_eq!(stored(world, id), before);
    for asked in liberties(shown) {
        assert_eq!(send(scim, &asked).await.status, 200, "{asked:?}");
    }
    for asked in changes(shown) {
        assert_eq!(send(scim, &asked).await.status, 403, "{asked:?}");
    }
}

fn path_of(id: &str) -> String {
    format!("/Users/{id}")
}

#[tokio::test]
async fn token_that_reads_writes_by_no_method() {
    let world = world().await;
    let auditor = world.scim().of("auditor");
    let created = create(&world.scim(), ada()).await;
    let group = json!({"displayName": "Team"});
    let id = world.scim().post("/Groups", group.clone()).await.id();
    let group_path = format!("/Groups/{id}");
    let mut asked = writes(&created.body);
    asked.push(in_bulk(&asked));
    asked.extend([
        ("POST", "/Users".to_owned(), user("other.one")),
        (
            "POST",
            "/Groups".to_owned(),
            json!({"displayName": "Other"}),
        ),
        ("PUT", group_path.clone(), json!({"displayName": "Other"})),
        (
            "PATCH",
            group_path.clone(),
            patch(json!({"op": "remove", "path": "members"})),
        ),
        ("DELETE", group_path.clone(), Value::Null),
        ("POST", "/Bulk".to_owned(), json!({})),
        ("PATCH", "/Me".to_owned(), json!({})),
    ]);
    world.forget_requests();
    for asked in &asked {
        let refused = send(&auditor, asked).await;
        assert_eq!(refused.status, 403, "{asked:?}");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.contains(r#"error="insufficient_scope""#),
            "{challenge}"
        );
    }
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    auditor.get(&path_of(&created.id())).await.expect(200);
    auditor.get(&group_path).await.expect(200);
}

#[tokio::test]
async fn protected_users_and_administrators_are_written_in_no_way() {
    let setup = Setup::new().section("[protect]\nusernames = [\"break.glass\"]");
    let world = world_with(setup).await;
    let scim = world.scim();
    for fields in [
        json!({"username": "Break.Glass", "email": "glass@example.com"}),
        json!({"username": "chief.admin", "email": "chief@example.com", "admin": {"id": "1"}}),
    ] {
        let id = world.jumpcloud().add(fields);
        let before = stored(&world, &id);
        let shown = scim.get(&path_of(&id)).await.expect(200).body;
        let writes = writes(&shown);
        for asked in &writes {
            assert_eq!(send(&scim, asked).await.status, 403, "{asked:?}");
        }
        let bulk = send(&scim, &in_bulk(&writes)).await.expect(200);
        for result in bulk.body["Operations"].as_array().expect("results") {
            assert_eq!(result["status"], "403", "{result}");
        }
        let same_address = with(user("other.one"), json!({"emails": shown["emails"]}));
        scim.post("/Users", same_address)
            .await
            .refused(409, "uniqueness");
        // What changes nothing is no write.
        scim.put(&path_of(&id), shown).await.expect(200);
        assert_eq!(stored(&world, &id), before);
    }
}

#[tokio::test]
async fn protected_name_is_given_to_nobody() {
    let world = world_with(Setup::new().section("[protect]\nusernames = [\"break.glass\"]")).await;
    let scim = world.scim();
    for name in ["break.glass", "BREAK.glass", "break.glass@example.com"] {
        let asked = with(ada(), json!({"userName": name}));
        scim.post("/Users", asked).await.refused(403, "");
    }
    let id = create(&scim, ada()).await.id();
    let renamed = set(&scim, &path_of(&id), "userName", json!("break.glass")).await;
    renamed.refused(403, "");
    assert_eq!(world.jumpcloud().users().len(), 1);
}

/// Membership is the group's: administrators are in ordinary groups too.
#[tokio::test]
async fn administrators_join_and_leave_groups_like_everybody() {
    let world = world().await;
    let scim = world.scim();
    let chief = json!({"username": "chief", "email": "chief@example.com", "admin": {"id": "1"}});
    let id = world.jumpcloud().add(chief);
    let team = json!({"displayName": "Team", "members": [{"value": id}]});
    let group = scim.post("/Groups", team).await.expect(201).id();
    assert_eq!(world.jumpcloud().members(&group), [id.as_str()]);
    let leave = json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]);
    scim.operate(&format!("/Groups/{group}"), leave)
        .await
        .expect(204);
    assert!(world.jumpcloud().members(&group).is_empty());
}

#[tokio::test]
async fn of_hrs_user_each_attribute_that_hr_writes_stays_hrs() {
    let world = world().await;
    let id = world.hire(ana().job_title("Engineer").department("R&D", None));
    world.run_sync().await;
    let user_id = world.user_of(&id).await["_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let (scim, path) = (world.scim(), path_of(&user_id));
    let shown = scim.get(&path).await.expect(200).body;
    world.forget_requests();
    scim.put(&path, shown.clone()).await.expect(200);
    let enterprise = |name: &str| format!("{ENTERPRISE_URN}:{name}");
    for (attribute, value) in [
        ("userName".to_owned(), json!("other")),
        ("name.givenName".to_owned(), json!("Other")),
        ("name.familyName".to_owned(), json!("Other")),
        ("displayName".to_owned(), json!("Other")),
        (
            "emails[type eq \"work\"].value".to_owned(),
            json!("other@example.com"),
        ),
        (
            "emails[type eq \"home\"].value".to_owned(),
            json!("other@home.example"),
        ),
        ("title".to_owned(), json!("Other")),
        (enterprise("department"), json!("Other")),
        (enterprise("employeeNumber"), json!("Other")),
    ] {
        let changed = set(&scim, &path, &attribute, value).await;
        assert_eq!(changed.status, 403, "{attribute}");
        assert!(
            changed.text("/detail").contains("`deel`"),
            "{}",
            changed.body
        );
        let found = attribute.rsplit(':').next().unwrap_or_default();
        let pointer = format!("/{}", found.replace('.', "/"));
        let held = shown.pointer(&pointer).or(shown[ENTERPRISE_URN].get(found));
        if let Some(held) = held {
            set(&scim, &path, &attribute, held.clone())
                .await
                .expect(200);
        }
    }
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    for (attribute, value) in [
        ("name.middleName", json!("M.")),
        ("phoneNumbers", json!([{"type": "work", "value": "+1"}])),
        ("addresses", json!([{"type": "home", "locality": "Porto"}])),
        ("password", json!("Long-enough-4-anybody!")),
        ("externalId", json!("hers")),
    ] {
        let changed = set(&scim, &path, attribute, value).await;
        assert_eq!(changed.status, 200, "{attribute}: {}", changed.body);
    }
    world.settled().await;
}

#[tokio::test]
async fn user_whom_no_client_made_is_not_claimed_where_none_may() {
    let world = world_with(Setup::new().section("[scim]\nclaim = \"never\"")).await;
    let scim = world.scim();
    let ours = create(&scim, ada()).await.id();
    set(&scim, &path_of(&ours), "title", json!("Lead"))
        .await
        .expect(200);
    let there = json!({"username": "there", "email": "there@example.com"});
    let id = world.jumpcloud().add(there);
    let shown = scim.get(&path_of(&id)).await.expect(200).body;
    keeps_to_liberties(&world, &scim, &shown).await;
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
}

#[tokio::test]
async fn two_clients_call_two_users_by_one_external_id() {
    let world = world().await;
    let (okta, entra) = (world.scim(), world.scim().of("entra"));
    let named = |name: &str| with(user(name), json!({"externalId": "7"}));
    let one = create(&okta, named("one")).await.id();
    let other = create(&entra, named("other")).await.id();
    let filter = "/Users?filter=externalId eq %227%22";
    assert_eq!(okta.get(filter).await.ids(), [one.as_str()]);
    assert_eq!(entra.get(filter).await.ids(), [other.as_str()]);
    let third = create(&okta, user("third")).await.id();
    let taken = set(&okta, &path_of(&third), "externalId", json!("7")).await;
    taken.refused(409, "uniqueness");
    let read = okta.get(&path_of(&other)).await.expect(200);
    assert!(read.body["externalId"].is_null());
}

fn token_file(token: &str) -> String {
    let sha256 = hex::encode(Sha256::digest(token));
    let token = json!({"name": "okta-2", "client": "okta", "sha256": sha256, "scope": "write"});
    json!({"tokens": [token]}).to_string()
}

#[tokio::test]
async fn request_under_way_outlives_its_token() {
    let world = world().await;
    let scim = world.scim();
    let rotate = {
        let secrets = world.sandbox().secrets();
        move || secrets.set("rollcall/scim", &token_file("a-new-token"))
    };
    world.fault(Fault::run(Vendor::JumpCloud, rotate).method("POST"));
    let path = path_of(&create(&scim, ada()).await.id());
    let rotated = scim.with("authorization", "Bearer a-new-token");
    set(&rotated, &path, "title", json!("Lead"))
        .await
        .expect(200);
    let refused = scim.get(&path).await.expect(401);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
    let refused = scim.without("authorization").get(&path).await.expect(401);
    assert_eq!(
        refused.header("www-authenticate"),
        r#"Bearer realm="rollcall""#
    );
}

#[tokio::test]
async fn nobody_else_changes_what_another_client_made() {
    let world = world().await;
    let path = path_of(&create(&world.scim(), ada()).await.id());
    let entra = world.scim().of("entra");
    let shown = entra.get(&path).await.expect(200).body;
    keeps_to_liberties(&world, &entra, &shown).await;
}

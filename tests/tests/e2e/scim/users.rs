//! A user's life through SCIM, and what becomes of it in JumpCloud.

use e2e::Setup;
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};

use super::{ENTERPRISE_URN, USER_URN, ada, create, stored, user, with};
use crate::{world, world_with};

#[tokio::test]
async fn created_user_is_active_with_a_pending_password_and_no_mail() {
    let world = world().await;
    let scim = world.scim();
    let asked = with(
        ada(),
        json!({
            "schemas": [USER_URN, ENTERPRISE_URN],
            "displayName": "Ada Novak",
            "title": "Engineer",
            ENTERPRISE_URN: {"department": "R&D", "employeeNumber": "E-1"},
        }),
    );
    let created = create(&scim, asked).await;
    let user = stored(&world, &created.id());
    for (field, value) in [
        ("username", "ada.novak"),
        ("email", "ada.novak@example.com"),
        ("firstname", "Ada"),
        ("lastname", "Novak"),
        ("displayname", "Ada Novak"),
        ("jobTitle", "Engineer"),
        ("department", "R&D"),
        ("employeeIdentifier", "E-1"),
        ("state", "ACTIVATED"),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    assert_eq!(user["activated"], false, "a password was set");
    assert!(world.jumpcloud().mails().is_empty());

    assert_eq!(created.body["active"], true);
    let read = scim
        .get(&format!("/Users/{}", created.id()))
        .await
        .expect(200);
    assert_eq!(read.body, created.body);
}

#[tokio::test]
async fn calls_are_few() {
    let world = world().await;
    let scim = world.scim();
    let calls = || {
        let calls = (
            world.requests(Vendor::JumpCloud),
            world.requests(Vendor::DynamoDb),
        );
        world.forget_requests();
        calls
    };
    create(&scim, user("first.one")).await;
    calls();
    let created = create(&scim, ada()).await;
    assert!(calls().0 <= 3);
    let path = format!("/Users/{}", created.id());
    scim.get(&path).await.expect(200);
    assert_eq!(calls(), (1, 1));
    let title = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    scim.operate(&path, title).await.expect(200);
    assert_eq!(calls(), (2, 3));
}

#[tokio::test]
async fn taken_values_are_refused_by_name() {
    let world = world().await;
    let scim = world.scim();
    let number = json!({ENTERPRISE_URN: {"employeeNumber": "E-1"}});
    create(&scim, with(ada(), number.clone())).await;
    let other = user("other.one");
    for (asked, named) in [
        (
            with(other.clone(), json!({"userName": "ADA.novak"})),
            "userName",
        ),
        (
            with(
                other.clone(),
                json!({"emails": [{"value": "Ada.Novak@example.com"}]}),
            ),
            "emails",
        ),
        (with(other.clone(), number), "employeeNumber"),
        (
            with(other.clone(), json!({"externalId": "external-ada.novak"})),
            "externalId",
        ),
    ] {
        let refused = scim.post("/Users", asked).await.refused(409, "uniqueness");
        assert!(refused.text("/detail").contains(named), "{}", refused.body);
    }
    assert_eq!(world.jumpcloud().users().len(), 1);
    create(&scim, other).await;
}

#[tokio::test]
async fn another_clients_external_id_is_its_own() {
    let world = world().await;
    let (okta, entra) = (world.scim(), world.scim().of("entra"));
    let id = create(&okta, ada()).await.id();
    let path = format!("/Users/{id}");
    assert!(entra.get(&path).await.expect(200).body["externalId"].is_null());
    let other = with(
        user("other.one"),
        json!({"externalId": "external-ada.novak"}),
    );
    create(&entra, other).await;
}

#[tokio::test]
async fn email_as_user_name_becomes_its_local_part_and_the_client_sees_its_own() {
    let world = world().await;
    let scim = world.scim();
    let asked = with(ada(), json!({"userName": "ada.novak@example.com"}));
    let created = create(&scim, asked).await;
    assert_eq!(created.text("/userName"), "ada.novak@example.com");
    assert_eq!(stored(&world, &created.id())["username"], "ada.novak");
    let path = format!("/Users/{}", created.id());
    let by_other = scim.of("entra").get(&path).await.expect(200);
    assert_eq!(by_other.text("/userName"), "ada.novak");
}

#[tokio::test]
async fn patch_changes_what_it_names_and_nothing_else() {
    let world = world().await;
    let scim = world.scim();
    let created = create(&scim, with(ada(), json!({"title": "Engineer"}))).await;
    let path = format!("/Users/{}", created.id());
    let operations = json!([
        {"op": "Replace", "path": "name.familyName", "value": "Novak-Lee"},
        {"op": "add", "value": {"displayName": "Ada", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Ops"}},
        {"op": "remove", "path": "title"},
    ]);
    let patched = scim.operate(&path, operations).await.expect(200);
    assert_ne!(patched.header("etag"), created.header("etag"));
    let user = stored(&world, &created.id());
    assert_eq!(user["lastname"], "Novak-Lee");
    assert_eq!(user["firstname"], "Ada");
    assert_eq!(user["displayname"], "Ada");
    assert_eq!(user["department"], "Ops");
    assert_eq!(user["jobTitle"], "");
    assert_eq!(scim.get(&path).await.body, patched.body);
}

#[tokio::test]
async fn put_clears_what_it_leaves_out() {
    let world = world().await;
    let scim = world.scim();
    let asked = with(ada(), json!({"title": "Engineer", "displayName": "Ada"}));
    let id = create(&scim, asked).await.id();
    let path = format!("/Users/{id}");
    scim.put(&path, with(ada(), json!({"displayName": "A."})))
        .await
        .expect(200);
    let user = stored(&world, &id);
    assert_eq!(
        (&user["jobTitle"], &user["displayname"]),
        (&json!(""), &json!("A."))
    );
    assert_eq!(user["state"], "ACTIVATED");
}

#[tokio::test]
async fn refused_patch_changes_nothing() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    world.forget_requests();
    for (operations, scim_type) in [
        (
            json!([{"op": "replace", "path": "title", "value": "Lead"}, {"op": "replace", "path": "id", "value": "x"}]),
            "mutability",
        ),
        (
            json!([{"op": "replace", "path": "nickname[", "value": "x"}]),
            "invalidPath",
        ),
        (json!([{"op": "remove"}]), "noTarget"),
        (
            json!([{"op": "replace", "path": "title", "value": 7}]),
            "invalidValue",
        ),
        (
            json!([{"op": "swap", "path": "title", "value": "x"}]),
            "invalidSyntax",
        ),
    ] {
        let path = format!("/Users/{id}");
        scim.operate(&path, operations)
            .await
            .refused(400, scim_type);
    }
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
}

#[tokio::test]
async fn inactive_suspends_and_active_again_reactivates() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    let path = format!("/Users/{id}");
    for (value, state) in [
        (json!(false), "SUSPENDED"),
        (json!("True"), "ACTIVATED"),
        (json!("False"), "SUSPENDED"),
        (json!(true), "ACTIVATED"),
    ] {
        let operations = json!([{"op": "Replace", "path": "active", "value": value}]);
        let patched = scim.operate(&path, operations).await.expect(200);
        assert_eq!(patched.body["active"], state == "ACTIVATED");
        let user = stored(&world, &id);
        assert_eq!(user["state"], state);
        assert_eq!(user["suspended"], state == "SUSPENDED");
    }
    assert!(world.jumpcloud().mails().is_empty());
}

#[tokio::test]
async fn somebody_suspended_by_hand_stays_suspended() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    let path = format!("/Users/{id}");
    world.jumpcloud().edit(&id, |user| {
        user.insert("state".to_owned(), json!("SUSPENDED"));
        user.insert("suspended".to_owned(), json!(true));
    });
    assert_eq!(scim.get(&path).await.body["active"], false);
    let activate = json!([{"op": "replace", "path": "active", "value": true}]);
    scim.operate(&path, activate).await.refused(403, "");
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
}

#[tokio::test]
async fn user_created_inactive_is_suspended_until_switched_on() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, with(ada(), json!({"active": false})))
        .await
        .id();
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
    let activate = json!([{"op": "replace", "value": {"active": true}}]);
    scim.operate(&format!("/Users/{id}"), activate)
        .await
        .expect(200);
    assert_eq!(stored(&world, &id)["state"], "ACTIVATED");
    assert!(world.jumpcloud().mails().is_empty());
}

#[tokio::test]
async fn deleted_user_is_suspended_and_gone_from_scim() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    let path = format!("/Users/{id}");
    scim.delete(&path).await.expect(204);
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
    for gone in [
        scim.get(&path).await,
        scim.put(&path, ada()).await,
        scim.operate(&path, json!([{"op": "remove", "path": "title"}]))
            .await,
        scim.delete(&path).await,
        scim.of("entra").get(&path).await,
    ] {
        gone.refused(404, "");
    }
}

#[tokio::test]
async fn delete_that_did_not_reach_jumpcloud_can_be_sent_again() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    let path = format!("/Users/{id}");
    let down = Fault::status(Vendor::JumpCloud, 503).method("PUT");
    world.fault(down.always());
    scim.delete(&path).await.expect(503);
    assert_eq!(stored(&world, &id)["state"], "ACTIVATED");
    world.sandbox().faults().clear();
    scim.delete(&path).await.expect(204);
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
    scim.get(&path).await.expect(404);
}

#[tokio::test]
async fn deleted_user_comes_back_for_the_same_client_and_person_only() {
    let world = world().await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    scim.delete(&format!("/Users/{id}")).await.expect(204);

    let joiner = with(ada(), json!({"externalId": "somebody-else"}));
    scim.post("/Users", joiner).await.refused(409, "uniqueness");
    scim.of("entra")
        .post("/Users", ada())
        .await
        .refused(409, "uniqueness");
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");

    let back = create(&scim, with(ada(), json!({"title": "Lead"}))).await;
    assert_eq!(back.id(), id);
    assert_eq!(back.body["active"], true);
    let user = stored(&world, &id);
    assert_eq!(
        (&user["state"], &user["jobTitle"]),
        (&json!("ACTIVATED"), &json!("Lead"))
    );
    scim.get(&format!("/Users/{id}")).await.expect(200);
}

#[tokio::test]
async fn delete_deletes_where_the_configuration_says_so() {
    let world = world_with(Setup::new().section("[scim]\non_delete = \"delete\"")).await;
    let scim = world.scim();
    let id = create(&scim, ada()).await.id();
    scim.delete(&format!("/Users/{id}")).await.expect(204);
    assert_eq!(world.jumpcloud().user(&id), None);
    create(&scim, ada()).await;
}

#[tokio::test]
async fn password_reaches_jumpcloud_and_its_complaint_the_client() {
    let world = world().await;
    let scim = world.scim();
    let weak = scim
        .post("/Users", with(ada(), json!({"password": "short"})))
        .await;
    let weak = weak.refused(400, "invalidValue");
    assert!(
        weak.text("/detail").to_lowercase().contains("password"),
        "{}",
        weak.body
    );
    assert!(world.jumpcloud().users().is_empty());
    let strong = with(ada(), json!({"password": "Long-enough-4-anybody!"}));
    let id = create(&scim, strong).await.id();
    assert_ne!(stored(&world, &id)["activated"], Value::Null);
}

#[tokio::test]
async fn create_that_died_half_way_is_finished_by_the_next_attempt() {
    let world = world().await;
    let scim = world.scim();
    let drop = Fault::drop(Vendor::JumpCloud)
        .method("POST")
        .path("/systemusers");
    world.fault(drop.times(1));
    let first = scim.post("/Users", ada()).await;
    let second = match first.status {
        201 => first,
        _ => scim.post("/Users", ada()).await.expect(201),
    };
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert_eq!(stored(&world, &second.id())["state"], "ACTIVATED");
    scim.post("/Users", ada()).await.refused(409, "uniqueness");
}

#[tokio::test]
async fn two_identical_creates_at_once_make_one_user() {
    let world = world().await;
    let scim = world.scim();
    let (one, two) = tokio::join!(scim.post("/Users", ada()), scim.post("/Users", ada()));
    let statuses = [one.status, two.status];
    assert!(statuses.contains(&201), "{statuses:?}");
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn etags_guard_reads_and_writes() {
    let world = world().await;
    let scim = world.scim();
    let created = create(&scim, ada()).await;
    let path = format!("/Users/{}", created.id());
    let tag = created.header("etag");
    scim.with("if-none-match", tag).get(&path).await.expect(304);
    let title = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let stale = scim.with("if-match", "W/\"stale\"");
    stale.operate(&path, title.clone()).await.refused(412, "");
    stale.delete(&path).await.refused(412, "");
    scim.with("if-match", tag)
        .operate(&path, title)
        .await
        .expect(200);
    scim.with("if-none-match", tag).get(&path).await.expect(200);
}

#[tokio::test]
async fn limit_on_suspensions_is_counted_over_a_day() {
    let setup = Setup::new().section("[limits]\nscim_suspend = { max = 1 }");
    let world = world_with(setup).await;
    let scim = world.scim();
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        ids.push(create(&scim, user(name)).await.id());
    }
    scim.delete(&format!("/Users/{}", ids[0])).await.expect(204);
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    let path = format!("/Users/{}", ids[1]);
    let refused = scim.operate(&path, off.clone()).await.refused(403, "");
    assert!(refused.text("/detail").contains("scim_suspend"));
    world
        .sandbox()
        .clock()
        .advance(jiff::SignedDuration::from_hours(25));
    scim.operate(&path, off).await.expect(200);
}

#[tokio::test]
async fn suspension_whose_answer_was_lost_counts_though_its_repetition_is_refused() {
    let setup = Setup::new().section("[limits]\nscim_suspend = { max = 1 }");
    let world = world_with(setup).await;
    let scim = world.scim();
    let mut paths = Vec::new();
    for name in ["one", "two"] {
        let id = create(&scim, user(name)).await.id();
        paths.push(format!("/Users/{id}"));
    }
    let put = |status| Fault::status(Vendor::JumpCloud, status).method("PUT");
    world.fault(put(502).after_effect());
    world.fault(put(400).skip(1));
    let off = json!([{"op": "replace", "path": "active", "value": false}]);

    scim.operate(&paths[0], off.clone()).await.refused(503, "");

    let id = paths[0].trim_start_matches("/Users/");
    assert_eq!(stored(&world, id)["state"], "SUSPENDED");
    let deeds = world.table().deeds().await;
    let ended = deeds
        .iter()
        .any(|deed| deed.what["did"] == "perhaps_change" && deed.what["id"] == id);
    assert!(ended, "{deeds:?}");
    scim.operate(&paths[1], off).await.refused(403, "");
}

#[tokio::test]
async fn user_of_another_client_is_not_written_but_switched_off() {
    let world = world().await;
    let (okta, entra) = (world.scim(), world.scim().of("entra"));
    let id = create(&okta, ada()).await.id();
    let path = format!("/Users/{id}");
    let title = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let refused = entra.operate(&path, title).await.refused(403, "");
    assert!(refused.text("/detail").contains("okta"));
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    entra.operate(&path, off).await.expect(200);
    assert_eq!(stored(&world, &id)["state"], "SUSPENDED");
}

#[tokio::test]
async fn no_write_that_was_answered_is_lost_to_another() {
    let world = world().await;
    let scim = world.scim();
    let path = format!("/Users/{}", create(&scim, ada()).await.id());
    let add = async |number: usize| {
        let phone = json!([{"type": format!("t{number}"), "value": format!("+{number}")}]);
        let operation = json!([{"op": "add", "path": "phoneNumbers", "value": phone}]);
        scim.operate(&path, operation).await.status == 200
    };
    let answers = futures_util::future::join_all((1..=8).map(add)).await;
    let added = answers.into_iter().filter(|added| *added).count();

    let user = scim.get(&path).await.expect(200);
    let numbers = user.body["phoneNumbers"].as_array().map_or(0, Vec::len);
    assert!(added > 0);
    assert_eq!(numbers, added);
}

#[tokio::test]
async fn of_two_writes_on_one_etag_one_is_made() {
    let world = world().await;
    let scim = world.scim();
    let created = create(&scim, ada()).await;
    let path = format!("/Users/{}", created.id());
    let scim = scim.with("if-match", created.header("etag"));
    let write = async |number: usize| {
        let title = json!([{"op": "replace", "path": "title", "value": format!("Title {number}")}]);
        scim.operate(&path, title).await.status == 200
    };
    let answers = futures_util::future::join_all((1..=6).map(write)).await;
    assert_eq!(answers.into_iter().filter(|made| *made).count(), 1);
}

#[tokio::test]
async fn what_jumpcloud_cannot_hold_is_left_out_of_writes_and_no_question() {
    let world = world().await;
    let scim = world.scim();
    let nick = json!({"nickName": "Ada", "roles": [{"value": "x"}]});
    let created = create(&scim, with(ada(), nick.clone())).await;
    let path = format!("/Users/{}", created.id());
    world.forget_requests();
    let adding =
        json!([{"op": "add", "value": nick}, {"op": "replace", "path": "nickName", "value": "A"}]);
    let answers = [
        scim.put(&path, with(ada(), nick)).await.expect(200),
        scim.operate(&path, adding).await.expect(200),
    ];
    for answer in answers {
        assert_eq!(answer.body, created.body);
    }
    assert_eq!(world.jumpcloud_writes(), Vec::<String>::new());
    let asked = "/Users?filter=nickName eq %22Ada%22";
    scim.get(asked).await.refused(400, "invalidFilter");
    for sort_by in [
        "nickName", "shoeSize", "groups", "password", "schemas", "name",
    ] {
        let asked = format!("/Users?sortBy={sort_by}");
        scim.get(&asked).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn head_tells_the_length_of_what_get_answers() {
    let world = world().await;
    let scim = world.scim();
    let path = format!("/Users/{}", create(&scim, ada()).await.id());
    let body = scim.get(&path).await.body.to_string();
    let head = scim.send("HEAD", &path, "").await.expect(200);
    assert_eq!(head.header("content-length"), body.len().to_string());
}

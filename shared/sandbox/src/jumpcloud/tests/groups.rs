//! Groups, their members, and what a membership does to a user.

use serde_json::{Value, json};

use crate::tests::World;
use crate::{Fault, FaultKind, Vendor};

const GROUPS: &str = "/v2/usergroups";

/// Makes a group, which must succeed; returns the id.
async fn group(world: &World, fields: Value) -> String {
    let (status, group) = world.jumpcloud("POST", GROUPS, fields).await;
    assert_eq!(status, 201, "{group}");
    group["id"].as_str().unwrap().to_owned()
}

async fn change(world: &World, op: &str, group: &str, user: &str) -> u16 {
    let body = json!({ "op": op, "type": "user", "id": user });
    let path = format!("{GROUPS}/{group}/members");
    world.jumpcloud("POST", &path, body).await.0
}

/// The names in a list of groups, and the total in its header.
async fn names(world: &World, query: &str) -> (String, Option<String>) {
    let url = format!("{}/api{GROUPS}{query}", world.sandbox.jumpcloud_url());
    let request = world.request("GET", &url);
    let response = request
        .header("x-api-key", "sandbox-jumpcloud-key")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{query}");
    let total = response.headers().get("x-total-count").cloned();
    let total = total.map(|total| total.to_str().unwrap().to_owned());
    let rows: Vec<Value> = response.json().await.unwrap();
    let names: Vec<_> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    (names.join(" "), total)
}

/// Twelve groups, `g00` to `g11`, made in that order.
async fn twelve_groups() -> World {
    let world = World::start().await;
    for number in 0..12 {
        let method = if number % 2 == 0 { "STATIC" } else { "NOTSET" };
        let name = format!("g{number:02}");
        world
            .sandbox
            .jumpcloud()
            .add_group(json!({ "name": name, "membershipMethod": method }));
    }
    world
}

#[tokio::test]
async fn list_is_a_bare_array_and_its_total_stands_in_a_header() {
    let world = twelve_groups().await;
    for (query, expected, total) in [
        ("", "g00 g01 g02 g03 g04 g05 g06 g07 g08 g09", 12),
        ("?limit=2&skip=11", "g11", 12),
        ("?limit=2&skip=12", "", 12),
        ("?sort=-name&limit=2", "g11 g10", 12),
        ("?sort=membershipMethod,-name&limit=2", "g11 g09", 12),
        ("?filter=name:eq:g03", "g03", 1),
        ("?filter=name:eq:G03", "", 0),
        ("?filter=name:eq:g1*", "g10 g11", 2),
        ("?filter=name:in:g01%7Cg02%7Cx", "g01 g02", 2),
        ("?filter=name:search:1&limit=1", "g01", 3),
        (
            "?filter=membershipMethod:ne:STATIC,name:ge:g07",
            "g07 g09 g11",
            3,
        ),
        ("?fields=id&limit=1", "", 12),
    ] {
        let expected = (expected.to_owned(), Some(total.to_string()));
        assert_eq!(names(&world, query).await, expected, "{query}");
    }
    for refused in [
        "?limit=101",
        "?filter=name:$eq:g03",
        "?filter=name",
        "?filter=description:eq:x",
        "?filter=name:between:a",
    ] {
        let path = format!("{GROUPS}{refused}");
        let (status, _) = world.jumpcloud("GET", &path, Value::Null).await;
        assert_eq!(status, 400, "{refused}");
    }
    let jumpcloud = world.sandbox.jumpcloud();
    jumpcloud.rules(|rules| rules.counts_v2_lists = false);
    assert_eq!(names(&world, "?limit=1").await, ("g00".to_owned(), None));
}

#[tokio::test]
async fn group_is_made_shown_replaced_and_deleted() {
    let world = World::start().await;
    let id = group(
        &world,
        json!({ "name": "Eng", "description": "Builders", "id": "x" }),
    )
    .await;
    let path = format!("{GROUPS}/{id}");
    let (status, shown) = world.jumpcloud("GET", &path, Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&shown["id"], &shown["type"], &shown["membershipMethod"]),
        (&json!(id), &json!("user_group"), &json!("STATIC"))
    );
    let other = group(&world, json!({ "name": "Ops" })).await;
    for (verb, path) in [("POST", GROUPS), ("PUT", &format!("{GROUPS}/{other}"))] {
        let taken = world.jumpcloud(verb, path, json!({ "name": "Eng" })).await;
        assert_eq!(taken, (409, json!({ "message": "Already Exists" })));
    }
    let (status, replaced) = world
        .jumpcloud("PUT", &path, json!({ "name": "Engineering" }))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        (&replaced["name"], &replaced["description"]),
        (&json!("Engineering"), &json!(""))
    );
    for refused in [
        json!({}),
        json!({ "name": " " }),
        json!({ "name": null }),
        json!({ "name": "x", "membershipMethod": "DYNAMIC" }),
        json!({ "name": "x", "description": 7 }),
        json!({ "name": "x", "memberQuery": { "filters": [] } }),
        json!({ "name": "x", "memberQuery": { "queryType": "FilterQuery", "filters": [{ "field": "a", "operator": "is" }] } }),
    ] {
        let (status, _) = world.jumpcloud("PUT", &path, refused.clone()).await;
        assert_eq!(status, 400, "{refused}");
    }
    assert_eq!(
        world.jumpcloud("DELETE", &path, Value::Null).await,
        (204, Value::Null)
    );
    let unknown = format!("{GROUPS}/66c0ffee0000000000000fff");
    for (verb, path, status) in [
        ("GET", &path, 404),
        ("PUT", &path, 404),
        ("DELETE", &path, 404),
        ("GET", &unknown, 404),
        ("GET", &format!("{GROUPS}/eng"), 400),
        ("GET", &format!("{unknown}/members"), 404),
    ] {
        let answer = world.jumpcloud(verb, path, json!({ "name": "x" })).await;
        assert_eq!(answer.0, status, "{verb} {path}");
    }
}

#[tokio::test]
async fn members_come_and_go_one_by_one() {
    let world = World::start().await;
    let eng = group(&world, json!({ "name": "Eng" })).await;
    let (one, two) = (world.user("one").await, world.user("two").await);
    let steps = [
        ("remove", &one, 404),
        ("add", &one, 204),
        ("add", &one, 409),
        ("add", &two, 204),
        ("remove", &two, 204),
        ("add", &"66a1b2c30000000000000fff".to_owned(), 404),
        ("add", &"two".to_owned(), 400),
        ("update", &one, 400),
    ];
    for (op, user, status) in steps {
        assert_eq!(change(&world, op, &eng, user).await, status, "{op} {user}");
    }
    let device = json!({ "op": "add", "type": "system", "id": one });
    let path = format!("{GROUPS}/{eng}/members");
    assert_eq!(world.jumpcloud("POST", &path, device).await.0, 400);

    let (_, members) = world.jumpcloud("GET", &path, Value::Null).await;
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(
        (&members[0]["to"]["id"], &members[0]["to"]["type"]),
        (&json!(one), &json!("user"))
    );
    let path = format!("{GROUPS}/{eng}/membership");
    let (_, membership) = world.jumpcloud("GET", &path, Value::Null).await;
    assert_eq!(membership[0]["id"], json!(one));
    let path = format!("/v2/users/{one}/memberof?filter=type:eq:user_group");
    let (_, groups) = world.jumpcloud("GET", &path, Value::Null).await;
    assert_eq!(
        (
            &groups[0]["id"],
            groups[0]["paths"][0].as_array().map(Vec::len)
        ),
        (&json!(eng), Some(1))
    );
    let (_, found) = world
        .jumpcloud("POST", "/search/systemusers", json!({ "sort": "_id" }))
        .await;
    assert_eq!(found["results"][0]["memberof"], json!([eng]));
    assert_eq!(found["results"][1]["memberof"], json!([]));
}

#[tokio::test]
async fn many_members_come_in_pages() {
    let world = World::start().await;
    let jumpcloud = world.sandbox.jumpcloud();
    let all = jumpcloud.add_group(json!({ "name": "All" }));
    for number in 0..23 {
        let user = jumpcloud.add(json!({ "username": format!("user{number:02}") }));
        assert!(jumpcloud.add_member(&all, &user));
    }
    let mut seen = Vec::new();
    for (skip, count) in [(0, 10), (10, 10), (20, 3), (30, 0)] {
        let path = format!("{GROUPS}/{all}/members?skip={skip}");
        let (_, page) = world.jumpcloud("GET", &path, Value::Null).await;
        let page = page.as_array().unwrap();
        assert_eq!(page.len(), count);
        seen.extend(
            page.iter()
                .map(|row| row["to"]["id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(seen, jumpcloud.members(&all));
}

#[tokio::test]
async fn automated_group_follows_the_users() {
    let world = World::start().await;
    let rule = |value: &str, exempted: &[&str]| {
        let exempted: Vec<_> = exempted
            .iter()
            .map(|id| json!({ "type": "user", "id": id }))
            .collect();
        json!({
            "name": "Eng", "membershipMethod": "DYNAMIC_AUTOMATED", "memberQueryExemptions": exempted,
            "memberQuery": { "queryType": "FilterQuery", "filters": [
                { "field": "department", "operator": "eq", "value": value },
                { "field": "state", "operator": "ne", "value": "SUSPENDED" },
            ] },
        })
    };
    let eng = group(&world, rule("Eng", &[])).await;
    let path = format!("{GROUPS}/{eng}");
    let (one, two) = (world.user("one").await, world.user("two").await);
    let jumpcloud = world.sandbox.jumpcloud();
    let put = async |user: &str, fields: Value| {
        let path = format!("/systemusers/{user}");
        assert_eq!(world.jumpcloud("PUT", &path, fields).await.0, 200);
    };
    put(&one, json!({ "department": "Eng" })).await;
    assert_eq!(jumpcloud.members(&eng), [one.as_str()]);
    assert_eq!(change(&world, "add", &eng, &two).await, 400);
    assert_eq!(change(&world, "remove", &eng, &one).await, 400);
    put(&two, json!({ "department": "Eng" })).await;
    put(&one, json!({ "state": "SUSPENDED" })).await;
    assert_eq!(jumpcloud.members(&eng), [two.as_str()]);

    world.jumpcloud("PUT", &path, rule("Ops", &[&one])).await;
    assert_eq!(jumpcloud.members(&eng), [] as [&str; 0]);
    assert_eq!(change(&world, "add", &eng, &one).await, 204);
    assert_eq!(jumpcloud.members(&eng), [one.as_str()]);
}

#[tokio::test]
async fn member_keeps_the_username_unless_switched_off() {
    let world = World::start().await;
    let eng = group(&world, json!({ "name": "Eng" })).await;
    let user = world.user("jdoe").await;
    change(&world, "add", &eng, &user).await;
    let path = format!("/systemusers/{user}");
    let rename = || world.jumpcloud("PUT", &path, json!({ "username": "jane.doe" }));
    let (status, refusal) = rename().await;
    assert_eq!(status, 400);
    let told = refusal["message"].as_str().unwrap();
    assert!(told.contains("cannot be modified because the user is bound"));
    let jumpcloud = world.sandbox.jumpcloud();
    jumpcloud.rules(|rules| rules.groups_bind_usernames = false);
    assert_eq!(rename().await.0, 200);
}

#[tokio::test]
async fn deleted_user_leaves_every_group() {
    let world = World::start().await;
    let eng = group(&world, json!({ "name": "Eng" })).await;
    let user = world.user("jdoe").await;
    change(&world, "add", &eng, &user).await;
    let path = format!("/systemusers/{user}");
    world.jumpcloud("DELETE", &path, Value::Null).await;
    assert_eq!(world.sandbox.jumpcloud().members(&eng), [] as [&str; 0]);
    let path = format!("/v2/users/{user}/memberof");
    assert_eq!(world.jumpcloud("GET", &path, Value::Null).await.0, 404);
    let (_, groups) = world.control("GET", "/groups", Value::Null).await;
    assert_eq!(
        (&groups[0]["name"], &groups[0]["members"]),
        (&json!("Eng"), &json!([]))
    );
}

#[tokio::test]
async fn faults_strike_on_v2_as_on_v1() {
    let world = twelve_groups().await;
    let faults = world.sandbox.faults();
    let on_groups = |kind| Fault::new(Vendor::JumpCloud, kind).path("/v2/usergroups");
    faults.add(on_groups(FaultKind::WrongTotal { by: -5 }));
    assert_eq!(
        names(&world, "?limit=1").await,
        ("g00".to_owned(), Some("7".to_owned()))
    );
    faults.add(on_groups(FaultKind::EmptyPage));
    assert_eq!(names(&world, "?limit=1").await.0, "");
    faults.add(on_groups(FaultKind::RepeatedPage));
    assert_eq!(names(&world, "?limit=2&skip=4").await.0, "g02 g03");
    faults.add(
        Fault::status(Vendor::JumpCloud, 503)
            .path("/v2/")
            .method("POST"),
    );
    let refused = world
        .jumpcloud("POST", GROUPS, json!({ "name": "x" }))
        .await;
    assert_eq!(refused.0, 503);
    assert_eq!(world.sandbox.jumpcloud().groups().len(), 12);
}

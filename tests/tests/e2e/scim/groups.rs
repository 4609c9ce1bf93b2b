//! Groups through SCIM, and what becomes of them and their members in JumpCloud.

use std::collections::BTreeSet;

use e2e::{Response, Scim, Setup, World};
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};

use super::{SEARCH_URN, create, user, with};
use crate::{world, world_with};

const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn group(name: &str, members: &[String]) -> Value {
    json!({
        "schemas": [GROUP_URN],
        "displayName": name,
        "externalId": format!("external-{name}"),
        "members": values(members),
    })
}

fn values(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

/// So many users, whom JumpCloud has and no client knows yet.
fn populate(world: &World, count: usize) -> Vec<String> {
    let add = |number| {
        world.jumpcloud().add(json!({
            "username": format!("user{number:03}"),
            "email": format!("user{number:03}@example.com"),
        }))
    };
    (0..count).map(add).collect()
}

/// Lists groups; in the query, whatever a URI cannot hold is written as it is.
async fn list(scim: &Scim, query: &str) -> Response {
    let query = query
        .replace('"', "%22")
        .replace('[', "%5B")
        .replace(']', "%5D");
    scim.get(&format!("/Groups?{query}")).await
}

async fn create_group(scim: &Scim, name: &str, members: &[String]) -> String {
    let created = scim.post("/Groups", group(name, members)).await;
    format!("/Groups/{}", created.expect(201).id())
}

fn id_of(path: &str) -> &str {
    path.trim_start_matches("/Groups/")
}

/// The members that an answer shows.
fn shown(response: &Response) -> BTreeSet<String> {
    ids(&response.body["members"])
}

fn ids(members: &Value) -> BTreeSet<String> {
    let members = members.as_array().map_or(&[][..], Vec::as_slice);
    let ids = members.iter().filter_map(|member| member["value"].as_str());
    ids.map(str::to_owned).collect()
}

/// The members that JumpCloud has.
fn held(world: &World, path: &str) -> BTreeSet<String> {
    world.jumpcloud().members(id_of(path)).into_iter().collect()
}

fn set(ids: &[String]) -> BTreeSet<String> {
    ids.iter().cloned().collect()
}

fn calls(world: &World) -> usize {
    let calls = world.requests(Vendor::JumpCloud);
    world.forget_requests();
    calls
}

#[tokio::test]
async fn a_group_is_made_read_and_deleted() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 3);
    let created = scim.post("/Groups", group("Sales", &users[..2])).await;
    let created = created.expect(201);
    let path = format!("/Groups/{}", created.id());
    let base_url = scim.base_url();
    assert_eq!(
        created.body["members"][0],
        json!({
            "value": users[0],
            "$ref": format!("{base_url}/Users/{}", users[0]),
            "type": "User",
        })
    );
    assert_eq!(created.text("/externalId"), "external-Sales");
    assert_eq!(created.text("/meta/resourceType"), "Group");
    let stored = &world.jumpcloud().groups()[0];
    assert_eq!(stored["name"], "Sales");
    assert_eq!(stored["membershipMethod"], "STATIC");
    assert_eq!(held(&world, &path), set(&users[..2]));

    let read = scim.get(&path).await.expect(200);
    assert_eq!(read.body, created.body);
    calls(&world);
    let path_without = format!("{path}?excludedAttributes=members");
    let read = scim.get(&path_without).await.expect(200);
    assert!(read.body["members"].is_null());
    assert_eq!(calls(&world), 1);

    scim.delete(&path).await.expect(204);
    scim.get(&path).await.expect(404);
    scim.delete(&path).await.expect(404);
    assert!(world.jumpcloud().groups().is_empty());
    create_group(&scim, "Sales", &[]).await;
}

#[tokio::test]
async fn groups_are_changed_as_okta_pushes_them() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 3);
    let path = create_group(&scim, "Sales", &users[..1]).await;
    let rename = json!([{
        "op": "replace",
        "value": {"id": id_of(&path), "displayName": "Sales EMEA"},
    }]);
    let renamed = scim.operate(&path, rename).await.expect(200);
    assert_eq!(renamed.text("/displayName"), "Sales EMEA");
    assert_eq!(shown(&renamed), set(&users[..1]));

    let add = json!([{
        "op": "add", "path": "members",
        "value": [{"value": users[1], "display": "user001@example.com"}],
    }]);
    scim.operate(&path, add.clone()).await.expect(204);
    scim.operate(&path, add).await.expect(204);
    assert_eq!(held(&world, &path), set(&users[..2]));

    let remove = json!([
        {"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])},
        {"op": "remove", "path": format!("members[value eq \"{}\"]", users[2])},
    ]);
    scim.operate(&path, remove.clone()).await.expect(204);
    scim.operate(&path, remove).await.expect(204);
    assert_eq!(held(&world, &path), set(&users[1..2]));

    let replace = json!([{"op": "replace", "path": "members", "value": values(&users[1..])}]);
    scim.operate(&path, replace).await.expect(204);
    assert_eq!(held(&world, &path), set(&users[1..]));

    let whole = with(group("Sales", &users[..2]), json!({"id": id_of(&path)}));
    let replaced = scim.put(&path, whole).await.expect(200);
    assert_eq!(replaced.text("/displayName"), "Sales");
    assert_eq!(shown(&replaced), set(&users[..2]));
    assert_eq!(held(&world, &path), set(&users[..2]));
    assert_eq!(scim.get(&path).await.body, replaced.body);
}

#[tokio::test]
async fn groups_are_changed_as_entra_pushes_them() {
    let world = world().await;
    let scim = world.scim().of("entra");
    let users = populate(&world, 3);
    let path = create_group(&scim, "Sales", &[]).await;
    let add = json!([{"op": "Add", "path": "members", "value": [
        {"$ref": null, "value": users[0]}, {"$ref": null, "value": users[1]},
    ]}]);
    scim.operate(&path, add).await.expect(204);
    assert_eq!(held(&world, &path), set(&users[..2]));

    let remove = json!([{
        "op": "Remove", "path": "members", "value": [{"$ref": null, "value": users[0]}],
    }]);
    scim.operate(&path, remove).await.expect(204);
    assert_eq!(held(&world, &path), set(&users[1..2]));

    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Sales EMEA"}]);
    scim.operate(&path, rename).await.expect(200);
    let rename = json!([{"op": "Replace", "path": "externalId", "value": "other"}]);
    scim.operate(&path, rename).await.expect(200);
    let filter = r#"excludedAttributes=members&filter=displayName eq "sales emea""#;
    let found = list(&scim, filter).await.expect(200);
    assert_eq!(found.ids(), [id_of(&path)]);
    assert_eq!(found.body["Resources"][0]["externalId"], "other");

    let probe = format!(
        r#"excludedAttributes=members&filter=id eq "{}" and members eq "{}""#,
        id_of(&path),
        users[1],
    );
    assert_eq!(list(&scim, &probe).await.expect(200).ids(), [id_of(&path)]);
    let probe = probe.replace(&users[1], &users[0]);
    assert!(list(&scim, &probe).await.expect(200).ids().is_empty());
    let all = json!([{"op": "Remove", "path": "members"}]);
    scim.operate(&path, all).await.expect(204);
    assert!(held(&world, &path).is_empty());
}

#[tokio::test]
async fn adding_and_removing_reads_no_members() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 2);
    let path = create_group(&scim, "Sales", &users[..1]).await;
    calls(&world);
    let add = json!([{"op": "add", "path": "members", "value": values(&users[1..])}]);
    scim.operate(&path, add).await.expect(204);
    assert_eq!(calls(&world), 2);
    let asked = json!([{"op": "remove", "path": "members", "value": values(&users[1..])}]);
    let path_with = format!("{path}?attributes=displayName");
    let answer = scim.operate(&path_with, asked).await.expect(200);
    assert_eq!(answer.text("/displayName"), "Sales");
    assert_eq!(calls(&world), 2);
}

#[tokio::test]
async fn changes_at_the_same_moment_are_all_made() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 4);
    let path = create_group(&scim, "Sales", &users[3..]).await;
    let add = |user: usize| {
        let add = json!([{"op": "add", "path": "members", "value": values(&users[user..=user])}]);
        scim.operate(&path, add)
    };
    let remove = json!([{"op": "remove", "path": "members", "value": values(&users[3..])}]);
    let answers = tokio::join!(add(0), add(1), add(2), scim.operate(&path, remove));
    for answer in <[Response; 4]>::from(answers) {
        answer.expect(204);
    }
    assert_eq!(held(&world, &path), set(&users[..3]));
}

#[tokio::test]
async fn a_group_of_250_is_pushed_read_and_changed() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 251);
    let path = create_group(&scim, "Everybody", &users[..250]).await;
    assert_eq!(held(&world, &path), set(&users[..250]));
    assert_eq!(shown(&scim.get(&path).await), set(&users[..250]));
    calls(&world);
    scim.put(&path, group("Everybody", &users[1..]))
        .await
        .expect(200);
    assert_eq!(held(&world, &path), set(&users[1..]));
    let writes = world.jumpcloud_writes();
    assert!(
        !writes.iter().any(|write| write.starts_with("PUT")),
        "{writes:?}"
    );
    // A change that starts again goes on where it stopped.
    let all = json!([{"op": "add", "path": "members", "value": values(&users)}]);
    calls(&world);
    scim.operate(&path, all).await.expect(204);
    assert!(calls(&world) < 10);
    assert_eq!(held(&world, &path), set(&users));
    let too_many = scim.post("/Groups", group("All", &users)).await;
    too_many.refused(400, "tooMany");
}

#[tokio::test]
async fn a_change_of_more_than_a_thousand_members_goes_on_where_it_stopped() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 1_050);
    let path = create_group(&scim, "Everybody", &[]).await;
    let everybody = json!([
        {"op": "add", "path": "members", "value": values(&users)},
        {"op": "replace", "path": "displayName", "value": "Everyone"},
    ]);
    let version = scim.get(&path).await.header("etag").to_owned();
    let scim = scim.with("if-match", &version);
    let first = scim.operate(&path, everybody.clone()).await.expect(503);
    assert!(
        first.text("/detail").contains("50 `members` are still"),
        "{first:?}"
    );
    assert_eq!(first.header("retry-after"), "1");
    assert_eq!(held(&world, &path).len(), 1_000);
    let second = scim.operate(&path, everybody).await.expect(200);
    assert_eq!(second.text("/displayName"), "Everyone");
    assert_eq!(held(&world, &path), set(&users));
}

#[tokio::test]
async fn members_who_are_nobody_are_refused_by_id_and_nothing_is_made() {
    let world = world().await;
    let scim = world.scim();
    let mut users = populate(&world, 2);
    let gone = create(&scim, user("gone.one")).await.id();
    scim.delete(&format!("/Users/{gone}")).await.expect(204);
    let path = create_group(&scim, "Sales", &users[..1]).await;
    for nobody in ["nonsense", "0123456789abcdef01234567", &gone] {
        users[1] = nobody.to_owned();
        let add = json!([{"op": "add", "path": "members", "value": values(&users[1..])}]);
        let answers = [
            scim.post("/Groups", group("Other", &users)).await,
            scim.put(&path, group("Other", &users)).await,
            scim.operate(&path, add).await,
        ];
        for answer in answers {
            let refused = answer.refused(400, "invalidValue");
            assert!(refused.text("/detail").contains(nobody));
        }
        let nobody_less =
            json!([{"op": "remove", "path": "members", "value": values(&users[1..])}]);
        scim.operate(&path, nobody_less).await.expect(204);
    }
    assert_eq!(world.jumpcloud().groups().len(), 1);
    assert_eq!(scim.get(&path).await.text("/displayName"), "Sales");
    assert_eq!(held(&world, &path), set(&users[..1]));
}

#[tokio::test]
async fn deleted_users_are_seen_in_no_group() {
    let world = world().await;
    let scim = world.scim();
    let (here, gone) = (
        create(&scim, user("here.one")).await.id(),
        create(&scim, user("gone.one")).await.id(),
    );
    let both = [here.clone(), gone.clone()];
    let path = create_group(&scim, "Sales", &both).await;
    scim.delete(&format!("/Users/{gone}")).await.expect(204);
    assert_eq!(held(&world, &path), set(&both));
    assert_eq!(
        shown(&scim.get(&path).await),
        set(std::slice::from_ref(&here))
    );
    let all = list(&scim, "").await.expect(200);
    assert_eq!(
        ids(&all.body["Resources"][0]["members"]),
        set(std::slice::from_ref(&here))
    );
    let filter = format!(r#"filter=members.value eq "{gone}""#);
    assert_eq!(
        list(&scim, &filter).await.expect(200).body["totalResults"],
        0
    );
    // Who says who the members are says that nobody else is one.
    scim.put(&path, group("Sales", std::slice::from_ref(&here)))
        .await
        .expect(200);
    assert_eq!(held(&world, &path), set(&[here]));
}

#[tokio::test]
async fn dynamic_groups_are_read_and_never_written() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 1);
    let id = world.jumpcloud().add_group(json!({
        "name": "Engineers",
        "membershipMethod": "DYNAMIC_AUTOMATED",
        "memberQuery": {
            "queryType": "FilterQuery",
            "filters": [{"field": "username", "operator": "eq", "value": "user000"}],
        },
    }));
    let path = format!("/Groups/{id}");
    assert_eq!(shown(&scim.get(&path).await.expect(200)), set(&users));
    let add = json!([{"op": "add", "path": "members", "value": values(&users)}]);
    for answer in [
        scim.put(&path, group("Other", &[])).await,
        scim.operate(&path, add).await,
        scim.delete(&path).await,
    ] {
        let refused = answer.expect(403);
        assert!(refused.text("/detail").contains("dynamic"));
    }
    assert_eq!(world.jumpcloud().groups()[0]["name"], "Engineers");
}

#[tokio::test]
async fn unique_values_are_refused_by_name() {
    let world = world().await;
    let (okta, entra) = (world.scim(), world.scim().of("entra"));
    let sales = create_group(&okta, "Sales", &[]).await;
    let path = create_group(&okta, "Other", &[]).await;
    let known = json!({"displayName": "New", "externalId": "external-Sales"});
    for (answer, named) in [
        (
            okta.post("/Groups", json!({"displayName": "Sales"})).await,
            "displayName",
        ),
        (
            okta.put(&path, json!({"displayName": "Sales"})).await,
            "displayName",
        ),
        (okta.post("/Groups", known.clone()).await, "externalId"),
        (okta.put(&path, known.clone()).await, "externalId"),
    ] {
        let refused = answer.refused(409, "uniqueness");
        assert!(refused.text("/detail").contains(named), "{}", refused.body);
    }
    // Refused as a whole: the name is what it was, and so is the `externalId`.
    let other = okta.get(&path).await.expect(200);
    assert_eq!(other.text("/displayName"), "Other");
    assert_eq!(other.text("/externalId"), "external-Other");
    // What a client calls a group is its own.
    entra.post("/Groups", known.clone()).await.expect(201);
    assert!(entra.get(&sales).await.body["externalId"].is_null());
    // What JumpCloud no longer has keeps no `externalId`.
    okta.delete(&sales).await.expect(204);
    let free = with(known, json!({"displayName": "Newer"}));
    okta.post("/Groups", free).await.expect(201);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 2);
    let mut paths = Vec::new();
    for (name, members) in [
        ("beta", &users[..1]),
        ("Alpha", &users[..]),
        ("gamma", &[][..]),
    ] {
        paths.push(create_group(&scim, name, members).await);
    }
    let ids: Vec<&str> = paths.iter().map(|path| id_of(path)).collect();
    let (first, second) = (&users[0], &users[1]);
    for (query, expected) in [
        (String::new(), vec![0, 1, 2]),
        ("sortBy=displayName".to_owned(), vec![1, 0, 2]),
        (
            "sortBy=displayName&sortOrder=descending&count=2".to_owned(),
            vec![2, 0],
        ),
        ("startIndex=2&count=1".to_owned(), vec![1]),
        (r#"filter=displayName eq "ALPHA""#.to_owned(), vec![1]),
        (
            r#"filter=displayName sw "a" or displayName ew "MA""#.to_owned(),
            vec![1, 2],
        ),
        (
            r#"filter=externalId eq "external-beta""#.to_owned(),
            vec![0],
        ),
        (r#"filter=externalId eq "external-BETA""#.to_owned(), vec![]),
        (r#"filter=externalId co "amm""#.to_owned(), vec![2]),
        (format!(r#"filter=id eq "{}""#, ids[2]), vec![2]),
        (r#"filter=id eq "nonsense""#.to_owned(), vec![]),
        (format!(r#"filter=members.value eq "{first}""#), vec![0, 1]),
        (
            format!(r#"filter=members[value eq "{second}" and type eq "User"]"#),
            vec![1],
        ),
        (
            format!(r#"filter=not (members.value eq "{second}")"#),
            vec![0, 2],
        ),
        (r#"filter=members.value eq "nonsense""#.to_owned(), vec![]),
        ("filter=members pr".to_owned(), vec![0, 1]),
        (
            "filter=not (members pr) and displayName pr".to_owned(),
            vec![2],
        ),
        (format!(r#"filter=members.value ne "{first}""#), vec![1, 2]),
        (
            r#"filter=meta.lastModified gt "2001-01-01T00:00:00Z""#.to_owned(),
            vec![0, 1, 2],
        ),
        (r#"filter=meta.resourceType eq "User""#.to_owned(), vec![]),
    ] {
        let answer = list(&scim, &query).await.expect(200);
        let expected: Vec<&str> = expected.iter().map(|place| ids[*place]).collect();
        assert_eq!(answer.ids(), expected, "{query}");
    }
    let page = list(&scim, "count=1").await.expect(200);
    assert_eq!(page.body["totalResults"], 3);
    for filter in [
        r#"nothing eq "1""#,
        r#"members.display eq "1""#,
        "displayName xx 1",
    ] {
        let answer = list(&scim, &format!("filter={filter}")).await;
        answer.refused(400, "invalidFilter");
    }

    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let query = json!({
            "schemas": [SEARCH_URN],
            "cursor": cursor, "count": 2, "attributes": ["displayName"],
        });
        let page = scim.post("/Groups/.search", query).await.expect(200);
        seen.extend(page.ids());
        match page.text("/nextCursor") {
            "" => break,
            next => cursor = next.to_owned(),
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn conditions_are_held_against_the_version() {
    let world = world().await;
    let scim = world.scim();
    let path = create_group(&scim, "Sales", &[]).await;
    let tag = scim.get(&path).await.header("etag").to_owned();
    let unchanged = scim.with("if-none-match", &tag);
    unchanged.get(&path).await.expect(200);
    let without = format!("{path}?excludedAttributes=members");
    unchanged.get(&without).await.expect(304);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Other"}]);
    let same = scim.with("if-match", &tag);
    same.operate(&path, rename.clone()).await.expect(200);
    same.operate(&path, rename).await.expect(412);
    same.put(&path, group("New", &[])).await.expect(412);
    same.delete(&path).await.expect(412);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_makes_one_group() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 1);
    let lost = Fault::drop(Vendor::JumpCloud)
        .method("POST")
        .path("/usergroups");
    world.fault(lost.after_effect());
    let path = create_group(&scim, "Sales", &users).await;
    assert_eq!(world.jumpcloud().groups().len(), 1);
    assert_eq!(held(&world, &path), set(&users));
}

#[tokio::test]
async fn a_group_whose_members_cannot_be_added_is_taken_back() {
    let world = world_with(Setup::new()).await;
    let scim = world.scim();
    let users = populate(&world, 2);
    let refused = Fault::status(Vendor::JumpCloud, 400)
        .method("POST")
        .path("/members");
    world.fault(refused);
    let answer = scim.post("/Groups", group("Sales", &users)).await;
    answer.refused(400, "invalidValue");
    assert!(world.jumpcloud().groups().is_empty());
    create_group(&scim, "Sales", &users).await;
}

#[tokio::test]
async fn a_users_groups_are_shown_on_request() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 1);
    let path = create_group(&scim, "Sales", &users).await;
    let asked = format!("/Users/{}?attributes=groups", users[0]);
    let answer = scim.get(&asked).await.expect(200);
    assert_eq!(answer.body["groups"][0]["value"], id_of(&path));
}

#[tokio::test]
async fn names_that_differ_in_nothing_but_case_are_one() {
    let world = world().await;
    let scim = world.scim();
    let sales = create_group(&scim, "Sales É", &[]).await;
    let other = create_group(&scim, "Other", &[]).await;
    let taken = scim.post(
        "/Groups",
        json!({"schemas": [GROUP_URN], "displayName": "SALES é"}),
    );
    taken.await.refused(409, "uniqueness");
    let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
    let taken = scim.operate(&other, rename("sales é")).await;
    taken.refused(409, "uniqueness");
    scim.operate(&sales, rename("SALES É")).await.expect(200);
    let names = world.jumpcloud().groups().into_iter();
    let names: BTreeSet<_> = names.map(|group| group["name"].to_string()).collect();
    assert_eq!(
        names,
        BTreeSet::from(["\"Other\"".to_owned(), "\"SALES É\"".to_owned()])
    );
}

#[tokio::test]
async fn a_mistake_in_a_patch_empties_no_group() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 2);
    let path = create_group(&scim, "Sales", &users[..1]).await;
    let at = |id: &str, part: &str| format!("members[value eq \"{id}\"]{part}");
    for (operation, scim_type) in [
        (
            json!({"op": "remove", "path": "members", "value": null}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": at(&users[0], ".value"), "value": users[1]}),
            "mutability",
        ),
        (
            json!({"op": "replace", "path": at(&users[1], ""), "value": {"value": users[1]}}),
            "noTarget",
        ),
        (
            json!({"op": "add", "path": at(&users[1], ".type"), "value": "User"}),
            "noTarget",
        ),
    ] {
        let told = operation.to_string();
        let answer = scim.operate(&path, json!([operation])).await;
        assert_eq!(
            (answer.status, answer.text("/scimType")),
            (400, scim_type),
            "{told}"
        );
    }
    assert_eq!(held(&world, &path), set(&users[..1]));
}

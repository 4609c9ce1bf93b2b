//! Bulk requests: references between their operations, failures, and what the answers tell.

use e2e::{Response, Scim};
use serde_json::{Value, json};

use super::{ENTERPRISE_URN, create, stored, user, with};
use crate::world;

const REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

async fn bulk(scim: &Scim, operations: Value) -> Response {
    let body = json!({"schemas": [REQUEST_URN], "Operations": operations});
    let answer = scim.post("/Bulk", body).await.expect(200);
    assert_eq!(answer.body["schemas"], json!([RESPONSE_URN]));
    answer
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

/// The statuses of the results.
fn statuses(answer: &Response) -> Vec<&str> {
    let results = answer.body["Operations"].as_array();
    let results = results.map_or(&[][..], Vec::as_slice);
    let statuses = results.iter().map(|result| result["status"].as_str());
    statuses.map(Option::unwrap_or_default).collect()
}

fn id_in(answer: &Response, place: usize) -> &str {
    let location = answer.text(&format!("/Operations/{place}/location"));
    location.rsplit('/').next().unwrap_or_default()
}

#[tokio::test]
async fn a_group_gets_members_that_the_same_request_makes() {
    let world = world().await;
    let scim = world.scim();
    let team = json!({"displayName": "Team", "members": [{"value": "bulkId:ada"}, {"value": "bulkId:bob"}]});
    let answer = bulk(
        &scim,
        json!([
            post("/Groups", "team", team),
            post("/Users", "ada", user("ada.novak")),
            post("/Users", "bob", user("bob.novak")),
            {"method": "PATCH", "path": "/Users/bulkId:bob", "data": {"Operations": [
                {"op": "replace", "path": "title", "value": "Lead"},
            ]}},
        ]),
    )
    .await;
    assert_eq!(
        statuses(&answer),
        ["201", "201", "201", "200"],
        "{}",
        answer.body
    );
    let first = &answer.body["Operations"][0];
    assert_eq!(
        (&first["method"], &first["bulkId"]),
        (&json!("POST"), &json!("team"))
    );
    assert!(
        first["version"].is_string() && first["response"].is_null(),
        "{first}"
    );
    let members = world.jumpcloud().members(id_in(&answer, 0));
    assert_eq!(members, [id_in(&answer, 1), id_in(&answer, 2)]);
    assert_eq!(stored(&world, id_in(&answer, 2))["jobTitle"], "Lead");
    let read = scim
        .get(&format!("/Groups/{}", id_in(&answer, 0)))
        .await
        .expect(200);
    assert_eq!(read.text("/meta/version"), first["version"]);
}

#[tokio::test]
async fn users_who_manage_each_other_are_made() {
    let world = world().await;
    let scim = world.scim();
    let managed_by = |name: &str, manager: &str| {
        with(
            user(name),
            json!({ENTERPRISE_URN: {"manager": {"value": manager}}}),
        )
    };
    let answer = bulk(
        &scim,
        json!([
            post("/Users", "ada", managed_by("ada.novak", "bulkId:bob")),
            post("/Users", "bob", managed_by("bob.novak", "bulkId:ada")),
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["201", "201"], "{}", answer.body);
    let (ada, bob) = (id_in(&answer, 0), id_in(&answer, 1));
    assert_eq!(stored(&world, ada)["manager"], bob);
    assert_eq!(stored(&world, bob)["manager"], ada);
    let read = scim.get(&format!("/Users/{ada}")).await.expect(200);
    assert_eq!(
        answer.body["Operations"][0]["version"],
        read.text("/meta/version")
    );
}

#[tokio::test]
async fn each_failure_is_told_and_the_others_go_on() {
    let world = world().await;
    let scim = world.scim();
    let ada = create(&scim, user("ada.novak")).await.id();
    let path = format!("/Users/{ada}");
    let answer = bulk(
        &scim,
        json!([
            post("/Users", "nobody", json!({"userName": "no.mail"})),
            post("/Groups", "team", json!({"displayName": "Team", "members": [{"value": "bulkId:nobody"}]})),
            post("/Groups", "lost", json!({"displayName": "Lost", "members": [{"value": "bulkId:other"}]})),
            {"method": "PUT", "path": path, "version": "W/\"stale\"", "data": user("ada.novak")},
            {"method": "DELETE", "path": "/Users/0123456789abcdef01234567"},
            {"method": "POST", "path": "/Bulk", "data": {}},
            {"method": "POST", "path": "/Users/.search", "data": {}},
            {"method": "POST", "path": path, "data": {}},
            {"method": "DELETE", "path": path},
        ]),
    )
    .await;
    assert_eq!(
        statuses(&answer),
        [
            "400", "409", "400", "412", "404", "404", "404", "405", "204"
        ],
        "{:#}",
        answer.body
    );
    let response = &answer.body["Operations"][0]["response"];
    assert_eq!(response["scimType"], "invalidValue");
    assert!(answer.body["Operations"][0]["location"].is_null());
    let location = format!("{}{path}", scim.base_url());
    assert_eq!(answer.body["Operations"][3]["location"], location);
    scim.get(&path).await.expect(404);
    assert!(world.jumpcloud().groups().is_empty());
}

#[tokio::test]
async fn failures_end_the_request_where_the_client_says_so() {
    let world = world().await;
    let scim = world.scim();
    let body = json!({
        "schemas": [REQUEST_URN],
        "failOnErrors": 1,
        "Operations": [
            post("/Users", "ada", user("ada.novak")),
            post("/Users", "again", user("ada.novak")),
            post("/Users", "bob", user("bob.novak")),
        ],
    });
    let answer = scim.post("/Bulk", body).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "409"]);
    assert_eq!(world.jumpcloud().users().len(), 1);
}

#[tokio::test]
async fn what_is_too_much_or_no_bulk_request_is_refused() {
    let world = world().await;
    let scim = world.scim();
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    let many = json!({"schemas": [REQUEST_URN], "Operations": vec![delete; 51]});
    scim.post("/Bulk", many).await.expect(413);
    let large = format!(r#"{{"Operations": "{}"}}"#, "x".repeat(1024 * 1024));
    scim.send("POST", "/Bulk", large).await.expect(413);
    scim.post("/Bulk", json!({"Operations": []}))
        .await
        .refused(400, "invalidSyntax");
    scim.send("POST", "/Bulk", "{")
        .await
        .refused(400, "invalidSyntax");
    scim.get("/Bulk").await.expect(405);
    let read_only = scim.of("auditor");
    let create = json!({"Operations": [post("/Users", "ada", user("ada.novak"))]});
    read_only.post("/Bulk", create).await.expect(403);
    assert!(world.jumpcloud().users().is_empty());
}

#[tokio::test]
async fn user_whose_circle_is_broken_is_told_as_made() {
    let world = world().await;
    let scim = world.scim();
    let managed_by = |manager: &str| json!({ENTERPRISE_URN: {"manager": {"value": manager}}});
    let nobody = with(json!({"userName": "no.mail"}), managed_by("bulkId:ada"));
    let answer = bulk(
        &scim,
        json!([
            post(
                "/Users",
                "ada",
                with(user("ada.novak"), managed_by("bulkId:nobody"))
            ),
            post("/Users", "nobody", nobody),
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["201", "400"], "{:#}", answer.body);
    let id = id_in(&answer, 0).to_owned();
    assert_eq!(stored(&world, &id)["username"], "ada.novak");
    // What was made is shown: the manager is not in it.
    let read = scim.get(&format!("/Users/{id}")).await.expect(200);
    let told = &answer.body["Operations"][0];
    assert_eq!(told["response"], read.body);
    assert_eq!(told["version"], read.text("/meta/version"));
}

#[tokio::test]
async fn text_that_looks_like_a_reference_stays_a_text() {
    let world = world().await;
    let scim = world.scim();
    let team = json!({"displayName": "Team", "members": [{"value": "bulkId:ada"}]});
    let named = json!({"title": "bulkId:team", "externalId": "bulkId:ada"});
    let leave = json!({"Operations": [
        {"op": "remove", "path": "members[value eq \"bulkId:ada\"]"},
        {"op": "replace", "path": "externalId", "value": "bulkId:ada"},
    ]});
    let answer = bulk(
        &scim,
        json!([
            post("/Groups", "team", team),
            post("/Users", "ada", with(user("ada.novak"), named)),
            {"method": "PATCH", "path": "/Groups/bulkId:team", "data": leave},
        ]),
    )
    .await;
    assert_eq!(
        statuses(&answer),
        ["201", "201", "200"],
        "{:#}",
        answer.body
    );
    assert!(world.jumpcloud().members(id_in(&answer, 0)).is_empty());
    assert_eq!(stored(&world, id_in(&answer, 1))["jobTitle"], "bulkId:team");
    let found = scim
        .get("/Users?filter=externalId eq %22bulkId:ada%22")
        .await;
    assert_eq!(found.ids(), [id_in(&answer, 1)]);
}

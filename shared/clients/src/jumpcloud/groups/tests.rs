//! Groups and members against a local server: a list is whole or an error, with its total or without.

use mapping::MembershipMethod;
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

use super::*;
use crate::jumpcloud::tests::{id as user, jumpcloud};
use crate::testing::{mock_server, query, slice};

fn group(number: usize) -> UserGroupId {
    UserGroupId::from(format!("{number:024x}").as_str())
}

fn row(number: usize) -> Value {
    json!({
        "id": group(number), "name": format!("group {number:03}"), "type": "user_group",
        "description": null, "membershipMethod": "STATIC", "attributes": null,
    })
}

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(row).collect()
}

fn member(number: usize) -> Value {
    json!({ "to": { "type": "user", "id": user(number) }, "attributes": null })
}

/// Answers a list with its rows, and with this total where there is one.
async fn list(at: &str, rows: Vec<Value>, total: Option<usize>) -> MockServer {
    let server = mock_server().await;
    let answer = move |request: &Received| {
        let answer = ResponseTemplate::new(200).set_body_json(slice(&rows, request, "skip"));
        match total {
            Some(total) => answer.insert_header("x-total-count", total.to_string()),
            None => answer,
        }
    };
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn whole_lists_are_read_with_and_without_a_total() {
    let table = [
        (0, Some(0), 1),
        (100, Some(100), 1),
        (250, Some(250), 3),
        (0, None, 1),
        (99, None, 1),
        (100, None, 2),
        (250, None, 3),
    ];
    for (count, total, calls) in table {
        let server = list("/api/v2/usergroups", rows(count), total).await;
        let client = jumpcloud(&server);
        assert_eq!(client.every_group().await.unwrap().len(), count);
        assert_eq!(client.calls(), calls, "{count} {total:?}");

        let at = format!("/api/v2/usergroups/{}/members", group(1));
        let server = list(&at, (0..count).map(member).collect(), total).await;
        let members = jumpcloud(&server).members(&group(1)).await.unwrap();
        assert_eq!(members, (0..count).map(user).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn list_that_contradicts_itself_twice_is_an_error() {
    let repeated = [rows(150), rows(50)].concat();
    for (rows, total) in [
        (rows(150), Some(151)),
        (rows(50), Some(0)),
        (repeated.clone(), Some(200)),
        (repeated, None),
    ] {
        let server = list("/api/v2/usergroups", rows, total).await;
        let jumpcloud = jumpcloud(&server);
        let error = jumpcloud.every_group().await.unwrap_err();
        assert!(matches!(error, ClientError::Incomplete { .. }), "{error}");
        assert!(jumpcloud.calls().is_multiple_of(2));
    }
}

#[tokio::test]
async fn row_that_cannot_be_read_fails_the_list_and_is_named() {
    let odd = json!({ "id": "66", "name": 7 });
    let server = list("/api/v2/usergroups", vec![row(1), odd], None).await;
    let error = jumpcloud(&server).every_group().await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("group `66`: `UserGroup` does not fit at `name`"),
        "{error}"
    );
}

#[tokio::test]
async fn page_says_its_total_or_that_there_is_none() {
    for total in [Some(7), None] {
        let server = list("/api/v2/usergroups", rows(7), total).await;
        let asked = GroupQuery {
            skip: 5,
            limit: 0,
            sort: "-name".to_owned(),
            ..GroupQuery::default()
        };
        let page = jumpcloud(&server).groups_page(&asked).await.unwrap();
        assert_eq!((page.total, page.rows.len()), (total, 2));
        let request = &server.received_requests().await.unwrap()[0];
        assert_eq!(
            ["limit", "skip", "sort", "filter"].map(|name| query(request, name)),
            ["1", "5", "-name", ""]
        );
    }
}

#[tokio::test]
async fn group_of_a_name_is_the_one_that_has_exactly_this_name() {
    for (name, filter) in [
        ("group 001", "name:eq:group 001"),
        ("Q&A, misc", ""),
        ("group*", ""),
    ] {
        let mut groups = rows(3);
        groups.push(json!({ "id": group(9), "name": "Q&A, misc" }));
        let server = list("/api/v2/usergroups", groups, None).await;
        let asked = GroupQuery {
            name: Some(name.to_owned()),
            ..GroupQuery::default()
        };
        let page = jumpcloud(&server).groups_page(&asked).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|group| group.name.as_str()).collect();
        let expected = Vec::from_iter((name != "group*").then_some(name));
        assert_eq!((page.total, &found), (Some(expected.len()), &expected));
        let request = &server.received_requests().await.unwrap()[0];
        assert_eq!(query(request, "filter"), filter);
    }
}

#[tokio::test]
async fn update_sends_back_what_it_does_not_change() {
    let server = mock_server().await;
    let there = json!({
        "id": group(1), "name": "Old", "description": "Kept", "type": "user_group", "email": "",
        "memberQuery": { "queryType": "FilterQuery", "filters": [] }, "memberQueryExemptions": [],
        "membershipMethod": "DYNAMIC_AUTOMATED", "attributes": null, "suggestionCounts": { "total": 0 },
    });
    let at = format!("/api/v2/usergroups/{}", group(1));
    Mock::given(method("GET"))
        .and(path(&at))
        .respond_with(ResponseTemplate::new(200).set_body_json(there))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path(&at))
        .and(body_json(json!({
            "name": "New", "description": "Kept", "email": "",
            "memberQuery": { "queryType": "FilterQuery", "filters": [] }, "memberQueryExemptions": [],
            "membershipMethod": "DYNAMIC_AUTOMATED",
        })))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "id": group(1), "name": "New", "membershipMethod": "SOMETHING_ELSE" }),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let fields = json!({ "name": "New" });
    let updated = jumpcloud(&server)
        .update_group(&group(1), fields.as_object().unwrap())
        .await
        .unwrap();
    assert_eq!(updated.name, "New");
    assert_eq!(updated.membership_method, MembershipMethod::Unknown);
    assert!(!updated.is_static());
}

#[tokio::test]
async fn group_is_made_once_found_and_deleted() {
    let server = mock_server().await;
    let fields = json!({ "name": "group 001" });
    let fields = fields.as_object().unwrap();
    Mock::given(method("POST"))
        .and(path("/api/v2/usergroups"))
        .and(body_json(fields))
        .respond_with(ResponseTemplate::new(201).set_body_json(row(1)))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .with_priority(9)
        .expect(1)
        .mount(&server)
        .await;
    let at = format!("/api/v2/usergroups/{}", group(1));
    for (verb, status) in [("GET", 200), ("DELETE", 204)] {
        Mock::given(method(verb))
            .and(path(&at))
            .respond_with(ResponseTemplate::new(status).set_body_json(row(1)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let jumpcloud = jumpcloud(&server);
    let made = jumpcloud.create_group(fields).await.unwrap();
    assert!(made.is_static());
    assert_eq!(jumpcloud.group(&group(1)).await.unwrap(), Some(made));
    assert_eq!(jumpcloud.group(&group(2)).await.unwrap(), None);
    jumpcloud.delete_group(&group(1)).await.unwrap();
    jumpcloud.delete_group(&group(2)).await.unwrap();
    let error = jumpcloud.create_group(fields).await.unwrap_err();
    assert!(error.is_in_doubt());
}

#[tokio::test]
async fn membership_that_is_as_wanted_is_a_success() {
    let table = [
        ("add", 204, true),
        ("add", 409, true),
        ("add", 404, false),
        ("remove", 204, true),
        ("remove", 404, true),
        ("remove", 409, false),
    ];
    for (operation, status, succeeds) in table {
        let server = mock_server().await;
        Mock::given(method("POST"))
            .and(path(format!("/api/v2/usergroups/{}/members", group(1))))
            .and(body_json(
                json!({ "op": operation, "type": "user", "id": user(2) }),
            ))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let jumpcloud = jumpcloud(&server);
        let outcome = match operation {
            "add" => jumpcloud.add_member(&group(1), &user(2)).await,
            _ => jumpcloud.remove_member(&group(1), &user(2)).await,
        };
        assert_eq!(outcome.is_ok(), succeeds, "{operation} {status}");
    }
}

#[tokio::test]
async fn page_of_members_is_one_call() {
    let at = format!("/api/v2/usergroups/{}/members", group(1));
    let server = list(&at, (0..5).map(member).collect(), Some(5)).await;
    let page = jumpcloud(&server).members_page(&group(1), 3, 50).await;
    let page = page.unwrap();
    assert_eq!((page.total, page.rows), (Some(5), vec![user(3), user(4)]));
}

#[tokio::test]
async fn only_direct_groups_of_a_user_are_told() {
    let edge = json!({ "to": { "type": "user_group", "id": group(1) } });
    let memberships = vec![
        json!({ "id": group(1), "type": "user_group", "paths": [[edge]] }),
        json!({ "id": group(2), "type": "user_group", "paths": [[edge, edge]] }),
        json!({ "id": group(3), "type": "user_group", "paths": [[edge, edge], [edge]] }),
        json!({ "id": group(4), "type": "user_group" }),
    ];
    let at = format!("/api/v2/users/{}/memberof", user(7));
    let server = list(&at, memberships, Some(4)).await;
    let groups = jumpcloud(&server).groups_of(&user(7)).await.unwrap();
    assert_eq!(groups, [group(1), group(3), group(4)]);
}

#[tokio::test]
async fn reads_can_be_spawned() {
    let server = list("/api/v2/usergroups", rows(1), None).await;
    let jumpcloud = jumpcloud(&server);
    let read = tokio::spawn(async move { jumpcloud.every_group().await });
    assert_eq!(read.await.unwrap().unwrap().len(), 1);
}

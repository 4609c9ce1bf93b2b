//! Queries, orders, cursors and the answer's frame.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ListRequest, MAX_PAGE, Page, Paging, SEARCH_REQUEST_URN, list_response, sort};
use crate::{
    ScimError,
    resource::Resource,
    schema::{ENTERPRISE_URN, GROUP, USER},
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn query(text: &str) -> Result<ListRequest, ScimError> {
    ListRequest::from_query(text, &USER, NOW)
}

/// A search with these parameters.
fn search(body: &Value) -> Result<ListRequest, ScimError> {
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut() {
        body.insert("Schemas".to_owned(), json!([SEARCH_REQUEST_URN]));
    }
    ListRequest::from_search(&body, &USER, NOW)
}

fn refusal(request: Result<ListRequest, ScimError>) -> (&'static str, String) {
    let error = request.expect_err("a refusal");
    (error.scim_type().unwrap().as_str(), error.to_string())
}

#[test]
fn pages_are_clamped() {
    for (text, start_index, count) in [
        ("", 1, MAX_PAGE),
        ("startIndex=1&count=10", 1, 10),
        ("startIndex=&count=", 1, MAX_PAGE),
        ("startIndex=0", 1, MAX_PAGE),
        ("startIndex=-5&count=-1", 1, 0),
        ("STARTINDEX=7&Count=0", 7, 0),
        ("count=100000", 1, MAX_PAGE),
        ("startIndex=9223372036854775807", i64::MAX as u64, MAX_PAGE),
        (
            "count=9223372036854775808&startIndex=18446744073709551616",
            u64::MAX,
            MAX_PAGE,
        ),
        ("count=-99999999999999999999999&startIndex=%2B2", 2, 0),
        ("unknown=1&unknown=2", 1, MAX_PAGE),
    ] {
        assert_eq!(
            query(text).unwrap().page,
            Page::Index { start_index, count },
            "{text}"
        );
    }
}

#[test]
fn a_search_asks_for_the_same_as_a_query() {
    let by_query = query(
        "filter=title+eq+%22a%22&sortBy=userName&sortOrder=descending&startIndex=3&count=5&attributes=userName,name.givenName",
    );
    let by_search = search(&json!({
        "filter": "title eq \"a\"", "sortBy": "userName", "sortOrder": "descending", "startIndex": 3, "count": 5,
        "attributes": ["userName", "name.givenName"], "excludedAttributes": null,
    }));
    assert_eq!(format!("{by_query:?}"), format!("{by_search:?}"));
    assert_eq!(by_query.unwrap().filter.as_deref(), Some("title eq \"a\""));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (text, kind, detail) in [
        (
            "count=ten",
            "invalidValue",
            "`count` must be a whole number",
        ),
        (
            "startIndex=1.5",
            "invalidValue",
            "`startIndex` must be a whole number",
        ),
        ("count=1&COUNT=1", "invalidValue", "`COUNT` is given twice"),
        (
            "sortOrder=up",
            "invalidValue",
            "`sortOrder` must be `ascending` or `descending`",
        ),
        (
            "sortBy=shoeSize",
            "invalidValue",
            "`sortBy` names no attribute of this resource type",
        ),
        (
            "sortBy=name",
            "invalidValue",
            "`sortBy` must name a sub-attribute of `name`",
        ),
        (
            "sortBy=nickName",
            "invalidValue",
            "`sortBy` names no attribute of this resource type",
        ),
        (
            "sortBy=password",
            "invalidValue",
            "nothing is sorted by `password`",
        ),
        (
            "sortBy=groups",
            "invalidValue",
            "nothing is sorted by `groups.value`",
        ),
        (
            "sortBy=schemas",
            "invalidValue",
            "nothing is sorted by `schemas`",
        ),
        ("count=-", "invalidValue", "`count` must be a whole number"),
        (
            "count=1e3",
            "invalidValue",
            "`count` must be a whole number",
        ),
        (
            "cursor=&startIndex=1",
            "invalidValue",
            "only one of `cursor` and `startIndex` may be given",
        ),
        (
            "cursor=&count=0",
            "invalidCount",
            "`count` must be at least 1 with a cursor",
        ),
    ] {
        assert_eq!(refusal(query(text)), (kind, detail.to_owned()), "{text}");
    }
    for (body, kind) in [
        (json!([]), "invalidSyntax"),
        (json!({"count": true}), "invalidValue"),
        (json!({"attributes": [1]}), "invalidValue"),
        (json!({"count": 1.5}), "invalidValue"),
        (json!({"count": "many"}), "invalidValue"),
    ] {
        assert_eq!(refusal(search(&body)).0, kind);
    }
}

#[test]
fn a_search_says_that_it_is_one() {
    let with = |schemas: Value| {
        let body = json!({"schemas": schemas});
        ListRequest::from_search(&body, &USER, NOW)
    };
    let urn = SEARCH_REQUEST_URN;
    for schemas in [
        json!([urn]),
        json!(urn),
        json!(["urn:x", urn.to_lowercase()]),
    ] {
        assert!(with(schemas.clone()).is_ok(), "{schemas}");
    }
    let patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    for schemas in [
        json!(null),
        json!([]),
        json!([patch]),
        json!([1]),
        json!({}),
    ] {
        assert_eq!(refusal(with(schemas)).0, "invalidSyntax");
    }
    let without = ListRequest::from_search(&json!({}), &USER, NOW);
    assert_eq!(refusal(without).0, "invalidSyntax");
}

#[test]
fn numbers_of_any_size_are_taken() {
    for (count, expected) in [
        (json!(7), 7),
        (json!(7.0), 7),
        (json!(u64::MAX), MAX_PAGE),
        (json!(1e30), MAX_PAGE),
        (json!(-1e30), 0),
    ] {
        let Page::Index { count: read, .. } = search(&json!({"count": count})).unwrap().page else {
            panic!("a page by index")
        };
        assert_eq!(read, expected, "{count}");
    }
}

#[test]
fn a_cursor_goes_on_with_its_own_query_for_an_hour() {
    let request = query("cursor=&filter=active+eq+true&count=2").unwrap();
    assert_eq!(
        request.page,
        Page::Cursor {
            position: None,
            count: 2
        }
    );
    let cursor = request.cursor("after é", NOW);
    assert!(
        cursor
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    );
    let go_on = |query: &str, minutes| {
        let now = NOW + SignedDuration::from_mins(minutes);
        ListRequest::from_query(&format!("cursor={cursor}{query}"), &USER, now)
    };
    for query in [
        "&filter=active+eq+true",
        "&filter=active+eq+true&attributes=id",
    ] {
        assert_eq!(
            go_on(query, 60).unwrap().page,
            Page::Cursor {
                position: Some("after é".to_owned()),
                count: MAX_PAGE
            },
        );
    }
    for (query, minutes, kind) in [
        ("&filter=active+eq+true", 61, "expiredCursor"),
        ("&filter=active+eq+false", 0, "invalidCursor"),
        ("&filter=active+eq+true&sortBy=userName", 0, "invalidCursor"),
        ("", 0, "invalidCursor"),
        ("0&filter=active+eq+true", 0, "invalidCursor"),
    ] {
        assert_eq!(refusal(go_on(query, minutes)).0, kind, "{query}");
    }
    let elsewhere = format!("cursor={cursor}&filter=active+eq+true");
    assert_eq!(
        refusal(ListRequest::from_query(&elsewhere, &GROUP, NOW)).0,
        "invalidCursor"
    );
}

fn users(values: &[Value]) -> Vec<Resource> {
    values
        .iter()
        .map(|value| serde_json::from_value(value.clone()).unwrap())
        .collect()
}

/// The ids in the order that `query` asks for.
fn sorted(query: &str, values: &[Value]) -> String {
    let request = ListRequest::from_query(query, &USER, NOW).unwrap();
    let mut users = users(values);
    if let Some(order) = request.sort {
        sort(&mut users, order);
    }
    users
        .iter()
        .map(|user| user["id"].as_str().unwrap())
        .collect()
}

#[test]
fn resources_are_sorted_as_their_attribute_compares() {
    let users = [
        json!({"id": "1", "userName": "bo", "externalId": "b", "active": true,
            "emails": [{"value": "z"}, {"value": "a", "primary": true}],
            "meta": {"created": "2026-01-01T00:00:00+02:00"}, ENTERPRISE_URN: {"department": "x", "manager": {"value": "m"}}}),
        json!({"id": "2", "userName": "Ada", "externalId": "C",
            "emails": [{"value": "m"}, {"value": "0"}], "meta": {"created": "2025-12-31T22:30:00Z"}}),
        json!({"id": "3", "userName": "BO", "externalId": "a", "active": false,
            "meta": {"created": "2025-12-31T21:00:00Z"}, ENTERPRISE_URN: {"department": "A"}}),
    ];
    for (query, expected) in [
        ("", "123"),
        ("sortOrder=descending", "123"),
        ("sortBy=userName", "213"),
        ("sortBy=username&sortOrder=Descending", "132"),
        ("sortBy=externalId", "231"),
        ("sortBy=active", "312"),
        ("sortBy=active&sortOrder=descending", "213"),
        ("sortBy=emails", "123"),
        ("sortBy=emails.value&sortOrder=descending", "321"),
        ("sortBy=meta.created", "312"),
        ("sortBy=department", "312"),
        ("sortBy=manager", "123"),
        ("sortBy=title", "123"),
    ] {
        assert_eq!(sorted(query, &users), expected, "{query}");
    }
}

#[test]
fn a_page_stands_in_its_frame() {
    let page = || users(&[json!({"id": "1"})]);
    insta::assert_snapshot!(format!("{:#}", list_response(page(), 21, Paging::Index(11))), @r#"
    {
      "Resources": [
        {
          "id": "1"
        }
      ],
      "itemsPerPage": 1,
      "schemas": [
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
      ],
      "startIndex": 11,
      "totalResults": 21
    }
    "#);
    insta::assert_snapshot!(format!("{:#}", list_response(page(), 2, Paging::Cursor(Some("next".to_owned())))), @r#"
    {
      "Resources": [
        {
          "id": "1"
        }
      ],
      "itemsPerPage": 1,
      "nextCursor": "next",
      "schemas": [
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
      ],
      "totalResults": 2
    }
    "#);
    insta::assert_snapshot!(format!("{:#}", list_response(Vec::new(), 7, Paging::Cursor(None))), @r#"
    {
      "Resources": [],
      "itemsPerPage": 0,
      "schemas": [
        "urn:ietf:params:scim:api:messages:2.0:ListResponse"
      ],
      "totalResults": 7
    }
    "#);
}

proptest! {
    #[test]
    fn any_query_is_read_or_refused(text in "((filter|sortBy|count|cursor|attributes|startIndex)=.{0,6}&){0,4}|.*") {
        let _ = query(&text);
    }

    #[test]
    fn no_changed_cursor_is_taken(position in ".{0,8}", at in any::<prop::sample::Index>(), byte in "[0-9a-f.]") {
        let request = query("cursor=").unwrap();
        let cursor = request.cursor(&position, NOW);
        let mut changed = cursor.clone();
        let at = at.index(cursor.len());
        changed.replace_range(at..=at, &byte);
        let read = query(&format!("cursor={changed}")).map(|request| request.page);
        if changed == cursor {
            prop_assert_eq!(read, Ok(Page::Cursor { position: Some(position), count: MAX_PAGE }));
        } else {
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn descending_is_ascending_the_other_way_round(names in prop::collection::btree_set("[a-z]{1,3}", 0..8)) {
        let mut up: Vec<Resource> = names.iter().map(|name| users(&[json!({"userName": name})]).remove(0)).collect();
        let mut down = up.clone();
        sort(&mut up, query("sortBy=userName").unwrap().sort.unwrap());
        sort(&mut down, query("sortBy=userName&sortOrder=descending").unwrap().sort.unwrap());
        down.reverse();
        prop_assert_eq!(up, down);
    }
}

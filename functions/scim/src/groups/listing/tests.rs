use jiff::Timestamp;
use serde_json::json;

use super::*;

fn groups(ids: &[&str]) -> Vec<Resource> {
    ids.iter()
        .map(|id| Resource::from_iter([("id".to_owned(), json!(id))]))
        .collect()
}

fn ids(groups: &[Resource]) -> Vec<&str> {
    groups
        .iter()
        .filter_map(|group| text(group, "id"))
        .collect()
}

fn request(query: &str) -> ListRequest {
    ListRequest::from_query(query, &GROUP, Timestamp::UNIX_EPOCH).unwrap()
}

fn next(paging: Paging) -> Option<String> {
    match paging {
        Paging::Cursor(next) => next,
        Paging::Index(_) => panic!("not a cursor"),
    }
}

#[test]
fn pages_by_index_start_at_one() {
    for (query, expected) in [
        ("", vec!["a", "b", "c"]),
        ("startIndex=1&count=2", vec!["a", "b"]),
        ("startIndex=3&count=2", vec!["c"]),
        ("startIndex=4", vec![]),
        ("startIndex=9223372036854775807", vec![]),
        ("count=0", vec![]),
    ] {
        let request = request(query);
        let (page, _) = cut(groups(&["a", "b", "c"]), &request, Timestamp::UNIX_EPOCH);
        assert_eq!(ids(&page), expected, "{query}");
    }
}

#[test]
fn a_cursor_goes_on_behind_its_last_group_whatever_came_and_went() {
    let now = Timestamp::UNIX_EPOCH;
    let (page, paging) = cut(
        groups(&["b", "c", "d", "e"]),
        &request("cursor&count=2"),
        now,
    );
    assert_eq!(ids(&page), ["b", "c"]);
    let cursor = next(paging).unwrap();
    let on = request(&format!("cursor={cursor}&count=2"));
    for (there, expected, goes_on) in [
        (&["b", "c", "d", "e"][..], &["d", "e"][..], false),
        (&["a", "b", "c", "d", "e", "f"], &["d", "e"], true),
        (&["b", "d", "e"], &["e"], false),
        (&["b"], &[], false),
    ] {
        let (page, paging) = cut(groups(there), &on, now);
        assert_eq!(ids(&page), expected, "{there:?}");
        assert_eq!(next(paging).is_some(), goes_on, "{there:?}");
    }
}

use super::references::references;
use super::*;

fn jobs(operations: &Value) -> Result<Vec<Job>, ScimError> {
    let body = json!({"Operations": operations});
    Ok(BulkRequest::read(&body)?.jobs)
}

fn create(bulk_id: &str, refers_to: &[&str]) -> Value {
    let members: Vec<Value> = refers_to
        .iter()
        .map(|id| json!({"value": format!("bulkId:{id}")}))
        .collect();
    json!({
        "method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"displayName": bulk_id, "members": members},
    })
}

/// The order in which operations are performed when all go well.
fn order(operations: &Value) -> Vec<String> {
    let jobs = jobs(operations).unwrap();
    let mut bulk = Bulk::of(&jobs);
    let mut pending = VecDeque::from(jobs);
    let mut order = Vec::new();
    while let Some(job) = bulk.next(&mut pending) {
        let bulk_id = job.bulk_id.unwrap_or_default();
        order.push(format!("{} {bulk_id}", job.method));
        bulk.done.entry(bulk_id).or_insert(Some("1".to_owned()));
    }
    order
}

#[test]
fn operations_keep_their_order_unless_one_refers_to_a_later_one() {
    for (operations, expected) in [
        (
            json!([create("a", &[]), create("b", &["a"]), create("c", &[])]),
            "POST a, POST b, POST c",
        ),
        (
            json!([create("a", &["c"]), create("b", &[]), create("c", &[])]),
            "POST b, POST c, POST a",
        ),
        (json!([create("a", &["nobody"])]), "POST a"),
        // RFC 7644 §3.7.1.
        (
            json!([create("a", &["b"]), create("b", &["a"])]),
            "POST a, POST b, PATCH a",
        ),
        (json!([create("a", &["a"])]), "POST a, PATCH a"),
    ] {
        assert_eq!(order(&operations).join(", "), expected, "{operations}");
    }
}

#[test]
fn what_refers_to_itself_is_made_without_that_and_completed() {
    let jobs = jobs(&json!([create("a", &["a"])])).unwrap();
    let bulk = Bulk::of(&jobs);
    let (first, rest) = bulk.split(&jobs[0]).unwrap();
    assert_eq!(first.data, json!({"displayName": "a"}));
    assert_eq!(rest.path, "/Groups/bulkId:a");
    assert_eq!(
        rest.data["Operations"],
        json!([{"op": "add", "value": {"members": [{"value": "bulkId:a"}]}}])
    );
}

/// Where an id is expected, `bulkId:1` refers (RFC 7644 §3.7.2); elsewhere it is a text.
#[test]
fn references_stand_where_an_id_is_expected_and_nowhere_else() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let patching = |operation: Value| json!({"operations": [operation]});
    let with_urn = |value: Value| json!({enterprise: value});
    for (refers, data) in [
        (
            true,
            json!({"members": [{"type": "User", "Value": "bulkId:1"}]}),
        ),
        (
            true,
            json!({"members": [{"$ref": "https://x.test/Users/bulkId:1"}]}),
        ),
        (true, json!({"members": ["bulkId:1"]})),
        (true, json!({"manager.value": "bulkId:1"})),
        (true, with_urn(json!({"manager": {"value": "bulkId:1"}}))),
        (true, with_urn(json!({"manager": "bulkId:1"}))),
        (true, json!({format!("{enterprise}:manager"): "bulkId:1"})),
        (
            true,
            patching(json!({"path": "members", "value": [{"value": "bulkId:1"}]})),
        ),
        (
            true,
            patching(json!({"Path": r#"members[value eq "bulkId:1"]"#})),
        ),
        (
            true,
            patching(json!({"path": format!("{enterprise}:manager"), "value": "bulkId:1"})),
        ),
        (
            true,
            patching(json!({"path": enterprise, "value": {"manager": "bulkId:1"}})),
        ),
        (
            true,
            patching(json!({"value": {"members": [{"value": "bulkId:1"}]}})),
        ),
        (
            true,
            patching(json!({"value": {enterprise: {"manager": {"value": "bulkId:1"}}}})),
        ),
        (
            false,
            json!({"title": "bulkId:1", "userName": "bulkId:1", "externalId": "bulkId:1"}),
        ),
        (
            false,
            json!({"emails": [{"value": "bulkId:1"}], "password": "bulkId:1"}),
        ),
        (
            false,
            json!({"groups": [{"value": "bulkId:1"}], "unknown": {"manager": "bulkId:1"}}),
        ),
        (
            false,
            json!({"members": [{"value": "bulkId", "display": "bulkId:1"}, 1, null]}),
        ),
        (
            false,
            patching(json!({"path": "title", "value": "bulkId:1"})),
        ),
        (
            false,
            patching(json!({"path": r#"emails[value eq "bulkId:1"].type"#, "value": "home"})),
        ),
        (false, patching(json!({"value": {"title": "bulkId:1"}}))),
        (false, patching(json!("bulkId:1"))),
        (false, json!("bulkId:1")),
    ] {
        let found = references("/Users", &data);
        assert_eq!(
            found,
            refers.then(|| "1".to_owned()).into_iter().collect(),
            "{data}"
        );
        let (mut path, mut resolved) = ("/Users/bulkId:1".to_owned(), data.clone());
        resolve(&mut path, &mut resolved, &mut |_| Ok("5f0".to_owned())).unwrap();
        assert_eq!(path, "/Users/5f0");
        let expected = if refers {
            data.to_string().replace("bulkId:1", "5f0")
        } else {
            data.to_string()
        };
        assert_eq!(resolved.to_string(), expected);
    }
}

#[test]
fn what_cannot_be_an_operation_refuses_the_whole() {
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    for (operations, status, said) in [
        (json!(null), 400, "Operations"),
        (json!([]), 400, "Operations"),
        (json!([1]), 400, "object"),
        (json!([{"path": "/Users/1"}]), 400, "method"),
        (
            json!([{"method": "GET", "path": "/Users/1"}]),
            400,
            "method",
        ),
        (json!([{"method": "DELETE"}]), 400, "path"),
        (json!([{"method": "DELETE", "path": 1}]), 400, "path"),
        (json!([create("a", &[]), create("a", &[])]), 400, "bulkId"),
        (json!(vec![delete; 51]), 413, "maxOperations"),
    ] {
        let error = jobs(&operations).unwrap_err();
        assert_eq!(error.status(), status, "{operations}");
        assert!(error.to_string().contains(said), "{operations}: {error}");
    }
}

#[test]
fn requests_are_read_as_clients_write_them() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:bulkrequest"],
        "failonerrors": 2,
        "operations": [{"Method": "delete", "Path": "Users/1", "version": "W/\"1\"", "bulkId": null}],
    });
    let request = BulkRequest::read(&body).unwrap();
    assert_eq!(request.most_errors, 2);
    let [job] = request.jobs.as_slice() else {
        panic!("one operation")
    };
    assert_eq!(
        (&job.method, job.path.as_str(), job.version.as_deref()),
        (&Method::DELETE, "/Users/1", Some("W/\"1\""))
    );
    for wrong in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let body = json!({"failOnErrors": wrong, "Operations": body["operations"]});
        assert!(BulkRequest::read(&body).is_err(), "{wrong}");
    }
    let body = json!({"schemas": ["urn:other"], "Operations": body["operations"]});
    assert!(BulkRequest::read(&body).is_err());
}

//! Lists and searches: who is found, in which part and order, and what it costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::scim::filter::Filter;
use ::scim::schema::USER;
use e2e::{Response, Scim, Setup, World};
use fastrand::Rng;
use sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};

use super::{ENTERPRISE_URN, SEARCH_URN, USER_URN, ada, create, user, with};
use crate::{world, world_with};

/// A path with a filter, as a URL has it.
fn filtered(path: &str, filter: &str) -> String {
    let quoted = |byte: u8| match byte {
        b' ' | b'.' | b':' | b'-' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let filter: String = filter.bytes().map(quoted).collect();
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}filter={filter}")
}

async fn find(scim: &Scim, filter: &str) -> Response {
    scim.get(&filtered("/Users", filter)).await.expect(200)
}

fn total(response: &Response) -> u64 {
    response.body["totalResults"].as_u64().unwrap_or(u64::MAX)
}

/// JumpCloud has so many users that SCIM did not make; their ids.
fn populate(world: &World, count: usize) -> Vec<String> {
    let names = ["Ada", "ada", "Zoë"];
    let titles = ["Engineer", "engineer", "Ingénieur", "", "Lead Engineer"];
    let departments = ["R&D", "Sales", "sales", ""];
    let fields = (0..count).map(|number| {
        json!({
            "username": format!("person{number}"),
            "email": format!("person{number}@example.com"),
            "alternateEmail": if number % 7 == 0 { format!("Home{number}@example.net") } else { String::new() },
            "firstname": names[number % names.len()],
            "jobTitle": titles[number % titles.len()],
            "department": departments[number % departments.len()],
            "employeeIdentifier": format!("E{number}"),
            "phoneNumbers": [{"type": "work", "number": format!("+1 555 {number}")}],
            "suspended": number % 11 == 0,
            "state": if number % 11 == 0 { "SUSPENDED" } else { "ACTIVATED" },
        })
    });
    fields.map(|fields| world.jumpcloud().add(fields)).collect()
}

/// What was asked of JumpCloud and of DynamoDB since the last time.
fn calls(world: &World) -> (usize, usize) {
    let calls = (
        world.requests(Vendor::JumpCloud),
        world.requests(Vendor::DynamoDb),
    );
    world.forget_requests();
    calls
}

/// All ids of a list, part by part, and every total that was told.
async fn parts(scim: &Scim, query: &str, count: usize) -> (Vec<String>, BTreeSet<u64>) {
    let (mut ids, mut totals) = (Vec::new(), BTreeSet::new());
    loop {
        let start = ids.len() + 1;
        let path = format!("/Users?{query}startIndex={start}&count={count}");
        let part = scim.get(&path).await.expect(200);
        totals.insert(total(&part));
        if part.ids().is_empty() {
            return (ids, totals);
        }
        ids.extend(part.ids());
    }
}

#[tokio::test]
async fn one_user_by_what_is_unique_is_one_call_each() {
    let world = world().await;
    let scim = world.scim();
    populate(&world, 5);
    let number = json!({"userName": "Ada@Example.com", ENTERPRISE_URN: {"employeeNumber": "A-1"}});
    let id = create(&scim, with(ada(), number)).await.id();
    calls(&world);
    for (filter, cost) in [
        (format!("id eq \"{id}\""), (1, 1)),
        ("userName eq \"ada@example.COM\"".to_owned(), (1, 1)),
        ("externalId eq \"external-ada.novak\"".to_owned(), (1, 1)),
        ("emails eq \"ADA.novak@example.com\"".to_owned(), (1, 1)),
        (
            "emails[type eq \"work\" and value eq \"ada.novak@example.com\"]".to_owned(),
            (1, 1),
        ),
        (
            "emails[type eq \"work\"].value eq \"ada.novak@example.com\"".to_owned(),
            (1, 1),
        ),
        (
            "employeeNumber eq \"A-1\" and active eq true".to_owned(),
            (1, 1),
        ),
    ] {
        let found = find(&scim, &filter).await;
        assert_eq!(found.ids(), std::slice::from_ref(&id), "{filter}");
        assert_eq!(total(&found), 1);
        assert_eq!(found.text("/Resources/0/userName"), "Ada@Example.com");
        assert_eq!(calls(&world), cost, "{filter}");
    }
    for (filter, cost) in [
        ("userName eq \"PERSON3\"", (1, 1)),
        (
            "department eq \"SALES\" and userName eq \"person1\"",
            (1, 1),
        ),
    ] {
        assert_eq!(total(&find(&scim, filter).await), 1, "{filter}");
        assert_eq!(calls(&world), cost, "{filter}");
    }
    for (filter, cost) in [
        ("userName eq \"nobody\"", (1, 0)),
        ("userName eq \"nobody@example.com\"", (0, 1)),
        ("externalId eq \"nobody\"", (0, 1)),
        // This is its name in JumpCloud, and not in this client's view.
        ("userName eq \"ada\"", (1, 1)),
        ("id eq \"66a1b2c3ffffffffffffffff\"", (1, 1)),
        ("id eq \"..\"", (0, 0)),
        ("meta.resourceType eq \"Group\"", (0, 0)),
    ] {
        assert_eq!(total(&find(&scim, filter).await), 0, "{filter}");
        let (jumpcloud, dynamodb) = calls(&world);
        assert!(
            jumpcloud <= cost.0 && dynamodb <= cost.1,
            "{filter}: {jumpcloud} {dynamodb}"
        );
    }
}

#[tokio::test]
async fn page_of_a_hundred_is_one_call_one_batch_and_the_hidden() {
    let world = world().await;
    let scim = world.scim();
    let mut ids = populate(&world, 230);
    let gone = ids.remove(4);
    scim.delete(&format!("/Users/{gone}")).await.expect(204);
    calls(&world);
    let page = scim
        .get("/Users?startIndex=101&count=100")
        .await
        .expect(200);
    assert_eq!(page.ids(), ids[100..200]);
    assert_eq!(total(&page), 229);
    // Two rows of it stand before the page, as one is hidden before it.
    assert_eq!(calls(&world), (2, 2));
    let page = scim.get("/Users?count=99").await.expect(200);
    assert_eq!(page.ids(), ids[..99]);
    assert_eq!(calls(&world), (1, 2));
    let page = scim.get("/Users?count=0").await.expect(200);
    assert_eq!((page.ids().len(), total(&page)), (0, 229));
    assert_eq!(calls(&world), (1, 1));
    let page = scim
        .get("/Users?attributes=emails&count=10&sortBy=id")
        .await
        .expect(200);
    assert_eq!(page.ids().len(), 10);
    assert_eq!(calls(&world), (1, 1));
}

#[tokio::test]
async fn filter_that_jumpcloud_cannot_answer_reads_each_page_once() {
    let world = world().await;
    let scim = world.scim();
    populate(&world, 950);
    let latency = Duration::from_millis(50);
    world.sandbox().set_latency(Vendor::JumpCloud, latency);
    calls(&world);
    let found = find(&scim, "name.givenName co \"O\"").await;
    assert_eq!(found.ids().len(), 100);
    assert_eq!(total(&found), 316);
    assert!(
        world
            .sandbox()
            .requests()
            .peak_concurrency(Vendor::JumpCloud)
            > 2
    );
    // The hidden ones, and what is remembered of those shown.
    assert_eq!(calls(&world), (10, 2));
    let found = find(&scim, "userName sw \"person94\"").await;
    assert_eq!(total(&found), 11);
    assert_eq!(calls(&world), (10, 10));
    let found = scim
        .get("/Users?sortBy=userName&sortOrder=descending&startIndex=2&count=3")
        .await;
    let names = ["/Resources/0", "/Resources/1", "/Resources/2"];
    let names = names.map(|name| found.text(&format!("{name}/userName")).to_owned());
    assert_eq!(names, ["person98", "person97", "person96"]);
}

/// A company with everything that a list can trip over: users of nobody, of this client and of another, renamed, hidden,
/// and hidden and gone.
async fn mixed_company(world: &World, count: usize) -> Scim {
    let scim = world.scim();
    populate(world, count);
    for (client, number) in ["okta", "entra"]
        .iter()
        .flat_map(|client| (0..6).map(move |number| (client, number)))
    {
        let name = format!("{client}.{number}");
        let own = json!({"userName": if number % 2 == 0 { format!("{name}@Example.com") } else { name.clone() }});
        let id = create(&scim.of(client), with(user(&name), own)).await.id();
        if number == 5 {
            scim.of(client)
                .delete(&format!("/Users/{id}"))
                .await
                .expect(204);
        }
    }
    let ids = scim.get("/Users").await.ids();
    for id in ids.iter().step_by(9) {
        scim.delete(&format!("/Users/{id}")).await.expect(204);
    }
    world.jumpcloud().delete(&ids[9]);
    scim
}

/// Every user that this client can read one by one.
async fn readable(world: &World, scim: &Scim) -> BTreeMap<String, Value> {
    let mut readable = BTreeMap::new();
    for stored in world.jumpcloud().users() {
        let id = stored["_id"].as_str().unwrap_or_default();
        let read = scim.get(&format!("/Users/{id}")).await;
        if read.status == 200 {
            readable.insert(id.to_owned(), read.body);
        }
    }
    readable
}

/// Some filter: a comparison, or several joined.
fn any_filter(rng: &mut Rng, depth: u32) -> String {
    const COMPARISONS: [&str; 34] = [
        r#"userName eq "person3""#,
        r#"userName eq "PERSON12""#,
        r#"userName eq "okta.2@example.com""#,
        r#"userName eq "okta.2""#,
        r#"userName eq "entra.2""#,
        r#"userName sw "okta""#,
        r#"userName ne "person4""#,
        r#"userName co "@""#,
        r#"externalId eq "external-okta.1""#,
        r#"externalId eq "external-entra.1""#,
        "externalId pr",
        r#"title eq "engineer""#,
        r#"title eq "INGÉNIEUR""#,
        r#"title eq """#,
        r#"title gt "eng""#,
        "title pr",
        r#"department eq "sales""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department co "&""#,
        r#"emails eq "home7@example.net""#,
        r#"emails[type eq "home" and value eq "HOME14@example.net"]"#,
        r#"emails[type eq "work" and value eq "home14@example.net"]"#,
        r#"emails[type eq "home"]"#,
        r#"emails.value co "2@""#,
        r#"name.givenName eq "Ada""#,
        r#"name[givenName eq "zoë"]"#,
        "active eq false",
        r#"phoneNumbers.value ew " 1""#,
        r#"employeeNumber eq "E5""#,
        r#"employeeNumber eq "e5""#,
        r#"id eq "66a1b2c30000000000000002""#,
        r#"id gt "66a1b2c30000000000000010""#,
        r#"meta.created gt "2020-01-01T00:00:00Z""#,
        r#"meta.resourceType eq "User""#,
        r#"meta.resourceType ne "User""#,
    ];
    let mut inner = || any_filter(rng, depth - 1);
    match depth {
        0 => COMPARISONS[rng.usize(..COMPARISONS.len())].to_owned(),
        _ => match (inner(), inner(), rng.u8(..5)) {
            (one, other, 0 | 1) => format!("{one} and ({other})"),
            (one, other, 2) => format!("({one}) or {other}"),
            (one, _, 3) => format!("not ({one})"),
            (one, ..) => one,
        },
    }
}

#[tokio::test]
async fn list_is_what_evaluating_the_filter_on_everybody_gives() {
    let world = world().await;
    let okta = mixed_company(&world, 215).await;
    // Who reads from the beginning finds who is gone.
    parts(&okta, "", 100).await;
    let mut rng = Rng::with_seed(7);
    for scim in [okta.clone(), okta.of("entra")] {
        let everybody = readable(&world, &scim).await;
        for round in 0..120 {
            let text = any_filter(&mut rng, round % 3);
            let filter = Filter::parse(&text, &USER).expect("the filter is right");
            let fits = |(id, body): (&String, &Value)| {
                let resource = body.as_object().cloned().unwrap_or_default();
                filter.matches(&resource).then(|| id.clone())
            };
            let expected: Vec<String> = everybody.iter().filter_map(fits).collect();
            let (start, count) = (rng.usize(1..20), rng.usize(..100));
            let path = format!("/Users?startIndex={start}&count={count}");
            let found = scim.get(&filtered(&path, &text)).await.expect(200);
            assert_eq!(total(&found), expected.len() as u64, "{text}");
            let part: Vec<String> = expected.into_iter().skip(start - 1).take(count).collect();
            assert_eq!(found.ids(), part, "{text}");
            for resource in found.body["Resources"].as_array().into_iter().flatten() {
                let id = resource["id"].as_str().unwrap_or_default();
                assert_eq!(*resource, everybody[id], "{text}");
            }
        }
    }
}

#[tokio::test]
async fn parts_make_up_the_whole_without_the_hidden() {
    let world = world().await;
    let scim = mixed_company(&world, 130).await;
    let everybody: Vec<String> = readable(&world, &scim).await.into_keys().collect();
    let whole = BTreeSet::from([everybody.len() as u64]);
    // Who reads from the beginning finds who is gone.
    parts(&scim, "", 100).await;
    for count in [1, 7, 50, 100] {
        assert_eq!(
            parts(&scim, "", count).await,
            (everybody.clone(), whole.clone()),
            "{count}"
        );
    }
    let sorted = parts(&scim, "sortBy=userName&", 20).await;
    assert_eq!(
        (sorted.0.len() as u64, sorted.1),
        (everybody.len() as u64, whole)
    );
    assert_eq!(
        sorted.0.iter().collect::<BTreeSet<_>>().len(),
        sorted.0.len()
    );
    let hidden = world
        .state()
        .hidden_users()
        .await
        .expect("the hidden are read");
    let there: BTreeSet<String> = ids_of(&world.jumpcloud().users());
    assert!(
        hidden.iter().all(|id| there.contains(id.as_str())),
        "somebody gone is remembered"
    );
}

fn ids_of(users: &[Value]) -> BTreeSet<String> {
    users
        .iter()
        .filter_map(|user| user["_id"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn cursors_neither_miss_nor_repeat_who_stays() {
    for query in [
        "",
        "sortBy=id&",
        "filter=emails pr&",
        "filter=userName sw %22p%22&",
    ] {
        let world = world().await;
        let scim = world.scim();
        let ids = populate(&world, 60);
        scim.delete(&format!("/Users/{}", ids[1])).await.expect(204);
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for round in 0.. {
            let path = format!("/Users?{query}cursor={cursor}&count=7");
            let part = scim.get(&path).await.expect(200);
            seen.extend(part.ids());
            cursor = part.text("/nextCursor").to_owned();
            if cursor.is_empty() {
                break;
            }
            assert!(!part.ids().is_empty());
            // Somebody who was shown, or who is next, goes: for this client, or for good.
            match round {
                0 => drop(world.jumpcloud().delete(&ids[3])),
                1 => drop(
                    scim.delete(&format!("/Users/{}", ids[10]))
                        .await
                        .expect(204),
                ),
                2 => {
                    for id in &ids[12..24] {
                        world.jumpcloud().delete(id);
                    }
                }
                3 => drop(populate_more(&world, 3)),
                4 => drop(
                    world
                        .jumpcloud()
                        .delete(seen.last().expect("somebody was seen")),
                ),
                _ => {}
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(
            distinct.len(),
            seen.len(),
            "{query}: somebody was shown twice"
        );
        let stay = readable(&world, &scim).await;
        let missed: Vec<&String> = stay.keys().filter(|id| !distinct.contains(id)).collect();
        assert!(missed.is_empty(), "{query}: {missed:?}");
    }
}

fn populate_more(world: &World, count: usize) -> Vec<String> {
    let fields = (0..count).map(|number| {
        json!({"username": format!("p.later{number}"), "email": format!("later{number}@example.com")})
    });
    fields.map(|fields| world.jumpcloud().add(fields)).collect()
}

#[tokio::test]
async fn cursors_are_for_their_own_query() {
    let world = world().await;
    let scim = world.scim();
    populate(&world, 3);
    let first = scim.get("/Users?cursor&count=1").await.expect(200);
    let cursor = first.text("/nextCursor").to_owned();
    assert!(first.body.get("startIndex").is_none());
    for path in [
        format!("/Users?cursor={cursor}x&count=1"),
        format!("/Users?cursor={cursor}&sortBy=userName"),
        format!("/?cursor={cursor}&filter=title pr"),
    ] {
        scim.get(&path).await.refused(400, "invalidCursor");
    }
    scim.get(&format!("/Users?cursor={cursor}&count=0"))
        .await
        .refused(400, "invalidCount");
}

#[tokio::test]
async fn a_list_that_jumpcloud_does_not_give_whole_is_no_list() {
    let world = world().await;
    let scim = world.scim();
    populate(&world, 250);
    for fault in [
        Fault::new(Vendor::JumpCloud, FaultKind::WrongTotal { by: 3 }),
        Fault::new(Vendor::JumpCloud, FaultKind::EmptyPage),
        Fault::new(Vendor::JumpCloud, FaultKind::RepeatedPage),
    ] {
        world.fault(fault.path("skip=100").times(10));
        let answer = scim.get("/Users?filter=title pr").await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        world.sandbox().faults().clear();
    }
    world.fault(Fault::new(Vendor::JumpCloud, FaultKind::EmptyPage).path("skip=100"));
    assert_eq!(total(&find(&scim, "title pr").await), 200);
}

#[tokio::test]
async fn more_users_than_may_be_scanned_are_too_many() {
    let world = world_with(Setup::new().section("[scim]\nmax_scan = 100")).await;
    let scim = world.scim();
    populate(&world, 101);
    for path in ["/Users?filter=title pr", "/Users?sortBy=userName"] {
        let refused = scim.get(path).await.refused(400, "tooMany");
        assert!(refused.text("/detail").contains("`max_scan`"));
    }
    assert_eq!(world.requests(Vendor::JumpCloud), 2);
    scim.get("/Users").await.expect(200);
    assert_eq!(total(&find(&scim, r#"userName eq "person7""#).await), 1);
}

#[tokio::test]
async fn groups_are_told_and_filtered_by() {
    let world = world().await;
    let scim = world.scim();
    let ids = populate(&world, 120);
    let jumpcloud = world.jumpcloud();
    let [small, large] = ["Small", "Large"].map(|name| jumpcloud.add_group(json!({"name": name})));
    for (group, members) in [(&small, &ids[..3]), (&large, &ids[2..100])] {
        for id in members {
            jumpcloud.add_member(group, id);
        }
    }
    for (filter, expected) in [
        (format!(r#"groups.value eq "{small}""#), &ids[..3]),
        (format!(r#"groups eq "{large}""#), &ids[2..100]),
        (
            format!(r#"groups eq "{small}" and not (groups eq "{large}")"#),
            &ids[..2],
        ),
        (
            format!(r#"groups[value eq "{small}" and type eq "direct"] and userName eq "person1""#),
            &ids[1..2],
        ),
        (r#"groups eq "66a1b2c3ffffffffffffffff""#.to_owned(), &[]),
        (r#"groups eq "nonsense""#.to_owned(), &[]),
    ] {
        assert_eq!(find(&scim, &filter).await.ids(), expected, "{filter}");
    }
    for filter in [
        "groups pr",
        r#"groups.value co "a""#,
        r#"groups[type eq "direct"]"#,
    ] {
        scim.get(&filtered("/Users", filter))
            .await
            .refused(400, "invalidFilter");
    }
    let path = filtered(
        "/Users?attributes=groups",
        &format!(r#"groups eq "{small}""#),
    );
    let found = scim.get(&path).await.expect(200);
    let of_third = found.body["Resources"][2]["groups"]
        .as_array()
        .map(Vec::len);
    assert_eq!(of_third, Some(2));
}

#[tokio::test]
async fn search_is_a_list_by_post() {
    let world = world().await;
    let scim = world.scim().of("auditor");
    populate(&world, 10);
    let search = json!({
        "schemas": [SEARCH_URN],
        "attributes": ["userName"],
        "filter": r#"userName sw "person""#,
        "startIndex": 2,
        "count": 3,
    });
    let found = scim.post("/Users/.search", search).await.expect(200);
    let listed = scim
        .get("/Users?attributes=userName&filter=userName sw %22person%22&startIndex=2&count=3")
        .await;
    assert_eq!(found.body, listed.body);
    let first = json!({"schemas": [USER_URN], "id": found.ids()[0], "userName": "person1"});
    assert_eq!(found.body["Resources"][0], first);
}

#[tokio::test]
async fn the_root_has_users_and_then_groups() {
    let world = world().await;
    let scim = world.scim();
    let users = populate(&world, 12);
    let jumpcloud = world.jumpcloud();
    let names = ["person11", "Alpha", "Zulu"];
    let groups: Vec<String> = names
        .map(|name| jumpcloud.add_group(json!({"name": name})))
        .into();
    let everything = [users.clone(), groups.clone()].concat();
    let whole = scim.get("/").await.expect(200);
    assert_eq!((whole.ids(), total(&whole)), (everything.clone(), 15));
    for (start, count) in [(1, 5), (10, 5), (13, 5), (16, 5), (1, 0)] {
        let part = scim
            .get(&format!("/?startIndex={start}&count={count}"))
            .await
            .expect(200);
        let expected: Vec<String> = everything
            .iter()
            .skip(start - 1)
            .take(count)
            .cloned()
            .collect();
        assert_eq!((part.ids(), total(&part)), (expected, 15));
    }
    for (filter, expected) in [
        (r#"meta.resourceType eq "Group""#, groups.clone()),
        (
            r#"meta.resourceType eq "User" and userName eq "person2""#,
            vec![users[2].clone()],
        ),
        (
            r#"userName eq "person2" or displayName sw "z""#,
            vec![users[2].clone(), groups[2].clone()],
        ),
        ("not (userName pr)", groups.clone()),
        ("members pr", vec![]),
        (
            r#"id eq "66a1b2c30000000000000003""#,
            vec![users[2].clone()],
        ),
    ] {
        let found = scim.get(&filtered("/", filter)).await.expect(200);
        assert_eq!(found.ids(), expected, "{filter}");
    }
    scim.get(&filtered("/", "shoeSize eq 46"))
        .await
        .refused(400, "invalidFilter");
    let search = json!({
        "schemas": [SEARCH_URN],
        "sortBy": "displayName", "count": 2, "attributes": "displayName",
    });
    let sorted = scim.post("/.search", search).await.expect(200);
    assert_eq!(sorted.ids(), [groups[1].clone(), groups[0].clone()]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = scim
            .get(&format!("/?cursor={cursor}&count=4"))
            .await
            .expect(200);
        seen.extend(part.ids());
        cursor = part.text("/nextCursor").to_owned();
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, everything);
}

//! Humaans' rules over HTTP.

use std::collections::BTreeSet;

use jiff::civil::date;
use serde_json::{Value, json};

use super::Collection;
use crate::tests::World;
use crate::{Fault, FaultKind, Profile, RateLimit, Stage, Vendor};

fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

/// People with the ids `p000` to `p299`, a hundred of each status.
async fn three_hundred_people() -> World {
    let world = World::start().await;
    for number in 0..300 {
        let stage = match number % 3 {
            0 => Stage::Inactive(date(2025, 1, 31)),
            1 => Stage::Active,
            _ => Stage::Onboarding,
        };
        let profile = Profile::new("Ana", &format!("Souza{number}")).stage(stage);
        let humaans = world.sandbox.humaans();
        humaans.hire(&profile.with("id", format!("p{number:03}")));
    }
    world
}

#[tokio::test]
async fn status_filter_shows_active_people_alone_unless_told_otherwise() {
    let world = three_hundred_people().await;
    let cases = [
        ("", 100),
        ("?status=active", 100),
        ("?status=newHire", 100),
        ("?status=offboarded", 100),
        ("?status=all", 300),
        ("?status=all&email=ana.souza7@northlight.example", 1),
        ("?status=all&teams=Platform", 300),
    ];
    for (query, total) in cases {
        let (status, page) = world.humaans(&format!("/people{query}")).await;
        assert_eq!((status, &page["total"]), (200, &json!(total)), "{query}");
    }
}

#[tokio::test]
async fn pages_hold_everybody_once_in_an_order_that_is_no_order_of_ids() {
    let world = three_hundred_people().await;
    let mut seen = Vec::new();
    for skip in [0, 120, 240] {
        // Both spellings of the parameters are understood.
        let path = format!("/people?status=all&%24limit=120&$skip={skip}");
        let (_, page) = world.humaans(&path).await;
        assert_eq!(
            (&page["total"], &page["limit"], &page["skip"]),
            (&json!(300), &json!(120), &json!(skip))
        );
        seen.extend(ids(&page));
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 300);
    assert!(!seen.is_sorted());
    let (_, page) = world.humaans("/people?status=all&limit=7").await;
    assert_eq!(ids(&page).len(), 100, "a plain `limit` is no limit");
}

#[tokio::test]
async fn limit_above_the_maximum_is_refused_or_cut_down() {
    let world = three_hundred_people().await;
    let (status, refusal) = world.humaans("/people?$limit=251").await;
    assert_eq!(status, 422);
    assert_eq!(refusal["name"], "ValidationError");
    assert_eq!(
        refusal["issues"],
        json!([{"name": "$limit", "reason": "is above the maximum"}])
    );
    world.sandbox.humaans().rules(|rules| {
        rules.caps_limits = true;
        rules.maximum_limit = 50;
    });
    let (_, page) = world.humaans("/people?status=all&$limit=250").await;
    assert_eq!((&page["limit"], ids(&page).len()), (&json!(50), 50));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_documented_shape() {
    let world = World::start().await;
    let cases = [
        ("/people?status=asleep", 422, 422),
        ("/people?$limit=ten", 422, 422),
        ("/people?jobTitle=Engineer", 422, 422),
        ("/people/nobody", 404, 404),
        ("/teams", 404, 404),
    ];
    for (path, status, code) in cases {
        let (got, body) = world.humaans(path).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)), "{path}");
        assert!(body["message"].is_string(), "{path}");
    }
    world.sandbox.humaans().set_token("rotated");
    assert_eq!(world.humaans("/token-info").await.0, 401);
}

#[tokio::test]
async fn token_without_private_scope_sees_active_people_and_nothing_private() {
    let world = three_hundred_people().await;
    let humaans = world.sandbox.humaans();
    let (_, info) = world.humaans("/token-info").await;
    assert_eq!(info["scopes"], json!(["private:read", "public:read"]));
    humaans.rules(|rules| rules.scopes = ["public:read"].into());

    let (_, people) = world.humaans("/people?status=all").await;
    assert_eq!(people["total"], 100);
    assert_eq!(people["data"][0]["personalEmail"], Value::Null);
    assert_eq!(people["data"][0]["status"], "active");
    assert_eq!(world.humaans("/job-roles").await.1["total"], 100);
    assert_eq!(world.humaans("/people/p001").await.0, 200);
    for hidden in ["p000", "p002"] {
        assert_eq!(world.humaans(&format!("/people/{hidden}")).await.0, 404);
    }
    assert_eq!(world.humaans("/custom-values").await.0, 403);

    humaans.rules(|rules| rules.scopes = [].into());
    assert_eq!(world.humaans("/people").await.0, 403);
    assert_eq!(world.humaans("/token-info").await.1["scopes"], json!([]));
}

#[tokio::test]
async fn roles_locations_companies_and_custom_fields_are_read() {
    let world = World::start().await;
    let humaans = world.sandbox.humaans();
    let ana = humaans.hire(&Profile::new("Ana", "Souza"));
    let bo = humaans.hire(&Profile::new("Bo", "Li"));
    humaans.change_role(&ana, "Lead", "Data", date(2026, 1, 1));
    let field = humaans.add(Collection::CustomFields, json!({"name": "Cost code"}));
    let value = json!({"personId": bo, "customFieldId": field, "value": "C7"});
    humaans.add(Collection::CustomValues, value);

    assert_eq!(world.humaans("/job-roles").await.1["total"], 3);
    let (_, roles) = world.humaans(&format!("/job-roles?personId={ana}")).await;
    let titles: BTreeSet<_> = roles["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["jobTitle"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["Engineer", "Lead"].into());

    let (_, person) = world.humaans(&format!("/people/{ana}")).await;
    let (_, locations) = world.humaans("/locations").await;
    let (_, companies) = world.humaans("/companies").await;
    assert_eq!(
        (&locations["total"], &companies["total"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(locations["data"][0]["id"], person["locationId"]);
    assert_eq!(companies["data"][0]["id"], person["companyId"]);
    assert_eq!(world.humaans("/custom-fields").await.1["total"], 1);
    let (_, values) = world.humaans("/custom-values").await;
    assert_eq!(values["data"][0]["value"], "C7");

    assert!(humaans.remove(Collection::People, &ana));
    assert_eq!(world.humaans("/job-roles").await.1["total"], 1);
}

#[tokio::test]
async fn third_request_within_a_second_is_too_many() {
    let world = World::start().await;
    let limit = RateLimit {
        per_second: 2,
        retry_after: Some(1),
    };
    let humaans = world.sandbox.humaans();
    humaans.rules(|rules| rules.rate_limit = Some(limit));
    let get = || world.humaans("/people");
    let answers = tokio::join!(get(), get(), get());
    let mut statuses = [answers.0.0, answers.1.0, answers.2.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn faults_of_lists_strike_here_too() {
    let world = three_hundred_people().await;
    let faults = world.sandbox.faults();
    let path = "/people?status=all&%24limit=100&%24skip=100";
    let (_, first) = world
        .humaans("/people?status=all&%24limit=100&%24skip=0")
        .await;
    faults.add(Fault::new(Vendor::Humaans, FaultKind::RepeatedPage).path("skip=100"));
    let (_, repeated) = world.humaans(path).await;
    assert_eq!(
        (ids(&repeated), &repeated["skip"]),
        (ids(&first), &json!(100))
    );
    faults.add(Fault::new(Vendor::Humaans, FaultKind::WrongTotal { by: 2 }));
    assert_eq!(world.humaans(path).await.1["total"], 302);
    faults.add(Fault::new(Vendor::Humaans, FaultKind::EmptyPage));
    assert_eq!(world.humaans(path).await.1["data"], json!([]));
}

#[tokio::test]
async fn control_api_adds_changes_and_removes_records() {
    let world = World::start().await;
    let person = json!({"firstName": "Ana", "status": "active"});
    let (status, ana) = world.control("POST", "/humaans/people", person).await;
    assert_eq!(status, 201);
    let path = format!("/humaans/people/{}", ana["id"].as_str().unwrap());
    let (_, ana) = world
        .control("PATCH", &path, json!({"lastName": "Souza"}))
        .await;
    assert_eq!(
        (&ana["firstName"], &ana["lastName"]),
        (&json!("Ana"), &json!("Souza"))
    );
    assert_eq!(world.control("GET", "", Value::Null).await.1["humaans"], 1);
    let (_, all) = world.control("GET", "/humaans/people", Value::Null).await;
    assert_eq!(all, json!([ana]));
    assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(
        world.control("GET", "/humaans/teams", Value::Null).await.0,
        404
    );
}

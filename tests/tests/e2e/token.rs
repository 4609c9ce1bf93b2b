//! `rollcall token`: tokens are made, listed and revoked, and the service takes them or not.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which fail as the tests do"
)]

use e2e::{Ran, Scim, Setup, World};
use sandbox::{Fault, Vendor};
use serde_json::{Value, json};

use crate::{world, world_with};

const SECRET: &str = "rollcall/scim";

/// The client of a token.
fn bearer(scim: &Scim, token: &str) -> Scim {
    scim.with("authorization", &format!("Bearer {token}"))
}

async fn status(scim: &Scim) -> u16 {
    scim.get("/Users?count=1").await.status
}

/// Makes a token, which stands alone on standard output.
async fn new_token(world: &World, name: &str, more: &[&str]) -> String {
    let arguments = [&["token", "new", name], more].concat();
    let ran = world.rollcall(&arguments).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let token = ran.stdout.trim_end().to_owned();
    assert_eq!(ran.stdout, format!("{token}\n"));
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!ran.stderr.contains(&token), "{ran:?}");
    token
}

fn stored(world: &World) -> Value {
    let text = world.sandbox().secrets().get(SECRET);
    serde_json::from_str(&text.unwrap()).unwrap()
}

fn names(world: &World) -> Vec<String> {
    let stored = stored(world);
    let tokens = stored["tokens"].as_array().unwrap().iter();
    let names = tokens.map(|token| token["name"].as_str().unwrap().to_owned());
    names.collect()
}

fn assert_refused(ran: &Ran, words: &str) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(words), "{words}: {ran:?}");
}

#[tokio::test]
async fn token_lives_from_new_to_revoke() {
    let world = world().await;
    // Already running, with the secret at hand.
    let running = world.deployed_scim().await;
    assert_eq!(status(&running).await, 200);

    let token = new_token(&world, "workday-2026", &["--client", "workday"]).await;
    assert_eq!(status(&bearer(&running, &token)).await, 200);
    assert_eq!(
        status(&bearer(&world.deployed_scim().await, &token)).await,
        200
    );
    assert_eq!(
        names(&world),
        ["okta-1", "entra-1", "auditor-1", "workday-2026"]
    );
    assert!(!stored(&world).to_string().contains(&token));

    let ran = world.rollcall(&["token", "revoke", "workday-2026"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("minute"), "{ran:?}");
    let fresh = world.deployed_scim().await;
    assert_eq!(status(&bearer(&fresh, &token)).await, 401);
    assert_eq!(status(&fresh).await, 200);
    assert_eq!(names(&world), ["okta-1", "entra-1", "auditor-1"]);
    assert!(!world.log().contains(&token));
}

#[tokio::test]
async fn old_and_new_token_of_a_client_live_at_once_until_the_old_one_is_revoked() {
    let world = world().await;
    let scim = world.scim();
    let before = new_token(&world, "hr-2026", &["--client", "hr"]).await;
    let after = new_token(&world, "hr-2027", &["--client", "hr"]).await;
    let (old, new) = (bearer(&scim, &before), bearer(&scim, &after));
    assert_eq!(status(&new).await, 200);
    assert_eq!(status(&old).await, 200);

    world.rollcall(&["token", "revoke", "hr-2026"]).await;
    // A service that has read the secret a moment ago takes it for a minute more; another one does not.
    assert_eq!(status(&old).await, 200);
    let fresh = world.scim();
    assert_eq!(status(&bearer(&fresh, &before)).await, 401);
    assert_eq!(status(&bearer(&fresh, &after)).await, 200);
}

#[tokio::test]
async fn scope_is_what_was_asked_for() {
    let world = world().await;
    let scim = world.scim();
    let token = new_token(&world, "looker", &["--scope", "read"]).await;
    let looker = bearer(&scim, &token);
    assert_eq!(status(&looker).await, 200);
    let user = json!({"userName": "a", "emails": [{"value": "a@example.com"}]});
    assert_eq!(looker.post("/Users", user).await.status, 403);
}

#[tokio::test]
async fn list_shows_everything_but_the_digests() {
    let world = world().await;
    new_token(&world, "workday-2026", &["--client", "workday"]).await;
    let text = world.rollcall(&["token", "list"]).await.stdout;
    let json = world.rollcall(&["token", "list", "--json"]).await;
    let digests = stored(&world);
    for token in digests["tokens"].as_array().unwrap() {
        let digest = token["sha256"].as_str().unwrap();
        assert!(!text.contains(digest) && !json.stdout.contains(digest));
        assert!(text.contains(token["name"].as_str().unwrap()), "{text}");
    }
    let last = json.json().as_array().unwrap().last().unwrap().clone();
    let today = world.today().to_string();
    let expected =
        json!({"name": "workday-2026", "client": "workday", "scope": "write", "created": today});
    assert_eq!(last, expected);
}

#[tokio::test]
async fn json_of_a_new_token_is_the_token_and_whose_it_is() {
    let world = world().await;
    let made = world
        .rollcall(&["token", "new", "a", "--json"])
        .await
        .json();
    assert_eq!(
        (&made["client"], &made["scope"]),
        (&json!("a"), &json!("write"))
    );
    let client = bearer(&world.scim(), made["token"].as_str().unwrap());
    assert_eq!(status(&client).await, 200);
}

#[tokio::test]
async fn what_else_stands_in_the_secret_stays() {
    let world = world().await;
    let before = json!({"note": "kept", "tokens": [
        {"name": "old", "sha256": "00".repeat(32), "scope": "read", "owner": {"team": 7}},
    ]});
    world.sandbox().secrets().set(SECRET, &before.to_string());
    new_token(&world, "new", &[]).await;
    assert_eq!(stored(&world)["tokens"][0], before["tokens"][0]);
    world.rollcall(&["token", "revoke", "new"]).await;
    assert_eq!(stored(&world), before);
}

#[tokio::test]
async fn secret_without_a_value_gets_its_first_token() {
    let world = world().await;
    world.sandbox().secrets().set_empty(SECRET);
    let token = new_token(&world, "first", &[]).await;
    assert_eq!(names(&world), ["first"]);
    assert_eq!(status(&bearer(&world.scim(), &token)).await, 200);
}

#[tokio::test]
async fn refusals_say_what_to_do_and_change_nothing() {
    let world = world().await;
    let before = stored(&world);
    let again = world.rollcall(&["token", "new", "okta-1"]).await;
    assert_refused(&again, "there is a token `okta-1`");
    assert_eq!(again.stdout, "");
    let unknown = world.rollcall(&["token", "revoke", "nobody"]).await;
    assert_refused(&unknown, "`rollcall token list`");
    assert_refused(&world.rollcall(&["token", "new", ""]).await, "NAME");
    assert_refused(
        &world
            .rollcall(&["token", "new", "a", "--scope", "all"])
            .await,
        "write",
    );
    assert_eq!(stored(&world), before);

    for malformed in [
        "not json",
        "{}",
        r#"{"tokens":[{"name":"a","sha256":"beef","scope":"read"}]}"#,
    ] {
        world.sandbox().secrets().set(SECRET, malformed);
        for arguments in [&["token", "new", "b"][..], &["token", "list"]] {
            let ran = world.rollcall(arguments).await;
            assert_refused(&ran, "by hand");
            assert_eq!(ran.stdout, "");
        }
        assert_eq!(
            world.sandbox().secrets().get(SECRET).as_deref(),
            Some(malformed)
        );
    }
    world.sandbox().secrets().remove(SECRET);
    assert_refused(
        &world.rollcall(&["token", "new", "b"]).await,
        "does not exist",
    );
}

#[tokio::test]
async fn secret_in_a_variable_is_told_and_not_written() {
    let world = world_with(Setup::new().section("[scim]\ntokens = \"env:SCIM_TOKENS\"")).await;
    let old = json!({"tokens": [{"name": "old", "sha256": "00".repeat(32), "scope": "read"}]});
    let old = old.to_string();
    let variables = [("SCIM_TOKENS", old.as_str())];
    let ran = world
        .rollcall_with(&variables, &["token", "new", "new"])
        .await;
    assert_refused(&ran, "`SCIM_TOKENS` is a variable");
    assert_eq!(ran.stdout.trim_end().len(), 64);
    let document = ran.stderr.lines().last().unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["tokens"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn two_admins_at_once_lose_no_token() {
    let world = world().await;
    // Another admin is faster: between our read and our write there is one more token.
    let secrets = world.sandbox().secrets();
    let meanwhile = move || {
        let text = secrets.get(SECRET).unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let theirs = json!({"name": "theirs", "sha256": "11".repeat(32), "scope": "read"});
        document["tokens"].as_array_mut().unwrap().push(theirs);
        secrets.set(SECRET, &document.to_string());
    };
    world.fault(Fault::run(Vendor::SecretsManager, meanwhile).operation("PutSecretValue"));
    new_token(&world, "ours", &[]).await;
    assert_eq!(
        names(&world),
        ["okta-1", "entra-1", "auditor-1", "theirs", "ours"]
    );

    tokio::join!(new_token(&world, "a", &[]), new_token(&world, "b", &[]));
    let names = names(&world);
    assert_eq!(names.len(), 7, "{names:?}");
}

#[tokio::test]
async fn lost_answer_makes_no_second_token() {
    for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let world = world().await;
        let lost = Fault::drop(Vendor::SecretsManager).operation(operation);
        world.fault(lost.after_effect());
        let token = new_token(&world, "ours", &[]).await;
        assert_eq!(names(&world), ["okta-1", "entra-1", "auditor-1", "ours"]);
        assert_eq!(status(&bearer(&world.scim(), &token)).await, 200);
    }
}

//! The demo company: about 250 people, every hard case among them.

use std::collections::BTreeMap;

use e2e::Reading;
use sandbox::{Company, RateLimit};
use serde_json::json;
use sync::{Outcome, RunStatus};

use crate::world;

#[tokio::test]
async fn first_sync_of_a_company_accounts_for_everybody_and_the_second_has_nothing_to_do() {
    let world = world().await;
    world.populate(Company::demo(world.today()));
    let people = world.deel().people().len();
    let five_a_second = RateLimit {
        per_second: 5,
        retry_after: None,
    };
    world
        .deel()
        .rules(|rules| rules.rate_limit = Some(five_a_second));
    let untouched = world.jumpcloud().user_by_username("svc.ldap").unwrap();

    let plan = world.plan().await;
    assert_eq!(plan.total(), people);
    assert_eq!(plan.calls.deel, 3, "a call for each page");
    assert_eq!(plan.status, RunStatus::Held);

    let first = world.run_sync().await;
    assert_eq!(first.counts, plan.counts);
    assert_eq!(first.plan_digest, plan.plan_digest);
    assert_eq!(first.total(), people);
    assert_eq!(first.status, RunStatus::Held);
    assert_eq!(first.count(Outcome::Failed), 0);
    assert!(first.count(Outcome::Created) > 150);
    assert_eq!(
        world.jumpcloud().user_by_username("svc.ldap"),
        Some(untouched)
    );
    let mut mails = BTreeMap::new();
    for mail in world.jumpcloud().mails() {
        *mails.entry(mail.user_id).or_insert(0) += 1;
    }
    assert!(mails.values().all(|count| *count == 1), "{mails:?}");
    world.settled().await;

    let held: Vec<&str> = first.held.iter().map(|held| held.digest.as_str()).collect();
    let approved = world.invoke(json!({"approve": held})).await;
    assert_eq!(approved.total(), people);
    assert_eq!(approved.count(Outcome::Failed), 0);
    assert_eq!(approved.count(Outcome::Held), 0);
    let second = world.settled().await;
    assert_eq!(second.status, RunStatus::Applied);
    assert_eq!(second.total(), people);
    assert_eq!(
        second.count(Outcome::Unchanged) + second.count(Outcome::Skipped),
        people
    );
}

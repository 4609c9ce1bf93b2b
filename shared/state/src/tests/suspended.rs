//! Suspensions are counted for each client, from a time on.

use jiff::SignedDuration;
use mapping::SystemUserId;

use super::{World, noon};

#[tokio::test]
async fn suspensions_are_counted_since_a_time_and_for_one_client() {
    let world = World::start().await;
    let run = world.state.for_run();
    let hour = SignedDuration::from_hours(1);
    let user = SystemUserId::from;
    for (client, id, at) in [
        ("okta", "1", noon() - hour),
        ("okta", "2", noon()),
        ("okta", "3", noon()),
        ("okta", "2", noon() + hour),
        ("entra", "4", noon()),
    ] {
        run.note_suspension(client, &user(id), at).await.unwrap();
    }
    assert_eq!(run.calls(), 5);
    run.unnote_suspension("okta", &user("3"), noon())
        .await
        .unwrap();
    let cases = [
        ("okta", noon() - hour, 3),
        ("okta", noon(), 2),
        ("okta", noon() + hour, 1),
        ("okta", noon() + hour * 2, 0),
        ("entra", noon(), 1),
        ("other", noon(), 0),
    ];
    for (client, since, expected) in cases {
        let counted = run.suspensions_since(client, since).await.unwrap();
        assert_eq!(counted, expected, "{client} since {since}");
    }
    assert_eq!(run.calls(), 12);
}

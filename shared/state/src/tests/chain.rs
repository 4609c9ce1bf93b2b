//! The audit chain: an untouched history verifies at every point, and whatever is altered, taken or moved shows.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use mapping::SystemUserId;
use serde_json::json;

use super::run::{header, report};
use super::{TABLE, TERM, World, noon};
use crate::chain::Record;
use crate::item::{Item, Key};
use crate::{Also, Deed, Head, Scribe, State, UserRecord, Verification};

fn deed(number: u32) -> Deed {
    Deed {
        at: noon() + SignedDuration::from_mins(30),
        actor: "okta".into(),
        what: json!({"did": "change", "id": number}),
        values: json!({"before": {"title": "Engineer"}, "after": {"title": number}}),
    }
}

/// A run; one that dies leaves no report. Its number is the hour in which it starts.
async fn run(state: &State, hour: i64, journal: bool, dies: bool) -> Option<Head> {
    let id = hour.to_string();
    let started_at = noon() + SignedDuration::from_hours(hour);
    let lease = state.acquire(&id, started_at, TERM).await.unwrap();
    let mut chain = lease.chain().clone();
    let header = crate::RunHeader {
        started_at,
        ..header(&id)
    };
    if journal {
        let journal = json!({"people": [{"worker_id": "w1", "hour": hour}]});
        state
            .put_journal(&lease, &mut chain, &header, &journal)
            .await
            .unwrap();
    }
    if dies {
        return None;
    }
    state.seal(&mut chain, started_at).await.unwrap();
    state
        .finish_run(Some((&lease, &chain)), &header, &report(1), None)
        .await
        .unwrap()
}

fn later() -> Timestamp {
    noon() + SignedDuration::from_hours(24)
}

async fn verify(world: &World) -> Verification {
    world.state.verify(later()).await.unwrap()
}

/// What went on: runs that wrote, one that died, one that wrote nothing, and two SCIM writes that a run sealed.
async fn history() -> World {
    let world = World::start().await;
    let state = &world.state;
    run(state, 0, true, false).await;
    let scribe = Scribe::of_scim("1");
    let (first, second) = (deed(1), deed(2));
    let also = Also {
        noted: Some((&scribe, &first)),
        ..Also::default()
    };
    let record = UserRecord::new(SystemUserId::from("u1"));
    state.put_user_record(None, record, also).await.unwrap();
    state.note_deed((&scribe, &second)).await.unwrap();
    run(state, 1, true, true).await;
    run(state, 2, false, false).await;
    world
}

#[tokio::test]
async fn untouched_history_verifies_at_every_point() {
    let world = World::start().await;
    assert_eq!(verify(&world).await.problems, []);
    let scribe = Scribe::of_scim("1");
    for (hour, (journal, dies)) in [
        (true, false),
        (true, true),
        (true, true),
        (false, false),
        (false, true),
        (true, true),
        (true, false),
    ]
    .into_iter()
    .enumerate()
    {
        run(&world.state, hour.try_into().unwrap(), journal, dies).await;
        let found = verify(&world).await;
        assert_eq!(found.problems, [], "after {hour}");
        assert_eq!(found.open.is_some(), journal && dies, "after {hour}");
        let deed = deed(0);
        world.state.note_deed((&scribe, &deed)).await.unwrap();
        assert_eq!(verify(&world).await.problems, []);
    }
    // Six runs of which one left nothing at all, and each one that died once more.
    let found = verify(&world).await;
    assert_eq!((found.chains, found.records, found.expired), (2, 6 + 7, 0));
    let end = run(&world.state, 9, false, false).await.unwrap();
    let found = verify(&world).await;
    assert_eq!(found.head, format!("{}:{}", end.seq, hex::encode(end.hash)));
}

#[tokio::test]
async fn run_costs_no_request_more_for_its_record() {
    let world = history().await;
    let counted = world.state.for_run();
    run(&counted, 3, true, false).await;
    // The lease, the journal, SCIM's ends, the report.
    assert_eq!(counted.calls(), 4);
}

#[tokio::test]
async fn requests_of_one_container_take_turns_and_each_has_its_record() {
    let world = World::start().await;
    let scribe = Scribe::of_scim("1");
    let mut tasks = Vec::new();
    for number in 0..20 {
        let (state, scribe) = (world.state.clone(), scribe.clone());
        tasks.push(tokio::spawn(async move {
            state.note_deed((&scribe, &deed(number))).await
        }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let found = verify(&world).await;
    assert_eq!((found.records, found.checked), (20, 20));
    assert_eq!(found.problems, []);
}

#[tokio::test]
async fn container_that_lost_an_answer_goes_on_behind_the_last_record() {
    let world = World::start().await;
    let scribe = Scribe::of_scim("1");
    // Another writer of the same name stands in for the answer that was lost.
    world
        .state
        .note_deed((&Scribe::of_scim("1"), &deed(1)))
        .await
        .unwrap();
    for number in [2, 3] {
        world
            .state
            .note_deed((&scribe, &deed(number)))
            .await
            .unwrap();
    }
    let found = verify(&world).await;
    assert_eq!((found.records, found.problems), (3, Vec::new()));
}

#[tokio::test]
async fn write_that_is_refused_leaves_no_record() {
    let world = World::start().await;
    let scribe = Scribe::of_scim("1");
    for expected in [true, false] {
        let deed = deed(1);
        let also = Also {
            noted: Some((&scribe, &deed)),
            ..Also::default()
        };
        let record = UserRecord::new(SystemUserId::from("u1"));
        let written = world.state.put_user_record(None, record, also).await;
        assert_eq!(written.is_ok(), expected);
    }
    let found = verify(&world).await;
    assert_eq!((found.records, found.problems), (1, Vec::new()));
}

#[tokio::test]
async fn values_that_have_expired_are_not_missed() {
    let world = history().await;
    for item in world.items().await {
        if item.contains_key("expires_at") {
            world.remove(&Key::of(&item)).await;
        }
    }
    let now = noon() + SignedDuration::from_hours(91 * 24);
    let found = world.state.verify(now).await.unwrap();
    assert_eq!(found.problems, []);
    assert_eq!((found.checked, found.expired), (0, 5));
}

impl World {
    async fn item(&self, pk: &str, sk: &str) -> Item {
        let key = Key::new(pk.to_owned(), sk.to_owned());
        let items = self.items().await.into_iter();
        let mut items = items.filter(|item| Key::of(item) == key);
        items.next().unwrap_or_else(|| panic!("no item {pk} {sk}"))
    }

    async fn remove(&self, key: &Key) {
        self.client
            .delete_item()
            .table_name(TABLE)
            .set_key(Some(key.to_item()))
            .send()
            .await
            .unwrap();
    }
}

/// What somebody with the table's rights could do.
enum Tampering {
    Sets(&'static str, AttributeValue),
    Removes,
    Drops(&'static str),
    /// A record with another actor, and the hash that goes with it.
    Forges,
    /// The content of another record of the chain.
    TakesThatOf(&'static str),
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
#[tokio::test]
async fn every_tampering_is_found() {
    use Tampering::{Drops, Forges, Removes, Sets, TakesThatOf};
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let blob = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
    let first = "000000000001";
    let second = "000000000002";
    let third = "000000000003";
    let (sync, scim) = ("CHAIN#sync", "CHAIN#scim-1");
    for (pk, sk, tampering, expected) in [
        (
            sync,
            first,
            Sets("actor", text("somebody")),
            "sync 1 was altered",
        ),
        (sync, second, Sets("what", text("{}")), "sync 2 was altered"),
        (
            sync,
            second,
            Sets("at", text("2026-11-22T00:00:00Z")),
            "sync 2 was altered",
        ),
        (
            sync,
            second,
            Sets("hash", blob(&[7; 32])),
            "sync 2 was altered",
        ),
        (
            sync,
            second,
            Sets("previous", blob(&[7; 32])),
            "sync 2 was altered",
        ),
        (sync, second, Drops("hash"), "sync 2 cannot be read"),
        (sync, first, Forges, "sync 2 does not follow"),
        (sync, third, Forges, "sync 3 is not the one that was noted"),
        (sync, first, Removes, "sync 1 is missing"),
        (sync, second, Removes, "sync 2 is missing"),
        (sync, third, Removes, "sync 3 is missing"),
        (sync, first, TakesThatOf(second), "sync 1 was altered"),
        (
            "LEASE",
            "LEASE",
            Sets("chain_seq", AttributeValue::N("2".to_owned())),
            "sync 3 is not the one",
        ),
        (
            "LEASE",
            "LEASE",
            Sets("chain_hash", text("?")),
            "sync 0 the lease",
        ),
        ("CHAINS", "scim-1", Drops("hash"), "scim-1 2 has no mark"),
        ("LEASE", "LEASE", Removes, "sync 3 is not the one"),
        (
            "JOURNAL#0",
            "00000",
            Sets("page", blob(b"{}")),
            "sync 1 its `journal` was altered",
        ),
        (
            "JOURNAL#0",
            "00000",
            Removes,
            "sync 1 its `journal` is missing",
        ),
        (
            "JOURNAL#1",
            "00000",
            Removes,
            "sync 2 its `journal` is missing",
        ),
        (
            "RUN#0",
            "00000",
            Sets("page", blob(b"{}")),
            "sync 1 its `report` was altered",
        ),
        ("RUN#2", "00000", Removes, "sync 3 its `report` is missing"),
        (
            "RUN#2",
            "00000",
            Drops("pages"),
            "sync 3 its `report` is damaged",
        ),
        (
            "RUN",
            "0",
            Sets("status", text("failed")),
            "sync 1 the run is not listed as it was",
        ),
        (
            "RUN",
            "0",
            Sets("trigger", text("schedule?")),
            "sync 1 the run is not listed as it was",
        ),
        ("RUN", "2", Removes, "sync 3 the run is no longer listed"),
        (
            scim,
            first,
            Sets("what", text("{}")),
            "scim-1 1 was altered",
        ),
        (scim, first, Removes, "scim-1 1 is missing"),
        (scim, second, Removes, "scim-1 2 is missing"),
        (
            scim,
            second,
            Forges,
            "scim-1 2 is not the one that the record 3 of `sync` sealed",
        ),
        (
            "CHAINS",
            "scim-1",
            Sets("seq", AttributeValue::N("1".to_owned())),
            "scim-1 2 is not the one that was noted",
        ),
        ("CHAINS", "scim-1", Removes, "scim-1 2 has no mark"),
        (
            "AUDIT#scim-1",
            first,
            Sets("values", blob(b"{}")),
            "scim-1 1 its `values` was altered",
        ),
        (
            "AUDIT#scim-1",
            second,
            Removes,
            "scim-1 2 its `values` is missing",
        ),
    ] {
        let world = history().await;
        assert_eq!(verify(&world).await.problems, []);
        let mut item = world.item(pk, sk).await;
        match tampering {
            Removes => world.remove(&Key::of(&item)).await,
            Sets(name, value) => {
                item.insert(name.to_owned(), value);
                world.put(item).await;
            }
            Drops(name) => {
                item.remove(name);
                world.put(item).await;
            }
            Forges => {
                let mut record = Record::decode(&item).unwrap();
                record.entry.actor = "somebody".into();
                item.insert("actor".to_owned(), text("somebody"));
                item.insert("hash".to_owned(), blob(&record.digest()));
                world.put(item).await;
            }
            TakesThatOf(other) => {
                let mut other = world.item(pk, other).await;
                other.insert("sk".to_owned(), text(sk));
                world.put(other).await;
            }
        }
        let found = verify(&world).await.problems.into_iter();
        let found: Vec<String> = found
            .map(|it| format!("{} {} {}", it.writer, it.seq, it.problem))
            .collect();
        assert!(
            found.iter().any(|found| found.starts_with(expected)),
            "{pk} {sk}, {expected}: {found:?}"
        );
    }
}

#[tokio::test]
async fn chain_that_is_gone_with_its_end_is_known_from_its_seal() {
    let world = history().await;
    for item in world.items().await {
        let key = Key::of(&item);
        if key.pk.contains("scim-1") || key.sk.contains("scim-1") {
            world.remove(&key).await;
        }
    }
    let found = verify(&world).await.problems;
    let sealed = found.iter().any(|it| it.problem.contains("sealed"));
    assert!(sealed, "{found:?}");
}

#[tokio::test]
async fn whoever_writes_meanwhile_is_no_problem() {
    let world = World::start().await;
    let state = world.state.clone();
    let scribe = Scribe::of_scim("1");
    let writing = tokio::spawn(async move {
        for number in 0..40_u32 {
            state.note_deed((&scribe, &deed(number))).await.unwrap();
            run(&state, number.into(), false, false).await;
        }
    });
    while !writing.is_finished() {
        assert_eq!(verify(&world).await.problems, []);
    }
    writing.await.unwrap();
    assert_eq!(verify(&world).await.records, 80);
}

#[tokio::test]
async fn journal_of_a_run_that_died_expires_with_that_run_and_not_with_the_one_that_sealed_it() {
    let world = World::start().await;
    run(&world.state, 0, true, true).await;
    run(&world.state, 20 * 24, false, false).await;
    let now = noon() + SignedDuration::from_hours(91 * 24);
    for item in world.items().await {
        let expires_at = item.get("expires_at").and_then(|at| at.as_n().ok());
        if expires_at.is_some_and(|at| at.parse::<i64>().unwrap() <= now.as_second()) {
            world.remove(&Key::of(&item)).await;
        }
    }
    let found = world.state.verify(now).await.unwrap();
    assert_eq!(found.problems, []);
    assert_eq!((found.checked, found.expired), (1, 1));
}

#[tokio::test]
async fn runs_go_on_behind_the_last_record_where_the_end_of_the_chain_was_deleted() {
    for (journal, dies) in [(false, false), (true, false), (true, true)] {
        let world = history().await;
        world.remove(&crate::lease::key()).await;
        run(&world.state, 3, journal, dies).await;
        assert!(run(&world.state, 4, true, false).await.is_some());
        let found = verify(&world).await;
        assert_eq!((found.problems, found.open), (Vec::new(), None));
    }
}

#[tokio::test]
async fn run_of_a_machine_whose_clock_was_ahead_does_not_keep_later_ones_from_sealing() {
    let world = World::start().await;
    run(&world.state, 365 * 24, false, false).await;
    let scribe = Scribe::of_scim("1");
    world.state.note_deed((&scribe, &deed(1))).await.unwrap();
    let lease = world.state.acquire("2", noon(), TERM).await.unwrap();
    let mut chain = lease.chain().clone();
    world.state.seal(&mut chain, noon()).await.unwrap();
    let (_, ending) = chain.end(&lease, &header("2"), b"{}");
    assert!(format!("{ending:?}").contains("scim-1"));
}

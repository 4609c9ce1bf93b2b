//! Events are read strictly, and every problem is told.

use mapping::SourceName;
use serde_json::{Value, json};

use crate::request::{Mode, Request, Trigger};

fn read(event: &Value) -> Result<Request, Vec<String>> {
    let deel = SourceName::from("deel");
    Request::from_event(event, &[&deel]).map_err(|error| error.problems)
}

#[test]
fn an_empty_event_and_eventbridges_own_apply_every_source() {
    assert_eq!(read(&json!({})), Ok(Request::default()));
    let scheduled =
        read(&json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}))
            .unwrap();
    assert_eq!(
        (scheduled.mode, scheduled.trigger),
        (Mode::Apply, Trigger::Schedule)
    );
}

#[test]
fn every_key_is_read() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let event = json!({"mode": "plan", "sources": ["deel"], "people": [" w1 "], "approve": [digest], "by": "Ada", "reason": " checked ", "now": true});
    let request = read(&event).unwrap();
    assert_eq!(request.mode, Mode::Plan);
    assert_eq!(request.sources[0].as_str(), "deel");
    assert_eq!(request.people, ["w1"]);
    assert_eq!(request.approve, [digest]);
    assert!(request.now);
    assert_eq!(request.said.by.as_deref(), Some("Ada"));
    assert_eq!(request.said.reason.as_deref(), Some("checked"));
}

#[test]
fn nothing_is_undone_unless_that_is_said() {
    let request = read(&json!({"undo": "r1", "by": "Ada"})).unwrap();
    assert_eq!((request.mode, request.trigger), (Mode::Plan, Trigger::Undo));
    let request = read(&json!({"undo": "r1", "mode": "apply"})).unwrap();
    assert_eq!(request.mode, Mode::Apply);
    assert_eq!(request.undo, Some("r1".into()));
}

#[test]
fn whatever_is_wrong_is_refused_with_what_is_allowed() {
    for (event, problems) in [
        (json!([]), 1),
        (json!("apply"), 1),
        (json!({"mode": "dry"}), 1),
        (json!({"Mode": "plan"}), 1),
        (json!({"sources": ["workday"]}), 1),
        (json!({"sources": []}), 1),
        (json!({"people": "w1"}), 1),
        (json!({"people": [7]}), 1),
        (json!({"people": [""]}), 1),
        (json!({"approve": ["sha256:abc"]}), 1),
        (json!({"by": "Ada"}), 1),
        (json!({"reason": "checked", "mode": "plan"}), 1),
        (json!({"undo": "r1", "by": ""}), 1),
        (json!({"undo": "r1", "by": "x".repeat(201)}), 1),
        (json!({"undo": "r1", "reason": "x".repeat(1001)}), 1),
        (json!({"undo": 1}), 1),
        (json!({"undo": "r1", "people": ["w1"]}), 1),
        (json!({"now": true}), 1),
        (json!({"now": true, "people": ["a", "b"]}), 1),
        (json!({"now": "yes", "people": ["a"]}), 1),
        (
            json!({"mode": 1, "sources": ["x"], "approve": ["y"], "what": 2, "now": true}),
            5,
        ),
    ] {
        assert_eq!(read(&event).unwrap_err().len(), problems, "{event}");
    }
}

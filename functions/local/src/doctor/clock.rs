//! This machine's clock: beside that of others, and beside what happened before.

use jiff::{SignedDuration, Timestamp};

use super::finding::Finding;
use crate::now;

/// AWS refuses what is signed so far from its own time.
const REFUSED: SignedDuration = SignedDuration::from_mins(5);
/// A clock that is set by the network is never so far off.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// How far this machine's clock is from the time that `whom` told in an answer just now.
pub(super) fn skew(whom: &'static str, time: Option<Timestamp>) -> Finding {
    let check = "clock";
    let Some(time) = time else {
        let found = "its answers do not tell the time";
        return Finding::unknown(check, found, "nothing, if the clock is set by the network")
            .about(whom);
    };
    let ahead = now().duration_since(time);
    let way = if ahead.is_negative() {
        "behind"
    } else {
        "ahead"
    };
    let (seconds, advice) = (
        ahead.as_secs().abs(),
        "let the network set this machine's clock (NTP)",
    );
    let found = format!("this machine is {seconds} s {way}");
    match ahead.abs() {
        off if off >= REFUSED => Finding::failed(check, found, advice),
        off if off >= NOTED => Finding::warning(check, found, advice),
        _ => Finding::ok(check, "agrees with this machine's"),
    }
    .about(whom)
}

/// How long ago something was, in the unit that tells it best.
pub(super) fn ago(at: Timestamp) -> String {
    let hours = now().duration_since(at).as_hours();
    match hours {
        ..1 => "within the last hour".to_owned(),
        1..48 => format!("{hours} hours ago"),
        48.. => format!("{} days ago", hours / 24),
    }
}

//! Faults drawn at random: each kind that the sandbox has, for the requests where it can happen.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::Town;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Fault, FaultKind, Vendor};
use serde_json::json;

/// How AWS refuses for a while.
const PASSING: [&str; 4] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
];

/// A few faults for one run.
pub(crate) fn draw(rng: &mut Rng, town: &Town) -> Vec<Fault> {
    let now = town.sandbox().clock().now();
    (0..rng.usize(1..=4))
        .map(|_| {
            let fault = match rng.u32(..100) {
                ..45 => jumpcloud(rng, now, town),
                45..70 => deel(rng, now),
                70..95 => dynamodb(rng, town),
                _ => secrets(rng),
            };
            somewhere(rng, fault)
        })
        .collect()
}

/// Which request it hits, and how many after it; now and then every one.
fn somewhere(rng: &mut Rng, fault: Fault) -> Fault {
    fault.skip(rng.u32(..12)).times(match rng.u32(..10) {
        ..6 => 1,
        6..9 => rng.u32(2..=6),
        _ => u32::MAX,
    })
}

/// Before the request has its effect, or after it: a plain refusal comes before, the loss of an answer may come after.
fn whenever(rng: &mut Rng, fault: Fault) -> Fault {
    if rng.bool() {
        fault.after_effect()
    } else {
        fault
    }
}

fn jumpcloud(rng: &mut Rng, now: Timestamp, town: &Town) -> Fault {
    let vendor = Vendor::JumpCloud;
    let fault = match rng.u32(..12) {
        ..7 => http(rng, now, vendor),
        7..9 => return list(rng, vendor),
        9 => {
            let killed = Fault::run(vendor, town.killer());
            whenever(rng, killed)
        }
        10 => Fault::status(vendor, 401),
        _ => {
            // The key is rotated, and those who come with the old one are refused.
            let (jumpcloud, secrets) = (town.sandbox().jumpcloud(), town.sandbox().secrets());
            let key = format!("rotated-{}", rng.u32(..));
            let rotate = move || {
                jumpcloud.set_key(&key);
                secrets.set("rollcall/jumpcloud", &key);
            };
            Fault::run(vendor, rotate)
        }
    };
    match rng.u32(..6) {
        0 | 1 => fault.method("POST"),
        2 => fault.method("PUT"),
        3 => fault.method("GET"),
        4 => fault.path("/state/activate"),
        _ => fault,
    }
}

fn deel(rng: &mut Rng, now: Timestamp) -> Fault {
    match rng.u32(..10) {
        ..5 => http(rng, now, Vendor::Deel),
        5 => Fault::status(Vendor::Deel, 401),
        _ => list(rng, Vendor::Deel),
    }
}

/// What any HTTP server can do, or the network before it.
fn http(rng: &mut Rng, now: Timestamp, vendor: Vendor) -> Fault {
    let wait = SignedDuration::from_secs(rng.i64(1..90));
    let refused = |status| Fault::status(vendor, status);
    if rng.u32(..4) > 0 {
        let lost = lost(rng, vendor);
        return whenever(rng, lost);
    }
    match rng.u32(..4) {
        0 => refused(429),
        1 => refused(429).header("retry-after", &wait.as_secs().to_string()),
        2 => refused(429).header("date", &date(now)).header(
            "retry-after",
            &date(now.saturating_add(wait).unwrap_or(now)),
        ),
        _ => refused(403),
    }
}

/// An answer that does not come, comes late, or says nothing. One that says 200 was worked for: nobody lies about that.
fn lost(rng: &mut Rng, vendor: Vendor) -> Fault {
    match rng.u32(..8) {
        0 => Fault::status(vendor, [500, 502, 503][rng.usize(..3)]),
        1 => {
            let status = [502, 503][rng.usize(..2)];
            Fault::new(vendor, FaultKind::Html { status })
        }
        2 => Fault::delay(vendor, Duration::from_secs(rng.u64(31..60))),
        3 => Fault::delay(vendor, Duration::from_millis(rng.u64(100..20_000))),
        4 | 5 => Fault::drop(vendor),
        6 => Fault::new(vendor, FaultKind::Truncate),
        _ if rng.bool() => answer(vendor, 200, ["", "{}"][rng.usize(..2)]).after_effect(),
        _ => Fault::new(vendor, FaultKind::Html { status: 200 }).after_effect(),
    }
}

/// What a list can do.
fn list(rng: &mut Rng, vendor: Vendor) -> Fault {
    let kind = match rng.u32(..4) {
        0 => FaultKind::WrongTotal {
            by: rng.i64(-5..=5),
        },
        1 => FaultKind::RepeatedPage,
        2 => FaultKind::ShiftedPage {
            rows: rng.i64(-3..=3),
        },
        _ => FaultKind::EmptyPage,
    };
    Fault::new(vendor, kind).method("GET")
}

fn dynamodb(rng: &mut Rng, town: &Town) -> Fault {
    let vendor = Vendor::DynamoDb;
    match rng.u32(..10) {
        ..3 => refusal(400, PASSING[rng.usize(..PASSING.len())]),
        3 => {
            let failed = Fault::status(vendor, 500);
            whenever(rng, failed)
        }
        4 => refusal(400, "ConditionalCheckFailedException").operation("Item"),
        5 => {
            let reason = [
                "ConditionalCheckFailed",
                "TransactionConflict",
                "ThrottlingError",
            ];
            let reason = reason[rng.usize(..reason.len())];
            let body = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled",
                "CancellationReasons": [{"Code": reason}, {"Code": "None"}, {"Code": "None"}],
            });
            answer(vendor, 400, &body.to_string()).operation("TransactWriteItems")
        }
        lost => {
            let lost = match lost {
                6 => Fault::drop(vendor),
                7 => Fault::delay(vendor, Duration::from_secs(rng.u64(1..40))),
                8 => Fault::new(vendor, FaultKind::Truncate),
                _ => Fault::run(vendor, town.killer()),
            };
            whenever(rng, lost)
        }
    }
}

fn secrets(rng: &mut Rng) -> Fault {
    let vendor = Vendor::SecretsManager;
    match rng.u32(..3) {
        0 => Fault::status(vendor, 500),
        1 => Fault::drop(vendor),
        _ => answer(vendor, 400, r#"{"__type":"AccessDeniedException"}"#),
    }
}

fn refusal(status: u16, kind: &str) -> Fault {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}")});
    answer(Vendor::DynamoDb, status, &body.to_string())
}

fn answer(vendor: Vendor, status: u16, body: &str) -> Fault {
    let (headers, body) = (BTreeMap::new(), body.to_owned());
    Fault::new(
        vendor,
        FaultKind::Status {
            status,
            headers,
            body,
        },
    )
}

/// As in the headers of HTTP.
fn date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

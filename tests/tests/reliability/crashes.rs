//! The sync's process is killed at one request after another, before its effect and after it; then it runs again.
//! Everything must be as if nothing had happened.

use std::fmt;
use std::str::FromStr;

use e2e::{Picture, Story, World};
use sandbox::{Snapshot, Vendor};
use sync::{Report, RunStatus};

use crate::PROGRAMS;
use crate::replay::{Replay, asked, tell};

const VARIABLE: &str = "ROLLCALL_CRASH";
const SYSTEMS: [Vendor; 2] = [Vendor::JumpCloud, Vendor::DynamoDb];

/// A request at which the process is killed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    size: usize,
    at_once: usize,
    vendor: Vendor,
    number: u32,
    after: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            size,
            at_once,
            vendor,
            number,
            after,
        } = self;
        let moment = if *after { "after" } else { "before" };
        write!(f, "{size}/{at_once}/{vendor:?}/{number}/{moment}")
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let [size, at_once, vendor, number, moment] =
                <[&str; 5]>::try_from(text.split('/').collect::<Vec<_>>()).ok()?;
            Some(Self {
                size: size.parse().ok()?,
                at_once: at_once.parse().ok()?,
                vendor: SYSTEMS
                    .into_iter()
                    .find(|system| format!("{system:?}") == vendor)?,
                number: number.parse().ok()?,
                after: moment == "after",
            })
        };
        parse().ok_or_else(|| format!("`{text}` is no point such as `30/1/JumpCloud/7/after`"))
    }
}

/// A company in whose next run everything happens, and what comes of that run when nothing disturbs it.
struct Stage {
    world: World,
    eve: Snapshot,
    expected: Picture,
    requests: [(Vendor, u32); 2],
}

impl Stage {
    async fn set(size: usize, at_once: usize) -> Self {
        let setup = Story::setup().jumpcloud(&format!("concurrency = {at_once}"));
        let world = World::start(PROGRAMS, &setup).await;
        let story = Story::of(size);
        story.begin(world.sandbox());
        assert_applied(&world.run_sync().await);
        story.go_on(world.sandbox());
        assert_applied(&world.run_sync().await);
        world.settled().await;
        story.turn(world.sandbox());
        let file = world.folder().join("eve.db");
        let eve = world.sandbox().snapshot(&file);
        let eve = eve.expect("the eve is kept");

        world.forget_requests();
        assert_applied(&world.run_sync().await);
        let requests = SYSTEMS.map(|system| {
            let count = u32::try_from(world.requests(system));
            (system, count.expect("fewer requests than that"))
        });
        let expected = Picture::of(world.sandbox(), world.state()).await;
        world.settled().await;
        Self {
            world,
            eve,
            expected,
            requests,
        }
    }

    fn count(&self, vendor: Vendor) -> u32 {
        let of_vendor = self.requests.iter().find(|(system, _)| *system == vendor);
        of_vendor.map_or(0, |(_, count)| *count)
    }

    /// Killed there, run again, and again.
    async fn play(&mut self, point: Point) -> Result<(), String> {
        let _replay = Replay::of(VARIABLE, point);
        let Self {
            world,
            eve,
            expected,
            requests: _,
        } = self;
        world.sandbox().restore(eve).expect("it is the eve again");
        world.crash_at(point.vendor, |fault| {
            let fault = fault.skip(point.number);
            if point.after {
                fault.after_effect()
            } else {
                fault
            }
        });
        world.crash().await;
        assert_applied(&world.run_sync().await);
        let picture = Picture::of(world.sandbox(), world.state()).await;
        let difference = picture.difference(expected);
        world.settled().await;
        if difference.is_empty() {
            return Ok(());
        }
        Err(format!("{VARIABLE}={point}\n{difference}"))
    }

    async fn play_all(&mut self, points: impl IntoIterator<Item = Point>) {
        let asked = asked(VARIABLE).map(|text| text.parse::<Point>().expect("a point"));
        let mut failures = Vec::new();
        let mut count = 0;
        for point in points {
            if asked.is_none_or(|asked| asked == point) {
                count += 1;
                failures.extend(self.play(point).await.err());
            }
        }
        tell(format!("killed at {count} points"));
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

fn assert_applied(report: &Report) {
    assert_eq!(report.status, RunStatus::Applied, "{report:?}");
}

/// The process is killed at every request to this system, in a company of thirty.
async fn kill_at_every_request(vendor: Vendor, after: bool) {
    let (size, at_once) = (30, 1);
    let mut stage = Stage::set(size, at_once).await;
    let count = stage.count(vendor);
    assert!(count > 10, "{count} requests are not everything");
    let points = (0..count).map(|number| Point {
        size,
        at_once,
        vendor,
        number,
        after,
    });
    stage.play_all(points).await;
}

#[tokio::test]
async fn killed_before_any_request_to_jumpcloud() {
    kill_at_every_request(Vendor::JumpCloud, false).await;
}

#[tokio::test]
async fn killed_after_any_request_to_jumpcloud() {
    kill_at_every_request(Vendor::JumpCloud, true).await;
}

#[tokio::test]
async fn killed_before_any_request_to_the_table() {
    kill_at_every_request(Vendor::DynamoDb, false).await;
}

#[tokio::test]
async fn killed_after_any_request_to_the_table() {
    kill_at_every_request(Vendor::DynamoDb, true).await;
}

/// So many points, drawn with this seed.
async fn kill_at_random(size: usize, at_once: usize, points: usize, seed: u64) {
    let mut stage = Stage::set(size, at_once).await;
    let mut rng = fastrand::Rng::with_seed(seed);
    let points: Vec<Point> = (0..points)
        .map(|_| {
            let vendor = SYSTEMS[rng.usize(..SYSTEMS.len())];
            Point {
                size,
                at_once,
                vendor,
                number: rng.u32(..stage.count(vendor)),
                after: rng.bool(),
            }
        })
        .collect();
    stage.play_all(points).await;
}

#[tokio::test]
async fn killed_while_eight_people_are_under_way() {
    kill_at_random(30, 8, 40, 1).await;
}

/// Two hundred points in a larger company, whose lists have several pages.
#[tokio::test]
#[ignore = "takes minutes: cargo test -p e2e --test reliability two_hundred -- --ignored"]
async fn killed_at_two_hundred_points_of_a_company_of_250() {
    kill_at_random(250, 1, 200, 250).await;
}

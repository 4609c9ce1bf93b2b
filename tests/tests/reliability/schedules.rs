//! Everything around the sync fails at random, run after run; then nothing does. What always holds must hold after each
//! run, and soon everything must be as if nothing had happened.

use std::time::Duration;

use e2e::{Picture, Story, TIME, Town};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Snapshot, Vendor};
use sync::{Outcome, Report, RunStatus};

use crate::faults;
use crate::replay::{asked, tell};
use crate::witness::Witness;

const VARIABLE: &str = "ROLLCALL_SEED";
/// The seeds of each company.
const SEEDS: u64 = 200;
/// So many runs without a fault make everything good.
const MOST_RUNS: usize = 4;
const HOUR: Duration = Duration::from_hours(1);

/// A company before a run in which everything happens, and what comes of that run when nothing disturbs it.
struct Company {
    town: Town,
    eve: Snapshot,
    /// When every schedule begins.
    begins_at: Timestamp,
    expected: Picture,
    witness: Witness,
}

impl Company {
    /// The people of these numbers in the story.
    async fn of(people: &[usize]) -> Self {
        let town = Town::start(&Story::setup()).await;
        let story = Story::about(people);
        story.begin(town.sandbox());
        applied(&town).await;
        story.go_on(town.sandbox());
        applied(&town).await;
        story.turn(town.sandbox());
        let eve = town.sandbox().snapshot(&town.folder().join("eve.db"));
        let eve = eve.expect("the eve is kept");
        let begins_at = town.sandbox().clock().now();
        let before = town.sandbox().jumpcloud().users();
        applied(&town).await;
        let expected = town.picture().await;
        let witness = Witness::new(town.sandbox(), before);
        Self {
            town,
            eve,
            begins_at,
            expected,
            witness,
        }
    }

    /// A few runs in which things fail, then some in which nothing does; how many of these it took.
    async fn play(&mut self, seed: u64) -> Result<usize, String> {
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let sandbox = self.town.sandbox();
        sandbox.restore(&self.eve).expect("it is the eve again");
        // Hours pass in each schedule: after hundreds of them somebody's first day would have come.
        sandbox.clock().set(self.begins_at);
        self.town.wait(HOUR).await;
        self.town.change_process();
        for _ in 0..rng.usize(1..=3) {
            self.disturbed_run(&mut rng).await?;
        }
        self.recover().await
    }

    async fn disturbed_run(&mut self, rng: &mut Rng) -> Result<(), String> {
        let sandbox = self.town.sandbox();
        for fault in faults::draw(rng, &self.town) {
            sandbox.faults().add(fault);
        }
        let latency = Duration::from_millis([0, 0, 50, 1000][rng.usize(..4)]);
        for vendor in Vendor::ALL {
            sandbox.set_latency(vendor, latency);
        }
        let shown_after = SignedDuration::from_secs([0, 0, 2, 10][rng.usize(..4)]);
        let jumpcloud = sandbox.jumpcloud();
        let is_counted = rng.u32(..3) > 0;
        jumpcloud.rules(|rules| {
            rules.shows_writes_after = shown_after;
            rules.counts_v2_lists = is_counted;
        });
        let within = match rng.u32(..4) {
            0 => Duration::from_secs(rng.u64(16..60)),
            _ => TIME,
        };
        if rng.u32(..5) == 0 {
            self.town.run_twice(within).await;
        } else {
            self.town.run(within).await;
        }
        let sandbox = self.town.sandbox();
        sandbox.faults().clear();
        if rng.bool() {
            self.town.change_process();
        }
        let pause = [0, 5, 180, 3600][rng.usize(..4)];
        self.town.wait(Duration::from_secs(pause)).await;
        self.town.take_log()?;
        self.witness.check(self.town.sandbox())
    }

    /// Runs an hour apart until nothing is left to do.
    async fn recover(&mut self) -> Result<usize, String> {
        let sandbox = self.town.sandbox();
        for vendor in Vendor::ALL {
            sandbox.set_latency(vendor, Duration::ZERO);
        }
        let jumpcloud = sandbox.jumpcloud();
        jumpcloud.rules(|rules| {
            rules.shows_writes_after = SignedDuration::ZERO;
            rules.counts_v2_lists = true;
        });
        let mut difference = String::new();
        for runs in 1..=MOST_RUNS {
            self.town.wait(HOUR).await;
            let report = self.town.run(TIME).await.ok_or("nobody kills it now")?;
            self.town.take_log()?;
            self.witness.check(self.town.sandbox())?;
            let picture = self.town.picture().await;
            difference = picture.difference(&self.expected);
            if report.status != RunStatus::Applied {
                difference = format!("{difference}{:?} {:?}", report.status, report.error);
            }
            if difference.is_empty() {
                return self.settled().await.map(|()| runs);
            }
        }
        Err(format!("after {MOST_RUNS} good runs:\n{difference}"))
    }

    /// Another run has nothing to do.
    async fn settled(&self) -> Result<(), String> {
        self.town.wait(HOUR).await;
        let requests = self.town.sandbox().requests();
        requests.clear();
        let report = self.town.run(TIME).await.ok_or("nobody kills it now")?;
        let writes = requests.all().into_iter();
        let writes = writes.filter(|request| {
            request.vendor == Vendor::JumpCloud && matches!(&*request.method, "PUT" | "POST")
        });
        match (is_idle(&report), writes.count()) {
            (true, 0) => Ok(()),
            (_, writes) => Err(format!("{writes} writes in a settled town: {report:?}")),
        }
    }
}

async fn applied(town: &Town) {
    town.wait(HOUR).await;
    let report = town.run(TIME).await.expect("nobody kills it");
    assert_eq!(report.status, RunStatus::Applied, "{report:?}");
}

/// Whether nothing came of the run for anybody.
fn is_idle(report: &Report) -> bool {
    let mut rows = report.people.iter();
    report.status == RunStatus::Applied && rows.all(|row| row.outcome == Outcome::Skipped)
}

/// Every seed of a company of these people, numbered from `first` on.
async fn play(people: &[usize], company: u64) {
    let mut town = Company::of(people).await;
    let asked = asked(VARIABLE).map(|text| text.parse::<u64>().expect("a seed is a number"));
    let seeds = company * SEEDS..(company + 1) * SEEDS;
    let (mut count, mut longest, mut failed) = (0, 0, 0);
    for seed in seeds.filter(|seed| asked.is_none_or(|asked| asked == *seed)) {
        count += 1;
        match town.play(seed).await {
            Ok(runs) => longest = longest.max(runs),
            Err(failure) => {
                failed += 1;
                tell(format!("{VARIABLE}={seed}: {failure}"));
            }
        }
    }
    tell(format!(
        "company {company}: {count} schedules, and everything was good after {longest} runs at most"
    ));
    assert_eq!(failed, 0, "seeds failed");
}

#[tokio::test(start_paused = true)]
async fn joiners_get_one_account_and_one_mail_whatever_fails() {
    play(&[0, 20, 21, 22, 24, 25], 0).await;
}

#[tokio::test(start_paused = true)]
async fn movers_get_what_hr_says_whatever_fails() {
    play(&[0, 1, 2, 3, 4, 5, 14], 1).await;
}

#[tokio::test(start_paused = true)]
async fn leavers_and_rehires_end_where_hr_says_whatever_fails() {
    play(&[0, 6, 7, 8, 9, 19], 2).await;
}

#[tokio::test(start_paused = true)]
async fn managers_and_groups_come_right_whatever_fails() {
    play(&[0, 10, 11, 12, 15, 16, 20], 3).await;
}

#[tokio::test(start_paused = true)]
async fn adopted_and_refused_come_right_whatever_fails() {
    play(&[0, 13, 23, 26, 27, 29], 4).await;
}

//! A SCIM client and the sync write one user at the same time: each stands still at every one of its requests, while
//! the other does all of its work. Neither's change may be lost.

use e2e::{Pause, Response, Scim, Setup, World};
use sandbox::{Fault, Profile, Snapshot, Vendor};
use serde_json::{Value, json};
use sync::{Report, RunStatus};

use crate::PROGRAMS;
use crate::replay::{Replay, asked, tell};

const VARIABLE: &str = "ROLLCALL_MEETING";
const SYSTEMS: [Vendor; 2] = [Vendor::JumpCloud, Vendor::DynamoDb];
/// So often a client sends again what was refused because somebody else was at it.
const MOST_ATTEMPTS: usize = 3;

/// Whose requests the other one comes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupted {
    Sync,
    Scim,
}

/// What the client wants, and how the user then looks.
#[derive(Debug, Clone, Copy)]
enum Wish {
    MiddleName,
    Off,
}

impl Wish {
    fn operations(self) -> Value {
        match self {
            Self::MiddleName => {
                json!([{"op": "replace", "path": "name.middleName", "value": "Maria"}])
            }
            Self::Off => json!([{"op": "replace", "path": "active", "value": false}]),
        }
    }

    fn is_kept(self, user: &Value) -> bool {
        match self {
            Self::MiddleName => user["middlename"] == "Maria" && user["state"] == "ACTIVATED",
            Self::Off => user["state"] == "SUSPENDED",
        }
    }
}

/// Ana, whose title HR has changed.
struct Scene {
    world: World,
    scim: Scim,
    eve: Snapshot,
    id: String,
    path: String,
}

fn ana() -> Profile {
    Profile::new("Ana", "Souza").work_email(Some("ana.souza@northlight.example"))
}

impl Scene {
    async fn set() -> Self {
        let world = World::start(PROGRAMS, &Setup::new()).await;
        let id = world.hire(ana().job_title("Engineer"));
        applied(&world.run_sync().await);
        world.change(&id, &ana().job_title("Principal"));
        let user = world.user_of(&id).await;
        let path = format!("/Users/{}", user["_id"].as_str().unwrap_or_default());
        let eve = world.sandbox().snapshot(&world.folder().join("eve.db"));
        let eve = eve.expect("the eve is kept");
        let scim = world.scim();
        Self {
            world,
            scim,
            eve,
            id,
            path,
        }
    }

    async fn ask(&self, wish: Wish) -> Response {
        self.scim.operate(&self.path, wish.operations()).await
    }

    /// How many requests each system gets from one of the two alone.
    async fn count(&self, who: Interrupted, wish: Wish) -> [(Vendor, u32); 2] {
        let restored = self.world.sandbox().restore(&self.eve);
        restored.expect("it is the eve again");
        self.world.forget_requests();
        match who {
            Interrupted::Sync => applied(&self.world.run_sync().await),
            Interrupted::Scim => drop(self.ask(wish).await.expect(200)),
        }
        SYSTEMS.map(|system| {
            let count = u32::try_from(self.world.requests(system));
            (system, count.expect("fewer requests than that"))
        })
    }

    /// Both at once; one stands still where the fault is narrowed down to.
    async fn meet(&self, who: Interrupted, wish: Wish, fault: Fault, mut pause: Pause) -> Response {
        let world = &self.world;
        let restored = world.sandbox().restore(&self.eve);
        restored.expect("it is the eve again");
        world.fault(fault);
        match who {
            Interrupted::Sync => {
                let meanwhile = async {
                    pause.reached().await;
                    let answer = self.ask(wish).await;
                    pause.end();
                    answer
                };
                tokio::join!(world.run_sync(), meanwhile).1
            }
            Interrupted::Scim => {
                let meanwhile = async {
                    pause.reached().await;
                    world.run_sync().await;
                    pause.end();
                };
                tokio::join!(self.ask(wish), meanwhile).0
            }
        }
    }

    /// What is wrong in the end, if anything is.
    async fn outcome(&self, wish: Wish, mut answer: Response) -> Result<(), String> {
        let world = &self.world;
        for _ in 1..MOST_ATTEMPTS {
            if answer.status != 200 {
                answer = self.ask(wish).await;
            }
        }
        if answer.status != 200 {
            return Err(format!("the client is refused: {answer:?}"));
        }
        let user = world.user_of(&self.id).await;
        if !wish.is_kept(&user) {
            return Err(format!("the client's change is lost: {user}"));
        }
        applied(&world.run_sync().await);
        let user = world.user_of(&self.id).await;
        if !wish.is_kept(&user) || user["jobTitle"] != "Principal" {
            return Err(format!("a change is lost after another run: {user}"));
        }
        world.settled().await;
        Ok(())
    }
}

fn applied(report: &Report) {
    assert_eq!(report.status, RunStatus::Applied, "{report:?}");
}

async fn meet_everywhere(who: Interrupted) {
    let scene = Scene::set().await;
    let asked = asked(VARIABLE);
    let mut failures = Vec::new();
    let mut points = 0;
    for wish in [Wish::MiddleName, Wish::Off] {
        for (vendor, count) in scene.count(who, wish).await {
            for (number, after) in (0..count).flat_map(|number| [(number, false), (number, true)]) {
                let moment = if after { "after" } else { "before" };
                let point = format!("{who:?}/{wish:?}/{vendor:?}/{number}/{moment}");
                if asked.as_ref().is_some_and(|asked| *asked != point) {
                    continue;
                }
                points += 1;
                let _replay = Replay::of(VARIABLE, &point);
                let (fault, pause) = Pause::at(vendor);
                let fault = fault.skip(number);
                let fault = if after { fault.after_effect() } else { fault };
                let answer = scene.meet(who, wish, fault, pause).await;
                if let Err(failure) = scene.outcome(wish, answer).await {
                    failures.push(format!("{VARIABLE}={point}: {failure}"));
                }
            }
        }
    }
    tell(format!("{who:?}: met at {points} points"));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn scim_request_in_the_middle_of_a_run_loses_nothing() {
    meet_everywhere(Interrupted::Sync).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn run_in_the_middle_of_a_scim_request_loses_nothing() {
    meet_everywhere(Interrupted::Scim).await;
}

//! End to end: the real programs against the sandbox, over HTTP. Each test is a world of its own, and ends settled:
//! another run plans nothing and writes nothing.

mod adoption;
mod asked_to_wait;
mod audit;
mod company;
mod conflicts;
mod crashes;
mod deployed;
mod deploying;
mod doctor;
mod group_rules;
mod humaans;
mod incomplete;
mod joiners;
mod keys;
mod leavers;
mod limits;
mod logs;
mod managers;
mod missing;
mod movers;
mod notifications;
mod phones;
mod program;
mod real_life;
mod requests;
mod runners;
mod scim;
mod scope;
mod statuses;
mod token;
mod undo;
mod usernames;

use e2e::{Programs, Setup, World};
use sandbox::Profile;

/// The programs that Cargo built for this test.
const PROGRAMS: Programs = Programs {
    sync: env!("CARGO_BIN_EXE_sync-under-test"),
    scim: env!("CARGO_BIN_EXE_scim-under-test"),
    rollcall: env!("CARGO_BIN_EXE_rollcall-under-test"),
};

/// A world with nobody in it, and a configuration of defaults.
async fn world() -> World {
    world_with(Setup::new()).await
}

/// A world that starts so.
async fn world_with(setup: Setup) -> World {
    World::start(PROGRAMS, &setup).await
}

/// Somebody about whom nothing is odd.
fn ana() -> Profile {
    Profile::new("Ana", "Souza")
}

/// Hires so many others, each like no other; returns their ids with what they are.
fn hire_others(world: &World, count: usize) -> Vec<(String, Profile)> {
    let profiles = (0..count).map(|number| Profile::new("Other", &format!("Person{number}")));
    profiles
        .map(|profile| (world.hire(profile.clone()), profile))
        .collect()
}

/// A world in which Ana is employed, and has her account.
async fn world_with_ana(setup: Setup) -> (World, String) {
    let world = world_with(setup).await;
    let id = world.hire(ana());
    world.run_sync().await;
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    (world, id)
}

//! The harness of the end-to-end tests: a [`World`] of its own for each test, in which the real programs run.
//!
//! Nothing here knows how rollcall works inside: it hires people, invokes the function, and looks at what came of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness fails as an assertion does: a test has nobody to hand an error to"
)]

mod invoke;
mod lambda;
mod pause;
mod picture;
mod program;
mod reading;
mod scim;
mod setup;
mod story;
mod table;
mod time;
mod tls;
mod town;
mod world;

pub use self::scim::{Response, Scim};
pub use invoke::{Lambda, Turn};
pub use lambda::{Answer, Function};
pub use pause::Pause;
pub use picture::Picture;
pub use program::Ran;
pub use reading::Reading;
pub use setup::Setup;
pub use story::Story;
pub use table::{Deed, Item, Table};
pub use tls::TlsFront;
pub use town::{TIME, Town};
pub use world::{Programs, TOPIC, World};

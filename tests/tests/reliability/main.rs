//! What is left when things go wrong: the sync is killed at every one of its requests, SCIM clients lose their answers,
//! and every system around fails at random. Nothing may be done twice, wrongly, or for good not at all.
//!
//! Whatever fails prints how to play it again. `docs/reliability.md` tells what was tried and what came of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, which fail as the tests do"
)]

mod crashes;
mod faults;
mod frozen;
mod memory;
mod replay;
mod schedules;
mod scim;
mod together;
mod witness;

use e2e::Programs;

/// The programs that Cargo built for this test.
const PROGRAMS: Programs = Programs {
    sync: env!("CARGO_BIN_EXE_sync-under-test"),
    scim: env!("CARGO_BIN_EXE_scim-under-test"),
    rollcall: env!("CARGO_BIN_EXE_rollcall-under-test"),
};

//! The hourly reconciliation: HR → JumpCloud.
//!
//! ```text
//! gather → plan → confirm → judge → apply → report
//! ```
//!
//! - `request`: what a run is asked to do, read strictly
//! - `gather`: reads HR, JumpCloud and what we remember into a [`Snapshot`]
//! - `planner`: pure; what should change, for whom and why, as a [`Plan`]
//! - `confirm`: re-reads the single people whose suspension would rest on absence
//! - `judge`: pure; which classes of change are held back
//! - `apply`: writes; the only place that does
//! - `report`: what happened, as data
//! - `metrics`: pure; the figures of it that alarms watch
//!
//! [`Runner::run`] is the whole flow on one screen.

mod apply;
mod confirm;
mod details;
mod explain;
mod gather;
mod hr;
mod judge;
mod lease;
mod metrics;
mod plan;
mod planner;
mod progress;
mod report;
mod request;
mod run;
mod setup;

#[cfg(test)]
mod tests;

pub use clients::chain;
pub use details::Details;
pub use explain::{ExplainedGroup, ExplainedRow, Explanation};
pub use gather::{GatherError, Groups, Scope, Snapshot};
pub use hr::{HrSource, SourceRead};
pub use judge::{Approvals, ApprovedPerson, ApprovedPlan, Held, HeldBy, HeldClass};
pub use metrics::metrics;
pub use plan::{
    Change, ChangeDigest, GroupFacts, Note, PersonPlan, Plan, Reason, RunWarning, SourceFacts,
};
pub use planner::plan;
pub use progress::{OnProgress, Progress, unwatched};
pub use report::{Calls, ChangeRow, Outcome, PersonRow, Report, RunStatus};
pub use request::{Mode, Request, RequestError, Trigger};
pub use run::{Clock, Runner};
pub use setup::{SetupError, runner};

//! The hourly reconciliation: HR → JumpCloud.
//!
//! ```text
//! gather → plan → confirm → judge → journal → apply → report
//! ```
//!
//! - `request`: what a run is asked to do, read strictly
//! - `gather`: reads HR, JumpCloud and what we remember into a [`Snapshot`]
//! - `planner`: pure; what should change, for whom and why, as a [`Plan`]
//! - `undo`: in place of these three, what undoes a run, from its journal
//! - `confirm`: re-reads the single people whose suspension would rest on absence
//! - `judge`: pure; which classes of change are held back
//! - `approval`: what digests cover, who approved them and what that let through
//! - `journal`: what is about to be written, stored before the first write
//! - `order`: pure; who comes first where time may end
//! - `apply`: writes; the only place that does
//! - `report`: what happened, as data
//! - `keys`: which keys end soon
//! - `metrics`: pure; the figures of it that alarms watch
//! - `notify`: what somebody is told of it, once
//!
//! [`Runner::run`] is the whole flow on one screen.

mod apply;
mod approval;
mod confirm;
mod details;
mod explain;
mod gather;
mod hr;
mod journal;
mod judge;
mod keys;
mod lease;
mod metrics;
mod notify;
mod order;
mod plan;
mod planner;
mod progress;
mod report;
mod request;
mod run;
mod setup;
mod undo;

#[cfg(test)]
mod tests;

pub use approval::Approval;
pub use clients::chain;
pub use details::Details;
pub use explain::{ExplainedGroup, ExplainedRow, Explanation};
pub use gather::{GatherError, Groups, Scope, Snapshot};
pub use hr::{HrSource, SourceRead};
pub use journal::{Journal, JournalEntry};
pub use judge::{Approvals, ApprovedPerson, ApprovedPlan, Held, HeldBy, HeldClass};
pub use metrics::metrics;
pub use notify::{Topic, TopicError};
pub use plan::{
    Change, ChangeDigest, GroupFacts, Note, PersonPlan, Plan, Reason, RunWarning, SourceFacts,
};
pub use planner::plan;
pub use progress::{OnProgress, Progress, unwatched};
pub use report::{Calls, ChangeRow, Outcome, PersonRow, Report, RunStatus};
pub use request::{Mode, Request, RequestError, Said, Trigger};
pub use run::{Clock, Runner};
pub use setup::{SetupError, hr_source, runner};
pub use undo::Undoes;

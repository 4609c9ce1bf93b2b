//! Joiners, movers, leavers: where somebody stands at a moment.
//!
//! Every date is a moment where the person is: the first day begins at `activate_at`, the last one ends at `leave_at`, by
//! default at the following midnight. A moment that daylight saving skips is the next one that exists: never early. Of one
//! that comes twice it is the first; but a day into which the clocks go back from past midnight ends with the second.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, AmbiguousTimestamp, Offset};
use jiff::{Span, Timestamp};

use crate::policy::{Activate, LeaveAt, Lifecycle};
use crate::worker::{Status, Worker};

/// Where somebody stands: what their JumpCloud user should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No account yet. One that exists is left alone.
    Absent(NoAccount),
    /// An account without access; activated at the moment given, or by an admin.
    Staged(Option<Timestamp>),
    /// An account with access; until the moment given, when HR has a last day.
    Active(Option<Timestamp>),
    /// No longer here. Says what HR says.
    Gone(String),
    /// HR is unclear: nothing is changed. Says what was seen.
    Unclear(String),
    /// The source is not for this person: no account, and one that exists keeps access only as the source's
    /// `out_of_scope` says. Says what decided; [`Policy::standing`](crate::Policy::standing) finds it.
    OutOfScope(String),
}

/// Why somebody has no account yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAccount {
    /// A draft, an offer under review, or no contract.
    NotFirm,
    /// A pre-hire without a start date.
    NoStartDate,
    /// The account is made at this moment.
    NotBefore(Timestamp),
    /// The employment has ended and its last day is to come: access that is there stays until then, none is given.
    Leaving,
}

/// Where this person stands at `now`. A last day, when HR gives one, decides over the status.
pub(crate) fn standing(worker: &Worker, lifecycle: &Lifecycle, now: Timestamp) -> Standing {
    let employment = &worker.employment;
    if let Status::Unclear(seen) = &employment.status {
        return Standing::Unclear(seen.clone());
    }
    let is_of_this = |last: &Date| employment.start.is_none_or(|start| *last >= start);
    let last_day = employment.last_day.filter(is_of_this);
    let leaves = last_day.and_then(|_| leaving_moment(worker, lifecycle));
    let ended = employment.status == Status::Ended;
    match (leaves, last_day) {
        (Some(moment), Some(last_day)) if now >= moment => {
            return Standing::Gone(format!("the last day was {last_day}"));
        }
        (Some(_), _) if ended && lifecycle.leave_at == LeaveAt::OnStatus => {
            return Standing::Gone("HR shows the employment as ended".to_owned());
        }
        // A withdrawn offer, whatever last day it would have had.
        (Some(_), _)
            if ended && activation_moment(worker, lifecycle).is_some_and(|first| now < first) =>
        {
            return Standing::Gone(
                "HR shows the employment as ended before its first day".to_owned(),
            );
        }
        (Some(_), _) if ended => return Standing::Absent(NoAccount::Leaving),
        (None, _) if ended => {
            return Standing::Gone("HR shows the employment as ended".to_owned());
        }
        _ => {}
    }
    let pre_hire = match employment.status {
        Status::NotFirm => return Standing::Absent(NoAccount::NotFirm),
        Status::PreHire => true,
        Status::Employed | Status::Ended | Status::Unclear(_) => false,
    };
    if pre_hire {
        let Some(start) = employment.start else {
            return Standing::Absent(NoAccount::NoStartDate);
        };
        if let Some(days) = lifecycle.provision_days_before {
            let opens = moment(worker, start, -i64::from(days), Time::midnight());
            if opens.is_some_and(|opens| now < opens) {
                return Standing::Absent(
                    opens.map_or(NoAccount::NoStartDate, NoAccount::NotBefore),
                );
            }
        }
    }
    let active = match lifecycle.activate {
        Activate::Never => return Standing::Staged(None),
        Activate::Immediately => !pre_hire,
        Activate::OnStartDate if began_long_ago(worker, now) => true,
        Activate::OnStartDate if employment.start.is_none() => !pre_hire,
        // A first day beyond the calendar's end has no moment, and does not come.
        Activate::OnStartDate => {
            activation_moment(worker, lifecycle).is_some_and(|moment| now >= moment)
        }
    };
    match (active, lifecycle.activate) {
        (true, _) => Standing::Active(leaves),
        (false, Activate::OnStartDate) => Standing::Staged(activation_moment(worker, lifecycle)),
        (false, Activate::Immediately | Activate::Never) => Standing::Staged(None),
    }
}

/// Why somebody between two employments has no access: the last day of one is over, and the next has not begun. Where
/// there is no day between them, they are one.
pub(crate) fn between(worker: &Worker, lifecycle: &Lifecycle, now: Timestamp) -> Option<String> {
    let (start, last_day) = worker.employment.start.zip(worker.employment.last_day)?;
    let is_between = last_day.tomorrow().is_ok_and(|next| next < start)
        && now >= leaving_moment(worker, lifecycle)?
        && now < activation_moment(worker, lifecycle)?;
    is_between
        .then(|| format!("the last day was {last_day}, and the next employment begins on {start}"))
}

/// Whether the first day lies so far back that it has begun in every zone: spares most people the arithmetic of theirs.
fn began_long_ago(worker: &Worker, now: Timestamp) -> bool {
    let today = Offset::UTC.to_datetime(now).date();
    let begun = worker
        .employment
        .start
        .and_then(|start| start.checked_add(Span::new().days(3)).ok());
    begun.is_some_and(|begun| begun < today)
}

/// The moment at which the start date begins for this person.
pub fn activation_moment(worker: &Worker, lifecycle: &Lifecycle) -> Option<Timestamp> {
    moment(worker, worker.employment.start?, 0, lifecycle.activate_at)
}

/// The moment at which the last day, with its grace days, has ended for this person.
pub fn leaving_moment(worker: &Worker, lifecycle: &Lifecycle) -> Option<Timestamp> {
    let (days, time) = match lifecycle.leave_at {
        LeaveAt::EndOfLastDay | LeaveAt::OnStatus => (1, Time::midnight()),
        LeaveAt::TimeOfLastDay(time) => (0, time),
    };
    let days = days + i64::from(lifecycle.grace_days);
    let moment = ambiguous(worker, worker.employment.last_day?, days, time)?;
    let first = moment.compatible().ok()?;
    if let AmbiguousOffset::Fold { .. } = moment.offset() {
        let turn = worker.zone.following(first).next()?.timestamp();
        if worker.zone.to_datetime(turn).date() < moment.datetime().date() {
            return moment.later().ok();
        }
    }
    Some(first)
}

/// `days` after a date at a local time, the first of two; `None` beyond the calendar's end.
fn moment(worker: &Worker, date: Date, days: i64, time: Time) -> Option<Timestamp> {
    ambiguous(worker, date, days, time)?.compatible().ok()
}

fn ambiguous(worker: &Worker, date: Date, days: i64, time: Time) -> Option<AmbiguousTimestamp> {
    let date = date.checked_add(Span::new().try_days(days).ok()?).ok()?;
    Some(worker.zone.to_ambiguous_timestamp(date.to_datetime(time)))
}

#[cfg(test)]
mod tests;

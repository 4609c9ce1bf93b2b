//! Where somebody stands by Deel's statuses and dates, all contracts taken together.

use jiff::civil::Date;

use super::{Contract, Person};
use crate::clean::{day, quoted};
use crate::worker::{Employment, Status, Text};

/// Status and dates, all contracts taken together.
pub(super) fn employment(person: &Person, contracts: &[&Contract], today: Date) -> Employment {
    match dates(person, contracts, today) {
        Ok((start, last_day)) => {
            let of_this = last_day.filter(|last| start.is_none_or(|start| *last >= start));
            Employment {
                status: status(person, contracts, of_this),
                start,
                // That of an earlier engagement is of interest until the next one begins.
                last_day: last_day.filter(|_| of_this.is_some() || start > Some(today)),
            }
        }
        Err(unreadable) => Employment::unreadable(unreadable),
    }
}

/// The first and the last day; the error is a date that cannot be read.
///
/// Somebody with any open-ended contract has no last day, whatever other contracts say; the person's own dates speak
/// only where it is clear which contract they are about. A last day before the first one belongs to an earlier
/// engagement.
fn dates<'a>(
    person: &'a Person,
    contracts: &[&'a Contract],
    today: Date,
) -> Result<(Option<Date>, Option<Date>), &'a str> {
    let cancelled = person.active_worker_termination_status.as_deref() == Some("CANCELED");
    let mut start: Option<Date> = None;
    let mut latest_start: Option<Date> = None;
    let mut last_day: Option<Date> = None;
    let mut open = contracts.is_empty();
    // Whether a contract that runs does not say since when: it may have begun.
    let mut undated = false;
    for contract in contracts {
        let begins = day(contract.start_date.as_deref())?;
        let termination = contract.termination_last_day.as_deref();
        let ends = last(termination, contract.completion_date.as_deref(), cancelled)?;
        // A contract whose last day is over no longer runs, whatever its flag still says.
        if contract.is_live() && ends.is_none_or(|day| day >= today) {
            start = start.into_iter().chain(begins).min();
            undated |= begins.is_none();
        }
        latest_start = latest_start.max(begins);
        match ends {
            Some(day) => last_day = last_day.max(Some(day)),
            None => open = true,
        }
    }
    if start.is_none() {
        start = day(person.start_date.as_deref())?.or(latest_start);
    }
    if open && contracts.len() <= 1 {
        let termination = person.termination_last_day.as_deref();
        let of_direct_employee = person.direct_employee_termination_last_day.as_deref();
        let completion = person
            .completion_date
            .as_deref()
            .filter(|_| person.employments.is_empty());
        last_day = last(termination, None, cancelled)?.or(last(
            of_direct_employee,
            completion,
            cancelled,
        )?);
    } else if open {
        last_day = last_day.filter(|last| !undated && start.is_some_and(|start| *last < start));
    }
    Ok((start, last_day))
}

/// The day of a termination that was not cancelled, else that of completion.
fn last<'a>(
    termination: Option<&'a str>,
    completion: Option<&'a str>,
    cancelled: bool,
) -> Result<Option<Date>, &'a str> {
    match day(termination)?.filter(|_| !cancelled) {
        Some(day) => Ok(Some(day)),
        None => day(completion),
    }
}

/// What one status field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotFirm,
    PreHire,
    Employed,
    Ended,
}

/// The stage of a status word of `hiring_status`, `new_hiring_status` or `person_status`.
fn stage(word: &str) -> Option<Stage> {
    Some(match word.to_ascii_lowercase().as_str() {
        "draft" | "pending_invite" | "in_review" | "quote_requires_changes" => Stage::NotFirm,
        "invited" | "onboarding" | "onboarding_at_risk" | "onboarding_overdue" | "onboarded"
        | "not_started" => Stage::PreHire,
        "active" | "offboarding" => Stage::Employed,
        "inactive" | "no_active_contracts" => Stage::Ended,
        _ => return None,
    })
}

/// One status out of all the fields that are present.
fn status(person: &Person, contracts: &[&Contract], last_day: Option<Date>) -> Status {
    let own = [
        &person.hiring_status,
        &person.new_hiring_status,
        &person.person_status,
    ];
    let mut words: Vec<&str> = own.into_iter().flatten().map(Text::as_str).collect();
    if words.is_empty() {
        // A token without the right to the person's status still sees the contracts'.
        words = contracts
            .iter()
            .filter(|contract| contract.is_live() || contracts.iter().all(|other| !other.is_live()))
            .flat_map(|contract| [&contract.hiring_status, &contract.new_hiring_status])
            .flatten()
            .map(Text::as_str)
            .collect();
    }
    let mut agreed = None;
    for word in &words {
        agreed = match (agreed, stage(word)) {
            (_, None) => {
                return Status::Unclear(format!("the status `{}` is unknown", quoted(word)));
            }
            (None, stage) => stage,
            (Some(before), Some(now)) if before == now => Some(now),
            // `hiring_status` has only coarse words: `onboarding` is also what it calls a draft.
            (Some(Stage::NotFirm | Stage::PreHire), Some(Stage::NotFirm | Stage::PreHire)) => {
                Some(Stage::NotFirm)
            }
            _ => {
                let words: Vec<String> = words.into_iter().map(quoted).collect();
                return Status::Unclear(format!("the statuses disagree: `{}`", words.join("`, `")));
            }
        };
    }
    let runs_on = |contract: &&&Contract| {
        let words = [&contract.hiring_status, &contract.new_hiring_status];
        contract.is_live()
            && words
                .into_iter()
                .flatten()
                .any(|word| stage(word) == Some(Stage::Employed))
    };
    let without_contract = person.is_pwac == Some(true)
        || person.hiring_type.as_deref() == Some("person_without_contract");
    match agreed {
        None | Some(Stage::PreHire | Stage::Employed) if without_contract => Status::NotFirm,
        None => Status::Unclear("the record has no status".to_owned()),
        Some(Stage::NotFirm) => Status::NotFirm,
        Some(Stage::PreHire) => Status::PreHire,
        Some(Stage::Employed) if last_day.is_none() && ended(contracts) => Status::Unclear(
            "the person is active and every contract has ended, without a last day".to_owned(),
        ),
        Some(Stage::Employed) => Status::Employed,
        Some(Stage::Ended)
            if last_day.is_none() && contracts.iter().any(|contract| runs_on(&contract)) =>
        {
            Status::Unclear(
                "the person is inactive and a contract is active, without a last day".to_owned(),
            )
        }
        Some(Stage::Ended) => Status::Ended,
    }
}

fn ended(contracts: &[&Contract]) -> bool {
    !contracts.is_empty() && contracts.iter().all(|contract| !contract.is_live())
}

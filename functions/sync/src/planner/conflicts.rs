//! People who are not touched because HR names them twice, or two of them claim one user.

use mapping::{SystemUser, WorkerKey};

use super::index::hash;
use super::{Candidate, Found};
use crate::plan::Reason;

/// Refuses those who share a work e-mail or an employee identifier with somebody who has the better claim, and those
/// who claim one user.
///
/// Of several people with one work e-mail, those whose users are ours stay; else the only one of the first source. So
/// it is with the identifier, as far as it is not what an existing user is recognised by.
pub(super) fn refuse_rivals<'a>(candidates: &mut [Candidate<'a>]) {
    let email = |candidate: &Candidate<'a>| candidate.worker.work_email.as_deref();
    refuse_sharing(candidates, email, "duplicate_email", "work e-mail");
    let (code, what) = ("duplicate_employee_id", "employee identifier");
    let identifier = |candidate: &Candidate<'a>| {
        let is_open = candidate.refusal.is_none() && candidate.found.claimed().is_none();
        candidate.identifier().filter(|_| is_open)
    };
    refuse_sharing(candidates, identifier, code, what);
    // One user is one place in the snapshot.
    let place = |user: &SystemUser| std::ptr::from_ref(user).addr();
    let open = || present(candidates).filter(|(_, candidate)| candidate.refusal.is_none());
    let claims = open().filter_map(|(index, c)| Some((place(c.found.claimed()?), index)));
    let owners = open().filter_map(|(index, c)| match c.found {
        Found::Linked(_, user) => Some((place(user), index)),
        _ => None,
    });
    let rivals = [shared(claims.collect()), shared(owners.collect())];
    for rivals in rivals.into_iter().flatten() {
        for index in &rivals {
            let others = others(candidates, &rivals, *index);
            let text = format!("the same JumpCloud user is claimed by {others}: neither gets it");
            refuse(candidates, *index, Reason::new("claimed_twice", text));
        }
    }
}

/// Refuses those of whom HR says the same as of somebody with the better claim, where only one can have it.
fn refuse_sharing<'a>(
    candidates: &mut [Candidate<'a>],
    value: impl Fn(&Candidate<'a>) -> Option<&'a str>,
    code: &'static str,
    what: &str,
) {
    for rivals in sharing(candidates, value) {
        let winners = winners(candidates, &rivals);
        for index in rivals.iter().filter(|index| !winners.contains(index)) {
            let others = others(candidates, &rivals, *index);
            let text =
                format!("HR has this {what} also for {others}: only one of them can have it");
            refuse(candidates, *index, Reason::new(code, text));
        }
    }
}

/// The indexes of those who share a value. Sorted by a hash first: to sort 100,000 addresses costs more than all the
/// rest of planning.
fn sharing<'a>(
    candidates: &[Candidate<'a>],
    value: impl Fn(&Candidate<'a>) -> Option<&'a str>,
) -> Vec<Vec<usize>> {
    let of = |index: usize| value(candidates.get(index)?);
    let hashed = present(candidates).filter_map(|(index, _)| Some((hash(of(index)?), index)));
    let groups = shared(hashed.collect()).into_iter();
    groups
        .flat_map(|group| {
            let values = group.iter().filter_map(|index| Some((of(*index)?, *index)));
            shared(values.collect())
        })
        .collect()
}

fn present<'c, 'a>(
    candidates: &'c [Candidate<'a>],
) -> impl Iterator<Item = (usize, &'c Candidate<'a>)> {
    let all = candidates.iter().enumerate();
    all.filter(|(_, candidate)| candidate.is_present())
}

/// The indexes that share a key, where more than one does.
fn shared<K: Ord>(mut keyed: Vec<(K, usize)>) -> Vec<Vec<usize>> {
    keyed.sort_unstable();
    keyed
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(_, index)| *index).collect())
        .collect()
}

fn winners(candidates: &[Candidate<'_>], rivals: &[usize]) -> Vec<usize> {
    let of = |index: &usize| candidates.get(*index);
    let linked = |index: &&usize| of(index).is_some_and(|c| matches!(c.found, Found::Linked(..)));
    let ours: Vec<usize> = rivals.iter().filter(linked).copied().collect();
    if !ours.is_empty() {
        return ours;
    }
    let first = rivals.iter().filter_map(of).map(|c| c.rank).min();
    let in_first = |index: &&usize| of(index).map(|c| c.rank) == first;
    match rivals
        .iter()
        .filter(in_first)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [only] => vec![**only],
        _ => Vec::new(),
    }
}

fn others(candidates: &[Candidate<'_>], rivals: &[usize], index: usize) -> String {
    let others = rivals.iter().filter(|other| **other != index);
    let keys = others.filter_map(|other| Some(candidates.get(*other)?.key()));
    keys.map(|key: WorkerKey| key.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn refuse(candidates: &mut [Candidate<'_>], index: usize, reason: Reason) {
    if let Some(candidate) = candidates.get_mut(index) {
        candidate.refusal = Some(Box::new(reason));
    }
}

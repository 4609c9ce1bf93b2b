//! Who comes first where time may end: pure.

use std::collections::BTreeMap;

use mapping::WorkerKey;

use crate::plan::{Change, PersonPlan};

/// The indexes of the people in waves, each to be done before the next: first those who lose access, so that however many
/// join, nobody waits for them to leave; then everyone after a manager who gets a user in this run.
pub(crate) fn waves<'a>(people: impl IntoIterator<Item = &'a PersonPlan>) -> Vec<Vec<usize>> {
    let people: Vec<&PersonPlan> = people.into_iter().collect();
    let founded: BTreeMap<&WorkerKey, usize> = people
        .iter()
        .enumerate()
        .filter(|(_, person)| person.founds())
        .map(|(index, person)| (&person.key, index))
        .collect();
    let manager_at: Vec<Option<usize>> = people
        .iter()
        .map(|person| founded.get(&person.awaits()?).copied())
        .collect();
    let mut waves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, person) in people.iter().enumerate() {
        let wave = if person.changes.iter().any(Change::takes_access) {
            0
        } else {
            let managers =
                std::iter::successors(Some(index), |at| manager_at.get(*at).copied().flatten());
            // The plan leaves circles of managers out; the bound only makes that plain.
            managers.take(people.len()).count()
        };
        waves.entry(wave).or_default().push(index);
    }
    waves.into_values().collect()
}

//! Limits and approvals: which classes of change are held back. Pure, and before the first write.
//!
//! A class is held, never the run: a held suspension does not delay a joiner.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use mapping::{Class, Missing, Rehires, SourceName, Text, WorkerKey};
use serde::{Deserialize, Serialize};

use crate::plan::{Change, ChangeDigest, PersonPlan, Plan, RunWarning, SourceFacts, manager_of};

/// What may be applied: only [`Plan::judge`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovedPlan {
    people: Vec<ApprovedPerson>,
}

impl ApprovedPlan {
    /// Everyone of the plan, those whom nothing may happen to included.
    pub fn people(&self) -> &[ApprovedPerson] {
        &self.people
    }
}

/// One person with what may happen to them.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovedPerson {
    /// The person, with the changes that may be applied.
    pub plan: PersonPlan,
    /// The changes that are held.
    pub held: Vec<Change>,
}

/// What is held, by source and class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// One entry for each held class of each source.
    pub classes: Vec<HeldClass>,
    /// Of each held class, the changes that its digest covers.
    pub covers: BTreeMap<ChangeDigest, Vec<ChangeDigest>>,
    /// Sources whose shrinking holds something back.
    pub shrunk: BTreeSet<SourceName>,
}

/// One held class of one source, as the report shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldClass {
    /// The source.
    pub source: SourceName,
    /// The class.
    pub class: Class,
    /// How many people it would touch.
    pub count: usize,
    /// The rule that holds it.
    pub limit: HeldBy,
    /// Approves just these changes: `sha256:<hex>`.
    pub digest: String,
}

/// The rule that holds a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// `max`, `percent`, `shrink`, or `policy` when the source's own setting says hold.
    pub rule: Text,
    /// The limit's value; of `shrink` the people whom the source no longer lists.
    pub value: u64,
}

/// Changes that somebody approved after they were shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Approvals(pub BTreeSet<ChangeDigest>);

impl Plan {
    /// The rules that hold back each class of each source, before any approval. Emptied attributes are counted
    /// attribute by attribute.
    pub fn held_by(&self, config: &Config) -> BTreeMap<(SourceName, Class), HeldBy> {
        let mut counts: BTreeMap<(&SourceName, Class, &str), usize> = BTreeMap::new();
        for person in &self.people {
            let counted: BTreeSet<(Class, &str)> = person
                .changes
                .iter()
                .map(|change| {
                    (
                        change.class,
                        if change.class == Class::Blank {
                            change.attribute.as_str()
                        } else {
                            ""
                        },
                    )
                })
                .collect();
            for (class, attribute) in counted {
                *counts
                    .entry((&person.key.source, class, attribute))
                    .or_insert(0) += 1;
            }
        }
        let mut held = BTreeMap::new();
        for ((source, class, _), count) in counts {
            let facts = self.sources.iter().find(|facts| facts.name == *source);
            if let Some(rule) = facts.and_then(|facts| rule_for(config, facts, class, count)) {
                held.insert((source.clone(), class), rule);
            }
        }
        held
    }

    /// Splits the plan into what may be applied and what is held. An approved change passes in any case; the
    /// others of its class stay held while the class is.
    pub fn judge(
        self,
        config: &Config,
        approvals: &Approvals,
    ) -> (ApprovedPlan, Held, Vec<RunWarning>) {
        let rules = self.held_by(config);
        let mut held: BTreeMap<(SourceName, Class), (usize, Vec<ChangeDigest>)> = BTreeMap::new();
        let mut vanished = approvals.0.clone();
        let mut people = Vec::with_capacity(self.people.len());
        for mut plan in self.people {
            let mut passed = Vec::new();
            let mut kept = Vec::new();
            for change in std::mem::take(&mut plan.changes) {
                let digest = plan.digest(&change);
                let approved = vanished.remove(&digest) || approvals.0.contains(&digest);
                let is_held =
                    !approved && rules.contains_key(&(plan.key.source.clone(), change.class));
                if is_held { &mut kept } else { &mut passed }.push((digest, change));
            }
            // An account is made or taken over whole or not at all, and nothing else happens before.
            let founding = |(_, change): &(ChangeDigest, Change)| {
                matches!(change.class, Class::Create | Class::Adopt)
            };
            if kept.iter().any(founding) {
                kept.append(&mut passed);
            }
            let mut classes = BTreeSet::new();
            for (digest, change) in &kept {
                let entry = held
                    .entry((plan.key.source.clone(), change.class))
                    .or_default();
                entry.1.push(*digest);
                if classes.insert(change.class) {
                    entry.0 += 1;
                }
            }
            plan.changes = passed.into_iter().map(|(_, change)| change).collect();
            let held = kept.into_iter().map(|(_, change)| change).collect();
            people.push(ApprovedPerson { plan, held });
        }
        wait_for_held_managers(&mut people);
        let warnings = (!vanished.is_empty())
            .then(|| {
                let count = vanished.len();
                RunWarning::of_run("approval_vanished", format!("{count} approved changes are no longer in the plan as they were shown; nothing was done for them"))
            })
            .into_iter()
            .collect();
        (ApprovedPlan { people }, Held::new(held, &rules), warnings)
    }
}

/// Whose manager's account is held is left for a later run: nothing of theirs is held by it.
fn wait_for_held_managers(people: &mut [ApprovedPerson]) {
    let founding = |change: &Change| matches!(change.class, Class::Create | Class::Adopt);
    let held: BTreeSet<WorkerKey> = people
        .iter()
        .filter(|person| person.held.iter().any(founding))
        .map(|person| person.plan.key.clone())
        .collect();
    for ApprovedPerson { plan, .. } in people {
        if plan.awaits().is_some_and(|manager| held.contains(&manager)) {
            plan.changes
                .retain(|change| manager_of(&change.to).is_none());
        }
    }
}

impl Held {
    fn new(
        held: BTreeMap<(SourceName, Class), (usize, Vec<ChangeDigest>)>,
        rules: &BTreeMap<(SourceName, Class), HeldBy>,
    ) -> Self {
        let mut all = Self::default();
        for ((source, class), (count, digests)) in held {
            // What waits for a held creation or adoption is held by the same rule.
            let founding = [class, Class::Create, Class::Adopt];
            let Some(limit) = founding
                .iter()
                .find_map(|class| rules.get(&(source.clone(), *class)))
            else {
                continue;
            };
            if limit.rule == "shrink" {
                all.shrunk.insert(source.clone());
            }
            let digest = ChangeDigest::of_all(digests.iter().copied());
            all.classes.push(HeldClass {
                source,
                class,
                count,
                limit: limit.clone(),
                digest: digest.to_string(),
            });
            all.covers.insert(digest, digests);
        }
        all
    }
}

/// The rule that holds `count` changes of a class of one source, if any.
fn rule_for(config: &Config, facts: &SourceFacts, class: Class, count: usize) -> Option<HeldBy> {
    let source = config
        .sources
        .iter()
        .find(|source| source.name == facts.name)?;
    let lifecycle = &source.policy.lifecycle;
    let held_by_source = match class {
        Class::Missing => lifecycle.missing == Missing::Hold,
        Class::Reactivate => lifecycle.rehires == Rehires::Hold,
        _ => false,
    };
    if held_by_source {
        return Some(HeldBy {
            rule: Text::const_new("policy"),
            value: 0,
        });
    }
    let destructive = matches!(class, Class::Suspend | Class::Missing | Class::OutOfScope);
    if destructive && let Some(gone) = shrunk_by(config, facts) {
        return Some(HeldBy {
            rule: Text::const_new("shrink"),
            value: gone as u64,
        });
    }
    let recent = facts.recent.get(&class).copied().unwrap_or(0);
    let exceeded = config
        .limits
        .classes
        .get(&class)?
        .exceeded_by(count + recent, facts.links)?;
    Some(HeldBy {
        rule: Text::const_new(exceeded.rule),
        value: u64::from(exceeded.value),
    })
}

/// How many people a complete source no longer lists, when that is more than the limit.
pub(crate) fn shrunk_by(config: &Config, facts: &SourceFacts) -> Option<usize> {
    let before = usize::try_from(facts.listed_before?).ok()?;
    let gone = before
        .checked_sub(facts.listed)
        .filter(|_| facts.complete)?;
    config.limits.shrink.exceeded_by(gone, before).map(|_| gone)
}

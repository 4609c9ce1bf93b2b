//! Limits and approvals: which classes of change are held back. Pure, and before the first write.
//!
//! A class is held, never the run: a held suspension does not delay a joiner.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use mapping::{Class, Missing, OutOfScope, Rehires, SourceName, Text, WorkerId, WorkerKey};
use serde::{Deserialize, Serialize};

use crate::plan::{
    Change, ChangeDigest, GroupFacts, Membership, Note, PersonPlan, Plan, RunWarning, SourceFacts,
    manager_of,
};

/// What may be applied: only [`Plan::judge`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovedPlan {
    people: Vec<ApprovedPerson>,
    groups: BTreeMap<Text, GroupFacts>,
    shown: Vec<ChangeDigest>,
}

impl ApprovedPlan {
    /// Everyone of the plan, those whom nothing may happen to included.
    pub fn people(&self) -> &[ApprovedPerson] {
        &self.people
    }

    /// The groups that people are put into and taken out of, by name.
    pub fn groups(&self) -> &BTreeMap<Text, GroupFacts> {
        &self.groups
    }

    /// The digest of each change of the plan, of those that are held, too.
    pub fn shown(&self) -> &[ChangeDigest] {
        &self.shown
    }

    /// Whether somebody of this source who has access is missing, and that is not settled.
    pub(crate) fn has_missing(&self, source: &SourceName) -> bool {
        let is_open = |person: &ApprovedPerson| {
            let noted = matches!(person.plan.note, Note::Missing | Note::StillThere(_));
            noted
                || person
                    .held
                    .iter()
                    .any(|change| change.class == Class::Missing)
        };
        let people = self.people.iter();
        people
            .filter(|person| person.plan.key.source == *source)
            .any(is_open)
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

/// What is held, by source and class, and removals from groups by group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// One entry for each held class of each source; for each group where people would leave it.
    pub classes: Vec<HeldClass>,
    /// Of each held class, the changes that its digest covers.
    pub covers: BTreeMap<ChangeDigest, Vec<ChangeDigest>>,
}

/// One held class of one source, as the report shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldClass {
    /// The source.
    pub source: SourceName,
    /// The class.
    pub class: Class,
    /// The group that people would leave, where that is what is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
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
    /// People of the last 24 hours who were counted with these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recent: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What a limit counts together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// The changes of one class of one source.
    Class(SourceName, Class),
    /// The values of one attribute of one source that are emptied.
    Blank(SourceName, Text),
    /// The members who leave one group, whatever their source.
    Group(Text),
}

impl Counted {
    /// What this change counts towards.
    pub(crate) fn of(source: &SourceName, change: &Change) -> Self {
        match (change.class, group_left(change)) {
            (Class::Blank, _) => Self::Blank(source.clone(), change.attribute.clone()),
            (Class::GroupRemove, Some(group)) => Self::Group(group),
            (class, _) => Self::Class(source.clone(), class),
        }
    }
}

/// The group that somebody leaves by this change.
fn group_left(change: &Change) -> Option<Text> {
    match change.membership()? {
        Membership::Leaves(group) => Some(group.into()),
        Membership::Joins(_) => None,
    }
}

/// What the report shows as held together: a class of a source, and of those who leave groups one group.
type HeldKey = (SourceName, Class, Option<Text>);

/// How many people are held by something, and with which changes.
#[derive(Default)]
struct HeldPart {
    people: usize,
    changes: Vec<ChangeDigest>,
}

/// Changes that somebody approved after they were shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Approvals(pub BTreeSet<ChangeDigest>);

impl Plan {
    /// Whether a plan for a few people holds something that is judged by all links.
    pub(crate) fn needs_all_links(&self, config: &Config) -> bool {
        let takes_access = |person: &PersonPlan| person.changes.iter().any(Change::takes_access);
        self.people.iter().any(takes_access) || !self.held_by(config).is_empty()
    }

    /// The rules that hold something back, before any approval.
    pub fn held_by(&self, config: &Config) -> BTreeMap<Counted, HeldBy> {
        let mut people: BTreeMap<Counted, BTreeSet<&WorkerKey>> = BTreeMap::new();
        for person in &self.people {
            // Of a person's many changes most count towards the same.
            let changes = person.changes.iter();
            let counted: BTreeSet<Counted> = changes
                .map(|change| Counted::of(&person.key.source, change))
                .collect();
            for counted in counted {
                let counted = people.entry(counted).or_default();
                counted.insert(&person.key);
            }
        }
        people
            .into_iter()
            .filter_map(|(counted, people)| {
                let rule = self.rule_for(config, &counted, &people)?;
                Some((counted, rule))
            })
            .collect()
    }

    fn rule_for(
        &self,
        config: &Config,
        counted: &Counted,
        people: &BTreeSet<&WorkerKey>,
    ) -> Option<HeldBy> {
        let of_source = |source: &SourceName, class| {
            let facts = self.sources.iter().find(|facts| facts.name == *source)?;
            rule_for(config, facts, class, people)
        };
        match counted {
            Counted::Class(source, class) => of_source(source, *class),
            Counted::Blank(source, _) => of_source(source, Class::Blank),
            Counted::Group(name) => {
                let given = self.groups.get(name).map_or(0, |facts| facts.given);
                limit_of(config, Class::GroupRemove, people.len(), given, 0)
            }
        }
    }

    /// Splits the plan into what may be applied and what is held. An approved change passes in any case; the
    /// others of its class stay held while the class is.
    pub fn judge(
        self,
        config: &Config,
        approvals: &Approvals,
    ) -> (ApprovedPlan, Held, Vec<RunWarning>) {
        let rules = self.held_by(config);
        let mut held: BTreeMap<HeldKey, HeldPart> = BTreeMap::new();
        let mut vanished = approvals.0.clone();
        let mut people = Vec::with_capacity(self.people.len());
        let mut shown = Vec::new();
        for mut plan in self.people {
            let mut passed = Vec::new();
            let mut kept = Vec::new();
            for change in std::mem::take(&mut plan.changes) {
                let digest = plan.digest(&change);
                shown.push(digest);
                let approved = vanished.remove(&digest) || approvals.0.contains(&digest);
                let is_held =
                    !approved && rules.contains_key(&Counted::of(&plan.key.source, &change));
                if is_held { &mut kept } else { &mut passed }.push((digest, change));
            }
            // An account is made or taken over whole or not at all, and nothing else happens before.
            let founding = |(_, change): &(ChangeDigest, Change)| {
                matches!(change.class, Class::Create | Class::Adopt)
            };
            if kept.iter().any(founding) {
                kept.append(&mut passed);
            }
            // Whoever keeps their access keeps their groups.
            if kept.iter().any(|(_, change)| change.takes_access()) {
                let leaves = passed.extract_if(.., |(_, change)| group_left(change).is_some());
                kept.extend(leaves);
            }
            let mut counted = BTreeSet::new();
            for (digest, change) in &kept {
                let key = (plan.key.source.clone(), change.class, group_left(change));
                let part = held.entry(key.clone()).or_default();
                part.changes.push(*digest);
                part.people += usize::from(counted.insert(key));
            }
            plan.changes = passed.into_iter().map(|(_, change)| change).collect();
            let held: Vec<Change> = kept.into_iter().map(|(_, change)| change).collect();
            if !held.is_empty() {
                // What is held is planned again: HR is asked again for it.
                plan.details = None;
            }
            people.push(ApprovedPerson { plan, held });
        }
        wait_for_held_managers(&mut people);
        let warnings = (!vanished.is_empty())
            .then(|| {
                let count = vanished.len();
                RunWarning::of_run("approval_vanished", format!("{count} approved changes are already done, or have changed since they were shown; nothing was done for them"))
            })
            .into_iter()
            .collect();
        let approved = ApprovedPlan {
            people,
            groups: self.groups,
            shown,
        };
        (approved, Held::new(held, &rules), warnings)
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
            let source = &plan.key.source;
            plan.changes
                .retain(|change| manager_of(&change.to, source).is_none());
        }
    }
}

/// The classes that other changes of the same person wait for.
const WAITED_FOR: [Class; 5] = [
    Class::Create,
    Class::Adopt,
    Class::Suspend,
    Class::Missing,
    Class::OutOfScope,
];

impl Held {
    fn new(held: BTreeMap<HeldKey, HeldPart>, rules: &BTreeMap<Counted, HeldBy>) -> Self {
        let mut all = Self::default();
        for ((source, class, group), HeldPart { people, changes }) in held {
            let rule = |class: Class| {
                let mut rules = rules.iter();
                let (_, rule) = rules.find(|(counted, _)| match counted {
                    Counted::Class(of, held) => *of == source && *held == class,
                    Counted::Blank(of, _) => *of == source && class == Class::Blank,
                    Counted::Group(name) => {
                        class == Class::GroupRemove && group.as_ref() == Some(name)
                    }
                })?;
                Some(rule.clone())
            };
            // What waits for something else that is held is held by the same rule.
            let mut classes = std::iter::once(class).chain(WAITED_FOR);
            let Some(limit) = classes.find_map(rule) else {
                continue;
            };
            let digest = ChangeDigest::of_all(changes.iter().copied());
            all.classes.push(HeldClass {
                source,
                class,
                group,
                count: people,
                limit,
                digest: digest.to_string(),
            });
            all.covers.insert(digest, changes);
        }
        all
    }
}

/// The rule that holds a class of changes of these people of one source, if any.
fn rule_for(
    config: &Config,
    facts: &SourceFacts,
    class: Class,
    people: &BTreeSet<&WorkerKey>,
) -> Option<HeldBy> {
    let source = config
        .sources
        .iter()
        .find(|source| source.name == facts.name)?;
    let lifecycle = &source.policy.lifecycle;
    let held_by_source = match class {
        Class::Missing => lifecycle.missing == Missing::Hold,
        Class::Reactivate => lifecycle.rehires == Rehires::Hold,
        Class::OutOfScope => lifecycle.out_of_scope == OutOfScope::Hold,
        _ => false,
    };
    if held_by_source {
        return Some(HeldBy {
            rule: Text::const_new("policy"),
            value: 0,
            recent: 0,
        });
    }
    let destructive = matches!(class, Class::Suspend | Class::Missing | Class::OutOfScope);
    if destructive && let Some(gone) = shrunk_by(config, facts) {
        return Some(HeldBy {
            rule: Text::const_new("shrink"),
            value: gone as u64,
            recent: 0,
        });
    }
    // Somebody whose suspension was cut off is both planned and recent, and counts once.
    let recent = facts.recent.get(&class).into_iter().flatten();
    let planned: BTreeSet<&WorkerId> = people.iter().map(|key| &key.worker_id).collect();
    let recent = recent.filter(|worker| !planned.contains(worker)).count();
    limit_of(config, class, people.len(), facts.links, recent)
}

/// The limit of a class that so many people exceed, of a whole of so many.
fn limit_of(
    config: &Config,
    class: Class,
    people: usize,
    of: usize,
    recent: usize,
) -> Option<HeldBy> {
    let limit = config.limits.classes.get(&class)?;
    let exceeded = limit.exceeded_by(people + recent, of)?;
    Some(HeldBy {
        rule: Text::const_new(exceeded.rule),
        value: u64::from(exceeded.value),
        recent,
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

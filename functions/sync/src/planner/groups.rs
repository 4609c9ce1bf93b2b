//! Groups by rule: who is put into a group, and whom a rule no longer keeps there.
//!
//! Only what a rule gave is ever taken away: who was in a group already, by anybody's hand, is none of ours.

use std::collections::{BTreeMap, BTreeSet};

use mapping::{
    Class, GroupRule, Leavers, OutOfScope, Standing, SystemUser, SystemUserId, Text, UserGroup,
    UserGroupId, UserState, Worker,
};
use state::Link;

use super::index::Index;
use super::known::Known;
use super::{Candidate, Found};
use crate::gather::{self, Scope};
use crate::plan::{Change, GroupFacts, PersonPlan, RunWarning};

/// The groups that rules put people into, each with the name of such a rule.
type Given<'a> = BTreeMap<&'a UserGroupId, &'a Text>;

/// The rules that can be followed, and the groups that may be written.
pub(super) struct Groups<'a> {
    rules: Vec<Rule<'a>>,
    open: BTreeMap<&'a UserGroupId, Open<'a>>,
    /// Groups that a rule put somebody into and that are no more, or no longer anybody's to write.
    gone: BTreeSet<&'a UserGroupId>,
    /// Everyone in HR, where a rule names a manager by e-mail.
    people: Option<Index<'a, Worker>>,
    /// Whether everyone in HR was to be read.
    everyone: bool,
    pub(super) warnings: Vec<RunWarning>,
}

/// A rule whose group is there, or is to be made.
struct Rule<'a> {
    rule: &'a GroupRule,
    group: Option<&'a UserGroupId>,
}

/// A group that may be written.
struct Open<'a> {
    group: &'a UserGroup,
    members: Index<'a, SystemUserId>,
}

/// What is to become of one person's memberships.
#[derive(Default)]
pub(super) struct Memberships<'a> {
    joins: Vec<&'a Text>,
    leaves: Vec<&'a Text>,
    forgets: Vec<&'a UserGroupId>,
}

/// What rules may do with a person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stance {
    /// The rules decide.
    ByRule,
    /// The person has left, and their user loses access or has lost it: they leave every group that a rule gave.
    Out,
    /// Nothing: memberships stay as they are.
    AsIs,
}

impl<'a> Groups<'a> {
    /// Finds out which rules can be followed; why the others cannot is a warning each.
    pub(super) fn of(known: &Known<'a>) -> Self {
        let rules = &known.config.groups;
        let read = &known.snapshot.groups;
        let mut groups = Self {
            rules: Vec::new(),
            open: BTreeMap::new(),
            gone: BTreeSet::new(),
            people: None,
            everyone: known.snapshot.scope == Scope::Everyone,
            warnings: Vec::new(),
        };
        if let Some(why) = &read.unreadable {
            let message =
                format!("JumpCloud's groups could not be read whole, and none is touched: {why}");
            groups.warn("groups_unreadable", message);
            return groups;
        }
        let links = known.snapshot.links.iter();
        let given: Given<'a> = links.flat_map(|link| &link.groups).collect();
        for rule in rules {
            groups.follow(rule, read, &given);
        }
        for (id, given_by) in given {
            if !groups.is_ruled(id) {
                groups.wind_up(id, given_by, rules, read);
            }
        }
        if rules.iter().any(|rule| rule.when.names_manager_by_email()) {
            let people = known.sources().enumerate().flat_map(|(rank, (read, _))| {
                let workers = read.workers.iter();
                workers.map(move |worker| ((rank, worker.id.as_str()), worker))
            });
            groups.people = Some(Index::new(people));
        }
        groups
    }

    /// Follows a rule, if its group may be written or made.
    fn follow(&mut self, rule: &'a GroupRule, read: &'a gather::Groups, given: &Given<'a>) {
        let name = &rule.name;
        let mut named = read.listed.iter().filter(|group| group.name == *name);
        let group = match (named.next(), named.next()) {
            (Some(group), None) => group,
            (Some(_), Some(_)) => {
                let message = format!(
                    "JumpCloud has several groups called `{name}`, and none of them is touched: give all but one another name"
                );
                return self.warn("group_not_unique", message);
            }
            (None, _) => return self.missing(rule, read, given),
        };
        if !group.is_static() {
            let message = format!(
                "JumpCloud itself decides who is in the group `{name}`, so the rule does not: make it a static group, or take the rule away"
            );
            return self.warn("group_dynamic", message);
        }
        if self.admit(group, read) {
            let group = Some(&group.id);
            self.rules.push(Rule { rule, group });
        }
    }

    /// A rule of whose name there is no group.
    fn missing(&mut self, rule: &'a GroupRule, read: &gather::Groups, given: &Given<'a>) {
        let name = &rule.name;
        let mut listed = read.listed.iter();
        let renamed = listed.find(|group| given.get(&group.id) == Some(&name));
        if let Some(renamed) = renamed {
            let message = format!(
                "the group of the rule `{name}` is now called `{}` in JumpCloud, and is not touched: give the rule this name, or the group its old one",
                renamed.name
            );
            return self.warn("group_renamed", message);
        }
        let advice = match (rule.create, self.everyone) {
            (true, true) => return self.rules.push(Rule { rule, group: None }),
            (true, false) => "a run for everyone makes it",
            (false, _) => "make it there, or set `create = true` in its rule",
        };
        let message =
            format!("JumpCloud has no group called `{name}`, so nobody is put into it: {advice}");
        self.warn("group_missing", message);
    }

    /// Ends what rules gave in a group that is no rule's any more.
    fn wind_up(
        &mut self,
        id: &'a UserGroupId,
        given_by: &Text,
        rules: &[GroupRule],
        read: &'a gather::Groups,
    ) {
        let Some(group) = read.listed.iter().find(|group| group.id == *id) else {
            self.gone.insert(id);
            return;
        };
        let is_its = |rule: &GroupRule| rule.name == *given_by;
        let is_followed = self.rules.iter().any(|followed| is_its(followed.rule));
        let same_name = read.listed.iter().filter(|other| other.name == group.name);
        // As long as a rule that is still there cannot be followed, what it gave stays.
        if rules.iter().any(is_its) && !is_followed || same_name.count() > 1 {
            return;
        }
        if group.is_static() {
            self.admit(group, read);
        } else {
            self.gone.insert(id);
        }
    }

    /// Admits a group to those that may be written, if all its members are known.
    fn admit(&mut self, group: &'a UserGroup, read: &'a gather::Groups) -> bool {
        match read.members.get(&group.id) {
            Some(Ok(members)) => {
                let members = Index::new(members.iter().map(|user| (user.as_str(), user)));
                self.open.insert(&group.id, Open { group, members });
                true
            }
            Some(Err(why)) => {
                let message = format!(
                    "the members of the group `{}` could not be read whole, and it is not touched: {why}",
                    group.name
                );
                self.warn("group_unreadable", message);
                false
            }
            None => false,
        }
    }

    fn warn(&mut self, code: &'static str, message: String) {
        self.warnings.push(RunWarning::of_run(code, message));
    }

    /// The groups that people may be put into or taken out of, by name; whom rules put there is not counted yet.
    pub(super) fn facts(&self) -> BTreeMap<Text, GroupFacts> {
        let new = self.rules.iter().filter(|rule| rule.group.is_none());
        let new = new.map(|rule| (rule.rule.name.clone(), GroupFacts::default()));
        let open = self.open.values().map(|Open { group, .. }| {
            let id = Some(group.id.clone());
            (group.name.clone(), GroupFacts { id, given: 0 })
        });
        new.chain(open).collect()
    }

    /// What is to become of somebody whom HR lists and whom nothing speaks against. `given` are the groups that rules
    /// put them into.
    pub(super) fn of_listed(
        &self,
        candidate: &Candidate<'a>,
        given: &'a BTreeMap<UserGroupId, Text>,
    ) -> Memberships<'a> {
        let mut memberships = Memberships::default();
        let stance = stance(candidate);
        if stance == Stance::AsIs || self.rules.is_empty() && given.is_empty() {
            return memberships;
        }
        let worker = candidate.worker;
        let user = candidate.found.user();
        let manager = self.manager(candidate);
        // Whoever waits for the first day without access is put in with the reactivation.
        let waits = matches!(candidate.standing, Standing::Staged(_))
            && user.is_some_and(|user| user.state() == UserState::Suspended);
        if stance == Stance::ByRule && !waits {
            for Rule { rule, group } in &self.rules {
                let open = || group.and_then(|id| self.open.get(id));
                let is_member = || open().zip(user).is_some_and(|(open, user)| open.has(user));
                let is_sure = || !rule.when.rests_on_unread(worker);
                if rule.when.holds(worker, manager) && is_sure() && !is_member() {
                    memberships.joins.push(&rule.name);
                }
            }
        }
        // A value may be missing only because the read is not whole: nobody leaves a group on that.
        if candidate.read.incomplete.is_none() {
            for id in given.keys() {
                if stance == Stance::Out || !self.may_keep(id, candidate, manager) {
                    self.end(id, &mut memberships);
                }
            }
        }
        memberships
    }

    /// Whether a rule keeps this person in a group, or may do so: in a run for a few people their manager's e-mail may
    /// be unknown.
    fn may_keep(
        &self,
        group: &UserGroupId,
        candidate: &Candidate<'_>,
        manager: Option<&Worker>,
    ) -> bool {
        let worker = candidate.worker;
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| rule.group == Some(group));
        rule.is_some_and(|Rule { rule, .. }| {
            let is_unsure = !self.everyone
                && manager.is_none()
                && worker.manager.is_some()
                && rule.when.names_manager_by_email();
            is_unsure || rule.when.rests_on_unread(worker) || rule.when.holds(worker, manager)
        })
    }

    /// What is to become of somebody whom HR no longer lists and who has, or gets, no access: they leave every group
    /// that a rule gave.
    pub(super) fn of_unlisted(&self, link: &'a Link) -> Memberships<'a> {
        let mut memberships = Memberships::default();
        for id in link.groups.keys() {
            self.end(id, &mut memberships);
        }
        memberships
    }

    /// Ends a membership that a rule gave, as far as its group may be written. Whether the user is in the group is not
    /// asked: a list that lags or is empty would leave them there for good, and a removal of nobody does no harm.
    fn end(&self, group: &'a UserGroupId, memberships: &mut Memberships<'a>) {
        match self.open.get(group) {
            Some(open) => memberships.leaves.push(&open.group.name),
            None if self.gone.contains(group) => memberships.forgets.push(group),
            None => {}
        }
    }

    fn is_ruled(&self, id: &UserGroupId) -> bool {
        self.rules.iter().any(|rule| rule.group == Some(id))
    }

    fn manager(&self, candidate: &Candidate<'a>) -> Option<&'a Worker> {
        let id = candidate.worker.manager.as_ref()?;
        let people = self.people.as_ref()?;
        people.get((candidate.rank, id.as_str()), |worker| worker.id == *id)
    }
}

impl Open<'_> {
    fn has(&self, user: &SystemUser) -> bool {
        let id = &user.id;
        self.members
            .get(id.as_str(), |member| member == id)
            .is_some()
    }
}

impl Memberships<'_> {
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            joins,
            leaves,
            forgets,
        } = self;
        joins.is_empty() && leaves.is_empty() && forgets.is_empty()
    }

    /// Puts them into the plan after everything else: with what makes the user, or lets the person in again, new
    /// memberships are of its class and wait with it for approval.
    pub(super) fn put_into(self, person: &mut PersonPlan) {
        let mut first = [Class::Create, Class::Adopt, Class::Reactivate].into_iter();
        let class = first.find(|class| person.has(*class));
        let class = class.unwrap_or(Class::Update);
        let joins = self
            .joins
            .into_iter()
            .map(|name| Change::joins(class, name));
        let leaves = self.leaves.into_iter().map(|name| Change::leaves(name));
        person.changes.extend(joins.chain(leaves));
        person.forgets = self.forgets.into_iter().cloned().collect();
    }
}

fn stance(candidate: &Candidate<'_>) -> Stance {
    let lifecycle = &candidate.source.policy.lifecycle;
    let can_be_ended = |user: &SystemUser| user.state() != UserState::Unknown;
    match (&candidate.standing, candidate.found) {
        (Standing::Staged(_) | Standing::Active(_), _) => Stance::ByRule,
        (Standing::Gone(_), Found::Linked(_, user))
            if lifecycle.leavers == Leavers::Suspend && can_be_ended(user) =>
        {
            Stance::Out
        }
        (Standing::OutOfScope(_), Found::Linked(_, user))
            if lifecycle.out_of_scope != OutOfScope::Ignore && can_be_ended(user) =>
        {
            Stance::Out
        }
        (
            Standing::Gone(_)
            | Standing::OutOfScope(_)
            | Standing::Absent(_)
            | Standing::Unclear(_),
            _,
        ) => Stance::AsIs,
    }
}

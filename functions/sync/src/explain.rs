//! Why somebody would or would not change: the record, the match, the mapping row by row, the decision. Pure.

use config::Config;
use jiff::Timestamp;
use jiff::civil::Date;
use mapping::{
    Attribute, AttributeRule, Blank, Field, LeaveAt, Lifecycle, NoAccount, Origin, Standing,
    Status, SystemUser, Text, Update, UserGroupId, Worker, WorkerKey, Written, activation_moment,
    hr_value, leaving_moment, value_of,
};
use serde::Serialize;
use serde_json::Value;
use state::Link;

use crate::gather::{Groups, Snapshot};
use crate::judge::Approvals;
use crate::plan::{GROUPS, Plan, RunWarning};
use crate::report::PersonRow;

/// Why one person would or would not change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Who.
    pub key: WorkerKey,
    /// What HR's record says, field by field.
    pub record: Vec<(String, String)>,
    /// The employment status, all status fields taken together.
    pub status: String,
    /// The first day.
    pub start: Option<Date>,
    /// The moment at which it begins where the person is.
    pub starts_at: Option<Timestamp>,
    /// The last day.
    pub last_day: Option<Date>,
    /// The moment at which it has ended where the person is.
    pub leaves_at: Option<Timestamp>,
    /// The time zone of these dates.
    pub zone: String,
    /// Where the person stands, and from what that follows.
    pub standing: String,
    /// The source's settings that decide over access.
    pub policy: String,
    /// The JumpCloud user and why it is this person's, or why there is none.
    pub matched: String,
    /// The mapping, row by row: HR, what we last wrote, JumpCloud.
    pub rows: Vec<ExplainedRow>,
    /// The groups that rules are about, and those that a rule put this person into.
    pub groups: Vec<ExplainedGroup>,
    /// What a run would do.
    pub decision: PersonRow,
    /// What it would warn of.
    pub warnings: Vec<RunWarning>,
}

/// One row of the mapping for one person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedRow {
    /// The JumpCloud attribute.
    pub attribute: String,
    /// The field or the template that it comes from.
    pub from: String,
    /// What HR says.
    pub hr: Value,
    /// What we last wrote.
    pub written: Value,
    /// What JumpCloud holds.
    pub jumpcloud: Value,
    /// When it is written, and what an empty HR value does.
    pub rule: String,
    /// What a run would do.
    pub decision: &'static str,
}

/// One group for one person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedGroup {
    /// The group's name.
    pub name: Text,
    /// What its rule says.
    pub rule: &'static str,
    /// Whether the person is a member, and by whom.
    pub membership: &'static str,
    /// What a run would do.
    pub decision: &'static str,
}

/// Explains everyone whom the snapshot's sources list, and what the plan of it means for them.
pub(crate) fn explain(
    snapshot: &Snapshot,
    plan: Plan,
    config: &Config,
    now: Timestamp,
) -> Vec<Explanation> {
    let warnings = plan.warnings.clone();
    let (approved, _, _) = plan.judge(config, &Approvals::default());
    let mut explanations = Vec::new();
    for read in &snapshot.sources {
        let Some(source) = config
            .sources
            .iter()
            .find(|source| source.name == read.name)
        else {
            continue;
        };
        for worker in &read.workers {
            let key = WorkerKey {
                source: read.name.clone(),
                worker_id: worker.id.clone(),
            };
            let planned = approved
                .people()
                .iter()
                .find(|person| person.plan.key == key);
            let link = snapshot.links.iter().find(|link| link.key == key);
            let user_id = planned
                .and_then(|person| person.plan.user_id.as_ref())
                .or_else(|| link.and_then(|link| link.user_id.as_ref()));
            let user = user_id.and_then(|id| snapshot.users.iter().find(|user| user.id == *id));
            let written = link
                .and_then(|link| link.written().ok())
                .unwrap_or_default();
            let decision = planned.map_or_else(
                || PersonRow::unchanged(key.clone(), user),
                PersonRow::planned,
            );
            let lifecycle = &source.policy.lifecycle;
            let ahead_of = link
                .and_then(|link| link.suspension)
                .filter(|suspension| suspension.holds)
                .and_then(|suspension| suspension.ahead_of);
            let ours = user.filter(|user| {
                let id = link.map(|link| link.user_id.as_ref());
                id.is_some_and(|id| id.is_none_or(|id| *id == user.id))
            });
            let ours = ours.map(mapping::SystemUser::state);
            let standing = match source.policy.standing(worker, now, ours) {
                _ if ahead_of.is_some() && ahead_of == worker.employment.last_day => {
                    "gone: suspended ahead of the last day, as was asked for".to_owned()
                }
                standing => describe(&standing),
            };
            explanations.push(Explanation {
                standing,
                policy: policy(lifecycle),
                record: record(worker),
                status: status(&worker.employment.status),
                start: worker.employment.start,
                starts_at: activation_moment(worker, lifecycle),
                last_day: worker.employment.last_day,
                leaves_at: leaving_moment(worker, lifecycle),
                zone: worker
                    .zone
                    .iana_name()
                    .unwrap_or("a fixed offset")
                    .to_owned(),
                matched: match (link, user) {
                    (Some(_), Some(user)) => format!(
                        "user {} (`{}`, {}) is linked to this person",
                        user.id,
                        user.username,
                        user.state().as_str()
                    ),
                    (Some(link), None) if link.user_id.is_none() => format!(
                        "a create was begun under the username `{}`, and no user is there yet",
                        link.username
                    ),
                    (Some(_), None) => "the linked user no longer exists in JumpCloud".to_owned(),
                    (None, Some(user)) => format!(
                        "user {} (`{}`, {}) was recognised by its employee identifier or work e-mail and is not linked yet",
                        user.id,
                        user.username,
                        user.state().as_str()
                    ),
                    (None, None) => "no JumpCloud user is linked or recognised".to_owned(),
                },
                rows: source
                    .policy
                    .attributes
                    .iter()
                    .map(|rule| row(rule, worker, &written, user, &decision))
                    .collect(),
                groups: groups(&snapshot.groups, config, &read.workers, worker, link, user, &decision),
                warnings: warnings
                    .iter()
                    .filter(|warning| warning.is_about(&key))
                    .cloned()
                    .collect(),
                decision,
                key,
            });
        }
    }
    explanations
}

/// The groups of the rules, then those that a rule put the person into which is no more; `colleagues` are of the same source.
fn groups(
    Groups {
        listed, members, ..
    }: &Groups,
    config: &Config,
    colleagues: &[Worker],
    worker: &Worker,
    link: Option<&Link>,
    user: Option<&SystemUser>,
    decision: &PersonRow,
) -> Vec<ExplainedGroup> {
    let manager = worker.manager.as_ref();
    let manager = manager.and_then(|id| colleagues.iter().find(|other| other.id == *id));
    let is_given = |id: &UserGroupId| link.is_some_and(|link| link.groups.contains_key(id));
    let explained = |name: &Text, id: Option<&UserGroupId>, rule| {
        let known = id.and_then(|id| members.get(id)?.as_ref().ok());
        let is_member = known
            .zip(user)
            .is_some_and(|(members, user)| members.contains(&user.id));
        let membership = if id.is_some() && known.is_none() {
            "not known"
        } else if !is_member {
            "no member"
        } else if id.is_some_and(is_given) {
            "a member by rule"
        } else {
            "a member, not by rule"
        };
        ExplainedGroup {
            name: name.clone(),
            rule,
            membership,
            decision: decided(name, decision),
        }
    };
    let of_rules = config.groups.iter().map(|rule| {
        let group = listed.iter().find(|group| group.name == rule.name);
        let holds = if rule.when.holds(worker, manager) {
            "matches"
        } else {
            "does not match"
        };
        explained(&rule.name, group.map(|group| &group.id), holds)
    });
    let others = listed.iter().filter(|group| {
        let mut rules = config.groups.iter();
        is_given(&group.id) && rules.all(|rule| rule.name != group.name)
    });
    let others = others.map(|group| explained(&group.name, Some(&group.id), "no rule any more"));
    of_rules.chain(others).collect()
}

/// What a run would do about the membership of the group called so.
fn decided(group: &str, decision: &PersonRow) -> &'static str {
    let mut changes = decision
        .changes
        .iter()
        .filter(|change| change.attribute == GROUPS);
    let change = changes.find(|change| change.to == group || change.from == group);
    match change {
        Some(change) if change.held => "held",
        Some(change) if change.to.is_null() => "taken out",
        Some(_) => "put in",
        None => "left as it is",
    }
}

fn record(worker: &Worker) -> Vec<(String, String)> {
    let custom = worker.custom_fields().iter();
    let fields = Field::ALL
        .into_iter()
        .chain(custom.map(|(name, _)| Field::Custom(name.clone())));
    let texts =
        fields.filter_map(|field| Some((field.to_string(), field.text(worker)?.into_owned())));
    let manager = worker
        .manager
        .as_ref()
        .map(|manager| (Field::Manager.to_string(), manager.to_string()));
    texts.chain(manager).collect()
}

fn status(status: &Status) -> String {
    match status {
        Status::NotFirm => "not firm yet".to_owned(),
        Status::PreHire => "pre-hire".to_owned(),
        Status::Employed => "employed".to_owned(),
        Status::Ended => "ended".to_owned(),
        Status::Unclear(seen) => format!("unclear: {seen}"),
    }
}

fn describe(standing: &Standing) -> String {
    match standing {
        Standing::Absent(NoAccount::NotFirm) => "no account yet: HR is not firm".to_owned(),
        Standing::Absent(NoAccount::NoStartDate) => "no account yet: no start date".to_owned(),
        Standing::Absent(NoAccount::NotBefore(moment)) => format!("no account before {moment}"),
        Standing::Absent(NoAccount::Leaving) => {
            "leaving: access that is there stays until the last day ends, none is given".to_owned()
        }
        Standing::Staged(Some(moment)) => format!("an account without access until {moment}"),
        Standing::Staged(None) => "an account without access until it is activated".to_owned(),
        Standing::Active(Some(moment)) => format!("access until {moment}"),
        Standing::Active(None) => "access".to_owned(),
        Standing::Gone(why) => format!("gone: {why}"),
        Standing::Unclear(seen) => format!("unclear, so nothing is changed: {seen}"),
        Standing::OutOfScope(why) => format!("out of the source's scope: {why}"),
    }
}

fn policy(lifecycle: &Lifecycle) -> String {
    let Lifecycle {
        activate,
        provision_days_before,
        activate_at,
        leave_at,
        grace_days,
        invite,
        reinvite,
        leavers,
        missing,
        missing_runs,
        rehires,
        out_of_scope,
    } = lifecycle;
    let provision = provision_days_before.map_or("any".to_owned(), |days| days.to_string());
    let leaves = match leave_at {
        LeaveAt::TimeOfLastDay(time) => time.strftime("%H:%M").to_string(),
        LeaveAt::EndOfLastDay | LeaveAt::OnStatus => word(leave_at),
    };
    format!(
        "activate {} at {}, provision_days_before {provision}, invite {}, reinvite {reinvite}, leave_at {leaves}, \
         grace_days {grace_days}, leavers {}, missing {} after {missing_runs}, rehires {}, out_of_scope {}",
        word(activate),
        activate_at.strftime("%H:%M"),
        word(invite),
        word(leavers),
        word(missing),
        word(rehires),
        word(out_of_scope),
    )
}

/// A choice in the configuration's word for it, which is the variant's name in snake case.
fn word(choice: &impl std::fmt::Debug) -> String {
    let mut word = String::new();
    for letter in format!("{choice:?}").chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

fn row(
    rule: &AttributeRule,
    worker: &Worker,
    written: &Written,
    user: Option<&SystemUser>,
    decision: &PersonRow,
) -> ExplainedRow {
    let attribute = rule.attribute.to_string();
    let hr = hr_value(rule, worker);
    let jumpcloud = user.map_or(Value::Null, |user| value_of(&rule.attribute, user));
    let change = decision
        .changes
        .iter()
        .find(|change| change.attribute == attribute);
    let decision = match change {
        Some(change) if change.held => "held",
        Some(_) => "written",
        None if rule.rests_on_unread(worker) => "left as it is: not read",
        None if hr == jumpcloud => "in step",
        None if rule.attribute == Attribute::Manager && !hr.is_null() && !jumpcloud.is_null() => {
            "in step"
        }
        None if hr.is_null() && rule.blank == Blank::Keep => "kept: HR has none",
        None => "left as it is",
    };
    let update = match rule.update {
        Update::Always => "always",
        Update::OnChange => "on_change",
        Update::IfEmpty => "if_empty",
        Update::Once => "once",
        Update::Never => "never",
    };
    let blank = match rule.blank {
        Blank::Keep => "keep",
        Blank::Clear => "clear",
    };
    ExplainedRow {
        from: match &rule.origin {
            Origin::Field(field) => field.to_string(),
            Origin::Template(_) => "a template".to_owned(),
        },
        written: written.sent(&rule.attribute).cloned().unwrap_or_default(),
        hr,
        jumpcloud,
        rule: format!("{update}, blank: {blank}"),
        decision,
        attribute,
    }
}

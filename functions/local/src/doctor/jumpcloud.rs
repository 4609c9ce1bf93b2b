//! JumpCloud: the key and what it opens, and the users who are there.

use std::collections::BTreeSet;

use clients::{ClientError, JumpCloud, Organization, UserQuery, chain};
use config::Config;
use mapping::{Attribute, SystemUser, Text};
use secrets::Secrets;
use tokio::time::Instant;

use super::finding::Finding;
use super::{PATIENCE_FOR_USERS, clock, deadline};

/// The check of the key itself.
pub(super) const KEY: &str = "jumpcloud_key";

/// Everything about JumpCloud; with a key that does not work, that alone.
pub(super) async fn check(
    config: &Config,
    secrets: &Secrets,
    allowed_hosts: &[String],
) -> Vec<Finding> {
    let client = match startup::jumpcloud(&config.jumpcloud, secrets, allowed_hosts) {
        Ok(client) => client,
        Err(error) => {
            let advice = "correct `jumpcloud.base_url`, or leave it out";
            return vec![Finding::failed(KEY, chain(&error), advice)];
        }
    };
    let run = client.begin(deadline());
    let one = UserQuery {
        limit: 1,
        ..UserQuery::default()
    };
    if let Err(error) = run.users_page::<SystemUser>(&one).await {
        return vec![refused(config, &error)];
    }
    let address = &config.jumpcloud.base_url;
    let taken = Finding::ok(KEY, format!("{address} takes the key"));
    let rights = Finding::unknown(
        "jumpcloud_rights",
        "whether the key may write cannot be tried without writing",
        "its administrator needs a role that may write users and groups (docs/security.md)",
    );
    let (organization, users) = tokio::join!(
        organization(config, &run),
        users(config, client.begin(Instant::now() + PATIENCE_FOR_USERS)),
    );
    let mut findings = vec![taken, rights];
    findings.extend(organization);
    findings.extend(users);
    findings
}

fn refused(config: &Config, error: &ClientError) -> Finding {
    let check = KEY;
    let (address, secret) = (&config.jumpcloud.base_url, &config.jumpcloud.api_key);
    match error {
        error if error.is_unauthorized() || matches!(error, ClientError::Key { .. }) => {
            Finding::failed(
                check,
                chain(error),
                format!(
                    "store the right key in `{secret}`. A key works in its own region alone, and {address} was asked: is \
                 `jumpcloud.region` (us, eu, in) right, and is the key's administrator still there?"
                ),
            )
        }
        error if error.is_forbidden() => Finding::failed(
            check,
            chain(error),
            "give the key's administrator a role that may read and write users and groups (docs/security.md)",
        ),
        error if error.is_retryable() => Finding::failed(
            check,
            chain(error),
            "look at JumpCloud's status page, the network and `jumpcloud.base_url`, then try again",
        ),
        error => Finding::failed(
            check,
            chain(error),
            format!(
                "is {address} JumpCloud's own address for `jumpcloud.region`, and `jumpcloud.organization` right?"
            ),
        ),
    }
}

/// Which organisation it is, the state of users that others make, and the time.
async fn organization(config: &Config, run: &JumpCloud) -> Vec<Finding> {
    let check = "jumpcloud_organization";
    let (all, time) = match run.organizations().await {
        Ok(read) => read,
        Err(error) => {
            let advice = "nothing, if the key's role may not read the organisation: rollcall does not need it";
            return vec![Finding::unknown(check, chain(&error), advice)];
        }
    };
    let wanted = config.jumpcloud.organization.as_str();
    let ours = match all.as_slice() {
        [only] if wanted.is_empty() => Some(only),
        _ => all.iter().find(|organization| organization.id == wanted),
    };
    let clock = clock::skew("JumpCloud", time);
    let Some(ours) = ours else {
        let ids = list(all.iter().map(|organization| organization.id.as_str()));
        let found = format!("the key opens {}: {ids}", all.len());
        let advice = "write the id of the one to keep in step as `jumpcloud.organization`";
        return vec![clock, Finding::failed(check, found, advice)];
    };
    let name = ours.display_name.as_deref().unwrap_or("without a name");
    let found = Finding::ok(check, format!("{name}, {}", ours.id));
    vec![clock, found, default_state(run, ours).await]
}

async fn default_state(run: &JumpCloud, organization: &Organization) -> Finding {
    let check = "jumpcloud_default_state";
    let whole = run.organization(&organization.id).await;
    let state = whole.as_ref().ok().and_then(Option::as_ref);
    match state.and_then(Organization::default_state) {
        Some(state) => Finding::ok(
            check,
            format!("users that others make are {state}; rollcall always says which state"),
        ),
        None => Finding::unknown(
            check,
            "JumpCloud does not tell the state of users that others make",
            "nothing: rollcall always says which state",
        ),
    }
}

/// What the users of JumpCloud say of the configuration.
struct Census {
    users: usize,
    admins: usize,
    /// Protected usernames that nobody has.
    unprotected: BTreeSet<String>,
    /// Custom attributes that nobody has.
    absent: BTreeSet<Text>,
}

/// Who must not be written, and whether custom attributes are spelt as JumpCloud has them.
async fn users(config: &Config, run: JumpCloud) -> Vec<Finding> {
    let rules = config.sources.iter();
    let rules = rules.flat_map(|source| &source.policy.attributes);
    let custom = rules.filter_map(|rule| match &rule.attribute {
        Attribute::Custom(name) => Some(name.clone()),
        _ => None,
    });
    let custom: BTreeSet<Text> = custom.collect();
    let mut census = Census {
        users: 0,
        admins: 0,
        unprotected: config.protect.usernames.clone(),
        absent: custom.clone(),
    };
    let read = run.every_user(|_, _| {}, |user: SystemUser| census.count(&user));
    if let Err(error) = read.await {
        let advice = "look at JumpCloud's status page: a run needs every user";
        return vec![Finding::failed("jumpcloud_users", chain(&error), advice)];
    }
    let mut findings = vec![census.protection(config.protect.usernames.len())];
    if !custom.is_empty() {
        findings.push(census.custom_attributes(&custom));
    }
    findings
}

impl Census {
    fn count(&mut self, user: &SystemUser) {
        self.users += 1;
        self.admins += usize::from(user.admin);
        self.unprotected
            .remove(user.username.to_lowercase().as_str());
        for attribute in &user.attributes {
            self.absent.remove(&attribute.name);
        }
    }

    fn protection(&self, named: usize) -> Finding {
        let check = "jumpcloud_users";
        let found = format!(
            "users: {}, administrators among them: {}, protected usernames that are there: {} of {named}",
            self.users,
            self.admins,
            named - self.unprotected.len()
        );
        if self.unprotected.is_empty() {
            return Finding::ok(check, found);
        }
        let nobody = list(self.unprotected.iter().map(String::as_str));
        let advice = format!("correct `protect.usernames`: nobody is called {nobody}");
        Finding::warning(check, found, advice)
    }

    fn custom_attributes(&self, all: &BTreeSet<Text>) -> Finding {
        let check = "custom_attributes";
        if self.absent.is_empty() || self.users == 0 {
            return Finding::ok(check, list(all.iter().map(Text::as_str)));
        }
        let found = format!("no user has {}", list(self.absent.iter().map(Text::as_str)));
        let advice = "nothing, if they are new: JumpCloud makes them with the first value. Otherwise spell them as JumpCloud does";
        Finding::warning(check, found, advice)
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

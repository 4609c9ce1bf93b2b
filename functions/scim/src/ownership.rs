//! Whose a user is, and what a SCIM client may therefore write to it. Pure.
//!
//! SCIM never fights HR: what a source writes is its own. Switching off access always wins, and only what a SCIM client
//! switched off is switched on again by one. Administrators and protected users are never written.

use config::{Claim, Config};
use mapping::scim::{DirectoryUser, StateChange, name_of};
use mapping::{Attribute, Update};
use state::{Owner, UserRecord};

use crate::error::ScimError;

/// What a client wants to do to a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// JumpCloud's attributes that would change, by their own names.
    pub(crate) attributes: &'a [&'a str],
    /// What would become of the state.
    pub(crate) state: StateChange,
    /// Whether the user would be shown to no SCIM client any more.
    pub(crate) hides: bool,
    /// Whether the user would be deleted for good.
    pub(crate) deletes: bool,
}

/// Whose the user is after a write that is allowed: a user of nobody becomes the client's own with it.
///
/// An error says whose the user is and what may be done instead.
pub(crate) fn allow(
    wish: Wish<'_>,
    client: &str,
    user: &DirectoryUser,
    record: Option<&UserRecord>,
    config: &Config,
) -> Result<Option<Owner>, ScimError> {
    protect(user, config)?;
    let owner = record.and_then(|record| record.owner.clone());
    if wish.state == StateChange::Reactivate {
        reactivate(record)?;
    }
    let only_switches_off = wish.attributes.is_empty()
        && wish.state == StateChange::Suspend
        && !wish.hides
        && !wish.deletes;
    match &owner {
        Some(Owner::Client(own)) if own == client => Ok(owner),
        _ if only_switches_off => Ok(owner),
        Some(Owner::Client(other)) => Err(ScimError::Forbidden(format!(
            "this user belongs to the SCIM client `{other}`"
        ))),
        Some(Owner::Worker(key)) => {
            let source = config
                .sources
                .iter()
                .find(|source| source.name == key.source);
            if wish.deletes {
                return Err(ScimError::Forbidden(format!(
                    "this user belongs to the HR source `{}`: end the employment there, or send `active` false",
                    key.source
                )));
            }
            let rules = source.map(|source| &source.policy.attributes);
            let is_written = |attribute: &str| match attribute {
                // A username, once given, changes only by an admin's own hand.
                "username" => true,
                _ => rules.into_iter().flatten().any(|rule| {
                    !matches!(rule.attribute, Attribute::Custom(_))
                        && rule.attribute.wire_name() == attribute
                        && matches!(rule.update, Update::Always | Update::OnChange)
                }),
            };
            let theirs: Vec<String> = wish
                .attributes
                .iter()
                .filter(|attribute| is_written(attribute))
                .map(|attribute| format!("`{}`", name_of(attribute)))
                .collect();
            if theirs.is_empty() {
                Ok(owner)
            } else {
                Err(ScimError::Forbidden(format!(
                    "the HR source `{}` writes {} of this user: change it there",
                    key.source,
                    theirs.join(", ")
                )))
            }
        }
        None => match config.scim.claim {
            Claim::OnFirstWrite => Ok(Some(Owner::Client(client.into()))),
            Claim::Never => Err(ScimError::Forbidden(
                "this user was not created by this client, and `claim` in the configuration is `never`"
                    .to_owned(),
            )),
        },
    }
}

/// Refuses whatever would be written to a user that nobody writes.
pub(crate) fn protect(user: &DirectoryUser, config: &Config) -> Result<(), ScimError> {
    match config.protect.reason(&user.username, user.admin) {
        Some(why) => Err(ScimError::Forbidden(format!(
            "this user {why} and is never written"
        ))),
        None => Ok(()),
    }
}

/// Refuses a username under which whoever has it would be out of everybody's reach, HR's too.
pub(crate) fn refuse_protected_name(username: &str, config: &Config) -> Result<(), ScimError> {
    match config.protect.reason(username, false) {
        Some(_) => Err(ScimError::Forbidden(
            "this `userName` is protected by the configuration, and given to nobody".to_owned(),
        )),
        None => Ok(()),
    }
}

/// Access comes back only where a SCIM client took it.
fn reactivate(record: Option<&UserRecord>) -> Result<(), ScimError> {
    match record.and_then(|record| record.suspended_by.as_ref()) {
        Some(_) => Ok(()),
        None => Err(ScimError::Forbidden(
            "this user was not suspended through SCIM, so `active` true does not bring it back: reactivate it in JumpCloud, or in the HR system that it belongs to"
                .to_owned(),
        )),
    }
}

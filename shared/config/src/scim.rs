//! `[scim]`: how the SCIM service provider behaves.

use mapping::scim::{ActiveRule, UsernameFromEmail};

use crate::reader::Section;
use crate::secret_name::SecretName;
use crate::values::{choice, flag, number, parsed};

/// What an admin decides about SCIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scim {
    /// The secret with the clients' tokens.
    pub tokens: SecretName,
    /// The state of a user created with `active` true.
    pub create_as: CreateAs,
    /// What DELETE does.
    pub on_delete: OnDelete,
    /// What happens to an e-mail address sent as `userName`.
    pub username_from_email: UsernameFromEmail,
    /// When a user reads as `active`.
    pub active: ActiveRule,
    /// What happens to users that the client did not create.
    pub claim: Claim,
    /// Whether `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` answer without a token.
    pub public_discovery: bool,
    /// The most users that a filter which JumpCloud cannot answer may read; more is 400 `tooMany`.
    pub max_scan: usize,
}

/// The state of a user created with `active` true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateAs {
    /// Activated at once, without a mail.
    Active,
    /// Staged until somebody activates it.
    Staged,
}

/// What DELETE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// Suspends the user and hides it from SCIM.
    Suspend,
    /// Deletes the user.
    Delete,
}

/// What happens to users that the client did not create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The first write makes them the client's own.
    OnFirstWrite,
    /// The client may not write them.
    Never,
}

/// Reads `[scim]`.
pub(crate) fn scim(section: &mut Section<'_>) -> Scim {
    Scim {
        tokens: section.or(
            "tokens",
            SecretName::well_known("rollcall/scim"),
            parsed(SecretName::parse),
        ),
        create_as: section.or(
            "create_as",
            CreateAs::Active,
            choice(&[("active", CreateAs::Active), ("staged", CreateAs::Staged)]),
        ),
        on_delete: section.or(
            "on_delete",
            OnDelete::Suspend,
            choice(&[("suspend", OnDelete::Suspend), ("delete", OnDelete::Delete)]),
        ),
        username_from_email: section.or(
            "username_from_email",
            UsernameFromEmail::LocalPart,
            choice(&[
                ("local_part", UsernameFromEmail::LocalPart),
                ("refuse", UsernameFromEmail::Refuse),
            ]),
        ),
        active: section.or(
            "active",
            ActiveRule::Published,
            choice(&[
                ("published", ActiveRule::Published),
                ("not_suspended", ActiveRule::NotSuspended),
            ]),
        ),
        claim: section.or(
            "claim",
            Claim::OnFirstWrite,
            choice(&[
                ("on_first_write", Claim::OnFirstWrite),
                ("never", Claim::Never),
            ]),
        ),
        public_discovery: section.or("public_discovery", false, flag),
        max_scan: section.or("max_scan", 20_000, number(1..=1_000_000)),
    }
}

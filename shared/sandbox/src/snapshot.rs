//! Everything that the stand-ins hold at one moment, kept so that a test can begin there again and again.
//!
//! What is to go wrong, what was asked, and the time are not of it.

use std::path::PathBuf;

use crate::deel::HrOrganization;
use crate::humaans::HumaansAccount;
use crate::jumpcloud::Directory;
use crate::secrets::SecretStore;
use crate::state::State;

/// People, users, groups, mails, settings, keys and secrets at one moment, and where the tables of that moment are.
#[derive(Debug, Clone)]
pub struct Snapshot {
    jumpcloud: Directory,
    deel: HrOrganization,
    humaans: HumaansAccount,
    secrets: SecretStore,
    pub(crate) tables: PathBuf,
}

impl Snapshot {
    pub(crate) fn of(state: &State, tables: PathBuf) -> Self {
        Self {
            jumpcloud: state.jumpcloud.clone(),
            deel: state.deel.clone(),
            humaans: state.humaans.clone(),
            secrets: state.secrets.clone(),
            tables,
        }
    }

    pub(crate) fn put_into(&self, state: &mut State) {
        let Self {
            jumpcloud,
            deel,
            humaans,
            secrets,
            tables: _,
        } = self;
        state.jumpcloud.clone_from(jumpcloud);
        state.deel.clone_from(deel);
        state.humaans.clone_from(humaans);
        state.secrets.clone_from(secrets);
    }
}

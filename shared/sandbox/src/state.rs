//! Everything that the stand-ins remember, behind one lock that is never held across an await.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::DynamoDbProxy;
use crate::clock::Clock;
use crate::deel::HrOrganization;
use crate::faults::FaultList;
use crate::humaans::HumaansAccount;
use crate::jumpcloud::Directory;
use crate::requests::RequestLog;
use crate::secrets::SecretStore;
use crate::sns::Topics;
use crate::{Options, Vendor};

/// What the server and every handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) dynamodb: DynamoDbProxy,
    state: Mutex<State>,
}

/// The state proper.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) jumpcloud: Directory,
    pub(crate) deel: HrOrganization,
    pub(crate) humaans: HumaansAccount,
    pub(crate) secrets: SecretStore,
    pub(crate) topics: Topics,
    pub(crate) faults: FaultList,
    pub(crate) requests: RequestLog,
    pub(crate) latency: BTreeMap<Vendor, Duration>,
}

impl Shared {
    pub(crate) fn new(options: Options, dynamodb: SocketAddr) -> Self {
        let clock = Clock::real();
        let now = clock.now();
        let Options {
            company,
            jumpcloud_key,
            deel_token,
            humaans_token,
            seed,
            port: _,
            database: _,
        } = options;
        let mut secrets = SecretStore::default();
        secrets.set("rollcall/jumpcloud", &jumpcloud_key, now);
        secrets.set("rollcall/deel", &deel_token, now);
        secrets.set("rollcall/humaans", &humaans_token, now);
        Self {
            clock,
            dynamodb: DynamoDbProxy::new(dynamodb),
            state: Mutex::new(State {
                jumpcloud: Directory::new(jumpcloud_key, company.users, seed, now),
                deel: HrOrganization::new(deel_token, company.people, seed, now),
                humaans: HumaansAccount::new(humaans_token, &company.humaans, now),
                secrets,
                topics: Topics::default(),
                faults: FaultList::default(),
                requests: RequestLog::default(),
                latency: BTreeMap::new(),
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

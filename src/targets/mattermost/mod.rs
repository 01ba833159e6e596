//! The target kind `mattermost`: API v4 of a Mattermost server.
//!
//! Reading order: `settings` (what an operator writes), `api` (the one function that sends), `failure` (what an answer means), `resolve`,
//! `observe` with the lists (`credentials`, `oauth`, `bots`, `integrations`; those of the whole server come from `shared_reading`, by `pages`)
//! and `doors` (what lets somebody in afresh), `apply` with `sweep` and `integration_ends`, `leaked` (a credential in the wrong hands),
//! `capabilities`, `probe`. `standing` and `admins` know whom not to touch.
//!
//! Sources: the answers of a real server 6.7.0 in `tests/fixtures/mattermost/`, and the upstream source where a comment names a version.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use self::accounts::Accounts;
use self::admins::Admins;
use self::api::{Api, fail};
use self::shared_reading::SharedReadings;
use self::standing::{Memory, Standing};
use self::sweep::Swept;
use super::{Applied, Ask, Built, CallContext, EndedLeaked, Identified, Kind, Probe, Remedy, Target, TargetError};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject};
use crate::settings::Settings;

mod accounts;
mod admins;
mod api;
mod apply;
mod bots;
mod call;
mod capabilities;
mod credentials;
mod doors;
mod failure;
mod findings;
mod integration_ends;
mod integrations;
mod leaked;
mod limits;
mod oauth;
mod observe;
mod pages;
mod password;
mod probe;
mod resolve;
mod settings;
mod shared_reading;
mod standing;
mod sweep;
mod version;
mod wire;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "mattermost",
    about: "a Mattermost server, by its API v4",
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(Mattermost {
        api: settings::read(settings, clock)?,
        memory: Memory::default(),
        admins: Admins::default(),
        swept: Swept::default(),
        shared: SharedReadings::default(),
        accounts: Accounts::default(),
    }))
}

/// A Mattermost server.
struct Mattermost {
    api: Api,
    memory: Memory,
    admins: Admins,
    swept: Swept,
    shared: SharedReadings,
    accounts: Accounts,
}

impl Mattermost {
    async fn standing(&self, context: &CallContext) -> Result<Arc<Standing>, TargetError> {
        self.memory.standing(self, context).await
    }
}

#[async_trait]
impl Target for Mattermost {
    fn capabilities(&self) -> Capabilities {
        capabilities::capabilities(self)
    }

    fn asks_by(&self, name: &Subject) -> bool {
        resolve::asks_by(name)
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        resolve::resolve(self, context, subject).await
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &Ask) -> Result<Access, TargetError> {
        observe::observe(self, context, principal, ask).await
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let [principal] = principals else {
            let why = anyhow::anyhow!("Mattermost takes one account at a time, and {} were named", principals.len());
            return Err(fail(format!("asked to {action}"), Remedy::GiveUp, why, None));
        };
        apply::apply(self, context, action, principal).await
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        probe::probe(self, context).await
    }

    async fn identify(&self, context: &CallContext, credential: &SecretString) -> Result<Identified, TargetError> {
        leaked::identify(self, context, credential).await
    }

    async fn end_leaked(
        &self,
        context: &CallContext,
        credential: &SecretString,
        principal: &Principal,
    ) -> Result<EndedLeaked, TargetError> {
        leaked::end(self, context, credential, principal).await
    }
}

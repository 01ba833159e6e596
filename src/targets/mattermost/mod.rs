//! The target kind `mattermost`: API v4 of a Mattermost server.
//!
//! Reading order: `settings` (what an operator writes), `api` (requests, answers, failures, 429), `resolve` (from a subject to an account,
//! with `account_batching`), `observe` (what an account can reach; `observe/shared_lists` has what is listed for the whole server at once), `apply` (the changes:
//! `apply/end_sessions`, `apply/end_integrations`), `leaked` (a credential in the wrong hands),
//! `capabilities`, `probe` with `config_checks`. `own_account` knows who we are and what we may do.
//!
//! A grant kind more: its list in `observe`, its end in `apply`, and `capabilities`.
//!
//! Sources: the answers of a real server 6.7.0 in `tests/fixtures/mattermost/`, and the upstream source where a comment names a version.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use self::account_batching::AccountBatches;
use self::api::client::Api;
use self::apply::end_sessions::FlushedAccounts;
use self::apply::last_admin::Administrators;
use self::observe::shared_lists::SharedLists;
use self::own_account::{OwnAccount, OwnAccountCache};
use super::{
    Applied, Built, CallContext, CanaryLogin, EndedLeaked, HeldCredential, Identified, Kind, ObservationRequest, Probe,
    ServerClock, Target, TargetError, TargetRole, one,
};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject};
use crate::settings::Settings;

mod account_batching;
mod api;
mod apply;
mod canary;
mod capabilities;
mod config_checks;
mod leaked;
mod observe;
mod own_account;
mod probe;
mod resolve;
mod settings;

pub use capabilities::GRANTS;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "mattermost",
    about: "a Mattermost server, by its API v4",
    role: TargetRole::Application,
    tested: &["6.7.0"],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(Mattermost {
        api: settings::read(settings, clock)?,
        own_account_cache: OwnAccountCache::default(),
        administrators: Administrators::default(),
        flushed_accounts: FlushedAccounts::default(),
        shared: SharedLists::default(),
        accounts: AccountBatches::default(),
    }))
}

/// A Mattermost server.
struct Mattermost {
    api: Api,
    own_account_cache: OwnAccountCache,
    administrators: Administrators,
    flushed_accounts: FlushedAccounts,
    shared: SharedLists,
    accounts: AccountBatches,
}

impl Mattermost {
    async fn own_account(&self, context: &CallContext) -> Result<Arc<OwnAccount>, TargetError> {
        self.own_account_cache.get(self, context).await
    }
}

#[async_trait]
impl Target for Mattermost {
    fn capabilities(&self) -> Capabilities {
        capabilities::capabilities(self)
    }

    fn clock(&self) -> Option<&ServerClock> {
        Some(&self.api.server_clock)
    }

    fn asks_by(&self, name: &Subject) -> bool {
        resolve::asks_by(name)
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        resolve::resolve(self, context, subject).await
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        observe::observe(self, context, principal, ask).await
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        apply::apply(self, context, action, one(action, principals)?).await
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        probe::probe(self, context).await
    }

    async fn identify(&self, context: &CallContext, credential: &SecretString) -> Result<Identified, TargetError> {
        leaked::identify(self, context, credential).await
    }

    fn takes_canaries(&self) -> bool {
        true
    }

    async fn sign_in(&self, context: &CallContext, canary: &CanaryLogin) -> Result<Vec<HeldCredential>, TargetError> {
        canary::sign_in(self, context, canary).await
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

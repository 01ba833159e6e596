//! The target kind `mattermost`: API v4 of a Mattermost server.
//!
//! Reading order: `settings` (what an operator writes), `api` (the one function that sends), `failure` (what an answer means), `resolve`,
//! `observe` with the lists (`credentials`, `oauth`, `bots`, `integrations`, read by `pages`), `apply` with `sweep` and
//! `integration_ends`, `capabilities`, `probe`. `standing` and `admins` know whom not to touch.
//!
//! Sources: the answers of a real server 6.7.0 in `tests/fixtures/mattermost/`, and the upstream source where a comment names a version.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use self::admins::Admins;
use self::api::{Api, fail};
use self::integrations::Hooks;
use self::standing::{Memory, Standing};
use self::sweep::Swept;
use super::{Applied, Built, Kind, Pass, Probe, Remedy, Target, TargetError};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, GrantKind, Principal, Resolution, Subject};
use crate::settings::Settings;

mod admins;
mod api;
mod apply;
mod bots;
mod call;
mod capabilities;
mod credentials;
mod failure;
mod findings;
mod integration_ends;
mod integrations;
mod limits;
mod oauth;
mod observe;
mod pages;
mod password;
mod probe;
mod resolve;
mod settings;
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
        hooks: Hooks::default(),
    }))
}

/// A Mattermost server.
struct Mattermost {
    api: Api,
    memory: Memory,
    admins: Admins,
    swept: Swept,
    hooks: Hooks,
}

impl Mattermost {
    async fn standing(&self, pass: &Pass) -> Result<Arc<Standing>, TargetError> {
        self.memory.standing(&self.api, pass).await
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

    async fn resolve(&self, pass: &Pass, subject: &Subject) -> Result<Resolution, TargetError> {
        resolve::resolve(self, pass, subject).await
    }

    async fn observe(&self, pass: &Pass, principal: &Principal, kinds: &BTreeSet<GrantKind>) -> Result<Access, TargetError> {
        observe::observe(self, pass, principal, kinds).await
    }

    async fn apply(&self, pass: &Pass, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let [principal] = principals else {
            let why = anyhow::anyhow!("Mattermost takes one account at a time, and {} were named", principals.len());
            return Err(fail(format!("asked to {action}"), Remedy::GiveUp, why, None));
        };
        apply::apply(self, pass, action, principal).await
    }

    async fn probe(&self, pass: &Pass) -> Result<Probe, TargetError> {
        probe::probe(self, pass).await
    }
}

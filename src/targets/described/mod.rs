//! Targets that are described: one engine for every system with an HTTP API, and for each a description, a TOML file without expressions.
//!
//! Reading order: `description` (what a file says, read and checked), `settings` (what an operator writes), `values` and `render` (a request
//! with its values, each encoded by where it stands), `meaning` (what an answer means), `client` (the one function that sends) and `session`
//! (signing in), `listing` (lists, whole or not at all); then what a target does: `account`, `own_account`, `resolve`, `observe` with `proof`,
//! `apply` with `administrators`, `probe`, `capabilities`. `shipped` holds the descriptions that are compiled in, `explain` says in words what one can do, `witness` looks on while one is
//! tried.

mod account;
mod administrators;
mod apply;
mod capabilities;
mod client;
pub mod description;
mod explain;
mod listing;
mod meaning;
mod observe;
mod own_account;
mod probe;
mod proof;
mod rate_hints;
mod rate_reset;
mod render;
mod resolve;
mod session;
mod settings;
pub mod shipped;
mod values;
mod witness;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;

use self::administrators::Administrators;
use self::client::Client;
use self::description::ResidualRule;
use self::own_account::OwnAccount;
use self::render::Origins;
use self::session::Session;
use self::values::Configured;
use super::{Applied, Built, CallContext, Kind, ObservationRequest, Probe, ServerClock, Target, TargetError, TargetRole, one};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject};
use crate::settings::{ConfigError, Settings};

pub use description::Description;
pub use explain::{Explained, ExplainedGrant};
pub use witness::{Exchanged, Witness};

/// The row in [`super::KINDS`] for a description of the operator's own.
pub const KIND: Kind = Kind {
    name: "described",
    about: "a system with an HTTP API, by a description of your own (revoked target lint)",
    role: TargetRole::Application,
    tested: &[],
    build: |settings, clock| build(settings, &settings::description(settings)?, true, clock, None),
};

/// Builds a target of a description that is compiled in.
fn build_shipped(text: &str, settings: &Settings<'_>, clock: &Clock) -> Built {
    // A test reads every one of them.
    let description =
        Description::read(text).map_err(|_| vec![ConfigError::new("the description of this kind does not read; report that")])?;
    build(settings, &description, false, clock, None)
}

/// Builds a target that changes nothing, and shows to `witness` what it asks and how it understands the answers.
///
/// # Errors
/// As for any target.
pub fn build_for_trial(settings: &Settings<'_>, description: &Description, clock: &Clock, witness: &Witness) -> Built {
    build(settings, description, false, clock, Some(witness.clone()))
}

fn build(settings: &Settings<'_>, description: &Description, is_file: bool, clock: &Clock, witness: Option<Witness>) -> Built {
    let connection = settings::read(settings, description, is_file)?;
    let configured = Configured {
        keys: connection.keys,
        secrets: connection.secrets,
        url: connection.url.as_str().trim_end_matches('/').to_owned(),
    };
    Ok(Arc::new(Described {
        session: Session::new(Client {
            description: description.clone(),
            clock: clock.clone(),
            server_clock: ServerClock::default(),
            origins: Origins {
                base: connection.url,
                others: connection.origins,
            },
            witness,
            sender: connection.sender,
            sources: connection.sources,
            configured: RwLock::new(Arc::new(configured)),
        }),
        lengths: connection.lengths,
        own_account: OwnAccount::new(connection.ourselves),
        administrators: Administrators::default(),
    }))
}

/// A system that is described.
struct Described {
    session: Session,
    lengths: BTreeMap<String, Duration>,
    own_account: OwnAccount,
    administrators: Administrators,
}

impl Described {
    const fn description(&self) -> &Description {
        &self.session.client.description
    }

    /// Our own account's id; `None` where the credential is no account's.
    async fn ours(&self, context: &CallContext) -> Result<Option<String>, TargetError> {
        self.own_account.id(&self.session, context).await
    }

    /// How long something lives on: as the config says, or the description.
    fn life(&self, residual: &ResidualRule) -> Duration {
        let set = residual.key.as_ref().and_then(|key| self.lengths.get(key));
        set.copied().unwrap_or(residual.life)
    }
}

#[async_trait]
impl Target for Described {
    fn capabilities(&self) -> Capabilities {
        capabilities::capabilities(self.description())
    }

    fn role(&self) -> Option<TargetRole> {
        Some(self.description().role)
    }

    fn clock(&self) -> Option<&ServerClock> {
        Some(&self.session.client.server_clock)
    }

    fn asks_by(&self, name: &Subject) -> bool {
        resolve::asks_by(self, name)
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
}

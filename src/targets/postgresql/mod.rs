//! The target kind `postgresql`: the roles of a PostgreSQL server, and the connections that they have open.
//!
//! Reading order: `settings` (what an operator writes), `session` (one connection for one call, its limits, and what an error means), `role`
//! (from a name to a role, and how it is), `observe`, `apply`, `probe`.
//!
//! Seen on a real server 15.20; where other versions differ, a comment names the version.

use std::sync::Arc;

use async_trait::async_trait;

use self::session::Server;
use super::{Applied, Built, CallContext, Kind, ObservationRequest, Probe, Target, TargetError, TargetRole, one};
use crate::clock::Clock;
use crate::model::{Access, Action, Capabilities, GrantKind, Principal, Resolution, Sentence, Subject};
use crate::settings::Settings;

mod apply;
mod observe;
mod probe;
mod role;
mod session;
mod settings;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "postgresql",
    about: "a PostgreSQL server: roles and their connections",
    role: TargetRole::Application,
    tested: &["15.20"],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(Postgresql {
        server: settings::read(settings)?,
        clock: clock.clone(),
    }))
}

/// A PostgreSQL server.
struct Postgresql {
    server: Server,
    clock: Clock,
}

#[async_trait]
impl Target for Postgresql {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ends: [GrantKind::Connection].into(),
            lists: [GrantKind::Connection].into(),
            ends_all: [GrantKind::Connection].into(),
            suspends: true,
            resets_password: true,
            set_size: 1,
            not_covered: NOT_COVERED.iter().copied().map(Sentence::from).collect(),
            ..Capabilities::default()
        }
    }

    fn asks_by(&self, name: &Subject) -> bool {
        role::Asked::by(name).is_some()
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        role::resolve(&self.server, context, subject).await
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        observe::observe(self, context, principal, ask).await
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        apply::apply(&self.server, context, action, one(action, principals)?).await
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        probe::probe(&self.server, context).await
    }
}

/// What lives on and cannot be ended or seen.
const NOT_COVERED: [&str; 6] = [
    "connections of other roles whose passwords the person knows: a role that several people share is nobody's",
    "a pooler (PgBouncer and the like) in between signs in by itself and keeps connections open; what it asks of people is its own affair",
    "what the role owns and is a member of stays; functions with SECURITY DEFINER, triggers and jobs of pg_cron go on running as it",
    "roles that the person made while the role could (CREATEROLE)",
    "user mappings and subscriptions that keep its password for other servers",
    "copies of the data, dumps and replicas that the person took away",
];

//! The target kind `oauth-revocation`: an authorisation server that ends a token by its value (RFC 7009) and says whether it is good (RFC
//! 7662). It is for `revoked leaked`: it has no accounts that could be looked up, and lists nothing.
//!
//! Reading order: `settings`, `token_calls` (the two calls), here.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use self::token_calls::{Introspected, TokenCalls};
use super::{
    Applied, Built, CallContext, EndedLeaked, Identified, Kind, ObservationRequest, Probe, Remedy, ServerClock, Target,
    TargetError, TargetRole,
};
use crate::clock::Clock;
use crate::model::{Access, AccountState, Action, Capabilities, GrantKind, GrantRef, Principal, Resolution, Subject, digest_of};
use crate::settings::Settings;

mod settings;
mod token_calls;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "oauth-revocation",
    about: "an authorisation server that ends leaked tokens by their value (RFC 7009, RFC 7662)",
    role: TargetRole::Application,
    tested: &["oidc-provider 9.13.3"],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    Ok(Arc::new(OauthServer(settings::read(settings, clock)?)))
}

/// What a refusal proves. A server says the same of a token that we may not ask about (RFC 7662 section 2.2).
const REFUSED: &str = "the authorisation server says that it is not active now; it says the same of a token that our client may not ask about, and of \
                       a client secret, an authorisation code or a password, which may be good for something still";

struct OauthServer(TokenCalls);

#[async_trait]
impl Target for OauthServer {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            set_size: 1,
            not_covered: vec![
                "Access tokens that applications check by themselves (JWTs) are good until they expire, whatever the server says of them.".into(),
                "Only the token that was handed in is ended, with what the server ends together with it; others of its owner are not looked for."
                    .into(),
            ],
            ..Capabilities::default()
        }
    }

    fn clock(&self) -> Option<&ServerClock> {
        Some(&self.0.endpoint.server_clock)
    }

    /// There are no accounts here, so nobody is: but the owner of a token that was handed in is whom its id names.
    async fn resolve(&self, _: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        Ok(match subject {
            Subject::Opaque(id) if id.starts_with(OWNER) => Resolution::One(owner(id.clone(), Vec::new())),
            _ => Resolution::None,
        })
    }

    async fn observe(&self, _: &CallContext, _: &Principal, _: &ObservationRequest) -> Result<Access, TargetError> {
        Ok(Access::empty(self.0.endpoint.clock.now()))
    }

    async fn apply(&self, _: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let who = principals.first().map_or("nobody", |principal| principal.id.as_str());
        Err(TargetError {
            doing: format!("changing something of {who}"),
            remedy: Remedy::GiveUp,
            source: anyhow!("a token endpoint cannot {action}; it ends the tokens that are handed in with revoked leaked"),
            request: None,
        })
    }

    /// Asks about a token that nobody has: our client may ask, and the server says that it is not active.
    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        let doing = "asking about a token that nobody has";
        let nobody = SecretString::from(uuid::Uuid::now_v7().to_string());
        let mut probe = Probe {
            acting_as: Some(self.0.client_id.clone()),
            ..Probe::default()
        };
        if matches!(self.0.introspect(context, doing, &nobody).await?, Introspected::Active { .. }) {
            probe.findings.push(super::Finding {
                level: super::Level::Error,
                what: "the server says of a token that nobody has that it is active".to_owned(),
                advice: "look whether introspection_url is the endpoint of RFC 7662".to_owned(),
            });
        }
        Ok(probe)
    }

    async fn identify(&self, context: &CallContext, credential: &SecretString) -> Result<Identified, TargetError> {
        if self.0.is_ours(credential) {
            return Ok(Identified::Ours);
        }
        let introspected = self
            .0
            .introspect(context, "asking whose a leaked token is", credential)
            .await?;
        Ok(match introspected {
            Introspected::Inactive => Identified::Refused { proves: REFUSED },
            Introspected::Active { owner: name, names } => Identified::Alive(owner(format!("{OWNER}{name}"), names)),
        })
    }

    async fn end_leaked(
        &self,
        context: &CallContext,
        credential: &SecretString,
        principal: &Principal,
    ) -> Result<EndedLeaked, TargetError> {
        let doing = format!("ending a leaked token of {}", principal.id);
        let applied = self.0.revoke(context, &doing, credential).await?;
        // What it is called is no secret: its digest.
        let grant = GrantRef::new(GrantKind::OauthGrant, digest_of(credential.expose_secret()));
        Ok(EndedLeaked {
            applied,
            grants: vec![grant],
        })
    }
}

/// Before the name of a token's owner, so that it is never taken for an account of another target.
const OWNER: &str = "owner:";

fn owner(id: String, names: Vec<Subject>) -> Principal {
    Principal {
        id,
        names,
        traits: BTreeSet::new(),
        account: AccountState::default(),
    }
}

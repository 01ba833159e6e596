//! The target kind `global-token-revocation`: an application with a Universal Logout endpoint, which ends everything of a person at one signed
//! call (draft-parecki-oauth-global-token-revocation).
//!
//! The endpoint lists nothing and looks nobody up, so nothing is ever proved here: what it said yes to is `unverified`, in words.
//!
//! Reading order: `settings`, `signed_call` (the token, and how people are named), here (what each answer means).

use std::sync::Arc;

use anyhow::anyhow;
use async_trait::async_trait;
use serde_json::{Value, json};

use self::signed_call::{SignedCall, SubjectForm};
use super::endpoint::{Endpoint, EndpointAnswer, EndpointCall};
use super::{
    Applied, Built, CallContext, Finding, Kind, Level, ObservationRequest, Probe, Remedy, ServerClock, Target, TargetError,
    TargetRole,
};
use crate::clock::Clock;
use crate::model::{Access, AccountState, Action, Capabilities, GrantKind, Principal, Resolution, Subject};
use crate::settings::Settings;

mod settings;
mod signed_call;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "global-token-revocation",
    about: "an application with a Universal Logout endpoint (global token revocation)",
    role: TargetRole::Application,
    tested: &[],
    build,
};

fn build(settings: &Settings<'_>, clock: &Clock) -> Built {
    let (call, endpoint) = settings::read(settings, clock)?;
    Ok(Arc::new(UniversalLogout { call, endpoint }))
}

/// Why nothing is seen.
const UNLISTED: &str =
    "the application says yes to a logout and lists nothing: sign in as the person, or ask its owner, where you must know";
/// What it ends, by the draft: sessions, and refresh tokens.
const ENDS: [GrantKind; 2] = [GrantKind::Session, GrantKind::OauthGrant];

struct UniversalLogout {
    call: SignedCall,
    endpoint: Endpoint,
}

impl UniversalLogout {
    /// The name of `subject` that the endpoint takes, and how a call says it. An account's id here is that name.
    fn name_of(&self, subject: &Subject) -> Option<(Subject, Value)> {
        let name = match subject {
            Subject::Opaque(id) if self.call.form != SubjectForm::Opaque => id.parse().ok()?,
            other => other.clone(),
        };
        let sub_id = self.call.sub_id(&name)?;
        Some((name, sub_id))
    }

    async fn log_out(&self, context: &CallContext, doing: &str, sub_id: &Value) -> Result<EndpointAnswer, TargetError> {
        let failed = |source| TargetError {
            doing: doing.to_owned(),
            remedy: Remedy::GiveUp,
            source,
            request: None,
        };
        let authorization = self.call.authorization(self.endpoint.clock.now()).map_err(failed)?;
        let call = EndpointCall {
            doing,
            url: &self.call.url,
            authorization: Some(authorization),
            media: "application/json",
            body: json!({ "sub_id": sub_id }).to_string(),
        };
        self.endpoint.post(context, call).await
    }
}

#[async_trait]
impl Target for UniversalLogout {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ends: ENDS.into(),
            ends_all: ENDS.into(),
            unlisted: ENDS.map(|kind| (kind, UNLISTED.to_owned())).into(),
            set_size: 1,
            not_covered: vec![
                "Access tokens that the application issued may live until they expire: the protocol asks for their end and does not demand it."
                    .into(),
                "The account itself stays open: who can still sign in at the identity provider gets in again.".into(),
            ],
            ..Capabilities::default()
        }
    }

    fn asks_by(&self, name: &Subject) -> bool {
        self.name_of(name).is_some()
    }

    fn clock(&self) -> Option<&ServerClock> {
        Some(&self.endpoint.server_clock)
    }

    /// There is nothing to ask: the name is the account.
    async fn resolve(&self, _: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        let name = subject.names().iter().find_map(|name| self.name_of(name));
        Ok(name.map_or(Resolution::None, |(name, _)| {
            let id = match &name {
                Subject::Opaque(id) => id.clone(),
                other => other.to_string(),
            };
            Resolution::One(Principal {
                id,
                names: vec![name],
                traits: std::collections::BTreeSet::new(),
                account: AccountState::default(),
            })
        }))
    }

    async fn observe(&self, _: &CallContext, _: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        let mut access = Access::empty(self.endpoint.clock.now());
        let unseen = ask.kinds.iter().filter(|kind| ENDS.contains(kind));
        access.unseen = unseen.map(|kind| (*kind, UNLISTED.to_owned())).collect();
        Ok(access)
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let mut applied = Applied::default();
        for principal in principals {
            let doing = format!("logging {} out everywhere", principal.id);
            let give_up = |source| TargetError {
                doing: doing.clone(),
                remedy: Remedy::GiveUp,
                source,
                request: None,
            };
            if !matches!(action, Action::EndAllSessions | Action::EndAll { .. }) {
                return Err(give_up(anyhow!("a Universal Logout endpoint cannot {action}")));
            }
            let name = self.name_of(&Subject::Opaque(principal.id.clone()));
            let (_, sub_id) = name.ok_or_else(|| {
                give_up(anyhow!(
                    "the endpoint takes no subject of this form; see `subject` in the config"
                ))
            })?;
            let answer = self.log_out(context, &doing, &sub_id).await?;
            applied.requests.extend(answer.request.clone());
            applied.sent_at = answer.date;
            match answer.status.as_u16() {
                200..=299 => {}
                404 => {
                    applied.already = true;
                    applied.notes.push(NOBODY.to_owned());
                }
                422 => {
                    return Err(TargetError {
                        source: anyhow!(UNABLE),
                        ..answer.failure(&doing)
                    });
                }
                _ => return Err(answer.failure(&doing)),
            }
        }
        Ok(applied)
    }

    /// Logs out somebody who cannot be there: a good endpoint knows nobody of that name.
    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        let doing = "trying the Universal Logout endpoint with a name that nobody has";
        let nobody = self.call.nobody();
        let answer = self.log_out(context, doing, &nobody).await?;
        let finding = match answer.status.as_u16() {
            404 => None,
            200..=299 => Some((
                Level::Warning,
                "the endpoint says yes to the logout of somebody who cannot exist",
                "its yes proves nothing; look at the application's own log whether people are really logged out",
            )),
            400 | 422 => Some((
                Level::Note,
                "the endpoint does not say that nobody is there, but that it is unable to",
                "look whether `subject` is the form that the application wants",
            )),
            _ => return Err(answer.failure(doing)),
        };
        Ok(Probe {
            acting_as: Some(self.call.client_id.clone()),
            findings: finding
                .into_iter()
                .map(|(level, what, advice)| Finding {
                    level,
                    what: what.to_owned(),
                    advice: advice.to_owned(),
                })
                .collect(),
            ..Probe::default()
        })
    }
}

const NOBODY: &str = "the application knows nobody by this name (404), so nothing was ended; a wrong URL would say the same: revoked check tells them \
                      apart where it finds an endpoint";
const UNABLE: &str = "the application is unable to log this person out (422); its owner must tell why";

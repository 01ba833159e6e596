//! What every change is made with, and how one is sent: by the account it is about, and with what a refusal of it means.

use anyhow::anyhow;
use serde_json::json;

use crate::model::Principal;
use crate::targets::mattermost::Mattermost;
use crate::targets::mattermost::api::client::{Answer, fail};
use crate::targets::mattermost::api::failure::{CallFailure, NO_SESSION};
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::own_account::OwnAccount;
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// What every change is made with.
#[derive(Clone, Copy)]
pub(in crate::targets::mattermost) struct Change<'c> {
    pub(in crate::targets::mattermost) target: &'c Mattermost,
    pub(in crate::targets::mattermost) context: &'c CallContext,
    pub(in crate::targets::mattermost) principal: &'c Principal,
    pub(in crate::targets::mattermost) own_account: &'c OwnAccount,
}

impl Change<'_> {
    /// Sends a change; a refusal is left to the caller.
    pub(in crate::targets::mattermost) async fn send(self, call: Call) -> Result<Answer, CallFailure> {
        self.target.api.send(self.context, call).await
    }

    /// The error for a refusal of what containing the account stands and falls with.
    pub(in crate::targets::mattermost) fn essential_error(self, failure: CallFailure) -> TargetError {
        self.own_account.essential_error(failure, self.principal)
    }

    /// Sends a change that answers `{"status":"OK"}`, or refuses with `gone`, a status and an error id, where it is done already.
    pub(in crate::targets::mattermost) async fn send_once(
        self,
        call: Call,
        gone: Option<(u16, &str)>,
    ) -> Result<Applied, CallFailure> {
        match self.send(call).await {
            Ok(answer) => {
                answer.accepted()?;
                Ok(done(answer.request, false))
            }
            Err(CallFailure::Refused(refusal)) if gone.is_some_and(|(status, id)| refusal.is(status, id)) => {
                Ok(done(refusal.request, true))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Ends one session, or one OAuth grant with its refresh token.
    pub(in crate::targets::mattermost) async fn end_session(self, session: &str) -> Result<Applied, TargetError> {
        let id = &self.principal.id;
        let call = Call::post(
            format!("ending session {session} of {id}"),
            &["users", id, "sessions", "revoke"],
        )
        .json(&json!({ "session_id": session }));
        let sent = self.send_once(call, Some((400, NO_SESSION))).await;
        sent.map_err(|failure| self.essential_error(failure))
    }
}

/// An error that trying again cannot help.
pub(in crate::targets::mattermost) fn give_up(doing: String, why: &'static str) -> TargetError {
    fail(doing, Remedy::GiveUp, anyhow!(why), None)
}

/// What a single request leaves for the evidence.
pub(in crate::targets::mattermost) fn done(request: Option<String>, already: bool) -> Applied {
    Applied {
        requests: request.into_iter().collect(),
        already,
        ..Applied::default()
    }
}

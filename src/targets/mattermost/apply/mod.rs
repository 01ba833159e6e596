//! Apply: one change at the server, `change` first (what every change is made with), then this file (the table of actions, suspension,
//! password, access tokens), `end_sessions`, `end_integrations` (one arm for each grant kind), `last_admin` (who must stay).
//!
//! Every change may be sent again; what is so already counts as done, and only the next observation says whether it worked: a 200 does
//! not (a failed delete of a token answers 200 upstream).

pub(in crate::targets::mattermost) mod change;
pub(in crate::targets::mattermost) mod end_integrations;
pub(in crate::targets::mattermost) mod end_sessions;
pub(in crate::targets::mattermost) mod last_admin;

use secrecy::ExposeSecret as _;
use serde_json::json;

use self::change::{Change, done, give_up};
use self::last_admin::Lockout;
use super::Mattermost;
use crate::model::{Action, GrantKind, GrantRef, Principal, PrincipalTrait};
use crate::targets::mattermost::api::client::{Answer, fail};
use crate::targets::mattermost::api::failure::{CallFailure, NO_TOKEN, ORPHAN};
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::own_account::optional_error;
use crate::targets::unknown_password::unknown_password;
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// Makes one change.
pub(in crate::targets::mattermost) async fn apply(
    target: &Mattermost,
    context: &CallContext,
    action: &Action,
    principal: &Principal,
) -> Result<Applied, TargetError> {
    let own_account_cache = &target.own_account_cache;
    let own_account = match action {
        // Asked again where the answer is old: it is the one change that would lock us out for good.
        Action::Suspend => own_account_cache.before_suspending(target, context, &principal.id).await?,
        Action::End { grant } | Action::Disable { grant } if ends_token(grant) => {
            own_account_cache.before_ending_a_token(target, context).await?
        }
        _ => target.own_account(context).await?,
    };
    let change = Change {
        target,
        context,
        principal,
        own_account: &own_account,
    };
    change.spare_ourselves(action)?;
    match action {
        Action::Suspend => change.suspend().await,
        Action::ResetPassword => change.reset_password().await,
        Action::EndAllSessions => end_sessions::end_all_sessions(change).await,
        Action::ClearCaches => end_sessions::clear_caches(change).await,
        Action::Silence => end_sessions::silence(change).await,
        Action::Release => change.release().await,
        // It is ended by being shown to the server, not by name.
        Action::EndLeaked { credential } => Err(give_up(
            format!("ending {credential}"),
            "the credential itself is needed for that",
        )),
        Action::End { grant } => match grant.kind {
            GrantKind::Session | GrantKind::OauthGrant => {
                // Every node was told to forget all sessions, perhaps, but not since this one.
                target.flushed_accounts.take(&principal.id);
                change.end_session(&grant.id).await
            }
            _ if ends_token(grant) => change.end_token("revoke", grant).await,
            _ => end_integrations::end(change, grant).await,
        },
        Action::EndAll { .. } | Action::EndMany { .. } => Err(give_up(
            format!("asked to {action}"),
            "a Mattermost server ends all sessions at once, and everything else one by one",
        )),
        Action::Disable { grant } if ends_token(grant) => change.end_token("disable", grant).await,
        Action::Disable { grant } => Err(give_up(
            format!("disabling {grant}"),
            "only access tokens can be disabled; end it instead",
        )),
    }
}

/// Whether the end of `grant` is that of an access token.
fn ends_token(grant: &GrantRef) -> bool {
    matches!(grant.kind, GrantKind::AccessToken | GrantKind::BotToken)
}

impl Change<'_> {
    /// The last line of defence: whatever was planned, the credential in use and what it hangs on are not touched.
    fn spare_ourselves(self, action: &Action) -> Result<(), TargetError> {
        let Self {
            principal, own_account, ..
        } = self;
        let whole = own_account.is_us(&principal.id);
        let why = match action {
            Action::Suspend
                if whole
                    || own_account.is_our_owner(&principal.id)
                    || principal
                        .traits
                        .iter()
                        .any(|one| matches!(one, PrincipalTrait::Ourselves | PrincipalTrait::OwnsUs)) =>
            {
                "this is the operator account, or the owner of the bot that it is; suspending it would lock us out"
            }
            Action::Suspend | Action::ResetPassword if principal.traits.contains(&PrincipalTrait::LastAdmin) => LAST_ADMIN,
            Action::ResetPassword | Action::EndAllSessions | Action::End { .. } | Action::Disable { .. } if whole => OWN_CREDENTIAL,
            Action::End { grant } | Action::Disable { grant }
                if own_account.owns_token(&grant.id)
                    || own_account.is_us(&grant.id)
                    || grant.parent.as_deref().is_some_and(|parent| own_account.is_us(parent)) =>
            {
                OWN_CREDENTIAL
            }
            _ => return Ok(()),
        };
        Err(give_up(format!("asked to {action} of {}", principal.id), why))
    }

    /// Sends what locks the account out. `None` where it was not sent, since nobody would be left in charge.
    async fn lock_out(self, how: Lockout, call: Call) -> Result<Option<Answer>, CallFailure> {
        if !self.principal.traits.contains(&PrincipalTrait::Admin) {
            return self.send(call).await.map(Some);
        }
        let Mattermost { api, administrators, .. } = self.target;
        administrators
            .lock_out(how, (api, self.context, self.own_account), self.principal, call)
            .await
    }

    async fn suspend(self) -> Result<Applied, TargetError> {
        let id = &self.principal.id;
        let doing = format!("suspending {id}");
        // DELETE deactivates; it works for LDAP accounts too, where `PUT active` is refused from 10.2 on.
        let call = Call::delete(&doing, &["users", id]);
        let sent = match self.lock_out(Lockout::Suspension, call).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => return Err(give_up(doing, LAST_ADMIN)),
            Err(failure) => Err(failure),
        };
        match sent {
            Ok(answer) => {
                answer.accepted()?;
                Ok(done(answer.request, false))
            }
            // The account is inactive by now; an OAuth session without its token row stopped what comes after (10.8 and later). The next
            // observation shows what is left.
            Err(CallFailure::Refused(refusal)) if refusal.is(500, ORPHAN) => Ok(done(refusal.request, false)),
            Err(failure) => Err(self.essential_error(failure)),
        }
    }

    /// Enables the account again. Only ever what we have suspended, and on an operator's word: the worker sees to both.
    async fn release(self) -> Result<Applied, TargetError> {
        let id = &self.principal.id;
        let call = Call::put(format!("enabling {id} again"), &["users", id, "active"]).json(&json!({ "active": true }));
        match self.send_once(call, None).await {
            Ok(applied) => Ok(applied),
            Err(CallFailure::Refused(refusal)) if refusal.id.contains("managed_by_ldap") => Err(refusal.with(
                Remedy::GiveUp,
                "the sign-in is decided by LDAP, which enables the account at its next synchronisation; enable it in the directory",
            )),
            Err(failure) => Err(self.essential_error(failure)),
        }
    }

    async fn reset_password(self) -> Result<Applied, TargetError> {
        let Principal { id, traits, .. } = self.principal;
        // Nobody signs in with a password of this server to an account whose sign-in is decided elsewhere, nor to a bot.
        if traits
            .iter()
            .any(|one| matches!(one, PrincipalTrait::ManagedBy(_) | PrincipalTrait::Bot))
        {
            return Ok(done(None, true));
        }
        let doing = format!("giving {id} a password that nobody knows");
        let password = unknown_password().map_err(|source| fail(&doing, Remedy::Retry, source, None))?;
        let call = Call::put(&doing, &["users", id, "password"]).json(&json!({ "new_password": password.expose_secret() }));
        match self.lock_out(Lockout::PasswordReset, call).await {
            Ok(Some(answer)) => {
                answer.accepted()?;
                Ok(done(answer.request, false))
            }
            Ok(None) => Err(give_up(doing, LAST_ADMIN)),
            Err(failure) => Err(optional_error(failure)),
        }
    }

    /// Ends one access token.
    pub(in crate::targets::mattermost) async fn revoke_token(self, id: &str, kind: GrantKind) -> Result<Applied, TargetError> {
        self.end_token("revoke", &GrantRef::new(kind, id)).await
    }

    async fn end_token(self, how: &str, grant: &GrantRef) -> Result<Applied, TargetError> {
        let call = Call::post(format!("asking to {how} {grant}"), &["users", "tokens", how]).json(&json!({ "token_id": grant.id }));
        let sent = self.send_once(call, Some((404, NO_TOKEN))).await;
        sent.map_err(|failure| match grant.kind {
            GrantKind::BotToken => optional_error(failure),
            _ => self.essential_error(failure),
        })
    }
}

const OWN_CREDENTIAL: &str = "this is the credential in use, or the account that it belongs to; ending it would lock us out";
const LAST_ADMIN: &str = "this is the last person who is an active system administrator; make another one first";

//! The canary's sign-in: `POST users/login` (recorded: `login-errors`), and with its session a token of its own (recorded: `token-create`).

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::Mattermost;
use super::api::client::fail;
use super::api::failure::CallFailure;
use super::api::request::Call;
use super::api::wire::Account;
use crate::model::GrantKind;
use crate::targets::{CallContext, CanaryLogin, HeldCredential, Remedy, TargetError};

#[derive(Deserialize)]
struct MadeToken {
    id: String,
    token: SecretString,
}

/// What it means that the canary is not let in: nothing about us.
fn refused(failure: CallFailure) -> TargetError {
    match failure {
        CallFailure::Refused(refusal) => refusal.with(
            Remedy::GiveUp,
            "the server does not let the canary in; is its password right?",
        ),
        failure @ CallFailure::Failed(_) => failure.into(),
    }
}

/// Signs the canary in, and has it make an access token where it may.
pub(super) async fn sign_in(
    target: &Mattermost,
    context: &CallContext,
    canary: &CanaryLogin,
) -> Result<Vec<HeldCredential>, TargetError> {
    let doing = "signing the canary in";
    let body = json!({ "login_id": canary.login, "password": canary.password.expose_secret() });
    let call = Call::post(doing, &["users", "login"]).json(&body).without_credential();
    let answer = target.api.send(context, call).await.map_err(refused)?;
    let account: Account = answer.read()?;
    let Some(session) = answer.session.clone() else {
        let why = anyhow::anyhow!("the server took its password and gave it no session");
        return Err(fail(doing, Remedy::GiveUp, why, answer.request));
    };
    let make = || {
        let description = json!({ "description": "revoked: tried and ended at once" });
        Call::post("making the canary's access token", &["users", &account.id, "tokens"]).json(&description)
    };
    // People of ours make tokens where their role lets them, and else an administrator for them.
    let mut given = None;
    for call in [make().by(&session), make()] {
        match target.api.send(context, call).await {
            Ok(answer) => {
                given = Some(answer.read::<MadeToken>()?);
                break;
            }
            Err(CallFailure::Refused(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let token = given.map(|made| HeldCredential {
        kind: GrantKind::AccessToken,
        id: Some(made.id),
        secret: made.token,
    });
    let session = HeldCredential {
        kind: GrantKind::Session,
        id: None,
        secret: session,
    };
    Ok(token.into_iter().chain([session]).collect())
}

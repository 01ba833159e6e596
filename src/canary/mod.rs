//! The canary: an account of ours at a target that is signed in, revoked as anybody would be, and whose credentials are then tried until the
//! target refuses them. What is measured is the target's *observed* delay; a credential that still works after the time that is given means
//! that no verdict there can be trusted.
//!
//! The revocation goes through the inbox like any other, so that it takes the whole way: queue, plan, trail, verdict.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::{CaseId, GrantKind, Subject};
use crate::secret::SecretSource;
use crate::store::{CanaryDelay, InboxRow, Store};
use crate::targets::{CallContext, CanaryLogin, HeldCredential, Target};

/// How long after one trial of a credential the next one comes: at first, and at most.
const TRIES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long the revocation itself may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked whether that is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The canary of a target, as its table names it.
#[derive(Debug, Clone)]
pub struct Canary {
    /// By which name it is revoked.
    pub subject: Subject,
    /// By which name it signs in.
    pub login: String,
    /// Its password.
    pub password: SecretSource,
    /// How long after its end a credential may still work.
    pub within: Duration,
    /// How often it is tried.
    pub every: Duration,
}

/// Signs the canary in, has it revoked, and tries its credentials until they are refused. What came of it is kept in the store.
///
/// # Errors
/// Where it could not be tried: nothing is said about the target then.
pub async fn prove(store: &Store, name: &str, target: &dyn Target, canary: &Canary) -> anyhow::Result<Vec<CanaryDelay>> {
    let context = CallContext::unpaced();
    let version = target.probe(&context).await?.version;
    let login = CanaryLogin {
        login: canary.login.clone(),
        password: canary.password.read().context("reading the canary's password")?,
    };
    let held = target.sign_in(&context, &login).await?;
    for credential in &held {
        if !target.is_taken(&context, credential).await? {
            bail!(
                "the {} that the canary has just been given does not work: nothing can be shown by it",
                credential.kind
            );
        }
    }
    let mut delays = Vec::with_capacity(held.len());
    for credential in held {
        match end(store, (name, target), canary, credential).await {
            Ok(shown) => delays.push(shown),
            Err(error) => {
                // One that outlived its end is told, also where the next could not be tried.
                if delays.iter().any(|shown| shown.delay.is_none()) {
                    store.keep_canary(name, version, canary.within, delays).await?;
                }
                return Err(error);
            }
        }
    }
    store.keep_canary(name, version, canary.within, delays.clone()).await?;
    Ok(delays)
}

/// Has one credential ended, and tries it meanwhile and afterwards.
async fn end(
    store: &Store,
    (name, target): (&str, &dyn Target),
    canary: &Canary,
    credential: HeldCredential,
) -> anyhow::Result<CanaryDelay> {
    let token = credential.id.clone().filter(|_| credential.kind == GrantKind::AccessToken);
    let row = store
        .submit_request(InboxRow {
            subject: canary.subject.to_string(),
            reason: crate::model::Reason::Logout.word().to_owned(),
            requested_by: "canary".to_owned(),
            target: Some(name.to_owned()),
            all_sessions: token.is_none(),
            access_token: token,
            ..InboxRow::default()
        })
        .await?;
    // Tried while it is ended too, so that a delay is measured from the first refusal on, and given up only after the end was accepted.
    let (tell, accepted) = watch::channel(None);
    let revoked = async {
        let at = revoked(store, row).await;
        if let Ok(at) = &at {
            tell.send_replace(Some(*at));
        }
        drop(tell);
        at
    };
    let (refused, accepted) = tokio::join!(refused(target, &credential, canary.within, accepted), revoked);
    let (refused, accepted) = (refused?, accepted?);
    // It may be refused before the answer to its end has come.
    let delay = refused.map(|at| at.saturating_duration_since(accepted));
    Ok(CanaryDelay {
        kind: credential.kind,
        delay: delay.filter(|delay| *delay <= canary.within),
    })
}

/// When the credential was first refused; `None` where it still works `within` after its end was accepted, or that was never accepted.
async fn refused(
    target: &dyn Target,
    credential: &HeldCredential,
    within: Duration,
    accepted: watch::Receiver<Option<Instant>>,
) -> anyhow::Result<Option<Instant>> {
    let context = CallContext::unpaced();
    let mut wait = TRIES.0;
    loop {
        tokio::time::sleep(wait).await;
        if !target.is_taken(&context, credential).await? {
            return Ok(Some(Instant::now()));
        }
        let since = *accepted.borrow();
        let over = since.map_or(accepted.has_changed().is_err(), |since| since.elapsed() > within);
        if over {
            return Ok(None);
        }
        wait = wait.mul_f64(1.2).min(TRIES.1);
    }
}

/// Waits until the revocation is over, and answers when the target accepted it.
async fn revoked(store: &Store, row: i64) -> anyhow::Result<Instant> {
    let until = Instant::now() + PATIENCE;
    let mut case = None;
    while Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        if case.is_none() {
            let answer = store.inbox_answer(row).await?;
            case = answer.case.map(|CaseId(case)| case);
            if answer.state == "rejected" {
                bail!("the canary's revocation was rejected: {}", answer.why.unwrap_or_default());
            }
        }
        let Some(number) = case else { continue };
        let view = store.case(number).await?;
        match (view.state.as_str(), view.verdict.as_deref()) {
            ("closed", Some("contained" | "unverified" | "residual")) => {
                let since = view.first_revoke_at.unwrap_or(view.received_at);
                let ago = store.clock().now().since(since);
                let now = Instant::now();
                return Ok(now.checked_sub(ago).unwrap_or(now));
            }
            ("open", _) => {}
            (state, verdict) => bail!(
                "case {number} about the canary is {state} ({}): see revoked case show {number}",
                verdict.unwrap_or("no verdict")
            ),
        }
    }
    bail!(
        "the canary's revocation is not over after {} s; is the daemon running?",
        PATIENCE.as_secs()
    )
}

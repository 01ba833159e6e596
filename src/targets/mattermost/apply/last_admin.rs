//! The last administrator stays: who else is one, and a lock under which one administrator at a time is locked out.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::Principal;
use crate::targets::mattermost::api::client::{Answer, Api};
use crate::targets::mattermost::api::failure::CallFailure;
use crate::targets::mattermost::api::pages;
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::Account;
use crate::targets::mattermost::own_account::OwnAccount;
use crate::targets::{CallContext, TargetError};

/// In which way an administrator is locked out.
#[derive(Debug, Clone, Copy)]
pub(in crate::targets::mattermost) enum Lockout {
    Suspension,
    PasswordReset,
}

impl Lockout {
    /// How long whoever was locked out by us is not counted.
    const fn lasts(self) -> Duration {
        match self {
            // The list of the active ones shows it by then, however far its replica lags.
            Self::Suspension => Duration::from_mins(5),
            // No list shows it. Within a day the owner has come back by mail, or another administrator was made.
            Self::PasswordReset => Duration::from_hours(24),
        }
    }
}

/// The administrators whom we locked out lately, each with until when it is not counted, under a lock: two jobs that each lock out the
/// last but one would leave none. What was reset before a restart is not known any more.
#[derive(Default)]
pub(in crate::targets::mattermost) struct Administrators(Mutex<BTreeMap<String, Instant>>);

impl Administrators {
    /// Whether `principal` is the only person who is an active administrator. Bots don't count: nobody can sign in as one.
    pub(in crate::targets::mattermost) async fn is_last(
        &self,
        api: &Api,
        context: &CallContext,
        own_account: &OwnAccount,
        principal: &Principal,
    ) -> Result<bool, TargetError> {
        let gone = self.0.lock().await.clone();
        is_last(api, context, own_account, principal, &gone).await
    }

    /// Sends `call`, which locks the administrator `principal` out, unless nobody would be left. `None` where it was not sent.
    pub(in crate::targets::mattermost) async fn lock_out(
        &self,
        how: Lockout,
        (api, context, own_account): (&Api, &CallContext, &OwnAccount),
        principal: &Principal,
        call: Call,
    ) -> Result<Option<Answer>, CallFailure> {
        let mut gone = self.0.lock().await;
        gone.retain(|_, until| Instant::now() < *until);
        if is_last(api, context, own_account, principal, &gone).await? {
            return Ok(None);
        }
        // Counted as gone even where no answer comes: the server may have done it.
        let until = Instant::now() + how.lasts();
        let longest = gone.get(&principal.id).map_or(until, |known| until.max(*known));
        gone.insert(principal.id.clone(), longest);
        api.send(context, call).await.map(Some)
    }
}

async fn is_last(
    api: &Api,
    context: &CallContext,
    own_account: &OwnAccount,
    principal: &Principal,
    gone: &BTreeMap<String, Instant>,
) -> Result<bool, TargetError> {
    let listing = pages::list::<Account>(api, context, || {
        Call::get("counting the system administrators", &["users"])
            .query("role", "system_admin")
            .query("active", true)
    });
    let listing = listing
        .await
        .map_err(|failure| own_account.essential_error(failure, principal))?;
    // The filter is the server's and coarse, so each is looked at again. A list that is not whole can only err towards "last".
    let other = listing.items.iter().any(|account| {
        account.id != principal.id
            && account.is_admin()
            && account.is_active()
            && !account.is_bot
            && gone.get(&account.id).is_none_or(|until| *until <= Instant::now())
    });
    Ok(!other)
}

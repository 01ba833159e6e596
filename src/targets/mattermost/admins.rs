//! The last administrator stays: who else is one, and the door that lets one suspension of an administrator through at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::{Answer, Api};
use super::call::Call;
use super::failure::Trouble;
use super::pages;
use super::standing::Standing;
use super::wire::Account;
use crate::model::Principal;
use crate::targets::{Pass, TargetError};

/// How long an administrator whom we suspended is not counted, whatever a lagging replica says.
const LAG: Duration = Duration::from_mins(5);

/// The administrators whom we suspended lately, behind the door: two jobs that each suspend the last but one would leave none.
#[derive(Default)]
pub(super) struct Admins(Mutex<BTreeMap<String, Instant>>);

impl Admins {
    /// Whether `principal` is the only person who is an active administrator. Bots don't count: nobody can sign in as one.
    pub(super) async fn is_last(
        &self,
        api: &Api,
        pass: &Pass,
        standing: &Standing,
        principal: &Principal,
    ) -> Result<bool, TargetError> {
        let gone = self.0.lock().await.clone();
        is_last(api, pass, standing, principal, &gone).await
    }

    /// Sends `call`, which suspends the administrator `principal`, unless nobody would be left. `None` where it was not sent.
    pub(super) async fn suspend(
        &self,
        api: &Api,
        pass: &Pass,
        standing: &Standing,
        principal: &Principal,
        call: Call,
    ) -> Result<Option<Answer>, Trouble> {
        let mut gone = self.0.lock().await;
        gone.retain(|_, at| at.elapsed() < LAG);
        if is_last(api, pass, standing, principal, &gone).await? {
            return Ok(None);
        }
        // Counted as gone even where no answer comes: the server may have done it.
        gone.insert(principal.id.clone(), Instant::now());
        api.send(pass, call).await.map(Some)
    }
}

async fn is_last(
    api: &Api,
    pass: &Pass,
    standing: &Standing,
    principal: &Principal,
    gone: &BTreeMap<String, Instant>,
) -> Result<bool, TargetError> {
    let listing = pages::list::<Account>(api, pass, || {
        Call::get("counting the system administrators", &["users"])
            .query("role", "system_admin")
            .query("active", true)
    });
    let listing = listing.await.map_err(|trouble| standing.judge(trouble, principal))?;
    // The filter is the server's and coarse, so each is looked at again. A list that is not whole can only err towards "last".
    let other = listing.items.iter().any(|account| {
        account.id != principal.id
            && account.is_admin()
            && account.is_active()
            && !account.is_bot
            && !gone.contains_key(&account.id)
    });
    Ok(!other)
}

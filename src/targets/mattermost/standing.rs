//! Who we are at the server: the account behind our credential, whose it is, and what its roles permit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::api::Api;
use super::call::Call;
use super::failure::{NO_BOT, Trouble};
use super::pages;
use super::wire::{Account, Bot, Keyed as _, Role, Token};
use crate::model::{Principal, PrincipalTrait, Reason};
use crate::targets::{Pass, Remedy, TargetError};

/// How long what we know of our own roles is believed.
const FRESH: Duration = Duration::from_mins(1);
/// How long it is believed before a suspension that somebody does not own the bot that we are: it would lock us out.
const OWNER_FRESH: Duration = Duration::from_secs(5);
/// How long the rest is believed: our own tokens, the permissions of the same roles.
const FRESH_ENOUGH: Duration = Duration::from_mins(10);

/// Who we are.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) me: Account,
    /// Whose bot we are, if we are one. Deactivating the owner disables the bot in mid run.
    pub(super) owner: Option<String>,
    /// The ids of our own access tokens, as far as we may list them.
    tokens: BTreeSet<String>,
    /// What our roles permit; everything for a system administrator.
    permissions: BTreeSet<String>,
    looked: Instant,
    /// When the owner was asked for.
    owner_at: Instant,
}

/// What was last found out, shared by all calls. It is only ever replaced as a whole.
#[derive(Default)]
pub(super) struct Memory {
    last: Mutex<Option<(Instant, Arc<Standing>)>>,
    /// One asks at a time. An urgent call must not wait until a routine one got its permit.
    urgent: tokio::sync::Mutex<()>,
    others: tokio::sync::Mutex<()>,
}

impl Standing {
    /// Whether we may do what `permission` names, at the whole server.
    pub(super) fn may(&self, permission: &str) -> bool {
        self.me.is_admin() || self.permissions.contains(permission)
    }

    /// Whether `id` is our own account.
    pub(super) fn is_us(&self, id: &str) -> bool {
        self.me.id == id
    }

    /// Whether `id` owns the bot that we are: its suspension may disable us.
    pub(super) fn is_our_owner(&self, id: &str) -> bool {
        self.owner.as_deref() == Some(id)
    }

    /// Whether the access token `id` is one of ours.
    pub(super) fn owns_token(&self, id: &str) -> bool {
        self.tokens.contains(id)
    }

    /// The error for a refused call that containing `principal` stands and falls with: sessions, access tokens, the suspension. Without the rights of a system administrator we may not act on one, however many
    /// other permissions we hold: then pausing the lane would stop the work for everybody else, so only this one is given up.
    pub(super) fn judge(&self, trouble: Trouble, principal: &Principal) -> TargetError {
        match trouble {
            Trouble::Refused(refusal)
                if refusal.forbids() && principal.traits.contains(&PrincipalTrait::Admin) && !self.me.is_admin() =>
            {
                refusal.with(
                    Remedy::GiveUp,
                    "this is a system administrator, on whom only another may act; contain it by hand, or make the operator account one",
                )
            }
            other => other.into(),
        }
    }
}

/// The error for a refused call about what is beside sessions and access tokens. A permission that is missing for a bot or a webhook must
/// not stop the lane, for then nobody's sessions would be ended any more: only this change is given up, and the case says so.
pub(super) fn judge_beside(trouble: Trouble) -> TargetError {
    match trouble {
        Trouble::Refused(refusal) if refusal.forbids() => refusal.with(
            Remedy::GiveUp,
            "the operator account lacks a permission for this; give its role the permissions listed by `revoked check`, or look whether the \
             server's database is down, which it reports the same way",
        ),
        other => other.into(),
    }
}

impl Memory {
    /// Who we are, asked anew where the last answer is old.
    pub(super) async fn standing(&self, api: &Api, pass: &Pass) -> Result<Arc<Standing>, TargetError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _turn = self.turn(pass).await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let known = self.last().clone().map(|(_, standing)| standing);
        let standing = Arc::new(ask(api, pass, known).await?);
        *self.last() = Some((Instant::now(), Arc::clone(&standing)));
        Ok(standing)
    }

    async fn turn(&self, pass: &Pass) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = if pass.priority().is_urgent() {
            &self.urgent
        } else {
            &self.others
        };
        turn.lock().await
    }

    fn fresh(&self) -> Option<Arc<Standing>> {
        let last = self.last();
        let (at, standing) = last.as_ref()?;
        (at.elapsed() < FRESH).then(|| Arc::clone(standing))
    }

    fn last(&self) -> MutexGuard<'_, Option<(Instant, Arc<Standing>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `id` owns the bot that we are. Yes is never believed without asking now: the bot may have been given to somebody else since, so
    /// that `id` can be suspended after all. No is believed as long as what else is known of us.
    pub(super) async fn is_our_owner_now(&self, api: &Api, pass: &Pass, id: &str) -> Result<bool, TargetError> {
        self.ask_for_owner(api, pass, id, FRESH).await
    }

    /// The same before `id` is suspended, where no is believed for [`OWNER_FRESH`] only. It is asked for ahead of everything else, since all
    /// who are about to suspend somebody wait for the one answer.
    pub(super) async fn would_lock_us_out(&self, api: &Api, pass: &Pass, id: &str) -> Result<bool, TargetError> {
        let ahead = pass.at(Reason::Compromised.priority());
        self.ask_for_owner(api, &ahead, id, OWNER_FRESH).await
    }

    async fn ask_for_owner(&self, api: &Api, pass: &Pass, id: &str, fresh: Duration) -> Result<bool, TargetError> {
        let asked = Instant::now();
        let is_known = |standing: &Standing| {
            !standing.me.is_bot || standing.owner_at >= asked || (!standing.is_our_owner(id) && standing.owner_at.elapsed() < fresh)
        };
        let standing = self.standing(api, pass).await?;
        if is_known(&standing) {
            return Ok(standing.is_our_owner(id));
        }
        let _turn = self.turn(pass).await;
        // Whoever was before us in turn may have asked.
        let last = self.last().clone();
        let (looked, standing) = last.unwrap_or((asked, standing));
        if is_known(&standing) {
            return Ok(standing.is_our_owner(id));
        }
        let owner_at = Instant::now();
        let now = Arc::new(Standing {
            owner: owner(api, pass, &standing.me).await?,
            owner_at,
            ..Standing::clone(&standing)
        });
        *self.last() = Some((looked, Arc::clone(&now)));
        Ok(now.is_our_owner(id))
    }

    /// Forgets what is known, since a refusal shows that it is no longer true.
    pub(super) fn forget(&self) {
        *self.last() = None;
    }
}

async fn ask(api: &Api, pass: &Pass, known: Option<Arc<Standing>>) -> Result<Standing, TargetError> {
    let me: Account = api
        .send(pass, Call::get("asking who we are", &["users", "me"]))
        .await
        .map_err(TargetError::from)?
        .read()?;
    if let Some(known) = known
        && known.me.id == me.id
        && known.me.roles == me.roles
        && known.looked.elapsed() < FRESH_ENOUGH
    {
        let owner_at = Instant::now();
        return Ok(Standing {
            owner: owner(api, pass, &me).await?,
            owner_at,
            me,
            ..Standing::clone(&known)
        });
    }
    let owner_at = Instant::now();
    let (owner, tokens, permissions) =
        tokio::try_join!(owner(api, pass, &me), tokens(api, pass, &me), permissions(api, pass, &me))?;
    Ok(Standing {
        me,
        owner,
        tokens,
        permissions,
        looked: Instant::now(),
        owner_at,
    })
}

async fn owner(api: &Api, pass: &Pass, me: &Account) -> Result<Option<String>, TargetError> {
    if !me.is_bot {
        return Ok(None);
    }
    match api
        .send(pass, Call::get("asking who owns our bot account", &["bots", &me.id]))
        .await
    {
        Ok(answer) => Ok(Some(answer.read::<Bot>()?.owner_id)),
        // Without read_bots our own bot looks missing.
        Err(Trouble::Refused(refusal)) if refusal.is(404, NO_BOT) || refusal.forbids() => Ok(None),
        Err(trouble) => Err(trouble.into()),
    }
}

async fn tokens(api: &Api, pass: &Pass, me: &Account) -> Result<BTreeSet<String>, TargetError> {
    match pages::list::<Token>(api, pass, || {
        Call::get("listing our own access tokens", &["users", &me.id, "tokens"])
    })
    .await
    {
        Ok(listing) => Ok(listing.items.iter().map(|token| token.key().to_owned()).collect()),
        Err(Trouble::Refused(refusal)) if refusal.forbids() || refusal.switched_off() => Ok(BTreeSet::new()),
        Err(trouble) => Err(trouble.into()),
    }
}

async fn permissions(api: &Api, pass: &Pass, me: &Account) -> Result<BTreeSet<String>, TargetError> {
    if me.is_admin() {
        return Ok(BTreeSet::new());
    }
    let names: Vec<&str> = me.roles.split_ascii_whitespace().collect();
    let call = Call::post("asking what our roles permit", &["roles", "names"]).json(&serde_json::json!(names));
    match api.send(pass, call).await {
        Ok(answer) => {
            let roles: Vec<Role> = answer.read()?;
            Ok(roles.into_iter().flat_map(|role| role.permissions).collect())
        }
        // What cannot be told is not assumed: lists that depend on it then count as unseen.
        Err(Trouble::Refused(refusal)) if refusal.forbids() || refusal.unknown_call() => Ok(BTreeSet::new()),
        Err(trouble) => Err(trouble.into()),
    }
}

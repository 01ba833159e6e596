//! Our own account at the server: the account behind our credential, whose it is, and what its roles permit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Mattermost;
use super::api::client::Api;
use super::api::failure::{CallFailure, NO_BOT};
use super::api::pages;
use super::api::request::Call;
use super::api::wire::{Account, Bot, Keyed as _, Role, Token};
use crate::model::{Principal, PrincipalTrait, Reason};
use crate::targets::{CallContext, Remedy, TargetError};

/// How long what we know of our own roles is believed.
const FRESH: Duration = Duration::from_mins(1);
/// How long it is believed before a suspension that somebody does not own the bot that we are: it would lock us out.
const OWNER_FRESH: Duration = Duration::from_secs(5);
/// How long the rest is believed: the permissions of the same roles, our own tokens.
const FRESH_ENOUGH: Duration = Duration::from_mins(10);

/// Who we are.
#[derive(Debug, Clone)]
pub(super) struct OwnAccount {
    pub(super) me: Account,
    /// What our roles permit; everything for a system administrator.
    permissions: Fetched<BTreeSet<String>>,
    /// Whose bot we are, if we are one. Deactivating the owner disables the bot in mid run.
    owner: Fetched<Option<String>>,
    /// The ids of our own access tokens, as far as we may list them.
    tokens: Fetched<BTreeSet<String>>,
}

/// An answer, and when it was asked for.
#[derive(Debug, Clone)]
struct Fetched<T> {
    answer: T,
    asked: Instant,
}

impl<T> Fetched<T> {
    async fn ask(answer: impl Future<Output = Result<T, TargetError>>) -> Result<Self, TargetError> {
        let asked = Instant::now();
        Ok(Self {
            answer: answer.await?,
            asked,
        })
    }

    fn is_younger(&self, than: Duration) -> bool {
        self.asked.elapsed() < than
    }
}

/// What was last found out, shared by all calls. It is only ever replaced as a whole.
#[derive(Default)]
pub(super) struct OwnAccountCache {
    last: Mutex<Option<(Instant, Arc<OwnAccount>)>>,
    /// One asks at a time. An urgent call must not wait until a routine one got its permit.
    urgent: tokio::sync::Mutex<()>,
    others: tokio::sync::Mutex<()>,
}

impl OwnAccount {
    /// Whether we may do what `permission` names, at the whole server.
    pub(super) fn may(&self, permission: &str) -> bool {
        self.me.is_admin() || self.permissions.answer.contains(permission)
    }

    /// Whether `id` is our own account.
    pub(super) fn is_us(&self, id: &str) -> bool {
        self.me.id == id
    }

    /// Who owns the bot that we are.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.answer.as_deref()
    }

    /// Whether `id` owns the bot that we are: its suspension may disable us.
    pub(super) fn is_our_owner(&self, id: &str) -> bool {
        self.owner() == Some(id)
    }

    /// Whether the access token `id` is one of ours.
    pub(super) fn owns_token(&self, id: &str) -> bool {
        self.tokens.answer.contains(id)
    }

    /// The error for a refused call that containing `principal` stands and falls with: sessions, access tokens, the suspension. Without the rights of a system administrator we may not act on one, however many
    /// other permissions we hold: then pausing the lane would stop the work for everybody else, so only this one is given up.
    pub(super) fn essential_error(&self, failure: CallFailure, principal: &Principal) -> TargetError {
        match failure {
            CallFailure::Refused(refusal)
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
pub(super) fn optional_error(failure: CallFailure) -> TargetError {
    match failure {
        CallFailure::Refused(refusal) if refusal.forbids() => refusal.with(
            Remedy::GiveUp,
            "the operator account lacks a permission for this; give its role the permissions listed by `revoked check`, or look whether the \
             server's database is down, which it reports the same way",
        ),
        other => other.into(),
    }
}

impl OwnAccountCache {
    /// Who we are, asked anew where the last answer is old.
    pub(super) async fn get(&self, target: &Mattermost, context: &CallContext) -> Result<Arc<OwnAccount>, TargetError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _turn = self.turn(context).await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let known = self.last().clone().map(|(_, own_account)| own_account);
        let own_account = Arc::new(ask(target, context, known).await?);
        *self.last() = Some((Instant::now(), Arc::clone(&own_account)));
        Ok(own_account)
    }

    async fn turn(&self, context: &CallContext) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = if context.priority().is_urgent() {
            &self.urgent
        } else {
            &self.others
        };
        turn.lock().await
    }

    fn fresh(&self) -> Option<Arc<OwnAccount>> {
        let last = self.last();
        let (at, own_account) = last.as_ref()?;
        (at.elapsed() < FRESH).then(|| Arc::clone(own_account))
    }

    fn last(&self) -> MutexGuard<'_, Option<(Instant, Arc<OwnAccount>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `id` owns the bot that we are. Yes is never believed without asking now: the bot may have been given to somebody else since, so
    /// that `id` can be suspended after all. No is believed as long as what else is known of us.
    pub(super) async fn is_our_owner_now(&self, target: &Mattermost, context: &CallContext, id: &str) -> Result<bool, TargetError> {
        Ok(self.with_owner(target, context, id, FRESH).await?.is_our_owner(id))
    }

    /// Who we are, and whose bot we are, before `id` is suspended: that it is not theirs is believed for [`OWNER_FRESH`] only. It is asked for
    /// ahead of everything else, since all who are about to suspend somebody wait for the one answer.
    pub(super) async fn before_suspending(
        &self,
        target: &Mattermost,
        context: &CallContext,
        id: &str,
    ) -> Result<Arc<OwnAccount>, TargetError> {
        let ahead = context.at(Reason::Compromised.priority());
        self.with_owner(target, &ahead, id, OWNER_FRESH).await
    }

    /// Who we are with our owner, who is asked for where that was longer ago than `fresh`, or where it was `id`.
    async fn with_owner(
        &self,
        target: &Mattermost,
        context: &CallContext,
        id: &str,
        fresh: Duration,
    ) -> Result<Arc<OwnAccount>, TargetError> {
        let asked = Instant::now();
        let is_known = |own_account: &OwnAccount| {
            !own_account.me.is_bot
                || own_account.owner.asked >= asked
                || (own_account.owner.is_younger(fresh) && !own_account.is_our_owner(id))
        };
        let ask = async |own_account: &OwnAccount| {
            let owner = Fetched::ask(owner(&target.api, context, &own_account.me)).await?;
            Ok(OwnAccount {
                owner,
                ..own_account.clone()
            })
        };
        self.knowing(target, context, is_known, ask).await
    }

    /// Who we are, before an access token is ended: ours are asked for again where that was long ago.
    pub(super) async fn before_ending_a_token(
        &self,
        target: &Mattermost,
        context: &CallContext,
    ) -> Result<Arc<OwnAccount>, TargetError> {
        let is_known = |own_account: &OwnAccount| own_account.tokens.is_younger(FRESH_ENOUGH);
        let ask = async |own_account: &OwnAccount| {
            let tokens = Fetched::ask(tokens(&target.api, context, &own_account.me)).await?;
            Ok(OwnAccount {
                tokens,
                ..own_account.clone()
            })
        };
        self.knowing(target, context, is_known, ask).await
    }

    /// Who we are, with what `ask` finds out where it is not known. Who we are is asked for again as soon as without it.
    async fn knowing(
        &self,
        target: &Mattermost,
        context: &CallContext,
        is_known: impl Fn(&OwnAccount) -> bool,
        ask: impl AsyncFnOnce(&OwnAccount) -> Result<OwnAccount, TargetError>,
    ) -> Result<Arc<OwnAccount>, TargetError> {
        let own_account = self.get(target, context).await?;
        if is_known(&own_account) {
            return Ok(own_account);
        }
        let _turn = self.turn(context).await;
        // Whoever was before us in turn may have asked.
        let last = self.last().clone();
        let (looked, own_account) = last.unwrap_or((Instant::now(), own_account));
        if is_known(&own_account) {
            return Ok(own_account);
        }
        let more = Arc::new(ask(&own_account).await?);
        *self.last() = Some((looked, Arc::clone(&more)));
        Ok(more)
    }

    /// Forgets what is known, since a refusal shows that it is no longer true.
    pub(super) fn forget(&self) {
        *self.last() = None;
    }
}

/// Asks who we are. Who we were a minute ago is asked for as any account is, so that it comes along with whoever else is looked up; a
/// credential of somebody else is noticed where it is read anew, which forgets us.
async fn ask(target: &Mattermost, context: &CallContext, known: Option<Arc<OwnAccount>>) -> Result<OwnAccount, TargetError> {
    const DOING: &str = "asking who we are";
    let api = &target.api;
    if let Some(known) = known {
        let (me, _) = target.accounts.get(api, context, DOING.to_owned(), &known.me.id).await?;
        if me.id == known.me.id {
            let permissions = if me.roles == known.me.roles && known.permissions.is_younger(FRESH_ENOUGH) {
                known.permissions.clone()
            } else {
                Fetched::ask(permissions(api, context, &me)).await?
            };
            return Ok(OwnAccount {
                me,
                permissions,
                ..OwnAccount::clone(&known)
            });
        }
    }
    let me: Account = api.send(context, Call::get(DOING, &["users", "me"])).await?.read()?;
    let (permissions, owner, tokens) = tokio::try_join!(
        Fetched::ask(permissions(api, context, &me)),
        Fetched::ask(owner(api, context, &me)),
        Fetched::ask(tokens(api, context, &me))
    )?;
    Ok(OwnAccount {
        me,
        permissions,
        owner,
        tokens,
    })
}

async fn owner(api: &Api, context: &CallContext, me: &Account) -> Result<Option<String>, TargetError> {
    if !me.is_bot {
        return Ok(None);
    }
    match api
        .send(context, Call::get("asking who owns our bot account", &["bots", &me.id]))
        .await
    {
        Ok(answer) => Ok(Some(answer.read::<Bot>()?.owner_id)),
        // Without read_bots our own bot looks missing.
        Err(CallFailure::Refused(refusal)) if refusal.is(404, NO_BOT) || refusal.forbids() => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

async fn tokens(api: &Api, context: &CallContext, me: &Account) -> Result<BTreeSet<String>, TargetError> {
    match pages::list::<Token>(api, context, || {
        Call::get("listing our own access tokens", &["users", &me.id, "tokens"])
    })
    .await
    {
        Ok(listing) => Ok(listing.items.iter().map(|token| token.key().to_owned()).collect()),
        Err(CallFailure::Refused(refusal)) if refusal.forbids() || refusal.switched_off() => Ok(BTreeSet::new()),
        Err(failure) => Err(failure.into()),
    }
}

async fn permissions(api: &Api, context: &CallContext, me: &Account) -> Result<BTreeSet<String>, TargetError> {
    if me.is_admin() {
        return Ok(BTreeSet::new());
    }
    let names: Vec<&str> = me.roles.split_ascii_whitespace().collect();
    let call = Call::post("asking what our roles permit", &["roles", "names"]).json(&serde_json::json!(names));
    match api.send(context, call).await {
        Ok(answer) => {
            let roles: Vec<Role> = answer.read()?;
            Ok(roles.into_iter().flat_map(|role| role.permissions).collect())
        }
        // What cannot be told is not assumed: lists that depend on it then count as unseen.
        Err(CallFailure::Refused(refusal)) if refusal.forbids() || refusal.unknown_call() => Ok(BTreeSet::new()),
        Err(failure) => Err(failure.into()),
    }
}

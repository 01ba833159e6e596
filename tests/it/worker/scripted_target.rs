//! A target that the tests script: accounts in memory, every call on record, and every way of going wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use revoked::clock::Clock;
use revoked::model::{
    Access, AccountState, Action, Capabilities, Grant, GrantKind, Principal, PrincipalTrait, Resolution, Subject, Timestamp,
};
use revoked::targets::{
    Applied, CallContext, CanaryLogin, Finding, HeldCredential, Level, ObservationRequest, Probe, Remedy, Target, TargetError,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;

/// The scripted target.
pub(crate) struct Scripted {
    world: Mutex<World>,
    /// Each call takes one of these and does not give it back: a test lets calls through one by one.
    gate: Semaphore,
    clock: Clock,
}

/// What the target is and how it behaves.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a behaviour of its own, and a test turns it on alone"
)]
pub(crate) struct World {
    /// By every name.
    pub(crate) names: BTreeMap<String, Vec<String>>,
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Every call, in order: `resolve`, `observe`, or the action's own sentence, with the account after a colon.
    pub(crate) calls: Vec<String>,
    /// Accepts everything and does nothing.
    pub(crate) lies: bool,
    /// Fails the next calls of this name, in order.
    pub(crate) faults: Vec<(String, Remedy)>,
    /// Answers nothing.
    pub(crate) down: bool,
    /// The credential does not work.
    pub(crate) locked_out: bool,
    /// Sessions that appear after the next ends of all sessions.
    pub(crate) comebacks: VecDeque<String>,
    /// So many observations show what was before the last change.
    pub(crate) lag: usize,
    stale: BTreeMap<String, Account>,
    /// So many more observations do not show a suspension.
    pub(crate) blind_to_block: usize,
    pub(crate) able: Capabilities,
    /// The only format of a name that it can be asked by; any where it is none.
    pub(crate) asks_by: Option<&'static str>,
    /// Takes a session that it lists no more.
    pub(crate) honours_what_is_ended: bool,
    /// Nobody is asked for by an id, and yet whom the target has named by one it finds so.
    pub(crate) asks_by_no_id: bool,
    /// Asked before each action is carried out.
    pub(crate) witness: Option<Witness>,
}

/// Looks on when an action is carried out.
type Witness = Box<dyn Fn(&Action) + Send>;

/// One account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) suspended: bool,
    pub(crate) grants: Vec<Grant>,
    pub(crate) traits: BTreeSet<PrincipalTrait>,
    /// What the account bears besides its id and its username.
    pub(crate) known_as: Vec<Subject>,
}

impl Account {
    /// The account as a look at it shows it.
    fn state(&self) -> AccountState {
        AccountState {
            suspended: self.suspended,
            suspended_at: self.suspended.then(|| Timestamp::from_ms(1_795_480_000_000)),
            own_password: true,
            ..AccountState::default()
        }
    }
}

impl Scripted {
    /// A target that lets all calls through and can do everything.
    pub(crate) fn new() -> Self {
        let world = World {
            able: Capabilities {
                ends: GrantKind::ALL.into(),
                lists: GrantKind::ALL.into(),
                suspends: true,
                resets_password: true,
                ends_all_sessions: true,
                after_sessions: vec![Action::ClearCaches],
                set_size: 1,
                not_covered: vec!["public file links live on".into()],
                disables: [GrantKind::AccessToken].into(),
                ..Capabilities::default()
            },
            ..World::default()
        };
        Self {
            world: Mutex::new(world),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            clock: Clock::system(),
        }
    }

    /// A target at which every call waits until the test lets it through.
    pub(crate) fn gated() -> Self {
        Self {
            gate: Semaphore::new(0),
            ..Self::new()
        }
    }

    /// Lets `count` more calls through.
    pub(crate) fn let_through(&self, count: usize) {
        self.gate.add_permits(count);
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Adds an account that is known by its id and its username, with these grants.
    pub(crate) fn account(&self, name: &str, grants: &[(GrantKind, &str)]) {
        let mut world = self.world();
        let grants = grants.iter().map(|(kind, id)| Grant::new(*kind, *id)).collect();
        world.accounts.insert(
            name.to_owned(),
            Account {
                grants,
                ..Account::default()
            },
        );
        world.names.insert(format!("username:{name}"), vec![name.to_owned()]);
        world.names.insert(format!("opaque:{name}"), vec![name.to_owned()]);
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// The actions sent so far.
    pub(crate) fn sent(&self) -> Vec<String> {
        let calls = self.calls();
        let reads = |call: &String| !["resolve:", "observe:", "probe:"].iter().any(|read| call.starts_with(read));
        calls.into_iter().filter(reads).collect()
    }

    /// The ids of the grants that are left to an account.
    pub(crate) fn left(&self, name: &str) -> Vec<String> {
        self.world().accounts[name]
            .grants
            .iter()
            .map(|grant| grant.name.id.clone())
            .collect()
    }

    /// Waits for the permit and the gate, notes the call, and fails it where the script says so.
    async fn enter(&self, context: &CallContext, call: &str, about: &str) -> Result<(), TargetError> {
        let _permit = context.permit().await;
        self.gate.acquire().await.unwrap().forget();
        let mut world = self.world();
        world.calls.push(format!("{call}:{about}"));
        let scripted = world.faults.iter().position(|(name, _)| call.starts_with(name.as_str()));
        let remedy = match scripted {
            Some(n) => Some(world.faults.remove(n).1),
            None if world.down => Some(Remedy::Retry),
            None if world.locked_out => Some(Remedy::Pause),
            None => None,
        };
        remedy.map_or(Ok(()), |remedy| {
            Err(TargetError {
                doing: format!("asking to {call}"),
                remedy,
                source: anyhow::anyhow!("scripted"),
                request: Some("r-1".to_owned()),
            })
        })
    }
}

#[async_trait]
impl Target for Scripted {
    fn capabilities(&self) -> Capabilities {
        self.world().able.clone()
    }

    fn asks_by(&self, name: &Subject) -> bool {
        let world = self.world();
        let by_id = !(world.asks_by_no_id && matches!(name, Subject::Opaque(_)));
        by_id && world.asks_by.is_none_or(|format| name.format() == format)
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        self.enter(context, "resolve", subject.format()).await?;
        let world = self.world();
        let named = subject.names().iter().filter_map(|name| world.names.get(&name.to_string()));
        let ids: BTreeSet<String> = named.flatten().cloned().collect();
        Ok(match ids.into_iter().collect::<Vec<_>>().as_slice() {
            [] => Resolution::None,
            [id] => Resolution::One(Principal {
                id: id.clone(),
                names: [Subject::Opaque(id.clone()), Subject::Username(id.clone())]
                    .into_iter()
                    .chain(world.accounts[id].known_as.clone())
                    .collect(),
                traits: world.accounts[id].traits.clone(),
                account: world.accounts[id].state(),
            }),
            several => Resolution::Ambiguous(several.to_vec()),
        })
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        let kinds = &ask.kinds;
        self.enter(context, "observe", &principal.id).await?;
        let mut world = self.world();
        let lists = world.able.lists.clone();
        let mut account = world.accounts[&principal.id].clone();
        if world.lag > 0 {
            world.lag -= 1;
            account = world.stale.get(&principal.id).cloned().unwrap_or(account);
        }
        let mut access = Access::empty(self.clock.now());
        access.account = if ask.account {
            account.state()
        } else {
            principal.account.clone()
        };
        if ask.account && account.suspended && world.blind_to_block > 0 {
            world.blind_to_block -= 1;
            access.account.suspended = false;
        }
        access.listed = kinds.intersection(&lists).copied().collect();
        access.unseen = kinds
            .difference(&lists)
            .map(|kind| (*kind, "it has no list".to_owned()))
            .collect();
        access.grants = account
            .grants
            .into_iter()
            .filter(|grant| access.listed.contains(&grant.name.kind))
            .collect();
        access.requests = vec!["r-2".to_owned()];
        Ok(access)
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        let [principal] = principals else {
            panic!("more than one principal")
        };
        self.enter(context, &action.to_string(), &principal.id).await?;
        let mut world = self.world();
        if let Some(witness) = &world.witness {
            witness(action);
        }
        let applied = Applied {
            requests: vec!["r-3".to_owned()],
            ..Applied::default()
        };
        if world.lies {
            return Ok(applied);
        }
        let before = world.accounts[&principal.id].clone();
        world.stale.insert(principal.id.clone(), before);
        let comeback = matches!(action, Action::EndAllSessions)
            .then(|| world.comebacks.pop_front())
            .flatten();
        let account = world.accounts.get_mut(&principal.id).unwrap();
        match action {
            Action::Suspend => account.suspended = true,
            Action::EndAllSessions => {
                account
                    .grants
                    .retain(|grant| !matches!(grant.name.kind, GrantKind::Session | GrantKind::OauthGrant));
            }
            Action::EndAll { kind } => account.grants.retain(|listed| listed.name.kind != *kind),
            Action::EndMany { grants } => account.grants.retain(|listed| !grants.contains(&listed.name)),
            Action::End { grant } => account.grants.retain(|listed| listed.name != *grant),
            Action::Disable { grant } => {
                for listed in account.grants.iter_mut().filter(|listed| listed.name == *grant) {
                    listed.enabled = false;
                }
            }
            Action::Release => account.suspended = false,
            Action::ResetPassword | Action::ClearCaches | Action::Silence | Action::EndLeaked { .. } => {}
        }
        account.grants.extend(comeback.map(|id| Grant::new(GrantKind::Session, id)));
        Ok(applied)
    }

    fn takes_canaries(&self) -> bool {
        true
    }

    async fn sign_in(&self, _: &CallContext, canary: &CanaryLogin) -> Result<Vec<HeldCredential>, TargetError> {
        let mut world = self.world();
        let account = world.accounts.get_mut(&canary.login).unwrap();
        account.grants.push(Grant::new(GrantKind::Session, "fresh"));
        Ok(vec![HeldCredential {
            kind: GrantKind::Session,
            id: None,
            secret: "fresh".into(),
        }])
    }

    async fn is_taken(&self, _: &CallContext, held: &HeldCredential) -> Result<bool, TargetError> {
        let world = self.world();
        let mut listed = world.accounts.values().flat_map(|account| &account.grants);
        Ok(world.honours_what_is_ended || listed.any(|grant| grant.name.id == *held.secret.expose_secret()))
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        self.enter(context, "probe", "").await?;
        Ok(Probe {
            findings: vec![Finding {
                level: Level::Warning,
                what: "scripted".to_owned(),
                advice: "none".to_owned(),
            }],
            ..Probe::default()
        })
    }
}

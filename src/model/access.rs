//! What a target says: who a subject is there, and what that principal can reach now.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Door, Grant, GrantKind, GrantRef, Subject, Timestamp};

/// The account at one target that a subject resolves to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The target's own id.
    pub id: String,
    /// Every name the target knows the account by (id, username, address): checked against the protected subjects, since a signal may
    /// have used a name that the list does not hold.
    pub names: Vec<Subject>,
    /// What forbids or complicates acting on it.
    pub traits: BTreeSet<PrincipalTrait>,
    /// The account itself, as its lookup showed it: who asks nothing else about it needs no second call.
    #[serde(default)]
    pub account: AccountState,
}

/// An account at a target, without what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// Whether it is suspended.
    pub suspended: bool,
    /// Since when, by the target's own clock: another instant means that somebody has enabled and suspended it again meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Timestamp>,
    /// Whether somebody signs in to it by a password of the target's own.
    #[serde(default)]
    pub own_password: bool,
    /// Whether a sign-in elsewhere lifts a suspension here by itself, without anybody here who decides it.
    #[serde(default)]
    pub revived_elsewhere: bool,
    /// What lets somebody in afresh, see [`Access::doors`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<Door>,
    /// What would let somebody in if a suspension were lifted; for a rehearsal of that.
    #[serde(skip)]
    pub doors_once_enabled: Vec<Door>,
    /// What a reader of the evidence should know about it. An observation takes it into its own notes.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// The target's id of the request that showed it.
    #[serde(skip)]
    pub request: Option<String>,
}

/// What is special about a principal, as the target sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalTrait {
    /// The account whose credential `revoked` uses: acting on it would lock `revoked` out.
    Ourselves,
    /// It owns the bot that `revoked` acts as: suspending it may disable that bot. Everything else of it can be ended.
    OwnsUs,
    /// The only active administrator: suspending it, or taking its password, would leave the target without one.
    LastAdmin,
    /// An administrator.
    Admin,
    /// Its sign-in is decided elsewhere (`ldap`, `saml`, `gitlab`, …): a suspension here may be undone by the next sign-in there.
    ManagedBy(String),
    /// A bot account, not a person.
    Bot,
}

/// What became of looking a subject up at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Nobody of that name is there; the target was reachable and said so.
    None,
    /// Exactly one account.
    One(Principal),
    /// More than one account: their ids. Never success; held for a human.
    Ambiguous(Vec<String>),
}

/// What a principal can reach at a target now: one observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The account itself.
    #[serde(flatten)]
    pub account: AccountState,
    /// The kinds that were listed whole. A kind that is absent here was not looked at, and proves nothing.
    pub listed: BTreeSet<GrantKind>,
    /// The kinds that were asked for and could not be listed, each with why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<GrantKind, String>,
    /// Kinds of which the target says since when: nothing of the kind that was issued before this moment, by the target's own clock, works.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub valid_from: BTreeMap<GrantKind, Timestamp>,
    /// Everything alive, and tokens that are merely disabled.
    pub grants: Vec<Grant>,
    /// What ended together with the suspension of the account, without a call of its own: the bots that the target disables with their owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_with_suspension: Vec<GrantRef>,
    /// What lives on for a known time whatever is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residuals: Vec<Residual>,
    /// What a reader of the evidence should know: a kind that is switched off at the target, a session that a token can make again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The target's ids of the requests behind this observation, for comparison with its own logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
    /// Parts of the target that did not answer, a host of several, each with why: what is said here is of the others. What can be ended there is
    /// ended, and the job stays open for these.
    #[serde(skip)]
    pub unreached: Vec<String>,
    /// When the observation was complete.
    pub at: Timestamp,
}

/// Something that lives on until a known time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// What, in a sentence's middle: `a node's session cache`.
    pub what: String,
    /// When it ends at the latest.
    pub ends: ResidualEnd,
}

/// When a residual ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResidualEnd {
    /// Then.
    Until(Timestamp),
    /// So many seconds after the last change that we made: what was issued a moment before it lives so long.
    AfterOurAct(u64),
}

impl Access {
    /// An observation that looked at nothing yet.
    #[must_use]
    pub fn empty(at: Timestamp) -> Self {
        Self {
            account: AccountState::default(),
            listed: BTreeSet::new(),
            unseen: BTreeMap::new(),
            valid_from: BTreeMap::new(),
            grants: Vec::new(),
            ended_with_suspension: Vec::new(),
            residuals: Vec::new(),
            notes: Vec::new(),
            requests: Vec::new(),
            unreached: Vec::new(),
            at,
        }
    }

    /// Whether the account is suspended, as the target says.
    #[must_use]
    pub const fn suspended(&self) -> bool {
        self.account.suspended
    }

    /// What still lets somebody in afresh, whatever was ended.
    #[must_use]
    pub fn doors(&self) -> &[Door] {
        &self.account.doors
    }

    /// The grants of one kind.
    pub fn of(&self, kind: GrantKind) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.name.kind == kind)
    }

    /// How many grants of each kind there are; kinds that were listed and are empty count zero.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<GrantKind, usize> {
        let mut counts: BTreeMap<_, _> = self.listed.iter().map(|kind| (*kind, 0)).collect();
        for grant in &self.grants {
            *counts.entry(grant.name.kind).or_default() += 1;
        }
        counts
    }

    /// Whether the named grant is listed.
    #[must_use]
    pub fn holds(&self, name: &GrantRef) -> bool {
        self.grants.iter().any(|grant| grant.name == *name)
    }

    /// Adds what a later look at other kinds saw. The later look decides about the account and the time.
    pub fn merge(&mut self, later: Self) {
        self.grants.retain(|grant| !later.listed.contains(&grant.name.kind));
        self.unseen.retain(|kind, _| !later.listed.contains(kind));
        self.account = later.account;
        self.ended_with_suspension.extend(later.ended_with_suspension);
        self.listed.extend(later.listed);
        self.unseen.extend(later.unseen);
        self.valid_from.extend(later.valid_from);
        self.grants.extend(later.grants);
        for residual in later.residuals {
            if !self.residuals.contains(&residual) {
                self.residuals.push(residual);
            }
        }
        for note in later.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.requests.extend(later.requests);
        self.unreached.extend(later.unreached);
        self.at = later.at;
    }
}

//! The pure rule from signal to decision: ignore, hold, act. No clock, no store, no target: everything it knows stands in its arguments.
//!
//! Reading order: [`Policy::decide`] here, the bounds it keeps in `limits`, the reasons to ask a human in `hold`, what a playbook demands
//! where the config says nothing in `playbook`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{Containment, Departure, DepartureStep, Principal, Priority, Reason, Scope, Signal, Timestamp};
use crate::model::{Disposition, Subject, When};

mod current;
mod hold;
mod limits;
mod playbook;
#[cfg(test)]
mod tests;

pub use current::CurrentPolicy;
pub use hold::{HoldReason, STAYS};
pub use limits::{Class, Limits};
pub use playbook::{BUILT_IN, Playbook, built_in, demands_nothing};

/// The rule, as the config sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What each playbook demands at each target. A target that is not in it is left alone.
    pub playbooks: BTreeMap<String, Playbook>,
    /// Never acted on without a human.
    pub protected: Protected,
    /// What each source may ask for before a human is asked; a source that is not in it has [`Limits::default`].
    pub limits: BTreeMap<String, Limits>,
    /// What to do about a subject that matches several accounts at one target.
    pub ambiguous: Ambiguous,
    /// A departure or suspension that happened longer ago than this, at first sight, waits for a human: it smells of a replayed feed. An
    /// HR plan is not meant: its source judges it by its day.
    pub old_signal: Duration,
    /// The domains whose addresses are people's of ours; empty for any.
    pub email_domains: BTreeSet<String>,
    /// The targets by which people sign in to others: their jobs come first in a case.
    pub identity_providers: BTreeSet<String>,
}

/// What to do about a subject that matches several accounts at one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ambiguous {
    /// Ask a human.
    #[default]
    Hold,
    /// For `compromised`, contain every one of them; for every other reason ask a human all the same.
    All,
}

/// What the rule knows besides the signal.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The source's name in the config.
    pub source: &'a str,
    /// How many signals of [`Class::Departures`] the whole delivery holds, without repetitions.
    pub delivery_departures: usize,
    /// How many signals of [`Class::Departures`] of this source were acted on within its window.
    pub recent_departures: usize,
    /// How many signals of [`Class::Compromises`] of this source were acted on within its window.
    pub recent_compromises: usize,
    /// Whether the subject's names belong to several people, or to one only by a name in dispute.
    pub unclear: bool,
    /// How many signals of the delivery are one decision, where they are: see [`Facts::as_one`].
    pub one_decision: Option<usize>,
    /// Now.
    pub now: Timestamp,
}

impl Facts<'_> {
    /// Makes the whole delivery one decision: what a class holds of it counts against the limit as a whole, so that all of it is acted on or
    /// all of it waits. `counted` are the signals that count, by class.
    pub fn as_one(&mut self, counted: impl Fn(Class) -> usize) {
        let (departures, compromises) = (counted(Class::Departures), counted(Class::Compromises));
        self.recent_departures += departures.saturating_sub(1);
        self.recent_compromises += compromises.saturating_sub(1);
        self.one_decision = Some(departures.max(compromises));
    }

    /// Of those that count, how many were there before the signals of one decision.
    fn before_them(&self, recent: usize) -> usize {
        recent.saturating_sub(self.one_decision.unwrap_or_default().saturating_sub(1))
    }

    /// Counts a signal that is acted on against the limits of those behind it.
    pub fn acted_on(&mut self, reason: Reason) {
        if self.one_decision.is_some() {
            return;
        }
        match Class::of(reason) {
            Some(Class::Departures) => self.recent_departures += 1,
            Some(Class::Compromises) => self.recent_compromises += 1,
            None => {}
        }
    }
}

/// What is to be done about a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is kept, and nothing follows.
    Ignore {
        /// Why, for the trail and the sender.
        why: String,
    },
    /// A human decides.
    Hold {
        /// The class, see [`HoldReason::class`].
        class: &'static str,
        /// Why, for the human. Names nobody.
        why: String,
        /// What an approval releases.
        work: Work,
    },
    /// It is done.
    Act(Work),
    /// The departure planned for this employment is called off.
    Withdraw,
}

/// What a case does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The playbook's name.
    pub playbook: String,
    /// Each target's name with the end state demanded there: identity providers first, each in the order of the names.
    pub jobs: Vec<(String, Containment)>,
    /// How urgent it is.
    pub priority: Priority,
    /// When to start; `None` for at once.
    pub due: Option<Timestamp>,
}

impl Default for Policy {
    /// A policy without playbooks: it ignores everything.
    fn default() -> Self {
        Self {
            playbooks: BTreeMap::new(),
            protected: Protected::default(),
            limits: BTreeMap::new(),
            ambiguous: Ambiguous::Hold,
            old_signal: Duration::from_hours(24),
            email_domains: BTreeSet::new(),
            identity_providers: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// The policy that an empty config gives for these targets.
    #[must_use]
    pub fn standard(targets: &[&str]) -> Self {
        let playbook = |name: &str| targets.iter().map(|target| ((*target).to_owned(), built_in(name))).collect();
        Self {
            playbooks: BUILT_IN
                .iter()
                .map(|reason| (reason.word().to_owned(), playbook(reason.word())))
                .collect(),
            limits: BTreeMap::from([(INBOX.to_owned(), Limits::operators())]),
            ..Self::default()
        }
    }

    /// Decides about a signal. Pure: the same arguments give the same decision.
    #[must_use]
    pub fn decide(&self, signal: &Signal, facts: &Facts<'_>) -> Decision {
        if let Disposition::Ignore(why) = &signal.disposition {
            return Decision::Ignore { why: why.clone() };
        }
        if let When::Departure(Departure {
            step: DepartureStep::Rescind | DepartureStep::Rehire,
            ..
        }) = &signal.when
        {
            return Decision::Withdraw;
        }
        let work = match self.work(signal, facts.now) {
            Ok(work) => work,
            Err(why) => return Decision::Ignore { why },
        };
        match self.hold(signal, facts) {
            Some(reason) => Decision::Hold {
                class: reason.class(),
                why: reason.to_string(),
                work,
            },
            None => Decision::Act(work),
        }
    }

    /// Whether a job may act on the account that its subject resolved to. Asked after every resolve, since a signal may have used a name
    /// that the list of the protected does not hold.
    ///
    /// # Errors
    /// Why not. An approval overrides it.
    pub fn principal_allowed(&self, principal: &Principal) -> Result<(), HoldReason> {
        let id = Subject::Opaque(principal.id.clone());
        if principal.names.iter().chain([&id]).any(|name| self.protected.holds(name)) {
            return Err(HoldReason::Protected);
        }
        Ok(())
    }

    /// Whether every account that a subject matches is contained, where the case was opened for `reason`.
    #[must_use]
    pub fn takes_all(&self, reason: Reason) -> bool {
        self.ambiguous == Ambiguous::All && reason == Reason::Compromised
    }

    /// Whether a name may lead to an account: an address only where its domain is one of ours. Addresses are given to others one day, and
    /// whoever runs a domain says whose they are.
    #[must_use]
    pub fn may_identify(&self, name: &Subject) -> bool {
        match name.domain() {
            Some(domain) => self.email_domains.is_empty() || self.email_domains.contains(domain),
            None => true,
        }
    }

    /// The limits of a source.
    #[must_use]
    pub fn limits_of(&self, source: &str) -> Limits {
        self.limits.get(source).copied().unwrap_or_default()
    }

    /// What the signal's playbook demands, or why nothing follows.
    fn work(&self, signal: &Signal, now: Timestamp) -> Result<Work, String> {
        let playbook = match (&signal.playbook, signal.reason) {
            (Some(name), _) => name.as_str(),
            (None, Reason::Reactivated) => return Err("a reactivation never undoes anything by itself".to_owned()),
            (None, Reason::Noted) => return Err("it is only kept".to_owned()),
            // Nothing is demanded for a risk; a human who takes it for a compromise approves what would be done about one.
            (None, Reason::RiskElevated) if !self.playbooks.contains_key(Reason::RiskElevated.word()) => Reason::Compromised.word(),
            (None, reason) => reason.word(),
        };
        let Some(targets) = self.playbooks.get(playbook) else {
            return Err(format!("no playbook is called {playbook}"));
        };
        let asked = |name: &String| signal.target.as_ref().is_none_or(|target| target == name);
        let jobs = targets
            .iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, containment)| (name.clone(), demanded(containment, signal)));
        let (first, others): (Vec<_>, Vec<_>) = jobs.partition(|(name, _)| self.identity_providers.contains(name));
        let jobs: Vec<_> = first.into_iter().chain(others).collect();
        if jobs.is_empty() {
            return Err(match &signal.target {
                Some(target) => format!("the playbook {playbook} demands nothing at a target called {target}"),
                None => format!("the playbook {playbook} demands nothing at any target"),
            });
        }
        Ok(Work {
            playbook: playbook.to_owned(),
            jobs,
            priority: signal.priority,
            due: due(signal).filter(|due| *due > now),
        })
    }

    /// Why a human must decide, the gravest reason first: what is approved as part of a batch must not carry a protected subject along.
    fn hold(&self, signal: &Signal, facts: &Facts<'_>) -> Option<HoldReason> {
        if self.protected.holds(&signal.subject) {
            return Some(HoldReason::Protected);
        }
        if facts.unclear && !self.takes_all(signal.reason) {
            return Some(HoldReason::Unclear);
        }
        // What an operator writes is meant.
        if facts.source != INBOX && !signal.subject.names().iter().any(|name| self.may_identify(name)) {
            return Some(HoldReason::EmailDomain);
        }
        match &signal.disposition {
            Disposition::Hold(why) => return Some(HoldReason::Source(why.clone())),
            Disposition::Stays(why) => return Some(HoldReason::Stays(why.clone())),
            Disposition::Act | Disposition::Ignore(_) => {}
        }
        if signal.reason == Reason::RiskElevated && signal.playbook.is_none() && !self.playbooks.contains_key(signal.reason.word())
        {
            return Some(HoldReason::Risk);
        }
        let limits = self.limits_of(facts.source);
        match Class::of(signal.reason)? {
            // Ending sessions or one token costs its owner a sign-in: nothing that a runaway script could lock people out with.
            _ if signal.scope != Scope::Everything => None,
            Class::Departures => {
                let over = |limit: Option<usize>, count: usize| limit.filter(|limit| count > *limit);
                if let Some(limit) = over(limits.departures_per_delivery, facts.delivery_departures) {
                    return Some(HoldReason::DeliveryLimit {
                        count: facts.delivery_departures,
                        limit,
                    });
                }
                if limits.old_news_is_held && self.is_old(signal, facts.now) {
                    return Some(HoldReason::Old);
                }
                over(limits.departures_per_hour, facts.recent_departures + 1).map(|limit| HoldReason::WindowLimit {
                    class: Class::Departures,
                    limit,
                    together: facts.one_decision,
                    before: facts.before_them(facts.recent_departures),
                })
            }
            Class::Compromises => limits
                .compromises_per_minute
                .filter(|limit| facts.recent_compromises >= *limit)
                .map(|limit| HoldReason::WindowLimit {
                    class: Class::Compromises,
                    limit,
                    together: facts.one_decision,
                    before: facts.before_them(facts.recent_compromises),
                }),
        }
    }

    /// Whether a departure is old news. A plan may have been written long before the day on which it takes effect.
    fn is_old(&self, signal: &Signal, now: Timestamp) -> bool {
        let planned = matches!(signal.when, When::Departure(_));
        !planned && signal.occurred_at.is_some_and(|at| now.since(at) > self.old_signal)
    }
}

/// The name of the source that always exists: the operators' own.
pub const INBOX: &str = "inbox";

/// What a playbook demands at a target, as the signal asks for it.
fn demanded(containment: &Containment, signal: &Signal) -> Containment {
    let leaked = match &signal.subject {
        Subject::Credential(digest) => Some(digest.clone()),
        _ => None,
    };
    let keep_out = signal.keep_out.map(|length| length.as_secs());
    let mut demanded = Containment {
        scope: signal.scope.clone(),
        keep_out: keep_out.max(containment.keep_out),
        leaked,
        ..containment.clone()
    };
    if demanded.scope == Scope::Leaked {
        // What is refused once is refused for good, and the credential is not kept to be tried again.
        demanded.watch.clear();
        demanded.keep_out = None;
    }
    demanded
}

/// When a signal asks for action, where it says.
fn due(signal: &Signal) -> Option<Timestamp> {
    match &signal.when {
        When::Now => None,
        When::At(at) => Some(*at),
        When::Departure(departure) => match departure.step {
            DepartureStep::Leave { fire_at, .. } => Some(fire_at),
            DepartureStep::Rescind | DepartureStep::Rehire | DepartureStep::Vanished { .. } => None,
        },
    }
}

/// The subjects that are never acted on without a human. Compared without regard to case: here it is safer to match too much.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected(BTreeSet<String>);

impl Protected {
    /// Whether `subject`, or one of its aliases, is protected.
    #[must_use]
    pub fn holds(&self, subject: &Subject) -> bool {
        subject
            .names()
            .iter()
            .any(|name| self.0.contains(&name.to_string().to_lowercase()))
    }

    /// Their names in canonical form and lower case.
    #[must_use]
    pub const fn names(&self) -> &BTreeSet<String> {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is protected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Subject> for Protected {
    fn from_iter<I: IntoIterator<Item = Subject>>(subjects: I) -> Self {
        let names = subjects.into_iter().flat_map(|subject| subject.names().to_vec());
        Self(names.map(|name| name.to_string().to_lowercase()).collect())
    }
}

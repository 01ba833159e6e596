//! The pure rule from signal to decision: ignore, hold, act. No clock, no store, no target: everything it knows stands in its arguments.
//!
//! Reading order: [`Policy::decide`] here, what it knows in `facts`, what a source may claim in `source_rules`, how far the work may go in
//! `ladder`, the bounds it keeps in `limits`, whom it treats apart in `groups`, when a human is asked in `asking`, for the reasons in `hold`, what a playbook demands
//! where the config says nothing in `playbook`. `explanation` is what the rule says while it decides, `replay` runs past signals through it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{Containment, Departure, DepartureStep, HeldFor, Principal, Priority, Reason, Scope, Signal, Timestamp};
use crate::model::{Disposition, Subject, When};

mod asking;
mod current;
mod explanation;
mod facts;
mod groups;
mod hold;
mod ladder;
mod limits;
mod playbook;
mod replay;
mod source_rules;
#[cfg(test)]
mod tests;

use asking::strictest;
use explanation::Steps;

pub use current::CurrentPolicy;
pub use explanation::{Explained, Step};
pub use facts::{Facts, counts_as_compromise};
pub use groups::{Group, GroupState, ListFault, MemberList, Protected, judged, listed};
pub use hold::{GROUP, HoldReason, PRINCIPAL, STAYS, answers_for_the_account};
pub use ladder::{Level, Lowered};
pub use limits::{Class, Limits, Share};
pub use playbook::{BUILT_IN, Playbook, built_in, demands_nothing};
pub use replay::{Recorded, Replay};
pub use source_rules::{Mode, SourceRules};

/// The rule, as the config sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What each playbook demands at each target. A target that is not in it is left alone.
    pub playbooks: BTreeMap<String, Playbook>,
    /// Never acted on without a human: a group like the others, with a key of its own.
    pub protected: Protected,
    /// The groups of people that are treated apart, by name.
    pub groups: Vec<Group>,
    /// What each source may claim, of whom, and how far; a source that is not in it has no such bounds.
    pub sources: BTreeMap<String, SourceRules>,
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
        /// The group of people that asks for it, where one does.
        held_for: Option<HeldFor>,
        /// What an approval releases.
        work: Work,
    },
    /// It is done.
    Act(Work),
    /// The departure planned for this employment is called off.
    Withdraw,
    /// Its source only rehearses: what would be done, or held.
    Rehearse(Box<Decision>),
}

impl Decision {
    /// The word in the tables and the output.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ignore { .. } => "ignore",
            Self::Hold { .. } => "hold",
            Self::Act(_) => "act",
            Self::Withdraw => "withdraw",
            Self::Rehearse(would) => would.word(),
        }
    }

    /// What would be done where the source only rehearses, else what is done.
    #[must_use]
    pub fn in_earnest(&self) -> &Self {
        match self {
            Self::Rehearse(would) => would,
            decision => decision,
        }
    }

    /// What it is about, where there is anything to do.
    #[must_use]
    pub fn work(&self) -> Option<&Work> {
        match self.in_earnest() {
            Self::Act(work) | Self::Hold { work, .. } => Some(work),
            _ => None,
        }
    }
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
    /// What has lowered it, where it was to go further.
    pub lowered: Option<Lowered>,
}

impl Default for Policy {
    /// A policy without playbooks: it ignores everything.
    fn default() -> Self {
        Self {
            playbooks: BTreeMap::new(),
            protected: Protected::default(),
            groups: Vec::new(),
            sources: BTreeMap::new(),
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
        self.weigh(signal, facts, &mut Steps::unheard())
    }

    /// The same, with every rule that was looked at and what it said.
    #[must_use]
    pub fn explain(&self, signal: &Signal, facts: &Facts<'_>) -> Explained {
        let mut steps = Steps::heard();
        let decision = self.weigh(signal, facts, &mut steps);
        steps.into_explained(decision)
    }

    fn weigh(&self, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> Decision {
        let decision = self.weigh_in_earnest(signal, facts, steps);
        let mode = self.mode_of(facts.source);
        match decision {
            Decision::Act(_) | Decision::Hold { .. } if mode == Mode::Rehearse => {
                steps.decides("mode", || {
                    format!("{} rehearses: what would be done is kept, and nothing is", facts.source)
                });
                Decision::Rehearse(Box::new(decision))
            }
            decision => {
                steps.passes("mode", || format!("{} is taken at its word", facts.source));
                decision
            }
        }
    }

    fn weigh_in_earnest(&self, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> Decision {
        if let Disposition::Ignore(why) = &signal.disposition {
            steps.decides("source", || format!("the source's own rules say that it is only kept: {why}"));
            return Decision::Ignore { why: why.clone() };
        }
        steps.passes("source", || "the source's own rules ask for something".to_owned());
        if let When::Departure(Departure {
            step: DepartureStep::Rescind | DepartureStep::Rehire,
            ..
        }) = &signal.when
        {
            steps.decides("rescind", || {
                "it takes a departure back, which ends nobody's access".to_owned()
            });
            return Decision::Withdraw;
        }
        let work = match self.work(signal, facts) {
            Ok(work) => work,
            Err(why) => {
                steps.decides("playbook", || why.clone());
                return Decision::Ignore { why };
            }
        };
        steps.passes("playbook", || {
            let targets: Vec<&str> = work.jobs.iter().map(|(target, _)| target.as_str()).collect();
            format!("it follows {} at {}", work.playbook, targets.join(", "))
        });
        let (work, beyond) = self.bounded(work, signal, facts, steps);
        match self.hold(signal, &work, beyond, facts, steps) {
            Some(reason) => Decision::Hold {
                class: reason.class(),
                why: reason.to_string(),
                held_for: reason.held_for().cloned(),
                work,
            },
            None => Decision::Act(work),
        }
    }

    /// Lowers the work to what its source and the groups of the person allow. Where nothing would be left, it stays as it is, with the reason to
    /// ask a human.
    fn bounded(&self, mut work: Work, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> (Work, Option<HoldReason>) {
        let asked = work.priority;
        work.priority = self.rules_of(facts.source).map_or(asked, |rules| rules.capped(asked));
        steps.passes("urgency", || match work.priority {
            capped if capped == asked => format!("priority {}", asked.0),
            capped => format!(
                "priority {} is asked for, and {} is as urgent as the source may",
                asked.0, capped.0
            ),
        });
        let Some(Lowered { to, by }) = self.bound(signal, facts) else {
            steps.passes("highest", || "nothing bounds how far the work goes".to_owned());
            return (work, None);
        };
        let lowered = work
            .jobs
            .iter()
            .map(|(target, demanded)| Some((target.clone(), to.lowered(demanded)?)));
        let jobs: Vec<_> = lowered.flatten().collect();
        if jobs.is_empty() {
            return (work, Some(HoldReason::SourceLevel { highest: to, by }));
        }
        if jobs == work.jobs {
            steps.passes("highest", || {
                format!("it goes no further than {to}, which is as far as {by} may")
            });
            return (work, None);
        }
        steps.passes("highest", || format!("lowered to {to}, which is as far as {by} may"));
        work.jobs = jobs;
        work.lowered = Some(Lowered { to, by });
        (work, None)
    }

    /// How far the work may go, and by whose bound: the lowest of its source's and of the groups'. Operators, who ask for somebody by name, have
    /// only the bound of their own source.
    fn bound(&self, signal: &Signal, facts: &Facts<'_>) -> Option<Lowered> {
        let of_source = self.rules_of(facts.source).and_then(|rules| rules.highest);
        let of_source = of_source.map(|to| Lowered {
            to,
            by: format!("source {}", facts.source),
        });
        let groups = self.groups.iter().filter(|_| facts.source != INBOX);
        let of_groups = groups.filter(|group| group.highest.is_some() && group.holds(&signal.subject));
        let of_groups = of_groups.filter_map(|group| {
            Some(Lowered {
                to: group.highest?,
                by: format!("group {}", group.name),
            })
        });
        of_source.into_iter().chain(of_groups).min_by_key(|bound| bound.to)
    }

    /// Whether a job may act on the account that its subject resolved to. Asked after every resolve, since a signal may have used a name
    /// that the list of the protected does not hold. `known` is whom the decision was about: where it knew a member as one, it has kept that
    /// group's bound already.
    ///
    /// # Errors
    /// Why not. An approval overrides it.
    pub fn principal_allowed(&self, principal: &Principal, known: &Subject, demanded: &Containment) -> Result<(), HoldReason> {
        let id = Subject::Opaque(principal.id.clone());
        let is = |holds: &dyn Fn(&Subject) -> bool| principal.names.iter().chain([&id]).any(holds);
        if is(&|name| self.protected.holds(name)) {
            return Err(HoldReason::Protected);
        }
        let theirs: Vec<&Group> = self.groups.iter().filter(|group| is(&|name| group.holds(name))).collect();
        if let Some(group) = strictest(theirs.iter().copied()) {
            return Err(HoldReason::Group(group));
        }
        for group in theirs {
            let Some(highest) = group.highest else { continue };
            if !group.holds(known) && Level::of(demanded) > highest {
                let group = HeldFor {
                    group: group.name.clone(),
                    approvals: group.approvals,
                };
                return Err(HoldReason::GroupLevel { group, highest });
            }
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

    /// What a source may claim, of whom, and how far, where the config says anything about it.
    #[must_use]
    pub fn rules_of(&self, source: &str) -> Option<&SourceRules> {
        self.sources.get(source)
    }

    /// Whether a source is acted on.
    #[must_use]
    pub fn mode_of(&self, source: &str) -> Mode {
        self.rules_of(source).map_or(Mode::Act, |rules| rules.mode)
    }

    /// The names of everybody of whom a human is always asked, in canonical form and lower case.
    #[must_use]
    pub fn guarded_names(&self) -> BTreeSet<String> {
        let groups = self.groups.iter().filter(|group| group.hold);
        let names = groups.flat_map(Group::names);
        names.chain(self.protected.names().iter().cloned()).collect()
    }

    /// Whether a human is always asked about somebody.
    #[must_use]
    pub fn guards(&self, person: &Subject) -> bool {
        self.protected.holds(person) || self.groups.iter().any(|group| group.hold && group.holds(person))
    }

    /// What the signal's playbook demands, or why nothing follows.
    fn work(&self, signal: &Signal, facts: &Facts<'_>) -> Result<Work, String> {
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
            due: due(signal).filter(|due| *due > facts.now),
            lowered: None,
        })
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

//! What would become of a signal that is only supposed, and why, as the rule itself tells it while it decides. Nothing is stored, no target is asked.

use serde::Serialize;

use crate::model::{Containment, Reason, Scope, Signal, Subject, Timestamp};
use crate::policy::{Class, Decision, Explained, Facts, Level, Policy};
use crate::store::{Result, Store};

/// A signal that nobody has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supposed {
    /// Whom it would be about.
    pub subject: Subject,
    /// The source that would send it.
    pub source: String,
    /// The reason that it would give.
    pub reason: Reason,
    /// The playbook that it would ask for.
    pub playbook: Option<String>,
    /// The target that it would ask for.
    pub target: Option<String>,
    /// Whether it would ask only for the end of every session.
    pub all_sessions: bool,
    /// How many such signals would come together.
    pub together: usize,
}

/// What would become of a signal, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Explanation {
    /// The source.
    pub source: String,
    /// Whether it is acted on: `act`, or `rehearse`.
    pub mode: &'static str,
    /// The reason.
    pub reason: &'static str,
    /// Every name that is known of the person.
    pub names: Vec<String>,
    /// Whether it is not clear who is meant.
    pub unclear: bool,
    /// `act`, `hold`, `ignore` or `withdraw`; of a source that rehearses, what would be.
    pub decision: &'static str,
    /// The same in a few words, with the class of a hold and how far the work was lowered.
    pub outcome: String,
    /// The class of a hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// Why it would be held or ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The group of people that asks for the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How many people must approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u8>,
    /// The playbook that would be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// How urgent it would be; 0 goes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// When it would be due, where not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The rules that were looked at, in their order.
    pub steps: Vec<Looked>,
    /// What each target would get.
    pub targets: Vec<AtTarget>,
    /// What limits were compared with.
    pub counted: Counted,
}

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Looked {
    /// The key of the config that bears it, or a word for it.
    pub rule: &'static str,
    /// What it said.
    pub said: String,
    /// Whether it made the decision.
    pub decides: bool,
}

/// What a target would get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AtTarget {
    /// Its name.
    pub target: String,
    /// How far the work would go there.
    pub level: &'static str,
    /// What would be demanded.
    #[schema(value_type = Object)]
    pub demands: Containment,
}

/// What limits were compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counted {
    /// Departures that were acted on within the last hour.
    pub departures_within_an_hour: usize,
    /// Compromises that were acted on within the last minute.
    pub compromises_within_a_minute: usize,
    /// People who are known.
    pub people_known: usize,
}

impl Supposed {
    /// What would become of it at an instant, with what is known to `store`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn explained(&self, policy: &Policy, store: Option<&Store>, now: Timestamp) -> Result<Explanation> {
        let mut facts = Facts::new(&self.source, now);
        let mut names = self.subject.clone();
        if let Some(store) = store {
            (names, facts.unclear) = store.whom(&names).await?;
            facts.population = store.population().await?;
            let limits = policy.limits_of(&self.source);
            let mut recent = [0, 0];
            for (class, count) in Class::ALL.into_iter().zip(&mut recent) {
                if let Some(most) = limits.counted_to(class, facts.population) {
                    *count = store.recently_acted_on(&self.source, class, most).await?;
                }
            }
            facts = facts.after_departures(recent[0]);
            facts.recent_compromises = recent[1];
        }
        let mut signal = Signal::new("test", [0; 32], names.clone(), self.reason);
        signal.playbook.clone_from(&self.playbook);
        signal.target.clone_from(&self.target);
        if self.all_sessions {
            signal.scope = Scope::AllSessions;
        }
        if Class::of(self.reason) == Some(Class::Departures) && !self.all_sessions {
            facts.delivery_departures = self.together;
        } else if Class::of(self.reason) == Some(Class::Compromises) {
            facts.recent_compromises += self.together.saturating_sub(1);
        }
        let explained = policy.explain(&signal, &facts);
        Ok(self.told(&names, policy.mode_of(&self.source).word(), &explained, &facts))
    }

    fn told(&self, names: &Subject, mode: &'static str, explained: &Explained, facts: &Facts) -> Explanation {
        let outcome = explained.decision.outcome();
        let decision = explained.decision.in_earnest();
        let (class, why, held_for) = match decision {
            Decision::Hold {
                class, why, held_for, ..
            } => (Some(*class), Some(why.clone()), held_for.clone()),
            Decision::Ignore { why } => (None, Some(why.clone()), None),
            _ => (None, None, None),
        };
        let work = decision.work();
        let jobs = work.into_iter().flat_map(|work| &work.jobs);
        let targets = jobs.map(|(target, demanded)| AtTarget {
            target: target.clone(),
            level: Level::of(demanded).word(),
            demands: demanded.clone(),
        });
        let steps = explained.steps.iter().map(|step| Looked {
            rule: step.rule,
            said: step.said.clone(),
            decides: step.decides,
        });
        Explanation {
            source: self.source.clone(),
            mode,
            reason: self.reason.word(),
            names: names.names().iter().map(ToString::to_string).collect(),
            unclear: facts.unclear,
            decision: decision.word(),
            outcome,
            class,
            why,
            group: held_for.as_ref().map(|held| held.group.clone()),
            approvals: held_for.as_ref().map(|held| held.approvals),
            playbook: work.map(|work| work.playbook.clone()),
            priority: work.map(|work| work.priority.0),
            due: work.and_then(|work| work.due),
            steps: steps.collect(),
            targets: targets.collect(),
            counted: Counted {
                departures_within_an_hour: facts.recent_departures,
                compromises_within_a_minute: facts.recent_compromises,
                people_known: facts.population,
            },
        }
    }
}

//! When a human is asked before anything is done: every rule that can hold a signal, in the order of their gravity.

use super::explanation::Steps;
use super::facts::Facts;
use super::groups::Group;
use super::hold::HoldReason;
use super::limits::{Class, Limits, Share};
use super::{INBOX, Policy, Work};
use crate::model::{Disposition, HeldFor, Reason, Scope, Signal, Timestamp, When};

impl Policy {
    /// Why a human must decide, the gravest reason first: what is approved as part of a batch must not carry a protected subject along.
    pub(super) fn hold(
        &self,
        signal: &Signal,
        work: &Work,
        beyond: Option<HoldReason>,
        facts: &Facts<'_>,
        steps: &mut Steps,
    ) -> Option<HoldReason> {
        let person = &signal.subject;
        let groups = self.groups.iter().filter(|group| group.holds(person));
        let of_group = strictest(groups).map(HoldReason::Group);
        let rules = self.rules_of(facts.source);
        let barred = |allowed: bool| (!allowed).then_some(());
        let may_say = rules
            .and_then(|rules| rules.reasons.as_ref())
            .is_none_or(|may| may.contains(&signal.reason));
        let may_use = rules
            .and_then(|rules| rules.playbooks.as_ref())
            .is_none_or(|may| may.contains(&work.playbook));
        let may_speak = rules.is_none_or(|rules| rules.may_speak_of(person));
        // What an operator writes is meant.
        let is_ours = facts.source == INBOX || person.names().iter().any(|name| self.may_identify(name));
        let own_word = match &signal.disposition {
            Disposition::Hold(why) => Some(HoldReason::Source(why.clone())),
            Disposition::Stays(why) => Some(HoldReason::Stays(why.clone())),
            Disposition::Act | Disposition::Ignore(_) => None,
        };
        let is_risk = signal.reason == Reason::RiskElevated
            && signal.playbook.is_none()
            && !self.playbooks.contains_key(signal.reason.word());
        let rules: [(&'static str, Option<HoldReason>); 10] = [
            (
                "protected",
                barred(!self.protected.holds(person)).map(|()| HoldReason::Protected),
            ),
            ("group", of_group),
            ("reasons", barred(may_say).map(|()| HoldReason::SourceReason(signal.reason))),
            (
                "playbooks",
                barred(may_use).map(|()| HoldReason::SourcePlaybook(work.playbook.clone())),
            ),
            ("domains", barred(may_speak).map(|()| HoldReason::SourceDomain)),
            ("highest", beyond),
            (
                "identity",
                (facts.unclear && !self.takes_all(signal.reason)).then_some(HoldReason::Unclear),
            ),
            ("email_domains", barred(is_ours).map(|()| HoldReason::EmailDomain)),
            ("source (hold)", own_word),
            ("risk", is_risk.then_some(HoldReason::Risk)),
        ];
        // How far the work goes was told when it was lowered.
        let told = |(rule, reason): &(&str, Option<HoldReason>)| *rule != "highest" || reason.is_some();
        for (rule, reason) in rules.into_iter().filter(told) {
            if let Some(reason) = found(rule, reason, steps) {
                return Some(reason);
            }
        }
        self.too_many(signal, facts, steps)
    }

    /// Why a list that an operator asks for as one would wait whole, by its number alone: of `signal` only its reason, its scope and who asks counts.
    #[must_use]
    pub fn too_many_as_one(&self, signal: &Signal, facts: &Facts<'_>) -> Option<HoldReason> {
        self.too_many(signal, facts, &mut Steps::unheard())
    }

    /// Whether the limits of the source have a human asked.
    fn too_many(&self, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> Option<HoldReason> {
        let limits = self.limits_of(facts.source);
        let Some(class) = Class::of(signal.reason) else {
            steps.passes("limits", || format!("{} is not counted", signal.reason));
            return None;
        };
        // Ending sessions or one token costs its owner a sign-in: nothing that a runaway script could lock people out with.
        if signal.scope != Scope::Everything {
            steps.passes("limits", || "one operation alone is not counted".to_owned());
            return None;
        }
        match class {
            Class::Departures => self.too_many_departures(&limits, signal, facts, steps),
            Class::Compromises => too_many_compromises(&limits, signal, facts, steps),
        }
    }

    fn too_many_departures(&self, limits: &Limits, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> Option<HoldReason> {
        let in_delivery = facts.delivery_departures;
        let over = |limit: Option<usize>, count: usize| limit.filter(|limit| count > *limit);
        let whole = over(limits.departures_per_delivery, in_delivery).map(|limit| HoldReason::DeliveryLimit {
            count: in_delivery,
            limit,
        });
        let share = |share: Option<Share>, count: usize, in_delivery: bool| {
            over_share(Class::Departures, share, count, facts.population, in_delivery)
        };
        let is_old = limits.old_news_is_held && self.is_old(signal, facts.now);
        let hour = over(limits.departures_per_hour, facts.recent_departures + 1).map(|limit| HoldReason::WindowLimit {
            class: Class::Departures,
            limit,
            together: facts.one_decision,
            before: facts.before_them(facts.recent_departures),
        });
        // A plan that only moves is none of those that the delivery is counted for.
        let by_then = (facts.departures_before + in_delivery).max(facts.recent_departures + 1);
        found("departures_per_delivery", whole, steps)
            .or_else(|| {
                found(
                    "departures_per_delivery (share)",
                    share(limits.delivery_share, in_delivery, true),
                    steps,
                )
            })
            .or_else(|| found("departures_share", share(limits.departures_share, by_then, false), steps))
            .or_else(|| found("old_signal", is_old.then_some(HoldReason::Old), steps))
            .or_else(|| found("departures_per_hour", hour, steps))
    }

    /// Whether a departure is old news. A plan may have been written long before the day on which it takes effect.
    fn is_old(&self, signal: &Signal, now: Timestamp) -> bool {
        let planned = matches!(signal.when, When::Departure(_));
        !planned && signal.occurred_at.is_some_and(|at| now.since(at) > self.old_signal)
    }
}

/// What a rule has found, after it has said so.
fn found(rule: &'static str, reason: Option<HoldReason>, steps: &mut Steps) -> Option<HoldReason> {
    match &reason {
        Some(reason) => steps.decides(rule, || format!("a human decides: {reason}")),
        None => steps.passes(rule, || "passes".to_owned()),
    }
    reason
}

fn too_many_compromises(limits: &Limits, signal: &Signal, facts: &Facts<'_>, steps: &mut Steps) -> Option<HoldReason> {
    let recent = facts.recent_compromises;
    let minute = limits.compromises_per_minute.filter(|limit| recent >= *limit);
    let minute = minute.map(|limit| HoldReason::WindowLimit {
        class: Class::Compromises,
        limit,
        together: facts.one_decision,
        before: facts.before_them(recent),
    });
    let operator = limits
        .compromises_per_operator
        .filter(|limit| facts.asked_by(signal) >= *limit);
    let operator = operator.map(|limit| HoldReason::OperatorLimit { limit });
    let share = over_share(
        Class::Compromises,
        limits.compromises_share,
        recent + 1,
        facts.population,
        false,
    );
    found("compromises_per_minute", minute, steps)
        .or_else(|| found("compromises_per_operator", operator, steps))
        .or_else(|| found("compromises_share", share, steps))
}

/// Whether so many are more than a share of the people who are known. Where nobody is known there is nothing to compare with.
fn over_share(class: Class, share: Option<Share>, count: usize, population: usize, in_delivery: bool) -> Option<HoldReason> {
    let share = share.filter(|_| population > 0)?;
    let limit = share.of(population);
    (count > limit).then_some(HoldReason::ShareLimit {
        class,
        in_delivery,
        count,
        share,
        limit,
        population,
    })
}

/// Of several groups of which a human is always asked, the one that most people must approve for.
pub(super) fn strictest<'g>(groups: impl Iterator<Item = &'g Group>) -> Option<HeldFor> {
    let asked = groups.filter(|group| group.hold).map(|group| HeldFor {
        group: group.name.clone(),
        approvals: group.approvals,
    });
    // The first of equals, so that the same people always come under the same hold.
    asked.reduce(|one, other| if other.approvals > one.approvals { other } else { one })
}

//! Why a list would wait whole by its number alone, by reading: for whoever looks at it before it is confirmed.

use crate::model::Signal;
use crate::policy::{Class, Facts, HoldReason, INBOX, Policy};
use crate::store::{Result, Store};

impl Store {
    /// Why `people` for whom an operator asks as one would all wait for a decision: the source's limits, the operator's own, or a share of the
    /// people who are known. Of `signal` its reason, its scope and who asks counts.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn foresee_list(&self, policy: &Policy, signal: &Signal, people: usize) -> Result<Option<HoldReason>> {
        let Some(class) = Class::of(signal.reason) else {
            return Ok(None);
        };
        let limits = policy.limits_of(INBOX);
        let population = if limits.has_share(class) {
            self.population().await?
        } else {
            0
        };
        let recent = match limits.counted_to(class, population) {
            Some(most) => self.recently_acted_on(INBOX, class, most).await?,
            None => 0,
        };
        let mut facts = Facts {
            population,
            ..Facts::new(INBOX, self.clock().now())
        };
        match class {
            Class::Departures => {
                facts.delivery_departures = people;
                facts = facts.after_departures(recent);
            }
            Class::Compromises => facts.recent_compromises = recent,
        }
        if let (Class::Compromises, Some(_), Some(by)) = (class, limits.compromises_per_operator, &signal.requested_by) {
            let asked = self.recently_asked_by(by).await?;
            facts.by_operator.insert(by.clone(), asked);
        }
        facts.as_one(|of| if of == class { people } else { 0 });
        Ok(policy.too_many_as_one(signal, &facts))
    }
}

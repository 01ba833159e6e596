//! Decides about a new signal: policy's decision, with the limits it counts and what HR has said before about the person.

use super::accept_context::AcceptContext;
use super::place_hold::OTHER_EMPLOYMENT;
use crate::model::{Delivery, Departure, DepartureStep, Reason, Scope, Signal, When};
use crate::policy::{Class, Decision, Facts, Mode, Policy};
use crate::store::columns::written;
use crate::store::transaction::set_words::values_of;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// How many signals of a source and class were acted on within the class's window, counted up to `most`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn recently_acted_on(&self, source: &str, class: Class, most: usize) -> Result<usize> {
        let reasons: Vec<&str> = class.reasons().map(Reason::word).collect();
        let count: i64 = sqlx::query_scalar(RECENT_SIGNALS)
            .bind(source)
            .bind(written("reasons", &reasons)?)
            .bind(self.clock().now().minus(class.window()).ms())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting recent signals"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

impl Tx<'_> {
    /// Policy's decision, and what HR's other words about the same person make of it: with why a departure is blocked, where it is.
    pub(super) async fn decide(
        &mut self,
        context: &AcceptContext<'_>,
        delivery: &Delivery,
        signal: &Signal,
        person: &Signal,
        facts: &Facts<'_>,
        reference: &str,
    ) -> Result<(Decision, Option<String>)> {
        let decision = context.policy.decide(person, facts);
        let Some(departure) = departure(signal) else {
            return Ok((decision, None));
        };
        // What HR has said before is looked at all the same: it is part of what would be done.
        let rehearses = matches!(decision, Decision::Rehearse(_));
        let in_earnest = match decision {
            Decision::Rehearse(would) => *would,
            decision => decision,
        };
        let (decision, blocked) = self
            .with_words_of_hr(delivery, signal, departure, in_earnest, reference)
            .await?;
        Ok(if rehearses {
            (Decision::Rehearse(Box::new(decision)), None)
        } else {
            (decision, blocked)
        })
    }

    /// What HR's other words about the same person make of a decision about a departure.
    async fn with_words_of_hr(
        &mut self,
        delivery: &Delivery,
        signal: &Signal,
        departure: &Departure,
        decision: Decision,
        reference: &str,
    ) -> Result<(Decision, Option<String>)> {
        let last = self.last_statement(&delivery.source, departure).await?.1;
        if signal.occurred_at.zip(last).is_some_and(|(at, last)| at < last) {
            let why = "HR has said something newer about this employment".to_owned();
            return Ok((Decision::Ignore { why }, None));
        }
        if matches!(departure.step, DepartureStep::Vanished { .. }) && self.is_known_to_end(&delivery.source, departure).await? {
            let why = "the end of this employment is known already".to_owned();
            return Ok((Decision::Ignore { why }, None));
        }
        let Decision::Act(mut work) = decision else {
            return Ok((decision, None));
        };
        if let Some(why) = self.blocking_employment(&delivery.source, departure, &signal.subject).await? {
            let held = Decision::Hold {
                class: OTHER_EMPLOYMENT.0,
                why: OTHER_EMPLOYMENT.1.to_owned(),
                held_for: None,
                work,
            };
            return Ok((held, Some(why)));
        }
        // Who has another employment that ends later leaves then.
        let latest = self.latest_end(&delivery.source, departure, reference).await?;
        work.due = work.due.max(latest.filter(|latest| *latest > self.now));
        Ok((Decision::Act(work), None))
    }

    /// How many signals of a class were acted on within its window, as far as it matters: no further than one beyond the limit, and not at all
    /// without one, or where the delivery has none of that class.
    pub(super) async fn recent_signals(
        &mut self,
        policy: &Policy,
        delivery: &Delivery,
        fresh: &[usize],
        class: Class,
        population: usize,
    ) -> Result<usize> {
        let Some(most) = policy.limits_of(&delivery.source).counted_to(class, population) else {
            return Ok(0);
        };
        if !fresh.iter().any(|n| Class::of(delivery.signals[*n].reason) == Some(class)) {
            return Ok(0);
        }
        let reasons: Vec<&str> = class.reasons().map(Reason::word).collect();
        let sql = match policy.mode_of(&delivery.source) {
            Mode::Act => RECENT_SIGNALS,
            Mode::Rehearse => RECENTLY_REHEARSED,
        };
        let count: i64 = sqlx::query_scalar(sql)
            .bind(&delivery.source)
            .bind(written("reasons", &reasons)?)
            .bind(self.now.minus(class.window()).ms())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("counting recent signals"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}

/// How many signals of the source `$1` for one of the reasons in `$2` were acted on since `$3`, counted up to `$4`. Its index is
/// `signal_window`.
pub(super) const RECENT_SIGNALS: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM signal WHERE decision = 'act' AND moves = 0 AND source = $1 AND reason IN (SELECT value FROM ",
    values_of!("$2"),
    ") AND received_at > $3 LIMIT $4 + 0) counted"
);

/// The same of a source that rehearses: how many would have been acted on. Its index is `signal_rehearsed`.
const RECENTLY_REHEARSED: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM signal INDEXED BY signal_rehearsed WHERE rehearsed IS NOT NULL AND rehearsed = 'act' AND moves = 0 \
     AND source = $1 AND reason IN (SELECT value FROM ",
    values_of!("$2"),
    ") AND received_at > $3 LIMIT $4 + 0) counted"
);

/// Whether a signal counts against the limits of departures.
pub(super) fn counts_as_departure(signal: &Signal) -> bool {
    let step = match &signal.when {
        When::Departure(Departure { step, .. }) => matches!(step, DepartureStep::Leave { .. } | DepartureStep::Vanished { .. }),
        _ => true,
    };
    Class::of(signal.reason) == Some(Class::Departures) && signal.scope == Scope::Everything && step
}

/// The step of a signal, if it is about an employment.
pub(super) fn departure(signal: &Signal) -> Option<&Departure> {
    match &signal.when {
        When::Departure(departure) => Some(departure),
        _ => None,
    }
}

//! What would be new about signals that nobody has handed in, by reading alone: for whoever looks at a file before it is dropped.

use std::collections::HashSet;

use super::decide::counts_as_departure;
use super::repetition::{LOOKED_UP, looked_up, says_nothing_again};
use crate::model::Signal;
use crate::policy::{Class, Policy};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// Of each row of a list as [`looked_up`] writes it, whether it is stored, says what stands, or uses the key of a stored one for other words.
const NOVELTY: &str = "SELECT n.key, CASE WHEN s.digest IS NOT NULL THEN CASE WHEN lower(hex(s.digest)) = n.value ->> 4 THEN 1 ELSE 2 END \
     WHEN EXISTS (SELECT 1 FROM employment e WHERE e.source = $1 AND e.employee = n.value ->> 1 AND e.employment = n.value ->> 2 \
                  AND lower(hex(e.statement)) = n.value ->> 3) THEN 1 ELSE 0 END \
     FROM json_each($2) n LEFT JOIN signal s ON s.source = $1 AND s.key = n.value ->> 0";

/// Whether a signal says anything new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It does.
    News,
    /// It was said before, and still stands.
    Said,
    /// Its key was used for other words, so that it is refused.
    OtherWords,
}

/// What would be new about signals, and what the limits are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foresight {
    /// Of each signal, whether it says anything new.
    pub novelty: Vec<Novelty>,
    /// How many of those that do count as departures: not those that only move one.
    pub departures: usize,
    /// How many departures of the source were acted on within an hour, counted to one beyond its limit.
    pub recent: usize,
    /// How many people are known, where a limit of the source is a share of them.
    pub population: usize,
}

impl Foresight {
    /// Where nothing is known that was said before.
    #[must_use]
    pub fn of_strangers(signals: &[&Signal]) -> Self {
        Self::of(signals, vec![Novelty::News; signals.len()], (0, 0))
    }

    fn of(signals: &[&Signal], mut novelty: Vec<Novelty>, (moves, recent): (usize, usize)) -> Self {
        let told = signals.iter().zip(&novelty);
        let departures = told.filter(|(signal, novelty)| **novelty == Novelty::News && counts_as_departure(signal));
        let departures = departures.count().saturating_sub(moves);
        // What stands twice in one file is stored by its first row and seen by the second.
        let mut keys = HashSet::new();
        for (signal, novelty) in signals.iter().zip(&mut novelty) {
            if !keys.insert(&signal.key) && *novelty == Novelty::News {
                *novelty = Novelty::Said;
            }
        }
        Self {
            novelty,
            departures,
            recent,
            population: 0,
        }
    }
}

impl Store {
    /// What would be new about `signals` of one file of `source`; `again` is whether a file with the same bytes was taken.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn foresee(&self, policy: &Policy, source: &str, signals: &[&Signal], again: bool) -> Result<Foresight> {
        let mut novelty = Vec::with_capacity(signals.len());
        for portion in signals.chunks(LOOKED_UP) {
            let mut found = vec![Novelty::News; portion.len()];
            let rows: serde_json::Value = portion.iter().map(|signal| looked_up(signal)).collect();
            let known = sqlx::query(NOVELTY)
                .bind(source)
                .bind(rows.to_string())
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("looking for what a file says again"))?;
            for row in &known {
                let place = usize::try_from(row.read::<i64>(0)?).unwrap_or(usize::MAX);
                let Some(found) = found.get_mut(place) else { continue };
                *found = match row.read::<i64>(1)? {
                    0 => Novelty::News,
                    1 => Novelty::Said,
                    _ => Novelty::OtherWords,
                };
            }
            for (signal, found) in portion.iter().zip(&mut found) {
                if again && says_nothing_again(signal) && *found == Novelty::News {
                    *found = Novelty::Said;
                }
            }
            novelty.extend(found);
        }
        let class = Class::Departures;
        let is_of_class = |signal: &&Signal| Class::of(signal.reason) == Some(class);
        let limits = policy.limits_of(source);
        let population = if limits.has_share(class) {
            self.population().await?
        } else {
            0
        };
        let recent = match limits.counted_to(class, population) {
            Some(most) if signals.iter().any(is_of_class) => self.recently_acted_on(source, class, most).await?,
            _ => 0,
        };
        let told = signals.iter().zip(&novelty);
        let new: Vec<&Signal> = told
            .filter(|(signal, novelty)| **novelty == Novelty::News && counts_as_departure(signal))
            .map(|(signal, _)| *signal)
            .collect();
        let mut moves = 0;
        for portion in new.chunks(LOOKED_UP) {
            moves += self.count_moves(source, portion).await?;
        }
        Ok(Foresight {
            population,
            ..Foresight::of(signals, novelty, (moves, recent))
        })
    }
}

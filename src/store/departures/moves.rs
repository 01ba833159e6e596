//! Moves: a source names another day for a departure that is planned already. To the same time or a later one nobody new leaves, and nobody
//! sooner, so it counts against no limit. A move to a sooner time counts like a departure of its own: a feed that moves every planned
//! departure to today ends access that nobody has agreed to.

use crate::model::{Departure, DepartureStep, Signal, Subject, Timestamp, When};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// Whom a departure is about that is planned for no later than `$4`.
const PLANNED: &str = "SELECT subject_ref FROM departure WHERE source = $1 AND employee = $2 AND employment = $3 \
     AND state IN ('planned', 'blocked') AND fire_at <= $4";

/// The same for rows of a list, each with HR's numbers of the person and the employment and the instant; by their places.
const PLANNED_AMONG: &str = "SELECT n.key, d.subject_ref FROM json_each($2) n CROSS JOIN departure d \
     ON d.source = $1 AND d.employee = n.value ->> 0 AND d.employment = n.value ->> 1 \
     WHERE d.state IN ('planned', 'blocked') AND d.fire_at <= n.value ->> 2";

impl Store {
    /// How many of these signals only move a departure that is planned already, to the same time or a later one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::store) async fn count_moves(&self, source: &str, signals: &[&Signal]) -> Result<usize> {
        let moving: Vec<(&Departure, Timestamp, &Subject)> = signals
            .iter()
            .filter_map(|signal| leaves(signal).map(|(departure, at)| (departure, at, &signal.subject)))
            .collect();
        let rows: serde_json::Value = moving
            .iter()
            .map(|(departure, at, _)| serde_json::json!([departure.employee, departure.employment, at.ms()]))
            .collect();
        let found = sqlx::query(PLANNED_AMONG)
            .bind(source)
            .bind(rows.to_string())
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for plans that move"))?;
        let mut moves = 0;
        for row in &found {
            let (place, about): (i64, String) = (row.read(0)?, row.read(1)?);
            let subject = usize::try_from(place).ok().and_then(|place| moving.get(place));
            if let Some((.., subject)) = subject
                && self.references(subject).await?.contains(&about)
            {
                moves += 1;
            }
        }
        Ok(moves)
    }
}

impl Tx<'_> {
    /// Whether a signal only moves a departure of the same person that is planned already, to the same time or a later one. A row that names
    /// somebody else under the number of a leaver is about another departure.
    pub(in crate::store) async fn only_moves(&mut self, source: &str, signal: &Signal) -> Result<bool> {
        let Some((departure, at)) = leaves(signal) else {
            return Ok(false);
        };
        let about: Option<String> = sqlx::query_scalar(PLANNED)
            .bind(source)
            .bind(&departure.employee)
            .bind(&departure.employment)
            .bind(at.ms())
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for a plan that moves"))?;
        let Some(about) = about else { return Ok(false) };
        let identity = self.resolve_identity(&signal.subject).await?;
        let references = self.references(identity.own_names().names()).await?;
        Ok(references.contains(&about))
    }
}

/// The departure that a signal plans, and for when.
fn leaves(signal: &Signal) -> Option<(&Departure, Timestamp)> {
    match &signal.when {
        When::Departure(departure) => match departure.step {
            DepartureStep::Leave { fire_at, .. } => Some((departure, fire_at)),
            _ => None,
        },
        _ => None,
    }
}

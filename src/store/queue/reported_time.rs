//! When what a signal reports has happened at the latest: all that a source's clock can say about what came before what.
//!
//! Whoever receives a report after a proof knows of no number that says whether the reported thing came before that proof too: only the
//! sender's clock says so, and it may be wrong. It is believed as far as it can be checked:
//!
//! - A clock that is behind shows in every lag: from what happened to our receipt passes at least what the clock is behind. So it is behind by
//!   no more than the shortest lag of the source's newest deliveries, and that much is allowed for. A source that has shown nothing yet is not
//!   believed.
//! - A clock that was just set back, or one of several senders behind one source, shows in no earlier lag. So nothing is believed that is said
//!   to have happened more than two minutes ago: a clock that is further behind than that never makes anything look older than a proof.
//! - A clock that is ahead makes everything look later than it was, which costs one more look.
//! - Our own clock: a proof of an instant that is yet to come proves nothing, and two minutes bound the rest as well.
//!
//! What is not believed is looked at, at the price of two reads. What is left is a clock that was set back by less than two minutes, and less
//! than 32 deliveries ago; the sweeps are what finds that.

use std::time::Duration;

use super::accept_context::DecidedSignal;
use crate::model::Timestamp;
use crate::store::{Result, Tx};

/// What clocks that are kept right are apart.
const CLOCK_SKEW: Duration = Duration::from_secs(2);
/// What is said to be older is not believed.
const BELIEVED: Duration = Duration::from_mins(2);

impl Tx<'_> {
    /// When what a signal reports has happened at the latest, by our clock. `None` where nobody can say, which means that it may be new.
    pub(super) async fn happened_by(&mut self, new: &DecidedSignal<'_>) -> Result<Option<Timestamp>> {
        let Some(said) = new.signal.occurred_at.filter(|said| self.now.since(*said) <= BELIEVED) else {
            return Ok(None);
        };
        let behind = self.shortest_lag(&new.delivery.source).await?;
        Ok(behind.map(|behind| said.plus(behind).plus(CLOCK_SKEW)))
    }
}

/// Whether a proof of `proved_at` ends what has happened `by` then.
pub(super) fn is_ended_by(proved_at: Option<Timestamp>, happened_by: Option<Timestamp>, now: Timestamp) -> bool {
    let times = proved_at.filter(|proved_at| *proved_at <= now).zip(happened_by);
    times.is_some_and(|(proved_at, by)| by <= proved_at)
}

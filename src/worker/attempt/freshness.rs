//! Freshness of readings, or what must be read again: a kind is proved by a reading that began after the last change to it.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use crate::model::{Action, GrantKind};
use crate::targets::ObservationRequest;

/// When everything was last looked at and last changed.
#[derive(Debug, Clone)]
pub(super) struct Freshness {
    /// When the attempt began, or the time had come that a sweep was for: nothing older counts.
    start: Instant,
    /// From when on a reading of a kind counts that has been taken in.
    kinds: BTreeMap<GrantKind, Instant>,
    account: Instant,
    /// The last change to a kind, whether the target accepted it or nobody knows.
    changed: BTreeMap<GrantKind, Instant>,
    suspended: Option<Instant>,
    /// The last change to what an intruder acts with: until then anything could have been made.
    cut_off: Option<Instant>,
}

impl Freshness {
    /// Nothing was looked at but the account, when it was looked up.
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            kinds: BTreeMap::new(),
            account: start,
            changed: BTreeMap::new(),
            suspended: None,
            cut_off: None,
        }
    }

    /// From when on a reading of `kind` counts.
    fn needed(&self, kind: GrantKind) -> Instant {
        let changed = self.changed.get(&kind).copied();
        [Some(self.start), changed, self.cut_off]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.start)
    }

    /// What to ask for, to look at these kinds for what they are now: a reading that others share counts where it began after the last change
    /// to its kind. The bots are in it whatever is asked for, as what they made is the person's.
    pub(super) fn ask(&self, kinds: BTreeSet<GrantKind>, account: bool) -> ObservationRequest {
        let shared = kinds.iter().copied().chain([GrantKind::Bot]);
        ObservationRequest {
            since: shared.map(|kind| (kind, self.needed(kind))).collect(),
            kinds,
            account,
        }
    }

    /// The kinds whose last reading proves nothing any more, and the account where it was changed since; `None` where all of it stands.
    pub(super) fn stale(&self, kinds: &BTreeSet<GrantKind>) -> Option<ObservationRequest> {
        let stale = |kind: &&GrantKind| self.kinds.get(kind).is_none_or(|looked| *looked < self.needed(**kind));
        let kinds: BTreeSet<GrantKind> = kinds.iter().filter(stale).copied().collect();
        let account = self.suspended.is_some_and(|changed| self.account < changed);
        (account || !kinds.is_empty()).then(|| self.ask(kinds, account))
    }

    /// An observation was taken in. It was asked for at `asked`.
    pub(super) fn note_reading(&mut self, ask: &ObservationRequest, asked: Instant) {
        for kind in &ask.kinds {
            self.kinds.insert(*kind, ask.since.get(kind).copied().unwrap_or(asked));
        }
        if ask.account {
            self.account = asked;
        }
    }

    /// An action was sent, and may have been carried out; `cuts_off` where what it ends could act until then.
    pub(super) fn note_change(&mut self, action: &Action, cuts_off: bool) {
        let now = Instant::now();
        if let Some(kind) = action.kind() {
            self.changed.insert(kind, now);
        }
        if cuts_off {
            self.cut_off = Some(now);
        }
        if matches!(action, Action::Suspend | Action::Release) {
            self.suspended = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::GrantRef;

    fn end(kind: GrantKind) -> Action {
        Action::End {
            grant: GrantRef::new(kind, "x"),
        }
    }

    fn stale(freshness: &Freshness, kinds: &[GrantKind]) -> Vec<GrantKind> {
        let asked = freshness.stale(&kinds.iter().copied().collect());
        asked.map_or_else(Vec::new, |ask| ask.kinds.into_iter().collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_is_read_again_after_a_change_to_it_and_after_a_session_or_token_was_ended() {
        let kinds = [GrantKind::Session, GrantKind::Bot, GrantKind::OutgoingWebhook];
        let mut freshness = Freshness::new(Instant::now());
        assert_eq!(stale(&freshness, &kinds), kinds, "nothing was looked at yet");
        freshness.note_reading(&freshness.ask(kinds.into(), false), Instant::now());
        assert_eq!(stale(&freshness, &kinds), []);

        tokio::time::advance(Duration::from_millis(1)).await;
        freshness.note_change(&end(GrantKind::OutgoingWebhook), false);
        assert_eq!(stale(&freshness, &kinds), [GrantKind::OutgoingWebhook]);

        freshness.note_change(&Action::EndAllSessions, true);
        assert_eq!(
            stale(&freshness, &kinds),
            kinds,
            "a session that lived until then could have made a bot"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_shared_reading_counts_where_it_began_after_the_last_change() {
        let mut freshness = Freshness::new(Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        freshness.note_change(&Action::EndAllSessions, true);
        let ended = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(freshness.ask([GrantKind::Bot].into(), false).since(GrantKind::Bot), ended);
    }

    #[tokio::test(start_paused = true)]
    async fn the_account_is_looked_at_again_only_after_a_change_to_it() {
        let mut freshness = Freshness::new(Instant::now());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(freshness.stale(&BTreeSet::new()).is_none());
        freshness.note_change(&Action::Suspend, true);
        let ask = freshness.stale(&BTreeSet::new()).unwrap();
        assert!(ask.account);
        tokio::time::advance(Duration::from_millis(1)).await;
        freshness.note_reading(&ask, Instant::now());
        assert!(freshness.stale(&BTreeSet::new()).is_none());
    }
}

//! Looks what the targets' answers show of their clocks, beside the work: a clock that is far from ours alerts until the two agree again.
//!
//! Ours may be the wrong one: while the daemon is down a clock that is set forward cannot be told from a long rest, and then the first answer
//! shows it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::error_chain;
use crate::store::{Result, Store};
use crate::targets::{ServerClock, Target};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// For how long the clocks must agree: nodes behind one address may have clocks of their own, and answer by turns.
const AGREED: Duration = Duration::from_mins(1);

/// One target's clock, and what was said of it.
struct Watched {
    name: String,
    target: Arc<dyn Target>,
    /// Whether the alert stands: by an earlier life, perhaps.
    stands: bool,
    /// By how many milliseconds it was ahead when that was last said.
    told: i64,
    agree_since: Option<Instant>,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// The clock is ahead of ours by so many milliseconds, or behind by as many below nothing.
    Differs(i64),
    /// The clocks have agreed for long enough.
    Agrees,
}

impl Watched {
    fn news(&mut self, ahead: i64, now: Instant) -> Option<News> {
        if ahead != 0 {
            self.agree_since = None;
            let changed = !self.stands || self.told.saturating_sub(ahead).saturating_abs() > ServerClock::TOLERATED;
            return changed.then_some(News::Differs(ahead));
        }
        let since = *self.agree_since.get_or_insert(now);
        (self.stands && now.duration_since(since) >= AGREED).then_some(News::Agrees)
    }

    async fn look(&mut self, store: &Store) -> Result<()> {
        let Some(ahead) = self.target.clock().and_then(ServerClock::ahead) else {
            return Ok(());
        };
        let key = format!("target:{}", self.name);
        match self.news(ahead, Instant::now()) {
            None => {}
            Some(News::Differs(ahead)) => {
                store.raise_alert("clock_differs", key, differs(&self.name, ahead)).await?;
                (self.stands, self.told) = (true, ahead);
            }
            Some(News::Agrees) => {
                store.end_alert("clock_differs", key).await?;
                (self.stands, self.told) = (false, 0);
            }
        }
        Ok(())
    }
}

fn differs(name: &str, ahead: i64) -> String {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    format!(
        "the clock of target {name} is {} s {way} ours: look which of the two is right; ours decides when departures are due",
        ahead.saturating_abs() / 1000
    )
}

/// Looks until `stop`.
pub(super) async fn run(store: Store, targets: Vec<(String, Arc<dyn Target>)>, stop: CancellationToken) {
    let mut watched = Vec::new();
    for (name, target) in targets {
        let stands = store.alert_is_open("clock_differs", &format!("target:{name}")).await;
        watched.push(Watched {
            name,
            target,
            // What cannot be read may stand: to end it once more harms nothing.
            stands: stands.unwrap_or(true),
            told: 0,
            agree_since: None,
        });
    }
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for target in &mut watched {
            if let Err(error) = target.look(&store).await {
                tracing::error!(target = %target.name, error = %error_chain(&error), "could not record how far a target's clock is from ours");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::clock::Clock;
    use crate::model::{Access, Action, Capabilities, Principal, Resolution, Subject, Timestamp};
    use crate::store::Role;
    use crate::targets::{Applied, CallContext, ObservationRequest, Probe, Remedy, TargetError};

    /// A target that has a clock and nothing else.
    #[derive(Default)]
    struct Clocked(ServerClock);

    fn refused<T>() -> std::result::Result<T, TargetError> {
        Err(TargetError {
            doing: "asking".to_owned(),
            remedy: Remedy::GiveUp,
            source: anyhow::anyhow!("it has a clock alone"),
            request: None,
        })
    }

    #[async_trait]
    impl Target for Clocked {
        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        fn clock(&self) -> Option<&ServerClock> {
            Some(&self.0)
        }

        async fn resolve(&self, _: &CallContext, _: &Subject) -> std::result::Result<Resolution, TargetError> {
            refused()
        }

        async fn observe(
            &self,
            _: &CallContext,
            _: &Principal,
            _: &ObservationRequest,
        ) -> std::result::Result<Access, TargetError> {
            refused()
        }

        async fn apply(&self, _: &CallContext, _: &Action, _: &[Principal]) -> std::result::Result<Applied, TargetError> {
            refused()
        }

        async fn probe(&self, _: &CallContext) -> std::result::Result<Probe, TargetError> {
            refused()
        }
    }

    const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

    #[tokio::test]
    async fn a_clock_that_is_far_from_ours_alerts_once_until_the_two_have_agreed_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, Clock::fixed(NOW)).await.unwrap();
        let target = Arc::new(Clocked::default());
        let mut watched = Watched {
            name: "chat".to_owned(),
            target: Arc::clone(&target) as Arc<dyn Target>,
            stands: false,
            told: 0,
            agree_since: None,
        };
        let alerts = async || store.alerts(false).await.unwrap().rows;
        watched.look(&store).await.unwrap();
        assert!(alerts().await.is_empty(), "nothing is known");
        for seconds in [7200, 7203, 7199] {
            target.0.note(NOW.plus(Duration::from_secs(seconds)), (NOW, NOW));
            watched.look(&store).await.unwrap();
            let [alert] = &alerts().await[..] else { panic!() };
            assert_eq!((alert.kind.as_str(), alert.key.as_str()), ("clock_differs", "target:chat"));
            assert!(
                alert.summary.starts_with("the clock of target chat is 7200 s ahead of ours"),
                "{alert:?}"
            );
            assert_eq!(alert.times, 1);
        }
        target.0.note(NOW.minus(Duration::from_secs(601)), (NOW, NOW));
        watched.look(&store).await.unwrap();
        let summary = alerts().await.remove(0).summary;
        assert!(
            summary.starts_with("the clock of target chat is 600 s behind ours"),
            "{summary}"
        );
        target.0.note(NOW, (NOW, NOW));
        watched.look(&store).await.unwrap();
        assert_eq!(alerts().await.len(), 1, "another node may say otherwise");
        let agreed = watched.agree_since.unwrap();
        assert_eq!(watched.news(0, agreed + AGREED.mul_f64(0.9)), None);
        assert_eq!(watched.news(0, agreed + AGREED), Some(News::Agrees));
        // As if that had passed.
        watched.agree_since = agreed.checked_sub(AGREED);
        watched.look(&store).await.unwrap();
        assert!(alerts().await.is_empty());
    }
}

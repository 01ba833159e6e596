//! Waiting for what another program does: asked again and again, with a bound, and never for a fixed time.

use std::time::Duration;

use revoked::http::Bounds;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Far longer than anything here takes, so that only a hang runs into it.
pub(crate) const BOUND: Duration = Duration::from_mins(2);

/// How long a test waits for what it asks for by HTTP: a daemon on a busy machine may be long about it, and its own bounds are what is tested.
pub(crate) const PATIENT: Bounds = Bounds {
    connect: BOUND,
    read: BOUND,
    total: BOUND,
};

/// How often to ask.
const PACE: Duration = Duration::from_millis(20);

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    timeout(BOUND, asking)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"))
}

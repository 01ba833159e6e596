//! A probe of a target as it is configured: what the server says, compared with what the config demands of it.

use crate::canary::{self, Canary};
use crate::config::TargetConfig;
use crate::model::Containment;
use crate::policy::Policy;
use crate::store::{Store, daemon_runs};
use crate::targets::{CallContext, CallLimit, Finding, Level, Probe};
use crate::worker::Rate;

use super::CanaryTrial;

/// Asks one target what stands in the way, and compares what the config demands with what it can do.
pub(super) async fn findings(target: &TargetConfig, policy: &Policy) -> Probe {
    let asked = target.target.probe(&CallContext::unpaced()).await;
    let mut probe = asked.unwrap_or_else(|error| Probe {
        findings: vec![Finding {
            level: Level::Error,
            what: error.to_string(),
            advice: "make the target reachable with the configured url and credential, then run this again".to_owned(),
        }],
        ..Probe::default()
    });
    if let Some(limit) = probe.limit {
        probe.findings.splice(0..0, beyond(target, limit));
    }
    if !target.target.capabilities().suspends {
        let demanded = |containment: &Containment| containment.block;
        let blocks = policy.playbooks.iter();
        let blocks = blocks.filter(|(_, playbook)| playbook.get(&target.name).is_some_and(demanded));
        let names: Vec<&str> = blocks.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            probe.findings.push(Finding {
                level: Level::Note,
                what: format!("an account cannot be suspended here, and {} demands it", names.join(" and ")),
                advice: "its verdict here is unverified at best; block = false in that playbook for this target says that you know"
                    .to_owned(),
            });
        }
    }
    probe
}

/// Tries the canary of one target, by way of the daemon's queue.
pub(super) async fn prove(store: Option<&Store>, target: &TargetConfig, canary: &Canary) -> CanaryTrial {
    let Some(store) = store.filter(|store| daemon_runs(store.path())) else {
        return Err("the daemon, which revokes it, is not running".to_owned());
    };
    let delays = canary::prove(store, &target.name, target.target.as_ref(), canary).await;
    let delays = delays.map_err(|error| format!("{error:#}"))?;
    let ms = |delay: std::time::Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    Ok(delays
        .into_iter()
        .map(|shown| (shown.kind.word().to_owned(), shown.delay.map(ms)))
        .collect())
}

/// What is configured beyond the server's own limit: it then refuses some of our calls, and work waits until it takes the next.
fn beyond(target: &TargetConfig, limit: CallLimit) -> Vec<Finding> {
    let allowed = Rate::per_second(f64::from(limit.per_second));
    let rate = allowed
        .is_some_and(|allowed| target.rate.interval() < allowed.interval())
        .then(|| Finding {
            level: Level::Warning,
            what: format!(
                "`rate` is above the {} calls a second that the server allows",
                limit.per_second
            ),
            advice: format!("set `rate` to at most \"{}/s\"", limit.per_second),
        });
    // The server counts the burst beside the call that is due.
    let burst = (target.burst > limit.burst.saturating_add(1)).then(|| Finding {
        level: Level::Warning,
        what: format!(
            "`burst` is {}, and the server allows {} calls at once beside the one that is due",
            target.burst, limit.burst
        ),
        advice: format!("set `burst` to at most {}", limit.burst),
    });
    rate.into_iter().chain(burst).collect()
}

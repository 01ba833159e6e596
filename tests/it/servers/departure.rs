//! Somebody who has left, contained by a daemon at systems that run for real.

use serde_json::Value;
use std::io::Write as _;

use super::{System, TargetTable, that_work};
use crate::harness::{DaemonProcess, Installation, InstallationPlan};

/// A daemon with targets.
pub(crate) struct Departures {
    pub(crate) site: Installation,
    pub(crate) daemon: DaemonProcess,
}

/// What came of a departure at one target.
#[derive(Debug)]
pub(crate) struct Contained {
    pub(crate) verdict: Value,
    pub(crate) evidence: Value,
    /// How many calls the target was sent for it.
    pub(crate) calls: u64,
}

impl Departures {
    /// Starts a daemon with these targets, and the chat server where that is wanted.
    pub(crate) async fn start(with_chat: bool, targets: &[TargetTable]) -> Self {
        let site = Installation::new(InstallationPlan::default()).await;
        let tables: Vec<String> = targets.iter().map(|target| target.write(&site)).collect();
        site.configure_targets(&InstallationPlan::default(), with_chat, &tables.join("\n"));
        let daemon = site.start().await;
        Self { site, daemon }
    }

    /// Asks for a departure, and gives the case as it is once everything is proved.
    pub(crate) async fn depart(&self, subject: &str) -> Value {
        let case = self.site.revoke(subject, "departed", &[]).await.json();
        assert_eq!(case["case"]["state"], "closed", "{case}");
        case
    }

    /// The case once the sweeps have come too.
    pub(crate) async fn swept(&self, case: &Value) -> Value {
        self.site
            .until_count(
                "SELECT count(*) FROM job WHERE state IN ('scheduled', 'queued', 'running')",
                0,
            )
            .await;
        self.site.ask(&["case", "show", &case["case"]["id"].to_string()]).await
    }

    /// How many calls a target was sent until now.
    pub(crate) async fn calls(&self, target: &str) -> u64 {
        let metrics = self.daemon.metrics().await;
        let counter = format!("revoked_target_calls_total{{target=\"{target}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&counter));
        count.map_or(0, |count| count.parse().unwrap())
    }

    /// Has somebody contained at the one target of this name.
    pub(crate) async fn contain(&self, target: &str, subject: &str) -> Contained {
        let before = self.calls(target).await;
        let case = self.depart(subject).await;
        let calls = self.calls(target).await - before;
        let job = newest_job(&case, target, "contain");
        let swept = self.swept(&case).await;
        let sweep = newest_job(&swept, target, "watch");
        assert_eq!(
            (&sweep["state"], &sweep["verdict"]),
            (&job["state"], &job["verdict"]),
            "{sweep}"
        );
        // The figures of a run: cargo test -- --nocapture.
        drop(writeln!(
            std::io::stderr(),
            "{target}: {calls} calls, contained {} after the signal of {}",
            case["case"]["contained_at"],
            case["case"]["received_at"]
        ));
        Contained {
            verdict: job["verdict"].clone(),
            evidence: job["evidence"].clone(),
            calls,
        }
    }
}

impl Contained {
    /// How good the verdict is: the lower, the better.
    pub(crate) fn severity(&self) -> usize {
        let verdict: revoked::model::Verdict = serde_json::from_value(self.verdict.clone()).unwrap();
        verdict.severity()
    }

    /// Whether a sentence about what is not reached begins so.
    pub(crate) fn admits(&self, words: &str) -> bool {
        let admitted = self.evidence["not_covered"].as_array().unwrap();
        admitted.iter().any(|sentence| sentence.as_str().unwrap().starts_with(words))
    }
}

/// The newest job of such a kind at a target.
pub(crate) fn newest_job<'c>(case: &'c Value, target: &str, kind: &str) -> &'c Value {
    let jobs = case["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["target"] == target && job["kind"] == kind);
    job.unwrap_or_else(|| panic!("no job at {target}: {case}"))
}

/// The kinds of the credentials among these that still work, in order.
pub(crate) async fn living<S: System>(system: &S, held: &[S::Credential]) -> Vec<String> {
    let shown = that_work(system, held, true).await.into_iter();
    shown
        .map(|credential| credential.split(['(', ' ']).next().unwrap().to_owned())
        .collect()
}

//! The store on real files.

mod accept;
mod alerts;
mod batches;
mod canary;
mod clock_steps;
mod coalesce;
mod containment_times;
mod counters;
mod damage;
mod damaged_rows;
mod departures;
mod displaced;
mod employments;
mod erasure;
mod held_changes;
mod holds;
mod identity;
mod integrity;
mod lock_sharing;
mod migrations;
mod moved_departures;
mod operators;
mod outbox;
mod portions;
mod queue;
mod reactivation;
mod reads;
mod retention;
mod source_health;
mod source_state;
mod trail;
mod two_persons;
mod wordings;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::{Delivery, Reason, Receipt, Signal, SignalReceipt, Timestamp};
use revoked::policy::Policy;
use revoked::store::{Claim, Role, SlotOffers, Store};
use revoked_trail::{Signer, VerifierKey};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// Monday 2025-11-24 16:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

/// A store in a folder of its own, with a clock that stands still.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) path: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

pub(crate) async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.db");
    let clock = Clock::fixed(NOW);
    let store = Store::open(&path, Role::Daemon, clock.clone()).await.unwrap();
    Place {
        store,
        clock,
        path,
        _folder: Arc::new(folder),
    }
}

impl Place {
    /// The database itself, beside the store.
    pub(crate) async fn connection(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.path);
        options.connect().await.unwrap()
    }

    /// Stores signals of source `hr` under the standard policy for one target, `chat`.
    pub(crate) async fn accept(&self, signals: Vec<Signal>) -> Receipt {
        self.accept_from("hr", signals).await
    }

    pub(crate) async fn accept_from(&self, source: &str, signals: Vec<Signal>) -> Receipt {
        let delivery = Delivery::of(source, signals, self.clock.now());
        self.store
            .accept(policy(), delivery, SlotOffers::default())
            .await
            .unwrap()
            .receipt
    }

    /// The only job that waits, claimed.
    pub(crate) async fn claim(&self) -> Claim {
        let mut claims = self.store.claim("chat", revoked::model::Priority(9), 1).await.unwrap();
        claims.pop().expect("a job waits")
    }

    /// Every entry kind of the trail, in order; fails where the trail does not verify.
    pub(crate) async fn trail(&self) -> Vec<String> {
        let key = key();
        let report = revoked::trail::verify(&self.store, std::slice::from_ref(&key), &[])
            .await
            .unwrap();
        // Nothing was signed in these tests, which is the one finding that may stand.
        let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert!(findings.iter().all(|finding| finding.contains("checkpoint")), "{findings:?}");
        let rows = self.store.trail_snapshot().await.unwrap().rows(0, 10_000).await.unwrap();
        let kind = |body: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(body).unwrap()["kind"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        rows.iter().map(|row| kind(&row.body)).collect()
    }
}

/// A channel that is told of everything.
pub(crate) fn channel_rules(name: &str) -> revoked::store::ChannelRules {
    revoked::store::ChannelRules {
        name: name.to_owned(),
        carrier: "webhook",
        kinds: Vec::new(),
        urgent_only: false,
        after: std::time::Duration::ZERO,
        repeats: false,
        wait: std::time::Duration::from_secs(30),
        tells_care: true,
        tells_over: true,
        tells_each: false,
    }
}

pub(crate) fn policy() -> Arc<Policy> {
    Arc::new(Policy::standard(&["chat"]))
}

pub(crate) fn signer(origin: &str, seed: u8) -> Signer {
    Signer::from_seed(origin, &[seed; 32]).unwrap()
}

fn key() -> VerifierKey {
    Signer::from_seed("test.example.org/trail/1", &[7; 32])
        .unwrap()
        .verifier()
        .clone()
}

/// A signal with a key of its own.
pub(crate) fn signal(key: &str, subject: &str, reason: Reason) -> Signal {
    let mut digest = [0; 32];
    digest[..key.len().min(32)].copy_from_slice(&key.as_bytes()[..key.len().min(32)]);
    Signal::new(key, digest, subject.parse().unwrap(), reason)
}

/// The case that a signal led to.
pub(crate) fn case_of(receipt: &SignalReceipt) -> (i64, bool) {
    match receipt {
        SignalReceipt::Accepted { case, held } => (case.0, *held),
        other => panic!("no case: {other:?}"),
    }
}

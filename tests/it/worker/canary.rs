//! A canary through the queue, at a target that may honour what it says has ended.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use revoked::canary::{Canary, prove};
use revoked::intake::{self, Intake};
use revoked::model::{GrantKind, Reason};
use revoked::store::CanaryDelay;

use super::harness::{Harness, open_account, quick};
use super::scripted_target::Scripted;

/// Tries the canary once, and gives what it showed.
async fn tried(honours_what_is_ended: bool) -> (Harness, Vec<CanaryDelay>) {
    let mut harness = Harness::demanding(open_account()).await;
    let playbook = BTreeMap::from([("chat".to_owned(), open_account())]);
    harness.policy.playbooks.insert(Reason::Logout.word().to_owned(), playbook);
    let target = Arc::new(Scripted::new());
    target.account("canary", &[]);
    target.world().honours_what_is_ended = honours_what_is_ended;
    let lanes = harness.lanes_with(&target, 4, quick()).await;
    let policy = Arc::new(harness.policy.clone());
    let intake = Intake::new(harness.store.clone(), policy, lanes, vec!["chat".to_owned()], BTreeMap::new());
    tokio::spawn(intake::run_inbox(intake, harness.shutdown.soft.clone()));
    let mut password = tempfile::NamedTempFile::new().unwrap();
    password.write_all(b"secret").unwrap();
    let canary = Canary {
        subject: "username:canary".parse().unwrap(),
        login: "canary".to_owned(),
        password: revoked::secret::SecretSource::File(password.path().to_owned()),
        within: Duration::from_millis(300),
        every: Duration::from_hours(24),
    };
    let tried = prove(&harness.store, "chat", target.as_ref(), &canary);
    let delays = tokio::time::timeout(crate::wait::BOUND, tried).await.unwrap().unwrap();
    (harness, delays)
}

#[tokio::test]
async fn a_session_that_outlives_its_end_alerts() {
    let (harness, delays) = tried(true).await;
    let survived = CanaryDelay {
        kind: GrantKind::Session,
        delay: None,
    };
    assert_eq!(delays, [survived]);
    assert_eq!(harness.alerts("canary_survived").await.len(), 1);
    harness.stop().await;
}

#[tokio::test]
async fn a_session_that_is_refused_shows_the_delay_and_alerts_nobody() {
    let (harness, delays) = tried(false).await;
    assert!(
        delays[0].delay.is_some_and(|delay| delay <= Duration::from_millis(300)),
        "{delays:?}"
    );
    assert!(harness.alerts("canary_survived").await.is_empty());
    harness.stop().await;
}

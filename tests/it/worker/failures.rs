//! A target in trouble: limits, outages, a credential that stops working. No attempt is burnt that the job is not to blame for.

use std::sync::Arc;
use std::time::Duration;

use revoked::model::{GrantKind, Verdict};
use revoked::targets::Remedy;
use revoked::worker::{AttemptLimits, Lanes, WorkSettings};

use super::harness::{Harness, ROUTINE, URGENT, open_account, quick};
use super::scripted_target::Scripted;

fn target(names: &[&str]) -> Arc<Scripted> {
    let target = Scripted::new();
    for name in names {
        target.account(name, &[(GrantKind::Session, "s1")]);
    }
    Arc::new(target)
}

#[tokio::test]
async fn a_failure_is_tried_again_and_counts() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    target.world().faults = vec![("observe".to_owned(), Remedy::Retry)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    harness.stop().await;
}

#[tokio::test]
async fn a_refusal_for_good_goes_to_the_ledger_at_once() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    target.world().faults = vec![("observe".to_owned(), Remedy::GiveUp)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.state.as_str(), job.attempt), ("failed", 1));
    assert!(job.error.unwrap().contains("asking to observe"));
    harness.stop().await;
}

#[tokio::test]
async fn a_rate_limit_snoozes_and_costs_no_attempt() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    let limited = Remedy::RetryAfter(Duration::from_millis(5));
    target.world().faults = (0..6).map(|_| ("observe".to_owned(), limited)).collect();
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 1));
    harness.stop().await;
}

#[tokio::test]
async fn a_target_that_is_down_burns_no_attempts_and_is_tried_until_it_is_back() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory", "a", "b", "c"]);
    target.world().down = true;
    let lanes = harness.lanes(&target, 4).await;
    let urgent = harness.signal("username:mallory", URGENT).await;
    let mut routine = Vec::new();
    for name in ["a", "b", "c"] {
        routine.push(harness.signal(&format!("username:{name}"), ROUTINE).await);
    }
    harness
        .until("an alert", || async {
            (!harness.alerts("target_down").await.is_empty()).then_some(())
        })
        .await;
    // Far more probes than a job has attempts.
    harness
        .until("probes", || async {
            let probes = target.calls().iter().filter(|call| call.starts_with("probe")).count();
            (probes >= 15).then_some(())
        })
        .await;
    assert!(lanes.status()[0].down);
    assert!(lanes.offer_urgent("chat").is_none());
    target.world().down = false;
    let job = harness.over(urgent).await;
    assert_eq!(job.verdict, Some(Verdict::Contained));
    for case in routine {
        assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    }
    harness
        .until("the alert's end", || async {
            harness.alerts("target_down").await.is_empty().then_some(())
        })
        .await;
    harness.stop().await;
}

#[tokio::test]
async fn a_job_that_always_fails_at_a_target_that_is_up_ends_in_the_ledger() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    target.world().faults = (0..500).map(|_| ("observe".to_owned(), Remedy::Retry)).collect();
    let settings = WorkSettings {
        retries: revoked::backoff::Retries {
            attempts: 9,
            ..quick().retries
        },
        ..quick()
    };
    let lanes = harness.lanes_with(&target, 1, settings).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.state.as_str(), job.attempt), ("failed", 9));
    assert!(!lanes.status()[0].down);
    harness.stop().await;
}

#[tokio::test]
async fn a_credential_that_stops_working_pauses_the_lane_until_an_operator_resumes_it() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory", "a"]);
    target.world().locked_out = true;
    let lanes = harness.lanes(&target, 2).await;
    let case = harness.signal("username:mallory", URGENT).await;
    paused(&harness, &lanes).await;
    assert_eq!(target.calls(), ["resolve:username"], "a paused lane went on");
    assert_eq!(harness.alerts("lane_paused").await.len(), 1);
    let other = harness.signal("username:a", ROUTINE).await;
    target.world().locked_out = false;
    target.world().calls.clear();
    lanes.resume("chat").await.unwrap();
    for case in [case, other] {
        let job = harness.over(case).await;
        assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 1));
    }
    assert!(harness.alerts("lane_paused").await.is_empty());
    assert!(lanes.resume("elsewhere").await.is_err());
    harness.stop().await;
}

#[tokio::test]
async fn a_lane_that_was_paused_before_a_restart_probes_and_resumes_by_itself() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    harness.store.pause_lane("chat", "the credential was refused").await.unwrap();
    let case = harness.signal("username:mallory", URGENT).await;
    let lanes = harness.lanes(&target, 1).await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    assert!(target.calls()[0].starts_with("probe"), "it claimed before its probe");
    assert_eq!(lanes.status()[0].paused, None);
    assert!(harness.alerts("lane_paused").await.is_empty());
    harness.stop().await;
}

#[tokio::test]
async fn a_pause_that_another_process_ends_is_over_here_too() {
    let harness = Harness::demanding(open_account()).await;
    let target = target(&["mallory"]);
    target.world().locked_out = true;
    let lanes = harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    paused(&harness, &lanes).await;
    target.world().locked_out = false;
    harness.store.resume_lane("chat").await.unwrap();
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    harness.stop().await;
}

async fn paused(harness: &Harness, lanes: &Lanes) {
    harness
        .until("a pause", || async {
            let recorded = harness.store.lane_paused("chat").await.unwrap().is_some();
            (recorded && lanes.status()[0].paused.is_some()).then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_cut_off_and_counts() {
    let harness = Harness::demanding(open_account()).await;
    let target = Arc::new(Scripted::gated());
    target.account("mallory", &[(GrantKind::Session, "s1")]);
    let settings = WorkSettings {
        attempt_limits: AttemptLimits {
            limit: Duration::from_millis(50),
            ..quick().attempt_limits
        },
        ..quick()
    };
    harness.lanes_with(&target, 1, settings).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let retried = harness
        .until("an error", || async { harness.jobs(case).await[0].error.clone() })
        .await;
    assert!(retried.contains("cut off"), "{retried}");
    harness.shutdown.hard.cancel();
    harness.stop().await;
}

#[tokio::test]
async fn a_refusal_is_remembered_over_a_restart() {
    let harness = Harness::demanding(open_account()).await;
    let next = harness.store.clock().now().plus(Duration::from_hours(1));
    harness.store.keep_permit_time("chat", next).await.unwrap();
    let target = target(&["mallory"]);
    let lanes = harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    harness
        .until("a caller in the line", || async {
            (lanes.status()[0].waiting_for_permit == 1).then_some(())
        })
        .await;
    assert_eq!(target.calls(), [""; 0]);
    harness.shutdown.hard.cancel();
    harness.stop().await;
    assert_eq!(harness.jobs(case).await[0].state, "queued");
}

//! Lanes: who gets a slot, what a stop does, and what the later sweeps do.

use std::sync::Arc;

use revoked::model::{Containment, Grant, GrantKind, PasswordReset, Priority, Verdict};
use revoked::store::Store;

use super::harness::{Harness, ROUTINE, URGENT, everything, open_account};
use super::scripted_target::Scripted;

const SESSION: &[(GrantKind, &str)] = &[(GrantKind::Session, "s1")];

fn gated(names: &[&str]) -> Arc<Scripted> {
    let target = Scripted::gated();
    for name in names {
        target.account(name, SESSION);
    }
    Arc::new(target)
}

/// Waits until the target has seen so many calls in all, those at its gate not counted.
async fn running(harness: &Harness, lanes: &revoked::worker::Lanes, count: usize) {
    harness
        .until("jobs that run", || async {
            (lanes.status()[0].running == count).then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_urgent_job_finds_a_slot_when_routine_ones_fill_the_lane() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["a", "b", "c", "d", "mallory"]);
    let lanes = harness.lanes(&target, 2).await;
    for name in ["a", "b", "c", "d"] {
        harness.signal(&format!("username:{name}"), ROUTINE).await;
    }
    running(&harness, &lanes, 2).await;
    let urgent = harness.signal("username:mallory", URGENT).await;
    harness.job_is(urgent, &["running"]).await;
    running(&harness, &lanes, 3).await;
    // Calls pass the gate in the order in which they came; the urgent one is behind two.
    target.let_through(1000);
    assert_eq!(harness.over(urgent).await.verdict, Some(Verdict::Contained));
    harness.stop().await;
}

#[tokio::test]
async fn a_lane_of_one_slot_takes_the_most_urgent_first() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["a", "b", "mallory"]);
    let lanes = harness.lanes(&target, 1).await;
    let first = harness.signal("username:a", ROUTINE).await;
    harness.job_is(first, &["running"]).await;
    let routine = harness.signal("username:b", ROUTINE).await;
    let urgent = harness.signal("username:mallory", URGENT).await;
    target.let_through(1000);
    harness.over(routine).await;
    let (urgent, routine) = (harness.over(urgent).await, harness.over(routine).await);
    assert!(urgent.finished_at.unwrap() <= routine.finished_at.unwrap());
    let calls = target.calls();
    let place = |name: &str| calls.iter().position(|call| call == &format!("observe:{name}")).unwrap();
    assert!(place("a") < place("mallory") && place("mallory") < place("b"));
    assert_eq!(lanes.status()[0].paused, None);
    harness.stop().await;
}

/// How many jobs nobody keeps.
async fn free(harness: &Harness) -> usize {
    harness.store.reserve("chat", Priority(u8::MAX), 100).await.unwrap().len()
}

#[tokio::test]
async fn what_is_read_ahead_is_kept_until_something_else_is_queued() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["a", "b", "c", "d"]);
    let first = harness.signal("username:a", ROUTINE).await;
    for name in ["b", "c"] {
        harness.signal(&format!("username:{name}"), ROUTINE).await;
    }
    harness.lanes(&target, 1).await;
    harness.job_is(first, &["running"]).await;
    assert_eq!(free(&harness).await, 0, "one look is for the slots that come free next too");
    let last = harness.signal("username:d", ROUTINE).await;
    let all = async || (free(&harness).await == 3).then_some(());
    harness.until("jobs that are let go", all).await;
    target.let_through(1000);
    assert_eq!(harness.over(last).await.verdict, Some(Verdict::Contained));
    harness.stop().await;
}

#[tokio::test]
async fn an_urgent_job_born_claimed_starts_in_the_slot_that_was_reserved() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["a", "b", "mallory", "oscar"]);
    let lanes = harness.lanes(&target, 1).await;
    harness.signal("username:a", ROUTINE).await;
    harness.signal("username:b", ROUTINE).await;
    running(&harness, &lanes, 1).await;
    let slot = lanes.offer_urgent("chat").unwrap();
    assert!(lanes.offer_urgent("chat").is_none(), "the slot was given twice");
    assert!(lanes.offer_urgent("elsewhere").is_none());
    let case = harness.signal_into(&lanes, slot, "username:mallory").await;
    target.let_through(1000);
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    drop(harness.until("a free slot", || async { lanes.offer_urgent("chat") }).await);
    harness.stop().await;
    assert!(lanes.offer_urgent("chat").is_none(), "a lane that stops gave a slot");
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_sends_nothing() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["mallory"]);
    let lanes = harness.lanes(&target, 3).await;
    let case = harness.signal("username:mallory", URGENT).await;
    running(&harness, &lanes, 1).await;
    // It reads for long: its lease is committed before anything else of it is.
    harness.job_is(case, &["running"]).await;
    expire(&harness.store).await;
    running(&harness, &lanes, 2).await;
    target.let_through(1000);
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    running(&harness, &lanes, 0).await;
    assert_eq!(
        target.sent(),
        ["end all sessions:mallory", "clear the session caches:mallory"]
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_soft_stop_finishes_what_runs_and_claims_nothing_more() {
    let harness = Harness::demanding(open_account()).await;
    let target = gated(&["a", "b"]);
    harness.lanes(&target, 1).await;
    let first = harness.signal("username:a", ROUTINE).await;
    harness.job_is(first, &["running"]).await;
    let second = harness.signal("username:b", ROUTINE).await;
    harness.shutdown.soft.cancel();
    target.let_through(1000);
    harness.stop().await;
    assert_eq!(harness.jobs(first).await[0].verdict, Some(Verdict::Contained));
    assert_eq!(harness.jobs(second).await[0].state, "queued");
}

#[tokio::test]
async fn a_hard_stop_gives_the_job_back_and_says_what_is_unknown() {
    let harness = Harness::demanding(everything()).await;
    let target = Scripted::gated();
    target.account("mallory", &[(GrantKind::Session, "s1"), (GrantKind::AccessToken, "t1")]);
    let target = Arc::new(target);
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    // Resolve, observe, suspend, observe; the token's end is on its way.
    target.let_through(4);
    harness
        .until("a second wave", || async {
            (harness.detail(case).await.actions.len() == 4).then_some(())
        })
        .await;
    harness.shutdown.hard.cancel();
    harness.stop().await;
    let job = harness.jobs(case).await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("queued", 0));
    let outcomes: Vec<Option<String>> = harness
        .detail(case)
        .await
        .actions
        .into_iter()
        .map(|action| action.outcome)
        .collect();
    let outcomes: Vec<&str> = outcomes.iter().map(|outcome| outcome.as_deref().unwrap_or("open")).collect();
    assert_eq!(outcomes, ["done", "unknown", "not_sent", "not_sent"]);
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_sends_nothing() {
    let harness = Harness::demanding(Containment {
        watch: vec![0],
        ..open_account()
    })
    .await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let sweep = sweep(&harness, case).await;
    assert_eq!((sweep.kind.as_str(), sweep.verdict), ("watch", Some(Verdict::Contained)));
    assert_eq!(target.sent().len(), 2);
    assert_eq!(harness.detail(case).await.case.reopened, 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_sweep_ends_what_came_back_and_reopens_the_case() {
    let harness = Harness::demanding(Containment {
        watch: vec![1],
        reset_password: PasswordReset::Always,
        ..everything()
    })
    .await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    harness.over(case).await;
    {
        let mut world = target.world();
        world.calls.clear();
        let account = world.accounts.get_mut("mallory").unwrap();
        account.suspended = false;
        account.grants.push(Grant::new(GrantKind::Session, "s2"));
    }
    let sweep = sweep(&harness, case).await;
    assert_eq!(sweep.verdict, Some(Verdict::Contained));
    let notes = sweep.evidence.unwrap().notes;
    assert!(
        notes
            .iter()
            .any(|note| note == "came back: the account was active again, 1 session"),
        "{notes:?}"
    );
    let sent = target.sent();
    assert_eq!(
        sent[..2],
        ["suspend the account:mallory", "end all sessions:mallory"],
        "a sweep resets no password"
    );
    assert_eq!(harness.detail(case).await.case.reopened, 1);
    assert_eq!(target.left("mallory"), [""; 0]);
    harness.stop().await;
}

async fn sweep(harness: &Harness, case: i64) -> revoked::store::JobView {
    harness
        .until("the sweep", || async {
            let jobs = harness.jobs(case).await;
            jobs.into_iter().find(|job| job.kind == "watch" && job.finished_at.is_some())
        })
        .await
}

#[tokio::test]
async fn a_job_whose_daemon_died_is_taken_up_at_the_next_start() {
    let harness = Harness::demanding(open_account()).await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    let case = harness.signal("username:mallory", URGENT).await;
    let lost = harness.store.claim("chat", revoked::model::Priority::SWEEP, 1).await.unwrap();
    drop(lost);
    expire(&harness.store).await;
    harness.lanes(&target, 1).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    harness.stop().await;
}

async fn expire(store: &Store) {
    assert_eq!(store.expire_leases(true).await.unwrap(), 1);
}

#[tokio::test]
async fn many_jobs_go_through_a_few_slots() {
    let harness = Harness::demanding(open_account()).await;
    let target = Arc::new(Scripted::new());
    let mut cases = Vec::new();
    for n in 0..60 {
        target.account(&format!("u{n}"), SESSION);
        cases.push(harness.signal(&format!("username:u{n}"), ROUTINE).await);
    }
    let lanes = harness.lanes(&target, 8).await;
    for case in cases {
        assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    }
    harness
        .until("idle slots", || async { (lanes.status()[0].running == 0).then_some(()) })
        .await;
    harness.stop().await;
}

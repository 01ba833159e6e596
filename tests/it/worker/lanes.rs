//! Lanes: who gets a slot, what a stop does, and what the later sweeps do.

use std::sync::Arc;

use revoked::model::{Containment, Grant, GrantKind, PasswordReset, Verdict};
use revoked::store::Store;

use super::scripted::Scripted;
use super::stage::{ROUTINE, Stage, URGENT, everything, open_account};

const SESSION: &[(GrantKind, &str)] = &[(GrantKind::Session, "s1")];

fn gated(names: &[&str]) -> Arc<Scripted> {
    let target = Scripted::gated();
    for name in names {
        target.account(name, SESSION);
    }
    Arc::new(target)
}

/// Waits until the target has seen so many calls in all, those at its gate not counted.
async fn running(stage: &Stage, lanes: &revoked::worker::Lanes, count: usize) {
    stage
        .until("jobs that run", || async {
            (lanes.status()[0].running == count).then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_urgent_job_finds_a_slot_when_routine_ones_fill_the_lane() {
    let stage = Stage::demanding(open_account()).await;
    let target = gated(&["a", "b", "c", "d", "mallory"]);
    let lanes = stage.lanes(&target, 2).await;
    for name in ["a", "b", "c", "d"] {
        stage.signal(&format!("username:{name}"), ROUTINE).await;
    }
    running(&stage, &lanes, 2).await;
    let urgent = stage.signal("username:mallory", URGENT).await;
    stage.job_is(urgent, &["running"]).await;
    running(&stage, &lanes, 3).await;
    // Calls pass the gate in the order in which they came; the urgent one is behind two.
    target.let_through(1000);
    assert_eq!(stage.over(urgent).await.verdict, Some(Verdict::Contained));
    stage.stop().await;
}

#[tokio::test]
async fn a_lane_of_one_slot_takes_the_most_urgent_first() {
    let stage = Stage::demanding(open_account()).await;
    let target = gated(&["a", "b", "mallory"]);
    let lanes = stage.lanes(&target, 1).await;
    let first = stage.signal("username:a", ROUTINE).await;
    stage.job_is(first, &["running"]).await;
    let routine = stage.signal("username:b", ROUTINE).await;
    let urgent = stage.signal("username:mallory", URGENT).await;
    target.let_through(1000);
    stage.over(routine).await;
    let (urgent, routine) = (stage.over(urgent).await, stage.over(routine).await);
    assert!(urgent.finished_at.unwrap() <= routine.finished_at.unwrap());
    let calls = target.calls();
    let place = |name: &str| calls.iter().position(|call| call == &format!("observe:{name}")).unwrap();
    assert!(place("a") < place("mallory") && place("mallory") < place("b"));
    assert_eq!(lanes.status()[0].paused, None);
    stage.stop().await;
}

#[tokio::test]
async fn an_urgent_job_born_claimed_starts_in_the_slot_that_was_reserved() {
    let stage = Stage::demanding(open_account()).await;
    let target = gated(&["a", "b", "mallory", "oscar"]);
    let lanes = stage.lanes(&target, 1).await;
    stage.signal("username:a", ROUTINE).await;
    stage.signal("username:b", ROUTINE).await;
    running(&stage, &lanes, 1).await;
    let slot = lanes.reserve_urgent("chat").unwrap();
    assert!(lanes.reserve_urgent("chat").is_none(), "the slot was given twice");
    assert!(lanes.reserve_urgent("elsewhere").is_none());
    let case = stage.signal_into(&lanes, slot, "username:mallory").await;
    target.let_through(1000);
    assert_eq!(stage.over(case).await.verdict, Some(Verdict::Contained));
    drop(stage.until("a free slot", || async { lanes.reserve_urgent("chat") }).await);
    stage.stop().await;
    assert!(lanes.reserve_urgent("chat").is_none(), "a lane that stops gave a slot");
}

#[tokio::test]
async fn two_commits_stand_before_the_first_revoke() {
    let stage = Stage::demanding(open_account()).await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    let lanes = stage.lanes(&target, 2).await;
    let committed = stage.store.committed();
    let (before, seen) = (committed.borrow().commits, Arc::new(std::sync::Mutex::new(Vec::new())));
    let told = Arc::clone(&seen);
    target.world().witness = Some(Box::new(move |_| {
        told.lock().unwrap().push(committed.borrow().commits - before);
    }));
    let slot = lanes.reserve_urgent("chat").unwrap();
    let case = stage.signal_into(&lanes, slot, "username:mallory").await;
    assert_eq!(stage.over(case).await.verdict, Some(Verdict::Contained));
    assert_eq!(seen.lock().unwrap()[0], 2, "the signal's commit and the intent's");
    stage.stop().await;
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_sends_nothing() {
    let stage = Stage::demanding(open_account()).await;
    let target = gated(&["mallory"]);
    let lanes = stage.lanes(&target, 3).await;
    let case = stage.signal("username:mallory", URGENT).await;
    running(&stage, &lanes, 1).await;
    expire(&stage.store).await;
    running(&stage, &lanes, 2).await;
    target.let_through(1000);
    let job = stage.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    running(&stage, &lanes, 0).await;
    assert_eq!(
        target.sent(),
        ["end all sessions:mallory", "clear the session caches:mallory"]
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_soft_stop_finishes_what_runs_and_claims_nothing_more() {
    let stage = Stage::demanding(open_account()).await;
    let target = gated(&["a", "b"]);
    stage.lanes(&target, 1).await;
    let first = stage.signal("username:a", ROUTINE).await;
    stage.job_is(first, &["running"]).await;
    let second = stage.signal("username:b", ROUTINE).await;
    stage.shutdown.soft.cancel();
    target.let_through(1000);
    stage.stop().await;
    assert_eq!(stage.jobs(first).await[0].verdict, Some(Verdict::Contained));
    assert_eq!(stage.jobs(second).await[0].state, "queued");
}

#[tokio::test]
async fn a_hard_stop_gives_the_job_back_and_says_what_is_unknown() {
    let stage = Stage::demanding(everything()).await;
    let target = Scripted::gated();
    target.account("mallory", &[(GrantKind::Session, "s1"), (GrantKind::AccessToken, "t1")]);
    let target = Arc::new(target);
    stage.lanes(&target, 1).await;
    let case = stage.signal("username:mallory", URGENT).await;
    // Resolve, observe, suspend, observe; the token's end is on its way.
    target.let_through(4);
    stage
        .until("a second wave", || async {
            (stage.detail(case).await.actions.len() == 4).then_some(())
        })
        .await;
    stage.shutdown.hard.cancel();
    stage.stop().await;
    let job = stage.jobs(case).await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("queued", 0));
    let outcomes: Vec<Option<String>> = stage
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
    let stage = Stage::demanding(Containment {
        watch: vec![0],
        ..open_account()
    })
    .await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    stage.lanes(&target, 1).await;
    let case = stage.signal("username:mallory", URGENT).await;
    let sweep = sweep(&stage, case).await;
    assert_eq!((sweep.kind.as_str(), sweep.verdict), ("watch", Some(Verdict::Contained)));
    assert_eq!(target.sent().len(), 2);
    assert_eq!(stage.detail(case).await.case.reopened, 0);
    stage.stop().await;
}

#[tokio::test]
async fn a_sweep_ends_what_came_back_and_reopens_the_case() {
    let stage = Stage::demanding(Containment {
        watch: vec![1],
        reset_password: PasswordReset::Always,
        ..everything()
    })
    .await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    stage.lanes(&target, 1).await;
    let case = stage.signal("username:mallory", URGENT).await;
    stage.over(case).await;
    {
        let mut world = target.world();
        world.calls.clear();
        let account = world.accounts.get_mut("mallory").unwrap();
        account.suspended = false;
        account.grants.push(Grant::new(GrantKind::Session, "s2"));
    }
    let sweep = sweep(&stage, case).await;
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
    assert_eq!(stage.detail(case).await.case.reopened, 1);
    assert_eq!(target.left("mallory"), [""; 0]);
    stage.stop().await;
}

async fn sweep(stage: &Stage, case: i64) -> revoked::store::JobView {
    stage
        .until("the sweep", || async {
            let jobs = stage.jobs(case).await;
            jobs.into_iter().find(|job| job.kind == "watch" && job.finished_at.is_some())
        })
        .await
}

#[tokio::test]
async fn a_job_whose_daemon_died_is_taken_up_at_the_next_start() {
    let stage = Stage::demanding(open_account()).await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    let case = stage.signal("username:mallory", URGENT).await;
    let lost = stage.store.claim("chat", revoked::model::Priority::SWEEP, 1).await.unwrap();
    drop(lost);
    expire(&stage.store).await;
    stage.lanes(&target, 1).await;
    let job = stage.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    stage.stop().await;
}

async fn expire(store: &Store) {
    assert_eq!(store.expire_leases(true).await.unwrap(), 1);
}

#[tokio::test]
async fn many_jobs_go_through_a_few_slots() {
    let stage = Stage::demanding(open_account()).await;
    let target = Arc::new(Scripted::new());
    let mut cases = Vec::new();
    for n in 0..60 {
        target.account(&format!("u{n}"), SESSION);
        cases.push(stage.signal(&format!("username:u{n}"), ROUTINE).await);
    }
    let lanes = stage.lanes(&target, 8).await;
    for case in cases {
        assert_eq!(stage.over(case).await.verdict, Some(Verdict::Contained));
    }
    stage
        .until("idle slots", || async { (lanes.status()[0].running == 0).then_some(()) })
        .await;
    stage.stop().await;
}

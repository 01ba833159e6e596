//! Jobs that are born in a lane's slot: read for beside the commit of their signal, with the intent of what certainly comes first in it.

use std::sync::{Arc, Mutex};

use revoked::model::{Containment, GrantKind, PasswordReset, Verdict};
use revoked::store::Store;
use revoked::worker::Lanes;
use sqlx::{Connection as _, SqliteConnection};

use super::harness::{Harness, everything, open_account};
use super::scripted_target::Scripted;

const SESSION: &[(GrantKind, &str)] = &[(GrantKind::Session, "s1")];

async fn harness(containment: Containment) -> (Harness, Arc<Scripted>, Lanes) {
    let harness = Harness::demanding(containment).await;
    let target = Arc::new(Scripted::new());
    target.account("mallory", SESSION);
    let lanes = harness.lanes(&target, 2).await;
    (harness, target, lanes)
}

/// How each action of a case ended, in order.
async fn outcomes(harness: &Harness, case: i64) -> Vec<String> {
    let actions = harness.detail(case).await.actions.into_iter();
    actions.filter_map(|action| action.outcome).collect()
}

/// The commits before each action.
fn commits(store: &Store, target: &Scripted) -> Arc<Mutex<Vec<u64>>> {
    let (committed, seen) = (store.committed(), Arc::new(Mutex::new(Vec::new())));
    let (before, told) = (committed.borrow().commits, Arc::clone(&seen));
    target.world().witness = Some(Box::new(move |_| {
        told.lock().unwrap().push(committed.borrow().commits - before);
    }));
    seen
}

#[tokio::test]
async fn one_commit_stands_before_the_first_revoke() {
    for (containment, first) in [(everything(), "suspend"), (open_account(), "end all sessions")] {
        let (harness, target, lanes) = harness(containment).await;
        let seen = commits(&harness.store, &target);
        let case = harness.told(&lanes, "username:mallory").await;
        assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
        assert_eq!(seen.lock().unwrap()[0], 1, "the signal's, with the intent in it");
        assert!(target.sent()[0].starts_with(first), "{:?}", target.sent());
        assert!(outcomes(&harness, case).await.iter().all(|outcome| outcome == "done"));
        harness.stop().await;
    }
}

#[tokio::test]
async fn reads_begin_beside_the_commit_and_nothing_is_sent_before_it() {
    let (harness, target, lanes) = harness(open_account()).await;
    let mut other = SqliteConnection::connect(harness.store.path().to_str().unwrap())
        .await
        .unwrap();
    let refuses =
        "CREATE TRIGGER slow BEFORE INSERT ON signal WHEN (SELECT count(*) FROM signal) > 0 BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuses).execute(&mut other).await.unwrap();
    let first = harness.told(&lanes, "username:mallory").await;
    assert_eq!(harness.over(first).await.verdict, Some(Verdict::Contained));
    target.account("oscar", SESSION);
    let (sent, told) = (target.sent().len(), harness.try_told(&lanes, "username:oscar").await);
    assert!(told.is_err());
    harness
        .until("the reads of what is never committed", || async {
            target.calls().contains(&"observe:oscar".to_owned()).then_some(())
        })
        .await;
    harness.stop().await;
    assert_eq!(target.sent().len(), sent);
    assert_eq!(target.left("oscar"), ["s1"]);
}

#[tokio::test]
async fn what_turns_out_not_to_be_needed_is_recorded_as_not_sent() {
    let (harness, target, lanes) = harness(everything()).await;
    target.world().accounts.get_mut("mallory").unwrap().suspended = true;
    let case = harness.told(&lanes, "username:mallory").await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    assert!(
        !target.sent().iter().any(|sent| sent.starts_with("suspend")),
        "{:?}",
        target.sent()
    );
    assert_eq!(outcomes(&harness, case).await[0], "not_sent");
    let nobody = harness.told(&lanes, "username:nobody").await;
    assert!(matches!(
        harness.over(nobody).await.verdict,
        Some(Verdict::NoPrincipal { .. })
    ));
    assert_eq!(outcomes(&harness, nobody).await, ["not_sent"]);
    harness.stop().await;
}

/// Whoever knows the password would sign in again, so that goes first; the end of all sessions keeps its turn, and costs no further call.
#[tokio::test]
async fn a_password_is_replaced_before_sessions_are_ended_whatever_was_stored_before() {
    let (harness, target, lanes) = harness(Containment {
        reset_password: PasswordReset::Own,
        ..open_account()
    })
    .await;
    target.account("mallory", &[(GrantKind::Session, "s1"), (GrantKind::AccessToken, "t1")]);
    let case = harness.told(&lanes, "username:mallory").await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    let sent = target.sent();
    let place = |of: &str| sent.iter().position(|sent| sent.contains(of)).unwrap();
    assert_eq!(
        sent.iter().filter(|sent| sent.starts_with("end all sessions")).count(),
        1,
        "{sent:?}"
    );
    assert!(
        place("password") < place("t1") && place("t1") < place("end all sessions"),
        "{sent:?}"
    );
    assert!(outcomes(&harness, case).await.iter().all(|outcome| outcome == "done"));
    harness.stop().await;
}

/// What makes new sessions is ended first. Sent before it, the end of all sessions is sent once more in its turn.
#[tokio::test]
async fn sessions_are_ended_again_after_what_makes_them() {
    let (harness, target, lanes) = harness(open_account()).await;
    target.account("mallory", &[(GrantKind::Session, "s1"), (GrantKind::AccessToken, "t1")]);
    let case = harness.told(&lanes, "username:mallory").await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    let sent = target.sent();
    let ends: Vec<usize> = (0..sent.len()).filter(|n| sent[*n].starts_with("end all sessions")).collect();
    let token = sent.iter().position(|sent| sent.contains("t1")).unwrap();
    assert_eq!(ends.len(), 2, "{sent:?}");
    assert!(ends[0] < token && token < ends[1], "{sent:?}");
    harness.stop().await;
}

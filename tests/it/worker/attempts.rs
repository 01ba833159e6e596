//! One attempt: the order of what is sent, and what each course of things proves.

use std::sync::Arc;

use revoked::model::{Action, Containment, GrantKind, PasswordReset, PrincipalTrait, Scope, Verdict};
use revoked::targets::{CallContext, Remedy};
use revoked::worker::rehearse;

use sqlx::Connection as _;

use super::harness::{Harness, URGENT, everything, open_account};
use super::scripted_target::Scripted;

const MALLORY: &[(GrantKind, &str)] = &[
    (GrantKind::Session, "s1"),
    (GrantKind::Session, "s2"),
    (GrantKind::AccessToken, "t1"),
    (GrantKind::OauthGrant, "o1"),
    (GrantKind::IncomingWebhook, "w1"),
    (GrantKind::Bot, "b1"),
];

fn target() -> Arc<Scripted> {
    let target = Scripted::new();
    target.account("mallory", MALLORY);
    Arc::new(target)
}

fn position(calls: &[String], call: &str) -> usize {
    let found = calls.iter().position(|other| other.starts_with(call));
    found.unwrap_or_else(|| panic!("{call} is not among {calls:?}"))
}

#[tokio::test]
async fn the_account_block_goes_first_and_is_confirmed_before_the_rest() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained));
    let calls = target.calls();
    let wanted = [
        "resolve:username",
        "observe:mallory",
        "suspend the account:mallory",
        "observe:mallory",
        "end access_token t1:mallory",
        "end all sessions:mallory",
        "clear the session caches:mallory",
        "observe:mallory",
        "end bot b1:mallory",
        "end incoming_webhook w1:mallory",
        "observe:mallory",
    ];
    assert_eq!(calls, wanted);
    let evidence = job.evidence.unwrap();
    assert_eq!(evidence.suspended, (false, true));
    assert_eq!(evidence.ended_count, 6);
    assert!(evidence.blocked_at.is_some() && evidence.first_revoke_at.is_some() && evidence.before_at <= evidence.after_at);
    assert_eq!(evidence.not_covered, ["public file links live on"]);
    let actions = harness.detail(case).await.actions;
    assert_eq!(actions.len(), 6);
    assert!(
        actions
            .iter()
            .all(|action| action.outcome.as_deref() == Some("done") && action.requests == ["r-3"])
    );
    harness.stop().await;
}

#[tokio::test]
async fn the_intent_is_committed_before_its_request_leaves() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    let (path, seen) = (harness.store.path().to_owned(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let told = Arc::clone(&seen);
    target.world().witness = Some(Box::new(move |action: &Action| {
        // Another connection sees only what is committed.
        let (path, text) = (path.clone(), serde_json::to_string(action).unwrap());
        let count = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut conn = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
                sqlx::query_scalar::<_, i64>("SELECT count(*) FROM action WHERE action = ? AND outcome IS NULL")
                    .bind(text)
                    .fetch_one(&mut conn)
                    .await
                    .unwrap()
            })
        });
        told.lock().unwrap().push(count.join().unwrap());
    }));
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, [1; 5]);
    harness.stop().await;
}

#[tokio::test]
async fn a_target_that_accepts_and_does_nothing_ends_as_failed() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().lies = true;
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.state, "failed");
    assert_eq!(job.attempt, 3);
    let Some(Verdict::Failed { why }) = job.verdict else {
        panic!("{:?}", job.verdict)
    };
    assert!(why.contains("still there") && why.contains("2 session"), "{why}");
    assert_eq!(harness.alerts("could_not_revoke").await.len(), 1);
    assert_eq!(job.evidence.unwrap().ended_count, 0);
    harness.stop().await;
}

#[tokio::test]
async fn a_session_that_comes_back_is_ended_in_the_next_round() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().comebacks = ["s3".to_owned(), "s4".to_owned()].into();
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 1));
    assert_eq!(target.left("mallory"), [""; 0]);
    assert_eq!(
        target
            .sent()
            .iter()
            .filter(|call| call.starts_with("end all sessions"))
            .count(),
        3
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_list_that_lags_is_looked_at_again_and_nothing_is_sent_twice() {
    let harness = Harness::demanding(Containment {
        end: [GrantKind::Session, GrantKind::AccessToken, GrantKind::OauthGrant].into(),
        ..open_account()
    })
    .await;
    let target = target();
    // The first observation precedes every change, so that there is nothing stale to show yet.
    target.world().lag = 3;
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    assert_eq!(target.sent().len(), 3, "{:?}", target.sent());
    harness.stop().await;
}

#[tokio::test]
async fn what_was_revoked_before_a_late_block_is_revoked_again_after_it() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    // Longer than all the looks at the door and those of the room.
    target.world().blind_to_block = 6;
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    let calls = target.calls();
    let last_block = calls.iter().rposition(|call| call.starts_with("suspend")).unwrap();
    let last_sweep = calls.iter().rposition(|call| call.starts_with("end all sessions")).unwrap();
    assert!(last_sweep > last_block, "{calls:?}");
    assert!(position(&calls, "end all sessions") < last_sweep);
    harness.stop().await;
}

#[tokio::test]
async fn kinds_without_a_list_make_the_verdict_unverified() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().able.lists.remove(&GrantKind::SlashCommand);
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let Some(Verdict::Unverified { kinds, .. }) = harness.over(case).await.verdict else {
        panic!()
    };
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [(GrantKind::SlashCommand, "it has no list".to_owned())]
    );
    harness.stop().await;
}

#[tokio::test]
async fn caches_that_cannot_be_cleared_make_the_verdict_unverified() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().faults = vec![("clear".to_owned(), Remedy::GiveUp)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let verdict = harness.over(case).await.verdict;
    assert!(matches!(verdict, Some(Verdict::Unverified { .. })), "{verdict:?}");
    harness.stop().await;
}

#[tokio::test]
async fn what_no_list_shows_is_sent_again_until_it_is_accepted() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().faults = vec![("clear".to_owned(), Remedy::Retry), ("clear".to_owned(), Remedy::Retry)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
    assert_eq!(target.sent().iter().filter(|call| call.starts_with("clear")).count(), 3);
    harness.stop().await;
}

#[tokio::test]
async fn what_the_target_refuses_for_good_goes_to_the_ledger_after_all_the_rest_is_done() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    target.world().faults = vec![("suspend".to_owned(), Remedy::GiveUp)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.state.as_str(), job.attempt), ("failed", 1));
    let why = job.error.unwrap();
    assert!(
        why.contains("the account is not suspended") && why.contains("suspend the account was refused"),
        "{why}"
    );
    assert_eq!(target.left("mallory"), [""; 0]);
    harness.stop().await;
}

#[tokio::test]
async fn a_failed_action_keeps_the_others_of_the_batch_going() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().faults = vec![("end access_token".to_owned(), Remedy::Retry)];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 1));
    let outcomes: Vec<String> = harness
        .detail(case)
        .await
        .actions
        .into_iter()
        .filter_map(|action| action.outcome)
        .collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "failed").count(), 1);
    harness.stop().await;
}

#[tokio::test]
async fn actions_that_were_never_sent_are_recorded_as_such() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.world().faults = vec![
        ("end access_token".to_owned(), Remedy::Retry),
        ("end all sessions".to_owned(), Remedy::Retry),
    ];
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:mallory", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!((job.verdict, job.attempt), (Some(Verdict::Contained), 2));
    let outcomes: Vec<String> = harness
        .detail(case)
        .await
        .actions
        .into_iter()
        .filter_map(|action| action.outcome)
        .collect();
    assert_eq!(&outcomes[..3], ["failed", "failed", "not_sent"]);
    harness.stop().await;
}

#[tokio::test]
async fn nobody_of_that_name_is_no_success() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    harness.lanes(&target, 1).await;
    let case = harness.signal("username:nobody", URGENT).await;
    let Some(Verdict::NoPrincipal { what }) = harness.over(case).await.verdict else {
        panic!()
    };
    assert!(!what.contains("nobody"), "the name stands in the verdict: {what}");
    assert_eq!(target.calls(), ["resolve:username"]);
    harness.stop().await;
}

#[tokio::test]
async fn names_that_mean_one_account_are_one_and_names_that_mean_two_are_held() {
    let harness = Harness::demanding(open_account()).await;
    let target = target();
    target.account("oscar", &[(GrantKind::Session, "s9")]);
    harness.lanes(&target, 1).await;
    let one = harness
        .signal("aliases:username:mallory\nopaque:mallory\nusername:unknown", URGENT)
        .await;
    assert_eq!(harness.over(one).await.verdict, Some(Verdict::Contained));
    let sent = target.sent().len();
    let two = harness.signal("aliases:username:mallory\nusername:oscar", URGENT).await;
    let held = harness.job_is(two, &["held"]).await;
    assert!(held.error.is_some_and(|why| why.contains("2 accounts")));
    assert_eq!(target.sent().len(), sent);
    harness.stop().await;
}

#[tokio::test]
async fn an_approved_case_of_two_accounts_contains_both() {
    let mut harness = Harness::demanding(open_account()).await;
    harness.policy.ambiguous = revoked::policy::Ambiguous::All;
    let target = target();
    target.account("oscar", &[(GrantKind::Session, "s9")]);
    target.world().names.insert(
        "email:m@example.org".to_owned(),
        vec!["mallory".to_owned(), "oscar".to_owned()],
    );
    harness.lanes(&target, 1).await;
    let case = harness.signal("email:m@example.org", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained));
    assert_eq!((target.left("mallory").len(), target.left("oscar").len()), (0, 0));
    let evidence = job.evidence.unwrap();
    assert_eq!(evidence.ended_count, MALLORY.len() + 1);
    assert_eq!(evidence.principal.as_deref(), Some("mallory, oscar"));
    harness.stop().await;
}

#[tokio::test]
async fn a_protected_account_is_held_untouched_whatever_name_the_signal_used() {
    let mut harness = Harness::demanding(everything()).await;
    harness.policy.protected = ["username:oscar".parse().unwrap()].into_iter().collect();
    let target = target();
    target.account("oscar", MALLORY);
    harness.lanes(&target, 2).await;
    // The subject's own name is not on the list of the protected; the account's other name is.
    let case = harness.signal("opaque:oscar", URGENT).await;
    harness.job_is(case, &["held"]).await;
    assert_eq!(target.left("oscar").len(), MALLORY.len());
    assert_eq!(target.sent(), [""; 0]);
    harness.stop().await;
}

#[tokio::test]
async fn the_account_in_use_is_left_alone_and_no_approval_is_offered_that_cannot_help() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    target.account("robot", MALLORY);
    target.world().accounts.get_mut("robot").unwrap().traits = [PrincipalTrait::Ourselves].into();
    harness.lanes(&target, 2).await;
    let case = harness.signal("opaque:robot", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.state, "failed");
    assert!(job.error.unwrap().contains("give the target another credential first"));
    assert_eq!(target.sent(), [""; 0]);
    harness.stop().await;
}

#[tokio::test]
async fn the_last_administrator_and_the_owner_of_our_bot_lose_all_but_the_account_itself() {
    let harness = Harness::demanding(Containment {
        reset_password: PasswordReset::Own,
        ..everything()
    })
    .await;
    let target = target();
    harness.lanes(&target, 2).await;
    for (name, one, word) in [
        ("root", PrincipalTrait::LastAdmin, "appoint another one"),
        ("boss", PrincipalTrait::OwnsUs, "give the bot to another account"),
    ] {
        target.account(name, MALLORY);
        target.world().accounts.get_mut(name).unwrap().traits = [one].into();
        let case = harness.signal(&format!("opaque:{name}"), URGENT).await;
        let job = harness.over(case).await;
        // It was demanded and not done, so it is no success; but nobody is inside any more, and once the obstacle is gone a retry shuts the door.
        assert_eq!(job.state, "failed");
        let error = job.error.unwrap();
        assert!(
            error.contains("the account is not suspended") && error.contains(word),
            "{error}"
        );
        assert_eq!(target.left(name), [""; 0]);
        assert!(!target.world().accounts[name].suspended);
    }
    let sent = target.sent();
    assert!(
        !sent.contains(&"reset the password:root".to_owned()) && sent.contains(&"reset the password:boss".to_owned()),
        "{sent:?}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn a_compromise_of_the_last_administrator_is_contained_and_says_that_the_password_stays() {
    let harness = Harness::demanding(Containment {
        reset_password: PasswordReset::Own,
        ..open_account()
    })
    .await;
    let target = target();
    target.account("root", MALLORY);
    target.world().accounts.get_mut("root").unwrap().traits = [PrincipalTrait::LastAdmin].into();
    harness.lanes(&target, 2).await;
    let case = harness.signal("opaque:root", URGENT).await;
    let job = harness.over(case).await;
    assert_eq!(job.verdict, Some(Verdict::Contained));
    let notes = job.evidence.unwrap().notes;
    assert!(
        notes.iter().any(|note| note.starts_with("the password was not reset")),
        "{notes:?}"
    );
    harness.stop().await;
}

#[tokio::test]
async fn each_single_operation_ends_exactly_what_it_names() {
    let harness = Harness::demanding(everything()).await;
    let target = target();
    harness.lanes(&target, 1).await;
    for (scope, left) in [
        (Scope::Session("s2".to_owned()), vec!["s1", "t1", "o1", "w1", "b1"]),
        (Scope::AccessToken("t1".to_owned()), vec!["s1", "o1", "w1", "b1"]),
        (Scope::AllSessions, vec!["w1", "b1"]),
    ] {
        let case = harness.signal_about("username:mallory", URGENT, scope).await;
        assert_eq!(harness.over(case).await.verdict, Some(Verdict::Contained));
        assert_eq!(target.left("mallory"), left);
    }
    let case = harness
        .signal_about("username:mallory", URGENT, Scope::Session("s2".to_owned()))
        .await;
    let verdict = harness.over(case).await.verdict;
    assert!(matches!(verdict, Some(Verdict::NoPrincipal { .. })), "{verdict:?}");
    assert!(!target.world().accounts["mallory"].suspended);
    harness.stop().await;
}

#[tokio::test]
async fn a_rehearsal_shows_the_plan_and_changes_nothing() {
    let target = target();
    let mallory = "username:mallory".parse().unwrap();
    let rehearsal = rehearse(("chat", target.as_ref()), &CallContext::unpaced(), &everything(), &mallory)
        .await
        .unwrap();
    let [account] = rehearsal.accounts.as_slice() else {
        panic!("{rehearsal:?}")
    };
    assert_eq!(account.actions.first(), Some(&Action::Suspend));
    assert_eq!(account.actions.len(), 6);
    assert_eq!(rehearsal.not_covered, ["public file links live on"]);
    assert_eq!(target.sent(), [""; 0]);
    let nobody = rehearse(
        ("chat", target.as_ref()),
        &CallContext::unpaced(),
        &everything(),
        &"username:x".parse().unwrap(),
    )
    .await
    .unwrap();
    assert!(nobody.accounts.is_empty() && nobody.nobody.is_some());
}

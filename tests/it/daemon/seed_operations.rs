//! The three seed operations, each alone, through the command line.

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, others};

struct Case {
    site: Installation,
    _running: DaemonProcess,
    before: Holdings,
    subject: String,
}

/// An installation whose `user01` holds everything that there is.
async fn case() -> Case {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let before = Holdings::of(site.chat(), "user01");
    assert!(before.sessions.len() == 5 && before.tokens.len() == 1 && before.grants.len() == 1);
    Case {
        subject: format!("id:{}", before.id),
        site,
        _running: running,
        before,
    }
}

fn verdict(said: &CommandOutput) -> (i32, String) {
    (
        said.code,
        said.json()["case"]["verdict"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn one_session_ends_and_nothing_else() {
    let Case {
        site, before, subject, ..
    } = &case().await;
    let bystanders = others(site.chat(), "user01");
    let session = *before.sessions.first().unwrap();
    let said = site.revoke(subject, "compromised", &["--session", session.as_str()]).await;
    assert_eq!(verdict(&said), (0, "contained".to_owned()), "{said:?}");
    let mut expected = before.clone();
    expected.sessions.remove(&session);
    if !Holdings::of(site.chat(), "user01").grants.eq(&expected.grants) {
        // The session was the OAuth app's: its grant is the same thing.
        expected.grants.clear();
    }
    assert_eq!(Holdings::of(site.chat(), "user01"), expected);
    assert_eq!(others(site.chat(), "user01"), bystanders);
}

#[tokio::test]
async fn one_access_token_ends_with_the_session_made_from_it_and_nothing_else() {
    let Case {
        site, before, subject, ..
    } = &case().await;
    let bystanders = others(site.chat(), "user01");
    let token = *before.tokens.first().unwrap();
    let said = site.revoke(subject, "compromised", &["--token", token.as_str()]).await;
    assert_eq!(verdict(&said), (0, "contained".to_owned()), "{said:?}");
    let after = Holdings::of(site.chat(), "user01");
    assert!(after.tokens.is_empty() && after.active && after.grants == before.grants);
    assert_eq!(after.sessions.len(), before.sessions.len() - 1);
    assert!(after.sessions.is_subset(&before.sessions));
    assert_eq!(others(site.chat(), "user01"), bystanders);
}

#[tokio::test]
async fn all_sessions_end_and_the_access_token_lives_on() {
    let Case {
        site, before, subject, ..
    } = &case().await;
    let bystanders = others(site.chat(), "user01");
    let said = site.revoke(subject, "compromised", &["--all-sessions"]).await;
    assert_eq!(verdict(&said), (0, "contained".to_owned()), "{said:?}");
    let after = Holdings::of(site.chat(), "user01");
    assert!(after.sessions.is_empty() && after.grants.is_empty() && after.active);
    assert_eq!(after.tokens, before.tokens);
    assert_eq!(others(site.chat(), "user01"), bystanders);
}

#[tokio::test]
async fn what_nobody_holds_is_no_success() {
    let Case {
        site, before, subject, ..
    } = &case().await;
    let id = "xxxxxxxxxxxxxxxxxxxxxxxxxx";
    for (subject, more) in [
        (subject.as_str(), &["--session", id][..]),
        (subject, &["--token", id]),
        ("nobody@example.test", &[]),
        ("username:nobody", &["--all-sessions"]),
        ("id:xxxxxxxxxxxxxxxxxxxxxxxxxx", &["--session", id]),
        ("id:xxxxxxxxxxxxxxxxxxxxxxxxxx", &["--token", id]),
    ] {
        let said = site.revoke(subject, "compromised", more).await;
        assert_eq!(
            verdict(&said),
            (12, "no_principal".to_owned()),
            "{subject} {more:?}: {said:?}"
        );
    }
    // A session of somebody else is none of this person's, and lives on.
    let other = Holdings::of(site.chat(), "user02");
    let session = *other.sessions.first().unwrap();
    let said = site.revoke(subject, "compromised", &["--session", session.as_str()]).await;
    assert_eq!(verdict(&said), (12, "no_principal".to_owned()), "{said:?}");
    assert_eq!(Holdings::of(site.chat(), "user01"), *before);
    assert_eq!(Holdings::of(site.chat(), "user02"), other);
}

#[tokio::test]
async fn a_subject_that_fits_two_accounts_is_held() {
    let Case { site, .. } = &case().await;
    let everybody = others(site.chat(), "");
    let subject = "aliases:email:user02@example.test\nusername:user03";
    let said = site.revoke(subject, "compromised", &["--all-sessions"]).await;
    assert_eq!(said.code, 14, "{said:?}");
    assert_eq!(said.json()["case"]["state"], "held");
    assert_eq!(others(site.chat(), ""), everybody);
    assert_eq!(site.alerts().await, ["hold"]);
}

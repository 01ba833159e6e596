//! Somebody is contained, every credential that they held is used, and the neighbour goes on.

use revoked::model::{Action, GrantKind, Verdict};
use revoked::targets::Remedy;

use super::fixture::{blocked, build, departed, slapd, table};
use crate::servers::ldap_session::{Session, replace};
use crate::servers::slapd::{Credential, LENIENT, REVOKED, dn};
use crate::servers::{Slapd, System as _, that_work};

const LOCK: &str = "pwdAccountLockedTime";
const LOCKED: &str = "000001010000Z";

#[tokio::test]
async fn a_password_is_dead_and_an_open_connection_is_named_until_it_is_closed() {
    let Some((server, fixture)) = slapd("").await else { return };
    let (mut alice, bob) = (server.person("alice").await, server.person("bob").await);
    let principal = fixture.resolve("alice@example.test").await;
    assert!(!fixture.observe(&principal).await.suspended());
    let outcome = fixture.contain(&principal, &departed()).await.unwrap();
    let left = outcome.verdict.unwrap_err();
    assert!(!left.open, "{left}");
    assert_eq!(left.grants.len(), 1, "{left}");
    assert_eq!(left.grants[0].kind, GrantKind::Connection);
    assert!(outcome.after.suspended() && outcome.after.account.suspended_at.is_some());
    let working = that_work(&server, &alice, true).await;
    assert!(working.len() == 1 && working[0].starts_with("Connection"), "{working:?}");
    alice.retain(|held| matches!(held, Credential::Password(_)));
    let outcome = crate::wait::until("the server's list without the connection", async || {
        let outcome = fixture.contain(&principal, &departed()).await.unwrap();
        outcome.verdict.is_ok().then_some(outcome)
    });
    assert_eq!(outcome.await.verdict.unwrap(), Verdict::Contained);
    let none: &[String] = &[];
    assert_eq!(that_work(&server, &alice, true).await, none);
    assert_eq!(that_work(&server, &bob, false).await, none, "the neighbour was touched");
}

#[tokio::test]
async fn a_connection_that_was_signed_in_by_another_spelling_of_the_name_is_seen() {
    let Some((server, fixture)) = slapd("").await else { return };
    let (composed, decomposed, password) = ("ren\u{e9}", "rene\u{301}", "a password");
    let attributes = [
        ("objectClass", "inetOrgPerson"),
        ("uid", composed),
        ("cn", "R"),
        ("sn", "R"),
        ("userPassword", password),
    ];
    server.manager().await.add(&dn(composed), &attributes).await;
    let held = Session::open(&server.url(), None, &dn(decomposed), password).await;
    assert!(held.is_some(), "the server takes both spellings for one");
    let principal = fixture.resolve(&format!("username:{composed}")).await;
    let seen = fixture.observe(&principal).await;
    assert!(seen.listed.contains(&GrantKind::Connection));
    assert_eq!(seen.of(GrantKind::Connection).count(), 1, "{:?}", seen.grants);
}

#[tokio::test]
async fn connections_that_we_may_not_list_are_never_claimed_to_be_gone() {
    let Some(server) = Slapd::start().await else { return };
    server.add("alice", &[]).await;
    // Without the monitor's own list: as an account that may do everything else.
    let reader = build("ldap", &table(&server.url(), crate::servers::slapd::READER, "")).unwrap();
    let principal = reader.resolve("username:alice").await;
    let seen = reader.observe(&principal).await;
    assert!(!seen.listed.contains(&GrantKind::Connection));
    assert!(seen.unseen[&GrantKind::Connection].contains("goes on"), "{:?}", seen.unseen);
}

#[tokio::test]
async fn a_new_password_never_lifts_the_lock_in_whichever_order_they_come() {
    let Some((server, fixture)) = slapd("").await else { return };
    let mut manager = server.manager().await;
    for (name, order) in [
        ("alice", [Action::Suspend, Action::ResetPassword]),
        ("bob", [Action::ResetPassword, Action::Suspend]),
    ] {
        let held = server.person(name).await;
        let principal = fixture.resolve(&format!("username:{name}")).await;
        for action in order.iter().chain(&order) {
            fixture.apply(&principal, action).await.unwrap();
        }
        assert_eq!(manager.values(&dn(name), LOCK).await, [LOCKED], "{name}");
        assert!(!server.works(&held[0]).await, "{name}");
        // The lock alone does it: with the old password back, and the lock put back with it, nobody gets in either.
        assert!(manager.values(&dn(name), "userPassword").await[0].starts_with("{SSHA}"));
    }
    // That the server does lift it, left to itself, is what all this is for.
    manager
        .modify(&dn("alice"), vec![replace("userPassword", &["alice has a password"])])
        .await;
    assert!(manager.values(&dn("alice"), LOCK).await.is_empty());
}

#[tokio::test]
async fn a_lock_that_refuses_nobody_is_no_suspension() {
    let Some((server, fixture)) = slapd("").await else { return };
    let held = server.person("alice").await;
    let mut manager = server.manager().await;
    manager
        .modify(&dn("alice"), vec![replace("pwdPolicySubentry", &[LENIENT])])
        .await;
    let principal = fixture.resolve("username:alice").await;
    let error = fixture.apply(&principal, &Action::Suspend).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp, "{error}");
    assert!(error.to_string().contains("pwdLockout"), "{error}");
    manager.modify(&dn("alice"), vec![replace(LOCK, &[LOCKED])]).await;
    assert!(
        server.works(&held[0]).await,
        "the server takes the password of whoever is marked as locked"
    );
    let seen = fixture.observe(&principal).await;
    assert!(!seen.suspended() && seen.notes[0].contains("pwdLockout"), "{:?}", seen.notes);
}

#[tokio::test]
async fn only_a_lock_of_ours_is_seen_as_one_and_only_that_is_taken_back() {
    let Some((server, fixture)) = slapd("").await else { return };
    let held = server.person("alice").await;
    let mut manager = server.manager().await;
    let principal = fixture.resolve("username:alice").await;
    // After wrong passwords the server itself writes the time; that lock may end by itself.
    manager.modify(&dn("alice"), vec![replace(LOCK, &["20261128025706Z"])]).await;
    assert!(!fixture.observe(&principal).await.suspended());
    fixture.apply(&principal, &Action::Release).await.unwrap();
    assert_eq!(manager.values(&dn("alice"), LOCK).await, ["20261128025706Z"]);
    fixture.apply(&principal, &Action::Suspend).await.unwrap();
    let since = fixture.observe(&principal).await.account.suspended_at.unwrap();
    assert!(fixture.apply(&principal, &Action::Suspend).await.unwrap().already);
    assert!(!server.works(&held[0]).await);
    assert_eq!(
        fixture.observe(&principal).await.account.suspended_at,
        Some(since),
        "a wrong password changes nothing"
    );
    assert!(!fixture.apply(&principal, &Action::Release).await.unwrap().already);
    assert!(fixture.apply(&principal, &Action::Release).await.unwrap().already);
    assert!(server.works(&held[0]).await && !fixture.observe(&principal).await.suspended());
    manager.modify(&dn("alice"), vec![replace(LOCK, &[LOCKED])]).await;
    assert_ne!(
        fixture.observe(&principal).await.account.suspended_at,
        Some(since),
        "somebody else has locked it"
    );
}

#[tokio::test]
async fn an_account_that_moves_meanwhile_is_still_the_one() {
    let Some((server, fixture)) = slapd("").await else { return };
    let held = server.person("alice").await;
    let principal = fixture.resolve("username:alice").await;
    server.manager().await.rename(&dn("alice"), "uid=alice.smith").await;
    server.add("alice", &[]).await;
    let outcome = fixture.contain(&principal, &blocked()).await.unwrap();
    assert_eq!(outcome.verdict.unwrap(), Verdict::Contained);
    assert!(server.works(&held[0]).await, "the new one of that name was touched");
    let (url, renamed) = (server.url(), dn("alice.smith"));
    assert!(Session::open(&url, None, &renamed, "alice has a password").await.is_none());
}

#[tokio::test]
async fn passwords_are_set_and_accounts_locked_by_tls_from_the_start_and_by_starttls() {
    let Some(server) = Slapd::start().await else { return };
    let authority = format!("ca_file = \"{}\"", server.authority().display());
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    for (name, url, more) in [
        ("alice", server.tls_url(), authority.clone()),
        (
            "bob",
            format!("ldap://localhost:{port}"),
            format!("{authority}\nstart_tls = true"),
        ),
    ] {
        let held = server.person(name).await;
        let fixture = build("ldap", &table(&url, REVOKED, &more)).unwrap();
        let principal = fixture.resolve(&format!("username:{name}")).await;
        fixture.contain(&principal, &blocked()).await.unwrap().verdict.unwrap();
        assert!(!server.works(&held[0]).await, "{url}");
    }
}

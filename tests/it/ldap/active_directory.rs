//! The kind `active-directory`, at Samba as a domain controller.

use std::time::Duration;

use revoked::model::{Action, Containment, GrantKind, PrincipalTrait, ResidualEnd, Resolution, Verdict};
use revoked::targets::{Level, Remedy};

use super::fixture::{Fixture, blocked, build_with, departed};
use crate::servers::ldap_session::replace;
use crate::servers::samba::{Credential, PASSWORD, PEOPLE, READER, REVOKED, dn};
use crate::servers::{Samba, System as _, that_work};

const CONTROL: &str = "userAccountControl";

fn table(server: &Samba, bind: &str, more: &str) -> String {
    format!(
        "url = \"{}\"\nca_file = \"{}\"\nbind = \"{bind}\"\npassword = {{ file = \"{{folder}}/password\" }}\npeople = \"{PEOPLE}\"\n{more}\n",
        server.url(),
        server.authority().display()
    )
}

fn fixture(server: &Samba, bind: &str, more: &str) -> Fixture {
    build_with("active-directory", &table(server, bind, more), PASSWORD).unwrap()
}

#[tokio::test]
async fn passwords_and_tickets_are_dead_and_what_lives_on_is_named() {
    let Some(server) = Samba::start().await else { return };
    let (mut alice, mut bob) = (server.person("alice").await, server.person("bob").await);
    for held in [&mut alice, &mut bob] {
        let Some(Credential::Ticket(ticket)) = held.iter().find(|held| matches!(held, Credential::Ticket(_))) else {
            panic!("no ticket");
        };
        let ticket = ticket.clone();
        held.push(server.service_ticket(&ticket).await);
    }
    let target = fixture(&server, REVOKED, "longest_ticket = \"10h\"");
    let principal = target.resolve("alice@example.test").await;
    assert!(principal.traits.is_empty(), "{principal:?}");
    let outcome = target.contain(&principal, &departed()).await.unwrap();
    let Ok(Verdict::Unverified { kinds, open: None }) = &outcome.verdict else {
        panic!("{:?}", outcome.verdict);
    };
    assert!(
        kinds.keys().eq(&[GrantKind::Connection]) && kinds[&GrantKind::Connection].contains("goes on"),
        "{kinds:?}"
    );
    assert!(outcome.after.suspended() && outcome.after.account.suspended_at.is_some());
    assert_eq!(outcome.after.residuals[0].ends, ResidualEnd::AfterOurAct(10 * 3600 + 20 * 60));
    // Both of what is left are named by the verdict or as a residual.
    let working = that_work(&server, &alice, true).await;
    assert!(
        working.len() == 2
            && working
                .iter()
                .all(|held| held.starts_with("Connection") || held.starts_with("ServiceTicket")),
        "{working:?}"
    );
    let none: &[String] = &[];
    assert_eq!(that_work(&server, &bob, false).await, none, "the neighbour was touched");
    // Without connections asked for, the residual is the verdict, and ends by itself.
    let again = target.contain(&principal, &blocked()).await.unwrap();
    let Ok(Verdict::Residual { until, what }) = again.verdict else {
        panic!("{:?}", again.verdict)
    };
    assert!(
        until.since(again.after.at) > Duration::from_hours(10) && what.contains("Kerberos"),
        "{what}"
    );
}

#[tokio::test]
async fn somebody_is_found_by_every_form_of_name_and_by_no_other() {
    let Some(server) = Samba::start().await else { return };
    server
        .add(
            "alice",
            &[
                ("employeeID", "4711"),
                ("proxyAddresses", "SMTP:a.smith@example.test"),
                ("proxyAddresses", "x500:/o=a"),
            ],
        )
        .await;
    server.add("müller", &[]).await;
    let target = fixture(&server, REVOKED, "");
    let principal = target.resolve("username:ALICE").await;
    for subject in [
        "alice@example.test",
        "a.smith@example.test",
        "acct:alice@corp.example.test",
        "employee_id:4711",
        &format!("opaque:{}", principal.id),
        &format!("opaque:{}", dn("alice")),
    ] {
        assert_eq!(target.resolve(subject).await, principal, "{subject}");
    }
    for subject in [
        "username:nobody",
        "username:*",
        "username:a*",
        "username:alice)(cn=*",
        "opaque:76fa1b6e-3e9e-4d37-b503-3d9db8b6777d",
        "email:*@example.test",
    ] {
        assert_eq!(
            target.resolution(&subject.parse().unwrap()).await.unwrap(),
            Resolution::None,
            "{subject}"
        );
    }
    assert!(matches!(
        target.resolution(&"username:müller".parse().unwrap()).await.unwrap(),
        Resolution::One(_)
    ));
    assert!(!matches!(
        target.resolution(&"username:muller".parse().unwrap()).await.unwrap(),
        Resolution::One(_)
    ));
}

#[tokio::test]
async fn a_disabled_account_is_enabled_again_as_it_was() {
    let Some(server) = Samba::start().await else { return };
    let held = server.person("alice").await;
    let target = fixture(&server, REVOKED, "");
    let mut administrator = server.administrator().await;
    // The password never expires: a bit that is none of our business.
    administrator.modify(&dn("alice"), vec![replace(CONTROL, &["66048"])]).await;
    let principal = target.resolve("username:alice").await;
    assert!(!target.apply(&principal, &Action::Suspend).await.unwrap().already);
    assert!(target.apply(&principal, &Action::Suspend).await.unwrap().already);
    assert_eq!(administrator.values(&dn("alice"), CONTROL).await, ["66050"]);
    let since = target.observe(&principal).await.account.suspended_at.unwrap();
    // Another change of the entry is no other suspension.
    administrator
        .modify(&dn("alice"), vec![replace("description", &["left"])])
        .await;
    assert_eq!(target.observe(&principal).await.account.suspended_at, Some(since));
    assert!(!target.apply(&principal, &Action::Release).await.unwrap().already);
    assert_eq!(administrator.values(&dn("alice"), CONTROL).await, ["66048"]);
    assert!(server.works(&held[0]).await);
    // A new password leaves the account as locked as it was.
    target.apply(&principal, &Action::Suspend).await.unwrap();
    target.apply(&principal, &Action::ResetPassword).await.unwrap();
    assert!(target.observe(&principal).await.suspended());
    target.apply(&principal, &Action::Release).await.unwrap();
    assert!(!server.works(&held[0]).await, "the old password is no good");
}

#[tokio::test]
async fn administrators_and_members_of_protected_groups_are_not_touched_unless_named() {
    let Some(server) = Samba::start().await else { return };
    let (boss, root) = (server.person("boss").await, server.person("root").await);
    let inner = server.group("inner", &[&dn("boss")]).await;
    let outer = server.group("outer", &[&inner]).await;
    let mut administrator = server.administrator().await;
    administrator.modify(&dn("root"), vec![replace("adminCount", &["1"])]).await;
    let protected = format!("protected_groups = [\"{outer}\"]");
    let target = fixture(&server, REVOKED, &protected);
    for (name, held) in [("boss", &boss), ("root", &root)] {
        let principal = target.resolve(&format!("username:{name}")).await;
        assert!(principal.traits.contains(&PrincipalTrait::Admin), "{name}");
        let error = target.contain(&principal, &blocked()).await.unwrap_err();
        assert!(
            error.remedy == Remedy::GiveUp && error.to_string().contains("`unprotected`"),
            "{error}"
        );
        assert!(server.works(&held[0]).await, "{name}");
        let named = fixture(&server, REVOKED, &format!("{protected}\nunprotected = [\"{name}\"]"));
        named.contain(&principal, &blocked()).await.unwrap().verdict.unwrap();
        assert!(!server.works(&held[0]).await, "{name}");
    }
    let missing = fixture(&server, REVOKED, &format!("protected_groups = [\"{}\"]", dn("nowhere")));
    let error = missing.resolution(&"username:boss".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
    // Our own account, in whichever form we sign in.
    let principal = target.resolve("username:revoked").await;
    assert!(principal.traits.contains(&PrincipalTrait::Ourselves));
    let error = target.apply(&principal, &Action::Suspend).await.unwrap_err();
    assert!(error.to_string().contains("ourselves"), "{error}");
}

#[tokio::test]
async fn rights_that_are_lacking_are_found_before_anybody_is_to_be_contained() {
    let Some(server) = Samba::start().await else { return };
    let held = server.person("alice").await;
    let target = fixture(&server, REVOKED, "");
    let probe = target.target.probe(&target.context).await.unwrap();
    assert!(probe.findings.is_empty(), "{:?}", probe.findings);
    assert!(probe.version.unwrap().contains("4.17"));
    assert_eq!(probe.acting_as.as_deref(), Some(REVOKED));
    let reader = fixture(&server, READER, "");
    let probe = reader.target.probe(&reader.context).await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Error && finding.what.contains(CONTROL)),
        "{:?}",
        probe.findings
    );
    let principal = reader.resolve("username:alice").await;
    for action in [Action::Suspend, Action::ResetPassword] {
        let error = reader.apply(&principal, &action).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Pause, "{error}");
    }
    assert!(server.works(&held[0]).await);
    let wrong = build_with("active-directory", &table(&server, REVOKED, ""), "wrong").unwrap();
    let error = wrong.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("password is wrong"),
        "{error}"
    );
}

#[tokio::test]
async fn somebody_is_taken_out_of_groups_by_starttls_too() {
    let Some(server) = Samba::start().await else { return };
    server.add("alice", &[]).await;
    server.add("bob", &[]).await;
    let vpn = server.group("vpn", &[&dn("alice"), &dn("bob")]).await;
    let more = format!("start_tls = true\nremove_from = [\"{vpn}\"]");
    let table = table(&server, REVOKED, &more).replace(&server.url(), &server.start_tls_url());
    let target = build_with("active-directory", &table, PASSWORD).unwrap();
    let principal = target.resolve("username:alice").await;
    let demanded = Containment {
        end: [GrantKind::Membership].into(),
        ..Containment::nothing()
    };
    let outcome = target.contain(&principal, &demanded).await.unwrap();
    assert_eq!(outcome.before.grants.len(), 1);
    assert!(
        outcome.verdict.is_ok() && outcome.after.listed.contains(&GrantKind::Membership),
        "{outcome:?}"
    );
    assert_eq!(server.administrator().await.values(&vpn, "member").await, [dn("bob")]);
}

//! Groups: those that somebody is taken out of, and those whose members are not touched.

use revoked::model::{Action, GrantKind, GrantRef, PrincipalTrait, Verdict};
use revoked::targets::Remedy;

use super::fixture::{blocked, build, departed, slapd, table};
use crate::servers::slapd::{REVOKED, dn};
use crate::servers::{Slapd, System as _};

const VPN: &str = "cn=vpn,ou=groups,dc=example,dc=test";
const SHELL: &str = "cn=shell,ou=groups,dc=example,dc=test";

#[tokio::test]
async fn whoever_leaves_is_taken_out_of_the_groups_that_the_config_names_and_of_no_other() {
    let Some((server, fixture)) = slapd(&format!("remove_from = [\"{VPN}\", \"{SHELL}\"]")).await else {
        return;
    };
    for name in ["alice", "bob"] {
        server.add(name, &[]).await;
    }
    server.group("vpn", &["alice", "bob"]).await;
    let staff = server.group("staff", &["alice", "bob"]).await;
    let mut manager = server.manager().await;
    manager
        .add(
            SHELL,
            &[
                ("objectClass", "posixGroup"),
                ("cn", "shell"),
                ("gidNumber", "7"),
                ("memberUid", "alice"),
                ("memberUid", "bob"),
            ],
        )
        .await;
    let principal = fixture.resolve("username:alice").await;
    let before = fixture.observe(&principal).await;
    assert_eq!(before.of(GrantKind::Membership).count(), 2, "{:?}", before.grants);
    let outcome = fixture.contain(&principal, &departed()).await.unwrap();
    assert_eq!(outcome.verdict.unwrap(), Verdict::Contained);
    assert_eq!(manager.values(VPN, "member").await, [dn("bob")]);
    assert_eq!(manager.values(SHELL, "memberUid").await, ["bob"]);
    assert_eq!(manager.values(&staff, "member").await.len(), 2);
    // Once more, by names that were seen before.
    for grant in before.of(GrantKind::Membership) {
        let action = Action::End {
            grant: grant.name.clone(),
        };
        assert!(fixture.apply(&principal, &action).await.unwrap().already);
    }
    let foreign = GrantRef {
        part: Some("member".to_owned()),
        ..GrantRef::new(GrantKind::Membership, staff)
    };
    let error = fixture.apply(&principal, &Action::End { grant: foreign }).await.unwrap_err();
    assert!(
        error.remedy == Remedy::GiveUp && error.to_string().contains("remove_from"),
        "{error}"
    );
}

#[tokio::test]
async fn every_login_name_of_a_person_counts_in_a_group_that_names_its_members_by_them() {
    let remove = format!("remove_from = [\"{SHELL}\"]");
    let Some((server, fixture)) = slapd(&remove).await else {
        return;
    };
    server.add("alice", &[("uid", "asmith")]).await;
    let mut manager = server.manager().await;
    let mut add = async |group: &str, members: &[&str]| {
        let mut attributes = vec![("objectClass", "posixGroup"), ("gidNumber", "7")];
        attributes.extend(members.iter().map(|member| ("memberUid", *member)));
        manager.add(group, &attributes).await;
    };
    add(SHELL, &["asmith", "bob", "alice"]).await;
    let principal = fixture.resolve("username:alice").await;
    for name in ["alice", "asmith"] {
        let group = format!("cn=admin-{name},ou=groups,dc=example,dc=test");
        add(&group, &[name]).await;
        let protected = format!("{remove}\nprotected_groups = [\"{group}\"]");
        let careful = build("ldap", &table(&server.url(), REVOKED, &protected)).unwrap();
        assert!(
            careful
                .resolve("username:alice")
                .await
                .traits
                .contains(&PrincipalTrait::Admin),
            "{name}"
        );
        let error = careful.apply(&principal, &Action::Suspend).await.unwrap_err();
        assert!(error.to_string().contains("`unprotected`"), "{name}: {error}");
        let named = format!("{protected}\nunprotected = [\"{name}\"]");
        let named = build("ldap", &table(&server.url(), REVOKED, &named)).unwrap();
        named.apply(&principal, &Action::Suspend).await.unwrap();
    }
    let before = fixture.observe(&principal).await;
    assert_eq!(before.of(GrantKind::Membership).count(), 1, "{:?}", before.grants);
    fixture.contain(&principal, &departed()).await.unwrap().verdict.unwrap();
    assert_eq!(manager.values(SHELL, "memberUid").await, ["bob"]);
    let action = Action::End {
        grant: before.of(GrantKind::Membership).next().unwrap().name.clone(),
    };
    assert!(fixture.apply(&principal, &action).await.unwrap().already);
}

#[tokio::test]
async fn without_groups_in_the_config_none_is_demanded_and_the_report_says_so() {
    let Some((server, fixture)) = slapd("").await else { return };
    server.add("alice", &[]).await;
    server.group("vpn", &["alice"]).await;
    let able = fixture.target.capabilities();
    assert!(!able.has(GrantKind::Membership));
    assert!(able.not_covered.iter().any(|line| line.contains("remove_from")));
    let principal = fixture.resolve("username:alice").await;
    fixture.contain(&principal, &departed()).await.unwrap().verdict.unwrap();
}

#[tokio::test]
async fn a_group_that_hides_its_members_proves_nothing_and_the_last_member_stays_with_a_reason() {
    let Some((server, fixture)) = slapd(&format!("remove_from = [\"{VPN}\"]")).await else {
        return;
    };
    for name in ["alice", "bob"] {
        server.add(name, &[]).await;
    }
    server.group("vpn", &["alice"]).await;
    let principal = fixture.resolve("username:alice").await;
    let error = fixture.contain(&principal, &departed()).await.unwrap_err();
    assert!(
        error.remedy == Remedy::GiveUp && error.to_string().contains("without a member"),
        "{error}"
    );
    for hidden in [
        "cn=nowhere,ou=groups,dc=example,dc=test",
        "cn=secret,ou=hidden,dc=example,dc=test",
    ] {
        let fixture = build(
            "ldap",
            &table(&server.url(), REVOKED, &format!("remove_from = [\"{hidden}\"]")),
        )
        .unwrap();
        if hidden.contains("secret") {
            let mut manager = server.manager().await;
            manager
                .add(
                    "ou=hidden,dc=example,dc=test",
                    &[("objectClass", "organizationalUnit"), ("ou", "hidden")],
                )
                .await;
            manager
                .add(
                    hidden,
                    &[("objectClass", "groupOfNames"), ("cn", "secret"), ("member", &dn("alice"))],
                )
                .await;
        }
        let seen = fixture.observe(&principal).await;
        assert!(!seen.listed.contains(&GrantKind::Membership), "{hidden}");
        assert!(seen.unseen.contains_key(&GrantKind::Membership), "{hidden}");
    }
}

#[tokio::test]
async fn a_member_of_a_protected_group_is_not_touched_unless_the_config_names_them() {
    let Some(server) = Slapd::start().await else { return };
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let group = server.group("admins", &["alice"]).await;
    let protected = format!("protected_groups = [\"{group}\"]");
    let fixture = build("ldap", &table(&server.url(), REVOKED, &protected)).unwrap();
    let principal = fixture.resolve("username:alice").await;
    assert!(principal.traits.contains(&PrincipalTrait::Admin));
    let error = fixture.contain(&principal, &blocked()).await.unwrap_err();
    assert!(
        error.remedy == Remedy::GiveUp && error.to_string().contains("`unprotected`"),
        "{error}"
    );
    assert!(server.works(&alice[0]).await);
    let other = fixture.resolve("username:bob").await;
    assert!(other.traits.is_empty());
    fixture.contain(&other, &blocked()).await.unwrap().verdict.unwrap();
    assert!(!server.works(&bob[0]).await);
    let named = build(
        "ldap",
        &table(&server.url(), REVOKED, &format!("{protected}\nunprotected = [\"Alice\"]")),
    )
    .unwrap();
    named.contain(&principal, &blocked()).await.unwrap().verdict.unwrap();
    assert!(!server.works(&alice[0]).await);
    // Who is protected has to be known: a group that is not there protects nobody, which is not what its name was written for.
    let missing = "protected_groups = [\"cn=nowhere,ou=groups,dc=example,dc=test\"]";
    let fixture = build("ldap", &table(&server.url(), REVOKED, missing)).unwrap();
    let error = fixture.resolution(&"username:bob".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
    let probe = fixture.target.probe(&fixture.context).await.unwrap();
    assert!(
        probe.findings.iter().any(|finding| finding.what.contains("cn=nowhere")),
        "{:?}",
        probe.findings
    );
}

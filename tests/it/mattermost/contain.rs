//! The whole line against the sandbox: what was found is gone, and the intruder is out.

use revoked::model::{
    Access, Action, Containment, DoorKind, GrantKind, GrantRef, PasswordReset, Principal, PrincipalTrait, Resolution, Scope,
    Timestamp, Verdict,
};
use revoked::targets::mattermost::GRANTS;
use revoked::targets::{Level, Remedy};
use revoked_sandbox::{Version, World};

use super::fixture::{Fixture, everything, options, single};

pub(super) const OLD: Version = Version(6, 7, 0);
pub(super) const NEW: Version = Version(10, 8, 0);

#[tokio::test]
async fn a_departed_person_is_contained_and_every_stolen_credential_is_dead() {
    for version in [OLD, NEW] {
        let fixture = Fixture::of(version).await;
        let stolen = fixture.stolen("user01");
        for credential in &stolen {
            assert_eq!(fixture.status(0, *credential).await, 200);
        }
        let principal = fixture.resolve("email:user01@example.test").await;
        let outcome = fixture.contain(&principal, &everything(true)).await.unwrap();
        assert_eq!(outcome.verdict, Ok(Verdict::Contained), "{outcome:?}");
        assert!(outcome.after.suspended() && outcome.after.grants.is_empty());
        let found = outcome.before.counts();
        assert!(
            GRANTS.iter().all(|kind| *kind == GrantKind::OauthApp || found[kind] > 0),
            "{found:?}"
        );
        for credential in stolen {
            assert_eq!(fixture.status(0, credential).await, 401);
        }
        assert!(!fixture.signs_in("user01").await);
        let operator = fixture.sandbox.world().operator_token().unwrap();
        assert_eq!(fixture.status(0, operator).await, 200, "we are still in");
    }
}

#[tokio::test]
async fn a_compromised_person_stays_and_gets_a_password_that_nobody_knows() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    let demanded = Containment {
        reset_password: PasswordReset::Always,
        ..everything(false)
    };
    let outcome = fixture.contain(&principal, &demanded).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained), "{outcome:?}");
    assert!(!outcome.after.suspended());
    assert!(!fixture.signs_in("user02").await, "the old password is no good");
}

#[tokio::test]
async fn one_session_ends_and_no_other() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    let stolen = fixture.stolen("user02");
    let session = fixture.sandbox.world().session_by_token(stolen[0]).unwrap().id.to_string();
    let outcome = fixture
        .contain(&principal, &single(Scope::Session(session.clone())))
        .await
        .unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    assert_eq!(outcome.after.grants.len() + 1, outcome.before.grants.len());
    assert_eq!(fixture.status(0, stolen[0]).await, 401);
    assert_eq!(fixture.status(0, stolen[1]).await, 200);
    let again = fixture.contain(&principal, &single(Scope::Session(session))).await.unwrap();
    assert!(
        matches!(again.verdict, Ok(Verdict::NoPrincipal { .. })),
        "{:?}",
        again.verdict
    );
}

#[tokio::test]
async fn all_sessions_end_and_no_token() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user04").await;
    let outcome = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    let left = fixture.observe(&principal).await;
    assert_eq!(
        (left.of(GrantKind::Session).count(), left.of(GrantKind::AccessToken).count()),
        (0, 1)
    );
}

#[tokio::test]
async fn one_access_token_ends_with_the_session_that_it_made_and_nothing_else() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user01").await;
    let before = fixture.observe(&principal).await;
    let token = before.of(GrantKind::AccessToken).next().unwrap().name.id.clone();
    let outcome = fixture
        .contain(&principal, &single(Scope::AccessToken(token.clone())))
        .await
        .unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    let after = fixture.observe(&principal).await;
    let gone: Vec<_> = before.grants.iter().filter(|grant| !after.holds(&grant.name)).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(
        gone.iter()
            .all(|grant| grant.name.id == token || grant.made_by.as_ref() == Some(&token))
    );
}

#[tokio::test]
async fn more_tokens_than_a_page_all_end() {
    let mut world = World::fixture(7, 20);
    let person = world.person("user03").unwrap().id;
    for n in 0..207 {
        world.add_token(person, &format!("script {n}"));
    }
    let fixture = Fixture::start(world, options(), false).await;
    let principal = fixture.resolve("username:user03").await;
    let outcome = fixture.contain(&principal, &everything(false)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    assert_eq!(outcome.before.of(GrantKind::AccessToken).count(), 207);
    assert_eq!(fixture.sandbox.world().tokens_of(person).count(), 0);
}

#[tokio::test]
async fn open_connections_of_an_old_server_fall_silent() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    let person = fixture.sandbox.world().person("user02").unwrap().id;
    fixture.sandbox.world().person_mut(person).unwrap().sockets = 2;
    assert!(fixture.target.capabilities().after_sessions.contains(&Action::Silence));
    fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
    let world = fixture.sandbox.world();
    let person = world.person("user02").unwrap();
    assert_eq!((person.muted_sockets, person.is_active()), (2, true));
    assert_eq!(person.roles, "system_user", "nothing of the account has changed");
}

#[tokio::test]
async fn an_account_of_ldap_is_suspended_and_its_return_is_foretold() {
    let fixture = Fixture::of(NEW).await;
    let principal = fixture.resolve("username:user05").await;
    assert!(principal.traits.contains(&PrincipalTrait::ManagedBy("ldap".into())));
    let outcome = fixture.contain(&principal, &everything(true)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    let door = &outcome.after.doors()[0];
    assert!(door.door == DoorKind::SignInElsewhere && door.says.contains("LDAP"), "{door}");
}

#[tokio::test]
async fn an_unknown_person_is_nobody_and_a_typo_revokes_nothing() {
    let fixture = Fixture::of(OLD).await;
    for text in [
        "opaque:zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "email:usr01@example.test",
        "username:usr01",
    ] {
        let found = fixture
            .target
            .resolve(&fixture.context, &text.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found, Resolution::None, "{text}");
    }
    assert!(fixture.sandbox.requests().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn the_last_of_two_administrators_stays() {
    let fixture = Fixture::of(OLD).await;
    let first = fixture.resolve("username:admin").await;
    assert_eq!(first.traits, [PrincipalTrait::Admin].into());
    fixture.contain(&first, &everything(true)).await.unwrap();
    let last = fixture.resolve("username:admin2").await;
    assert!(last.traits.contains(&PrincipalTrait::LastAdmin));
    let error = fixture.contain(&last, &everything(true)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp);
    assert!(fixture.sandbox.world().person("admin2").unwrap().is_active());
}

#[tokio::test]
async fn the_last_of_two_administrators_keeps_the_password() {
    let fixture = Fixture::of(OLD).await;
    let first = fixture.resolve("username:admin").await;
    let reset = async |principal: &Principal| {
        fixture
            .target
            .apply(&fixture.context, &Action::ResetPassword, std::slice::from_ref(principal))
            .await
    };
    reset(&first).await.unwrap();
    assert!(!fixture.signs_in("admin").await);
    // Somebody who looked before the first was reset is told, too.
    let (before, last) = (
        Principal {
            traits: [PrincipalTrait::Admin].into(),
            ..fixture.resolve("username:admin2").await
        },
        fixture.resolve("username:admin2").await,
    );
    assert!(last.traits.contains(&PrincipalTrait::LastAdmin));
    for principal in [&before, &last] {
        let error = reset(principal).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::GiveUp, "{error}");
    }
    assert!(fixture.signs_in("admin2").await);
    // The first one is not kept from another reset.
    assert!(
        !fixture
            .resolve("username:admin")
            .await
            .traits
            .contains(&PrincipalTrait::LastAdmin)
    );
    reset(&first).await.unwrap();
}

#[tokio::test]
async fn we_do_not_end_ourselves() {
    let fixture = Fixture::of(OLD).await;
    let us = fixture.resolve("username:revoked-operator").await;
    assert!(
        us.traits
            .is_superset(&[PrincipalTrait::Ourselves, PrincipalTrait::Bot].into())
    );
    let token = GrantRef {
        kind: GrantKind::AccessToken,
        id: fixture
            .observe(&us)
            .await
            .of(GrantKind::AccessToken)
            .next()
            .unwrap()
            .name
            .id
            .clone(),
        parent: None,
        part: None,
    };
    let someone = fixture.resolve("username:user02").await;
    for (principal, action) in [
        (&us, Action::Suspend),
        (&us, Action::EndAllSessions),
        (&someone, Action::End { grant: token }),
    ] {
        let error = fixture
            .target
            .apply(&fixture.context, &action, std::slice::from_ref(principal))
            .await
            .unwrap_err();
        assert_eq!(error.remedy, Remedy::GiveUp, "{action}");
    }
}

#[tokio::test]
async fn a_feature_that_is_switched_off_is_no_obstacle_and_no_proof() {
    let mut world = World::fixture(7, 20);
    world.settings.incoming_webhooks = false;
    world.settings.oauth_provider = false;
    let fixture = Fixture::start(world, options(), false).await;
    let principal = fixture.resolve("username:user01").await;
    let outcome = fixture.contain(&principal, &everything(true)).await.unwrap();
    let Ok(Verdict::Unverified { kinds, .. }) = outcome.verdict else {
        panic!("{:?}", outcome.verdict)
    };
    // The consents are kept as preferences, which are listed and deleted all the same.
    assert_eq!(
        kinds.keys().copied().collect::<Vec<_>>(),
        [GrantKind::OauthApp, GrantKind::IncomingWebhook]
    );
    assert!(kinds[&GrantKind::IncomingWebhook].contains("are switched off at the server"));
    let consents = |access: &Access| access.of(GrantKind::OauthAuthorization).count();
    assert_eq!((consents(&outcome.before), consents(&outcome.after)), (1, 0));
}

#[tokio::test]
async fn the_town_is_probed_without_an_error() {
    let fixture = Fixture::of(OLD).await;
    let probe = fixture.target.probe(&fixture.context).await.unwrap();
    assert_eq!(probe.version.as_deref(), Some("6.7.0"));
    assert_eq!(probe.acting_as.as_deref(), Some("revoked-operator"));
    assert!(
        probe.findings.iter().all(|finding| finding.level < Level::Error),
        "{probe:#?}"
    );
}

#[tokio::test]
async fn an_observation_names_the_requests_behind_it() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    let before = fixture.sandbox.request_count();
    let access = fixture.observe(&principal).await;
    let ids: Vec<String> = fixture
        .sandbox
        .requests()
        .iter()
        .filter_map(|seen| Some(seen.request_id?.to_string()))
        .collect();
    assert!(access.requests.iter().all(|request| ids.contains(request)));
    assert_eq!(access.requests.len() as u64, fixture.sandbox.request_count() - before);
    assert!(access.at > Timestamp::from_ms(0));
}

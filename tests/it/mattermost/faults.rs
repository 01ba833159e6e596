//! The whole line while something goes wrong: faults, a lagging replica, deaf nodes, a dead credential.

use std::time::Duration;

use revoked::model::{Action, GrantKind, Scope, Verdict};
use revoked::targets::Remedy;
use revoked_sandbox::{Effect, Fault, Options, World};

use super::contain::{NEW, OLD};
use super::fixture::{Fixture, everything, options, single};

#[tokio::test]
async fn an_acceptance_that_does_nothing_is_never_contained() {
    let fixture = Fixture::of(OLD).await;
    fixture
        .sandbox
        .faults()
        .add(Fault::on("POST", "/api/v4/users/tokens/revoke", Effect::Nothing));
    fixture
        .sandbox
        .faults()
        .add(Fault::on("DELETE", "/api/v4/users/*", Effect::Nothing));
    let principal = fixture.resolve("username:user01").await;
    let outcome = fixture.contain(&principal, &everything(true)).await.unwrap();
    let remaining = outcome.verdict.unwrap_err();
    assert!(remaining.open);
    assert!(remaining.grants.iter().any(|grant| grant.kind == GrantKind::AccessToken));
}

#[tokio::test]
async fn a_replica_that_lags_shows_what_is_there_no_more() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    fixture.sandbox.faults().freeze_replica();
    let outcome = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
    assert!(outcome.verdict.is_err(), "a list that still holds them proves nothing");
    fixture.sandbox.faults().release_replica();
    let outcome = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
}

#[tokio::test]
async fn answers_that_break_off_are_tried_again_and_never_believed() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    for effect in [
        Effect::Truncated,
        Effect::Html,
        Effect::Reset,
        Effect::Status(500),
        Effect::Status(502),
    ] {
        let sessions = Fault::on("GET", "/api/v4/users/*/sessions", effect.clone()).times(1);
        fixture.sandbox.faults().add(sessions);
        let error = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{effect:?}: {error}");
    }
    let limited = Fault::on("GET", "/api/v4/users/*/sessions", Effect::Limited(3)).times(1);
    fixture.sandbox.faults().add(limited);
    let error = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::RetryAfter(Duration::from_secs(3)));
    // The server did it, and the answer was lost: the second attempt finds nothing left to do.
    let lost = Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Reset)
        .times(1)
        .applied();
    fixture.sandbox.faults().add(lost);
    assert!(fixture.contain(&principal, &single(Scope::AllSessions)).await.is_err());
    let outcome = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
}

#[tokio::test]
async fn a_node_with_a_stale_cache_forgets_the_session_when_it_is_listed() {
    for listed in [false, true] {
        let two = Options { nodes: 2, ..options() };
        let fixture = Fixture::start(World::fixture(7, 20), two, listed).await;
        let stolen = fixture.stolen("user02")[0];
        assert_eq!(
            fixture.status(1, stolen).await,
            200,
            "now the second node has it in its cache"
        );
        fixture.sandbox.faults().deafen(1, true);
        let principal = fixture.resolve("username:user02").await;
        let outcome = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap();
        assert_eq!(outcome.verdict, Ok(Verdict::Contained));
        assert_eq!(fixture.status(0, stolen).await, 401);
        assert_eq!(fixture.status(1, stolen).await, if listed { 401 } else { 200 });
        let said = fixture
            .target
            .capabilities()
            .not_covered
            .iter()
            .any(|line| line.contains("list `nodes`"));
        assert_eq!(said, !listed, "what is not reached is said");
    }
}

#[tokio::test]
async fn one_session_ends_at_a_deaf_node_and_the_others_stay() {
    let two = Options { nodes: 2, ..options() };
    let fixture = Fixture::start(World::fixture(7, 20), two, true).await;
    let stolen = fixture.stolen("user02");
    for credential in &stolen {
        assert_eq!(fixture.status(1, *credential).await, 200);
    }
    fixture.sandbox.faults().deafen(1, true);
    let session = fixture.sandbox.world().session_by_token(stolen[0]).unwrap().id.to_string();
    let principal = fixture.resolve("username:user02").await;
    let outcome = fixture.contain(&principal, &single(Scope::Session(session))).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained));
    assert_eq!(fixture.status(1, stolen[0]).await, 401);
    assert_eq!(fixture.status(1, stolen[1]).await, 200);
}

#[tokio::test]
async fn an_orphan_oauth_session_is_ended_with_the_others() {
    for version in [OLD, NEW] {
        let mut world = World::fixture(7, 20);
        world.version = version;
        let person = world.person("user01").unwrap().id;
        let access = world.grants().find(|grant| grant.person == person).unwrap().access;
        world.remove_grant(access);
        let fixture = Fixture::start(world, options(), false).await;
        let principal = fixture.resolve("username:user01").await;
        let apply = || {
            fixture
                .target
                .apply(&fixture.context, &Action::EndAllSessions, std::slice::from_ref(&principal))
        };
        if let Err(error) = apply().await {
            assert_eq!(error.remedy, Remedy::Retry, "{error}");
            let left = fixture.observe(&principal).await;
            assert_eq!(left.of(GrantKind::Session).count(), 0, "the orphan saved none of the others");
            apply().await.unwrap();
        }
        assert_eq!(fixture.observe(&principal).await.of(GrantKind::OauthGrant).count(), 0);
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_no_success_and_no_dead_credential() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    fixture.sandbox.faults().database_down(true);
    let error = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "our session is in the server's cache: {error}");
    assert!(fixture.target.probe(&fixture.context).await.is_err());
    fixture.sandbox.faults().database_down(false);
    assert!(fixture.target.probe(&fixture.context).await.is_ok());
}

#[tokio::test]
async fn a_credential_that_is_revoked_in_mid_run_pauses_the_lane() {
    let fixture = Fixture::of(OLD).await;
    let principal = fixture.resolve("username:user02").await;
    let operator = fixture.sandbox.world().person("revoked-operator").unwrap().id;
    let tokens: Vec<_> = fixture.sandbox.world().tokens_of(operator).map(|token| token.id).collect();
    for token in tokens {
        fixture.sandbox.world().remove_token(token);
    }
    fixture.sandbox.world().remove_all_sessions();
    fixture.clock.advance(Duration::from_mins(11));
    let error = fixture.contain(&principal, &single(Scope::AllSessions)).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Pause, "{error}");
    let error = fixture.target.probe(&fixture.context).await.unwrap_err();
    assert!(error.to_string().contains("put a valid token"), "{error}");
}

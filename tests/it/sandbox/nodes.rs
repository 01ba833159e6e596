//! Several nodes over one world, and reads that are behind.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::Timestamp;
use revoked_sandbox::world::{Browser, SessionKind};
use revoked_sandbox::{Options, World};

use super::clock_of;
use super::test_server::TestServer;
use crate::wait::BOUND;

async fn two_nodes(clock: Clock) -> TestServer {
    TestServer::with(
        World::fixture(1, 20),
        Options {
            nodes: 2,
            clock: clock_of(&clock),
            ..Options::default()
        },
    )
    .await
}

#[tokio::test]
async fn a_node_that_misses_a_message_keeps_a_dead_session_alive() {
    let server = two_nodes(Clock::system()).await;
    let stolen = server.stolen();
    assert!(server.is_in(1, stolen).await);
    server.sandbox.faults().deafen(1, true);
    assert_eq!(server.status("POST", &server.revoke_all_path()).await, 200);
    assert!(server.list(&server.sessions_path()).await.is_empty());
    assert!(!server.is_in(0, stolen).await);
    assert!(server.is_in(1, stolen).await);
    // A second call to that node clears it, although no row is left.
    let operator = server.sandbox.world().operator_token().unwrap();
    server
        .send_to(1, operator, "POST", &server.revoke_all_path(), "")
        .await
        .unwrap();
    assert!(!server.is_in(1, stolen).await);
}

#[tokio::test]
async fn each_use_of_a_stale_entry_renews_it() {
    let clock = Clock::fixed(Timestamp::from_ms(1_770_000_000_000));
    let server = two_nodes(clock.clone()).await;
    let stolen = server.stolen();
    assert!(server.is_in(1, stolen).await);
    server.sandbox.faults().deafen(1, true);
    server.status("POST", &server.revoke_all_path()).await;
    for _ in 0..3 {
        clock.advance(Duration::from_mins(9));
        assert!(server.is_in(1, stolen).await);
    }
    clock.advance(Duration::from_mins(10));
    assert!(!server.is_in(1, stolen).await);
}

#[tokio::test]
async fn nodes_that_hear_each_other_forget_together() {
    let server = two_nodes(Clock::system()).await;
    let stolen = server.stolen();
    assert!(server.is_in(1, stolen).await);
    server.status("POST", &server.revoke_all_path()).await;
    assert!(!server.is_in(1, stolen).await);
}

#[tokio::test]
async fn a_frozen_replica_lists_what_is_gone_until_it_is_released() {
    let server = TestServer::fixture().await;
    let (stolen, before) = (server.stolen(), server.list(&server.sessions_path()).await.len());
    server.sandbox.faults().freeze_replica();
    server.status("POST", &server.revoke_all_path()).await;
    assert!(!server.is_in(0, stolen).await, "the primary has ended the session");
    assert_eq!(server.list(&server.sessions_path()).await.len(), before);
    server.sandbox.faults().release_replica();
    assert!(server.list(&server.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn a_session_younger_than_the_lag_escapes_a_revocation() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().freeze_replica();
    let victim = server.victim();
    let now = Clock::system().now().ms();
    let session = SessionKind::Login(Browser::web());
    let young = server.sandbox.world().open_session(victim, session, now).token;
    server.status("POST", &server.revoke_all_path()).await;
    assert!(server.is_in(0, young).await);
    server.sandbox.faults().release_replica();
    server.status("POST", &server.revoke_all_path()).await;
    assert!(!server.is_in(0, young).await);
}

#[tokio::test]
async fn a_lagging_replica_catches_up_by_itself() {
    let server = TestServer::fixture().await;
    server.sandbox.faults().lag_replica(Duration::from_millis(200));
    server.status("POST", &server.revoke_all_path()).await;
    assert!(!server.list(&server.sessions_path()).await.is_empty());
    let caught_up = async { while !server.list(&server.sessions_path()).await.is_empty() {} };
    tokio::time::timeout(BOUND, caught_up).await.expect("the replica catches up");
}

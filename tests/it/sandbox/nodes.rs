//! Several nodes over one world, and reads that are behind.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::Timestamp;
use revoked_sandbox::world::{Browser, SessionKind};
use revoked_sandbox::{Options, World};

use super::clock_of;
use super::stand::Stand;
use crate::daemon::BOUND;

async fn two_nodes(clock: Clock) -> Stand {
    Stand::with(
        World::town(1, 20),
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
    let stand = two_nodes(Clock::system()).await;
    let stolen = stand.stolen();
    assert!(stand.is_in(1, stolen).await);
    stand.sandbox.faults().deafen(1, true);
    assert_eq!(stand.status("POST", &stand.revoke_all_path()).await, 200);
    assert!(stand.list(&stand.sessions_path()).await.is_empty());
    assert!(!stand.is_in(0, stolen).await);
    assert!(stand.is_in(1, stolen).await);
    // A second call to that node clears it, although no row is left.
    let operator = stand.sandbox.world().operator_token().unwrap();
    stand
        .send_to(1, operator, "POST", &stand.revoke_all_path(), "")
        .await
        .unwrap();
    assert!(!stand.is_in(1, stolen).await);
}

#[tokio::test]
async fn each_use_of_a_stale_entry_renews_it() {
    let clock = Clock::fixed(Timestamp::from_ms(1_770_000_000_000));
    let stand = two_nodes(clock.clone()).await;
    let stolen = stand.stolen();
    assert!(stand.is_in(1, stolen).await);
    stand.sandbox.faults().deafen(1, true);
    stand.status("POST", &stand.revoke_all_path()).await;
    for _ in 0..3 {
        clock.advance(Duration::from_mins(9));
        assert!(stand.is_in(1, stolen).await);
    }
    clock.advance(Duration::from_mins(10));
    assert!(!stand.is_in(1, stolen).await);
}

#[tokio::test]
async fn nodes_that_hear_each_other_forget_together() {
    let stand = two_nodes(Clock::system()).await;
    let stolen = stand.stolen();
    assert!(stand.is_in(1, stolen).await);
    stand.status("POST", &stand.revoke_all_path()).await;
    assert!(!stand.is_in(1, stolen).await);
}

#[tokio::test]
async fn a_frozen_replica_lists_what_is_gone_until_it_is_released() {
    let stand = Stand::town().await;
    let (stolen, before) = (stand.stolen(), stand.list(&stand.sessions_path()).await.len());
    stand.sandbox.faults().freeze_replica();
    stand.status("POST", &stand.revoke_all_path()).await;
    assert!(!stand.is_in(0, stolen).await, "the primary has ended the session");
    assert_eq!(stand.list(&stand.sessions_path()).await.len(), before);
    stand.sandbox.faults().release_replica();
    assert!(stand.list(&stand.sessions_path()).await.is_empty());
}

#[tokio::test]
async fn a_session_younger_than_the_lag_escapes_a_revocation() {
    let stand = Stand::town().await;
    stand.sandbox.faults().freeze_replica();
    let victim = stand.victim();
    let now = Clock::system().now().ms();
    let session = SessionKind::Login(Browser::web());
    let young = stand.sandbox.world().open_session(victim, session, now).token;
    stand.status("POST", &stand.revoke_all_path()).await;
    assert!(stand.is_in(0, young).await);
    stand.sandbox.faults().release_replica();
    stand.status("POST", &stand.revoke_all_path()).await;
    assert!(!stand.is_in(0, young).await);
}

#[tokio::test]
async fn a_lagging_replica_catches_up_by_itself() {
    let stand = Stand::town().await;
    stand.sandbox.faults().lag_replica(Duration::from_millis(200));
    stand.status("POST", &stand.revoke_all_path()).await;
    assert!(!stand.list(&stand.sessions_path()).await.is_empty());
    let caught_up = async { while !stand.list(&stand.sessions_path()).await.is_empty() {} };
    tokio::time::timeout(BOUND, caught_up).await.expect("the replica catches up");
}

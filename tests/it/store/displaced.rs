//! A store whose files are not where they were opened.

use std::fs;
use std::sync::Arc;

use revoked::model::{Delivery, Reason};
use revoked::store::{OpenError, Role, SlotOffers, Store, StoreError};

use super::{place, policy, signal};
use crate::wait::until;

#[tokio::test]
async fn a_delivery_that_is_committed_into_an_unlinked_file_is_not_accepted() {
    let place = place().await;
    place.accept(vec![signal("1", "username:alice", Reason::Compromised)]).await;
    fs::remove_file(&place.path).unwrap();
    until("the loss to be seen", async || place.store.files_are_in_place().err()).await;
    let delivery = || {
        Delivery::of(
            "hr",
            vec![signal("2", "username:bob", Reason::Compromised)],
            place.clock.now(),
        )
    };
    let accepted = place.store.accept(policy(), delivery(), SlotOffers::default()).await;
    assert!(
        matches!(&accepted, Err(StoreError::Displaced(what)) if what.contains("was removed")),
        "{accepted:?}"
    );
    // Put back under its name it is another file, and what was found stays found.
    fs::write(&place.path, b"").unwrap();
    assert!(place.store.files_are_in_place().is_err());
    let told = place.store.watch_files().await;
    assert!(told.contains("the database") && told.contains("was removed"), "{told}");
}

#[tokio::test]
async fn neither_a_lost_lock_file_nor_a_second_name_lets_another_daemon_in() {
    let place = place().await;
    let mut lock = place.path.clone().into_os_string();
    lock.push(".lock");
    fs::remove_file(&lock).unwrap();
    let second = Store::open(&place.path, Role::Daemon, place.clock.clone()).await;
    assert!(matches!(second, Err(OpenError::Locked(_))), "{:?}", second.err());
    let other = place.path.with_extension("other");
    fs::hard_link(&place.path, &other).unwrap();
    for (path, role) in [(&place.path, Role::Daemon), (&other, Role::Daemon), (&other, Role::Command)] {
        let opened = Store::open(path, role, place.clock.clone()).await;
        assert!(
            matches!(opened, Err(OpenError::HardLinked { names: 2, .. })),
            "{:?}",
            opened.err()
        );
    }
}

#[tokio::test]
async fn a_store_that_was_closed_can_be_opened_at_once() {
    let place = place().await;
    place.store.close().await;
    let again = Store::open(&place.path, Role::Daemon, place.clock.clone()).await.unwrap();
    assert!(again.files_are_in_place().is_ok());
    let policy: Arc<_> = policy();
    let delivery = Delivery::of(
        "hr",
        vec![signal("1", "username:alice", Reason::Compromised)],
        place.clock.now(),
    );
    again.accept(policy, delivery, SlotOffers::default()).await.unwrap();
}

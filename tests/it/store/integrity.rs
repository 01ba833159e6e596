//! A file that is damaged where nobody looks.

use std::os::unix::fs::FileExt as _;

use revoked::store::{Integrity, OpenError, Role, Store};
use sqlx::Connection as _;

use super::{Place, place};

/// Fills the file with so many people, stops, and spoils a page in its middle.
async fn spoilt(people: u32) -> Place {
    let place = place().await;
    place.store.close().await;
    let mut conn = place.connection().await;
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO person (ref, key, subject, seen_at) SELECT printf('s_%09d', i), zeroblob(32), printf('username:person-%09d', i), 1 FROM n",
    )
    .bind(people)
    .execute(&mut conn)
    .await
    .unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&place.path).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0x5a; 4096], middle).unwrap();
    place
}

#[tokio::test]
async fn damage_in_a_large_file_is_found_beside_the_work() {
    let place = spoilt(180_000).await;
    assert!(std::fs::metadata(&place.path).unwrap().len() > 16 << 20);
    let store = Store::open(&place.path, Role::Daemon, place.clock.clone()).await.unwrap();
    let found = store.look_for_damage().await.unwrap();
    assert!(
        matches!(&found, Integrity::Damaged(what) if what.starts_with("table person: ")),
        "{found:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn a_small_file_that_is_damaged_is_refused() {
    let place = spoilt(20_000).await;
    let refused = Store::open(&place.path, Role::Daemon, place.clock.clone()).await;
    assert!(matches!(refused.err(), Some(OpenError::Damaged { .. })));
}

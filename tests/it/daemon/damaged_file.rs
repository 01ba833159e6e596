//! A large database that is damaged where nobody looks.

use std::os::unix::fs::FileExt as _;

use super::{Installation, InstallationPlan, until};

#[tokio::test]
async fn the_doors_open_and_an_alert_says_that_the_file_is_damaged() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut conn = site.sql().await;
    sqlx::raw_sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 180000) \
         INSERT INTO person (ref, key, subject, seen_at) SELECT printf('s_%09d', i), zeroblob(32), printf('username:person-%09d', i), 1 FROM n; \
         PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(site.store()).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0x5a; 4096], middle).unwrap();
    let running = site.start().await;
    until("the alert", async || (site.alerts().await == ["store_damaged"]).then_some(())).await;
    // What does not need the page goes on.
    assert_eq!(site.revoke("username:user01", "departed", &[]).await.code, 0);
    running.stop().await;
}

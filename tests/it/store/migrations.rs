//! A store that an older version made.

use std::path::Path;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::Leaves;
use revoked::store::{Role, Store};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

use super::NOW;

/// A store of the first schema, with one person's departure planned for a later hour.
async fn first_schema(path: &Path) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("0001_first.sql"),
        include_str!("../../../migrations/0001_first.sql"),
    )
    .unwrap();
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut conn = options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    let first = sqlx::migrate::Migrator::new(folder.path()).await.unwrap();
    first.run(&mut conn).await.unwrap();
    let at = NOW.plus(Duration::from_hours(1));
    let leaves = serde_json::to_string(&Leaves::Instant { at }).unwrap();
    let rows = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1; \
         INSERT INTO person (ref, key, subject, seen_at) VALUES ('s1', zeroblob(32), 'email:alice@example.org', {now}); \
         INSERT INTO cases (id, subject_ref, reason, playbook, scope, priority, state, source, received_at) \
             VALUES (1, 's1', 'departed', 'departed', '\"everything\"', 3, 'open', 'hr', {now}); \
         INSERT INTO departure (source, employee, employment, subject_ref, leaves, fire_at, state, case_id, changed_at) \
             VALUES ('hr', '4711', '1', 's1', '{leaves}', {later}, 'planned', 1, {now})",
        0x7276_6b64,
        now = NOW.ms(),
        later = at.ms(),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut conn).await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_migrated_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.db");
    first_schema(&path).await;
    let store = Store::open(&path, Role::Daemon, Clock::fixed(NOW)).await.unwrap();
    let planned = store.planned_departures().await.unwrap();
    assert_eq!(planned.len(), 1);
    assert_eq!(
        (planned[0].source.as_str(), planned[0].fire_at.ms()),
        ("hr", NOW.ms() + 3_600_000)
    );
    let references = store.references(&"alice@example.org".parse().unwrap()).await.unwrap();
    assert_eq!(references, ["s1"]);
    store.close().await;
    let copies = std::fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("schema-1")
    });
    assert_eq!(copies.count(), 1, "the store as it was is kept beside it");
}

/// What the program of `[alerts] exec` was still to be handed when the daemon was replaced by this one is handed to it.
#[tokio::test]
async fn what_was_still_to_be_handed_over_waits_for_the_channel_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before) = (folder.path().join("revoked.db"), folder.path().join("before"));
    std::fs::create_dir(&before).unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in std::fs::read_dir(migrations).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().as_ref() < "0021" {
            std::fs::copy(file.path(), before.join(file.file_name())).unwrap();
        }
    }
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut conn = options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    let migrator = sqlx::migrate::Migrator::new(before).await.unwrap();
    migrator.run(&mut conn).await.unwrap();
    let rows = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 20; \
         INSERT INTO alert (kind, key, summary, raised_at, last_at, times, told) VALUES ('quarantine', 'source:hr', 's', {now}, {now}, 2, 1), \
             ('target_down', 'target:chat', 's', {now}, {now}, 1, 1)",
        0x7276_6b64,
        now = NOW.ms(),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let store = Store::open(&path, Role::Daemon, Clock::fixed(NOW)).await.unwrap();
    let channel = crate::store::channel_rules(revoked::store::EXEC_CHANNEL);
    store.set_channels(vec![channel]).await.unwrap();
    let channels = store.channels().await.unwrap();
    assert_eq!(channels[0].waiting, 1);
    store.close().await;
}

//! Opening, closing, locking, and the trail's guards.

use revoked::clock::Clock;
use revoked::store::{OpenError, Role, Store};
use sqlx::{ConnectOptions as _, Connection as _};

use super::place;

#[tokio::test]
async fn a_second_daemon_is_refused_even_through_a_symlink() {
    let place = place().await;
    let link = place.path.with_file_name("other.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    for path in [&place.path, &link] {
        let second = Store::open(path, Role::Daemon, Clock::system()).await;
        assert!(matches!(second, Err(OpenError::Locked(_))));
    }
}

#[tokio::test]
async fn a_store_from_a_newer_version_is_refused_and_not_changed() {
    let place = place().await;
    place.store.close().await;
    let mut conn = place.connection().await;
    sqlx::query("PRAGMA user_version = 999").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let before = std::fs::read(&place.path).unwrap();
    let error = Store::open(&place.path, Role::Daemon, Clock::system()).await.err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 999, .. }), "{error}");
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    sqlx::query("CREATE TABLE theirs (x)").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    assert!(matches!(
        Store::open(&path, Role::Daemon, Clock::system()).await,
        Err(OpenError::Foreign(_))
    ));
}

#[tokio::test]
async fn a_garbage_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage.db");
    std::fs::write(&path, vec![0x5a; 8192]).unwrap();
    let error = Store::open(&path, Role::Daemon, Clock::system()).await.err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn the_trail_refuses_update_delete_and_replace() {
    let place = place().await;
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    let mut conn = place.connection().await;
    for sql in [
        "UPDATE trail SET body = 'x'",
        "DELETE FROM trail",
        "INSERT OR REPLACE INTO trail (seq, body, leaf) SELECT 0, 'x', leaf FROM trail",
        "INSERT INTO trail (seq, body, leaf) SELECT 7, 'x', leaf FROM trail",
    ] {
        assert!(sqlx::query(sql).execute(&mut conn).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn concurrent_mutations_share_commits_and_each_leaves_its_entry() {
    let place = place().await;
    let calls = (0..300).map(|n| place.store.raise_alert("test", format!("key:{n}"), "trouble".into()));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!(place.store.trail_head().await.unwrap().size(), 300);
    let commits = place.store.committed().borrow().commits;
    assert!(commits < 300, "{commits} commits for 300 mutations");
    assert_eq!(place.store.trail_snapshot().await.unwrap().blocks().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_failing_mutation_takes_none_of_its_group_down() {
    let place = place().await;
    let wrong = (0..20).map(|n| place.store.clear_alert(n + 1000, revoked::model::Actor::Daemon, None));
    let right = (0..20).map(|n| place.store.raise_alert("test", format!("key:{n}"), "trouble".into()));
    let (wrong, right) = tokio::join!(futures_util::future::join_all(wrong), futures_util::future::join_all(right));
    assert!(wrong.iter().all(Result::is_err));
    assert!(right.iter().all(Result::is_ok));
    assert_eq!(place.store.trail_head().await.unwrap().size(), 20);
}

#[tokio::test]
async fn a_new_store_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place().await;
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    for name in ["revoked.db", "revoked.db-wal"] {
        let mode = std::fs::metadata(place.path.with_file_name(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("revoked.db");
    let error = Store::open(&path, Role::Daemon, Clock::system()).await.err().unwrap();
    assert!(error.to_string().contains("does not exist; make it"), "{error}");
}

#[tokio::test]
async fn the_log_is_bounded_by_its_bytes_under_load() {
    let place = place().await;
    let log = place.path.with_file_name("revoked.db-wal");
    let mut longest = 0;
    for n in 0..60 {
        let detail = serde_json::json!({ "said": format!("{n} ").repeat(400_000) });
        let kind = revoked_trail::EntryKind::DaemonStarted;
        place.store.record(kind, detail).await.unwrap();
        longest = longest.max(std::fs::metadata(&log).unwrap().len());
    }
    let written = std::fs::metadata(&place.path).unwrap().len();
    assert!(written > 32 << 20, "little was written: {written}");
    assert!(longest < 40 << 20, "the log grew to {longest}");
}

#[tokio::test]
async fn a_log_that_cannot_be_folded_alerts_until_it_can() {
    let place = place().await;
    let log = place.path.with_file_name("revoked.db-wal");
    let write = async || place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    let is_open = async || place.store.alert_is_open("log_grows", "store").await.unwrap();
    write().await;
    write().await;
    assert!(!is_open().await);
    // Somebody who keeps an old state open. Where the log was just folded, which a busy machine has time for, the next commit may still begin
    // it anew, and cut it; none after that can.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&place.path);
    let mut reader = options.connect().await.unwrap();
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    sqlx::query("SELECT count(*) FROM trail")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    write().await;
    let file = std::fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(300 << 20).unwrap();
    // The first is told how long the log is, and the second says so.
    write().await;
    write().await;
    assert!(is_open().await);
    // It can be folded again, as the writer does where nobody writes for a while.
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    let folds = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut reader);
    folds.await.unwrap();
    write().await;
    write().await;
    assert!(!is_open().await);
    assert!(std::fs::metadata(&log).unwrap().len() < 64 << 20);
}

#[tokio::test]
async fn the_log_of_a_database_behind_a_symlink_is_measured_where_it_is() {
    let place = place().await;
    place.store.close().await;
    let link = place.path.with_file_name("link").join("other.db");
    std::fs::create_dir(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    let store = Store::open(&link, Role::Daemon, Clock::system()).await.unwrap();
    store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    let log = std::fs::metadata(place.path.with_file_name("revoked.db-wal")).unwrap();
    assert!(log.len() > 0);
    assert_eq!(store.log_bytes(), log.len());
}

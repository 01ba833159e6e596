//! A large file in the drop folder: stored in portions, and put away after the last.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::intake::{self, Intake};
use revoked::sources::hr_csv::{HrCsv, Rules};
use revoked::store::Store;
use revoked::worker::Lanes;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::wait::until;
use crate::worker::harness::{Harness, everything};
use crate::worker::scripted_target::Scripted;

const ROWS: i64 = 1500;

fn drop_file(folder: &Path) {
    let mut text = "employee_id,email,last_working_day,action\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},user{n}@example.org,2099-03-31,terminate").unwrap();
    }
    writeln!(text, "#EOF,rows={ROWS}").unwrap();
    fs::write(folder.join("leavers.csv"), text).unwrap();
}

fn files(folder: &Path) -> usize {
    let Ok(listing) = fs::read_dir(folder) else { return 0 };
    listing.filter(|entry| entry.as_ref().unwrap().path().is_file()).count()
}

async fn count(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

/// Looks at the folder until it is told to stop.
fn look(harness: &Harness, lanes: &Lanes, folder: &Path) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let rules = Rules {
        interval: Duration::from_millis(20),
        settle: Duration::ZERO,
        ..Rules::new("hr", folder)
    };
    let intake = Intake::new(
        harness.store.clone(),
        Arc::new(harness.policy.clone()),
        lanes.clone(),
        vec!["chat".to_owned()],
        BTreeMap::new(),
    );
    let stop = CancellationToken::new();
    let source = Arc::new(HrCsv::new(rules, Clock::system()));
    (
        stop.clone(),
        tokio::spawn(intake::run_poll(intake, "hr".to_owned(), source, stop)),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_put_away_after_its_last_row_and_a_stop_in_between_is_made_up_for() {
    let harness = Harness::demanding(everything()).await;
    let lanes = harness.lanes(&Arc::new(Scripted::new()), 4).await;
    let drop_folder = tempfile::tempdir().unwrap();
    let folder = drop_folder.path();
    let store: &Store = &harness.store;
    let mut conn = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    drop_file(folder);

    let (stop, looking) = look(&harness, &lanes, folder);
    until("the first rows", async || {
        (count(&mut conn, "SELECT count(*) FROM signal").await > 0).then_some(())
    })
    .await;
    stop.cancel();
    looking.await.unwrap();
    store.probe_writer().await.unwrap();
    let stored = count(&mut conn, "SELECT count(*) FROM signal").await;
    assert!(stored < ROWS, "a stop does not wait for the whole file");
    assert_eq!(files(folder), 1, "it is still where it was dropped");

    let (stop, looking) = look(&harness, &lanes, folder);
    until("the archive", async || {
        // Never before the last row.
        let stored = count(&mut conn, "SELECT count(*) FROM signal").await;
        let away = files(&folder.join("archive"));
        assert!(
            away == 0 || count(&mut conn, "SELECT count(*) FROM signal").await == ROWS,
            "put away at {stored} rows"
        );
        (away == 1).then_some(())
    })
    .await;
    stop.cancel();
    looking.await.unwrap();
    assert_eq!(files(folder), 0);
    assert_eq!(count(&mut conn, "SELECT count(*) FROM signal").await, ROWS);
    assert_eq!(
        count(&mut conn, "SELECT count(*) FROM cases WHERE state = 'held'").await,
        ROWS,
        "one limit over the whole file"
    );
    assert_eq!(
        count(&mut conn, "SELECT count(*) FROM hold WHERE state = 'open'").await,
        1,
        "and one decision"
    );
    assert_eq!(count(&mut conn, "SELECT count(*) FROM batch WHERE unfinished = 0").await, 1);
    harness.shutdown.soft.cancel();
    store.close().await;
}

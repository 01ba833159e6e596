//! A large HR file, and `kill -9` in the middle of it.

use std::fmt::Write as _;
use std::fs;

use super::hr_departures::{day, with_hr};
use super::{Installation, until};
use crate::harness::chat_holdings::Holdings;

const ROWS: i64 = 2000;

fn files(site: &Installation, folder: &str) -> usize {
    let Ok(listing) = fs::read_dir(site.path(folder)) else {
        return 0;
    };
    listing.filter(|entry| entry.as_ref().unwrap().path().is_file()).count()
}

#[tokio::test]
async fn a_large_file_survives_a_kill_and_keeps_nobody_urgent_waiting() {
    let site = with_hr().await;
    let mut rows = String::new();
    for n in 0..ROWS {
        writeln!(rows, "{n},leaver{n}@example.test,{},,terminate", day(30)).unwrap();
    }
    let running = site.start().await;
    site.drop_file("leavers.csv", &rows);
    until("the first rows", async || {
        (site.count("SELECT count(*) FROM signal WHERE source = 'hr'").await > 0).then_some(())
    })
    .await;
    running.kill().await;
    let stored = site.count("SELECT count(*) FROM signal WHERE source = 'hr'").await;
    assert!(stored < ROWS, "{stored} rows before the kill are all");
    assert_eq!((files(&site, "hr"), files(&site, "hr/archive")), (1, 0), "not put away");

    let running = site.start().await;
    let said = site.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let left = ROWS - site.count("SELECT count(*) FROM signal WHERE source = 'hr'").await;
    assert!(left > 0, "the file was over before anything urgent could come");
    assert!(Holdings::of(site.chat(), "user01").is_out());
    until("the archive", async || (files(&site, "hr/archive") == 1).then_some(())).await;
    for (sql, wanted) in [
        ("SELECT count(*) FROM signal WHERE source = 'hr'", ROWS),
        ("SELECT count(DISTINCT subject_ref) FROM signal WHERE source = 'hr'", ROWS),
        ("SELECT count(*) FROM cases WHERE source = 'hr' AND state = 'held'", ROWS),
        ("SELECT count(*) FROM departure WHERE state = 'held'", ROWS),
        ("SELECT count(*) FROM hold WHERE state = 'open'", 1),
        ("SELECT count(*) FROM batch WHERE unfinished = 0", 1),
        ("SELECT count(*) FROM batch", 1),
    ] {
        assert_eq!(site.count(sql).await, wanted, "{sql}");
    }
    running.stop().await;
    let verified = site.says(&["trail", "verify"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
}

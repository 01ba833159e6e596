//! `/readyz`, and systemd's watchdog: what those are told who look whether the daemon is well.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::{Instant, timeout};

use super::{BOUND, DaemonProcess, Installation, InstallationPlan, until};

/// Whether it is ready, and the reasons where it is not.
async fn readiness(running: &DaemonProcess) -> (u16, String) {
    let answer = running.http.get(running.url("/readyz")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_not_ready() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    // Everything is folded back into the file once it is idle; then the log holds nothing that would be read in its place.
    until("the log to be folded back", async || {
        let mut conn = site.sql().await;
        let row: (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        (row.0 == 0 && row.1 == row.2).then_some(())
    })
    .await;
    assert_eq!(readiness(&running).await.0, 200);
    let file = std::fs::OpenOptions::new().write(true).open(site.store()).unwrap();
    file.set_len(4096).unwrap();
    let (status, reasons) = readiness(&running).await;
    assert!(
        status == 503 && reasons.contains("the store cannot be read"),
        "{status} {reasons}"
    );
    let alive = running.http.get(running.url("/livez")).send().await.unwrap();
    assert_eq!(alive.status(), 200);
}

#[tokio::test]
async fn a_lock_of_another_program_keeps_no_ping_back_and_alerts_once_it_is_let_go() {
    let site = Installation::new(InstallationPlan::default()).await;
    let socket = UnixDatagram::bind(site.path("notify")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
    let mut command = site.command(&["run"]);
    command
        .env("NOTIFY_SOCKET", site.path("notify"))
        .env("WATCHDOG_USEC", "1500000");
    let running = site.start_by(command).await;
    let ping = async || {
        let mut buffer = [0; 256];
        loop {
            let length = timeout(BOUND, socket.recv(&mut buffer)).await.expect("no ping").unwrap();
            if buffer[..length].starts_with(b"WATCHDOG=1") {
                return Instant::now();
            }
        }
    };
    ping().await;
    let mut other = site.sql().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let locked = Instant::now();
    let (mut last, mut longest) = (locked, Duration::ZERO);
    // Longer than a mutation waits for the lock, and than the alert takes to be due.
    while locked.elapsed() < Duration::from_secs(8) {
        let at = ping().await;
        longest = longest.max(at - last);
        last = at;
    }
    // A ping every half second; the limit was that of a mutation, five seconds and more.
    assert!(longest < Duration::from_secs(4), "{longest:?} without a ping");
    let (status, reasons) = readiness(&running).await;
    assert!(status == 503 && reasons.contains("cannot be written"), "{status} {reasons}");
    assert!(site.log().contains("another program holds the store's write lock"));
    lock.rollback().await.unwrap();
    until("the alert", async || {
        (site.all_alerts().await == ["store_locked"]).then_some(())
    })
    .await;
    until("readiness", async || (readiness(&running).await.0 == 200).then_some(())).await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
}

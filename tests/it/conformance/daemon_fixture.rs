//! One daemon with every kind of source that is pushed to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use sqlx::Row as _;

use super::raw_http::{Answer, Call, answer};
use super::row::{Row, Sender};
use super::rows::PUSHED;
use crate::harness::{DaemonProcess, Installation, InstallationPlan};

/// An installation, its senders, and its daemon.
pub(super) struct DaemonFixture {
    pub(super) site: Installation,
    running: Option<DaemonProcess>,
    senders: BTreeMap<&'static str, Box<dyn Sender>>,
}

impl DaemonFixture {
    pub(super) async fn new() -> Self {
        Self::with(InstallationPlan::default()).await
    }

    /// One whose daemon is to be like `plan`.
    pub(super) async fn with(plan: InstallationPlan) -> Self {
        let tables: Vec<String> = PUSHED.iter().map(|row| row.table(Path::new("{folder}"))).collect();
        // The limits are other tests' matter.
        let more = format!("{}\n{}", tables.join("\n"), plan.more).leak();
        let policy =
            "compromises_per_minute = \"unlimited\"\ndepartures_per_hour = \"unlimited\"\ndepartures_per_delivery = \"unlimited\"";
        // What is sent here says for whom it is passed on.
        let listen = format!("proxies = [\"127.0.0.1\"]\n{}", plan.listen).leak();
        let site = Installation::new(InstallationPlan {
            listen,
            policy,
            more,
            ..plan
        })
        .await;
        let senders = PUSHED.iter().map(|row| (row.kind, (row.sender)(&site.path(".")))).collect();
        let running = Some(site.start().await);
        Self { site, running, senders }
    }

    /// Ends the daemon as a power cut would.
    pub(super) async fn kill(&mut self) {
        self.running.take().expect("it runs").kill().await;
    }

    /// Starts the daemon again.
    pub(super) async fn start(&mut self) {
        self.running = Some(self.site.start().await);
    }

    pub(super) fn running(&self) -> &DaemonProcess {
        self.running.as_ref().expect("it runs")
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.running().address
    }

    pub(super) fn sender(&self, row: &Row) -> &dyn Sender {
        &*self.senders[row.kind]
    }

    /// Sends, and gives the answer.
    pub(super) async fn answer(&self, call: &Call) -> Answer {
        answer(self.address(), call).await
    }

    /// A delivery that is to be taken, after everything that it needs.
    pub(super) async fn prepared(&self, row: &Row, key: &str, person: &str) -> Call {
        let sender = self.sender(row);
        for call in sender.before(key, person) {
            let answer = self.answer(&call).await;
            assert!(answer.is_yes(), "{}: {call:?}: {answer:?}", row.kind);
            sender.heard(key, &answer);
        }
        sender.sound(key, person)
    }

    /// The signals that are stored of a kind.
    pub(super) async fn signals(&self, row: &Row) -> i64 {
        self.number("SELECT count(*) FROM signal WHERE source = ?", row.kind).await
    }

    /// The cases that a kind has led to.
    pub(super) async fn cases(&self, row: &Row) -> i64 {
        self.number(
            "SELECT count(DISTINCT case_id) FROM signal WHERE source = ? AND case_id IS NOT NULL",
            row.kind,
        )
        .await
    }

    async fn number(&self, sql: &'static str, source: &str) -> i64 {
        let mut conn = self.site.sql().await;
        sqlx::query(sql).bind(source).fetch_one(&mut conn).await.unwrap().get(0)
    }

    /// The kinds of the open alerts. That a stream cannot be read which no test here makes is noticed after a while, and is not among them.
    pub(super) async fn alerts(&self) -> Vec<String> {
        let mut alerts = self.site.alerts().await;
        alerts.retain(|kind| kind != "source_unreadable");
        alerts
    }

    /// The trail's entries of a kind about a source, in order.
    pub(super) async fn entries(&self, row: &Row, kind: &str) -> Vec<Value> {
        let mut conn = self.site.sql().await;
        let rows = sqlx::query("SELECT body FROM trail WHERE body ->> 'kind' = ? AND body ->> 'actor' = ? ORDER BY seq")
            .bind(kind)
            .bind(format!("source:{}", row.kind))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }
}

//! How long an answer may take, while a target that is asked for it says nothing. The clock is the test's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use revoked::clock::Clock;
use revoked::config::ConsoleSettings;
use revoked::console::{self, Console, Installation as Around, Listeners};
use revoked::model::{Goals, Subject, Timestamp};
use revoked::policy::{CurrentPolicy, Policy};
use revoked::store::{Role as OpenedAs, Store};
use revoked::worker::{AsksReactivation, Reactivation};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::harness::{Installation, InstallationPlan};

/// A target that is asked and never answers.
struct Silent(Arc<Notify>);

#[async_trait]
impl AsksReactivation for Silent {
    async fn reactivations(
        &self,
        _: &str,
        _: &BTreeMap<String, Timestamp>,
    ) -> anyhow::Result<Vec<Option<(Reactivation, Vec<Subject>)>>> {
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn what_only_reads_is_answered_within_ten_seconds_and_what_changes_something_within_thirty() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let said = site.revoke("username:user04", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    running.stop().await;
    let store = Store::open(&site.store(), OpenedAs::Daemon, Clock::system()).await.unwrap();
    std::fs::create_dir(site.path("sockets")).unwrap();
    let settings = ConsoleSettings {
        sockets: Some(site.path("sockets")),
        ..ConsoleSettings::default()
    };
    let (asked, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let around = Around {
        goals: Goals::default(),
        policy: CurrentPolicy::from(Arc::new(Policy::standard(&["chat"]))),
        targets: vec!["chat".to_owned()],
        proxies: Vec::new(),
        anchors: Vec::new(),
        receivers: Vec::new(),
        commands: None,
        reactivations: Box::new(Silent(Arc::clone(&asked))),
    };
    let console = Console::new(store.clone(), settings, around, stop.clone());
    let listeners = Listeners::open(&console).await.unwrap();
    let serving = tokio::spawn(console::serve(listeners, console));

    let body = r#"{"set":"0123456789abcdef","note":"a mistake"}"#;
    let post = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for (request, seconds) in [("GET", 10), ("POST", 30)] {
        let mut stream = UnixStream::connect(site.path("sockets/admin.sock")).await.unwrap();
        let begun = Instant::now();
        let rest = if request == "POST" { post.as_str() } else { "\r\n" };
        let text = format!("{request} /api/v1/cases/1/release HTTP/1.1\r\nHost: revoked\r\nConnection: close\r\n{rest}");
        stream.write_all(text.as_bytes()).await.unwrap();
        asked.notified().await;
        // Nothing is left to do but to wait, so the clock runs ahead to whatever is waited for.
        tokio::time::pause();
        let paused = Instant::now();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (took, by_clock) = (begun.elapsed(), paused.elapsed());
        tokio::time::resume();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{request}: {answer}");
        assert!(answer.contains("the daemon was too busy to answer in time"), "{answer}");
        // What was done before the clock was the test's took as long as it took. Timers are exact to a millisecond.
        let wanted = Duration::from_secs(seconds);
        assert!(
            took >= wanted && by_clock <= wanted + Duration::from_millis(2),
            "{request}: {took:?}, {by_clock:?} of them by the test's clock"
        );
    }
    stop.cancel();
    serving.await.unwrap();
    store.close().await;
}

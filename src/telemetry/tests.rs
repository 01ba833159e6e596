//! Log lines from the macro to the bytes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;

use super::line::Form;
use super::log_queue::LogSink;
use super::{filter, lines};
use crate::clock::Clock;
use crate::model::Timestamp;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `say` logs, in that form.
fn logged(form: Form, say: impl FnOnce()) -> String {
    let paper = Paper::default();
    let clock = Clock::fixed(Timestamp::from_ms(1_764_000_000_120));
    let lines = lines(form, LogSink::Writer(Box::new(paper.clone())), &clock).unwrap();
    let queue = lines.queue.clone();
    let subscriber = tracing_subscriber::registry().with(filter(None, "info").0).with(lines);
    tracing::subscriber::with_default(subscriber, say);
    queue.close(Duration::from_secs(20));
    String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
}

fn revoking() {
    let span = tracing::info_span!("job", job.id = 7, target = "chat", attempt = tracing::field::Empty);
    let _inside = span.enter();
    span.record("attempt", 2);
    tracing::debug!("not asked for");
    let cause = io::Error::other("connection reset");
    let error = anyhow::Error::from(cause).context("listing the sessions");
    tracing::warn!(
        after.ms = 12.5,
        wait.ms = Duration::from_secs(2).as_millis(),
        error = AsRef::<dyn std::error::Error>::as_ref(&error),
        ok = false,
        "the target is away"
    );
}

#[test]
fn a_human_line_has_time_level_message_fields_and_module() {
    insta::assert_snapshot!(logged(Form::Human, revoking), @r#"2025-11-24T16:00:00.120Z  WARN the target is away after.ms=12.5 wait.ms=2000 error="listing the sessions: connection reset" ok=false job.id=7 target=chat attempt=2 [revoked::telemetry::tests]"#);
}

#[test]
fn a_json_line_is_one_object() {
    let text = logged(Form::Json, revoking);
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        line,
        serde_json::json!({
            "at": "2025-11-24T16:00:00.120Z",
            "level": "WARN",
            "message": "the target is away",
            "module": "revoked::telemetry::tests",
            "fields": {"after.ms": 12.5, "wait.ms": 2000, "error": "listing the sessions: connection reset", "ok": false},
            "spans": [{"name": "job", "job.id": 7, "target": "chat", "attempt": 2}],
        })
    );
}

#[test]
fn a_journal_entry_has_a_field_for_each_field() {
    let entry = logged(Form::Journal, revoking);
    for field in [
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=revoked",
        "REVOKED_JOB_ID=7",
        "REVOKED_TARGET=chat",
        "REVOKED_ERROR=listing the sessions: connection reset",
    ] {
        assert!(entry.lines().any(|line| line == field), "{field} in {entry}");
    }
    assert!(entry.starts_with("MESSAGE=the target is away after.ms=12.5 "));
}

#[test]
fn text_from_outside_cannot_forge_a_line_in_any_form() {
    let evil = "x\n2025-11-24T16:00:00.120Z ERROR forged\u{1b}[2J\u{202e}\nMESSAGE=forged";
    for form in [Form::Human, Form::Json, Form::Journal] {
        let honest = logged(form, || tracing::info!(subject = "x", "{}", "y"));
        let text = logged(form, || tracing::info!(subject = evil, subject.debug = ?evil, "{evil}"));
        let more = usize::from(form == Form::Journal);
        assert_eq!(text.lines().count(), honest.lines().count() + more, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

#[test]
fn a_long_value_is_cut_and_a_long_message_later() {
    let text = logged(Form::Human, || {
        tracing::info!(value = "#".repeat(10_000), "{}", "@".repeat(10_000));
    });
    assert_eq!(text.matches('#').count(), 256);
    assert_eq!(text.matches('@').count(), 1024);
}

#[test]
fn a_filter_that_cannot_be_read_is_reported_and_the_default_holds() {
    let (kept, complaint) = filter(Some("revoked=loud"), "info");
    assert!(complaint.is_some());
    assert!(kept.to_string().ends_with("info"), "{kept}");
    let (kept, complaint) = filter(Some("debug"), "info");
    assert!(complaint.is_none());
    assert_eq!(kept.to_string(), "tokio_cron_scheduler=warn,debug");
    let (kept, _) = filter(Some("debug,tokio_cron_scheduler=trace"), "info");
    assert_eq!(kept.to_string(), "tokio_cron_scheduler=trace,debug", "asked for by name");
}

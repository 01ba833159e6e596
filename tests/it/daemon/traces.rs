//! Traces of cases: what a collector is sent, and that the work waits for none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use revoked::digest::{hex, sha256};
use serde_json::Value;
use sqlx::Row as _;
use tokio::time::Instant;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Installation, InstallationPlan};
use crate::harness::identity_provider::{self, Idp};
use crate::harness::until;
use crate::ports::Port;

async fn traced(collector: &str) -> Installation {
    let telemetry = format!(
        "[telemetry]\notlp = \"{collector}/otlp/\"\nauthorization = {{ file = \"{{folder}}/collector\" }}\n{}",
        identity_provider::SOURCE
    );
    let site = Installation::new(InstallationPlan {
        more: telemetry.leak(),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("collector", b"Basic Y29sbGVjdG9yOnNlY3JldA==\n");
    site
}

/// A collector that takes everything.
async fn collector() -> MockServer {
    let collector = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/otlp/v1/traces"))
        .and(header("authorization", "Basic Y29sbGVjdG9yOnNlY3JldA=="))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({})))
        .mount(&collector)
        .await;
    collector
}

/// What a collector was sent, whole and span by span.
async fn sent(collector: &MockServer) -> (String, Vec<Value>) {
    let requests = collector.received_requests().await.unwrap();
    let bodies: Vec<Value> = requests.iter().map(|request| request.body_json().unwrap()).collect();
    let of = |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    let text = requests
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned());
    (text.collect(), bodies.iter().flat_map(of).collect())
}

fn attribute<'s>(span: &'s Value, key: &str) -> &'s str {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == key);
    let value = &found.unwrap_or_else(|| panic!("{key} is missing in {span}"))["value"];
    value.as_object().unwrap().values().next().unwrap().as_str().unwrap()
}

#[tokio::test]
async fn a_case_is_one_trace_in_order_and_names_nobody() {
    let collector = collector().await;
    let site = traced(&collector.uri()).await;
    Idp::new(&site);
    let running = site.start().await;
    let said = site
        .revoke("username:user04", "compromised", &["--note", "seen by somebody"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let (text, spans) = until("the whole trace", async || {
        let (text, spans) = sent(&collector).await;
        spans.iter().any(|span| span["name"] == "case").then_some((text, spans))
    })
    .await;

    let trace = hex(&sha256(b"trace of case 1 of proof.example.test/trail/1")[..16]);
    let nanos = |span: &Value, which: &str| span[which].as_str().unwrap().parse::<u64>().unwrap();
    let (from, end) = (
        |span: &Value| nanos(span, "startTimeUnixNano"),
        |span: &Value| nanos(span, "endTimeUnixNano"),
    );
    let mut by_id = BTreeMap::new();
    for span in &spans {
        assert_eq!(span["traceId"], trace.as_str(), "{span}");
        assert!(from(span) <= end(span), "{span}");
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert!(
            by_id.insert(span["spanId"].as_str().unwrap(), span).is_none(),
            "twice: {span}"
        );
    }
    let named = |name: &str| -> Vec<&Value> { spans.iter().filter(|span| span["name"] == name).collect() };
    let above = |span: &Value| by_id[span["parentSpanId"].as_str().unwrap()]["name"].clone();
    let ([case], [signal], [attempt]) = (&named("case")[..], &named("signal")[..], &named("attempt")[..]) else {
        panic!("{spans:#?}")
    };
    assert!(case["parentSpanId"].is_null(), "{case}");
    assert_eq!((above(signal), above(attempt)), ("case".into(), "case".into()));
    assert_eq!(
        (attribute(case, "revoked.verdict"), attribute(case, "revoked.case")),
        ("contained", "1")
    );
    assert_eq!(attribute(signal, "revoked.source"), "inbox");
    assert_eq!(
        (attribute(attempt, "revoked.target"), attribute(attempt, "revoked.verdict")),
        ("chat", "contained")
    );
    assert!(attribute(case, "revoked.subject_ref").starts_with("s_"));
    let ([resolve], [look], [again]) = (&named("resolve")[..], &named("observe")[..], &named("observe again")[..]) else {
        panic!("{spans:#?}")
    };
    assert!(
        from(resolve) == from(attempt) && end(resolve) == from(look) && end(look) > 0,
        "{spans:#?}"
    );
    // What is planned after the look begins with its end, and ends with an intent.
    for plan in named("plan") {
        assert_eq!(above(plan), "attempt", "{plan}");
        assert_eq!(from(plan), end(look), "{plan}");
        assert!(named("act").iter().any(|act| from(act) == end(plan)), "{plan}");
    }
    let acts = named("act");
    let kinds: BTreeSet<&str> = acts.iter().map(|act| attribute(act, "revoked.action")).collect();
    assert!(kinds.contains("end_all_sessions") || kinds.contains("end"), "{kinds:?}");
    for act in &acts {
        assert_eq!(attribute(act, "revoked.outcome"), "done", "{act}");
        assert!(from(act) >= from(signal) && end(act) <= end(again), "{act}");
    }
    for part in acts.iter().chain([resolve, look, again]) {
        assert_eq!(above(part), "attempt", "{part}");
        assert!(end(part) <= end(attempt), "{part}");
    }
    assert!(from(case) <= from(signal) && end(signal) <= end(attempt) && end(attempt) <= end(case));

    let token = std::fs::read_to_string(site.path("chat-token")).unwrap();
    let account = "SELECT body ->> '$.detail.principal' FROM trail WHERE body ->> '$.kind' = 'job.settled'";
    let principal: String = sqlx::query(account).fetch_one(&mut site.sql().await).await.unwrap().get(0);
    assert!(principal.len() > 10, "{principal}");
    for secret in [
        "user04",
        "username",
        "example.test\"",
        "seen by somebody",
        "operator:",
        "Y29sbGV",
        token.trim(),
        &principal,
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let metrics = running.metrics().await;
    assert!(
        metrics.contains(&format!("revoked_spans_total{{outcome=\"sent\"}} {}", spans.len())),
        "{metrics}"
    );
    running.stop().await;
}

#[tokio::test]
async fn what_a_sender_counts_a_signal_to_is_told_unless_it_may_be_a_name_and_a_traceparent_is_a_link() {
    let collector = collector().await;
    let site = traced(&collector.uri()).await;
    let idp = Idp::new(&site);
    let running = site.start().await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (n, txn) in [
        (1_i64, Some(traceparent)),
        (2, Some("8675309")),
        (3, Some("ada.lovelace")),
        (4, None),
    ] {
        let mut claims = Idp::claims(&format!("jti-{n}"), &format!("user{n:02}@example.test"));
        if let Some(txn) = txn {
            claims["txn"] = txn.into();
        }
        let answer = running.push(&idp.sign(&claims)).await.unwrap();
        assert_eq!(answer.status(), 202);
        site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", n)
            .await;
    }
    let signals = until("the signals", async || {
        let (_, spans) = sent(&collector).await;
        let signals: Vec<Value> = spans.into_iter().filter(|span| span["name"] == "signal").collect();
        (signals.len() == 4).then_some(signals)
    })
    .await;
    let told = |n: usize, key: &str| {
        let mut attributes = signals[n - 1]["attributes"].as_array().unwrap().iter();
        let found = attributes.find(|attribute| attribute["key"] == key);
        found.map(|attribute| attribute["value"]["stringValue"].as_str().unwrap().to_owned())
    };
    let digest = hex(&sha256(b"ada.lovelace"));
    let wanted = [
        (Some(traceparent), None),
        (Some("8675309"), None),
        (None, Some(digest.as_str())),
        (None, None),
    ];
    for (n, wanted) in (1..).zip(wanted) {
        let said = (told(n, "revoked.txn"), told(n, "revoked.txn_sha256"));
        assert_eq!((said.0.as_deref(), said.1.as_deref()), wanted);
    }
    let link = serde_json::json!([{ "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7" }]);
    assert_eq!(signals[0]["links"], link);
    assert!(signals[1..].iter().all(|signal| signal["links"].is_null()), "{signals:#?}");
    let report = site.says(&["case", "report", "2"]).await.out;
    assert!(report.contains("in its transaction `8675309`"), "{report}");
    let trail = site.says(&["trail", "show", "--limit", "10000", "--json"]).await.out;
    assert!(trail.contains(&digest) && !trail.contains("ada.lovelace"), "{trail}");
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_hangs_or_is_down_delays_nothing() {
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let held = hangs.local_addr().unwrap();
    let down = Port::default();
    for collector in [held, down.address()] {
        let site = traced(&format!("http://{collector}")).await;
        Idp::new(&site);
        let running = site.start().await;
        let begun = Instant::now();
        for person in ["user01", "user02", "user03"] {
            let said = site.revoke(&format!("username:{person}"), "compromised", &[]).await;
            assert_eq!(said.code, 0, "{said:?}");
        }
        // It answers never, and would be waited for ten seconds each time.
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        if collector == held {
            until("a request to it", async || hangs.accept().await.ok().map(drop)).await;
        } else {
            until("what was dropped", async || {
                let metrics = running.metrics().await;
                metrics.contains("revoked_spans_total{outcome=\"dropped\"}").then_some(())
            })
            .await;
        }
        let begun = Instant::now();
        running.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}

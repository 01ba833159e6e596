//! Clients that nothing authenticates and that keep being refused: throttled where they are refused, one endpoint at a time, and never in the
//! place of those who prove who they are.

use std::time::Duration;

use revoked::api::Limits;
use tokio::io::AsyncWriteExt as _;

use super::{TestServer, delivery, delivery_with, forwarded, get, header, soon, status, until_closed};

/// Three refusals at once, and one more an hour.
fn patient() -> Limits {
    Limits {
        failures: 3,
        failure_recovery: Duration::from_hours(1),
        ..Limits::default()
    }
}

/// The same behind a proxy that is named, which tells clients apart.
fn behind_a_proxy() -> Limits {
    Limits {
        proxies: vec!["127.0.0.1".parse().unwrap()],
        ..patient()
    }
}

const GOOD: &str = "Authorization: mine\r\n";
const BAD: &str = "Authorization: another's\r\n";

#[tokio::test]
async fn a_client_that_keeps_being_refused_is_throttled_and_only_that_one() {
    let server = TestServer::start(behind_a_proxy()).await;
    let junk = delivery("refuse me");
    for _ in 0..3 {
        assert_eq!(status(&server.ask(forwarded("203.0.113.9", &junk)).await), 401);
    }
    let answer = server.ask(forwarded("203.0.113.9", &junk)).await;
    assert_eq!(status(&answer), 429, "{answer}");
    let wait: u64 = header(&answer, "retry-after").unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(
        status(&server.ask(forwarded("198.51.100.7", &junk)).await),
        401,
        "another client is told why"
    );
    assert_eq!(status(&server.ask(get("/livez")).await), 200, "health is never throttled");
}

#[tokio::test]
async fn who_proves_who_it_is_gets_in_while_others_are_throttled_at_its_endpoint() {
    // By way of this host, by way of a proxy that is named, and from its own address.
    for (limits, from) in [
        (patient(), None),
        (behind_a_proxy(), None),
        (behind_a_proxy(), Some("203.0.113.9")),
    ] {
        let server = TestServer::start(limits).await;
        let sent = |request: String| from.map_or(request.clone(), |from| forwarded(from, &request));
        for _ in 0..30 {
            server.ask(sent(delivery("refuse me"))).await;
            server.ask(sent(delivery_with(BAD, "x"))).await;
        }
        assert_eq!(status(&server.ask(sent(delivery_with(BAD, "x"))).await), 429);
        let before = server.delivered();
        for body in ["x", "signed token"] {
            let answer = server.ask(sent(delivery_with(GOOD, body))).await;
            assert_eq!(status(&answer), 202, "by its header, from {from:?}: {answer}");
        }
        // Nothing in its header proves it: it must be looked at.
        assert_eq!(status(&server.ask(sent(delivery("signed token"))).await), 202);
        assert_eq!(server.delivered(), before + 3);
    }
}

#[tokio::test]
async fn junk_at_one_endpoint_is_no_matter_of_another() {
    let server = TestServer::start(patient()).await;
    for _ in 0..20 {
        server.ask(delivery("refuse me")).await;
    }
    let at_siem = delivery("refuse me").replace("/signals/idp", "/signals/siem");
    assert_eq!(status(&server.ask(at_siem).await), 401, "it is told why");
    assert_eq!(server.fakes.throttling.lock().unwrap().clone(), ["idp closed"]);
}

#[tokio::test]
async fn what_a_proven_sender_gets_wrong_is_never_counted() {
    let server = TestServer::start(patient()).await;
    let wrong = [
        (delivery("signed nonsense"), 400),
        (delivery_with("Content-Encoding: gzip\r\n", "signed"), 415),
        (delivery_with(&format!("{GOOD}Content-Encoding: gzip\r\n"), "x"), 415),
        (delivery_with(GOOD, "refuse me"), 401),
        (delivery_with(GOOD, &"x".repeat(2000)), 413),
        (delivery_with(GOOD, "x").replace("POST", "PUT"), 405),
    ];
    for _ in 0..10 {
        for (request, expected) in &wrong {
            let answer = server.ask(request).await;
            assert_eq!(status(&answer), *expected, "{request:?}: {answer}");
        }
    }
    assert_eq!(status(&server.ask(delivery("refuse me")).await), 401);
    assert!(server.fakes.throttling.lock().unwrap().is_empty());
    assert_eq!(server.fakes.counted.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn deliveries_that_are_taken_are_never_throttled() {
    let server = TestServer::start(Limits {
        failures: 1,
        ..Limits::default()
    })
    .await;
    for _ in 0..20 {
        assert_eq!(status(&server.ask(delivery("x")).await), 202);
    }
}

#[tokio::test]
async fn who_is_throttled_leaves_a_count_and_no_record() {
    let server = TestServer::start(patient()).await;
    for _ in 0..50 {
        server.ask(delivery_with(BAD, "x")).await;
    }
    assert_eq!(server.fakes.refused_early.lock().unwrap().len(), 3);
    assert_eq!(server.fakes.counted.load(std::sync::atomic::Ordering::SeqCst), 47);
    assert_eq!(server.delivered(), 0);
}

#[tokio::test]
async fn a_wrong_credential_in_the_header_is_refused_before_the_body_is_sent() {
    let server = TestServer::start(Limits::default()).await;
    for more in ["", "Expect: 100-continue\r\n"] {
        let mut stream = server.connect().await;
        let head = format!("POST /signals/bulk HTTP/1.1\r\nHost: x\r\n{BAD}{more}Content-Length: 1000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        soon(tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start))
            .await
            .unwrap();
        assert_eq!(&start, b"HTTP/1.1 401", "{more}");
    }
    assert_eq!(server.delivered(), 0);
}

#[tokio::test]
async fn a_sender_that_writes_all_before_it_reads_sees_why_it_is_refused() {
    let server = TestServer::start(Limits::default()).await;
    let whole = delivery_with(BAD, &"x".repeat(900_000)).replace("/signals/idp", "/signals/bulk");
    let answer = server.ask(whole).await;
    assert_eq!(status(&answer), 401, "{answer}");
    // The same connection may go on with a good one.
    let mut stream = server.connect().await;
    let first = delivery_with(BAD, &"x".repeat(100_000)).replace("Connection: close\r\n", "");
    stream.write_all(first.as_bytes()).await.unwrap();
    stream.write_all(delivery_with(GOOD, "x").as_bytes()).await.unwrap();
    let answers = until_closed(&mut stream).await;
    assert!(
        answers.starts_with("HTTP/1.1 401") && answers.contains("HTTP/1.1 202"),
        "{answers}"
    );
}

#[tokio::test]
async fn an_endpoint_that_throttled_is_released_once_it_is_quiet() {
    let server = TestServer::start(Limits {
        failures: 2,
        failure_recovery: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    soon(async { while status(&server.ask(delivery("refuse me")).await) != 429 {} }).await;
    let told = || server.fakes.throttling.lock().unwrap().clone();
    soon(async {
        while told().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(told(), ["idp closed", "idp opened"]);
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_tried_a_few_times_and_throttled_endpoints_are_none_of_them() {
    let server = TestServer::start(behind_a_proxy()).await;
    for expected in [404, 404, 404, 429] {
        let answer = server.ask(forwarded("203.0.113.9", &get("/signals/nobody"))).await;
        assert_eq!(status(&answer), expected, "{answer}");
    }
    assert_eq!(status(&server.ask(forwarded("203.0.113.9", &delivery("x"))).await), 202);
    assert!(server.fakes.throttling.lock().unwrap().is_empty());
    for _ in 0..10 {
        assert_eq!(status(&server.ask(get("/nowhere")).await), 404, "the proxy itself is many");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_named_is_told_of() {
    let server = TestServer::start(Limits::default()).await;
    server.ask(delivery("x")).await;
    assert!(server.fakes.forwarders.lock().unwrap().is_empty());
    for line in ["X-Forwarded-For: 203.0.113.9\r\n", "Forwarded: for=203.0.113.9\r\n"] {
        server.ask(delivery_with(line, "x")).await;
    }
    let own: std::net::IpAddr = "127.0.0.1".parse().unwrap();
    soon(async {
        while server.fakes.forwarders.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(server.fakes.forwarders.lock().unwrap().clone(), [own, own]);

    let named = TestServer::start(behind_a_proxy()).await;
    named.ask(forwarded("203.0.113.9", &delivery("x"))).await;
    named.ask(delivery("x")).await;
    assert!(named.fakes.forwarders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn behind_a_proxy_the_client_is_whom_it_names() {
    let server = TestServer::start(behind_a_proxy()).await;
    let who = server.ask(forwarded("198.51.100.7", &delivery("who"))).await;
    assert!(super::body(&who).starts_with("198.51.100.7 "), "{who}");
}

//! The endpoints: what each answers, and how it refuses.

use revoked::api::Limits;
use tokio::io::AsyncWriteExt as _;

use super::{SHORT, TestServer, ask, body, delivery, delivery_with, get, header, status};

fn json(answer: &str) -> serde_json::Value {
    serde_json::from_str(body(answer)).unwrap()
}

#[tokio::test]
async fn a_delivery_reaches_its_source_and_its_answer_comes_back_as_it_is() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(delivery("a token")).await;
    assert_eq!((status(&answer), body(&answer)), (202, "idp took 7 bytes\n"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_nosniff() {
    let server = TestServer::start(Limits::default()).await;
    for request in [
        get("/livez"),
        get("/nowhere"),
        delivery("x"),
        delivery("refuse me"),
        delivery("panic"),
    ] {
        let answer = server.ask(request).await;
        let id = header(&answer, "x-request-id").unwrap();
        assert_eq!(id.len(), 36, "{answer}");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{answer}");
    }
}

#[tokio::test]
async fn the_intake_is_told_the_request_id_of_the_answer_and_the_peer() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(delivery("who")).await;
    assert_eq!(
        body(&answer),
        format!("127.0.0.1 {}", header(&answer, "x-request-id").unwrap())
    );
}

#[tokio::test]
async fn a_sender_cannot_choose_its_request_id() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server
        .ask("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: mine\r\n\r\n")
        .await;
    assert_ne!(header(&answer, "x-request-id"), Some("mine"));
}

#[tokio::test]
async fn an_unknown_path_and_an_unknown_source_get_the_same_404() {
    let server = TestServer::start(Limits::default()).await;
    let mut answers = Vec::new();
    for path in [
        "/",
        "/nowhere",
        "/signals/",
        "/signals/nobody",
        "/signals/%ff",
        "/signals/idp/deeper",
    ] {
        let answer = server.ask(get(path)).await;
        assert_eq!(status(&answer), 404, "{path}: {answer}");
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
        let mut problem = json(&answer);
        assert_eq!(problem["request_id"], header(&answer, "x-request-id").unwrap());
        problem["request_id"].take();
        answers.push(problem);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn another_method_is_405_with_the_methods_taken() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(get("/signals/idp")).await;
    assert_eq!((status(&answer), header(&answer, "allow")), (405, Some("POST")));
    let answer = server
        .ask("DELETE /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 405);
    assert_eq!(
        header(&answer, "allow").map(|allow| allow.replace(' ', "")),
        Some("GET,HEAD".to_owned())
    );
    assert_eq!(json(&answer)["title"], "Method Not Allowed");
}

#[tokio::test]
async fn a_body_over_the_sources_cap_is_413_and_not_delivered() {
    let server = TestServer::start(Limits::default()).await;
    let fits = server.ask(delivery(&"x".repeat(1024))).await;
    assert_eq!(status(&fits), 202);
    for size in [1025, 100_000] {
        let answer = server.ask(delivery(&"x".repeat(size))).await;
        assert_eq!(
            (status(&answer), json(&answer)["status"].as_u64()),
            (413, Some(413)),
            "{answer}"
        );
    }
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 2000, "x".repeat(2000));
    let chunked =
        format!("POST /signals/idp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(status(&server.ask(chunked).await), 413);
    assert_eq!(server.delivered(), 1);
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_413_before_its_body_is_sent() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server
        .ask("POST /signals/idp HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 413, "{answer}");
}

#[tokio::test]
async fn an_encoded_body_is_415() {
    let server = TestServer::start(Limits::default()).await;
    for (coding, expected) in [("gzip", 415), ("identity, br", 415), ("identity", 202)] {
        let answer = server
            .ask(format!(
                "POST /signals/idp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {coding}\r\nContent-Length: 1\r\n\r\nx"
            ))
            .await;
        assert_eq!(status(&answer), expected, "{coding}: {answer}");
    }
    assert_eq!(server.delivered(), 1);
}

#[tokio::test]
async fn a_broken_body_is_400_and_not_delivered() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server
        .ask("POST /signals/idp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n")
        .await;
    assert_eq!(status(&answer), 400, "{answer}");
    assert_eq!(server.delivered(), 0);
}

#[tokio::test]
async fn what_is_refused_before_the_endpoint_of_a_source_is_recorded() {
    let server = TestServer::start(Limits::default()).await;
    let head = |more: &str| delivery_with(more, "x");
    for (request, expected) in [
        (get("/signals/idp"), 405),
        (delivery(&"x".repeat(2000)), 413),
        (head("Content-Encoding: gzip\r\n"), 415),
        (head("Content-Encoding: gzip\r\nAuthorization: mine\r\n"), 415),
        (head("Authorization: not mine\r\n"), 401),
        (head("Content-Type: a/b\r\nContent-Type: a/b\r\n"), 400),
        (head("Authorization: a\r\nAuthorization: b\r\n"), 400),
        (
            "POST /signals/idp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n".to_owned(),
            400,
        ),
        (get("/signals/nobody"), 404),
    ] {
        let answer = server.ask(request).await;
        assert_eq!(status(&answer), expected, "{answer}");
    }
    let recorded = server.fakes.refused_early.lock().unwrap().clone();
    let codes: Vec<&str> = recorded.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "idp method_not_allowed",
            "idp too_large",
            "idp content_encoding",
            "idp content_encoding",
            "idp invalid_token",
            "idp header_twice",
            "idp header_twice",
            "idp body_broken"
        ]
    );
    assert_eq!(server.delivered(), 0);
}

#[tokio::test]
async fn garbage_is_400() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").await;
    assert_eq!(status(&answer), 400, "{answer}");
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing_of_it() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(delivery("panic")).await;
    assert_eq!(status(&answer), 500);
    assert!(!answer.contains("asked to"), "{answer}");
    assert_eq!(status(&server.ask(delivery("x")).await), 202);
}

#[tokio::test]
async fn a_delivery_that_is_not_stored_in_time_is_503() {
    let server = TestServer::start(Limits {
        answer: SHORT,
        ..Limits::default()
    })
    .await;
    let answer = server.ask(delivery("wait")).await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert_eq!(header(&answer, "retry-after"), Some("10"));
    server.open_gate(1);
    server.finished().await;
}

#[tokio::test]
async fn readiness_is_200_or_503_with_its_reasons() {
    let ready = TestServer::start(Limits::default()).await.ask(get("/readyz")).await;
    assert_eq!((status(&ready), json(&ready)["ready"].as_bool()), (200, Some(true)));
    let server = TestServer::start_unready(Limits::default(), &["the disk is full"]).await;
    let unready = server.ask(get("/readyz")).await;
    assert_eq!(status(&unready), 503);
    assert_eq!(json(&unready)["reasons"][0], "the disk is full");
    assert_eq!(status(&server.ask(get("/livez")).await), 200, "living is not being ready");
}

#[tokio::test]
async fn metrics_are_prometheus_text_with_fresh_gauges() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server.ask(get("/metrics")).await;
    assert_eq!(
        header(&answer, "content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        body(&answer).contains("# TYPE revoked_ledger_entries gauge\nrevoked_ledger_entries 7\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn one_connection_carries_several_requests() {
    let server = TestServer::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answers = ask(&mut stream, get("/readyz")).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

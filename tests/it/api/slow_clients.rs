//! Slow clients (slowloris) that would hold a connection for ever, each in its own way.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Limits, SHORT, TestServer, body, delivery, get, header, soon, status, until_closed};

fn impatient() -> Limits {
    Limits {
        header: SHORT,
        body: SHORT,
        write: SHORT,
        ..Limits::default()
    }
}

/// Sends `drops` one by one, over and over, until the server closes; what it sent meanwhile.
async fn trickle(mut stream: TcpStream, start: &str, drop: &str) -> String {
    soon(stream.write_all(start.as_bytes())).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut pace = tokio::time::interval(SHORT / 8);
    let mut answer = Vec::new();
    soon(async {
        loop {
            tokio::select! {
                ended = reader.read_buf(&mut answer) => if matches!(ended, Ok(0) | Err(_)) { break },
                _ = pace.tick() => if writer.write_all(drop.as_bytes()).await.is_err() { break },
            }
        }
    })
    .await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let server = TestServer::start(impatient()).await;
    assert_eq!(until_closed(&mut server.connect().await).await, "");
}

#[tokio::test]
async fn half_a_header_is_closed() {
    let server = TestServer::start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost:").await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(matches!(status(&answer), 0 | 408), "{answer}");
}

#[tokio::test]
async fn a_header_line_at_a_time_is_closed() {
    let server = TestServer::start(impatient()).await;
    let answer = trickle(server.connect().await, "GET /livez HTTP/1.1\r\n", "X-More: 1\r\n").await;
    assert!(matches!(status(&answer), 0 | 408), "{answer}");
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408_and_closed() {
    let server = TestServer::start(impatient()).await;
    let start = "POST /signals/idp HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    let answer = trickle(server.connect().await, start, "x").await;
    assert_eq!(status(&answer), 408, "{answer}");
    assert_eq!(server.delivered(), 0);
}

#[tokio::test]
async fn an_idle_client_is_closed_after_its_answer() {
    let server = TestServer::start(impatient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(status(&until_closed(&mut stream).await), 200);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut() {
    let server = TestServer::start(impatient()).await;
    let mut stream = server.connect().await;
    // Asks for more answers than the buffers between us hold, and takes none; once the server gives up, writing fails.
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    soon(async { while stream.write_all(request).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_header_of_40_kb_is_431() {
    let server = TestServer::start(Limits::default()).await;
    let request = format!("GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(40_000));
    let answer = server.ask(request).await;
    // The server need not read on to the end; a reset may overtake its answer, but never a 200.
    assert!(matches!(status(&answer), 0 | 431), "{answer}");
}

#[tokio::test]
async fn a_header_just_over_the_limit_is_431() {
    let server = TestServer::start(Limits::default()).await;
    // All of it fits what the server reads, so nothing is left unread and the answer cannot be lost.
    let line = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ";
    let answer = server.ask(format!("{line}{}", "x".repeat((16 << 10) - line.len()))).await;
    assert_eq!(status(&answer), 431, "{answer}");
}

#[tokio::test]
async fn ninety_header_fields_are_431() {
    let server = TestServer::start(Limits::default()).await;
    let answer = server
        .ask(format!(
            "GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n",
            "X-More: 1\r\n".repeat(90)
        ))
        .await;
    assert_eq!(status(&answer), 431, "{answer}");
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = TestServer::start(impatient()).await;
    for preface in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HT"] {
        let answer = server.ask(preface).await;
        assert!(matches!(status(&answer), 0 | 400 | 408 | 505), "{answer}");
        assert!(!answer.contains("200 OK"));
    }
}

#[tokio::test]
async fn slow_clients_do_not_hold_up_another() {
    let server = TestServer::start(Limits::default()).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"POST /signals/idp HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
            .await
            .unwrap();
        slow.push(stream);
    }
    let answer = server.ask(delivery("a token")).await;
    assert_eq!((status(&answer), body(&answer)), (202, "idp took 7 bytes\n"));
    // None of the slow ones was closed to make room: the rest of each body still gets its answer.
    for mut stream in slow {
        stream.write_all(b"xxxxxxxx").await.unwrap();
        let mut start = [0; 12];
        soon(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 202");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_costs_nobody_else_an_answer() {
    let server = TestServer::start(Limits::default()).await;
    for _ in 0..20 {
        let mut stream = server.connect().await;
        stream.write_all(get("/metrics").as_bytes()).await.unwrap();
        stream.set_zero_linger().unwrap();
        drop(stream);
    }
    let answer = server.ask(get("/livez")).await;
    assert_eq!(status(&answer), 200);
    assert!(header(&answer, "x-request-id").is_some());
}

#[tokio::test]
async fn a_delivery_whose_sender_hangs_up_is_finished() {
    let server = TestServer::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    server.arrived(1).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    // The server has noticed by the time it has served others.
    for _ in 0..3 {
        assert_eq!(status(&server.ask(delivery("x")).await), 202);
    }
    server.open_gate(1);
    server.finished().await;
}

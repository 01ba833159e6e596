//! The connection limit is reached: who waits for its client is evicted for whoever comes, and memory has a bound for all bodies together.

use revoked::api::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{TestServer, body, delivery, delivery_with, get, soon, status, until_closed};

/// So many connections at once, and no more than a mebibyte of bodies.
fn few(connections: usize) -> Limits {
    Limits {
        connections,
        body_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// The ways to sit on a connection and send no request.
const SILENCES: [&str; 3] = [
    "",
    "POST /signals/idp HTTP/1.1\r\nHost:",
    "POST /signals/idp HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx",
];

async fn silent(server: &TestServer, from: &str, start: &str) -> TcpStream {
    let mut stream = server.connect_from(from).await;
    stream.write_all(start.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn clients_that_send_nothing_whole_are_evicted_for_whoever_does() {
    for start in SILENCES {
        let server = TestServer::start(few(8)).await;
        let mut crowd = Vec::new();
        for n in 0..40 {
            crowd.push(silent(&server, &format!("127.0.1.{}", n + 1), start).await);
        }
        let answer = server.ask(delivery("a token")).await;
        assert_eq!((status(&answer), body(&answer)), (202, "idp took 7 bytes\n"), "{start:?}");
        // The oldest went first, and may have heard why.
        let last = until_closed(&mut crowd[0]).await;
        assert!(matches!(status(&last), 0 | 503), "{start:?}: {last}");
    }
}

#[tokio::test]
async fn who_is_worked_on_or_has_proved_who_it_is_keeps_its_connection() {
    let server = TestServer::start(few(3)).await;
    let mut worked_on = server.connect().await;
    worked_on.write_all(delivery("wait").as_bytes()).await.unwrap();
    server.arrived(1).await;
    let mut proven = server.connect().await;
    let whole = delivery_with("Authorization: mine\r\n", "a slow token");
    let (first, rest) = whole.split_at(whole.len() - 5);
    proven.write_all(first.as_bytes()).await.unwrap();
    // Its header is read by the time others were served.
    for _ in 0..3 {
        assert_eq!(status(&server.ask(get("/livez")).await), 200);
    }
    let mut crowd = Vec::new();
    for _ in 0..30 {
        crowd.push(silent(&server, "127.0.0.9", "").await);
    }
    assert_eq!(status(&server.ask(delivery("x")).await), 202);
    proven.write_all(rest.as_bytes()).await.unwrap();
    assert_eq!(body(&until_closed(&mut proven).await), "idp took 12 bytes\n");
    server.open_gate(1);
    assert_eq!(body(&until_closed(&mut worked_on).await), "waited\n");
}

#[tokio::test]
async fn an_idle_connection_goes_after_its_answer_and_only_where_there_is_need() {
    let server = TestServer::start(few(2)).await;
    let mut idle = server.connect().await;
    let ask_on = |stream: TcpStream| async move {
        let mut stream = stream;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut start = [0; 12];
        soon(stream.read_exact(&mut start)).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        stream
    };
    idle = ask_on(idle).await;
    assert_eq!(status(&server.ask(get("/livez")).await), 200);
    let second = ask_on(server.connect().await).await;
    let third = ask_on(server.connect().await).await;
    assert!(until_closed(&mut idle).await.ends_with("ok\n"), "the oldest made room");
    drop((second, third));
}

#[tokio::test]
async fn bodies_that_are_not_whole_make_room_for_one_that_comes_at_once() {
    let server = TestServer::start(Limits {
        body_bytes: 1 << 20,
        ..Limits::default()
    })
    .await;
    let part = format!(
        "POST /signals/bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n{}",
        "x".repeat(300_000)
    );
    let mut slow = Vec::new();
    for n in 0..6 {
        let mut stream = server.connect_from(&format!("127.0.1.{}", n + 1)).await;
        let _ = soon(stream.write_all(part.as_bytes())).await;
        slow.push(stream);
    }
    let whole = delivery(&"x".repeat(900_000)).replace("/signals/idp", "/signals/bulk");
    let answer = server.ask(whole).await;
    assert_eq!(
        (status(&answer), body(&answer)),
        (202, "bulk took 900000 bytes\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_for_which_there_is_no_memory_is_to_come_again() {
    let server = TestServer::start(Limits {
        body_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let fits = |body: &str| delivery_with("Authorization: mine\r\n", body);
    let answer = server.ask(fits(&"x".repeat(1010))).await;
    assert_eq!(status(&answer), 503, "{answer}");
    for _ in 0..20 {
        let answer = server.ask(fits(&"x".repeat(990))).await;
        assert_eq!(status(&answer), 202, "what was read is given back: {answer}");
    }
    assert!(
        server.fakes.refused_early.lock().unwrap().is_empty(),
        "our own trouble is no refusal"
    );
}

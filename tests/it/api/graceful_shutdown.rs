//! Graceful shutdown: what runs is finished, what idles is closed, what hangs is cut.

use revoked::api::Limits;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{SHORT, TestServer, body, delivery, soon, status, until_closed};

#[tokio::test]
async fn a_running_request_is_finished() {
    let server = TestServer::start(Limits::default()).await;
    let mut stream = server.connect().await;
    let open = delivery("wait").replace("Connection: close\r\n", "");
    stream.write_all(open.as_bytes()).await.unwrap();
    server.arrived(1).await;
    server.shutdown.cancel();
    soon(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    assert!(!server.served.is_finished());
    server.open_gate(1);
    let answer = until_closed(&mut stream).await;
    assert_eq!((status(&answer), body(&answer)), (202, "waited\n"));
    soon(server.served).await.unwrap();
}

#[tokio::test]
async fn idle_and_silent_connections_do_not_delay_the_stop() {
    let server = TestServer::start(Limits {
        header: super::BOUND * 10,
        grace: super::BOUND * 10,
        ..Limits::default()
    })
    .await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.readable().await.unwrap();
    let _silent = server.connect().await;
    server.shutdown.cancel();
    soon(server.served).await.unwrap();
    assert_eq!(status(&until_closed(&mut idle).await), 200);
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_cut_after_the_grace() {
    let server = TestServer::start(Limits {
        grace: SHORT,
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect().await;
    stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    server.arrived(1).await;
    server.shutdown.cancel();
    soon(server.served).await.unwrap();
    // The delivery and its connection are cut together: the sender may or may not still hear that it should come again, but never a yes.
    let answer = until_closed(&mut stream).await;
    assert!(matches!(status(&answer), 0 | 503), "{answer}");
}

#[tokio::test]
async fn a_dropped_server_cuts_its_connections() {
    let server = TestServer::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    server.arrived(1).await;
    server.served.abort();
    let answer = until_closed(&mut stream).await;
    assert!(matches!(status(&answer), 0 | 503), "{answer}");
}

//! Stopping: what runs is finished, what idles is closed, what hangs is cut.

use revoked::api::Limits;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Rig, SHORT, body, delivery, soon, status, until_closed};

#[tokio::test]
async fn a_running_request_is_finished() {
    let rig = Rig::start(Limits::default()).await;
    let mut stream = rig.connect().await;
    let open = delivery("wait").replace("Connection: close\r\n", "");
    stream.write_all(open.as_bytes()).await.unwrap();
    rig.arrived(1).await;
    rig.shutdown.cancel();
    soon(async { while TcpStream::connect(rig.address).await.is_ok() {} }).await;
    assert!(!rig.served.is_finished());
    rig.open_gate(1);
    let answer = until_closed(&mut stream).await;
    assert_eq!((status(&answer), body(&answer)), (202, "waited\n"));
    soon(rig.served).await.unwrap();
}

#[tokio::test]
async fn idle_and_silent_connections_do_not_delay_the_stop() {
    let rig = Rig::start(Limits {
        header: super::BOUND * 10,
        grace: super::BOUND * 10,
        ..Limits::default()
    })
    .await;
    let mut idle = rig.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    idle.readable().await.unwrap();
    let _silent = rig.connect().await;
    rig.shutdown.cancel();
    soon(rig.served).await.unwrap();
    assert_eq!(status(&until_closed(&mut idle).await), 200);
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_cut_after_the_grace() {
    let rig = Rig::start(Limits {
        grace: SHORT,
        ..Limits::default()
    })
    .await;
    let mut stream = rig.connect().await;
    stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    rig.arrived(1).await;
    rig.shutdown.cancel();
    soon(rig.served).await.unwrap();
    // The delivery and its connection are cut together: the sender may or may not still hear that it should come again, but never a yes.
    let answer = until_closed(&mut stream).await;
    assert!(matches!(status(&answer), 0 | 503), "{answer}");
}

#[tokio::test]
async fn a_dropped_server_cuts_its_connections() {
    let rig = Rig::start(Limits::default()).await;
    let mut stream = rig.connect().await;
    stream.write_all(delivery("wait").as_bytes()).await.unwrap();
    rig.arrived(1).await;
    rig.served.abort();
    let answer = until_closed(&mut stream).await;
    assert!(matches!(status(&answer), 0 | 503), "{answer}");
}

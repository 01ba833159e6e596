//! Servers that answer what no directory does, or nothing.

use std::net::SocketAddr;

use revoked::targets::Remedy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::fixture::{Fixture, build, table};
use crate::servers::slapd::REVOKED;
use crate::servers::{Slapd, System as _};

/// A server that takes connections and answers every message with the same bytes; with none it never answers.
struct Answering {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answering {
    async fn with(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answers = answers.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    let mut answers = answers.into_iter();
                    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                        if let Some(answer) = answers.next() {
                            drop(stream.write_all(&answer).await);
                        }
                    }
                });
            }
        });
        Self { address, task }
    }

    fn fixture(&self) -> Fixture {
        let url = format!("ldap://{}", self.address);
        build("ldap", &table(&url, REVOKED, "timeout = \"300ms\"")).unwrap()
    }
}

/// The answer to the first message that the bind succeeded.
const BOUND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";

#[tokio::test]
async fn a_server_that_never_answers_costs_a_bounded_time_at_every_step() {
    for answers in [vec![], vec![BOUND.to_vec()]] {
        let server = Answering::with(answers).await;
        let fixture = server.fixture();
        let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{error}");
        assert!(error.to_string().contains("no answer within 300ms"), "{error}");
    }
}

#[tokio::test]
async fn nonsense_is_an_error_and_never_nobody() {
    for nonsense in [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(),
        b"\x30\x03\x02\x01\x02".to_vec(),
        b"\x30\x00".to_vec(),
        // A search result without a result code, and one that belongs to another kind of call.
        b"\x30\x05\x02\x01\x02\x65\x00".to_vec(),
        b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00".to_vec(),
        // An entry without a name.
        b"\x30\x05\x02\x01\x02\x64\x00".to_vec(),
        // A message that claims to be four gigabytes long.
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x02".to_vec(),
    ] {
        let server = Answering::with(vec![BOUND.to_vec(), nonsense.clone(), nonsense.clone()]).await;
        let found = server.fixture().resolution(&"username:alice".parse().unwrap()).await;
        let error = found.unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{nonsense:x?}: {error}");
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_tried_again() {
    let port = crate::ports::Port::default();
    let fixture = build("ldap", &table(&format!("ldap://{}", port.address()), REVOKED, "")).unwrap();
    let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "{error}");
}

#[tokio::test]
async fn a_connection_that_broke_is_opened_again_without_an_attempt() {
    let Some(server) = Slapd::start().await else { return };
    server.add("alice", &[]).await;
    // A relay that can be cut, since the server closes nothing by itself.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap();
    let upstream = server.url().trim_start_matches("ldap://").to_owned();
    let (cut, _) = tokio::sync::broadcast::channel::<()>(1);
    let cutter = cut.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let (mut outer, mut cut) = (tokio::net::TcpStream::connect(&upstream).await.unwrap(), cutter.subscribe());
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut inner, &mut outer) => {}
                    _ = cut.recv() => {}
                }
            });
        }
    });
    let fixture = build("ldap", &table(&format!("ldap://{relay}"), REVOKED, "")).unwrap();
    for _ in 0..3 {
        fixture.resolve("username:alice").await;
        cut.send(()).unwrap();
    }
    task.abort();
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_never_gets_the_password() {
    let Some(server) = Slapd::start().await else { return };
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    let authority = format!("ca_file = \"{}\"", server.authority().display());
    let wrong_name = server.tls_url().replace("localhost", "localhost.localdomain");
    for (url, more) in [
        (server.tls_url(), ""),
        (format!("ldap://localhost:{port}"), "start_tls = true"),
        (wrong_name, authority.as_str()),
    ] {
        let fixture = build("ldap", &table(&url, REVOKED, more)).unwrap();
        let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
        if url.contains("localdomain") && error.remedy == Remedy::Retry {
            // The name leads nowhere on this machine.
            continue;
        }
        assert!(
            error.remedy == Remedy::Pause && error.to_string().contains("vouches"),
            "{url}: {error}"
        );
    }
    // The port that speaks in the clear, asked for TLS.
    let fixture = build(
        "ldap",
        &table(&format!("ldaps://localhost:{port}"), REVOKED, "timeout = \"300ms\""),
    )
    .unwrap();
    let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "{error}");
}

//! Requests as bytes, so that what no client library would send can be sent.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::wait::BOUND;

/// One request: what a sender would send.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// The path.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Call {
    /// A POST to the endpoint of `source`.
    pub(super) fn post(source: &str, media: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            path: format!("/signals/{source}"),
            headers: vec![("Content-Type", media.to_owned())],
            body: body.into(),
        }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same without a header, or with another value of it.
    pub(super) fn but(mut self, name: &str, value: Option<&str>) -> Self {
        match value {
            None => self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name)),
            Some(value) => {
                for (known, old) in &mut self.headers {
                    if known.eq_ignore_ascii_case(name) {
                        value.clone_into(old);
                    }
                }
            }
        }
        self
    }

    /// Its content type.
    pub(super) fn media(&self) -> &str {
        let found = self.headers.iter().find(|(name, _)| *name == "Content-Type");
        &found.expect("a content type").1
    }

    /// The request's bytes, as a proxy passes them on for a client that no other call had: whom a refusal is counted against is another
    /// test's matter. Its length is said once, unless the headers say it themselves.
    pub(super) fn bytes(&self) -> Vec<u8> {
        static NEXT: AtomicU32 = AtomicU32::new(0xcb00_7101);
        self.bytes_from(Ipv4Addr::from(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The same for a certain client.
    pub(super) fn bytes_from(&self, client: Ipv4Addr) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: revoked\r\nConnection: close\r\nX-Forwarded-For: {client}\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self
            .headers
            .iter()
            .any(|(name, _)| matches!(*name, "Content-Length" | "Transfer-Encoding"))
        {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn is_yes(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a sender sees of it that matters: two answers to the same are the same.
    pub(super) fn essence(&self) -> (u16, Option<&str>, &str) {
        (self.status, self.header("content-type"), &self.body)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        Some(Self {
            status,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
        })
    }
}

/// A connection.
pub(super) async fn connect(to: SocketAddr) -> TcpStream {
    let connected = tokio::time::timeout(BOUND, TcpStream::connect(to)).await;
    connected.expect("it hangs").unwrap()
}

/// Sends a request. `None` where the connection ends without an answer.
pub(super) async fn send(to: SocketAddr, call: &Call) -> Option<Answer> {
    exchange(connect(to).await, &call.bytes()).await
}

/// Sends a request, which must be answered.
pub(super) async fn answer(to: SocketAddr, call: &Call) -> Answer {
    let answer = send(to, call).await;
    answer.unwrap_or_else(|| panic!("no answer to {} {}", call.method, call.path))
}

/// Writes bytes, and reads until the other side closes.
pub(super) async fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Option<Answer> {
    let whole = async {
        // The server may answer and close before all is written; what it answered is what counts.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    let answer = tokio::time::timeout(BOUND, whole).await.expect("it hangs");
    Answer::read(&answer)
}

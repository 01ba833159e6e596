//! The listening server, on real sockets.

mod client_penalty;
mod connection_limit;
mod endpoints;
mod eviction;
mod graceful_shutdown;
mod host_header;
mod slow_clients;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use revoked::api::{Admission, EarlyRefusal, Endpoint, Intake, Limits, Peer, Ports, Readiness, Refusal, RequestId, serve};
use revoked::model::{NoFault, Trace};
use revoked::telemetry::{Gauges, metrics, table};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wait::BOUND;

/// A limit short enough to wait for, and long enough for what must come before it on a busy machine.
const SHORT: Duration = Duration::from_secs(2);

/// Waits for `future`, which must not hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("it hangs")
}

/// A server, its fakes, and the means to stop it.
struct TestServer {
    address: SocketAddr,
    fakes: Arc<FakePorts>,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
}

/// What the server answers from. The sources `idp` and `siem` take 1 KiB, and `bulk` a mebibyte; they answer by what the body says. The header
/// `Authorization: mine` proves their sender, any other value is refused, and without one the body must begin with `signed` to prove it.
struct FakePorts {
    unready: Vec<String>,
    arrived: Semaphore,
    gate: Semaphore,
    finished: Semaphore,
    delivered: AtomicUsize,
    /// Requests that were turned away and recorded, as `source code: why`.
    refused_early: Mutex<Vec<String>>,
    /// How many were turned away and only counted.
    counted: AtomicUsize,
    /// Which endpoints were closed and opened, in order.
    throttling: Mutex<Vec<String>>,
    forwarders: Mutex<Vec<IpAddr>>,
}

#[async_trait]
impl Intake for FakePorts {
    fn endpoint(&self, source: &str, below: Option<&str>) -> Option<Endpoint> {
        const POST: &[Method] = &[Method::POST];
        let body_cap = match source {
            "idp" | "siem" => 1024,
            "bulk" => 1 << 20,
            _ => return None,
        };
        below.is_none().then_some(Endpoint { body_cap, methods: POST })
    }

    async fn admits(&self, _: &str, head: &Request<Bytes>) -> Admission {
        assert!(head.body().is_empty());
        match head.headers().get("authorization").map(http::HeaderValue::as_bytes) {
            None => Admission::Unread,
            Some(b"mine") => Admission::Proven,
            Some(_) => Admission::Refused(Refusal {
                code: "invalid_token",
                why: "it is not yours".to_owned(),
                answer: Response::builder().status(401).body(Bytes::from("refused\n")).unwrap(),
            }),
        }
    }

    async fn proves(&self, _: &str, request: &Request<Bytes>) -> bool {
        request.body().starts_with(b"signed")
    }

    async fn deliver(&self, source: &str, request: Request<Bytes>) -> Option<Response<Bytes>> {
        self.delivered.fetch_add(1, Ordering::SeqCst);
        let said = |status: u16, body: String| Response::builder().status(status).body(Bytes::from(body)).ok();
        match request.body().as_ref() {
            b"refuse me" => said(401, "refused\n".to_owned()),
            b"signed nonsense" => {
                let response = Response::builder().status(400).extension(NoFault);
                response.body(Bytes::from("nonsense\n")).ok()
            }
            b"wait" => {
                self.arrived.add_permits(1);
                self.gate.acquire().await.unwrap().forget();
                self.finished.add_permits(1);
                said(202, "waited\n".to_owned())
            }
            b"panic" => panic!("asked to"),
            b"who" => {
                let Peer(peer) = *request.extensions().get::<Peer>().unwrap();
                let id = request.extensions().get::<RequestId>().unwrap();
                said(200, format!("{peer} {}", id.as_str()))
            }
            body => said(202, format!("{source} took {} bytes\n", body.len())),
        }
    }

    async fn refused_early(&self, source: &str, refused: EarlyRefusal<'_>) {
        let EarlyRefusal {
            code,
            why,
            proven,
            trace,
        } = refused;
        if proven || trace == Trace::Entry {
            self.refused_early.lock().unwrap().push(format!("{source} {code}: {why}"));
        } else {
            self.counted.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn throttling_started(&self, source: &str) {
        self.throttling.lock().unwrap().push(format!("{source} closed"));
    }

    async fn throttling_ended(&self, source: &str) {
        self.throttling.lock().unwrap().push(format!("{source} opened"));
    }

    async fn forwarded_by_unnamed(&self, by: IpAddr) {
        self.forwarders.lock().unwrap().push(by);
    }
}

#[async_trait]
impl Readiness for FakePorts {
    async fn unready(&self) -> Vec<String> {
        self.unready.clone()
    }
}

#[async_trait]
impl Gauges for FakePorts {
    async fn refresh(&self) {
        table::LEDGER.set([], 7.0);
    }
}

impl TestServer {
    async fn start(limits: Limits) -> Self {
        Self::start_unready(limits, &[]).await
    }

    async fn start_unready(limits: Limits, unready: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fakes = Arc::new(FakePorts {
            unready: unready.iter().map(ToString::to_string).collect(),
            arrived: Semaphore::new(0),
            gate: Semaphore::new(0),
            finished: Semaphore::new(0),
            delivered: AtomicUsize::new(0),
            refused_early: Mutex::default(),
            counted: AtomicUsize::new(0),
            throttling: Mutex::default(),
            forwarders: Mutex::default(),
        });
        let ports = Ports {
            intake: fakes.clone(),
            transmitter: None,
            readiness: fakes.clone(),
            metrics: metrics(),
            gauges: fakes.clone(),
        };
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(listener, limits, ports, shutdown.clone()));
        Self {
            address,
            fakes,
            shutdown,
            served,
        }
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address)).await.unwrap()
    }

    /// Connects from another loopback address, which counts as another client.
    async fn connect_from(&self, from: &str) -> TcpStream {
        let from: IpAddr = from.parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        soon(socket.connect(self.address)).await.unwrap()
    }

    /// One request on a connection of its own; the whole answer.
    async fn ask(&self, request: impl AsRef<[u8]>) -> String {
        ask(&mut self.connect().await, request).await
    }

    /// Waits until `n` deliveries stand at the gate.
    async fn arrived(&self, n: u32) {
        soon(self.fakes.arrived.acquire_many(n)).await.unwrap().forget();
    }

    /// Waits until one delivery that stood at the gate is done.
    async fn finished(&self) {
        soon(self.fakes.finished.acquire()).await.unwrap().forget();
    }

    fn open_gate(&self, n: usize) {
        self.fakes.gate.add_permits(n);
    }

    fn delivered(&self) -> usize {
        self.fakes.delivered.load(Ordering::SeqCst)
    }
}

/// A delivery to the source `idp`, after which the connection closes.
fn delivery(body: &str) -> String {
    delivery_with("", body)
}

/// One with more header lines.
fn delivery_with(lines: &str, body: &str) -> String {
    format!(
        "POST /signals/idp HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The same request as a proxy passes it on for `client`.
fn forwarded(client: &str, request: &str) -> String {
    request.replacen("Host: x\r\n", &format!("Host: x\r\nX-Forwarded-For: {client}\r\n"), 1)
}

/// A GET, after which the connection closes.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

/// Writes a request and reads until the server closes.
async fn ask(stream: &mut TcpStream, request: impl AsRef<[u8]>) -> String {
    // The server may answer and close before all is written; what it answered is what counts.
    let _ = soon(stream.write_all(request.as_ref())).await;
    until_closed(stream).await
}

/// Everything the server sends until it closes the connection, by FIN or by reset.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

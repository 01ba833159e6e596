//! A small HTTP server on a free port of the loopback, for those whom the tour plays: JSON in its answers, and gone once it is dropped.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The largest body that is read.
pub(super) const BODY_CAP: usize = 64 * 1024;

/// A port that nobody serves yet.
pub(super) async fn bind(whose: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .with_context(|| format!("finding a port for {whose}"))?;
    let address = listener
        .local_addr()
        .with_context(|| format!("reading the address of {whose}"))?;
    Ok((listener, address))
}

/// Answers each request by `answer`, until what is given back is dropped. An answer without a document has no body (RFC 8935 section 2.2).
pub(super) fn serve<F, A>(listener: TcpListener, answer: F) -> JoinSet<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = (StatusCode, Value)> + Send,
{
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let answer = answer.clone();
                    let service = service_fn(move |request| {
                        let told = answer(request);
                        async move { Ok::<_, Infallible>(response(told.await)) }
                    });
                    connections.spawn(async move {
                        // How a connection ends is the caller's affair.
                        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
    serving
}

fn response((status, document): (StatusCode, Value)) -> Response<Full<Bytes>> {
    let body = if document.is_null() {
        Bytes::new()
    } else {
        document.to_string().into()
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The JSON of a body: nothing where it is none, and `None` where it is too large.
pub(super) async fn document(body: Incoming) -> Option<Value> {
    let body = Limited::new(body, BODY_CAP).collect().await.ok()?;
    Some(serde_json::from_slice(&body.to_bytes()).unwrap_or_default())
}

//! What two readers could read differently is refused, and every answer says what a browser must not do with it.

use http::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Site;

impl Site {
    /// The status of the answer to these bytes.
    async fn status_of(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.port.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        String::from_utf8_lossy(&status).into_owned()
    }
}

#[tokio::test]
async fn what_two_readers_would_read_differently_is_refused() {
    let site = Site::new().await;
    let host = site.port.address();
    let own = format!("Host: {host}\r\n");
    let form = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for (bytes, status) in [
        (format!("GET /sign-in HTTP/1.1\r\n{own}\r\n"), "200"),
        (format!("GET /sign-in HTTP/1.1\r\n{own}{own}\r\n"), "421"),
        ("GET /sign-in HTTP/1.1\r\n\r\n".to_owned(), "421"),
        ("GET /sign-in HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), "421"),
        (format!("GET http://{host}/sign-in HTTP/1.1\r\n{own}\r\n"), "421"),
        (format!("GET http://evil.example/sign-in HTTP/1.1\r\n{own}\r\n"), "421"),
        (
            format!("POST /sign-in HTTP/1.1\r\n{own}{form}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "411",
        ),
        (
            format!("POST /sign-in HTTP/1.1\r\n{own}{form}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
            "411",
        ),
        (
            format!("POST /sign-in HTTP/1.1\r\n{own}{form}Content-Length: 6\r\n\r\ncode=x"),
            "403",
        ),
    ] {
        assert_eq!(site.status_of(&bytes).await, format!("HTTP/1.1 {status}"), "{bytes}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn every_answer_says_what_a_browser_must_not_do_with_it() {
    let site = Site::new().await;
    let cookie = site.signed_in(revoked::model::Role::Viewer).await;
    let signed_in = [("cookie", cookie.as_str())];
    for (headers, path, status) in [
        (&signed_in[..], "/", StatusCode::OK),
        (&signed_in, "/api/v1/cases", StatusCode::OK),
        (&signed_in, "/api/v1/tokens", StatusCode::FORBIDDEN),
        (&signed_in, "/changes", StatusCode::OK),
        (&[], "/sign-in", StatusCode::OK),
        (&[], "/", StatusCode::SEE_OTHER),
        (&[], "/api/v1/cases", StatusCode::UNAUTHORIZED),
        (&[], "/nothing/here", StatusCode::NOT_FOUND),
        (&[], "/static/console.js", StatusCode::OK),
    ] {
        let answer = site.by_network(headers, Method::GET, path, None).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let kept = if path.starts_with("/static/") {
            "no-cache"
        } else {
            "no-store"
        };
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", kept),
        ] {
            assert_eq!(answer.headers.get(name).unwrap(), value, "{path}: {name}");
        }
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none';") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
    }
    site.running.stop().await;
}

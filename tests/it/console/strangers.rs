//! Behind a proxy: whoever fails to say who they are is counted by the address that a named proxy says, and by no other word.

use http::{Method, StatusCode};
use revoked::model::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Site;
use crate::harness::InstallationPlan;

/// A site to which these are proxies.
async fn behind(proxies: &'static str) -> Site {
    Site::planned(InstallationPlan {
        listen: proxies,
        ..InstallationPlan::default()
    })
    .await
}

impl Site {
    /// What a guessed token is answered, from this host, by way of these.
    async fn guess(&self, header: &str, hops: &str) -> StatusCode {
        let headers = [("authorization", "Bearer rvk_guessed"), (header, hops)];
        self.by_network(&headers, Method::GET, "/api/v1/cases", None).await.status
    }
}

#[tokio::test]
async fn of_a_named_proxy_the_rightmost_hop_that_is_none_is_who_guesses() {
    let site = behind("proxies = [\"127.0.0.1\", \"192.0.2.200\"]").await;
    for n in 0..10 {
        // What the client wrote itself stands left.
        let hops = format!("198.51.100.{n}, 203.0.113.9, 192.0.2.200");
        assert_eq!(site.guess("x-forwarded-for", &hops).await, StatusCode::UNAUTHORIZED, "{n}");
    }
    assert_eq!(
        site.guess("x-forwarded-for", "203.0.113.9").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(site.guess("x-forwarded-for", "203.0.113.10").await, StatusCode::UNAUTHORIZED);
    // Whoever is known is answered from there too.
    let token = format!("Bearer {}", site.token(Role::Viewer).await);
    let headers = [("authorization", token.as_str()), ("x-forwarded-for", "203.0.113.9")];
    let known = site.by_network(&headers, Method::GET, "/api/v1/cases", None).await;
    assert_eq!(known.status, StatusCode::OK, "{known:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn what_is_no_named_proxy_cannot_say_that_it_is_somebody_else() {
    let site = behind("proxies = [\"192.0.2.200\"]").await;
    let headers = ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"];
    for n in 0..10 {
        let status = site.guess(headers[n % headers.len()], &format!("203.0.113.{n}")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{n}");
    }
    for header in headers {
        let status = site.guess(header, "203.0.113.77").await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{header}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let site = behind("").await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(TcpStream::connect(site.port.address()).await.unwrap());
    }
    let token = format!("Bearer {}", site.token(Role::Viewer).await);
    let headers = [("authorization", token.as_str())];
    let known = site.by_network(&headers, Method::GET, "/api/v1/cases", None).await;
    assert_eq!(known.status, StatusCode::OK, "{known:?}");
    assert_eq!(crowd.len(), 300);
    site.running.stop().await;
}

#[tokio::test]
async fn a_crowd_that_begins_to_sign_in_keeps_nobody_out() {
    let site = behind("").await;
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 9\r\n\r\ncode",
        site.port.address()
    );
    let mut crowd = Vec::new();
    for _ in 0..300 {
        let mut one = TcpStream::connect(site.port.address()).await.unwrap();
        one.write_all(head.as_bytes()).await.unwrap();
        crowd.push(one);
    }
    let token = format!("Bearer {}", site.token(Role::Viewer).await);
    let headers = [("authorization", token.as_str())];
    let known = site.by_network(&headers, Method::GET, "/api/v1/cases", None).await;
    assert_eq!(known.status, StatusCode::OK, "{known:?}");
    // Cut for others, and not answered when its time was over.
    let mut said = Vec::new();
    drop(crowd[0].read_to_end(&mut said).await);
    assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    site.running.stop().await;
}

#[tokio::test]
async fn a_crowd_ends_no_stream_of_an_open_page() {
    let site = behind("").await;
    let token = site.token(Role::Viewer).await;
    let asked = revoked::http::client(crate::wait::PATIENT).unwrap();
    let asked = asked.get(format!("{}/changes", site.origin())).bearer_auth(token);
    let mut stream = asked.send().await.unwrap();
    let begun = stream.chunk().await.unwrap().unwrap();
    assert!(begun.starts_with(b"retry:"), "{begun:?}");
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(TcpStream::connect(site.port.address()).await.unwrap());
    }
    // What is written here is told there.
    site.token(Role::Viewer).await;
    let told = stream.chunk().await.unwrap().expect("the stream goes on");
    assert!(told.starts_with(b"event: changed"), "{told:?}");
    assert_eq!(crowd.len(), 300);
    site.running.stop().await;
}

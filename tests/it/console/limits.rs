//! How much one caller may ask, and how long what is sent may be.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::json;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{Answer, Site};
use crate::harness::until;

#[tokio::test]
async fn a_token_that_asks_too_much_waits_and_no_other_does() {
    let site = Site::new().await;
    let (greedy, other) = (site.token(Role::Viewer).await, site.token(Role::Viewer).await);
    let http = revoked::http::client(crate::wait::PATIENT).unwrap();
    let ask = async |token: &str| {
        // A short answer: it must be asked faster than it may be.
        let asked = http.get(format!("{}/api/v1/requests/999", site.origin())).bearer_auth(token);
        Answer::of(asked.send().await.unwrap()).await
    };
    let mut refused = None;
    for _ in 0..40 {
        let answers = futures_util::future::join_all((0..50).map(|_| ask(&greedy))).await;
        refused = answers.into_iter().find(|answer| answer.status != StatusCode::NOT_FOUND);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("it may ask without an end");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(ask(&other).await.status, StatusCode::NOT_FOUND);
    site.running.stop().await;
}

#[tokio::test]
async fn what_a_caller_may_not_do_is_counted_too() {
    let site = Site::new().await;
    let token = site.token(Role::Viewer).await;
    let http = revoked::http::client(crate::wait::PATIENT).unwrap();
    let ask = async || {
        let asked = http.post(format!("{}/api/v1/reload", site.origin())).bearer_auth(&token);
        asked.send().await.unwrap().status()
    };
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        seen.extend(futures_util::future::join_all((0..50).map(|_| ask())).await);
        if seen.len() > 1 {
            break;
        }
    }
    let seen: Vec<_> = seen.into_iter().collect();
    assert_eq!(seen, [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS]);
    site.running.stop().await;
}

#[tokio::test]
async fn whoever_guesses_is_slowed_and_keeps_nobody_out() {
    let site = Site::new().await;
    let token = site.token(Role::Viewer).await;
    let ask = async |bearer: &str| {
        let headers = [("authorization", bearer)];
        site.by_network(&headers, Method::GET, "/api/v1/cases", None).await.status
    };
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(ask("Bearer rvk_guessed").await);
    }
    assert_eq!(seen[0], StatusCode::UNAUTHORIZED);
    assert_eq!(seen.last(), Some(&StatusCode::TOO_MANY_REQUESTS), "{seen:?}");
    assert_eq!(ask(&format!("Bearer {token}")).await, StatusCode::OK);
    // Codes of links are counted with them.
    let origin = site.origin();
    let sent = revoked::http::client(crate::wait::PATIENT).unwrap();
    let sent = sent
        .post(format!("{origin}/sign-in"))
        .header("origin", &origin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("code=guessed")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), StatusCode::TOO_MANY_REQUESTS);
    site.running.stop().await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_with_its_own_status() {
    let site = Site::new().await;
    let long = json!({ "subject": "username:user01", "reason": "compromised", "note": "x".repeat(70_000) });
    let answer = site
        .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(long))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    // A batch may be longer.
    let many: Vec<String> = (0..2_000)
        .map(|n| format!("username:somebody-with-a-name-of-this-length-{n:05}"))
        .collect();
    let long = json!({ "subjects": many, "reason": "departed" });
    let answer = site
        .by_socket(Role::Requester, Method::POST, "/api/v1/batches/rehearsal", Some(long))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["people"], 2_000);
    let query = format!("/api/v1/cases?source={}", "x".repeat(3_000));
    let answer = site.by_socket(Role::Viewer, Method::GET, &query, None).await;
    assert_eq!(answer.status, StatusCode::URI_TOO_LONG, "{answer:?}");
    for limit in ["0", "201"] {
        let answer = site
            .by_socket(Role::Viewer, Method::GET, &format!("/api/v1/cases?limit={limit}"), None)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn streams_that_nobody_reads_end_and_make_room() {
    let site = Site::new().await;
    let socket = site.installation.path("sockets/viewer.sock");
    let open = async || {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream
            .write_all(b"GET /changes HTTP/1.1\r\nHost: revoked\r\n\r\n")
            .await
            .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        (String::from_utf8_lossy(&head).into_owned(), stream)
    };
    let mut unread = Vec::new();
    for _ in 0..64 {
        let (head, stream) = open().await;
        assert_eq!(head, "HTTP/1.1 200");
        unread.push(stream);
    }
    assert_eq!(open().await.0, "HTTP/1.1 503");
    until("room for another", async || (open().await.0 == "HTTP/1.1 200").then_some(())).await;
    // They were ended by the daemon, not by us.
    assert_eq!(unread.len(), 64);
    site.running.stop().await;
}

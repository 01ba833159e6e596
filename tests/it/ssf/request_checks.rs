//! What HTTP itself refuses, and the `Authorization` header.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use http::{Method, Request};

use super::{Stream, T1, claims, error_of, post};

#[tokio::test]
async fn n20_http_faults_have_the_answers_of_http() {
    let stream = Stream::new("");
    let token = T1.sign(&claims()).unwrap();
    let status = async |request: &Request<Bytes>| {
        let rejection = stream.push.receive(request, &revoked::sources::NoState).await.unwrap_err();
        let response = stream.push.rejected(&rejection);
        assert!(response.body().is_empty());
        response
    };
    for media in ["application/json", "application/secevent+jwt2", "text/plain", ""] {
        let mut request = post(&token);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        assert_eq!(status(&request).await.status(), 415, "{media}");
    }
    let mut request = post(&token);
    request.headers_mut().remove("content-type");
    assert_eq!(status(&request).await.status(), 415);
    let mut request = post(&token);
    request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(status(&request).await.status(), 415);
    let mut request = post(&token);
    *request.method_mut() = Method::GET;
    let response = status(&request).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(stream.push.methods(), [Method::POST]);
    assert_eq!(status(&post(&"x".repeat(10 << 20))).await.status(), 413);
    assert_eq!(stream.push.body_cap(), 256 << 10);
    for body in ["", "x", "{}", "a.b", "a.b.c.d", "\u{0}.\u{0}.\u{0}"] {
        assert_eq!(stream.refusal(body).await, "invalid_request", "{body:?}");
    }
    assert_eq!(stream.refusal("e30.e30.e30.e30.e30").await, "invalid_key");
}

/// A file with a secret that only its owner may read.
fn secret(folder: &Path, name: &str, value: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, value).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    format!("{{ file = \"{}\" }}", path.display())
}

#[tokio::test]
async fn the_authorization_header_must_be_one_of_those_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let old = secret(folder.path(), "old", "Bearer canary-4711\n");
    let new = secret(folder.path(), "new", "Bearer canary-4713");
    let token = T1.sign(&claims()).unwrap();
    let sent = |values: &[&str]| {
        let mut request = post(&token);
        for value in values {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        request
    };
    let stream = Stream::new(&format!("authorization = [{old}, {new}]"));
    assert!(
        stream
            .push
            .receive(&sent(&["Bearer canary-4713"]), &revoked::sources::NoState)
            .await
            .is_ok()
    );
    assert!(
        stream
            .push
            .receive(&sent(&["Bearer canary-4711"]), &revoked::sources::NoState)
            .await
            .is_ok()
    );
    let stream = Stream::new(&format!("authorization = {old}"));
    assert!(
        stream
            .push
            .receive(&sent(&["Bearer canary-4711"]), &revoked::sources::NoState)
            .await
            .is_ok()
    );
    for values in [
        &[][..],
        &["Bearer canary-4713"],
        &["bearer canary-4711"],
        &["Bearer canary-4711", "Bearer canary-4711"],
        &[""],
    ] {
        let rejection = stream
            .push
            .receive(&sent(values), &revoked::sources::NoState)
            .await
            .unwrap_err();
        assert_eq!(error_of(&*stream.push, &rejection), "authentication_failed", "{values:?}");
        assert!(!rejection.to_string().contains("canary"));
    }
}

//! Bad input: every one is refused with a status and a word, and none of it is quoted.

use http::Method;
use serde_json::json;

use super::*;
use revoked::sources::webhook::BODY_CAP;

const BODY: &str = r#"{"type":"revoked.request.v1","data":{"subject":{"format":"email","email":"a@b.example"},"reason":"logout"}}"#;

#[tokio::test]
async fn another_method_is_refused() {
    let endpoint = Endpoint::trusting("");
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD, Method::PATCH] {
        let mut request = trusted(BODY);
        *request.method_mut() = method;
        let rejection = endpoint.receive(&request).await.unwrap_err();
        let answer = endpoint.push.rejected(&rejection);
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"]),
            (405, &"POST".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn a_media_type_of_something_else_a_doubled_one_and_any_encoding_are_refused() {
    let endpoint = Endpoint::trusting("");
    for media in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cloudevents+json",
        "application/problem+json;x=1",
        "text/plain; charset=UTF-8",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/octet-stream",
        "application/json-seq",
        "",
    ] {
        let mut request = trusted(BODY);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        endpoint.signal(&request).await;
    }
    for media in [
        "text/html",
        "text/csv",
        "multipart/form-data; boundary=x",
        "image/png",
        "application/soap+xml",
        "application/pdf",
        "application/",
        "json",
        "application/json, text/plain",
    ] {
        let mut request = trusted(BODY);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        assert_eq!(endpoint.refusal(&request).await, (415, "media_type"), "{media}");
    }
    let mut twice = trusted(BODY);
    twice
        .headers_mut()
        .append("content-type", "application/json".parse().unwrap());
    assert_eq!(endpoint.refusal(&twice).await, (415, "media_type"));
    let mut none = trusted(BODY);
    none.headers_mut().remove("content-type");
    endpoint.signal(&none).await;
    *none.body_mut() = Bytes::from_static(b"type=revoked.request.v1");
    assert_eq!(
        endpoint.refusal(&none).await,
        (400, "invalid_body"),
        "a form says that it is one"
    );
    for coding in ["gzip", "br", "identity"] {
        let mut encoded = trusted(BODY);
        encoded.headers_mut().insert("content-encoding", coding.parse().unwrap());
        assert_eq!(endpoint.refusal(&encoded).await, (415, "content_encoding"));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_unhashed() {
    let endpoint = Endpoint::trusting("");
    let large = format!("{BODY}{}", " ".repeat(BODY_CAP + 1 - BODY.len()));
    let rejection = endpoint.receive(&trusted(&large)).await.unwrap_err();
    assert_eq!((rejection.code, rejection.digest), ("too_large", None));
    assert_eq!(endpoint.push.rejected(&rejection).status(), 413);
    endpoint.signal(&trusted(&large[..BODY_CAP])).await;
    assert_eq!(endpoint.push.body_cap(), BODY_CAP);
}

#[tokio::test]
async fn what_is_no_json_or_can_be_read_in_two_ways_is_refused_without_a_quotation() {
    let endpoint = Endpoint::new(&[SECRET], "");
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    let twice = BODY.replace("\"reason\"", "\"reason\":\"compromised\",\"r\\u0065ason\"");
    let invalid = [BODY.as_bytes(), b"\xff"].concat();
    let inside = BODY.replace("a@b", "canary\u{fffd}@b");
    let inside: Vec<u8> = inside.bytes().filter(|byte| *byte != 0xbf).collect();
    for body in [
        &b""[..],
        b"canary",
        b"{}canary",
        &BODY.as_bytes()[..BODY.len() - 1],
        &gzip,
        deep.as_bytes(),
        "[".repeat(100_000).as_bytes(),
        twice.as_bytes(),
        &invalid,
        &inside,
        br#"{"n":1e400}"#,
        b"\xef\xbb\xbf",
        b"{}\xef\xbb\xbf",
        b"\x1e",
        b"\x1e{\x1e{",
        br#"{"a":"\ud800"}"#,
    ] {
        let request = signed(SECRET, "msg_1", NOW, body);
        let rejection = endpoint.receive(&request).await.unwrap_err();
        assert_eq!(
            rejection.code,
            "invalid_body",
            "{:?}",
            String::from_utf8_lossy(body).get(..40)
        );
        assert!(!rejection.description.contains("canary"), "{rejection}");
        assert_eq!(endpoint.refusal(&request).await.0, 400);
    }
}

#[tokio::test]
async fn five_thousand_items_are_taken_at_once_and_no_more() {
    let endpoint = Endpoint::trusting("[[rule]]\nsubject = [{ pointer = '/u', is = 'username' }]\nreason = 'logout'\n");
    let list = |count: usize| json!(vec![json!({"u": "x"}); count]).to_string();
    assert_eq!(endpoint.signals(&trusted(&list(5000))).await.len(), 5000);
    assert_eq!(endpoint.refusal(&trusted(&list(5001))).await, (400, "invalid_body"));
}

#[tokio::test]
async fn a_request_of_an_unknown_version_or_reason_is_refused_rather_than_taken_in_silence() {
    let endpoint = Endpoint::trusting("");
    for body in [
        BODY.replace(".v1", ".v2"),
        BODY.replace("logout", "boredom"),
        BODY.replace("\"reason\":\"logout\"", "\"reason\":null"),
        BODY.replace("\"format\":\"email\"", "\"form\":\"email\""),
        BODY.replace("a@b.example", "nobody"),
        "{}".to_owned(),
        "[{}]".to_owned(),
        "null".to_owned(),
    ] {
        assert_eq!(endpoint.refusal(&trusted(&body)).await, (422, "not_understood"), "{body}");
    }
}

#[tokio::test]
async fn who_is_not_known_learns_nothing_about_the_body() {
    let endpoint = Endpoint::new(&[SECRET], "");
    for body in ["", "{", BODY] {
        assert_eq!(
            endpoint.refusal(&post(&[], body.as_bytes())).await,
            (401, "invalid_signature")
        );
    }
}

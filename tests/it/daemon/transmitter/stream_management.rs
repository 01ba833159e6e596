//! What a receiver may ask about its stream.

use http::StatusCode;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{PUSH, TOKEN, TransmitterUnderTest, VERIFICATION, heard, token};

#[tokio::test]
async fn the_metadata_names_what_is_served_and_nothing_else() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let running = transmitter.site.start().await;
    let issuer = format!("http://{}", transmitter.us);
    let answer = running
        .http
        .get(running.url("/.well-known/ssf-configuration"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    let metadata: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        metadata,
        json!({
            "spec_version": "1_0",
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/ssf/jwks.json"),
            "delivery_methods_supported": ["urn:ietf:rfc:8935"],
            "configuration_endpoint": format!("{issuer}/ssf/stream"),
            "status_endpoint": format!("{issuer}/ssf/status"),
            "verification_endpoint": format!("{issuer}/ssf/verification"),
            "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6750" }],
            "default_subjects": "ALL",
        })
    );
    let (status, keys) = transmitter.ask(&running, "/ssf/jwks.json").await;
    assert_eq!(status, 200);
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"))
    );
    assert!(key.get("d").is_none());
    assert_eq!(transmitter.site.says(&["transmitter", "keys"]).await.done(), keys);
}

#[tokio::test]
async fn a_stream_is_read_by_whom_it_belongs_to_and_changed_by_nobody() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let running = transmitter.site.start().await;
    let (status, streams) = transmitter.ask(&running, "/ssf/stream").await;
    assert_eq!(status, 200);
    assert_eq!(streams[0]["stream_id"], "idp");
    assert_eq!(streams[0]["iss"], format!("http://{}", transmitter.us));
    assert_eq!(
        streams[0]["delivery"]["endpoint_url"],
        format!("http://{}/ssf", transmitter.ear)
    );
    assert_eq!(streams[0]["min_verification_interval"], 10);
    assert!(streams[0]["delivery"].get("authorization_header").is_none());
    let (status, stream) = transmitter.ask(&running, "/ssf/stream?stream_id=idp").await;
    assert_eq!((status, &stream), (StatusCode::OK, &streams[0]));
    assert_eq!(transmitter.ask(&running, "/ssf/stream?stream_id=other").await.0, 404);
    let (_, status) = transmitter.ask(&running, "/ssf/status?stream_id=idp").await;
    assert_eq!(status, json!({ "stream_id": "idp", "status": "enabled" }));
    assert_eq!(transmitter.ask(&running, "/ssf/status").await.0, 400);
    for path in ["/ssf/stream", "/ssf/status?stream_id=idp"] {
        assert_eq!(running.http.get(running.url(path)).send().await.unwrap().status(), 401);
    }
    let create = running
        .http
        .post(running.url("/ssf/stream"))
        .bearer_auth(TOKEN)
        .json(&json!({}));
    assert_eq!(create.send().await.unwrap().status(), 409, "it has one");
    let delete = running
        .http
        .delete(running.url("/ssf/stream?stream_id=idp"))
        .bearer_auth(TOKEN);
    assert_eq!(delete.send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_handshake_comes_when_the_receiver_or_an_operator_asks_for_one() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let running = transmitter.site.start().await;
    let ask = async |body: serde_json::Value| {
        let asked = running
            .http
            .post(running.url("/ssf/verification"))
            .bearer_auth(TOKEN)
            .json(&body);
        asked.send().await.unwrap().status()
    };
    assert_eq!(ask(json!({ "stream_id": "idp", "state": "VGhpcyBpcyBhIHN0YXRl" })).await, 204);
    let claims = super::claims(&token(&heard(&server, 1).await[0]));
    assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": "idp" }));
    assert_eq!(claims["events"], json!({ VERIFICATION: { "state": "VGhpcyBpcyBhIHN0YXRl" } }));
    assert_eq!(ask(json!({ "stream_id": "other" })).await, 404);
    assert_eq!(ask(json!({ "state": "x" })).await, 400);
    assert_eq!(ask(json!({ "stream_id": "idp", "state": "x".repeat(2000) })).await, 400);
    assert_eq!(
        ask(json!({ "stream_id": "idp" })).await,
        429,
        "sooner than min_verification_interval"
    );

    let said = transmitter.site.says(&["transmitter", "verify", "idp"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let claims = super::claims(&token(&heard(&server, 2).await[1]));
    assert_eq!(claims["events"], json!({ VERIFICATION: {} }), "unsolicited: without a state");
    let unknown = transmitter.site.says(&["transmitter", "verify", "other"]).await;
    assert!(
        unknown.code == 1 && unknown.err.contains("no receiver is called"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn without_a_transmitter_nothing_is_served_or_sent() {
    let transmitter = TransmitterUnderTest::new("").await;
    let running = transmitter.site.start().await;
    for path in ["/.well-known/ssf-configuration", "/ssf/jwks.json", "/ssf/stream"] {
        assert_eq!(transmitter.ask(&running, path).await.0, 404, "{path}");
    }
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    assert_eq!(transmitter.site.count("SELECT count(*) FROM outbox").await, 0);
    assert!(!transmitter.site.path("revoked.db.transmitter-key").exists());
    let said = transmitter.site.says(&["transmitter", "status"]).await;
    assert!(said.code == 1 && said.err.contains("no [transmitter]"), "{said:?}");
}

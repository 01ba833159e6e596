//! What is refused, and that it leaves a record and nothing else.

use serde_json::json;

use super::*;

/// The `scimType` of a refusal with 400.
async fn refused(server: &Server, method: &str, path: &str, body: &str) -> String {
    let answer = server.ask(method, path, body).await;
    assert_eq!(answer.status, 400, "{method} {path} {answer:?}");
    assert_eq!(answer.body["status"], "400");
    assert!(!answer.body["detail"].as_str().unwrap().contains("canary"), "{answer:?}");
    answer.body["scimType"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_token_of_ours_opens_and_both_do() {
    let server = Server::new().await;
    let with = |values: &[&str]| {
        let mut request = request("GET", "/Users", "");
        request.headers_mut().remove("authorization");
        for value in values {
            request.headers_mut().append("authorization", value.parse().unwrap());
        }
        request
    };
    for token in [TOKEN, NEXT] {
        assert_eq!(server.send(with(&[&format!("Bearer {token}")])).await.status, 200);
        assert_eq!(server.send(with(&[&format!("bearer  {token} ")])).await.status, 200);
    }
    let ours = format!("Bearer {TOKEN}");
    for values in [
        &[][..],
        &["Bearer"],
        &["Bearer "],
        &[TOKEN],
        &["Basic MDEyMzQ1Njc4OWFiY2RlZg=="],
        &["Bearer canary-token"],
        &[&ours[..ours.len() - 1]],
        &[&format!("{ours}0")],
        &[&ours, &ours],
        &[&ours, "Bearer canary-token"],
    ] {
        let answer = server.send(with(values)).await;
        assert_eq!((answer.status, &answer.body["status"]), (401, &json!("401")), "{values:?}");
        assert!(answer.headers.contains_key("www-authenticate"));
        assert!(!answer.body.to_string().contains("canary"));
    }
    // Who may not come in learns nothing of what is there.
    for path in ["/ServiceProviderConfig", "/Schemas", "/Nothing", ""] {
        let mut request = request("GET", path, "");
        request.headers_mut().remove("authorization");
        assert_eq!(server.send(request).await.status, 401, "{path}");
    }
    assert_eq!(
        server
            .count("SELECT count(*) FROM trail WHERE body LIKE '%delivery.rejected%'")
            .await,
        14
    );
    assert_eq!(server.count("SELECT count(*) FROM trail WHERE body LIKE '%canary%'").await, 0);
}

#[tokio::test]
async fn media_types_other_than_json_are_refused() {
    let server = Server::new().await;
    let user = json!({"userName": "maya"}).to_string();
    for (media, status) in [
        (Some("application/scim+json"), 201),
        (Some("application/json; charset=utf-8"), 409),
        (Some("APPLICATION/SCIM+JSON"), 409),
        (Some("text/json"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (None, 415),
    ] {
        let mut request = request("POST", "/Users", &user);
        request.headers_mut().remove("content-type");
        if let Some(media) = media {
            request.headers_mut().insert("content-type", media.parse().unwrap());
        }
        assert_eq!(server.send(request).await.status, status, "{media:?}");
    }
    let mut twice = request("POST", "/Users", &user);
    twice
        .headers_mut()
        .append("content-type", "application/json".parse().unwrap());
    assert_eq!(server.send(twice).await.status, 415);
    let mut packed = request("POST", "/Users", &user);
    packed.headers_mut().append("content-encoding", "gzip".parse().unwrap());
    assert_eq!(server.send(packed).await.status, 415);
}

#[tokio::test]
async fn bodies_that_two_readers_could_read_differently_are_refused() {
    let server = Server::new().await;
    let path = server.maya().await;
    let deep = format!(
        "{{\"userName\":\"canary\",\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for body in [
        "canary",
        "[]",
        "\"canary\"",
        "{\"userName\":\"canary\"",
        "{\"userName\":\"canary\"} canary",
        "{\"userName\":\"a\",\"userName\":\"canary\"}",
        "{\"userName\":\"a\",\"username\":\"canary\"}",
        "{\"userName\":\"a\",\"urn:ietf:params:scim:schemas:core:2.0:User:userName\":\"canary\"}",
        "{\"userName\":\"a\",\"active\":true,\"Active\":false}",
        "{\"userName\":\"a\",\"urn:ietf:params:scim:schemas:core:2.0:User\":{\"active\":false},\"active\":true}",
        "{\"userName\":\"a\",\"emails\":[{\"value\":\"a\",\"Value\":\"canary\"}]}",
        "{\"userName\":\"a\",\"x\":18446744073709551616}",
        &deep,
    ] {
        for (method, path) in [("POST", "/Users"), ("PUT", path.as_str())] {
            assert_eq!(refused(&server, method, path, body).await, "invalidSyntax");
        }
    }
    let mut not_text = request("POST", "/Users", "x");
    *not_text.body_mut() = Bytes::from_static(b"{\"userName\":\"\xff\xfe\"}");
    assert_eq!(server.send(not_text).await.body["scimType"], "invalidSyntax");
    let empty = server.ask("POST", "/Users", " ").await;
    assert_eq!(empty.body["scimType"], "invalidSyntax");

    let large = format!("{{\"userName\":\"canary\",\"x\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(server.ask("POST", "/Users", &large).await.status, 413);
    let wide = format!("{{\"userName\":\"canary\",\"title\":\"{}\"}}", "x".repeat(100_000));
    assert_eq!(refused(&server, "POST", "/Users", &wide).await, "invalidValue");
    assert_eq!(server.count("SELECT count(*) FROM memory WHERE drawer = 'users'").await, 1);
    assert_eq!(server.get(&path).await.body["meta"]["version"], "W/\"1\"");
}

#[tokio::test]
async fn values_that_leave_something_open_are_refused() {
    let server = Server::new().await;
    for body in [
        json!({}),
        json!({"userName": ""}),
        json!({"userName": "  "}),
        json!({"userName": null}),
        json!({"userName": ["canary"]}),
        json!({"userName": "can\nary"}),
        json!({"userName": "can\u{202e}ary"}),
        json!({"userName": "x".repeat(600)}),
        json!({"userName": "a", "active": "canary"}),
        json!({"userName": "a", "active": 1}),
        json!({"userName": "a", "active": []}),
        json!({"userName": "a", "name": "canary"}),
        json!({"userName": "a", "name": {"givenName": {}}}),
        json!({"userName": "a", "emails": [7]}),
        json!({"userName": "a", "emails": [{"value": "b", "primary": "canary"}]}),
        json!({"userName": "a", "emails": [{"value": "b", "primary": true}, {"value": "c", "primary": true}]}),
        json!({"userName": "a", (ENTERPRISE): "canary"}),
    ] {
        assert_eq!(
            refused(&server, "POST", "/Users", &body.to_string()).await,
            "invalidValue",
            "{body}"
        );
    }
    let odd = server
        .post(
            "/Users",
            &json!({"userName": "a", "emails": "a@example.org", "externalId": "x\ny", "title": "a\tb", "x": {"y": []}}),
        )
        .await;
    assert_eq!((odd.status, &odd.body["emails"]), (201, &json!([{"value": "a@example.org"}])));
    assert_eq!(odd.body.get("x"), None);
}

#[tokio::test]
async fn filters_and_numbers_are_bounded() {
    let server = Server::new().await;
    server.maya().await;
    for filter in [
        &format!("{}userName pr{}", "(".repeat(1000), ")".repeat(1000)),
        &format!("{}userName pr{}", "not (".repeat(500), ")".repeat(500)),
        &vec!["userName pr"; 101].join(" or "),
        "userName eq",
        "userName regex \"canary\"",
        "userName eq \"canary",
    ] {
        let answer = server.filter(filter).await;
        assert_eq!(
            (answer.status, &answer.body["scimType"]),
            (400, &json!("invalidFilter")),
            "{filter}"
        );
        let search = server.post("/Users/.search", &json!({"filter": filter})).await;
        assert_eq!((search.status, &search.body["scimType"]), (400, &json!("invalidFilter")));
    }
    for query in ["count=x", "count=1.5", "startIndex=", "count=99999999999999999999"] {
        assert_eq!(
            refused(&server, "GET", &format!("/Users?{query}"), "").await,
            "invalidValue",
            "{query}"
        );
    }
    assert_eq!(refused(&server, "GET", "/Users?count=1&count=2", "").await, "invalidSyntax");
    for (query, shown) in [
        ("count=9223372036854775807", 1),
        ("count=-1", 0),
        ("startIndex=-5", 1),
        ("startIndex=9223372036854775807", 0),
        ("startIndex=0&count=0", 0),
    ] {
        let answer = server.get(&format!("/Users?{query}")).await;
        assert_eq!((answer.status, &answer.body["totalResults"]), (200, &json!(1)), "{query}");
        assert_eq!(answer.body["Resources"].as_array().unwrap().len(), shown, "{query}");
    }
}

#[tokio::test]
async fn odd_ids_and_paths_are_404_and_unsupported_parts_say_so() {
    let server = Server::new().await;
    server.maya().await;
    for path in [
        "",
        "/",
        "/Nothing",
        "/users",
        "/Users/x",
        "/Users/%2e%2e%2fGroups",
        "/Users/a%0Ab",
        "/Users/%00",
        "/Users/%ff",
        "/Users/%",
        "/Users/x/y",
        "/Users/x/.search",
        "/v2/v2/Users",
        "/Schemas/urn:example",
        "/ResourceTypes/Device",
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, &answer.body["status"]), (404, &json!("404")), "{path}");
    }
    for (method, path) in [("GET", "/Me"), ("PATCH", "/Me"), ("POST", "/Bulk")] {
        assert_eq!(server.ask(method, path, "").await.status, 501, "{path}");
    }
    for (method, path, allowed) in [
        ("PUT", "/Users", "GET, POST"),
        ("POST", "/Users/x", "GET, PUT, PATCH, DELETE"),
        ("POST", "/Schemas", "GET"),
        ("DELETE", "/ServiceProviderConfig", "GET"),
        ("GET", "/.search", "POST"),
    ] {
        let answer = server.ask(method, path, "").await;
        assert_eq!(
            (answer.status, answer.headers["allow"].to_str().unwrap()),
            (405, allowed),
            "{method} {path}"
        );
    }
    // None of these is a fault of the client's, who may look for whom it likes.
    assert_eq!(
        server
            .count("SELECT count(*) FROM trail WHERE body LIKE '%delivery.rejected%'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_patch_is_done_whole_or_not_at_all() {
    let server = Server::new().await;
    let path = server.maya().await;
    let half = json!([
        {"op": "replace", "path": "active", "value": false},
        {"op": "replace", "path": "title", "value": {"canary": true}},
    ]);
    assert_eq!(server.patch(&path, half).await.status, 400);
    let many: Vec<Value> = (0..10_000)
        .map(|_| json!({"op": "replace", "path": "active", "value": false}))
        .collect();
    assert_eq!(server.patch(&path, Value::Array(many)).await.status, 400);
    assert_eq!(server.get(&path).await.body["active"], true);
    assert!(server.signals().await.is_empty());
}

#[tokio::test]
async fn a_config_that_would_not_work_is_complained_about() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(crate::store::NOW);
    let said = |text: String| {
        let complaints = build_as_written(&text, &clock).err().expect("it was built");
        let texts: Vec<String> = complaints.into_iter().map(|complaint| complaint.message).collect();
        let said = texts.join("; ");
        assert!(!said.contains("canary"), "{said}");
        said
    };
    let token = secret(folder.path(), "token", TOKEN);
    let short = secret(folder.path(), "short", "canary");
    let good = format!("url = {BASE:?}\ntoken = {{ file = {token:?} }}\n");
    for (text, complaint) in [
        (String::new(), "url"),
        (good.replace(BASE, "signals/okta"), "url must be"),
        (good.replace(BASE, "https://x.example/?a"), "url must be"),
        (good.replace("revoked.example", "my_host.example"), "underscore"),
        (good.replace(&token, &short), "shorter than 32 characters"),
        (
            format!("{good}next_token = {{ file = {short:?} }}"),
            "shorter than 32 characters",
        ),
        (good.replace(&token, "nowhere"), "cannot read the secret"),
        (format!("{good}external_id = \"sub\""), "needs issuer"),
        (format!("{good}issuer = \"https://x.example\""), "external_id = \"sub\""),
        (
            format!("{good}external_id = \"sub\"\nissuer = \"\""),
            "issuer must not be empty",
        ),
        (format!("{good}deactivation = \"deleted\""), "departed"),
        (format!("{good}secret = \"canary\""), "unknown key"),
    ] {
        let said = said(text.clone());
        assert!(said.contains(complaint), "{text}: {said}");
    }
    assert!(build_as_written(&good, &clock).is_ok());
}

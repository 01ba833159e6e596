//! A receiver that is pushed to (RFC 8935).

use std::collections::BTreeSet;

use revoked_sandbox::{Effect, Fault};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::super::until;
use super::{AUTHORIZATION, PUSH, SESSION_REVOKED, TOKEN, TransmitterUnderTest, heard, token};

const CREDENTIAL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";

const DELIVERED: &str = "SELECT count(*) FROM outbox WHERE state = 'delivered'";

fn jtis<'a>(requests: impl IntoIterator<Item = &'a Request>) -> BTreeSet<String> {
    let claims = requests.into_iter().map(|request| super::claims(&token(request)));
    claims.map(|claims| claims["jti"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_receiver_is_told_what_was_contained_and_can_check_it_knowing_only_our_issuer() {
    let transmitter = TransmitterUnderTest::with(PUSH, "reset_password = true").await;
    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let running = transmitter.site.start().await;
    let said = transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let case = said.json()["case"].as_i64().unwrap_or(1);

    let requests = heard(&server, 2).await;
    assert_eq!(requests[0].headers["content-type"], "application/secevent+jwt");
    assert_eq!(requests[0].headers["accept"], "application/json");
    assert_eq!(requests[0].headers["authorization"], AUTHORIZATION);
    let issuer = format!("http://{}", transmitter.us);
    let claims = transmitter.believed(&issuer, &token(&requests[0])).await;
    assert_eq!(claims["aud"], "https://idp.example.test/ssf");
    assert_eq!(claims["sub_id"], json!({ "format": "email", "email": "user01@example.test" }));
    assert_eq!(claims["txn"], format!("revoked:{case}"));
    let event = &claims["events"][SESSION_REVOKED];
    assert_eq!(event["initiating_entity"], "admin");
    let seen = event["event_timestamp"].as_i64().unwrap();
    let at = claims["iat"].as_i64().unwrap();
    assert!((at - 50..=at).contains(&seen), "{claims}");
    let changed = transmitter.believed(&issuer, &token(&requests[1])).await;
    assert_eq!(changed["events"][CREDENTIAL_CHANGE]["credential_type"], "password");
    assert_eq!(changed["txn"], claims["txn"]);
    assert_ne!(changed["jti"], claims["jti"]);

    transmitter
        .site
        .until_count("SELECT count(*) FROM outbox WHERE state = 'delivered' AND claims IS NULL", 2)
        .await;
    let trail = transmitter.site.trail(&json!(case)).await;
    assert_eq!(
        trail.iter().filter(|kind| *kind == "statement.queued").count(),
        2,
        "{trail:?}"
    );
    assert_eq!(trail.iter().filter(|kind| *kind == "statement.delivered").count(), 2);
    let metrics = running.metrics().await;
    assert!(
        metrics.contains("revoked_statements_total{receiver=\"idp\",outcome=\"delivered\"} 2"),
        "{metrics}"
    );
    assert!(metrics.contains("revoked_statements_waiting{receiver=\"idp\"} 0"));
    running.stop().await;
    assert_eq!(server.received_requests().await.unwrap().len(), 2, "it was told twice");
}

#[tokio::test]
async fn nothing_is_said_where_nothing_was_proved() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let _running = transmitter.site.start().await;
    // Refused for good: the verdict is `failed`.
    transmitter
        .site
        .chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Status(400)));
    let failed = transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    assert_eq!(failed.code, 13, "{failed:?}");
    let nobody = transmitter.site.revoke("nobody@example.test", "compromised", &[]).await;
    assert_eq!(nobody.code, 12, "{nobody:?}");
    transmitter.site.chat().faults().clear();
    // Proved, and the person has no name that the standard knows.
    let nameless = transmitter.site.revoke("username:user02", "departed", &[]).await;
    assert_eq!(nameless.code, 0, "{nameless:?}");
    assert_eq!(transmitter.site.entries("statement.withheld").await, 1);
    assert_eq!(transmitter.site.count("SELECT count(*) FROM outbox").await, 0);
    // The sender works, so that silence means something.
    transmitter.site.revoke("user03@example.test", "departed", &[]).await;
    assert_eq!(heard(&server, 1).await.len(), 1);
}

#[tokio::test]
async fn a_receiver_that_was_down_is_told_when_it_is_back_even_after_a_restart_of_ours() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    transmitter.site.revoke("user02@example.test", "compromised", &[]).await;
    until("a failed attempt", async || {
        (transmitter.site.entries("statement.retried").await >= 1).then_some(())
    })
    .await;
    running.kill().await;
    let waiting = transmitter
        .site
        .count("SELECT count(*) FROM outbox WHERE state = 'pending' AND claims LIKE '%user0_@%'");
    assert_eq!(waiting.await, 2);
    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let running = transmitter.site.start().await;
    transmitter.site.until_count(DELIVERED, 2).await;
    assert_eq!(jtis(&heard(&server, 2).await).len(), 2);
    let status = transmitter.site.ask(&["transmitter", "status"]).await;
    assert_eq!(status[0]["receiver"], "idp");
    assert_eq!(status[0]["pending"], 0);
    assert_eq!(status[0]["delivered"], 2);
    running.stop().await;
}

#[tokio::test]
async fn what_was_on_its_way_when_we_died_comes_again_under_the_same_name() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    // The answer takes longer than we live.
    let slow = transmitter
        .listen(ResponseTemplate::new(202).set_delay(std::time::Duration::from_secs(20)))
        .await;
    let running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    let first = heard(&slow, 1).await;
    running.kill().await;
    drop(slow);
    assert_eq!(
        transmitter
            .site
            .count("SELECT count(*) FROM outbox WHERE state = 'pending'")
            .await,
        1
    );

    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let _running = transmitter.site.start().await;
    let again = heard(&server, 1).await;
    assert_eq!(token(&first[0]), token(&again[0]), "the same token, byte for byte");
    transmitter.site.until_count(DELIVERED, 1).await;
}

#[tokio::test]
async fn what_a_receiver_refuses_alerts_and_is_sent_again_when_an_operator_says_so() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let refusal = json!({ "err": "invalid_audience", "description": "canary-description user01@example.test" });
    let server = transmitter.listen(ResponseTemplate::new(400).set_body_json(refusal)).await;
    let _running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    transmitter.site.until_alert("receiver_refuses").await;
    let status = transmitter.site.ask(&["transmitter", "status"]).await;
    assert_eq!(
        (&status[0]["refused"], &status[0]["last_error"]),
        (&json!(1), &json!("invalid_audience"))
    );
    let first = heard(&server, 1).await;

    server.reset().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;
    let said = transmitter.site.says(&["transmitter", "retry", "idp"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "1 tokens are sent to idp again\n"),
        "{said:?}"
    );
    transmitter.site.until_count(DELIVERED, 1).await;
    assert_eq!(jtis(&first), jtis(&heard(&server, 1).await));
    assert!(transmitter.site.alerts().await.is_empty(), "the alert is over");
    assert!(!transmitter.site.log().contains("canary-description"));
}

#[tokio::test]
async fn an_answer_other_than_202_is_no_acknowledgement() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let server = transmitter.listen(ResponseTemplate::new(200)).await;
    let _running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    heard(&server, 3).await;
    transmitter.site.until_alert("receiver_down").await;
    assert_eq!(transmitter.site.count(DELIVERED).await, 0);
    server.reset().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;
    transmitter.site.until_count(DELIVERED, 1).await;
    assert!(transmitter.site.alerts().await.is_empty());
}

#[tokio::test]
async fn neither_a_secret_nor_a_name_is_where_it_does_not_belong() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let server = transmitter.listen(ResponseTemplate::new(503)).await;
    let running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    heard(&server, 1).await;
    server.reset().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;
    transmitter.site.until_count(DELIVERED, 1).await;
    let tokens: Vec<String> = heard(&server, 1).await.iter().map(token).collect();
    let key = std::fs::read_to_string(transmitter.site.path("revoked.db.transmitter-key")).unwrap();
    let key_line = key.lines().nth(1).unwrap();
    let mut said = vec![running.metrics().await];
    for args in [
        &["transmitter", "status"][..],
        &["transmitter", "status", "--json"],
        &["transmitter", "keys"],
        &["trail", "export"],
        &["alert", "list", "--all", "--json"],
    ] {
        let answer = transmitter.site.says(args).await;
        assert_eq!(answer.code, 0, "{answer:?}");
        said.push(answer.out);
    }
    running.stop().await;
    let log = transmitter.site.log();
    assert!(log.contains("\"TRACE\""), "nothing was traced");
    said.push(log);
    for (n, text) in said.iter().enumerate() {
        let signature = tokens[0].rsplit('.').next().unwrap();
        for secret in [AUTHORIZATION, TOKEN, key_line, signature, "user01@example.test"] {
            assert!(!text.contains(secret), "{secret} is in place {n}");
        }
    }
    let store = std::fs::read(transmitter.site.store()).unwrap();
    let store = String::from_utf8_lossy(&store);
    for secret in [AUTHORIZATION, TOKEN, key_line, "\"sub_id\""] {
        assert!(!store.contains(secret), "{secret} is in the store");
    }
}

#[tokio::test]
async fn an_older_key_stays_published_while_a_new_one_signs() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let server = transmitter.listen(ResponseTemplate::new(202)).await;
    let running = transmitter.site.start().await;
    let old = transmitter.site.says(&["transmitter", "keys"]).await;
    std::fs::write(transmitter.site.path("more.json"), &old.out).unwrap();
    running.stop().await;
    std::fs::remove_file(transmitter.site.path("revoked.db.transmitter-key")).unwrap();
    let config = std::fs::read_to_string(transmitter.site.config()).unwrap();
    let more = format!(
        "[transmitter]\nmore_keys = \"{}\"",
        transmitter.site.path("more.json").display()
    );
    std::fs::write(transmitter.site.config(), config.replace("[transmitter]", &more)).unwrap();

    let running = transmitter.site.start().await;
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    let requests = heard(&server, 1).await;
    transmitter
        .believed(&format!("http://{}", transmitter.us), &token(&requests[0]))
        .await;
    let (status, published) = transmitter.ask(&running, "/ssf/jwks.json").await;
    assert_eq!(status, 200);
    let kids: Vec<&Value> = published["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert_eq!(kids.len(), 2);
    assert!(kids.contains(&&old.json()["keys"][0]["kid"]));
}

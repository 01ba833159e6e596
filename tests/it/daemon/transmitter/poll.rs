//! A receiver that polls (RFC 8936).

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Installation, until};
use super::{POLL, SESSION_REVOKED, TransmitterUnderTest, claims};

async fn ended(site: &Installation, n: usize) {
    let said = site.revoke(&format!("user{n:02}@example.test"), "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

fn names(answer: &Value) -> Vec<String> {
    answer["sets"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn tokens_are_handed_out_until_they_are_acknowledged() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let running = transmitter.site.start().await;
    let at_once = json!({ "returnImmediately": true });
    assert_eq!(
        transmitter.poll(&running, at_once.clone()).await,
        json!({ "sets": {}, "moreAvailable": false })
    );
    for n in 1..=3 {
        ended(&transmitter.site, n).await;
    }
    let two = transmitter
        .poll(&running, json!({ "returnImmediately": true, "maxEvents": 2 }))
        .await;
    assert_eq!((names(&two).len(), &two["moreAvailable"]), (2, &json!(true)));
    let issuer = format!("http://{}/tenant", transmitter.us);
    for (jti, token) in two["sets"].as_object().unwrap() {
        let claims = transmitter.believed(&issuer, token.as_str().unwrap()).await;
        assert_eq!(claims["jti"], *jti);
        assert!(claims["events"][SESSION_REVOKED].is_object());
    }
    // Neither asking again nor a death of ours loses or changes anything.
    running.kill().await;
    let running = transmitter.site.start().await;
    let again = transmitter
        .poll(&running, json!({ "returnImmediately": true, "maxEvents": 2 }))
        .await;
    assert_eq!(again, two);

    let rest = transmitter
        .poll(&running, json!({ "returnImmediately": true, "ack": names(&two) }))
        .await;
    assert_eq!((names(&rest).len(), &rest["moreAvailable"]), (1, &json!(false)));
    assert!(!names(&two).contains(&names(&rest)[0]));
    let last = &names(&rest)[0];
    // An acknowledgement alone, and twice, and one of what we never sent.
    for _ in 0..2 {
        let acks = json!({ "maxEvents": 0, "ack": [last, "never-sent"] });
        assert_eq!(transmitter.poll(&running, acks).await, json!({ "sets": {} }));
    }
    assert!(names(&transmitter.poll(&running, at_once).await).is_empty());
    assert_eq!(transmitter.site.entries("statement.delivered").await, 3);
    assert_eq!(
        transmitter
            .site
            .count("SELECT count(*) FROM outbox WHERE claims IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_as_soon_as_something_is_proved() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let running = transmitter.site.start().await;
    let waits = transmitter.poll(&running, json!({}));
    let (answer, ()) = tokio::join!(waits, ended(&transmitter.site, 1));
    assert_eq!(names(&answer).len(), 1);
    let claims = claims(answer["sets"][&names(&answer)[0]].as_str().unwrap());
    assert_eq!(claims["sub_id"]["email"], "user01@example.test");
}

#[tokio::test]
async fn a_poll_that_waits_does_not_hold_up_our_end() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let running = transmitter.site.start().await;
    let before = tokio::time::Instant::now();
    let waits = running
        .http
        .post(running.url("/tenant/ssf/poll/siem"))
        .bearer_auth(super::TOKEN)
        .json(&json!({}))
        .send();
    let waits = tokio::spawn(waits);
    until("the poll to arrive", async || {
        transmitter.site.log().contains("handed nothing out yet").then_some(())
    })
    .await;
    running.terminate();
    let answer = waits.await.unwrap().unwrap();
    let took = before.elapsed();
    assert_eq!(answer.status(), 200);
    running.ended().await;
    // By itself it would have been answered after 20 s.
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn what_a_receiver_reports_as_an_error_alerts_and_is_not_handed_out_again() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let running = transmitter.site.start().await;
    ended(&transmitter.site, 1).await;
    let answer = transmitter.poll(&running, json!({ "returnImmediately": true })).await;
    let jti = &names(&answer)[0];
    let errors = json!({ "returnImmediately": true, "setErrs": { jti: { "err": "invalid_key", "description": "canary" } } });
    assert!(names(&transmitter.poll(&running, errors).await).is_empty());
    transmitter.site.until_alert("receiver_refuses").await;
    assert_eq!(
        transmitter
            .site
            .count("SELECT count(*) FROM outbox WHERE state = 'refused' AND error = 'invalid_key'")
            .await,
        1
    );
}

#[tokio::test]
async fn nobody_else_can_poll_and_nobody_can_guess_for_long() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let running = transmitter.site.start().await;
    let ask = async |path: &str, token: Option<&str>| {
        let mut asked = running
            .http
            .post(running.url(path))
            .json(&json!({ "returnImmediately": true }));
        if let Some(token) = token {
            asked = asked.bearer_auth(token);
        }
        asked.send().await.unwrap()
    };
    assert_eq!(
        ask("/tenant/ssf/poll/siem", Some("canary-next-token-0123456789abcdef"))
            .await
            .status(),
        200
    );
    let wrong = ask("/tenant/ssf/poll/siem", Some("wrong")).await;
    assert_eq!(
        (wrong.status().as_u16(), &wrong.headers()["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    assert_eq!(ask("/tenant/ssf/poll/siem", None).await.status(), 401);
    assert_eq!(ask("/tenant/ssf/poll/nobody", Some(super::TOKEN)).await.status(), 401);
    assert_eq!(ask("/ssf/poll/siem", Some(super::TOKEN)).await.status(), 404);
    let get = running.http.get(running.url("/tenant/ssf/poll/siem")).send().await.unwrap();
    assert_eq!(
        (get.status().as_u16(), &get.headers()["allow"]),
        (405, &"POST".parse().unwrap())
    );
    let form = running
        .http
        .post(running.url("/tenant/ssf/poll/siem"))
        .bearer_auth(super::TOKEN)
        .body("{}");
    assert_eq!(form.send().await.unwrap().status(), 415);
    let large = running
        .http
        .post(running.url("/tenant/ssf/poll/siem"))
        .bearer_auth(super::TOKEN)
        .json(&json!({ "x": "x".repeat(300_000) }));
    assert_eq!(large.send().await.unwrap().status(), 413);
    let guessed = until("an end of guessing", async || {
        let status = ask("/tenant/ssf/poll/siem", Some("guess")).await.status();
        (status != 401).then_some(status)
    });
    assert_eq!(guessed.await, 429);
}

//! Clients that prove nothing at the endpoints of a real daemon, behind a proxy that nobody has named: those who belong there get in.

use serde_json::{Value, json};

use super::{DaemonProcess, Installation, InstallationPlan, until};
use crate::harness::identity_provider::{self, Idp};

const SOURCES: &str = r#"
[[source]]
name = "siem"
kind = "webhook"
verify = "bearer"
secrets = [{ file = "{folder}/siem-secret" }]
"#;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn site(listen: &'static str) -> (Installation, Idp, DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        more: format!("{}{SOURCES}", identity_provider::SOURCE).leak(),
        listen,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("siem-secret", SECRET.as_bytes());
    let idp = Idp::new(&site);
    let running = site.start().await;
    (site, idp, running)
}

/// Posts to the SIEM's endpoint as a proxy would that passes on what `client` sends.
async fn post(running: &DaemonProcess, client: &str, secret: Option<&str>, body: &str) -> u16 {
    let mut request = running.http.post(running.url("/signals/siem"));
    request = request
        .header("content-type", "application/json")
        .header("x-forwarded-for", client);
    if let Some(secret) = secret {
        request = request.bearer_auth(secret);
    }
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

fn request() -> String {
    json!({
        "type": "revoked.request.v1",
        "data": {"subject": {"format": "email", "email": "user02@example.test"}, "reason": "compromised"},
    })
    .to_string()
}

/// The endpoint's alert, where one stands.
async fn closed(site: &Installation) -> Option<Value> {
    let alerts = site.ask(&["alert", "list"]).await;
    let mut about = alerts
        .as_array()
        .unwrap()
        .iter()
        .filter(|alert| alert["kind"] == "door_closed");
    about.next().cloned()
}

#[tokio::test]
async fn junk_throttles_an_endpoint_for_those_who_prove_nothing_alone_and_alerts() {
    let (site, idp, running) = site("").await;
    assert_eq!(post(&running, "203.0.113.9", Some(SECRET), &request()).await, 204);
    let (mut told_why, begun) = (0, std::time::Instant::now());
    for n in 0..60 {
        let client = format!("198.51.100.{n}");
        let statuses = [
            post(&running, &client, None, "{}").await,
            post(&running, &client, Some("wrong and as long as the good one"), &request()).await,
        ];
        assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
        told_why += statuses.iter().map(|status| u64::from(*status == 401)).sum::<u64>();
    }
    // Twenty, and one more for each three seconds that it took.
    let most = 21 + begun.elapsed().as_secs() / 3;
    assert!((20..most).contains(&told_why), "{told_why} of {most}");
    let pushed = running.push("no token").await.unwrap();
    assert_eq!(pushed.status(), 400, "another endpoint is not concerned");

    for n in 0..30 {
        assert_eq!(post(&running, "203.0.113.9", Some(SECRET), &request()).await, 204, "{n}");
        // What it gets wrong is no attack.
        assert_eq!(post(&running, "203.0.113.9", Some(SECRET), "not JSON").await, 400, "{n}");
    }
    let token = idp.token("jti-1", "user01@example.test");
    assert_eq!(running.push(&token).await.unwrap().status(), 202);

    let alert = until("the alert", async || closed(&site).await).await;
    assert_eq!(alert["key"], "source:siem", "{alert}");
    // Whom an earlier life held off is not remembered.
    running.stop().await;
    let running = site.start().await;
    assert!(closed(&site).await.is_none());
    assert_eq!(post(&running, "198.51.100.1", None, "{}").await, 401);
}

#[tokio::test]
async fn a_flood_of_refusals_leaves_a_bounded_trail_and_the_rest_is_counted() {
    let (site, idp, running) = site("").await;
    // None of them is proven, and each comes to an endpoint that must read the body to know.
    for _ in 0..200 {
        let status = running.push("no token").await.unwrap().status().as_u16();
        assert!(matches!(status, 400 | 429), "{status}");
    }
    let recorded = site.entries("delivery.rejected").await;
    assert!((20..=64).contains(&recorded), "{recorded} of 200 stand in the trail");
    site.until_count(
        "SELECT times FROM source_refusal WHERE source = 'idp' AND code = 'invalid_request'",
        200,
    )
    .await;
    let metrics = running.metrics().await;
    let counted = format!("revoked_refusals_counted_total{{source=\"idp\"}} {}", 200 - recorded);
    assert!(metrics.contains(&counted), "{counted} in {metrics}");
    let token = idp.token("jti-1", "user01@example.test");
    assert_eq!(running.push(&token).await.unwrap().status(), 202);
}

#[tokio::test]
async fn what_an_issuer_signs_for_us_is_never_an_attack_and_what_it_signs_for_others_is() {
    let (site, idp, running) = site("").await;
    let mut stale = Idp::claims("jti-1", "user01@example.test");
    stale["iat"] = json!(4_000_000_000_i64);
    let mut another = Idp::claims("jti-2", "user01@example.test");
    another["aud"] = json!("https://another.example.test");
    for _ in 0..40 {
        assert_eq!(running.push(&idp.sign(&stale)).await.unwrap().status(), 400);
    }
    assert!(closed(&site).await.is_none());
    let mut last = 0;
    for _ in 0..22 {
        last = running.push(&idp.sign(&another)).await.unwrap().status().as_u16();
    }
    assert_eq!(
        last, 429,
        "a token that was made for somebody else may have been stolen there"
    );
}

#[tokio::test]
async fn check_warns_of_a_proxy_that_is_not_named_and_of_no_other() {
    let (site, _, running) = site("").await;
    let warns = async || {
        let said = site.says(&["check", "--offline"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out.contains("proxies = [\"127.0.0.1\"]")
    };
    assert!(!warns().await);
    assert_eq!(post(&running, "203.0.113.9", None, "{}").await, 401);
    until("the warning", async || warns().await.then_some(())).await;
    running.stop().await;
    site.configure(&InstallationPlan {
        more: format!("{}{SOURCES}", identity_provider::SOURCE).leak(),
        listen: "proxies = [\"127.0.0.1\"]",
        ..InstallationPlan::default()
    });
    assert!(!warns().await, "it is named now");
}

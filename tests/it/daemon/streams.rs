//! A stream of security events, made by a command and read by the daemon, end to end.

use serde_json::json;

use super::{Plan, Site, until};
use crate::ssf::transmitter::{Manners, TOKEN, Transmitter};

const POLL: &str = r#"
[[source]]
name = "idp"
kind = "ssf"
delivery = "poll"
issuer = "{issuer}"
audience = "https://revoked.example.test/signals/idp"
token = { file = "{folder}/idp-token" }
"#;

/// An installation with a source `idp` at a transmitter.
async fn site(source: &str, transmitter: &Transmitter) -> Site {
    let more = source.replace("{issuer}", transmitter.issuer());
    let site = Site::new(Plan {
        // A test's config lives as long as the test.
        more: Box::leak(more.into_boxed_str()),
        ..Plan::default()
    })
    .await;
    site.secret("idp-token", TOKEN.as_bytes());
    site.secret("idp-authorization", b"Bearer 0123456789abcdef0123456789abcdef");
    // The store is made by the first start.
    site.start().await.stop().await;
    site
}

#[tokio::test]
async fn a_person_in_a_polled_event_is_contained_and_the_event_acknowledged_after() {
    let transmitter = Transmitter::start(Manners {
        path: "/realms/staff",
        ..Manners::default()
    })
    .await;
    let site = site(POLL, &transmitter).await;
    let said = site.says(&["source", "ssf", "connect", "idp"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("stream-1") && said.out.contains("session-revoked"),
        "{said:?}"
    );

    let running = site.start().await;
    transmitter.emit(&transmitter.claims("jti-1", "user01@example.test"));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    until("the acknowledgement", async || {
        transmitter.acked().contains(&"jti-1".to_owned()).then_some(())
    })
    .await;
    let status = site.ask(&["source", "ssf", "status", "idp"]).await;
    assert_eq!(status["status"], json!("enabled"));
    running.stop().await;
}

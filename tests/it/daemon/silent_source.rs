//! A source that should speak and does not, end to end.

use std::time::Duration;

use super::{Installation, InstallationPlan, until};
use crate::harness::identity_provider::{self, Idp};

async fn source(site: &Installation) -> serde_json::Value {
    let status = site.ask(&["status"]).await;
    let sources = status["sources"].as_array().unwrap().clone();
    sources.into_iter().find(|source| source["source"] == "idp").unwrap()
}

#[tokio::test]
async fn a_silent_source_alerts_until_it_speaks_and_its_health_is_shown_everywhere() {
    let site = Installation::new(InstallationPlan {
        more: format!("{}silent_after = \"24h\"\n", identity_provider::SOURCE).leak(),
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    site.start().await.stop().await;
    assert!(site.alerts().await.is_empty());
    assert!(source(&site).await["spoke_at"].is_null());
    // Two days go by.
    let mut conn = site.sql().await;
    sqlx::query("UPDATE source_health SET since = since - 172800000")
        .execute(&mut conn)
        .await
        .unwrap();

    let running = site.start().await;
    until("the alert", async || (site.alerts().await == ["source_silent"]).then_some(())).await;
    let status = site.says(&["status"]).await;
    assert!(status.out.contains("idp has said nothing for 2 d"), "{status:?}");
    assert!(status.out.contains(" → revoked source list"), "{status:?}");
    assert_eq!(running.push("no token").await.unwrap().status(), 400);
    assert_eq!(
        site.alerts().await,
        ["source_silent"],
        "what is refused is no word of the source"
    );
    assert_eq!(
        running
            .push(&idp.token("jti-1", "user01@example.test"))
            .await
            .unwrap()
            .status(),
        202
    );
    assert!(site.alerts().await.is_empty(), "over with its first word");

    running.kill().await;
    let running = site.start().await;
    let known = source(&site).await;
    assert_eq!(known["refused"]["invalid_request"]["times"], 1, "{known:#}");
    assert_eq!(known["lag"]["of"], 1, "{known:#}");
    assert_eq!(known["signal_at"], known["spoke_at"]);
    let status = site.says(&["status"]).await;
    let line = status.out.lines().find(|line| line.starts_with("sources   heard: ")).unwrap();
    assert!(line.contains("idp "), "{line}");
    let told = site.says(&["source", "list"]).await;
    let line = told.out.lines().find(|line| line.trim_start().starts_with("idp ")).unwrap();
    assert!(line.contains("(median ") && line.contains("1: invalid_request 1"), "{line}");
    let list = site.ask(&["source", "list"]).await;
    let listed = list.as_array().unwrap().iter().find(|row| row["source"] == "idp").unwrap();
    assert_eq!((&listed["silent_after"], &listed["health"]), (&"1d".into(), &known));
    let metrics = running.metrics().await;
    for name in [
        "revoked_source_silent_seconds{source=\"idp\"} ",
        "revoked_source_signal_age_seconds{source=\"idp\"} ",
        "revoked_source_lag_seconds{source=\"idp\",of=\"median\"} ",
        "revoked_source_refused{source=\"idp\",code=\"invalid_request\"} 1",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} in {metrics}");
    }
    let silent = metrics
        .lines()
        .find_map(|line| line.strip_prefix("revoked_source_silent_seconds{source=\"idp\"} "));
    assert!(
        silent.unwrap().parse::<f64>().unwrap() < Duration::from_mins(5).as_secs_f64(),
        "{silent:?}"
    );
}

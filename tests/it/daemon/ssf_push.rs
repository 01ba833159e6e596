//! Security events pushed over HTTP, end to end.

use std::time::Duration;

use sqlx::{Connection as _, Row as _};
use tokio::time::timeout;

use super::under_way::with_identity_provider;
use crate::harness::chat_holdings::Holdings;
use crate::harness::identity_provider::Idp;

#[tokio::test]
async fn the_yes_comes_after_the_commit_and_the_sessions_end() {
    let (site, idp, running) = with_identity_provider().await;
    let token = idp.token("jti-1", "user01@example.test");
    // While another program holds the lock nothing can be stored, and so nothing may be acknowledged.
    let mut other = site.sql().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut push = Box::pin(running.push(&token));
    let early = timeout(Duration::from_millis(500), &mut push).await;
    assert!(early.is_err(), "answered {early:?} before the commit");
    lock.rollback().await.unwrap();
    assert_eq!(push.await.unwrap().status(), 202);
    let stored = "SELECT count(*) FROM signal WHERE source = 'idp' AND case_id IS NOT NULL";
    assert_eq!(site.count(stored).await, 1, "acknowledged and not stored");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_harmless_and_another_under_its_name_is_refused() {
    let (site, idp, running) = with_identity_provider().await;
    let token = idp.token("jti-1", "user01@example.test");
    for _ in 0..3 {
        assert_eq!(running.push(&token).await.unwrap().status(), 202);
    }
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert_eq!(site.count("SELECT count(*) FROM signal").await, 1);
    assert!(site.alerts().await.is_empty());

    let other = running.push(&idp.token("jti-1", "user02@example.test")).await.unwrap();
    assert_eq!(other.status(), 400);
    let body: serde_json::Value = other.json().await.unwrap();
    assert_eq!(body["err"], "invalid_request");
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert!(!Holdings::of(site.chat(), "user02").is_out());
}

#[tokio::test]
async fn what_is_not_signed_by_the_issuer_is_refused_and_on_record() {
    let (site, idp, running) = with_identity_provider().await;
    let forged = Idp::impostor().token("jti-1", "user01@example.test");
    let genuine = idp.token("jti-2", "user01@example.test");
    let unsigned = format!("{}.", genuine.rsplit_once('.').unwrap().0);
    for (token, err) in [
        (forged.as_str(), "authentication_failed"),
        (unsigned.as_str(), "authentication_failed"),
        ("not a token", "invalid_request"),
        ("", "invalid_request"),
    ] {
        let answer = running.push(token).await.unwrap();
        assert_eq!(answer.status(), 400, "{token}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["err"], err, "{token}: {body}");
    }
    assert_eq!(running.push(&"x".repeat(300 << 10)).await.unwrap().status(), 413);
    assert_eq!(site.count("SELECT count(*) FROM signal").await, 0);
    assert!(!Holdings::of(site.chat(), "user01").is_out());
    let mut conn = site.sql().await;
    let rows = sqlx::query("SELECT body FROM trail WHERE body ->> 'kind' = 'delivery.rejected' ORDER BY seq")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let entries: Vec<serde_json::Value> = rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
    assert!(entries.len() >= 4, "{entries:#?}");
    for entry in &entries[..4] {
        assert_eq!(entry["detail"]["body_sha256"].as_str().unwrap().len(), 64, "{entry}");
        assert!(!entry.to_string().contains("user01"), "{entry}");
    }
}

#[tokio::test]
async fn forgeries_under_names_that_nobody_has_published_are_refused_or_put_off_and_each_leaves_a_record() {
    let (site, idp, running) = with_identity_provider().await;
    let mut told = Vec::new();
    for n in 0..6 {
        let token = Idp::stranger(&format!("k-{n}")).token(&format!("forged-{n}"), "user01@example.test");
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        let unsigned = running.push(&format!("{unsigned}.")).await.unwrap();
        assert_eq!(unsigned.status(), 400, "no key could make it good");
        told.push(running.push(&token).await.unwrap().status().as_u16());
    }
    assert_eq!(told, [400, 400, 400, 503, 503, 503], "three looks a minute");
    let rejected = "SELECT count(*) FROM trail WHERE json_extract(body, '$.kind') = 'delivery.rejected'";
    assert_eq!(site.count(rejected).await, 12);
    assert_eq!(
        site.count("SELECT times FROM source_refusal WHERE code = 'unknown_key'")
            .await,
        3
    );
    assert_eq!(site.count("SELECT count(*) FROM signal").await, 0);
    // The provider itself is not kept waiting by them.
    assert_eq!(
        running
            .push(&idp.token("sound", "user01@example.test"))
            .await
            .unwrap()
            .status(),
        202
    );
    running.stop().await;
}

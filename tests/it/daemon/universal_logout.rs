//! Universal Logout, end to end: one call, and the person's sessions are gone.

use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

use super::{DaemonProcess, Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

const SOURCE: &str = r#"
[[source]]
name = "logout"
kind = "global-token-revocation"
issuer = "https://idp.example.test"
client_id = "chat-app"
audience = "https://revoked.example.test/signals/logout"
algorithms = ["ES256"]
jwks_file = "{folder}/jwks.json"
"#;

fn token(signer: &Signer, jti: &str) -> String {
    let now = Clock::system().now().ms() / 1000;
    let header = json!({"typ": "global-token-revocation+jwt", "alg": "ES256", "kid": "k1"});
    let claims = json!({
        "iss": "https://idp.example.test",
        "sub": "chat-app",
        "aud": "https://revoked.example.test/signals/logout",
        "jti": jti,
        "iat": now,
        "nbf": now - 300,
        "exp": now + 300,
    });
    signer.sign_under(&header, claims.to_string().as_bytes()).unwrap()
}

async fn call(running: &DaemonProcess, token: &str, email: &str) -> reqwest::Response {
    let body: Value = json!({"sub_id": {"format": "email", "email": email}});
    let request = running.http.post(running.url("/signals/logout")).bearer_auth(token);
    request.json(&body).send().await.unwrap()
}

#[tokio::test]
async fn one_call_ends_the_sessions_and_a_used_token_serves_nobody_else() {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    std::fs::write(site.path("jwks.json"), signer.jwks().unwrap().to_string()).unwrap();
    let running = site.start().await;

    let first = token(&signer, "jti-1");
    for _ in 0..2 {
        let answer = call(&running, &first, "user01@example.test").await;
        assert_eq!(answer.status(), 204);
        assert!(answer.bytes().await.unwrap().is_empty());
        let stored = "SELECT count(*) FROM signal WHERE source = 'logout' AND case_id IS NOT NULL";
        assert_eq!(site.count(stored).await, 1, "answered and not stored, or stored twice");
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert!(site.alerts().await.is_empty());

    assert_eq!(call(&running, &first, "user02@example.test").await.status(), 400);
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);

    let impostor = Signer::generate("k1", Algorithm::Es256).unwrap();
    let forged = call(&running, &token(&impostor, "jti-2"), "user02@example.test").await;
    assert_eq!(forged.status(), 401);
    assert_eq!(forged.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert!(!Holdings::of(site.chat(), "user02").is_out());
    running.stop().await;
}

#[tokio::test]
async fn whoever_nobody_knows_is_404_and_kept_and_whoever_is_unclear_is_422_and_held() {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    std::fs::write(site.path("jwks.json"), signer.jwks().unwrap().to_string()).unwrap();
    let running = site.start().await;

    let first = token(&signer, "jti-1");
    for _ in 0..2 {
        assert_eq!(call(&running, &first, "nobody@example.test").await.status(), 404);
    }
    let listed = site.ask(&["subject", "unresolved"]).await;
    assert_eq!(listed["cases"][0]["subject"], "email:nobody@example.test");
    assert!(site.trail(&json!(1)).await.contains(&"subject.asked".to_owned()));
    // Linked afterwards, it is done after all, and the same call is answered otherwise.
    site.ask(&["subject", "link", "nobody@example.test", "username:user03"]).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(call(&running, &first, "nobody@example.test").await.status(), 204);

    site.ask(&["subject", "link", "user04@example.test", "username:user05"]).await;
    let unclear = call(&running, &token(&signer, "jti-2"), "user04@example.test").await;
    assert_eq!(unclear.status(), 422);
    let body: Value = unclear.json().await.unwrap();
    assert_eq!(body["error"], "unable_to_log_out");
    assert_eq!(site.count("SELECT count(*) FROM cases WHERE state = 'held'").await, 1);

    // A name that no target can be asked by, until it is linked.
    let unknown = json!({"sub_id": {"format": "iss_sub", "iss": "https://idp.example.test", "sub": "00u1"}});
    let request = running.http.post(running.url("/signals/logout"));
    let asked = request
        .bearer_auth(token(&signer, "jti-3"))
        .json(&unknown)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 422);
    running.stop().await;
}

#[tokio::test]
async fn a_target_that_is_down_is_204_within_seconds_and_the_case_says_so() {
    let mut site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    std::fs::write(site.path("jwks.json"), signer.jwks().unwrap().to_string()).unwrap();
    let running = site.start().await;
    let down = site.take_down();
    let asked = call(&running, &token(&signer, "jti-1"), "user01@example.test").await;
    assert_eq!(asked.status(), 204);
    assert!(site.trail(&json!(1)).await.contains(&"subject.asked".to_owned()));
    site.bring_up(down).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    running.stop().await;
}

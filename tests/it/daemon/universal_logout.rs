//! Universal Logout, end to end: one call, and the person's sessions are gone.

use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

use super::chat::Holdings;
use super::{Plan, Running, Site};

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

async fn call(running: &Running, token: &str, email: &str) -> reqwest::Response {
    let body: Value = json!({"sub_id": {"format": "email", "email": email}});
    let request = running.http.post(running.url("/signals/logout")).bearer_auth(token);
    request.json(&body).send().await.unwrap()
}

#[tokio::test]
async fn one_call_ends_the_sessions_and_a_used_token_serves_nobody_else() {
    let site = Site::new(Plan {
        more: SOURCE,
        ..Plan::default()
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

//! A logout at the OpenID provider, end to end.

use std::fs;

use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};

use super::{DaemonProcess, Installation, InstallationPlan};

const SOURCE: &str = r#"
[[source]]
name = "idp"
kind = "back-channel-logout"
issuer = "https://idp.example.test"
audience = "revoked"
algorithms = ["ES256"]
jwks_file = "{folder}/jwks.json"
subject = "username"
"#;

fn token(signer: &Signer, jti: &str, username: &str) -> String {
    let now = Clock::system().now().ms() / 1000;
    let claims = json!({
        "iss": "https://idp.example.test",
        "aud": "revoked",
        "sub": username,
        "iat": now,
        "exp": now + 120,
        "jti": jti,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let header = json!({"typ": "logout+jwt", "alg": "ES256", "kid": "k1"});
    signer.sign_under(&header, claims.to_string().as_bytes()).unwrap()
}

async fn push(running: &DaemonProcess, token: &str) -> reqwest::Response {
    let form = running
        .http
        .post(running.url("/signals/idp"))
        .form(&[("logout_token", token)]);
    form.send().await.unwrap()
}

#[tokio::test]
async fn a_logout_at_the_provider_ends_sessions_here_and_a_replay_does_not() {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    fs::write(site.path("jwks.json"), signer.jwks().unwrap().to_string()).unwrap();
    let running = site.start().await;
    let genuine = token(&signer, "jti-1", "user01");
    for _ in 0..2 {
        let answer = push(&running, &genuine).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        assert!(answer.bytes().await.unwrap().is_empty());
    }
    let stored = "SELECT count(*) FROM signal WHERE source = 'idp' AND case_id IS NOT NULL";
    assert_eq!(site.count(stored).await, 1);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;

    let answer = push(&running, &token(&signer, "jti-1", "user02")).await;
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "invalid_request");
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
}

//! What `revoked check` finds of the provider.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::Provider;
use crate::console::Site;

#[tokio::test]
async fn check_says_what_is_wrong_with_the_provider() {
    let provider = Provider::start().await;
    let site = Site::with_provider(&provider, "scopes = [\"profile\"]\n").await;
    let checked = async || {
        let said = site.installation.says(&["check", "--json"]).await;
        let said: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error} in {said:?}"));
        said["providers"][0]["findings"].to_string()
    };
    let sound = checked().await;
    assert!(sound.contains("without TLS") && !sound.contains("error"), "{sound}");
    let described = |change: Value| {
        let base = provider.issuer();
        let mut description = json!({
            "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
        });
        description
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        ResponseTemplate::new(200).set_body_json(description)
    };
    for (answer, why) in [
        (ResponseTemplate::new(404), "404 Not Found"),
        (
            ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
            "302 Found",
        ),
        (ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 << 20]), "larger than"),
        (
            ResponseTemplate::new(200).set_delay(Duration::from_secs(30)),
            "asking for its description",
        ),
        (described(json!({ "issuer": "https://other.example.org" })), "another issuer"),
        (
            described(json!({ "token_endpoint": "https://evil.example/token" })),
            "token_host",
        ),
        (
            described(json!({ "authorization_endpoint": "http://evil.example/" })),
            "must be https",
        ),
        (described(json!({ "jwks_uri": "https://evil.example/jwks" })), "jwks_host"),
        (
            described(json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] })),
            "no client secret",
        ),
        (
            described(json!({ "id_token_signing_alg_values_supported": ["HS256"] })),
            "ES256 is accepted",
        ),
        (
            described(json!({ "response_types_supported": ["id_token"] })),
            "gives no codes",
        ),
        (described(json!({ "code_challenge_methods_supported": ["plain"] })), "PKCE"),
        (described(json!({ "scopes_supported": ["openid"] })), "the scope profile"),
    ] {
        provider.answer("/.well-known/openid-configuration", Some(answer));
        let said = checked().await;
        assert!(said.contains(why), "{why}: {said}");
    }
    site.running.stop().await;
}

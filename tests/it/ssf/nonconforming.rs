//! Events and subjects that do not conform to their own specification.

use serde_json::{Value, json};

use super::{ISSUER, REVOKED, Stream, about, claims, without};

#[tokio::test]
async fn an_event_without_what_its_type_requires_is_refused() {
    let stream = Stream::new("");
    let caep = "https://schemas.openid.net/secevent/caep/event-type/";
    for (name, event) in [
        ("credential-change", json!({"credential_type": "password"})),
        ("credential-change", json!({"change_type": "revoke"})),
        ("assurance-level-change", json!({"namespace": "NIST-AAL"})),
        ("token-claims-change", json!({})),
        ("device-compliance-change", json!({"current_status": "compliant"})),
        ("risk-level-change", json!({"current_level": "HIGH"})),
        ("risk-level-change", json!({"principal": "USER", "current_level": 3})),
    ] {
        let claims = about(&format!("{caep}{name}"), event.clone(), claims()["sub_id"].clone());
        assert_eq!(stream.refusal_of(&claims).await, "invalid_request", "{name} {event}");
    }
    let okta = "https://schemas.okta.com/secevent/okta/event-type/user-risk-change";
    for event in [json!({}), json!({"current_level": 3}), json!({"previous_level": "low"})] {
        let claims = about(okta, event.clone(), claims()["sub_id"].clone());
        assert_eq!(stream.refusal_of(&claims).await, "invalid_request", "{event}");
    }
}

#[tokio::test]
async fn a_subject_that_breaks_its_own_format_is_refused() {
    let stream = Stream::new("");
    let email = json!({"format": "email", "email": "a@example.org"});
    for sub_id in [
        json!("alice"),
        json!({"email": "a@example.org"}),
        json!({"format": "email"}),
        json!({"format": "email", "email": 5}),
        json!({"format": "email", "email": "alice"}),
        json!({"format": "email", "email": format!("{}@example.org", "a".repeat(600))}),
        json!({"format": "email", "email": "a@example.org\nusername:root"}),
        json!({"format": "account", "uri": "mailto:a@example.org"}),
        json!({"format": "iss_sub", "iss": ISSUER}),
        json!({"format": "iss_sub", "iss": ISSUER, "sub": ""}),
        json!({"format": "aliases", "identifiers": []}),
        json!({"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": [email]}]}),
        json!({"format": "aliases", "identifiers": vec![email.clone(); 17]}),
        json!({"format": "complex", "user": {"format": "complex", "user": email}}),
        json!({"format": "complex", "user": "alice"}),
    ] {
        assert_eq!(
            stream.refusal_of(&about(REVOKED, json!({}), sub_id.clone())).await,
            "invalid_request",
            "{sub_id}"
        );
    }
    assert_eq!(stream.refusal_of(&without("sub_id")).await, "invalid_request");
}

#[tokio::test]
async fn a_subject_of_an_issuer_that_is_not_allowed_is_refused() {
    let stream = Stream::new(&format!("subject_issuers = [{ISSUER:?}]"));
    let of = |iss: &str| about(REVOKED, json!({}), json!({"format": "iss_sub", "iss": iss, "sub": "jane"}));
    assert!(stream.send_claims(&of(ISSUER)).await.is_ok());
    assert_eq!(stream.refusal_of(&of("https://other.example.com/")).await, "access_denied");
}

#[tokio::test]
async fn n21_a_verification_state_that_nobody_asked_for_is_refused() {
    let verification = |event: Value| {
        about(
            "https://schemas.openid.net/secevent/ssf/event-type/verification",
            event,
            json!({"format": "opaque", "id": "f67e39a0a4d34d56b3aa1bc4cff0069f"}),
        )
    };
    let stream = Stream::new("");
    assert!(stream.send_claims(&verification(json!({}))).await.is_ok());
    assert_eq!(
        stream.refusal_of(&verification(json!({"state": "VGhpcyBpcyBh"}))).await,
        "invalid_state"
    );
    let stream = Stream::new("verification_state = \"VGhpcyBpcyBh\"");
    assert!(
        stream
            .send_claims(&verification(json!({"state": "VGhpcyBpcyBh"})))
            .await
            .is_ok()
    );
    assert!(stream.send_claims(&verification(json!({}))).await.is_ok());
    assert_eq!(
        stream.refusal_of(&verification(json!({"state": "other"}))).await,
        "invalid_state"
    );
}

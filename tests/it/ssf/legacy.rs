//! The older form that `legacy_subject` takes: what Okta and Google send.

use revoked::model::{Disposition, Reason, Scope, Subject};
use serde_json::{Value, json};

use super::{NOW, Stream, T1, claims, with};

/// An event that holds its subject, in a token without `sub_id`.
#[expect(clippy::needless_pass_by_value, reason = "the callers write JSON literals")]
fn older(uri: &str, event: Value) -> Value {
    let mut claims = with("events", json!({ uri: event }));
    claims.as_object_mut().unwrap().remove("sub_id");
    claims
}

/// Okta's example of a session-revoked event: an ordinary sign-out.
fn okta() -> Value {
    older(
        super::REVOKED,
        json!({
            "subject": {"format": "iss_sub", "iss": "https://org.okta.com", "sub": "okta-user-id1"},
            "reason_admin": {"en": "User logout from Okta"},
            "event_timestamp": 1_615_304_991_643_i64,
        }),
    )
}

/// RFC 8417's figure 4, with its `http:` event type.
fn hijacked() -> Value {
    older(
        "http://schemas.openid.net/secevent/risc/event-type/account-disabled",
        json!({
            "subject": {"subject_type": "iss-sub", "iss": "https://idp.example.com/", "sub": "7375626A656374"},
            "reason": "hijacking",
            "cause-time": 1_508_012_752,
        }),
    )
}

#[tokio::test]
async fn the_older_form_is_taken_where_the_setting_says_so() {
    let stream = Stream::new("legacy_subject = true");
    let signal = stream.send_claims(&okta()).await.unwrap();
    assert_eq!(
        (signal.reason, signal.scope, signal.disposition),
        (Reason::Logout, Scope::AllSessions, Disposition::Act)
    );
    assert_eq!(signal.subject.to_string(), "iss_sub:https://org.okta.com#okta-user-id1");
    let signal = stream.send_claims(&hijacked()).await.unwrap();
    assert_eq!((signal.reason, signal.disposition), (Reason::Compromised, Disposition::Act));
    assert_eq!(signal.occurred_at.unwrap().ms(), 1_508_012_752_000);
    let google = older(
        "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked",
        json!({"subject": {"subject_type": "id_token_claims", "iss": "https://accounts.google.com/", "sub": "1", "email": "A@example.org"}}),
    );
    let signal = stream.send_claims(&google).await.unwrap();
    let names = [
        "iss_sub:https://accounts.google.com/#1".parse().unwrap(),
        "email:a@example.org".parse().unwrap(),
    ];
    assert_eq!(signal.subject, Subject::Aliases(names.into()));
    let phone = older(
        super::REVOKED,
        json!({"subject": {"subject_type": "phone", "phone": "+1 206 555 0123"}}),
    );
    let signal = stream.send_claims(&phone).await.unwrap();
    assert_eq!(signal.subject, Subject::PhoneNumber("+12065550123".into()));
}

#[tokio::test]
async fn the_older_form_is_refused_or_unknown_without_the_setting() {
    let stream = Stream::new("");
    assert_eq!(stream.refusal_of(&okta()).await, "invalid_request");
    let signal = stream.send_claims(&hijacked()).await.unwrap();
    assert_eq!(signal.disposition, Disposition::Ignore("ignored_unknown_type".into()));
}

#[tokio::test]
async fn n6_exp_sub_and_a_missing_kid_are_taken_in_the_older_form() {
    let stream = Stream::new("legacy_subject = true");
    for (name, value) in [("exp", json!(NOW + 300)), ("sub", json!("alice"))] {
        assert!(stream.send_claims(&with(name, value)).await.is_ok(), "{name}");
    }
    let header = json!({"typ": "secevent+jwt", "alg": "RS256"});
    let token = T1.sign_under(&header, claims().to_string().as_bytes()).unwrap();
    assert!(stream.send(&token).await.is_ok());
}

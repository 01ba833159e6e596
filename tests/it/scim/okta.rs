//! What Okta's client does, and what its own suite of checks asks for.

use revoked::model::Reason;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_deactivated_user_is_a_departure_with_every_name_of_the_person() {
    let server = Server::with("issuer = \"https://org.okta.example\"\nexternal_id = \"sub\"\n").await;
    let path = server.maya().await;
    let shown = server.get(&path).await;
    assert_eq!((shown.status, &shown.body["active"]), (200, &json!(true)));
    assert!(server.signals().await.is_empty());

    let patched = server
        .patch(&path, json!([{"op": "replace", "value": {"active": false}}]))
        .await;
    assert_eq!((patched.status, &patched.body["active"]), (200, &json!(false)));
    let signals = server.signals().await;
    assert_eq!(signals.len(), 1, "{signals:?}");
    assert_eq!((signals[0].reason, signals[0].decision.as_str()), (Reason::Departed, "act"));
    assert_eq!(
        signals[0].names,
        [
            "iss_sub:https://org.okta.example#00u1maya",
            "employee_id:4711",
            "email:maya@example.org"
        ]
    );
}

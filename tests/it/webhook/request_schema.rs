//! Our own schema: what is published is what is read.

use std::collections::BTreeSet;

use revoked::model::Reason;
use serde_json::{Value, json};

use super::*;

fn published(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/sources")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&published("revoked.request.v1.schema.json")).unwrap()
}

#[tokio::test]
async fn the_request_of_the_page_is_taken() {
    let page = published("webhook.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let signal = Endpoint::trusting("").mapped(example).await;
    assert_eq!(
        (signal.subject.to_string().as_str(), signal.reason),
        ("email:alice@example.org", Reason::Compromised)
    );
    assert_eq!(signal.note.as_deref(), Some("INC-1"));
}

#[test]
fn every_member_that_is_read_is_published_and_no_other() {
    let read = include_str!("../../../src/sources/webhook/presets/request.toml");
    let pointers = read.split('"').filter(|text| text.starts_with("/data/"));
    let read: BTreeSet<&str> = pointers.map(|pointer| pointer.trim_start_matches("/data/")).collect();
    let schema = schema();
    let listed = schema["properties"]["data"]["properties"].as_object().unwrap();
    assert_eq!(listed.keys().map(String::as_str).collect::<BTreeSet<_>>(), read);
}

#[tokio::test]
async fn every_reason_and_scope_that_is_published_is_taken() {
    let (schema, endpoint) = (schema(), Endpoint::trusting(""));
    let values = |name: &str| {
        schema["properties"]["data"]["properties"][name]["enum"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(values("reason"), Reason::ALL.map(|reason| json!(reason.word())));
    for reason in values("reason") {
        for scope in values("scope") {
            let data = json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": reason, "scope": scope});
            assert_eq!(endpoint.mapped(&ours(&data)).await.reason.word(), reason);
        }
    }
}

#[tokio::test]
async fn what_the_schema_demands_is_demanded() {
    let (schema, endpoint) = (schema(), Endpoint::trusting(""));
    let demanded = schema["properties"]["data"]["required"].as_array().unwrap();
    assert_eq!(demanded, &["subject", "reason"]);
    let whole = json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": "logout"});
    endpoint.mapped(&ours(&whole)).await;
    let mut without = whole.clone();
    without.as_object_mut().unwrap().remove("reason");
    assert_eq!(endpoint.refusal(&trusted(&ours(&without))).await, (422, "not_understood"));
}

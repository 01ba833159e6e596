//! Whom a user resource is about: what is handed in besides the answer.

use revoked::model::{Delivery, MemoStep};
use revoked::sources::{NoState, Received};
use serde_json::json;

use super::*;

/// What is handed in where `user` is made.
async fn handed_in(more: &str, user: &Value) -> Delivery {
    let folder = tempfile::tempdir().unwrap();
    let source = build(folder.path(), more, &Clock::fixed(crate::store::NOW)).unwrap();
    let push = source.push().unwrap();
    let request = request("POST", "/Users", &user.to_string());
    match push.receive(&request, &NoState).await.unwrap() {
        Received::Answered(delivery, answer) => {
            assert_eq!(
                (answer.status(), delivery.source.as_str()),
                (http::StatusCode::CREATED, "okta")
            );
            delivery
        }
        other => panic!("{other:?}"),
    }
}

async fn names(more: &str, user: &Value) -> Vec<String> {
    let delivery = handed_in(more, user).await;
    let identities = delivery.identities.into_iter();
    identities
        .flat_map(|identity| identity.names)
        .map(|name| name.to_string())
        .collect()
}

#[tokio::test]
async fn the_names_of_a_person_come_strongest_first() {
    let pinned = "issuer = \"https://org.okta.example\"\nexternal_id = \"sub\"\n";
    let user = json!({
        "userName": "Maya.L@Example.org", "externalId": "00u#1",
        "emails": [
            {"value": "home@example.net", "type": "Home"},
            {"value": "other@example.net", "type": "other", "primary": true},
            {"value": "old@example.org"},
            {"value": "MAYA@example.org", "type": "work", "primary": "True"},
            {"value": "not an address"},
        ],
        (ENTERPRISE): {"employeeNumber": 4711},
    });
    // Only one can be primary.
    let mut good = user.clone();
    good["emails"][1]["primary"] = json!(false);
    let expected = |first: &str| {
        let mut names = vec![
            "employee_id:4711".to_owned(),
            "email:maya@example.org".to_owned(),
            "email:old@example.org".to_owned(),
            "email:maya.l@example.org".to_owned(),
        ];
        if !first.is_empty() {
            names.insert(0, first.to_owned());
        }
        names
    };
    assert_eq!(names(pinned, &good).await, expected("iss_sub:https://org.okta.example#00u#1"));
    assert_eq!(names("external_id = \"account_id\"", &good).await, expected("opaque:00u#1"));
    assert_eq!(names("", &good).await, expected(""));
    let second = names("external_id = \"employee_id\"", &good).await;
    assert_eq!(second[..2], ["employee_id:00u#1", "employee_id:4711"]);
}

#[tokio::test]
async fn one_name_alone_says_nothing_and_a_login_name_is_one() {
    assert_eq!(
        names("", &json!({"userName": "maya"})).await,
        ["username:maya"],
        "a name alone links nothing"
    );
    let both = names("", &json!({"userName": "maya", "emails": [{"value": "maya@example.org"}]})).await;
    assert_eq!(both, ["email:maya@example.org", "username:maya"]);
    // What looks like an address and is none is a login name.
    let odd = names(
        "",
        &json!({"userName": "maya l@example.org", "emails": [{"value": "maya@example.org"}]}),
    )
    .await;
    assert_eq!(odd[1], "username:maya l@example.org");
}

#[tokio::test]
async fn more_names_than_anybody_has_are_cut() {
    let emails: Vec<Value> = (0..50).map(|n| json!({"value": format!("a{n}@example.org")})).collect();
    assert_eq!(names("", &json!({"userName": "maya", "emails": emails})).await.len(), 16);
}

#[tokio::test]
async fn every_memo_is_about_the_person_and_its_key_names_nobody() {
    let delivery = handed_in("", &maya()).await;
    assert!(delivery.signals.is_empty());
    let memos = delivery.memos.into_iter().map(|step| match step {
        MemoStep::Keep(memo) => memo,
        other @ MemoStep::Forget { .. } => panic!("{other:?}"),
    });
    let memos: Vec<_> = memos.collect();
    // The user, its externalId, its HR number, and two addresses.
    assert_eq!(memos.len(), 5);
    for memo in &memos {
        // Erasing the person by any name goes through the linked ones to the strongest.
        assert_eq!(memo.about.as_ref().unwrap().to_string(), "employee_id:4711");
        assert!(
            memo.key.starts_with(&memos[0].key) && !memo.key.contains("maya"),
            "{}",
            memo.key
        );
        assert!(!memo.body.contains("canary"), "{}", memo.body);
    }
    assert_eq!(memos[0].look_up.as_deref(), Some("maya@example.org"));
    let others: Vec<_> = memos[1..].iter().map(|memo| memo.look_up.as_deref().unwrap()).collect();
    assert_eq!(
        others,
        [
            "external:00u1maya",
            "employee:4711",
            "email:maya@example.org",
            "email:maya@home.example"
        ]
    );
}

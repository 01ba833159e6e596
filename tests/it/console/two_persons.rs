//! Two persons over the API.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::json;

use super::{Answer, Site};

impl Site {
    async fn approves(&self, token: &str, hold: i64) -> Answer {
        let headers = [("authorization", token)];
        let shown = self
            .by_network(&headers, Method::GET, &format!("/api/v1/holds/{hold}"), None)
            .await;
        let decision = json!({ "set": shown.json()["set"], "note": "checked" });
        let path = format!("/api/v1/holds/{hold}/approval");
        self.by_network(&headers, Method::POST, &path, Some(decision)).await
    }
}

#[tokio::test]
async fn whoever_asked_is_none_of_the_two_by_whatever_token() {
    let site = Site::with("[approvals]\ntwo_persons_for_protected = true\n").await;
    let (ann, ben, cleo) = ("operator:ann(1000)", "operator:ben(1001)", "operator:cleo(1002)");
    let asks = site.token_of(ann, Role::Requester).await;
    let asked = site
        .by_network(
            &[("authorization", &asks)],
            Method::POST,
            "/api/v1/requests",
            Some(json!({ "subject": "username:user05", "reason": "compromised" })),
        )
        .await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    let hold = crate::harness::until("the hold", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        holds["items"][0]["id"].as_i64()
    })
    .await;
    let refused = site.approves(&site.token_of(ann, Role::Approver).await, hold).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.text.contains("whoever asked is none of them"), "{refused:?}");
    let first = site.approves(&site.token_of(ben, Role::Approver).await, hold).await;
    assert_eq!(
        (first.status, &first.json()["state"]),
        (StatusCode::OK, &json!("awaits_second")),
        "{first:?}"
    );
    let listed = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
    assert_eq!(listed["items"][0]["first_approval"]["by"], ben, "{listed:#}");
    let said = site.installation.says(&["hold", "list"]).await.out;
    assert!(said.contains(&format!("1 of 2 approvals ({ben})")), "{said}");
    let cookie = site.signed_in(Role::Viewer).await;
    for page in ["/", "/holds"] {
        let page = site.page(page, &cookie).await;
        assert!(page.contains("1 of 2 approvals"), "{page}");
    }
    let again = site.approves(&site.token_of(ben, Role::Admin).await, hold).await;
    assert_eq!(
        again.status,
        StatusCode::CONFLICT,
        "another token of the same person: {again:?}"
    );
    let second = site.approves(&site.token_of(cleo, Role::Approver).await, hold).await;
    assert_eq!(
        (second.status, &second.json()["state"]),
        (StatusCode::OK, &json!("approved")),
        "{second:?}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn whoever_only_the_target_knows_as_protected_needs_two_persons_too() {
    let site = Site::with("[approvals]\ntwo_persons_for_protected = true\n").await;
    let asks = json!({ "subject": "email:user05@example.test", "reason": "compromised" });
    let asked = site
        .by_socket(Role::Requester, Method::POST, "/api/v1/requests", Some(asks))
        .await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    let hold = crate::harness::until("the hold", async || {
        let holds = site.by_socket(Role::Viewer, Method::GET, "/api/v1/holds", None).await.json();
        (holds["items"][0]["why"] == "principal").then(|| holds["items"][0]["id"].as_i64().unwrap())
    })
    .await;
    for (person, state) in [("operator:ann(1001)", "awaits_second"), ("operator:ben(1002)", "approved")] {
        let decided = site.approves(&site.token_of(person, Role::Approver).await, hold).await;
        assert_eq!(decided.json()["state"], state, "{decided:?}");
    }
    site.running.stop().await;
}

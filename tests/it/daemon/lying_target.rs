//! A server that says yes and does nothing.

use revoked_sandbox::{Effect, Fault};

use super::{CommandOutput, Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

#[tokio::test]
async fn a_server_that_says_yes_and_does_nothing_is_never_believed() {
    let site = Installation::new(InstallationPlan {
        attempts: 1,
        concurrency: 8,
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    {
        let mut faults = site.chat().faults();
        for method in ["POST", "PUT", "DELETE"] {
            faults.add(Fault::on(method, "/api/v4/**", Effect::Nothing));
        }
    }
    let before = Holdings::of(site.chat(), "user01");
    let session = ["--session", before.sessions.first().unwrap().as_str()];
    let token = ["--token", before.tokens.first().unwrap().as_str()];
    let saids = tokio::join!(
        site.revoke("username:user01", "compromised", &[]),
        site.revoke("username:user02", "departed", &[]),
        site.revoke("username:user01", "compromised", &["--all-sessions"]),
        site.revoke("username:user01", "compromised", &session),
        site.revoke("username:user01", "compromised", &token),
    );
    for said in <[CommandOutput; 5]>::from(saids) {
        assert_eq!(said.code, 13, "{said:?}");
        let detail = said.json();
        assert_eq!(detail["case"]["verdict"], "failed");
        assert_eq!(detail["case"]["contained_at"], serde_json::Value::Null);
        let trail = site.trail(&detail["case"]["id"]).await;
        assert!(trail.contains(&"job.failed".to_owned()), "{trail:?}");
    }
    assert_eq!(Holdings::of(site.chat(), "user01"), before);
    let ledger = site.ask(&["ledger"]).await;
    assert_eq!(ledger.as_array().unwrap().len(), 5, "{ledger:#}");
    assert!(site.alerts().await.iter().all(|kind| kind == "could_not_revoke"));
    assert_eq!(site.alerts().await.len(), 5);
    let status = site.ask(&["status"]).await;
    assert_eq!(status["ledger"], 5);
}

#[tokio::test]
async fn what_a_server_still_shows_after_its_yes_is_tried_again() {
    let site = Installation::new(InstallationPlan {
        attempts: 3,
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    site.chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Nothing).times(1));
    let said = site.revoke("username:user01", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(Holdings::of(site.chat(), "user01").is_out());
}

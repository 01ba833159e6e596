//! A chat server that is away for a while, and a credential that dies in mid run.

use sqlx::{Connection as _, Row as _};

use super::{Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;

impl Installation {
    /// Asks for these people at once, one request each, without waiting.
    pub(crate) async fn ask_for(&self, people: std::ops::RangeInclusive<usize>, reason: &str) {
        let mut conn = self.sql().await;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.unwrap();
        for n in people {
            let sql = "INSERT INTO inbox (subject, reason, requested_by) VALUES (?, ?, 'payroll')";
            let asked = sqlx::query(sql).bind(format!("username:user{n:02}")).bind(reason);
            asked.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Waits until an alert of this kind is open.
    pub(crate) async fn until_alert(&self, kind: &str) {
        until(kind, async || {
            self.alerts().await.iter().any(|open| open == kind).then_some(())
        })
        .await;
    }

    /// How often the trail holds this kind.
    pub(crate) async fn entries(&self, kind: &str) -> i64 {
        let mut conn = self.sql().await;
        let sql = "SELECT count(*) FROM trail WHERE body ->> 'kind' = ?";
        sqlx::query(sql).bind(kind).fetch_one(&mut conn).await.unwrap().get(0)
    }
}

#[tokio::test]
async fn while_the_server_is_away_jobs_wait_and_none_burns_out() {
    // Fewer attempts than the failures that open the breaker: they must not be used up by a server that is away.
    let mut site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let away = site.take_down();
    site.ask_for(1..=3, "compromised").await;
    site.ask_for(4..=6, "departed").await;
    site.until_alert("target_down").await;
    // Every job has failed once by now, and some come back to look; a restart changes nothing about that.
    running.stop().await;
    let _running = site.start().await;
    until("looks at the server", async || {
        (site.entries("job.snoozed").await >= 8).then_some(())
    })
    .await;
    assert_eq!(
        site.count("SELECT count(*) FROM job WHERE state IN ('failed', 'done')").await,
        0
    );
    assert_eq!(site.count("SELECT count(*) FROM inbox WHERE state = 'accepted'").await, 6);
    let status = site.ask(&["status"]).await;
    assert_eq!(status["ledger"], 0);
    site.bring_up(away).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 6)
        .await;
    for n in 1..=6 {
        assert!(Holdings::of(site.chat(), &format!("user{n:02}")).is_out());
    }
    assert!(site.alerts().await.is_empty(), "{:?}", site.alerts().await);
}

#[tokio::test]
async fn a_credential_that_dies_in_mid_run_pauses_the_lane_and_burns_no_attempt() {
    let site = Installation::new(InstallationPlan {
        rate: "50/s",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    site.ask_for(1..=6, "departed").await;
    site.ask_for(8..=12, "compromised").await;
    let sent = site.chat().until(|_, requests| requests.len() > 20);
    tokio::time::timeout(super::BOUND, sent).await.unwrap();
    let operator = Holdings::of(site.chat(), "revoked-operator");
    let token = site.chat().world().operator_token().unwrap();
    let dead = running
        .http
        .post(format!("{}/api/v4/users/tokens/revoke", site.chat().url()))
        .bearer_auth(token)
        .json(&serde_json::json!({ "token_id": operator.tokens.first().unwrap() }))
        .send();
    assert_eq!(dead.await.unwrap().status(), 200);
    site.until_alert("lane_paused").await;
    let checked = site.says(&["check", "--json"]).await;
    assert_eq!(checked.code, 6, "{checked:?}");
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state = 'failed'").await, 0);
    let waiting = site.count("SELECT count(*) FROM job WHERE state <> 'done'").await;
    assert!(waiting > 0, "everything was done before the credential died");

    let token = site.chat().world().add_token(operator.id, "the next one").secret;
    site.secret("chat-token", token.as_str().as_bytes());
    let checked = site.says(&["check", "--json"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 11)
        .await;
    assert_eq!(site.count("SELECT max(attempt) FROM job").await, 1, "an attempt was burnt");
    assert_eq!(
        site.entries("lane.paused").await,
        1,
        "the lane went on with the dead credential"
    );
    assert!(site.alerts().await.is_empty());
}

//! The canary: signed in, revoked like anybody, and tried until it is refused.

use revoked_sandbox::world::PASSWORD;
use revoked_sandbox::{Effect, Fault};

use super::{Installation, InstallationPlan, until};

async fn site() -> Installation {
    let site = Installation::new(InstallationPlan {
        target: "canary = { subject = \"username:user01\", password = { file = \"{folder}/canary\" }, within = \"5s\" }",
        ..InstallationPlan::default()
    })
    .await;
    site.secret("canary", PASSWORD.as_bytes());
    site
}

#[tokio::test]
async fn a_canary_shows_how_long_its_credentials_outlive_their_end() {
    let site = site().await;
    let without = site.says(&["check", "--prove"]).await;
    assert_eq!(without.code, 6, "{without:?}");
    assert!(
        without.out.contains("the daemon, which revokes it, is not running"),
        "{without:?}"
    );
    let _running = site.start().await;
    let said = site.says(&["check", "--prove", "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let shown = &said.json()["targets"][0]["canary"]["Ok"];
    assert!(shown["session"].as_u64().is_some_and(|ms| ms <= 5000), "{said:?}");
    assert!(shown["access_token"].as_u64().is_some_and(|ms| ms <= 5000), "{said:?}");
    // What it measured stands beside every verdict of the target.
    let revoked = site.revoke("username:user02", "compromised", &[]).await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    let case = revoked.json()["case"]["id"].to_string();
    let told = site.says(&["case", "show", &case]).await;
    assert!(told.out.contains("observed delay at chat: a session was refused"), "{told:?}");
    let trail = site.says(&["trail", "show", "--kind", "canary.tried", "--json"]).await.out;
    assert!(trail.contains("\"access_token\"") && trail.contains("within_ms"), "{trail}");
}

#[tokio::test]
async fn a_daemon_tries_its_canaries_by_itself() {
    let site = site().await;
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM canary WHERE delay_ms IS NOT NULL", 2)
        .await;
}

#[tokio::test]
async fn a_canary_is_tried_again_after_its_time_and_at_another_version() {
    let site = site().await;
    let running = site.start().await;
    site.until_count("SELECT count(*) FROM canary WHERE delay_ms IS NOT NULL", 2)
        .await;
    running.stop().await;
    let shown = "INSERT OR REPLACE INTO canary (target, kind, at, version, delay_ms, within_ms) \
                 VALUES ('chat', 'access_token', ?1, ?2, 77, 5000), ('chat', 'session', ?1, ?2, 77, 5000)";
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let (now, day) = (i64::try_from(now).unwrap(), 86_400_000);
    for (at, version) in [(now - day - 1000, "6.7.0"), (now, "6.6.0")] {
        let mut sql = site.sql().await;
        sqlx::query(shown).bind(at).bind(version).execute(&mut sql).await.unwrap();
        let running = site.start().await;
        site.until_count("SELECT count(*) FROM canary WHERE delay_ms <> 77", 2).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_trial_that_a_stop_cut_off_spoils_the_next_one_not() {
    for rows in 0..=2 {
        let site = site().await;
        let running = site.start().await;
        until("the trial", async || {
            let begun = site.count("SELECT count(*) FROM inbox WHERE requested_by = 'canary'").await;
            (begun >= rows).then_some(())
        })
        .await;
        running.stop().await;
        let _running = site.start().await;
        site.until_count("SELECT count(*) FROM canary WHERE delay_ms IS NOT NULL", 2)
            .await;
        assert_eq!(site.alerts().await, [""; 0], "it was tried");
    }
}

#[tokio::test]
async fn a_canary_that_cannot_be_tried_is_told() {
    let site = site().await;
    site.chat()
        .faults()
        .add(Fault::on("POST", "/api/v4/users/login", Effect::Status(500)));
    let _running = site.start().await;
    site.until_count(
        "SELECT count(*) FROM alert WHERE kind = 'canary_untried' AND cleared_at IS NULL",
        1,
    )
    .await;
    site.chat().faults().clear();
    let said = site.says(&["check", "--prove"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.count("SELECT count(*) FROM canary WHERE delay_ms IS NOT NULL").await, 2);
    assert_eq!(site.alerts().await, [""; 0], "it was tried");
}

//! A trail into which somebody has written behind the daemon's back.

use sqlx::Connection as _;

use super::{Installation, InstallationPlan, until};

impl Installation {
    /// Writes past the rules of the schema.
    async fn write_behind(&self, sql: &'static str) {
        let mut conn = self.sql().await;
        sqlx::raw_sql("DROP TRIGGER IF EXISTS trail_is_not_changed")
            .execute(&mut conn)
            .await
            .unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_edited_entry_is_told_by_the_daemon_which_goes_on_ending_access_until_it_is_as_it_was() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.revoke("username:user01", "departed", &[]).await;
    let looked = until("a sound look", async || {
        let metrics = running.metrics().await;
        metrics.contains("revoked_trail_broken 0").then_some(())
    });
    looked.await;
    running.stop().await;
    site.write_behind("UPDATE trail SET body = replace(body, 'user', 'usor') || ' ' WHERE seq = 3")
        .await;
    let running = site.start().await;
    until("the alert", async || (site.alerts().await == ["trail_broken"]).then_some(())).await;
    let alert = site.ask(&["alert", "list"]).await.to_string();
    for word in ["entry 3: ", "revoked trail show --from 3 --last 1", "revoked trail verify"] {
        assert!(alert.contains(word), "{word}: {alert}");
    }
    let status = site.says(&["status"]).await;
    assert!(status.out.contains("the trail is broken: entry 3"), "{status:?}");
    assert!(site.log().contains("the trail is broken: entry 3"), "{}", site.log());
    assert!(running.metrics().await.contains("revoked_trail_broken 1"));
    // What is broken stops nothing.
    let said = site.revoke("username:user02", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    running.stop().await;
    site.write_behind("UPDATE trail SET body = replace(substr(body, 1, length(body) - 1), 'usor', 'user') WHERE seq = 3")
        .await;
    let running = site.start().await;
    until("the end of the alert", async || site.alerts().await.is_empty().then_some(())).await;
    running.stop().await;
}

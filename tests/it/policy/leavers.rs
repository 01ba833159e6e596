//! A feed that is wrong about thousands.

use super::{drop_file, hr, leavers, site};
use crate::harness::chat_holdings::changes;

#[tokio::test]
async fn a_feed_that_sends_five_thousand_leavers_raises_one_held_batch_and_one_alert_and_nothing_is_done() {
    let site = site(&hr(
        "departures_per_delivery = \"unlimited\"\ndepartures_per_hour = \"unlimited\"\ndepartures_share = \"2%\"",
    ))
    .await;
    let running = site.start().await;
    // Somebody is known, by a directory: a thousand people, of two names each.
    let mut sql = site.sql().await;
    sqlx::raw_sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         INSERT INTO identity (person, name, source, since, seen_at) \
         SELECT i, kind || i, 'scim', 1, 1 FROM n, (SELECT 'username:known' AS kind UNION SELECT 'employee_id:known')",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(site.count("SELECT n FROM population WHERE what = 'linked'").await, 1000);
    drop_file(&site, "everybody.csv", &leavers(1, 5000));
    site.until_count("SELECT count(*) FROM signal", 5000).await;
    site.until_count("SELECT count(*) FROM batch WHERE unfinished = 0", 1).await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds.as_array().unwrap().len(), 1, "{holds:#}");
    assert_eq!(
        (&holds[0]["why"], &holds[0]["people"], &holds[0]["batch"]),
        (&"departures_share".into(), &5000.into(), &"everybody.csv".into()),
        "{holds:#}"
    );
    let detail = holds[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("2% of the 1000 people who are known, which is 20"),
        "{detail}"
    );
    assert_eq!(site.alerts().await, ["hold"]);
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state <> 'held'").await, 0);
    assert!(changes(site.chat()).is_empty());
    // The counters stand against a count, those of the people among them.
    running.stop().await;
    let checked = site.says(&["check", "--offline", "--deep", "--json"]).await.json();
    assert_eq!(checked["wrong_counters"].as_array().unwrap().len(), 0, "{checked:#}");
}

#[tokio::test]
async fn a_delivery_within_its_share_of_the_known_is_acted_on() {
    let site = site(&hr("departures_per_delivery = \"50%\"\ndepartures_per_hour = \"unlimited\"")).await;
    let _running = site.start().await;
    let mut sql = site.sql().await;
    sqlx::raw_sql("INSERT INTO identity (person, name, source, since, seen_at) VALUES (1, 'username:k1', 's', 1, 1), (2, 'username:k2', 's', 1, 1), \
                   (3, 'username:k3', 's', 1, 1), (4, 'username:k4', 's', 1, 1)")
        .execute(&mut sql)
        .await
        .unwrap();
    drop_file(&site, "two.csv", &leavers(1, 2));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 2)
        .await;
    drop_file(&site, "twelve.csv", &leavers(3, 9));
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 9).await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(holds[0]["why"], "delivery_share", "{holds:#}");
}

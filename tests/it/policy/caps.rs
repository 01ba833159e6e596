//! What operators may ask for at once: by one of them, and altogether.

use super::site;
use crate::harness::Installation;

async fn ask(site: &Installation, who: &str, user: usize) {
    let mut sql = site.sql().await;
    sqlx::query("INSERT INTO inbox (subject, reason, requested_by) VALUES (?, 'compromised', ?)")
        .bind(format!("username:user{user:02}"))
        .bind(who)
        .execute(&mut sql)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_operator_who_asks_for_too_many_is_held_and_another_goes_on() {
    let site = site("[[source]]\nkind = \"inbox\"\ncompromises_per_operator = 2\n").await;
    let _running = site.start().await;
    for user in 1..=3 {
        ask(&site, "operator:ann(1000)", user).await;
        let taken = i64::try_from(user).unwrap();
        site.until_count("SELECT count(*) FROM inbox WHERE state <> 'new'", taken)
            .await;
    }
    ask(&site, "operator:bob(1001)", 4).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 3)
        .await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    let holds = site.ask(&["hold", "list"]).await;
    assert_eq!(
        (&holds[0]["why"], &holds[0]["first"][0]),
        (&"operator_limit".into(), &"username:user03".into()),
        "{holds:#}"
    );
}

//! `kill -9` at random moments while receivers are told: nothing that was proved goes untold, and no token says two things.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;
use wiremock::ResponseTemplate;

use super::super::until;
use super::{PUSH, TransmitterUnderTest, claims, token};

const KILLS: u64 = 10;

#[tokio::test]
async fn whatever_is_contained_is_told_and_a_token_never_changes_however_often_we_are_killed() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    // A slow yes: many a kill comes between the receiver's commit and ours.
    let server = transmitter
        .listen(ResponseTemplate::new(202).set_delay(Duration::from_millis(15)))
        .await;
    transmitter.site.start().await.stop().await;
    for round in 0..KILLS {
        let running = transmitter.site.start().await;
        for n in [1 + round % 12, 1 + (round * 5 + 3) % 12] {
            transmitter
                .site
                .write(
                    &format!("email:user{n:02}@example.test"),
                    "compromised",
                    Some(&format!("{round}-{n}")),
                )
                .await
                .unwrap();
        }
        let asked = transmitter.site.chat().requests().len() + 4 + usize::try_from(round * 3).unwrap();
        let work = transmitter.site.chat().until(|_, requests| requests.len() > asked);
        let _ = timeout(Duration::from_millis(150), work).await;
        running.kill().await;
    }
    let running = transmitter.site.start().await;
    transmitter
        .site
        .until_count("SELECT count(*) FROM inbox WHERE state = 'new'", 0)
        .await;
    transmitter
        .site
        .until_count("SELECT count(*) FROM cases WHERE verdict IS NOT 'contained'", 0)
        .await;
    transmitter
        .site
        .until_count("SELECT count(*) FROM outbox WHERE state <> 'delivered'", 0)
        .await;
    running.stop().await;

    let mut heard: BTreeMap<String, String> = BTreeMap::new();
    let mut repeated = 0;
    let requests = until("what was told", async || server.received_requests().await).await;
    for token in requests.iter().map(token) {
        let jti = claims(&token)["jti"].as_str().unwrap().to_owned();
        if let Some(before) = heard.insert(jti, token.clone()) {
            assert_eq!(before, token, "one name for two tokens");
            repeated += 1;
        }
    }
    println!("{} tokens, {repeated} repeated", heard.len());
    let queued = transmitter.site.count("SELECT count(*) FROM outbox").await;
    assert_eq!(i64::try_from(heard.len()).unwrap(), queued, "as many as were proved");
    // Each closing as contained was told, and nothing else was.
    let closings =
        "SELECT count(*) FROM trail WHERE body ->> 'kind' = 'case.contained' AND body ->> '$.detail.verdict' = 'contained'";
    assert_eq!(transmitter.site.count(closings).await, queued);
    assert!(queued >= 10, "{queued}");
    let report = transmitter.site.ask(&["trail", "verify"]).await;
    assert_eq!(report["verified"], true, "{report:#}");
}

//! What counts as a word of a source.

use super::daemon_fixture::DaemonFixture;
use super::raw_http::Call;
use super::rows::PUSHED;
use crate::wait::until;

impl DaemonFixture {
    async fn spoke(&self, source: &str) -> bool {
        let status = self.site.ask(&["status"]).await;
        let sources = status["sources"].as_array().unwrap();
        let health = sources.iter().find(|health| health["source"] == source);
        !health.expect("every source is known")["spoke_at"].is_null()
    }
}

#[tokio::test]
async fn a_stored_delivery_and_a_proven_question_are_words_of_a_source_and_a_refusal_is_none() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        for (_, call) in stage.sender(row).bad("word-1", "user01") {
            assert!(!stage.answer(&call).await.is_yes());
        }
        assert!(!stage.spoke(row.kind).await, "{}", row.kind);
        if row.methods.contains(&"GET") {
            let question = Call {
                method: "GET",
                path: format!("/signals/{}/Users", row.kind),
                ..stage.sender(row).sound("word-1", "user01")
            };
            let answer = stage
                .answer(&Call {
                    body: Vec::new(),
                    ..question
                })
                .await;
            assert!(answer.is_yes(), "{}: {answer:?}", row.kind);
            until("the question to be noted", async || stage.spoke(row.kind).await.then_some(())).await;
            continue;
        }
        let call = stage.prepared(row, "word-1", "user01").await;
        assert!(stage.answer(&call).await.is_yes());
        assert!(stage.spoke(row.kind).await, "{}", row.kind);
    }
}

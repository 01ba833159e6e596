//! Whether a stream is alive: verifications that are asked for, answered, missed and made up; the status, and what the stream says of itself.

use std::time::Duration;

use revoked::model::{Delivery, Disposition, Receipt};
use revoked::sources::ssf::{PATIENCE, StreamStatus, VerificationRequest, verified_at};
use serde_json::json;

use super::stream_fixture::{StreamFixture, err, pass};
use super::transmitter::{Manners, Transmitter};

fn quick() -> Manners {
    Manners {
        hold: Duration::ZERO,
        ..Manners::default()
    }
}

fn mute() -> Manners {
    Manners {
        verifies: false,
        ..quick()
    }
}

fn verifications(bench: &StreamFixture) -> usize {
    bench.transmitter.seen("POST /verify").len()
}

fn verified(stored: &[(Delivery, Receipt)]) -> usize {
    stored.iter().filter(|(delivery, _)| delivery.verified).count()
}

#[tokio::test]
async fn a_stream_is_asked_to_prove_itself_at_once_and_every_quarter_of_an_hour() {
    let bench = StreamFixture::polled(quick(), "").await;
    let stored = bench.settle().await;
    assert_eq!((verifications(&bench), verified(&stored)), (1, 1));
    assert!(verified_at(&bench).await.unwrap().is_some());
    pass(Duration::from_mins(14)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 1);
    pass(Duration::from_mins(2)).await;
    assert_eq!(verified(&bench.settle().await), 1);
    assert_eq!(verifications(&bench), 2);
    assert!(bench.alerts().await.is_empty());
}

#[tokio::test]
async fn a_transmitter_that_wants_longer_pauses_is_given_them() {
    let manners = Manners {
        stream: json!({"min_verification_interval": 3600}),
        ..quick()
    };
    let bench = StreamFixture::polled(manners, "").await;
    bench.settle().await;
    pass(Duration::from_mins(59)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 1);
    pass(Duration::from_mins(2)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 2);
}

#[tokio::test]
async fn the_state_is_stored_before_it_is_sent_and_only_as_a_digest() {
    let bench = StreamFixture::polled(quick(), "").await;
    let stored = bench.look_without_end().await.unwrap();
    assert_eq!((stored.len(), verifications(&bench)), (1, 0));
    bench.pull().stored(&stored[0].0, &stored[0].1).await.unwrap();
    let state = bench.state();
    assert!(state.len() >= 22, "128 bits in base64url");
    assert!(VerificationRequest::recall(&bench, &state).await.unwrap().is_some());
    assert!(!bench.disk().contains(&state));
}

#[tokio::test]
async fn a_stream_that_does_not_answer_within_five_minutes_alerts_and_its_answer_ends_that() {
    let bench = StreamFixture::polled(mute(), "").await;
    bench.settle().await;
    let state = bench.state();
    pass(PATIENCE.checked_sub(Duration::from_mins(1)).unwrap()).await;
    bench.settle().await;
    assert!(bench.alerts().await.is_empty());
    pass(Duration::from_secs(61)).await;
    bench.settle().await;
    assert_eq!(bench.alerts().await, ["stream_silent"]);
    // It is asked again, and alerts no second time for the same silence.
    pass(Duration::from_mins(2)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 2);
    // The first question's answer comes late, and is an answer.
    let claims = bench
        .transmitter
        .about_stream("late", "verification", json!({ "state": state }));
    bench.transmitter.emit(&claims);
    assert_eq!(verified(&bench.settle().await), 1);
    assert!(bench.alerts().await.is_empty());
}

#[tokio::test]
async fn a_transmitter_that_cannot_be_asked_is_silent_too() {
    let bench = StreamFixture::polled(mute(), "").await;
    bench.transmitter.script("/verify", 429, Some(120));
    bench.settle().await;
    assert_eq!(verifications(&bench), 1);
    pass(Duration::from_mins(1)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 1, "asked again before its Retry-After");
    bench.transmitter.script("/verify", 500, None);
    pass(Duration::from_secs(61)).await;
    bench.settle().await;
    assert_eq!(verifications(&bench), 2);
    for _ in 0..8 {
        bench.transmitter.script("/verify", 500, None);
        pass(Duration::from_secs(35)).await;
        bench.settle().await;
    }
    assert!(bench.alerts().await.contains(&"stream_silent".to_owned()));
}

#[tokio::test]
async fn n21_a_state_that_nobody_asked_for_is_refused_and_an_unsolicited_verification_is_taken() {
    let polled = StreamFixture::polled(mute(), "").await;
    polled.settle().await;
    let about = |bench: &StreamFixture, jti: &str, claims| bench.transmitter.about_stream(jti, "verification", claims);
    polled.transmitter.emit(&about(&polled, "wrong", json!({"state": "guessed"})));
    polled.transmitter.emit(&about(&polled, "number", json!({"state": 5})));
    polled.transmitter.emit(&about(&polled, "unsolicited", json!({})));
    let stored = polled.settle().await;
    assert_eq!(verified(&stored), 0);
    let errs = polled.transmitter.errs();
    assert_eq!(
        (errs.len(), errs["wrong"].as_str(), errs["number"].as_str()),
        (2, "invalid_state", "invalid_state")
    );
    assert_eq!(polled.transmitter.acked(), ["unsolicited"]);

    let pushed = StreamFixture::pushed(mute(), "").await;
    pushed.settle().await;
    let answer = pushed
        .push(&Transmitter::sign(&about(&pushed, "wrong", json!({"state": "guessed"}))))
        .await;
    assert_eq!((answer.status().as_u16(), err(&answer).as_str()), (400, "invalid_state"));
    let answer = pushed
        .push(&Transmitter::sign(&about(&pushed, "unsolicited", json!({}))))
        .await;
    assert_eq!((answer.status().as_u16(), answer.body().len()), (202, 0));
}

#[tokio::test]
async fn a_pushed_answer_proves_the_stream_once_and_is_taken_again() {
    let bench = StreamFixture::pushed(mute(), "").await;
    bench.settle().await;
    let claims = bench
        .transmitter
        .about_stream("v", "verification", json!({"state": bench.state()}));
    for _ in 0..2 {
        assert_eq!(bench.push(&Transmitter::sign(&claims)).await.status(), 202);
    }
    assert!(verified_at(&bench).await.unwrap().is_some());
    pass(Duration::from_mins(6)).await;
    bench.settle().await;
    assert!(bench.alerts().await.is_empty());
}

#[tokio::test]
async fn an_answer_from_before_a_restart_still_counts_and_a_restart_asks_anew() {
    let mut bench = StreamFixture::polled(mute(), "").await;
    bench.settle().await;
    let state = bench.state();
    bench.restart();
    bench.settle().await;
    assert_eq!(verifications(&bench), 2);
    bench
        .transmitter
        .emit(&bench.transmitter.about_stream("v", "verification", json!({ "state": state })));
    assert_eq!(verified(&bench.settle().await), 1);
}

#[tokio::test]
async fn only_the_last_questions_are_kept() {
    let mut bench = StreamFixture::polled(mute(), "").await;
    bench.settle().await;
    let first = bench.state();
    for _ in 0..10 {
        bench.restart();
        bench.settle().await;
    }
    assert!(VerificationRequest::recall(&bench, &first).await.unwrap().is_none());
    assert!(VerificationRequest::recall(&bench, &bench.state()).await.unwrap().is_some());
    let kept = bench.store.memos_after("idp", "verification", "", 1000).await.unwrap();
    assert_eq!(kept.len(), 8);
}

#[tokio::test]
async fn the_status_is_read_in_a_third_of_the_time_that_the_transmitter_allows() {
    let manners = Manners {
        stream: json!({"inactivity_timeout": 900}),
        ..quick()
    };
    let bench = StreamFixture::pushed(manners, "").await;
    let reads = || bench.transmitter.seen("GET /status").len();
    bench.settle().await;
    assert_eq!(reads(), 1);
    pass(Duration::from_mins(4)).await;
    bench.settle().await;
    assert_eq!(reads(), 1);
    pass(Duration::from_secs(61)).await;
    bench.settle().await;
    assert_eq!(reads(), 2);
}

#[tokio::test]
async fn a_stream_that_was_paused_alerts_until_it_is_enabled() {
    let bench = StreamFixture::pushed(quick(), "").await;
    bench.settle().await;
    bench.transmitter.set_status("paused");
    pass(Duration::from_mins(61)).await;
    bench.settle().await;
    assert!(bench.alerts().await.contains(&"stream_stopped".to_owned()));
    bench.transmitter.set_status("enabled");
    pass(Duration::from_mins(61)).await;
    bench.settle().await;
    assert!(!bench.alerts().await.contains(&"stream_stopped".to_owned()));
}

#[tokio::test]
async fn what_the_stream_says_of_itself_is_honoured_and_what_it_says_of_another_is_not() {
    let bench = StreamFixture::polled(quick(), "").await;
    bench.settle().await;
    let updated = |jti: &str, status: &str| {
        bench
            .transmitter
            .about_stream(jti, "stream-updated", json!({"status": status}))
    };
    bench.transmitter.emit(&updated("p", "paused"));
    bench.settle().await;
    assert_eq!(bench.alerts().await, ["stream_stopped"]);
    assert_eq!(StreamStatus::recall(&bench).await.unwrap().unwrap().status, "paused");
    bench.transmitter.emit(&updated("e", "enabled"));
    bench.settle().await;
    assert!(bench.alerts().await.is_empty());
    let mut other = updated("o", "disabled");
    other["sub_id"]["id"] = "stream-99".into();
    bench.transmitter.emit(&other);
    let stored = bench.settle().await;
    assert!(matches!(&stored[0].0.signals[0].disposition, Disposition::Ignore(why) if why.starts_with("other_stream")));
    assert!(bench.alerts().await.is_empty());
}

#[tokio::test]
async fn trouble_with_the_management_api_shows_where_tokens_are_pushed_and_stops_no_poll() {
    let pushed = StreamFixture::pushed(mute(), "").await;
    pushed.transmitter.script("/status", 401, None);
    // The verification that it was asked for is stored by the first look.
    pushed.look().await.unwrap();
    let told = pushed.look().await.unwrap_err().to_string();
    assert!(told.contains("401"), "{told}");
    pass(Duration::from_secs(31)).await;
    pushed.settle().await;

    let polled = StreamFixture::polled(mute(), "").await;
    polled.transmitter.script("/status", 401, None);
    polled.settle().await;
    polled.transmitter.emit(&polled.transmitter.claims("a", "alice@example.org"));
    assert_eq!(super::stream_fixture::names(&polled.settle().await), ["a"]);
}

#[tokio::test]
async fn a_transmitter_that_is_gone_altogether_is_silent_and_is_not_waited_for_again_and_again() {
    let bench = StreamFixture::pushed(mute(), "").await;
    for n in 0..13 {
        bench.transmitter.script("ssf-configuration", 500, None);
        bench.transmitter.script("ssf-configuration", 500, None);
        let _ = bench.look().await;
        assert!(bench.transmitter.seen("GET /.well-known").len() <= n + 2);
        pass(Duration::from_secs(31)).await;
    }
    assert!(bench.alerts().await.contains(&"stream_silent".to_owned()));
}

#[tokio::test]
async fn what_is_remembered_and_cannot_be_read_is_forgotten_and_mended_by_connecting() {
    let bench = StreamFixture::polled(mute(), "").await;
    let mut conn = bench.sql().await;
    sqlx::query("UPDATE memory SET body = 'rubbish'")
        .execute(&mut conn)
        .await
        .unwrap();
    let error = bench.look().await.unwrap_err().to_string();
    assert!(error.contains("connect idp"), "{error}");
    bench.connect().await.unwrap();
    bench.settle().await;
}

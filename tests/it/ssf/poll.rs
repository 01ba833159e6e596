//! Tokens by poll (RFC 8936): what is asked, acknowledged and refused, in which order, and at what pace.

use std::time::Duration;

use revoked::model::{Disposition, SignalReceipt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stream_fixture::{StreamFixture, names, pass};
use super::transmitter::{Manners, REVOKED, Transmitter};
use crate::wait::until;

/// The body of the last poll.
fn asked(bench: &StreamFixture) -> Value {
    let polls = bench.transmitter.seen("POST /poll/");
    polls.last().unwrap().body.clone()
}

/// A source that has done its upkeep, so that every look is a poll.
async fn polling(manners: Manners, more: &str) -> StreamFixture {
    let bench = StreamFixture::polled(manners, more).await;
    bench.settle().await;
    bench
}

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

#[tokio::test]
async fn a_token_is_acknowledged_by_the_poll_after_its_commit_and_by_no_earlier_one() {
    let bench = polling(quick(), "").await;
    bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    let before = bench.transmitter.acked();
    let stored = bench.look().await.unwrap();
    assert_eq!(names(&stored), ["a"]);
    assert!(matches!(
        stored[0].1.signals[..],
        [SignalReceipt::Accepted { held: false, .. }]
    ));
    assert_eq!(bench.transmitter.acked(), before, "acknowledged before it was stored");
    assert_eq!(
        bench.pull().interval(),
        Duration::ZERO,
        "what is stored is acknowledged at once"
    );
    bench.look().await.unwrap();
    // Figure 4 of the RFC, with our bound.
    assert_eq!(
        asked(&bench),
        json!({"ack": ["a"], "maxEvents": 100, "returnImmediately": false})
    );
    bench.look().await.unwrap();
    // Figure 2: what is acknowledged once is not acknowledged again.
    assert_eq!(asked(&bench), json!({"maxEvents": 100, "returnImmediately": false}));
    assert_eq!(bench.transmitter.waiting(), 0);
}

#[tokio::test]
async fn figure_1_asks_for_an_answer_at_once_where_long_polls_are_off() {
    let bench = polling(quick(), "long_poll = false\npoll_every = \"7s\"\nmax_events = 5").await;
    bench.look().await.unwrap();
    assert_eq!(asked(&bench), json!({"maxEvents": 5, "returnImmediately": true}));
    assert_eq!(bench.pull().interval(), Duration::from_secs(7));
}

#[tokio::test]
async fn figure_3_acknowledges_and_asks_for_nothing_when_the_daemon_stops() {
    let bench = polling(quick(), "").await;
    let polls = || bench.transmitter.seen("POST /poll/").len();
    let before = polls();
    bench.leave().await;
    assert_eq!(polls(), before, "there was nothing to say");
    for jti in ["a", "b"] {
        bench.transmitter.emit(&bench.transmitter.claims(jti, "alice@example.org"));
    }
    bench.look().await.unwrap();
    bench.leave().await;
    assert_eq!(
        asked(&bench),
        json!({"ack": ["a", "b"], "maxEvents": 0, "returnImmediately": true})
    );
    assert_eq!(bench.transmitter.waiting(), 0);
}

/// The two tokens of RFC 8936 figure 6: SCIM events with `alg` `none`.
const FIGURE_6: [(&str, &str); 2] = [
    (
        "4d3559ec67504aaba65d40b0363faad8",
        include_str!("../../fixtures/ssf/poll-figure-6-a.txt"),
    ),
    (
        "3d0c3cf797584bd193bd0fb1bd4e7d30",
        include_str!("../../fixtures/ssf/poll-figure-6-b.txt"),
    ),
];

#[tokio::test]
async fn n1_figures_5_and_6_unsigned_tokens_are_refused_by_name_and_the_good_one_beside_them_is_taken() {
    let bench = polling(quick(), "").await;
    for (jti, token) in FIGURE_6 {
        bench.transmitter.queue(jti, token.trim());
    }
    bench.transmitter.emit(&bench.transmitter.claims("good", "alice@example.org"));
    let stored = bench.look().await.unwrap();
    assert_eq!(names(&stored), ["good"]);
    assert_eq!(stored[0].0.refused.len(), 2);
    assert!(
        stored[0].0.refused.iter().all(|part| part.why.starts_with("invalid_key: ")),
        "{stored:?}"
    );
    assert_eq!(bench.alerts().await, ["quarantine"]);
    bench.look().await.unwrap();
    let poll = bench.transmitter.seen("POST /poll/").pop().unwrap();
    assert_eq!(
        poll.language.as_deref(),
        Some("en"),
        "complaints are in a language (section 2.6)"
    );
    let complaint = json!({"err": "invalid_key", "description": poll.body["setErrs"][FIGURE_6[0].0]["description"]});
    assert_eq!(
        poll.body,
        json!({
            "ack": ["good"],
            "setErrs": {FIGURE_6[0].0: complaint, FIGURE_6[1].0: complaint},
            "maxEvents": 100,
            "returnImmediately": false,
        })
    );
    // Figure 7: nothing is left.
    assert!(bench.look().await.unwrap().is_empty());
}

#[tokio::test]
async fn n22_a_token_under_another_name_and_a_malformed_one_are_refused_and_those_beside_them_taken() {
    let bench = polling(quick(), "").await;
    let claims = |jti: &str| bench.transmitter.claims(jti, "alice@example.org");
    bench.transmitter.emit(&claims("one"));
    bench
        .transmitter
        .queue("not-its-name", Transmitter::sign(&claims("its-name")));
    bench.transmitter.queue("no-token", "rubbish");
    bench.transmitter.queue("no-text", json!({"alg": "RS256"}));
    bench.transmitter.queue("too-large", "x".repeat(300 << 10));
    bench.transmitter.emit(&claims("two"));
    let mut taken = names(&bench.settle().await);
    taken.sort();
    assert_eq!(taken, ["one", "two"]);
    let errs = bench.transmitter.errs();
    let refused: Vec<(&str, &str)> = errs.iter().map(|(jti, err)| (jti.as_str(), err.as_str())).collect();
    let bad = "invalid_request";
    assert_eq!(
        refused,
        [("no-text", bad), ("no-token", bad), ("not-its-name", bad), ("too-large", bad)]
    );
    assert_eq!(bench.transmitter.waiting(), 0);
}

#[tokio::test]
async fn n18_a_token_that_comes_again_is_acknowledged_again_and_nothing_follows() {
    let mut bench = polling(mute(), "").await;
    bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    // Killed after the commit: what was stored is not told to anybody.
    assert_eq!(names(&bench.look_without_end().await.unwrap()), ["a"]);
    bench.restart();
    bench.transmitter.behave(|manners| manners.heeds_acks = false);
    let mut again = Vec::new();
    while again.is_empty() {
        again = bench.look().await.unwrap();
        again.retain(|(delivery, _)| !delivery.signals.is_empty());
    }
    assert_eq!(names(&again).last().unwrap(), "a");
    let receipts = again.iter().flat_map(|(_, receipt)| &receipt.signals);
    assert!(
        receipts
            .clone()
            .any(|receipt| matches!(receipt, SignalReceipt::Repeated { case: Some(_) }))
    );
    assert!(
        bench.pull().interval() >= Duration::from_secs(1),
        "a transmitter that does not listen makes us spin"
    );
    bench.transmitter.behave(|manners| manners.heeds_acks = true);
    bench.settle().await;
    assert_eq!(bench.transmitter.waiting(), 0);
}

#[tokio::test]
async fn n18_another_token_under_a_name_that_was_used_is_refused_and_alerts() {
    let bench = polling(quick(), "").await;
    bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    bench.settle().await;
    bench.transmitter.emit(&bench.transmitter.claims("a", "bob@example.org"));
    let stored = bench.settle().await;
    assert_eq!(stored[0].1.signals, [SignalReceipt::Conflict]);
    assert_eq!(bench.transmitter.errs()["a"], "invalid_request");
    assert_eq!(bench.alerts().await, ["replay_with_other_content"]);
}

#[tokio::test]
async fn n13_a_token_whose_key_cannot_be_had_now_stays_with_the_transmitter() {
    let bench = polling(mute(), "").await;
    // The first fetch of the keys fails, and there is no second one within the minute.
    bench.transmitter.script("/jwks", 500, None);
    bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    for _ in 0..2 {
        assert!(bench.look().await.unwrap().is_empty());
        assert!(bench.pull().interval() >= Duration::from_secs(2));
    }
    assert_eq!((bench.transmitter.acked().len(), bench.transmitter.errs().len()), (0, 0));
    pass(Duration::from_mins(1)).await;
    assert_eq!(names(&bench.settle().await), ["a"]);
}

#[tokio::test]
async fn a_token_that_is_refused_again_and_again_is_recorded_once() {
    let bench = polling(quick(), "").await;
    bench.transmitter.behave(|manners| manners.heeds_acks = false);
    bench.transmitter.queue("bad", "rubbish");
    let first = bench.look().await.unwrap();
    assert_eq!(first[0].0.refused.len(), 1);
    let before = Instant::now();
    let again = bench.look().await.unwrap();
    assert!(again.iter().all(|(delivery, _)| delivery.refused.is_empty()), "{again:?}");
    assert!(bench.pull().interval() + before.elapsed() >= Duration::from_secs(2));
    assert_eq!(bench.transmitter.errs()["bad"], "invalid_request");
}

#[tokio::test]
async fn more_than_one_poll_brings_is_fetched_without_a_pause() {
    let bench = polling(quick(), "max_events = 2").await;
    for n in 0..5 {
        bench
            .transmitter
            .emit(&bench.transmitter.claims(&format!("jti-{n}"), "alice@example.org"));
    }
    let mut all = Vec::new();
    for _ in 0..3 {
        all.extend(names(&bench.look().await.unwrap()));
        assert_eq!(bench.pull().interval(), Duration::ZERO);
    }
    assert_eq!(all, ["jti-0", "jti-1", "jti-2", "jti-3", "jti-4"]);
}

#[tokio::test]
async fn a_transmitter_that_does_not_hold_polls_is_asked_every_two_seconds() {
    let bench = polling(quick(), "").await;
    let before = Instant::now();
    bench.look().await.unwrap();
    // Two seconds from the start of one to the start of the next, however long it took itself.
    let (wait, two) = (bench.pull().interval(), Duration::from_secs(2));
    assert!(wait <= two && wait + before.elapsed() >= two, "{wait:?}");
}

#[tokio::test]
async fn a_held_poll_ends_with_the_first_token() {
    let bench = polling(quick(), "").await;
    bench.transmitter.behave(|manners| manners.hold = Duration::from_secs(50));
    let before = bench.transmitter.seen("POST /poll/").len();
    let look = bench.look();
    let emit = async {
        until("the poll", async || {
            (bench.transmitter.seen("POST /poll/").len() > before).then_some(())
        })
        .await;
        bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    };
    let (stored, ()) = tokio::join!(look, emit);
    assert_eq!(names(&stored.unwrap()), ["a"]);
}

#[tokio::test]
async fn failed_polls_are_further_and_further_apart_and_a_good_one_ends_that() {
    let bench = polling(quick(), "").await;
    for (status, wait) in [(503, Some(17)), (429, Some(9)), (429, None), (500, Some(0))] {
        bench.transmitter.script("stream-1", status, wait);
        bench.look().await.unwrap_err();
        let expected = wait.map_or(60, |wait| wait.max(1));
        assert_eq!(bench.pull().interval(), Duration::from_secs(expected), "{status} {wait:?}");
    }
    let mut longest = Duration::ZERO;
    for _ in 0..12 {
        bench.transmitter.script("stream-1", 500, None);
        bench.look().await.unwrap_err();
        assert!(bench.pull().interval() <= Duration::from_mins(1));
        longest = longest.max(bench.pull().interval());
    }
    assert!(longest > Duration::from_secs(5), "{longest:?}");
    bench.look().await.unwrap();
    assert!(bench.pull().interval() <= Duration::from_secs(2));
}

#[tokio::test]
async fn a_refused_token_of_ours_is_told_in_words_that_help() {
    let bench = polling(quick(), "").await;
    for (status, word) in [(401, "give it a new one"), (403, "ssf.manage")] {
        bench.transmitter.script("stream-1", status, None);
        let error = bench.look().await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(bench.pull().interval() > Duration::ZERO);
    }
}

#[tokio::test]
async fn a_stream_that_is_gone_alerts_once_and_its_return_ends_that() {
    let bench = polling(quick(), "").await;
    bench.transmitter.lose_streams();
    let stored = bench.look().await.unwrap();
    assert_eq!(stored[0].0.alarms.len(), 1);
    assert_eq!(bench.alerts().await, ["stream_stopped"]);
    let error = bench.look().await.unwrap_err().to_string();
    assert!(error.contains("404"), "{error}");
    bench.connect().await.unwrap();
    bench.transmitter.behave(|manners| manners.verifies = false);
    bench.settle().await;
    assert!(bench.alerts().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_is_none_is_an_error_and_loses_no_acknowledgement() {
    let bench = polling(quick(), "").await;
    bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
    bench.look().await.unwrap();
    for body in [json!([]), json!({"sets": []}), json!("x")] {
        bench.transmitter.reply("stream-1", 200, body);
        bench.look().await.unwrap_err();
    }
    looks(&bench, 2).await;
    assert!(bench.transmitter.acked().contains(&"a".to_owned()));
}

/// Looks so many times, ten seconds apart, whether they fail or not. Gives the names of the tokens that were stored for the first time.
async fn looks(bench: &StreamFixture, times: usize) -> Vec<String> {
    let mut new = Vec::new();
    for _ in 0..times {
        pass(Duration::from_secs(10)).await;
        for (delivery, receipt) in bench.look().await.unwrap_or_default() {
            let outcomes = delivery.signals.iter().zip(&receipt.signals);
            let first = outcomes.filter(|(_, receipt)| !matches!(receipt, SignalReceipt::Repeated { .. }));
            new.extend(first.map(|(signal, _)| signal.key.rsplit('|').next().unwrap().to_owned()));
        }
    }
    new
}

#[tokio::test]
async fn a_transmitter_that_refuses_acknowledgements_keeps_nothing_new_from_us() {
    let mut bench = polling(quick(), "max_events = 2").await;
    bench.transmitter.behave(|manners| manners.takes_acks = false);
    let emit = |bench: &StreamFixture, jti: &str| bench.transmitter.emit(&bench.transmitter.claims(jti, "alice@example.org"));
    emit(&bench, "a");
    assert_eq!(looks(&bench, 1).await, ["a"]);
    bench.look().await.unwrap_err();
    assert_eq!(asked(&bench)["ack"], json!(["a"]));
    emit(&bench, "b");
    assert_eq!(names(&bench.look().await.unwrap()), ["a", "b"], "the next poll carries none");
    assert_eq!(asked(&bench), json!({"maxEvents": 2, "returnImmediately": false}));
    // What waits to be acknowledged fills a whole answer by itself from now on.
    for jti in ["c", "d", "e"] {
        emit(&bench, jti);
    }
    bench.transmitter.queue("bad", "rubbish");
    let before = bench.transmitter.seen("POST /poll/").len();
    assert_eq!(looks(&bench, 12).await, ["c", "d", "e"]);
    // They are told again and again, never twice in a row, and in a way that is answered at once.
    let polls = bench.transmitter.seen("POST /poll/");
    let polls: Vec<&Value> = polls[before..].iter().map(|poll| &poll.body).collect();
    let tells = |body: &Value| !body["ack"].is_null();
    assert!(!polls.windows(2).any(|pair| tells(pair[0]) && tells(pair[1])), "{polls:#?}");
    let told: Vec<&&Value> = polls.iter().filter(|body| tells(body)).collect();
    assert!(told.len() >= 2, "{polls:#?}");
    assert!(
        told.iter()
            .all(|body| body["returnImmediately"] == true && body["ack"][0] == "a")
    );
    // They are still known after a restart.
    bench.restart();
    bench.transmitter.behave(|manners| {
        manners.takes_acks = true;
        manners.verifies = false;
    });
    looks(&bench, 4).await;
    let mut acked = bench.transmitter.acked();
    acked.retain(|jti| !jti.starts_with("verification"));
    assert_eq!(acked, ["a", "b", "c", "d", "e"]);
    assert!(bench.transmitter.errs().contains_key("bad"));
    assert_eq!(bench.transmitter.waiting(), 0);
}

#[tokio::test]
async fn a_transmitter_that_ignores_acknowledgements_keeps_nothing_new_from_us() {
    let bench = polling(quick(), "max_events = 2").await;
    bench.transmitter.behave(|manners| manners.heeds_acks = false);
    for n in 0..6 {
        bench
            .transmitter
            .emit(&bench.transmitter.claims(&n.to_string(), "alice@example.org"));
    }
    assert_eq!(looks(&bench, 6).await, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_transmitter_that_does_not_take_more_than_the_usual_is_asked_for_no_more() {
    let bench = polling(quick(), "max_events = 2").await;
    bench.transmitter.behave(|manners| {
        manners.heeds_acks = false;
        manners.most_events = 2;
    });
    for jti in ["a", "b", "c"] {
        bench.transmitter.emit(&bench.transmitter.claims(jti, "alice@example.org"));
    }
    assert_eq!(looks(&bench, 4).await, ["a", "b"]);
    bench.transmitter.behave(|manners| manners.heeds_acks = true);
    assert_eq!(looks(&bench, 4).await, ["c"]);
}

#[tokio::test]
async fn acknowledgements_that_come_to_nothing_for_five_minutes_alert_until_they_are_taken() {
    for (refuse, heed) in [
        (
            (|manners| manners.takes_acks = false) as fn(&mut Manners),
            (|manners| manners.takes_acks = true) as fn(&mut Manners),
        ),
        (|manners| manners.heeds_acks = false, |manners| manners.heeds_acks = true),
    ] {
        let mut bench = polling(quick(), "").await;
        bench.transmitter.behave(refuse);
        bench.transmitter.emit(&bench.transmitter.claims("a", "alice@example.org"));
        looks(&bench, 24).await;
        assert!(bench.alerts().await.is_empty());
        looks(&bench, 10).await;
        assert_eq!(bench.alerts().await, ["acks_refused"]);
        let alerts = bench.store.alerts(false).await.unwrap();
        assert!(alerts[0].times == 1 && alerts[0].summary.contains("(1 so far)"), "{alerts:?}");
        // A life that knows nothing of the alert ends it.
        bench.restart();
        bench.transmitter.behave(heed);
        looks(&bench, 4).await;
        assert!(bench.alerts().await.is_empty());
        assert_eq!(bench.transmitter.waiting(), 0);
    }
}

#[tokio::test]
async fn what_we_have_told_ourselves_is_kept_and_not_acted_on() {
    let bench = polling(quick(), "").await;
    let mut claims = bench.transmitter.claims("echo", "alice@example.org");
    claims["txn"] = "revoked:case-17".into();
    bench.transmitter.emit(&claims);
    let mut other = bench.transmitter.claims_of(
        "no-echo",
        REVOKED,
        json!({}),
        json!({"format": "email", "email": "bob@example.org"}),
    );
    other["txn"] = "8675309".into();
    bench.transmitter.emit(&other);
    let stored = bench.look().await.unwrap();
    let signals = &stored[0].0.signals;
    assert!(
        matches!(&signals[0].disposition, Disposition::Ignore(why) if why.starts_with("echo: ")),
        "{signals:?}"
    );
    assert_eq!(signals[0].reason.word(), "noted");
    assert_eq!(signals[1].disposition, Disposition::Act);
    assert!(matches!(
        stored[0].1.signals[..],
        [SignalReceipt::Ignored { .. }, SignalReceipt::Accepted { .. }]
    ));
}

#[tokio::test]
async fn what_another_installation_of_ours_says_first_is_acted_on_where_the_config_says_so() {
    let bench = polling(quick(), "from_revoked = true").await;
    let mut claims = bench.transmitter.claims("a", "alice@example.org");
    claims["txn"] = "revoked:17".into();
    bench.transmitter.emit(&claims);
    let stored = bench.look().await.unwrap();
    assert_eq!(stored[0].0.signals[0].disposition, Disposition::Act);
}

#[tokio::test]
async fn without_a_stream_the_look_says_what_to_do() {
    let bench = StreamFixture::unconnected(quick(), "delivery = \"poll\"").await;
    let error = bench.look().await.unwrap_err().to_string();
    assert!(error.contains("revoked source ssf connect idp"), "{error}");
    assert!(bench.transmitter.seen("").is_empty());
}

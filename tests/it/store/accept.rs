//! What a delivery becomes.

use revoked::model::{Delivery, Disposition, Priority, Reason, Refused, SignalReceipt};
use revoked::store::{ListFilter, SlotOffer, SlotOffers};

use super::{case_of, place, policy, signal};

#[tokio::test]
async fn a_signal_becomes_a_case_a_job_and_entries() {
    let place = place().await;
    let receipt = place
        .accept(vec![signal("k1", "alice@example.org", Reason::Compromised)])
        .await;
    let (case, held) = case_of(&receipt.signals[0]);
    assert!(!held);
    let detail = place.store.case_detail(case).await.unwrap();
    assert_eq!(detail.case.subject.as_deref(), Some("email:alice@example.org"));
    assert_eq!((detail.jobs.len(), detail.jobs[0].state.as_str()), (1, "queued"));
    assert_eq!(place.trail().await, ["signal.accepted", "case.opened", "job.enqueued"]);
    assert_eq!(place.store.waiting("chat").await.unwrap(), Some(Priority::URGENT));
}

#[tokio::test]
async fn who_asks_stands_in_the_case_and_by_its_digest_alone_in_the_trail() {
    let place = place().await;
    let admin = "ann.admin@example.org";
    let operator = "operator:alice(1000)";
    let mut cases = Vec::new();
    for (n, (source, asker)) in [
        ("idp", admin),
        ("inbox", admin),
        ("idp", operator),
        ("idp", "policy"),
        ("inbox", operator),
    ]
    .into_iter()
    .enumerate()
    {
        let mut signal = signal(&format!("k{n}"), &format!("user{n}@example.org"), Reason::Compromised);
        signal.requested_by = Some(asker.to_owned());
        let case = case_of(&place.accept_from(source, vec![signal]).await.signals[0]).0;
        let detail = place.store.case_detail(case).await.unwrap();
        assert_eq!(detail.case.requested_by.as_deref(), Some(asker));
        cases.push(case);
    }
    let rows = place.store.trail_snapshot().await.unwrap().rows(0, 10_000).await.unwrap();
    let entries: Vec<serde_json::Value> = rows.iter().map(|row| serde_json::from_slice(&row.body).unwrap()).collect();
    let asked: Vec<_> = entries
        .iter()
        .filter(|entry| entry["kind"] == "signal.accepted")
        .map(|entry| {
            (
                entry["detail"]["requested_by"].as_str(),
                entry["detail"]["requested_by_sha256"].as_str(),
            )
        })
        .collect();
    let digest = |text: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        digest
            .as_ref()
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let (admin_digest, operator_digest) = (digest(admin), digest(operator));
    assert_eq!(
        asked,
        [
            (None, Some(admin_digest.as_str())),
            (None, Some(admin_digest.as_str())),
            (None, Some(operator_digest.as_str())),
            (Some("policy"), None),
            (Some(operator), None),
        ]
    );
    assert!(
        !rows
            .iter()
            .any(|row| String::from_utf8_lossy(&row.body).contains("ann.admin"))
    );
}

#[tokio::test]
async fn a_repetition_is_harmless_and_other_content_under_its_key_is_refused() {
    let place = place().await;
    let first = signal("k1", "alice@example.org", Reason::Compromised);
    place.accept(vec![first.clone()]).await;
    let size = place.trail().await.len();
    let again = place.accept(vec![first.clone()]).await;
    assert!(matches!(again.signals[0], SignalReceipt::Repeated { case: Some(_) }));
    assert_eq!(place.trail().await.len(), size, "a repetition leaves no trace");
    let forged = revoked::model::Signal {
        digest: [9; 32],
        ..first
    };
    assert_eq!(place.accept(vec![forged]).await.signals, [SignalReceipt::Conflict]);
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "replay_with_other_content");
}

#[tokio::test]
async fn signals_about_one_person_share_a_case_and_the_urgent_one_raises_it() {
    let place = place().await;
    let mut slow = signal("k1", "alice@example.org", Reason::Compromised);
    slow.priority = Priority::ROUTINE;
    let first = case_of(&place.accept(vec![slow]).await.signals[0]).0;
    let second = case_of(
        &place
            .accept_from("idp", vec![signal("k1", "alice@example.org", Reason::Compromised)])
            .await
            .signals[0],
    )
    .0;
    assert_eq!(first, second);
    let detail = place.store.case_detail(first).await.unwrap();
    assert_eq!((detail.signals.len(), detail.jobs.len(), detail.jobs[0].priority), (2, 1, 0));
}

#[tokio::test]
async fn an_urgent_job_is_born_claimed_where_its_lane_offers_a_slot() {
    let place = place().await;
    let delivery = |key: &str, reason| {
        Delivery::of(
            "idp",
            vec![signal(key, &format!("{key}@example.org"), reason)],
            place.clock.now(),
        )
    };
    let slots = || SlotOffers {
        slots: vec![SlotOffer {
            target: "chat".to_owned(),
            able: std::sync::Arc::default(),
        }],
        born: None,
    };
    let urgent = place
        .store
        .accept(policy(), delivery("a", Reason::Compromised), slots())
        .await
        .unwrap();
    let routine = place
        .store
        .accept(policy(), delivery("b", Reason::Departed), slots())
        .await
        .unwrap();
    assert_eq!((urgent.claims.len(), routine.claims.len()), (1, 0));
    assert_eq!(urgent.claims[0].job.attempt, 1);
    let running = ListFilter {
        state: Some("running".to_owned()),
        limit: 9,
        ..ListFilter::default()
    };
    assert_eq!(place.store.jobs(&running).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_signal_that_is_only_kept_opens_no_case() {
    let place = place().await;
    let mut kept = signal("k1", "alice@example.org", Reason::Noted);
    kept.disposition = Disposition::Ignore("an event that is not acted on".to_owned());
    let receipt = place.accept(vec![kept]).await;
    assert!(matches!(receipt.signals[0], SignalReceipt::Ignored { .. }));
    assert_eq!(place.trail().await, ["signal.ignored"]);
}

#[tokio::test]
async fn a_key_twice_in_one_delivery_is_stored_once() {
    let place = place().await;
    let one = signal("k1", "alice@example.org", Reason::Departed);
    let receipt = place.accept(vec![one.clone(), one]).await;
    assert!(matches!(receipt.signals[0], SignalReceipt::Accepted { .. }));
    assert!(matches!(receipt.signals[1], SignalReceipt::Repeated { .. }));
}

#[tokio::test]
async fn no_name_and_no_note_stands_in_the_trail() {
    let place = place().await;
    let mut noted = signal("k1", "margarethe@example.org", Reason::Compromised);
    noted.note = Some("seen in a pastebin".to_owned());
    place.accept(vec![noted]).await;
    for row in place.store.trail_snapshot().await.unwrap().rows(0, 100).await.unwrap() {
        let body = String::from_utf8(row.body).unwrap();
        assert!(!body.contains("margarethe") && !body.contains("pastebin"), "{body}");
    }
}

#[tokio::test]
async fn a_source_that_says_it_will_be_silent_raises_an_alert() {
    let place = place().await;
    let mut stopped = signal("k1", "opaque:stream", Reason::Noted);
    stopped.disposition = Disposition::Ignore("stream_stopped: the issuer sends nothing from now on".to_owned());
    place.accept_from("idp", vec![stopped]).await;
    let alerts = place.store.alerts(false).await.unwrap();
    assert_eq!(
        (alerts[0].kind.as_str(), alerts[0].key.as_str()),
        ("stream_stopped", "source:idp")
    );
}

#[tokio::test]
async fn a_file_that_was_rejected_whole_was_put_aside_and_not_taken_in() {
    let place = place().await;
    let refused = |place: &str| Refused {
        place: place.to_owned(),
        why: "its trailer says 2 rows and there is 1".to_owned(),
    };
    let file = |name: &str, refused| Delivery {
        name: Some(name.to_owned()),
        digest: Some([3; 32]),
        refused: vec![refused],
        ..Delivery::of("hr", Vec::new(), place.clock.now())
    };
    let whole = file("whole.csv", refused(Refused::WHOLE));
    place.store.accept(policy(), whole, SlotOffers::default()).await.unwrap();
    assert_eq!(place.trail().await, ["file.quarantined", "alert.raised"]);
    let rows = place.store.trail_snapshot().await.unwrap().rows(0, 1).await.unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&rows[0].body).unwrap();
    assert_eq!(entry["detail"]["whole"], true);
    assert_eq!(entry["detail"]["sha256"], "03".repeat(32));
    let rest = file("rest.csv", refused("line 2"));
    place.store.accept(policy(), rest, SlotOffers::default()).await.unwrap();
    assert_eq!(
        place.trail().await[2..],
        ["file.accepted", "file.quarantined", "alert.raised"],
        "what could be read of it was taken in"
    );
}

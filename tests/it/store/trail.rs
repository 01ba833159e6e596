//! What a start finds of the trail.

use revoked::store::OpenError;
use revoked::trail::{AnchorFile, CheckpointSigner, StartTransition, check_at_start};
use revoked_trail::EntryKind;

use super::{Place, place, signer};

const ORIGIN: &str = "test.example.org/trail/1";

/// The place's trail as its key finds it at a start.
async fn start(place: &Place, key: &revoked_trail::Signer) -> Result<StartTransition, OpenError> {
    let old = signer(ORIGIN, 1);
    let keys = [old.verifier().clone(), key.verifier().clone()];
    check_at_start(&place.store, key.verifier(), &keys, &anchor(place)).await
}

fn anchor(place: &Place) -> AnchorFile {
    AnchorFile::new(&place.path.with_extension("checkpoints"))
}

fn checkpoints(place: &Place) -> CheckpointSigner {
    CheckpointSigner::new(place.store.clone(), signer(ORIGIN, 1), anchor(place), false)
}

/// A place with a trail of one entry, signed.
async fn signed() -> Place {
    let place = place().await;
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    checkpoints(&place).sign().await.unwrap();
    place
}

async fn sql(place: &Place, sql: &'static str) {
    let mut conn = place.connection().await;
    sqlx::query(sql).execute(&mut conn).await.unwrap();
}

fn why(refused: Result<StartTransition, OpenError>) -> String {
    match refused {
        Err(OpenError::Trail { what, .. }) => what,
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_trail_goes_on_under_its_key_and_under_a_new_name_of_it_and_under_no_other() {
    let place = signed().await;
    assert_eq!(start(&place, &signer(ORIGIN, 1)).await.unwrap(), StartTransition::Continues);
    let StartTransition::NewOrigin(before) = start(&place, &signer("test.example.org/trail/2", 1)).await.unwrap() else {
        panic!("a new origin")
    };
    assert_eq!(before, anchor(&place).notes().unwrap()[0]);
    for other in [signer(ORIGIN, 2), signer("test.example.org/trail/2", 2)] {
        let what = why(start(&place, &other).await);
        assert!(what.contains("is not signed by its key"), "{what}");
    }
}

#[tokio::test]
async fn a_trail_that_its_key_vouches_for_nowhere_is_refused() {
    let place = signed().await;
    sql(&place, "DELETE FROM checkpoint").await;
    // The copy outside speaks for it still.
    assert_eq!(start(&place, &signer(ORIGIN, 1)).await.unwrap(), StartTransition::Continues);
    std::fs::remove_file(anchor(&place).path()).unwrap();
    let what = why(start(&place, &signer(ORIGIN, 1)).await);
    assert!(what.contains("no checkpoint by its key") && what.contains("--lost"), "{what}");
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_before_it_signed_can_be_repeated() {
    let place = place().await;
    for _ in 0..3 {
        let detail = serde_json::json!({});
        place.store.record(EntryKind::DaemonStarted, detail).await.unwrap();
    }
    assert_eq!(start(&place, &signer(ORIGIN, 1)).await.unwrap(), StartTransition::Continues);
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    assert!(start(&place, &signer(ORIGIN, 1)).await.is_err());
}

/// Signs what a further entry makes of the trail. Answers whether the anchor counts as lost.
async fn loses(place: &Place, signer: &mut CheckpointSigner) -> bool {
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    signer.sign().await.unwrap();
    place.store.alert_is_open("anchor_lost", "trail").await.unwrap()
}

#[tokio::test]
async fn an_anchor_that_shrank_or_vanished_alerts_and_is_begun_anew_on_an_operators_word_alone() {
    // One that runs sees it by the length, one that starts by what is missing.
    for (runs, is_gone) in [(true, true), (true, false), (false, true), (false, false)] {
        let place = signed().await;
        let first = std::fs::read_to_string(anchor(&place).path()).unwrap();
        assert!(!loses(&place, &mut checkpoints(&place)).await);
        let whole = std::fs::read_to_string(anchor(&place).path()).unwrap();
        let mut signer = checkpoints(&place);
        if runs {
            signer.sign().await.unwrap();
        }
        let damage = || {
            if is_gone {
                std::fs::remove_file(anchor(&place).path()).unwrap();
            } else {
                std::fs::write(anchor(&place).path(), &first).unwrap();
            }
        };
        damage();
        for _ in 0..2 {
            assert!(loses(&place, &mut signer).await);
        }
        let left = (!is_gone).then_some(&first);
        assert_eq!(
            std::fs::read_to_string(anchor(&place).path()).ok().as_ref(),
            left,
            "it was written"
        );
        // Put back it is written on.
        std::fs::write(anchor(&place).path(), &whole).unwrap();
        assert!(!loses(&place, &mut signer).await);
        assert!(std::fs::read_to_string(anchor(&place).path()).unwrap().starts_with(&whole));
        damage();
        assert!(loses(&place, &mut signer).await);
        let alerts = place.store.alerts(false).await.unwrap();
        let alert = alerts.iter().find(|alert| alert.kind == "anchor_lost").unwrap();
        let by = revoked::model::Actor::operator("alice".to_owned(), Some(1000));
        place.store.clear_alert(alert.id, by, None).await.unwrap();
        assert!(!loses(&place, &mut signer).await);
        assert_eq!(anchor(&place).notes().unwrap().len(), if is_gone { 1 } else { 2 });
        let stored = place.store.trail_snapshot().await.unwrap().checkpoints().await.unwrap();
        assert_eq!(stored.len(), 7, "the store keeps what the anchor does not take");
    }
}

#[tokio::test]
async fn a_trail_shorter_than_its_anchor_is_refused() {
    let (long, short) = (place().await, place().await);
    let anchor = AnchorFile::new(&long.path.with_extension("checkpoints"));
    for n in 0..3 {
        long.store.raise_alert("test", format!("{n}"), "a".into()).await.unwrap();
    }
    CheckpointSigner::new(long.store.clone(), signer(ORIGIN, 1), anchor.clone(), false)
        .sign()
        .await
        .unwrap();
    short.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    let keys = [signer(ORIGIN, 1).verifier().clone()];
    let refused = check_at_start(&short.store, &keys[0], &keys, &anchor).await;
    assert!(
        matches!(&refused, Err(OpenError::Trail { what, .. }) if what.contains("shorter than its anchor")),
        "{refused:?}"
    );
}

/// A verifier must get to see what somebody wrote past the triggers.
#[tokio::test]
async fn a_portion_holds_the_bytes_of_its_rows_sound_or_not() {
    let place = place().await;
    for n in 0..5 {
        place.store.raise_alert("test", format!("{n}"), "a".into()).await.unwrap();
    }
    let mut conn = place.connection().await;
    sqlx::raw_sql(
        "DROP TRIGGER trail_is_not_changed; PRAGMA ignore_check_constraints = ON; \
         UPDATE trail SET body = CAST(x'7b00ff0a7d' AS TEXT) WHERE seq = 1; UPDATE trail SET leaf = x'' WHERE seq = 2; \
         UPDATE trail SET body = '' WHERE seq = 3",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    let mut snapshot = place.store.trail_snapshot().await.unwrap();
    for (from, limit) in [(0, 10), (1, 3), (4, 1)] {
        let rows = snapshot.rows(from, limit).await.unwrap();
        let portion = snapshot.portion(from, limit).await.unwrap();
        let packed: Vec<_> = portion
            .rows()
            .map(|(seq, body, leaf)| revoked::store::RawRow {
                seq,
                body: body.to_vec(),
                leaf: leaf.to_vec(),
            })
            .collect();
        assert_eq!(packed, rows);
        assert_eq!(portion.last(), rows.last().map(|row| row.seq));
    }
    assert_eq!(snapshot.portion(5, 10).await.unwrap().last(), None);
}

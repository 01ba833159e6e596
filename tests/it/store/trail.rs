//! What a start finds of the trail.

use revoked::store::OpenError;
use revoked::trail::{AnchorFile, CheckpointSigner, StartTransition, check_at_start};

use super::{place, signer};

const ORIGIN: &str = "test.example.org/trail/1";

#[tokio::test]
async fn a_trail_goes_on_and_a_new_key_or_origin_is_seen() {
    let place = place().await;
    let anchor = AnchorFile::new(&place.path.with_extension("checkpoints"));
    place.store.raise_alert("test", "a".into(), "a".into()).await.unwrap();
    let mut checkpoints = CheckpointSigner::new(place.store.clone(), signer(ORIGIN, 1), anchor.clone(), false);
    checkpoints.sign().await.unwrap();
    let old = signer(ORIGIN, 1);
    let turn = async |now: &revoked_trail::Signer| {
        let keys = [old.verifier().clone(), now.verifier().clone()];
        check_at_start(&place.store, now.verifier(), &keys, &anchor).await
    };
    assert_eq!(turn(&old).await.unwrap(), StartTransition::Continues);
    assert_eq!(turn(&signer(ORIGIN, 2)).await.unwrap(), StartTransition::NewKey);
    let StartTransition::NewOrigin(before) = turn(&signer("test.example.org/trail/2", 1)).await.unwrap() else {
        panic!("a new origin")
    };
    assert_eq!(before, anchor.notes().unwrap()[0]);
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

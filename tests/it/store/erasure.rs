//! Erasing a person.

use revoked::model::{Actor, Evidence, Reason, Settlement, Subject, Verdict};
use revoked::store::StoreError;

use super::{case_of, place, signal};

fn alice() -> Subject {
    "alice@example.org".parse().unwrap()
}

#[tokio::test]
async fn a_person_with_open_work_cannot_be_erased() {
    let place = place().await;
    place.accept(vec![signal("k", "alice@example.org", Reason::Departed)]).await;
    let refused = place.store.erase(&alice(), Actor::Daemon).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn an_erased_person_leaves_a_whole_trail_and_no_name() {
    let place = place().await;
    let mut noted = signal("k", "alice@example.org", Reason::Logout);
    noted.note = Some("a note about alice".to_owned());
    noted.requested_by = Some("alice herself".to_owned());
    let case = case_of(&place.accept(vec![noted]).await.signals[0]).0;
    let claim = place.claim().await;
    let nobody = Verdict::NoPrincipal {
        what: "nobody".to_owned(),
    };
    place
        .store
        .settle(claim, vec![], Evidence::default(), Settlement::Done(nobody))
        .await
        .unwrap();
    assert!(place.store.erase(&alice(), Actor::operator("dpo", Some(7))).await.unwrap());
    assert!(
        !place.store.erase(&alice(), Actor::Daemon).await.unwrap(),
        "nobody is left to erase"
    );
    let detail = place.store.case_detail(case).await.unwrap();
    assert_eq!((detail.case.subject, detail.signals[0].note.clone()), (None, None));
    assert_eq!(place.trail().await.last().map(String::as_str), Some("person.erased"));
    place.store.close().await;
    let bytes = std::fs::read(&place.path).unwrap();
    let found = bytes.windows(5).filter(|window| *window == b"alice").count();
    assert_eq!(found, 0, "the name is still in the file");
}

//! Jobs that are born in a lane's slot, with the intent of what certainly comes first.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::failure_tests::Place;
use crate::model::{Action, Capabilities, GrantKind, Reason};
use crate::store::SlotOffer;
use crate::store::columns::Columns as _;
use crate::store::queue::slot_offer::Births;

pub(super) fn slot_offer() -> SlotOffer {
    SlotOffer {
        target: "chat".to_owned(),
        able: Arc::new(Capabilities {
            ends: [GrantKind::Session, GrantKind::OauthGrant].into(),
            ends_all_sessions: true,
            ..Capabilities::default()
        }),
    }
}

async fn texts(place: &mut Place, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(&mut place.conn).await.unwrap();
    rows.iter().map(|row| row.read(0).unwrap()).collect()
}

#[tokio::test]
async fn a_job_is_told_of_before_its_commit_which_holds_the_intent_of_what_comes_first() {
    let mut place = Place::new().await;
    let (born, mut claims) = mpsc::unbounded_channel();
    let (ann, answer) = place.offered("ann", Reason::Compromised, vec![slot_offer()], Some(Births::new(born)));
    assert!(place.commit(vec![ann]).await);
    let claim = claims.recv().await.unwrap();
    assert!(claim.is_committed().await);
    assert_eq!(claim.intended.as_ref().unwrap().action, Action::EndAllSessions);
    assert!(answer.await.unwrap().unwrap().accepted.claims.is_empty(), "handed out once");
    let open =
        "SELECT j.acted || ' ' || a.action || ' ' || a.attempt FROM action a JOIN job j ON j.id = a.job_id WHERE a.outcome IS NULL";
    assert_eq!(texts(&mut place, open).await, [r#"1 {"do":"end_all_sessions"} 1"#]);
    let kinds = texts(&mut place, "SELECT body ->> 'kind' FROM trail ORDER BY seq").await;
    assert_eq!(kinds[kinds.len() - 2..], ["job.claimed", "action.started"]);
    let nobody =
        "SELECT count(*) || '' FROM trail WHERE body ->> '$.kind' = 'action.started' AND body ->> '$.detail.principal' IS NULL";
    assert_eq!(texts(&mut place, nobody).await, ["1"]);
}

/// The group is done one by one then: who was told of waits in the queue, or never came to be.
#[tokio::test]
async fn a_job_that_was_told_of_before_a_group_failed_is_never_committed() {
    let mut place = Place::new().await;
    let refuses = "CREATE TRIGGER no_bob BEFORE INSERT ON signal WHEN NEW.key = 'bob' BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuses).execute(&mut place.conn).await.unwrap();
    let (born, mut claims) = mpsc::unbounded_channel();
    let offered = |place: &Place, name| {
        let births = Births::new(born.clone());
        place.offered(name, Reason::Compromised, vec![slot_offer()], Some(births))
    };
    let (ann, ann_answer) = offered(&place, "ann");
    let (bob, bob_answer) = offered(&place, "bob");
    assert!(!place.commit(vec![ann, bob]).await);
    for _ in 0..2 {
        let claim = claims.recv().await.unwrap();
        assert!(!claim.is_committed().await);
    }
    assert!(ann_answer.await.unwrap().unwrap().accepted.claims.is_empty());
    bob_answer.await.unwrap().unwrap_err();
    assert_eq!(texts(&mut place, "SELECT state FROM job").await, ["queued"]);
    assert_eq!(texts(&mut place, "SELECT action FROM action").await, Vec::<String>::new());
}

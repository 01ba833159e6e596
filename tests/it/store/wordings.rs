//! What targets say of themselves is kept once, and read back with every job.

use std::time::Duration;

use revoked::model::{Door, DoorKind, Evidence, Priority, Reason, Sentence, Settlement, Verdict};
use revoked::store::{JobView, ListFilter};

use super::{NOW, Place, place, signal};

const CODE: &str = "an OAuth code that was handed out and not exchanged yet makes a grant";
const LINKS: &str = "public links to files: only a new PublicLinkSalt ends them, for everybody";

fn evidence() -> Evidence {
    Evidence {
        principal: Some("u1".to_owned()),
        after_at: Some(NOW),
        doors: vec![
            Door::new(DoorKind::PendingCode, CODE).until(NOW.plus(Duration::from_mins(10))),
            Door::new(
                DoorKind::AccessToken,
                format!("the token {} makes the next session", "alice-s-token"),
            ),
        ],
        not_covered: vec![LINKS.into(), "links that plugins hold".into()],
        ..Evidence::default()
    }
}

async fn query(place: &Place, sql: &'static str) -> Vec<String> {
    let mut conn = place.connection().await;
    sqlx::query_scalar(sql).fetch_all(&mut conn).await.unwrap()
}

/// A job of this name that was looked at, and ended so.
async fn ended(place: &Place, name: &str, evidence: Evidence, end: Settlement) {
    place
        .accept(vec![signal(name, &format!("username:{name}"), Reason::Logout)])
        .await;
    let claim = place.claim().await;
    place.store.settle(claim, vec![], evidence, end).await.unwrap();
}

async fn jobs(place: &Place) -> (Vec<JobView>, Vec<(&'static str, String)>) {
    let all = ListFilter {
        limit: 10,
        ..ListFilter::default()
    };
    let listed = place.store.jobs(&all).await.unwrap();
    let unreadable = listed.unreadable.iter().map(|row| (row.table, row.row.clone())).collect();
    (listed.rows, unreadable)
}

fn done() -> Settlement {
    Settlement::Done(Verdict::Contained)
}

fn again() -> Settlement {
    Settlement::Interrupted
}

#[tokio::test]
async fn a_sentence_that_every_job_says_is_kept_once_and_shown_with_each() {
    let place = place().await;
    for name in ["ann", "bob", "cy"] {
        ended(&place, name, evidence(), done()).await;
    }
    let texts = query(&place, "SELECT text FROM wording ORDER BY text").await;
    assert_eq!(texts, [CODE, "links that plugins hold", LINKS]);
    for row in query(&place, "SELECT evidence FROM job").await {
        assert!(!row.contains("OAuth") && !row.contains("plugins"), "{row}");
    }
    let (jobs, unreadable) = jobs(&place).await;
    assert_eq!((jobs.len(), unreadable.len()), (3, 0));
    assert!(jobs.iter().all(|job| job.evidence.as_ref() == Some(&evidence())), "{jobs:?}");
    let settled = query(&place, "SELECT body FROM trail WHERE body ->> '$.kind' = 'job.settled'").await;
    assert_eq!(settled.len(), 3);
    assert!(settled.iter().all(|line| line.contains(CODE)), "the trail says it itself");
}

/// What stays for ever holds nobody's name: only what stands in the program as it is gets there.
#[tokio::test]
async fn what_was_put_together_for_an_account_stays_with_its_job() {
    let place = place().await;
    let mut about_alice = evidence();
    about_alice
        .not_covered
        .push(Sentence::from("what alice keeps at home".to_owned()));
    about_alice.note("alice was told");
    ended(&place, "alice", about_alice.clone(), again()).await;
    // Read back and written once more, it is what it was.
    let claim = place.claim().await;
    assert_eq!(claim.job.evidence, about_alice);
    let read = claim.job.evidence.clone();
    place.store.settle(claim, vec![], read, done()).await.unwrap();
    let texts = query(&place, "SELECT text FROM wording").await;
    assert_eq!(texts.len(), 3);
    assert!(!texts.iter().any(|text| text.contains("alice")), "{texts:?}");
    assert_eq!(jobs(&place).await.0[0].evidence, Some(about_alice));
}

#[tokio::test]
async fn whoever_takes_a_job_on_gets_the_sentences_of_the_attempt_before() {
    let place = place().await;
    ended(&place, "ann", evidence(), again()).await;
    let reserved = place.store.reserve("chat", Priority(9), 1).await.unwrap();
    assert_eq!(reserved[0].job.evidence, evidence());
    drop(reserved);
    assert_eq!(place.claim().await.job.evidence, evidence());
}

#[tokio::test]
async fn a_code_that_nothing_explains_is_shown_as_it_is_and_named() {
    let place = place().await;
    ended(&place, "ann", evidence(), again()).await;
    // One is gone, and another says something else.
    query(&place, "DELETE FROM wording WHERE text LIKE 'public%'").await;
    query(
        &place,
        "UPDATE wording SET text = 'nothing at all' WHERE text LIKE 'an OAuth%'",
    )
    .await;
    let (jobs, unreadable) = jobs(&place).await;
    let shown = jobs[0].evidence.as_ref().unwrap();
    let codes = [shown.doors[0].says.to_string(), shown.not_covered[0].to_string()];
    assert!(codes.iter().all(|code| code.starts_with('#') && code.len() == 9), "{codes:?}");
    assert_eq!(shown.not_covered[1], "links that plugins hold");
    assert_eq!(unreadable, codes.clone().map(|code| ("wording", code)));
    // The work goes on, and the code stands where it stood.
    let claim = place.claim().await;
    assert_eq!(claim.job.evidence.not_covered[0], &*codes[1]);
    let read = claim.job.evidence.clone();
    place.store.settle(claim, vec![], read, done()).await.unwrap();
    assert!(query(&place, "SELECT evidence FROM job").await[0].contains(&codes[1]));
    // Another process that says it again mends it for all.
    place.store.close().await;
    let store = revoked::store::Store::open(&place.path, revoked::store::Role::Daemon, place.clock.clone())
        .await
        .unwrap();
    let place = Place { store, ..place };
    ended(&place, "bob", evidence(), done()).await;
    let (jobs, unreadable) = self::jobs(&place).await;
    assert_eq!(unreadable, []);
    assert!(jobs.iter().all(|job| job.evidence.as_ref() == Some(&evidence())), "{jobs:?}");
}

#[tokio::test]
async fn evidence_of_an_earlier_version_holds_its_sentences_and_is_read() {
    let place = place().await;
    ended(&place, "ann", evidence(), again()).await;
    let whole = serde_json::to_string(&evidence()).unwrap();
    let mut conn = place.connection().await;
    let rows = sqlx::query("UPDATE job SET evidence = ?")
        .bind(whole)
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(rows.rows_affected(), 1);
    sqlx::query("DELETE FROM wording").execute(&mut conn).await.unwrap();
    let (jobs, unreadable) = jobs(&place).await;
    assert_eq!((jobs[0].evidence.clone(), unreadable.len()), (Some(evidence()), 0));
    assert_eq!(place.claim().await.job.evidence, evidence());
}

//! The counters behind `status` and the metrics, and the lists that stay quick.

use std::collections::BTreeMap;
use std::time::Duration;

use revoked::model::{Actor, Reason};
use revoked::store::{ListFilter, TrailFilter};
use sqlx::{ConnectOptions as _, Row as _};

use super::{Place, case_of, place, signal};

impl Place {
    /// Runs statements as another program would.
    pub(super) async fn sql(&self, sql: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    }

    async fn wrong(&self) -> Vec<String> {
        let wrong = self.store.wrong_counters().await.unwrap();
        wrong.iter().map(ToString::to_string).collect()
    }

    async fn plan(&self, sql: &str) -> Vec<String> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.path);
        let mut conn = options.connect().await.unwrap();
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        plan.iter().map(|row| row.get("detail")).collect()
    }
}

fn tally(counts: &[(&str, i64)]) -> BTreeMap<String, i64> {
    counts.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect()
}

#[tokio::test]
async fn the_counters_follow_every_change_and_are_what_counting_gives() {
    let place = place().await;
    assert_eq!(place.store.counts().await.unwrap().jobs, BTreeMap::new());
    let signals = (0..8).map(|n| signal(&format!("k{n}"), &format!("p{n}@example.test"), Reason::Departed));
    let receipt = place.accept(signals.collect()).await;
    let held = (0..25).map(|n| signal(&format!("h{n}"), &format!("h{n}@example.test"), Reason::Departed));
    place.accept(held.collect()).await;
    let claim = place.claim().await;
    let counts = place.store.counts().await.unwrap();
    assert_eq!(counts.jobs, tally(&[("held", 25), ("queued", 7), ("running", 1)]));
    assert_eq!(counts.cases, tally(&[("held", 25), ("open", 8)]));
    assert_eq!(counts.holds, 1);
    assert_eq!(place.wrong().await, Vec::<String>::new());

    // A case that is called off takes its failed job out of the ledger, a retention its rows out of every count.
    place
        .sql("UPDATE job SET state = 'failed', verdict = 'failed', finished_at = 7, lease_id = NULL, lease_until = NULL WHERE id IN (1, 2)")
        .await;
    drop(claim);
    let counts = place.store.counts().await.unwrap();
    assert_eq!(
        (counts.ledger, counts.ledger_oldest.map(revoked::model::Timestamp::ms)),
        (2, Some(7))
    );
    let (case, _) = case_of(&receipt.signals[0]);
    place.store.call_off(case, Actor::Daemon, None).await.unwrap();
    assert_eq!(place.store.counts().await.unwrap().ledger, 1);
    assert_eq!(place.wrong().await, Vec::<String>::new());
    place
        .sql("UPDATE cases SET called_off_at = NULL, called_off_by = NULL WHERE called_off_at IS NOT NULL")
        .await;
    assert_eq!(place.store.counts().await.unwrap().ledger, 2);
    place.sql("DELETE FROM action; UPDATE signal SET case_id = NULL; DELETE FROM job WHERE case_id = 2; DELETE FROM cases WHERE id = 2").await;
    assert_eq!(place.store.counts().await.unwrap().ledger, 1);
    assert_eq!(place.wrong().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_counter_that_is_wrong_is_named_with_both_numbers() {
    let place = place().await;
    place.accept(vec![signal("k", "p@example.test", Reason::Departed)]).await;
    place
        .sql("UPDATE tally SET n = 5 WHERE what = 'job' AND word = 'queued'; DELETE FROM trail_case")
        .await;
    let wrong = place.wrong().await;
    assert_eq!(wrong[0], "job queued: the counter says 5, and there are 1");
    assert_eq!(
        wrong[1],
        "blocks of the trail listed for a case: the counter says 0, and there are 1"
    );
}

#[tokio::test]
async fn every_entry_of_a_case_is_found_in_the_blocks_that_speak_of_it() {
    let place = place().await;
    let mut cases = Vec::new();
    for n in 0..120 {
        let new = vec![signal(&format!("k{n}"), &format!("p{n}@example.test"), Reason::Logout)];
        cases.push(case_of(&place.accept(new).await.signals[0]).0);
    }
    place.store.call_off(cases[0], Actor::Daemon, None).await.unwrap();
    let all = place
        .store
        .trail_search(&TrailFilter {
            limit: 10_000,
            ..TrailFilter::default()
        })
        .await
        .unwrap();
    assert!(all.len() > 300, "{} entries, so that there are several blocks", all.len());
    for case in [cases[0], cases[60], cases[119]] {
        let expected: Vec<u64> = all
            .iter()
            .filter(|row| serde_json::from_str::<serde_json::Value>(&row.body).unwrap()["case"].as_i64() == Some(case))
            .map(|row| row.seq)
            .collect();
        let filter = TrailFilter {
            case: Some(case),
            limit: 1000,
            ..TrailFilter::default()
        };
        let found = place.store.trail_search(&filter).await.unwrap();
        assert_eq!(found.iter().map(|row| row.seq).collect::<Vec<_>>(), expected);
        assert!(!expected.is_empty());
        let after = TrailFilter {
            from: expected[0] + 1,
            kind: Some("job.".to_owned()),
            ..filter
        };
        let found = place.store.trail_search(&after).await.unwrap();
        assert!(
            found
                .iter()
                .all(|row| row.seq > expected[0] && row.body.contains("\"kind\":\"job."))
        );
        let before = TrailFilter {
            from: 0,
            kind: None,
            before: expected.last().copied(),
            newest: true,
            ..after
        };
        let found = place.store.trail_search(&before).await.unwrap();
        let all_but_the_last = &expected[..expected.len() - 1];
        assert_eq!(found.iter().map(|row| row.seq).collect::<Vec<_>>(), all_but_the_last);
    }
    assert_eq!(place.wrong().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_place_of_an_instant_is_where_the_entries_from_then_on_begin() {
    let place = place().await;
    let mut entries = Vec::new();
    for n in 0..5_u64 {
        place.clock.set(super::NOW.plus(std::time::Duration::from_hours(n)));
        place
            .store
            .raise_alert("target_down", format!("target:t{n}"), "a sentence".to_owned())
            .await
            .unwrap();
        entries.push(place.store.trail_head().await.unwrap().size() - 1);
    }
    for (n, entry) in (0..5_u64).zip(entries) {
        let at = super::NOW.plus(std::time::Duration::from_hours(n));
        assert_eq!(place.store.trail_place_at(at).await.unwrap(), entry, "{n} h");
        let sooner = at.minus(std::time::Duration::from_mins(1));
        assert_eq!(
            place.store.trail_place_at(sooner).await.unwrap(),
            entry,
            "a minute before {n} h"
        );
    }
    let never = super::NOW.plus(std::time::Duration::from_hours(99));
    assert_eq!(
        place.store.trail_place_at(never).await.unwrap(),
        place.store.trail_head().await.unwrap().size()
    );
}

#[tokio::test]
async fn entries_of_a_job_or_a_subject_are_found_whether_or_not_their_blocks_are_written_down() {
    let place = place().await;
    for n in 0..150 {
        let new = vec![signal(
            &format!("k{n}"),
            &format!("p{}@example.test", n % 100),
            Reason::Logout,
        )];
        place.accept(new).await;
    }
    let all = TrailFilter {
        limit: 10_000,
        ..TrailFilter::default()
    };
    let entries = place.store.trail_search(&all).await.unwrap();
    let value = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap();
    let whole = entries.len() / 256;
    assert!(whole >= 1 && entries.len() % 256 != 0, "{} entries", entries.len());
    let found = async |filter: TrailFilter| -> Vec<u64> {
        let rows = place.store.trail_search(&filter).await.unwrap();
        rows.iter().map(|row| row.seq).collect()
    };
    let looks_right = async || {
        for job in [1, 60, 99] {
            let expected = entries.iter().filter(|row| value(&row.body)["job"] == job).map(|row| row.seq);
            let expected: Vec<u64> = expected.collect();
            assert!(!expected.is_empty());
            let filter = TrailFilter {
                job: Some(job),
                ..all.clone()
            };
            assert_eq!(found(filter.clone()).await, expected);
            let later = TrailFilter {
                from: expected[0] + 1,
                ..filter.clone()
            };
            assert_eq!(found(later).await, expected[1..]);
            let first = TrailFilter { limit: 1, ..filter };
            assert_eq!(found(first).await, expected[..1]);
        }
        for person in [0, 42, 99] {
            let name = format!("p{person}@example.test").parse().unwrap();
            let references = place.store.references(&name).await.unwrap();
            let expected = entries.iter().filter(|row| {
                let reference = value(&row.body)["subject_ref"].as_str().map(str::to_owned);
                reference.is_some_and(|reference| references.contains(&reference))
            });
            let expected: Vec<u64> = expected.map(|row| row.seq).collect();
            assert!(!expected.is_empty());
            let filter = TrailFilter {
                subject_refs: Some(references),
                ..all.clone()
            };
            assert_eq!(found(filter).await, expected);
        }
        let nobody = TrailFilter {
            subject_refs: Some(Vec::new()),
            ..all.clone()
        };
        assert!(found(nobody).await.is_empty());
    };
    looks_right().await;
    place.store.note_mentions().await.unwrap();
    let mut conn = place.connection().await;
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM trail_mention")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(usize::try_from(written).unwrap(), whole);
    looks_right().await;
    assert_eq!(place.wrong().await, Vec::<String>::new());
    // One that is gone is read, one that was damaged too.
    place
        .sql("UPDATE trail_mention SET jobs = x'00', subjects = x'00' WHERE block = 0")
        .await;
    looks_right().await;
    assert_eq!(
        place.wrong().await,
        [format!(
            "blocks of the trail whose jobs and subjects are written down: the counter says {whole}, and there are {}",
            whole - 1
        )]
    );
    place.sql("DELETE FROM trail_mention WHERE block = 0").await;
    looks_right().await;
}

#[tokio::test]
async fn a_list_of_jobs_is_the_newest_of_what_was_asked_for() {
    let place = place().await;
    let signals = (0..12).map(|n| signal(&format!("k{n}"), &format!("p{n}@example.test"), Reason::Departed));
    place.accept(signals.collect()).await;
    place
        .sql(
            "UPDATE job SET target = 'mail' WHERE id % 3 = 0; UPDATE job SET state = 'cancelled', finished_at = 1 WHERE id % 4 = 0",
        )
        .await;
    let list = async |state: Option<&str>, target: Option<&str>, limit| {
        let filter = ListFilter {
            state: state.map(Into::into),
            target: target.map(Into::into),
            limit,
            ..ListFilter::default()
        };
        let jobs = place.store.jobs(&filter).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 3).await, [12, 11, 10]);
    assert_eq!(list(Some("queued"), None, 4).await, [11, 10, 9, 7]);
    assert_eq!(list(Some("cancelled"), None, 9).await, [12, 8, 4]);
    assert_eq!(list(None, Some("mail"), 3).await, [12, 9, 6]);
    assert_eq!(list(Some("queued"), Some("mail"), 9).await, [9, 6, 3]);
    assert_eq!(list(Some("failed"), None, 9).await, Vec::<i64>::new());
    assert_eq!(list(Some("no such state"), Some("nowhere"), 9).await, Vec::<i64>::new());
}

#[tokio::test]
async fn the_lists_read_their_indexes_and_sort_nothing() {
    let place = place().await;
    for (sql, index) in [
        (
            "SELECT id FROM job WHERE id > 0 AND state = 'done' AND target = 'chat' ORDER BY id DESC LIMIT 50",
            "job_listed",
        ),
        (
            "SELECT * FROM cases c WHERE true AND c.id > 0 AND c.state = 'open' ORDER BY c.id DESC LIMIT 50",
            "case_listed",
        ),
        (
            "SELECT min(created_at) FROM outbox WHERE receiver = 'okta' AND state = 'pending'",
            "outbox_oldest",
        ),
        (
            "SELECT finished_at FROM job WHERE state = 'failed' ORDER BY finished_at LIMIT 1",
            "job_ledger",
        ),
    ] {
        let steps = place.plan(sql).await;
        assert!(steps.len() == 1 && steps[0].contains(index), "{sql}: {steps:?}");
    }
    // Nothing else is tempted: the planner does not know that a state has many rows.
    let of_a_case = place
        .plan("SELECT id FROM job WHERE case_id = 7 AND target = 'chat' AND state = 'done'")
        .await;
    assert!(of_a_case[0].contains("job_by_case"), "{of_a_case:?}");
    let blocks = "SELECT t.seq FROM trail_case b CROSS JOIN trail t WHERE t.seq >= b.block * 256 AND t.seq < (b.block + 1) * 256 AND b.case_id = 7";
    let steps = place.plan(blocks).await;
    assert!(
        steps[0].contains("b USING PRIMARY KEY") && steps[1].contains("t USING INTEGER PRIMARY KEY"),
        "{steps:?}"
    );
}

#[tokio::test]
async fn retention_leaves_the_counters_right() {
    let place = place().await;
    let signals = (0..5).map(|n| signal(&format!("k{n}"), &format!("p{n}@example.test"), Reason::Logout));
    place.accept(signals.collect()).await;
    for case in 1..=4 {
        place.store.call_off(case, Actor::Daemon, None).await.unwrap();
    }
    place.clock.advance(Duration::from_hours(48));
    let day = Duration::from_hours(24);
    assert_eq!(place.store.prune(day, day).await.unwrap(), 4);
    assert_eq!(place.store.counts().await.unwrap().cases, tally(&[("open", 1)]));
    assert_eq!(place.wrong().await, Vec::<String>::new());
}

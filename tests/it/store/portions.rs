//! A large file, which is stored in portions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::model::{
    Actor, Delivery, Departure, DepartureStep, Disposition, Employment, Identity, Leaves, Reason, Refused, Signal, SignalReceipt,
    StateChange, StateEntry, Subject, When,
};
use revoked::policy::{Limits, Policy};
use revoked::store::{InboxRow, Role, SlotOffers, Store};
use sqlx::{Row as _, SqliteConnection};

use super::{NOW, Place, place, signal};
use crate::wait::until;

const ROWS: usize = 900;
const DIGEST: [u8; 32] = [7; 32];

/// The standard policy, with so many departures of a delivery before it is held whole.
fn policy(most: Option<usize>) -> Arc<Policy> {
    let limits = Limits {
        departures_per_delivery: most,
        departures_per_hour: None,
        compromises_per_minute: None,
        old_news_is_held: true,
        ..Limits::default()
    };
    Arc::new(Policy {
        limits: BTreeMap::from([("hr".to_owned(), limits)]),
        ..Policy::standard(&["chat"])
    })
}

fn number(n: usize) -> Subject {
    Subject::EmployeeId(n.to_string())
}

fn row(n: usize, employee: usize, employment: &str, step: DepartureStep) -> Signal {
    let mut signal = signal(&format!("row{n}"), &format!("user{employee}@example.org"), Reason::Departed);
    if matches!(step, DepartureStep::Rehire | DepartureStep::Rescind) {
        signal.reason = Reason::Reactivated;
    }
    signal.occurred_at = Some(NOW.minus(Duration::from_hours(1)));
    signal.when = When::Departure(Departure {
        employee: employee.to_string(),
        employment: employment.to_owned(),
        step,
    });
    signal
}

/// A file about many people: most leave, now or later; some rows are for a human, some suspend, some say nothing in the end. Of every ninth person
/// one employment ends near the beginning of the file, and another begins at its end.
fn file() -> Delivery {
    let leave = |hours: u32| {
        let at = NOW.plus(Duration::from_hours(1) * hours);
        DepartureStep::Leave {
            leaves: Leaves::Instant { at },
            fire_at: at,
        }
    };
    let mut signals: Vec<Signal> = (0..ROWS - 100)
        .map(|n| match n % 10 {
            1 => row(n, n, "A", leave(0)),
            2 => Signal {
                disposition: Disposition::Hold("ask HR".to_owned()),
                ..row(n, n, "A", leave(0))
            },
            3 => Signal {
                disposition: Disposition::Ignore("another row counts".to_owned()),
                ..row(n, n, "A", leave(0))
            },
            4 => signal(&format!("row{n}"), &format!("user{n}@example.org"), Reason::Suspended),
            _ => row(n, n, "A", leave(u32::try_from(n).unwrap())),
        })
        .collect();
    signals.extend((ROWS - 100..ROWS).map(|n| row(n, (n - (ROWS - 100)) * 9, "B", DepartureStep::Rehire)));
    Delivery {
        name: Some("leavers.csv".to_owned()),
        digest: Some(DIGEST),
        identities: (0..ROWS)
            .map(|n| Identity::of(vec![number(n), format!("user{n}@example.org").parse().unwrap()]))
            .collect(),
        employments: (0..400)
            .map(|n| Employment {
                employee: (n * 2).to_string(),
                employment: if n % 5 == 0 { "C" } else { "A" }.to_owned(),
                subject: format!("user{}@example.org", n * 2).parse().unwrap(),
                stated_at: None,
            })
            .collect(),
        state_changes: (0..600)
            .map(|n| {
                StateChange::Put(StateEntry {
                    namespace: "roster".to_owned(),
                    key: format!("k{n:04}"),
                    look_up: None,
                    about: Some(number(n)),
                    body: "{}".to_owned(),
                })
            })
            .collect(),
        refused: vec![Refused {
            place: "line 3".to_owned(),
            why: "no day".to_owned(),
        }],
        ..Delivery::of("hr", signals, NOW)
    }
}

async fn sql(place: &Place) -> SqliteConnection {
    place.connection().await
}

async fn count(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

const STORED: &str = "SELECT count(*) FROM signal WHERE source = 'hr'";

/// Everything that a file leaves behind, without numbers and order.
async fn left(place: &Place) -> BTreeMap<&'static str, Vec<String>> {
    let mut conn = sql(place).await;
    let mut left = BTreeMap::new();
    for (table, sql) in [
        (
            "signal",
            "SELECT json_array(s.key, s.reason, s.decision, s.why, p.subject, c.state, c.reason, c.playbook, c.priority, c.hold IS NULL) \
             FROM signal s JOIN person p ON p.ref = s.subject_ref LEFT JOIN cases c ON c.id = s.case_id",
        ),
        (
            "job",
            "SELECT json_array(p.subject, j.target, j.kind, j.state, j.due, j.held_due, j.containment) \
             FROM job j JOIN cases c ON c.id = j.case_id JOIN person p ON p.ref = c.subject_ref",
        ),
        (
            "departure",
            "SELECT json_array(employee, employment, state, why, fire_at, acts_at) FROM departure",
        ),
        (
            "employment",
            "SELECT json_array(employee, employment, subject, state, stated_at) FROM employment",
        ),
        (
            "hold",
            "SELECT json_array(why, detail, state, batch IS NULL, (SELECT count(*) FROM cases c WHERE c.hold = hold.id)) FROM hold",
        ),
        ("batch", "SELECT json_array(name, signals, refused, unfinished) FROM batch"),
        ("identity", "SELECT json_array(name, target, source, until) FROM identity"),
        ("people", "SELECT json_array(count(DISTINCT person)) FROM identity"),
        ("memory", "SELECT json_array(drawer, key, about, body) FROM memory"),
        ("alert", "SELECT json_array(kind, cleared_at IS NULL) FROM alert"),
    ] {
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
        let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.sort();
        left.insert(table, rows);
    }
    let mut kinds = place.trail().await;
    // What sums up: one for each portion.
    kinds.retain(|kind| !matches!(kind.as_str(), "subject.linked" | "employment.noted" | "source.noted"));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for kind in &kinds {
        *times.entry(kind).or_default() += 1;
    }
    let times = times.iter().map(|(kind, times)| format!("{kind} {times}"));
    left.insert("trail", times.collect());
    left
}

/// The same in one piece: what is no file is stored whole.
async fn in_one_piece(policy: Arc<Policy>) -> BTreeMap<&'static str, Vec<String>> {
    let place = place().await;
    let whole = Delivery { digest: None, ..file() };
    place.store.accept(policy, whole, SlotOffers::default()).await.unwrap();
    left(&place).await
}

/// Stores the file until some of its rows are in, and no further: as a crash would leave it. Answers how many rows that were.
async fn break_off(place: &Place, policy: Arc<Policy>) -> i64 {
    let mut conn = sql(place).await;
    let mut storing = Box::pin(place.store.accept(policy, file(), SlotOffers::default()));
    tokio::select! {
        done = &mut storing => panic!("{} rows in one go", done.unwrap().receipt.signals.len()),
        () = until("the first rows", async || (count(&mut conn, STORED).await > 0).then_some(())) => {}
    }
    drop(storing);
    // The portion that was under way is committed, as it may be before a crash.
    place.store.probe_writer().await.unwrap();
    let stored = count(&mut conn, STORED).await;
    assert!(stored < i64::try_from(ROWS).unwrap(), "{stored} rows are all");
    stored
}

#[tokio::test]
async fn a_large_file_leaves_what_it_would_leave_in_one_piece() {
    for most in [None, Some(100)] {
        let place = place().await;
        let accepted = place.store.accept(policy(most), file(), SlotOffers::default()).await.unwrap();
        assert_eq!(accepted.receipt.signals.len(), ROWS);
        assert!(accepted.receipt.hold.is_some());
        assert!(
            matches!(accepted.receipt.signals[3], SignalReceipt::Ignored { .. }),
            "in the file's order"
        );
        let (expected, found) = (in_one_piece(policy(most)).await, left(&place).await);
        for (table, rows) in &expected {
            assert_eq!(&found[table], rows, "{table}, with the limit {most:?}");
        }
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_large_file_loses_nothing_and_doubles_nothing() {
    // As many as the file names: what is left of it after the crash is fewer.
    let most = Some(600);
    let place = place().await;
    let stored = break_off(&place, policy(most)).await;
    assert!(stored > 0);
    let mut conn = sql(&place).await;
    assert_eq!(count(&mut conn, "SELECT count(*) FROM batch WHERE unfinished = 1").await, 1);
    let taken = place.store.file_taken_before("hr", &DIGEST).await.unwrap();
    assert_eq!(taken, None, "a file that is stored in part was not taken");
    assert!(!place.trail().await.contains(&"file.accepted".to_owned()));
    place.store.close().await;

    let place = Place {
        store: Store::open(&place.path, Role::Daemon, Clock::fixed(NOW)).await.unwrap(),
        ..place
    };
    let accepted = place.store.accept(policy(most), file(), SlotOffers::default()).await.unwrap();
    let repeated = accepted
        .receipt
        .signals
        .iter()
        .filter(|receipt| matches!(receipt, SignalReceipt::Repeated { .. }));
    assert_eq!(i64::try_from(repeated.count()).unwrap(), stored);
    assert!(place.store.file_taken_before("hr", &DIGEST).await.unwrap().is_some());
    let (expected, found) = (in_one_piece(policy(most)).await, left(&place).await);
    for (table, rows) in &expected {
        assert_eq!(&found[table], rows, "{table}");
    }
    // And a third time, whole.
    let again = place.store.accept(policy(most), file(), SlotOffers::default()).await.unwrap();
    let repeated = |receipt: &SignalReceipt| matches!(receipt, SignalReceipt::Repeated { .. });
    assert!(again.receipt.signals.iter().all(repeated));
    assert_eq!(left(&place).await["signal"], expected["signal"]);
    assert_eq!(left(&place).await["job"], expected["job"]);
}

#[tokio::test]
async fn what_comes_after_a_decision_about_the_first_rows_waits_for_another() {
    let most = Some(100);
    let place = place().await;
    break_off(&place, policy(most)).await;
    let holds = place.store.holds(false).await.unwrap();
    let limit = holds.iter().find(|hold| hold.why == "delivery_limit").unwrap();
    let shown = place.store.hold(limit.id).await.unwrap();
    place
        .store
        .approve_hold(limit.id, shown.set, Actor::operator("ann", Some(1000)), None)
        .await
        .unwrap();
    place.store.accept(policy(most), file(), SlotOffers::default()).await.unwrap();
    let mut conn = sql(&place).await;
    let under_decided = "SELECT count(*) FROM cases c JOIN hold h ON h.id = c.hold WHERE c.state = 'held' AND h.state <> 'open'";
    assert_eq!(
        count(&mut conn, under_decided).await,
        0,
        "nothing waits under a decision that was made"
    );
    let unasked: i64 = sqlx::query_scalar("SELECT count(*) FROM cases WHERE state = 'open' AND hold IS NOT ?")
        .bind(limit.id)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(unasked, 0, "nothing goes on that nobody has seen");
    let waiting = "SELECT count(*) FROM cases c JOIN hold h ON h.id = c.hold WHERE h.why = 'delivery_limit' AND h.state = 'open'";
    assert!(
        count(&mut conn, waiting).await > 0,
        "the rest of the file is over the limit too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urgent_signals_and_commands_get_in_beside_a_large_file() {
    let place = place().await;
    let storing = tokio::spawn({
        let store = place.store.clone();
        async move { store.accept(policy(None), file(), SlotOffers::default()).await.map(|_| ()) }
    });
    let mut conn = sql(&place).await;
    until("the file's beginning", async || {
        (count(&mut conn, "SELECT count(*) FROM batch").await > 0).then_some(())
    })
    .await;
    let command = Store::open(&place.path, Role::Command, Clock::fixed(NOW)).await.unwrap();
    let (mut beside, mut most) = (0, 0);
    for n in 0.. {
        let before = count(&mut conn, STORED).await;
        let urgent = signal(&format!("u{n}"), &format!("intruded{n}@example.org"), Reason::Compromised);
        place.accept_from("idp", vec![urgent]).await;
        let request = InboxRow {
            subject: "username:u".to_owned(),
            reason: "compromised".to_owned(),
            requested_by: "ann".to_owned(),
            ..InboxRow::default()
        };
        command.submit_request(request).await.unwrap();
        if count(&mut conn, "SELECT count(*) FROM batch WHERE unfinished = 0").await > 0 {
            break;
        }
        beside += 1;
        most = most.max(count(&mut conn, STORED).await - before);
    }
    storing.await.unwrap().unwrap();
    command.close().await;
    assert!(beside >= 5, "{beside} urgent signals and commands got in beside the file");
    // The portion that was under way for each of the two, and one that had just begun.
    assert!(most <= 4 * 256, "one waited for {most} rows of the file");
}

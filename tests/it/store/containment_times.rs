//! How long it took to end access: measured from when it was to be ended, without the wait for a human, against the goals.

use std::time::Duration;

use revoked::model::{Actor, Disposition, Evidence, Goal, Goals, Reason, Settlement, Signal, Timestamp, Verdict, When};
use revoked::store::{ContainmentGroup, ContainmentTimes, TrailFilter};

use super::{Place, case_of, place, signal};

const MINUTE: Duration = Duration::from_mins(1);

fn compromised(key: &str) -> Signal {
    signal(key, &format!("{key}@example.org"), Reason::Compromised)
}

impl Place {
    async fn opened(&self, signal: Signal) -> i64 {
        case_of(&self.accept(vec![signal]).await.signals[0]).0
    }

    /// The waiting job is done `after` that long, its first change confirmed halfway.
    async fn ended(&self, after: Duration, verdict: Verdict) {
        let claim = self.claim().await;
        self.clock.advance(after / 2);
        let evidence = Evidence {
            first_revoke_at: Some(self.clock.now()),
            ..Evidence::default()
        };
        self.clock.advance(after / 2);
        let settled = self.store.settle(claim, vec![], evidence, Settlement::Done(verdict));
        settled.await.unwrap();
    }

    async fn times(&self) -> ContainmentTimes {
        let now = self.clock.now();
        let since = now.minus(Duration::from_hours(24 * 30));
        self.store
            .containment_times((since, now.plus(MINUTE)), &Goals::default())
            .await
            .unwrap()
    }

    /// The kinds of the entries that carry something.
    async fn kinds(&self, entries: &[u64]) -> Vec<String> {
        let all = TrailFilter {
            limit: 1000,
            ..TrailFilter::default()
        };
        let rows = self.store.trail_search(&all).await.unwrap();
        let of = |seq: &u64| rows.iter().find(|row| row.seq == *seq).unwrap();
        let kind = |body: &str| {
            serde_json::from_str::<serde_json::Value>(body).unwrap()["kind"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        entries.iter().map(|seq| kind(&of(seq).body)).collect()
    }
}

fn only(times: &ContainmentTimes) -> &ContainmentGroup {
    let [group] = &times.groups[..] else { panic!("{times:#?}") };
    group
}

const fn ms(minutes: i64) -> i64 {
    minutes * 60_000
}

#[tokio::test]
async fn times_are_by_nearest_rank_and_each_miss_has_its_case_and_its_entries() {
    let place = place().await;
    let mut cases = Vec::new();
    for (key, minutes) in [("a", 1), ("b", 2), ("c", 8)] {
        cases.push(place.opened(compromised(key)).await);
        place.ended(MINUTE * minutes, Verdict::Contained).await;
    }
    let times = place.times().await;
    let group = only(&times);
    assert_eq!(
        (group.target.as_str(), group.reason.as_str(), group.cases),
        ("chat", "compromised", 3)
    );
    let told = &group.containment;
    assert_eq!(
        (told.n, told.p50_ms, told.p95_ms, told.max_ms, told.goal_ms, told.missed),
        (3, Some(ms(2)), Some(ms(8)), Some(ms(8)), ms(5), 1)
    );
    let first = &group.first_revoke;
    assert_eq!(
        (first.n, first.max_ms, first.goal_ms, first.missed),
        (3, Some(ms(4)), ms(1), 1)
    );
    let missed: Vec<_> = times
        .misses
        .iter()
        .map(|miss| (miss.case, miss.goal, miss.what, miss.took_ms))
        .collect();
    assert_eq!(
        missed,
        [
            (cases[2], "first_revoke", "late", ms(4)),
            (cases[2], "containment", "late", ms(8))
        ]
    );
    for miss in &times.misses {
        let kinds = place.kinds(&miss.entries).await;
        assert!(
            kinds.contains(&"case.opened".to_owned()) && kinds.contains(&"job.settled".to_owned()),
            "{miss:?}: {kinds:?}"
        );
    }
}

#[tokio::test]
async fn the_wait_for_a_human_is_told_by_itself_and_is_no_miss_of_ours() {
    let place = place().await;
    let mut asked = compromised("a");
    asked.disposition = Disposition::Hold("the issuer is not sure".to_owned());
    place.opened(asked).await;
    place.clock.advance(Duration::from_hours(3));
    let waiting = place.times().await;
    assert_eq!(
        (only(&waiting).held, only(&waiting).open, waiting.misses.len()),
        (1, 0, 0),
        "{waiting:#?}"
    );
    let held = place.store.hold(1).await.unwrap();
    let by = Actor::operator("alice", Some(1000));
    place.store.approve_hold(1, held.set, by, None).await.unwrap();
    place.ended(MINUTE * 2, Verdict::Contained).await;
    let times = place.times().await;
    let group = only(&times);
    assert_eq!(
        (group.containment.max_ms, group.waited_for_approval, group.longest_wait_ms),
        (Some(ms(2)), 1, ms(180))
    );
    assert!(times.misses.is_empty(), "{times:#?}");
}

#[tokio::test]
async fn of_two_holds_of_a_case_both_waits_are_counted() {
    let place = place().await;
    let mut asked = compromised("a");
    asked.disposition = Disposition::Hold("the issuer is not sure".to_owned());
    place.opened(asked).await;
    place.clock.advance(Duration::from_hours(1));
    let by = || Actor::operator("alice", Some(1000));
    let set = place.store.hold(1).await.unwrap().set;
    place.store.approve_hold(1, set, by(), None).await.unwrap();
    let claim = place.claim().await;
    let why = "two accounts have this name".to_owned();
    let settled = place
        .store
        .settle(claim, vec![], Evidence::default(), Settlement::Hold { why, held_for: None });
    settled.await.unwrap();
    place.clock.advance(Duration::from_hours(2));
    let set = place.store.hold(2).await.unwrap().set;
    place.store.approve_hold(2, set, by(), None).await.unwrap();
    place.ended(MINUTE * 2, Verdict::Contained).await;
    let times = place.times().await;
    assert_eq!(
        (only(&times).containment.max_ms, only(&times).longest_wait_ms),
        (Some(ms(2)), ms(180)),
        "{times:#?}"
    );
}

#[tokio::test]
async fn what_was_planned_is_measured_from_its_day_and_not_before_it() {
    let place = place().await;
    let day = place.clock.now().plus(Duration::from_hours(48));
    let mut planned = signal("a", "a@example.org", Reason::Suspended);
    planned.when = When::At(day);
    place.opened(planned).await;
    assert_eq!(place.times().await.cases, 0, "nothing is to be measured before its day");
    place.clock.advance(Duration::from_hours(48) + MINUTE);
    place.store.promote().await.unwrap();
    place.ended(MINUTE * 2, Verdict::Contained).await;
    let times = place.times().await;
    assert_eq!(
        (only(&times).containment.max_ms, times.misses.len()),
        (Some(ms(3)), 1),
        "{times:#?}"
    );
    assert_eq!(times.misses[0].goal, "first_revoke");
    // One that was received before the time and closed in it counts by its day.
    let now = place.clock.now();
    let since = |since: Timestamp| (since, now.plus(MINUTE));
    let goals = Goals::default();
    let within = place.store.containment_times(since(day.minus(MINUTE)), &goals).await.unwrap();
    assert_eq!(within.cases, 1);
    let after = place.store.containment_times(since(day.plus(MINUTE)), &goals).await.unwrap();
    assert_eq!(after.cases, 0);
}

#[tokio::test]
async fn what_failed_and_what_is_not_over_are_misses_with_their_cause_and_residuals_stand_apart() {
    let place = place().await;
    let failed = place.opened(compromised("failed")).await;
    let claim = place.claim().await;
    let retry = Settlement::Retry {
        due: place.clock.now(),
        error: "connection refused".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), retry).await.unwrap();
    place.clock.advance(MINUTE);
    place.store.promote().await.unwrap();
    let claim = place.claim().await;
    let gone = Settlement::GiveUp {
        error: "no answer".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), gone).await.unwrap();
    let residual = place.opened(compromised("residual")).await;
    let until = place.clock.now().plus(MINUTE * 60);
    let what = "access tokens".to_owned();
    place.ended(MINUTE, Verdict::Residual { until, what }).await;
    let open = place.opened(compromised("open")).await;
    place.clock.advance(MINUTE * 10);
    let times = place.times().await;
    let group = only(&times);
    assert_eq!(
        (group.failed, group.residual, group.open, group.contained),
        (1, 1, 1, 0),
        "{group:#?}"
    );
    assert_eq!(
        (group.containment.n, group.containment.missed),
        (0, 2),
        "a residual is in no figure of what is contained"
    );
    let told: Vec<_> = times.misses.iter().map(|miss| (miss.case, miss.goal, miss.what)).collect();
    assert_eq!(
        told,
        [
            (open, "first_revoke", "open"),
            (open, "containment", "open"),
            (failed, "containment", "failed")
        ]
    );
    let of_failed = &times.misses[2];
    assert_eq!(
        of_failed.causes,
        [
            "1 attempt failed, the last: connection refused",
            "could not be done: no answer"
        ]
    );
    let kinds = place.kinds(&of_failed.entries).await;
    assert_eq!(kinds, ["case.opened", "job.retried", "job.failed"]);
    assert_eq!(times.misses[0].causes, ["stood 600 s in the queue of its target"]);
    let apart: Vec<_> = times
        .not_whole
        .iter()
        .map(|case| (case.case, case.verdict.as_str()))
        .collect();
    assert_eq!(apart, [(residual, "residual")]);
    assert_eq!(place.kinds(&times.not_whole[0].entries).await, ["job.settled"]);
}

#[tokio::test]
async fn a_reason_is_judged_by_its_own_goal_and_what_was_called_off_by_none() {
    let place = place().await;
    place.opened(compromised("a")).await;
    place.ended(MINUTE * 20, Verdict::Contained).await;
    let off = place.opened(compromised("b")).await;
    place.clock.advance(MINUTE * 60);
    let by = Actor::operator("alice", Some(1000));
    place.store.call_off(off, by, Some("a drill".to_owned())).await.unwrap();
    let mut goals = Goals::default();
    let hour = Duration::from_hours(1);
    goals.by_reason.insert(
        Reason::Compromised,
        Goal {
            first_revoke: hour,
            containment: hour,
        },
    );
    let now = place.clock.now();
    let times = place
        .store
        .containment_times((now.minus(hour * 2), now), &goals)
        .await
        .unwrap();
    assert_eq!(
        (times.misses.len(), only(&times).called_off, only(&times).open),
        (0, 1, 0),
        "{times:#?}"
    );
    assert_eq!(only(&times).containment.goal_ms, ms(60));
}

#[tokio::test]
async fn a_plan_that_something_urgent_brought_forward_is_measured_from_then_on() {
    let place = place().await;
    let day = place.clock.now().plus(Duration::from_hours(24 * 20));
    let mut planned = signal("a", "a@example.org", Reason::Compromised);
    planned.when = When::At(day);
    place.opened(planned).await;
    place.clock.advance(Duration::from_hours(24));
    assert_eq!(place.times().await.cases, 0);
    place.opened(signal("b", "a@example.org", Reason::Compromised)).await;
    place.ended(MINUTE * 8, Verdict::Contained).await;
    let times = place.times().await;
    let max = times.groups.iter().filter_map(|group| group.containment.max_ms).max();
    assert_eq!((max, times.misses.len()), (Some(ms(8)), 2), "{times:#?}");
}

#[tokio::test]
async fn a_hold_that_one_target_has_asked_for_excuses_no_other() {
    let place = place().await;
    let policy = std::sync::Arc::new(revoked::policy::Policy::standard(&["chat", "mail"]));
    let delivery = revoked::model::Delivery::of("hr", vec![compromised("a")], place.clock.now());
    let accepted = place
        .store
        .accept(policy, delivery, revoked::store::SlotOffers::default())
        .await;
    accepted.unwrap();
    let mail = place
        .store
        .claim("mail", revoked::model::Priority(9), 1)
        .await
        .unwrap()
        .remove(0);
    let why = "two accounts have this name".to_owned();
    let held = place.store.settle(
        place.claim().await,
        vec![],
        Evidence::default(),
        Settlement::Hold { why, held_for: None },
    );
    held.await.unwrap();
    place.clock.advance(Duration::from_hours(1));
    let done = Settlement::Done(Verdict::Contained);
    place.store.settle(mail, vec![], Evidence::default(), done).await.unwrap();
    let times = place.times().await;
    let told: Vec<_> = times
        .groups
        .iter()
        .map(|group| (group.target.as_str(), group.held, group.containment.max_ms))
        .collect();
    assert_eq!(told, [("chat", 1, None), ("mail", 0, Some(ms(60)))], "{times:#?}");
}

#[tokio::test]
async fn many_cases_are_measured_each_once_over_several_portions() {
    let place = place().await;
    place.opened(compromised("first")).await;
    place.ended(MINUTE, Verdict::Contained).await;
    place.clock.advance(Duration::from_hours(1));
    let mut conn = place.connection().await;
    // The n-th took n ms at the first target, its first change half of it; each tenth has another target, where it took one. The last is late.
    for sql in [
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO cases (id, subject_ref, reason, playbook, scope, priority, state, verdict, source, received_at, closed_at) \
         SELECT i + 1, 's_' || i, 'logout', c.playbook, c.scope, c.priority, 'closed', 'contained', c.source, c.received_at + 1000, \
                c.received_at + 1000 + CASE i WHEN 5000 THEN 3600000 ELSE i END FROM n, cases c WHERE c.id = 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, verdict, evidence, created_at, finished_at) \
         SELECT c.id, 'chat', 'contain', j.containment, 3, 'done', 'contained', \
                json_object('first_revoke_at', strftime('%Y-%m-%dT%H:%M:%fZ', (c.received_at + (c.id - 1) / 2) / 1000.0, 'unixepoch')), \
                c.received_at, c.closed_at FROM cases c, job j WHERE j.id = 1 AND c.id > 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, verdict, created_at, finished_at) \
         SELECT c.id, 'mail', 'contain', j.containment, 3, 'done', 'contained', c.received_at, c.received_at + 1 \
         FROM cases c, job j WHERE j.id = 1 AND c.id > 1 AND (c.id - 1) % 10 = 0",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    let times = place.times().await;
    assert_eq!((times.cases, times.unasked, times.unreadable.len()), (5001, 0, 0));
    let told: Vec<_> = times
        .groups
        .iter()
        .map(|group| {
            let of = &group.containment;
            let times = (of.p50_ms, of.p95_ms, of.max_ms, group.first_revoke.max_ms);
            (&*group.target, &*group.reason, group.cases, of.n, times, of.missed)
        })
        .collect();
    let half = ms(1) / 2;
    assert_eq!(
        told,
        [
            (
                "chat",
                "compromised",
                1,
                1,
                (Some(ms(1)), Some(ms(1)), Some(ms(1)), Some(half)),
                0
            ),
            (
                "chat",
                "logout",
                5000,
                5000,
                (Some(2500), Some(4750), Some(ms(60)), Some(2500)),
                1
            ),
            ("mail", "logout", 500, 500, (Some(1), Some(1), Some(1), None), 0),
        ]
    );
}

//! A departure that is planned already gets another day: later counts against no limit, sooner does.

use revoked::model::{Action, ActionOutcome, Evidence, Finished, Settlement, Signal, Verdict};
use revoked::store::ObservationSummary;

use super::held_changes::{at, row};
use super::{NOW, Place, place};

/// What the source may ask for within the hour, and at once.
const LIMIT: usize = 20;

fn everybody(key: &str, count: usize, hours: u32) -> Vec<Signal> {
    (0..count)
        .map(|n| row(&format!("{key}{n}"), &n.to_string(), &format!("p{n}@example.org"), at(hours)))
        .collect()
}

impl Place {
    /// Plans so many departures, as many in an hour as are let through.
    async fn planned(&self, count: usize) {
        for (n, portion) in everybody("plan", count, 240).chunks(LIMIT).enumerate() {
            self.clock.set(at(2 * u32::try_from(n).unwrap()));
            let (_, held) = self.file(&format!("plan {n}"), portion.to_vec()).await;
            assert!(!held);
        }
    }

    async fn plans(&self) -> Vec<String> {
        let filter = revoked::store::DepartureFilter {
            limit: 1000,
            ..revoked::store::DepartureFilter::default()
        };
        let all = self.store.departures(&filter).await.unwrap();
        all.iter()
            .map(|one| format!("{} {}", one.state, one.acts_at.since(NOW).as_secs() / 3600))
            .collect()
    }
}

#[tokio::test]
async fn a_move_to_a_later_day_is_no_departure_more_and_one_to_a_sooner_day_is() {
    let place = place().await;
    place.planned(LIMIT).await;
    // The hour's departures are used up.
    let (_, held) = place.file("new", vec![row("new", "n", "new@example.org", at(240))]).await;
    assert!(held, "somebody new leaves");
    let (_, held) = place.file("later", vec![row("later", "1", "p1@example.org", at(264))]).await;
    assert!(!held, "nobody new leaves");
    assert_eq!(place.departure_of_number("1").await.acts_at, at(264));
    let (_, held) = place.file("sooner", vec![row("sooner", "2", "p2@example.org", at(3))]).await;
    assert!(held, "somebody leaves sooner than anybody has agreed to");
    assert_eq!(place.departure_of_number("2").await.acts_at, at(240), "until that is decided");
    let (_, held) = place
        .file("other", vec![row("other", "3", "boss@example.org", at(240))])
        .await;
    assert!(held, "somebody else under the number of a leaver");
}

#[tokio::test]
async fn moves_to_a_later_day_use_up_nothing_of_the_hour() {
    let place = place().await;
    place.planned(LIMIT).await;
    place.clock.set(at(2));
    place.file("later", everybody("later", LIMIT, 300)).await;
    let (_, held) = place.file("new", vec![row("new", "n", "new@example.org", at(240))]).await;
    assert!(!held);
}

#[tokio::test]
async fn a_file_that_moves_everybody_to_now_is_held_whole_and_one_that_moves_everybody_later_is_not() {
    // As one transaction, and in portions.
    for count in [LIMIT + 5, 300] {
        let place = place().await;
        place.planned(count).await;
        let (_, held) = place.file("later", everybody("later", count, 900)).await;
        assert!(!held, "{count}");
        let (_, held) = place.file("now", everybody("now", count, 0)).await;
        assert!(held, "{count}");
        assert!(
            place.plans().await.iter().all(|state| state == "planned 900"),
            "{count}: what stood before stands"
        );
        let holds = place.store.holds(false).await.unwrap();
        assert_eq!(
            (holds.len(), holds[0].why.as_str(), holds[0].cases),
            (1, "delivery_limit", i64::try_from(count).unwrap())
        );
    }
}

#[tokio::test]
async fn a_departure_that_was_carried_out_and_moved_later_says_that_the_account_is_suspended() {
    let place = place().await;
    place.file("now", vec![row("a", "9", "alice@example.org", NOW)]).await;
    let claim = place.claim().await;
    let started = place
        .store
        .start(&claim, vec![Action::Suspend], ObservationSummary::default())
        .await
        .unwrap();
    let finished = started.iter().map(|action| Finished {
        id: action.id,
        outcome: ActionOutcome::Done,
        requests: Vec::new(),
        at: NOW,
    });
    let evidence = Evidence {
        after_at: Some(NOW),
        principal: Some("u1".to_owned()),
        suspensions: [("u1".to_owned(), NOW)].into(),
        ..Evidence::default()
    };
    place
        .store
        .settle(claim, finished.collect(), evidence, Settlement::Done(Verdict::Contained))
        .await
        .unwrap();
    let done = place.departure_of_number("9").await;
    assert_eq!((done.state.as_str(), done.suspended_by), ("executed", None));

    place.file("later", vec![row("b", "9", "alice@example.org", at(480))]).await;
    let moved = place.departure_of_number("9").await;
    assert_eq!((moved.state.as_str(), moved.suspended_by), ("planned", done.case));
    let alert = place.store.alerts(false).await.unwrap().rows.remove(0);
    assert_eq!(
        (alert.kind.as_str(), alert.next.as_str()),
        ("rescinded_too_late", "revoked release 1")
    );
    assert!(
        alert.summary.contains("was moved to a later day after it was carried out") && alert.summary.contains("revoked release 1"),
        "{}",
        alert.summary
    );
    // Nothing ends it again before that day.
    assert_eq!(place.store.case(1).await.unwrap().state, "closed");
    place.clock.set(at(470));
    place.store.promote().await.unwrap();
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
}

#[tokio::test]
async fn a_calendar_goes_on_within_an_instant_at_which_many_leave_and_says_who_was_moved() {
    let place = place().await;
    place.planned(7).await;
    place.file("later", vec![row("later", "1", "p1@example.org", at(264))]).await;
    let mut seen = Vec::new();
    let (mut from, mut behind) = (NOW, None);
    loop {
        let filter = revoked::store::DepartureFilter {
            state: Some("planned".to_owned()),
            from: Some(from),
            behind,
            limit: 3,
            ..revoked::store::DepartureFilter::default()
        };
        let page = place.store.departures(&filter).await.unwrap().rows;
        let Some(last) = page.last() else { break };
        (from, behind) = (last.acts_at, Some(last.id));
        seen.extend(page.iter().map(|one| one.id));
    }
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (7, 7), "{seen:?}");
    let moved = place.store.moved_departures(&seen).await.unwrap();
    let moved_one = place.departure_of_number("1").await.id;
    assert_eq!(moved.into_iter().collect::<Vec<_>>(), [moved_one]);
}

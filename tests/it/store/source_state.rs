//! What sources keep for themselves.

use revoked::model::{Actor, Alarm, AlarmKind, Delivery, Reason, StateChange, StateEntry, Subject};
use revoked::store::SlotOffers;

use super::{Place, place, policy, signal};

fn alice() -> Subject {
    "alice@example.org".parse().unwrap()
}

fn entry(key: &str, body: &str) -> StateEntry {
    StateEntry {
        namespace: "people".to_owned(),
        key: key.to_owned(),
        look_up: Some("alice".to_owned()),
        about: Some(alice()),
        body: body.to_owned(),
    }
}

async fn hand_in(place: &Place, state_changes: Vec<StateChange>, alarms: Vec<Alarm>) {
    let delivery = Delivery {
        state_changes,
        alarms,
        ..Delivery::of("scim", Vec::new(), place.clock.now())
    };
    place.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
}

#[tokio::test]
async fn what_a_source_keeps_is_found_by_its_key_and_its_second_name_and_by_no_other_source() {
    let place = place().await;
    hand_in(&place, vec![StateChange::Put(entry("1", "first"))], Vec::new()).await;
    hand_in(
        &place,
        vec![StateChange::Put(entry("1", "second")), StateChange::Put(entry("2", "other"))],
        Vec::new(),
    )
    .await;
    let store = &place.store;
    assert_eq!(
        store.state_entry("scim", "people", "1").await.unwrap(),
        Some(entry("1", "second"))
    );
    assert_eq!(store.state_entries_by("scim", "people", "alice").await.unwrap().len(), 2);
    assert_eq!(
        store.state_entries_after("scim", "people", "1", 10).await.unwrap(),
        [entry("2", "other")]
    );
    assert_eq!(store.state_entry("hr", "people", "1").await.unwrap(), None);
    assert_eq!(place.trail().await, ["source.noted", "source.noted"]);
}

#[tokio::test]
async fn an_empty_text_is_not_kept_in_the_place_of_what_could_not_be_written() {
    let place = place().await;
    let put = vec![StateChange::Put(entry("1", ""))];
    let refused = place.store.change_state("scim", put, Actor::Daemon).await.unwrap_err();
    assert!(refused.to_string().contains("could not be written down"), "{refused}");
    assert_eq!(place.store.state_entry("scim", "people", "1").await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_entry_is_gone() {
    let place = place().await;
    hand_in(&place, vec![StateChange::Put(entry("1", "first"))], Vec::new()).await;
    let forget = StateChange::Delete {
        namespace: "people".to_owned(),
        key: "1".to_owned(),
    };
    place
        .store
        .change_state("scim", vec![forget], Actor::operator("ops", Some(7)))
        .await
        .unwrap();
    assert_eq!(place.store.state_entry("scim", "people", "1").await.unwrap(), None);
}

#[tokio::test]
async fn an_alarm_is_raised_once_and_over_when_the_source_says_so() {
    let place = place().await;
    let silent = |summary: Option<&str>| Alarm {
        kind: AlarmKind::StreamSilent,
        about: None,
        summary: summary.map(str::to_owned),
    };
    hand_in(&place, Vec::new(), vec![silent(Some("no answer"))]).await;
    hand_in(&place, Vec::new(), vec![silent(Some("still no answer"))]).await;
    let open = place.store.alerts(false).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (open[0].kind.as_str(), open[0].key.as_str(), open[0].times),
        ("stream_silent", "source:scim", 2)
    );
    hand_in(&place, Vec::new(), vec![silent(None)]).await;
    assert!(place.store.alerts(false).await.unwrap().is_empty());
}

#[tokio::test]
async fn alarms_about_different_things_of_a_source_stand_beside_each_other() {
    let place = place().await;
    let notice = |about: &str, summary: Option<&str>| Alarm {
        kind: AlarmKind::SenderNotice,
        about: Some(about.to_owned()),
        summary: summary.map(str::to_owned),
    };
    for about in ["one", "other", "one"] {
        hand_in(&place, Vec::new(), vec![notice(about, Some("confirm it"))]).await;
    }
    hand_in(&place, Vec::new(), vec![notice("other", None)]).await;
    let open = place.store.alerts(false).await.unwrap();
    let read: Vec<_> = open.iter().map(|alert| (alert.key.as_str(), alert.times)).collect();
    assert_eq!(read, [("source:scim:one", 2)]);
}

#[tokio::test]
async fn erasing_a_person_takes_what_sources_keep_about_that_person() {
    let place = place().await;
    place.accept(vec![signal("k", "alice@example.org", Reason::Noted)]).await;
    hand_in(&place, vec![StateChange::Put(entry("1", "first"))], Vec::new()).await;
    assert!(place.store.erase(&alice(), Actor::Daemon).await.unwrap());
    assert_eq!(place.store.state_entry("scim", "people", "1").await.unwrap(), None);
}

#[tokio::test]
async fn a_page_of_a_namespace_says_how_many_there_are_in_all() {
    let place = place().await;
    let entries = ["1", "2", "3", "4"].map(|key| StateChange::Put(entry(key, "x")));
    hand_in(&place, entries.to_vec(), Vec::new()).await;
    let page = async |skip, limit| place.store.state_entries_page("scim", "people", skip, limit).await.unwrap();
    assert_eq!(page(1, 2).await, (4, vec![entry("2", "x"), entry("3", "x")]));
    assert_eq!(page(3, u64::MAX).await, (4, vec![entry("4", "x")]));
    assert_eq!(page(u64::MAX, 1).await, (4, Vec::new()));
    assert_eq!(page(0, 0).await, (4, Vec::new()));
    assert_eq!(
        place.store.state_entries_page("hr", "people", 0, 9).await.unwrap(),
        (0, Vec::new())
    );
}

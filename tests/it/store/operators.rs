//! Links, sessions and tokens of operators: each opens for as long as it is said to, and no longer.

use std::time::Duration;

use revoked::model::{Actor, Role};
use revoked::store::StoreError;

use super::{Place, place};

const SECOND: Duration = Duration::from_secs(1);
const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const TWELVE_HOURS: Duration = Duration::from_hours(12);

fn person(name: &str) -> Actor {
    format!("operator:{name}(1000)").parse().unwrap()
}

impl Place {
    async fn sign_in_link(&self) -> String {
        self.store.make_sign_in_link(person("ann"), Role::Approver).await.unwrap()
    }

    async fn session_of(&self, name: &str) -> String {
        self.store
            .begin_session(person(name), Role::Approver, TWELVE_HOURS)
            .await
            .unwrap()
    }

    fn all_but_a_second_of(&self, time: Duration) {
        self.clock.advance(time.saturating_sub(SECOND));
    }

    async fn opens(&self, session: &str, by_hand: bool) -> bool {
        self.store.bearer_of_session(session, by_hand).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_within_five_minutes() {
    let place = place().await;
    let (in_time, late) = (place.sign_in_link().await, place.sign_in_link().await);
    place.all_but_a_second_of(Duration::from_mins(5));
    let session = place.store.sign_in(&in_time).await.unwrap().unwrap();
    let bearer = place.store.bearer_of_session(&session, true).await.unwrap().unwrap();
    assert_eq!((bearer.operator, bearer.role), (person("ann"), Role::Approver));
    assert_eq!(place.store.sign_in(&in_time).await.unwrap(), None);
    place.clock.advance(SECOND);
    assert_eq!(place.store.sign_in(&late).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_after_half_an_hour_however_often_its_page_asks() {
    let place = place().await;
    let (open, used) = (place.session_of("ann").await, place.session_of("ann").await);
    place.all_but_a_second_of(HALF_AN_HOUR);
    assert!(place.opens(&open, false).await && place.opens(&used, true).await);
    place.clock.advance(SECOND);
    assert!(!place.opens(&open, false).await && place.opens(&used, true).await);
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_however_it_is_used() {
    let place = place().await;
    let session = place.session_of("ann").await;
    for _ in 0..47 {
        place.clock.advance(HALF_AN_HOUR / 2);
        assert!(place.opens(&session, true).await);
    }
    place.all_but_a_second_of(HALF_AN_HOUR / 2);
    assert!(place.opens(&session, true).await);
    place.clock.advance(SECOND);
    assert!(!place.opens(&session, true).await);
}

#[tokio::test]
async fn whoever_signs_out_everywhere_ends_all_of_their_sessions_and_nobody_elses() {
    let place = place().await;
    let sessions = [
        place.session_of("ann").await,
        place.session_of("ann").await,
        place.session_of("ann").await,
    ];
    let other = place.session_of("ben").await;
    let of = async |session: &str| place.store.bearer_of_session(session, true).await.unwrap().unwrap().id;
    let first = of(&sessions[0]).await;
    assert_eq!(place.store.sign_out(first, false, person("ann")).await.unwrap(), 1);
    assert!(!place.opens(&sessions[0], true).await && place.opens(&sessions[1], true).await);
    let second = of(&sessions[1]).await;
    assert_eq!(place.store.sign_out(second, true, person("ann")).await.unwrap(), 2);
    for session in &sessions {
        assert!(!place.opens(session, true).await);
    }
    assert!(place.opens(&other, true).await);
}

#[tokio::test]
async fn a_token_opens_until_its_day_or_until_it_is_ended_which_it_is_once() {
    let place = place().await;
    let day = Duration::from_hours(24);
    let made = async || {
        place
            .store
            .make_token("ci".to_owned(), Role::Viewer, day, person("ann"))
            .await
    };
    let ((_, lasts), (ended, ends)) = (made().await.unwrap(), made().await.unwrap());
    let opens = async |token: &str| place.store.bearer_of_token(token.as_bytes()).await.unwrap().is_some();
    place.store.end_token(ended, person("ben")).await.unwrap();
    assert!(!opens(&ends).await);
    let again = place.store.end_token(ended, person("cleo")).await;
    assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    place.all_but_a_second_of(day);
    assert!(opens(&lasts).await);
    place.clock.advance(SECOND);
    assert!(!opens(&lasts).await);
}

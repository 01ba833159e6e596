//! Who has read about whom: in the trail, without a name, and once an hour.

use std::time::Duration;

use revoked::model::{Actor, Reason};
use revoked::store::{PeopleRead, TrailFilter};
use serde_json::Value;

use super::{Place, case_of, place, signal};

fn anna() -> Actor {
    Actor::operator("anna", Some(1000))
}

impl Place {
    async fn case_about(&self, name: &str) -> i64 {
        let receipt = self
            .accept(vec![signal(name, &format!("{name}@example.org"), Reason::Compromised)])
            .await;
        case_of(&receipt.signals[0]).0
    }

    async fn reads(&self, cases: &[i64], by: Actor) -> usize {
        let read = PeopleRead {
            cases: cases.to_vec(),
            ..PeopleRead::new(by, "case report")
        };
        self.store.note_read(&read).await.unwrap();
        self.recorded().await.len()
    }

    async fn recorded(&self) -> Vec<Value> {
        let filter = TrailFilter {
            kind: Some("people.read".to_owned()),
            limit: 1000,
            ..TrailFilter::default()
        };
        let rows = self.store.trail_search(&filter).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_read_is_recorded_once_an_hour_for_each_operator_and_person_and_names_nobody() {
    let place = place().await;
    let case = place.case_about("alice").await;
    assert_eq!(place.reads(&[case], anna()).await, 1);
    assert_eq!(place.reads(&[case], anna()).await, 1, "a page that is read again");
    place.clock.advance(Duration::from_mins(59));
    assert_eq!(place.reads(&[case], anna()).await, 1);
    assert_eq!(place.reads(&[case], Actor::operator("ben", Some(1001))).await, 2);
    place.clock.advance(Duration::from_mins(2));
    assert_eq!(place.reads(&[case], anna()).await, 3);
    let first = place.recorded().await.remove(0);
    let reference = place.store.case(case).await.unwrap().subject_ref;
    assert_eq!(
        (
            &first["actor"],
            &first["subject_ref"],
            &first["detail"]["with"],
            &first["detail"]["people"]
        ),
        (
            &"operator:anna(1000)".into(),
            &reference.into(),
            &"case report".into(),
            &1.into()
        )
    );
    assert!(!first.to_string().contains("alice"), "{first}");
}

#[tokio::test]
async fn of_up_to_ten_people_each_has_an_entry_and_of_more_there_is_their_number() {
    let place = place().await;
    let mut cases = Vec::new();
    for n in 0..11 {
        cases.push(place.case_about(&format!("p{n}")).await);
    }
    assert_eq!(place.reads(&cases[..3], anna()).await, 3);
    assert_eq!(place.reads(&cases[2..4], anna()).await, 4, "one of them was recorded already");
    assert_eq!(place.reads(&cases, anna()).await, 5);
    let last = place.recorded().await.pop().unwrap();
    assert_eq!(
        (&last["detail"]["people"], &last["subject_ref"]),
        (&11.into(), &Value::Null),
        "{last}"
    );
    assert_eq!(place.reads(&[], anna()).await, 5, "nobody was read about");
}

#[tokio::test]
async fn what_is_kept_of_a_read_to_tell_the_next_one_goes_after_the_hour() {
    let place = place().await;
    let case = place.case_about("alice").await;
    place.reads(&[case], anna()).await;
    place.clock.advance(Duration::from_hours(2));
    let other = place.case_about("bob").await;
    place.reads(&[other], anna()).await;
    let (kept, _) = place.store.state_entries_page("[reads]", "people", 0, 10).await.unwrap();
    assert_eq!(kept, 1);
}

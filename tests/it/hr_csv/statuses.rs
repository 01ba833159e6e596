//! Files that tell how things stand, day after day: what is planned by a status, taken back by one, and said again every night.

use revoked::model::SignalReceipt;
use revoked::sources::hr_csv::{StatusWords, Undated};
use revoked::store::{DepartureFilter, DepartureView};

use super::*;
use crate::store::{NOW, Place, place};

const HEADER: &str = "employee_id,employment_id,email,status,last_working_day\n";

/// A drop folder whose nights are days apart.
struct Nights {
    drop: DropFolder,
    place: Place,
    files: std::cell::Cell<u64>,
}

impl Nights {
    async fn new(change: impl FnOnce(&mut Rules)) -> Self {
        let place = place().await;
        let drop = DropFolder::at(place.clock.clone(), |rules| {
            rules.settle = Duration::ZERO;
            rules.format.words = StatusWords::default();
            change(rules);
        });
        Self {
            drop,
            place,
            files: std::cell::Cell::new(0),
        }
    }

    /// Drops the export of a night, and takes it.
    async fn night(&self, rows: &str) -> Vec<SignalReceipt> {
        self.file(&format!("{HEADER}{rows}")).await
    }

    async fn file(&self, text: &str) -> Vec<SignalReceipt> {
        let n = self.files.replace(self.files.get() + 1);
        // No two nights have the same bytes, as with a date in the name of a column that nobody reads.
        let text = text.replacen('\n', &format!(",export {n}\n"), 1);
        let text = text.lines().map(|line| {
            if line.contains("export ") {
                format!("{line}\n")
            } else {
                format!("{line},\n")
            }
        });
        self.drop.put("export.csv", text.collect::<Vec<_>>().concat());
        let state = revoked::intake::StoredState::new(&self.place.store, "hr");
        let mut found = self.drop.source.poll(None, &state).await.unwrap();
        assert_eq!(found.len(), 1);
        let delivery = found.remove(0);
        assert!(delivery.refused.is_empty(), "{:?}", delivery.refused);
        super::stored::store(&self.drop, &self.place, &delivery).await
    }

    /// HR's number, the employment, the state and when access ends, of every departure.
    async fn departures(&self) -> Vec<(String, String, String)> {
        let filter = DepartureFilter {
            limit: 100,
            ..DepartureFilter::default()
        };
        let mut all: Vec<DepartureView> = self.place.store.departures(&filter).await.unwrap().rows;
        all.sort_by(|one, other| (&one.employee, &one.employment).cmp(&(&other.employee, &other.employment)));
        let shown = |one: DepartureView| {
            (
                one.employee + one.employment.as_str(),
                one.state,
                one.acts_at.to_string()[..16].to_owned(),
            )
        };
        all.into_iter().map(shown).collect()
    }

    async fn states(&self) -> Vec<(String, String)> {
        self.departures()
            .await
            .into_iter()
            .map(|(who, state, _)| (who, state))
            .collect()
    }
}

fn of(states: &[(&str, &str)]) -> Vec<(String, String)> {
    states
        .iter()
        .map(|(who, state)| ((*who).to_owned(), (*state).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_last_day_ahead_of_somebody_employed_is_a_plan_and_an_empty_cell_takes_it_back() {
    let nights = Nights::new(|_| {}).await;
    let with_day = "1,,kim@example.org,active,2025-12-31\n2,,pat@example.org,active,\n";
    let without = "1,,kim@example.org,active,0000-00-00\n2,,pat@example.org,active,\n";
    nights.night(with_day).await;
    assert_eq!(
        nights.departures().await,
        [("1".to_owned(), "planned".to_owned(), "2025-12-31T23:00".to_owned())]
    );
    assert_eq!(nights.night(with_day).await.len(), 1, "nobody else is asked about");
    nights.night(&with_day.replace("12-31", "12-15")).await;
    assert_eq!(nights.departures().await[0].2, "2025-12-15T23:00", "the day has moved");
    nights.night(without).await;
    assert_eq!(nights.states().await, of(&[("1", "rescinded")]));
    assert!(
        matches!(nights.night(without).await[..], [SignalReceipt::Repeated { .. }]),
        "said again, it is no news"
    );
    nights.night(with_day).await;
    assert_eq!(nights.states().await, of(&[("1", "planned")]));
    nights.night(without).await;
    assert_eq!(nights.states().await, of(&[("1", "rescinded")]));
    assert!(nights.place.store.alerts(false).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_an_action_has_planned_no_status_takes_back() {
    let nights = Nights::new(|_| {}).await;
    nights
        .file("employee_id,email,action,last_working_day\n1,kim@example.org,terminate,2025-12-31\n")
        .await;
    nights.night("1,,kim@example.org,active,\n").await;
    assert_eq!(nights.states().await, of(&[("1", "planned")]));
}

#[tokio::test]
async fn a_day_of_hire_is_no_day_of_departure() {
    let nights = Nights::new(|_| {}).await;
    let header = "employee_id,email,action,status,last_working_day,effective_at\n";
    let rows = "1,kim@example.org,hire,,,2025-12-01T08:00:00Z\n2,pat@example.org,active,,,2025-12-01T08:00:00Z\n\
                3,jo@example.org,,active,,2025-12-01T08:00:00Z\n4,sam@example.org,hire,,2025-12-31,\n\
                5,lou@example.org,active,,2025-12-31,never\n6,ray@example.org,rehire,,soon,soon\n";
    nights.file(&format!("{header}{rows}")).await;
    assert_eq!(nights.states().await, of(&[("5", "planned")]));
}

#[tokio::test]
async fn a_status_that_follows_the_planned_day_is_no_second_departure() {
    let nights = Nights::new(|rules| {
        rules
            .format
            .words
            .set("Ex", revoked::sources::hr_csv::EmploymentStatus::Terminated);
    })
    .await;
    nights.night("1,,kim@example.org,active,2025-12-31\n").await;
    let receipts = nights.night("1,,kim@example.org,EX,2025-12-31\n").await;
    assert!(matches!(receipts[..], [SignalReceipt::Repeated { .. }]), "{receipts:?}");
    assert_eq!(nights.states().await, of(&[("1", "planned")]));
}

#[tokio::test]
async fn a_last_day_that_is_over_ends_nothing_as_long_as_hr_says_employed() {
    let nights = Nights::new(|_| {}).await;
    assert_eq!(nights.night("1,,kim@example.org,active,2025-11-20\n").await, []);
    assert_eq!(nights.departures().await, []);
    nights.night("1,,kim@example.org,terminated,2025-11-20\n").await;
    assert_eq!(nights.states().await, of(&[("1", "executed")]));
}

#[tokio::test]
async fn who_has_a_row_that_is_active_leaves_by_none_of_the_others() {
    let nights = Nights::new(|_| {}).await;
    let both = "1,,kim@example.org,terminated,2025-11-20\n1,,kim@example.org,active,\n\
                2,A,pat@example.org,terminated,2025-11-20\n2,B,pat@example.org,active,\n";
    assert_eq!(nights.night(both).await, [], "said every night, it leaves nothing behind");
    assert_eq!(nights.departures().await, []);
    // An unknown office is no reason to act: the person may be employed.
    let state = revoked::sources::NoState;
    nights.drop.put(
        "unclear.csv",
        format!("{HEADER}3,A,jo@example.org,terminated,2025-11-20\n3,B,jo@example.org,Leave (paid),\n"),
    );
    let delivery = nights.drop.source.poll(None, &state).await.unwrap().remove(0);
    assert_eq!(
        (delivery.signals.len(), delivery.employments.len(), delivery.refused.len()),
        (0, 0, 1)
    );
    assert!(!delivery.refused[0].why.contains("Leave"), "{:?}", delivery.refused);
}

#[tokio::test]
async fn a_row_that_becomes_active_again_under_the_same_number_takes_the_plan_back() {
    let nights = Nights::new(|_| {}).await;
    nights.night("1,,kim@example.org,terminated,2025-12-31\n").await;
    assert_eq!(nights.states().await, of(&[("1", "planned")]));
    nights
        .night("1,,kim@example.org,terminated,2025-12-31\n1,,kim@example.org,active,\n")
        .await;
    assert_eq!(nights.states().await, of(&[("1", "rescinded")]));
}

#[tokio::test]
async fn who_leaves_two_offices_is_out_with_the_later_one_and_not_a_minute_before() {
    for known in [false, true] {
        let nights = Nights::new(|_| {}).await;
        if known {
            nights
                .night("1,A,kim@example.org,active,\n1,B,kim@example.org,active,\n")
                .await;
        }
        // The first ended long ago: that is no history of somebody who leaves tomorrow.
        nights
            .night("1,A,kim@example.org,terminated,2020-06-30\n1,B,kim@example.org,terminated,2025-11-25\n")
            .await;
        let end = "2025-11-25T23:00".to_owned();
        assert_eq!(
            nights.departures().await,
            [
                ("1A".to_owned(), "planned".to_owned(), end.clone()),
                ("1B".to_owned(), "planned".to_owned(), end)
            ],
            "known before: {known}"
        );
        assert!(nights.place.store.holds(false).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_has_left_on_a_day_that_nobody_names_is_for_a_human_unless_the_config_says_now() {
    let row = "1,,kim@example.org,terminated,0000-00-00\n";
    let nights = Nights::new(|_| {}).await;
    let receipts = nights.night(row).await;
    assert!(
        matches!(receipts[..], [SignalReceipt::Accepted { held: true, .. }]),
        "{receipts:?}"
    );
    assert!(matches!(nights.night(row).await[..], [SignalReceipt::Repeated { .. }]));
    // The next night HR has taken it back: nobody need decide any more.
    nights.night("1,,kim@example.org,active,0000-00-00\n").await;
    assert_eq!(nights.states().await, of(&[("1", "rescinded")]));
    assert!(nights.place.store.holds(false).await.unwrap().is_empty());

    let nights = Nights::new(|rules| rules.format.undated = Undated::Now).await;
    let receipts = nights.night(row).await;
    assert!(
        matches!(receipts[..], [SignalReceipt::Accepted { held: false, .. }]),
        "{receipts:?}"
    );
}

#[tokio::test]
async fn somebody_with_another_number_and_one_of_the_names_is_asked_about() {
    let nights = Nights::new(|_| {}).await;
    let header = "employee_id,email,upn,status,last_working_day\n";
    let rows = "1,kim@example.org,,terminated,2025-11-24\n2,kim@example.org,kdoe,active,\n";
    let receipts = nights.file(&format!("{header}{rows}")).await;
    assert!(
        matches!(receipts[..], [SignalReceipt::Accepted { held: true, .. }]),
        "{receipts:?}"
    );
}

#[tokio::test]
async fn a_file_of_everybody_with_null_days_lets_the_one_leaver_leave() {
    let nights = Nights::new(|_| {}).await;
    let none = [
        "0000-00-00",
        "9999-12-31",
        "12/31/9999",
        "1900-01-01",
        "",
        "-",
        "n/a",
        "01.01.0001",
        "0",
        "NULL",
    ];
    let stays = none
        .iter()
        .enumerate()
        .map(|(n, none)| format!("{},,user{n}@example.org,active,{none}\n", n + 10));
    let rows = stays.collect::<Vec<_>>().concat();
    nights
        .night(&format!("{rows}1,,kim@example.org,terminated,2025-11-23\n"))
        .await;
    assert_eq!(nights.states().await, of(&[("1", "executed")]));
    assert!(nights.place.store.alerts(false).await.unwrap().is_empty());
    assert_eq!(nights.place.clock.now(), NOW);
}

#[tokio::test]
async fn cells_of_people_who_stay_never_decide_over_the_file() {
    let drop = DropFolder::with(|rules| rules.settle = Duration::ZERO);
    let header = "employee_id,email,upn,status,last_working_day,timezone,reason,updated_at,notes\n";
    let long = "x".repeat(5000);
    let rows = [
        "1,kim@example.org,,terminated,2026-03-13,,,,".to_owned(),
        "2,not an address,,active,,Mars/Olympus,,yesterday,".to_owned(),
        "3,,,active,,,,,".to_owned(),
        format!("4,jo@example.org,,active,,,{long},,{long}"),
        "5,sam@example.org,,active,,,,,\"two\nlines, of text\"".to_owned(),
        "6,a\u{200b}@example.org,,active,,,\u{202e},,".to_owned(),
        // These are told, and count for nothing.
        ",nobody@example.org,,active,,,,,".to_owned(),
        "8,lou@example.org,,active,soon,,,,".to_owned(),
        "9,ray@example.org,,active,2027-01-31,Mars/Olympus,,,".to_owned(),
    ];
    drop.put("all.csv", format!("{header}{}\n", rows.join("\n")));
    let delivery = drop.one().await;
    assert_eq!(delivery.signals.len(), 1);
    assert_eq!(delivery.signals[0].subject.to_string(), "email:kim@example.org");
    let told: Vec<&str> = delivery.refused.iter().map(|part| part.place.as_str()).collect();
    assert_eq!(told, ["line 9", "line 10", "line 11"]);
    let stand: Vec<&str> = delivery.employments.iter().map(|one| one.employee.as_str()).collect();
    assert_eq!(
        stand,
        ["2", "3", "4", "5", "6", "8", "9"],
        "whoever has a number counts as employed"
    );
    drop.store(&delivery).await;
    let report = drop.only("quarantine", ".reason.txt");
    assert!(
        report.contains("3 of 9 rows") && report.contains("the person counts as employed"),
        "{report}"
    );
    // However many of them there are.
    let many = format!("{header}{}\n{}", rows[0], ",x@example.org,,active,soon,,,,\n".repeat(200));
    drop.put("many.csv", many);
    let delivery = drop.one().await;
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 200));
}

#[tokio::test]
async fn a_quoted_cell_of_several_lines_is_text_unless_a_row_may_be_inside() {
    let drop = DropFolder::with(|rules| rules.settle = Duration::ZERO);
    let header = "employee_id,email,status,last_working_day,address,phone\n";
    let honest = "1,kim@example.org,terminated,2026-03-13,\"1 Main Street,\nSpringfield, OR\",1\n";
    drop.put("honest.csv", format!("{header}{honest}"));
    assert_eq!(drop.one().await.signals.len(), 1);
    // A quote that opens in one row and closes by chance in another has swallowed as many separators as a row has.
    let swallowed = "1,kim@example.org,terminated,2026-03-13,\"1 Main,1\n2,pat@example.org,terminated,2026-03-13,2 Main\",2\n";
    drop.put("swallowed.csv", format!("{header}{swallowed}"));
    let delivery = drop
        .poll()
        .await
        .into_iter()
        .find(|one| one.name.as_deref() == Some("swallowed.csv"))
        .unwrap();
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (0, 1));
    assert_eq!(delivery.refused[0].place, "lines 2 to 3");
}

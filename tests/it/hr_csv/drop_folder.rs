//! What is taken, when, and where it goes.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_file_is_taken_once_it_has_settled_and_archived_under_its_hash() {
    let drop = DropFolder::new();
    let text = format!("{HEADER}{ALICE}{BOB}");
    drop.put("leavers.csv", &text);
    assert_eq!(drop.poll().await, []);
    tokio::time::advance(ALMOST).await;
    assert_eq!(drop.poll().await, [], "not a moment too early");
    tokio::time::advance(Duration::from_millis(1)).await;
    let delivery = drop.one().await;
    assert_eq!(
        (delivery.source.as_str(), delivery.name.as_deref(), delivery.signals.len()),
        ("hr", Some("leavers.csv"), 2)
    );
    assert_eq!(drop.names(""), ["leavers.csv"], "it stays until it is stored");
    assert_eq!(drop.one().await, delivery, "and comes again until then");

    drop.store(&delivery).await;
    assert_eq!(drop.names(""), [] as [&str; 0]);
    assert_eq!(drop.names("archive"), [format!("leavers.{}.csv", sha256(&text))]);
    assert_eq!(drop.only("archive", ".csv"), text);
    drop.store(&delivery).await;
    assert_eq!(drop.poll().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_file_seen_again_is_the_same_delivery_and_archived_as_a_no_op() {
    let drop = DropFolder::new();
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    let first = drop.settled().await.remove(0);
    drop.store(&first).await;
    drop.put("again.csv", format!("{HEADER}{ALICE}"));
    let second = drop.settled().await.remove(0);
    assert_eq!((second.digest, &second.signals), (first.digest, &first.signals));
    drop.store(&second).await;
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    let third = drop.settled().await.remove(0);
    drop.store(&third).await;
    assert_eq!(drop.names("archive").len(), 2);
    assert_eq!(drop.names(""), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_dropped_again_out_of_the_archive_is_taken_once() {
    let drop = DropFolder::new();
    let text = format!("{HEADER}{ALICE}");
    drop.put("leavers.csv", &text);
    drop.age("leavers.csv", 0);
    let delivery = drop.settled().await.remove(0);
    drop.store(&delivery).await;
    // The same file, and so the same number of the file system's, with another time.
    let archived = drop.path("archive").join(format!("leavers.{}.csv", sha256(&text)));
    fs::rename(archived, drop.path("leavers.csv")).unwrap();
    drop.age("leavers.csv", 60);
    let again = drop.settled().await.remove(0);
    drop.store(&again).await;
    assert_eq!(
        drop.poll().await,
        [],
        "it is not taken for one that was written to after it had been put away"
    );
    assert_eq!(drop.names(""), [] as [&str; 0]);
    assert_eq!(drop.names("archive").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_half_written_file_waits_for_its_rest() {
    let drop = DropFolder::new();
    drop.put("leavers.csv", HEADER);
    assert_eq!(drop.poll().await, []);
    for text in [format!("{HEADER}{ALICE}"), format!("{HEADER}{ALICE}4712,bob@exam")] {
        tokio::time::advance(ALMOST).await;
        drop.put("leavers.csv", text);
        assert_eq!(drop.poll().await, [], "it has just grown");
    }
    tokio::time::advance(SETTLE * 2).await;
    assert_eq!(drop.poll().await, [], "it ends in the middle of a line");
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{BOB}"));
    assert_eq!(drop.settled().await[0].signals.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_last_line_without_an_end_is_taken_after_a_longer_wait() {
    let drop = DropFolder::new();
    drop.put("leavers.csv", format!("{HEADER}{}", ALICE.trim_end()));
    assert_eq!(drop.settled().await, []);
    tokio::time::advance(SETTLE * 9).await;
    assert_eq!(drop.one().await.signals.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn uploads_under_another_name_are_left_alone() {
    let drop = DropFolder::new();
    for name in ["a.csv.tmp", "a.csv.part", ".a.csv", "a.tmp", "a.csv.done", "notes.txt"] {
        drop.put(name, format!("{HEADER}{ALICE}"));
    }
    assert_eq!(drop.settled().await, []);
    fs::rename(drop.path("a.csv.tmp"), drop.path("b.csv")).unwrap();
    assert_eq!(drop.settled().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_marker_makes_a_file_complete_at_once_and_is_archived_with_it() {
    let drop = DropFolder::new();
    let text = format!("{HEADER}{ALICE}{BOB}");
    drop.put("leavers.csv", &text);
    drop.put("leavers.csv.done", format!("{}  leavers.csv\nrows=2\n", sha256(&text)));
    let delivery = drop.one().await;
    assert_eq!(delivery.signals.len(), 2);
    drop.store(&delivery).await;
    let archived = format!("leavers.{}.csv", sha256(&text));
    assert_eq!(drop.names("archive"), [archived.clone(), format!("{archived}.done")]);
    assert_eq!(drop.names(""), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_late_rest_makes_a_file_fit_its_marker() {
    let drop = DropFolder::new();
    let text = format!("{HEADER}{ALICE}{BOB}");
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    drop.put("leavers.csv.done", sha256(&text));
    assert_eq!(drop.settled().await, []);
    drop.put("leavers.csv", &text);
    assert_eq!(drop.one().await.signals.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_trailer_makes_a_file_complete_at_once_if_it_counts_right() {
    let drop = DropFolder::new();
    drop.put("a.csv", format!("{HEADER}{ALICE}#EOF,rows=1\n"));
    let delivery = drop.one().await;
    assert_eq!(delivery.signals.len(), 1);
    drop.store(&delivery).await;

    drop.put("b.csv", format!("{HEADER}{ALICE}#EOF,rows=2\n"));
    assert_eq!(drop.settled().await, []);
    tokio::time::advance(SETTLE * 9).await;
    assert!(refusal(&drop.one().await).contains("its trailer says 2 rows and there are 1"));
}

#[tokio::test(start_paused = true)]
async fn files_come_oldest_first_and_wait_for_the_ones_before_them() {
    let drop = DropFolder::new();
    for (name, age) in [("z.csv", 1), ("b.csv", 2), ("a.csv", 2), ("y.csv", 9)] {
        drop.put(name, format!("{HEADER}{ALICE}#EOF,rows=1\n"));
        drop.age(name, age);
    }
    let names = |deliveries: Vec<Delivery>| {
        deliveries
            .into_iter()
            .map(|delivery| delivery.name.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(drop.poll().await), ["z.csv", "a.csv", "b.csv", "y.csv"]);
    drop.put("old.csv", format!("{HEADER}{ALICE}"));
    drop.age("old.csv", 3);
    assert_eq!(
        names(drop.poll().await),
        ["z.csv", "a.csv", "b.csv"],
        "y.csv may take back what old.csv says"
    );
    tokio::time::advance(SETTLE).await;
    assert_eq!(names(drop.poll().await), ["z.csv", "a.csv", "b.csv", "old.csv", "y.csv"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_replaced_after_it_was_read_is_not_archived_unread() {
    let drop = DropFolder::new();
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    let delivery = drop.settled().await.remove(0);
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{BOB}"));
    drop.store(&delivery).await;
    assert_eq!(drop.names("archive"), [] as [&str; 0]);
    let newer = drop.settled().await.remove(0);
    assert_eq!(newer.signals.len(), 2);
    assert_eq!(newer.signals[0].digest, delivery.signals[0].digest);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_goes_on_after_its_file_was_archived_is_read_to_its_end() {
    use std::io::Write as _;
    let drop = DropFolder::new();
    drop.put("leavers.csv", "");
    let mut upload = File::options().append(true).open(drop.path("leavers.csv")).unwrap();
    upload.write_all(format!("{HEADER}{ALICE}").as_bytes()).unwrap();
    let delivery = drop.settled().await.remove(0);
    drop.store(&delivery).await;
    assert_eq!(drop.names("archive").len(), 1);
    drop.put("leavers.csv", format!("{HEADER}#EOF,rows=0\n"));
    upload.write_all(BOB.as_bytes()).unwrap();
    let deliveries = drop.poll().await;
    assert_eq!(deliveries.len(), 1, "the other file of that name");
    drop.store(&deliveries[0]).await;
    tokio::time::advance(SETTLE).await;
    let rest = drop.one().await;
    assert_eq!(rest.name.as_deref(), Some("rest-1.leavers.csv"));
    assert_eq!((rest.signals[0].digest, rest.signals.len()), (delivery.signals[0].digest, 2));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_away_is_not_handed_in_again_and_tells() {
    let drop = DropFolder::new();
    drop.put("archive", "a file where the folder should be");
    drop.put("leavers.csv", format!("{HEADER}{ALICE}#EOF,rows=1\n"));
    let delivery = drop.one().await;
    let error = drop.source.stored(&delivery, &Receipt::default()).await.unwrap_err();
    assert!(format!("{error:#}").contains("stored already"), "{error:#}");
    assert!(
        drop.source.poll(None, &revoked::sources::NoState).await.is_err(),
        "the trouble comes up at each look, the delivery does not"
    );
    drop.put("next.csv", format!("{HEADER}{BOB}#EOF,rows=1\n"));
    assert_eq!(
        drop.one().await.name.as_deref(),
        Some("next.csv"),
        "and it holds up no other file"
    );
    fs::remove_file(drop.path("archive")).unwrap();
    assert_eq!(drop.one().await.name.as_deref(), Some("next.csv"));
    assert_eq!(drop.names("archive").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn last_years_leavers_are_held_and_absent_people_are_left_alone() {
    let drop = DropFolder::with(|rules| rules.settle = Duration::ZERO);
    drop.put(
        "history.csv",
        format!("{HEADER}1,old@example.org,2025-03-31,,terminate\n{ALICE}"),
    );
    let delivery = drop.one().await;
    assert!(matches!(delivery.signals[0].disposition, Disposition::Hold(_)));
    assert_eq!(delivery.signals[1].disposition, Disposition::Act);
    drop.store(&delivery).await;
    drop.put("nobody.csv", HEADER);
    let delivery = drop.one().await;
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (0, 0));
}

/// A clock that shows what the file system's does: where a test's own clock is shifted, files are still of the time that it is.
fn clock_of_files() -> Clock {
    let file = tempfile::tempfile().unwrap();
    Clock::fixed(Timestamp::from_seconds(file.metadata().unwrap().ctime()))
}

/// What the folder tells of files that are waited for: their names, and why.
fn awaited(drop: &DropFolder) -> Vec<(String, String)> {
    let awaited = drop.source.awaited().into_iter();
    awaited.map(|awaited| (awaited.what, awaited.why)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_file_with_a_wrong_trailer_holds_up_no_other_and_is_told_of() {
    let drop = DropFolder::at(clock_of_files(), |_| {});
    drop.put("a.csv", format!("{HEADER}{ALICE}#EOF,rows=2\n"));
    drop.put("b.csv", format!("{HEADER}{ALICE}{BOB}#EOF,rows=2\n"));
    let delivery = drop.one().await;
    assert_eq!(delivery.name.as_deref(), Some("b.csv"), "at once");
    drop.store(&delivery).await;
    let told = awaited(&drop);
    assert!(
        told.len() == 1 && told[0].0 == "a.csv" && told[0].1.contains("its trailer says 2 rows and there are 1"),
        "{told:?}"
    );
    tokio::time::advance(SETTLE * 10).await;
    assert!(refusal(&drop.one().await).contains("its trailer says 2 rows and there are 1"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_file_that_is_waited_for_waits_only_where_it_is_about_the_same_people() {
    let drop = DropFolder::at(clock_of_files(), |_| {});
    drop.put("a.csv", format!("{HEADER}{}", ALICE.trim_end()));
    let carol = "4713,carol@example.org,2026-03-31,,terminate\n";
    drop.put(
        "b.csv",
        format!("{HEADER}4711,alice@example.org,,,rescind\n{BOB}#EOF,rows=2\n"),
    );
    drop.put("c.csv", format!("{HEADER}{BOB}#EOF,rows=1\n"));
    drop.put("d.csv", format!("{HEADER}{carol}#EOF,rows=1\n"));
    assert_eq!(drop.poll().await, [], "a.csv may be written to");
    assert_eq!(
        awaited(&drop),
        [(
            "a.csv".to_owned(),
            "its last line has no end, so its writer may not be done".to_owned()
        )]
    );
    tokio::time::advance(SETTLE).await;
    let delivery = drop.one().await;
    assert_eq!(delivery.name.as_deref(), Some("d.csv"));
    drop.store(&delivery).await;
    tokio::time::advance(SETTLE * 9).await;
    let names: Vec<String> = drop.poll().await.into_iter().map(|one| one.name.unwrap()).collect();
    assert_eq!(names, ["a.csv", "b.csv", "c.csv"], "in their order");
}

//! The drop folder, with real files.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use revoked::clock::Clock;
use revoked::model::{Delivery, Receipt, Timestamp, Wish};
use revoked::settings::Settings;
use revoked::sources::hr_csv::{HrCsv, Rules, preview};
use revoked::sources::{KINDS, Pull, Source};
use tempfile::TempDir;

const HEADER: &str = "employee_id,email,last_working_day,timezone,action\n";
const ALICE: &str = "4711,alice@example.org,2026-03-31,,terminate\n";
const BOB: &str = "4712,bob@example.org,2026-03-31,Australia/Sydney,terminate\n";
const SETTLE: Duration = Duration::from_secs(2);

struct Drop {
    dir: TempDir,
    source: HrCsv,
}

impl Drop {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Rules)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut rules = Rules::new("hr", dir.path());
        rules.time_zone = "Europe/Berlin".into();
        change(&mut rules);
        let source = HrCsv::new(rules, clock());
        Self { dir, source }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn age(&self, name: &str, seconds: u64) {
        let file = File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds))
            .unwrap();
    }

    async fn poll(&self) -> Vec<Delivery> {
        self.source.poll(None).await.unwrap()
    }

    /// Looks, waits until what is there has settled, and looks again.
    async fn settled(&self) -> Vec<Delivery> {
        assert_eq!(self.poll().await, []);
        tokio::time::advance(SETTLE).await;
        self.poll().await
    }

    async fn one(&self) -> Delivery {
        let mut deliveries = self.poll().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries.remove(0)
    }

    async fn store(&self, delivery: &Delivery) {
        self.source.stored(delivery, &Receipt::default()).await.unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(listing) = fs::read_dir(self.path(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = listing
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "archive" && name != "quarantine")
            .collect();
        names.sort();
        names
    }

    fn only(&self, folder: &str, end: &str) -> String {
        let mut names: Vec<_> = self.names(folder).into_iter().filter(|name| name.ends_with(end)).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        fs::read_to_string(self.path(folder).join(names.remove(0))).unwrap()
    }
}

fn clock() -> Clock {
    let now: jiff::Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
    Clock::fixed(Timestamp::from(now))
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::new();
    for byte in aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

fn refusal(delivery: &Delivery) -> &str {
    assert_eq!(delivery.signals, []);
    assert_eq!(delivery.refused.len(), 1, "{delivery:?}");
    assert_eq!(delivery.refused[0].place, "file");
    &delivery.refused[0].why
}

#[tokio::test(start_paused = true)]
async fn a_file_is_taken_once_it_has_settled_and_archived_under_its_hash() {
    let drop = Drop::new();
    let text = format!("{HEADER}{ALICE}{BOB}");
    drop.put("leavers.csv", &text);
    assert_eq!(drop.poll().await, []);
    tokio::time::advance(SETTLE - Duration::from_millis(1)).await;
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
    let drop = Drop::new();
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
async fn a_half_written_file_waits_for_its_rest() {
    let drop = Drop::new();
    drop.put("leavers.csv", HEADER);
    assert_eq!(drop.poll().await, []);
    for text in [format!("{HEADER}{ALICE}"), format!("{HEADER}{ALICE}4712,bob@exam")] {
        tokio::time::advance(SETTLE - Duration::from_millis(1)).await;
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
    let drop = Drop::new();
    drop.put("leavers.csv", format!("{HEADER}{}", ALICE.trim_end()));
    assert_eq!(drop.settled().await, []);
    tokio::time::advance(SETTLE * 9).await;
    assert_eq!(drop.one().await.signals.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn uploads_under_another_name_are_left_alone() {
    let drop = Drop::new();
    for name in ["a.csv.tmp", "a.csv.part", ".a.csv", "a.tmp", "a.csv.done", "notes.txt"] {
        drop.put(name, format!("{HEADER}{ALICE}"));
    }
    assert_eq!(drop.settled().await, []);
    fs::rename(drop.path("a.csv.tmp"), drop.path("b.csv")).unwrap();
    assert_eq!(drop.settled().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_marker_makes_a_file_complete_at_once_and_is_archived_with_it() {
    let drop = Drop::new();
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
async fn a_file_that_does_not_fit_its_marker_waits_and_is_then_rejected() {
    let text = format!("{HEADER}{ALICE}{BOB}");
    for (marker, why) in [
        (sha256("other"), "incomplete or was changed"),
        (format!("{} rows=3", sha256(&text)), "says 3 rows and there are 2"),
        (String::new(), "holds no SHA-256"),
    ] {
        let drop = Drop::new();
        drop.put("leavers.csv", &text);
        drop.put("leavers.csv.done", &marker);
        assert_eq!(drop.settled().await, [], "its rest may still come");
        tokio::time::advance(SETTLE * 9).await;
        let delivery = drop.one().await;
        assert!(refusal(&delivery).contains(why), "{delivery:?}");
        drop.store(&delivery).await;
        assert_eq!(drop.names(""), [] as [&str; 0]);
        assert!(drop.only("quarantine", ".reason.txt").contains(why));
        assert_eq!(drop.only("quarantine", ".csv"), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_rest_makes_a_file_fit_its_marker() {
    let drop = Drop::new();
    let text = format!("{HEADER}{ALICE}{BOB}");
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    drop.put("leavers.csv.done", sha256(&text));
    assert_eq!(drop.settled().await, []);
    drop.put("leavers.csv", &text);
    assert_eq!(drop.one().await.signals.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_trailer_makes_a_file_complete_at_once_if_it_counts_right() {
    let drop = Drop::new();
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
async fn a_malformed_row_is_put_aside_with_its_reason_and_the_good_rows_go_on() {
    let drop = Drop::new();
    drop.put(
        "leavers.csv",
        format!("{HEADER}{ALICE}=1+1,\"mallory@example.org\",03/04/2026,,terminate\n{BOB}"),
    );
    fs::set_permissions(drop.path("leavers.csv"), fs::Permissions::from_mode(0o640)).unwrap();
    let delivery = drop.settled().await.remove(0);
    assert_eq!(delivery.signals.len(), 2);
    assert_eq!(delivery.refused.len(), 1);
    assert_eq!(delivery.refused[0].place, "line 3");
    assert!(!delivery.refused[0].why.contains("mallory"));
    drop.store(&delivery).await;
    assert_eq!(
        drop.only("quarantine", ".csv"),
        "why,employee_id,email,last_working_day,timezone,action\n\
         line 3: last_working_day is not a day of the calendar written as YYYY-MM-DD,'=1+1,mallory@example.org,03/04/2026,,terminate\n"
    );
    let name = &drop.names("quarantine")[0];
    let hash = delivery.digest.unwrap();
    assert!(name.starts_with(&format!("leavers.{:02x}{:02x}", hash[0], hash[1])), "{name}");
    let mode = fs::metadata(drop.path("quarantine").join(name)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640, "whoever could read the file can read what was put aside");
    assert_eq!(drop.names("archive").len(), 1);

    // Corrected there and dropped again, it goes through.
    let corrected = drop
        .only("quarantine", ".csv")
        .replace("03/04/2026", "2026-04-03")
        .replace("'=1+1", "4713");
    drop.put("corrected.csv", corrected);
    let delivery = drop.settled().await.remove(0);
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_file_with_too_many_malformed_rows_is_rejected_whole() {
    let drop = Drop::new();
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{}", "x,,,,\n".repeat(4)));
    let delivery = drop.settled().await.remove(0);
    assert!(refusal(&delivery).contains("4 of 5 rows are malformed"));
    drop.store(&delivery).await;
    let reason = drop.only("quarantine", ".reason.txt");
    assert!(
        reason.contains("Nothing in it was acted on") && reason.contains("line 6: "),
        "{reason}"
    );
    assert_eq!(drop.names("archive"), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn files_of_a_wrong_form_are_rejected_with_the_reason_beside_them() {
    let header = format!("{HEADER}{ALICE}").replace(',', ";");
    let latin1 = [HEADER.as_bytes(), b"1,m\xfcller@example.org,2026-03-31,,terminate\n"].concat();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(HEADER.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for (bytes, why) in [
        (header.into_bytes(), "semicolon"),
        (latin1, "not UTF-8"),
        (utf16, "UTF-16"),
        (b"name,salary\n".to_vec(), "header"),
        (Vec::new(), "empty"),
    ] {
        let drop = Drop::new();
        drop.put("leavers.csv", bytes);
        let mut deliveries = drop.settled().await;
        if deliveries.is_empty() {
            tokio::time::advance(SETTLE * 9).await;
            deliveries = drop.poll().await;
        }
        assert!(refusal(&deliveries[0]).contains(why), "{deliveries:?}");
        drop.store(&deliveries[0]).await;
        assert!(drop.only("quarantine", ".reason.txt").contains(why));
        assert_eq!(drop.names(""), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn links_pipes_and_folders_are_refused_and_put_aside_unread() {
    let drop = Drop::new();
    let secret = drop.path("secret.txt");
    drop.put("secret.txt", format!("{HEADER}{ALICE}"));
    symlink(&secret, drop.path("link.csv")).unwrap();
    symlink("nowhere", drop.path("dangling.csv")).unwrap();
    fs::create_dir(drop.path("folder.csv")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        drop.path("pipe.csv"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut deliveries = drop.poll().await;
    deliveries.sort_by(|a, b| a.name.cmp(&b.name));
    let said: Vec<_> = deliveries.iter().map(refusal).collect();
    for (said, expected) in said.iter().zip(["symbolic link", "folder", "symbolic link", "pipe"]) {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(said.len(), 4);
    for delivery in &deliveries {
        assert_eq!(delivery.digest, None);
        drop.store(delivery).await;
        drop.store(delivery).await;
    }
    assert_eq!(drop.names(""), ["secret.txt"]);
    assert!(
        fs::symlink_metadata(drop.path("quarantine/link.unread-1.csv"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(drop.poll().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_100_mb_is_refused_without_being_read() {
    let drop = Drop::new();
    drop.put("huge.csv", HEADER);
    File::options()
        .write(true)
        .open(drop.path("huge.csv"))
        .unwrap()
        .set_len(100 * 1024 * 1024)
        .unwrap();
    let accessed = |path: &Path| fs::metadata(path).unwrap().atime_nsec();
    let before = accessed(&drop.path("huge.csv"));
    let delivery = drop.settled().await.remove(0);
    assert!(refusal(&delivery).contains("larger than 64 MiB"));
    assert_eq!(delivery.digest, None, "nothing was read that could be hashed");
    assert_eq!(accessed(&drop.path("huge.csv")), before);
    drop.store(&delivery).await;
    assert_eq!(drop.names("quarantine"), ["huge.unread-1.csv", "huge.unread-1.reason.txt"]);
}

#[tokio::test(start_paused = true)]
async fn files_come_oldest_first_and_wait_for_the_ones_before_them() {
    let drop = Drop::new();
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
    let drop = Drop::new();
    drop.put("leavers.csv", format!("{HEADER}{ALICE}"));
    let delivery = drop.settled().await.remove(0);
    drop.put("leavers.csv", format!("{HEADER}{ALICE}{BOB}"));
    drop.store(&delivery).await;
    assert_eq!(drop.names("archive"), [] as [&str; 0]);
    let newer = drop.settled().await.remove(0);
    assert_eq!(newer.signals.len(), 2);
    assert_eq!(newer.signals[0], delivery.signals[0]);
}

#[tokio::test(start_paused = true)]
async fn a_name_with_line_breaks_and_escapes_is_shown_escaped_and_archived() {
    let drop = Drop::new();
    let name = "leavers\n\u{1b}[2J\u{202e}.csv";
    drop.put(name, format!("{HEADER}{ALICE}#EOF,rows=1\n"));
    let delivery = drop.one().await;
    assert_eq!(delivery.name.as_deref(), Some("leavers\\n\\u{1b}[2J\\u{202e}.csv"));
    drop.store(&delivery).await;
    assert!(drop.names("archive")[0].starts_with("leavers\\n\\u{1b}[2J\\u{202e}."));
    assert!(!drop.path(name).exists());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_away_is_not_handed_in_again_and_tells() {
    let drop = Drop::new();
    drop.put("archive", "a file where the folder should be");
    drop.put("leavers.csv", format!("{HEADER}{ALICE}#EOF,rows=1\n"));
    let delivery = drop.one().await;
    let error = drop.source.stored(&delivery, &Receipt::default()).await.unwrap_err();
    assert!(format!("{error:#}").contains("stored already"), "{error:#}");
    assert!(
        drop.source.poll(None).await.is_err(),
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
async fn a_folder_that_is_missing_or_open_to_everybody_is_an_error_with_advice() {
    let drop = Drop::new();
    fs::set_permissions(drop.dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = format!("{:#}", drop.source.poll(None).await.unwrap_err());
    assert!(error.contains("chmod o-w"), "{error}");
    fs::set_permissions(drop.dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(drop.poll().await, []);

    let gone = HrCsv::new(Rules::new("hr", drop.path("nowhere")), clock());
    let error = format!("{:#}", gone.poll(None).await.unwrap_err());
    assert!(error.contains("cannot look into the drop folder"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn last_years_leavers_are_held_and_absent_people_are_left_alone() {
    let drop = Drop::with(|rules| rules.settle = Duration::ZERO);
    drop.put(
        "history.csv",
        format!("{HEADER}1,old@example.org,2025-03-31,,terminate\n{ALICE}"),
    );
    let delivery = drop.one().await;
    assert!(matches!(delivery.signals[0].wish, Wish::Hold(_)));
    assert_eq!(delivery.signals[1].wish, Wish::Act);
    drop.store(&delivery).await;
    drop.put("nobody.csv", HEADER);
    let delivery = drop.one().await;
    assert_eq!((delivery.signals.len(), delivery.refused.len()), (0, 0));
}

#[test]
fn a_preview_shows_local_and_utc_times_and_changes_nothing() {
    let drop = Drop::new();
    drop.put(
        "leavers.csv",
        format!("{HEADER}{ALICE}{BOB}3,c@example.org,,,rescind\n4,d@example.org,2024-01-31,,terminate\n5,e,x,,terminate\n"),
    );
    let mut rules = Rules::new("hr", drop.dir.path());
    rules.time_zone = "Europe/Berlin".into();
    let preview = preview(&drop.path("leavers.csv"), &rules, clock().now()).unwrap();
    assert_eq!(preview.rejected, None);
    let times: Vec<_> = preview
        .rows
        .iter()
        .map(|row| {
            (
                row.line,
                row.local.as_deref(),
                row.utc.map(|at| at.to_string()),
                row.hold.is_some(),
            )
        })
        .collect();
    assert_eq!(
        times,
        [
            (
                2,
                Some("2026-04-01T00:00:00+02:00[Europe/Berlin]"),
                Some("2026-03-31T22:00:00.000Z".into()),
                false
            ),
            (
                3,
                Some("2026-04-01T00:00:00+11:00[Australia/Sydney]"),
                Some("2026-03-31T13:00:00.000Z".into()),
                false
            ),
            (4, None, None, false),
            (
                5,
                Some("2024-02-01T00:00:00+01:00[Europe/Berlin]"),
                Some("2024-01-31T23:00:00.000Z".into()),
                true
            ),
        ]
    );
    assert_eq!(preview.refused[0].place, "line 6");
    assert_eq!(drop.names(""), ["leavers.csv"]);
    symlink("leavers.csv", drop.path("link.csv")).unwrap();
    assert!(preview_error(&drop.path("link.csv"), &rules).contains("symbolic link"));
    assert!(preview_error(&drop.path("none.csv"), &rules).contains("no file"));
}

fn preview_error(path: &Path, rules: &Rules) -> String {
    preview(path, rules, clock().now()).unwrap_err().to_string()
}

#[test]
fn the_kind_is_built_from_its_table_and_opens_nothing() {
    let kind = KINDS.iter().find(|kind| kind.name == "hr-csv").unwrap();
    let table = toml::de::DeTable::parse("folder = '/nowhere/hr'\ntime_zone = 'Europe/Berlin'\ninterval = '5s'").unwrap();
    let Ok(Source::Pull(source)) = (kind.build)(&Settings { name: "hr", table }, &Clock::system()) else {
        panic!("it is a source that we look at");
    };
    assert_eq!(source.interval(), Duration::from_secs(5));
    let table = toml::de::DeTable::parse("folder = '/x'\ntime_zone = 'Mars/Olympus'").unwrap();
    assert!((kind.build)(&Settings { name: "hr", table }, &Clock::system()).is_err());
}

//! The same rules for the files that we fetch: a delivery is a file, its sender a folder, and its answer where the file goes.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use revoked::clock::Clock;

use sqlx::{Connection as _, Row as _};

use crate::harness::{DaemonProcess, Installation, InstallationPlan, until};

const SOURCE: &str = r#"
[[source]]
name = "hr"
kind = "hr-csv"
folder = "{folder}/hr"
time_zone = "Europe/Berlin"
interval = "100ms"
settle = "200ms"
"#;

const HEADER: &str = "employee_id,email,last_working_day,timezone,action\n";
/// The rest of a row of somebody who left two days ago.
fn left() -> String {
    let day = Clock::system().now().minus(Duration::from_hours(48)).to_string();
    format!("{},,terminate\n", &day[..10])
}

struct Folder {
    site: Installation,
    running: Option<DaemonProcess>,
}

impl Folder {
    async fn new() -> Self {
        let site = Installation::new(InstallationPlan {
            more: SOURCE,
            policy: "departures_per_hour = \"unlimited\"\ndepartures_per_delivery = \"unlimited\"",
            ..InstallationPlan::default()
        })
        .await;
        fs::create_dir(site.path("hr")).unwrap();
        let running = Some(site.start().await);
        Self { site, running }
    }

    /// Drops a file as a careful exporter does: complete at once.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.site.path("hr.tmp"), text).unwrap();
        fs::rename(self.site.path("hr.tmp"), self.site.path("hr").join(name)).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<PathBuf> {
        let listing = fs::read_dir(self.site.path("hr").join(folder));
        let files = listing.into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).collect()
    }

    /// Waits until nothing waits in the folder any more.
    async fn taken(&self) {
        until("the folder to be empty", async || self.names("").is_empty().then_some(())).await;
    }

    async fn details(&self, kind: &str) -> Vec<String> {
        let mut conn = self.site.sql().await;
        let rows = sqlx::query("SELECT body ->> 'detail' FROM trail WHERE body ->> 'kind' = ? ORDER BY seq");
        let rows = rows.bind(kind).fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn counts(&self) -> (i64, i64) {
        let signals = self.site.count("SELECT count(*) FROM signal WHERE source = 'hr'").await;
        let cases = self.site.count("SELECT count(*) FROM cases WHERE source = 'hr'").await;
        (signals, cases)
    }
}

#[tokio::test]
async fn a_file_that_comes_again_is_harmless_also_after_a_power_cut() {
    let mut folder = Folder::new().await;
    let left = left();
    let text = format!("{HEADER}1,user01@example.test,{left}");
    folder.put("leavers.csv", &text);
    folder.taken().await;
    assert_eq!(folder.counts().await, (1, 1));
    folder.put("leavers.csv", &text);
    folder.taken().await;
    folder.running.take().unwrap().kill().await;
    folder.put("under-another-name.csv", &text);
    folder.running = Some(folder.site.start().await);
    folder.taken().await;
    assert_eq!(folder.counts().await, (1, 1));
    assert!(folder.site.alerts().await.is_empty());
}

#[tokio::test]
async fn a_file_stays_where_it_is_until_it_is_stored() {
    let mut folder = Folder::new().await;
    let left = left();
    let mut other = folder.site.sql().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    folder.put("leavers.csv", format!("{HEADER}1,user01@example.test,{left}"));
    // The daemon cannot store it, and so may not take it away; not even when its power is cut.
    let gone = async { folder.taken().await };
    assert!(tokio::time::timeout(Duration::from_secs(1), gone).await.is_err());
    folder.running.take().unwrap().kill().await;
    lock.rollback().await.unwrap();
    assert_eq!(folder.names("").len(), 1);
    folder.running = Some(folder.site.start().await);
    folder.taken().await;
    assert_eq!(folder.counts().await, (1, 1));
}

#[tokio::test]
async fn what_is_no_file_of_leavers_is_put_aside_on_record_and_half_a_row_is_nobody() {
    let folder = Folder::new().await;
    let left = left();
    fs::write(
        folder.site.path("hr").join("half.csv"),
        format!("{HEADER}1,user01@example.test,{left}2,user02@exa"),
    )
    .unwrap();
    let cases: [(&str, Vec<u8>); 5] = [
        (
            "not-text.csv",
            [HEADER.as_bytes(), b"1,\xff\xfe@example.test,2026-03-31,,terminate\n"].concat(),
        ),
        ("no-header.csv", format!("1,user01@example.test,{left}").into_bytes()),
        (
            "packed.csv",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\n".to_vec(),
        ),
        (
            "unknown-column.csv",
            format!("{}\n", HEADER.replace("action", "acton").trim_end()).into_bytes(),
        ),
        (
            "line\nbreak.csv",
            format!("{HEADER}1,user01@example.test,{left}").into_bytes(),
        ),
    ];
    for (name, text) in &cases {
        folder.put(name, text);
    }
    // A file that ends within a line waits for its rest, and is taken without that line when no more comes.
    folder.taken().await;
    assert!(folder.site.alerts().await.contains(&"quarantine".to_owned()));
    assert_eq!(
        folder
            .site
            .count("SELECT count(*) FROM person WHERE subject LIKE '%user02%'")
            .await,
        0
    );
    let details = folder.details("file.quarantined").await;
    assert!(details.len() >= 5, "{details:#?}");
    for detail in &details {
        assert!(!detail.contains("user01") && !detail.contains('\n'), "{detail}");
    }
    let log = folder.site.log();
    assert!(
        log.lines().all(|line| line.starts_with('{')),
        "a file's name broke a line of the log"
    );
}

#[tokio::test]
async fn rows_that_are_bad_are_put_aside_and_those_beside_them_are_taken() {
    let folder = Folder::new().await;
    let left = left();
    let mut rows = String::new();
    for n in 1..=9 {
        let _ = write!(rows, "{n},user0{n}@example.test,{left}");
    }
    rows.push_str("=HYPERLINK(\"http://evil.example/\"),user10@example.test,2026-03-31,,terminate\n");
    rows.push_str("11,user11@example.test,31/03/2026,,terminate\n");
    rows.push_str("12,user12@example.test,9999-99-99,,terminate\n");
    folder.put("leavers.csv", format!("{HEADER}{rows}"));
    folder.taken().await;
    let (signals, _) = folder.counts().await;
    assert!((9..=10).contains(&signals), "{signals} were taken");
    let refused = folder.details("file.quarantined").await;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(!refused[0].contains("user1") && !refused[0].contains("evil"), "{refused:?}");
    for path in folder.names("quarantine") {
        let text = fs::read_to_string(path).unwrap();
        let armed = text.lines().flat_map(|line| line.split(',')).any(|cell| {
            let cell = cell.trim_start_matches('"');
            cell.starts_with(['=', '@', '\t'])
                || (cell.starts_with(['+', '-']) && cell.len() > 1 && !cell.as_bytes()[1].is_ascii_digit())
        });
        assert!(!armed, "a formula would run in a spreadsheet: {text}");
    }
}

//! The drop folder, with real files.

mod drop_folder;
mod exports;
mod full_file;
mod presets;
mod preview;
mod proposals;
mod refused;
mod signatures;
mod statuses;
mod stored;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use revoked::clock::Clock;
use revoked::model::{Delivery, Disposition, Receipt, Timestamp};
use revoked::settings::Settings;
use revoked::sources::hr_csv::{HrCsv, Rules, preview, preview_bytes};
use revoked::sources::{KINDS, Pull, Source};
use tempfile::TempDir;

const HEADER: &str = "employee_id,email,last_working_day,timezone,action\n";
const ALICE: &str = "4711,alice@example.org,2026-03-31,,terminate\n";
const BOB: &str = "4712,bob@example.org,2026-03-31,Australia/Sydney,terminate\n";
const SETTLE: Duration = Duration::from_secs(2);
const ALMOST: Duration = Duration::from_millis(1999);

struct DropFolder {
    dir: TempDir,
    source: HrCsv,
}

impl DropFolder {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Rules)) -> Self {
        Self::at(clock(), change)
    }

    fn at(clock: Clock, change: impl FnOnce(&mut Rules)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut rules = Rules::new("hr", dir.path());
        rules.time_zone = "Europe/Berlin".into();
        change(&mut rules);
        let source = HrCsv::new(rules, clock);
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
        self.source.poll(None, &revoked::sources::NoState).await.unwrap()
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

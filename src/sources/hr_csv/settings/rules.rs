//! The settings of one drop folder, checked.

use std::path::PathBuf;
use std::time::Duration;

use minisign_verify::PublicKey;

use crate::model::DateRule;
use crate::sources::hr_csv::format::file_format::FileFormat;

/// The largest file taken, in bytes; a larger one is refused without being read.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Why a larger one is rejected.
pub(in crate::sources::hr_csv) fn too_large() -> String {
    format!("it is larger than {} MiB: split it", LARGEST_FILE >> 20)
}

/// The most rows taken from one file, so that what is held in memory stays bounded.
pub const MOST_ROWS: u64 = 100_000;

/// What the settings of a drop folder come to.
///
/// ```toml
/// [[source]]
/// name = "hr"
/// kind = "hr-csv"
/// folder = "/srv/hr/drop"         # must be there, and not writable by everybody
/// time_zone = "Europe/Berlin"     # of rows that name none; default "UTC"
/// last_day = "inclusive"          # last_working_day is still worked (default), or "exclusive": access ends as it begins
/// interval = "1s"                 # between two looks
/// settle = "2s"                   # how long a file without marker or trailer must stay unchanged; ten times that where it ends in
///                                 # the middle of a line, or does not fit its marker or trailer
/// hold_older_than = "7d"          # departures further in the past wait for a human
/// archive = "archive"             # within the folder, or elsewhere on its file system
/// quarantine = "quarantine"       # likewise
/// full_file = true                # each file names everybody; default false: a file says what changed
/// full_file_apart = "1h"          # who is missing from two files at least so far apart is put before a human
/// full_file_percent = 90          # a file that names fewer than so many of the last one's employments is rejected whole
/// signature = { public_key = "RW…" }  # or { public_key_file = "…" }: a file without a signature by minisign is rejected
/// malformed_rows = 3              # so many malformed rows never reject their file;
/// malformed_percent = 1           # beyond them, a larger share of malformed lines does
/// ```
///
/// How the files are written is another set of keys: see [`FileFormat`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The source's name in the config.
    pub source: String,
    /// The drop folder.
    pub folder: PathBuf,
    /// The IANA zone of rows that name none.
    pub time_zone: String,
    /// What `last_working_day` means.
    pub last_day: DateRule,
    /// The time of the last day at which access ends, as `HH:MM`; `None` for the end of the day.
    pub at: Option<String>,
    /// How long between two looks.
    pub interval: Duration,
    /// How long a file that does not say that it is complete must stay unchanged.
    pub settle: Duration,
    /// Departures further in the past than this wait for a human: most likely somebody exported history.
    pub hold_older_than: Duration,
    /// Where files go that were taken.
    pub archive: PathBuf,
    /// Where files and rows go that were not.
    pub quarantine: PathBuf,
    /// Whether each file names everybody. Even then nobody leaves by being missing: a human is asked.
    pub full_file: bool,
    /// How far apart the two files must be from which somebody is missing.
    pub full_file_apart: Duration,
    /// A full file that names a smaller share of what the last one named is rejected whole.
    pub full_file_percent: u64,
    /// The key with which every file must be signed.
    pub signature: Option<PublicKey>,
    /// This many malformed rows never reject their file.
    pub malformed_rows: u64,
    /// Beyond [`Rules::malformed_rows`], a file is rejected whole when more than this share of its lines is malformed.
    pub malformed_percent: u64,
    /// How the files are written.
    pub format: FileFormat,
}

impl Rules {
    /// The defaults, for a drop folder of that name and place.
    #[must_use]
    pub fn new(source: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self {
            source: source.into(),
            time_zone: "UTC".to_owned(),
            last_day: DateRule::LastDayInclusive,
            at: None,
            interval: Duration::from_secs(1),
            settle: Duration::from_secs(2),
            hold_older_than: Duration::from_hours(7 * 24),
            archive: folder.join("archive"),
            quarantine: folder.join("quarantine"),
            full_file: false,
            full_file_apart: Duration::from_hours(1),
            full_file_percent: 90,
            signature: None,
            malformed_rows: 3,
            malformed_percent: 1,
            format: FileFormat::default(),
            folder,
        }
    }

    /// Whether a file with so many malformed lines among all of its lines is rejected whole.
    #[must_use]
    pub(in crate::sources::hr_csv) const fn too_many(&self, malformed: u64, lines: u64) -> bool {
        malformed > self.malformed_rows && malformed.saturating_mul(100) > lines.saturating_mul(self.malformed_percent)
    }
}

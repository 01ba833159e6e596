//! The keys of a `[[source]]` of this kind, as written, and the rules that they come to.

mod format_keys;
pub(super) mod rules;

pub(super) use format_keys::format_of;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use minisign_verify::PublicKey;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::files::signature;
use super::format::file_format::Undated;
use crate::model::{DateRule, iana_zone, time_of_day};
use crate::settings::{ConfigError, Period, Settings};
use rules::Rules;

/// The table as written. A preset is such a table too, so that each key may be missing.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    folder: Option<PathBuf>,
    time_zone: Option<Spanned<String>>,
    last_day: LastDay,
    at: Option<Spanned<String>>,
    interval: Option<Period>,
    settle: Option<Period>,
    hold_older_than: Option<Period>,
    archive: Option<Spanned<PathBuf>>,
    quarantine: Option<Spanned<PathBuf>>,
    full_file: bool,
    full_file_apart: Option<Period>,
    full_file_percent: Option<u8>,
    signature: Option<Spanned<WrittenSignature>>,
    malformed_rows: Option<u64>,
    malformed_percent: Option<u8>,
    preset: Option<Spanned<String>>,
    separator: Option<Spanned<String>>,
    encoding: Option<Spanned<String>>,
    dates: Option<Spanned<String>>,
    null_dates: Option<Vec<String>>,
    columns: BTreeMap<Spanned<String>, Spanned<Names>>,
    ignore_columns: Option<Vec<String>>,
    status_words: BTreeMap<Spanned<String>, Spanned<Vec<String>>>,
    by_date: Option<bool>,
    undated: Option<Undated>,
    history_before: Option<Spanned<String>>,
    skip_before_header: Option<usize>,
    skip_after_header: Option<usize>,
    header: Option<Spanned<Vec<String>>>,
}

/// One header, or several of which the first that is filled counts.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;

        impl<'de> Visitor<'de> for Wanted {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a column in quotes, or a list of such names")
            }

            fn visit_str<E>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_any(Wanted)
    }
}

impl Rules {
    /// Reads and checks the keys of one `[[source]]`. Opens nothing but the time zone database.
    ///
    /// # Errors
    /// Every complaint that can be found.
    pub fn read(settings: &Settings<'_>) -> Result<Self, Vec<ConfigError>> {
        let mut written: Written = settings.read()?;
        let mut complaints = Vec::new();
        let folder = written.folder.take().unwrap_or_default();
        if folder.as_os_str().is_empty() {
            complaints.push(settings.complain("folder", "the key `folder` is missing: name the drop folder"));
        }
        let mut rules = Self::new(settings.name, folder);
        rules.format = format_keys::read(&mut written, settings, &mut complaints);
        if let Some(zone) = written.time_zone {
            match iana_zone(zone.get_ref()).as_ref().and_then(|zone| zone.iana_name()) {
                Some(name) => name.clone_into(&mut rules.time_zone),
                None => complaints.push(ConfigError::at(
                    zone.span(),
                    format!(
                        "{:?} is not a time zone that this machine knows: write an IANA name such as Europe/Berlin",
                        zone.get_ref()
                    ),
                )),
            }
        }
        if let Some(at) = written.at {
            if time_of_day(at.get_ref()).is_none() {
                complaints.push(ConfigError::at(at.span(), "at must be a time of day such as 17:30"));
            }
            rules.at = Some(at.into_inner());
        }
        for (name, place) in [
            (written.archive, &mut rules.archive),
            (written.quarantine, &mut rules.quarantine),
        ] {
            let Some(name) = name else { continue };
            *place = rules.folder.join(name.get_ref());
            if plain(place) == plain(&rules.folder) {
                complaints.push(ConfigError::at(
                    name.span(),
                    "archive and quarantine must be folders of their own, not the drop folder",
                ));
            }
        }
        if plain(&rules.archive) == plain(&rules.quarantine) {
            complaints.push(settings.complain("quarantine", "archive and quarantine must be two different folders"));
        }
        rules.last_day = match written.last_day {
            LastDay::Inclusive => DateRule::LastDayInclusive,
            LastDay::Exclusive => DateRule::FirstDayInactive,
        };
        for (period, place) in [
            (written.interval, &mut rules.interval),
            (written.settle, &mut rules.settle),
            (written.hold_older_than, &mut rules.hold_older_than),
            (written.full_file_apart, &mut rules.full_file_apart),
        ] {
            *place = period.map_or(*place, |period| period.0);
        }
        if rules.interval < Duration::from_millis(100) {
            complaints.push(settings.complain("interval", "interval must be at least 100ms"));
        }
        rules.full_file = written.full_file;
        if rules.full_file_apart < Duration::from_hours(1) {
            complaints.push(settings.complain(
                "full_file_apart",
                "full_file_apart must be at least 1h: a bad export is often repeated",
            ));
        }
        rules.full_file_percent = written.full_file_percent.map_or(rules.full_file_percent, u64::from);
        if rules.full_file_percent > 100 {
            complaints.push(settings.complain("full_file_percent", "full_file_percent is a share of a hundred: write 90"));
        }
        match written.signature.map(|signature| {
            signature
                .get_ref()
                .key()
                .map_err(|why| ConfigError::at(signature.span(), why))
        }) {
            Some(Ok(key)) => rules.signature = Some(key),
            Some(Err(complaint)) => complaints.push(complaint),
            None => {}
        }
        rules.malformed_rows = written.malformed_rows.unwrap_or(rules.malformed_rows);
        rules.malformed_percent = written.malformed_percent.map_or(rules.malformed_percent, u64::from);
        if complaints.is_empty() { Ok(rules) } else { Err(complaints) }
    }
}

/// The key that files are signed with, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    public_key: Option<String>,
    public_key_file: Option<PathBuf>,
}

impl WrittenSignature {
    fn key(&self) -> Result<PublicKey, String> {
        let text = match (&self.public_key, &self.public_key_file) {
            (Some(text), None) => text.clone(),
            (None, Some(path)) => {
                let read = crate::file_modes::read("the public key in", path)
                    .map_err(|error| crate::model::error_chain(&error).to_string())?;
                String::from_utf8_lossy(&read).into_owned()
            }
            _ => return Err("write signature = { public_key = \"RW…\" } or { public_key_file = \"…\" }".to_owned()),
        };
        signature::public_key(&text).ok_or_else(|| {
            "it is no public key of minisign: write the line that begins with RW, as minisign -G prints it".to_owned()
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum LastDay {
    #[default]
    Inclusive,
    Exclusive,
}

/// A path without `.` in it, for comparison.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::hr_csv::format::file_format::FileFormat;

    fn read(text: &str) -> Result<Rules, Vec<ConfigError>> {
        let table = toml::de::DeTable::parse(text).unwrap();
        Rules::read(&Settings { name: "hr", table })
    }

    #[test]
    fn a_folder_alone_means_the_defaults() {
        assert_eq!(read("folder = '/srv/hr'").unwrap(), Rules::new("hr", "/srv/hr"));
    }

    #[test]
    fn every_setting_is_taken() {
        let rules = read(
            "folder = '/srv/hr'\ntime_zone = 'europe/berlin'\nlast_day = 'exclusive'\nat = '17:30'\ninterval = '5m'\nsettle = '10s'\n\
             hold_older_than = '30d'\narchive = 'done'\nquarantine = '/srv/bad'\nmalformed_rows = 0\nmalformed_percent = 5\n\
             full_file = true\nfull_file_apart = '20h'\nfull_file_percent = 95\nsignature = { public_key = 'RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3' }",
        )
        .unwrap();
        assert_eq!(
            rules,
            Rules {
                source: "hr".into(),
                folder: "/srv/hr".into(),
                time_zone: "Europe/Berlin".into(),
                last_day: DateRule::FirstDayInactive,
                at: Some("17:30".into()),
                interval: Duration::from_mins(5),
                settle: Duration::from_secs(10),
                hold_older_than: Duration::from_hours(30 * 24),
                archive: "/srv/hr/done".into(),
                quarantine: "/srv/bad".into(),
                full_file: true,
                full_file_apart: Duration::from_hours(20),
                full_file_percent: 95,
                signature: signature::public_key("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"),
                malformed_rows: 0,
                malformed_percent: 5,
                format: FileFormat::default(),
            }
        );
    }

    #[test]
    fn all_complaints_come_at_once_with_their_places() {
        let text = "folder = '/srv/hr'\ntime_zone = 'Europe/Berln'\narchive = '.'\nquarantine = '.'";
        let complaints = read(text).unwrap_err();
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert_eq!(&text[complaints[0].span.clone().unwrap()], "'Europe/Berln'");
        assert!(complaints[0].message.contains("Europe/Berlin"));
    }

    #[test]
    fn a_key_that_is_none_and_files_too_close_together_are_refused() {
        for (bad, why) in [
            ("signature = { public_key = 'RWQf' }", "no public key"),
            (
                "signature = { public_key_file = '/nowhere/hr.pub' }",
                "cannot read the public key",
            ),
            ("signature = {}", "public_key_file"),
            ("full_file_apart = '59m'", "at least 1h"),
            ("full_file_percent = 101", "share of a hundred"),
            ("at = '5 pm'", "such as 17:30"),
        ] {
            let complaints = read(&format!("folder = '/x'\n{bad}")).unwrap_err();
            assert!(complaints[0].message.contains(why), "{bad}: {complaints:?}");
        }
    }

    #[test]
    fn a_duration_that_is_none_says_what_to_write() {
        for bad in ["-2s", "fast", "2", ""] {
            let complaints = read(&format!("folder = '/x'\nsettle = '{bad}'")).unwrap_err();
            assert!(complaints[0].message.contains("write one such as"), "{bad:?}: {complaints:?}");
        }
        assert!(read("folder = '/x'\nunknown = 1").is_err());
    }

    #[test]
    fn a_few_malformed_rows_never_reject_a_file() {
        let rules = Rules::new("hr", "/x");
        assert!(!rules.too_many(1, 3));
        assert!(!rules.too_many(3, 3));
        assert!(rules.too_many(4, 399));
        assert!(!rules.too_many(4, 400));
    }
}

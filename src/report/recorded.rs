//! An entry of the trail as it reads, with what reports ask of it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::words::Words;
use crate::model::Timestamp;
use crate::store::{Listed, TrailRow};

/// An entry of the trail.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recorded {
    /// Its number.
    pub(super) seq: u64,
    at: i64,
    /// Its kind: `case.opened`.
    pub(super) kind: String,
    /// Who caused it: `daemon`, `source:idp`, `operator:alice(1000)`.
    pub(super) actor: String,
    /// Its case.
    pub(super) case: Option<i64>,
    /// Its job.
    pub(super) job: Option<i64>,
    /// What stands for the person whom it is about.
    pub(super) subject_ref: Option<String>,
    /// What else it says.
    #[serde(default)]
    pub(super) detail: Value,
}

/// Whether a row of the trail is a decision about this case under this hold.
#[must_use]
pub fn decides(row: &TrailRow, hold: i64, case: i64) -> bool {
    serde_json::from_str::<Recorded>(&row.body).is_ok_and(|entry| entry.decides(&BTreeSet::from([hold]), case))
}

impl Recorded {
    /// Those of these rows that are entries: one that is none carries nothing.
    pub(super) fn read(rows: &Listed<TrailRow>) -> Vec<Self> {
        rows.iter().filter_map(|row| serde_json::from_str(&row.body).ok()).collect()
    }

    /// When it was written.
    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_ms(self.at)
    }

    /// A text of its detail, or nothing at all.
    pub(super) fn text(&self, member: &str) -> &str {
        self.detail[member].as_str().unwrap_or_default()
    }

    /// A number of its detail.
    pub(super) fn number(&self, member: &str) -> Option<i64> {
        self.detail[member].as_i64()
    }

    /// The holds that it is about.
    pub(super) fn holds(&self) -> impl Iterator<Item = i64> {
        let several = self.detail["holds"].as_array().into_iter().flatten();
        self.number("hold").into_iter().chain(several.filter_map(Value::as_i64))
    }

    /// Whether it is a decision about this case under one of these holds, and not of the case's own.
    pub(super) fn decides(&self, holds: &BTreeSet<i64>, case: i64) -> bool {
        self.case.is_none() && self.holds().any(|hold| holds.contains(&hold)) && self.decides_about(case)
    }

    /// Whether a decision about a hold is about this case of it: others may have been taken out, or be decided later.
    fn decides_about(&self, case: i64) -> bool {
        let has = |member: &str| {
            let named = self.detail[member].as_array().into_iter().flatten();
            named.filter_map(Value::as_i64).any(|named| named == case)
        };
        let named = self.detail["numbers"].as_array().map_or(0, Vec::len);
        // Of more than it has room for, an entry names the first.
        let names_all = named > 0 && self.detail["cases"] == named;
        !has("except") && (!names_all || has("numbers"))
    }

    /// An instant of its detail.
    pub(super) fn time(&self, member: &str) -> Option<Timestamp> {
        self.number(member).map(Timestamp::from_ms)
    }

    /// Counts of its detail by kind of grant, those that are none left out.
    pub(super) fn counts(&self, member: &str) -> Vec<(&str, i64)> {
        let counts = self.detail[member].as_object().into_iter().flatten();
        let counts = counts.filter_map(|(kind, count)| Some((kind.as_str(), count.as_i64()?)));
        counts.filter(|(_, count)| *count != 0).collect()
    }

    /// Who caused it, for people.
    pub(super) fn by(&self) -> Words {
        match self.actor.split_once(':') {
            Some(("source", name)) => Words::of("source ").name(name),
            Some(("operator", name)) => Words::of("operator ").name(name),
            _ if self.actor == "daemon" => Words::of("the daemon"),
            _ => Words::outside(&self.actor),
        }
    }

    /// The batch that a signal came in, for people: its id and number; nothing where it came alone, or the entry is older than this.
    pub(super) fn batch(&self) -> Option<Words> {
        let number = self.number("batch");
        match self.text("list") {
            "" => number.map(|number| Words::of(format!("number {number}"))),
            list => {
                let number = number.map_or(String::new(), |number| format!(", number {number}"));
                Some(Words::default().name(list).and(number))
            }
        }
    }

    /// `: ` and the text of its detail, where there is one.
    pub(super) fn because(&self, member: &str) -> Words {
        match self.text(member) {
            "" => Words::default(),
            why => Words::of(": ").name(why),
        }
    }
}

/// `4 sessions, 1 access token`; nothing where nothing is counted.
pub(super) fn counted(counts: &[(&str, i64)]) -> Words {
    let parts = counts.iter().map(|(kind, count)| {
        let end = if *count == 1 || kind.ends_with('s') { "" } else { "s" };
        Words::of(format!("{count} ")).word(kind).and(end)
    });
    Words::joined(parts, ", ")
}

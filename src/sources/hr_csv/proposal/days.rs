//! In which form the days of a file may be written.

use std::collections::BTreeMap;

use crate::sources::hr_csv::format::dates::{DateFormat, Dates, KNOWN};

/// A day from this year on that many rows share stands for none more likely than not.
const FAR: i16 = 2050;

/// What the days of a file look like.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// How many cells hold a day.
    pub seen: u64,
    /// The cells that stand for no day, with how often.
    pub none: BTreeMap<String, u64>,
    /// The forms in which every one of them is a day.
    pub fits: Vec<&'static str>,
    /// Days far ahead that several rows share, as written.
    pub far: Vec<(String, u64)>,
    /// Some of the days, as written.
    pub samples: Vec<String>,
}

impl Days {
    /// Looks at the cells of the columns that hold days.
    pub(super) fn of<'c>(cells: impl Iterator<Item = &'c str>) -> Self {
        let dates = Dates::default();
        let mut days = Self::default();
        let mut values: BTreeMap<&str, u64> = BTreeMap::new();
        for cell in cells.map(str::trim).filter(|cell| !cell.is_empty()) {
            if dates.is_none(cell) {
                *days.none.entry(cell.chars().take(40).collect()).or_default() += 1;
            } else {
                *values.entry(cell).or_default() += 1;
                days.seen += 1;
            }
        }
        days.samples = values.keys().take(3).map(|value| value.chars().take(40).collect()).collect();
        if values.is_empty() {
            return days;
        }
        let forms = KNOWN
            .iter()
            .filter_map(|written| Some((*written, DateFormat::parse(written)?)));
        let fitting: Vec<_> = forms
            .filter(|(_, format)| values.keys().all(|value| format.read(value).is_some()))
            .collect();
        if let Some((_, format)) = fitting.first() {
            let far = values
                .iter()
                .filter(|(value, count)| **count > 2 && format.read(value).is_some_and(|day| day.year() >= FAR));
            days.far = far.map(|(value, count)| ((*value).to_owned(), *count)).collect();
        }
        days.fits = fitting.into_iter().map(|(written, _)| written).collect();
        days
    }

    /// What is to be decided by a person.
    pub(super) fn undecided(&self) -> Vec<String> {
        let mut undecided = Vec::new();
        let samples = self.samples.join(", ");
        match self.fits.as_slice() {
            _ if self.seen == 0 => undecided.push("dates: no row names a day, so that its form cannot be seen".to_owned()),
            [_] => {}
            [] => undecided.push(format!("dates: no form fits all of them ({samples})")),
            several => undecided.push(format!(
                "dates: {} all fit ({samples}): ask what the export is set to",
                several.join(" and ")
            )),
        }
        for (day, count) in &self.far {
            undecided.push(format!(
                "null_dates: {day} stands in {count} rows; name it if it means that there is no last day"
            ));
        }
        undecided
    }
}

//! The pace of bulk work: how many rows one transaction takes, and how long to leave the writer to others after it.
//!
//! What an urgent signal waits for is the transaction that is under way. So a portion is as large as fits a short time on the machine and
//! under the load that there is, and after it others get in before the next.

use std::time::Duration;

/// How long a portion should take.
const AIM: Duration = Duration::from_millis(25);
/// The bounds of its size: below, a commit costs more than its rows; above, nothing is gained.
const SIZES: std::ops::RangeInclusive<usize> = 32..=256;
/// The bounds of the rest after it, which is a quarter of what it took.
const RESTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(25);

/// The pace of one bulk work.
#[derive(Debug)]
pub struct PortionPace {
    size: usize,
}

impl Default for PortionPace {
    fn default() -> Self {
        Self { size: 64 }
    }
}

impl PortionPace {
    /// How many rows the next portion takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sizes the next portion by what one of `rows` took, and answers how long to rest before it.
    pub fn took(&mut self, rows: usize, length: Duration) -> Duration {
        let micros = usize::try_from(length.as_micros()).unwrap_or(usize::MAX).max(1);
        let fits = rows.saturating_mul(AIM.as_micros() as usize) / micros;
        // A short last portion, or one that waited for others, says little about the rows: the size changes by half at most.
        let near = fits.clamp(self.size / 2, self.size + self.size / 2);
        if rows >= self.size / 2 {
            self.size = near.clamp(*SIZES.start(), *SIZES.end());
        }
        (length / 4).clamp(*RESTS.start(), *RESTS.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_takes_about_as_long_as_it_should_whatever_a_row_takes() {
        for (row, size) in [(10, 256), (100, 250), (500, 50), (5000, 32)] {
            let mut pace = PortionPace::default();
            for _ in 0..20 {
                let rows = pace.size();
                let length = Duration::from_micros(row) * u32::try_from(rows).unwrap();
                let rest = pace.took(rows, length);
                let bounds = *RESTS.start()..=length.clamp(*RESTS.start(), *RESTS.end());
                assert!(bounds.contains(&rest), "{rest:?} after {length:?}");
            }
            assert_eq!(pace.size(), size, "rows of {row} µs");
        }
    }

    #[test]
    fn a_few_last_rows_say_nothing_about_the_size() {
        let mut pace = PortionPace::default();
        pace.took(1, Duration::from_secs(1));
        assert_eq!(pace.size(), PortionPace::default().size());
    }
}

//! How late the signals of a source come (ingestion lag): the newest, the median and the longest of the last deliveries.

use std::time::Duration;

use serde::Serialize;

/// How many lags are kept of each source: the newest.
pub const LAGS: u32 = 32;

/// How late the signals of a source come: from what happened to our receipt, in milliseconds. Each delivery counts by its latest signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Lag {
    /// The newest delivery's.
    pub last_ms: u64,
    /// The median of the newest deliveries.
    pub median_ms: u64,
    /// The longest of the newest deliveries.
    pub longest_ms: u64,
    /// How many deliveries that are: at most [`LAGS`].
    pub of: usize,
}

impl Lag {
    /// A lag as the store keeps it: 8 hexadecimal digits, at most 49 days; none for what is dated after its receipt.
    pub(in crate::store) fn written(lag: Duration) -> String {
        format!("{:08x}", u32::try_from(lag.as_millis()).unwrap_or(u32::MAX))
    }

    /// The lags that the store keeps, in the order of their deliveries.
    pub(super) fn read(text: &str) -> Vec<u64> {
        let parts = text.as_bytes().chunks(8).filter_map(|part| str::from_utf8(part).ok());
        parts.filter_map(|part| u64::from_str_radix(part, 16).ok()).collect()
    }

    /// The summary of lags in the order of their deliveries.
    pub(super) fn of(lags: &[u64]) -> Option<Self> {
        let last_ms = *lags.last()?;
        let mut sorted = lags.to_vec();
        sorted.sort_unstable();
        Some(Self {
            last_ms,
            median_ms: sorted[(sorted.len() - 1) / 2],
            longest_ms: sorted[sorted.len() - 1],
            of: sorted.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_read_as_it_was_written() {
        let lags = [0, 7, 1000, 4_294_967_295, 8_000_000_000];
        let text: String = lags.map(|ms| Lag::written(Duration::from_millis(ms))).concat();
        assert_eq!(Lag::read(&text), [0, 7, 1000, 4_294_967_295, 4_294_967_295]);
        assert_eq!(Lag::read(""), [] as [u64; 0]);
        assert_eq!(LAGS * 8, 256, "the store's statement cuts there");
    }

    #[test]
    fn a_lag_is_summed_up_by_the_last_the_median_and_the_longest() {
        assert_eq!(Lag::of(&[]), None);
        let summary = Lag::of(&[9, 1, 1000, 5]).unwrap();
        assert_eq!(
            (summary.last_ms, summary.median_ms, summary.longest_ms, summary.of),
            (5, 5, 1000, 4)
        );
    }
}

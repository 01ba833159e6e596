//! How long something took, of many: by nearest rank, so that each figure is a time that was measured.

use serde::Serialize;

/// Times against a goal, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Distribution {
    /// How many were measured.
    pub n: usize,
    /// Half of them took no longer.
    pub p50_ms: Option<i64>,
    /// Of a hundred 95 took no longer.
    pub p95_ms: Option<i64>,
    /// The longest.
    pub max_ms: Option<i64>,
    /// How long it may take.
    pub goal_ms: i64,
    /// How many missed that, those among them that have not come to it, and are over it by now.
    pub missed: usize,
}

impl Distribution {
    /// Of these times; `missed` is counted by whoever knows what else has missed the goal.
    pub(super) fn of(mut times: Vec<i64>, goal_ms: i64, missed: usize) -> Self {
        times.sort_unstable();
        let rank = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).max(1) - 1;
            times.get(place).copied()
        };
        Self {
            n: times.len(),
            p50_ms: rank(50),
            p95_ms: rank(95),
            max_ms: times.last().copied(),
            goal_ms,
            missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Distribution;

    #[test]
    fn each_figure_is_a_time_that_was_measured() {
        let of = |times: &[i64]| {
            let told = Distribution::of(times.to_vec(), 1000, 0);
            (told.n, told.p50_ms, told.p95_ms, told.max_ms)
        };
        assert_eq!(of(&[]), (0, None, None, None));
        assert_eq!(of(&[7]), (1, Some(7), Some(7), Some(7)));
        assert_eq!(of(&[4, 1, 3, 2]), (4, Some(2), Some(4), Some(4)));
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(of(&hundred), (100, Some(50), Some(95), Some(100)));
        let more: Vec<i64> = (1..=101).collect();
        assert_eq!(of(&more), (101, Some(51), Some(96), Some(101)));
    }
}

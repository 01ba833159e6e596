//! How a batch stands, in words.

use std::time::Duration;

use crate::cli::output::coarse;
use crate::store::{BatchPace, BatchProgress};

/// How many stand how, what has ended well first: `27 contained, 2 nobody, 1 held`.
pub(in crate::cli) fn counts(progress: &BatchProgress) -> String {
    let counted = [
        (progress.verdict("contained"), "contained"),
        (progress.verdict("no_principal"), "nobody"),
        (progress.verdict("unverified"), "unverified"),
        (progress.verdict("residual"), "residual"),
        (progress.verdict("failed"), "failed"),
        (progress.rejected, "rejected"),
        (progress.state("cancelled"), "cancelled"),
        (progress.held, "held"),
        (progress.kept_back, "paused"),
        (progress.at_work(), "at work"),
        (progress.new, "not taken up"),
    ];
    let told: Vec<String> = counted
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    told.join(", ")
}

/// How fast it goes and how long the rest takes: `240 a minute, about 37 m left`.
pub(in crate::cli) fn pace(pace: &BatchPace) -> String {
    let rate = if pace.per_minute < 10.0 {
        format!("{:.1}", pace.per_minute)
    } else {
        format!("{:.0}", pace.per_minute)
    };
    let left = Duration::from_secs(u64::try_from(pace.left_s).unwrap_or_default());
    format!("{rate} a minute, about {} left", coarse(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::BatchStanding;

    #[test]
    fn who_has_ended_is_told_first_and_nobody_twice() {
        let closed = |verdict: &str, people| BatchStanding {
            state: "closed".to_owned(),
            verdict: Some(verdict.to_owned()),
            people,
        };
        let progress = BatchProgress {
            people: 20,
            new: 2,
            rejected: 1,
            unfinished: 9,
            held: 3,
            kept_back: 2,
            cases: vec![closed("contained", 5), closed("failed", 1), closed("no_principal", 2)],
            ..BatchProgress::default()
        };
        assert_eq!(
            counts(&progress),
            "5 contained, 2 nobody, 1 failed, 1 rejected, 3 held, 2 paused, 4 at work, 2 not taken up"
        );
        let told = |per_minute, left_s| pace(&BatchPace { per_minute, left_s });
        assert_eq!(told(240.4, 2220), "240 a minute, about 37 m left");
        assert_eq!(told(0.5, 60), "0.5 a minute, about 60 s left");
    }
}

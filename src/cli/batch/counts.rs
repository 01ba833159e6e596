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

/// How fast it goes and how long the rest takes: `240 a minute, about 37 min left`.
pub(in crate::cli) fn pace(pace: &BatchPace) -> String {
    let rate = if pace.per_minute < 10.0 {
        format!("{:.1}", pace.per_minute)
    } else {
        format!("{:.0}", pace.per_minute)
    };
    let left = Duration::from_secs(u64::try_from(pace.left_s).unwrap_or_default());
    format!("{rate} a minute, about {} left", coarse(left))
}

//! What is to be said of a departure beside its state: why it waits, what waits beside it, and that its account is suspended already.

use crate::cli::output::LocalTimes;
use crate::store::DepartureView;

/// A change of it that a human is to decide about, and a suspension of an earlier day that stands.
pub(super) fn remarks(departure: &DepartureView, times: &LocalTimes) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(change) = &departure.change {
        let show = change
            .hold
            .map_or_else(|| "revoked hold list".to_owned(), |hold| format!("revoked hold show {hold}"));
        remarks.push(format!(
            "a change to {} waits for a decision: {show}",
            times.time(change.acts_at)
        ));
    }
    if let Some(case) = departure.suspended_by {
        remarks.push(format!(
            "the account is suspended since it was carried out on an earlier day: revoked release {case}"
        ));
    }
    remarks
}

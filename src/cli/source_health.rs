//! How the sources are: in cells, for `revoked source list`, and what the daemon cannot read, for that and `revoked check`.

use std::collections::BTreeMap;

use super::output::{plain, span};
use crate::store::{SourceHealth, Store};

/// The most causes of refusal that are named.
const NAMED: usize = 4;

/// Of each source that the daemon could not look at, what the open alert says.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn unreadable(store: &Store) -> anyhow::Result<BTreeMap<String, String>> {
    let alerts = store.alerts(false).await?.rows.into_iter();
    let of_sources = alerts.filter(|alert| alert.kind == "source_unreadable").filter_map(|alert| {
        let source = alert.key.strip_prefix("source:")?.to_owned();
        Some((source, alert.summary))
    });
    Ok(of_sources.collect())
}

/// How late its signals come: `340 ms (median 300 ms, longest 2.1 s)`.
pub(super) fn lag(source: &SourceHealth) -> Option<String> {
    let of = |ms: u64| span(std::time::Duration::from_millis(ms));
    let lag = source.lag?;
    Some(format!(
        "{} (median {}, longest {})",
        of(lag.last_ms),
        of(lag.median_ms),
        of(lag.longest_ms)
    ))
}

/// What was refused, the most frequent cause first: `5: invalid_key 3, media_type 2`.
pub(super) fn refused(source: &SourceHealth) -> Option<String> {
    let mut causes: Vec<(&String, i64)> = source.refused.iter().map(|(code, refusals)| (code, refusals.times)).collect();
    let all: i64 = causes.iter().map(|(_, times)| times).sum();
    causes.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let mut named: Vec<String> = causes
        .iter()
        .take(NAMED)
        .map(|(code, times)| format!("{} {times}", plain(code)))
        .collect();
    if causes.len() > NAMED {
        named.push("…".to_owned());
    }
    (all > 0).then(|| format!("{all}: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::store::{Lag, Refusals};

    const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

    #[test]
    fn the_lag_and_what_was_refused_are_told_in_one_cell_each() {
        let mut source = SourceHealth {
            source: "idp".to_owned(),
            since: NOW,
            spoke_at: None,
            signal_at: None,
            verified_at: None,
            looked_at: None,
            lag: None,
            refused: std::collections::BTreeMap::new(),
            alerted_at: None,
            mode: "act".to_owned(),
            mode_since: None,
        };
        assert_eq!((lag(&source), refused(&source)), (None, None));
        source.lag = Some(Lag {
            last_ms: 340,
            median_ms: 300,
            longest_ms: 2_100,
            of: 7,
        });
        for (code, times) in [("media_type", 2), ("invalid_key", 3)] {
            source.refused.insert(code.to_owned(), Refusals { times, last_at: NOW });
        }
        assert_eq!(lag(&source).unwrap(), "340 ms (median 300 ms, longest 2.1 s)");
        assert_eq!(refused(&source).unwrap(), "5: invalid_key 3, media_type 2");
    }
}

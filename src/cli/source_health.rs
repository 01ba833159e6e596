//! How the sources are, in words and cells: for `revoked status` and `revoked source list`.

use super::output::{plain, span};
use crate::model::Timestamp;
use crate::store::SourceHealth;

/// The most causes of refusal that are named.
const NAMED: usize = 4;

/// One line about a source: `idp spoke 3 m 12 s ago, verified 5 m 0 s ago; lag 340 ms (median 300 ms, longest 2.1 s); refused 3: …`.
pub(super) fn sentence(source: &SourceHealth, now: Timestamp) -> String {
    let ago = |at: Timestamp| format!("{} ago", span(now.since(at)));
    let mut parts = vec![match source.spoke_at {
        Some(at) => format!("spoke {}", ago(at)),
        None => format!("has not spoken, known for {}", span(now.since(source.since))),
    }];
    parts.extend(
        source
            .signal_at
            .filter(|at| Some(*at) != source.spoke_at)
            .map(|at| format!("last signal {}", ago(at))),
    );
    parts.extend(source.verified_at.map(|at| format!("verified {}", ago(at))));
    parts.extend(source.looked_at.map(|at| format!("looked at {}", ago(at))));
    let mut text = format!("{} {}", plain(&source.source), parts.join(", "));
    if let Some(lag) = lag(source) {
        text.push_str("; lag ");
        text.push_str(&lag);
    }
    if let Some(refused) = refused(source) {
        text.push_str("; refused ");
        text.push_str(&refused);
    }
    text
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
    use crate::store::{Lag, Refusals};

    const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

    fn source() -> SourceHealth {
        SourceHealth {
            source: "idp".to_owned(),
            since: Timestamp::from_ms(NOW.ms() - 3_600_000),
            spoke_at: None,
            signal_at: None,
            verified_at: None,
            looked_at: None,
            lag: None,
            refused: std::collections::BTreeMap::new(),
            alerted_at: None,
        }
    }

    #[test]
    fn a_source_that_never_spoke_says_since_when_it_is_known() {
        assert_eq!(sentence(&source(), NOW), "idp has not spoken, known for 1 h 0 m");
    }

    #[test]
    fn a_sentence_holds_all_that_is_known() {
        let at = |ago: i64| Some(Timestamp::from_ms(NOW.ms() - ago));
        let refusals = |times: i64| Refusals { times, last_at: NOW };
        let mut source = source();
        (source.spoke_at, source.signal_at) = (at(3_000), at(90_000));
        (source.verified_at, source.looked_at) = (at(4_000), at(500));
        source.lag = Some(Lag {
            last_ms: 340,
            median_ms: 300,
            longest_ms: 2_100,
            of: 7,
        });
        source.refused.insert("media_type".to_owned(), refusals(2));
        source.refused.insert("invalid_key".to_owned(), refusals(3));
        assert_eq!(
            sentence(&source, NOW),
            "idp spoke 3.0 s ago, last signal 1 m 30 s ago, verified 4.0 s ago, looked at 500 ms ago; \
             lag 340 ms (median 300 ms, longest 2.1 s); refused 5: invalid_key 3, media_type 2"
        );
    }
}

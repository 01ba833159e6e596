//! Which entries are not there that `trail show` was to show: the next one in their place would be a wrong answer.

use crate::store::{Store, TrailFilter, TrailRow, UnreadableRow};

/// Entries that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// The entry that follows them.
    pub(super) before: u64,
    /// What is said of them.
    pub(super) what: String,
}

impl Missing {
    /// Those from `from` on up to the one before `before`.
    fn between(from: u64, before: u64) -> Self {
        let which = match before.saturating_sub(from) {
            0 | 1 => format!("entry {from} is missing"),
            _ => format!("entries {from} to {} are missing", before - 1),
        };
        let what = format!("{which}: somebody has deleted what stood there (revoked trail verify)");
        Self { before, what }
    }
}

/// Which entries are missing around those that are `shown` or `unreadable`, where `more` says whether others were left out, and the trail had
/// `head` entries before they were read. Where everything is asked for, each gap shows; of a choice only the entry that was named is looked for.
pub(super) async fn missing(
    store: &Store,
    filter: &TrailFilter,
    (shown, unreadable): (&[TrailRow], &[UnreadableRow]),
    (more, head): (bool, u64),
) -> anyhow::Result<Vec<Missing>> {
    let from = filter.from;
    if from > 0 && from >= head && shown.is_empty() && unreadable.is_empty() {
        let end = match head.checked_sub(1) {
            None => "the trail has no entries".to_owned(),
            Some(last) => format!("the trail ends with entry {last}"),
        };
        let what = format!("entry {from}: there is none of that number; {end}");
        return Ok(vec![Missing { before: from, what }]);
    }
    if *filter == everything(filter) {
        let seen = shown.iter().map(|row| row.seq);
        let named = unreadable.iter().filter_map(|row| row.row.parse().ok());
        let mut there: Vec<u64> = seen.chain(named).collect();
        there.sort_unstable();
        let begin = (!(filter.newest && more)).then_some(from);
        let end = (filter.newest || !more).then_some(head);
        return Ok(gaps(&there, begin, end));
    }
    if from == 0 {
        return Ok(Vec::new());
    }
    let of_that_number = TrailFilter {
        from,
        limit: 1,
        ..TrailFilter::default()
    };
    let found = store.trail_search(&of_that_number).await?;
    let is_there = !found.unreadable.is_empty() || found.rows.first().is_some_and(|row| row.seq == from);
    Ok(if is_there {
        Vec::new()
    } else {
        vec![Missing::between(from, from.saturating_add(1))]
    })
}

/// The same filter without any choice among the entries.
fn everything(filter: &TrailFilter) -> TrailFilter {
    TrailFilter {
        from: filter.from,
        limit: filter.limit,
        newest: filter.newest,
        ..TrailFilter::default()
    }
}

/// What lies between the numbers `there`, from `begin` and up to `end` where these are known.
fn gaps(there: &[u64], begin: Option<u64>, end: Option<u64>) -> Vec<Missing> {
    let (mut next, mut gaps) = (begin, Vec::new());
    for seq in there.iter().copied().chain(end) {
        if let Some(from) = next.filter(|from| *from < seq) {
            gaps.push(Missing::between(from, seq));
        }
        next = next.max(Some(seq.saturating_add(1)));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_numbers_is_missing_and_what_was_left_out_is_not() {
        let said = |there: &[u64], begin, end| {
            let gaps = gaps(there, begin, end);
            gaps.into_iter()
                .map(|gap| (gap.before, gap.what.split(':').next().unwrap_or_default().to_owned()))
                .collect::<Vec<_>>()
        };
        assert!(said(&[3, 4, 5], Some(3), Some(6)).is_empty());
        assert!(said(&[3, 4, 5], None, None).is_empty());
        // Appended since the head was read.
        assert!(said(&[3, 4, 5], Some(3), Some(4)).is_empty());
        assert_eq!(said(&[], Some(7), Some(8)), [(8, "entry 7 is missing".to_owned())]);
        assert_eq!(
            said(&[1, 5], Some(0), Some(7)),
            [
                (1, "entry 0 is missing".to_owned()),
                (5, "entries 2 to 4 are missing".to_owned()),
                (7, "entry 6 is missing".to_owned())
            ]
        );
    }
}

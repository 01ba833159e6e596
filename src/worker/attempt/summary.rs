//! One job's evidence from that of several principals.

use crate::model::{Evidence, GrantKind};
use std::collections::BTreeMap;

/// The evidence of two principals as one: counts add up, times are the first or the last.
pub(super) fn joined(one: Evidence, other: Evidence) -> Evidence {
    if one == Evidence::default() {
        return other;
    }
    if other == Evidence::default() {
        return one;
    }
    let mut ended = one.ended;
    ended.extend(other.ended);
    ended.truncate(Evidence::LISTED);
    let mut notes = one.notes;
    for note in other.notes {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let mut requests = one.requests;
    requests.extend(other.requests);
    Evidence {
        principal: match (one.principal, other.principal) {
            (Some(one), Some(other)) => Some(format!("{one}, {other}")),
            (one, other) => one.or(other),
        },
        nameless: one.nameless || other.nameless,
        unclear: one.unclear || other.unclear,
        before: sum(one.before, other.before),
        after: sum(one.after, other.after),
        suspended: (one.suspended.0 && other.suspended.0, one.suspended.1 && other.suspended.1),
        ended,
        ended_count: one.ended_count + other.ended_count,
        before_at: [one.before_at, other.before_at].into_iter().flatten().min(),
        first_revoke_at: [one.first_revoke_at, other.first_revoke_at].into_iter().flatten().min(),
        blocked_at: [one.blocked_at, other.blocked_at].into_iter().flatten().max(),
        after_at: one.after_at.max(other.after_at),
        requests,
        notes,
        not_covered: one.not_covered,
    }
}

fn sum(mut one: BTreeMap<GrantKind, usize>, other: BTreeMap<GrantKind, usize>) -> BTreeMap<GrantKind, usize> {
    for (kind, count) in other {
        *one.entry(kind).or_default() += count;
    }
    one
}

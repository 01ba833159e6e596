//! Which case cannot be tried on which description, and why.

use std::collections::BTreeSet;

/// A case, a description, and why it cannot be tried there.
const EXCUSED: &[(&str, &str, &str)] = &[];

/// Says that these descriptions, and no others, are let off a case.
pub(super) fn only_those_are_excused(case: &str, skipped: &[String]) {
    let excused: BTreeSet<&str> = EXCUSED.iter().filter(|row| row.0 == case).map(|row| row.1).collect();
    let skipped: BTreeSet<&str> = skipped.iter().map(String::as_str).collect();
    assert_eq!(skipped, excused, "{case}: on the left those that were not tried, on the right those that are excused");
    assert!(EXCUSED.iter().all(|(_, _, why)| why.len() > 20), "an excuse says why");
}

//! The run that every kind of source must pass: one table, a row for each kind, and the same demands on all.
//!
//! A new kind is one file in `rows` and one line of its table; a kind without one fails [`every_kind_has_a_row`].

mod burst;
mod checklist;
mod daemon_fixture;
mod durable;
mod fuzz;
mod hr_csv;
mod keys;
mod raw_http;
mod refused;
mod repetition;
mod row;
mod rows;
mod secrets;
mod silence;
mod ssf;

use std::collections::BTreeSet;

use revoked::sources::KINDS;

#[test]
fn every_kind_has_a_row() {
    let known: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let pushed = rows::PUSHED.iter().map(|row| row.kind);
    let listed: Vec<&str> = pushed.chain(rows::OTHERS.iter().map(|(kind, _)| *kind)).collect();
    assert_eq!(listed.len(), known.len(), "a kind stands twice in the tables, or not at all");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), known);
}

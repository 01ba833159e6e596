//! Read-only views for commands, the API and the metrics: by any process that may read the file.
//!
//! [`cases`] by a [`case_filter`] or by [`case_accounts`], [`case_progress`] and since when it [begins](case_begins), [`jobs`], [`lanes`] and why one has [`stopped`], the [`last_looks`] at people and targets, what is at [`work`] and what waits for its
//! day in [`plans`]; how long it took to end access in [`containment`]; [`counts`] for `status` and `/metrics`; [`search`] for a [`search_word`] over everything, [`called`] for whom a bare word
//! means, [`rehearsed`] for what sources would have led to, [`recorded`] for signals that are run through another policy, [`shown_names`] for the name that somebody is shown by. Views of one kind of thing stand with it: holds, departures, backlog.

pub(in crate::store) mod called;
pub(in crate::store) mod case_accounts;
pub(in crate::store) mod case_begins;
pub(in crate::store) mod case_filter;
pub(in crate::store) mod case_progress;
pub(in crate::store) mod cases;
pub(in crate::store) mod containment;
pub(in crate::store) mod counts;
pub(in crate::store) mod jobs;
pub(in crate::store) mod lanes;
pub(in crate::store) mod last_looks;
mod people;
pub(in crate::store) mod plans;
pub(in crate::store) mod recorded;
pub(in crate::store) mod rehearsed;
pub(in crate::store) mod search;
pub(in crate::store) mod search_word;
pub(in crate::store) mod shown_names;
pub(in crate::store) mod stopped;
pub(in crate::store) mod work;

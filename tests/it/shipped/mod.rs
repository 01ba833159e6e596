//! Every shipped description, on a stand-in that replays what a real server said or what the vendor printed, held to one suite.
//!
//! A new description needs a file in `tests/fixtures/described/` and no test of its own. A case that cannot be tried on a description says why in
//! [`excused`]; the table is checked both ways.
//!
//! The stand-in: `recording` (the files), `request_pattern` (which request an answer belongs to), `description` (what it must know of a
//! description), `pages` (lists in pages, good and bad), `stand_in`. `stage` puts a target before it. The cases: `lookups`, `names`, `lists`,
//! `changes`, `answers`.

mod answers;
mod changes;
mod description;
mod excused;
mod lists;
mod lookups;
mod names;
mod pages;
mod recording;
mod request_pattern;
mod stage;
mod stand_in;

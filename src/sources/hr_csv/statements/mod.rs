//! What a file says in the end, as signals. Read `latest` (which row counts for each employment) over `persons` (several employments of
//! one person), then `signals` (a row becomes a signal, a file a delivery), `rescind` (a status that no longer says that an employment
//! ends), `full_file` (files that name everybody, and who is missing from them) and `restated` (rows that were put aside and are said again).

pub(super) mod full_file;
pub(super) mod latest;
pub(super) mod persons;
pub(super) mod rescind;
pub(super) mod restated;
pub(super) mod signals;

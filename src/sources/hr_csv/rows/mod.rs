//! From a file's records to checked rows. Read `contents` (a whole file, and whether it is rejected), `row` (one row), `meaning` (what its
//! action, status or day asks for: a `change_kind`), `subject` (whom it is about), over `fields` (its cells by the names of columns).
//! Why a row is refused stands in `row`; a `row_error` is the form of the answer: what is wrong, and what to write instead; a `refused_row` is
//! the row with it. `urgency` is what the first word of a reason does.

pub(super) mod change_kind;
pub(super) mod contents;
pub(super) mod fields;
pub(super) mod meaning;
pub(super) mod refused_row;
pub(super) mod row;
pub(super) mod row_error;
pub(super) mod subject;
pub(super) mod urgency;

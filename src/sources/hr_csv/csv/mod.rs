//! CSV as bytes and cells, before anything is known of columns: `encoding` (bytes to UTF-8, byte order marks, the line `sep=`), then
//! `csv_reader` (UTF-8 to records, strictly by RFC 4180), and `formula_escape` (cells that a spreadsheet would run).

pub(super) mod csv_reader;
pub(super) mod encoding;
pub(super) mod formula_escape;
